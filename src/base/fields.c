/* Structs to JSON and back, by a table of their fields. */
#include "fields.h"

#include <limits.h>
#include <string.h>

int kb_word_find(const char *const *words, const char *text) {
    for (int i = 0; text && words[i]; i++)
        if (strcmp(words[i], text) == 0) return i;
    return 0;
}

static void *member(void *base, const struct field *field) { return (char *)base + field->at; }

void kb_fields_unknown(const struct field *fields, size_t count, void *base) {
    for (const struct field *f = fields; f < fields + count; f++) {
        void *at = member(base, f);
        switch (f->kind) {
        case FIELD_TEXT:
            *(char *)at = '\0';
            break;
        case FIELD_INT:
            *(int *)at = -1;
            break;
        case FIELD_INT64:
        case FIELD_TIME:
            *(int64_t *)at = -1;
            break;
        case FIELD_TRI:
            *(enum kb_tri *)at = KB_UNKNOWN;
            break;
        case FIELD_WORD:
            memset(at, 0, f->room);
            break;
        }
    }
}

json_t *kb_fields_to_json(const struct field *fields, size_t count, const void *base) {
    json_t *object = json_object();
    for (const struct field *f = fields; f < fields + count; f++) {
        const void *at = (const char *)base + f->at;
        switch (f->kind) {
        case FIELD_TEXT:
            kb_json_set_text(object, f->key, at);
            break;
        case FIELD_INT:
            kb_json_set_int(object, f->key, *(const int *)at);
            break;
        case FIELD_INT64:
            kb_json_set_int(object, f->key, *(const int64_t *)at);
            break;
        case FIELD_TIME:
            kb_json_set_time(object, f->key, *(const int64_t *)at);
            break;
        case FIELD_TRI:
            kb_json_set_tri(object, f->key, *(const enum kb_tri *)at);
            break;
        case FIELD_WORD:
            kb_json_set_text(object, f->key, f->words[*(const unsigned *)at]);
            break;
        }
    }
    return object;
}

/* A negative number is as unknown as none. */
static int64_t known_int(const json_t *object, const char *key, int64_t max) {
    int64_t value = kb_json_get_int(object, key, -1);
    return value < 0 || value > max ? -1 : value;
}

void kb_fields_from_json(const struct field *fields, size_t count, void *base, const json_t *object) {
    for (const struct field *f = fields; f < fields + count; f++) {
        void *at = member(base, f);
        const char *text = json_string_value(json_object_get(object, f->key));
        switch (f->kind) {
        case FIELD_TEXT:
            kb_json_get_text(object, f->key, at, f->room);
            break;
        case FIELD_INT:
            *(int *)at = (int)known_int(object, f->key, INT_MAX);
            break;
        case FIELD_INT64:
            *(int64_t *)at = known_int(object, f->key, INT64_MAX);
            break;
        case FIELD_TIME:
            *(int64_t *)at = kb_time_parse(text);
            break;
        case FIELD_TRI:
            *(enum kb_tri *)at = kb_json_get_tri(object, f->key);
            break;
        case FIELD_WORD:
            *(unsigned *)at = (unsigned)kb_word_find(f->words, text);
            break;
        }
    }
}
