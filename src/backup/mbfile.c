/*
 * A binary plist reader of fixed depth for the blobs of Manifest.db. A general one would walk what a hostile blob makes
 * endless; this one asks for objects by number and takes only the kind it wants.
 */
#include <string.h>

#include "mbfile.h"

enum { TRAILER = 32, BLOB_MAX = 1024 * 1024, DICT_MAX = 64 };

struct blob {
    const unsigned char *bytes;
    uint64_t size;         /* up to the offset table */
    uint64_t count, table; /* objects, and where their offsets begin */
    unsigned offset_size, ref_size;
    uint64_t top;
};

/* One object: kind is the marker's upper half, count its length in that kind's unit. */
enum kind {
    NOTHING = -1,
    SIMPLE = 0x0,
    INTEGER = 0x1,
    DATA = 0x4,
    ASCII = 0x5,
    UTF16 = 0x6,
    UID = 0x8,
    ARRAY = 0xA,
    DICT = 0xD
};
struct object {
    enum kind kind;
    uint64_t count;
    const unsigned char *body;
};

static uint64_t big_endian(const unsigned char *bytes, unsigned size) {
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) value = value << 8 | bytes[i];
    return value;
}

static bool open_blob(struct blob *blob, const unsigned char *bytes, size_t size) {
    const unsigned char *trailer = bytes + size - TRAILER;

    if (size < 8 + TRAILER + 1 || size > BLOB_MAX || memcmp(bytes, "bplist00", 8) != 0) return false;
    blob->bytes = bytes;
    blob->offset_size = trailer[6];
    blob->ref_size = trailer[7];
    blob->count = big_endian(trailer + 8, 8);
    blob->top = big_endian(trailer + 16, 8);
    blob->table = big_endian(trailer + 24, 8);
    blob->size = blob->table;
    if (blob->offset_size < 1 || blob->offset_size > 8 || blob->ref_size < 1 || blob->ref_size > 8) return false;
    if (blob->count == 0 || blob->count > size || blob->top >= blob->count) return false;
    if (blob->table < 9 || blob->table > size - TRAILER) return false;
    return blob->count * blob->offset_size <= size - TRAILER - blob->table;
}

/* Bytes of the body for a count, by kind; the unit of one element. */
static uint64_t unit_of(const struct blob *blob, enum kind kind) {
    switch (kind) {
    case UTF16:
        return 2;
    case ARRAY:
        return blob->ref_size;
    case DICT:
        return 2 * blob->ref_size;
    default:
        return 1;
    }
}

/* A marker whose lower half is 15 is followed by an integer with the real count. */
static bool long_count(const struct blob *blob, uint64_t *at, uint64_t *count) {
    unsigned size;

    if (*at >= blob->size || blob->bytes[*at] >> 4 != INTEGER) return false;
    size = 1u << (blob->bytes[*at] & 0xF);
    if (size > 8 || size > blob->size - *at - 1) return false;
    *count = big_endian(blob->bytes + *at + 1, size);
    *at += 1 + size;
    return true;
}

static struct object object_at(const struct blob *blob, uint64_t number) {
    struct object object = {NOTHING, 0, NULL};
    enum kind kind;
    uint64_t at, count;

    if (number >= blob->count) return object;
    at = big_endian(blob->bytes + blob->table + number * blob->offset_size, blob->offset_size);
    if (at < 8 || at >= blob->size) return object;
    kind = blob->bytes[at] >> 4;
    count = blob->bytes[at] & 0xF;
    at++;
    if (kind == INTEGER)
        count = count <= 4 ? (uint64_t)1 << count : blob->size;
    else if (kind == UID)
        count++;
    else if (kind == SIMPLE)
        count = 0;
    else if (count == 0xF && !long_count(blob, &at, &count))
        return object;
    if (count > blob->size || count * unit_of(blob, kind) > blob->size - at) return object;
    object.kind = kind;
    object.count = count;
    object.body = blob->bytes + at;
    return object;
}

static uint64_t reference(const struct blob *blob, const unsigned char *body, uint64_t index) {
    return big_endian(body + index * blob->ref_size, blob->ref_size);
}

static bool is_text(const struct object *object, const char *text) {
    return object->kind == ASCII && object->count == strlen(text) && memcmp(object->body, text, object->count) == 0;
}

/* The value under a key of a dictionary; NOTHING when it is not there. */
static struct object value_of(const struct blob *blob, const struct object *dict, const char *key) {
    struct object nothing = {NOTHING, 0, NULL};

    if (dict->kind != DICT || dict->count > DICT_MAX) return nothing;
    for (uint64_t i = 0; i < dict->count; i++) {
        struct object name = object_at(blob, reference(blob, dict->body, i));

        if (is_text(&name, key)) return object_at(blob, reference(blob, dict->body, dict->count + i));
    }
    return nothing;
}

/* What a UID leads to in $objects; the object itself when it is none (old archives put data there directly). */
static struct object follow(const struct blob *blob, const struct object *objects, struct object object) {
    struct object nothing = {NOTHING, 0, NULL};
    uint64_t index;

    if (object.kind != UID) return object;
    if (object.count > 8) return nothing;
    index = big_endian(object.body, (unsigned)object.count);
    return index < objects->count ? object_at(blob, reference(blob, objects->body, index)) : nothing;
}

/* Up to 8 bytes are signed only when they are 8. 16 hold what does not fit, and with newer libplists all that is past
 * INT_MAX: taken when it fits. */
static bool integer(struct object object, int64_t *out) {
    if (object.kind != INTEGER || object.count > 16) return false;
    if (object.count == 16) {
        if (big_endian(object.body, 8) != 0 || object.body[8] > 0x7F) return false;
        object.body += 8, object.count = 8;
    }
    *out = (int64_t)big_endian(object.body, (unsigned)object.count);
    return true;
}

static size_t put_utf8(uint32_t c, char out[4]) {
    if (c < 0x80) return out[0] = (char)c, 1;
    if (c < 0x800) return out[0] = (char)(0xC0 | c >> 6), out[1] = (char)(0x80 | (c & 0x3F)), 2;
    if (c < 0x10000)
        return out[0] = (char)(0xE0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 0x3F)),
               out[2] = (char)(0x80 | (c & 0x3F)), 3;
    return out[0] = (char)(0xF0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 0x3F)),
           out[2] = (char)(0x80 | (c >> 6 & 0x3F)), out[3] = (char)(0x80 | (c & 0x3F)), 4;
}

/* Compares UTF-16 big-endian with UTF-8 without making a copy. */
static bool utf16_equals(const struct object *object, const char *text, size_t size) {
    size_t at = 0;

    for (uint64_t i = 0; i < object->count; i++) {
        uint32_t c = (uint32_t)object->body[2 * i] << 8 | object->body[2 * i + 1];
        char bytes[4];
        size_t length;

        if (c >= 0xD800 && c < 0xDC00 && i + 1 < object->count) {
            i++;
            c = 0x10000 + ((c - 0xD800) << 10) +
                (((uint32_t)object->body[2 * i] << 8 | object->body[2 * i + 1]) & 0x3FF);
        }
        length = put_utf8(c, bytes);
        if (length > size - at || memcmp(text + at, bytes, length) != 0) return false;
        at += length;
    }
    return at == size;
}

/* named: the dictionary has the key, wherever it leads. What leads to no text matches nothing. */
static void read_path(bool named, struct object object, const char *path, size_t size, struct kb_mbfile *out) {
    out->has_path = named;
    if (object.kind == ASCII) out->path_matches = object.count == size && memcmp(object.body, path, size) == 0;
    if (object.kind == UTF16) out->path_matches = utf16_equals(&object, path, size);
}

static bool is_null(const struct object *object) { return object->kind == NOTHING || is_text(object, "$null"); }

/* Data of exactly size bytes: bare, or in the NSMutableData that key archives as. */
static void read_data(const struct blob *blob, const struct object *objects, struct object object, unsigned char *out,
                      size_t size, bool *has, bool *bad) {
    if (is_null(&object)) return;
    if (object.kind == DICT) object = follow(blob, objects, value_of(blob, &object, "NS.data"));
    *has = object.kind == DATA && object.count == size;
    *bad = !*has;
    if (*has) memcpy(out, object.body, size);
}

static bool find_file(const struct blob *blob, struct object *objects, struct object *file) {
    struct object root = object_at(blob, blob->top);
    struct object top = value_of(blob, &root, "$top");
    struct object entry = value_of(blob, &top, "root");

    *objects = value_of(blob, &root, "$objects");
    if (objects->kind != ARRAY || entry.kind != UID) return false;
    *file = follow(blob, objects, entry);
    return file->kind == DICT;
}

bool kb_mbfile_parse(const unsigned char *bytes, size_t size, const char *path, size_t path_size,
                     struct kb_mbfile *out) {
    struct blob blob;
    struct object objects, file;

    memset(out, 0, sizeof *out);
    if (!bytes || !open_blob(&blob, bytes, size) || !find_file(&blob, &objects, &file)) return false;
    out->has_size = integer(value_of(&blob, &file, "Size"), &out->size);
    out->has_mode = integer(value_of(&blob, &file, "Mode"), &out->mode);
    out->has_class = integer(value_of(&blob, &file, "ProtectionClass"), &out->protection_class);
    struct object name = value_of(&blob, &file, "RelativePath");
    read_path(name.kind != NOTHING, follow(&blob, &objects, name), path, path_size, out);
    read_data(&blob, &objects, follow(&blob, &objects, value_of(&blob, &file, "Digest")), out->digest,
              sizeof out->digest, &out->has_digest, &out->bad_digest);
    read_data(&blob, &objects, follow(&blob, &objects, value_of(&blob, &file, "EncryptionKey")), out->key,
              sizeof out->key, &out->has_key, &out->bad_key);
    return true;
}
