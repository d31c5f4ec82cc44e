/*
 * Switches a device's backup encryption on. The device may ask for an earlier backup to key it anew; it is told that
 * there is none, because a finished backup is never changed (and a device that has none is the usual case).
 *
 * Source: protocol.md 3.10.
 */
#include "job.h"

static struct kb_result nothing(void) { return kb_fail(KB_HOST, KB_HOST_NOT_FOUND, _("There is no such file")); }
static struct kb_result denied(void) {
    return kb_fail(KB_HOST, KB_HOST_DENIED, _("The device may not write while its password is set"));
}

static struct kb_result no_open(void *ctx, const char *path, struct kb_file **file, int64_t *size) {
    (void)ctx, (void)path, (void)file, (void)size;
    return nothing();
}
static struct kb_result no_read(struct kb_file *file, void *data, size_t room, size_t *got) {
    (void)file, (void)data, (void)room, (void)got;
    return nothing();
}
static struct kb_result no_create(void *ctx, const char *path, struct kb_file **file) {
    (void)ctx, (void)path, (void)file;
    return denied();
}
static struct kb_result no_write(struct kb_file *file, const void *data, size_t size) {
    (void)file, (void)data, (void)size;
    return denied();
}
static struct kb_result no_commit(struct kb_file *file) {
    (void)file;
    return denied();
}
static void no_close(struct kb_file *file) { (void)file; }
static struct kb_result no_path(void *ctx, const char *path) { /* a folder is there, a removed file is not */
    (void)ctx, (void)path;
    return kb_ok();
}
static struct kb_result no_move(void *ctx, const char *from, const char *to) {
    (void)ctx, (void)from, (void)to;
    return nothing();
}
static struct kb_result no_list(void *ctx, const char *path, bool (*each)(void *arg, const struct kb_entry *entry),
                                void *arg) {
    (void)ctx, (void)path, (void)each, (void)arg;
    return nothing();
}
static struct kb_result real_space(void *ctx, int64_t *bytes) {
    const struct kb_files *folder = ctx;
    return folder->free_space(folder->ctx, bytes);
}

struct kb_result kb_job_encrypt(struct job *job, struct kb_files *folder) {
    const struct kb_files files = {folder,  no_open, no_read, no_create, no_write, no_commit, no_close,
                                   no_path, no_move, no_move, no_path,   no_list,  real_space};
    struct kb_transfer_end end = {0};
    struct job_transfer transfer;
    kb_job_transfer_init(&transfer, job, "encrypting");
    transfer.first_is_passcode = true;
    const struct kb_transfer_options options = {
        .udid = job->req->udid,
        .files = &files,
        .events = &transfer.events,
        .cancel = job->cancel,
        .password = job->req->password,
    };
    struct kb_result res;
    do {
        res = kb_transfer_encrypt(&options, &end);
    } while (kb_job_transfer_again(&transfer, &res));
    if (!kb_failed(&res)) job->device.backup_encryption = KB_YES;
    return kb_job_transfer_words(&transfer, res, false);
}
