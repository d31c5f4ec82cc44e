/*
 * The dry run of a whole migration (check --jobs): what its files share. Lines of the sheet, the devices and backups
 * they mean, what was judged, and the three ways to show it.
 */
#ifndef KB_CLI_DRY_H
#define KB_CLI_DRY_H

#include "cli.h"

struct kb_dry_backup {
    char *path;    /* real and absolute */
    char *missing; /* why it could not be opened; NULL when it was */
    struct kb_backup_info info;
    char *identity;      /* of the folder before it was looked at: sizes, times, file numbers; NULL when unreadable */
    char password[33];   /* the password that opened it, as a number drawn by lot; "" when none did */
    int64_t youngest_ns; /* newest time of what identity covers */
    bool known;          /* info comes from an earlier run */
    bool done;           /* info is settled */
    int64_t looked_at;   /* when it was inspected */
};

struct kb_dry_line {
    const struct kb_sheet_job *job;
    const struct kb_device *device;   /* NULL: not plugged in, and in no inventory */
    bool saved;                       /* from the inventory */
    struct kb_dry_backup *backup;     /* NULL when there is none of that name */
    char *missing;                    /* then why */
    const struct kb_sheet_job *rival; /* a line of another person with the same backup */
    enum kb_route route;
    enum kb_verdict verdict;
    char rule[32]; /* of the finding that decides; "" when ready */
    json_t *check; /* the object of design.md */
    json_t *why;   /* array of the sentences that decide */
};

struct kb_dry {
    struct kb_cli *cli;
    const char *path;
    struct kb_sheet sheet;
    struct kb_dry_line *lines;
    int count;
    struct kb_device *devices;
    bool *saved; /* devices[n] is from the inventory */
    int device_count;
    struct kb_dry_backup **backups;
    int backup_count;
    /* what comes out */
    int verdicts[4];     /* lines, by enum kb_verdict */
    int64_t bytes;       /* to move, of the lines that are not refused; -1 when none of them is known */
    int64_t most_bytes;  /* of the largest of them */
    int moving, unsized; /* those lines, and how many of them do not tell their size */
    double rate;         /* bytes a second of this bench; -1 when none was measured */
    int measured;        /* how many restores that is from */
};

/* ---- dry_devices.c: who is meant. Mistakes become errors of the sheet. */
KB_MUST_CHECK struct kb_result kb_dry_devices(struct kb_dry *dry);
/* Pure: the output of `devices --json`, or one array; count is the number of devices. KB_USAGE names the line. */
KB_MUST_CHECK struct kb_result kb_dry_inventory(const char *text, size_t size, const char *name,
                                                struct kb_device **list, int *count);

/* ---- dry_backups.c: which backups, each opened once */
KB_MUST_CHECK struct kb_result kb_dry_backups(struct kb_dry *dry);

/* ---- dry_memory.c: what earlier runs found, in KITBENCH_HOME/inspected.json */
struct kb_memory;
struct kb_memory *kb_memory_load(const struct kb_cli *cli); /* never NULL; nothing in it when it cannot be used */
/* Fills info, password and known when the folder is as it was. Sets identity in any case. */
void kb_memory_find(struct kb_memory *memory, struct kb_dry_backup *backup);
/* Takes up what was found now. */
void kb_memory_put(struct kb_memory *memory, const struct kb_dry_backup *backup);
/* The number of the password that opened most of all, and one of its folders; NULL when there is none. */
const char *kb_memory_password(const struct kb_memory *memory, char path[4096]);
KB_MUST_CHECK struct kb_result kb_memory_save(struct kb_memory *memory);
void kb_memory_free(struct kb_memory *memory);

/* ---- dry_verified.c: what `verify` found is known to the next dry run */
/* Before the folder is looked at. path is real. */
struct kb_dry_backup *kb_verified_begin(const struct kb_cli *cli, const char *path);
/* backup: opened and unlocked, and found whole; NULL when it was not. Ends begun. */
void kb_verified_end(const struct kb_cli *cli, struct kb_dry_backup *begun, struct kb_backup *backup,
                     const struct kb_secret *password);

/* ---- dry_rates.c: what this bench has measured */
KB_MUST_CHECK struct kb_result kb_dry_rates(struct kb_dry *dry);

/* ---- dry_tell.c, dry_html.c */
void kb_dry_tell(const struct kb_dry *dry);
void kb_dry_html(const struct kb_dry *dry, struct kb_buf *out);
/* "2, 5, 7-9"; cut after some. */
void kb_dry_numbers(struct kb_buf *out, const int *numbers, int count);
const char *kb_verdict_words(enum kb_verdict verdict);
/* Who is meant, for people: the device's name, else the sheet's word. */
void kb_dry_target(const struct kb_dry_line *line, char *out, size_t room);
void kb_dry_source(const struct kb_dry_line *line, char *out, size_t room);
/* Sentences about size and time. */
void kb_dry_size_words(const struct kb_dry *dry, struct kb_buf *out);
void kb_dry_time_words(const struct kb_dry *dry, struct kb_buf *out);
#endif
