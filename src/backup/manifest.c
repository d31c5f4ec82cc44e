/* The three property lists as plain facts (backup-format.md 2). Judging them is judge.c's. */
#include <string.h>

#include "room.h"

void kb_status_read(struct kb_dir *dir, struct kb_status *out) {
    plist_t root = NULL;

    memset(out, 0, sizeof *out);
    out->state = kb_plist_load(dir, "Status.plist", &root);
    out->version = kb_plist_version(root, "Version");
    out->date = kb_plist_date(root, "Date");
    out->full = kb_plist_bool(root, "IsFullBackup");
    kb_plist_text(root, "BackupState", out->backup_state, sizeof out->backup_state);
    kb_plist_text(root, "SnapshotState", out->snapshot_state, sizeof out->snapshot_state);
    kb_plist_text(root, "UUID", out->uuid, sizeof out->uuid);
    plist_free(root);
}

void kb_manifest_read(struct kb_dir *dir, struct kb_manifest *out) {
    plist_t lockdown;
    const void *key;
    size_t size;

    memset(out, 0, sizeof *out);
    out->state = kb_plist_load(dir, "Manifest.plist", &out->root);
    out->version = kb_plist_version(out->root, "Version");
    out->date = kb_plist_date(out->root, "Date");
    out->encrypted = kb_plist_bool(out->root, "IsEncrypted");
    key = kb_plist_data(out->root, "ManifestKey", &size);
    out->has_manifest_key = key != NULL;
    if (size == KB_KEYED_BYTES) memcpy(out->manifest_key, key, size);
    lockdown = kb_plist_get(out->root, "Lockdown", PLIST_DICT);
    out->has_lockdown = lockdown != NULL;
    kb_plist_text(lockdown, "UniqueDeviceID", out->udid, sizeof out->udid);
    if (!kb_udid_is_valid(out->udid)) out->udid[0] = '\0';
    kb_plist_text(lockdown, "DeviceName", out->device_name, sizeof out->device_name);
    kb_plist_text(lockdown, "ProductType", out->model, sizeof out->model);
    kb_plist_text(lockdown, "ProductVersion", out->os, sizeof out->os);
    kb_plist_text(lockdown, "BuildVersion", out->build, sizeof out->build);
    kb_plist_text(lockdown, "SerialNumber", out->serial, sizeof out->serial);
}

static int64_t count_apps(plist_t root) {
    plist_t list = kb_plist_get(root, "Installed Applications", PLIST_ARRAY);
    plist_t dict = kb_plist_get(root, "Applications", PLIST_DICT);

    if (list) return plist_array_get_size(list);
    return dict ? (int64_t)plist_dict_get_size(dict) : -1;
}

void kb_info_read(struct kb_dir *dir, struct kb_info *out) {
    plist_t root = NULL;

    memset(out, 0, sizeof *out);
    out->state = kb_plist_load(dir, "Info.plist", &root);
    kb_plist_text(root, "Unique Identifier", out->unique_id, sizeof out->unique_id);
    kb_plist_text(root, "Target Identifier", out->target_id, sizeof out->target_id);
    kb_plist_text(root, "Device Name", out->device_name, sizeof out->device_name);
    kb_plist_text(root, "Product Type", out->model, sizeof out->model);
    kb_plist_text(root, "Product Version", out->os, sizeof out->os);
    kb_plist_text(root, "Build Version", out->build, sizeof out->build);
    kb_plist_text(root, "Serial Number", out->serial, sizeof out->serial);
    out->apps = count_apps(root);
    plist_free(root);
}
