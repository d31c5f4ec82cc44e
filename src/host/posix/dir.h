/* A folder held open, and how its files reach a component safely. Private to src/host/posix. */
#ifndef KITBENCH_HOST_POSIX_DIR_H
#define KITBENCH_HOST_POSIX_DIR_H

#include "../system.h"

#include <sys/stat.h>

#define DIR_CACHE 4

struct kb_dir {
    int fd;
    char *path;
    pthread_mutex_t lock;
    /* Guarded by lock: parents used last, so that a million files in 256 folders open each folder a few times only. */
    struct {
        char *rel;
        int fd;
        uint64_t used; /* when, in uses */
    } cache[DIR_CACHE];
    uint64_t uses;
};

/*
 * Finds the folder that holds rel's last component. The descriptor is the dir's own (do not close) and good until the
 * lock is released. Fails with errno set; ELOOP when a link stands in the way.
 */
bool kb_dir_parent(struct kb_dir *dir, const char *rel, int *fd, const char **leaf);
/* Opens the folder rel ("" = the top) itself; the caller's descriptor, -1 with errno. */
int kb_dir_open_sub(struct kb_dir *dir, const char *rel);
/* Forgets what is known of rel and whatever lies below; NULL forgets everything. */
void kb_dir_forget(struct kb_dir *dir, const char *rel);
bool kb_dir_knows(const struct kb_dir *dir);
/* The refusals of links and wrong kinds, else the system's own error. */
struct kb_result kb_dir_fail(int error, const char *format, const char *rel);
void kb_stat_from(struct kb_stat *out, const struct stat *in);
#endif
