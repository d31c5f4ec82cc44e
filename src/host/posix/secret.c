/* Secrets: pages of their own, locked into memory, left out of core files, wiped before they are given back. */
#define _GNU_SOURCE
#include "../system.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

/* The struct and the bytes share the mapping. */
static size_t mapped_size(size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), need = sizeof(struct kb_secret) + size + 1;
    return (need + page - 1) / page * page;
}

struct kb_secret *kb_secret_new(const void *data, size_t size) {
    if (size > 1 << 20) abort(); /* nothing secret here is that long */
    size_t mapped = mapped_size(size);
    struct kb_secret *secret = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (secret == MAP_FAILED) abort();
#ifdef MADV_DONTDUMP
    madvise(secret, mapped, MADV_DONTDUMP);
#endif
    if (mlock(secret, mapped) != 0) { /* a low RLIMIT_MEMLOCK: better unlocked than not at all */
    }
    secret->data = (unsigned char *)(secret + 1);
    secret->size = size;
    if (data && size) memcpy(secret->data, data, size);
    return secret;
}

void kb_secret_free(struct kb_secret *secret) {
    if (!secret) return;
    size_t mapped = mapped_size(secret->size);
    kb_wipe(secret, mapped);
    munlock(secret, mapped);
    munmap(secret, mapped);
}

struct kb_secret *kb_host_env_take(const char *name) {
    char *value = getenv(name);
    if (!value || !*value) return NULL;
    struct kb_secret *secret = kb_secret_new(value, strlen(value));
    kb_wipe(value, secret->size); /* it stays where the process began, and /proc shows it */
    unsetenv(name);
    return secret;
}
