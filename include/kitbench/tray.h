/*
 * The tray room: many. For now the worker processes: kitbench started again with its internal sub-command, a request as
 * one JSON line on its standard input, JSON lines back, deadlines watched. Also the job
 * sheet. (Slots and schedule come with their issue.)
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
/* Cores of this computer, at least 1. */
int kb_tray_cores(void);

/* ---- The job sheet: JOBS.csv (design.md, section 2)
 * ---------------------------------------------------------------------------------------------------------------------
 */

struct kb_place {
    int line, column; /* from 1; a column is a character */
};
/* One line of the sheet; what it does not say is "" or unknown. */
struct kb_sheet_job {
    struct kb_place at, target_at, source_at;
    char *target, *source, *user, *asset_tag; /* never NULL; target and source never empty */
    bool has_route;
    enum kb_route route;
    enum kb_source source_state;
    enum kb_target_state target_state;
    json_t *columns; /* further columns: name to text; NULL when there is none */
};
struct kb_sheet_error {
    struct kb_place at;
    char text[400]; /* one sentence, in the operator's language */
};
#define KB_SHEET_MAX_BYTES  ((size_t)16 << 20)
#define KB_SHEET_MAX_JOBS   10000
#define KB_SHEET_MAX_ERRORS 100 /* kept; error_total counts all */
struct kb_sheet {
    struct kb_sheet_job *jobs;
    int count, room;
    struct kb_sheet_error *errors; /* in the order of the file when kb_sheet_parse() returns */
    int error_count, error_total;
};
/*
 * Reads a whole sheet; what is wrong is in errors, and when there is one nobody should act on the jobs. Any bytes are
 * fine. Release it whatever comes back.
 */
void kb_sheet_parse(const char *bytes, size_t size, struct kb_sheet *out);
/* The same for a file; fails (KB_USAGE, KB_HOST) only when it cannot be read. */
KB_MUST_CHECK struct kb_result kb_sheet_load(const char *path, struct kb_sheet *out);
void kb_sheet_wrong(struct kb_sheet *sheet, struct kb_place at, const char *format, ...) KB_PRINTF(3, 4);
void kb_sheet_sort_errors(struct kb_sheet *sheet);
void kb_sheet_release(struct kb_sheet *sheet);

/* "libuv 1.44.2", for doctor. */
const char *kb_tray_library(void);
#endif
