/* Private to the backup room: the file under SQLite. */
#ifndef KB_BACKUP_DATABASE_FILE_H
#define KB_BACKUP_DATABASE_FILE_H

#include <sqlite3.h>

#include "room.h"

/* What SQLite reads through: a regular file of the folder, decrypted on the way when key is there. */
struct kb_db_file {
    sqlite3_vfs vfs; /* registered under a name of its own, which only this opening knows */
    char name[40];
    bool registered;
    struct kb_handle *handle;
    int64_t size; /* of the plain database */
    struct kb_secret *key;
    struct kb_cbc *cbc;
    unsigned char *scratch;
    unsigned char *ahead; /* a decrypted piece of the file, for whoever reads on from where the last read ended */
    int64_t ahead_at, next_at;
    size_t ahead_size;
    int streak;  /* reads in a row that went on */
    bool failed; /* the disk could not be read */
};
/* key may be NULL and is taken over. */
KB_MUST_CHECK struct kb_result kb_db_file_open(struct kb_dir *dir, struct kb_secret *key, struct kb_db_file *out);
void kb_db_file_close(struct kb_db_file *file);
#endif
