/*
 * The job's row in the journal: intent is on disk before the act, and every change of state is a row and a line. Also
 * the lock that keeps a second worker away from the same device.
 */
#include "job.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct kb_result kb_job_lock_device(struct job *job) {
    struct kb_dir *dir = NULL;
    char *folder = kb_path_join(job->req->home, "locks"), *path = NULL;
    char *name = kb_xasprintf("%s.lock", job->req->udid);
    struct kb_result res = kb_dir_open(folder, true, &dir);
    if (kb_failed(&res)) goto out;
    path = kb_path_join(folder, name);
    res = kb_lock_take(path, false, JOB_LOCK_MS, &job->lock);
    if (kb_is(&res, KB_HOST, KB_HOST_BUSY))
        res = kb_fail(KB_HOST, KB_HOST_BUSY,
                      _("Another kitbench is working on this device; wait until it has ended, then try again"));
out:
    kb_dir_close(dir);
    free(name);
    free(path);
    free(folder);
    return res;
}

static void copy(char *out, size_t room, const char *text) { kb_text_copy(out, room, text ? text : ""); }

static void fill_row(struct job *job, enum kb_job_kind kind) {
    const struct kb_request *req = job->req;
    struct kb_job *row = &job->row;
    char *host = kb_host_name();
    kb_job_new_id(row->id);
    row->kind = kind;
    copy(row->batch, sizeof row->batch, req->batch);
    copy(row->device, sizeof row->device, req->udid);
    copy(row->slot, sizeof row->slot, req->slot);
    copy(row->backup, sizeof row->backup, req->backup);
    copy(row->user, sizeof row->user, req->user);
    copy(row->asset_tag, sizeof row->asset_tag, req->asset_tag);
    copy(row->by, sizeof row->by, req->by);
    row->route = req->route;
    row->source = req->source_state;
    row->target = req->target_state;
    row->same_device = kind == KB_JOB_BACKUP ? KB_YES : KB_UNKNOWN;
    row->columns = req->columns; /* borrowed for the call */
    row->state = KB_STATE_WAITING;
    row->touch = KB_TOUCH_NOTHING;
    row->created_at = row->updated_at = kb_clock_wall();
    snprintf(row->owner, sizeof row->owner, "%ld@%.40s", (long)getpid(), host);
    free(host);
    kb_job_learn_device(job);
}

void kb_job_learn_device(struct job *job) {
    if (job->device.name[0]) copy(job->row.device_name, sizeof job->row.device_name, job->device.name);
    if (job->device.serial[0]) copy(job->row.device_serial, sizeof job->row.device_serial, job->device.serial);
}

/* ---- What earlier runs of this device left ------------------------------------------------------------------------
 */

struct earlier {
    struct job *job;
    struct kb_job jobs[16];
    int count;
};

static bool keep(struct earlier *earlier, const struct kb_job *row) {
    earlier->jobs[earlier->count] = *row;
    earlier->jobs[earlier->count++].columns = NULL; /* the journal's */
    return earlier->count < (int)KB_ARRAY_SIZE(earlier->jobs);
}

static bool is_unfinished(void *arg, const struct kb_job *row) { return kb_state_ended(row->state) || keep(arg, row); }

/* We hold the device's lock, so whoever worked on these is dead. */
static struct kb_result settle_earlier(struct job *job) {
    struct earlier *earlier = kb_xcalloc(1, sizeof *earlier);
    earlier->job = job;
    struct kb_result res = kb_journal_jobs(job->journal, job->req->udid, is_unfinished, earlier);
    for (int i = 0; i < earlier->count && !kb_failed(&res); i++) {
        const struct kb_job *row = &earlier->jobs[i];
        char text[480];
        res = kb_job_settle(job->journal, row);
        kb_job_describe(kb_lang(), row, text, sizeof text);
        kb_job_log(job, "%s: %s", row->id, text);
        /* Nothing was written by it and this run takes its place: it must not wait in the list for ever. */
        if (!kb_failed(&res) && row->touch == KB_TOUCH_NOTHING && row->state != KB_STATE_STEPS &&
            row->kind != KB_JOB_GUIDE) {
            snprintf(text, sizeof text, _("A later run, %s, took its place"), job->row.id);
            res = kb_journal_set_state(job->journal, row->id, KB_STATE_FAILED, text);
        }
    }
    free(earlier);
    return res;
}

static struct kb_result create(void *arg) {
    struct job *job = arg;
    return kb_journal_create_job(job->journal, &job->row);
}

struct kb_result kb_job_begin(struct job *job, enum kb_job_kind kind) {
    struct kb_result res = kb_journal_open(job->req->home, &job->journal);
    if (kb_failed(&res)) return res;
    fill_row(job, kind);
    res = settle_earlier(job);
    job->in_journal = !kb_failed(&res);
    if (!kb_failed(&res)) res = kb_job_event_with(job, KB_EV_START, NULL, create, job);
    job->row.columns = NULL;
    if (kb_failed(&res)) job->in_journal = false;
    return res;
}

static bool is_over(void *arg, const struct kb_job *row) {
    struct earlier *earlier = arg;
    bool counts = !kb_state_ended(row->state) || row->state == KB_STATE_SET_ASIDE;
    if (row->kind == KB_JOB_BACKUP || !counts || kb_streq(row->id, earlier->job->row.id)) return true;
    return keep(earlier, row);
}

struct kb_result kb_job_replace_earlier(struct job *job) {
    struct earlier *earlier = kb_xcalloc(1, sizeof *earlier);
    char text[480];
    earlier->job = job;
    struct kb_result res = kb_journal_jobs(job->journal, job->req->udid, is_over, earlier);
    snprintf(text, sizeof text, _("A later run, %s, took its place"), job->row.id);
    for (int i = 0; i < earlier->count && !kb_failed(&res); i++) {
        enum kb_state next = kb_job_next(earlier->jobs[i].state, KB_EV_REPLACED);
        res = kb_journal_set_state(job->journal, earlier->jobs[i].id, next, text);
    }
    free(earlier);
    return res;
}

/* ---- Moving on ----------------------------------------------------------------------------------------------------
 */

struct entry {
    struct job *job;
    enum kb_state next;
    const char *text;
    struct kb_result (*also)(void *arg);
    void *arg;
};

static struct kb_result write_entry(void *arg) {
    const struct entry *entry = arg;
    const struct kb_job *row = &entry->job->row;
    struct kb_result res = entry->also ? entry->also(entry->arg) : kb_ok();
    if (kb_failed(&res) || (entry->next == row->state && !entry->text)) return res;
    return kb_journal_set_state(entry->job->journal, row->id, entry->next, entry->text ? entry->text : "");
}

struct kb_result kb_job_event_with(struct job *job, enum kb_job_event event, const char *text,
                                   struct kb_result (*also)(void *arg), void *arg) {
    struct entry entry = {job, kb_job_next(job->row.state, event), text, also, arg};
    bool moved = entry.next != job->row.state;
    if (!job->in_journal || (!moved && !text && !also)) return kb_ok();
    struct kb_result res = kb_journal_together(job->journal, write_entry, &entry);
    if (kb_failed(&res)) return res;
    job->row.state = entry.next;
    if (moved && !job->quiet) kb_job_emit(job, kb_line_state(job->req->udid, entry.next));
    return res;
}

struct kb_result kb_job_event(struct job *job, enum kb_job_event event, const char *text) {
    return kb_job_event_with(job, event, text, NULL, NULL);
}

void kb_job_event_or_log(struct job *job, enum kb_job_event event, const char *text) {
    struct kb_result res = kb_job_event(job, event, text);
    if (kb_failed(&res)) kb_job_log(job, "%s", res.text);
}

struct kb_result kb_job_touch(struct job *job, enum kb_touch touch) {
    if (!job->in_journal) return kb_ok();
    struct kb_result res = kb_journal_set_touch(job->journal, job->row.id, touch);
    if (!kb_failed(&res)) job->row.touch = touch;
    return res;
}

void kb_job_end(struct job *job) {
    kb_journal_close(job->journal);
    kb_lock_release(job->lock);
    job->journal = NULL;
    job->lock = NULL;
    job->in_journal = false;
}
