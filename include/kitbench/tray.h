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
/* The same for a file; with backups its lines are devices to back up and need no source. Fails (KB_USAGE, KB_HOST) only
 * when it cannot be read. */
KB_MUST_CHECK struct kb_result kb_sheet_load(const char *path, bool backups, struct kb_sheet *out);
void kb_sheet_wrong(struct kb_sheet *sheet, struct kb_place at, const char *format, ...) KB_PRINTF(3, 4);
void kb_sheet_sort_errors(struct kb_sheet *sheet);
void kb_sheet_release(struct kb_sheet *sheet);

/* ---- What a word for a device means (match.c; pure)
 * ---------------------------------------------------------------------------------------------------------------------
 */

struct kb_known {
    const char *udid, *serial, *imei, *slot; /* "" or NULL where it is not known */
};
enum kb_means { KB_MEANS_NO, KB_MEANS_START, KB_MEANS_IT };
#define KB_SHORTEST_START 4 /* of a UDID's start, dashes not counted */
/* Whether word means that device: UDID, serial number, IMEI or slot:NAME are IT, the start of a UDID is START. Neither
 * case nor the '-' of a UDID counts. */
enum kb_means kb_word_means(const char *word, const struct kb_known *known);
bool kb_word_is_short(const char *word); /* to be the start of a UDID; a word of dashes alone would start them all */
/* The name behind "slot:"; NULL when word is none. */
const char *kb_slot_word(const char *word);

/* ---- Slots: which USB port is which place in the tray (KITBENCH_HOME/slots.json)
 * ---------------------------------------------------------------------------------------------------------------------
 */

#define KB_SLOT_NAME_ROOM 64
#define KB_MAX_SLOTS      512
struct kb_slots;
/* Missing file: no slots. A file that is no such table is KB_HOST with a sentence, and nothing is overwritten. */
KB_MUST_CHECK struct kb_result kb_slots_load(const char *home, struct kb_slots **out);
void kb_slots_free(struct kb_slots *slots);
/* What only looks takes NULL for no slots. */
/* "" when that port (usbmuxd's LocationID) is no slot. */
const char *kb_slots_name(const struct kb_slots *slots, int64_t location);
/* -1 when there is no slot of that name (neither case counts). */
int64_t kb_slots_location(const struct kb_slots *slots, const char *name);
int kb_slots_count(const struct kb_slots *slots);
/* Number n in the order in which the slots were taught. */
const char *kb_slots_at(const struct kb_slots *slots, int n, int64_t *location);
/* One port has one name and one name one port: earlier ones of either are replaced. location -1 forgets the name.
 * KB_USAGE: a name that is empty, too long, or holds control characters, ':' or ','. Not on the disk before
 * kb_slots_save(). */
KB_MUST_CHECK struct kb_result kb_slots_set(struct kb_slots *slots, const char *name, int64_t location);
KB_MUST_CHECK struct kb_result kb_slots_save(const struct kb_slots *slots, const char *home);

/* ---- How many transfers a USB controller takes at once (governor.c; pure)
 * ---------------------------------------------------------------------------------------------------------------------
 */

#define KB_PER_BUS_MOST 10 /* as far as it is learned: "14 at once, some always fail; 10 works" (field.md, 1) */
#define KB_MAX_BUSES    32
/* The bus of a LocationID: its first byte (protocol.md 1); 0 for unknown. */
int kb_bus_of(int64_t location);
struct kb_governor {
    int fixed; /* --per-bus; 0: learned */
    struct kb_bus {
        int bus;                                    /* of kb_bus_of() */
        double bytes_a_second[KB_PER_BUS_MOST + 1]; /* measured with n transfers at once; 0 never */
    } buses[KB_MAX_BUSES];
    int count;
};
/* Transfers at once on that bus: fixed, else the smallest number above which more of them brought no more bytes, one
 * more than what has been tried as long as more brought more, at most KB_PER_BUS_MOST. */
int kb_governor_limit(const struct kb_governor *governor, int bus);
/* running transfers moved bytes together in ms. */
void kb_governor_sample(struct kb_governor *governor, int bus, int running, int64_t bytes, int64_t ms);

/* ---- What the technician sees: one tile a device or line of the sheet
 * ---------------------------------------------------------------------------------------------------------------------
 */

struct kb_tile {
    int n;    /* stays the same tile's for the life of the tray */
    int line; /* of the sheet; 0: a device that no line names, which is left alone */
    char slot[KB_SLOT_NAME_ROOM], udid[KB_UDID_ROOM], name[256], target[256], user[128], asset_tag[128];
    enum kb_state state;
    bool attached;
    bool queued;      /* ready, and waits for its turn on the bus */
    char phase[32];   /* of the worker's last progress; "" none */
    double done_pct;  /* -1 unknown */
    int64_t bytes;    /* of this phase; -1 unknown */
    double rate;      /* bytes a second; -1 unknown */
    int64_t left_s;   /* -1 unknown */
    char ask[32];     /* what it wants from a hand: an ask or a step id; "" nothing */
    char text[480];   /* the sentence to it, or of the state */
    int64_t asked_ms; /* kb_clock_ms() when it began to want that, or ended */
    int64_t until_ms; /* when the device gives up waiting (passcode); -1 no such end */
    int tries;        /* transfers begun in this run */
};
struct kb_tray_view {
    const struct kb_tile *tiles; /* slots first, in the order of the slots, then lines */
    int count;
    int jobs, done, ended; /* lines of the sheet; ended: done refused failed set-aside */
    int64_t left_s;        /* of the tray; -1 unknown */
    const char *note;      /* about the whole tray ("usbmuxd is gone ..."); "" */
};

/* ---- The tray: every line of a sheet to its end
 * ---------------------------------------------------------------------------------------------------------------------
 */

struct kb_tray;
/* One line as cli has resolved it; borrowed for the run. */
struct kb_tray_line {
    const struct kb_sheet_job *sheet;
    const char *word;    /* the device that is meant */
    const char *backup;  /* folder; NULL with missing, and when backups are made */
    const char *missing; /* why there is none */
    bool encrypted;      /* the backup needs its password */
    enum kb_route route;
};
struct kb_tray_events {
    void *arg;
    /* One line of design.md, section 2. result comes once a line of the sheet, as its last. */
    void (*line)(void *arg, const struct kb_tile *tile, const json_t *object);
    /* A remark for people; tile NULL: about the whole tray. */
    void (*log)(void *arg, const struct kb_tile *tile, const char *sentence);
    /* Something to look at has changed: at most five times a second, at least once. */
    void (*view)(void *arg, struct kb_tray *tray, const struct kb_tray_view *view);
    /* With options.keys: what was typed. */
    void (*key)(void *arg, struct kb_tray *tray, const char *bytes, size_t size);
};
struct kb_tray_options {
    const struct kb_request *base; /* what all requests have: home, store, by, language, password, rules */
    const char *batch;
    bool backup;    /* makes backups of the devices */
    bool verbose;   /* what workers say of themselves is logged too */
    int per_bus;    /* transfers at once on a USB controller; 0: learned */
    int64_t wait_s; /* ends, with jobs open, when nothing has moved for so long; -1: waits for ever */
    int64_t memory_bytes;
    const struct kb_slots *slots; /* borrowed */
    bool keys;                    /* the terminal of standard input is read key by key */
    const struct kb_tray_events *events;
};
/*
 * Works until every line has ended: devices are waited for, checked, given their turn, restored, read again and watched
 * until their steps are closed. What an earlier run of the same batch left in the journal goes on. A device that no
 * line names is shown and left alone. Ctrl-C once: what must not be cut (a restore) is finished, nothing new begins;
 * twice: everything is ended at once. Fails when it could not begin. worst, of a run, is the worst of the lines
 * (kb_exit_of() is the exit code): KB_OK when all are done, KB_OPERATOR when something is left to do by hand,
 * KB_CANCELLED after a Ctrl-C.
 */
KB_MUST_CHECK struct kb_result kb_tray_run(const struct kb_tray_options *options, const struct kb_tray_line *lines,
                                           int count, struct kb_result *worst);
/* From inside of events, for the tile n. Refused with a sentence where it makes no sense. */
KB_MUST_CHECK struct kb_result kb_tray_retry(struct kb_tray *tray, int n);
KB_MUST_CHECK struct kb_result kb_tray_set_aside(struct kb_tray *tray, int n, const char *by);
KB_MUST_CHECK struct kb_result kb_tray_confirm(struct kb_tray *tray, int n, enum kb_step step, const char *by);
/* Calls each for every step of the tile's job, in order. */
void kb_tray_steps(struct kb_tray *tray, int n, bool (*each)(void *arg, const struct kb_job_step *step), void *arg);
void kb_tray_stop(struct kb_tray *tray); /* as Ctrl-C does */

/* "libuv 1.44.2", for doctor. */
const char *kb_tray_library(void);
#endif
