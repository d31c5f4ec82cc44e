/*
 * The BACKUP task: an encrypted backup into the store. It counts when the device said 0, Status says finished, the
 * password opens it, every file is there, and it is sealed. A run that fails leaves the folder: the device resumes from
 * its own Status.plist the next time.
 *
 * Source: protocol.md 3.6, 3.9.
 */
#include "job.h"
#include <stdlib.h>
#include <string.h>

struct run {
    struct job *job;
    struct kb_confined *confined;
    struct job_guard guard;
    struct job_transfer transfer;
    struct kb_buf info;     /* Info.plist */
    struct kb_result proof; /* of the password, as soon as a Manifest.plist has come */
    int64_t started_at, proved_at;
    char *path;             /* store/UDID */
    struct kb_backup *made; /* it, once it is there */
};

/* ---- The device is ready ------------------------------------------------------------------------------------------
 */

static struct kb_result look_ready(struct job *job, void *arg) {
    struct kb_result res = kb_job_read_device(job);
    if (kb_failed(&res)) return res;
    if (job->device.mode == KB_MODE_RESTORE)
        return kb_fail(KB_LOCKDOWN, KB_DEVICE_RESTORE_MODE,
                       _("The device is in recovery; start it normally, then try again"));
    if (job->device.trust != KB_TRUST_TRUSTED) {
        if (job->req->dry_run) return kb_job_ask(KB_ASK_TRUST);
        res = kb_job_look_paired(job, arg);
        if (!kb_failed(&res)) res = kb_job_read_device(job);
        if (kb_failed(&res)) return res;
    }
    return job->device.locked == KB_YES ? kb_job_ask(KB_ASK_UNLOCK) : kb_ok();
}

/* The words of the device's error 212, before hours of waiting. No hand is done with it within --wait. */
static struct kb_result setup_is_done(struct job *job) {
    if (job->device.setup != KB_SETUP_ASSISTANT) return kb_ok();
    struct kb_result res = kb_fail(KB_OPERATOR, KB_ASK_NONE, "%s", kb_backup2_result(kb_lang(), 212, NULL, false).text);
    kb_job_operator(job, kb_step_name(KB_STEP_FINISH_SETUP), res.text);
    return res;
}

static struct kb_result get_ready(struct job *job) {
    struct job_pairing pairing = {0};
    struct kb_result res = kb_job_identity(job, &pairing.identity);
    if (!kb_failed(&res)) res = look_ready(job, &pairing);
    if (res.domain == KB_OPERATOR) {
        res = kb_job_event(job, KB_EV_NEEDS_HAND, NULL);
        if (!kb_failed(&res)) res = kb_job_hands(job, look_ready, &pairing, 30);
    }
    kb_identity_free(pairing.identity);
    kb_job_learn_device(job);
    return kb_failed(&res) ? res : setup_is_done(job);
}

/* ---- The password -------------------------------------------------------------------------------------------------
 */

static struct kb_result have_password(const struct kb_request *req) {
    if (req->password && req->password->size) return kb_ok();
    return kb_fail(KB_PASSWORD, KB_PASSWORD_MISSING,
                   _("A backup needs a password; give it with --password-file or KITBENCH_BACKUP_PASSWORD"));
}

/* The device encrypts already: the last backup in the store tells now whether this password is the one. */
static struct kb_result prove_by_last(struct run *run) {
    struct job *job = run->job;
    struct kb_backup *last = NULL;
    if (job->req->full || job->device.backup_encryption != KB_YES) return kb_ok();
    struct kb_result res = kb_backup_open(run->path, &last);
    if (kb_failed(&res)) return kb_ok();
    kb_job_deadline(job, JOB_KDF_S);
    res = kb_backup_unlock(last, job->req->password, kb_job_kdf_progress, job);
    kb_backup_free(last);
    if (kb_cancelled(job->cancel)) return kb_cancel_result();
    if (!kb_is(&res, KB_PASSWORD, KB_PASSWORD_WRONG)) return kb_ok(); /* plain, or never finished: says nothing */
    return kb_fail(KB_PASSWORD, KB_PASSWORD_WRONG,
                   _("This password does not open this device's last backup; if the device's backup password was "
                     "changed since, use --full"));
}

/* In the middle of a transfer, which keeps its own progress. */
static bool proving_quietly(void *arg, int done_pct) {
    struct job *job = arg;
    (void)done_pct;
    return !kb_cancelled(job->cancel);
}

/* A Manifest.plist has come, with the keybag: the earliest moment at which the device tells which password it uses. */
static struct kb_result on_arrival(void *arg, const char *path) {
    struct run *run = arg;
    if (!kb_streq(kb_path_base(path), "Manifest.plist")) return kb_ok();
    char *file = kb_path_join(run->job->req->store, path);
    run->proof = kb_backup_prove_manifest(file, run->job->req->password, proving_quietly, run->job);
    free(file);
    if (run->proof.domain != KB_PASSWORD) {
        if (kb_failed(&run->proof)) kb_job_log(run->job, "%s", run->proof.text); /* judged when the backup is whole */
        return kb_ok();
    }
    run->proof = kb_fail(KB_PASSWORD, KB_PASSWORD_WRONG,
                         _("The device encrypts with another backup password; use that one, or reset it on the device "
                           "with Reset All Settings"));
    kb_cancel_now(run->job->cancel); /* hours of data that nobody could open: stop here */
    return run->proof;
}

/* ---- The transfer -------------------------------------------------------------------------------------------------
 */

static struct kb_result write_info(struct run *run, const struct kb_files *files) {
    struct kb_file *file = NULL;
    char *path = kb_xasprintf("%s/Info.plist", run->job->req->udid);
    struct kb_result res = files->create(files->ctx, path, &file);
    free(path);
    if (kb_failed(&res)) return res;
    res = files->write(file, run->info.data, run->info.size);
    if (kb_failed(&res)) {
        files->close(file);
        return res;
    }
    return files->commit(file);
}

static struct kb_result before_change(void *arg) {
    struct run *run = arg;
    struct kb_result res = kb_seal_break(run->job->req->store, run->job->req->udid);
    if (!kb_failed(&res)) res = write_info(run, kb_confined_files(run->confined));
    return res;
}

static struct kb_result read_info(struct run *run) {
    struct job *job = run->job;
    int64_t apps = 0;
    kb_job_deadline(job, JOB_DISK_S);
    kb_job_progress(job, "info", -1, -1);
    struct kb_result res = kb_device_info_plist(job->req->udid, run->started_at, job->cancel, &run->info, &apps);
    if (!kb_failed(&res)) kb_job_log(job, "Info.plist: %d apps", (int)apps);
    return kb_job_device_words(res);
}

/* Only a warning: what a device holds and what it puts into a backup differ; the device decides (error 105). */
static void warn_of_space(struct run *run) {
    const struct kb_device *device = &run->job->device;
    const struct kb_files *files = kb_confined_files(run->confined);
    int64_t room = -1;
    struct kb_result res = files->free_space(files->ctx, &room);
    if (kb_failed(&res) || device->capacity_bytes < 0 || device->free_bytes < 0) return;
    int64_t used = device->capacity_bytes - device->free_bytes;
    if (room < used)
        kb_job_log(run->job, _("This computer has %d MB free and the device holds %d MB; the backup may not fit"),
                   (int)(room / 1000000), (int)(used / 1000000));
}

static struct kb_result transfer(struct run *run) {
    struct job *job = run->job;
    struct kb_transfer_end end = {0};
    kb_job_guard_init(&run->guard, kb_confined_files(run->confined), before_change, run);
    kb_confined_on_arrival(run->confined, on_arrival, run);
    kb_job_transfer_init(&run->transfer, job, "backing-up");
    run->transfer.first_is_passcode = true;
    const struct kb_transfer_options options = {
        .udid = job->req->udid,
        .files = &run->guard.files,
        .events = &run->transfer.events,
        .cancel = job->cancel,
        .full = job->req->full,
    };
    struct kb_result res;
    do {
        res = kb_transfer_backup(&options, &end);
    } while (kb_job_transfer_again(&run->transfer, &res));
    if (kb_confined_refused(run->confined))
        kb_job_log(job, "A name that leaves the folder was refused: %s", kb_confined_refused(run->confined));
    if (run->proof.domain == KB_PASSWORD) return run->proof;
    if (!kb_failed(&res)) kb_job_progress(job, "backing-up", 100, end.bytes);
    return kb_job_transfer_words(&run->transfer, res, false);
}

/* ---- Does it count ------------------------------------------------------------------------------------------------
 */

static bool proving(void *arg, int done_pct) {
    struct job *job = arg;
    kb_job_progress(job, "proving", done_pct, -1);
    return !kb_cancelled(job->cancel);
}

static struct kb_result judge_backup(const struct kb_backup_info *info) {
    if (info->health == KB_HEALTH_HOSTILE) return kb_fail(KB_STORE, KB_STORE_HOSTILE, "%s", info->health_text);
    if (info->health != KB_HEALTH_OK) return kb_fail(KB_STORE, KB_STORE_DAMAGED, "%s", info->health_text);
    if (info->finished != KB_YES)
        return kb_fail(KB_STORE, KB_STORE_UNFINISHED,
                       _("The device said the backup is done, but it is not finished; run the backup again"));
    if (info->encrypted != KB_YES)
        return kb_fail(KB_STORE, KB_STORE_DAMAGED,
                       _("The backup is not encrypted; switch encryption on for this device and run the backup again"));
    return kb_ok();
}

/* The transfer is over: every length, every digest that the device gave, every padding. */
static struct kb_result prove(struct run *run, struct kb_backup_info *info) {
    struct job *job = run->job;
    /* Not deep: the verification below looks at the database more thoroughly than that. */
    const struct kb_backup_options options = {job->req->agent_bundle_id, job->req->mdm_profile_identifier,
                                              KB_SOURCE_UNKNOWN, false};
    kb_job_deadline(job, JOB_KDF_S);
    kb_job_progress(job, "proving", 0, -1);
    struct kb_result res = kb_backup_open(run->path, &run->made);
    if (!kb_failed(&res)) res = kb_backup_unlock(run->made, job->req->password, proving, job);
    kb_job_deadline(job, JOB_DISK_S);
    run->proved_at = kb_clock_wall();
    if (!kb_failed(&res)) res = kb_backup_inspect(run->made, &options, info);
    if (!kb_failed(&res)) res = judge_backup(info);
    if (!kb_failed(&res)) res = kb_job_verify(job, run->made, info);
    if (!kb_failed(&res)) res = judge_backup(info);
    return kb_cancelled(job->cancel) ? kb_cancel_result() : res;
}

/* The state of the device as the case table knows it. */
static enum kb_source source_of(const struct kb_device *device) {
    if (device->supervised == KB_YES) return KB_SOURCE_SUPERVISED;
    if (device->supervised != KB_NO || device->mdm == KB_UNKNOWN) return KB_SOURCE_UNKNOWN;
    return device->mdm == KB_YES ? KB_SOURCE_UNSUPERVISED : KB_SOURCE_NO_MDM;
}

static bool sealing(void *arg, int done_pct, int64_t bytes) {
    struct job *job = arg;
    kb_job_progress(job, "sealing", done_pct, bytes);
    return !kb_cancelled(job->cancel);
}

static struct kb_result seal(struct run *run) {
    struct job *job = run->job;
    const struct kb_seal_facts facts = {&job->device, source_of(&job->device), run->started_at, kb_clock_wall(),
                                        job->req->by ? job->req->by : ""};
    kb_job_deadline(job, JOB_DISK_S);
    kb_job_progress(job, "sealing", 0, 0);
    return kb_seal_write(job->req->store, job->req->udid, &facts, sealing, job);
}

/* ---- One run ------------------------------------------------------------------------------------------------------
 */

static struct kb_result open_store(struct run *run) {
    struct kb_dir *store = NULL;
    const struct kb_request *req = run->job->req;
    struct kb_result res = kb_dir_open(req->store, true, &store);
    if (kb_failed(&res)) return kb_while(res, _("Cannot use the store %s"), req->store);
    kb_dir_close(store);
    return kb_confined_open(req->store, req->udid, false, 0, &run->confined);
}

/*
 * "Wrong old password" (207) for a first one: somebody answered the prompt of a run before this, so that encryption is
 * on by now. Which password it is shows with the first Manifest.plist.
 */
static struct kb_result switch_on(struct run *run) {
    struct job *job = run->job;
    struct kb_result res = kb_job_encrypt(job, kb_confined_files(run->confined));
    if (!kb_is(&res, KB_BACKUP2, 207)) return res;
    struct kb_result again = kb_job_read_device(job);
    return !kb_failed(&again) && job->device.backup_encryption == KB_YES ? kb_ok() : res;
}

static struct kb_result encrypted_for_sure(struct run *run) {
    switch (run->job->device.backup_encryption) {
    case KB_YES:
        return kb_ok();
    case KB_NO:
        return switch_on(run);
    default:
        return kb_fail(KB_LOCKDOWN, KB_DEVICE_PROTOCOL,
                       _("The device does not tell whether it encrypts backups; unlock it and try again"));
    }
}

static struct kb_result make_backup(struct job *job, struct kb_backup_info *info) {
    struct run *run = kb_xcalloc(1, sizeof *run);
    run->job = job;
    run->started_at = kb_clock_wall();
    run->path = kb_path_join(job->req->store, job->req->udid);
    struct kb_result res = open_store(run);
    if (!kb_failed(&res)) res = prove_by_last(run);
    if (!kb_failed(&res)) res = kb_job_event(job, KB_EV_BACKUP_BEGINS, NULL);
    if (!kb_failed(&res)) warn_of_space(run);
    if (!kb_failed(&res)) res = encrypted_for_sure(run);
    if (!kb_failed(&res)) res = read_info(run);
    if (!kb_failed(&res)) res = transfer(run);
    if (!kb_failed(&res)) res = prove(run, info);
    if (!kb_failed(&res)) res = seal(run);
    if (!kb_failed(&res)) kb_job_remember_whole(job, run->made, run->proved_at);
    kb_backup_free(run->made);
    kb_confined_close(run->confined);
    kb_buf_release(&run->info);
    free(run->path);
    free(run);
    return res;
}

/* The device's own words on a folder that stays: the next run goes on. */
static void end_backup(struct job *job, struct kb_result *res, const struct kb_backup_info *info) {
    enum kb_job_event event = res->domain == KB_CANCELLED  ? KB_EV_CANCELLED
                              : res->domain == KB_OPERATOR ? KB_EV_WAIT_OVER
                                                           : KB_EV_FAILED_UNTOUCHED;
    bool begun = job->row.state == KB_STATE_BACKING_UP;
    if (!kb_failed(res)) {
        event = KB_EV_SEALED;
        snprintf(res->text, sizeof res->text, _("Backed up and sealed: %lld files, %.1f MB"), (long long)info->files,
                 (double)info->bytes / 1e6);
    }
    kb_job_event_or_log(job, event, res->text);
    const char *outcome = !kb_failed(res)                        ? "backed-up"
                          : res->domain == KB_CANCELLED          ? "cancelled"
                          : res->domain == KB_OPERATOR && !begun ? "refused"
                                                                 : "failed";
    kb_job_result_line(job, outcome, res);
}

/* Everything a dry run can tell without writing. */
static struct kb_result rehearse(struct job *job) {
    struct kb_result res = look_ready(job, NULL);
    if (!kb_failed(&res)) res = setup_is_done(job);
    if (!kb_failed(&res))
        kb_text_copy(res.text, sizeof res.text, _("Dry run: nothing was written; this device can be backed up"));
    kb_job_result_line(job, kb_failed(&res) ? "refused" : "unknown", &res);
    return res;
}

struct kb_result kb_job_backup(struct job *job) {
    struct kb_backup_info info;
    kb_backup_info_init(&info);
    if (job->req->dry_run) return rehearse(job);
    struct kb_result res = have_password(job->req);
    if (!kb_failed(&res)) res = kb_job_lock_device(job);
    if (!kb_failed(&res)) res = kb_job_read_device(job);
    if (!kb_failed(&res)) res = kb_job_begin(job, KB_JOB_BACKUP);
    if (!kb_failed(&res)) res = get_ready(job);
    if (!kb_failed(&res)) res = kb_job_event(job, KB_EV_ALL_GREEN, NULL);
    bool waited = false;
    if (!kb_failed(&res)) res = kb_job_turn(job, &waited);
    if (!kb_failed(&res) && waited) res = get_ready(job);
    if (!kb_failed(&res)) res = make_backup(job, &info);
    end_backup(job, &res, &info);
    return res;
}
