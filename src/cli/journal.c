/* The journal as sub-commands need it: opened, recovered, and read into lists. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static bool add_job(void *arg, const struct kb_job *job) {
    struct kb_jobs *jobs = arg;
    if (jobs->count == jobs->room) {
        jobs->room = jobs->room ? 2 * jobs->room : 16;
        jobs->list = kb_xrealloc(jobs->list, (size_t)jobs->room * sizeof *jobs->list);
    }
    jobs->list[jobs->count] = *job;
    jobs->list[jobs->count++].columns = job->columns ? json_deep_copy(job->columns) : NULL;
    return true;
}

struct kb_result kb_jobs_load(struct kb_journal *journal, struct kb_jobs *jobs) {
    memset(jobs, 0, sizeof *jobs);
    return kb_journal_jobs(journal, NULL, add_job, jobs);
}

void kb_jobs_release(struct kb_jobs *jobs) {
    for (int i = 0; i < jobs->count; i++) json_decref(jobs->list[i].columns);
    free(jobs->list);
    memset(jobs, 0, sizeof *jobs);
}

static bool add_step(void *arg, const struct kb_job_step *step) {
    struct kb_step_list *steps = arg;
    if (steps->count == steps->room) {
        steps->room = steps->room ? 2 * steps->room : 64;
        steps->list = kb_xrealloc(steps->list, (size_t)steps->room * sizeof *steps->list);
    }
    steps->list[steps->count++] = *step;
    return true;
}

struct kb_result kb_steps_load(struct kb_journal *journal, const char *job, struct kb_step_list *steps) {
    memset(steps, 0, sizeof *steps);
    return kb_journal_steps(journal, job, add_step, steps);
}

void kb_steps_release(struct kb_step_list *steps) {
    free(steps->list);
    memset(steps, 0, sizeof *steps);
}

const struct kb_job_step *kb_steps_find(const struct kb_step_list *steps, enum kb_step step) {
    for (int i = 0; i < steps->count; i++)
        if (steps->list[i].step == step) return &steps->list[i];
    return NULL;
}

static bool has_steps(const struct kb_step_list *steps, const char *job) {
    for (int i = 0; i < steps->count; i++)
        if (!strcmp(steps->list[i].job, job)) return true;
    return false;
}

const struct kb_job *kb_jobs_current(const struct kb_jobs *jobs, const struct kb_step_list *steps, const char *udid) {
    for (int i = jobs->count - 1; i >= 0; i--) {
        const struct kb_job *job = &jobs->list[i];
        if (job->kind == KB_JOB_BACKUP || strcmp(job->device, udid)) continue;
        if (job->touch != KB_TOUCH_NOTHING || has_steps(steps, job->id)) return job;
    }
    return NULL;
}

static void say_job(const struct kb_cli *cli, const struct kb_job *job) {
    char text[600];
    const char *name = *job->device_name ? job->device_name : job->device;
    kb_job_describe(kb_lang(), job, text, sizeof text);
    kb_say(cli, "%s%s: %s%s", kb_paint(cli->err_colour, KB_PAINT_WARN), name, text,
           kb_paint(cli->err_colour, KB_PAINT_NONE));
}

/* What recovery changed is what a killed run left. Whether udid was among it. */
static bool say_changes(const struct kb_cli *cli, const struct kb_jobs *before, const struct kb_jobs *after,
                        const char *udid) {
    bool said = false;
    for (int i = 0; i < after->count; i++)
        for (int k = 0; k < before->count; k++) {
            const struct kb_job *now = &after->list[i];
            if (strcmp(now->id, before->list[k].id) || now->state == before->list[k].state) continue;
            say_job(cli, now);
            said = said || kb_streq(now->device, udid);
        }
    return said;
}

/* What an earlier run left on this device, when a person must know it before going on. */
static void say_left(const struct kb_cli *cli, struct kb_journal *journal, const char *udid) {
    struct kb_job job;
    bool found = false;
    struct kb_result res = kb_journal_last_job(journal, udid, &job, &found);
    if (kb_failed(&res) || !found) return;
    bool halfway = job.touch == KB_TOUCH_ASKED || job.touch == KB_TOUCH_ANSWERED;
    if (halfway || job.state == KB_STATE_SET_ASIDE) say_job(cli, &job);
    kb_job_release(&job);
}

struct kb_result kb_cli_journal(const struct kb_cli *cli, const char *udid, struct kb_journal **out) {
    struct kb_journal *journal = NULL;
    struct kb_jobs before = {0}, after = {0};
    struct kb_result res = kb_journal_open(cli->home, &journal);
    if (kb_failed(&res)) return res;
    res = kb_jobs_load(journal, &before);
    if (!kb_failed(&res)) res = kb_job_recover(journal);
    if (!kb_failed(&res)) res = kb_jobs_load(journal, &after);
    if (kb_failed(&res)) goto out;
    if (!say_changes(cli, &before, &after, udid) && udid) say_left(cli, journal, udid);
    *out = journal;
    journal = NULL;
out:
    kb_jobs_release(&before);
    kb_jobs_release(&after);
    kb_journal_close(journal);
    return res;
}
