/*
 * One run of mobilebackup2: Hello, the request, the loop that serves the device's messages, its Response (protocol.md
 * 3.2, 3.3, 3.8). The device leads; the host answers. Silence is normal for minutes, so the only ends are the device's
 * word, a lost link, a cancel, and the end of the caller's patience.
 */
#include "backup2.h"

#include "mux.h"
#include "node.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { OPENING_MS = 60000, TICK_MS = 100, POLL_MS = 500, SILENCE_STEP_S = 5, ALIVE_MS = 60000, LAST_WORD_MS = 1000 };

void kb_backup2_log(struct kb_backup2 *b2, const char *format, ...) {
    char raw[600], line[600];
    va_list args;

    if (!b2->options->events || !b2->options->events->log) return;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    kb_text_clean(line, sizeof line, raw);
    b2->options->events->log(b2->options->events->arg, line);
}

void kb_backup2_hostile(struct kb_backup2 *b2, const char *path) {
    char clean[200];

    if (kb_failed(&b2->broken)) return;
    kb_text_clean(clean, sizeof clean, path);
    b2->broken = kb_fail(KB_BACKUP2, KB_LINK_PROTOCOL,
                         _("The device named a file outside its backup's folder (%s). Do not use this device"), clean);
}

/* ---- Hints, progress, silence ---- */

static void ask_passcode(struct kb_backup2 *b2, bool asked) {
    const struct kb_transfer_events *events = b2->options->events;

    if (asked == b2->asked) return;
    b2->asked = asked;
    if (events && events->ask) events->ask(events->arg, asked ? KB_ASK_PASSCODE : KB_ASK_NONE);
}

static void on_notification(void *arg, const char *name) {
    struct kb_backup2 *b2 = arg;

    kb_backup2_log(b2, "notification %s", name);
    if (strcmp(name, KB_NOTE_PASSCODE_ASKED) == 0) ask_passcode(b2, true);
    if (strcmp(name, KB_NOTE_PASSCODE_ANSWERED) == 0) ask_passcode(b2, false);
}

static void poll_notifications(struct kb_backup2 *b2) {
    b2->polled_ms = kb_clock_ms();
    if (b2->notify) kb_notify_poll(b2->notify, on_notification, b2);
}

struct kb_result kb_backup2_tick(struct kb_backup2 *b2, double done_pct) {
    const struct kb_transfer_events *events = b2->options->events;
    int64_t now = kb_clock_ms();

    if (isfinite(done_pct) && done_pct > b2->end->done_pct) b2->end->done_pct = done_pct < 100 ? done_pct : 100;
    b2->untold = now - b2->ticked_ms < TICK_MS;
    if (b2->untold) return kb_ok();
    b2->ticked_ms = now;
    if (events && events->progress) events->progress(events->arg, b2->end->done_pct, b2->end->bytes);
    if (now - b2->polled_ms >= POLL_MS) poll_notifications(b2);
    return kb_cancelled(b2->options->cancel) ? kb_cancel_result() : kb_ok();
}

/* A link can be dead without a word; usbmuxd knows whether this attachment still exists. */
static struct kb_result look_alive(struct kb_backup2 *b2) {
    struct kb_attached found;
    int64_t now = kb_clock_ms();

    if (b2->mux_id == 0 || now - b2->alive_ms < ALIVE_MS) return kb_ok();
    b2->alive_ms = now;
    struct kb_result res = kb_mux_find(b2->options->udid, &found, now + 5000);
    if (kb_is(&res, KB_LOCKDOWN, KB_DEVICE_GONE) || (!kb_failed(&res) && found.id != b2->mux_id))
        return kb_fail(KB_BACKUP2, KB_LINK_LOST,
                       _("The connection to the device was lost. Check the cable and plug the device in again"));
    if (!kb_failed(&res))
        kb_backup2_log(b2, "silent, but still connected; lockdown %s",
                       kb_mux_answers(found.id, kb_clock_ms() + 5000) ? "answers" : "does not answer");
    return kb_ok();
}

static struct kb_result on_idle(void *arg, int64_t silent_ms) {
    struct kb_backup2 *b2 = arg;
    const struct kb_transfer_events *events = b2->options->events;
    int64_t seconds = silent_ms / 1000;

    if (kb_cancelled(b2->options->cancel)) return kb_cancel_result();
    /* What came right after a tick is told now: at 97 % it means that the device may finish by itself. */
    if (b2->untold && events && events->progress) events->progress(events->arg, b2->end->done_pct, b2->end->bytes);
    b2->untold = false;
    poll_notifications(b2);
    if (seconds < b2->told_silence_s) b2->told_silence_s = 0; /* something moved meanwhile */
    if (seconds < SILENCE_STEP_S) b2->alive_ms = kb_clock_ms();
    if (seconds < b2->told_silence_s + SILENCE_STEP_S) return kb_ok();

    b2->told_silence_s = seconds - seconds % SILENCE_STEP_S;
    if (events && events->silent && !events->silent(events->arg, (int)seconds, b2->first))
        return kb_fail(KB_BACKUP2, KB_LINK_SILENT,
                       _("The device has been silent for %d seconds. Look at its screen, then start again"),
                       (int)seconds);
    return look_alive(b2);
}

/* ---- Opening ---- */

static plist_t hello(void) {
    plist_t dict = plist_new_dict(), versions = plist_new_array();

    plist_array_append_item(versions, plist_new_real(2.0));
    plist_array_append_item(versions, plist_new_real(2.1));
    plist_dict_set_item(dict, "MessageName", plist_new_string("Hello"));
    plist_dict_set_item(dict, "SupportedProtocolVersions", versions);
    return dict;
}

static struct kb_result hello_answer(struct kb_stream *stream) {
    plist_t message = NULL;
    const char *name;
    int64_t code = -1;

    struct kb_result res = kb_link_receive(stream, &message, &name);
    if (kb_failed(&res)) return res;
    plist_t dict = plist_array_get_size(message) > 1 ? plist_array_get_item(message, 1) : NULL;
    if (strcmp(name, "DLMessageProcessMessage") != 0 || !kb_node_int(kb_node_get(dict, "ErrorCode"), &code) ||
        code != 0)
        res = kb_fail(KB_BACKUP2, KB_LINK_VERSION,
                      _("The device's backup service speaks a version that kitbench does not know. Update kitbench"));
    plist_free(message);
    return res;
}

/* The opening needs nobody's hand: it has a deadline of its own. */
struct kb_result kb_backup2_open(struct kb_backup2 *b2) {
    b2->alive_ms = kb_clock_ms();
    kb_stream_on_idle(b2->stream, on_idle, b2);
    kb_stream_deadline(b2->stream, kb_clock_ms() + OPENING_MS);
    struct kb_result res = kb_link_open(b2->stream);
    if (!kb_failed(&res)) res = kb_link_process(b2->stream, hello(), false);
    if (!kb_failed(&res)) res = hello_answer(b2->stream);
    kb_stream_deadline(b2->stream, INT64_MAX);
    if (kb_is(&res, KB_HOST, KB_HOST_TIMEOUT)) res = kb_fail(KB_BACKUP2, KB_LINK_SILENT, "%s", res.text);
    return res;
}

/* ---- The end ---- */

static struct kb_result response(struct kb_backup2 *b2, plist_t dict) {
    const char *description = kb_node_text(kb_node_get(dict, "ErrorDescription"));
    char clean[400];
    int64_t code;

    if (!kb_node_int(kb_node_get(dict, "ErrorCode"), &code)) return kb_dl_malformed();
    b2->end->answered = true;
    if (code == 0) {
        b2->end->done_pct = 100;
        return kb_ok();
    }
    if (code < 0 || code > INT32_MAX) code = 1; /* negative ones are ours: enum kb_link_code */
    if (!description) return kb_fail(KB_BACKUP2, (int)code, _("The device reports error %d"), (int)code);
    kb_text_clean(clean, sizeof clean, description);
    return kb_fail(KB_BACKUP2, (int)code, "%s", clean);
}

static struct kb_result disconnected(plist_t message) {
    const char *text = plist_array_get_size(message) > 1 ? kb_node_text(plist_array_get_item(message, 1)) : NULL;
    char clean[200];

    if (!text || strcmp(text, KB_LINK_NOTHING) == 0)
        return kb_fail(KB_BACKUP2, KB_LINK_LOST,
                       _("The device ended the connection. Look at its screen, then try again"));
    kb_text_clean(clean, sizeof clean, text);
    return kb_fail(KB_BACKUP2, KB_LINK_LOST,
                   _("The device ended the connection (%s). Look at its screen, then try again"), clean);
}

/* ---- The loop ---- */

/* One message. *ended: it was the last one, and the result is the run's. */
static struct kb_result serve(struct kb_backup2 *b2, bool *ended) {
    plist_t message = NULL;
    const char *name;

    b2->boundary = true;
    struct kb_result res = kb_stream_need(b2->stream, 1);
    if (kb_failed(&res)) return res;
    b2->boundary = false;
    res = kb_link_receive(b2->stream, &message, &name);
    if (kb_failed(&res)) return res;
    b2->first = false;
    ask_passcode(b2, false); /* it goes on: whatever was on the screen is answered */

    plist_t dict = plist_array_get_size(message) > 1 ? plist_array_get_item(message, 1) : NULL;
    const char *process = kb_node_text(kb_node_get(dict, "MessageName"));
    if (strcmp(name, "DLMessageDisconnect") == 0) {
        *ended = true;
        res = disconnected(message);
    } else if (strcmp(name, "DLMessageProcessMessage") != 0) {
        res = kb_dl_handle(b2, name, message);
    } else if (kb_streq(process, "Response")) {
        *ended = true;
        res = response(b2, dict);
    } else {
        kb_backup2_log(b2, "message %s ignored", process ? process : "without a name");
    }
    plist_free(message);
    b2->boundary = *ended || !kb_failed(&res);
    return res;
}

/* A send failed: perhaps the device said why before it closed. */
static struct kb_result last_word(struct kb_backup2 *b2, struct kb_result lost) {
    bool ended = false;

    if (kb_stream_ended(b2->stream)) return lost;
    kb_stream_deadline(b2->stream, kb_clock_ms() + LAST_WORD_MS);
    struct kb_result res = serve(b2, &ended);
    return ended ? res : lost;
}

/* Says good-bye where the stream is in step, and gives res on. */
static struct kb_result stop(struct kb_backup2 *b2, struct kb_result res) {
    if (!b2->boundary || kb_stream_ended(b2->stream)) return res;
    kb_stream_on_idle(b2->stream, NULL, NULL);
    kb_stream_deadline(b2->stream, kb_clock_ms() + 2000);
    struct kb_result polite = kb_link_disconnect(b2->stream);
    (void)polite;
    return res;
}

struct kb_result kb_backup2_run(struct kb_backup2 *b2, plist_t request, bool secret) {
    bool ended = false;

    b2->first = true;
    struct kb_result res = kb_link_process(b2->stream, request, secret);
    while (!kb_failed(&res) && !ended) {
        res = serve(b2, &ended);
        if (!kb_failed(&res) && kb_failed(&b2->broken)) res = b2->broken;
        if (!kb_failed(&res) && !ended) res = kb_backup2_tick(b2, 0);
    }
    if (!ended && kb_is(&res, KB_BACKUP2, KB_LINK_LOST)) res = last_word(b2, res);
    if (b2->options->events && b2->options->events->progress)
        b2->options->events->progress(b2->options->events->arg, b2->end->done_pct, b2->end->bytes);
    return stop(b2, res);
}
