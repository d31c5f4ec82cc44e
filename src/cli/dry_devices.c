/*
 * Which device each line of the sheet means: the plugged-in ones, each read once and only as far as the sheet needs it,
 * and those of a saved inventory.
 */
#include "dry.h"
#include "resolve.h"

#include <stdlib.h>
#include <string.h>

#define MUX_WAIT_MS         10000
#define INVENTORY_MAX       ((size_t)64 << 20)
#define INVENTORY_MAX_COUNT 20000

/* ---- The inventory */

struct inventory {
    struct kb_device *list;
    int count, room;
    json_t *index; /* UDID to place in list */
    const char *name;
};

static struct kb_result no_device(const struct inventory *inventory, int line) {
    return kb_fail(KB_USAGE, 0,
                   _("%s, line %d: this is no device. Save the output of `kitbench devices --json`, as UTF-8, and give "
                     "that"),
                   inventory->name, line);
}

/* A device that stands there twice is what it was last. */
static struct kb_device *place_for(struct inventory *inventory, const char *udid) {
    const json_t *known = json_object_get(inventory->index, udid);
    if (known) return &inventory->list[json_integer_value(known)];
    if (inventory->count == inventory->room) {
        inventory->room = inventory->room ? 2 * inventory->room : 64;
        inventory->list = kb_xrealloc(inventory->list, (size_t)inventory->room * sizeof *inventory->list);
    }
    json_object_set_new(inventory->index, udid, json_integer(inventory->count));
    return &inventory->list[inventory->count++];
}

static struct kb_result add_saved(struct inventory *inventory, const json_t *object, int line) {
    struct kb_device device;
    if (json_object_get(object, "event")) return kb_ok(); /* of devices --watch */
    kb_device_from_json(&device, object);
    if (!json_is_object(object) || !*device.udid) return no_device(inventory, line);
    if (inventory->count >= INVENTORY_MAX_COUNT)
        return kb_fail(KB_USAGE, 0, _("%s has more than %d devices. Split it"), inventory->name, INVENTORY_MAX_COUNT);
    *place_for(inventory, device.udid) = device;
    return kb_ok();
}

static struct kb_result read_array(struct inventory *inventory, const char *text, size_t size) {
    json_error_t error;
    json_t *list = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    struct kb_result res = list ? kb_ok() : no_device(inventory, error.line);
    for (size_t i = 0; i < json_array_size(list) && !kb_failed(&res); i++)
        res = add_saved(inventory, json_array_get(list, i), 1);
    json_decref(list);
    return res;
}

static struct kb_result read_lines(struct inventory *inventory, const char *text, size_t size) {
    struct kb_result res = kb_ok();
    const char *end = text + size;
    for (int line = 1; text < end && !kb_failed(&res); line++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        if (!stop) stop = end;
        size_t blank = 0, length = (size_t)(stop - text);
        while (blank < length && strchr(" \t\r", text[blank])) blank++;
        if (blank < length) {
            json_t *object = kb_json_parse(text, length, 1 << 20);
            res = object ? add_saved(inventory, object, line) : no_device(inventory, line);
            json_decref(object);
        }
        text = stop < end ? stop + 1 : end;
    }
    return res;
}

struct kb_result kb_dry_inventory(const char *text, size_t size, const char *name, struct kb_device **list,
                                  int *count) {
    struct inventory inventory = {.name = name};
    bool utf16 = size >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2));
    if (utf16)
        return kb_fail(KB_USAGE, 0,
                       _("%s is UTF-16, as Windows PowerShell writes it. Save it as UTF-8: kitbench devices --json | "
                         "Out-File -Encoding utf8"),
                       name);
    if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) text += 3, size -= 3;
    inventory.index = json_object();
    size_t space = 0;
    while (space < size && strchr(" \t\r\n", text[space])) space++;
    struct kb_result res =
        space < size && text[space] == '[' ? read_array(&inventory, text, size) : read_lines(&inventory, text, size);
    if (!kb_failed(&res) && !inventory.count)
        res = kb_fail(KB_USAGE, 0, _("%s has no device in it. Save the output of `kitbench devices --json`"), name);
    json_decref(inventory.index);
    if (kb_failed(&res)) free(inventory.list);
    if (kb_failed(&res)) return res;
    *list = inventory.list;
    *count = inventory.count;
    return res;
}

static struct kb_result load_inventory(const char *path, struct kb_device **list, int *count) {
    struct kb_buf text = {0};
    if (!path) return kb_ok();
    struct kb_result res = kb_file_load(path, INVENTORY_MAX, &text);
    if (kb_failed(&res) && res.code != KB_HOST_DENIED) res.domain = KB_USAGE;
    if (!kb_failed(&res)) res = kb_dry_inventory(text.data ? text.data : "", text.size, path, list, count);
    kb_buf_release(&text);
    return res;
}

/* ---- Plugged in and saved, as one list */

struct search {
    struct kb_dry *dry;
    struct kb_attached attached[KB_MAX_ATTACHED];
    int attached_count;
    bool wanted[KB_MAX_ATTACHED];
    struct kb_device *saved;
    int saved_count;
    struct kb_candidate *candidates; /* the attached ones first */
    int count;
    struct kb_slots *slots; /* NULL until a line names one */
};

static void set_candidate(struct kb_candidate *c, const struct kb_device *device) {
    kb_text_copy(c->udid, sizeof c->udid, device->udid);
    kb_text_copy(c->serial, sizeof c->serial, device->serial);
    kb_text_copy(c->imei, sizeof c->imei, device->imei);
    kb_text_copy(c->name, sizeof c->name, device->name);
}

/* What is plugged in is newer than what was saved. */
static bool is_attached(const struct search *search, const char *udid) {
    for (int i = 0; i < search->attached_count; i++)
        if (!strcmp(search->attached[i].udid, udid)) return true;
    return false;
}

static void make_list(struct search *search) {
    struct kb_dry *dry = search->dry;
    size_t room = (size_t)(search->attached_count + search->saved_count) + 1;
    search->candidates = kb_xcalloc(room, sizeof *search->candidates);
    dry->devices = kb_xcalloc(room, sizeof *dry->devices);
    dry->saved = kb_xcalloc(room, sizeof *dry->saved);
    for (int i = 0; i < search->attached_count; i++) {
        kb_device_init(&dry->devices[i]);
        kb_text_copy(dry->devices[i].udid, KB_UDID_ROOM, search->attached[i].udid);
    }
    dry->device_count = search->attached_count;
    for (int i = 0; i < search->saved_count; i++) {
        if (is_attached(search, search->saved[i].udid)) continue;
        dry->saved[dry->device_count] = true;
        dry->devices[dry->device_count++] = search->saved[i];
    }
    for (int i = 0; i < dry->device_count; i++) set_candidate(&search->candidates[i], &dry->devices[i]);
    search->count = dry->device_count;
}

/* slot:NAME is whoever is plugged in there now; a saved device is in no place. */
static enum kb_match match_target(const struct search *search, const char *target, int *index) {
    if (!kb_slot_word(target)) return kb_match_device(search->candidates, search->count, target, index);
    int64_t location = kb_slots_location(search->slots, kb_slot_word(target));
    for (*index = 0; *index < search->attached_count; (*index)++)
        if (location >= 0 && search->attached[*index].location == location) return KB_MATCH_ONE;
    return KB_MATCH_NONE;
}

/* Slots that were never taught become errors of the sheet. */
static struct kb_result know_slots(struct search *search) {
    struct kb_dry *dry = search->dry;
    struct kb_result res = kb_ok();
    for (int i = 0; i < dry->count && !kb_failed(&res); i++) {
        const struct kb_sheet_job *job = dry->lines[i].job;
        if (!kb_slot_word(job->target)) continue;
        if (!search->slots) res = kb_slots_load(dry->cli->home, &search->slots);
        if (!kb_failed(&res) && kb_slots_location(search->slots, kb_slot_word(job->target)) < 0)
            kb_sheet_wrong(&dry->sheet, job->target_at,
                           _("There is no slot \"%.60s\": kitbench slots list shows them, kitbench slots learn teaches "
                             "them"),
                           kb_slot_word(job->target));
    }
    return res;
}

/* Marks who has to be read: the devices whose UDID stands in the sheet; all of them when a word is no UDID that is
 * there (then it may be a serial number). */
static void choose_wanted(struct search *search) {
    bool all = false;
    for (int i = 0; i < search->dry->count; i++) {
        int index = 0;
        const char *target = search->dry->lines[i].job->target;
        enum kb_match match = match_target(search, target, &index);
        if (match != KB_MATCH_ONE)
            all = all || !kb_slot_word(target);
        else if (index < search->attached_count)
            search->wanted[index] = true;
    }
    for (int i = 0; i < search->attached_count && all; i++) search->wanted[i] = true;
}

static struct kb_result read_wanted(struct search *search) {
    struct kb_attached *list = kb_xcalloc(KB_MAX_ATTACHED, sizeof *list);
    struct kb_device *devices = kb_xcalloc(KB_MAX_ATTACHED, sizeof *devices);
    int count = 0;
    for (int i = 0; i < search->attached_count; i++)
        if (search->wanted[i]) list[count++] = search->attached[i];
    struct kb_result res = count ? kb_run_probes(search->dry->cli, KB_TASK_PROBE, list, count, devices) : kb_ok();
    for (int i = 0, n = 0; i < search->attached_count && !kb_failed(&res); i++) {
        if (!search->wanted[i]) continue;
        search->dry->devices[i] = devices[n++];
        set_candidate(&search->candidates[i], &search->dry->devices[i]);
    }
    free(list);
    free(devices);
    return res;
}

static void tell_many(struct search *search, const struct kb_sheet_job *job) {
    struct kb_buf names = {0};
    int told = 0;
    for (int i = 0; i < search->count && told < 4; i++) {
        int index;
        if (kb_match_device(&search->candidates[i], 1, job->target, &index) != KB_MATCH_ONE) continue;
        kb_buf_printf(&names, "%s%s %s", told++ ? ", " : "", search->candidates[i].udid, search->candidates[i].name);
    }
    kb_sheet_wrong(&search->dry->sheet, job->target_at,
                   _("\"%.60s\" could be more than one device (%.200s): write more of its UDID"), job->target,
                   names.data);
    kb_buf_release(&names);
}

static void match_lines(struct search *search) {
    struct kb_dry *dry = search->dry;
    const struct kb_sheet_job **taken = kb_xcalloc((size_t)search->count + 1, sizeof *taken);
    for (int i = 0; i < dry->count; i++) {
        struct kb_dry_line *line = &dry->lines[i];
        int index = 0;
        enum kb_match match = match_target(search, line->job->target, &index);
        if (match == KB_MATCH_MANY) tell_many(search, line->job);
        if (match != KB_MATCH_ONE) continue;
        if (taken[index])
            kb_sheet_wrong(&dry->sheet, line->job->target_at,
                           _("\"%.60s\" is the same device as \"%.60s\" of line %d: one device takes one backup"),
                           line->job->target, taken[index]->target, taken[index]->at.line);
        taken[index] = line->job;
        line->device = &dry->devices[index];
        line->saved = dry->saved[index];
    }
    free(taken);
}

struct kb_result kb_dry_devices(struct kb_dry *dry) {
    const char *path = dry->cli->options.inventory;
    struct search *search = kb_xcalloc(1, sizeof *search);
    search->dry = dry;
    struct kb_result res = load_inventory(path, &search->saved, &search->saved_count);
    if (!kb_failed(&res)) res = know_slots(search);
    if (kb_failed(&res)) goto out;
    res = kb_mux_list(search->attached, &search->attached_count, kb_clock_ms() + MUX_WAIT_MS);
    if (kb_failed(&res) && path) {
        kb_say(dry->cli, _("Only the inventory counts, because the plugged-in devices cannot be seen: %s"), res.text);
        search->attached_count = 0;
        res = kb_ok();
    }
    if (kb_failed(&res)) goto out;
    make_list(search);
    choose_wanted(search);
    res = read_wanted(search);
    if (!kb_failed(&res)) match_lines(search);
out:
    kb_slots_free(search->slots);
    free(search->candidates);
    free(search->saved);
    free(search);
    return res;
}
