/*
 * Property lists of a folder. Each is bounded, guarded, and then parsed; a value of a wrong type is as good as absent.
 * A list that tries to blow up or hides behind a link makes the folder hostile.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "room.h"

enum { PLIST_MAX_BYTES = 64 * 1024 * 1024 };
#define APPLE_EPOCH 978307200 /* 2001-01-01 UTC */

struct kb_result kb_load(struct kb_dir *dir, const char *rel, size_t max, struct kb_buf *out) {
    struct kb_handle *handle = NULL;
    struct kb_stat stat;
    size_t got = 0;
    struct kb_result res = kb_handle_open(dir, rel, KB_OPEN_READ, &handle);
    struct kb_result closed;

    if (kb_failed(&res)) return res;
    res = kb_handle_stat(handle, &stat);
    if (!kb_failed(&res) && (stat.size < 0 || (uint64_t)stat.size > max))
        res = kb_fail(KB_HOST, KB_HOST_IO, _("%s is too large to be read; make a new backup"), rel);
    if (!kb_failed(&res)) {
        out->data = kb_xmalloc((size_t)stat.size + 1);
        out->room = (size_t)stat.size + 1;
        do {
            res = kb_handle_read(handle, out->data + out->size, (size_t)stat.size - out->size, &got);
            out->size += got;
        } while (!kb_failed(&res) && got > 0 && out->size < (size_t)stat.size);
        out->data[out->size] = '\0';
    }
    closed = kb_handle_close(handle);
    (void)closed; /* it was only read */
    if (kb_failed(&res)) kb_buf_release(out);
    return res;
}

enum kb_plist_state kb_plist_bytes(const void *bytes, size_t size, plist_t *out) {
    enum kb_guard_verdict verdict = kb_plist_guard(bytes, size, &kb_guard_default);
    plist_t root = NULL;

    *out = NULL;
    if (verdict == KB_GUARD_MALFORMED) return KB_PLIST_MALFORMED;
    if (verdict != KB_GUARD_OK) return KB_PLIST_HOSTILE;
    if (size >= 8 && memcmp(bytes, "bplist00", 8) == 0)
        plist_from_bin(bytes, (uint32_t)size, &root);
    else
        plist_from_xml(bytes, (uint32_t)size, &root);
    if (!root) return KB_PLIST_MALFORMED;
    if (plist_get_node_type(root) != PLIST_DICT) {
        plist_free(root);
        return KB_PLIST_MALFORMED;
    }
    *out = root;
    return KB_PLIST_OK;
}

static enum kb_plist_state state_of(const struct kb_result *res) {
    switch (res->domain == KB_HOST ? res->code : 0) {
    case KB_HOST_NOT_FOUND:
        return KB_PLIST_MISSING;
    case KB_HOST_DENIED:
        return KB_PLIST_DENIED;
    case KB_HOST_REFUSED:
    case KB_HOST_IS_DIR:
    case KB_HOST_LOOP:
        return KB_PLIST_HOSTILE;
    default:
        return KB_PLIST_MALFORMED;
    }
}

enum kb_plist_state kb_plist_load(struct kb_dir *dir, const char *name, plist_t *out) {
    struct kb_buf bytes = {NULL, 0, 0};
    struct kb_result res = kb_load(dir, name, PLIST_MAX_BYTES, &bytes);
    enum kb_plist_state state;

    *out = NULL;
    if (kb_failed(&res)) return state_of(&res);
    state = kb_plist_bytes(bytes.data, bytes.size, out);
    kb_buf_release(&bytes);
    return state;
}

plist_t kb_plist_get(plist_t dict, const char *key, plist_type type) {
    plist_t node = dict ? plist_dict_get_item(dict, key) : NULL;

    return node && plist_get_node_type(node) == type ? node : NULL;
}

bool kb_plist_text(plist_t dict, const char *key, char *out, size_t room) {
    plist_t node = kb_plist_get(dict, key, PLIST_STRING);
    const char *text = node ? plist_get_string_ptr(node, NULL) : NULL;

    kb_text_clean(out, room, text ? text : "");
    return text != NULL;
}

enum kb_tri kb_plist_bool(plist_t dict, const char *key) {
    plist_t node = kb_plist_get(dict, key, PLIST_BOOLEAN);
    uint8_t value = 0;

    if (!node) return KB_UNKNOWN;
    plist_get_bool_val(node, &value);
    return value ? KB_YES : KB_NO;
}

/* libplist 2.7 has another name for it, and marks this one as old. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif
int64_t kb_plist_date(plist_t dict, const char *key) {
    plist_t node = kb_plist_get(dict, key, PLIST_DATE);
    int32_t seconds = 0, micros = 0;

    if (!node) return -1;
    plist_get_date_val(node, &seconds, &micros);
    return (int64_t)seconds + APPLE_EPOCH;
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

const void *kb_plist_data(plist_t dict, const char *key, size_t *size) {
    plist_t node = kb_plist_get(dict, key, PLIST_DATA);
    uint64_t length = 0;
    const char *bytes = node ? plist_get_data_ptr(node, &length) : NULL;

    *size = bytes ? (size_t)length : 0;
    return bytes;
}

/* "10.0": two numbers of at most three digits. */
static int64_t version_of_text(const char *text) {
    unsigned major = 0, minor = 0;
    int used = 0;

    if (sscanf(text, "%3u.%3u%n", &major, &minor, &used) == 2 && (text[used] == '\0' || text[used] == '.'))
        return (int64_t)major * 1000 + minor;
    used = 0;
    if (sscanf(text, "%3u%n", &major, &used) == 1 && text[used] == '\0') return (int64_t)major * 1000;
    return -1;
}

int64_t kb_plist_version(plist_t dict, const char *key) {
    plist_t node = dict ? plist_dict_get_item(dict, key) : NULL;
    char text[32];
    uint64_t whole = 0;
    double real = 0;

    if (kb_plist_text(dict, key, text, sizeof text)) return version_of_text(text);
    if (node && plist_get_node_type(node) == PLIST_UINT) {
        plist_get_uint_val(node, &whole);
        return whole < 1000 ? (int64_t)whole * 1000 : -1;
    }
    if (!node || plist_get_node_type(node) != PLIST_REAL) return -1;
    plist_get_real_val(node, &real);
    if (!(real >= 0 && real < 1000)) return -1;
    return (int64_t)real * 1000 + (int64_t)(fmod(real, 1) * 10 + 0.5); /* 10.1 is minor 1 */
}

bool kb_plist_array_has(plist_t dict, const char *key, const char *text) {
    plist_t array = kb_plist_get(dict, key, PLIST_ARRAY);
    uint32_t count = array ? plist_array_get_size(array) : 0;

    for (uint32_t i = 0; i < count; i++) {
        plist_t item = plist_array_get_item(array, i);

        if (plist_get_node_type(item) == PLIST_STRING && kb_streq(plist_get_string_ptr(item, NULL), text)) return true;
    }
    return false;
}
