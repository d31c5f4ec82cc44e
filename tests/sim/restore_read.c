/* What a device reads of a backup before it restores, and what it refuses (protocol.md 3.7, 4 and 5). */
#include "restore.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sim_blob *ask(struct restore *restore, const char *name, bool *missing) {
    char path[400];

    snprintf(path, sizeof path, "%s/%s", restore->source, name);
    return raw_ask_blob(restore->link, path, missing);
}

static bool read_status(struct restore *restore, bool *moving) {
    struct link *link = restore->link;
    struct status status;
    bool missing;
    struct sim_blob *blob = ask(restore, "Status.plist", &missing);
    int error;

    if (link->down) return false;
    if (missing) return link_fail(link, MB_EMPTY, "No backup found");
    error = status_read(blob, &status);
    sim_blob_put(blob);
    if (error == MB_VERSION) return link_fail(link, MB_VERSION, "Unsupported version of the backup's status");
    if (error) return link_fail(link, error == MB_BAD_PLIST ? MB_BAD_PLIST : MB_CORRUPT, "Error reading backup status");
    if (!strcmp(status.backup_state, "empty")) return link_fail(link, MB_EMPTY, "Backup is empty");
    if (!strcmp(status.backup_state, "old")) return link_fail(link, MB_VERSION, "Backup is too old");
    *moving = !strcmp(status.snapshot_state, "moving");
    return true;
}

static bool properties_failed(struct restore *restore, const char *why) {
    return !restore->link->down && link_fail(restore->link, MB_CORRUPT, "Error reading backup properties: %s", why);
}

/* Types and versions as a device checks them (backup-format.md 2.2). */
static bool check_manifest(struct restore *restore) {
    static const char *const texts[] = {"BuildVersion",   "DeviceName",   "ProductType",
                                        "ProductVersion", "SerialNumber", "UniqueDeviceID"};
    const char *version = dict_string(restore->manifest, "Version"),
               *domains = dict_string(restore->manifest, "SystemDomainsVersion");
    plist_t lockdown = plist_dict_get_item(restore->manifest, "Lockdown"), node;

    if (!version || !domains) return link_fail(restore->link, MB_BAD_PLIST, "Invalid value in the manifest");
    if (version_compare(version, "7.4") < 0 || version_compare(version, "11.0") >= 0)
        return link_fail(restore->link, MB_VERSION, "Unsupported manifest version %.20s", version);
    if (version_compare(domains, "16.0") < 0 || version_compare(domains, "30.0") >= 0)
        return link_fail(restore->link, MB_VERSION, "Unsupported system domains version %.20s", domains);
    if (!lockdown || plist_get_node_type(lockdown) != PLIST_DICT)
        return link_fail(restore->link, MB_BAD_PLIST, "Invalid lockdown values in the manifest");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if ((node = plist_dict_get_item(lockdown, texts[i])) && plist_get_node_type(node) != PLIST_STRING)
            return link_fail(restore->link, MB_BAD_PLIST, "Invalid lockdown values in the manifest");
    restore->encrypted = dict_bool(restore->manifest, "IsEncrypted") == 1;
    return true;
}

static bool read_manifest(struct restore *restore, const char *prefix) {
    char name[64];
    bool missing;
    struct sim_blob *blob;

    snprintf(name, sizeof name, "%sManifest.plist", prefix);
    blob = ask(restore, name, &missing);
    restore->manifest = plist_of(blob);
    sim_blob_put(blob);
    if (!restore->manifest)
        return properties_failed(restore,
                                 missing ? "No such file or directory" : "Cannot parse a NULL or zero-length data");
    return true;
}

static bool fetch_database(struct restore *restore, const char *prefix, const char *to) {
    char path[400];
    FILE *into = fopen(to, "wb");
    bool missing = true, ok;

    snprintf(path, sizeof path, "%s/%sManifest.db", restore->source, prefix);
    ok = into && raw_ask_file(restore->link, path, into, &missing);
    if (into) ok = fclose(into) == 0 && ok;
    return (ok && !missing) || properties_failed(restore, "No such file or directory");
}

/* The OS rule stands in the host's own Info.plist; without the file a device skips it. */
static bool read_info(struct restore *restore) {
    bool missing;
    struct sim_blob *blob = ask(restore, "Info.plist", &missing);
    plist_t info = plist_of(blob);
    const char *version = dict_string(info, "Product Version"),
               *required = dict_string(restore->manifest, "RequiredProductVersion");
    bool too_new;

    sim_blob_put(blob);
    pthread_mutex_lock(&restore->dev->lock);
    too_new = (version && version_compare(version, restore->dev->os) > 0) ||
              (required && version_compare(required, restore->dev->os) > 0);
    pthread_mutex_unlock(&restore->dev->lock);
    plist_free(info);
    if (restore->link->down) return false;
    return !too_new || link_fail(restore->link, MB_VERSION, "Backup is from an incompatible OS version");
}

static bool open_keybag(struct restore *restore) {
    size_t size;
    const uint8_t *bytes = dict_data(restore->manifest, "BackupKeyBag", &size);

    if (!bytes || !size) return link_fail(restore->link, MB_CORRUPT, "No keybag in manifest");
    if (restore->encrypted && !restore->password)
        return link_fail(restore->link, MB_PASSWORD, "Invalid password when restoring encrypted backup");
    switch (mb_keybag_open(&restore->bag, bytes, size, restore->encrypted ? restore->password : "")) {
    case MB_OPENED:
        return true;
    case MB_WRONG_PASSWORD:
        return link_fail(restore->link, MB_PASSWORD,
                         "Invalid password when restoring encrypted backup (MBErrorDomain/207). Underlying error: "
                         "MKBKeyBagUnlock error (-3)");
    default:
        return link_fail(restore->link, MB_CORRUPT, "Invalid keybag in manifest");
    }
}

static bool read_rows(struct restore *restore, const char *stored, const char *clear) {
    const char *db = stored;
    uint8_t key[MB_KEY];
    const uint8_t *sealed;
    char why[128] = "";
    size_t size;
    int error;

    if (restore->encrypted) {
        sealed = dict_data(restore->manifest, "ManifestKey", &size);
        if (!sealed || size != 44 || !mb_key_open(&restore->bag, sealed, key) || !decrypt_file(stored, clear, key))
            return properties_failed(restore, "cannot decrypt the manifest database");
        db = clear;
    }
    error = rows_read(db, &restore->rows, why, sizeof why);
    return !error || link_fail(restore->link, error, "%s", why);
}

static bool check_room(struct restore *restore) {
    int64_t free_bytes;

    for (size_t i = 0; i < restore->rows.count; i++)
        if (restore_wants(restore, &restore->rows.row[i])) {
            restore->bytes += restore->rows.row[i].size;
            restore->files++;
        }
    pthread_mutex_lock(&restore->dev->lock);
    free_bytes = restore->dev->free_bytes;
    pthread_mutex_unlock(&restore->dev->lock);
    return restore->bytes <= free_bytes ||
           link_fail(restore->link, MB_DEVICE_FULL, "Insufficient free disk space on device to restore (%lld < %lld)",
                     (long long)free_bytes, (long long)restore->bytes);
}

bool restore_read(struct restore *restore) {
    char stored[640], clear[640];
    const char *prefix;
    bool moving = false, ok;

    snprintf(stored, sizeof stored, "%s.db", restore->folder);
    snprintf(clear, sizeof clear, "%s.db.clear", restore->folder);
    if (!read_status(restore, &moving)) return false;
    prefix = moving ? "Snapshot/" : "";
    ok = read_manifest(restore, prefix) && fetch_database(restore, prefix, stored) && read_info(restore) &&
         check_manifest(restore) && open_keybag(restore) && read_rows(restore, stored, clear) && check_room(restore);
    unlink(stored);
    unlink(clear);
    restore->link->progress = 6;
    return ok;
}

/* The copy's Info.plist carries its own name (backup-format.md 1). */
static bool put_copied_info(struct restore *restore, const char *copy) {
    bool missing;
    struct sim_blob *blob = ask(restore, "Info.plist", &missing);
    plist_t info = plist_of(blob);
    char path[400], name[300];
    const char *display = dict_string(info, "Display Name");

    sim_blob_put(blob);
    if (restore->link->down || !info) {
        plist_free(info);
        return !restore->link->down;
    }
    snprintf(name, sizeof name, "%.200s - %s", display ? display : "iPhone", copy + strlen(restore->source) + 1);
    plist_dict_set_item(info, "Target Identifier", plist_new_string(copy));
    plist_dict_set_item(info, "Display Name", plist_new_string(name));
    snprintf(path, sizeof path, "%s/Info.plist", copy);
    return raw_put_plist(restore->link, path, info);
}

bool restore_copy_folder(struct restore *restore) {
    struct link *link = restore->link;
    struct listing listing;
    char copy[300], stamp[SIM_STAMP];
    plist_t message;
    int64_t free_bytes, code;

    if (restore->dont_copy) return true;
    if (!host_listing(link, restore->source, &listing)) return false;
    listing_free(&listing);
    if (!host_free_space(link, &free_bytes)) return false;
    if (free_bytes < restore->bytes + RESERVE) return true; /* no room for a copy: a device goes on without */
    sim_stamp(stamp);
    snprintf(copy, sizeof copy, "%.200s-%s", restore->source, stamp);
    message = dl_message("DLMessageCopyItem");
    dl_string(message, restore->source);
    dl_string(message, copy);
    dl_empty(message);
    dl_real(message, link->progress);
    if (!link_call(link, message, &code, NULL)) return false;
    if (code != DL_OK)
        return link_fail(link, code == DL_NO_SPACE ? MB_HOST_FULL : MB_WRITE_HOST, "Error copying the backup");
    return put_copied_info(restore, copy);
}
