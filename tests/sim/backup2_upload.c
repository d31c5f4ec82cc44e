/* The files of a backup on their way to the host: batches, errors of single files, digests noted (3.6, 7 to 9). */
#include "backup2_host.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

bool backup_put_status(struct backup *backup, const char *snapshot_state, bool full) {
    char path[160];

    snprintf(path, sizeof path, "%s/Status.plist", backup->udid);
    snprintf(backup->status.backup_state, sizeof backup->status.backup_state, "new");
    snprintf(backup->status.snapshot_state, sizeof backup->status.snapshot_state, "%s", snapshot_state);
    backup->status.full = full;
    return raw_put_plist(backup->link, path, status_make(&backup->status));
}

static bool make_directories(struct backup *backup) {
    static const char *const bases[] = {"", "Snapshot"};
    char path[160];

    for (int b = 0; b < 2; b++) {
        snprintf(path, sizeof path, "%s%s%s", backup->udid, b ? "/" : "", bases[b]);
        if (!host_make_directory(backup->link, path)) return false;
        for (unsigned i = 0; i < 256; i++) {
            snprintf(path, sizeof path, "%s/%s%s%02x", backup->udid, bases[b], b ? "/" : "", i);
            if (!host_make_directory(backup->link, path)) return false;
        }
    }
    return true;
}

/* What became of a file is kept where the next run, and a resumed one, look for it. */
static void note_digest(struct backup *backup, struct sim_file *file, const uint8_t digest[20]) {
    struct sim_file *kept;

    pthread_mutex_lock(&backup->content->lock);
    kept = sim_content_find(backup->content, file->id);
    for (int i = 0; i < 2; i++) {
        struct sim_file *to = i ? kept : file;

        if (!to || to->version != file->version) continue;
        memcpy(backup->encrypted ? to->cipher_digest : to->plain_digest, digest, 20);
        *(backup->encrypted ? &to->cipher_known : &to->plain_known) = true;
    }
    pthread_mutex_unlock(&backup->content->lock);
}

/* One file. fail_after >= 0: the device cannot read on after so many bytes, and says so. */
static bool send_file(struct backup *backup, struct sim_file *file, int64_t fail_after) {
    struct link *link = backup->link;
    struct stored stored;
    char to[160], from[1200];
    const uint8_t *bytes;
    uint8_t digest[20];
    int64_t sent = 0;
    size_t n;
    bool ok;

    host_path(backup, "Snapshot/", file, to);
    snprintf(from, sizeof from, "/.b/6/%s/%s", file->domain, file->path);
    ok = raw_names(link, from, to);
    stored_open(&stored, file, backup->udid, backup->encrypted);
    while (ok && (fail_after < 0 || sent < fail_after) && (n = stored_next(&stored, &bytes))) {
        if (fail_after >= 0 && sent + (int64_t)n > fail_after) n = (size_t)(fail_after - sent);
        ok = raw_block(link, bytes, n);
        sent += (int64_t)n;
    }
    stored_close(&stored, digest);
    backup->sent += sent;
    if (ok && fail_after < 0 && sim_has_digest(file->domain)) note_digest(backup, file, digest);
    return ok && raw_done(link, fail_after < 0 ? NULL : "File changed while it was read");
}

static void note_upload(struct sim_content *content, const struct sim_file *file) {
    if (content->upload_count == content->upload_room) {
        content->upload_room = content->upload_room ? content->upload_room * 2 : 256;
        content->uploads = realloc(content->uploads, content->upload_room * sizeof *content->uploads);
        if (!content->uploads) abort();
    }
    memcpy(content->uploads[content->upload_count].id, file->id, 20);
    content->uploads[content->upload_count++].version = file->version;
}

static bool fails(struct backup *backup, const struct sim_file *file, int64_t *errors) {
    if (*errors <= 0 || file->size < 64) return false;
    (void)backup;
    (*errors)--;
    return true;
}

/* One UploadFiles with the files at these indexes. */
static bool send_batch(struct backup *backup, const size_t *index, int count, int64_t *errors) {
    struct link *link = backup->link;
    uint64_t bytes = 0;
    int64_t code;

    for (int i = 0; i < count; i++) bytes += (uint64_t)stored_size(backup->files[index[i]].size, backup->encrypted);
    link->progress = 5 + (backup->total ? 85.0 * (double)backup->sent / (double)backup->total : 0);
    if (!raw_start(link, bytes)) return false;
    for (int i = 0; i < count; i++) {
        struct sim_file *file = &backup->files[index[i]];
        bool fail = fails(backup, file, errors);

        if (!send_file(backup, file, fail ? file->size / 2 : -1)) return false;
        if (fail) backup->state[index[i]] = FILE_AGAIN;
    }
    if (!raw_finish(link, &code)) return false;
    if (code == DL_NO_SPACE) return link_fail(link, MB_HOST_FULL, "No space left on the drive while uploading files");
    if (code != DL_OK)
        return link_fail(link, MB_WRITE_HOST, "Multiple errors uploading files (host code %lld)", (long long)code);
    for (int i = 0; i < count; i++)
        if (backup->state[index[i]] != FILE_AGAIN) note_upload(backup->content, &backup->files[index[i]]);
    return true;
}

/* All files of a state, in batches. */
static bool send_all(struct backup *backup, enum file_state state, int64_t errors) {
    size_t index[BATCH];
    int count = 0;

    for (size_t i = 0; i < backup->count; i++) {
        if (backup->state[i] != state) continue;
        if (state == FILE_AGAIN) backup->state[i] = FILE_UPLOAD;
        index[count++] = i;
        if (count < BATCH) continue;
        if (!send_batch(backup, index, count, &errors)) return false;
        backup->uploaded += count;
        count = 0;
    }
    if (count && !send_batch(backup, index, count, &errors)) return false;
    backup->uploaded += count;
    return true;
}

static bool put_manifest_plist(struct backup *backup) {
    char path[160], *bytes = NULL;
    uint32_t size = 0;
    plist_t plist =
        manifest_plist_make(backup->dev, backup->files, backup->count, backup->encrypted, backup->manifest_key);

    snprintf(path, sizeof path, "%s/Snapshot/Manifest.plist", backup->udid);
    plist_to_bin(plist, &bytes, &size);
    plist_free(plist);
    sim_blob_put(backup->manifest);
    backup->manifest = sim_blob_new(bytes, size);
    free(bytes);
    backup->manifest_sent = true;
    return raw_put_blob(backup->link, path, backup->manifest->data, backup->manifest->size);
}

/* The database as it is stored: encrypted with a whole block of padding at its end. */
static bool encrypt_database(struct backup *backup) {
    FILE *in = fopen(backup->db_path, "rb"), *out = fopen(backup->enc_path, "wb");
    EVP_CIPHER_CTX *cbc = mb_cbc_new(backup->manifest_key, true);
    uint8_t plain[65536], cipher[65536 + 32];
    bool ok = in && out;
    size_t n;

    while (ok && (n = fread(plain, 1, sizeof plain, in)) > 0) {
        n = mb_cbc(cbc, plain, n, cipher, false);
        ok = fwrite(cipher, 1, n, out) == n;
    }
    n = ok ? mb_cbc(cbc, plain, 0, cipher, true) : 0;
    ok = ok && fwrite(cipher, 1, n, out) == n;
    EVP_CIPHER_CTX_free(cbc);
    if (in) fclose(in);
    if (out) ok = fclose(out) == 0 && ok;
    return ok;
}

static bool put_database(struct backup *backup) {
    const char *stored = backup->encrypted ? backup->enc_path : backup->db_path;
    char path[160];
    FILE *file;
    long size;
    bool ok;

    if (!manifest_db_make(backup->dev, backup->files, backup->count, backup->encrypted, backup->db_path) ||
        (backup->encrypted && !encrypt_database(backup)))
        return link_fail(backup->link, MB_GENERIC, "Cannot make the manifest database");
    file = fopen(stored, "rb");
    if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET))
        return link_fail(backup->link, MB_GENERIC, "Cannot read the manifest database");
    snprintf(path, sizeof path, "%s/Snapshot/Manifest.db", backup->udid);
    ok = raw_put_file(backup->link, path, file, (uint64_t)size);
    fclose(file);
    return ok;
}

bool backup_upload(struct backup *backup) {
    int64_t errors = sim_number(backup->dev, "upload_errors", 0);

    if (!make_directories(backup) || !backup_put_status(backup, "uploading", !backup->has_old)) return false;
    if (sim_switch(backup->dev, "manifest_first", false) && !put_manifest_plist(backup)) return false;
    if (!send_all(backup, FILE_UPLOAD, errors)) return false;
    /* What changed meanwhile takes one more round, free space and directories with it. */
    if (errors > 0 && (!host_room(backup->link, 0) || !make_directories(backup) || !send_all(backup, FILE_AGAIN, 0)))
        return false;
    backup->link->progress = 92;
    if (!backup->manifest_sent && !put_manifest_plist(backup)) return false;
    return put_database(backup) && backup_put_status(backup, "moving", !backup->has_old);
}
