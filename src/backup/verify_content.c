/*
 * One file's content against its row. A digest proves every bit; without one an encrypted file still has its padding,
 * and a database may differ from its Size by whole pages, because the device wrote on it while it was copied.
 */
#include <string.h>

#include "verify.h"

static void damaged(struct kb_verify *verify, const struct kb_hash_job *job, const char *code, const char *text) {
    kb_finding(&verify->findings, KB_OUTCOME_DAMAGED, code, job->label, "%s", text);
}

/* The helpers of a database come and go with every transaction. */
static bool is_database_helper(const char *label) {
    static const char *const ends[] = {"-wal", "-shm", "-journal"};

    for (size_t i = 0; i < KB_ARRAY_SIZE(ends); i++)
        if (kb_text_ends(label, ends[i])) return true;
    return false;
}

/* A database of whole pages: length is the plain one. */
static bool is_database(const unsigned char head[32], int64_t length) {
    int64_t page = (int64_t)head[16] << 8 | head[17];

    if (page == 1) page = 65536;
    return memcmp(head, "SQLite format 3", 16) == 0 && page >= 512 && length % page == 0;
}

/* The first two and the last block in plain text, and the plain length; false when they do not decrypt to a file. */
static bool open_ends(const struct kb_hash_job *job, const unsigned char key[KB_KEY_BYTES], unsigned char head[32],
                      int64_t *length) {
    static const unsigned char zeros[16];
    unsigned char last[16];
    size_t front = job->size < 32 ? (size_t)job->size : 32;
    struct kb_cbc *cbc;
    bool right;
    int padding;

    cbc = kb_cbc_new();
    memcpy(head, job->head, 32);
    memcpy(last, job->tail + 16, 16);
    right = kb_cbc_decrypt(cbc, key, zeros, head, front - front % 16) &&
            kb_cbc_decrypt(cbc, key, job->size > 16 ? job->tail : zeros, last, 16);
    kb_cbc_free(cbc);
    padding = right ? kb_padding(last) : 0;
    *length = job->size - padding;
    return padding > 0;
}

static void judge_size(struct kb_verify *verify, const struct kb_hash_job *job, const unsigned char head[32],
                       int64_t length, int64_t size) {
    if (length == size) return;
    if (is_database(head, length) || is_database_helper(job->label))
        kb_finding(&verify->findings, KB_OUTCOME_WARNINGS, "size", job->label,
                   _("This database was written to while it was copied; it does no harm"));
    else
        damaged(verify, job, "length", _("This file has not the length that it should have; use another copy"));
}

static void judge_digest(struct kb_verify *verify, const struct kb_hash_job *job, const struct kb_checked *checked) {
    if (memcmp(job->sha1, checked->mbfile.digest, sizeof checked->mbfile.digest) != 0)
        damaged(verify, job, "digest",
                _("This file was changed after the backup; use another copy or make a new backup"));
    else if (checked->size_differs)
        kb_finding(&verify->findings, KB_OUTCOME_WARNINGS, "size", job->label,
                   _("This file was written to while it was copied, and is as the device sent it; it does no harm"));
}

static void judge_encrypted(struct kb_verify *verify, const struct kb_hash_job *job, const struct kb_checked *checked,
                            const unsigned char key[KB_KEY_BYTES]) {
    unsigned char head[32];
    int64_t length;

    if (open_ends(job, key, head, &length))
        judge_size(verify, job, head, length, checked->mbfile.size);
    else
        damaged(verify, job, "padding", _("The end of this file is damaged or cut off; use another copy"));
}

/* A file may be there bit for bit and yet nothing for the device, which has to open it. */
static void judge_key(struct kb_verify *verify, const struct kb_hash_job *job, const struct kb_checked *checked) {
    unsigned char key[KB_KEY_BYTES];

    if (!kb_keys_unwrap(&verify->backup->keys, checked->mbfile.key, KB_KEYED_BYTES, key)) {
        damaged(verify, job, "key", _("The key of this file does not open; use another copy or make a new backup"));
        return;
    }
    if (!job->want_sha1) judge_encrypted(verify, job, checked, key);
    kb_wipe(key, sizeof key);
}

void kb_verify_content(struct kb_verify *verify, const struct kb_hash_job *job, const struct kb_checked *checked) {
    bool encrypted = kb_backup_is_encrypted(verify->backup);

    if (job->size != checked->stored) {
        damaged(verify, job, "changed", _("This file changed while it was read; close other programs, then try again"));
        return;
    }
    if (job->want_sha1)
        judge_digest(verify, job, checked);
    else if (!encrypted)
        judge_size(verify, job, job->head, job->size, checked->mbfile.size);
    if (encrypted && checked->mbfile.has_key) judge_key(verify, job, checked);
}
