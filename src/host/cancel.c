/* Cancelling: marks, wakes the sleeper, and shuts down the one connection that is being waited for. */
#include "system.h"

#include <stdlib.h>

struct kb_cancel {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Guarded by lock. */
    bool cancelled;
    int fd; /* -1: none */
};

struct kb_cancel *kb_cancel_new(void) {
    struct kb_cancel *cancel = kb_xcalloc(1, sizeof *cancel);
    pthread_mutex_init(&cancel->lock, NULL);
    kb_cond_init(&cancel->changed);
    cancel->fd = -1;
    return cancel;
}

void kb_cancel_free(struct kb_cancel *cancel) {
    if (!cancel) return;
    pthread_cond_destroy(&cancel->changed);
    pthread_mutex_destroy(&cancel->lock);
    free(cancel);
}

void kb_cancel_now(struct kb_cancel *cancel) {
    pthread_mutex_lock(&cancel->lock);
    cancel->cancelled = true;
    /* Under the lock, so that the owner cannot close the descriptor, and another get its number, meanwhile. */
    if (cancel->fd >= 0) kb_fd_shutdown(cancel->fd);
    pthread_cond_broadcast(&cancel->changed);
    pthread_mutex_unlock(&cancel->lock);
}

bool kb_cancelled(struct kb_cancel *cancel) {
    if (!cancel) return false;
    pthread_mutex_lock(&cancel->lock);
    bool cancelled = cancel->cancelled;
    pthread_mutex_unlock(&cancel->lock);
    return cancelled;
}

bool kb_cancel_wait(struct kb_cancel *cancel, int64_t ms) {
    int64_t deadline = kb_clock_ms() + ms;
    if (!cancel) {
        kb_sleep_ms(ms);
        return false;
    }
    pthread_mutex_lock(&cancel->lock);
    while (!cancel->cancelled && kb_remaining_ms(deadline) > 0)
        kb_cond_wait_ms(&cancel->changed, &cancel->lock, kb_remaining_ms(deadline));
    bool cancelled = cancel->cancelled;
    pthread_mutex_unlock(&cancel->lock);
    return cancelled;
}

void kb_cancel_watch(struct kb_cancel *cancel, int fd) {
    if (!cancel) return;
    pthread_mutex_lock(&cancel->lock);
    cancel->fd = fd;
    if (cancel->cancelled && fd >= 0) kb_fd_shutdown(fd);
    pthread_mutex_unlock(&cancel->lock);
}

struct kb_result kb_cancel_result(void) {
    return kb_fail(KB_CANCELLED, 0, _("Stopped by the operator; \"kitbench status\" says what each device is now"));
}
