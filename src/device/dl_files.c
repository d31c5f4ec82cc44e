/*
 * The device's DLMessages, one handler each (protocol.md 3.4). Every message that begins with DL gets its status: a
 * device that waits for one waits for ever. What a device names is handed to the file operations untouched; they refuse
 * whatever would leave the folder.
 */
#include "backup2.h"

#include "node.h"
#include <stdlib.h>
#include <string.h>

struct kb_result kb_dl_malformed(void) {
    return kb_fail(KB_BACKUP2, KB_LINK_PROTOCOL,
                   _("The device sent a request that makes no sense. Restart the device, then try again"));
}

/* Element n after the name; NULL when there are fewer. */
static plist_t part(plist_t message, uint32_t n) {
    return n < plist_array_get_size(message) ? plist_array_get_item(message, n) : NULL;
}

/* A path of sensible length, or NULL. */
static const char *path_of(plist_t node) {
    const char *path = kb_node_text(node);

    return path && path[0] && strlen(path) <= KB_NAME_MAX ? path : NULL;
}

/* The status for one file operation; a hostile path is remembered. */
static int judge(struct kb_backup2 *b2, const struct kb_result *res, const char *path) {
    if (!kb_failed(res)) return 0;
    kb_backup2_log(b2, "%s: %s", path, res->text);
    if (kb_is(res, KB_HOST, KB_HOST_REFUSED)) kb_backup2_hostile(b2, path);
    return kb_link_code_of(res);
}

static struct kb_result answer(struct kb_backup2 *b2, int code) {
    return kb_link_status(b2->stream, code, code == 0 ? NULL : kb_link_words(code), NULL);
}

static struct kb_result on_free_space(struct kb_backup2 *b2, plist_t message) {
    int64_t bytes = 0;
    struct kb_result res = b2->options->files->free_space(b2->options->files->ctx, &bytes);

    (void)message;
    if (kb_failed(&res)) return answer(b2, kb_link_code_of(&res));
    kb_backup2_log(b2, "free space asked: %lld bytes", (long long)bytes);
    return kb_link_status(b2->stream, 0, NULL, plist_new_uint(bytes > 0 ? (uint64_t)bytes : 0));
}

/* Nothing of ours can be deleted; the stock tool's silence here is a dead lock (protocol.md 9.1-1). */
static struct kb_result on_unsupported(struct kb_backup2 *b2, plist_t message) {
    kb_backup2_log(b2, "%s: not supported", kb_node_text(part(message, 0)));
    return kb_link_status(b2->stream, -1, "Operation not supported", NULL);
}

static bool list_entry(void *arg, const struct kb_entry *entry) {
    static const char *const types[] = {[KB_ENTRY_OTHER] = "DLFileTypeUnknown",
                                        [KB_ENTRY_FILE] = "DLFileTypeRegular",
                                        [KB_ENTRY_DIR] = "DLFileTypeDirectory"};
    const int64_t epoch_2001 = 978307200;
    int64_t modified = entry->modified - epoch_2001;
    plist_t dict = plist_new_dict();

    if (modified < INT32_MIN || modified > INT32_MAX) modified = 0;
    plist_dict_set_item(dict, "DLFileType", plist_new_string(types[entry->kind]));
    plist_dict_set_item(dict, "DLFileSize", plist_new_uint(entry->size > 0 ? (uint64_t)entry->size : 0));
    plist_dict_set_item(dict, "DLFileModificationDate", plist_new_date((int32_t)modified, 0));
    plist_dict_set_item(arg, entry->name, dict);
    return true;
}

/* A folder that is not there lists as empty, as with every other host. */
static struct kb_result on_contents(struct kb_backup2 *b2, plist_t message) {
    const struct kb_files *files = b2->options->files;
    const char *path = path_of(part(message, 1));
    plist_t entries;

    if (!path) return kb_dl_malformed();
    entries = plist_new_dict();
    struct kb_result res = files->list(files->ctx, path, list_entry, entries);
    int code = kb_is(&res, KB_HOST, KB_HOST_NOT_FOUND) ? 0 : judge(b2, &res, path);
    return kb_link_status(b2->stream, code, code == 0 ? NULL : kb_link_words(code), entries);
}

static struct kb_result on_make_dir(struct kb_backup2 *b2, plist_t message) {
    const struct kb_files *files = b2->options->files;
    const char *path = path_of(part(message, 1));

    if (!path) return kb_dl_malformed();
    struct kb_result res = files->make_dir(files->ctx, path);
    return answer(b2, judge(b2, &res, path));
}

/* The last error counts; every item is tried. */
struct moving {
    struct kb_backup2 *b2;
    int code;
    bool malformed;
};

static bool move_one(void *arg, const char *from, plist_t value) {
    struct moving *moving = arg;
    const struct kb_files *files = moving->b2->options->files;
    const char *to = path_of(value);

    moving->malformed = !to || from[0] == 0 || strlen(from) > KB_NAME_MAX;
    if (moving->malformed) return false;
    struct kb_result res = files->move(files->ctx, from, to);
    if (kb_failed(&res)) { /* either of the two may be the wrong one */
        char *both = kb_xasprintf("%s -> %s", from, to);
        moving->code = judge(moving->b2, &res, both);
        free(both);
    }
    return true;
}

static struct kb_result on_move(struct kb_backup2 *b2, plist_t message) {
    struct moving moving = {.b2 = b2};

    if (!kb_node_is(part(message, 1), PLIST_DICT)) return kb_dl_malformed();
    kb_node_each(part(message, 1), move_one, &moving);
    return moving.malformed ? kb_dl_malformed() : answer(b2, moving.code);
}

static struct kb_result on_remove(struct kb_backup2 *b2, plist_t message) {
    const struct kb_files *files = b2->options->files;
    plist_t paths = part(message, 1);
    int code = 0;

    if (!kb_node_is(paths, PLIST_ARRAY)) return kb_dl_malformed();
    for (uint32_t i = 0; i < plist_array_get_size(paths); i++) {
        const char *path = path_of(plist_array_get_item(paths, i));

        if (!path) return kb_dl_malformed();
        struct kb_result res = files->remove(files->ctx, path);
        if (kb_failed(&res) && !kb_is(&res, KB_HOST, KB_HOST_NOT_FOUND)) code = judge(b2, &res, path);
    }
    return answer(b2, code);
}

static struct kb_result on_copy(struct kb_backup2 *b2, plist_t message) {
    const struct kb_files *files = b2->options->files;
    const char *from = path_of(part(message, 1)), *to = path_of(part(message, 2));

    if (!from || !to) return kb_dl_malformed();
    struct kb_result res = files->copy(files->ctx, from, to);
    return answer(b2, judge(b2, &res, from));
}

static const struct {
    const char *name;
    uint32_t progress; /* element that holds the overall progress; 0: none */
    struct kb_result (*handle)(struct kb_backup2 *b2, plist_t message);
} handlers[] = {
    {"DLMessageDownloadFiles", 3, kb_dl_download},
    {"DLMessageUploadFiles", 2, kb_dl_upload},
    {"DLMessageGetFreeDiskSpace", 0, on_free_space},
    {"DLMessagePurgeDiskSpace", 0, on_unsupported},
    {"DLContentsOfDirectory", 0, on_contents},
    {"DLMessageCreateDirectory", 3, on_make_dir},
    {"DLMessageMoveFiles", 3, on_move},
    {"DLMessageMoveItems", 3, on_move},
    {"DLMessageRemoveFiles", 3, on_remove},
    {"DLMessageRemoveItems", 3, on_remove},
    {"DLMessageCopyItem", 4, on_copy},
};

struct kb_result kb_dl_handle(struct kb_backup2 *b2, const char *name, plist_t message) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(handlers); i++) {
        double done_pct = 0;

        if (strcmp(name, handlers[i].name) != 0) continue;
        if (handlers[i].progress > 0) kb_node_real(part(message, handlers[i].progress), &done_pct);
        struct kb_result res = kb_backup2_tick(b2, done_pct);
        if (kb_failed(&res)) return res;
        return handlers[i].handle(b2, message);
    }
    if (kb_text_starts(name, "DL")) return on_unsupported(b2, message);
    return kb_dl_malformed();
}
