/*
 * The folder of one transfer: the only place where a name that a device gave becomes a file. This file opens and locks
 * it and turns names into paths inside; confined_file.c moves bytes, confined_tree.c names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "confined.h"

bool kb_confined_is_temporary(const char *inside) { return kb_text_starts(inside, "." KB_CONFINED_TEMPORARY); }

void kb_confined_temporary(struct kb_confined *confined, char out[64]) {
    snprintf(out, 64, "." KB_CONFINED_TEMPORARY "%llu", (unsigned long long)confined->next_temporary++);
}

static struct kb_result refuse(struct kb_confined *confined, const char *path) {
    char shown[256];

    kb_text_clean(shown, sizeof shown, path ? path : "");
    if (!confined->refused) confined->refused = kb_xstrdup(shown);
    return kb_fail(
        KB_HOST, KB_HOST_REFUSED,
        _("The device named a file outside its backup folder (%s). Do not use this device; keep this report"), shown);
}

/* Files are told by bytes, so a name that only some systems hold equal to the folder's is another name. */
static const char *below_folder(const struct kb_confined *confined, const char *path) {
    size_t size = confined->folder_size;

    if (strncmp(path, confined->folder, size) != 0) return NULL;
    if (path[size] == '\0') return path + size;
    return path[size] == '/' ? path + size + 1 : NULL;
}

struct kb_result kb_confined_inside(struct kb_confined *confined, const char *path, bool whole, const char **inside) {
    const char *rest = path && path[0] == '/' ? path + 1 : path;
    const char *below;

    if (!rest || !kb_name_is_safe(rest, strlen(rest))) return refuse(confined, path);
    below = below_folder(confined, rest);
    if (!below || kb_confined_is_temporary(below) || (!whole && below[0] == '\0')) return refuse(confined, path);
    *inside = below;
    return kb_ok();
}

struct kb_result kb_confined_changeable(const struct kb_confined *confined) {
    if (!confined->read_only) return kb_ok();
    return kb_fail(KB_HOST, KB_HOST_DENIED,
                   _("The device tried to change the backup that is being restored; kitbench did not let it"));
}

struct sweep {
    struct kb_dir *dir;
    struct kb_buf names; /* each ends with NUL: removed after the listing, not during it */
};

static bool sweep_entry(void *arg, const struct kb_entry *entry) {
    struct sweep *sweep = arg;

    if (kb_confined_is_temporary(entry->name)) kb_buf_add(&sweep->names, entry->name, strlen(entry->name) + 1);
    return true;
}

/* Removes what a run that died left behind. The lock says that nobody is writing now. */
static struct kb_result sweep_temporaries(struct kb_dir *dir) {
    struct sweep sweep = {dir, {NULL, 0, 0}};
    struct kb_result res = kb_dir_list(dir, "", sweep_entry, &sweep);

    for (size_t at = 0; !kb_failed(&res) && at < sweep.names.size; at += strlen(sweep.names.data + at) + 1)
        res = kb_dir_remove(dir, sweep.names.data + at);
    kb_buf_release(&sweep.names);
    return res;
}

/*
 * The lock is a dot file beside the folder. A backup that is only read may lie where we must not write (a read-only
 * disk, another user's iTunes): then nobody can be writing into it either, as far as we are concerned.
 */
static struct kb_result take_lock(struct kb_confined *confined, const char *root, int64_t wait_ms) {
    char *name = kb_xasprintf(".%s.lock", confined->folder);
    char *path = kb_path_join(root, name);
    struct kb_result res = kb_lock_take(path, confined->read_only, wait_ms, &confined->lock);

    if (kb_is(&res, KB_HOST, KB_HOST_BUSY))
        res = kb_fail(KB_STORE, KB_STORE_BUSY,
                      _("Another kitbench is using the backup of %s; wait until it has ended, then try again"),
                      confined->folder);
    else if (kb_failed(&res) && confined->read_only)
        res = kb_ok();
    free(path);
    free(name);
    return res;
}

static struct kb_result open_folder(struct kb_confined *confined, const char *root) {
    char *path = kb_path_join(root, confined->folder);
    struct kb_result res = kb_dir_open(path, !confined->read_only, &confined->dir);

    if (kb_is(&res, KB_HOST, KB_HOST_NOT_FOUND))
        res = kb_fail(KB_STORE, KB_STORE_MISSING, _("There is no backup in %s; choose another folder"), path);
    free(path);
    if (kb_failed(&res) || confined->read_only) return res;
    return sweep_temporaries(confined->dir);
}

static const struct kb_files table = {
    .open = kb_confined_file_open,
    .read = kb_confined_file_read,
    .create = kb_confined_file_create,
    .write = kb_confined_file_write,
    .commit = kb_confined_file_commit,
    .close = kb_confined_file_close,
    .make_dir = kb_confined_make_dir,
    .move = kb_confined_move,
    .copy = kb_confined_copy,
    .remove = kb_confined_remove,
    .list = kb_confined_list,
    .free_space = kb_confined_space,
};

/* The folder may be of a foreign name when it is only read, but it is one component in any case. */
static bool folder_is_safe(const char *folder) {
    return folder && kb_name_is_safe(folder, strlen(folder)) && !strchr(folder, '/');
}

struct kb_result kb_confined_open(const char *root, const char *folder, bool read_only, int64_t wait_ms,
                                  struct kb_confined **out) {
    struct kb_confined *confined;
    struct kb_dir *top = NULL;
    struct kb_result res;

    if (!folder_is_safe(folder))
        return kb_fail(KB_HOST, KB_HOST_REFUSED,
                       _("This name cannot be a backup folder; rename the folder to the "
                         "device's UDID, then try again"));
    confined = kb_xcalloc(1, sizeof *confined);
    confined->files = table;
    confined->files.ctx = confined;
    confined->read_only = read_only;
    confined->folder_size = strlen(folder);
    memcpy(confined->folder, folder, confined->folder_size + 1);

    res = kb_dir_open(root, !read_only, &top);
    if (!kb_failed(&res)) res = take_lock(confined, root, wait_ms);
    if (!kb_failed(&res)) res = open_folder(confined, root);
    if (!kb_failed(&res)) {
        *out = confined;
        confined = NULL;
    }
    kb_dir_close(top);
    kb_confined_close(confined);
    return res;
}

void kb_confined_close(struct kb_confined *confined) {
    if (!confined) return;
    kb_confined_file_drop(confined->spare);
    kb_dir_close(confined->dir);
    kb_lock_release(confined->lock);
    free(confined->refused);
    free(confined);
}

struct kb_files *kb_confined_files(struct kb_confined *confined) {
    return &confined->files;
}

void kb_confined_on_arrival(struct kb_confined *confined, kb_arrived arrived, void *arg) {
    confined->arrived = arrived;
    confined->arrived_arg = arg;
}

const char *kb_confined_refused(const struct kb_confined *confined) { return confined->refused; }
