/*
 * A list of requests, each in a worker of its own, so many side by side. One libuv loop, one thread. The first Ctrl-C
 * tells the workers to cancel, the second ends them.
 */
#include "interrupt.h"
#include "worker.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seat { /* one request */
    struct pool *pool;
    int n;
    struct kb_worker *worker; /* NULL before and after */
};

struct pool {
    uv_loop_t loop;
    struct kb_worker_home home;
    struct kb_interrupt interrupt;
    const struct kb_request *requests;
    int count, parallel, next, running, stops;
    const struct kb_worker_events *events;
    struct kb_result *results;
    struct seat *seats;
};

static void start_more(struct pool *pool);

static void on_line(void *arg, json_t *object) {
    struct seat *seat = arg;
    const struct kb_worker_events *events = seat->pool->events;
    if (events->line) events->line(events->arg, seat->n, object);
}

static void on_log(void *arg, const char *sentence) {
    struct seat *seat = arg;
    const struct kb_worker_events *events = seat->pool->events;
    if (events->log) events->log(events->arg, seat->n, sentence);
}

static void on_ended(void *arg, const struct kb_result *res) {
    struct seat *seat = arg;
    seat->pool->results[seat->n] = *res;
    seat->worker = NULL;
    seat->pool->running--;
    start_more(seat->pool);
}

/* Those that a Ctrl-C kept from starting have a result too. */
static void start_more(struct pool *pool) {
    while (pool->next < pool->count && (pool->stops || pool->running < pool->parallel)) {
        struct seat *seat = &pool->seats[pool->next];
        const struct kb_worker_face face = {seat, on_line, on_log, NULL, on_ended};
        const struct kb_request *request = &pool->requests[pool->next++];
        if (pool->stops) {
            struct kb_result res = kb_cancel_result();
            kb_worker_tell_unstarted(request, &res, &face);
            pool->results[seat->n] = res;
            continue;
        }
        pool->running++;
        seat->worker = kb_worker_start(&pool->home, request, &face);
    }
}

static void on_interrupt(void *arg, int stops) {
    struct pool *pool = arg;
    pool->stops = stops;
    for (int i = 0; i < pool->count; i++) {
        if (!pool->seats[i].worker) continue;
        if (stops == 1)
            kb_worker_cancel(pool->seats[i].worker);
        else
            kb_worker_kill(pool->seats[i].worker);
    }
}

static struct kb_result run(struct pool *pool, int64_t memory_bytes) {
    if (uv_loop_init(&pool->loop) != 0)
        return kb_fail(KB_HOST, KB_HOST_OTHER, _("Cannot watch other processes; close other programs and try again"));
    struct kb_result res = kb_worker_home_init(&pool->home, &pool->loop, memory_bytes);
    if (!kb_failed(&res)) {
        kb_interrupt_start(&pool->interrupt, &pool->loop, on_interrupt, pool);
        start_more(pool);
        uv_run(&pool->loop, UV_RUN_DEFAULT);
        if (pool->stops) res = kb_cancel_result();
    }
    kb_loop_close(&pool->loop);
    kb_worker_home_release(&pool->home);
    return res;
}

const char *kb_tray_library(void) {
    static char text[40];
    snprintf(text, sizeof text, "libuv %s", uv_version_string());
    return text;
}

struct kb_result kb_workers_run(const struct kb_request *requests, int count, int parallel, int64_t memory_bytes,
                                const struct kb_worker_events *events, struct kb_result *results) {
    struct pool *pool = kb_xcalloc(1, sizeof *pool);
    pool->requests = requests;
    pool->count = count;
    pool->parallel = parallel > 0 ? parallel : 1;
    pool->events = events;
    pool->results = results;
    pool->seats = kb_xcalloc((size_t)count + 1, sizeof *pool->seats);
    for (int i = 0; i < count; i++) {
        results[i] = kb_ok();
        pool->seats[i] = (struct seat){pool, i, NULL};
    }
    struct kb_result res = run(pool, memory_bytes);
    for (int i = 0; i < count && kb_failed(&res) && res.domain != KB_CANCELLED; i++) results[i] = res;
    free(pool->seats);
    free(pool);
    return res;
}
