/* Private to the backup room: the files beside a sealed backup. */
#ifndef KB_BACKUP_SEAL_H
#define KB_BACKUP_SEAL_H

#include "room.h"

/* One line of UDID.sha256. path is inside the backup's folder. */
struct kb_seal_line {
    unsigned char sha256[32];
    const char *path;
};
/* Reads such a file line by line; bounded, never the whole. */
struct kb_seal_reader;
/* name: "UDID.sha256" or "UDID.sha256.old" in root. KB_HOST/NOT_FOUND when there is none. */
KB_MUST_CHECK struct kb_result kb_seal_reader_open(struct kb_dir *root, const char *name, const char *folder,
                                                   struct kb_seal_reader **out);
void kb_seal_reader_close(struct kb_seal_reader *reader);
/* The next line; *there false at the end. KB_STORE/DAMAGED for a line of another form. */
KB_MUST_CHECK struct kb_result kb_seal_reader_next(struct kb_seal_reader *reader, struct kb_seal_line *line,
                                                   bool *there);
/* When the file was written, as nanoseconds since 1970. */
int64_t kb_seal_reader_time(const struct kb_seal_reader *reader);

/* UDID.facts.json beside a backup, when it is there, sound, and of this very backup. */
struct kb_seal_read {
    bool there;
    enum kb_source source;
    enum kb_tri supervised, mdm;
};
/* The folder that holds the backup's, and so the seal; the caller frees. */
char *kb_seal_root(const struct kb_backup *backup);
void kb_seal_facts_read(const struct kb_backup *backup, struct kb_seal_read *out);
#endif
