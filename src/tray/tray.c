/*
 * A whole tray on one loop: the events of usbmuxd, workers, signals, keys and a clock that ticks. What
 * happens marks the tray dirty; the next turn of the loop lets schedule.c look at what can begin, and shows it.
 * Progress is only shown.
 */
#include "engine.h"
#include <stdlib.h>
#include <string.h>

#define TICK_MS  500
#define DRAW_MS  200
#define SLEPT_MS 20000 /* the wall's clock went on so much longer than ours: the computer slept */

static void on_kick(uv_idle_t *idle);
static void on_draw(uv_timer_t *timer);

void kb_tray_dirty(struct kb_tray *tray) {
    if (!tray->over && !uv_is_active((uv_handle_t *)&tray->kick)) uv_idle_start(&tray->kick, on_kick);
}

/* Progress of 64 comes hundreds of times a second, and lets nobody begin. */
void kb_tray_redraw(struct kb_tray *tray) {
    if (!tray->over && !uv_is_active((uv_handle_t *)&tray->draw)) uv_timer_start(&tray->draw, on_draw, DRAW_MS, 0);
}

void kb_tray_moved(struct kb_tray *tray) { tray->moved_ms = kb_clock_ms(); }

void kb_tray_say(struct kb_tray *tray, const char *format, ...) {
    const struct kb_tray_events *events = tray->options->events;
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (events->log) events->log(events->arg, NULL, text);
}

/* ---- What is shown ------------------------------------------------------------------------------------------------
 */

static bool is_shown(const struct kb_seat *seat) { return seat->line || (seat->bound && seat->tile.attached); }

static int64_t left_of_all(const struct kb_tray *tray) {
    int64_t most = -1;
    for (int i = 0; i < tray->seat_count; i++)
        if (tray->seats[i]->worker && tray->seats[i]->tile.left_s > most) most = tray->seats[i]->tile.left_s;
    return most;
}

static int by_slot(const void *a, const void *b) {
    const struct kb_tile *x = a, *y = b;
    bool slots = x->slot[0] && y->slot[0];
    if (!!x->slot[0] != !!y->slot[0]) return x->slot[0] ? -1 : 1;
    if (slots) {
        long p = strtol(x->slot, NULL, 10), q = strtol(y->slot, NULL, 10);
        if (p != q) return (p > q) - (p < q);
        int order = strcmp(x->slot, y->slot);
        if (order) return order;
    }
    if (!!x->line != !!y->line) return x->line ? -1 : 1;
    return x->line != y->line ? x->line - y->line : x->n - y->n;
}

static void show(struct kb_tray *tray) {
    const struct kb_tray_events *events = tray->options->events;
    struct kb_tray_view view = {.note = tray->note, .left_s = left_of_all(tray)};
    tray->drawn_ms = kb_clock_ms();
    uv_timer_stop(&tray->draw);
    if (!events->view) return;
    struct kb_tile *tiles = kb_xcalloc((size_t)tray->seat_count + 1, sizeof *tiles);
    for (int i = 0; i < tray->seat_count; i++) {
        const struct kb_seat *seat = tray->seats[i];
        if (!is_shown(seat)) continue;
        tiles[view.count++] = seat->tile;
        view.jobs += seat->line != NULL;
        view.ended += seat->line && seat->ended;
        view.done += seat->line && seat->ended && seat->tile.state == KB_STATE_DONE;
    }
    qsort(tiles, (size_t)view.count, sizeof *tiles, by_slot);
    view.tiles = tiles;
    events->view(events->arg, tray, &view);
    free(tiles);
}

/* ---- The end ------------------------------------------------------------------------------------------------------
 */

static bool all_ended(const struct kb_tray *tray) {
    for (int i = 0; i < tray->seat_count; i++)
        if (tray->seats[i]->line && !tray->seats[i]->ended) return false;
    return true;
}

static bool any_worker(const struct kb_tray *tray) {
    if (tray->probing) return true;
    for (int i = 0; i < tray->seat_count; i++)
        if (tray->seats[i]->worker) return true;
    return false;
}

/* A restore that is running must not be cut; everything else can be begun again. */
static bool must_finish(const struct kb_seat *seat) {
    return seat->worker && seat->request.task == KB_TASK_RESTORE &&
           (seat->tile.state == KB_STATE_RESTORING || seat->tile.state == KB_STATE_REBOOTING);
}

static void end_workers(struct kb_tray *tray, bool now) {
    for (int i = 0; i < tray->seat_count; i++) {
        struct kb_seat *seat = tray->seats[i];
        if (!seat->worker) continue;
        if (now)
            kb_worker_kill(seat->worker);
        else if (!must_finish(seat))
            kb_worker_cancel(seat->worker);
    }
    for (int i = 0; i < tray->port_count; i++)
        if (tray->ports[i]->probe) kb_worker_kill(tray->ports[i]->probe);
}

static bool busy_with_restores(const struct kb_tray *tray) {
    for (int i = 0; i < tray->seat_count; i++)
        if (must_finish(tray->seats[i])) return true;
    return false;
}

static void on_interrupt(void *arg, int stops) {
    struct kb_tray *tray = arg;
    tray->stops += stops > tray->stops ? stops - tray->stops : 1;
    if (tray->stops == 1 && busy_with_restores(tray)) {
        kb_text_copy(tray->note, sizeof tray->note,
                     _("Stopping: restores that are running are finished first. Once more stops them now"));
        kb_tray_say(tray, "%s", tray->note);
    }
    end_workers(tray, tray->stops > 1);
    kb_tray_dirty(tray);
}

void kb_tray_stop(struct kb_tray *tray) { on_interrupt(tray, tray->stops + 1); }

static void close_up(struct kb_tray *tray) {
    tray->over = true;
    uv_stop(&tray->loop);
}

/* What is still open when the tray ends, and why: the next run goes on with it. */
static struct kb_result left_open(const struct kb_tray *tray, const struct kb_seat *seat) {
    const struct kb_tile *tile = &seat->tile;
    if (tray->stops) return kb_cancel_result();
    if (!seat->bound || !tile->attached)
        return kb_fail(KB_OPERATOR, KB_ASK_NONE, _("%s is not plugged in: plug it in and start the tray again"),
                       seat->bound ? tile->udid : tile->target);
    return kb_fail(KB_OPERATOR, KB_ASK_NONE, "%s",
                   tile->text[0] ? tile->text : _("Not finished: start the tray again"));
}

static void end_lines(struct kb_tray *tray) {
    for (int i = 0; i < tray->seat_count; i++) {
        struct kb_seat *seat = tray->seats[i];
        if (!seat->line || seat->ended) continue;
        struct kb_result res = left_open(tray, seat);
        kb_seat_end(seat, seat->tile.state, &res);
    }
}

/* ---- The clock ----------------------------------------------------------------------------------------------------
 */

static void sample_buses(struct kb_tray *tray, int64_t ms) {
    int running[256] = {0};
    for (int i = 0; i < tray->seat_count; i++) {
        struct kb_port *port = tray->seats[i]->moving ? kb_port_of(tray, tray->seats[i]->tile.udid) : NULL;
        if (port) running[kb_bus_of(port->attached.location) & 255]++;
    }
    for (int bus = 0; bus < 256; bus++) {
        if (running[bus] && tray->bus_bytes[bus])
            kb_governor_sample(&tray->governor, bus, running[bus], tray->bus_bytes[bus], ms);
        tray->bus_bytes[bus] = 0;
    }
}

/* Steps are closed by other kitbench processes too (confirm, steps). */
static void follow_journal(struct kb_tray *tray) {
    int64_t version = kb_journal_version(tray->journal);
    if (version == tray->journal_version) return;
    tray->journal_version = version;
    for (int i = 0; i < tray->seat_count; i++) {
        struct kb_seat *seat = tray->seats[i];
        if (seat->ended || seat->worker || seat->tile.state != KB_STATE_STEPS) continue;
        kb_seat_reload(seat);
        if (seat->tile.state == KB_STATE_DONE) kb_seat_done(seat);
    }
}

/* Timers stand still while the computer sleeps; who was to be silent for so long begins anew. */
static void notice_sleep(struct kb_tray *tray, int64_t now, int64_t wall) {
    if (tray->tick_ms && (wall - tray->tick_wall_ms) - (now - tray->tick_ms) > SLEPT_MS) {
        kb_tray_say(tray, _("This computer was asleep for %d seconds; transfers that broke are begun again"),
                    (int)((wall - tray->tick_wall_ms) / 1000));
        for (int i = 0; i < tray->seat_count; i++)
            if (tray->seats[i]->worker) kb_worker_slept(tray->seats[i]->worker);
        kb_tray_moved(tray);
    }
    tray->tick_ms = now;
    tray->tick_wall_ms = wall;
}

/* Whether somebody works without a hand: transfers, restarts, and what is read or tried again by itself. */
static bool anything_moves(const struct kb_tray *tray) {
    for (int i = 0; i < tray->seat_count; i++) {
        const struct kb_seat *seat = tray->seats[i];
        if (seat->ended || !seat->line) continue;
        if (seat->worker && seat->request.task != KB_TASK_EVIDENCE && seat->tile.state != KB_STATE_OPERATOR &&
            !seat->tile.ask[0])
            return true;
        if (!seat->worker && seat->tile.attached && seat->tile.state == KB_STATE_WAITING &&
            seat->next_ms > kb_clock_ms())
            return true;
    }
    return false;
}

static void give_up_waiting(struct kb_tray *tray, int64_t now) {
    const struct kb_tray_options *options = tray->options;
    if (options->wait_s < 0 || tray->gave_up || tray->stops || anything_moves(tray)) return;
    if (now - tray->moved_ms < options->wait_s * 1000) return;
    tray->gave_up = true;
    for (int i = 0; i < tray->seat_count; i++) {
        struct kb_seat *seat = tray->seats[i];
        if (seat->worker && seat->tile.ask[0]) kb_text_copy(seat->waited_for, sizeof seat->waited_for, seat->tile.text);
    }
    kb_tray_say(tray, _("Nothing has moved for %lld seconds; start the tray again to go on"),
                (long long)options->wait_s);
    end_workers(tray, false);
}

static void on_tick(uv_timer_t *timer) {
    struct kb_tray *tray = timer->data;
    int64_t now = kb_clock_ms();
    int64_t span = tray->tick_ms ? now - tray->tick_ms : TICK_MS;
    notice_sleep(tray, now, kb_clock_wall_ms());
    sample_buses(tray, span > 0 ? span : 1);
    follow_journal(tray);
    give_up_waiting(tray, now);
    kb_tray_dirty(tray);
}

/* After everything that happened in this turn of the loop, once. */
static void on_kick(uv_idle_t *idle) {
    struct kb_tray *tray = idle->data;
    uv_idle_stop(idle);
    if (tray->over) return;
    if (!tray->gave_up) kb_schedule(tray);
    bool over = all_ended(tray) || ((tray->stops || tray->gave_up) && !any_worker(tray));
    if (over && !any_worker(tray)) {
        end_lines(tray);
        show(tray);
        close_up(tray);
        return;
    }
    if (over) end_workers(tray, false);
    if (kb_clock_ms() - tray->drawn_ms >= DRAW_MS)
        show(tray);
    else
        kb_tray_redraw(tray);
}

static void on_draw(uv_timer_t *timer) { show(timer->data); }

/* ---- Keys ---------------------------------------------------------------------------------------------------------
 */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    struct kb_tray *tray = handle->data;
    (void)suggested;
    *buf = uv_buf_init(tray->typed, sizeof tray->typed);
}

static void on_typed(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf) {
    struct kb_tray *tray = stream->data;
    const struct kb_tray_events *events = tray->options->events;
    if (got < 0) {
        uv_read_stop(stream);
        return;
    }
    kb_tray_moved(tray);
    if (got > 0 && events->key) events->key(events->arg, tray, buf->base, (size_t)got);
    tray->drawn_ms = 0;
    kb_tray_dirty(tray);
}

static void watch_keys(struct kb_tray *tray) {
    if (!tray->options->keys || uv_tty_init(&tray->loop, &tray->tty, 0, 1) != 0) return;
    tray->has_tty = true;
    tray->tty.data = tray;
    uv_tty_set_mode(&tray->tty, UV_TTY_MODE_RAW);
    uv_read_start((uv_stream_t *)&tray->tty, on_room, on_typed);
}

/* ---- What cli asks for --------------------------------------------------------------------------------------------
 */

static struct kb_seat *seat_at(struct kb_tray *tray, int n) {
    return n >= 0 && n < tray->seat_count && tray->seats[n]->line ? tray->seats[n] : NULL;
}

static struct kb_result no_such(void) {
    return kb_fail(KB_USAGE, 0, _("No line of the sheet names this device: it is left alone"));
}

struct kb_result kb_tray_retry(struct kb_tray *tray, int n) {
    struct kb_seat *seat = seat_at(tray, n);
    if (!seat) return no_such();
    if (seat->worker) return kb_fail(KB_USAGE, 0, _("It is being worked on already"));
    if (seat->tile.state == KB_STATE_DONE || seat->tile.state == KB_STATE_STEPS)
        return kb_fail(KB_USAGE, 0, _("It is restored already; what is left are its steps"));
    for (int i = 0; i < tray->share_count; i++)
        if (seat->line->backup && !strcmp(tray->shares[i].backup, seat->line->backup)) tray->shares[i].wrong = kb_ok();
    seat->ended = seat->looked = false;
    seat->fails = 0;
    seat->next_ms = 0;
    kb_seat_state(seat, KB_STATE_WAITING, "");
    kb_tray_moved(tray);
    return kb_ok();
}

struct kb_result kb_tray_set_aside(struct kb_tray *tray, int n, const char *by) {
    struct kb_seat *seat = seat_at(tray, n);
    if (!seat) return no_such();
    if (seat->ended) return kb_fail(KB_USAGE, 0, _("This line has ended already"));
    if (must_finish(seat))
        return kb_fail(KB_USAGE, 0, _("A restore that is running must not be cut; wait until it ends"));
    seat->put_aside = true;
    kb_text_copy(seat->put_aside_by, sizeof seat->put_aside_by, by);
    struct kb_result res = kb_ok();
    if (seat->worker)
        kb_worker_cancel(seat->worker);
    else
        kb_seat_settle(seat, KB_TASK_RESTORE, &res);
    return kb_ok();
}

struct kb_result kb_tray_confirm(struct kb_tray *tray, int n, enum kb_step step, const char *by) {
    struct kb_seat *seat = seat_at(tray, n);
    bool done = false;
    if (!seat) return no_such();
    if (!seat->job[0] || seat->tile.state != KB_STATE_STEPS)
        return kb_fail(KB_OPERATOR, KB_ASK_NONE, _("Too early: the restore is not proved yet"));
    struct kb_result res = kb_journal_close_step(tray->journal, seat->job, step, KB_STEP_DONE, "operator", by, NULL);
    if (!kb_failed(&res)) res = kb_journal_finish_if_closed(tray->journal, seat->job, &done);
    if (kb_failed(&res)) return res;
    kb_seat_reload(seat);
    if (done) kb_seat_done(seat);
    return kb_ok();
}

void kb_tray_steps(struct kb_tray *tray, int n, bool (*each)(void *arg, const struct kb_job_step *step), void *arg) {
    struct kb_seat *seat = seat_at(tray, n);
    if (!seat || !seat->job[0]) return;
    struct kb_result res = kb_journal_steps(tray->journal, seat->job, each, arg);
    if (kb_failed(&res)) kb_seat_log(seat, "%s", res.text);
}

/* ---- What an earlier run left -------------------------------------------------------------------------------------
 */

static bool is_of_batch(const struct kb_tray *tray, const struct kb_job *job) {
    return kb_streq(job->batch, tray->options->batch) && (job->kind == KB_JOB_BACKUP) == tray->options->backup;
}

static bool is_of_line(const struct kb_seat *seat, const struct kb_job *job) {
    const char *word = json_string_value(json_object_get(job->columns, "target"));
    const struct kb_known known = {job->device, job->device_serial, "", job->slot};
    if (kb_streq(word, seat->line->word)) return true;
    /* A slot may have had another device since; the word that was in the sheet then counts. */
    return !kb_slot_word(seat->line->word) && kb_word_means(seat->line->word, &known) != KB_MEANS_NO;
}

static void tell_changed(struct kb_seat *seat, const struct kb_job *job) {
    if (!seat->line->backup || !job->backup[0] || kb_streq(seat->line->backup, job->backup)) return;
    kb_seat_log(seat,
                _("Line %d has changed: the device was given %.200s and the sheet now says %.200s; what was done "
                  "stays as it is"),
                seat->line->sheet->at.line, job->backup, seat->line->backup);
}

static bool take_earlier(void *arg, const struct kb_job *job) {
    struct kb_tray *tray = arg;
    bool done = job->state == KB_STATE_DONE || job->state == KB_STATE_STEPS || job->touch != KB_TOUCH_NOTHING;
    if (!is_of_batch(tray, job)) return true;
    for (int i = 0; i < tray->seat_count; i++) {
        struct kb_seat *seat = tray->seats[i];
        if (!is_of_line(seat, job)) continue;
        if (!done && seat->line->backup && job->backup[0] && !kb_streq(seat->line->backup, job->backup)) continue;
        if (seat->bound && !kb_streq(seat->tile.udid, job->device)) continue; /* the first device of a slot */
        kb_seat_bind(seat, job->device);
        seat->touch = KB_TOUCH_NOTHING;
        kb_seat_take_job(seat, job); /* jobs come oldest first: the newest stays */
    }
    return true;
}

/* Where a line stands, told once; what can be tried again is tried again. */
static void go_on_from(struct kb_seat *seat) {
    struct kb_job job;
    bool found = false;
    if (!seat->job[0]) return;
    struct kb_result res = kb_journal_find_job(seat->tray->journal, seat->job, &job, &found);
    if (kb_failed(&res) || !found) return;
    if (job.state == KB_STATE_DONE || job.touch != KB_TOUCH_NOTHING) tell_changed(seat, &job);
    kb_job_release(&job);
    switch (seat->tile.state) {
    case KB_STATE_DONE:
        kb_text_copy(res.text, sizeof res.text, _("Done in an earlier run"));
        kb_seat_end(seat, KB_STATE_DONE, &res);
        break;
    case KB_STATE_STEPS:
    case KB_STATE_REBOOTING:
    case KB_STATE_SET_ASIDE:
        break;
    default:
        kb_seat_state(seat, KB_STATE_WAITING, "");
        break;
    }
}

static struct kb_result take_up(struct kb_tray *tray, const struct kb_tray_line *lines, int count) {
    struct kb_result res = kb_journal_open(tray->options->base->home, &tray->journal);
    if (!kb_failed(&res)) res = kb_job_recover(tray->journal);
    for (int i = 0; i < count; i++) kb_seat_new(tray, &lines[i]);
    if (!kb_failed(&res)) res = kb_journal_jobs(tray->journal, NULL, take_earlier, tray);
    for (int i = 0; i < count && !kb_failed(&res); i++) go_on_from(tray->seats[i]);
    tray->journal_version = tray->journal ? kb_journal_version(tray->journal) : -1;
    return res;
}

/* ---- The run ------------------------------------------------------------------------------------------------------
 */

/* Two trays on one sheet would fight for every device. */
static struct kb_result lock_batch(const struct kb_tray_options *options, struct kb_lock **lock) {
    struct kb_dir *dir = NULL;
    char *folder = kb_path_join(options->base->home, "locks"), *name = kb_xasprintf("tray-%s.lock", options->batch);
    char *path = kb_path_join(folder, name);
    struct kb_result res = kb_dir_open(folder, true, &dir);
    if (!kb_failed(&res)) res = kb_lock_take(path, false, 0, lock);
    if (kb_is(&res, KB_HOST, KB_HOST_BUSY))
        res = kb_fail(KB_HOST, KB_HOST_BUSY,
                      _("Another kitbench tray works on this sheet already; use that one, or end it first"));
    kb_dir_close(dir);
    free(path);
    free(name);
    free(folder);
    return res;
}

static void start_loop(struct kb_tray *tray) {
    uv_timer_init(&tray->loop, &tray->tick);
    tray->tick.data = tray;
    uv_timer_start(&tray->tick, on_tick, 0, TICK_MS);
    kb_interrupt_start(&tray->interrupt, &tray->loop, on_interrupt, tray);
    tray->mux = kb_mux_watch_start(&tray->loop, kb_ports_event, kb_ports_gone, tray);
    watch_keys(tray);
}

static void end_loop(struct kb_tray *tray) {
    if (tray->has_tty) uv_tty_reset_mode();
    if (tray->mux) kb_mux_watch_stop(tray->mux);
    tray->over = true;
    kb_loop_close(&tray->loop);
}

static void release(struct kb_tray *tray) {
    for (int i = 0; i < tray->seat_count; i++) kb_seat_free(tray->seats[i]);
    for (int i = 0; i < tray->port_count; i++) free(tray->ports[i]);
    for (int i = 0; i < tray->share_count; i++) kb_secret_free(tray->shares[i].key);
    free(tray->seats);
    free(tray->ports);
    free(tray->shares);
    kb_journal_close(tray->journal);
    kb_worker_home_release(&tray->home);
    free(tray);
}

struct kb_result kb_tray_run(const struct kb_tray_options *options, const struct kb_tray_line *lines, int count,
                             struct kb_result *worst) {
    struct kb_tray *tray = kb_xcalloc(1, sizeof *tray);
    struct kb_lock *lock = NULL;
    tray->options = options;
    tray->governor.fixed = options->per_bus;
    tray->worst = kb_ok();
    tray->moved_ms = kb_clock_ms();
    struct kb_result res = lock_batch(options, &lock);
    if (!kb_failed(&res) && uv_loop_init(&tray->loop) != 0)
        res = kb_fail(KB_HOST, KB_HOST_OTHER, _("Cannot watch other processes; close other programs and try again"));
    if (kb_failed(&res)) goto out;
    uv_idle_init(&tray->loop, &tray->kick);
    uv_timer_init(&tray->loop, &tray->draw);
    tray->kick.data = tray->draw.data = tray;
    res = kb_worker_home_init(&tray->home, &tray->loop, options->memory_bytes);
    if (!kb_failed(&res)) res = take_up(tray, lines, count);
    if (!kb_failed(&res)) {
        start_loop(tray);
        uv_run(&tray->loop, UV_RUN_DEFAULT);
        *worst = tray->stops ? kb_cancel_result() : tray->worst;
    }
    end_loop(tray);
out:
    kb_lock_release(lock);
    release(tray);
    return res;
}
