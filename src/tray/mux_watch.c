/*
 * usbmuxd's events for a libuv loop: a thread listens (the device room's calls block), the loop takes them over. A
 * daemon that goes away is told once and waited for.
 */
#include "engine.h"
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS  1000
#define LISTEN_MS 3600000

struct note {
    bool gone;
    enum kb_mux_event event;
    struct kb_attached device;
    char text[240];
};

struct kb_mux_watch {
    uv_async_t wake;
    uv_thread_t thread;
    struct kb_cancel *cancel;
    void (*told)(void *arg, enum kb_mux_event event, const struct kb_attached *device);
    void (*gone)(void *arg, const char *text);
    void *arg;
    uv_mutex_t lock;
    struct note *notes; /* Guarded by lock. */
    int count, room;    /* Guarded by lock. */
};

static void add(struct kb_mux_watch *watch, const struct note *note) {
    uv_mutex_lock(&watch->lock);
    if (watch->count == watch->room) {
        watch->room = watch->room ? 2 * watch->room : 64;
        watch->notes = kb_xrealloc(watch->notes, (size_t)watch->room * sizeof *watch->notes);
    }
    watch->notes[watch->count++] = *note;
    uv_mutex_unlock(&watch->lock);
    uv_async_send(&watch->wake);
}

static bool on_event(void *arg, enum kb_mux_event event, const struct kb_attached *device) {
    struct note note = {.event = event, .device = *device};
    add(arg, &note);
    return true;
}

static void listen_for_ever(void *arg) {
    struct kb_mux_watch *watch = arg;
    while (!kb_cancelled(watch->cancel)) {
        struct kb_result res = kb_mux_listen(on_event, watch, watch->cancel, kb_clock_ms() + LISTEN_MS);
        if (kb_cancelled(watch->cancel)) break;
        struct note note = {.gone = true};
        if (kb_failed(&res) && !kb_is(&res, KB_HOST, KB_HOST_TIMEOUT))
            kb_text_copy(note.text, sizeof note.text, res.text);
        add(watch, &note); /* whoever is attached is told anew by the next listening */
        if (note.text[0]) kb_cancel_wait(watch->cancel, AGAIN_MS);
    }
}

static void on_wake(uv_async_t *handle) {
    struct kb_mux_watch *watch = handle->data;
    uv_mutex_lock(&watch->lock);
    struct note *notes = watch->notes;
    int count = watch->count;
    watch->notes = NULL;
    watch->count = watch->room = 0;
    uv_mutex_unlock(&watch->lock);
    for (int i = 0; i < count; i++) {
        if (notes[i].gone)
            watch->gone(watch->arg, notes[i].text);
        else
            watch->told(watch->arg, notes[i].event, &notes[i].device);
    }
    free(notes);
}

struct kb_mux_watch *
kb_mux_watch_start(uv_loop_t *loop, void (*told)(void *arg, enum kb_mux_event event, const struct kb_attached *device),
                   void (*gone)(void *arg, const char *text), void *arg) {
    struct kb_mux_watch *watch = kb_xcalloc(1, sizeof *watch);
    watch->told = told;
    watch->gone = gone;
    watch->arg = arg;
    watch->cancel = kb_cancel_new();
    if (uv_mutex_init(&watch->lock) != 0 || uv_async_init(loop, &watch->wake, on_wake) != 0) abort();
    watch->wake.data = watch;
    if (uv_thread_create(&watch->thread, listen_for_ever, watch) != 0) abort();
    return watch;
}

static void on_closed(uv_handle_t *handle) {
    struct kb_mux_watch *watch = handle->data;
    uv_mutex_destroy(&watch->lock);
    free(watch->notes);
    free(watch);
}

void kb_mux_watch_stop(struct kb_mux_watch *watch) {
    kb_cancel_now(watch->cancel);
    uv_thread_join(&watch->thread);
    kb_cancel_free(watch->cancel);
    uv_close((uv_handle_t *)&watch->wake, on_closed);
}
