/* The first half of a backup: what the host has already, what has changed since, how much is to be sent (3.6, 2 to 6).
 */
#include "backup2_host.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void host_path(const struct backup *backup, const char *folder, const struct sim_file *file, char out[160]) {
    char hex[41];

    sim_id_hex(file->id, hex);
    snprintf(out, 160, "%s/%s%.2s/%s", backup->udid, folder, hex, hex);
}

static void name_in(const struct backup *backup, const char *name, char out[160]) {
    snprintf(out, 160, "%s/%s", backup->udid, name);
}

/* The old manifest's rows, when host's backup continues ours. has_old stays false when it does not. */
static bool read_database(struct backup *backup, const char *folder, plist_t manifest) {
    char path[160], why[128] = "", clear[620];
    FILE *into = fopen(backup->old_path, "wb");
    uint8_t key[MB_KEY];
    const uint8_t *sealed;
    size_t size;
    bool missing = true;
    int error;

    snprintf(path, sizeof path, "%s/%sManifest.db", backup->udid, folder);
    if (into) {
        raw_ask_file(backup->link, path, into, &missing);
        fclose(into);
    }
    if (missing) return !backup->link->down;
    snprintf(clear, sizeof clear, "%s.clear", backup->old_path);
    sealed = dict_data(manifest, "ManifestKey", &size);
    if (backup->encrypted && (!sealed || size != 44 || !mb_key_open(&backup->content->keybag, sealed, key) ||
                              !decrypt_file(backup->old_path, clear, key)))
        return link_fail(backup->link, MB_CORRUPT,
                         "Error reading backup properties: cannot decrypt the manifest database");
    error = rows_read(backup->encrypted ? clear : backup->old_path, &backup->old, why, sizeof why);
    unlink(clear);
    unlink(backup->old_path);
    if (error) return link_fail(backup->link, error, "Error reading backup properties: %s", why);
    backup->has_old = true;
    return true;
}

static bool read_manifests(struct backup *backup, const char *folder) {
    const struct mb_keybag *bag = &backup->content->keybag;
    char path[160];
    bool missing, ok = true;
    struct sim_blob *blob;
    plist_t manifest;
    const uint8_t *bytes;
    size_t size;

    snprintf(path, sizeof path, "%s/%sManifest.plist", backup->udid, folder);
    blob = raw_ask_blob(backup->link, path, &missing);
    if (missing) return !backup->link->down;
    manifest = plist_of(blob);
    sim_blob_put(blob);
    if (!manifest)
        return link_fail(backup->link, MB_CORRUPT,
                         "Error reading backup properties. Underlying error: Cannot parse a NULL or zero-length data "
                         "(MBErrorDomain/11)");
    bytes = dict_data(manifest, "BackupKeyBag", &size);
    /* Encryption switched, password changed or another device's: nothing can be continued. */
    if ((dict_bool(manifest, "IsEncrypted") == 1) == backup->encrypted && bytes && size == bag->size &&
        !memcmp(bytes, bag->bytes, size))
        ok = read_database(backup, folder, manifest);
    plist_free(manifest);
    return ok;
}

/* Are all files of the old manifest there, in the length in which they were stored? */
static bool verify_old(struct backup *backup) {
    struct listing listing;
    char path[160];
    bool missing, ok;

    name_in(backup, "Status.plist", path);
    sim_blob_put(raw_ask_blob(backup->link, path, &missing));
    ok = !backup->link->down && host_listing(backup->link, backup->udid, &listing);
    if (!ok) return false;
    for (size_t i = 0; i < backup->old.count && backup->has_old; i++) {
        const struct row *row = &backup->old.row[i];

        if (row->flags == SIM_REGULAR && !listing_has(&listing, row->id, stored_size(row->size, backup->encrypted)))
            backup->has_old = false;
    }
    listing_free(&listing);
    return true;
}

/* SnapshotState "moving": the new manifest is whole, its files are partly moved. Goes on where it stopped. */
static bool finish_moving(struct backup *backup) {
    struct listing listing;
    struct batch batch;
    char base[160], from[240], to[240];
    bool ok;

    name_in(backup, "Snapshot", base);
    ok = host_listing(backup->link, base, &listing);
    batch_start(&batch, backup->link, "DLMessageMoveItems", true);
    for (int i = 0; ok && i < 256; i++) {
        plist_dict_iter iter = NULL;
        char *key = NULL;
        plist_t value = NULL;

        if (!listing.sub[i]) continue;
        plist_dict_new_iter(listing.sub[i], &iter);
        for (plist_dict_next_item(listing.sub[i], iter, &key, &value); key && ok;
             plist_dict_next_item(listing.sub[i], iter, &key, &value)) {
            snprintf(from, sizeof from, "%s/%02x/%.40s", base, i, key);
            snprintf(to, sizeof to, "%s/%02x/%.40s", backup->udid, i, key);
            ok = strlen(key) != 40 || batch_move(&batch, from, to);
            free(key);
            key = NULL;
        }
        free(key);
        free(iter);
    }
    ok = ok && batch_flush(&batch);
    for (int i = 0; ok && i < 2; i++) {
        const char *name = i ? "Manifest.db" : "Manifest.plist";

        snprintf(from, sizeof from, "%s/%s", base, name);
        name_in(backup, name, to);
        ok = listing_size(listing.top, name) < 0 || batch_move(&batch, from, to);
    }
    ok = ok && batch_flush(&batch) && backup_put_status(backup, "removing", false);
    batch_end(&batch);
    listing_free(&listing);
    return ok;
}

static bool set_old_aside(struct backup *backup) {
    char stamp[SIM_STAMP];
    struct batch batch;
    bool ok;

    sim_stamp(stamp);
    snprintf(backup->set_aside, sizeof backup->set_aside, "%s-%s", backup->udid, stamp);
    batch_start(&batch, backup->link, "DLMessageMoveItems", true);
    ok = batch_move(&batch, backup->udid, backup->set_aside) && batch_flush(&batch);
    batch_end(&batch);
    backup->first = true;
    return ok;
}

bool backup_look(struct backup *backup) {
    char path[160];
    bool missing;
    struct sim_blob *blob;
    struct status old;
    int error;

    name_in(backup, "Status.plist", path);
    blob = raw_ask_blob(backup->link, path, &missing);
    if (backup->link->down) return false;
    backup->first = missing;
    if (missing) return true;
    error = status_read(blob, &old);
    sim_blob_put(blob);
    if (error && error != MB_VERSION) return link_fail(backup->link, error, "Error reading backup status");
    if (error || old.major * 100 + old.minor < 303) return set_old_aside(backup);
    if (!strcmp(old.snapshot_state, "moving") && !finish_moving(backup)) return false;
    backup->resumed = strcmp(old.snapshot_state, "finished") != 0;
    if (backup->forced || backup->content->password_changed || !strcmp(old.backup_state, "empty")) return true;
    return read_manifests(backup, "") && (!backup->has_old || verify_old(backup));
}

static bool was_uploaded(struct sim_content *content, const struct sim_file *file) {
    for (size_t i = 0; i < content->upload_count; i++)
        if (!memcmp(content->uploads[i].id, file->id, 20) && content->uploads[i].version == file->version) return true;
    return false;
}

/* Unchanged since the old manifest: its digest still holds. */
static bool unchanged(struct backup *backup, struct sim_file *file) {
    const struct row *row = backup->has_old ? rows_find(&backup->old, file->id) : NULL;

    if (!row || row->flags != file->flags || row->size != file->size || row->mtime != (int64_t)file->mtime)
        return false;
    if (row->has_digest) {
        memcpy(backup->encrypted ? file->cipher_digest : file->plain_digest, row->digest, 20);
        *(backup->encrypted ? &file->cipher_known : &file->plain_known) = true;
    }
    return true;
}

/* Files of an interrupted run that lie in Snapshot/ and are still what the device has. */
static bool find_uploaded(struct backup *backup) {
    struct listing listing;
    char base[160];
    bool ok;

    name_in(backup, "Snapshot", base);
    ok = host_listing(backup->link, base, &listing);
    for (size_t i = 0; ok && i < backup->count; i++) {
        struct sim_file *file = &backup->files[i];

        if (backup->state[i] == FILE_UPLOAD && was_uploaded(backup->content, file) &&
            (!sim_has_digest(file->domain) || (backup->encrypted ? file->cipher_known : file->plain_known)) &&
            listing_has(&listing, file->id, stored_size(file->size, backup->encrypted)))
            backup->state[i] = FILE_IN_SNAPSHOT;
    }
    listing_free(&listing);
    return ok;
}

bool backup_scan(struct backup *backup) {
    bool ok = true;

    sim_content_refresh(backup->dev);
    pthread_mutex_lock(&backup->content->lock);
    backup->files = sim_content_copy(backup->content, &backup->count);
    pthread_mutex_unlock(&backup->content->lock);
    backup->state = calloc(backup->count + 1, 1);
    for (size_t i = 0; i < backup->count; i++)
        if (backup->files[i].flags == SIM_REGULAR && !unchanged(backup, &backup->files[i]))
            backup->state[i] = FILE_UPLOAD;
    if (backup->resumed && !backup->forced && !backup->content->password_changed) ok = find_uploaded(backup);
    for (size_t i = 0; i < backup->count; i++) {
        backup->kept += backup->files[i].flags == SIM_REGULAR && backup->state[i] != FILE_UPLOAD;
        if (backup->state[i] == FILE_UPLOAD) backup->total += stored_size(backup->files[i].size, backup->encrypted);
    }
    return ok;
}
