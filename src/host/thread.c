/* One detached thread. */
#include "system.h"

#include <stdlib.h>

struct start {
    void (*body)(void *arg);
    void *arg;
};

static void *run(void *arg) {
    struct start start = *(struct start *)arg;
    free(arg);
    start.body(start.arg);
    return NULL;
}

void kb_thread_detached(void (*body)(void *arg), void *arg) {
    struct start *start = kb_xmalloc(sizeof *start);
    pthread_attr_t attr;
    pthread_t thread;
    *start = (struct start){body, arg};
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, run, start) != 0) abort(); /* without its watchdog a worker must not go on */
    pthread_attr_destroy(&attr);
}
