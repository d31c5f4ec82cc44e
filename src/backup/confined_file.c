/*
 * Bytes of one file in or out of the confined folder. Writing is made for tens of thousands of small files: one open,
 * one write, one rename each, buffers used again, nothing synced before the seal.
 */
#include <stdlib.h>
#include <string.h>

#include "confined.h"

struct kb_file {
    struct kb_confined *confined;
    struct kb_handle *handle;
    bool writing;
    int64_t left;                /* reading: bytes still owed to the caller */
    char temporary[64];          /* writing */
    char path[KB_CONFINED_NAME]; /* where it will lie, inside the folder */
    size_t used;                 /* bytes in gather */
    unsigned char *gather;       /* KB_CONFINED_GATHER bytes, made at the first write */
};

static struct kb_file *file_new(struct kb_confined *confined) {
    struct kb_file *file = confined->spare;

    if (file)
        confined->spare = NULL;
    else
        file = kb_xcalloc(1, sizeof *file);
    file->confined = confined;
    file->handle = NULL;
    file->writing = false;
    file->left = 0;
    file->used = 0;
    return file;
}

void kb_confined_file_drop(struct kb_file *file) {
    if (!file) return;
    free(file->gather);
    free(file);
}

static void file_end(struct kb_file *file) {
    if (file->confined->spare)
        kb_confined_file_drop(file);
    else
        file->confined->spare = file;
}

struct kb_result kb_confined_file_open(void *ctx, const char *path, struct kb_file **out, int64_t *size) {
    struct kb_confined *confined = ctx;
    struct kb_handle *handle = NULL;
    const char *inside;
    struct kb_result res = kb_confined_inside(confined, path, false, &inside);

    if (!kb_failed(&res)) res = kb_handle_open(confined->dir, inside, KB_OPEN_READ, &handle);
    if (kb_failed(&res)) return res;
    *out = file_new(confined);
    (*out)->handle = handle;
    *size = kb_handle_size(handle);
    if (*size < 0) *size = 0; /* then not one byte is promised, and the device asks for a file that it lacks */
    (*out)->left = *size;
    return res;
}

/* The device was told a length: a file that shrank meanwhile is a failure, one that grew ends where it was told to. */
struct kb_result kb_confined_file_read(struct kb_file *file, void *data, size_t room, size_t *got) {
    struct kb_result res;

    *got = 0;
    if (file->left < (int64_t)room) room = (size_t)file->left;
    if (room == 0) return kb_ok();
    res = kb_handle_read(file->handle, data, room, got);
    if (kb_failed(&res)) return res;
    if (*got == 0)
        return kb_fail(KB_HOST, KB_HOST_IO,
                       _("A file of the backup became shorter while it was read; check the disk, then start again"));
    file->left -= (int64_t)*got;
    return res;
}

struct kb_result kb_confined_file_create(void *ctx, const char *path, struct kb_file **out) {
    struct kb_confined *confined = ctx;
    struct kb_file *file;
    const char *inside;
    struct kb_result res = kb_confined_inside(confined, path, false, &inside);

    if (!kb_failed(&res)) res = kb_confined_changeable(confined);
    if (kb_failed(&res)) return res;
    file = file_new(confined);
    file->writing = true;
    if (!kb_text_copy(file->path, sizeof file->path, inside)) abort(); /* names are at most 1024 bytes */
    kb_confined_temporary(confined, file->temporary);
    res = kb_handle_open(confined->dir, file->temporary, KB_OPEN_NEW, &file->handle);
    if (kb_failed(&res)) {
        file_end(file);
        return res;
    }
    *out = file;
    return res;
}

static struct kb_result flush(struct kb_file *file) {
    size_t size = file->used;

    file->used = 0;
    return size ? kb_handle_write(file->handle, file->gather, size) : kb_ok();
}

struct kb_result kb_confined_file_write(struct kb_file *file, const void *data, size_t size) {
    struct kb_result res = kb_ok();

    if (file->used + size > KB_CONFINED_GATHER) res = flush(file);
    if (kb_failed(&res)) return res;
    if (size >= KB_CONFINED_GATHER) return kb_handle_write(file->handle, data, size);
    if (!file->gather) file->gather = kb_xmalloc(KB_CONFINED_GATHER);
    memcpy(file->gather + file->used, data, size);
    file->used += size;
    return res;
}

static struct kb_result close_handle(struct kb_file *file) {
    struct kb_handle *handle = file->handle;

    file->handle = NULL;
    return kb_handle_close(handle);
}

static struct kb_result announce(struct kb_file *file) {
    struct kb_confined *confined = file->confined;
    struct kb_result res;
    char *path;

    if (!confined->arrived) return kb_ok();
    path = kb_xasprintf("%s/%s", confined->folder, file->path);
    res = confined->arrived(confined->arrived_arg, path);
    free(path);
    return res;
}

struct kb_result kb_confined_file_commit(struct kb_file *file) {
    struct kb_confined *confined = file->confined;
    struct kb_result res = flush(file);
    struct kb_result closed = close_handle(file);

    if (!kb_failed(&res)) res = closed;
    if (!kb_failed(&res)) res = kb_confined_rename(confined, file->temporary, file->path);
    if (kb_failed(&res)) {
        struct kb_result removed = kb_dir_remove(confined->dir, file->temporary);
        (void)removed; /* swept at the next opening */
    } else {
        res = announce(file);
    }
    file_end(file);
    return res;
}

void kb_confined_file_close(struct kb_file *file) {
    struct kb_result res;

    if (!file) return;
    res = close_handle(file);
    if (file->writing) res = kb_dir_remove(file->confined->dir, file->temporary);
    (void)res; /* nobody asks how an abandoned file ended */
    file_end(file);
}
