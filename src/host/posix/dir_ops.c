/* What can be done below a folder that is held open: stat, list, make, move, space, sync. */
#define _GNU_SOURCE
#include "dir.h"
#include "disk.h"
#include "frameworks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One try of an operation; 0 or errno. */
typedef int attempt(struct kb_dir *dir, const char *rel, void *arg);

static int try_fresh(struct kb_dir *dir, const char *rel, attempt *op, void *arg) {
    pthread_mutex_lock(&dir->lock);
    int error = op(dir, rel, arg);
    if (error && kb_dir_try_afresh(dir, error)) error = op(dir, rel, arg);
    pthread_mutex_unlock(&dir->lock);
    return error;
}

static int stat_op(struct kb_dir *dir, const char *rel, void *arg) {
    struct stat st;
    const char *leaf;
    int fd;
    if (!kb_dir_parent(dir, rel, &fd, &leaf) || fstatat(fd, leaf, &st, AT_SYMLINK_NOFOLLOW) != 0) return errno;
    kb_stat_from(arg, &st);
    return 0;
}

struct kb_result kb_dir_stat(struct kb_dir *dir, const char *rel, struct kb_stat *out) {
    if (!kb_rel_is_plain(rel)) return kb_rel_refused(rel);
    int error = try_fresh(dir, rel, stat_op, out);
    return error ? kb_dir_fail(error, N_("Cannot look at %s: %s"), rel) : kb_ok();
}

/* false when the entry vanished meanwhile, or is one of the two that are always there. */
static bool read_entry(int fd, const struct dirent *from, bool names_only, struct kb_entry *to) {
    struct stat st;
    struct kb_stat kind;
    if (strcmp(from->d_name, ".") == 0 || strcmp(from->d_name, "..") == 0) return false;
    *to = (struct kb_entry){from->d_name, KB_ENTRY_OTHER, 0, 0};
    if (names_only && from->d_type != DT_UNKNOWN) {
        if (from->d_type == DT_REG) to->kind = KB_ENTRY_FILE;
        if (from->d_type == DT_DIR) to->kind = KB_ENTRY_DIR;
        return true;
    }
    if (fstatat(fd, from->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) return false;
    kb_stat_from(&kind, &st);
    to->kind = kind.kind;
    to->size = names_only ? 0 : kind.size;
    to->modified = names_only ? 0 : kind.modified;
    return true;
}

static struct kb_result list(struct kb_dir *dir, const char *rel, bool names_only,
                             bool (*each)(void *arg, const struct kb_entry *entry), void *arg) {
    if (*rel && !kb_rel_is_plain(rel)) return kb_rel_refused(rel);
    pthread_mutex_lock(&dir->lock);
    int fd = kb_dir_open_sub(dir, rel);
    if (fd < 0 && kb_dir_try_afresh(dir, errno)) fd = kb_dir_open_sub(dir, rel);
    pthread_mutex_unlock(&dir->lock);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    int error = stream ? 0 : errno;
    if (!stream && fd >= 0) close(fd);
    while (stream) {
        struct kb_entry entry;
        errno = 0;
        const struct dirent *next = readdir(stream);
        if (!next) error = errno;
        if (!next) break;
        if (read_entry(dirfd(stream), next, names_only, &entry) && !each(arg, &entry)) break;
    }
    if (stream) closedir(stream);
    return error ? kb_dir_fail(error, N_("Cannot list the folder %s: %s"), *rel ? rel : dir->path) : kb_ok();
}

struct kb_result kb_dir_list(struct kb_dir *dir, const char *rel, bool (*each)(void *arg, const struct kb_entry *entry),
                             void *arg) {
    return list(dir, rel, false, each, arg);
}

struct kb_result kb_dir_names(struct kb_dir *dir, const char *rel,
                              bool (*each)(void *arg, const struct kb_entry *entry), void *arg) {
    return list(dir, rel, true, each, arg);
}

/* Makes the last component of rel[0..size) where its parents are; an existing folder is fine, a link is not. */
static int make_one(struct kb_dir *dir, const char *rel, size_t size) {
    char *path = kb_xcalloc(1, size + 1);
    const char *leaf;
    int fd, error = 0;
    struct stat st;
    memcpy(path, rel, size);
    if (!kb_dir_parent(dir, path, &fd, &leaf))
        error = errno;
    else if (mkdirat(fd, leaf, 0700) != 0)
        error = errno;
    if (error == EEXIST) {
        if (fstatat(fd, leaf, &st, AT_SYMLINK_NOFOLLOW) != 0)
            error = errno;
        else
            error = S_ISDIR(st.st_mode) ? 0 : S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
    }
    free(path);
    return error;
}

static int make_op(struct kb_dir *dir, const char *rel, void *arg) {
    (void)arg;
    int error = make_one(dir, rel, strlen(rel)); /* mostly only the last one lacks, or none */
    if (error != ENOENT) return error;
    for (const char *slash = strchr(rel, '/'); slash; slash = strchr(slash + 1, '/'))
        if ((error = make_one(dir, rel, (size_t)(slash - rel))) != 0) return error;
    return make_one(dir, rel, strlen(rel));
}

struct kb_result kb_dir_make(struct kb_dir *dir, const char *rel) {
    if (!kb_rel_is_plain(rel)) return kb_rel_refused(rel);
    int error = try_fresh(dir, rel, make_op, NULL);
    return error ? kb_dir_fail(error, N_("Cannot make the folder %s: %s"), rel) : kb_ok();
}

static int move_op(struct kb_dir *dir, const char *from, void *arg) {
    const char *to = arg, *from_leaf, *to_leaf;
    int from_fd, to_fd;
    if (!kb_dir_parent(dir, from, &from_fd, &from_leaf) || !kb_dir_parent(dir, to, &to_fd, &to_leaf)) return errno;
    if (renameat(from_fd, from_leaf, to_fd, to_leaf) != 0) return errno;
    kb_dir_forget(dir, from);
    kb_dir_forget(dir, to);
    return 0;
}

struct kb_result kb_dir_move(struct kb_dir *dir, const char *from, const char *to) {
    if (!kb_rel_is_plain(from)) return kb_rel_refused(from);
    if (!kb_rel_is_plain(to)) return kb_rel_refused(to);
    int error = try_fresh(dir, from, move_op, (void *)(uintptr_t)to);
    return error ? kb_dir_fail(error, N_("Cannot move %s: %s"), from) : kb_ok();
}

struct kb_result kb_dir_space(struct kb_dir *dir, int64_t *free_bytes) {
    if (kb_disk_free(dir->fd, free_bytes) != 0)
        return kb_system_fail((unsigned long)errno, N_("Cannot ask for the free space of %s: %s"), dir->path);
    int64_t with_purgeable = kb_framework_free(dir->path);
    if (with_purgeable > *free_bytes) *free_bytes = with_purgeable;
    return kb_ok();
}

struct kb_result kb_dir_sync(struct kb_dir *dir) {
    if (kb_disk_sync_all(dir->fd) != 0)
        return kb_system_fail((unsigned long)errno, N_("Cannot write %s to the disk: %s"), dir->path);
    return kb_ok();
}
