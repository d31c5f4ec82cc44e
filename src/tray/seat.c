/*
 * One line of the sheet: its tile, its worker, and what both say. What a worker's end means is settle.c's; when
 * something begins is schedule.c's.
 */
#include "engine.h"
#include <stdlib.h>
#include <string.h>

static void fill_from_sheet(struct kb_seat *seat) {
    const struct kb_sheet_job *sheet = seat->line->sheet;
    seat->tile.line = sheet->at.line;
    kb_text_copy(seat->tile.target, sizeof seat->tile.target, seat->line->word);
    kb_text_copy(seat->tile.user, sizeof seat->tile.user, sheet->user);
    kb_text_copy(seat->tile.asset_tag, sizeof seat->tile.asset_tag, sheet->asset_tag);
    const char *slot = kb_slot_word(seat->line->word);
    if (slot) kb_text_copy(seat->tile.slot, sizeof seat->tile.slot, slot);
}

static void clear_progress(struct kb_tile *tile) {
    tile->phase[0] = 0;
    tile->done_pct = -1;
    tile->bytes = -1;
    tile->rate = -1;
    tile->left_s = -1;
}

static void clear_ask(struct kb_tile *tile) {
    tile->ask[0] = 0;
    tile->asked_ms = 0;
    tile->until_ms = -1;
}

struct kb_seat *kb_seat_new(struct kb_tray *tray, const struct kb_tray_line *line) {
    struct kb_seat *seat = kb_xcalloc(1, sizeof *seat);
    seat->tray = tray;
    seat->line = line;
    seat->tile.n = tray->seat_count;
    seat->tile.state = KB_STATE_WAITING;
    seat->look_every_ms = KB_LOOK_MS;
    clear_progress(&seat->tile);
    clear_ask(&seat->tile);
    if (line) fill_from_sheet(seat);
    tray->seats = kb_xrealloc(tray->seats, ((size_t)tray->seat_count + 1) * sizeof(struct kb_seat *));
    tray->seats[tray->seat_count++] = seat;
    return seat;
}

void kb_seat_free(struct kb_seat *seat) {
    json_decref(seat->result);
    free(seat);
}

void kb_seat_log(struct kb_seat *seat, const char *format, ...) {
    const struct kb_tray_events *events = seat->tray->options->events;
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (events->log) events->log(events->arg, &seat->tile, text);
}

static void tell_line(struct kb_seat *seat, const json_t *object) {
    const struct kb_tray_events *events = seat->tray->options->events;
    if (events->line) events->line(events->arg, &seat->tile, object);
}

/* One of our own; takes the reference. */
static void tell_own(struct kb_seat *seat, json_t *object) {
    tell_line(seat, object);
    json_decref(object);
}

static const char *device_of(const struct kb_seat *seat) { return seat->bound ? seat->tile.udid : seat->tile.target; }

void kb_seat_state(struct kb_seat *seat, enum kb_state state, const char *text) {
    if (text) kb_text_copy(seat->tile.text, sizeof seat->tile.text, text);
    kb_tray_dirty(seat->tray);
    if (seat->tile.state == state) return;
    seat->tile.state = state;
    kb_tray_moved(seat->tray);
    tell_own(seat, kb_line_state(device_of(seat), state));
}

/* ---- The journal --------------------------------------------------------------------------------------------------
 */

/* What stands open is asked for, once each. */
static void ask_for_step(struct kb_seat *seat, enum kb_step step) {
    const char *name = kb_step_name(step);
    kb_text_copy(seat->tile.text, sizeof seat->tile.text, kb_step_text(kb_lang(), step));
    if (kb_streq(seat->tile.ask, name)) return;
    kb_text_copy(seat->tile.ask, sizeof seat->tile.ask, name);
    seat->tile.asked_ms = kb_clock_ms();
    seat->tile.until_ms = -1;
    seat->look_every_ms = KB_LOOK_MS;
    kb_tray_moved(seat->tray);
    tell_own(seat, kb_line_operator(device_of(seat), name, seat->tile.text));
}

void kb_seat_take_job(struct kb_seat *seat, const struct kb_job *job) {
    kb_text_copy(seat->job, sizeof seat->job, job->id);
    kb_text_copy(seat->backup, sizeof seat->backup, job->backup);
    seat->touch = job->touch;
    if (job->device_name[0]) kb_text_copy(seat->tile.name, sizeof seat->tile.name, job->device_name);
    if (job->slot[0] && !seat->tile.slot[0]) kb_text_copy(seat->tile.slot, sizeof seat->tile.slot, job->slot);
    if (job->state != KB_STATE_STEPS) clear_ask(&seat->tile);
    kb_seat_state(seat, job->state, job->text);
    if (job->state == KB_STATE_STEPS && job->step != KB_STEP_NONE) ask_for_step(seat, job->step);
}

void kb_seat_reload(struct kb_seat *seat) {
    struct kb_job job;
    bool found = false;
    if (!seat->job[0]) return;
    struct kb_result res = kb_journal_find_job(seat->tray->journal, seat->job, &job, &found);
    if (kb_failed(&res)) kb_seat_log(seat, "%s", res.text);
    if (!found) return;
    kb_seat_take_job(seat, &job);
    kb_job_release(&job);
}

void kb_seat_bind(struct kb_seat *seat, const char *udid) {
    kb_text_copy(seat->tile.udid, sizeof seat->tile.udid, udid);
    seat->bound = true;
    seat->tile.text[0] = 0;
    kb_tray_dirty(seat->tray);
}

/* ---- Its worker ---------------------------------------------------------------------------------------------------
 */

static void begin_phase(struct kb_seat *seat, const char *phase, double pct, int64_t bytes) {
    kb_text_copy(seat->tile.phase, sizeof seat->tile.phase, phase);
    seat->begun_pct = pct > 0 ? pct : 0;
    seat->begun_ms = seat->sample_ms = kb_clock_ms();
    seat->sample_bytes = bytes > 0 ? bytes : 0;
    seat->tile.rate = -1;
}

static void measure(struct kb_seat *seat, int64_t now) {
    struct kb_tile *tile = &seat->tile;
    int64_t span = now - seat->sample_ms, fresh = tile->bytes - seat->sample_bytes;
    double done = tile->done_pct - seat->begun_pct;
    if (seat->moving && fresh > 0 && (kb_streq(tile->phase, "restoring") || kb_streq(tile->phase, "backing-up"))) {
        struct kb_port *port = kb_port_of(seat->tray, tile->udid);
        if (port) seat->tray->bus_bytes[kb_bus_of(port->attached.location) & 255] += fresh;
    }
    if (fresh > 0 && span > 0) {
        double rate = (double)fresh * 1000 / (double)span;
        tile->rate = tile->rate < 0 ? rate : 0.7 * tile->rate + 0.3 * rate;
    }
    seat->sample_ms = now;
    seat->sample_bytes = tile->bytes > 0 ? tile->bytes : seat->sample_bytes;
    tile->left_s = -1;
    if (now - seat->begun_ms >= 3000 && done >= 0.5 && tile->done_pct <= 100)
        tile->left_s = (int64_t)((double)(now - seat->begun_ms) * (100 - tile->done_pct) / done / 1000 + 0.5);
}

static void take_progress(struct kb_seat *seat, const json_t *object) {
    char phase[32] = "";
    const json_t *pct = json_object_get(object, "done_pct");
    kb_json_get_text(object, "phase", phase, sizeof phase);
    seat->tile.done_pct = json_is_number(pct) ? json_number_value(pct) : -1;
    int64_t bytes = kb_json_get_int(object, "bytes", -1);
    if (!kb_streq(phase, seat->tile.phase)) begin_phase(seat, phase, seat->tile.done_pct, bytes);
    seat->tile.bytes = bytes;
    measure(seat, kb_clock_ms());
    if (kb_streq(seat->tile.ask, "passcode") && seat->tile.done_pct > 0) clear_ask(&seat->tile);
    kb_tray_moved(seat->tray);
}

/* The device itself gives up waiting for its passcode. */
static void take_operator(struct kb_seat *seat, const json_t *object) {
    char ask[32] = "", text[480] = "";
    int64_t now = kb_clock_ms();
    kb_json_get_text(object, "ask", ask, sizeof ask);
    kb_json_get_text(object, "text", text, sizeof text);
    if (!kb_streq(ask, seat->tile.ask)) {
        seat->tile.asked_ms = now;
        seat->tile.until_ms = kb_streq(ask, "passcode") ? now + seat->tray->options->base->wait_s * 1000 : -1;
        kb_tray_moved(seat->tray);
    }
    kb_text_copy(seat->tile.ask, sizeof seat->tile.ask, ask);
    kb_text_copy(seat->tile.text, sizeof seat->tile.text, text);
}

static void take_state(struct kb_seat *seat, const json_t *object) {
    enum kb_state state = seat->tile.state;
    const char *word = json_string_value(json_object_get(object, "state"));
    kb_state_parse(word ? word : "", &state);
    seat->holds = state == KB_STATE_READY && seat->request.hold;
    if (seat->holds) seat->held_ms = kb_clock_ms();
    if (state == KB_STATE_RESTORING || state == KB_STATE_BACKING_UP) {
        if (seat->tile.state != state) seat->tile.tries++;
    } else if (state != KB_STATE_READY) {
        seat->moving = false; /* its part of the bus is free */
    }
    if (state != KB_STATE_OPERATOR && state != KB_STATE_STEPS) clear_ask(&seat->tile);
    if (state != seat->tile.state && !kb_state_ended(state) && state != KB_STATE_STEPS) seat->tile.text[0] = 0;
    kb_seat_state(seat, state, NULL);
}

static const struct {
    const char *event;
    void (*take)(struct kb_seat *seat, const json_t *object);
    bool told;  /* passed on as it is */
    bool moves; /* somebody may begin because of it */
} takers[] = {
    {"progress", take_progress, true, false},
    {"operator", take_operator, true, true},
    {"state", take_state, false, true},
};

static void on_line(void *arg, json_t *object) {
    struct kb_seat *seat = arg;
    const char *name = json_string_value(json_object_get(object, "event"));
    if (!name) { /* a reading of the device */
        kb_json_get_text(object, "name", seat->tile.name, sizeof seat->tile.name);
        return;
    }
    if (kb_streq(name, "result")) { /* the last of the line, not of every try */
        json_decref(seat->result);
        seat->result = json_incref(object);
    }
    for (size_t i = 0; i < KB_ARRAY_SIZE(takers); i++) {
        if (!kb_streq(name, takers[i].event)) continue;
        takers[i].take(seat, object);
        if (takers[i].told) tell_line(seat, object);
        if (takers[i].moves) kb_tray_dirty(seat->tray);
    }
    kb_tray_redraw(seat->tray);
}

/* What a worker says of itself is for -v, as with one device; what counts comes as its result. */
static void on_log(void *arg, const char *sentence) {
    struct kb_seat *seat = arg;
    if (seat->tray->options->verbose) kb_seat_log(seat, "%s", sentence);
}

static void on_key(void *arg, struct kb_secret *key) {
    struct kb_seat *seat = arg;
    struct kb_share *share = kb_share_of(seat->tray, seat->line->backup);
    kb_secret_free(share->key);
    share->key = key;
    kb_tray_dirty(seat->tray);
}

static bool reads_only(enum kb_task task) { return task == KB_TASK_EVIDENCE || task == KB_TASK_PROBE; }

static void on_ended(void *arg, const struct kb_result *res) {
    struct kb_seat *seat = arg;
    enum kb_task task = seat->request.task;
    struct kb_share *share = seat->line->backup ? kb_share_of(seat->tray, seat->line->backup) : NULL;
    seat->worker = NULL;
    seat->holds = seat->moving = false;
    if (reads_only(task)) seat->tray->looking--;
    if (share && share->first == seat) {
        share->first = NULL;
        if (!share->key && res->domain == KB_PASSWORD) share->wrong = *res;
    }
    kb_request_release(&seat->request);
    clear_progress(&seat->tile);
    kb_seat_settle(seat, task, res);
    kb_tray_dirty(seat->tray);
}

static struct kb_secret *copy_secret(const struct kb_secret *secret) {
    return secret ? kb_secret_new(secret->data, secret->size) : NULL;
}

/* What only the job of this line has. */
static void add_line(struct kb_seat *seat, struct kb_request *request) {
    const struct kb_tray_line *line = seat->line;
    const struct kb_sheet_job *sheet = line->sheet;
    request->batch = kb_xstrdup_some(seat->tray->options->batch);
    request->slot = kb_xstrdup_some(seat->tile.slot);
    request->user = kb_xstrdup_some(sheet->user);
    request->asset_tag = kb_xstrdup_some(sheet->asset_tag);
    request->backup = kb_xstrdup_some(line->backup);
    request->columns = sheet->columns ? json_deep_copy(sheet->columns) : json_object();
    json_object_set_new(request->columns, "target", json_string(line->word));
    request->route = line->route;
    if (sheet->source_state != KB_SOURCE_UNKNOWN) request->source_state = sheet->source_state;
    if (sheet->target_state != KB_TARGET_UNKNOWN) request->target_state = sheet->target_state;
    request->hold = true;
    request->hand_wait_s = 7 * 86400; /* the tray says when to stop */
}

static void add_secrets(struct kb_seat *seat, struct kb_request *request) {
    const struct kb_request *base = seat->tray->options->base;
    const struct kb_tray_line *line = seat->line;
    request->identity_password = copy_secret(base->identity_password);
    if (seat->tray->options->backup || line->encrypted) request->password = copy_secret(base->password);
    if (!line->backup || !line->encrypted) return;
    struct kb_share *share = kb_share_of(seat->tray, line->backup);
    request->key = copy_secret(share->key);
    request->share_key = !share->key;
    if (!share->key) share->first = seat;
}

static void begin_job(struct kb_seat *seat, struct kb_request *request) {
    add_line(seat, request);
    add_secrets(seat, request);
    kb_seat_state(seat, KB_STATE_CHECKING, "");
}

void kb_seat_start(struct kb_seat *seat, enum kb_task task) {
    const struct kb_worker_face face = {seat, on_line, on_log, on_key, on_ended};
    struct kb_request *request = &seat->request;
    kb_request_copy(request, seat->tray->options->base);
    request->task = task;
    request->udid = kb_xstrdup(seat->tile.udid);
    if (reads_only(task))
        seat->tray->looking++;
    else
        begin_job(seat, request);
    seat->started_ms = kb_clock_ms();
    seat->worker = kb_worker_start(&seat->tray->home, request, &face);
}

/* ---- Its end ------------------------------------------------------------------------------------------------------
 */

static const struct {
    enum kb_state state;
    const char *outcome; /* NULL: what the run made: restored or backed-up */
} outcomes[] = {
    {KB_STATE_DONE, NULL},
    {KB_STATE_REFUSED, "refused"},
    {KB_STATE_SET_ASIDE, "failed"},
    {KB_STATE_FAILED, "failed"},
};

static const char *outcome_of(const struct kb_seat *seat, enum kb_state state) {
    const char *said = json_string_value(json_object_get(seat->result, "outcome"));
    for (size_t i = 0; i < KB_ARRAY_SIZE(outcomes); i++) {
        if (outcomes[i].state != state) continue;
        if (outcomes[i].outcome) return state != KB_STATE_DONE && said ? said : outcomes[i].outcome;
        return seat->tray->options->backup ? "backed-up" : "restored";
    }
    if (seat->waited_for[0] && !seat->tray->stops) return "failed"; /* its worker heard of a cancel only */
    return said ? said : "unknown";                                 /* the tray ends before the line */
}

static void keep_worst(struct kb_tray *tray, const struct kb_result *res) {
    static const int order[] = {0, 7, 3, 4, 5, 6, 8, 1, 2, 130};
    int old = 0, fresh = 0, code = kb_exit_of(res), worst = kb_exit_of(&tray->worst);
    for (size_t i = 0; i < KB_ARRAY_SIZE(order); i++) {
        if (order[i] == worst) old = (int)i;
        if (order[i] == code) fresh = (int)i;
    }
    if (fresh > old) tray->worst = *res;
}

void kb_seat_end(struct kb_seat *seat, enum kb_state state, const struct kb_result *res) {
    if (seat->ended || !seat->line) return;
    const char *outcome = outcome_of(seat, state);
    kb_seat_state(seat, state, res->text[0] ? res->text : NULL);
    seat->ended = true;
    clear_ask(&seat->tile);
    seat->tile.asked_ms = kb_clock_ms();
    keep_worst(seat->tray, res);
    tell_own(seat, kb_line_result(device_of(seat), outcome, res));
}
