/*
 * Private face of the cli room: one run of kitbench. A sub-command gets a struct kb_cli that is ready (language,
 * options, settings, places) and returns an exit code of design.md section 2. Only this room prints.
 */
#ifndef KB_CLI_H
#define KB_CLI_H

#include "kitbench/backup.h"
#include "kitbench/base.h"
#include "kitbench/device.h"
#include "kitbench/host.h"
#include "kitbench/job.h"
#include "kitbench/journal.h"
#include "kitbench/tray.h"
#include "options.h"
#include "settings.h"

#define KB_EXIT_USAGE     2
#define KB_EXIT_CANCELLED 130
/* Address space of one worker: a plist that explodes ends one slot, soon, and not the computer. */
#define KB_READER_MEMORY   ((int64_t)256 << 20) /* reading, judging, pairing: needs less than 100 MiB */
#define KB_TRANSFER_MEMORY ((int64_t)512 << 20)
#define KB_MAX_PROBES      16 /* workers that read devices at the same time */

struct kb_cli {
    const struct kb_command *command;
    struct kb_options options;
    struct kb_settings settings;
    char *home, *store; /* absolute */
    struct kb_secret *environment_password;
    bool out_colour, err_colour, err_live; /* err_live: standard error is a terminal that can redraw a line */
};

/* ---- kb_cli (cli.c): main's work, apart from its table */
int kb_cli_main(int argc, char **argv, const struct kb_command *commands, int count);

/* ---- Results for people and programs (show.c) */
/* A result line for people: standard output, or standard error with --json. Adds the line end. */
void kb_tell(const struct kb_cli *cli, const char *format, ...) KB_PRINTF(2, 3);
/* Everything else for people: standard error. Adds the line end. */
void kb_say(const struct kb_cli *cli, const char *format, ...) KB_PRINTF(2, 3);
/* One line of JSON on standard output when --json; borrowed. */
void kb_put_json(const struct kb_cli *cli, const json_t *object);
/* Says the result's sentence on standard error when it failed; the exit code of the contract. */
int kb_say_result(const struct kb_cli *cli, const struct kb_result *res);
struct kb_result kb_usage(const struct kb_command *command, const char *format, ...) KB_PRINTF(2, 3);
/* "" when colour is off: colours and weight by meaning. */
enum kb_paint { KB_PAINT_NONE, KB_PAINT_GOOD, KB_PAINT_WARN, KB_PAINT_BAD, KB_PAINT_STRONG, KB_PAINT_DIM };
const char *kb_paint(bool colour, enum kb_paint paint);
enum kb_paint kb_paint_of_level(enum kb_level level);
/* "12.3 GB" (1000), "-" when unknown; "2026-11-24 15:30" in local time, "-" when unknown. */
#define KB_HUMAN_ROOM 32
void kb_human_bytes(char out[KB_HUMAN_ROOM], int64_t bytes);
void kb_human_time(char out[KB_HUMAN_ROOM], int64_t seconds);
/* "3:05", "1:02:09". */
void kb_human_span(char out[KB_HUMAN_ROOM], int64_t seconds);
/* yes, no, "-". */
const char *kb_human_tri(enum kb_tri value);
/* A job's state for people: "rebooting" -> "The device restarts". */
const char *kb_state_words(const char *state);
/* Name, else model, else UDID. */
void kb_device_title(char *out, size_t room, const struct kb_device *device);

/* ---- Passwords (password.c) */
enum kb_password_need {
    KB_PASSWORD_IF_GIVEN, /* file or environment only; out NULL when there is none */
    KB_PASSWORD_ASK,      /* else asked on the terminal, when there is one; out NULL when not */
    KB_PASSWORD_ASK_TWICE /* the same, for a new password: typed twice */
};
/* what: the sentence's object, for example "the backup". out is the caller's (kb_secret_free). */
KB_MUST_CHECK struct kb_result kb_password_get(const struct kb_cli *cli, enum kb_password_need need, const char *what,
                                               struct kb_secret **out);
/* The password that opens --identity; out NULL when it needs none (pair.c). */
KB_MUST_CHECK struct kb_result kb_identity_password(const struct kb_cli *cli, struct kb_secret **out);

/* ---- The journal (journal.c) */
/*
 * Opens it and settles what a killed run left, saying so for every job concerned; for udid (may be NULL) also what an
 * earlier run left on it that a person must know before going on.
 */
KB_MUST_CHECK struct kb_result kb_cli_journal(const struct kb_cli *cli, const char *udid, struct kb_journal **out);
/* All jobs, oldest first. Release with kb_jobs_release. */
struct kb_jobs {
    struct kb_job *list;
    int count, room;
};
KB_MUST_CHECK struct kb_result kb_jobs_load(struct kb_journal *journal, struct kb_jobs *jobs);
void kb_jobs_release(struct kb_jobs *jobs);
struct kb_step_list {
    struct kb_job_step *list;
    int count, room;
};
KB_MUST_CHECK struct kb_result kb_steps_load(struct kb_journal *journal, const char *job, struct kb_step_list *steps);
void kb_steps_release(struct kb_step_list *steps);
const struct kb_job_step *kb_steps_find(const struct kb_step_list *steps, enum kb_step step);
/*
 * The job whose steps count for a device: its newest restore or iCloud guidance that has steps or may have changed the
 * device. A later try that was refused does not hide the steps of the one before. NULL when there is none.
 */
const struct kb_job *kb_jobs_current(const struct kb_jobs *jobs, const struct kb_step_list *steps, const char *udid);

/* ---- Sentences about a device (needs.c) */
/* Calls each with every sentence a person must know or do before this device can be worked on. */
void kb_device_needs(const struct kb_device *device, void (*each)(void *arg, enum kb_paint paint, const char *text),
                     void *arg);

/* ---- Worker processes for one device (run.c) */
/* A request with what settings and options say; udid and backup (may be NULL) are copied. */
void kb_request_init(const struct kb_cli *cli, struct kb_request *request, enum kb_task task, const char *udid,
                     const char *backup);
/*
 * Runs it to its end, showing its lines to people only. object is set to the `devices` or `check` object that it said,
 * NULL when it said none; the caller's. The result is the worker's own.
 */
KB_MUST_CHECK struct kb_result kb_run_one(const struct kb_cli *cli, const struct kb_request *request, json_t **object);
/* The same for commands whose end is the result line: says only what that line did not say; the exit code. outcome (may
 * be NULL) is the line's, "" when none came. */
int kb_run_told(const struct kb_cli *cli, const struct kb_request *request, char outcome[32]);
/* Reads the devices side by side; devices[n] is list[n], with what could not be read unknown. A worker that died is
 * said on standard error. Asks for evidence (ticks steps) where evidence is true. */
KB_MUST_CHECK struct kb_result kb_run_probes(const struct kb_cli *cli, enum kb_task task,
                                             const struct kb_attached *list, int count, struct kb_device *devices);

/* ---- Places in the tray (places.c) */
/* For labels: NULL (no slots) after saying why they cannot be read; the caller's (kb_slots_free). */
struct kb_slots *kb_cli_slots(const struct kb_cli *cli);
/* Names the place in the request, when that port is a slot. */
void kb_request_place(const struct kb_slots *slots, struct kb_request *request, int64_t location);
/* kb_request_init() for a device that is plugged in: with its place. */
void kb_request_device(const struct kb_cli *cli, struct kb_request *request, enum kb_task task,
                       const struct kb_attached *attached, const char *backup);

/* ---- One object for people (inspect.c, check.c) */
struct kb_backup_options kb_backup_options_of(const struct kb_cli *cli, bool deep);
void kb_tell_check(const struct kb_cli *cli, const json_t *check);

/* Reads the device when it is attached, so that what it shows ticks its steps (steps.c). */
KB_MUST_CHECK struct kb_result kb_look_at_device(const struct kb_cli *cli, const char *udid);
json_t *kb_step_to_json(const struct kb_job_step *step); /* the keys of `steps` */
void kb_tell_step(const struct kb_cli *cli, const struct kb_job_step *step);

/* The sub-commands; main.c's table. */
int kb_cmd_doctor(struct kb_cli *cli);
int kb_cmd_devices(struct kb_cli *cli);
int kb_cmd_pair(struct kb_cli *cli);
int kb_cmd_backup(struct kb_cli *cli);
int kb_cmd_backups(struct kb_cli *cli);
int kb_cmd_inspect(struct kb_cli *cli);
int kb_cmd_verify(struct kb_cli *cli);
int kb_cmd_check(struct kb_cli *cli);
int kb_check_jobs(struct kb_cli *cli); /* check --jobs */
int kb_cmd_restore(struct kb_cli *cli);
int kb_cmd_steps(struct kb_cli *cli);
int kb_cmd_confirm(struct kb_cli *cli);
int kb_cmd_status(struct kb_cli *cli);
int kb_cmd_report(struct kb_cli *cli);
int kb_cmd_slots(struct kb_cli *cli);
int kb_cmd_tray(struct kb_cli *cli);
#endif
