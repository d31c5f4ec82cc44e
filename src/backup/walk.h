/* Private to the backup room: the 256 folders, listed ahead of who asks for them. */
#ifndef KB_BACKUP_WALK_H
#define KB_BACKUP_WALK_H

#include "room.h"

enum { KB_WALK_FOLDERS = 256 };

struct kb_walked {
    unsigned char id[20]; /* when odd is NULL */
    char *odd;            /* a name that is no fileID of this folder */
    enum kb_entry_kind kind;
    int64_t size, modified;
};
struct kb_walked_folder {
    struct kb_result result; /* of the listing */
    char name[3];
    struct kb_walked *entries; /* as the system lists them */
    size_t count, room;
    bool flooded; /* more than max: the rest was left out */
};

struct kb_walk;
/*
 * Begins to list folders 00, 01, ... on a few threads, at most some folders ahead of the asker so that memory stays
 * small. max: entries of one folder. dir must outlive the walk.
 */
struct kb_walk *kb_walk_new(struct kb_dir *dir, size_t max);
/* The next folder, in order, 256 of them; waits for it. Valid until the next call; what is in it depends on no thread.
 */
const struct kb_walked_folder *kb_walk_next(struct kb_walk *walk);
void kb_walk_free(struct kb_walk *walk);
#endif
