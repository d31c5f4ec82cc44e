/*
 * Walking below a folder that is held open: one openat() a component, never through a link. A path can therefore not
 * leave the folder, whatever it is called and whoever swaps what meanwhile.
 */
#define _GNU_SOURCE
#include "dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* mkdir -p; an existing folder is fine. */
static int make_path(const char *path) {
    char *copy = kb_xstrdup(path);
    int status = 0;
    for (char *at = copy + 1; status == 0; at++) {
        if (*at != '/' && *at != '\0') continue;
        char kept = *at;
        *at = '\0';
        struct stat st;
        if (mkdir(copy, 0700) != 0 && (stat(copy, &st) != 0 || !S_ISDIR(st.st_mode))) status = -1;
        *at = kept;
        if (!kept) break;
    }
    free(copy);
    return status;
}

static struct kb_dir *dir_new(int fd, const char *path) {
    struct kb_dir *dir = kb_xcalloc(1, sizeof *dir);
    dir->fd = fd;
    dir->path = kb_xstrdup(path);
    pthread_mutex_init(&dir->lock, NULL);
    return dir;
}

struct kb_result kb_dir_open(const char *path, bool make, struct kb_dir **out) {
    if (!path || !*path) return kb_rel_refused(path);
    int fd = open(path, FOLDER);
    if (fd < 0 && errno == ENOENT && make && make_path(path) == 0) fd = open(path, FOLDER);
    if (fd < 0) return kb_system_fail((unsigned long)errno, N_("Cannot open the folder %s: %s"), path);
    *out = dir_new(fd, path);
    return kb_ok();
}

struct kb_result kb_dir_open_twin(const struct kb_dir *dir, struct kb_dir **out) {
    int fd = openat(dir->fd, ".", FOLDER); /* this very folder, whatever its path leads to by now */
    if (fd < 0) return kb_system_fail((unsigned long)errno, N_("Cannot open the folder %s: %s"), dir->path);
    *out = dir_new(fd, dir->path);
    return kb_ok();
}

void kb_dir_close(struct kb_dir *dir) {
    if (!dir) return;
    kb_dir_forget(dir, NULL);
    free(dir->known);
    pthread_mutex_destroy(&dir->lock);
    close(dir->fd);
    free(dir->path);
    free(dir);
}

const char *kb_dir_path(const struct kb_dir *dir) { return dir->path; }

bool kb_dir_try_afresh(struct kb_dir *dir, int error) {
    if (!dir->known_count || (error != ENOENT && error != EMFILE && error != ENFILE)) return false;
    kb_dir_forget(dir, NULL);
    return true;
}

/* One component down. A link shows itself as ELOOP here, on every system. */
static int step_down(int fd, const char *name) {
    struct stat st;
    int next = openat(fd, name, FOLDER | O_NOFOLLOW);
    if (next < 0 && (errno == ENOTDIR || errno == ELOOP || errno == EMLINK)) {
        int error = errno;
        bool link = fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
        errno = link ? ELOOP : error;
    }
    return next;
}

/* The nearest folder above rel[0..*size) that is open; *size: so much of rel names it. Not the caller's to close. */
static int nearest(struct kb_dir *dir, const char *rel, size_t *size) {
    while (*size > 0) {
        while (*size > 0 && rel[*size - 1] != '/') --*size;
        if (*size == 0) break;
        int fd = kb_known_find(dir, rel, --*size);
        if (fd >= 0) return fd;
    }
    return dir->fd;
}

/* Walks to rel[0..size), which is not the top; the caller's descriptor, -1 with errno. */
static int walk(struct kb_dir *dir, const char *rel, size_t size) {
    char name[NAME_MAX + 1];
    size_t at = size;
    int above = nearest(dir, rel, &at), fd = above;
    if (at > 0) at++; /* the slash */
    while (fd >= 0 && at < size) {
        const char *slash = memchr(rel + at, '/', size - at);
        size_t length = (slash ? (size_t)(slash - rel) : size) - at;
        int next = -1, error = ENAMETOOLONG;
        if (length < sizeof name) {
            memcpy(name, rel + at, length);
            name[length] = '\0';
            next = step_down(fd, name);
            error = errno;
        }
        if (fd != above) close(fd);
        errno = error;
        fd = next;
        at += length + 1;
    }
    return fd;
}

/* rel[0..size); the dir's own descriptor, -1 with errno. */
static int folder_of(struct kb_dir *dir, const char *rel, size_t size) {
    if (size == 0) return dir->fd;
    int fd = kb_known_find(dir, rel, size);
    if (fd >= 0) return fd;
    fd = walk(dir, rel, size);
    if (fd >= 0) kb_known_add(dir, rel, size, fd);
    return fd;
}

bool kb_dir_parent(struct kb_dir *dir, const char *rel, int *fd, const char **leaf) {
    const char *slash = strrchr(rel, '/');
    *leaf = slash ? slash + 1 : rel;
    *fd = folder_of(dir, rel, slash ? (size_t)(slash - rel) : 0);
    return *fd >= 0;
}

int kb_dir_open_sub(struct kb_dir *dir, const char *rel) {
    const char *leaf;
    int parent;
    /* Never dup(): a second reader of the same open folder would share its position. */
    if (!*rel) return openat(dir->fd, ".", FOLDER);
    return kb_dir_parent(dir, rel, &parent, &leaf) ? step_down(parent, leaf) : -1;
}

struct kb_result kb_dir_fail(int error, const char *format, const char *rel) {
    if (error == ELOOP || error == EMLINK) return kb_kind_refused(rel);
    return kb_system_fail((unsigned long)error, format, rel);
}

void kb_stat_from(struct kb_stat *out, const struct stat *in) {
    out->kind = S_ISREG(in->st_mode) ? KB_ENTRY_FILE : S_ISDIR(in->st_mode) ? KB_ENTRY_DIR : KB_ENTRY_OTHER;
    out->size = in->st_size;
    out->modified = in->st_mtime;
#ifdef __APPLE__
    out->modified_ns = in->st_mtimespec.tv_nsec;
#else
    out->modified_ns = in->st_mtim.tv_nsec;
#endif
    out->id = (uint64_t)in->st_ino;
    out->volume = (uint64_t)in->st_dev;
}
