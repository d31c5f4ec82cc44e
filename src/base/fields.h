/* One table of a struct's fields drives its JSON both ways, so that they cannot differ. */
#ifndef KITBENCH_BASE_FIELDS_H
#define KITBENCH_BASE_FIELDS_H

#include "kitbench/base.h"

enum field_kind { FIELD_TEXT, FIELD_INT, FIELD_INT64, FIELD_TIME, FIELD_TRI, FIELD_WORD };
struct field {
    const char *key;
    enum field_kind kind;
    size_t at, room;          /* offset and size in the struct */
    const char *const *words; /* FIELD_WORD: an enum's names from 0 on, "" for unknown, ended by NULL */
};
#define FIELD(type, key, kind, member)                                                                                 \
    { key, kind, offsetof(struct type, member), sizeof(((struct type *)0)->member), NULL }
#define FIELD_ENUM(type, key, member, words)                                                                           \
    { key, FIELD_WORD, offsetof(struct type, member), sizeof(((struct type *)0)->member), words }

void kb_fields_unknown(const struct field *fields, size_t count, void *base);
json_t *kb_fields_to_json(const struct field *fields, size_t count, const void *base);
void kb_fields_from_json(const struct field *fields, size_t count, void *base, const json_t *object);
/* The index of text in words; 0 when it is not there. */
int kb_word_find(const char *const *words, const char *text);
#endif
