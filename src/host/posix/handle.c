/* Open files: regular ones only, found without following links, never blocking on the way. */
#define _GNU_SOURCE
#include "dir.h"
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct kb_handle {
    int fd;
    int64_t size; /* when it was opened */
    char *name;   /* for sentences */
    char *unlink; /* a private file's path as long as it has one */
};

static struct kb_handle *handle_new(int fd, int64_t size, const char *name) {
    struct kb_handle *handle = kb_xcalloc(1, sizeof *handle);
    handle->fd = fd;
    handle->size = size;
    handle->name = kb_xstrdup(name);
    return handle;
}

/* O_NONBLOCK: opening a FIFO must not wait for its other end. It means nothing to a regular file. */
static const int open_flags[] = {
    [KB_OPEN_READ] = O_RDONLY,
    [KB_OPEN_NEW] = O_RDWR | O_CREAT | O_EXCL,
    [KB_OPEN_REPLACE] = O_RDWR | O_CREAT,
};
#define ALWAYS (O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

/* Empties the file; one with a second name elsewhere is left alone and a new one takes its place here. */
static int replace(int parent, const char *leaf, int fd, const struct stat *st) {
    if (st->st_nlink <= 1) {
        if (st->st_size == 0 || ftruncate(fd, 0) == 0) return fd;
    } else if (unlinkat(parent, leaf, 0) == 0) {
        close(fd);
        return openat(parent, leaf, open_flags[KB_OPEN_NEW] | ALWAYS, 0600);
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* The descriptor, or -1 with errno; ELOOP for everything that is not a regular file. */
static int open_regular(int parent, const char *leaf, enum kb_open how, int64_t *size) {
    struct stat st;

    *size = 0;
    int fd = openat(parent, leaf, open_flags[how] | ALWAYS, 0600);
    if (fd < 0) {
        if (errno == ENXIO || errno == EOPNOTSUPP || errno == EISDIR || errno == EMLINK || errno == ENODEV)
            errno = ELOOP; /* socket (by Linux, by macOS), folder, link, device */
        return -1;
    }
    if (how == KB_OPEN_NEW) return fd; /* made by this call, so it is an empty regular file */
    int error = fstat(fd, &st) != 0 ? errno : S_ISREG(st.st_mode) ? 0 : ELOOP;
    if (error) {
        close(fd);
        errno = error;
        return -1;
    }
    if (how == KB_OPEN_REPLACE) return replace(parent, leaf, fd, &st);
    *size = st.st_size;
    return fd;
}

/* The descriptor, or -1 with errno. */
static int open_below(struct kb_dir *dir, const char *rel, enum kb_open how, int64_t *size) {
    const char *leaf;
    int parent;
    return kb_dir_parent(dir, rel, &parent, &leaf) ? open_regular(parent, leaf, how, size) : -1;
}

struct kb_result kb_handle_open(struct kb_dir *dir, const char *rel, enum kb_open how, struct kb_handle **out) {
    int64_t size;
    if (!kb_rel_is_plain(rel)) return kb_rel_refused(rel);
    pthread_mutex_lock(&dir->lock);
    int fd = open_below(dir, rel, how, &size);
    if (fd < 0 && kb_dir_try_afresh(dir, errno)) fd = open_below(dir, rel, how, &size);
    int error = errno;
    pthread_mutex_unlock(&dir->lock);
    if (fd < 0) return kb_dir_fail(error, N_("Cannot open %s: %s"), rel);
    *out = handle_new(fd, size, rel);
    return kb_ok();
}

int64_t kb_handle_size(const struct kb_handle *handle) { return handle->size; }

struct kb_result kb_handle_read(struct kb_handle *handle, void *data, size_t room, size_t *got) {
    ssize_t size;
    do size = read(handle->fd, data, room);
    while (size < 0 && errno == EINTR);
    if (size < 0) return kb_system_fail((unsigned long)errno, N_("Cannot read %s: %s"), handle->name);
    *got = (size_t)size;
    return kb_ok();
}

struct kb_result kb_handle_read_at(struct kb_handle *handle, int64_t offset, void *data, size_t room, size_t *got) {
    size_t all = 0;
    while (all < room) {
        ssize_t size = pread(handle->fd, (char *)data + all, room - all, (off_t)(offset + (int64_t)all));
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return kb_system_fail((unsigned long)errno, N_("Cannot read %s: %s"), handle->name);
        if (size == 0) break;
        all += (size_t)size;
    }
    *got = all;
    return kb_ok();
}

struct kb_result kb_handle_write(struct kb_handle *handle, const void *data, size_t size) {
    const char *at = data;
    while (size) {
        ssize_t wrote = write(handle->fd, at, size);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return kb_system_fail((unsigned long)errno, N_("Cannot write %s: %s"), handle->name);
        at += wrote;
        size -= (size_t)wrote;
    }
    return kb_ok();
}

struct kb_result kb_handle_stat(struct kb_handle *handle, struct kb_stat *out) {
    struct stat st;
    if (fstat(handle->fd, &st) != 0)
        return kb_system_fail((unsigned long)errno, N_("Cannot look at %s: %s"), handle->name);
    kb_stat_from(out, &st);
    return kb_ok();
}

struct kb_result kb_handle_sync(struct kb_handle *handle) {
    if (kb_disk_sync(handle->fd) != 0)
        return kb_system_fail((unsigned long)errno, N_("Cannot write %s to the disk: %s"), handle->name);
    return kb_ok();
}

void kb_handle_unname(struct kb_handle *handle) {
    if (handle->unlink) unlink(handle->unlink);
    free(handle->unlink);
    handle->unlink = NULL;
}

struct kb_result kb_handle_close(struct kb_handle *handle) {
    struct kb_result res = kb_ok();
    if (!handle) return res;
    kb_handle_unname(handle);
    if (close(handle->fd) != 0 && errno != EINTR)
        res = kb_system_fail((unsigned long)errno, N_("Cannot write %s: %s"), handle->name);
    free(handle->name);
    free(handle);
    return res;
}

/* A file with a name, 0600, that no other program can have put there. */
static int open_named(const char *folder, char **path) {
    for (int tries = 0; tries < 16; tries++) {
        unsigned char bytes[8];
        char hex[2 * sizeof bytes + 1], name[64];
        struct kb_result res = kb_random(bytes, sizeof bytes);
        if (kb_failed(&res)) break;
        kb_hex(hex, bytes, sizeof bytes);
        snprintf(name, sizeof name, ".kitbench-%s.tmp", hex);
        *path = kb_path_join(folder, name);
        int fd = open(*path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0) return fd;
        int error = errno;
        free(*path);
        *path = NULL;
        errno = error;
        if (error != EEXIST) break;
    }
    return -1;
}

static int open_nameless(const char *folder) {
#ifdef O_TMPFILE
    int fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) return fd; /* not every file system can */
#endif
    char *path = NULL;
    int named = open_named(folder, &path);
    if (named >= 0) unlink(path);
    free(path);
    return named;
}

struct kb_result kb_handle_private(const char *folder, struct kb_handle **out, char **path) {
    const char *place = folder ? folder : kb_host_env("TMPDIR");
    char *name = NULL;
    if (!place) place = "/tmp";
    int fd = path ? open_named(place, &name) : open_nameless(place);
    if (fd < 0) return kb_system_fail((unsigned long)errno, N_("Cannot make a temporary file in %s: %s"), place);
    *out = handle_new(fd, 0, place);
    if (path) {
        (*out)->unlink = name;
        *path = kb_xstrdup(name);
    }
    return kb_ok();
}
