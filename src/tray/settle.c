/*
 * What the end of a worker means for its line: done, steps, refused, tried again, given up, set aside. The journal says
 * how far the device can have been changed; the worker's own word says why.
 */
#include "engine.h"
#include <string.h>

/* The newest job of this device that belongs to this batch. */
static void find_job(struct kb_seat *seat) {
    struct kb_job job;
    bool found = false;
    struct kb_result res = kb_journal_last_job(seat->tray->journal, seat->tile.udid, &job, &found);
    if (kb_failed(&res)) kb_seat_log(seat, "%s", res.text);
    if (!found) return;
    if (kb_streq(job.batch, seat->tray->options->batch)) kb_seat_take_job(seat, &job);
    kb_job_release(&job);
}

static bool by_rule(const struct kb_result *res) {
    return res->domain == KB_POLICY || res->domain == KB_STORE || res->domain == KB_PASSWORD || res->domain == KB_USAGE;
}

/* A line that may be tried again, with a pause that grows; the next wave takes it along. */
static void try_again(struct kb_seat *seat, const struct kb_result *res) {
    int64_t pause = KB_BACKOFF_MS;
    seat->fails++;
    if (seat->fails >= KB_TRAY_TRIES) {
        struct kb_result last = *res;
        char text[200];
        snprintf(text, sizeof text, _("Given up after %d tries"), seat->fails);
        last = kb_while(last, "%s", text);
        kb_seat_end(seat, KB_STATE_FAILED, &last);
        return;
    }
    for (int i = 1; i < seat->fails; i++) pause *= 3;
    seat->next_ms = kb_clock_ms() + pause;
    kb_seat_log(seat, _("%s. It is tried again"), res->text);
    kb_seat_state(seat, KB_STATE_WAITING, res->text);
}

static void put_aside(struct kb_seat *seat) {
    struct kb_result res =
        kb_fail(KB_OPERATOR, KB_ASK_NONE, _("Set aside by %s: look at the device, then start the tray again"),
                seat->put_aside_by);
    if (seat->job[0] && !kb_state_ended(seat->tile.state)) {
        struct kb_result kept = kb_journal_set_state(seat->tray->journal, seat->job, KB_STATE_SET_ASIDE, res.text);
        if (kb_failed(&kept)) kb_seat_log(seat, "%s", kept.text);
    }
    kb_seat_end(seat, KB_STATE_SET_ASIDE, &res);
}

void kb_seat_done(struct kb_seat *seat) {
    struct kb_result res = kb_ok();
    const char *said = json_string_value(json_object_get(seat->result, "text"));
    bool whole = json_integer_value(json_object_get(seat->result, "exit")) == 0;
    kb_text_copy(res.text, sizeof res.text, said && whole ? said : _("Everything is done"));
    kb_seat_end(seat, KB_STATE_DONE, &res);
}

/* By the state in the journal. False: that says nothing, the worker's word counts. */
static bool by_state(struct kb_seat *seat, const struct kb_result *res) {
    struct kb_result end = *res;
    switch (seat->tile.state) {
    case KB_STATE_DONE:
        kb_seat_done(seat);
        return true;
    case KB_STATE_STEPS: /* the device is looked at while a person does them */
        seat->look_every_ms = KB_LOOK_MS;
        seat->next_ms = kb_clock_ms() + seat->look_every_ms;
        return true;
    case KB_STATE_REBOOTING: /* neither success nor failure before it is back and has been read */
        seat->next_ms = kb_clock_ms() + KB_LOOK_MS;
        return true;
    case KB_STATE_SET_ASIDE:
        if (!kb_failed(&end) || end.domain == KB_CANCELLED)
            end = kb_fail(KB_OPERATOR, KB_ASK_NONE, "%s", seat->tile.text);
        kb_seat_end(seat, KB_STATE_SET_ASIDE, &end);
        return true;
    default:
        return false;
    }
}

static void after_look(struct kb_seat *seat) {
    int64_t longer = seat->look_every_ms * 3 / 2;
    kb_seat_reload(seat);
    seat->looked = true;
    if (seat->tile.state == KB_STATE_DONE) {
        kb_seat_done(seat);
        return;
    }
    seat->look_every_ms = longer > KB_LOOK_LATE_MS ? KB_LOOK_LATE_MS : longer;
    seat->next_ms = kb_clock_ms() + seat->look_every_ms;
}

static bool is_unsettled(enum kb_state state) {
    return state != KB_STATE_WAITING && state != KB_STATE_STEPS && state != KB_STATE_REBOOTING &&
           !kb_state_ended(state);
}

/* A worker that died leaves its job as it stood; recovery, which looks through the whole journal, says what that is. */
static void take_stock(struct kb_seat *seat) {
    find_job(seat);
    if (!is_unsettled(seat->tile.state)) return;
    struct kb_result res = kb_job_recover(seat->tray->journal);
    if (kb_failed(&res)) kb_seat_log(seat, "%s", res.text);
    find_job(seat);
}

/* Its worker was ended because no hand came: that is not an operator's word, and the journal must not say so. */
static void give_up(struct kb_seat *seat) {
    char text[480];
    snprintf(text, sizeof text, _("Nobody did this within %lld seconds; start the tray again: %.300s"),
             (long long)seat->tray->options->wait_s, seat->waited_for);
    if (seat->job[0]) {
        struct kb_result kept = kb_journal_set_state(seat->tray->journal, seat->job, seat->tile.state, text);
        if (kb_failed(&kept)) kb_seat_log(seat, "%s", kept.text);
    }
    kb_seat_state(seat, KB_STATE_WAITING, text);
}

void kb_seat_settle(struct kb_seat *seat, enum kb_task task, const struct kb_result *res) {
    bool read = task == KB_TASK_EVIDENCE;
    if (seat->put_aside) {
        take_stock(seat);
        put_aside(seat);
        return;
    }
    if (read) {
        after_look(seat);
        return;
    }
    take_stock(seat);
    if (by_state(seat, res)) return;
    if (res->domain == KB_CANCELLED && seat->waited_for[0] && !seat->tray->stops)
        give_up(seat);
    else if (res->domain == KB_CANCELLED)
        kb_seat_state(seat, KB_STATE_WAITING, res->text);
    else if (by_rule(res))
        kb_seat_end(seat, KB_STATE_REFUSED, res);
    else
        try_again(seat, res);
}
