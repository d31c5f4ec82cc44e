/*
 * libFuzzer target: a device that says anything at all after a request, in pieces of any size. It must end, every file
 * that was begun must be ended, and no name may reach the file operations that C and the device read differently.
 */
#include "../../src/device/backup2.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct line {
    const uint8_t *data;
    size_t size, at, chunk;
};
struct kb_file {
    size_t left;
};
static int open_files;

static enum kb_io line_read(void *ctx, void *out, size_t room, size_t *got) {
    struct line *line = ctx;
    size_t part = line->size - line->at;

    if (part == 0) return KB_IO_LOST;
    if (part > room) part = room;
    if (part > line->chunk) part = line->chunk;
    memcpy(out, line->data + line->at, part);
    line->at += part;
    *got = part;
    return KB_IO_DONE;
}
static enum kb_io line_write(void *ctx, const void *bytes, size_t size, size_t *put) {
    (void)ctx, (void)bytes;
    *put = size;
    return KB_IO_DONE;
}
static enum kb_io line_flush(void *ctx) { return (void)ctx, KB_IO_DONE; }
static bool line_pending(void *ctx) { return (void)ctx, false; }
static enum kb_ready line_wait(void *ctx, bool writable, int64_t deadline_ms) {
    return (void)ctx, (void)writable, (void)deadline_ms, KB_READY_TIMEOUT;
}
static void line_close(void *ctx) { (void)ctx; }

static struct kb_result file_new(const char *path, size_t left, struct kb_file **file) {
    assert(path[0] != 0 && strlen(path) <= KB_NAME_MAX);
    if (path[0] == '/' || path[0] == '.') return kb_fail(KB_HOST, KB_HOST_REFUSED, "refused");
    *file = kb_xcalloc(1, sizeof **file);
    (*file)->left = left;
    open_files++;
    return kb_ok();
}
static struct kb_result do_open(void *ctx, const char *path, struct kb_file **file, int64_t *size) {
    (void)ctx;
    *size = (int64_t)(strlen(path) * 100);
    return file_new(path, (size_t)*size, file);
}
static struct kb_result do_read(struct kb_file *file, void *data, size_t room, size_t *got) {
    *got = file->left < room ? file->left : room;
    memset(data, 'x', *got);
    file->left -= *got;
    return kb_ok();
}
static struct kb_result do_create(void *ctx, const char *path, struct kb_file **file) {
    (void)ctx;
    return file_new(path, 5000, file);
}
static struct kb_result do_write(struct kb_file *file, const void *data, size_t size) {
    (void)data;
    if (size > file->left) return kb_fail(KB_HOST, KB_HOST_NO_SPACE, "full");
    file->left -= size;
    return kb_ok();
}
static void do_close(struct kb_file *file) {
    if (file) open_files--;
    free(file);
}
static struct kb_result do_commit(struct kb_file *file) { return do_close(file), kb_ok(); }
static struct kb_result do_one(void *ctx, const char *path) {
    (void)ctx;
    return path[0] == '.' ? kb_fail(KB_HOST, KB_HOST_REFUSED, "refused") : kb_ok();
}
static struct kb_result do_two(void *ctx, const char *from, const char *to) {
    (void)ctx, (void)from, (void)to;
    return kb_ok();
}
static struct kb_result do_list(void *ctx, const char *path, bool (*each)(void *arg, const struct kb_entry *entry),
                                void *arg) {
    struct kb_entry entry = {path, KB_ENTRY_FILE, 1, 2};

    (void)ctx;
    each(arg, &entry);
    return kb_ok();
}
static struct kb_result do_space(void *ctx, int64_t *bytes) {
    (void)ctx;
    *bytes = 1 << 20;
    return kb_ok();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct kb_files files = {NULL,   do_open, do_read, do_create, do_write, do_commit, do_close,
                             do_one, do_two,  do_two,  do_one,    do_list,  do_space};
    struct kb_transfer_options options = {.udid = "U", .files = &files};
    struct kb_transfer_end end = {0};
    struct kb_backup2 b2 = {.options = &options, .end = &end};

    if (size == 0) return 0;
    struct line line = {data + 1, size - 1, 0, (size_t)data[0] + 1};
    struct kb_transport transport = {&line, line_read, line_write, line_flush, line_pending, line_wait, line_close};
    b2.stream = kb_stream_new(&transport);
    struct kb_result res = data[0] & 1 ? kb_backup2_open(&b2) : kb_ok();
    if (!kb_failed(&res)) res = kb_backup2_run(&b2, plist_new_dict(), false);
    assert(open_files == 0);
    assert(end.done_pct >= 0 && end.done_pct <= 100);
    assert(kb_failed(&res) || end.answered);
    kb_stream_free(b2.stream);
    return 0;
}
