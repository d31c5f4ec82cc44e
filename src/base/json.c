/* JSON lines: strict in, compact out, unknown is null. */
#include "kitbench/base.h"

#include <stdlib.h>
#include <string.h>

json_t *kb_json_parse(const char *text, size_t size, size_t max) {
    if (!text || size > max) return NULL;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(value)) return value;
    json_decref(value);
    return NULL;
}

char *kb_json_line(const json_t *value) {
    char *line = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    return line ? line : kb_xstrdup("null");
}

void kb_json_set_text(json_t *object, const char *key, const char *text) {
    json_t *value = NULL;
    if (text && *text) value = json_string(text); /* NULL when it is not UTF-8 */
    if (!value && text && *text) {
        size_t room = 3 * strlen(text) + 1;
        char *clean = kb_xmalloc(room);
        kb_text_clean(clean, room, text);
        value = json_string(clean);
        free(clean);
    }
    json_object_set_new(object, key, value ? value : json_null());
}

void kb_json_set_int(json_t *object, const char *key, int64_t value) {
    json_object_set_new(object, key, value < 0 ? json_null() : json_integer(value));
}

void kb_json_set_time(json_t *object, const char *key, int64_t seconds) {
    char iso[KB_TIME_ROOM];
    kb_time_iso(iso, seconds);
    kb_json_set_text(object, key, iso);
}

void kb_json_get_text(const json_t *object, const char *key, char *out, size_t room) {
    const char *text = json_string_value(json_object_get(object, key));
    kb_text_copy(out, room, text ? text : "");
}

int64_t kb_json_get_int(const json_t *object, const char *key, int64_t otherwise) {
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

void kb_json_set_tri(json_t *object, const char *key, enum kb_tri value) {
    json_object_set_new(object, key, value == KB_UNKNOWN ? json_null() : json_boolean(value == KB_YES));
}

enum kb_tri kb_json_get_tri(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value)) return KB_UNKNOWN;
    return json_is_true(value) ? KB_YES : KB_NO;
}
