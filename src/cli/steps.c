/* kitbench steps: what the operator still has to do, device by device. Looks at the devices first, so that what they
 * show ticks itself. */
#include "resolve.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUX_WAIT_MS 10000

struct work {
    struct kb_jobs jobs;
    struct kb_step_list steps; /* of all jobs */
};

static void work_release(struct work *work) {
    kb_jobs_release(&work->jobs);
    kb_steps_release(&work->steps);
}

static struct kb_result work_load(struct work *work, struct kb_journal *journal) {
    work_release(work);
    struct kb_result res = kb_jobs_load(journal, &work->jobs);
    if (!kb_failed(&res)) res = kb_steps_load(journal, NULL, &work->steps);
    return res;
}

static bool has_open(const struct work *work, const char *udid) {
    const struct kb_job *job = kb_jobs_current(&work->jobs, &work->steps, udid);
    for (int i = 0; job && i < work->steps.count; i++)
        if (!strcmp(work->steps.list[i].job, job->id) && work->steps.list[i].state == KB_STEP_OPEN) return true;
    return job && (job->touch == KB_TOUCH_ASKED || job->touch == KB_TOUCH_ANSWERED);
}

/* Whoever is attached and has something open is read; what the reading shows is in the journal afterwards. */
static struct kb_result look_at_devices(const struct kb_cli *cli, const struct work *work, const char *udid) {
    struct kb_attached *list = kb_xcalloc(KB_MAX_ATTACHED, sizeof *list);
    int count = 0, kept = 0;
    struct kb_result res = kb_mux_list(list, &count, kb_clock_ms() + MUX_WAIT_MS);
    if (kb_failed(&res)) { /* the journal can be read all the same */
        kb_say(cli, _("The devices could not be looked at: %s"), res.text);
        res = kb_ok();
        goto out;
    }
    for (int i = 0; i < count; i++)
        if ((!udid || !strcmp(udid, list[i].udid)) && has_open(work, list[i].udid)) list[kept++] = list[i];
    if (!kept) goto out;
    struct kb_device *devices = kb_xcalloc((size_t)kept, sizeof *devices);
    res = kb_run_probes(cli, KB_TASK_EVIDENCE, list, kept, devices);
    free(devices);
out:
    free(list);
    return res;
}

struct kb_result kb_look_at_device(const struct kb_cli *cli, const char *udid) {
    struct kb_attached *list = kb_xcalloc(KB_MAX_ATTACHED, sizeof *list);
    struct kb_device device;
    int count = 0;
    struct kb_result res = kb_mux_list(list, &count, kb_clock_ms() + MUX_WAIT_MS);
    bool looked = false;
    for (int i = 0; i < count && !kb_failed(&res) && !looked; i++) {
        if (strcmp(list[i].udid, udid)) continue;
        looked = true;
        res = kb_run_probes(cli, KB_TASK_EVIDENCE, &list[i], 1, &device);
    }
    free(list);
    return res.domain == KB_USBMUX ? kb_ok() : res; /* nothing seen is an answer */
}

json_t *kb_step_to_json(const struct kb_job_step *step) {
    json_t *object = json_object();
    kb_json_set_text(object, "device", step->device);
    kb_json_set_text(object, "job", step->job);
    kb_json_set_text(object, "step", kb_step_name(step->step));
    kb_json_set_text(object, "state", kb_step_state_name(step->state));
    kb_json_set_text(object, "text", kb_step_text(kb_lang(), step->step));
    kb_json_set_text(object, "evidence", step->evidence);
    kb_json_set_time(object, "open_since", step->open_since);
    return object;
}

void kb_tell_step(const struct kb_cli *cli, const struct kb_job_step *step) {
    static const char *const marks[] = {"[ ]", "[x]", "[-]"};
    bool open = step->state == KB_STEP_OPEN, colour = cli->out_colour;
    struct kb_buf text = {0};
    int columns, rows;
    char who[256] = "", when[KB_HUMAN_ROOM];
    kb_human_time(when, step->closed_at);
    if (step->state == KB_STEP_DONE && !strcmp(step->evidence, "operator"))
        snprintf(who, sizeof who, _(" (%s, %s)"), step->by, when);
    else if (!open)
        snprintf(who, sizeof who, " (%s)", *step->detail ? step->detail : when);
    columns = 0;
    if (kb_tty_is(1)) kb_tty_size(1, &columns, &rows);
    kb_buf_printf(&text, "  %s ", marks[step->state]);
    char *line = kb_xasprintf("%s: %s%s", kb_step_name(step->step), kb_step_text(kb_lang(), step->step), who);
    kb_text_wrap(&text, line, columns > 40 ? columns - 1 : 100000, 6, 6);
    kb_tell(cli, "%s%s%s", kb_paint(colour, open ? KB_PAINT_STRONG : KB_PAINT_DIM), text.data,
            kb_paint(colour, KB_PAINT_NONE));
    free(line);
    kb_buf_release(&text);
}

static void tell_heading(const struct kb_cli *cli, const struct kb_job *job) {
    const char *name = *job->device_name ? job->device_name : job->device;
    kb_tell(cli, "%s%s%s%s%s%s  %s  %s", kb_paint(cli->out_colour, KB_PAINT_STRONG), *job->slot ? "[" : "", job->slot,
            *job->slot ? "] " : "", name, kb_paint(cli->out_colour, KB_PAINT_NONE), job->device_serial,
            kb_state_words(kb_state_name(job->state)));
}

/* The steps of one job; how many were shown. */
static int show_job(const struct kb_cli *cli, const struct work *work, const struct kb_job *job) {
    int shown = 0;
    for (int i = 0; i < work->steps.count; i++) {
        const struct kb_job_step *step = &work->steps.list[i];
        if (strcmp(step->job, job->id) || (step->state != KB_STEP_OPEN && !cli->options.all)) continue;
        json_t *object = kb_step_to_json(step);
        kb_put_json(cli, object);
        json_decref(object);
        if (cli->options.json) continue;
        if (!shown++) tell_heading(cli, job);
        kb_tell_step(cli, step);
    }
    return shown;
}

/* Open steps count only in a device's current job; --all shows those of the jobs before it too. */
static bool is_shown(const struct kb_cli *cli, const struct work *work, const struct kb_job *job, const char *udid) {
    if (udid && strcmp(udid, job->device)) return false;
    return cli->options.all || kb_jobs_current(&work->jobs, &work->steps, job->device) == job;
}

static void show_all(const struct kb_cli *cli, const struct work *work, const char *udid) {
    int shown = 0;
    for (int i = 0; i < work->jobs.count; i++)
        if (is_shown(cli, work, &work->jobs.list[i], udid)) shown += show_job(cli, work, &work->jobs.list[i]);
    if (cli->options.json) return;
    if (!shown) kb_say(cli, _("No step is open."));
    if (shown && !cli->options.all)
        kb_say(cli, _("What a device shows ticks itself. The rest: kitbench confirm DEVICE STEP --by NAME"));
}

int kb_cmd_steps(struct kb_cli *cli) {
    struct work work;
    struct kb_journal *journal = NULL;
    char udid[KB_UDID_ROOM] = "";
    memset(&work, 0, sizeof work);
    struct kb_result res = kb_cli_journal(cli, NULL, &journal);
    if (!kb_failed(&res)) res = work_load(&work, journal);
    if (!kb_failed(&res) && cli->options.operand_count)
        res = kb_resolve_known(cli, &work.jobs, cli->options.operands[0], udid);
    if (!kb_failed(&res) && !cli->options.offline) {
        res = look_at_devices(cli, &work, *udid ? udid : NULL);
        if (!kb_failed(&res)) res = work_load(&work, journal);
    }
    if (!kb_failed(&res)) show_all(cli, &work, *udid ? udid : NULL);
    work_release(&work);
    kb_journal_close(journal);
    return kb_say_result(cli, &res);
}
