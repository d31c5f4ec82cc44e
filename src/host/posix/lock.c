/* Locks across processes: flock(), because the kernel takes it back when the process dies, however it dies. */
#define _GNU_SOURCE
#include "../system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_AGAIN_MS 50

struct kb_lock {
    int fd;
};

static int open_lock_file(const char *path, bool shared) {
    int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    int fd = open(path, O_RDWR | O_CREAT | flags, 0600);
    if (fd < 0 && shared && (errno == EACCES || errno == EROFS))
        fd = open(path, O_RDONLY | flags); /* a store to read only */
    return fd;
}

/* The file may have been removed between our open and our lock: then we hold nothing that others see. */
static bool still_there(int fd, const char *path) {
    struct stat ours, named;
    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

/* 0 and the descriptor, or errno; EWOULDBLOCK when another holds it. */
static int try_lock(const char *path, bool shared, int *out) {
    int fd = open_lock_file(path, shared), error = 0;
    if (fd < 0) return errno;
    if (flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0)
        error = errno;
    else if (!still_there(fd, path))
        error = EWOULDBLOCK;
    if (error)
        close(fd);
    else
        *out = fd;
    return error;
}

struct kb_result kb_lock_take(const char *path, bool shared, int64_t wait_ms, struct kb_lock **out) {
    int64_t deadline = kb_clock_ms() + wait_ms;
    int fd = -1, error;
    while ((error = try_lock(path, shared, &fd)) == EWOULDBLOCK || error == EINTR) {
        int left = kb_remaining_ms(deadline);
        if (left == 0) break;
        kb_sleep_ms(left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS);
    }
    if (error == EWOULDBLOCK || error == EINTR)
        return kb_fail(KB_HOST, KB_HOST_BUSY, _("Another kitbench holds %s; wait until it has ended, then try again"),
                       path);
    if (error) return kb_system_fail((unsigned long)error, N_("Cannot lock %s: %s"), path);
    *out = kb_xmalloc(sizeof **out);
    (*out)->fd = fd;
    return kb_ok();
}

void kb_lock_release(struct kb_lock *lock) {
    if (!lock) return;
    close(lock->fd);
    free(lock);
}
