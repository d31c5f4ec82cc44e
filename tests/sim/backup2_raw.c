/* Files on the wire, both ways (protocol.md 3.5), and the stored form in which a backup keeps them. */
#include "backup2.h"

#include <stdlib.h>
#include <string.h>

#define FRAME     (32u * 1024) /* Apple's own block size */
#define PIECE     (256u * 1024)
#define BLOCK_MAX (1u << 20) /* above this a device's agent is killed for memory */
#define SMALL_MAX (64u << 20)

int64_t stored_size(int64_t size, bool encrypted) { return encrypted ? (size / 16 + 1) * 16 : size; }

void stored_open(struct stored *stored, const struct sim_file *file, const char *udid, bool encrypted) {
    uint8_t key[MB_KEY];

    memset(stored, 0, sizeof *stored);
    stored->file = file;
    stored->encrypted = encrypted;
    sim_reader_open(&stored->reader, file);
    if (encrypted && !file->cipher) {
        sim_file_key(udid, file, key);
        stored->cbc = mb_cbc_new(key, true);
    }
    if (sim_has_digest(file->domain) && !(encrypted ? file->cipher_known : file->plain_known)) {
        stored->sha = EVP_MD_CTX_new();
        EVP_DigestInit_ex(stored->sha, mb_sha1(), NULL);
    }
    if (!(encrypted && file->cipher)) stored->room = malloc(2 * PIECE + 16);
}

static size_t next_cached(struct stored *stored, const uint8_t **bytes) {
    const struct sim_blob *cipher = stored->file->cipher;
    size_t n = cipher->size - stored->cached_at;

    if (n > PIECE) n = PIECE;
    *bytes = cipher->data + stored->cached_at;
    stored->cached_at += n;
    return n;
}

static size_t next_made(struct stored *stored, const uint8_t **bytes) {
    size_t n = sim_reader_next(&stored->reader, stored->room, PIECE);

    *bytes = stored->room;
    if (stored->cbc && !stored->ended) {
        /* The last, short piece carries the padding; a file of whole pieces has it in one of its own. */
        bool last = n < PIECE;

        *bytes = stored->room + PIECE;
        n = mb_cbc(stored->cbc, stored->room, n, stored->room + PIECE, last);
        stored->ended = last;
    }
    return n;
}

size_t stored_next(struct stored *stored, const uint8_t **bytes) {
    size_t n;

    if (stored->encrypted && stored->file->cipher)
        n = next_cached(stored, bytes);
    else if (stored->cbc && stored->ended)
        n = 0;
    else
        n = next_made(stored, bytes);
    if (stored->sha && n) EVP_DigestUpdate(stored->sha, *bytes, n);
    return n;
}

void stored_close(struct stored *stored, uint8_t digest[20]) {
    if (stored->sha)
        EVP_DigestFinal_ex(stored->sha, digest, NULL);
    else
        memcpy(digest, stored->encrypted ? stored->file->cipher_digest : stored->file->plain_digest, 20);
    EVP_MD_CTX_free(stored->sha);
    EVP_CIPHER_CTX_free(stored->cbc);
    sim_reader_close(&stored->reader);
    free(stored->room);
}

static bool put_u32(struct link *link, uint32_t value) {
    value = sim_big_endian(value);
    if (!link->down && !sim_write(link->stream, &value, 4)) link->down = true;
    return !link->down;
}

static bool put(struct link *link, const void *bytes, size_t size) {
    if (!link->down && size && !sim_write(link->stream, bytes, size)) link->down = true;
    return !link->down;
}

/* A fault of the present upload, which acts once. */
static struct sim_fault *take_fault(struct link *link, enum sim_fault_action action, int64_t from, int64_t to) {
    struct sim_fault *fault = link->fired;

    if (!fault || fault->action != action || fault->value < from || fault->value > to) return NULL;
    link->fired = NULL;
    return fault;
}

bool raw_start(struct link *link, uint64_t bytes) {
    plist_t message = dl_message("DLMessageUploadFiles");

    dl_empty(message);
    dl_real(message, link->progress);
    dl_uint(message, bytes);
    return link_send(link, message);
}

bool raw_names(struct link *link, const char *device_path, const char *host_path) {
    struct sim_fault *name = take_fault(link, SIM_FAULT_HOSTILE_NAME, INT64_MIN, INT64_MAX);

    if (name) host_path = name->text;
    if (link->fired && link->fired->action == SIM_FAULT_HOSTILE_SIZE && link->fired->value == 2)
        return put_u32(link, 0xffffffffu) && sim_flush(link->stream);
    put_u32(link, (uint32_t)strlen(device_path));
    put(link, device_path, strlen(device_path));
    if (link->fired && link->fired->action == SIM_FAULT_HOSTILE_SIZE && link->fired->value == 3)
        return put_u32(link, 100000000u) && sim_flush(link->stream);
    put_u32(link, (uint32_t)strlen(host_path));
    return put(link, host_path, strlen(host_path));
}

bool raw_block(struct link *link, const uint8_t *bytes, size_t size) {
    struct sim_fault *absurd = take_fault(link, SIM_FAULT_HOSTILE_SIZE, 4, 5);

    if (absurd) put_u32(link, absurd->value == 4 ? 0xffffffffu : 0);
    while (size && !link->down) {
        size_t n = size < FRAME ? size : FRAME;
        uint32_t length = sim_big_endian((uint32_t)n + 1);
        uint8_t head[5] = {0, 0, 0, 0, 0x0c};

        memcpy(head, &length, 4);
        put(link, head, 5);
        put(link, bytes, n);
        bytes += n;
        size -= n;
    }
    return !link->down;
}

bool raw_done(struct link *link, const char *error_text) {
    uint8_t code = error_text ? 0x0b : 0;

    put_u32(link, error_text ? (uint32_t)strlen(error_text) + 1 : 1);
    put(link, &code, 1);
    return put(link, error_text, error_text ? strlen(error_text) : 0);
}

bool raw_finish(struct link *link, int64_t *code) {
    put_u32(link, 0);
    if (!link->down && !sim_flush(link->stream)) link->down = true;
    return link_status(link, code, NULL);
}

bool raw_put_blob(struct link *link, const char *host_path, const void *bytes, size_t size) {
    int64_t code;

    if (!raw_start(link, size) || !raw_names(link, "/var/.ba/mobile/upload", host_path) ||
        !raw_block(link, bytes, size) || !raw_done(link, NULL) || !raw_finish(link, &code))
        return false;
    return code == DL_OK || link_fail(link, code == DL_NO_SPACE ? MB_HOST_FULL : MB_WRITE_HOST,
                                      "Error uploading file at path \"%s\"", host_path);
}

bool raw_put_plist(struct link *link, const char *host_path, plist_t plist) {
    char *bytes = NULL;
    uint32_t size = 0;
    bool ok;

    plist_to_bin(plist, &bytes, &size);
    plist_free(plist);
    ok = raw_put_blob(link, host_path, bytes, size);
    free(bytes);
    return ok;
}

bool raw_put_file(struct link *link, const char *host_path, FILE *from, uint64_t size) {
    uint8_t *room = malloc(PIECE);
    int64_t code;
    size_t n;

    if (raw_start(link, size) && raw_names(link, "/var/.ba/mobile/backup_manifest.db", host_path))
        while ((n = fread(room, 1, PIECE, from)) > 0 && raw_block(link, room, n))
            ;
    free(room);
    if (!raw_done(link, NULL) || !raw_finish(link, &code)) return false;
    return code == DL_OK || link_fail(link, code == DL_NO_SPACE ? MB_HOST_FULL : MB_WRITE_HOST,
                                      "Error uploading file at path \"%s\"", host_path);
}

static bool get(struct link *link, void *bytes, size_t size) {
    if (!link->down && size && !sim_read(link->stream, bytes, size)) link->down = true;
    return !link->down;
}

static bool get_u32(struct link *link, uint32_t *value) {
    if (!get(link, value, 4)) return false;
    *value = sim_big_endian(*value);
    return true;
}

/* The blocks of one file up to its success or error. */
static bool get_blocks(struct link *link, const struct raw_sink *sink, uint8_t *room, bool *ok) {
    for (;;) {
        uint32_t length;
        uint8_t code;

        if (!get_u32(link, &length)) return false;
        if (length < 1 || length > BLOCK_MAX + 1)
            return link_wrong(link, length ? "a raw block above 1 MiB" : "a raw block without a code");
        if (!get(link, &code, 1) || !get(link, room, --length)) return false;
        link->large_blocks += length > FRAME;
        *ok = code == 0;
        if (code == 0x0c)
            sink->data(sink->ctx, room, length);
        else if (code == 0 && length == 0)
            return true;
        else if (code == 0x06)
            return true;
        else
            return link_wrong(link, "an unknown raw code");
    }
}

/* One file's answer. *more false: the host ended the list before all files were answered. */
static bool get_file(struct link *link, const char *path, size_t index, const struct raw_sink *sink, uint8_t *room,
                     bool *more) {
    char name[1200];
    uint32_t length;
    bool ok = false;

    if (!get_u32(link, &length)) return false;
    *more = length > 0;
    if (!length) return true;
    if (length >= sizeof name || length != strlen(path)) return link_wrong(link, "another path than was asked for");
    if (!get(link, name, length)) return false;
    if (memcmp(name, path, length) != 0) return link_wrong(link, "another path than was asked for");
    sink->begin(sink->ctx, index);
    if (!get_blocks(link, sink, room, &ok)) return false;
    sink->end(sink->ctx, index, ok);
    return true;
}

bool raw_ask(struct link *link, const char *const *paths, size_t count, uint64_t bytes, const struct raw_sink *sink,
             int64_t *code) {
    plist_t message = dl_message("DLMessageDownloadFiles"), list = plist_new_array(), payload = NULL;
    uint8_t *room;
    uint32_t zero = 0;
    bool more = true, ok = true;

    for (size_t i = 0; i < count; i++) plist_array_append_item(list, plist_new_string(paths[i]));
    plist_array_append_item(message, list);
    dl_empty(message);
    dl_real(message, link->progress);
    dl_uint(message, bytes);
    if (!link_send(link, message)) return false;
    room = malloc(BLOCK_MAX + 16);
    if (link->fired && link->fired->action == SIM_FAULT_HOSTILE_NAME && count) {
        /* The path on the wire is the hostile one; the answer must name that. */
        bool there;

        ok = get_file(link, link->fired->text, 0, sink, room, &there);
        paths++, count--;
        more = ok && there;
    }
    for (size_t i = 0; ok && more && i < count; i++) ok = get_file(link, paths[i], i, sink, room, &more);
    free(room);
    if (ok && !more)
        sim_bad(link->dev, BACKUP2_SERVICE, "DownloadFiles ended before all files were answered");
    else if (ok && (!get_u32(link, &zero) || zero))
        ok = link->down ? false : link_wrong(link, "DownloadFiles without its terminating zero");
    ok = ok && link_status(link, code, &payload);
    if (ok && *code == DL_MULTI && plist_get_node_type(payload) != PLIST_DICT)
        ok = link_wrong(link, "code -13 without a dictionary of what failed");
    plist_free(payload);
    return ok;
}

/* Sinks for small files and for files. */
struct gather {
    struct sim_blob *blob;
    size_t room;
    FILE *into;
    bool complete;
};

static void gather_begin(void *ctx, size_t index) { (void)ctx, (void)index; }

static void gather_data(void *ctx, const uint8_t *bytes, size_t size) {
    struct gather *g = ctx;

    if (g->into) {
        fwrite(bytes, 1, size, g->into);
        return;
    }
    if (g->blob->size + size > SMALL_MAX) return;
    if (g->blob->size + size > g->room) {
        g->room = (g->blob->size + size) * 2;
        g->blob = realloc(g->blob, sizeof *g->blob + g->room + 1);
    }
    memcpy(g->blob->data + g->blob->size, bytes, size);
    g->blob->size += size;
    g->blob->data[g->blob->size] = 0;
}

static void gather_end(void *ctx, size_t index, bool ok) {
    (void)index;
    ((struct gather *)ctx)->complete = ok;
}

struct sim_blob *raw_ask_blob(struct link *link, const char *path, bool *missing) {
    struct gather g = {.blob = sim_blob_new("", 0)};
    struct raw_sink sink = {&g, gather_begin, gather_data, gather_end};
    const char *paths[] = {path};
    int64_t code = 0;

    if (raw_ask(link, paths, 1, 0, &sink, &code) && g.complete && code == DL_OK) {
        *missing = false;
        return g.blob;
    }
    *missing = true;
    sim_blob_put(g.blob);
    return NULL;
}

bool raw_ask_file(struct link *link, const char *path, FILE *into, bool *missing) {
    struct gather g = {.into = into};
    struct raw_sink sink = {&g, gather_begin, gather_data, gather_end};
    const char *paths[] = {path};
    int64_t code = 0;
    bool ok = raw_ask(link, paths, 1, 0, &sink, &code);

    *missing = !(ok && g.complete && code == DL_OK);
    return ok && fflush(into) == 0;
}
