/* Private to the backup room: what a row's blob says of one file. */
#ifndef KB_BACKUP_MBFILE_H
#define KB_BACKUP_MBFILE_H

#include "keybag.h"

struct kb_mbfile {
    bool has_size, has_mode, has_class, has_path, path_matches;
    bool has_digest, has_key; /* of the right length */
    bool bad_digest, bad_key; /* there, but of another length or type */
    int64_t size, mode, protection_class;
    unsigned char digest[20];
    unsigned char key[KB_KEYED_BYTES];
};

/*
 * Reads a blob of Manifest.db's file column: a binary plist in NSKeyedArchiver form (backup-format.md 3.3). path is the
 * row's relativePath, which the blob must repeat. False when it is not such a plist. Allocates nothing and never
 * recurses: it looks into one dictionary, the one it points to, and that one's scalars.
 */
bool kb_mbfile_parse(const unsigned char *blob, size_t size, const char *path, size_t path_size, struct kb_mbfile *out);
#endif
