/*
 * What the files of the job room share: one run of one request. Private to the room.
 */
#ifndef KB_JOB_PRIVATE_H
#define KB_JOB_PRIVATE_H

#include "kitbench/job.h"

/* Bounds of what blocks, told to whoever watches (seconds). */
#define JOB_READ_S   45   /* one reading of a device; the device room gives up after some 35 s */
#define JOB_PAIR_S   150  /* a try to pair, or opening the services of a transfer: five calls of at most 30 s */
#define JOB_KDF_S    120  /* proving a password: 10 million rounds on a slow computer */
#define JOB_DISK_S   600  /* inspecting or sealing between two lines of progress */
#define JOB_WAIT_S   60   /* waiting for usbmuxd in slices, with a line each */
#define JOB_GONE_S   60   /* a restored device leaves within so long, or never */
#define JOB_RETURN_S 1200 /* it is back after so long, or a person looks */
#define JOB_LOCK_MS  5000 /* whoever only reads the device, or settles its row, is done with its lock by then */
#define JOB_SETTLE_S 300  /* a device that is back speaks within so long; it may reboot once more meanwhile */

/* The clock of the hands loop; tests put their own in its place. */
struct job_clock {
    int64_t (*now_ms)(void *arg);
    bool (*wait)(void *arg, int64_t ms); /* true: cancelled meanwhile */
    void *arg;
};

struct job {
    const struct kb_request *req;
    const struct kb_sink *sink;
    struct kb_cancel *cancel;
    struct job_clock clock;
    struct kb_journal *journal; /* NULL for tasks that keep none */
    struct kb_lock *lock;       /* the device's: one worker a device */
    struct kb_job row;          /* as the journal has it */
    bool in_journal;
    bool quiet;              /* changes of state are written, but not told */
    struct kb_device device; /* the latest reading */

    /* progress: at most four lines a second */
    const char *phase;
    int64_t told_ms;
    double told_pct;
};

/* ---- lines.c: everything that is said ---- */
void kb_job_progress(struct job *job, const char *phase, double done_pct, int64_t bytes); /* negative = null */
void kb_job_operator(struct job *job, const char *ask, const char *text);
void kb_job_result_line(struct job *job, const char *outcome, const struct kb_result *res);
void kb_job_emit(struct job *job, json_t *object); /* takes the reference */
void kb_job_deadline(struct job *job, int64_t seconds);
void kb_job_log(struct job *job, const char *format, ...) KB_PRINTF(2, 3);
/* For kb_backup_unlock: a progress line; false when cancelled. */
bool kb_job_kdf_progress(void *arg, int done_pct);

/* ---- record.c: the row in the journal ---- */
KB_MUST_CHECK struct kb_result kb_job_lock_device(struct job *job);
/* Opens the journal, settles what earlier runs of this device left behind, makes the row. */
KB_MUST_CHECK struct kb_result kb_job_begin(struct job *job, enum kb_job_kind kind);
/* Ends what an earlier restore of this device still has open, or was set aside with: this run has written over it. */
KB_MUST_CHECK struct kb_result kb_job_replace_earlier(struct job *job);
/* What the row says of the device, from job->device. */
void kb_job_learn_device(struct job *job);
/* Moves the row along the table; tells the line when the state changed. text may be NULL. */
KB_MUST_CHECK struct kb_result kb_job_event(struct job *job, enum kb_job_event event, const char *text);
/* The same, and what `also` writes into the journal in one transaction with it; the line comes when both are durable.
 */
KB_MUST_CHECK struct kb_result kb_job_event_with(struct job *job, enum kb_job_event event, const char *text,
                                                 struct kb_result (*also)(void *arg), void *arg);
KB_MUST_CHECK struct kb_result kb_job_touch(struct job *job, enum kb_touch touch);
void kb_job_end(struct job *job); /* closes journal and lock */
/* The same for a moment where a journal that fails must not hide what the device did: logged only. */
void kb_job_event_or_log(struct job *job, enum kb_job_event event, const char *text);

/* ---- probe.c ---- */
KB_MUST_CHECK struct kb_result kb_job_find(struct job *job, struct kb_attached *attached);
KB_MUST_CHECK struct kb_result kb_job_read_device(struct job *job); /* into job->device */
struct kb_result kb_job_probe(struct job *job);
/* The sentence of a lockdown error in the operator's language; others as they are. */
struct kb_result kb_job_device_words(struct kb_result res);

/* ---- hands.c ---- */
/*
 * Looks once a second until look says KB_OK. KB_OPERATOR (code = enum kb_ask, text = what to do) is told once per ask
 * and waited for, each ask at most wait_s; a device that is away for a moment (Trust re-enumerates it) is tolerated for
 * grace_s. Anything else ends it.
 */
typedef struct kb_result (*job_look)(struct job *job, void *arg);
KB_MUST_CHECK struct kb_result kb_job_hands(struct job *job, job_look look, void *arg, int64_t grace_s);
struct kb_result kb_job_ask(enum kb_ask ask); /* KB_OPERATOR with the ask's sentence */

/* With request->hold: waits until it is this device's turn; *waited whether that took so long that it should be looked
 * at again. */
KB_MUST_CHECK struct kb_result kb_job_turn(struct job *job, bool *waited);

/* ---- pair.c ---- */
struct job_pairing {
    struct kb_identity *identity;
};
KB_MUST_CHECK struct kb_result kb_job_identity(struct job *job, struct kb_identity **out);
struct kb_result kb_job_look_paired(struct job *job, void *arg); /* arg: struct job_pairing */
struct kb_result kb_job_pair(struct job *job);

/* ---- check.c ---- */
struct job_check {
    struct kb_backup *backup;
    struct kb_backup_info info;
    struct kb_judgement judgement;
    bool whole; /* fully verified, now or not long ago */
};
/* What the inspection of an opened folder says, put together with how its unlocking ended. */
void kb_job_settle_proof(const struct kb_result *unlocked, struct kb_backup_info *info);
KB_MUST_CHECK struct kb_result kb_job_open_backup(struct job *job, struct job_check *check);
void kb_job_check_release(struct job_check *check);
void kb_job_judge(struct job *job, struct job_check *check, bool attached);
json_t *kb_job_check_object(struct job *job, const struct job_check *check);
/* Why it is not ready, as a result: the rule that decides, or the ask. */
struct kb_result kb_job_verdict(const struct job_check *check);
struct kb_result kb_job_check(struct job *job);

/* ---- whole.c ---- */
/*
 * The full verification of an unlocked backup that looks right so far, unless one of this very folder is remembered.
 * Damage goes into check->info; fails only when it could not be done.
 */
KB_MUST_CHECK struct kb_result kb_job_prove_whole(struct job *job, struct job_check *check);
/* The same without a memory, for a backup that has just been made. */
KB_MUST_CHECK struct kb_result kb_job_verify(struct job *job, struct kb_backup *backup, struct kb_backup_info *info);
/* The backup was whole when a look at it began at looked_at. */
void kb_job_remember_whole(struct job *job, struct kb_backup *backup, int64_t looked_at);

/* ---- transfer.c: what a transfer says, shared by backup and restore ---- */
struct job_transfer {
    struct job *job;
    const char *phase;
    bool first_is_passcode; /* silence before the first message: the passcode, which nobody may announce */
    bool asked;             /* the passcode is being waited for */
    bool announced;         /* the device tells by itself when it asks */
    bool gave_up;           /* it was waited for long enough */
    int silent_s;           /* how long the device has said nothing, as last told */
    int64_t asked_ms, told_ms;
    int tries;
    void (*on_progress)(void *arg, double done_pct, int64_t bytes);
    void *arg;
    double done_pct;
    int64_t bytes;
    struct kb_transfer_events events;
};
void kb_job_transfer_init(struct job_transfer *transfer, struct job *job, const char *phase);
/* Whether to start the transfer anew after res; has waited when it says so. */
bool kb_job_transfer_again(struct job_transfer *transfer, const struct kb_result *res);
/* Puts the error book's sentence into a device's error, and the operator's into a passcode that was not entered. */
struct kb_result kb_job_transfer_words(const struct job_transfer *transfer, struct kb_result res, bool restoring);

/* ---- guard.c: the folder with a moment before its first change ---- */
struct job_guard {
    struct kb_files files; /* what the transfer gets */
    const struct kb_files *inner;
    struct kb_result (*before_change)(void *arg);
    void *arg;
    bool changed;
    struct kb_result first; /* what before_change said */
};
void kb_job_guard_init(struct job_guard *guard, const struct kb_files *inner,
                       struct kb_result (*before_change)(void *arg), void *arg);

/* ---- encrypt.c ---- */
KB_MUST_CHECK struct kb_result kb_job_encrypt(struct job *job, struct kb_files *folder);

/* ---- the tasks ---- */
struct kb_result kb_job_backup(struct job *job);
struct kb_result kb_job_restore(struct job *job);
struct kb_result kb_job_evidence(struct job *job);
struct kb_result kb_job_inspect(struct job *job);

/* ---- return.c ---- */
/* Waits until the restored device has left and is back and can be read (into job->device). KB_OPERATOR when a hand is
 * still wanted. */
KB_MUST_CHECK struct kb_result kb_job_return(struct job *job);
/* What the reading says about the restore. */
struct job_before {
    enum kb_tri backup_encrypted; /* of the backup */
    enum kb_tri encryption;       /* of the device before the restore */
    char restore_state[64];
};
/* Kept with the judgement in the journal, for whoever reads the device after a kill. */
void kb_job_before_set(json_t *judgement, enum kb_tri backup_encrypted, const struct kb_device *device);
KB_MUST_CHECK struct kb_result kb_job_before_get(struct job *job, struct job_before *before);
enum kb_tri kb_job_was_restored(bool answered, const struct job_before *before, const struct kb_device *after);

/* ---- evidence.c ---- */
/* Ticks the open steps that this reading proves. */
KB_MUST_CHECK struct kb_result kb_job_tick(struct job *job, const struct kb_device *device, bool restored);
/* The device came back restored: opens the steps, marks the job as confirmed, ticks what the reading proves. */
KB_MUST_CHECK struct kb_result kb_job_confirm(struct job *job, const enum kb_step *steps, int count);
/* Done when no step is open, else KB_OPERATOR with the first one's sentence. */
KB_MUST_CHECK struct kb_result kb_job_finish(struct job *job);

/* ---- recover.c ---- */
/* Settles one job whose process is dead (see kb_job_recover). */
KB_MUST_CHECK struct kb_result kb_job_settle(struct kb_journal *journal, const struct kb_job *row);
#endif
