/*
 * The folders below a kb_dir that are kept open. A device names its files in no order of folders, and there are 512 of
 * them (Snapshot/00 to Snapshot/ff and 00 to ff): with all of them open, a file costs one openat() of its own and none
 * of its parents.
 */
#define _GNU_SOURCE
#include "dir.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Half of what this process may open: sockets, databases and files need some too. */
static unsigned allowed(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 16;
    if (files.rlim_cur == RLIM_INFINITY || files.rlim_cur / 2 > DIR_KNOWN_MAX) return DIR_KNOWN_MAX;
    return files.rlim_cur / 2 > 4 ? (unsigned)(files.rlim_cur / 2) : 4;
}

/* FNV-1a. */
static unsigned short *chain_of(struct kb_dir *dir, const char *rel, size_t size) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)rel[i]) * 16777619u;
    return &dir->chains[hash % DIR_CHAINS];
}

int kb_known_find(struct kb_dir *dir, const char *rel, size_t size) {
    if (!dir->known_count) return -1;
    for (unsigned short at = *chain_of(dir, rel, size); at; at = dir->known[at - 1].next) {
        struct kb_known *known = &dir->known[at - 1];
        if (known->size != size || memcmp(known->rel, rel, size) != 0) continue;
        known->used = ++dir->uses;
        return known->fd;
    }
    return -1;
}

static void drop(struct kb_dir *dir, struct kb_known *known) {
    unsigned short *link = chain_of(dir, known->rel, known->size);
    while (&dir->known[*link - 1] != known) link = &dir->known[*link - 1].next;
    *link = known->next;
    close(known->fd);
    free(known->rel);
    known->rel = NULL;
    dir->known_count--;
}

/* The slot for the next one. A move needs two parents at once, so never the one used last. */
static struct kb_known *free_slot(struct kb_dir *dir) {
    struct kb_known *oldest = dir->known; /* there is always room for one */
    for (unsigned i = 0; i < dir->known_room; i++) {
        struct kb_known *known = &dir->known[i];
        if (!known->rel) return known;
        if (known->used < oldest->used) oldest = known;
    }
    drop(dir, oldest);
    return oldest;
}

void kb_known_add(struct kb_dir *dir, const char *rel, size_t size, int fd) {
    if (!dir->known) {
        dir->known_room = allowed();
        dir->known = kb_xcalloc(dir->known_room, sizeof *dir->known);
    }
    struct kb_known *known = free_slot(dir);
    unsigned short *chain = chain_of(dir, rel, size);
    known->rel = kb_xmalloc(size);
    memcpy(known->rel, rel, size);
    known->size = size;
    known->fd = fd;
    known->used = ++dir->uses;
    known->next = *chain;
    *chain = (unsigned short)(known - dir->known + 1);
    dir->known_count++;
    if (size > dir->known_longest) dir->known_longest = size;
}

void kb_dir_forget(struct kb_dir *dir, const char *rel) {
    size_t size = rel ? strlen(rel) : 0;
    if (size > dir->known_longest) return; /* a file, as nearly always */
    for (unsigned i = 0; dir->known_count && i < dir->known_room; i++) {
        struct kb_known *known = &dir->known[i];
        if (!known->rel || known->size < size) continue;
        if (rel && (memcmp(known->rel, rel, size) != 0 || (known->size > size && known->rel[size] != '/'))) continue;
        drop(dir, known);
    }
}
