/*
 * Who begins, and whose turn it is. Everything that can be known is known of a device before it waits for its turn; so
 * many transfers at once on a bus as it carries; what failed comes again with the next wave, never what a rule refused.
 */
#include "engine.h"
#include <stdlib.h>
#include <string.h>

struct kb_share *kb_share_of(struct kb_tray *tray, const char *backup) {
    for (int i = 0; i < tray->share_count; i++)
        if (!strcmp(tray->shares[i].backup, backup)) return &tray->shares[i];
    tray->shares = kb_xrealloc(tray->shares, ((size_t)tray->share_count + 1) * sizeof *tray->shares);
    struct kb_share *share = &tray->shares[tray->share_count++];
    *share = (struct kb_share){.backup = backup, .wrong = kb_ok()};
    return share;
}

/* Its device has something that must be read first, or that only reading moves on. */
static bool wants_look(const struct kb_seat *seat) {
    bool halfway = seat->touch == KB_TOUCH_ASKED || seat->touch == KB_TOUCH_ANSWERED;
    if (seat->tile.state == KB_STATE_STEPS) return true;
    if (seat->tile.state == KB_STATE_REBOOTING) return true;
    return seat->tile.state == KB_STATE_SET_ASIDE && halfway && !seat->looked;
}

static void begin(struct kb_seat *seat) {
    struct kb_tray *tray = seat->tray;
    if (seat->line->backup && seat->line->encrypted && seat->line->route == KB_ROUTE_USB) {
        struct kb_share *share = kb_share_of(tray, seat->line->backup);
        if (kb_failed(&share->wrong)) { /* the same password on the same backup: the same answer */
            kb_seat_end(seat, KB_STATE_REFUSED, &share->wrong);
            return;
        }
        if (!share->key && share->first) return;
    }
    kb_seat_start(seat, tray->options->backup ? KB_TASK_BACKUP : KB_TASK_RESTORE);
}

static void begin_what_can(struct kb_seat *seat, int64_t now) {
    struct kb_tray *tray = seat->tray;
    if (!seat->line || seat->ended || seat->worker) return;
    if (seat->line->missing) {
        struct kb_result res = kb_fail(KB_STORE, KB_STORE_MISSING, "%s", seat->line->missing);
        kb_seat_end(seat, KB_STATE_REFUSED, &res);
        return;
    }
    if (!seat->bound || !seat->tile.attached || now < seat->next_ms || tray->stops) return;
    if (wants_look(seat)) {
        if (tray->looking < KB_MAX_READERS) kb_seat_start(seat, KB_TASK_EVIDENCE);
        return;
    }
    begin(seat);
}

/* ---- Turns --------------------------------------------------------------------------------------------------------
 */

static int bus_of(struct kb_seat *seat) {
    struct kb_port *port = kb_port_of(seat->tray, seat->tile.udid);
    return port ? kb_bus_of(port->attached.location) : 0;
}

/* One that waits for a passcode, or is silent, uses nothing of the bus, and must not hold up the others. */
static bool uses_bus(const struct kb_seat *seat, int64_t now) {
    return seat->moving && !seat->tile.ask[0] && now - seat->sample_ms < KB_SILENT_MS;
}

static int moving_on(struct kb_tray *tray, int bus) {
    int64_t now = kb_clock_ms();
    int count = 0;
    for (int i = 0; i < tray->seat_count; i++)
        if (uses_bus(tray->seats[i], now) && bus_of(tray->seats[i]) == bus) count++;
    return count;
}

/*
 * Devices that were just plugged in are judged before more transfers begin, which would take the computer from their
 * checks: whoever stands at the tray learns at once which device needs a hand.
 */
static bool some_are_judged(const struct kb_tray *tray) {
    int64_t now = kb_clock_ms();
    for (int i = 0; i < tray->seat_count; i++) {
        const struct kb_seat *seat = tray->seats[i];
        if (seat->worker && seat->tile.state == KB_STATE_CHECKING && now - seat->started_ms < KB_JUDGE_MS) return true;
    }
    return false;
}

static int by_waiting(const void *a, const void *b) {
    const struct kb_seat *const *x = a, *const *y = b;
    if ((*x)->held_ms != (*y)->held_ms) return ((*x)->held_ms > (*y)->held_ms) - ((*x)->held_ms < (*y)->held_ms);
    return (*x)->tile.n - (*y)->tile.n;
}

static void give_turns(struct kb_tray *tray) {
    struct kb_seat **waiting = kb_xcalloc((size_t)tray->seat_count + 1, sizeof *waiting);
    int count = 0;
    for (int i = 0; i < tray->seat_count; i++)
        if (tray->seats[i]->worker && tray->seats[i]->holds) waiting[count++] = tray->seats[i];
    if (count) qsort(waiting, (size_t)count, sizeof(struct kb_seat *), by_waiting);
    for (int i = 0; i < count; i++) {
        struct kb_seat *seat = waiting[i];
        int bus = bus_of(seat);
        seat->tile.queued = moving_on(tray, bus) >= kb_governor_limit(&tray->governor, bus);
        if (seat->tile.queued) continue;
        seat->holds = false;
        seat->moving = true;
        seat->sample_ms = kb_clock_ms();
        kb_worker_turn(seat->worker);
    }
    free(waiting);
}

void kb_schedule(struct kb_tray *tray) {
    int64_t now = kb_clock_ms();
    kb_ports_match(tray);
    for (int i = 0; i < tray->seat_count; i++) begin_what_can(tray->seats[i], now);
    if (!tray->stops && !some_are_judged(tray)) give_turns(tray);
}
