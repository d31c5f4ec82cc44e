/* The sync ritual (protocol.md 3.9): a courtesy to the device's Music and to other programs on this computer. */
#include "ritual.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define LOCK_FILE "/com.apple.itunes.lock_sync"
#define POST      "com.apple.itunes-mobdev."
enum { LOCK_TRIES = 50, LOCK_PAUSE_MS = 200, CLOSE_MS = 5000 };

static void tolerate(const struct kb_transfer_options *options, const char *what, int code) {
    char line[160];

    if (!options->events || !options->events->log) return;
    snprintf(line, sizeof line, "%s: %d; going on without it", what, code);
    options->events->log(options->events->arg, line);
}

static void post(struct kb_ritual *ritual, const char *name) {
    struct kb_result res = kb_ok();

    if (ritual->notify) res = kb_notify_post(ritual->notify, name);
    (void)res; /* a post that nobody hears harms nothing */
}

/* AFC_E_OP_WOULD_BLOCK: another program holds it. Worth ten seconds of patience, as with every host. */
static struct kb_result take_lock(struct kb_ritual *ritual, const struct kb_transfer_options *options) {
    afc_error_t error = AFC_E_OP_WOULD_BLOCK;

    for (int i = 0; i < LOCK_TRIES && error == AFC_E_OP_WOULD_BLOCK; i++) {
        if (i > 0 && kb_cancel_wait(options->cancel, LOCK_PAUSE_MS)) return kb_cancel_result();
        error = afc_file_lock(ritual->afc, ritual->lock, AFC_LOCK_EX);
    }
    ritual->locked = error == AFC_E_SUCCESS;
    if (error == AFC_E_OP_WOULD_BLOCK)
        return kb_fail(
            KB_SERVICE, error,
            _("Another program (iTunes, Apple Devices, Finder) is syncing this device. Close it, then try again"));
    if (error != AFC_E_SUCCESS) tolerate(options, "sync lock", error);
    return kb_ok();
}

struct kb_result kb_ritual_begin(struct kb_ritual *ritual, const struct kb_transfer_options *options) {
    post(ritual, POST "syncWillStart");
    afc_error_t error =
        ritual->afc ? afc_file_open(ritual->afc, LOCK_FILE, AFC_FOPEN_RW, &ritual->lock) : AFC_E_SERVICE_NOT_CONNECTED;
    if (error != AFC_E_SUCCESS) {
        tolerate(options, "sync lock file", error);
        ritual->lock = 0;
        return kb_ok();
    }
    post(ritual, POST "syncLockRequest");
    struct kb_result res = take_lock(ritual, options);
    if (!kb_failed(&res) && ritual->locked) post(ritual, POST "syncDidStart");
    return res;
}

/*
 * Closing AFC waits for answers without limit in libimobiledevice 1.3.0, and after a restore the device may be
 * restarting. So it is done on a thread of its own, which is left behind when it does not come to an end.
 */
struct closing {
    afc_client_t afc;
    uint64_t lock;
    bool locked;
    atomic_bool done;
};

static void close_afc(void *arg) {
    struct closing *closing = arg;

    if (closing->locked) afc_file_lock(closing->afc, closing->lock, AFC_LOCK_UN);
    if (closing->lock) afc_file_close(closing->afc, closing->lock);
    afc_client_free(closing->afc);
    atomic_store(&closing->done, true);
}

/* False: it hangs, and whatever it uses must stay. */
static bool close_in_time(const struct kb_ritual *ritual) {
    struct closing *closing = kb_xcalloc(1, sizeof *closing);
    int64_t deadline_ms = kb_clock_ms() + CLOSE_MS;
    bool done = false;

    closing->afc = ritual->afc;
    closing->lock = ritual->lock;
    closing->locked = ritual->locked;
    atomic_init(&closing->done, false);
    kb_thread_detached(close_afc, closing);
    while (!(done = atomic_load(&closing->done)) && kb_clock_ms() < deadline_ms) kb_sleep_ms(1);
    if (done) free(closing);
    return done;
}

bool kb_ritual_end(struct kb_ritual *ritual) {
    bool closed = !ritual->afc || close_in_time(ritual);

    if (ritual->lock) post(ritual, POST "syncDidFinish");
    *ritual = (struct kb_ritual){0};
    return closed;
}
