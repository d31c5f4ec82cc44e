/* Ctrl-C, SIGTERM and a terminal that is closed, on a libuv loop. Private to the tray room. */
#ifndef KB_TRAY_INTERRUPT_H
#define KB_TRAY_INTERRUPT_H

#include <uv.h>

struct kb_interrupt {
    uv_signal_t signals[3];
    void (*told)(void *arg, int stops);
    void *arg;
    int stops;
};
/* told: how often by now. Does not keep the loop alive. */
void kb_interrupt_start(struct kb_interrupt *interrupt, uv_loop_t *loop, void (*told)(void *arg, int stops), void *arg);
/* Closes whatever is still open on the loop, then the loop. */
void kb_loop_close(uv_loop_t *loop);
#endif
