/* Removing a file or a whole tree below a folder that is held open. A link is removed, never followed. */
#define _GNU_SOURCE
#include "dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A device can name 1024 bytes of path; whatever nests deeper was not made by one. Bounds the descriptors too. */
#define DEEPEST 600

static int remove_tree(int parent, const char *name, int depth);

/* One pass over a folder; removed counts, so that the caller knows whether another pass can help. */
static int remove_entries(DIR *list, int depth, int *removed) {
    int error = 0;
    for (;;) {
        errno = 0;
        const struct dirent *next = readdir(list);
        if (!next) return error ? error : errno;
        if (strcmp(next->d_name, ".") == 0 || strcmp(next->d_name, "..") == 0) continue;
        int failed = remove_tree(dirfd(list), next->d_name, depth + 1);
        if (failed)
            error = failed;
        else
            ++*removed;
    }
}

static int remove_folder(int parent, const char *name, int depth) {
    int fd = depth < DEEPEST ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd < 0) return depth < DEEPEST ? errno : ELOOP;
    DIR *list = fdopendir(fd);
    if (!list) {
        int error = errno;
        close(fd);
        return error;
    }
    int error, removed;
    do { /* some file systems skip entries while others are being removed */
        removed = 0;
        error = remove_entries(list, depth, &removed);
        if (!error) error = unlinkat(parent, name, AT_REMOVEDIR) == 0 ? 0 : errno;
        rewinddir(list);
    } while ((error == ENOTEMPTY || error == EEXIST) && removed);
    closedir(list);
    return error;
}

static int remove_tree(int parent, const char *name, int depth) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return 0;
    if (errno != EISDIR && errno != EPERM) return errno; /* POSIX says EPERM for a folder, Linux EISDIR */
    int why = errno, error = remove_folder(parent, name, depth);
    return error == ENOTDIR ? why : error == ENOENT ? 0 : error;
}

struct kb_result kb_dir_remove(struct kb_dir *dir, const char *rel) {
    const char *leaf;
    int fd, error = 0;
    if (!kb_rel_is_plain(rel)) return kb_rel_refused(rel);
    pthread_mutex_lock(&dir->lock);
    kb_dir_forget(dir, rel);
    if (!kb_dir_parent(dir, rel, &fd, &leaf))
        error = errno == ENOENT ? 0 : errno;
    else
        error = remove_tree(fd, leaf, 0);
    pthread_mutex_unlock(&dir->lock);
    return error ? kb_dir_fail(error, N_("Cannot remove %s: %s"), rel) : kb_ok();
}
