/*
 * Is a backup whole and unchanged (backup-format.md 9)? In order: the lists, the database, every row with its file, the
 * files' content as far as it can be proved, the seal. Findings come in the order of kb_scan(), whatever the number of
 * threads.
 */
#include <stdlib.h>
#include <string.h>

#include "hasher.h"
#include "profiles.h"
#include "scan.h"
#include "verify.h"
#include "walk.h"

enum { PROGRESS_MS = 100 };

static bool show(struct kb_verify *verify) {
    const struct kb_verify_options *options = verify->options;
    int64_t now = kb_clock_ms();

    if (!options->progress || now - verify->shown_ms < PROGRESS_MS) return true;
    verify->shown_ms = now;
    return options->progress(options->arg, verify->done_pct, verify->hashed);
}

bool kb_verify_go_on(void *arg) { return show(arg); }

/* Links and pipes that took a file's place meanwhile, files that went, disks that fail. */
void kb_verify_unread(struct kb_verify *verify, const struct kb_hash_job *job) {
    const char *label = job->label ? job->label : job->path;
    const struct kb_result *res = &job->result;

    if (kb_is(res, KB_HOST, KB_HOST_NOT_FOUND))
        kb_finding(&verify->findings, KB_OUTCOME_DAMAGED, "missing", label,
                   _("This file is missing; use another copy or make a new backup"));
    else if (kb_is(res, KB_HOST, KB_HOST_REFUSED) || kb_is(res, KB_HOST, KB_HOST_LOOP) ||
             kb_is(res, KB_HOST, KB_HOST_IS_DIR))
        kb_finding(&verify->findings, KB_OUTCOME_HOSTILE, "hostile-file", label,
                   _("Something that is no file stands in a file's place; do not use this folder"));
    else if (kb_is(res, KB_HOST, KB_HOST_DENIED))
        kb_finding(&verify->findings, KB_OUTCOME_UNREADABLE, "denied", label,
                   _("This computer does not let kitbench read a part of the backup; allow it, then try again"));
    else
        kb_finding(&verify->findings, KB_OUTCOME_DAMAGED, "read", label,
                   _("This file cannot be read from the disk; check the disk, then use another copy"));
}

bool kb_verify_ask(struct kb_verify *verify, const char *path, const char *label, const struct kb_promise *promise) {
    struct kb_hash_job *job = kb_hash_job_new(path, label);
    struct kb_promise *copy = kb_xmalloc(sizeof *copy);

    *copy = *promise;
    job->data = copy;
    job->want_sha1 = promise->row && promise->checked.check_digest && !verify->options->quick;
    job->want_sha256 = promise->seal;
    return kb_hasher_add(verify->hasher, job);
}

static bool on_row(void *arg, const struct kb_row *row, const struct kb_stored *stored) {
    struct kb_verify *verify = arg;
    struct kb_promise promise = {.row = true};
    const struct kb_checked *checked = &promise.checked;
    char name[KB_PAYLOAD_NAME], label[KB_LABEL_ROOM];

    kb_check_row(verify->backup, row, stored, &verify->findings, &promise.checked);
    if (!checked->file) return true;
    if (!checked->size_differs && (verify->options->quick || !(checked->check_digest || checked->check_tail)))
        return true;
    kb_verify_seal_add(verify, row->file_id, &promise);
    kb_payload_name(name, row->file_id);
    kb_row_label(row, label);
    return kb_verify_ask(verify, name, label, &promise);
}

static bool on_folder(void *arg, int folder) {
    struct kb_verify *verify = arg;

    verify->done_pct = folder * 99 / KB_WALK_FOLDERS;
    kb_verify_seal_folder(verify, folder);
    return show(verify);
}

/* Without the database nothing says which files belong; encrypted ones can still only have certain lengths. */
static void on_extra(void *arg, const char *file_id, const struct kb_stored *stored) {
    struct kb_verify *verify = arg;
    char name[KB_PAYLOAD_NAME];

    if (!stored->regular) return;
    kb_payload_name(name, file_id);
    if (verify->has_rows)
        kb_finding(&verify->findings, KB_OUTCOME_WARNINGS, "extra", name,
                   _("No row of Manifest.db names this file; it does no harm"));
    else if (kb_backup_is_encrypted(verify->backup) && (stored->size < 16 || stored->size % 16 != 0))
        kb_finding(&verify->findings, KB_OUTCOME_DAMAGED, "length", name,
                   _("This file has been cut short; use another copy or make a new backup"));
}

static bool on_answer(void *arg, struct kb_hash_job *job) {
    struct kb_verify *verify = arg;
    const struct kb_promise *promise = job->data;

    verify->hashed += job->size;
    if (kb_failed(&job->result))
        kb_verify_unread(verify, job);
    else if (promise->row)
        kb_verify_content(verify, job, &promise->checked);
    if (promise->seal) kb_verify_seal_answer(verify, job, promise);
    return show(verify);
}

static struct kb_result scan(struct kb_verify *verify, struct kb_walk *ahead, struct kb_db *db) {
    const struct kb_scan_ops ops = {.row = on_row,
                                    .folder = on_folder,
                                    .extra = on_extra,
                                    .reads_files = !verify->options->quick,
                                    .by_folder = verify->seal != NULL,
                                    .arg = verify};

    verify->has_rows = db != NULL;
    return kb_scan(verify->backup, ahead, db, &ops, &verify->findings, &verify->totals);
}

/* false: the run itself ended (cancelled), which is no finding. */
static bool is_finding(struct kb_verify *verify, const struct kb_result *res) {
    enum kb_outcome outcome = KB_OUTCOME_UNREADABLE;

    if (res->domain == KB_CANCELLED || res->domain == KB_UNEXPECTED) return false;
    if (kb_is(res, KB_STORE, KB_STORE_DAMAGED)) outcome = KB_OUTCOME_DAMAGED;
    if (kb_is(res, KB_STORE, KB_STORE_HOSTILE)) outcome = KB_OUTCOME_HOSTILE;
    kb_finding(&verify->findings, outcome, "database", "Manifest.db", "%s", res->text);
    return true;
}

static struct kb_result open_database(struct kb_verify *verify, struct kb_db **db) {
    struct kb_backup *backup = verify->backup;
    struct kb_result res;

    *db = NULL;
    if (backup->db_state != KB_PLIST_OK || backup->manifest.state != KB_PLIST_OK || kb_backup_is_locked(backup))
        return kb_ok();
    if (kb_outcome_is_worse(verify->findings.worst, KB_OUTCOME_INTERRUPTED)) return kb_ok();
    res = kb_db_open(backup, kb_verify_go_on, verify, db);
    if (!kb_failed(&res)) res = kb_db_check(*db, !verify->options->quick);
    if (kb_failed(&res)) {
        kb_db_close(*db);
        *db = NULL;
    }
    return res;
}

static void judge_management(struct kb_verify *verify, struct kb_db *db) {
    struct kb_profiles profiles;

    if (!db) return;
    kb_profiles_read(verify->backup, db, NULL, &profiles);
    if (profiles.text[0])
        kb_finding(&verify->findings, KB_OUTCOME_WARNINGS, "management", "MDM.plist", "%s", profiles.text);
}

/* A whole seal proves more than the password would. */
static void judge_locked(struct kb_verify *verify) {
    if (!kb_backup_is_locked(verify->backup) || verify->seal_proved) return;
    kb_finding(
        &verify->findings, KB_OUTCOME_LOCKED, "locked", "",
        _("The backup is encrypted, and without its password only counts and lengths could be checked; enter the "
          "password to check all of it"));
}

/* Content: all that is asked for is answered when it returns. */
static struct kb_result look_inside(struct kb_verify *verify, struct kb_walk *ahead, struct kb_db *db) {
    struct kb_result res;

    verify->hasher = kb_hasher_new(verify->backup->dir, KB_VERIFY_THREADS, on_answer, verify);
    kb_verify_seal_open(verify);
    res = scan(verify, ahead, db);
    if (!kb_failed(&res) || is_finding(verify, &res)) {
        res = kb_ok();
        judge_management(verify, db);
        kb_verify_seal_rest(verify);
    }
    if (!kb_hasher_end(verify->hasher) && !kb_failed(&res)) res = kb_cancel_result();
    kb_verify_seal_close(verify);
    return res;
}

static struct kb_result look(struct kb_verify *verify) {
    struct kb_walk *ahead = kb_scan_ahead(verify->backup);
    struct kb_db *db = NULL;
    struct kb_result res = open_database(verify, &db);

    if (!kb_failed(&res) || is_finding(verify, &res))
        res = look_inside(verify, ahead, db);
    else
        kb_walk_free(ahead);
    kb_db_close(db);
    if (!kb_failed(&res)) judge_locked(verify);
    return res;
}

struct kb_result kb_backup_verify(struct kb_backup *backup, const struct kb_verify_options *options,
                                  struct kb_verification *out) {
    struct kb_verify verify = {.backup = backup, .options = options};
    struct kb_result res = kb_ok();

    verify.findings.tell = options->finding;
    verify.findings.arg = options->arg;
    verify.sealed = !options->quick && kb_verify_has_seal(backup);
    kb_folder_judge(backup, &verify.findings);
    /* A hostile folder is refused whole: nothing more of it is touched. */
    if (verify.findings.worst != KB_OUTCOME_HOSTILE) res = look(&verify);
    if (kb_failed(&res)) return res;
    memset(out, 0, sizeof *out);
    out->outcome = verify.findings.worst;
    out->files = verify.totals.files;
    out->bytes = verify.totals.bytes;
    out->findings = verify.findings.count;
    kb_text_copy(out->text, sizeof out->text, verify.findings.text);
    if (options->progress) options->progress(options->arg, 100, verify.hashed);
    return res;
}
