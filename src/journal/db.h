/*
 * The journal's private face: one SQLite connection, the transaction, the row that is appended, and the fold that
 * makes a job out of its rows.
 */
#ifndef KITBENCH_JOURNAL_DB_H
#define KITBENCH_JOURNAL_DB_H

#include "kitbench/host.h"
#include "kitbench/journal.h"

#include <sqlite3.h>

#define HASH_ROOM 65

struct kb_journal {
    sqlite3 *db;
    char *path;
    char owner[64]; /* "pid@host" of this process */
    bool together;  /* inside of kb_journal_together(): its transaction is everybody's */
};

/* What a row is about. The word is in the file; words of a newer kitbench are skipped when folding, never lost. */
#define ROW_JOB    "job"
#define ROW_STATE  "state"
#define ROW_TOUCH  "touch"
#define ROW_FACTS  "facts"
#define ROW_ACCEPT "accept"
#define ROW_OPEN   "open"
#define ROW_CLOSE  "close"

/* The failure that SQLite has just reported, as a sentence; rc other than OK, ROW and DONE. */
struct kb_result kb_journal_fail(struct kb_journal *journal, int rc);
/* Runs statements that return nothing. */
struct kb_result kb_journal_exec(struct kb_journal *journal, const char *sql);
struct kb_result kb_journal_prepare(struct kb_journal *journal, const char *sql, sqlite3_stmt **out);
/* After the last sqlite3_step: KB_OK when rc is SQLITE_DONE or SQLITE_ROW. Finalizes. */
struct kb_result kb_journal_finish(struct kb_journal *journal, sqlite3_stmt *statement, int rc);

/* A writing transaction; end commits when res is KB_OK, else rolls back, and returns what came of it. */
struct kb_result kb_journal_begin(struct kb_journal *journal);
struct kb_result kb_journal_end(struct kb_journal *journal, struct kb_result res);
/* Appends one row in the open transaction; takes body. */
struct kb_result kb_journal_append(struct kb_journal *journal, const char *job, const char *kind, json_t *body);

/* The chain's link: SHA-256 over the row's fields, each with its length before it. */
void kb_journal_hash(char out[HASH_ROOM], const char *previous, int64_t seq, int64_t at, const char *job,
                     size_t job_size, const char *kind, size_t kind_size, const char *body, size_t body_size);

/* One job, folded from its rows. */
struct kb_fold {
    struct kb_job job;
    struct kb_job_step steps[KB_STEP_COUNT];
    int step_count; /* in the order in which they were opened, which is the procedure's */
    bool found;     /* there was a `job` row */
};
struct kb_fold *kb_fold_new(void);
void kb_fold_free(struct kb_fold *fold);
/* Folds all rows of one job. found is false when the journal does not know it. */
struct kb_result kb_fold_read(struct kb_journal *journal, const char *job, struct kb_fold *fold);
/* The same, and a failure when there is no such job. */
struct kb_result kb_fold_need(struct kb_journal *journal, const char *job, struct kb_fold *fold);
struct kb_job_step *kb_fold_step(struct kb_fold *fold, enum kb_step step);
/* Every step closed, and the follow-ups of the job's row in the case table among them. */
bool kb_fold_closed(struct kb_fold *fold);
/* Bodies of the `job` row and of the `facts` row. */
json_t *kb_fold_job_body(const struct kb_job *job);
json_t *kb_fold_facts_body(const struct kb_job *job, const json_t *judgement);
#endif
