/*
 * The seal: every file's SHA-256 beside the folder, in the form of sha256sum, and what the device was. Both are
 * complete or not there, the facts last, so facts mean a whole seal. Hashes are found in the order of the paths and
 * written as they come; nothing is kept in memory but one folder's names.
 */
#include <stdlib.h>
#include <string.h>

#include "hasher.h"
#include "seal.h"

enum { DEPTH_MAX = 8, THREADS = 4, GATHER = 64 * 1024, PROGRESS_MS = 100 };

struct sealing {
    struct kb_dir *root, *dir;
    const char *folder;
    struct kb_seal_reader *old; /* of an earlier seal; NULL none, or not to be used any more */
    struct kb_seal_line old_line;
    bool old_there;
    struct kb_handle *out;
    struct kb_buf text;
    struct kb_hasher *hasher;
    bool (*progress)(void *arg, int done_pct, int64_t bytes);
    void *arg;
    int64_t bytes, shown_ms;
    int done_pct;
    struct kb_result result;
};

static char *beside(const char *folder, const char *suffix) { return kb_xasprintf("%s%s", folder, suffix); }

/* ---- Writing lines ---- */

static struct kb_result flush(struct sealing *seal) {
    struct kb_result res = seal->text.size ? kb_handle_write(seal->out, seal->text.data, seal->text.size) : kb_ok();

    seal->text.size = 0;
    return res;
}

/* sha256sum marks a line with a backslash when the name needs one. */
static void put_line(struct kb_buf *out, const unsigned char sha256[32], const char *folder, const char *path) {
    char hex[65];

    kb_hex(hex, sha256, 32);
    if (strpbrk(path, "\\\n\r")) kb_buf_puts(out, "\\");
    kb_buf_printf(out, "%s  %s/", hex, folder);
    for (; *path; path++) {
        if (*path == '\n')
            kb_buf_puts(out, "\\n");
        else if (*path == '\r')
            kb_buf_puts(out, "\\r");
        else if (*path == '\\')
            kb_buf_puts(out, "\\\\");
        else
            kb_buf_add(out, path, 1);
    }
    kb_buf_puts(out, "\n");
}

static bool show(struct sealing *seal) {
    int64_t now = kb_clock_ms();

    if (!seal->progress || now - seal->shown_ms < PROGRESS_MS) return true;
    seal->shown_ms = now;
    if (seal->progress(seal->arg, seal->done_pct, seal->bytes)) return true;
    seal->result = kb_cancel_result();
    return false;
}

static bool hashed(void *arg, struct kb_hash_job *job) {
    struct sealing *seal = arg;

    if (kb_failed(&job->result)) {
        seal->result = job->result;
        return false;
    }
    put_line(&seal->text, job->sha256, seal->folder, job->path);
    seal->bytes += job->size;
    if (seal->text.size >= GATHER) seal->result = flush(seal);
    return !kb_failed(&seal->result) && show(seal);
}

/* ---- Hashes of an earlier seal ---- */

/* A damaged earlier seal is no reason not to seal: it is only not carried over. */
static void next_old(struct sealing *seal) {
    struct kb_result res = kb_seal_reader_next(seal->old, &seal->old_line, &seal->old_there);

    if (kb_failed(&res)) seal->old_there = false;
}

/*
 * An old hash holds when the file was not written since. Times are compared by whole seconds and the same second counts
 * as written since, so a doubt is answered by reading the file again.
 */
static bool carried(struct sealing *seal, const char *path, struct kb_hash_job *job) {
    struct kb_stat stat;
    struct kb_result res;

    if (!seal->old) return false;
    while (seal->old_there && strcmp(seal->old_line.path, path) < 0) next_old(seal);
    if (!seal->old_there || strcmp(seal->old_line.path, path) != 0) return false;
    res = kb_dir_stat(seal->dir, path, &stat);
    if (kb_failed(&res) || stat.kind != KB_ENTRY_FILE) return false;
    if (stat.modified >= kb_seal_reader_time(seal->old) / 1000000000) return false;
    memcpy(job->sha256, seal->old_line.sha256, 32);
    job->size = stat.size;
    return true;
}

/* ---- Walking ---- */

struct item {
    char *name; /* a folder's ends with '/': so the order of names is the order of whole paths */
    enum kb_entry_kind kind;
};
struct items {
    struct item *list;
    size_t count, room;
};

static bool take_item(void *arg, const struct kb_entry *entry) {
    struct items *items = arg;
    struct item *item;

    if (items->count == items->room) {
        items->room = items->room ? items->room * 2 : 64;
        items->list = kb_xrealloc(items->list, items->room * sizeof *items->list);
    }
    item = &items->list[items->count++];
    item->name = kb_xasprintf("%s%s", entry->name, entry->kind == KB_ENTRY_DIR ? "/" : "");
    item->kind = entry->kind;
    return true;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

static void items_release(struct items *items) {
    for (size_t i = 0; i < items->count; i++) free(items->list[i].name);
    free(items->list);
}

static bool add_file(struct sealing *seal, const char *path) {
    struct kb_hash_job *job = kb_hash_job_new(path, NULL);

    job->want_sha256 = true;
    job->known = carried(seal, path, job);
    return kb_hasher_add(seal->hasher, job);
}

static bool walk(struct sealing *seal, const char *rel, int depth);

static bool walk_item(struct sealing *seal, const char *rel, const struct item *item, int depth) {
    char *path = kb_xasprintf("%s%s", rel, item->name);
    bool right;

    if (item->kind == KB_ENTRY_DIR)
        right = walk(seal, path, depth + 1);
    else if (item->kind == KB_ENTRY_FILE)
        right = add_file(seal, path);
    else {
        seal->result = kb_fail(KB_STORE, KB_STORE_HOSTILE,
                               _("The backup's folder holds a link or a device and is not sealed; make a new backup"));
        right = false;
    }
    free(path);
    return right;
}

/* rel is "" or ends with '/'. */
static bool walk(struct sealing *seal, const char *rel, int depth) {
    struct items items = {NULL, 0, 0};
    size_t size = strlen(rel);
    char *folder = kb_xasprintf("%.*s", size ? (int)size - 1 : 0, rel);
    bool right = true;

    if (depth > DEPTH_MAX)
        seal->result =
            kb_fail(KB_STORE, KB_STORE_DAMAGED, _("The backup's folder is nested too deeply; make a new backup"));
    else
        seal->result = kb_dir_names(seal->dir, folder, take_item, &items);
    right = !kb_failed(&seal->result);
    if (items.count) qsort(items.list, items.count, sizeof *items.list, by_name);
    for (size_t i = 0; right && i < items.count; i++) {
        if (depth == 0) seal->done_pct = (int)(i * 100 / items.count);
        right = walk_item(seal, rel, &items.list[i], depth);
    }
    items_release(&items);
    free(folder);
    return right;
}

/* ---- The two files ---- */

static void open_old(struct sealing *seal) {
    static const char *const suffixes[] = {".sha256", ".sha256.old"};

    for (size_t i = 0; i < KB_ARRAY_SIZE(suffixes) && !seal->old; i++) {
        char *name = beside(seal->folder, suffixes[i]);
        struct kb_result res = kb_seal_reader_open(seal->root, name, seal->folder, &seal->old);

        if (!kb_failed(&res)) next_old(seal);
        free(name);
    }
}

static struct kb_result write_lines(struct sealing *seal) {
    struct kb_result closed;

    open_old(seal);
    seal->hasher = kb_hasher_new(seal->dir, THREADS, hashed, seal);
    walk(seal, "", 0);
    kb_hasher_end(seal->hasher);
    if (!kb_failed(&seal->result)) seal->result = flush(seal);
    if (!kb_failed(&seal->result)) seal->result = kb_handle_sync(seal->out);
    closed = kb_handle_close(seal->out);
    seal->out = NULL;
    if (!kb_failed(&seal->result)) seal->result = closed;
    kb_seal_reader_close(seal->old);
    kb_buf_release(&seal->text);
    return seal->result;
}

static struct kb_result write_hashes(struct sealing *seal) {
    char *name = beside(seal->folder, ".sha256");
    char *temporary = kb_xasprintf(".%s.sha256.new", seal->folder);
    struct kb_result res = kb_handle_open(seal->root, temporary, KB_OPEN_REPLACE, &seal->out);

    if (!kb_failed(&res)) res = write_lines(seal);
    if (!kb_failed(&res)) res = kb_dir_move(seal->root, temporary, name);
    if (kb_failed(&res)) {
        struct kb_result removed = kb_dir_remove(seal->root, temporary);
        (void)removed; /* the first failure is the one to tell; the next seal replaces the file */
    }
    free(temporary);
    free(name);
    return res;
}

static json_t *facts_json(struct sealing *seal, const struct kb_seal_facts *facts) {
    json_t *object = kb_device_to_json(facts->device);
    struct kb_status status;

    kb_status_read(seal->dir, &status);
    kb_json_set_text(object, "source_state", kb_source_name(facts->source));
    kb_json_set_time(object, "started_at", facts->started_at);
    kb_json_set_time(object, "finished_at", facts->finished_at);
    kb_json_set_text(object, "kitbench", KB_VERSION);
    kb_json_set_text(object, "by", facts->by);
    kb_json_set_text(object, "backup_uuid", status.uuid);
    return object;
}

static struct kb_result write_facts(struct sealing *seal, const struct kb_seal_facts *facts) {
    json_t *object = facts_json(seal, facts);
    char *line = kb_json_line(object);
    char *text = kb_xasprintf("%s\n", line);
    char *name = beside(seal->folder, ".facts.json");
    char *path = kb_path_join(kb_dir_path(seal->root), name);
    struct kb_result res = kb_file_save(path, text, strlen(text));

    free(path);
    free(name);
    free(text);
    free(line);
    json_decref(object);
    return res;
}

static bool safe_folder(const char *folder) {
    return folder && kb_name_is_safe(folder, strlen(folder)) && !strchr(folder, '/');
}

static struct kb_result refused(void) {
    return kb_fail(KB_HOST, KB_HOST_REFUSED, _("This folder's name cannot be sealed; name it after the device's UDID"));
}

static struct kb_result remove_beside(struct kb_dir *root, const char *folder, const char *suffix) {
    char *name = beside(folder, suffix);
    struct kb_result res = kb_dir_remove(root, name);

    free(name);
    return res;
}

struct kb_result kb_seal_write(const char *root, const char *folder, const struct kb_seal_facts *facts,
                               bool (*progress)(void *arg, int done_pct, int64_t bytes), void *arg) {
    struct sealing seal = {.folder = folder, .progress = progress, .arg = arg};
    char *path = kb_path_join(root, folder);
    struct kb_result res = safe_folder(folder) ? kb_dir_open(root, false, &seal.root) : refused();

    seal.result = kb_ok();
    if (!kb_failed(&res)) res = kb_dir_open(path, false, &seal.dir);
    if (!kb_failed(&res)) res = kb_dir_sync(seal.dir);
    if (!kb_failed(&res)) res = write_hashes(&seal);
    if (!kb_failed(&res)) res = write_facts(&seal, facts);
    if (!kb_failed(&res)) res = remove_beside(seal.root, folder, ".sha256.old");
    if (!kb_failed(&res) && progress) progress(arg, 100, seal.bytes);
    kb_dir_close(seal.dir);
    kb_dir_close(seal.root);
    free(path);
    return res;
}

static bool there(struct kb_dir *root, const char *folder, const char *suffix) {
    char *name = beside(folder, suffix);
    struct kb_stat stat = {.kind = KB_ENTRY_OTHER};
    struct kb_result res = kb_dir_stat(root, name, &stat);

    free(name);
    return !kb_failed(&res) && stat.kind == KB_ENTRY_FILE;
}

/* The facts go first: without them nothing counts as sealed. */
struct kb_result kb_seal_break(const char *root, const char *folder) {
    struct kb_dir *dir = NULL;
    char *name = beside(folder ? folder : "", ".sha256"), *old = beside(folder ? folder : "", ".sha256.old");
    struct kb_result res = safe_folder(folder) ? kb_dir_open(root, true, &dir) : refused();

    if (!kb_failed(&res)) res = remove_beside(dir, folder, ".facts.json");
    if (!kb_failed(&res) && there(dir, folder, ".sha256")) res = kb_dir_move(dir, name, old);
    kb_dir_close(dir);
    free(old);
    free(name);
    return res;
}

enum kb_seal_state kb_seal_state(const char *root, const char *folder) {
    struct kb_dir *dir = NULL;
    struct kb_result res = safe_folder(folder) ? kb_dir_open(root, false, &dir) : refused();
    bool whole = !kb_failed(&res) && there(dir, folder, ".sha256") && there(dir, folder, ".facts.json");

    kb_dir_close(dir);
    return whole ? KB_SEAL_PRESENT : KB_SEAL_NONE;
}
