/* A binary plist read in place. See backup2_bplist.h. */
#include "backup2_bplist.h"

#include <stdlib.h>
#include <string.h>

static uint64_t big_endian(const uint8_t *at, unsigned size) {
    uint64_t value = 0;

    while (size--) value = value << 8 | *at++;
    return value;
}

bool bplist_open(struct bplist *plist, const void *bytes, size_t size) {
    const uint8_t *b = bytes, *trailer;
    uint64_t count, top, table;

    if (size < 40 || memcmp(b, "bplist00", 8) != 0) return false;
    trailer = b + size - 32;
    count = big_endian(trailer + 8, 8), top = big_endian(trailer + 16, 8), table = big_endian(trailer + 24, 8);
    plist->bytes = b;
    plist->offset_size = trailer[6];
    plist->ref_size = trailer[7];
    if (plist->offset_size < 1 || plist->offset_size > 8 || plist->ref_size < 1 || plist->ref_size > 8) return false;
    if (count < 1 || count > size || top >= count || table < 8 || table > size - 32) return false;
    if (count * plist->offset_size > size - 32 - table) return false;
    plist->table = (size_t)table;
    plist->count = (int64_t)count;
    plist->top = (int64_t)top;
    return true;
}

/* Kind (the high half of the marker) and payload of an object; count is its length in its own unit. */
static int look(const struct bplist *plist, int64_t object, const uint8_t **payload, uint64_t *count) {
    uint64_t offset;
    unsigned size;
    const uint8_t *at;

    if (object < 0 || object >= plist->count) return -1;
    offset = big_endian(plist->bytes + plist->table + (size_t)object * plist->offset_size, plist->offset_size);
    if (offset < 8 || offset >= plist->table) return -1;
    at = plist->bytes + offset;
    *count = *at & 15;
    *payload = at + 1;
    if (*count < 15 || *at >> 4 < 4) return *at >> 4;
    if (plist->table - offset < 2 || at[1] >> 4 != 1 || (at[1] & 15) > 3) return -1;
    size = 1u << (at[1] & 15);
    if (plist->table - offset < 2 + size) return -1;
    *count = big_endian(at + 2, size);
    *payload = at + 2 + size;
    return *at >> 4;
}

static bool fits(const struct bplist *plist, const uint8_t *payload, uint64_t count, uint64_t unit) {
    size_t left = plist->table - (size_t)(payload - plist->bytes);

    return count <= left && count * unit <= left;
}

bool bplist_is_dict(const struct bplist *plist, int64_t object) {
    const uint8_t *payload;
    uint64_t count;

    return look(plist, object, &payload, &count) == 0xd && fits(plist, payload, count, 2ull * plist->ref_size);
}

static bool is_key(const struct bplist *plist, int64_t object, const char *key, size_t size) {
    const uint8_t *payload;
    uint64_t count;

    return look(plist, object, &payload, &count) == 5 && count == size && fits(plist, payload, count, 1) &&
           !memcmp(payload, key, size);
}

int64_t bplist_get(const struct bplist *plist, int64_t dict, const char *key) {
    const uint8_t *refs;
    uint64_t count;
    size_t size = strlen(key);

    if (look(plist, dict, &refs, &count) != 0xd || !fits(plist, refs, count, 2ull * plist->ref_size)) return -1;
    for (uint64_t i = 0; i < count; i++)
        if (is_key(plist, (int64_t)big_endian(refs + i * plist->ref_size, plist->ref_size), key, size))
            return (int64_t)big_endian(refs + (count + i) * plist->ref_size, plist->ref_size);
    return -1;
}

int64_t bplist_at(const struct bplist *plist, int64_t array, int64_t index) {
    const uint8_t *refs;
    uint64_t count;

    if (look(plist, array, &refs, &count) != 0xa || !fits(plist, refs, count, plist->ref_size)) return -1;
    if (index < 0 || (uint64_t)index >= count) return -1;
    return (int64_t)big_endian(refs + (size_t)index * plist->ref_size, plist->ref_size);
}

bool bplist_int(const struct bplist *plist, int64_t object, int64_t *out) {
    const uint8_t *payload;
    uint64_t log2;

    if (look(plist, object, &payload, &log2) != 1 || log2 > 3 || !fits(plist, payload, 1, 1ull << log2)) return false;
    *out = (int64_t)big_endian(payload, 1u << log2);
    return true;
}

bool bplist_uid(const struct bplist *plist, int64_t object, int64_t *out) {
    const uint8_t *payload;
    uint64_t size;

    if (look(plist, object, &payload, &size) != 8 || size > 3 || !fits(plist, payload, size + 1, 1)) return false;
    *out = (int64_t)big_endian(payload, (unsigned)size + 1);
    return true;
}

const uint8_t *bplist_data(const struct bplist *plist, int64_t object, size_t *size) {
    const uint8_t *payload;
    uint64_t count;

    if (look(plist, object, &payload, &count) != 4 || !fits(plist, payload, count, 1)) return NULL;
    *size = (size_t)count;
    return payload;
}

static size_t put_utf8(char *out, uint32_t c) {
    if (c < 0x80) return (size_t)(out[0] = (char)c, 1);
    if (c < 0x800) return (size_t)(out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2);
    if (c < 0x10000)
        return (size_t)(out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)),
                        out[2] = (char)(0x80 | (c & 63)), 3);
    return (size_t)(out[0] = (char)(0xf0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63)),
                    out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63)), 4);
}

char *bplist_string(const struct bplist *plist, int64_t object) {
    const uint8_t *payload;
    uint64_t count;
    int kind = look(plist, object, &payload, &count);
    char *text;
    size_t n = 0;

    if ((kind != 5 && kind != 6) || !fits(plist, payload, count, kind == 6 ? 2 : 1)) return NULL;
    text = malloc((size_t)count * 3 + 1);
    if (!text) return NULL;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t c = kind == 5 ? payload[i] : (uint32_t)big_endian(payload + 2 * i, 2), low;

        if (kind == 6 && c >= 0xd800 && c < 0xdc00 && i + 1 < count &&
            ((low = (uint32_t)big_endian(payload + 2 * i + 2, 2)) & 0xfc00) == 0xdc00) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            i++;
        }
        n += put_utf8(text + n, c);
    }
    text[n] = 0;
    return text;
}
