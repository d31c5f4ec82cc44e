/* Names in the confined folder: make, move, copy, remove, list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "confined.h"

enum { COPY_DEPTH = 16, COPY_PIECE = 256 * 1024 };

static struct kb_result inside_for_change(struct kb_confined *confined, const char *path, bool whole,
                                          const char **inside) {
    struct kb_result res = kb_confined_inside(confined, path, whole, inside);

    if (!kb_failed(&res)) res = kb_confined_changeable(confined);
    return res;
}

struct kb_result kb_confined_make_dir(void *ctx, const char *path) {
    struct kb_confined *confined = ctx;
    const char *inside;
    struct kb_result res = inside_for_change(confined, path, true, &inside);

    if (kb_failed(&res) || inside[0] == '\0') return res; /* the folder itself is there */
    return kb_dir_make(confined->dir, inside);
}

static struct kb_result make_parent(struct kb_confined *confined, const char *inside) {
    char parent[KB_CONFINED_NAME];
    const char *slash = strrchr(inside, '/');

    if (!slash) return kb_ok();
    snprintf(parent, sizeof parent, "%.*s", (int)(slash - inside), inside);
    return kb_dir_make(confined->dir, parent);
}

static enum kb_entry_kind kind_of(struct kb_confined *confined, const char *inside, bool *there) {
    struct kb_stat stat;
    struct kb_result res = kb_dir_stat(confined->dir, inside, &stat);

    *there = !kb_failed(&res);
    return *there ? stat.kind : KB_ENTRY_OTHER;
}

/* A file replaces a file by itself; a folder is in the way of everything, and everything is in a folder's way. */
static struct kb_result clear_way(struct kb_confined *confined, enum kb_entry_kind moved, const char *to) {
    bool there;
    enum kb_entry_kind kind = kind_of(confined, to, &there);

    if (!there || (moved == KB_ENTRY_FILE && kind == KB_ENTRY_FILE)) return kb_ok();
    return kb_dir_remove(confined->dir, to);
}

/* The common case is one rename; what may be wrong is looked at only after it failed. */
struct kb_result kb_confined_rename(struct kb_confined *confined, const char *from, const char *to) {
    struct kb_result res = kb_dir_move(confined->dir, from, to);
    struct kb_result mended;
    enum kb_entry_kind moved;
    bool there;

    if (!kb_failed(&res) || res.code == KB_HOST_NO_SPACE || res.code == KB_HOST_IO || res.code == KB_HOST_DENIED)
        return res;
    moved = kind_of(confined, from, &there);
    if (!there) return res;
    mended = make_parent(confined, to);
    if (!kb_failed(&mended)) mended = clear_way(confined, moved, to);
    if (kb_failed(&mended)) return mended;
    return kb_dir_move(confined->dir, from, to);
}

/* "a/b" is in "a". Both ways matter: a folder moved into itself is lost, one that replaces its parent too. */
static bool is_within(const char *inner, const char *outer) {
    size_t size = strlen(outer);

    return strncmp(inner, outer, size) == 0 && (inner[size] == '/' || inner[size] == '\0');
}

static struct kb_result overlap(void) {
    return kb_fail(KB_HOST, KB_HOST_EXISTS,
                   _("The device tried to move or copy a folder into itself; disconnect it and start again"));
}

struct kb_result kb_confined_move(void *ctx, const char *from, const char *to) {
    struct kb_confined *confined = ctx;
    const char *source, *target;
    struct kb_result res = inside_for_change(confined, from, false, &source);

    if (!kb_failed(&res)) res = inside_for_change(confined, to, false, &target);
    if (kb_failed(&res)) return res;
    if (strcmp(source, target) == 0) return kb_dir_move(confined->dir, source, target);
    if (is_within(source, target) || is_within(target, source)) return overlap();
    return kb_confined_rename(confined, source, target);
}

static struct kb_result pour(struct kb_handle *from, struct kb_handle *to) {
    unsigned char *piece = kb_xmalloc(COPY_PIECE);
    struct kb_result res;
    size_t got = 0;

    do {
        res = kb_handle_read(from, piece, COPY_PIECE, &got);
        if (!kb_failed(&res) && got) res = kb_handle_write(to, piece, got);
    } while (!kb_failed(&res) && got);
    free(piece);
    return res;
}

static struct kb_result copy_file(struct kb_confined *confined, const char *from, const char *to) {
    struct kb_handle *source = NULL, *target = NULL;
    char temporary[64];
    struct kb_result res = kb_handle_open(confined->dir, from, KB_OPEN_READ, &source);
    struct kb_result closed;

    if (kb_failed(&res)) return res;
    kb_confined_temporary(confined, temporary);
    res = kb_handle_open(confined->dir, temporary, KB_OPEN_NEW, &target);
    if (!kb_failed(&res)) res = pour(source, target);
    closed = kb_handle_close(source);
    if (!kb_failed(&res)) res = closed;
    closed = kb_handle_close(target);
    if (!kb_failed(&res)) res = closed;
    if (!kb_failed(&res)) res = kb_confined_rename(confined, temporary, to);
    if (kb_failed(&res)) {
        closed = kb_dir_remove(confined->dir, temporary);
        (void)closed; /* swept at the next opening */
    }
    return res;
}

static bool collect(void *arg, const struct kb_entry *entry) {
    if (!kb_confined_is_temporary(entry->name)) kb_buf_add(arg, entry->name, strlen(entry->name) + 1);
    return true;
}

static struct kb_result copy_tree(struct kb_confined *confined, const char *from, const char *to, int depth);

static struct kb_result copy_children(struct kb_confined *confined, const char *from, const char *to, int depth) {
    struct kb_buf names = {NULL, 0, 0};
    struct kb_result res = kb_dir_list(confined->dir, from, collect, &names);

    for (size_t at = 0; !kb_failed(&res) && at < names.size; at += strlen(names.data + at) + 1) {
        char *source = kb_xasprintf("%s/%s", from, names.data + at);
        char *target = kb_xasprintf("%s/%s", to, names.data + at);

        res = copy_tree(confined, source, target, depth + 1);
        free(target);
        free(source);
    }
    kb_buf_release(&names);
    return res;
}

static struct kb_result copy_tree(struct kb_confined *confined, const char *from, const char *to, int depth) {
    struct kb_stat stat;
    struct kb_result res = kb_dir_stat(confined->dir, from, &stat);

    if (kb_failed(&res)) return res;
    if (depth > COPY_DEPTH)
        return kb_fail(KB_HOST, KB_HOST_LOOP,
                       _("The backup folder is nested too deeply to be copied; make a new backup"));
    if (stat.kind == KB_ENTRY_FILE) return copy_file(confined, from, to);
    if (stat.kind != KB_ENTRY_DIR)
        return kb_fail(KB_HOST, KB_HOST_REFUSED, _("The backup folder holds a link or a device; make a new backup"));
    res = kb_dir_make(confined->dir, to);
    if (kb_failed(&res)) return res;
    return copy_children(confined, from, to, depth);
}

struct kb_result kb_confined_copy(void *ctx, const char *from, const char *to) {
    struct kb_confined *confined = ctx;
    const char *source, *target;
    struct kb_result res = inside_for_change(confined, from, false, &source);

    if (!kb_failed(&res)) res = inside_for_change(confined, to, false, &target);
    if (kb_failed(&res)) return res;
    if (is_within(source, target) || is_within(target, source)) return overlap();
    return copy_tree(confined, source, target, 0);
}

struct kb_result kb_confined_remove(void *ctx, const char *path) {
    struct kb_confined *confined = ctx;
    const char *inside;
    struct kb_result res = inside_for_change(confined, path, false, &inside);

    if (kb_failed(&res)) return res;
    return kb_dir_remove(confined->dir, inside);
}

struct listing {
    bool (*each)(void *arg, const struct kb_entry *entry);
    void *arg;
};

static bool show(void *arg, const struct kb_entry *entry) {
    const struct listing *listing = arg;

    return kb_confined_is_temporary(entry->name) || listing->each(listing->arg, entry);
}

struct kb_result kb_confined_list(void *ctx, const char *path, bool (*each)(void *arg, const struct kb_entry *entry),
                                  void *arg) {
    struct kb_confined *confined = ctx;
    struct listing listing = {each, arg};
    const char *inside;
    struct kb_result res = kb_confined_inside(confined, path, true, &inside);

    if (kb_failed(&res)) return res;
    return kb_dir_list(confined->dir, inside, show, &listing);
}

struct kb_result kb_confined_space(void *ctx, int64_t *bytes) {
    struct kb_confined *confined = ctx;

    return kb_dir_space(confined->dir, bytes);
}
