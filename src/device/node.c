/* Typed reading of libplist values; the one place where bytes become plists. */
#include "node.h"

#include <stdlib.h>
#include <string.h>

plist_t kb_node_parse(const void *bytes, size_t size, size_t max_bytes) {
    struct kb_guard_limits limits = kb_guard_default;
    plist_t node = NULL;

    if (limits.max_bytes > max_bytes) limits.max_bytes = max_bytes;
    if (size == 0 || kb_plist_guard(bytes, size, &limits) != KB_GUARD_OK) return NULL;
    if (size >= 8 && memcmp(bytes, "bplist00", 8) == 0)
        plist_from_bin(bytes, (uint32_t)size, &node);
    else
        plist_from_xml(bytes, (uint32_t)size, &node);
    return node;
}

void kb_node_to_xml(plist_t node, struct kb_buf *out) {
    char *xml = NULL;
    uint32_t size = 0;

    plist_to_xml(node, &xml, &size);
    if (xml) kb_buf_add(out, xml, size);
    if (xml) kb_wipe(xml, size);
    free(xml);
}

void kb_node_to_binary(plist_t node, struct kb_buf *out) {
    char *bin = NULL;
    uint32_t size = 0;

    plist_to_bin(node, &bin, &size);
    if (bin) kb_buf_add(out, bin, size);
    if (bin) kb_wipe(bin, size);
    free(bin);
}

bool kb_node_is(plist_t node, plist_type type) { return node && plist_get_node_type(node) == type; }

plist_t kb_node_get(plist_t dict, const char *key) {
    return kb_node_is(dict, PLIST_DICT) ? plist_dict_get_item(dict, key) : NULL;
}

const char *kb_node_text(plist_t node) {
    uint64_t size = 0;

    return kb_node_is(node, PLIST_STRING) ? plist_get_string_ptr(node, &size) : NULL;
}

const char *kb_node_data(plist_t node, size_t *size) {
    uint64_t length = 0;
    const char *data = kb_node_is(node, PLIST_DATA) ? plist_get_data_ptr(node, &length) : NULL;

    *size = data ? (size_t)length : 0;
    return data;
}

enum kb_tri kb_node_bool(plist_t node) {
    uint8_t value = 0;

    if (!kb_node_is(node, PLIST_BOOLEAN)) return KB_UNKNOWN;
    plist_get_bool_val(node, &value);
    return value ? KB_YES : KB_NO;
}

bool kb_node_int(plist_t node, int64_t *out) {
    uint64_t value = 0;

    if (!kb_node_is(node, PLIST_UINT)) return false;
    plist_get_uint_val(node, &value);
    *out = (int64_t)value;
    return true;
}

bool kb_node_real(plist_t node, double *out) {
    int64_t whole;

    if (kb_node_int(node, &whole)) {
        *out = (double)whole;
        return true;
    }
    if (!kb_node_is(node, PLIST_REAL)) return false;
    plist_get_real_val(node, out);
    return true;
}

bool kb_node_copy_text(plist_t dict, const char *key, char *out, size_t room) {
    const char *text = kb_node_text(kb_node_get(dict, key));

    if (!text) return false;
    kb_text_clean(out, room, text);
    return true;
}

void kb_node_each(plist_t dict, bool (*each)(void *arg, const char *key, plist_t value), void *arg) {
    plist_dict_iter iter = NULL;
    bool more = true;

    if (!kb_node_is(dict, PLIST_DICT)) return;
    plist_dict_new_iter(dict, &iter);
    while (more) {
        char *key = NULL;
        plist_t value = NULL;

        plist_dict_next_item(dict, iter, &key, &value);
        more = value && each(arg, key ? key : "", value);
        free(key);
    }
    free(iter);
}

void kb_node_wipe(plist_t node) {
    union {
        const char *given; /* libplist hands out its own bytes as constant */
        char *own;
    } bytes = {kb_node_text(node)};
    size_t size = bytes.given ? strlen(bytes.given) : 0;

    if (!bytes.given) bytes.given = kb_node_data(node, &size);
    if (bytes.given) kb_wipe(bytes.own, size);
}
