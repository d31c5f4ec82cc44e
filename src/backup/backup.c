/* Opening a backup folder and proving its password. What the folder says is judged elsewhere. */
#include <stdlib.h>
#include <string.h>

#include "room.h"

enum { MANIFEST_MAX_BYTES = 64 * 1024 * 1024 };

static bool there(struct kb_dir *dir, const char *name) {
    struct kb_stat stat;
    struct kb_result res = kb_dir_stat(dir, name, &stat);

    return !kb_failed(&res);
}

bool kb_looks_like_backup(struct kb_dir *dir) {
    static const char *const names[] = {"Manifest.plist", "Manifest.db", "Status.plist", "Info.plist", "Manifest.mbdb"};

    for (size_t i = 0; i < KB_ARRAY_SIZE(names); i++)
        if (there(dir, names[i])) return true;
    return false;
}

/* Whether it may be read shows only when it is opened. */
static bool is_denied(struct kb_dir *dir, const char *name) {
    struct kb_handle *handle = NULL;
    struct kb_result res = kb_handle_open(dir, name, KB_OPEN_READ, &handle), closed;

    if (kb_failed(&res)) return kb_is(&res, KB_HOST, KB_HOST_DENIED);
    closed = kb_handle_close(handle);
    (void)closed; /* it was only opened */
    return false;
}

static void stat_database(struct kb_backup *backup) {
    struct kb_stat stat;
    struct kb_result res = kb_dir_stat(backup->dir, "Manifest.db", &stat);

    backup->db_size = -1;
    if (kb_is(&res, KB_HOST, KB_HOST_DENIED))
        backup->db_state = KB_PLIST_DENIED;
    else if (kb_failed(&res))
        backup->db_state = KB_PLIST_MISSING;
    else
        backup->db_state = stat.kind != KB_ENTRY_FILE              ? KB_PLIST_HOSTILE
                           : is_denied(backup->dir, "Manifest.db") ? KB_PLIST_DENIED
                                                                   : KB_PLIST_OK;
    if (backup->db_state == KB_PLIST_OK) backup->db_size = stat.size;
    backup->has_mbdb = there(backup->dir, "Manifest.mbdb");
}

static void read_keybag(struct kb_backup *backup) {
    size_t size;
    const void *bytes = kb_plist_data(backup->manifest.root, "BackupKeyBag", &size);

    if (bytes)
        backup->bag_result = kb_keybag_parse(bytes, size, &backup->bag);
    else
        backup->bag_result =
            kb_fail(KB_STORE, KB_STORE_DAMAGED, _("This backup has no keybag; use another copy or make a new backup"));
}

static struct kb_result missing(const char *path) {
    return kb_fail(KB_STORE, KB_STORE_MISSING, _("There is no backup in %s; choose another folder"), path);
}

/* Links are followed on the way to the folder (iTunes' own is often a junction to another disk), never below it. */
static struct kb_result open_dir(const char *path, struct kb_backup *backup) {
    struct kb_result res = kb_path_real(path, &backup->path);

    if (!kb_failed(&res)) res = kb_dir_open(backup->path, false, &backup->dir);
    if (kb_is(&res, KB_HOST, KB_HOST_NOT_FOUND) || kb_is(&res, KB_HOST, KB_HOST_NOT_DIR)) return missing(path);
    if (kb_is(&res, KB_HOST, KB_HOST_DENIED))
        return kb_fail(
            KB_STORE, KB_STORE_UNREADABLE,
            _("This computer does not let kitbench read %s; allow it (on a Mac: System Settings, Privacy, Full "
              "Disk Access), then try again"),
            path);
    if (!kb_failed(&res) && !kb_looks_like_backup(backup->dir)) return missing(path);
    return res;
}

struct kb_result kb_backup_open(const char *path, struct kb_backup **out) {
    struct kb_backup *backup = kb_xcalloc(1, sizeof *backup);
    struct kb_result res = open_dir(path, backup);

    if (!kb_failed(&res)) {
        kb_status_read(backup->dir, &backup->status);
        kb_manifest_read(backup->dir, &backup->manifest);
        kb_info_read(backup->dir, &backup->info);
        stat_database(backup);
        read_keybag(backup);
        *out = backup;
        backup = NULL;
    }
    kb_backup_free(backup);
    return res;
}

void kb_backup_free(struct kb_backup *backup) {
    if (!backup) return;
    kb_keys_release(&backup->keys);
    kb_secret_free(backup->derived);
    plist_free(backup->manifest.root);
    kb_dir_close(backup->dir);
    free(backup->path);
    free(backup);
}

const char *kb_backup_path(const struct kb_backup *backup) { return backup->path; }

enum kb_agent_trace kb_backup_agent(const struct kb_backup *backup) { return backup->agent; }

const char *kb_agent_trace_name(enum kb_agent_trace trace) {
    static const char *const names[] = {"", "none", "listed", "data-only", "full"};

    return (size_t)trace < KB_ARRAY_SIZE(names) ? names[trace] : "";
}

/* A manifest key says "encrypted" as well as the flag does: whoever took the flag away did not take the encryption. */
bool kb_backup_is_encrypted(const struct kb_backup *backup) {
    return backup->manifest.encrypted == KB_YES || backup->manifest.has_manifest_key;
}

bool kb_backup_is_locked(const struct kb_backup *backup) {
    return kb_backup_is_encrypted(backup) && !backup->keys.secret;
}

/* derived (may be NULL): what the password gave, when it opened everything; the caller's. */
static struct kb_result prove(const struct kb_keybag *bag, const struct kb_secret *secret, kb_kdf_progress progress,
                              void *arg, struct kb_keys *keys, struct kb_secret **derived) {
    struct kb_secret *kek = NULL;
    struct kb_result res;

    if (!secret || secret->size == 0)
        return kb_fail(KB_PASSWORD, KB_PASSWORD_MISSING,
                       _("This backup is encrypted; enter the password that was set when it was made"));
    res = kb_kdf_run(&bag->kdf, secret->data, secret->size, progress, arg, &kek);
    if (!kb_failed(&res)) res = kb_keys_open(bag, kek, keys);
    if (!kb_failed(&res) && derived) {
        *derived = kek;
        kek = NULL;
    }
    kb_secret_free(kek);
    return res;
}

static enum kb_password_proof proof_of(const struct kb_result *res) {
    if (!kb_failed(res)) return KB_PROOF_RIGHT;
    if (kb_is(res, KB_PASSWORD, KB_PASSWORD_MISSING)) return KB_PROOF_MISSING;
    if (kb_is(res, KB_PASSWORD, KB_PASSWORD_WRONG)) return KB_PROOF_WRONG;
    return KB_PROOF_NOT_TRIED;
}

struct kb_result kb_backup_unlock(struct kb_backup *backup, const struct kb_secret *secret,
                                  bool (*progress)(void *arg, int done_pct), void *arg) {
    struct kb_keys keys = {NULL, {false}};
    struct kb_result res;

    if (backup->manifest.state != KB_PLIST_OK)
        return kb_fail(KB_STORE, KB_STORE_DAMAGED,
                       _("Manifest.plist of this backup is missing or damaged; use another copy or make a new backup"));
    if (!kb_backup_is_encrypted(backup)) {
        backup->proof = KB_PROOF_NOT_NEEDED;
        return kb_ok();
    }
    if (kb_failed(&backup->bag_result)) return backup->bag_result;
    struct kb_secret *derived = NULL;
    res = prove(&backup->bag, secret, progress, arg, &keys, &derived);
    backup->proof = proof_of(&res);
    if (kb_is(&res, KB_STORE, KB_STORE_DAMAGED)) backup->bag_result = res; /* that it can be read was not all */
    if (kb_failed(&res)) return res;
    kb_keys_release(&backup->keys);
    kb_secret_free(backup->derived);
    backup->keys = keys;
    backup->derived = derived;
    return res;
}

const struct kb_secret *kb_backup_key(const struct kb_backup *backup) { return backup->derived; }

bool kb_backup_unlock_with(struct kb_backup *backup, const struct kb_secret *key) {
    struct kb_keys keys = {NULL, {false}};
    if (!key || key->size != KB_KEY_BYTES || backup->manifest.state != KB_PLIST_OK) return false;
    if (!kb_backup_is_encrypted(backup) || kb_failed(&backup->bag_result)) return false;
    struct kb_result res = kb_keys_open(&backup->bag, key, &keys);
    if (kb_failed(&res)) return false;
    kb_keys_release(&backup->keys);
    backup->keys = keys;
    backup->proof = KB_PROOF_RIGHT;
    return true;
}

bool kb_backup_unlock_like(struct kb_backup *backup, const struct kb_backup *other) {
    if (kb_failed(&backup->bag_result) || !other->keys.secret) return false;
    if (!kb_keybag_same(&backup->bag, &other->bag)) return false;
    kb_keys_release(&backup->keys);
    backup->keys = other->keys;
    backup->keys.secret = kb_secret_new(other->keys.secret->data, other->keys.secret->size);
    backup->proof = KB_PROOF_RIGHT;
    return true;
}

static struct kb_result prove_root(plist_t root, const struct kb_secret *secret, kb_kdf_progress progress, void *arg) {
    struct kb_keybag bag;
    struct kb_keys keys = {NULL, {false}};
    size_t size;
    const void *bytes = kb_plist_data(root, "BackupKeyBag", &size);
    struct kb_result res;

    if (kb_plist_bool(root, "IsEncrypted") != KB_YES) return kb_ok();
    if (!bytes)
        return kb_fail(KB_STORE, KB_STORE_DAMAGED,
                       _("The device sent a manifest without a keybag; start the backup again"));
    res = kb_keybag_parse(bytes, size, &bag);
    if (!kb_failed(&res)) res = prove(&bag, secret, progress, arg, &keys, NULL);
    kb_keys_release(&keys);
    return res;
}

struct kb_result kb_backup_prove_manifest(const char *manifest_plist, const struct kb_secret *secret,
                                          bool (*progress)(void *arg, int done_pct), void *arg) {
    struct kb_buf bytes = {NULL, 0, 0};
    plist_t root = NULL;
    struct kb_result res = kb_file_load(manifest_plist, MANIFEST_MAX_BYTES, &bytes);

    if (kb_failed(&res)) return res;
    if (kb_plist_bytes(bytes.data, bytes.size, &root) != KB_PLIST_OK)
        res =
            kb_fail(KB_STORE, KB_STORE_DAMAGED, _("The device sent a damaged Manifest.plist; start the backup again"));
    else
        res = prove_root(root, secret, progress, arg);
    plist_free(root);
    kb_buf_release(&bytes);
    return res;
}
