/* Requests about the host's folder, and what a job of backup keeps. Private to backup2_*.c and restore*.c. */
#ifndef SIM_BACKUP2_HOST_H
#define SIM_BACKUP2_HOST_H

#include "backup2.h"

#define BATCH   128
#define RESERVE (128ll << 20)

/* A folder's listing: itself and its sub-folders 00..ff. */
struct listing {
    plist_t top, sub[256];
};
bool host_list(struct link *link, const char *path, plist_t *out); /* an absent folder is an empty one */
bool host_listing(struct link *link, const char *base, struct listing *out);
void listing_free(struct listing *listing);
/* Size of an entry; -1: not there, or no regular file. */
int64_t listing_size(plist_t directory, const char *name);
bool listing_has(const struct listing *listing, const uint8_t id[20], int64_t size);

bool host_free_space(struct link *link, int64_t *bytes);
/* Asks for room (free space, purge, free space): 105 when there is too little. */
bool host_room(struct link *link, int64_t bytes);
bool host_make_directory(struct link *link, const char *path);

/* A batch of moves or removals, sent when full. */
struct batch {
    struct link *link;
    const char *message;
    plist_t items; /* dictionary for moves, array for removals */
    int count;
};
void batch_start(struct batch *batch, struct link *link, const char *message, bool moves);
bool batch_move(struct batch *batch, const char *from, const char *to);
bool batch_remove(struct batch *batch, const char *path);
bool batch_flush(struct batch *batch);
void batch_end(struct batch *batch);

struct backup {
    struct link *link;
    struct sim_device *dev;
    struct sim_content *content;
    const char *udid;
    bool encrypted, forced, first, has_old, resumed, manifest_sent;
    char set_aside[96]; /* an old folder's new name */
    struct status status;
    struct rows old;
    struct sim_file *files;
    size_t count;
    uint8_t *state; /* per file: enum file_state */
    struct sim_blob *manifest;
    char db_path[600], enc_path[600], old_path[600];
    uint8_t manifest_key[MB_KEY];
    int64_t total, sent, uploaded, removed, kept;
};
enum file_state { FILE_KEPT, FILE_UPLOAD, FILE_IN_SNAPSHOT, FILE_AGAIN };

/* backup2_look.c: what is there already. backup2_upload.c: the files. */
bool backup_look(struct backup *backup);
bool backup_scan(struct backup *backup);
bool backup_upload(struct backup *backup);
bool backup_put_status(struct backup *backup, const char *snapshot_state, bool full);
void host_path(const struct backup *backup, const char *folder, const struct sim_file *file, char out[160]);
#endif
