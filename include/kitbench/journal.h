/*
 * The journal room: what survives a crash. One SQLite file, KITBENCH_HOME/journal.db, rollback mode TRUNCATE,
 * synchronous EXTRA, busy timeout 30 s, so that several kitbench processes may write it. Failures are KB_JOURNAL with
 * SQLite's extended code.
 *
 * There is one append-only table of rows, each chained to the one before by SHA-256; jobs and steps are folded from the
 * rows when they are read, so what a report proves is what status shows. Intent is on disk before the act. Never in a
 * row: a password or a key.
 */
#ifndef KITBENCH_JOURNAL_H
#define KITBENCH_JOURNAL_H

#include "kitbench/base.h"
#include "kitbench/policy.h"

struct kb_journal;
/* Makes the file (0600) when missing; migrates an older one. folder is KITBENCH_HOME. One thread at a time. */
KB_MUST_CHECK struct kb_result kb_journal_open(const char *folder, struct kb_journal **out);
void kb_journal_close(struct kb_journal *journal);

#define KB_STATES(X)                                                                                                   \
    X(KB_STATE_WAITING, "waiting")                                                                                     \
    X(KB_STATE_CHECKING, "checking")                                                                                   \
    X(KB_STATE_OPERATOR, "operator")                                                                                   \
    X(KB_STATE_READY, "ready")                                                                                         \
    X(KB_STATE_BACKING_UP, "backing-up")                                                                               \
    X(KB_STATE_RESTORING, "restoring")                                                                                 \
    X(KB_STATE_REBOOTING, "rebooting")                                                                                 \
    X(KB_STATE_STEPS, "steps")                                                                                         \
    X(KB_STATE_DONE, "done")                                                                                           \
    X(KB_STATE_REFUSED, "refused")                                                                                     \
    X(KB_STATE_FAILED, "failed")                                                                                       \
    X(KB_STATE_SET_ASIDE, "set-aside")
enum kb_state {
#define X(name, word) name,
    KB_STATES(X)
#undef X
        KB_STATE_COUNT
};
const char *kb_state_name(enum kb_state state);
bool kb_state_parse(const char *text, enum kb_state *state);
bool kb_state_ended(enum kb_state state); /* done refused failed set-aside */

enum kb_job_kind { KB_JOB_BACKUP, KB_JOB_RESTORE, KB_JOB_GUIDE /* route icloud */ };
const char *kb_job_kind_name(enum kb_job_kind kind); /* "backup" "restore" "guide" */

/* How far the device can have been changed: what a kill -9 leaves behind. */
enum kb_touch {
    KB_TOUCH_NOTHING,  /* nothing was written to the device */
    KB_TOUCH_ASKED,    /* the restore was asked for: the device may be half restored */
    KB_TOUCH_ANSWERED, /* the device said 0: restored, as soon as it is back */
    KB_TOUCH_CONFIRMED /* it came back and was read */
};
const char *kb_touch_name(enum kb_touch touch); /* "nothing" "asked" "answered" "confirmed" */

#define KB_JOB_ID_ROOM 40
struct kb_job {
    char id[KB_JOB_ID_ROOM], batch[KB_JOB_ID_ROOM]; /* batch "" when alone */
    enum kb_job_kind kind;
    char device[KB_UDID_ROOM]; /* the target */
    char device_serial[32], device_name[256];
    char slot[64];
    char backup[4096]; /* folder */
    char backup_udid[KB_UDID_ROOM], backup_serial[32];
    enum kb_route route;
    enum kb_source source;
    enum kb_target_state target;
    enum kb_tri same_device;
    char user[128], asset_tag[128], by[128]; /* by: the operator who started it */
    json_t *columns;                         /* further columns of the job sheet; NULL or an object the reader owns */
    enum kb_state state;
    enum kb_touch touch;
    enum kb_step step;  /* the first open step, NONE when there is none */
    char text[480];     /* the last sentence */
    char accepted[256]; /* rules, comma-separated */
    char owner[64];     /* "pid@host" of the process that works on it, "" when none */
    int64_t created_at, updated_at;
};
void kb_job_release(struct kb_job *job); /* frees columns */
/* Whether the process that owner names still runs on this computer; false when there is none or it is another
   computer's. A number can be taken again by a stranger, so whoever must be sure holds a lock besides. */
bool kb_journal_owner_alive(const struct kb_job *job);
void kb_job_new_id(char id[KB_JOB_ID_ROOM]); /* "20261124T063000-4f2a91" , sortable, unique */

struct kb_job_step {
    char job[KB_JOB_ID_ROOM], device[KB_UDID_ROOM];
    enum kb_step step;
    enum kb_step_state state;
    char evidence[16];             /* "operator" "device" or "" */
    char by[128];                  /* who, when evidence is operator */
    char detail[240];              /* what was seen, when evidence is device */
    int64_t open_since, closed_at; /* closed_at -1 while open */
};

/* Each call is one durable transaction: when it returns, the row is on the disk. */
KB_MUST_CHECK struct kb_result kb_journal_create_job(struct kb_journal *journal, const struct kb_job *job);
KB_MUST_CHECK struct kb_result kb_journal_set_state(struct kb_journal *journal, const char *job, enum kb_state state,
                                                    const char *text);
KB_MUST_CHECK struct kb_result kb_journal_set_touch(struct kb_journal *journal, const char *job, enum kb_touch touch);
/* What a check found, kept for the report: the JSON of kb_judgement_to_json. Also learns source, target, same_device,
 * serials. */
KB_MUST_CHECK struct kb_result kb_journal_set_facts(struct kb_journal *journal, const struct kb_job *job,
                                                    const json_t *judgement);
KB_MUST_CHECK struct kb_result kb_journal_accept(struct kb_journal *journal, const char *job, enum kb_rule rule,
                                                 const char *by);
/* Opens the steps that are not in the journal for this job yet, in one transaction. */
KB_MUST_CHECK struct kb_result kb_journal_open_steps(struct kb_journal *journal, const char *job,
                                                     const enum kb_step *steps, int count);
/* Closes one open step (DONE or SKIPPED). evidence "operator" needs by, and kb_step_needs_person() needs "operator".
 * Closing a closed one changes nothing and is KB_OK; so does evidence "device" while start-setup is open: what the
 * device shows then is its life before. */
KB_MUST_CHECK struct kb_result kb_journal_close_step(struct kb_journal *journal, const char *job, enum kb_step step,
                                                     enum kb_step_state state, const char *evidence, const char *by,
                                                     const char *detail);
/* When every step is closed, the follow-ups of its row among them, and the job stands in `steps`, makes it `done`; says
 * whether it is now. kb_journal_set_state() refuses `done` while a step is open. */
KB_MUST_CHECK struct kb_result kb_journal_finish_if_closed(struct kb_journal *journal, const char *job, bool *done);

/* What write() calls of the above is one durable transaction, all of it or nothing: on the disk when this returns
 * KB_OK. A failure that write() returns undoes it. Other processes cannot write meanwhile: nothing slow, and no device,
 * belongs into it. */
KB_MUST_CHECK struct kb_result kb_journal_together(struct kb_journal *journal, struct kb_result (*write)(void *arg),
                                                   void *arg);

/* Reading: callbacks get a struct that lives during the call; return false to stop. Newest job last. udid: the jobs of
 * this device alone, which costs little in a long journal; NULL: all. */
KB_MUST_CHECK struct kb_result kb_journal_jobs(struct kb_journal *journal, const char *udid,
                                               bool (*each)(void *arg, const struct kb_job *job), void *arg);
/* Steps of one job (or all jobs, NULL) in procedure order. */
KB_MUST_CHECK struct kb_result kb_journal_steps(struct kb_journal *journal, const char *job,
                                                bool (*each)(void *arg, const struct kb_job_step *step), void *arg);
/* The newest job of a device that has not been followed by another one; found false when there is none. */
KB_MUST_CHECK struct kb_result kb_journal_last_job(struct kb_journal *journal, const char *udid, struct kb_job *job,
                                                   bool *found);

/* One job by its id; found false when there is none. Release it when found. */
KB_MUST_CHECK struct kb_result kb_journal_find_job(struct kb_journal *journal, const char *id, struct kb_job *job,
                                                   bool *found);
/* Another number when somebody else has written since the last call (SQLite's data_version); costs next to nothing. */
int64_t kb_journal_version(struct kb_journal *journal);

struct kb_row { /* one raw row, for reports */
    int64_t seq;
    int64_t at;
    const char *job, *kind, *body; /* body: JSON */
    char hash[65], previous[65];
};
KB_MUST_CHECK struct kb_result kb_journal_rows(struct kb_journal *journal, const char *job,
                                               bool (*each)(void *arg, const struct kb_row *row), void *arg);
/* Walks the whole chain. broken_at: 0 when every row is as written, else the first seq that is not (changed, removed,
 * put in, or missing at the end). rows and last hash for a report: who has kept an earlier report can compare. */
KB_MUST_CHECK struct kb_result kb_journal_prove(struct kb_journal *journal, int64_t *rows, int64_t *broken_at,
                                                char last[65]);
#endif
