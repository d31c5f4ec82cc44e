/* Signals that ask us to stop, and the end of a loop. */
#include "interrupt.h"
#include "kitbench/base.h"
#include <signal.h>

static void on_signal(uv_signal_t *handle, int number) {
    struct kb_interrupt *interrupt = handle->data;
    (void)number;
    interrupt->told(interrupt->arg, ++interrupt->stops);
}

void kb_interrupt_start(struct kb_interrupt *interrupt, uv_loop_t *loop, void (*told)(void *arg, int stops),
                        void *arg) {
    static const int numbers[] = {
        SIGINT, SIGTERM,
#ifdef SIGHUP
        SIGHUP, /* also the console window that is closed on Windows: libuv makes it of that */
#endif
    };
    interrupt->told = told;
    interrupt->arg = arg;
    interrupt->stops = 0;
    for (size_t i = 0; i < KB_ARRAY_SIZE(numbers); i++) {
        uv_signal_t *handle = &interrupt->signals[i];
        if (uv_signal_init(loop, handle) != 0) continue;
        handle->data = interrupt;
        uv_signal_start(handle, on_signal, numbers[i]);
        uv_unref((uv_handle_t *)handle);
    }
}

static void close_one(uv_handle_t *handle, void *arg) {
    (void)arg;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

void kb_loop_close(uv_loop_t *loop) {
    uv_walk(loop, close_one, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
}
