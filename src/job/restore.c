/*
 * The RESTORE task, the main story: check, restore, restart, read again, steps. Nothing is written to the device before
 * the check says ready; each thing is in the journal before it is done; a link lost late is neither success nor failure
 * until the device is back and has been read. With the iCloud route people do it all: the check, then their steps.
 *
 * Source: protocol.md 3.7.
 */
#include "job.h"
#include <stdlib.h>
#include <string.h>

#define STALE_MS 2000 /* a reading of the device that is older is made again */
#define LATE_PCT 97   /* from here the device finishes by itself (protocol.md 3.7, step 8) */

struct run {
    struct job *job;
    struct job_check check;
    enum kb_verdict told; /* the verdict that stands in the journal */
    struct kb_confined *confined;
    char *root, *folder; /* of the backup */
    struct job_before before;
    struct job_transfer transfer;
    struct kb_transfer_end end;
    int64_t screen_until_ms; /* how long the restore screen is waited for; 0: not asked for */
    bool late;               /* the journal knows that it may finish by itself */
};

/* ---- Is it green --------------------------------------------------------------------------------------------------
 */

/* What the check found, kept for the report; once per verdict (and when the device can tell who it is), not once per
 * second. */
static struct kb_result record(void *arg) {
    struct run *run = arg;
    struct job *job = run->job;
    const struct kb_judgement *judgement = &run->check.judgement;
    bool named = job->row.device_serial[0] || !job->device.serial[0];
    if (run->told == judgement->verdict && named) return kb_ok();
    kb_job_learn_device(job);
    job->row.source = judgement->source;
    job->row.target = judgement->target;
    job->row.same_device = judgement->same_device;
    kb_text_copy(job->row.backup_udid, sizeof job->row.backup_udid, run->check.info.udid);
    kb_text_copy(job->row.backup_serial, sizeof job->row.backup_serial, run->check.info.serial);
    json_t *object = kb_job_check_object(job, &run->check);
    kb_job_before_set(object, run->check.info.encrypted, &job->device);
    kb_json_set_int(object, "backup_bytes", run->check.info.bytes); /* with the times: what this bench can do */
    struct kb_result res = kb_journal_set_facts(job->journal, &job->row, object);
    json_decref(object);
    if (!kb_failed(&res)) run->told = judgement->verdict;
    return res;
}

/* Something only the command line can answer (--source-state): no hand at the device makes it green. */
static const struct kb_finding *hopeless(const struct kb_judgement *judgement) {
    for (int i = 0; i < judgement->finding_count; i++)
        if (judgement->findings[i].rule == KB_RULE_SOURCE_UNKNOWN && judgement->findings[i].level == KB_LEVEL_OPERATOR)
            return &judgement->findings[i];
    return NULL;
}

static struct kb_result look_green(struct job *job, void *arg);

/* A person has to tap Trust: ask the device for it, and judge again as soon as it trusts us. */
static struct kb_result want_trust(struct run *run) {
    struct job_pairing pairing = {0};
    struct kb_result res = kb_job_identity(run->job, &pairing.identity);
    if (!kb_failed(&res)) res = kb_job_look_paired(run->job, &pairing);
    kb_identity_free(pairing.identity);
    if (kb_failed(&res)) return res;
    res = kb_job_read_device(run->job);
    if (!kb_failed(&res) && run->job->device.trust != KB_TRUST_TRUSTED) return kb_job_ask(KB_ASK_TRUST);
    return kb_failed(&res) ? res : look_green(run->job, run);
}

static struct kb_result look_green(struct job *job, void *arg) {
    struct run *run = arg;
    struct kb_result res = kb_job_read_device(job);
    if (kb_failed(&res)) return res;
    if (job->device.mode == KB_MODE_RESTORE)
        return kb_fail(KB_LOCKDOWN, KB_DEVICE_RESTORE_MODE,
                       _("The device is in recovery; start it normally, then try again"));
    kb_job_judge(job, &run->check, true);
    if (run->check.judgement.verdict == KB_VERDICT_READY) return res; /* recorded with the state that comes of it */
    res = record(run);
    if (kb_failed(&res)) return res;
    if (run->check.judgement.verdict != KB_VERDICT_OPERATOR) return kb_job_verdict(&run->check);
    const struct kb_finding *finding = hopeless(&run->check.judgement);
    if (finding) return kb_fail(KB_OPERATOR, KB_ASK_NONE, "%s", finding->text);
    res = kb_job_verdict(&run->check);
    if (res.code != KB_ASK_TRUST) return res;
    return want_trust(run);
}

/* Looks by itself first, so that a device that is green at once asks nobody. */
static struct kb_result get_green(struct run *run) {
    struct job *job = run->job;
    struct kb_result res = look_green(job, run);
    if (!kb_failed(&res) || res.domain == KB_OPERATOR) {
        /* Every bit, before a device is touched and before a person is asked; meanwhile the device may have changed. */
        int64_t begun = kb_clock_ms();
        struct kb_result whole = kb_job_prove_whole(job, &run->check);
        if (kb_failed(&whole)) {
            struct kb_result kept = record(run);
            if (kb_failed(&kept)) kb_job_log(job, "%s", kept.text);
            return whole;
        }
        if (run->check.info.health != KB_HEALTH_OK || kb_clock_ms() - begun > STALE_MS) res = look_green(job, run);
    }
    if (res.domain == KB_OPERATOR) {
        res = kb_job_event(job, KB_EV_NEEDS_HAND, NULL);
        if (!kb_failed(&res)) res = kb_job_hands(job, look_green, run, 30);
    }
    return res;
}

static struct kb_result record_green(void *arg) {
    struct run *run = arg;
    struct job *job = run->job;
    const struct kb_judgement *judgement = &run->check.judgement;
    struct kb_result res = record(run);
    for (int i = 0; i < judgement->finding_count && !kb_failed(&res); i++)
        if (judgement->findings[i].accepted)
            res = kb_journal_accept(job->journal, job->row.id, judgement->findings[i].rule, job->row.by);
    return res;
}

/* ---- The transfer -------------------------------------------------------------------------------------------------
 */

/* Intent is on the disk before the request is on the wire. */
static struct kb_result about_to(void *arg) { return kb_job_touch(((struct run *)arg)->job, KB_TOUCH_ASKED); }

/*
 * Near the end the device goes on by itself when the link is lost: from 97 % on, and when it has taken every file (its
 * last word on progress may be older than that).
 */
static bool is_late(const struct run *run, double done_pct, int64_t bytes) {
    return done_pct >= LATE_PCT || (run->check.info.bytes > 0 && bytes >= run->check.info.bytes);
}

/* From here the device may finish by itself: a kill from now on leaves it perhaps restored (recover.c). */
static void on_progress(void *arg, double done_pct, int64_t bytes) {
    struct run *run = arg;
    struct job *job = run->job;
    if (run->late || !is_late(run, done_pct, bytes)) return;
    run->late = true;
    struct kb_result res = kb_journal_set_state(job->journal, job->row.id, KB_STATE_REBOOTING,
                                                _("The device is finishing the restore; leave it plugged in"));
    if (kb_failed(&res)) kb_job_log(job, "%s", res.text);
}

#define SCREEN_MS 1000

/*
 * An activated device in Setup Assistant that has no mobilebackup2 is at another screen than the restore one: a hand
 * chooses it. True: try again; nothing has been asked of the device yet.
 */
static bool screen_is_chosen(struct run *run, struct kb_result *res) {
    struct job *job = run->job;
    int64_t now = job->clock.now_ms(job->clock.arg);
    if (!kb_is(res, KB_LOCKDOWN, -27 /* InvalidService */) || job->device.setup != KB_SETUP_ASSISTANT ||
        !kb_streq(job->device.activation, "Activated"))
        return false;
    *res = kb_job_ask(KB_ASK_CHOOSE_RESTORE);
    if (!run->screen_until_ms) {
        run->screen_until_ms = now + job->req->wait_s * 1000;
        kb_job_operator(job, kb_ask_name(KB_ASK_CHOOSE_RESTORE), res->text);
    }
    kb_job_deadline(job, job->req->patience_s + job->req->wait_s + JOB_PAIR_S);
    return now < run->screen_until_ms && !job->clock.wait(job->clock.arg, SCREEN_MS);
}

static struct kb_result send(struct run *run) {
    struct job *job = run->job;
    struct kb_buf applications = {0};
    kb_job_deadline(job, JOB_DISK_S);
    struct kb_result res = kb_backup_applications(run->check.backup, &applications);
    if (kb_failed(&res)) { /* without it the apps are fetched by hand; the data is what counts */
        kb_job_log(job, "%s", res.text);
        kb_buf_release(&applications);
    }
    kb_job_transfer_init(&run->transfer, job, "restoring");
    run->transfer.on_progress = on_progress;
    run->transfer.arg = run;
    const struct kb_transfer_options options = {
        .udid = job->req->udid,
        .source_udid = run->folder,
        .files = kb_confined_files(run->confined),
        .events = &run->transfer.events,
        .cancel = job->cancel,
        .password = run->check.info.encrypted == KB_YES ? job->req->password : NULL,
        .applications = applications.data,
        .applications_size = applications.size,
        .about_to = about_to,
        .about_to_arg = run,
    };
    do {
        res = kb_transfer_restore(&options, &run->end);
    } while (kb_job_transfer_again(&run->transfer, &res) || screen_is_chosen(run, &res));
    kb_buf_release(&applications);
    if (kb_confined_refused(run->confined))
        kb_job_log(job, "A name that leaves the folder was refused: %s", kb_confined_refused(run->confined));
    if (!kb_failed(&res)) kb_job_progress(job, "restoring", 100, run->end.bytes);
    return kb_job_transfer_words(&run->transfer, res, true);
}

/* MBErrorDomain codes that a device says before it writes anything; the others of this list only at 0 %. */
static bool refused_untouched(const struct run *run, const struct kb_result *res) {
    static const int always[] = {22, 25, 203, 204, 207, 211}, at_zero[] = {1, 11, 106, 205, 208, 212};
    if (res->domain == KB_OPERATOR) return run->end.done_pct <= 0; /* the passcode was asked for, and not entered */
    if (res->domain != KB_BACKUP2) return false;
    for (size_t i = 0; i < KB_ARRAY_SIZE(always); i++)
        if (res->code == always[i]) return true;
    for (size_t i = 0; i < KB_ARRAY_SIZE(at_zero); i++)
        if (res->code == at_zero[i] && run->end.done_pct <= 0) return true;
    return false;
}

static enum kb_job_event event_of(const struct run *run, const struct kb_result *res) {
    if (!kb_failed(res)) return KB_EV_DEVICE_SAID_DONE;
    if (run->job->row.touch == KB_TOUCH_NOTHING) return KB_EV_FAILED_UNTOUCHED;
    if (refused_untouched(run, res)) return KB_EV_FAILED_UNTOUCHED;
    if (res->domain == KB_CANCELLED) return KB_EV_CANCELLED;
    if (res->domain == KB_BACKUP2 && res->code < 0)
        return is_late(run, run->end.done_pct, run->end.bytes) ? KB_EV_LINK_LOST_LATE : KB_EV_LINK_LOST_EARLY;
    return KB_EV_FAILED_TOUCHED;
}

/* Writes down how it ended. The device has been changed or not whatever the journal says now, so a journal that fails
   here is logged and the story goes on. */
static enum kb_job_event settle_transfer(struct run *run, struct kb_result *res) {
    struct job *job = run->job;
    enum kb_job_event event = event_of(run, res);
    struct kb_result kept = kb_ok();
    if (event == KB_EV_DEVICE_SAID_DONE) kept = kb_job_touch(job, KB_TOUCH_ANSWERED);
    if (event == KB_EV_FAILED_UNTOUCHED && job->row.touch != KB_TOUCH_NOTHING)
        kept = kb_job_touch(job, KB_TOUCH_NOTHING);
    if (event != KB_EV_FAILED_UNTOUCHED && !kb_failed(&kept)) kept = kb_job_replace_earlier(job);
    if (kb_failed(&kept)) kb_job_log(job, "%s", kept.text);
    if (kb_job_next(KB_STATE_RESTORING, event) == KB_STATE_SET_ASIDE)
        *res = kb_while(*res, _("The device is half restored; plug it in and run `kitbench restore` again"));
    kb_job_event_or_log(job, event, event == KB_EV_DEVICE_SAID_DONE ? "" : res->text);
    return event;
}

/* ---- Back again ---------------------------------------------------------------------------------------------------
 */

/* The device could not be read after the restore: what that means, and who settles it. */
static struct kb_result not_read(struct run *run, struct kb_result res, const char **outcome) {
    struct job *job = run->job;
    *outcome = "unknown";
    if (res.domain == KB_OPERATOR || res.domain == KB_CANCELLED) { /* stays as it is; `steps` reads it later */
        res = kb_while(res, _("Perhaps restored, not read yet; then run `kitbench steps`"));
        kb_job_event_or_log(job, KB_EV_WAIT_OVER, res.text);
    } else {
        kb_job_event_or_log(job, KB_EV_NOT_BACK, res.text);
    }
    return res;
}

static struct kb_result come_back(struct run *run, const char **outcome) {
    struct job *job = run->job;
    bool answered = job->row.touch == KB_TOUCH_ANSWERED;
    struct kb_result res = kb_job_return(job);
    if (kb_failed(&res)) return not_read(run, res, outcome);
    switch (kb_job_was_restored(answered, &run->before, &job->device)) {
    case KB_YES:
        break;
    case KB_NO:
        *outcome = "failed";
        res = kb_fail(KB_BACKUP2, KB_LINK_LOST,
                      _("The device is back and was not restored; run `kitbench restore` again"));
        kb_job_event_or_log(job, KB_EV_BACK_NOT_RESTORED, res.text);
        return res;
    default:
        res = kb_fail(KB_BACKUP2, KB_LINK_LOST,
                      _("The device is back but does not tell whether it was restored; look at its screen, or run "
                        "`kitbench restore` again"));
        return not_read(run, res, outcome);
    }
    *outcome = "restored";
    res = kb_job_confirm(job, run->check.judgement.steps, run->check.judgement.step_count);
    return kb_failed(&res) ? res : kb_job_finish(job);
}

/* ---- One run ------------------------------------------------------------------------------------------------------
 */

/* The folder as the transfer sees it, held (shared) from before it is judged until the device has it. */
static struct kb_result open_folder(struct run *run) {
    char *real = NULL;
    struct kb_result res = kb_path_real(run->job->req->backup, &real);
    if (kb_failed(&res))
        return kb_fail(KB_STORE, KB_STORE_MISSING, _("There is no backup at %s; give another"), run->job->req->backup);
    const char *base = kb_path_base(real);
    run->folder = kb_xstrdup(base);
    run->root = kb_xstrdup(real);
    size_t root = strlen(real) - strlen(base);
    while (root > 1 && run->root[root - 1] == '/') root--;
    run->root[root] = 0;
    free(real);
    return kb_confined_open(run->root, run->folder, true, 0, &run->confined);
}

/* It was green when it began to wait; a device that lies in a queue is used, locked and unplugged meanwhile. */
static struct kb_result take_turn(struct run *run) {
    bool waited;
    struct kb_result res = kb_job_turn(run->job, &waited);
    if (kb_failed(&res) || !waited) return res;
    res = get_green(run);
    return kb_failed(&res) ? res : kb_job_event_with(run->job, KB_EV_ALL_GREEN, NULL, record, run);
}

/* Looks the device over, judges, waits for hands. On KB_OK it is green, and the journal says so. */
static struct kb_result prepare(struct run *run) {
    struct job *job = run->job;
    struct kb_result res = open_folder(run);
    if (!kb_failed(&res)) res = kb_job_open_backup(job, &run->check);
    if (!kb_failed(&res)) res = get_green(run);
    if (!kb_failed(&res)) res = kb_job_event_with(job, KB_EV_ALL_GREEN, "", record_green, run);
    if (!kb_failed(&res) && job->req->route == KB_ROUTE_USB) res = take_turn(run);
    run->before.backup_encrypted = run->check.info.encrypted;
    run->before.encryption = job->device.backup_encryption;
    kb_text_copy(run->before.restore_state, sizeof run->before.restore_state, job->device.restore_state);
    return res;
}

/* Nothing has been written: which word and which state that is. */
static void stop_before(struct run *run, const struct kb_result *res, const char **outcome) {
    bool by_rule = res->domain == KB_POLICY || res->domain == KB_STORE || res->domain == KB_PASSWORD;
    enum kb_job_event event = KB_EV_FAILED_UNTOUCHED;
    *outcome = "failed";
    if (res->domain == KB_CANCELLED) {
        event = KB_EV_CANCELLED;
        *outcome = "cancelled";
    } else if (res->domain == KB_OPERATOR) {
        event = KB_EV_WAIT_OVER;
        *outcome = "refused";
    } else if (by_rule && (run->told == KB_VERDICT_REFUSED || run->told == KB_VERDICT_UNKNOWN)) {
        event = KB_EV_REFUSED;
        *outcome = run->told == KB_VERDICT_UNKNOWN ? "unknown" : "refused";
    }
    kb_job_event_or_log(run->job, event, res->text);
}

static struct kb_result by_usb(struct run *run, const char **outcome) {
    struct job *job = run->job;
    struct kb_result res = kb_job_event(job, KB_EV_RESTORE_BEGINS, NULL);
    if (kb_failed(&res)) return res;
    res = send(run);
    enum kb_job_event event = settle_transfer(run, &res);
    kb_confined_close(run->confined);
    run->confined = NULL;
    if (event == KB_EV_DEVICE_SAID_DONE || event == KB_EV_LINK_LOST_LATE) return come_back(run, outcome);
    *outcome = res.domain == KB_CANCELLED ? "cancelled" : "failed";
    return res;
}

/* People do it all; what is ours is the list, and who ticked it. */
static struct kb_result by_icloud(struct run *run, const char **outcome) {
    struct job *job = run->job;
    const struct kb_judgement *judgement = &run->check.judgement;
    *outcome = "unknown"; /* the iCloud restore is not seen from here */
    struct kb_result res = kb_job_replace_earlier(job);
    if (!kb_failed(&res))
        res = kb_journal_open_steps(job->journal, job->row.id, judgement->steps, judgement->step_count);
    if (!kb_failed(&res)) res = kb_job_event(job, KB_EV_STEPS_OPENED, "");
    if (!kb_failed(&res)) res = kb_job_tick(job, &job->device, false);
    return kb_failed(&res) ? res : kb_job_finish(job);
}

static struct kb_result run_it(struct run *run, const char **outcome) {
    struct kb_result res = prepare(run);
    if (kb_failed(&res)) {
        stop_before(run, &res, outcome);
        return res;
    }
    return run->job->req->route == KB_ROUTE_ICLOUD ? by_icloud(run, outcome) : by_usb(run, outcome);
}

static void tell_end(struct job *job, const char *outcome, struct kb_result *res) {
    if (!kb_failed(res) && kb_streq(outcome, "restored"))
        kb_text_copy(res->text, sizeof res->text, _("The device is restored and nothing is left to do"));
    if (res->domain == KB_OPERATOR && job->row.state == KB_STATE_STEPS) {
        kb_job_operator(job, kb_step_name(job->row.step), res->text);
        *res = kb_while(*res, kb_streq(outcome, "restored") ? _("Restored; the operator's steps are open")
                                                            : _("What is to be done"));
    }
    kb_job_result_line(job, outcome, res);
}

struct kb_result kb_job_restore(struct job *job) {
    const char *outcome = "failed";
    if (job->req->dry_run) return kb_job_check(job);
    struct run *run = kb_xcalloc(1, sizeof *run);
    run->job = job;
    run->told = (enum kb_verdict) - 1;
    kb_backup_info_init(&run->check.info);
    struct kb_result res = kb_job_lock_device(job);
    if (!kb_failed(&res)) res = kb_job_begin(job, job->req->route == KB_ROUTE_ICLOUD ? KB_JOB_GUIDE : KB_JOB_RESTORE);
    if (!kb_failed(&res)) res = run_it(run, &outcome);
    tell_end(job, outcome, &res);
    kb_job_check_release(&run->check);
    kb_confined_close(run->confined);
    free(run->root);
    free(run->folder);
    free(run);
    return res;
}
