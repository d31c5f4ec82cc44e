/* Getting bytes onto the disk, and what is free on it. */
#define _GNU_SOURCE
#include "disk.h"

#include <fcntl.h>
#include <unistd.h>

#ifdef __APPLE__
#include <sys/mount.h>
#include <sys/param.h>
#else
#include <sys/statvfs.h>
#endif

static int64_t product(uint64_t blocks, uint64_t size) {
    uint64_t bytes;
    return __builtin_mul_overflow(blocks, size, &bytes) || bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

#ifdef __APPLE__

/* fsync() alone leaves the bytes in the disk's cache there; a network disk knows no more than fsync(). */
int kb_disk_sync(int fd) { return fcntl(fd, F_FULLFSYNC) == 0 ? 0 : fsync(fd); }

int kb_disk_sync_all(int fd) {
    if (fsync_volume_np(fd, SYNC_VOLUME_FULLSYNC | SYNC_VOLUME_WAIT) == 0) return 0;
    sync(); /* begins to write everything; the disk's own cache follows with the folder */
    return kb_disk_sync(fd);
}

/* statvfs() counts blocks in 32 bits there. */
int kb_disk_free(int fd, int64_t *bytes) {
    struct statfs space;
    if (fstatfs(fd, &space) != 0) return -1;
    *bytes = product(space.f_bavail, space.f_bsize);
    return 0;
}

#else

int kb_disk_sync(int fd) { return fsync(fd); }

int kb_disk_sync_all(int fd) { return syncfs(fd); }

int kb_disk_free(int fd, int64_t *bytes) {
    struct statvfs space;
    if (fstatvfs(fd, &space) != 0) return -1;
    *bytes = product(space.f_bavail, space.f_frsize);
    return 0;
}

#endif
