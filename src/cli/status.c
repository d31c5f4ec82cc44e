/* kitbench status: every job, from the journal. */
#include "cli.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_job(const struct kb_cli *cli, const struct kb_job *job) {
    char text[600];
    json_t *object = json_object();
    kb_job_describe(kb_lang(), job, text, sizeof text);
    kb_json_set_text(object, "device", job->device);
    kb_json_set_text(object, "job", job->id);
    kb_json_set_text(object, "batch", job->batch);
    kb_json_set_text(object, "slot", job->slot);
    kb_json_set_text(object, "state", kb_state_name(job->state));
    kb_json_set_text(object, "step", kb_step_name(job->step));
    kb_json_set_text(object, "text", text);
    kb_json_set_time(object, "updated_at", job->updated_at);
    kb_put_json(cli, object);
    json_decref(object);
}

static enum kb_paint paint_of(enum kb_state state) {
    switch (state) {
    case KB_STATE_DONE:
        return KB_PAINT_GOOD;
    case KB_STATE_REFUSED:
    case KB_STATE_FAILED:
    case KB_STATE_SET_ASIDE:
        return KB_PAINT_BAD;
    case KB_STATE_STEPS:
    case KB_STATE_OPERATOR:
        return KB_PAINT_WARN;
    default:
        return KB_PAINT_NONE;
    }
}

static const char *kind_words(enum kb_job_kind kind) {
    static const char *const words[] = {N_("backup"), N_("restore"), N_("iCloud")};
    return _(words[kind]);
}

#define WIDE 100 /* columns from which the time fits too */

static void add_row(struct kb_table *table, const struct kb_cli *cli, const struct kb_job *job, bool slots) {
    char when[KB_HUMAN_ROOM];
    enum kb_paint paint = paint_of(job->state);
    kb_human_time(when, job->updated_at);
    const char *cells[] = {*job->slot ? job->slot : "-",
                           *job->device_name ? job->device_name : job->device,
                           *job->device_serial ? job->device_serial : "-",
                           kind_words(job->kind),
                           kb_state_words(kb_state_name(job->state)),
                           job->step == KB_STEP_NONE ? "-" : kb_step_name(job->step),
                           when};
    kb_table_row(table, cells + !slots, paint ? kb_paint(cli->out_colour, paint) : "");
}

static void tell_table(const struct kb_cli *cli, const struct kb_jobs *jobs) {
    const char *heads[] = {_("SLOT"), _("DEVICE"), _("SERIAL"), _("WHAT"), _("STATE"), _("STEP"), _("CHANGED AT")};
    struct kb_table table;
    struct kb_buf text = {0};
    bool slots = false;
    for (int i = 0; i < jobs->count; i++) slots = slots || *jobs->list[i].slot;
    int columns, rows, count = (int)KB_ARRAY_SIZE(heads) - !slots;
    kb_tty_size(1, &columns, &rows);
    if (columns < WIDE) count--;
    kb_table_init(&table, count, heads + !slots);
    for (int i = 0; i < count; i++) table.keep[i] = i != slots; /* only the name gives way */
    for (int i = 0; i < jobs->count; i++) add_row(&table, cli, &jobs->list[i], slots);
    kb_table_render(&table, columns, kb_paint(cli->out_colour, KB_PAINT_NONE), &text);
    kb_tell(cli, "%.*s", (int)text.size - 1, text.data);
    kb_buf_release(&text);
    kb_table_release(&table);
}

/* A job that was followed by another of its kind is history. */
static bool is_followed(const struct kb_jobs *jobs, int n) {
    for (int i = n + 1; i < jobs->count; i++)
        if (jobs->list[i].kind == jobs->list[n].kind && !strcmp(jobs->list[i].device, jobs->list[n].device))
            return true;
    return false;
}

/* What each device that is not finished is now, and what to do next. */
static void tell_next(const struct kb_cli *cli, const struct kb_jobs *jobs, const struct kb_step_list *steps) {
    for (int i = 0; i < jobs->count; i++) {
        const struct kb_job *job = &jobs->list[i];
        char text[600];
        if (job->state == KB_STATE_DONE) continue;
        if (is_followed(jobs, i) && kb_jobs_current(jobs, steps, job->device) != job) continue;
        kb_job_describe(kb_lang(), job, text, sizeof text);
        kb_tell(cli, "%s%s%s%s: %s", *job->slot ? "[" : "", job->slot, *job->slot ? "] " : "",
                *job->device_name ? job->device_name : job->device, text);
    }
}

int kb_cmd_status(struct kb_cli *cli) {
    struct kb_journal *journal = NULL;
    struct kb_jobs jobs = {0};
    struct kb_step_list steps = {0};
    struct kb_result res = kb_cli_journal(cli, NULL, &journal);
    if (!kb_failed(&res)) res = kb_jobs_load(journal, &jobs);
    if (!kb_failed(&res)) res = kb_steps_load(journal, NULL, &steps);
    if (!kb_failed(&res)) {
        for (int i = 0; i < jobs.count; i++) put_job(cli, &jobs.list[i]);
        if (!jobs.count) kb_say(cli, _("The journal has no job yet."));
        if (jobs.count && !cli->options.json) {
            tell_table(cli, &jobs);
            tell_next(cli, &jobs, &steps);
        }
    }
    kb_jobs_release(&jobs);
    kb_steps_release(&steps);
    kb_journal_close(journal);
    return kb_say_result(cli, &res);
}
