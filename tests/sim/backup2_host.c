/* Requests of a device about the host's folder: listings, room, folders, moves and removals in batches. */
#include "backup2_host.h"

#include <stdlib.h>
#include <string.h>

static bool entry_shape(plist_t entry) {
    plist_t type = entry && plist_get_node_type(entry) == PLIST_DICT ? plist_dict_get_item(entry, "DLFileType") : NULL;
    plist_t size = type ? plist_dict_get_item(entry, "DLFileSize") : NULL;
    plist_t date = type ? plist_dict_get_item(entry, "DLFileModificationDate") : NULL;

    return type && plist_get_node_type(type) == PLIST_STRING && size && plist_get_node_type(size) == PLIST_UINT &&
           date && plist_get_node_type(date) == PLIST_DATE;
}

static bool listing_shape(plist_t dict) {
    plist_dict_iter iter = NULL;
    char *key = NULL;
    plist_t value = NULL;
    bool ok = plist_get_node_type(dict) == PLIST_DICT;

    if (!ok) return false;
    plist_dict_new_iter(dict, &iter);
    for (plist_dict_next_item(dict, iter, &key, &value); key; plist_dict_next_item(dict, iter, &key, &value)) {
        ok = ok && entry_shape(value) && *key && !strchr(key, '/');
        free(key);
        key = NULL;
    }
    free(iter);
    return ok;
}

bool host_list(struct link *link, const char *path, plist_t *out) {
    plist_t message = dl_message("DLContentsOfDirectory"), payload = NULL;
    int64_t code;

    dl_string(message, path);
    dl_empty(message);
    *out = NULL;
    if (!link_call(link, message, &code, &payload)) return false;
    if (code != DL_OK) {
        plist_free(payload);
        payload = plist_new_dict();
    } else if (!listing_shape(payload)) {
        plist_free(payload);
        return link_wrong(link,
                          "a listing of another shape than {name: {DLFileType, DLFileSize, DLFileModificationDate}}");
    }
    *out = payload;
    return true;
}

bool host_listing(struct link *link, const char *base, struct listing *out) {
    char path[160], name[3];

    memset(out, 0, sizeof *out);
    if (!host_list(link, base, &out->top)) return false;
    for (int i = 0; i < 256; i++) {
        snprintf(name, sizeof name, "%02x", i);
        if (!plist_dict_get_item(out->top, name)) continue;
        snprintf(path, sizeof path, "%s/%s", base, name);
        if (!host_list(link, path, &out->sub[i])) return false;
    }
    return true;
}

void listing_free(struct listing *listing) {
    plist_free(listing->top);
    for (int i = 0; i < 256; i++) plist_free(listing->sub[i]);
    memset(listing, 0, sizeof *listing);
}

int64_t listing_size(plist_t directory, const char *name) {
    plist_t entry = directory ? plist_dict_get_item(directory, name) : NULL;
    const char *type = entry ? dict_string(entry, "DLFileType") : NULL;
    uint64_t size = 0;

    if (!type || strcmp(type, "DLFileTypeRegular") != 0) return -1;
    plist_get_uint_val(plist_dict_get_item(entry, "DLFileSize"), &size);
    return (int64_t)size;
}

bool listing_has(const struct listing *listing, const uint8_t id[20], int64_t size) {
    char hex[41];

    sim_id_hex(id, hex);
    return listing_size(listing->sub[id[0]], hex) == size;
}

static bool number_call(struct link *link, plist_t message, int64_t *code, int64_t *bytes) {
    plist_t payload = NULL;
    uint64_t value = 0;
    bool ok = link_call(link, message, code, &payload);

    *bytes = 0;
    if (ok && *code == DL_OK && plist_get_node_type(payload) == PLIST_UINT) {
        plist_get_uint_val(payload, &value);
        *bytes = (int64_t)value;
    } else if (ok && *code == DL_OK) {
        ok = link_wrong(link, "bytes were asked for, and no integer came");
    }
    plist_free(payload);
    return ok;
}

bool host_free_space(struct link *link, int64_t *bytes) {
    plist_t message = dl_message("DLMessageGetFreeDiskSpace");
    int64_t code;

    dl_empty(message);
    dl_real(message, link->progress);
    return number_call(link, message, &code, bytes);
}

bool host_room(struct link *link, int64_t bytes) {
    plist_t message;
    int64_t free_bytes, code, purged;

    /* Lets a test have a full drive: the device wants so much more than it will send. */
    bytes += sim_number(link->dev, "backup_needs_extra", 0);
    if (!host_free_space(link, &free_bytes)) return false;
    if (free_bytes > bytes + RESERVE) return true;
    message = dl_message("DLMessagePurgeDiskSpace");
    dl_uint(message, (uint64_t)(bytes + RESERVE - free_bytes + (2ll << 30)));
    dl_uint(message, 4);
    if (!number_call(link, message, &code, &purged) || !host_free_space(link, &free_bytes)) return false;
    return free_bytes > bytes + RESERVE ||
           link_fail(link, MB_HOST_FULL, "Insufficient free disk space on drive to back up (%lld < %lld)",
                     (long long)free_bytes, (long long)(bytes + RESERVE));
}

/* What the phone reports when the host could not write (protocol.md 4, 104). */
static bool write_failed(struct link *link, int64_t code, const char *what) {
    int mb = dl_to_mb(code);

    if (code == DL_NO_SPACE) return link_fail(link, MB_HOST_FULL, "No space left on the drive while %s", what);
    return link_fail(link, mb == 3 || mb == 4 ? MB_CORRUPT : MB_WRITE_HOST, "Error %s: host code %lld", what,
                     (long long)code);
}

bool host_make_directory(struct link *link, const char *path) {
    plist_t message = dl_message("DLMessageCreateDirectory");
    int64_t code;

    dl_string(message, path);
    dl_empty(message);
    dl_real(message, link->progress);
    if (!link_call(link, message, &code, NULL)) return false;
    return code == DL_OK || code == DL_EXISTS || write_failed(link, code, "creating a directory");
}

void batch_start(struct batch *batch, struct link *link, const char *message, bool moves) {
    batch->link = link;
    batch->message = message;
    batch->items = moves ? plist_new_dict() : plist_new_array();
    batch->count = 0;
}

bool batch_flush(struct batch *batch) {
    bool moves = plist_get_node_type(batch->items) == PLIST_DICT;
    plist_t message;
    int64_t code;

    if (!batch->count) return true;
    message = dl_message(batch->message);
    plist_array_append_item(message, batch->items);
    dl_empty(message);
    dl_real(message, batch->link->progress);
    batch->items = moves ? plist_new_dict() : plist_new_array();
    batch->count = 0;
    if (!link_call(batch->link, message, &code, NULL)) return false;
    return code == DL_OK || write_failed(batch->link, code, moves ? "moving files" : "removing files");
}

bool batch_move(struct batch *batch, const char *from, const char *to) {
    plist_dict_set_item(batch->items, from, plist_new_string(to));
    return ++batch->count < BATCH || batch_flush(batch);
}

bool batch_remove(struct batch *batch, const char *path) {
    plist_array_append_item(batch->items, plist_new_string(path));
    return ++batch->count < BATCH || batch_flush(batch);
}

void batch_end(struct batch *batch) {
    plist_free(batch->items);
    batch->items = NULL;
}
