/* Private to the backup room: rows of Manifest.db and files of the folder, side by side. */
#ifndef KB_BACKUP_SCAN_H
#define KB_BACKUP_SCAN_H

#include "database.h"
#include "mbfile.h"
#include "room.h"

/* A file in one of the 256 folders. */
struct kb_stored {
    unsigned char id[20];
    bool regular, seen;
    int64_t size;
};

struct kb_scan_ops {
    /* A row; stored is NULL when its file is not there (or its fileID is none). false stops the scan. */
    bool (*row)(void *arg, const struct kb_row *row, const struct kb_stored *stored);
    /* How far it is, as a folder 0 to 255; 256 is the end. false stops. May be NULL. */
    bool (*folder)(void *arg, int folder);
    /* A file that no row names (with a database), or any file (without one). */
    void (*extra)(void *arg, const char *file_id, const struct kb_stored *stored);
    /* The files are going to be read: rows of a large backup come folder by folder, which disks like better. */
    bool reads_files;
    bool by_folder; /* rows of any backup do, and folder is called before each of the folders */
    size_t span;    /* files in memory at a time, at least a folder's; 0: as many as fit */
    void *arg;
};
struct kb_scan_totals {
    int64_t files, bytes; /* regular files with a fileID for their name */
};
struct kb_walk;
/* Begins to list the folders while the caller opens the database; kb_scan() takes it over, kb_walk_free() ends it. */
struct kb_walk *kb_scan_ahead(struct kb_backup *backup);
/*
 * Walks the 256 folders and, with db, its rows beside them: in the order of the database, or of the folders where they
 * do not fit into memory together (or reads_files asks for it). db NULL: the folders alone. Links, pipes and devices
 * among the files are findings. ahead may be NULL. Failing: the database's result, or KB_HOST.
 */
KB_MUST_CHECK struct kb_result kb_scan(struct kb_backup *backup, struct kb_walk *ahead, struct kb_db *db,
                                       const struct kb_scan_ops *ops, struct kb_findings *findings,
                                       struct kb_scan_totals *totals);

/* ---- One row ---- */

/* What a row promises, after all its rules were applied (backup-format.md 3.2 to 3.5). */
struct kb_checked {
    bool file;         /* a regular file whose payload is there and may be read */
    bool check_digest; /* its SHA-1 must be file.digest */
    bool check_tail;   /* encrypted, no digest: its padding must be whole */
    bool size_differs; /* its length is not what Size says: to be judged by its content */
    int64_t stored, expected;
    struct kb_mbfile mbfile;
};
/* Applies the rules to one row; findings go to findings. */
void kb_check_row(const struct kb_backup *backup, const struct kb_row *row, const struct kb_stored *stored,
                  struct kb_findings *findings, struct kb_checked *out);
/* What a finding calls the row: domain-path, cleaned. */
#define KB_LABEL_ROOM 1400
void kb_row_label(const struct kb_row *row, char label[KB_LABEL_ROOM]);
/* Domains whose regular files always have a digest. */
bool kb_domain_has_digests(const char *domain);
/* Bytes of one file, and of all, that no device has; whether a blob gives a size that can be. */
#define KB_BYTES_ABSURD ((int64_t)1 << 44)
bool kb_size_is_possible(const struct kb_mbfile *mbfile);
bool kb_row_path_is_safe(const char *path, size_t size);
bool kb_row_domain_is_safe(const char *domain, size_t size);
#endif
