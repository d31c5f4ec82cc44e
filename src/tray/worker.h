/*
 * One worker process on a libuv loop. Private to the tray room; pool.c runs a list of them, tray.c one for each device.
 */
#ifndef KB_TRAY_WORKER_H
#define KB_TRAY_WORKER_H

#include "kitbench/tray.h"
#include <uv.h>

/* What all workers of a loop share. */
struct kb_worker_home {
    uv_loop_t *loop;
    int64_t memory_bytes; /* address space of each */
    char *program;
    char **env;            /* ours, without passwords */
    char read_room[65536]; /* of every pipe: what is read is taken before the next read */
};
KB_MUST_CHECK struct kb_result kb_worker_home_init(struct kb_worker_home *home, uv_loop_t *loop, int64_t memory_bytes);
void kb_worker_home_release(struct kb_worker_home *home);

/* Whom a worker's parent hears. */
struct kb_worker_face {
    void *arg;
    void (*line)(void *arg, json_t *object);       /* one line; internal ones are not told. Borrowed */
    void (*log)(void *arg, const char *sentence);  /* its standard error, line by line */
    void (*key)(void *arg, struct kb_secret *key); /* with request->share_key; the callee's. NULL: not wanted */
    /*
     * Once, and the last: its own result, or why it has none (killed at its deadline, crashed, cancelled). A result
     * line is made up before, where the task promises one. The worker is freed when this returns.
     */
    void (*ended)(void *arg, const struct kb_result *res);
};
struct kb_worker;
/* request is borrowed until ended. Never NULL: one that cannot be started ends from the loop. */
struct kb_worker *kb_worker_start(struct kb_worker_home *home, const struct kb_request *request,
                                  const struct kb_worker_face *face);
/* The result line of a request that will not be started. */
void kb_worker_tell_unstarted(const struct kb_request *request, const struct kb_result *res,
                              const struct kb_worker_face *face);
void kb_worker_turn(struct kb_worker *worker);   /* it holds at ready: now */
void kb_worker_cancel(struct kb_worker *worker); /* ends at the next message; killed when that takes too long */
void kb_worker_kill(struct kb_worker *worker);   /* at once */
void kb_worker_slept(struct kb_worker *worker);  /* the computer slept: its deadline begins anew */
#endif
