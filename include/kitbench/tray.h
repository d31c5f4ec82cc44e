/*
 * The tray room: many. For now the worker processes: kitbench started again with its internal sub-command, a request as
 * one JSON line on its standard input, JSON lines back, deadlines watched. (Job sheet, slots and schedule come with
 * their issue.)
 */
#ifndef KITBENCH_TRAY_H
#define KITBENCH_TRAY_H

#include "kitbench/base.h"
#include "kitbench/job.h"

struct kb_worker_events {
    void *arg;
    /* One line of worker number n (the index in the requests); internal lines are not told. */
    void (*line)(void *arg, int n, json_t *object);
    void (*log)(void *arg, int n, const char *sentence); /* its standard error, line by line */
};
/*
 * Runs one worker per request, at most parallel at once, until all have ended. results[n]: what worker n's own result
 * said; when it crashed, was killed for a missed deadline or for memory, a KB_UNEXPECTED/KB_LOCKDOWN sentence that says
 * so, and for tasks that promise a result line one is made up for it. First SIGINT (Ctrl-C, console close): workers are
 * told to cancel and have grace; second: they are killed. Returns KB_CANCELLED after a first SIGINT. memory_bytes:
 * address space of each worker (kb_host_limit_memory).
 */
KB_MUST_CHECK struct kb_result kb_workers_run(const struct kb_request *requests, int count, int parallel,
                                              int64_t memory_bytes, const struct kb_worker_events *events,
                                              struct kb_result *results);
/* The other side: reads the request from standard input, runs it, writes lines to standard output; ends the process at
   once when standard input closes (whoever started us is dead). Returns the exit code. */
int kb_worker_main(void);
/* "libuv 1.44.2", for doctor. */
const char *kb_tray_library(void);
#endif
