/* Private to the backup room: an opened backup, and what its parts hand to each other. */
#ifndef KB_BACKUP_ROOM_H
#define KB_BACKUP_ROOM_H

#include <plist/plist.h>

#include "keybag.h"
#include "kitbench/backup.h"

/* ---- Findings: what is wrong, how bad, how often ---- */

struct kb_findings {
    enum kb_outcome worst;
    int64_t count;
    char text[480]; /* the sentence of the first finding of the worst kind */
    void (*tell)(void *arg, const struct kb_finding_line *line); /* NULL: only counted */
    void *arg;
    int told;
};
/*
 * How bad each outcome is stands in one order: ok, warnings, locked, damaged, interrupted, unreadable, hostile (an
 * interrupted backup misses files because it was interrupted; the reason is worth more than its effects).
 */
void kb_finding(struct kb_findings *findings, enum kb_outcome outcome, const char *code, const char *path,
                const char *format, ...) KB_PRINTF(5, 6);
bool kb_outcome_is_worse(enum kb_outcome a, enum kb_outcome than);

/* ---- Property lists from the folder ---- */

enum kb_plist_state {
    KB_PLIST_UNREAD,
    KB_PLIST_OK,
    KB_PLIST_MISSING,
    KB_PLIST_DENIED,
    KB_PLIST_MALFORMED,
    KB_PLIST_HOSTILE
};
/* A dictionary from a file of the folder, guarded first; NULL unless the state is OK. */
enum kb_plist_state kb_plist_load(struct kb_dir *dir, const char *name, plist_t *out);
/* The same of bytes that have been read (and decrypted) already. */
enum kb_plist_state kb_plist_bytes(const void *bytes, size_t size, plist_t *out);
/* Typed access: nothing is there when the type is wrong. */
plist_t kb_plist_get(plist_t dict, const char *key, plist_type type);
bool kb_plist_text(plist_t dict, const char *key, char *out, size_t room); /* cleaned; false: absent or another type */
enum kb_tri kb_plist_bool(plist_t dict, const char *key);
int64_t kb_plist_date(plist_t dict, const char *key);                   /* -1 unknown */
const void *kb_plist_data(plist_t dict, const char *key, size_t *size); /* the dictionary's own bytes */
/* "10.0" or a number as thousandths: 10000; -1 unknown. "10.10" is newer than "10.9", as numbers. */
int64_t kb_plist_version(plist_t dict, const char *key);
bool kb_plist_array_has(plist_t dict, const char *key, const char *text);

/* ---- What the three say ---- */

struct kb_status {
    enum kb_plist_state state;
    int64_t version, date;
    char backup_state[32], snapshot_state[32], uuid[64];
    enum kb_tri full;
};
struct kb_manifest {
    enum kb_plist_state state;
    plist_t root;
    int64_t version, date;
    enum kb_tri encrypted;
    bool has_lockdown, has_manifest_key;
    unsigned char manifest_key[KB_KEYED_BYTES];
    char udid[KB_UDID_ROOM], device_name[256], model[64], os[32], build[32], serial[64];
};
struct kb_info {
    enum kb_plist_state state;
    char unique_id[64], target_id[64], device_name[256], model[64], os[32], build[32], serial[64];
    int64_t apps; /* -1: it does not say */
};

struct kb_backup {
    char *path;
    struct kb_dir *dir;
    struct kb_status status;
    struct kb_manifest manifest;
    struct kb_info info;
    bool has_mbdb; /* Manifest.mbdb is there */

    enum kb_plist_state db_state;
    int64_t db_size;
    struct kb_keybag bag;
    struct kb_result bag_result; /* how parsing it ended */
    struct kb_keys keys;         /* secret NULL: locked */
    struct kb_secret *derived;   /* what the password gave; NULL when no password was tried or it was wrong */
    enum kb_password_proof proof;
    enum kb_agent_trace agent;

    /* What the last whole walk of the files saw (kb_scan). */
    bool walked;
    int64_t walked_files, newest; /* newest: the latest time of a file, seconds */
    uint64_t print;               /* of names, sizes and times, in any order */
};

/* One of the files is there that every backup has, whole or not. */
bool kb_looks_like_backup(struct kb_dir *dir);
void kb_status_read(struct kb_dir *dir, struct kb_status *out);
void kb_manifest_read(struct kb_dir *dir, struct kb_manifest *out);
void kb_info_read(struct kb_dir *dir, struct kb_info *out);
/* Encrypted and not unlocked: what lies inside cannot be known. */
bool kb_backup_is_locked(const struct kb_backup *backup);
/* Metadata only: the three lists, their contradictions, the database's first bytes, the top of the folder. */
void kb_folder_judge(struct kb_backup *backup, struct kb_findings *findings);

/* ---- Files ---- */

/* A regular file of the folder, at most max bytes. */
KB_MUST_CHECK struct kb_result kb_load(struct kb_dir *dir, const char *rel, size_t max, struct kb_buf *out);
#define KB_PAYLOAD_NAME 44 /* "ab/" and 40 digits and NUL */
void kb_payload_name(char out[KB_PAYLOAD_NAME], const char *file_id);
bool kb_is_file_id(const char *text, size_t size);
/* Of a fileID its 20 bytes; false: it is none. */
bool kb_file_id_bytes(const char *text, size_t size, unsigned char id[20]);
#endif
