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

struct kb_result kb_dir_open(const char *path, bool make, struct kb_dir **out) {
    if (!path || !*path) return kb_rel_refused(path);
    int fd = open(path, FOLDER);
    if (fd < 0 && errno == ENOENT && make && make_path(path) == 0) fd = open(path, FOLDER);
    if (fd < 0) return kb_system_fail((unsigned long)errno, N_("Cannot open the folder %s: %s"), path);
    struct kb_dir *dir = kb_xcalloc(1, sizeof *dir);
    dir->fd = fd;
    dir->path = kb_xstrdup(path);
    pthread_mutex_init(&dir->lock, NULL);
    *out = dir;
    return kb_ok();
}

void kb_dir_close(struct kb_dir *dir) {
    if (!dir) return;
    kb_dir_forget(dir, NULL);
    pthread_mutex_destroy(&dir->lock);
    close(dir->fd);
    free(dir->path);
    free(dir);
}

const char *kb_dir_path(const struct kb_dir *dir) { return dir->path; }

/* rel is prefix, or lies below it. */
static bool below(const char *rel, const char *prefix) {
    size_t size = strlen(prefix);
    return strncmp(rel, prefix, size) == 0 && (rel[size] == '\0' || rel[size] == '/');
}

void kb_dir_forget(struct kb_dir *dir, const char *rel) {
    for (int i = 0; i < DIR_CACHE; i++) {
        if (!dir->cache[i].rel || (rel && !below(dir->cache[i].rel, rel))) continue;
        close(dir->cache[i].fd);
        free(dir->cache[i].rel);
        dir->cache[i].rel = NULL;
    }
}

bool kb_dir_knows(const struct kb_dir *dir) {
    for (int i = 0; i < DIR_CACHE; i++)
        if (dir->cache[i].rel) return true;
    return false;
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

/* Walks the first size bytes of rel; the caller's descriptor, -1 with errno. */
static int walk(int top, const char *rel, size_t size) {
    char name[NAME_MAX + 1];
    int fd = dup(top);
    if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
    for (size_t at = 0; fd >= 0 && at < size;) {
        size_t length = strcspn(rel + at, "/");
        if (at + length > size) length = size - at;
        if (length >= sizeof name) {
            close(fd);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, rel + at, length);
        name[length] = '\0';
        int next = step_down(fd, name), error = errno;
        close(fd);
        errno = error;
        fd = next;
        at += length + 1;
    }
    return fd;
}

int kb_dir_open_sub(struct kb_dir *dir, const char *rel) {
    /* Not dup() alone for the top: a second reader of the same open folder would share its position. */
    if (!*rel) return openat(dir->fd, ".", FOLDER);
    return walk(dir->fd, rel, strlen(rel));
}

/* The slot to give up. A move needs two parents at once, so never the one used last. */
static int longest_unused(const struct kb_dir *dir) {
    int at = 0;
    for (int i = 0; i < DIR_CACHE; i++) {
        if (!dir->cache[i].rel) return i;
        if (dir->cache[i].used < dir->cache[at].used) at = i;
    }
    return at;
}

bool kb_dir_parent(struct kb_dir *dir, const char *rel, int *fd, const char **leaf) {
    const char *slash = strrchr(rel, '/');
    *leaf = slash ? slash + 1 : rel;
    if (!slash) {
        *fd = dir->fd;
        return true;
    }
    size_t size = (size_t)(slash - rel);
    for (int i = 0; i < DIR_CACHE; i++) {
        const char *known = dir->cache[i].rel;
        if (!known || strncmp(known, rel, size) != 0 || known[size]) continue;
        dir->cache[i].used = ++dir->uses;
        *fd = dir->cache[i].fd;
        return true;
    }
    int found = walk(dir->fd, rel, size);
    if (found < 0) return false;
    int at = longest_unused(dir);
    if (dir->cache[at].rel) close(dir->cache[at].fd);
    free(dir->cache[at].rel);
    dir->cache[at].used = ++dir->uses;
    dir->cache[at].rel = kb_xcalloc(1, size + 1);
    memcpy(dir->cache[at].rel, rel, size);
    dir->cache[at].fd = found;
    *fd = found;
    return true;
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
