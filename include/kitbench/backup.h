/*
 * The backup room: backup folders. Reads, judges, seals and finds them, and gives the device a confined folder to write
 * into. Never changes a finished backup. Everything in a folder is hostile until checked (backup-format.md). Failures
 * are KB_STORE with an enum kb_store_code, KB_PASSWORD, or KB_HOST.
 */
#ifndef KITBENCH_BACKUP_H
#define KITBENCH_BACKUP_H

#include "kitbench/base.h"
#include "kitbench/host.h"

/* ---- Names
 * ------------------------------------------------------------------------------------------------------------------------
 */

/*
 * The one checker of names from outside (a device, a manifest, a command line): relative, '/' between components, no
 * empty component, "." or "..", no NUL, backslash, colon or control character, no Windows reserved name (CON, NUL.txt,
 * COM1), no trailing dot or space, no component over 255 bytes, whole at most 1024 bytes, UTF-8. The same on every
 * platform.
 */
bool kb_name_is_safe(const char *path, size_t size);
bool kb_udid_is_valid(const char *udid); /* 40 lower-case hex digits, or 8 hex '-' 16 hex */

/* ---- The confined folder for one transfer
 * --------------------------------------------------------------------------------------- */

/*
 * Op-table on root (the parent of the backup's folder) in which only paths below "folder/" are reachable: folder is the
 * backup's folder name (the UDID). read_only refuses every change: for a restore. Takes the folder's lock (shared when
 * read_only): KB_STORE_BUSY when another run holds it after wait_ms. Temporary files of a run that died are swept on
 * opening to write.
 */
struct kb_confined;
typedef struct kb_result (*kb_arrived)(
    void *arg, const char *path); /* a committed file; a failure is handed to the device's loop */
KB_MUST_CHECK struct kb_result kb_confined_open(const char *root, const char *folder, bool read_only, int64_t wait_ms,
                                                struct kb_confined **out);
void kb_confined_close(struct kb_confined *confined);
struct kb_files *kb_confined_files(struct kb_confined *confined);
void kb_confined_on_arrival(struct kb_confined *confined, kb_arrived arrived, void *arg);
/* The first refused name, for the journal and the operator; NULL when none. */
const char *kb_confined_refused(const struct kb_confined *confined);

/* ---- Reading a backup
 * ---------------------------------------------------------------------------------------------------------------- */

struct kb_backup_options {
    const char *agent_bundle_id;        /* NULL: agent stays unknown */
    const char *mdm_profile_identifier; /* NULL: see design.md section 2 */
    enum kb_source source_state;        /* --source-state: used when the folder does not tell */
    bool deep; /* count files and lengths against Manifest.db (needs the password when encrypted) */
};

/* One opened backup folder; one thread at a time. */
struct kb_backup;
/* Opens the folder at path without judging more than that it is a backup. KB_STORE_MISSING when there is none. */
KB_MUST_CHECK struct kb_result kb_backup_open(const char *path, struct kb_backup **out);
void kb_backup_free(struct kb_backup *backup); /* wipes keys */
/*
 * Proves the password against the keybag (one KDF, one unwrap) and keeps the derived key in locked memory.
 * secret NULL or empty with an encrypted backup: KB_PASSWORD_MISSING. Plain backup: KB_OK without a password.
 * blocks seconds of one core (10 million rounds); progress (may be NULL) is called some ten times a second and returns
 * false to cancel.
 */
KB_MUST_CHECK struct kb_result kb_backup_unlock(struct kb_backup *backup, const struct kb_secret *secret,
                                                bool (*progress)(void *arg, int done_pct), void *arg);
/* Takes over the key of another opening with the same keybag, so that a tray pays for one derivation; false: it
 * differs.
 */
bool kb_backup_unlock_like(struct kb_backup *backup, const struct kb_backup *other);
/* What a password that opened it was derived to, borrowed; NULL when it was not opened by a password. As secret as
 * that. */
const struct kb_secret *kb_backup_key(const struct kb_backup *backup);
/* Opens it with such a key instead of a derivation of seconds; false, and nothing changes, when the key does not fit.
 */
bool kb_backup_unlock_with(struct kb_backup *backup, const struct kb_secret *key);
/*
 * Everything the folder says. Never fails for what is inside: damage is info->health with its sentence. With an
 * encrypted backup that was not unlocked, what lies inside stays unknown. Order of the source state: UDID.facts.json
 * beside a backup that kitbench made, the configuration profiles inside, options->source_state, else unknown.
 */
KB_MUST_CHECK struct kb_result kb_backup_inspect(struct kb_backup *backup, const struct kb_backup_options *options,
                                                 struct kb_backup_info *out);
/* Info.plist's Applications dictionary as an XML plist, for /iTunesRestore/RestoreApplications.plist; data NULL when
 * there is none. */
KB_MUST_CHECK struct kb_result kb_backup_applications(struct kb_backup *backup, struct kb_buf *out);
/* As the lists say, without looking further; false also when they cannot be read. */
bool kb_backup_is_encrypted(const struct kb_backup *backup);
const char *kb_backup_path(const struct kb_backup *backup);
/*
 * What the last kb_backup_inspect() found of the agent (backup-format.md 5.6). info->agent is KB_YES for FULL, KB_NO
 * for NONE, else unknown: "listed" may be an app without data yet or one whose data MDM keeps out of backups.
 */
enum kb_agent_trace {
    KB_TRACE_UNKNOWN,
    KB_TRACE_NONE,
    KB_TRACE_LISTED,    /* in Manifest.plist's Applications, no data */
    KB_TRACE_DATA_ONLY, /* data, but not listed */
    KB_TRACE_FULL
};
enum kb_agent_trace kb_backup_agent(const struct kb_backup *backup);
const char *kb_agent_trace_name(enum kb_agent_trace trace); /* "" "none" "listed" "data-only" "full" */

/* Proves a password against the keybag of a Manifest.plist that has just come (path of the file). */
KB_MUST_CHECK struct kb_result kb_backup_prove_manifest(const char *manifest_plist, const struct kb_secret *secret,
                                                        bool (*progress)(void *arg, int done_pct), void *arg);

/* ---- Is it whole: every row of Manifest.db has its file, of a possible length
 * ------------------------------------------------------ */

struct kb_finding_line {
    const char *code; /* "missing" "extra" "length" "digest" ... */
    const char *path; /* inside the folder, or domain-relativePath */
    const char *text;
};
enum kb_outcome {
    KB_OUTCOME_OK,
    KB_OUTCOME_WARNINGS,
    KB_OUTCOME_LOCKED,
    KB_OUTCOME_INTERRUPTED,
    KB_OUTCOME_DAMAGED,
    KB_OUTCOME_HOSTILE,
    KB_OUTCOME_UNREADABLE
};
const char *
kb_outcome_name(enum kb_outcome outcome); /* "ok" "warnings" "locked" "interrupted" "damaged" "hostile" "unreadable" */
struct kb_verification {
    enum kb_outcome outcome;
    int64_t files, bytes, findings;
    char text[480]; /* the sentence of the worst finding */
};
struct kb_verify_options {
    bool quick;                                                     /* metadata and lengths only */
    void (*finding)(void *arg, const struct kb_finding_line *line); /* at most 1,000 calls; findings counts all */
    bool (*progress)(void *arg, int done_pct, int64_t bytes);       /* false cancels */
    void *arg;
};
KB_MUST_CHECK struct kb_result kb_backup_verify(struct kb_backup *backup, const struct kb_verify_options *options,
                                                struct kb_verification *out);

/*
 * By what the folder is known again, from the last kb_backup_inspect() or kb_backup_verify() of it: file numbers, sizes
 * and times of its lists, its database and its seal, and names, sizes and times of all its files. The same text means
 * that no program has written there since. *newest is the latest time of a file (seconds); one that changed in the
 * second of its reading cannot be told apart. NULL: it has not been walked. The caller frees.
 */
char *kb_backup_identity(struct kb_backup *backup, int64_t *newest);

/* ---- The seal
 * ----------------------------------------------------------------------------------------------------------------------------
 */

/*
 * Facts written to UDID.facts.json: what the device was when it was backed up. One JSON object with all keys of
 * `devices` (design.md section 2) and: source_state (a string or null), started_at, finished_at (ISO 8601 UTC),
 * kitbench (version text), by (operator or null), backup_uuid (Status.plist's UUID: the facts belong to this run of the
 * folder alone).
 */
struct kb_seal_facts {
    const struct kb_device *device;
    enum kb_source source;
    int64_t started_at, finished_at;
    const char *by;
};
/*
 * Seals the finished backup root/folder: syncs it, writes root/folder.sha256 ("<hex>  <folder>/<path>" a line, so that
 * `sha256sum -c` run in root proves it) and root/folder.facts.json, each complete or not there. Hashes of files that an
 * earlier seal lists and that have not changed since are carried over, so that rot is not sealed in.
 */
KB_MUST_CHECK struct kb_result kb_seal_write(const char *root, const char *folder, const struct kb_seal_facts *facts,
                                             bool (*progress)(void *arg, int done_pct, int64_t bytes), void *arg);
/* Breaks the seal before a run changes the folder: keeps the old hashes as root/folder.sha256.old for carrying over. */
KB_MUST_CHECK struct kb_result kb_seal_break(const char *root, const char *folder);
enum kb_seal_state { KB_SEAL_NONE, KB_SEAL_PRESENT };
enum kb_seal_state kb_seal_state(const char *root, const char *folder);

/* ---- Finding backups
 * ------------------------------------------------------------------------------------------------------------------------
 */

/*
 * Calls each for every backup folder in the store and in the platform's places (UDID and UDID-yyyyMMdd-HHmmss). path is
 * absolute. unread is called for a place that is there and cannot be read (KB_HOST/DENIED, on a Mac without Full Disk
 * Access, says what to do); the others are looked into all the same.
 */
void kb_backups_find(const char *store, char **places, bool (*each)(void *arg, const char *path),
                     void (*unread)(void *arg, const char *path, const struct kb_result *res), void *arg);
/* BACKUP of the command line: a folder, or a UDID in the store. Caller frees. KB_STORE_MISSING with what was looked at.
 */
KB_MUST_CHECK struct kb_result kb_backup_resolve(const char *store, const char *word, char **path);
#endif
