/*
 * Device to host: the raw sub-protocol after DLMessageUploadFiles (protocol.md 3.5.2). The stream is always drained to
 * its terminating zero, whatever the disk says, because a host that answers early is out of step for ever; the first
 * local error is the status of the batch. A file appears under its name when its success code has come, and not before.
 */
#include "backup2.h"

#include <string.h>

enum { CODE_SUCCESS = 0x00, CODE_LOCAL_ERROR = 0x06, CODE_REMOTE_ERROR = 0x0b, CODE_DATA = 0x0c };

struct upload {
    struct kb_backup2 *b2;
    const struct kb_files *files;
    struct kb_file *file; /* NULL: this file is drained, not written */
    int code;             /* status of the batch */
    bool full;            /* the disk is full: the rest of the batch is only drained */
};

/* A length and so many bytes. *size 0: the terminating zero (or an empty name). */
static struct kb_result read_name(struct kb_backup2 *b2, char name[KB_NAME_MAX + 1], size_t *size) {
    size_t have;
    struct kb_result res = kb_stream_need(b2->stream, 4);

    if (kb_failed(&res)) return res;
    *size = kb_get_be32(kb_stream_peek(b2->stream, &have));
    kb_stream_take(b2->stream, 4);
    if (*size > KB_NAME_MAX) return kb_dl_malformed();
    res = kb_stream_need(b2->stream, *size);
    if (kb_failed(&res)) return res;
    memcpy(name, kb_stream_peek(b2->stream, &have), *size);
    name[*size] = 0;
    kb_stream_take(b2->stream, *size);
    return res;
}

static void failed_locally(struct upload *up, const struct kb_result *local) {
    kb_backup2_log(up->b2, "%s: %s", up->b2->name, local->text);
    if (up->code == 0) up->code = kb_link_code_of(local);
    if (kb_is(local, KB_HOST, KB_HOST_NO_SPACE)) up->full = true;
    if (kb_is(local, KB_HOST, KB_HOST_REFUSED)) kb_backup2_hostile(up->b2, up->b2->name);
}

/* The name goes to the file operations as it is; one with a NUL inside would be another name there. */
static void begin_file(struct upload *up, size_t size) {
    struct kb_result local;

    up->file = NULL;
    if (up->full) return;
    if (size == 0 || strlen(up->b2->name) != size)
        local = kb_fail(KB_HOST, KB_HOST_REFUSED, _("The device sent a name that no file can have"));
    else
        local = up->files->create(up->files->ctx, up->b2->name, &up->file);
    if (!kb_failed(&local)) return;
    up->file = NULL;
    failed_locally(up, &local);
}

static void drop_file(struct upload *up) {
    up->files->close(up->file);
    up->file = NULL;
}

/* size bytes of data, written straight from the stream's buffer. */
static struct kb_result read_data(struct upload *up, size_t size) {
    while (size > 0) {
        size_t have;
        struct kb_result res = kb_stream_need(up->b2->stream, 1);
        if (kb_failed(&res)) return res;

        const unsigned char *bytes = kb_stream_peek(up->b2->stream, &have);
        if (have > size) have = size;
        struct kb_result local = up->file ? up->files->write(up->file, bytes, have) : kb_ok();
        if (kb_failed(&local)) {
            failed_locally(up, &local);
            drop_file(up);
        }
        kb_stream_take(up->b2->stream, have);
        size -= have;
        up->b2->end->bytes += (int64_t)have;
        res = kb_backup2_tick(up->b2, 0);
        if (kb_failed(&res)) return res;
    }
    return kb_ok();
}

/* Text of an error code, or whatever follows another code: kept as far as a log line goes. */
static struct kb_result read_text(struct kb_backup2 *b2, size_t size, char *text, size_t room) {
    size_t kept = 0;

    while (size > 0) {
        size_t have;
        struct kb_result res = kb_stream_need(b2->stream, 1);
        if (kb_failed(&res)) return res;

        const unsigned char *bytes = kb_stream_peek(b2->stream, &have);
        if (have > size) have = size;
        size_t part = have < room - 1 - kept ? have : room - 1 - kept;
        memcpy(text + kept, bytes, part);
        kept += part;
        kb_stream_take(b2->stream, have);
        size -= have;
    }
    text[kept] = 0;
    return kb_ok();
}

static void finish_file(struct upload *up) {
    if (!up->file) return;
    struct kb_result local = up->files->commit(up->file);
    up->file = NULL;
    if (kb_failed(&local))
        failed_locally(up, &local);
    else
        up->b2->end->files++;
}

/* What follows another code than data is a sentence; the data themselves are streamed, however long a block is. */
#define TEXT_MAX (64u << 10)

/* One code block. *done: the file has ended. */
static struct kb_result read_block(struct upload *up, bool *done) {
    char text[256];
    size_t have;
    struct kb_result res = kb_stream_need(up->b2->stream, 4);

    if (kb_failed(&res)) return res;
    size_t size = kb_get_be32(kb_stream_peek(up->b2->stream, &have));
    if (size == 0) return kb_dl_malformed(); /* not even a code, so no fifth byte to wait for */
    res = kb_stream_need(up->b2->stream, 5);
    if (kb_failed(&res)) return res;
    unsigned char code = kb_stream_peek(up->b2->stream, &have)[4];
    kb_stream_take(up->b2->stream, 5);
    if (code == CODE_DATA) return read_data(up, size - 1);

    *done = true;
    if (size > TEXT_MAX) return kb_dl_malformed();
    res = read_text(up->b2, size - 1, text, sizeof text);
    if (kb_failed(&res)) return res;
    if (code == CODE_SUCCESS) {
        finish_file(up);
        return res;
    }
    if (code != CODE_REMOTE_ERROR && code != CODE_LOCAL_ERROR) return kb_dl_malformed();
    /* Normal for files that change under the device's hands; it knows, and leaves the file out of its manifest. */
    kb_backup2_log(up->b2, "%s: the device could not read it: %s", up->b2->name, text);
    drop_file(up);
    return res;
}

static struct kb_result read_file(struct upload *up) {
    bool done = false;
    size_t size;
    struct kb_result res = read_name(up->b2, up->b2->name, &size);

    if (kb_failed(&res)) return res;
    begin_file(up, size);
    while (!done && !kb_failed(&res)) res = read_block(up, &done);
    drop_file(up); /* nothing is left of a file that was cut off */
    return res;
}

struct kb_result kb_dl_upload(struct kb_backup2 *b2, plist_t message) {
    struct upload up = {.b2 = b2, .files = b2->options->files};

    (void)message;
    for (;;) {
        size_t size;
        struct kb_result res = read_name(b2, b2->dname, &size);

        if (kb_failed(&res)) return res;
        if (size == 0) break;
        res = read_file(&up);
        if (kb_failed(&res)) return res;
    }
    return kb_link_status(b2->stream, up.code, up.code == 0 ? NULL : kb_link_words(up.code), NULL);
}
