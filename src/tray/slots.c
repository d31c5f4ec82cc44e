/*
 * Slots: which USB port is which place in the tray, in KITBENCH_HOME/slots.json. A file that we do not understand
 * wholly is refused, never half taken: a wrong slot is a wrong device.
 */
#include "kitbench/tray.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME    "slots.json"
#define FILE_MAX     ((size_t)1 << 20)
#define MAX_LOCATION ((int64_t)UINT32_MAX) /* usbmuxd keeps it in 32 bits */

struct slot {
    char name[KB_SLOT_NAME_ROOM];
    int64_t location;
};
struct kb_slots {
    struct slot list[KB_MAX_SLOTS];
    int count;
};

/* ---- The table */

static char lower(char c) { return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

static bool same_name(const char *a, const char *b) {
    for (; lower(*a) == lower(*b); a++, b++)
        if (!*a) return true;
    return false;
}

static int find_name(const struct kb_slots *slots, const char *name) {
    for (int i = 0; slots && i < slots->count; i++)
        if (same_name(slots->list[i].name, name)) return i;
    return -1;
}

static int find_location(const struct kb_slots *slots, int64_t location) {
    for (int i = 0; slots && i < slots->count && location >= 0; i++)
        if (slots->list[i].location == location) return i;
    return -1;
}

static void forget(struct kb_slots *slots, int index) {
    if (index < 0) return;
    slots->count--;
    memmove(&slots->list[index], &slots->list[index + 1], (size_t)(slots->count - index) * sizeof slots->list[0]);
}

static bool name_is_fine(const char *name) {
    char clean[KB_SLOT_NAME_ROOM];
    size_t size = strlen(name);
    if (!size || size >= KB_SLOT_NAME_ROOM || strpbrk(name, ":,") || name[0] == ' ' || name[size - 1] == ' ')
        return false;
    kb_text_clean(clean, sizeof clean, name);
    return !strcmp(clean, name);
}

const char *kb_slots_name(const struct kb_slots *slots, int64_t location) {
    int index = find_location(slots, location);
    return index < 0 ? "" : slots->list[index].name;
}

int64_t kb_slots_location(const struct kb_slots *slots, const char *name) {
    int index = find_name(slots, name);
    return index < 0 ? -1 : slots->list[index].location;
}

int kb_slots_count(const struct kb_slots *slots) { return slots ? slots->count : 0; }

const char *kb_slots_at(const struct kb_slots *slots, int n, int64_t *location) {
    *location = slots->list[n].location;
    return slots->list[n].name;
}

struct kb_result kb_slots_set(struct kb_slots *slots, const char *name, int64_t location) {
    int index = find_name(slots, name);
    if (!name_is_fine(name))
        return kb_fail(KB_USAGE, 0,
                       _("\"%.80s\" cannot be the name of a slot: 1 to %d bytes, no ':' and no ',', no space at either "
                         "end"),
                       name, KB_SLOT_NAME_ROOM - 1);
    if (location > MAX_LOCATION)
        return kb_fail(KB_USAGE, 0, _("%lld is no USB port: kitbench devices --json shows each device's location"),
                       (long long)location);
    if (location < 0) {
        forget(slots, index);
        return kb_ok();
    }
    if (index < 0 && slots->count == KB_MAX_SLOTS && find_location(slots, location) < 0)
        return kb_fail(KB_USAGE, 0, _("There are %d slots already, and kitbench keeps no more"), KB_MAX_SLOTS);
    int other = find_location(slots, location);
    if (other >= 0 && other != index) {
        forget(slots, other);
        if (index > other) index--;
    }
    if (index < 0) index = slots->count++;
    kb_text_copy(slots->list[index].name, KB_SLOT_NAME_ROOM, name);
    slots->list[index].location = location;
    return kb_ok();
}

/* ---- The file */

static bool add_saved(struct kb_slots *slots, const json_t *entry) {
    const char *name = json_string_value(json_object_get(entry, "slot"));
    int64_t location = kb_json_get_int(entry, "location", -1);
    if (json_object_size(entry) != 2 || !name || location < 0 || slots->count == KB_MAX_SLOTS) return false;
    if (find_name(slots, name) >= 0 || find_location(slots, location) >= 0) return false;
    struct kb_result res = kb_slots_set(slots, name, location);
    return !kb_failed(&res);
}

static bool parse(struct kb_slots *slots, const struct kb_buf *text) {
    json_t *object = kb_json_parse(text->data ? text->data : "", text->size, FILE_MAX);
    const json_t *list = json_object_get(object, "slots");
    bool good = json_object_size(object) == 1 && json_is_array(list);
    for (size_t i = 0; good && i < json_array_size(list); i++) good = add_saved(slots, json_array_get(list, i));
    json_decref(object);
    return good;
}

struct kb_result kb_slots_load(const char *home, struct kb_slots **out) {
    struct kb_slots *slots = kb_xcalloc(1, sizeof *slots);
    char *path = kb_path_join(home, FILE_NAME);
    struct kb_buf text = {0};
    struct kb_result res = kb_file_load(path, FILE_MAX, &text);
    if (kb_is(&res, KB_HOST, KB_HOST_NOT_FOUND))
        res = kb_ok();
    else if (!kb_failed(&res) && !parse(slots, &text))
        res = kb_fail(KB_HOST, KB_HOST_OTHER,
                      _("%s is no table of slots. Mend it or move it away, then teach the slots again: kitbench slots "
                        "learn"),
                      path);
    if (!kb_failed(&res)) {
        *out = slots;
        slots = NULL;
    }
    kb_slots_free(slots);
    kb_buf_release(&text);
    free(path);
    return res;
}

struct kb_result kb_slots_save(const struct kb_slots *slots, const char *home) {
    json_t *object = json_object(), *list = json_array();
    char *path = kb_path_join(home, FILE_NAME);
    for (int i = 0; i < slots->count; i++) {
        json_t *entry = json_object();
        kb_json_set_text(entry, "slot", slots->list[i].name);
        kb_json_set_int(entry, "location", slots->list[i].location);
        json_array_append_new(list, entry);
    }
    json_object_set_new(object, "slots", list);
    char *line = kb_json_line(object), *text = kb_xasprintf("%s\n", line);
    struct kb_result res = kb_file_save(path, text, strlen(text));
    free(text);
    free(line);
    free(path);
    json_decref(object);
    return res;
}

void kb_slots_free(struct kb_slots *slots) { free(slots); }
