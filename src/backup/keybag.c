/* The keybag: a list of tags from a file that anybody may have made (backup-format.md 4.1). */
#include <string.h>

#include "keybag.h"

/* Beyond these the folder wants to keep us busy, not to be opened. */
enum { KEYBAG_MAX_BYTES = 64 * 1024, ROUNDS_MAX = 1000000, FIRST_ROUNDS_MAX = 20000000, LAST_CLASS = 11 };

struct reader {
    struct kb_keybag *bag;
    bool in_class; /* the first UUID is the header's, each later one opens a class */
    bool header_seen;
    int class_number; /* 0 until CLAS came */
    bool wrapped_there;
    unsigned char wrapped[KB_WRAPPED_BYTES];
    bool type_there, rounds_there, first_rounds_there;
};

static struct kb_result damaged(const char *what) {
    return kb_fail(KB_STORE, KB_STORE_DAMAGED,
                   _("The keybag of this backup is damaged (%s); use another copy or make a new backup"), what);
}

static uint32_t big_endian(const unsigned char *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The class that has been read: a number and a wrapped key belong together. */
static struct kb_result end_class(struct reader *reader) {
    struct kb_keybag *bag = reader->bag;
    int number = reader->class_number;

    if (!reader->in_class) return kb_ok();
    if (number == 0) return damaged("CLAS");
    if (reader->wrapped_there) {
        if (bag->classes[number].there) return damaged("CLAS");
        bag->classes[number].there = true;
        memcpy(bag->classes[number].wrapped, reader->wrapped, KB_WRAPPED_BYTES);
        bag->count++;
    }
    reader->class_number = 0;
    reader->wrapped_there = false;
    return kb_ok();
}

static struct kb_result on_uuid(struct reader *reader, const unsigned char *value, size_t size) {
    struct kb_result res = end_class(reader);

    (void)value;
    if (size != 16) return damaged("UUID");
    reader->in_class = reader->header_seen;
    reader->header_seen = true;
    return res;
}

static struct kb_result on_class(struct reader *reader, const unsigned char *value, size_t size) {
    uint32_t number = size == 4 ? big_endian(value) : 0;

    if (!reader->in_class || reader->class_number || number < 1 || number > LAST_CLASS) return damaged("CLAS");
    reader->class_number = (int)number;
    return kb_ok();
}

static struct kb_result on_wrapped(struct reader *reader, const unsigned char *value, size_t size) {
    if (!reader->in_class || reader->wrapped_there || size != KB_WRAPPED_BYTES) return damaged("WPKY");
    memcpy(reader->wrapped, value, size);
    reader->wrapped_there = true;
    return kb_ok();
}

static struct kb_result salt(const char *tag, unsigned char *out, size_t *out_size, const unsigned char *value,
                             size_t size) {
    if (*out_size || size == 0 || size > 64) return damaged(tag);
    memcpy(out, value, size);
    *out_size = size;
    return kb_ok();
}

static struct kb_result on_salt(struct reader *reader, const unsigned char *value, size_t size) {
    return salt("SALT", reader->bag->kdf.salt, &reader->bag->kdf.salt_size, value, size);
}

static struct kb_result on_first_salt(struct reader *reader, const unsigned char *value, size_t size) {
    return salt("DPSL", reader->bag->kdf.first_salt, &reader->bag->kdf.first_salt_size, value, size);
}

static struct kb_result count(const char *tag, bool *there, uint32_t *out, uint32_t max, const unsigned char *value,
                              size_t size) {
    if (*there || size != 4) return damaged(tag);
    *there = true;
    *out = big_endian(value);
    if (*out >= 1 && *out <= max) return kb_ok();
    return kb_fail(KB_STORE, KB_STORE_DAMAGED,
                   _("The keybag of this backup asks for an absurd amount of work (%s %u); do not use this backup"),
                   tag, *out);
}

static struct kb_result on_rounds(struct reader *reader, const unsigned char *value, size_t size) {
    return count("ITER", &reader->rounds_there, &reader->bag->kdf.rounds, ROUNDS_MAX, value, size);
}

static struct kb_result on_first_rounds(struct reader *reader, const unsigned char *value, size_t size) {
    return count("DPIC", &reader->first_rounds_there, &reader->bag->kdf.first_rounds, FIRST_ROUNDS_MAX, value, size);
}

static struct kb_result on_version(struct reader *reader, const unsigned char *value, size_t size) {
    if (size != 4) return damaged("VERS");
    reader->bag->version = big_endian(value);
    return kb_ok();
}

static struct kb_result on_type(struct reader *reader, const unsigned char *value, size_t size) {
    if (size != 4 || reader->type_there) return damaged("TYPE");
    reader->type_there = true;
    reader->bag->type = big_endian(value);
    return reader->bag->type == 1 ? kb_ok() : damaged("TYPE"); /* 1 is a backup's; a device's own has no use here */
}

static const struct {
    char tag[5];
    struct kb_result (*read)(struct reader *reader, const unsigned char *value, size_t size);
} tags[] = {
    {"VERS", on_version},      {"TYPE", on_type},       {"UUID", on_uuid},  {"SALT", on_salt},    {"ITER", on_rounds},
    {"DPIC", on_first_rounds}, {"DPSL", on_first_salt}, {"CLAS", on_class}, {"WPKY", on_wrapped},
};

static struct kb_result read_tag(struct reader *reader, const unsigned char *tag, const unsigned char *value,
                                 size_t size) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(tags); i++)
        if (memcmp(tag, tags[i].tag, 4) == 0) return tags[i].read(reader, value, size);
    return kb_ok();
}

static struct kb_result complete(const struct reader *reader) {
    const struct kb_keybag *bag = reader->bag;

    if (bag->count == 0) return damaged("WPKY");
    if (bag->kdf.salt_size == 0) return damaged("SALT");
    if (!reader->rounds_there) return damaged("ITER");
    if (reader->first_rounds_there != (bag->kdf.first_salt_size > 0)) return damaged("DPSL");
    return kb_ok();
}

struct kb_result kb_keybag_parse(const void *bytes, size_t size, struct kb_keybag *out) {
    const unsigned char *at = bytes, *end = at + size;
    struct reader reader = {.bag = out};
    struct kb_result res = kb_ok();

    memset(out, 0, sizeof *out);
    if (size > KEYBAG_MAX_BYTES) return damaged(_("too long"));
    while (!kb_failed(&res) && end - at >= 8) {
        uint32_t length = big_endian(at + 4);

        if (length > (size_t)(end - at - 8)) return damaged(_("cut short"));
        res = read_tag(&reader, at, at + 8, length);
        at += 8 + length;
    }
    if (!kb_failed(&res) && at != end) return damaged(_("cut short"));
    if (!kb_failed(&res)) res = end_class(&reader);
    if (!kb_failed(&res)) res = complete(&reader);
    out->has_first_stage = reader.first_rounds_there;
    return res;
}

static bool same_bytes(const unsigned char *a, size_t a_size, const unsigned char *b, size_t b_size) {
    return a_size == b_size && memcmp(a, b, a_size) == 0;
}

static bool same_kdf(const struct kb_kdf *a, const struct kb_kdf *b) {
    return a->rounds == b->rounds && a->first_rounds == b->first_rounds &&
           same_bytes(a->salt, a->salt_size, b->salt, b->salt_size) &&
           same_bytes(a->first_salt, a->first_salt_size, b->first_salt, b->first_salt_size);
}

bool kb_keybag_same(const struct kb_keybag *a, const struct kb_keybag *b) {
    if (a->version != b->version || a->type != b->type || a->count != b->count || !same_kdf(&a->kdf, &b->kdf))
        return false;
    for (int i = 0; i < KB_KEYBAG_CLASSES; i++) {
        if (a->classes[i].there != b->classes[i].there) return false;
        if (a->classes[i].there && memcmp(a->classes[i].wrapped, b->classes[i].wrapped, KB_WRAPPED_BYTES) != 0)
            return false;
    }
    return true;
}
