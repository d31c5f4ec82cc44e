/* Whole small files: loaded with a bound, saved so that a crash leaves the old content or the new. */
#define _GNU_SOURCE
#include "../system.h"
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_WITHIN_MS 60000 /* somebody may have to unlock a password store first */

/* Reads one piece; 0 at the end, -1 with errno. */
static ssize_t read_piece(int fd, void *data, size_t room, int64_t deadline) {
    for (;;) {
        struct pollfd ready = {fd, POLLIN, 0};
        int count = poll(&ready, 1, kb_remaining_ms(deadline));
        if (count < 0 && errno == EINTR) continue;
        if (count == 0) errno = ETIMEDOUT;
        if (count <= 0) return -1;
        ssize_t size = read(fd, data, room);
        if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        return size;
    }
}

static int open_source(const char *path) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return -1;
    int error = fstat(fd, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : 0;
    if (!error) return fd;
    close(fd);
    errno = error;
    return -1;
}

struct kb_result kb_read_some(const char *path, void *data, size_t room, size_t *got) {
    int64_t deadline = kb_clock_ms() + PIPE_WITHIN_MS;
    ssize_t size = 1;
    size_t all = 0;
    int fd = open_source(path);
    if (fd < 0) return kb_system_fail((unsigned long)errno, N_("Cannot open %s: %s"), path);
    while (all < room && (size = read_piece(fd, (char *)data + all, room - all, deadline)) > 0) all += (size_t)size;
    int error = errno;
    close(fd);
    if (size < 0) return kb_system_fail((unsigned long)error, N_("Cannot read %s: %s"), path);
    *got = all;
    return kb_ok();
}

struct kb_result kb_file_load(const char *path, size_t max, struct kb_buf *out) {
    int64_t deadline = kb_clock_ms() + PIPE_WITHIN_MS;
    char piece[16384];
    struct kb_buf all = {0};
    struct kb_result res = kb_ok();
    int fd = open_source(path);
    if (fd < 0) return kb_system_fail((unsigned long)errno, N_("Cannot open %s: %s"), path);
    kb_buf_puts(&all, "");
    for (;;) {
        ssize_t size = read_piece(fd, piece, sizeof piece, deadline);
        if (size < 0) res = kb_system_fail((unsigned long)errno, N_("Cannot read %s: %s"), path);
        if (size <= 0) break;
        if ((size_t)size > max - all.size) {
            res = kb_fail(KB_HOST, KB_HOST_IO,
                          _("%s is larger than such a file can be; check that it is the right one"), path);
            break;
        }
        kb_buf_add(&all, piece, (size_t)size);
    }
    close(fd);
    if (!kb_failed(&res)) {
        kb_buf_add(out, all.data, all.size);
    }
    kb_buf_release(&all);
    return res;
}

static int write_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t wrote = write(fd, data, size);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return errno;
        data += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

/* Makes the rename itself last. A file system that cannot sync a folder has no better way. */
static void sync_folder(const char *path) {
    const char *base = kb_path_base(path);
    char *folder = base == path ? kb_xstrdup(".") : kb_xstrdup(path);
    if (base != path) folder[base - path] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) kb_disk_sync(fd);
    if (fd >= 0) close(fd);
    free(folder);
}

static int write_and_rename(const char *path, const void *data, size_t size) {
    unsigned char bytes[6];
    char hex[2 * sizeof bytes + 1];
    struct kb_result res = kb_random(bytes, sizeof bytes);
    if (kb_failed(&res)) return EIO;
    kb_hex(hex, bytes, sizeof bytes);
    char *temporary = kb_xasprintf("%s.%s.tmp", path, hex);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), error = fd < 0 ? errno : 0;
    if (!error) error = write_all(fd, data, size);
    if (!error && kb_disk_sync(fd) != 0) error = errno;
    if (fd >= 0 && close(fd) != 0 && !error) error = errno;
    if (!error && rename(temporary, path) != 0) error = errno;
    if (error && fd >= 0) unlink(temporary);
    if (!error) sync_folder(path);
    free(temporary);
    return error;
}

/* A pipe or a terminal ("--out /dev/stdout") is written to; a rename would take its place. */
static int write_into(const char *path, const void *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY), error = fd < 0 ? errno : write_all(fd, data, size);
    if (fd >= 0) close(fd);
    return error;
}

struct kb_result kb_file_save(const char *path, const void *data, size_t size) {
    struct stat st;
    char *real = NULL;
    int error;
    if (stat(path, &st) != 0)
        error = write_and_rename(path, data, size);
    else if (S_ISDIR(st.st_mode))
        error = EISDIR;
    else if (!S_ISREG(st.st_mode))
        error = write_into(path, data, size);
    else if (!(real = realpath(path, NULL)))
        error = errno;
    else
        error = write_and_rename(real, data, size); /* through a link to the file that is meant */
    free(real);
    return error ? kb_system_fail((unsigned long)error, N_("Cannot write %s: %s"), path) : kb_ok();
}
