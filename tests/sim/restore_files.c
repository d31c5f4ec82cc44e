/* The files of a restore: asked in batches, decrypted, checked and kept (protocol.md 3.7, 7). */
#include "restore.h"
#include "system.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_MAX 65536
#define PIECE      65536

/* Where plain bytes of the present file go. */
enum keep_mode { KEEP_UNKNOWN, KEEP_GENERATED, KEEP_MEMORY, KEEP_DISK };
struct keeper {
    enum keep_mode mode;
    uint64_t seed;
    int64_t size;
    struct sim_blob *blob;
    FILE *disk;
    char path[680];
    char head[16]; /* of SQLite, to tell whose size may differ */
};

struct receiver {
    struct restore *restore;
    const struct row *const *batch;
    const struct row *row;
    EVP_CIPHER_CTX *cbc;
    EVP_MD_CTX *sha;
    bool hash;
    uint8_t key[MB_KEY];
    int64_t stored;
    uint8_t held[16]; /* the last plain block, whose padding is not known before the end */
    bool holds;
    uint8_t last[32]; /* the last two stored blocks, when nothing is decrypted any more */
    bool skip;
    struct keeper keeper;
    uint8_t *plain, *expected;
};

/* System domains and settings, which two of the options are about. */
static bool is_settings(const char *domain) {
    return !strcmp(domain, "SystemPreferencesDomain") || !strcmp(domain, "ManagedPreferencesDomain");
}

static bool is_system(const char *domain) {
    static const char *const apps[] = {"AppDomain", "CameraRollDomain", "MediaDomain", "HomeDomain", "HealthDomain"};

    for (size_t i = 0; i < sizeof apps / sizeof *apps; i++)
        if (!strncmp(domain, apps[i], strlen(apps[i]))) return false;
    return true;
}

bool restore_wants(const struct restore *restore, const struct row *row) {
    return row->flags == SIM_REGULAR && (restore->system_files || !is_system(row->domain)) &&
           (!restore->preserve || !is_settings(row->domain));
}

static void to_disk(struct receiver *r, const void *bytes, size_t size) {
    struct keeper *keeper = &r->keeper;
    char hex[41];

    if (keeper->mode != KEEP_DISK) {
        sim_id_hex(r->row->id, hex);
        sim_folder_make(r->restore->folder);
        snprintf(keeper->path, sizeof keeper->path, "%s/%s", r->restore->folder, hex);
        keeper->disk = fopen(keeper->path, "wb");
        if (!keeper->disk) link_fail(r->restore->link, MB_STAGING, "Cannot keep a restored file");
        keeper->mode = KEEP_DISK;
    }
    if (keeper->disk) fwrite(bytes, 1, size, keeper->disk);
}

/* What looked generated is not: what has passed is made again, and the rest kept. */
static void give_up_generated(struct receiver *r, int64_t upto) {
    to_disk(r, "", 0);
    for (int64_t at = 0; at < upto; at += PIECE) {
        size_t n = upto - at < PIECE ? (size_t)(upto - at) : PIECE;

        sim_generate(r->keeper.seed, at, r->expected, n);
        to_disk(r, r->expected, n);
    }
}

static bool as_generated(struct receiver *r, const uint8_t *bytes, size_t size) {
    int64_t from = r->keeper.size & ~7ll;
    size_t skew = (size_t)(r->keeper.size - from);

    sim_generate(r->keeper.seed, from, r->expected, size + skew);
    return !memcmp(r->expected + skew, bytes, size);
}

static void keep_piece(struct receiver *r, const uint8_t *bytes, size_t size) {
    struct keeper *keeper = &r->keeper;

    if (keeper->mode == KEEP_GENERATED && !as_generated(r, bytes, size)) give_up_generated(r, keeper->size);
    if (keeper->mode == KEEP_MEMORY && keeper->blob->size + size > MEMORY_MAX) {
        to_disk(r, keeper->blob->data, keeper->blob->size);
        sim_blob_put(keeper->blob);
        keeper->blob = NULL;
    }
    if (keeper->mode == KEEP_DISK)
        to_disk(r, bytes, size);
    else if (keeper->mode == KEEP_MEMORY) {
        memcpy(keeper->blob->data + keeper->blob->size, bytes, size);
        keeper->blob->size += size;
    }
    keeper->size += (int64_t)size;
}

static void keep(struct receiver *r, const uint8_t *bytes, size_t size) {
    struct keeper *keeper = &r->keeper;

    if (keeper->mode == KEEP_UNKNOWN && size) {
        bool generated = size >= 16 && sim_generated_by(bytes, &keeper->seed);

        keeper->mode = generated ? KEEP_GENERATED : KEEP_MEMORY;
        memcpy(keeper->head, bytes, size < 16 ? size : 16);
        if (!generated) {
            keeper->blob = sim_blob_new(NULL, MEMORY_MAX);
            keeper->blob->size = 0;
        }
        r->skip = generated && r->restore->check != CHECK_FULL;
    }
    for (size_t n; size; bytes += n, size -= n) {
        n = size < PIECE - 16 ? size : PIECE - 16;
        keep_piece(r, bytes, n);
    }
}

static void receive_begin(void *ctx, size_t index) {
    struct receiver *r = ctx;

    r->row = r->batch[index];
    r->stored = 0;
    r->holds = r->skip = false;
    memset(&r->keeper, 0, sizeof r->keeper);
    r->hash = sim_has_digest(r->row->domain) && r->restore->check != CHECK_NONE;
    if (r->hash) EVP_DigestInit_ex(r->sha, mb_sha1(), NULL);
    if (r->restore->encrypted) {
        static const uint8_t zero[16];

        if (!r->row->has_key || !mb_key_open(&r->restore->bag, r->row->key, r->key))
            link_fail(r->restore->link, MB_CORRUPT, "Cannot unwrap a file's key");
        EVP_CipherInit_ex(r->cbc, mb_aes(), NULL, r->key, zero, false);
        EVP_CIPHER_CTX_set_padding(r->cbc, 0);
    }
}

/* Remembers the last two blocks as stored. */
static void hold_stored(struct receiver *r, const uint8_t *bytes, size_t size) {
    if (size >= 32) {
        memcpy(r->last, bytes + size - 32, 32);
        return;
    }
    memmove(r->last, r->last + size, 32 - size);
    memcpy(r->last + 32 - size, bytes, size);
}

static void receive_decrypt(struct receiver *r, const uint8_t *bytes, size_t size) {
    size_t n = mb_cbc(r->cbc, bytes, size, r->plain, false);

    if (n < 16) return;
    if (r->holds) keep(r, r->held, 16);
    memcpy(r->held, r->plain + n - 16, 16);
    r->holds = true;
    keep(r, r->plain, n - 16);
}

static void receive_data(void *ctx, const uint8_t *bytes, size_t size) {
    struct receiver *r = ctx;

    r->stored += (int64_t)size;
    r->restore->done += (int64_t)size;
    if (r->hash) EVP_DigestUpdate(r->sha, bytes, size);
    if (r->restore->encrypted) hold_stored(r, bytes, size);
    if (r->skip) return;
    if (r->restore->encrypted)
        receive_decrypt(r, bytes, size);
    else
        keep(r, bytes, size);
}

/* When the middle was not decrypted: the last block alone, by the one before it. */
static void finish_skipped(struct receiver *r) {
    unsigned padding = 0;

    if (r->restore->encrypted) {
        EVP_CipherInit_ex(r->cbc, mb_aes(), NULL, r->key, r->last, false);
        EVP_CIPHER_CTX_set_padding(r->cbc, 0);
        mb_cbc(r->cbc, r->last + 16, 16, r->held, false);
        padding = mb_padding(r->held);
        r->restore->bad_padding += !padding;
    }
    r->keeper.size = r->stored - padding;
}

static void finish_decrypted(struct receiver *r) {
    unsigned padding = r->holds ? mb_padding(r->held) : 0;

    if (!padding || r->stored % 16) {
        r->restore->bad_padding++;
        return;
    }
    keep(r, r->held, 16 - padding);
}

static bool size_may_differ(const struct receiver *r) {
    const char *path = r->row->path;
    size_t n = strlen(path);

    return !memcmp(r->keeper.head, "SQLite format 3", 16) ||
           (n > 4 && (!strcmp(path + n - 4, "-wal") || !strcmp(path + n - 4, "-shm"))) ||
           (n > 8 && !strcmp(path + n - 8, "-journal"));
}

static void check_digest(struct receiver *r) {
    uint8_t digest[20];

    if (!r->hash) return;
    EVP_DigestFinal_ex(r->sha, digest, NULL);
    if (!r->row->has_digest)
        r->restore->no_digest++;
    else if (memcmp(digest, r->row->digest, 20) != 0)
        r->restore->bad_digest++;
}

static void keep_file(struct receiver *r) {
    struct keeper *keeper = &r->keeper;
    struct sim_file file = {.domain = r->row->domain, .path = r->row->path, .flags = SIM_REGULAR};

    file.class = (uint8_t)(r->row->class >= 1 && r->row->class <= 4 ? r->row->class : 4);
    file.size = keeper->size;
    file.mtime = (uint32_t)r->row->mtime;
    file.version = r->restore->content->restores;
    file.seed = keeper->mode == KEEP_GENERATED ? keeper->seed : 0;
    if (keeper->mode == KEEP_DISK) {
        file.source = SIM_ON_DISK;
        file.disk = strdup(keeper->path);
    } else if (keeper->mode != KEEP_GENERATED) {
        file.source = SIM_IN_MEMORY;
        file.bytes = keeper->blob ? sim_blob_new(keeper->blob->data, keeper->blob->size) : sim_blob_new("", 0);
    }
    sim_content_add(&r->restore->fresh, &file);
}

static void receive_end(void *ctx, size_t index, bool ok) {
    struct receiver *r = ctx;

    (void)index;
    if (!ok) r->restore->missing++;
    if (ok && r->skip)
        finish_skipped(r);
    else if (ok && r->restore->encrypted)
        finish_decrypted(r);
    if (ok) check_digest(r);
    if (r->keeper.disk && fclose(r->keeper.disk) != 0)
        link_fail(r->restore->link, MB_DEVICE_FULL, "No space left on device");
    if (ok && r->keeper.size != r->row->size && !size_may_differ(r)) r->restore->bad_size++;
    if (ok) keep_file(r);
    sim_blob_put(r->keeper.blob);
    r->keeper.blob = NULL;
    r->keeper.disk = NULL;
}

static bool ask_batch(struct restore *restore, struct receiver *r, const struct row *const *batch, size_t count) {
    struct raw_sink sink = {r, receive_begin, receive_data, receive_end};
    char names[BATCH][300], hex[41];
    const char *paths[BATCH];
    uint64_t bytes = 0;
    int64_t code, missing = restore->missing;

    for (size_t i = 0; i < count; i++) {
        sim_id_hex(batch[i]->id, hex);
        snprintf(names[i], sizeof names[i], "%.200s/%.2s/%s", restore->source, hex, hex);
        paths[i] = names[i];
        bytes += (uint64_t)stored_size(batch[i]->size, restore->encrypted);
    }
    r->batch = batch;
    restore->link->progress = 6 + (restore->bytes ? 91.0 * (double)restore->done / (double)(restore->bytes + 1) : 0);
    if (restore->link->progress > 97) restore->link->progress = 97;
    if (!raw_ask(restore->link, paths, count, bytes, &sink, &code) || restore->link->error) return false;
    if (code == DL_NO_SPACE) return link_fail(restore->link, MB_DEVICE_FULL, "No space left on device");
    if (code != DL_OK && code != DL_MULTI && code != DL_NOT_FOUND)
        return link_fail(restore->link, MB_READ_HOST, "Error downloading files (host code %lld)", (long long)code);
    if (code != DL_OK && missing == restore->missing) restore->missing++;
    return true;
}

/* A row that is no file needs nothing from the host. */
static void keep_row(struct restore *restore, const struct row *row) {
    struct sim_file file = {.domain = row->domain, .path = row->path, .flags = (uint8_t)row->flags};

    if (row->flags == SIM_REGULAR || (!restore->system_files && is_system(row->domain)) ||
        (restore->preserve && is_settings(row->domain)))
        return;
    file.target = row->flags == SIM_SYMLINK ? (row->target ? row->target : "") : NULL;
    file.mtime = (uint32_t)row->mtime;
    sim_content_add(&restore->fresh, &file);
}

static int rows_by_path(const void *a, const void *b) {
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
    int order = strcmp(x->domain, y->domain);

    return order ? order : strcmp(x->path, y->path);
}

bool restore_files(struct restore *restore) {
    struct receiver r = {.restore = restore};
    const struct row **all = malloc((restore->rows.count + 1) * sizeof *all);
    size_t count = 0;
    bool ok = true;

    for (size_t i = 0; i < restore->rows.count; i++) {
        if (restore_wants(restore, &restore->rows.row[i])) all[count++] = &restore->rows.row[i];
        keep_row(restore, &restore->rows.row[i]);
    }
    qsort(all, count, sizeof *all, rows_by_path);
    r.cbc = EVP_CIPHER_CTX_new();
    r.sha = EVP_MD_CTX_new();
    r.plain = malloc((1u << 20) + 64);
    r.expected = malloc(PIECE + 64);
    for (size_t at = 0; ok && at < count; at += BATCH)
        ok = ask_batch(restore, &r, all + at, count - at < BATCH ? count - at : BATCH);
    if (r.keeper.disk) fclose(r.keeper.disk);
    sim_blob_put(r.keeper.blob);
    EVP_CIPHER_CTX_free(r.cbc);
    EVP_MD_CTX_free(r.sha);
    free(r.plain);
    free(r.expected);
    free(all);
    return ok;
}
