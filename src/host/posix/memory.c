/*
 * A bound on memory. Linux bounds a process' addresses, so that an allocation fails; macOS does
 * not bound them (or counts what is only reserved), so a thread looks there. Either way a hostile plist ends the
 * worker, not the computer.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "../system.h"
#include "sanitized.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach/mach.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define LOOK_MS 20 /* what a process can take meanwhile is little beside its bound */

#ifdef __APPLE__

int64_t kb_memory_used(void) {
    task_vm_info_data_t info;
    mach_msg_type_number_t count = TASK_VM_INFO_COUNT;
    if (task_info(mach_task_self(), TASK_VM_INFO, (task_info_t)&info, &count) != KERN_SUCCESS) return -1;
    return (int64_t)info.phys_footprint;
}

#else

int64_t kb_memory_used(void) {
    long long all = 0, resident = -1;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (!statm) return -1;
    if (fscanf(statm, "%lld %lld", &all, &resident) != 2) resident = -1;
    fclose(statm);
    return resident < 0 ? -1 : resident * sysconf(_SC_PAGESIZE);
}

#endif

static void watch(void *arg) {
    int64_t most = *(int64_t *)arg;
    free(arg);
    while (kb_memory_used() <= most) kb_sleep_ms(LOOK_MS);
    abort();
}

void kb_memory_watch(int64_t bytes) {
    int64_t *most = kb_xmalloc(sizeof *most);
    *most = bytes;
    kb_thread_detached(watch, most);
}

#ifdef __APPLE__

/* Newer kernels keep RLIMIT_AS, but count what malloc and the shared libraries only reserve. */
void kb_host_limit_memory(int64_t bytes) {
    if (!SANITIZED && bytes > 0) kb_memory_watch(bytes);
}

#else

/*
 * The limit counts address space, and glibc reserves 64 MiB of it, 128 for a moment, for each thread that allocates:
 * the threads of one verification used up all that a reader may have, and it was aborted. They share one heap.
 */
static void share_one_heap(void) {
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
#endif
}

void kb_host_limit_memory(int64_t bytes) {
    struct rlimit limit;
    if (SANITIZED || bytes <= 0 || getrlimit(RLIMIT_AS, &limit) != 0) return;
    if (limit.rlim_max == RLIM_INFINITY || (rlim_t)bytes < limit.rlim_max) limit.rlim_max = (rlim_t)bytes;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_AS, &limit) == 0) share_one_heap();
}

#endif
