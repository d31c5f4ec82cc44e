/* What the kernels call differently about a disk. Private to src/host/posix. */
#ifndef KITBENCH_HOST_POSIX_DISK_H
#define KITBENCH_HOST_POSIX_DISK_H

#include <stdint.h>

/* What was written to this file (or renamed in this folder) is on the disk, not only in the disk's own memory. 0, or -1
   with errno. */
int kb_disk_sync(int fd);
/* The same for everything on the file system that holds fd. */
int kb_disk_sync_all(int fd);
/* Free bytes for this user on the file system that holds fd. 0, or -1 with errno. */
int kb_disk_free(int fd, int64_t *bytes);
#endif
