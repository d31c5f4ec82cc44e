/* A device as a script of bytes, and files in memory: what the device room's tests stand on. */
#ifndef KB_TEST_DEVICE_FAKE_H
#define KB_TEST_DEVICE_FAKE_H

#include "../../../src/device/backup2.h"
#include "../../../src/device/node.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- The transport ---- */

struct fake_line {
    const char *in;
    size_t in_size, at, chunk; /* at most chunk bytes a read */
    bool silent;               /* after the last byte: silence instead of the end */
    struct kb_buf out;
    int writes;
};

static inline enum kb_io fake_read(void *ctx, void *data, size_t room, size_t *got) {
    struct fake_line *line = ctx;
    size_t size = line->in_size - line->at;

    if (size == 0) return line->silent ? KB_IO_AGAIN : KB_IO_LOST;
    if (size > room) size = room;
    if (line->chunk > 0 && size > line->chunk) size = line->chunk;
    memcpy(data, line->in + line->at, size);
    line->at += size;
    *got = size;
    return KB_IO_DONE;
}

static inline enum kb_io fake_write(void *ctx, const void *data, size_t size, size_t *put) {
    struct fake_line *line = ctx;

    kb_buf_add(&line->out, data, size);
    line->writes++;
    *put = size;
    return KB_IO_DONE;
}

static inline enum kb_io fake_flush(void *ctx) {
    (void)ctx;
    return KB_IO_DONE;
}

static inline bool fake_pending(void *ctx) {
    (void)ctx;
    return false;
}

static inline enum kb_ready fake_wait(void *ctx, bool writable, int64_t deadline_ms) {
    (void)ctx, (void)writable, (void)deadline_ms;
    return KB_READY_TIMEOUT;
}

static inline void fake_close(void *ctx) { (void)ctx; }

static inline struct kb_stream *fake_stream(struct fake_line *line) {
    struct kb_transport transport = {line, fake_read, fake_write, fake_flush, fake_pending, fake_wait, fake_close};

    return kb_stream_new(&transport);
}

/* ---- What the device says ---- */

static inline void say_u32(struct kb_buf *in, uint32_t value) {
    unsigned char bytes[4];

    kb_put_be32(bytes, value);
    kb_buf_add(in, bytes, 4);
}

/* Frees the message. */
static inline void say_plist(struct kb_buf *in, plist_t message) {
    struct kb_buf bytes = {0};

    kb_node_to_binary(message, &bytes);
    say_u32(in, (uint32_t)bytes.size);
    kb_buf_add(in, bytes.data, bytes.size);
    kb_buf_release(&bytes);
    plist_free(message);
}

static inline plist_t dl(const char *name) {
    plist_t message = plist_new_array();

    plist_array_append_item(message, plist_new_string(name));
    return message;
}

static inline void say_upload(struct kb_buf *in, double done_pct) {
    plist_t message = dl("DLMessageUploadFiles");

    plist_array_append_item(message, plist_new_dict());
    plist_array_append_item(message, plist_new_real(done_pct));
    plist_array_append_item(message, plist_new_uint(0));
    say_plist(in, message);
}

static inline void say_names(struct kb_buf *in, const char *name, size_t size) {
    say_u32(in, 9);
    kb_buf_add(in, "/var/x/yz", 9);
    say_u32(in, (uint32_t)size);
    kb_buf_add(in, name, size);
}

static inline void say_code(struct kb_buf *in, unsigned char code, const void *data, size_t size) {
    say_u32(in, (uint32_t)size + 1);
    kb_buf_add(in, &code, 1);
    kb_buf_add(in, data, size);
}

static inline void say_file(struct kb_buf *in, const char *name, const void *data, size_t size) {
    say_names(in, name, strlen(name));
    if (size > 0) say_code(in, 0x0c, data, size);
    say_code(in, 0x00, "", 0);
}

static inline void say_response(struct kb_buf *in, int64_t code, const char *text) {
    plist_t message = dl("DLMessageProcessMessage"), dict = plist_new_dict();

    plist_dict_set_item(dict, "MessageName", plist_new_string("Response"));
    plist_dict_set_item(dict, "ErrorCode", kb_node_new_int(code));
    if (text) plist_dict_set_item(dict, "ErrorDescription", plist_new_string(text));
    plist_array_append_item(message, dict);
    say_plist(in, message);
}

static inline void say_download(struct kb_buf *in, const char *const *paths) {
    plist_t message = dl("DLMessageDownloadFiles"), list = plist_new_array();

    for (; *paths; paths++) plist_array_append_item(list, plist_new_string(*paths));
    plist_array_append_item(message, list);
    plist_array_append_item(message, plist_new_dict());
    plist_array_append_item(message, plist_new_real(1));
    plist_array_append_item(message, plist_new_uint(0));
    say_plist(in, message);
}

/* ---- What the host answered ---- */

/* The frame at *at of out, as a plist; NULL when there is none. */
static inline plist_t heard(const struct kb_buf *out, size_t *at) {
    plist_t message = NULL;

    if (out->size - *at < 4) return NULL;
    uint32_t size = kb_get_be32((const unsigned char *)out->data + *at);
    if (size > out->size - *at - 4) return NULL;
    message = kb_node_parse(out->data + *at + 4, size, KB_FRAME_MAX);
    *at += 4 + size;
    return message;
}

static inline const char *heard_name(plist_t message) {
    return message ? kb_node_text(plist_array_get_item(message, 0)) : NULL;
}

/* The code of a status; INT64_MAX when the frame is none. */
static inline int64_t heard_status(const struct kb_buf *out, size_t *at, plist_t *payload) {
    plist_t message = heard(out, at);
    int64_t code = INT64_MAX;

    if (message && kb_streq(heard_name(message), "DLMessageStatusResponse")) {
        kb_node_int(plist_array_get_item(message, 1), &code);
        if (payload) *payload = plist_copy(plist_array_get_item(message, 3));
    }
    plist_free(message);
    return code;
}

/* ---- Files in memory ---- */

enum { FAKE_FILES = 64 };
struct fake_disk;
struct kb_file {
    struct fake_disk *disk;
    int slot;
    size_t at;
    bool writing;
    char name[200];
    struct kb_buf bytes;
};
struct fake_disk {
    struct {
        char name[200];
        struct kb_buf bytes;
    } files[FAKE_FILES];
    int count, open;  /* open: handles that nobody has ended */
    size_t room;      /* bytes until the disk is full; 0: endless */
    size_t bad_after; /* reading fails after so many bytes; 0: never */
    int64_t lie;      /* added to the size that open tells */
    char done[4096];  /* "mkdir a;move a b;" ... */
};

static inline int fake_find(struct fake_disk *disk, const char *name) {
    for (int i = 0; i < disk->count; i++)
        if (strcmp(disk->files[i].name, name) == 0) return i;
    return -1;
}

static inline struct kb_result fake_check(const char *path) {
    if (path[0] == '/' || strstr(path, "..")) return kb_fail(KB_HOST, KB_HOST_REFUSED, "refused");
    return kb_ok();
}

static inline void fake_add(struct fake_disk *disk, const char *name, const void *data, size_t size) {
    int i = fake_find(disk, name);

    if (i < 0) i = disk->count++;
    ck_assert_int_lt(i, FAKE_FILES);
    kb_text_copy(disk->files[i].name, sizeof disk->files[i].name, name);
    kb_buf_release(&disk->files[i].bytes);
    kb_buf_add(&disk->files[i].bytes, data, size);
}

static inline void fake_did(struct fake_disk *disk, const char *verb, const char *a, const char *b) {
    size_t have = strlen(disk->done);

    snprintf(disk->done + have, sizeof disk->done - have, "%s %s%s%s;", verb, a, b ? " " : "", b ? b : "");
}

static inline struct kb_result fake_open(void *ctx, const char *path, struct kb_file **file, int64_t *size) {
    struct fake_disk *disk = ctx;
    struct kb_result res = fake_check(path);
    int i = fake_find(disk, path);

    if (kb_failed(&res)) return res;
    if (i < 0) return kb_fail(KB_HOST, KB_HOST_NOT_FOUND, "not there");
    *file = kb_xcalloc(1, sizeof **file);
    (*file)->disk = disk;
    (*file)->slot = i;
    disk->open++;
    *size = (int64_t)disk->files[i].bytes.size + disk->lie;
    return kb_ok();
}

static inline struct kb_result fake_file_read(struct kb_file *file, void *data, size_t room, size_t *got) {
    const struct kb_buf *bytes = &file->disk->files[file->slot].bytes;
    size_t size = bytes->size - file->at;

    if (file->disk->bad_after > 0 && file->at >= file->disk->bad_after) return kb_fail(KB_HOST, KB_HOST_IO, "bad");
    if (size > room) size = room;
    if (size > 0) memcpy(data, bytes->data + file->at, size);
    file->at += size;
    *got = size;
    return kb_ok();
}

static inline struct kb_result fake_create(void *ctx, const char *path, struct kb_file **file) {
    struct fake_disk *disk = ctx;
    struct kb_result res = fake_check(path);

    if (kb_failed(&res)) return res;
    *file = kb_xcalloc(1, sizeof **file);
    (*file)->disk = disk;
    (*file)->writing = true;
    kb_text_copy((*file)->name, sizeof(*file)->name, path);
    disk->open++;
    return kb_ok();
}

static inline struct kb_result fake_file_write(struct kb_file *file, const void *data, size_t size) {
    if (file->disk->room > 0 && file->disk->room <= size) {
        file->disk->room = 1;
        return kb_fail(KB_HOST, KB_HOST_NO_SPACE, "full");
    }
    if (file->disk->room > 0) file->disk->room -= size;
    kb_buf_add(&file->bytes, data, size);
    return kb_ok();
}

static inline void fake_file_close(struct kb_file *file) {
    if (!file) return;
    file->disk->open--;
    kb_buf_release(&file->bytes);
    free(file);
}

static inline struct kb_result fake_commit(struct kb_file *file) {
    fake_add(file->disk, file->name, file->bytes.data ? file->bytes.data : "", file->bytes.size);
    fake_file_close(file);
    return kb_ok();
}

static inline struct kb_result fake_make_dir(void *ctx, const char *path) {
    fake_did(ctx, "mkdir", path, NULL);
    return fake_check(path);
}

static inline struct kb_result fake_move(void *ctx, const char *from, const char *to) {
    fake_did(ctx, "move", from, to);
    if (strstr(from, "missing")) return kb_fail(KB_HOST, KB_HOST_NOT_FOUND, "not there");
    return fake_check(to);
}

static inline struct kb_result fake_copy(void *ctx, const char *from, const char *to) {
    fake_did(ctx, "copy", from, to);
    return kb_ok();
}

static inline struct kb_result fake_remove(void *ctx, const char *path) {
    fake_did(ctx, "remove", path, NULL);
    return fake_check(path);
}

static inline struct kb_result fake_list(void *ctx, const char *path,
                                         bool (*each)(void *arg, const struct kb_entry *entry), void *arg) {
    struct kb_entry entry = {"ab", KB_ENTRY_DIR, 0, 978307200 + 5};

    (void)ctx;
    if (strcmp(path, "missing") == 0) return kb_fail(KB_HOST, KB_HOST_NOT_FOUND, "not there");
    if (!each(arg, &entry)) return kb_ok();
    entry = (struct kb_entry){"Manifest.db", KB_ENTRY_FILE, 77, 978307200 + 6};
    each(arg, &entry);
    return kb_ok();
}

static inline struct kb_result fake_space(void *ctx, int64_t *bytes) {
    (void)ctx;
    *bytes = 5000000000;
    return kb_ok();
}

static inline struct kb_files fake_files(struct fake_disk *disk) {
    return (struct kb_files){disk,        fake_open,       fake_file_read, fake_create, fake_file_write,
                             fake_commit, fake_file_close, fake_make_dir,  fake_move,   fake_copy,
                             fake_remove, fake_list,       fake_space};
}

static inline void fake_disk_release(struct fake_disk *disk) {
    for (int i = 0; i < disk->count; i++) kb_buf_release(&disk->files[i].bytes);
}

/* ---- One run ---- */

struct fake_run {
    struct fake_line line;
    struct fake_disk disk;
    struct kb_transfer_end end;
    struct kb_result res;
    size_t request; /* where in line.out the answers begin, behind the request */
};

/* Serves the script with a request already sent. */
static inline void fake_serve(struct fake_run *run, const struct kb_buf *in, size_t chunk, struct kb_cancel *cancel) {
    struct kb_files files = fake_files(&run->disk);
    struct kb_transfer_options options = {.udid = "U", .files = &files, .cancel = cancel};
    struct kb_backup2 *b2 = kb_xcalloc(1, sizeof *b2);
    plist_t request = plist_new_dict();

    run->line.in = in->data;
    run->line.in_size = in->size;
    run->line.chunk = chunk;
    b2->stream = fake_stream(&run->line);
    b2->options = &options;
    b2->end = &run->end;
    plist_dict_set_item(request, "MessageName", plist_new_string("Backup"));
    run->res = kb_backup2_run(b2, request, false);
    kb_stream_free(b2->stream);
    free(b2);
    plist_free(heard(&run->line.out, &run->request));
}

static inline void fake_run_release(struct fake_run *run) {
    kb_buf_release(&run->line.out);
    fake_disk_release(&run->disk);
}
#endif
