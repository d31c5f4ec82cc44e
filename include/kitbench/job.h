/*
 * The job room: one device from first contact to done. Runs in the worker process; says everything as JSON lines
 * through a sink (design.md section 2) and keeps the journal. Asks go out as {"event":"operator"}, and the job looks
 * for itself whether they have been answered.
 */
#ifndef KITBENCH_JOB_H
#define KITBENCH_JOB_H

#include "kitbench/backup.h"
#include "kitbench/base.h"
#include "kitbench/device.h"
#include "kitbench/host.h"
#include "kitbench/journal.h"
#include "kitbench/policy.h"

/* Takes one line; the object is borrowed. */
struct kb_sink {
    void (*line)(void *arg, json_t *object);
    /* The next line (or the end) comes within so many seconds; whoever watches ends the process after that. */
    void (*deadline)(void *arg, int seconds);
    void (*log)(void *arg, const char *sentence);
    void *arg;
    /* With request->hold: waits up to ms for the word that it is this device's turn; true when it has come. */
    bool (*turn)(void *arg, int64_t ms);
    /* With request->share_key: what the password was derived to, for the others that get the same backup. */
    void (*key)(void *arg, const struct kb_secret *key);
};

enum kb_task {
    KB_TASK_PROBE,
    KB_TASK_CHECK,
    KB_TASK_PAIR,
    KB_TASK_BACKUP,
    KB_TASK_RESTORE,
    KB_TASK_EVIDENCE,
    KB_TASK_INSPECT
};
const char *kb_task_name(enum kb_task task);

/* One request to a worker. On the wire: one JSON line on its standard input; the secrets are in it and nowhere else. */
struct kb_request {
    enum kb_task task;
    char *home;   /* KITBENCH_HOME */
    char *store;  /* folder of backups */
    char *udid;   /* the device */
    char *backup; /* folder, resolved; NULL where there is none */
    char *batch, *slot, *user, *asset_tag, *by;
    json_t *columns;
    enum kb_lang lang;
    enum kb_route route;
    enum kb_source source_state;
    enum kb_target_state target_state;
    uint32_t accepted;
    int64_t wait_s;      /* --wait */
    int64_t hand_wait_s; /* the same for what a device needs before anything begins, where a tray waits; 0: wait_s */
    int64_t patience_s;  /* how long a device may be silent in the middle of a transfer */
    bool full, dry_run;
    bool hold;      /* ready, it waits for its turn (struct kb_sink) before the transfer begins */
    bool share_key; /* tells the derived key (struct kb_sink) */
    char *agent_bundle_id, *mdm_profile_identifier;
    char *identity; /* path of the PKCS#12 file */
    struct kb_secret *identity_password;
    struct kb_secret *password;
    struct kb_secret *key; /* what it was derived to for this very backup, by another worker; NULL */
};
void kb_request_release(struct kb_request *request); /* wipes the secrets */
/* All that it says, but for its columns and its secrets: these are given to whom they are meant for. */
void kb_request_copy(struct kb_request *out, const struct kb_request *request);
json_t *kb_request_to_json(const struct kb_request *request); /* end it with kb_request_json_free() */
void kb_request_json_free(json_t *object);                    /* wipes the secrets in it */
KB_MUST_CHECK struct kb_result kb_request_from_json(struct kb_request *request, const json_t *object);

/*
 * Does the task to its end. The last line per device is the result (`devices` and `check`: their own object). Returns
 * the result whose exit code is kb_exit_of().
 *
 *   PROBE    one `devices` object
 *   CHECK    one `check` object; never writes to a device, not even a pairing
 *   PAIR     operator lines, then {"event":"result","device","outcome":"paired"|"failed"|...}
 *   BACKUP   encryption on, backup, proof, seal
 *   RESTORE  check, restore, reboot, read again, steps opened
 *   EVIDENCE reads the device and ticks what it shows; one `devices` object
 *   INSPECT  no device: opens, unlocks and inspects the folders of columns' "backups" (an array of paths), one after
 * the other; {"event":"inspected","n":INDEX,"backup":{...}} each, or "text" in place of "backup" when it cannot be
 * opened. Folders with the same keybag pay for one key derivation.
 */
struct kb_result kb_job_run(const struct kb_request *request, const struct kb_sink *sink, struct kb_cancel *cancel);

/*
 * What an inspection found, as INSPECT hands it over: the keys of `inspect`, and proof, health, health_text and
 * source_origin, which are not in that contract.
 */
json_t *kb_inspected_to_json(const struct kb_backup_info *info);
bool kb_inspected_from_json(struct kb_backup_info *info, const json_t *object); /* false: not such an object */

/* The lines of design.md section 2 that more than one room says, with exactly its keys in its order; the caller's.
 * device: UDID, or the sheet's word while it is not known. */
json_t *kb_line_operator(const char *device, const char *ask, const char *text);
json_t *kb_line_state(const char *device, enum kb_state state);
json_t *kb_line_result(const char *device, const char *outcome, const struct kb_result *res);

/* The state machine as one table; the picture is in ARCHITECTURE.md. A pair that is not there stays where it is. */
enum kb_job_event {
    KB_EV_START,
    KB_EV_NEEDS_HAND,
    KB_EV_ALL_GREEN,
    KB_EV_REFUSED,
    KB_EV_BACKUP_BEGINS,
    KB_EV_RESTORE_BEGINS,
    KB_EV_DEVICE_SAID_DONE,
    KB_EV_LINK_LOST_EARLY,
    KB_EV_LINK_LOST_LATE,
    KB_EV_BACK_RESTORED,
    KB_EV_BACK_NOT_RESTORED,
    KB_EV_NOT_BACK,
    KB_EV_STEPS_CLOSED,
    KB_EV_SEALED,
    KB_EV_FAILED_UNTOUCHED,
    KB_EV_FAILED_TOUCHED,
    KB_EV_CANCELLED,
    KB_EV_WAIT_OVER,
    KB_EV_STEPS_OPENED, /* the iCloud route: nothing is restored by us, the steps are all there is */
    KB_EV_REPLACED,     /* a later restore of the same device */
    KB_EV_COUNT
};
enum kb_state kb_job_next(enum kb_state now, enum kb_job_event event);

/*
 * What a kill left behind: for every job in the journal that has not ended and whose owner is dead, settles what it is
 * (nothing written: waiting; asked: set aside with what to do; answered: rebooting, to be read when it is back).
 * Called at each start by the commands that read the journal. Talks to no device.
 */
KB_MUST_CHECK struct kb_result kb_job_recover(struct kb_journal *journal);
/* The sentence for a job as it stands: what this device is now and what to do next. */
void kb_job_describe(enum kb_lang lang, const struct kb_job *job, char *out, size_t room);
#endif
