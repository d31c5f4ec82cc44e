/*
 * Waiting for a hand: says what is wanted once, then looks by itself whether it was done. Every wait has an end and
 * names what it waits for.
 */
#include "job.h"
#include <string.h>

/* Once a second: what a lockdown session costs a device, and what Pair may be asked. A hand that has not come for a
 * minute will not be there the very next second: a tray of 64 that wait costs a computer something. */
#define LOOK_MS      1000
#define LOOK_LATE_MS 4000
#define LATE_MS      60000

/* What has been asked so far; each ask has an end of its own, so that two that alternate end too. */
struct asks {
    int64_t until_ms[KB_ASK_FIND_MY_OFF + 1];
    char told[480];
    int last;
};

struct kb_result kb_job_ask(enum kb_ask ask) {
    return kb_fail(KB_OPERATOR, ask, "%s", kb_ask_text(kb_lang(), ask));
}

/* A person or a profile said no (LOCKDOWN_E_*), or it is not the device we want: asking again changes nothing. */
static const int final_codes[] = {
    -18 /* UserDeniedPairing */,   -36 /* PairingProhibitedOverThisConnection */,
    -37 /* FMiPProtected */,       -38 /* MCProtected */,
    -39 /* MCChallengeRequired */, KB_DEVICE_OTHER,
    KB_DEVICE_RESTORE_MODE,
};

/* The device or the daemon is away for a moment. */
static bool is_blink(const struct kb_result *res) {
    for (size_t i = 0; res->domain == KB_LOCKDOWN && i < KB_ARRAY_SIZE(final_codes); i++)
        if (res->code == final_codes[i]) return false;
    return res->domain == KB_LOCKDOWN || res->domain == KB_USBMUX || res->domain == KB_SERVICE ||
           kb_is(res, KB_HOST, KB_HOST_TIMEOUT);
}

static bool ask_is_over(struct job *job, struct asks *asks, const struct kb_result *res) {
    int64_t now = job->clock.now_ms(job->clock.arg);
    int ask = res->code < 0 || res->code > KB_ASK_FIND_MY_OFF ? KB_ASK_NONE : res->code;
    int64_t wait_s = job->req->hand_wait_s ? job->req->hand_wait_s : job->req->wait_s;
    if (!asks->until_ms[ask]) asks->until_ms[ask] = now + wait_s * 1000;
    if (asks->last != ask || !kb_streq(asks->told, res->text)) {
        kb_job_operator(job, kb_ask_name((enum kb_ask)ask), res->text);
        kb_text_copy(asks->told, sizeof asks->told, res->text);
        asks->last = ask;
    }
    return ask == KB_ASK_NONE || now >= asks->until_ms[ask]; /* no hand at the device would change it */
}

struct kb_result kb_job_hands(struct job *job, job_look look, void *arg, int64_t grace_s) {
    struct asks asks = {.last = -1};
    int64_t away_since = -1, begun = job->clock.now_ms(job->clock.arg);
    for (;;) {
        kb_job_deadline(job, JOB_PAIR_S);
        struct kb_result res = look(job, arg);
        int64_t now = job->clock.now_ms(job->clock.arg);
        if (res.domain == KB_OPERATOR) {
            away_since = -1;
            if (ask_is_over(job, &asks, &res)) return res;
        } else if (kb_failed(&res) && is_blink(&res) && grace_s > 0) {
            if (away_since < 0) away_since = now;
            if (now - away_since >= grace_s * 1000) return res;
        } else {
            return res;
        }
        if (job->clock.wait(job->clock.arg, now - begun > LATE_MS ? LOOK_LATE_MS : LOOK_MS)) return kb_cancel_result();
    }
}

#define TURN_SLICE_MS 2000

struct kb_result kb_job_turn(struct job *job, bool *waited) {
    int64_t begun = job->clock.now_ms(job->clock.arg);
    *waited = false;
    if (!job->req->hold || !job->sink->turn) return kb_ok();
    for (;;) {
        kb_job_deadline(job, JOB_WAIT_S);
        bool turn = job->sink->turn(job->sink->arg, TURN_SLICE_MS); /* also when it is cancelled */
        if (kb_cancelled(job->cancel)) return kb_cancel_result();
        if (turn) break;
    }
    *waited = job->clock.now_ms(job->clock.arg) - begun > TURN_SLICE_MS;
    return kb_ok();
}
