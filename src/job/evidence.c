/*
 * Steps and their evidence: opens a procedure, ticks what a reading of the device proves, and the EVIDENCE task, which
 * also settles a restore that was not confirmed yet.
 */
#include "job.h"
#include <string.h>

struct open_steps {
    enum kb_step steps[KB_STEP_COUNT];
    int count;
};

static bool collect(void *arg, const struct kb_job_step *step) {
    struct open_steps *open = arg;
    if (step->state == KB_STEP_OPEN && open->count < KB_STEP_COUNT) open->steps[open->count++] = step->step;
    return true;
}

static struct kb_result open_steps(struct job *job, struct open_steps *open) {
    memset(open, 0, sizeof *open);
    return kb_journal_steps(job->journal, job->row.id, collect, open);
}

/* What was seen, for the report. */
static const char *seen(enum kb_step step, enum kb_step_state state) {
    if (state == KB_STEP_SKIPPED) return _("The device is set up and does not show this");
    switch (kb_step_evidence(step)) {
    case KB_TICK_IN_ASSISTANT:
        return _("The device was seen in Setup Assistant");
    case KB_TICK_RESTORE_TAKEN:
        return _("The device took the restore");
    case KB_TICK_ONLINE:
        return _("The device has been in the network: it is managed or set up");
    case KB_TICK_MDM:
        return _("The MDM profile is in the device's profile list");
    case KB_TICK_SETUP_DONE:
        return _("The device says that its setup is done");
    case KB_TICK_AGENT_INSTALLED:
        return _("The agent's app is installed");
    case KB_TICK_SUPERVISED:
        return _("The device says that it is supervised");
    default:
        return "";
    }
}

struct kb_result kb_job_tick(struct job *job, const struct kb_device *device, bool restored) {
    struct open_steps open;
    struct kb_result res = open_steps(job, &open);
    for (int i = 0; i < open.count && !kb_failed(&res); i++) {
        enum kb_step_state state = kb_step_judge(open.steps[i], device, restored);
        if (state == KB_STEP_OPEN) continue;
        res = kb_journal_close_step(job->journal, job->row.id, open.steps[i], state, "device", NULL,
                                    seen(open.steps[i], state));
    }
    return res;
}

struct kb_result kb_job_confirm(struct job *job, const enum kb_step *steps, int count) {
    struct kb_result res = kb_journal_open_steps(job->journal, job->row.id, steps, count);
    if (!kb_failed(&res)) res = kb_job_touch(job, KB_TOUCH_CONFIRMED);
    if (!kb_failed(&res)) res = kb_job_event(job, KB_EV_BACK_RESTORED, "");
    if (!kb_failed(&res)) res = kb_job_tick(job, &job->device, true);
    return res;
}

struct kb_result kb_job_finish(struct job *job) {
    struct open_steps open;
    bool done = false;
    struct kb_result res = kb_journal_finish_if_closed(job->journal, job->row.id, &done);
    if (kb_failed(&res)) return res;
    if (done) return kb_job_event(job, KB_EV_STEPS_CLOSED, NULL);
    res = open_steps(job, &open);
    if (kb_failed(&res)) return res;
    if (!open.count) return kb_ok();
    job->row.step = open.steps[0];
    return kb_fail(KB_OPERATOR, KB_ASK_NONE, "%s", kb_step_text(kb_lang(), open.steps[0]));
}

/* ---- The task -----------------------------------------------------------------------------------------------------
 */

/* The device said 0, or the link was lost before it could: now it is here and can be read. */
static struct kb_result settle_restore(struct job *job) {
    struct job_before before;
    const struct kb_job *row = &job->row;
    enum kb_step steps[KB_MAX_PLAN];
    struct kb_result res = kb_job_before_get(job, &before);
    if (kb_failed(&res)) return res;
    enum kb_tri restored = kb_job_was_restored(row->touch == KB_TOUCH_ANSWERED, &before, &job->device);
    if (restored == KB_NO && row->state == KB_STATE_REBOOTING)
        return kb_job_event(job, KB_EV_BACK_NOT_RESTORED,
                            _("The device is back and was not restored; run `kitbench restore` again"));
    if (restored != KB_YES) return kb_ok();
    const struct kb_case *known = kb_case_find(row->source, row->same_device == KB_YES, row->target);
    int count = kb_plan_steps(row->route, known, row->same_device, steps);
    return kb_job_confirm(job, steps, count);
}

/* Also one that was set aside: a device that looked half restored may have finished by itself. */
static bool is_unsettled(const struct kb_job *row) {
    bool waits = row->state == KB_STATE_REBOOTING || row->state == KB_STATE_SET_ASIDE;
    return row->kind == KB_JOB_RESTORE && waits && (row->touch == KB_TOUCH_ASKED || row->touch == KB_TOUCH_ANSWERED);
}

/* A restored device that waits in Setup Assistant has lost our pairing and gives it again without a tap. One try. */
static struct kb_result read_again(struct job *job) {
    const struct kb_device *device = &job->device;
    if (job->req->dry_run || device->trust == KB_TRUST_TRUSTED || device->locked == KB_YES) return kb_ok();
    kb_job_deadline(job, JOB_PAIR_S);
    struct kb_result res = kb_device_pair(job->req->udid, NULL);
    if (kb_failed(&res)) {
        kb_job_log(job, "%s", res.text);
        return kb_ok();
    }
    return kb_job_read_device(job);
}

static struct kb_result settle_and_tick(struct job *job) {
    struct kb_result res = kb_ok();
    if (is_unsettled(&job->row)) {
        res = read_again(job);
        if (!kb_failed(&res) && job->device.trust == KB_TRUST_TRUSTED) res = settle_restore(job);
    } else if (job->row.state == KB_STATE_STEPS) {
        res = kb_job_tick(job, &job->device, job->row.touch >= KB_TOUCH_ANSWERED);
    }
    if (kb_failed(&res) || job->row.state != KB_STATE_STEPS) return res;
    res = kb_job_finish(job);
    return res.domain == KB_OPERATOR ? kb_ok() : res; /* what is open is for `steps` to tell */
}

struct newest {
    struct job *job;
    bool found;
};

static bool has_step(void *arg, const struct kb_job_step *step) {
    (void)step;
    *(bool *)arg = true;
    return false;
}

/* Neither a backup made since nor a restore that was refused before it wrote hides the steps of the one that did. */
static bool counts(struct kb_journal *journal, const struct kb_job *row) {
    bool steps = false;
    if (row->kind == KB_JOB_BACKUP) return false;
    if (row->touch != KB_TOUCH_NOTHING) return true;
    struct kb_result res = kb_journal_steps(journal, row->id, has_step, &steps);
    return !kb_failed(&res) && steps;
}

static bool is_newest(void *arg, const struct kb_job *row) {
    struct newest *newest = arg;
    if (!counts(newest->job->journal, row)) return true;
    newest->job->row = *row;
    newest->job->row.columns = NULL; /* the journal's */
    newest->found = true;
    return true;
}

/* Finds the job, and settles what a dead process left of it: we hold the device's lock. */
static struct kb_result find_job(struct job *job, bool *found) {
    struct newest newest = {job, false};
    struct kb_result res = kb_journal_jobs(job->journal, job->req->udid, is_newest, &newest);
    if (!kb_failed(&res) && newest.found) res = kb_job_settle(job->journal, &job->row);
    if (!kb_failed(&res)) res = kb_journal_jobs(job->journal, job->req->udid, is_newest, &newest);
    *found = newest.found;
    return res;
}

struct kb_result kb_job_evidence(struct job *job) {
    job->quiet = true;
    struct kb_result res = kb_job_lock_device(job);
    if (!kb_failed(&res)) res = kb_journal_open(job->req->home, &job->journal);
    if (!kb_failed(&res)) res = find_job(job, &job->in_journal);
    if (!kb_failed(&res)) res = kb_job_read_device(job);
    if (!kb_failed(&res) && job->in_journal) res = settle_and_tick(job);
    if (job->device.udid[0]) kb_job_emit(job, kb_device_to_json(&job->device));
    return res;
}
