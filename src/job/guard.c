/*
 * The folder as a backup sees it: the confined folder, with one moment more: right before its first change the seal of
 * the backup that is in it is broken and Info.plist is written. A device that says no before that (no passcode, no
 * space) leaves a finished backup sealed as it was.
 */
#include "job.h"
#include <string.h>

static struct kb_result first_change(struct job_guard *guard) {
    if (guard->changed) return guard->first;
    guard->changed = true;
    guard->first = guard->before_change(guard->arg);
    return guard->first;
}

static struct kb_result guard_open(void *ctx, const char *path, struct kb_file **file, int64_t *size) {
    struct job_guard *guard = ctx;
    return guard->inner->open(guard->inner->ctx, path, file, size);
}

static struct kb_result guard_create(void *ctx, const char *path, struct kb_file **file) {
    struct job_guard *guard = ctx;
    struct kb_result res = first_change(guard);
    return kb_failed(&res) ? res : guard->inner->create(guard->inner->ctx, path, file);
}

static struct kb_result guard_make_dir(void *ctx, const char *path) {
    struct job_guard *guard = ctx;
    struct kb_result res = first_change(guard);
    return kb_failed(&res) ? res : guard->inner->make_dir(guard->inner->ctx, path);
}

static struct kb_result guard_move(void *ctx, const char *from, const char *to) {
    struct job_guard *guard = ctx;
    struct kb_result res = first_change(guard);
    return kb_failed(&res) ? res : guard->inner->move(guard->inner->ctx, from, to);
}

static struct kb_result guard_copy(void *ctx, const char *from, const char *to) {
    struct job_guard *guard = ctx;
    struct kb_result res = first_change(guard);
    return kb_failed(&res) ? res : guard->inner->copy(guard->inner->ctx, from, to);
}

static struct kb_result guard_remove(void *ctx, const char *path) {
    struct job_guard *guard = ctx;
    struct kb_result res = first_change(guard);
    return kb_failed(&res) ? res : guard->inner->remove(guard->inner->ctx, path);
}

static struct kb_result guard_list(void *ctx, const char *path, bool (*each)(void *arg, const struct kb_entry *entry),
                                   void *arg) {
    struct job_guard *guard = ctx;
    return guard->inner->list(guard->inner->ctx, path, each, arg);
}

static struct kb_result guard_free_space(void *ctx, int64_t *bytes) {
    struct job_guard *guard = ctx;
    return guard->inner->free_space(guard->inner->ctx, bytes);
}

void kb_job_guard_init(struct job_guard *guard, const struct kb_files *inner,
                       struct kb_result (*before_change)(void *arg), void *arg) {
    memset(guard, 0, sizeof *guard);
    guard->inner = inner;
    guard->before_change = before_change;
    guard->arg = arg;
    guard->files = *inner; /* read, write, commit and close work on the file alone */
    guard->files.ctx = guard;
    guard->files.open = guard_open;
    guard->files.create = guard_create;
    guard->files.make_dir = guard_make_dir;
    guard->files.move = guard_move;
    guard->files.copy = guard_copy;
    guard->files.remove = guard_remove;
    guard->files.list = guard_list;
    guard->files.free_space = guard_free_space;
}
