/*
 * Attached devices: who is there, who has to be read to be known, and which line of the sheet means whom. A device that
 * no line names is shown and left alone; a word that could be two devices gets neither.
 */
#include "engine.h"
#include <stdlib.h>
#include <string.h>

struct kb_port *kb_port_of(struct kb_tray *tray, const char *udid) {
    for (int i = 0; i < tray->port_count; i++)
        if (kb_streq(tray->ports[i]->attached.udid, udid)) return tray->ports[i];
    return NULL;
}

static struct kb_seat *seat_of(struct kb_tray *tray, const char *udid) {
    for (int i = 0; i < tray->seat_count; i++)
        if (tray->seats[i]->bound && kb_streq(tray->seats[i]->tile.udid, udid)) return tray->seats[i];
    return NULL;
}

static struct kb_port *port_new(struct kb_tray *tray, const struct kb_attached *device) {
    struct kb_port *port = kb_xcalloc(1, sizeof *port);
    port->tray = tray;
    port->attached = *device;
    kb_device_init(&port->device);
    tray->ports = kb_xrealloc(tray->ports, ((size_t)tray->port_count + 1) * sizeof(struct kb_port *));
    tray->ports[tray->port_count++] = port;
    return port;
}

static const char *slot_of(const struct kb_port *port) {
    const struct kb_slots *slots = port->tray->options->slots;
    return slots ? kb_slots_name(slots, port->attached.location) : "";
}

/* ---- usbmuxd's events ---------------------------------------------------------------------------------------------
 */

static void show_port(struct kb_port *port) {
    struct kb_seat *seat = seat_of(port->tray, port->attached.udid);
    if (!seat) return;
    const char *slot = slot_of(port);
    if (port->present && *slot && *seat->tile.slot && !kb_streq(slot, seat->tile.slot))
        kb_seat_log(seat, _("The device has moved from slot %s to slot %s; its job goes with it"), seat->tile.slot,
                    slot);
    if (port->present && *slot) kb_text_copy(seat->tile.slot, sizeof seat->tile.slot, slot);
    seat->tile.attached = port->present;
    seat->look_every_ms = KB_LOOK_MS;
    if (port->present && seat->next_ms > kb_clock_ms() + KB_LOOK_MS && seat->tile.state != KB_STATE_WAITING)
        seat->next_ms = 0; /* it was waited for; a line that failed keeps its pause */
    kb_tray_dirty(port->tray);
}

void kb_ports_event(void *arg, enum kb_mux_event event, const struct kb_attached *device) {
    struct kb_tray *tray = arg;
    struct kb_port *port = kb_port_of(tray, device->udid);
    tray->note[0] = 0;
    kb_tray_moved(tray);
    kb_tray_dirty(tray); /* a device that no line has yet may be somebody's */
    if (event == KB_MUX_DETACHED) {
        if (!port || port->attached.id != device->id) return; /* it is back already, with another DeviceID */
        port->present = false;
        show_port(port);
        return;
    }
    if (!port && tray->port_count >= 4 * KB_MAX_ATTACHED) return;
    if (!port) port = port_new(tray, device);
    if (event == KB_MUX_ATTACHED) {
        port->attached = *device;
        port->present = true;
    } else { /* paired: what could not be read before can be read now */
        port->probed = port->probed && port->device.serial[0];
    }
    show_port(port);
}

void kb_ports_gone(void *arg, const char *text) {
    struct kb_tray *tray = arg;
    for (int i = 0; i < tray->port_count; i++) {
        tray->ports[i]->present = false;
        show_port(tray->ports[i]);
    }
    if (*text && !tray->note[0]) kb_tray_say(tray, "%s", text);
    kb_text_copy(tray->note, sizeof tray->note, text);
    kb_tray_dirty(tray);
}

/* ---- Reading who it is --------------------------------------------------------------------------------------------
 */

static void on_line(void *arg, json_t *object) {
    struct kb_port *port = arg;
    if (!json_object_get(object, "event")) kb_device_from_json(&port->device, object);
}

static void on_ended(void *arg, const struct kb_result *res) {
    struct kb_port *port = arg;
    (void)res; /* what could not be read stays unknown; the line that means it says why when it is worked on */
    port->probe = NULL;
    port->probed = true;
    port->tray->probing--;
    kb_request_release(&port->request);
    kb_tray_dirty(port->tray);
}

static void probe(struct kb_port *port) {
    const struct kb_request *base = port->tray->options->base;
    const struct kb_worker_face face = {.arg = port, .line = on_line, .ended = on_ended};
    port->request = (struct kb_request){.task = KB_TASK_PROBE, .lang = base->lang};
    port->request.home = kb_xstrdup(base->home);
    port->request.udid = kb_xstrdup(port->attached.udid);
    port->tray->probing++;
    port->probe = kb_worker_start(&port->tray->home, &port->request, &face);
}

/* ---- Who is meant -------------------------------------------------------------------------------------------------
 */

static enum kb_means means(const struct kb_seat *seat, const struct kb_port *port) {
    const struct kb_known known = {port->attached.udid, port->device.serial, port->device.imei, slot_of(port)};
    return kb_word_means(seat->line->word, &known);
}

/* A slot's first device is its line's; another one that comes into it later is not. */
static void match_seat(struct kb_seat *seat) {
    struct kb_tray *tray = seat->tray;
    struct kb_port *found = NULL;
    for (enum kb_means how = KB_MEANS_IT; how >= KB_MEANS_START && !found; how--) {
        int count = 0;
        for (int i = 0; i < tray->port_count; i++) {
            if (!tray->ports[i]->present || means(seat, tray->ports[i]) != how) continue;
            found = tray->ports[i];
            count++;
        }
        if (count <= 1) continue;
        if (!seat->tile.text[0])
            kb_seat_log(seat, _("\"%.60s\" could be more than one device: write more of its UDID into the sheet"),
                        seat->line->word);
        kb_text_copy(seat->tile.text, sizeof seat->tile.text, _("Could be more than one device"));
        return;
    }
    if (!found) return;
    struct kb_seat *other = seat_of(tray, found->attached.udid);
    if (other && other->line) {
        struct kb_result res = kb_fail(KB_USAGE, 0,
                                       _("\"%.60s\" is the same device as \"%.60s\" of line %d: one device takes one "
                                         "backup"),
                                       seat->line->word, other->line->word, other->line->sheet->at.line);
        kb_seat_end(seat, KB_STATE_REFUSED, &res);
        return;
    }
    if (other) other->bound = false; /* it was shown as nobody's until it could be read */
    kb_seat_bind(seat, found->attached.udid);
    show_port(found);
}

static bool some_line_waits(const struct kb_tray *tray) {
    for (int i = 0; i < tray->seat_count; i++)
        if (tray->seats[i]->line && !tray->seats[i]->bound && !tray->seats[i]->ended) return true;
    return false;
}

/* A twin in the place of a line's own device: said, and left alone. */
static void warn_of_twin(const struct kb_tray *tray, const struct kb_port *port, struct kb_seat *nobody) {
    for (int i = 0; i < tray->seat_count; i++) {
        const struct kb_seat *seat = tray->seats[i];
        if (!seat->line || !seat->bound || seat->ended || kb_streq(seat->tile.udid, port->attached.udid)) continue;
        if (!kb_slot_word(seat->line->word) || means(seat, port) != KB_MEANS_IT) continue;
        snprintf(nobody->tile.text, sizeof nobody->tile.text,
                 _("Slot %s belongs to another device (%s, line %d): put that one back, or correct the sheet and start "
                   "again"),
                 slot_of(port), seat->tile.udid, seat->line->sheet->at.line);
        return;
    }
}

static void show_nobodys(struct kb_port *port) {
    struct kb_seat *seat = kb_seat_new(port->tray, NULL);
    kb_seat_bind(seat, port->attached.udid);
    kb_text_copy(seat->tile.name, sizeof seat->tile.name, port->device.name);
    kb_text_copy(seat->tile.text, sizeof seat->tile.text, _("Not in the sheet: left alone"));
    warn_of_twin(port->tray, port, seat);
    kb_seat_log(seat, "%s", seat->tile.text);
    show_port(port);
}

void kb_ports_match(struct kb_tray *tray) {
    for (int i = 0; i < tray->seat_count; i++) {
        struct kb_seat *seat = tray->seats[i];
        if (seat->line && !seat->bound && !seat->ended) match_seat(seat);
    }
    for (int i = 0; i < tray->port_count; i++) {
        struct kb_port *port = tray->ports[i];
        if (!port->present || port->probe || seat_of(tray, port->attached.udid)) continue;
        if (!port->probed) {
            if (tray->probing < KB_MAX_READERS && !tray->stops) probe(port);
        } else {
            show_nobodys(port);
        }
    }
    /* Nobody's device that turns out to be somebody's, once it can be read. */
    if (!some_line_waits(tray)) return;
    for (int i = 0; i < tray->port_count; i++) {
        struct kb_port *port = tray->ports[i];
        struct kb_seat *seat = seat_of(tray, port->attached.udid);
        if (port->present && !port->probed && !port->probe && seat && !seat->line && tray->probing < KB_MAX_READERS &&
            !tray->stops)
            probe(port);
    }
}
