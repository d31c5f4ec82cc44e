/* A backup from its request to its Response, in the order of protocol.md 3.6. */
#include "backup2_host.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a device refuses before it looks at the host. The passcode comes first: the prompt is the first thing seen. */
static bool allowed(struct link *link) {
    struct sim_device *dev = link->dev;
    bool assistant, icloud, required, encrypts;
    int passcode = sim_ask_passcode(link->stream);

    if (passcode) return link_fail(link, passcode, "Device locked");
    pthread_mutex_lock(&dev->lock);
    assistant = dev->phase == SIM_ASSISTANT || !dev->setup_done;
    icloud = dev->icloud_restore_running;
    required = dev->requires_encryption;
    encrypts = dev->will_encrypt;
    pthread_mutex_unlock(&dev->lock);
    if (sim_switch(dev, "policy_forbids_backup", false))
        return link_fail(link, MB_POLICY, "Backup is not allowed by policy");
    if (assistant) return link_fail(link, MB_SETUP, "Unable to backup until Setup is finished");
    if (icloud) return link_fail(link, MB_ICLOUD, "An iCloud restore is still in progress");
    if (required && !encrypts)
        return link_fail(link, MB_PASSWORD, "No backup password set when required by device management");
    return true;
}

static void random_uuid(char out[40]) {
    uint8_t r[16];

    RAND_bytes(r, sizeof r);
    r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
    r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
    snprintf(out, 40, "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", r[0], r[1], r[2], r[3],
             r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
}

static bool move_all(struct backup *backup) {
    struct batch batch;
    char from[160], to[160];
    bool ok = true;

    batch_start(&batch, backup->link, "DLMessageMoveItems", true);
    for (size_t i = 0; ok && i < backup->count; i++) {
        if (backup->files[i].flags != SIM_REGULAR || backup->state[i] == FILE_KEPT) continue;
        host_path(backup, "Snapshot/", &backup->files[i], from);
        host_path(backup, "", &backup->files[i], to);
        ok = batch_move(&batch, from, to);
    }
    ok = ok && batch_flush(&batch);
    for (int i = 0; ok && i < 2; i++) {
        const char *name = i ? "Manifest.db" : "Manifest.plist";

        snprintf(from, sizeof from, "%s/Snapshot/%s", backup->udid, name);
        snprintf(to, sizeof to, "%s/%s", backup->udid, name);
        ok = batch_move(&batch, from, to);
    }
    backup->link->progress = 96;
    ok = ok && batch_flush(&batch) && backup_put_status(backup, "removing", !backup->has_old);
    batch_end(&batch);
    return ok;
}

static int by_id(const void *a, const void *b) {
    return memcmp(((const struct sim_file *)a)->id, ((const struct sim_file *)b)->id, 20);
}

static bool wanted(const struct backup *backup, const char *hex) {
    struct sim_file key = {.flags = 0};

    if (strlen(hex) != 40) return false;
    for (int i = 0; i < 20; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};

        key.id[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return bsearch(&key, backup->files, backup->count, sizeof *backup->files, by_id) != NULL;
}

/* What lies in one sub-folder and is in the manifest no more. */
static bool remove_extras_of(struct backup *backup, struct batch *batch, int sub, plist_t directory) {
    plist_dict_iter iter = NULL;
    char *key = NULL, path[240];
    plist_t value = NULL;
    bool ok = true;

    if (!directory) return true;
    plist_dict_new_iter(directory, &iter);
    for (plist_dict_next_item(directory, iter, &key, &value); key;
         plist_dict_next_item(directory, iter, &key, &value)) {
        if (ok && strlen(key) == 40 && !wanted(backup, key)) {
            snprintf(path, sizeof path, "%s/%02x/%.40s", backup->udid, (unsigned)sub & 0xff, key);
            backup->removed++;
            ok = batch_remove(batch, path);
        }
        free(key);
        key = NULL;
    }
    free(iter);
    return ok;
}

static bool remove_old(struct backup *backup) {
    struct listing listing = {0};
    struct batch batch;
    char path[160];
    bool ok = backup->first || host_listing(backup->link, backup->udid, &listing);

    batch_start(&batch, backup->link, "DLMessageRemoveItems", false);
    for (int i = 0; ok && i < 256; i++) ok = remove_extras_of(backup, &batch, i, listing.sub[i]);
    ok = ok && batch_flush(&batch);
    for (int i = 0; ok && i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", backup->udid, i ? "Manifest.mbdx" : "Snapshot");
        ok = batch_remove(&batch, path) && batch_flush(&batch);
    }
    if (ok && *backup->set_aside) ok = batch_remove(&batch, backup->set_aside) && batch_flush(&batch);
    backup->link->progress = 99;
    batch_end(&batch);
    listing_free(&listing);
    return ok && backup_put_status(backup, "finished", false);
}

static bool same_bytes(FILE *ours, FILE *theirs) {
    char left[16384], right[sizeof left];
    size_t size;

    do {
        size = fread(left, 1, sizeof left, ours);
        if (fread(right, 1, sizeof right, theirs) != size || memcmp(left, right, size) != 0) return false;
    } while (size > 0);
    return true;
}

static bool same_as_sent(struct backup *backup, const char *name) {
    char path[160], back[620];
    bool missing, same = true;
    FILE *ours, *theirs;

    snprintf(path, sizeof path, "%s/%s", backup->udid, name);
    snprintf(back, sizeof back, "%s.back", backup->old_path);
    theirs = fopen(back, "w+b");
    ours = fopen(backup->encrypted ? backup->enc_path : backup->db_path, "rb");
    if (theirs && ours && raw_ask_file(backup->link, path, theirs, &missing) && !missing) {
        rewind(theirs);
        same = same_bytes(ours, theirs);
    } else {
        same = false;
    }
    if (theirs) fclose(theirs);
    if (ours) fclose(ours);
    unlink(back);
    return same;
}

static bool corrupt(struct backup *backup) {
    return link_fail(backup->link, MB_CORRUPT, "Manifest references files not in backup");
}

/* The device reads back what it wrote; the files are listed, not read. */
static bool self_check(struct backup *backup) {
    struct link *link = backup->link;
    struct listing listing;
    struct sim_blob *blob;
    struct status status;
    char path[160];
    bool missing, ok = true;

    snprintf(path, sizeof path, "%s/Status.plist", backup->udid);
    blob = raw_ask_blob(link, path, &missing);
    ok = !missing && !status_read(blob, &status) && !strcmp(status.snapshot_state, "finished");
    sim_blob_put(blob);
    snprintf(path, sizeof path, "%s/Manifest.plist", backup->udid);
    blob = ok ? raw_ask_blob(link, path, &missing) : NULL;
    ok = blob && blob->size == backup->manifest->size && !memcmp(blob->data, backup->manifest->data, blob->size);
    sim_blob_put(blob);
    if (!ok || !same_as_sent(backup, "Manifest.db")) return !link->down && corrupt(backup);
    ok = host_listing(link, backup->udid, &listing);
    for (size_t i = 0; ok && i < backup->count; i++)
        if (backup->files[i].flags == SIM_REGULAR &&
            !listing_has(&listing, backup->files[i].id, stored_size(backup->files[i].size, backup->encrypted)))
            ok = corrupt(backup);
    listing_free(&listing);
    return ok;
}

static bool run(struct backup *backup) {
    if (!backup_look(backup) || !backup_scan(backup) || !host_room(backup->link, backup->total) ||
        !backup_upload(backup) || !move_all(backup))
        return false;
    qsort(backup->files, backup->count, sizeof *backup->files, by_id); /* the states are done with */
    if (!remove_old(backup) || !self_check(backup)) return false;
    backup->link->progress = 100;
    backup->content->upload_count = 0;
    backup->content->password_changed = false;
    return true;
}

static void say_what_was_done(struct backup *backup) {
    json_t *last =
        json_pack("{ss sb sb sb sI sI sI sI sI}", "job", "Backup", "full", !backup->has_old, "resumed", backup->resumed,
                  "encrypted", backup->encrypted, "uploaded", (json_int_t)backup->uploaded, "kept",
                  (json_int_t)backup->kept, "removed", (json_int_t)backup->removed, "bytes", (json_int_t)backup->sent,
                  "error", (json_int_t)(backup->link->down && !backup->link->error ? -1 : backup->link->error));

    pthread_mutex_lock(&backup->content->lock);
    json_decref(backup->content->last);
    backup->content->last = last;
    pthread_mutex_unlock(&backup->content->lock);
}

static bool target_is(struct link *link, plist_t request) {
    const char *target = dict_string(request, "TargetIdentifier");

    return target && !strcmp(target, link->dev->udid);
}

void job_backup(struct link *link, plist_t request) {
    struct sim_device *dev = link->dev;
    struct backup backup = {.link = link, .dev = dev, .content = dev->content, .udid = dev->udid};
    const char *state = sim_state_dir(dev->sim);

    if (!target_is(link, request)) {
        link_wrong(link, "a backup for another device");
        return;
    }
    if (!allowed(link)) return;
    backup.forced = dict_bool(plist_dict_get_item(request, "Options"), "ForceFullBackup") == 1;
    random_uuid(backup.status.uuid);
    snprintf(backup.db_path, sizeof backup.db_path, "%s/%s.manifest.db", state, dev->udid);
    snprintf(backup.enc_path, sizeof backup.enc_path, "%s/%s.manifest.enc", state, dev->udid);
    snprintf(backup.old_path, sizeof backup.old_path, "%s/%s.manifest.old", state, dev->udid);
    keybag_ensure(dev);
    backup.encrypted = dev->content->keybag.encrypted;
    manifest_key(dev, backup.manifest_key);
    run(&backup);
    say_what_was_done(&backup);
    unlink(backup.db_path);
    unlink(backup.enc_path);
    rows_free(&backup.old);
    sim_content_copy_free(backup.files, backup.count);
    sim_blob_put(backup.manifest);
    free(backup.state);
}
