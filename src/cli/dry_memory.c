/*
 * What was found in backup folders before, so that a thousand of them need not be opened again for a dry run. Advisory:
 * a restore looks for itself, and an entry whose folder is not exactly as it was is not used.
 *
 * Nothing of a password is kept. Entries that the same password opened in one run carry the same number drawn by lot;
 * who proves the password on one of them has proved it on all, because a folder that has not changed has still its
 * keybag.
 */
#include "dry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME   "inspected.json"
#define FILE_MAX    ((size_t)64 << 20)
#define MAX_ENTRIES 20000
/* A file that changed in the very moment of the inspection may keep its time: file systems count in up to 2 s. */
#define SETTLED_S 3

struct kb_memory {
    json_t *entries; /* path to entry */
    json_t *changes; /* of this run */
    char *path;
    char *settings; /* what the findings depend on besides the folder */
};

/* ---- What a folder is: sizes, times and file numbers */

struct identity {
    struct kb_buf text;
    uint64_t names; /* of all that lies at the top of the folder, in any order */
    int64_t youngest_ns;
    int entries;
};

static void note_time(struct identity *identity, int64_t seconds, int64_t ns) {
    int64_t time = seconds < INT64_MAX / 1000000000 - 1 ? seconds * 1000000000 + ns : INT64_MAX;
    if (time > identity->youngest_ns) identity->youngest_ns = time;
}

static void add_file(struct identity *identity, struct kb_dir *dir, const char *name) {
    struct kb_stat stat = {0};
    struct kb_result res = dir ? kb_dir_stat(dir, name, &stat) : kb_fail(KB_HOST, KB_HOST_NOT_FOUND, "-");
    if (kb_failed(&res)) {
        kb_buf_puts(&identity->text, "-;");
        return;
    }
    note_time(identity, stat.modified, stat.modified_ns);
    kb_buf_printf(&identity->text, "%d,%lld,%lld.%09lld,%llx,%llx;", (int)stat.kind, (long long)stat.size,
                  (long long)stat.modified, (long long)stat.modified_ns, (unsigned long long)stat.id,
                  (unsigned long long)stat.volume);
}

static uint64_t mix(uint64_t hash, uint64_t value) { /* FNV-1a */
    for (int i = 0; i < 8; i++, value >>= 8) hash = (hash ^ (value & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

/* The 256 folders of files change their time when a file comes or goes. */
static bool add_entry(void *arg, const struct kb_entry *entry) {
    struct identity *identity = arg;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *p = entry->name; *p; p++) hash = mix(hash, (unsigned char)*p);
    hash = mix(hash, (uint64_t)entry->kind);
    hash = mix(hash, entry->kind == KB_ENTRY_FILE ? (uint64_t)entry->size : 0);
    identity->names += mix(hash, (uint64_t)entry->modified);
    note_time(identity, entry->modified, 0);
    return ++identity->entries < 100000;
}

static void add_seal(struct identity *identity, const char *path) {
    static const char *const ends[] = {"sha256", "facts.json"};
    const char *base = kb_path_base(path);
    char *parent = kb_xasprintf("%.*s", (int)(base > path + 1 ? base - path - 1 : 1), path);
    struct kb_dir *dir = NULL;
    struct kb_result res = kb_dir_open(parent, false, &dir);
    if (kb_failed(&res)) dir = NULL;
    for (size_t i = 0; i < KB_ARRAY_SIZE(ends); i++) {
        char *name = kb_xasprintf("%s.%s", base, ends[i]);
        add_file(identity, dir, name);
        free(name);
    }
    kb_dir_close(dir);
    free(parent);
}

/* NULL: it cannot be told. */
static char *identity_of(const char *path, int64_t *youngest_ns) {
    static const char *const names[] = {"Manifest.db", "Manifest.plist", "Status.plist", "Info.plist"};
    struct identity identity = {.youngest_ns = 0};
    struct kb_dir *dir = NULL;
    struct kb_result res = kb_dir_open(path, false, &dir);
    if (kb_failed(&res)) return NULL;
    for (size_t i = 0; i < KB_ARRAY_SIZE(names); i++) add_file(&identity, dir, names[i]);
    res = kb_dir_list(dir, "", add_entry, &identity);
    kb_dir_close(dir);
    add_seal(&identity, path);
    kb_buf_printf(&identity.text, "%d,%016llx", identity.entries, (unsigned long long)identity.names);
    *youngest_ns = identity.youngest_ns;
    if (!kb_failed(&res)) return kb_buf_steal(&identity.text);
    kb_buf_release(&identity.text);
    return NULL;
}

/* ---- The file */

static char *settings_of(const struct kb_cli *cli) {
    const char *agent = kb_setting(&cli->settings, KB_SET_AGENT), *mdm = kb_setting(&cli->settings, KB_SET_MDM);
    return kb_xasprintf("kitbench %s, agent %s, mdm %s", KB_VERSION, agent ? agent : "-", mdm ? mdm : "-");
}

/* What the file holds, when it was written under the same settings; else nothing. */
static json_t *load_entries(const char *path, const char *settings) {
    struct kb_buf text = {0};
    struct kb_result res = kb_file_load(path, FILE_MAX, &text);
    json_t *object = kb_failed(&res) ? NULL : kb_json_parse(text.data ? text.data : "", text.size, FILE_MAX);
    json_t *entries = json_object_get(object, "backups");
    bool usable = kb_streq(json_string_value(json_object_get(object, "settings")), settings) && json_is_object(entries);
    entries = usable ? json_incref(entries) : json_object();
    json_decref(object);
    kb_buf_release(&text);
    return entries;
}

struct kb_memory *kb_memory_load(const struct kb_cli *cli) {
    struct kb_memory *memory = kb_xcalloc(1, sizeof *memory);
    memory->path = kb_path_join(cli->home, FILE_NAME);
    memory->settings = settings_of(cli);
    memory->entries = load_entries(memory->path, memory->settings);
    memory->changes = json_object();
    return memory;
}

void kb_memory_find(struct kb_memory *memory, struct kb_dry_backup *backup) {
    const json_t *entry = json_object_get(memory->entries, backup->path);
    struct kb_backup_info info;
    free(backup->identity);
    backup->identity = identity_of(backup->path, &backup->youngest_ns);
    if (!backup->identity || !kb_streq(json_string_value(json_object_get(entry, "identity")), backup->identity)) return;
    if (!kb_inspected_from_json(&info, json_object_get(entry, "backup")) || strcmp(info.path, backup->path)) return;
    bool plain = info.encrypted == KB_NO && info.proof == KB_PROOF_NOT_NEEDED;
    bool opened = info.encrypted == KB_YES && info.proof == KB_PROOF_RIGHT;
    kb_json_get_text(entry, "password", backup->password, sizeof backup->password);
    if (info.health != KB_HEALTH_OK || (!plain && !(opened && *backup->password))) return;
    backup->info = info;
    backup->known = true;
}

/* Only what is whole and was seen whole: everything else is looked at again each time. */
void kb_memory_put(struct kb_memory *memory, const struct kb_dry_backup *backup) {
    const struct kb_backup_info *info = &backup->info;
    bool opened = info->proof == KB_PROOF_NOT_NEEDED || (info->proof == KB_PROOF_RIGHT && *backup->password);
    bool settled = backup->known || backup->youngest_ns / 1000000000 < backup->looked_at - SETTLED_S;
    if (!backup->identity || backup->missing || info->health != KB_HEALTH_OK || !opened || !settled) return;
    json_t *entry = json_object();
    kb_json_set_text(entry, "identity", backup->identity);
    kb_json_set_text(entry, "password", info->proof == KB_PROOF_RIGHT ? backup->password : "");
    json_object_set_new(entry, "backup", kb_inspected_to_json(info));
    if (!json_equal(json_object_get(memory->entries, backup->path), entry))
        json_object_set(memory->changes, backup->path, entry);
    json_decref(entry);
}

const char *kb_memory_password(const struct kb_memory *memory, char path[4096]) {
    const char *name = NULL, *at;
    size_t most = 0;
    json_t *counts = json_object(), *entry;
    json_object_foreach(memory->entries, at, entry) {
        const char *password = json_string_value(json_object_get(entry, "password"));
        json_t *places = json_object_get(counts, password ? password : "");
        if (!password || strlen(password) != 32 || strlen(at) >= 4096) continue;
        if (!places) json_object_set_new(counts, password, places = json_array());
        json_array_append_new(places, json_string(at));
        if (json_array_size(places) <= most) continue;
        most = json_array_size(places);
        name = password;
        kb_text_copy(path, 4096, at);
    }
    json_decref(counts);
    return name;
}

/* Several processes may do this: what another wrote meanwhile stays. */
struct kb_result kb_memory_save(struct kb_memory *memory) {
    if (!json_object_size(memory->changes)) return kb_ok();
    char *lock_path = kb_xasprintf("%s.lock", memory->path);
    struct kb_lock *lock = NULL;
    struct kb_result res = kb_lock_take(lock_path, false, 5000, &lock);
    json_t *object = json_object(), *entries = load_entries(memory->path, memory->settings);
    if (kb_failed(&res)) goto out;
    if (json_object_size(entries) >= MAX_ENTRIES) json_object_clear(entries);
    json_object_update(entries, memory->changes);
    kb_json_set_text(object, "settings", memory->settings);
    json_object_set(object, "backups", entries);
    char *text = kb_json_line(object);
    res = kb_file_save(memory->path, text, strlen(text));
    free(text);
out:
    kb_lock_release(lock);
    json_decref(entries);
    json_decref(object);
    free(lock_path);
    return res;
}

void kb_memory_free(struct kb_memory *memory) {
    json_decref(memory->entries);
    json_decref(memory->changes);
    free(memory->path);
    free(memory->settings);
    free(memory);
}
