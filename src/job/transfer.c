/*
 * What a transfer says while it runs: progress, the passcode that nobody announces, silence and its end. Shared by
 * backup and restore.
 *
 * Source: protocol.md 3.9: a passcode prompt makes the link silent and no DeviceLink message tells of it; only newer
 * systems post a notification. Unanswered, the device gives up by itself after 3 to 30 minutes.
 */
#include "job.h"
#include <string.h>

#define BUSY_MS    3000
#define BUSY_TRIES 6

#define COUNTDOWN_MS 30000 /* the ask is said again, with what remains of its time */

static int64_t remaining(const struct job_transfer *t, int64_t now) {
    int64_t left = t->job->req->wait_s - (now - t->asked_ms) / 1000;
    return left > 0 ? left : 0;
}

static void say_passcode(struct job_transfer *t, int64_t now) {
    char text[480];
    int64_t left = remaining(t, now);
    t->told_ms = now;
    if (left > 0)
        snprintf(text, sizeof text, _("Enter the passcode on the device's screen; %d seconds remain"), (int)left);
    else
        kb_text_copy(text, sizeof text, kb_ask_text(kb_lang(), KB_ASK_PASSCODE));
    kb_job_operator(t->job, kb_ask_name(KB_ASK_PASSCODE), text);
}

/* The time of a hand begins when it is told. */
static void ask_passcode(struct job_transfer *t) {
    int64_t now = t->job->clock.now_ms(t->job->clock.arg);
    if (!t->asked) {
        t->asked = true;
        t->asked_ms = now;
        say_passcode(t, now);
    } else if (now - t->told_ms >= COUNTDOWN_MS) {
        say_passcode(t, now);
    }
}

static void on_progress(void *arg, double done_pct, int64_t bytes) {
    struct job_transfer *t = arg;
    t->asked = false; /* it moves: whatever was asked has been answered */
    t->done_pct = done_pct;
    t->bytes = bytes;
    if (t->on_progress) t->on_progress(t->arg, done_pct, bytes);
    kb_job_progress(t->job, t->phase, done_pct, bytes);
}

static void on_ask(void *arg, enum kb_ask ask) {
    struct job_transfer *t = arg;
    if (ask == KB_ASK_PASSCODE) {
        t->announced = true;
        t->asked = false;
        ask_passcode(t);
    } else if (ask == KB_ASK_NONE) {
        t->asked = false;
    } else {
        kb_job_operator(t->job, kb_ask_name(ask), kb_ask_text(kb_lang(), ask));
    }
}

#define OPENING_S 60 /* what the device room gives the first messages, before it tells of silence */

/* False gives up. */
static bool on_silent(void *arg, int seconds, bool first) {
    struct job_transfer *t = arg;
    int64_t now = t->job->clock.now_ms(t->job->clock.arg);
    t->silent_s = seconds;
    if (t->done_pct > t->job->told_pct) kb_job_progress(t->job, t->phase, t->done_pct, t->bytes); /* held back so far */
    if (first && t->first_is_passcode && !t->announced) ask_passcode(t);
    if (t->asked) {
        ask_passcode(t);
        t->gave_up = remaining(t, now) == 0;
        return !t->gave_up;
    }
    if (seconds % 60 < 5) kb_job_log(t->job, "%s: the device has been silent for %d s", t->phase, seconds);
    return seconds < t->job->req->patience_s;
}

static void on_log(void *arg, const char *sentence) { kb_job_log(((struct job_transfer *)arg)->job, "%s", sentence); }

void kb_job_transfer_init(struct job_transfer *transfer, struct job *job, const char *phase) {
    const struct kb_transfer_events events = {transfer, on_progress, on_ask, on_silent, on_log};
    memset(transfer, 0, sizeof *transfer);
    transfer->job = job;
    transfer->phase = phase;
    transfer->events = events;
    kb_job_deadline(job, job->req->patience_s + job->req->wait_s + JOB_PAIR_S);
    kb_job_progress(job, phase, 0, 0);
}

/*
 * ServiceLimit: the agent of a run that was broken off a moment ago is still ending. Nothing has been asked of the
 * device then, so trying again is safe.
 */
bool kb_job_transfer_again(struct job_transfer *transfer, const struct kb_result *res) {
    struct job *job = transfer->job;
    int tries = job->req->wait_s * 1000 / BUSY_MS > BUSY_TRIES ? (int)(job->req->wait_s * 1000 / BUSY_MS) : BUSY_TRIES;
    if (!kb_is(res, KB_LOCKDOWN, -28) || transfer->tries++ >= tries) return false;
    kb_job_log(job, "%s", res->text);
    if (transfer->tries == 2) /* it is not just ending: an earlier run's passcode screen may still stand there */
        kb_job_operator(job, kb_ask_name(KB_ASK_PASSCODE),
                        _("The device is still busy with an earlier request: if it shows its passcode screen, cancel "
                          "it there"));
    kb_job_deadline(job, job->req->patience_s + job->req->wait_s + JOB_PAIR_S);
    return !job->clock.wait(job->clock.arg, BUSY_MS);
}

struct kb_result kb_job_transfer_words(const struct job_transfer *transfer, struct kb_result res, bool restoring) {
    if (transfer->gave_up && kb_is(&res, KB_BACKUP2, KB_LINK_SILENT))
        return kb_fail(KB_OPERATOR, KB_ASK_PASSCODE,
                       _("The passcode was not entered on the device in time; start again and enter it when asked"));
    if (kb_is(&res, KB_BACKUP2, KB_LINK_SILENT))
        return kb_fail(KB_BACKUP2, KB_LINK_SILENT,
                       _("The device has said nothing for %d seconds; check the cable, unlock it and try again"),
                       transfer->silent_s > 0 ? transfer->silent_s : OPENING_S);
    if (res.domain == KB_BACKUP2 && res.code > 0) return kb_backup2_result(kb_lang(), res.code, res.text, restoring);
    return kb_job_device_words(res);
}
