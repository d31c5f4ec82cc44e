/*
 * Is every bit of a backup what it should be: the full verification before anything is sent to a device. It reads the
 * whole folder, so its good end is remembered under KITBENCH_HOME, and 64 devices restored from one backup wait for one
 * verification. What is remembered is only ever a reason not to look twice: it holds for the very same folder (file
 * numbers, sizes, times of all files), for this version, and for some days, because a disk that forgets changes no
 * time. A backup that was made and sealed here counts as just verified.
 */
#include "job.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FRESH_S (7 * 86400)
/* File systems count time in steps of up to 2 s: a younger file may change once more and keep its time. */
#define SETTLE_S 3
#define NOTE_MAX ((size_t)64 * 1024)
#define LOGGED   5 /* findings in the log; `kitbench verify` tells them all */

/* ---- The memory: one small file for each folder ------------------------------------------------------------------ */

/* KITBENCH_HOME/verified/<number of the path><end> */
static char *note_path(const struct job *job, const char *backup, const char *end) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *p = backup; *p; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3); /* FNV-1a; the note has the whole path */
    return kb_xasprintf("%s/verified/%016" PRIx64 "%s", job->req->home, hash, end);
}

static bool says_so(const json_t *note, const char *path, const char *identity) {
    int64_t at = kb_json_get_int(note, "verified_at", -1), now = kb_clock_wall();
    return kb_streq(json_string_value(json_object_get(note, "path")), path) &&
           kb_streq(json_string_value(json_object_get(note, "kitbench")), KB_VERSION) &&
           kb_streq(json_string_value(json_object_get(note, "identity")), identity) && at <= now && now - at < FRESH_S;
}

static bool is_remembered(const struct job *job, struct kb_backup *backup) {
    int64_t newest;
    struct kb_buf text = {0};
    json_t *note = NULL;
    char *path = note_path(job, kb_backup_path(backup), ".json"), *identity = kb_backup_identity(backup, &newest);
    struct kb_result res = identity ? kb_file_load(path, NOTE_MAX, &text) : kb_ok();
    if (!kb_failed(&res) && text.size) note = json_loadb((const char *)text.data, text.size, 0, NULL);
    bool yes = note && says_so(note, kb_backup_path(backup), identity);
    json_decref(note);
    kb_buf_release(&text);
    free(identity);
    free(path);
    return yes;
}

static struct kb_result make_folder(const struct job *job) {
    struct kb_dir *dir = NULL;
    char *folder = kb_path_join(job->req->home, "verified");
    struct kb_result res = kb_dir_open(folder, true, &dir);
    kb_dir_close(dir);
    free(folder);
    return res;
}

void kb_job_remember_whole(struct job *job, struct kb_backup *backup, int64_t looked_at) {
    int64_t newest = 0;
    char *path = note_path(job, kb_backup_path(backup), ".json"), *identity = kb_backup_identity(backup, &newest),
         *text;
    json_t *note = json_object();
    json_object_set_new(note, "path", json_string(kb_backup_path(backup)));
    json_object_set_new(note, "kitbench", json_string(KB_VERSION));
    json_object_set_new(note, "identity", identity ? json_string(identity) : json_null());
    json_object_set_new(note, "verified_at", json_integer(looked_at));
    text = kb_json_line(note);
    if (identity && newest + SETTLE_S <= looked_at) {
        struct kb_result res = make_folder(job);
        if (!kb_failed(&res)) res = kb_file_save(path, text, strlen(text));
        if (kb_failed(&res)) kb_job_log(job, "%s", res.text); /* then the next one looks again */
    }
    json_decref(note);
    free(text);
    free(identity);
    free(path);
}

/* ---- One verification -------------------------------------------------------------------------------------------- */

struct looking {
    struct job *job;
    int told;
};

static void on_finding(void *arg, const struct kb_finding_line *line) {
    struct looking *looking = arg;
    if (looking->told++ < LOGGED) kb_job_log(looking->job, "%s: %s (%s)", line->code, line->text, line->path);
}

static bool on_progress(void *arg, int done_pct, int64_t bytes) {
    struct job *job = ((struct looking *)arg)->job;
    kb_job_progress(job, "verifying", done_pct, bytes);
    return !kb_cancelled(job->cancel);
}

struct kb_result kb_job_verify(struct job *job, struct kb_backup *backup, struct kb_backup_info *info) {
    struct looking looking = {.job = job};
    const struct kb_verify_options options = {false, on_finding, on_progress, &looking};
    struct kb_verification end;
    kb_job_deadline(job, JOB_DISK_S);
    kb_job_progress(job, "verifying", 0, -1);
    struct kb_result res = kb_backup_verify(backup, &options, &end);
    if (kb_cancelled(job->cancel)) return kb_cancel_result();
    if (kb_failed(&res) || end.outcome == KB_OUTCOME_OK || end.outcome == KB_OUTCOME_WARNINGS) return res;
    info->health = end.outcome == KB_OUTCOME_HOSTILE       ? KB_HEALTH_HOSTILE
                   : end.outcome == KB_OUTCOME_INTERRUPTED ? KB_HEALTH_UNFINISHED
                   : end.outcome == KB_OUTCOME_UNREADABLE  ? KB_HEALTH_UNREADABLE
                                                           : KB_HEALTH_DAMAGED;
    kb_text_copy(info->health_text, sizeof info->health_text, end.text);
    return res;
}

/* Whoever comes second waits for the first, and then finds it remembered. */
static struct kb_result take_turn(struct job *job, const char *backup, struct kb_lock **lock) {
    char *path = note_path(job, backup, ".lock");
    struct kb_result res = make_folder(job);
    kb_job_deadline(job, JOB_DISK_S);
    while (!kb_failed(&res)) {
        res = kb_lock_take(path, false, 500, lock);
        if (!kb_is(&res, KB_HOST, KB_HOST_BUSY)) break;
        res = kb_cancelled(job->cancel) ? kb_cancel_result() : kb_ok();
        kb_job_progress(job, "verifying", -1, -1);
    }
    free(path);
    if (kb_failed(&res) &&
        res.domain != KB_CANCELLED) { /* a home that cannot be written: everybody looks for himself */
        kb_job_log(job, "%s", res.text);
        res = kb_ok();
    }
    return res;
}

struct kb_result kb_job_prove_whole(struct job *job, struct job_check *check) {
    struct kb_backup_info *info = &check->info;
    struct kb_lock *lock = NULL;
    if (check->whole || info->health != KB_HEALTH_OK || info->finished != KB_YES) return kb_ok();
    if (job->req->route == KB_ROUTE_ICLOUD) return kb_ok();                        /* none of it goes over the cable */
    if (info->encrypted != KB_NO && info->proof != KB_PROOF_RIGHT) return kb_ok(); /* refused for that already */
    check->whole = is_remembered(job, check->backup);
    if (check->whole) return kb_ok();
    struct kb_result res = take_turn(job, kb_backup_path(check->backup), &lock);
    if (!kb_failed(&res)) check->whole = is_remembered(job, check->backup);
    if (!kb_failed(&res) && !check->whole) {
        int64_t now = kb_clock_wall();
        res = kb_job_verify(job, check->backup, info);
        check->whole = !kb_failed(&res) && info->health == KB_HEALTH_OK;
        if (check->whole) kb_job_remember_whole(job, check->backup, now);
    }
    kb_lock_release(lock);
    return res;
}
