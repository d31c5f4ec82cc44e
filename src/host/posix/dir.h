/* A folder held open, and how its files reach a component safely. Private to src/host/posix. */
#ifndef KITBENCH_HOST_POSIX_DIR_H
#define KITBENCH_HOST_POSIX_DIR_H

#include "../system.h"

#include <sys/stat.h>

enum { DIR_KNOWN_MAX = 520, DIR_CHAINS = 256 };

/* A folder below that is kept open. */
struct kb_known {
    char *rel; /* size bytes; NULL: a free slot */
    size_t size;
    uint64_t used; /* when, in uses */
    int fd;
    unsigned short next; /* of the same chain: slot + 1, 0 ends it */
};

struct kb_dir {
    int fd;
    char *path;
    pthread_mutex_t lock;
    /* Guarded by lock. */
    struct kb_known *known; /* known_room slots, made at the first use */
    unsigned known_room, known_count;
    size_t known_longest;              /* no name that was ever kept is longer */
    unsigned short chains[DIR_CHAINS]; /* by hash of rel: slot + 1, 0 empty */
    uint64_t uses;
};

/* The folder rel[0..size) if it is kept open, -1 if not. The descriptor is the dir's own. */
int kb_known_find(struct kb_dir *dir, const char *rel, size_t size);
/* Keeps fd from now on; may close the folder that was not used for the longest time. */
void kb_known_add(struct kb_dir *dir, const char *rel, size_t size, int fd);
/*
 * Finds the folder that holds rel's last component. The descriptor is the dir's own (do not close) and good until the
 * lock is released. Fails with errno set; ELOOP when a link stands in the way.
 */
bool kb_dir_parent(struct kb_dir *dir, const char *rel, int *fd, const char **leaf);
/* Opens the folder rel ("" = the top) itself; the caller's descriptor, -1 with errno. */
int kb_dir_open_sub(struct kb_dir *dir, const char *rel);
/* Forgets what is known of rel and whatever lies below; NULL forgets everything. */
void kb_dir_forget(struct kb_dir *dir, const char *rel);
/* After error: nothing is kept open any more, and it is worth another try. What was kept may have been removed and made
   again by another, or there may be no descriptor left. */
bool kb_dir_try_afresh(struct kb_dir *dir, int error);
/* The refusals of links and wrong kinds, else the system's own error. */
struct kb_result kb_dir_fail(int error, const char *format, const char *rel);
void kb_stat_from(struct kb_stat *out, const struct stat *in);
#endif
