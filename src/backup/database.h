/* Private to the backup room: Manifest.db, read as what it is, a database that anybody may have made. */
#ifndef KB_BACKUP_DATABASE_H
#define KB_BACKUP_DATABASE_H

#include "room.h"

struct kb_db;
typedef bool (*kb_db_go_on)(void *arg); /* asked now and then during long work; false cancels */

/*
 * Opens Manifest.db of the folder for reading; an encrypted one is decrypted page by page on the way into SQLite, so
 * that no plain copy of it exists anywhere. Nothing is ever written beside it. fails   KB_STORE/DAMAGED (not a
 * database, wrong columns), /HOSTILE (a view in the table's place), KB_HOST
 */
KB_MUST_CHECK struct kb_result kb_db_open(struct kb_backup *backup, kb_db_go_on go_on, void *arg, struct kb_db **out);
void kb_db_close(struct kb_db *db);
/* SQLite's own look at the whole file: thorough = integrity_check, else quick_check. */
KB_MUST_CHECK struct kb_result kb_db_check(struct kb_db *db, bool thorough);
KB_MUST_CHECK struct kb_result kb_db_count(struct kb_db *db, int64_t *rows);

/* One row; the pointers live until the callback returns. NULL where the cell is NULL or of another type. */
struct kb_row {
    const char *file_id, *domain, *path;
    size_t file_id_size, domain_size, path_size;
    bool flags_there;
    int64_t flags;
    const unsigned char *blob;
    size_t blob_size;
    bool nulls_only; /* only fileID and flags: a placeholder of a broken run */
};
typedef bool (*kb_db_each)(void *arg, const struct kb_row *row); /* false stops */
/* All rows in the order of fileID; in any_order as they lie in the database, which reads it once from front to end. */
KB_MUST_CHECK struct kb_result kb_db_rows(struct kb_db *db, bool any_order, kb_db_each each, void *arg);
/* The row of one fileID; *found false: there is none. */
KB_MUST_CHECK struct kb_result kb_db_find(struct kb_db *db, const char *file_id, kb_db_each each, void *arg,
                                          bool *found);
/* Rows of exactly that domain, at most max. */
KB_MUST_CHECK struct kb_result kb_db_domain(struct kb_db *db, const char *domain, int max, kb_db_each each, void *arg);
#endif
