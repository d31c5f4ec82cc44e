/* What a device writes about a backup: Status.plist, Manifest.plist, Manifest.db (backup-format.md 2 and 3). */
#include "backup2.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAC_EPOCH 978307200

plist_t status_make(const struct status *status) {
    plist_t plist = plist_new_dict();

    plist_dict_set_item(plist, "Version", plist_new_string("3.3"));
    plist_dict_set_item(plist, "UUID", plist_new_string(status->uuid));
    plist_dict_set_item(plist, "Date", plist_new_date((int32_t)(time(NULL) - MAC_EPOCH), 0));
    plist_dict_set_item(plist, "BackupState", plist_new_string(status->backup_state));
    plist_dict_set_item(plist, "SnapshotState", plist_new_string(status->snapshot_state));
    plist_dict_set_item(plist, "IsFullBackup", plist_new_bool(status->full));
    return plist;
}

static bool is_one_of(const char *word, const char *const *words) {
    for (; word && *words; words++)
        if (!strcmp(word, *words)) return true;
    return false;
}

int status_read(const struct sim_blob *blob, struct status *out) {
    static const char *const backups[] = {"empty", "old", "new", NULL};
    static const char *const snapshots[] = {"uploading", "moving", "removing", "finished", NULL};
    plist_t plist = plist_of(blob);
    const char *version = dict_string(plist, "Version"), *backup = dict_string(plist, "BackupState"),
               *snapshot = dict_string(plist, "SnapshotState"), *uuid = dict_string(plist, "UUID");
    int error = 0;

    memset(out, 0, sizeof *out);
    if (!plist)
        error = MB_CORRUPT;
    else if (!version || !is_one_of(backup, backups) || !is_one_of(snapshot, snapshots))
        error = MB_BAD_PLIST;
    else if (version_compare(version, "2.4") < 0 || version_compare(version, "4.0") >= 0)
        error = MB_VERSION;
    if (!error) {
        sscanf(version, "%d.%d", &out->major, &out->minor);
        snprintf(out->backup_state, sizeof out->backup_state, "%s", backup);
        snprintf(out->snapshot_state, sizeof out->snapshot_state, "%s", snapshot);
        snprintf(out->uuid, sizeof out->uuid, "%s", uuid ? uuid : "");
        out->full = dict_bool(plist, "IsFullBackup") == 1;
    }
    plist_free(plist);
    return error;
}

/*
 * A binary plist writer for the one shape of a manifest row. libplist could do it, at twenty allocations a row and
 * without negative numbers; a device with 100,000 rows should not cost a benchmark seconds.
 */
struct bp {
    uint8_t *out;
    size_t size, at;
    uint16_t offset[80];
    int count;
};

static void bp_raw(struct bp *bp, const void *bytes, size_t size) {
    if (bp->at + size <= bp->size) memcpy(bp->out + bp->at, bytes, size);
    bp->at += size;
}

static int bp_object(struct bp *bp, uint8_t marker, size_t count) {
    uint8_t head[4] = {(uint8_t)(marker | (count < 15 ? count : 15)), 0x11, (uint8_t)(count >> 8), (uint8_t)count};

    bp->offset[bp->count] = (uint16_t)bp->at;
    bp_raw(bp, head, count < 15 ? 1 : 4);
    return bp->count++;
}

/* UTF-8 to the UTF-16 of a plist string that is not ASCII. */
static size_t utf16(const char *text, uint8_t *out, size_t size) {
    size_t n = 0;
    const uint8_t *s = (const uint8_t *)text;

    while (*s && n + 4 <= size) {
        unsigned extra = *s < 0x80 ? 0 : *s < 0xe0 ? 1 : *s < 0xf0 ? 2 : 3;
        uint32_t c = extra ? *s & (0x3fu >> extra) : *s;

        for (s++; extra && (*s & 0xc0) == 0x80; extra--) c = c << 6 | (*s++ & 0x3f);
        if (c >= 0x10000) {
            uint32_t high = 0xd800 + ((c - 0x10000) >> 10);

            out[n++] = (uint8_t)(high >> 8), out[n++] = (uint8_t)high;
            c = 0xdc00 + (c & 0x3ff);
        }
        out[n++] = (uint8_t)(c >> 8), out[n++] = (uint8_t)c;
    }
    return n;
}

static int bp_string(struct bp *bp, const char *text) {
    uint8_t wide[2048];
    size_t n = strlen(text);
    int object;

    for (const char *s = text; *s; s++)
        if (*s & 0x80) {
            n = utf16(text, wide, sizeof wide);
            object = bp_object(bp, 0x60, n / 2);
            bp_raw(bp, wide, n);
            return object;
        }
    object = bp_object(bp, 0x50, n);
    bp_raw(bp, text, n);
    return object;
}

static int bp_data(struct bp *bp, const uint8_t *bytes, size_t size) {
    int object = bp_object(bp, 0x40, size);

    bp_raw(bp, bytes, size);
    return object;
}

static int bp_int(struct bp *bp, int64_t value) {
    int log2 = value < 0 || value > 0xffffffff ? 3 : value > 0xffff ? 2 : value > 0xff ? 1 : 0;
    int object = bp_object(bp, 0x10, (size_t)log2);

    for (int i = (1 << log2) - 1; i >= 0; i--) {
        uint8_t byte = (uint8_t)((uint64_t)value >> (8 * i));

        bp_raw(bp, &byte, 1);
    }
    return object;
}

static int bp_uid(struct bp *bp, uint8_t uid) {
    int object = bp_object(bp, 0x80, 0);

    bp_raw(bp, &uid, 1);
    return object;
}

static int bp_list(struct bp *bp, uint8_t marker, const int *refs, int count, int per_item) {
    int object = bp_object(bp, marker, (size_t)count);

    for (int i = 0; i < count * per_item; i++) {
        uint8_t ref = (uint8_t)refs[i];

        bp_raw(bp, &ref, 1);
    }
    return object;
}

/* A dictionary being gathered: keys first, then values. */
struct pairs {
    int key[24], value[24], count;
};

static void pair(struct bp *bp, struct pairs *pairs, const char *key, int value) {
    pairs->key[pairs->count] = bp_string(bp, key);
    pairs->value[pairs->count++] = value;
}

static int bp_dict(struct bp *bp, const struct pairs *pairs) {
    int refs[48];

    memcpy(refs, pairs->key, sizeof(int) * (size_t)pairs->count);
    memcpy(refs + pairs->count, pairs->value, sizeof(int) * (size_t)pairs->count);
    return bp_list(bp, 0xd0, refs, pairs->count, 2);
}

static int bp_class(struct bp *bp, const char *name, const char *parent) {
    struct pairs class = {.count = 0};
    int names[3] = {bp_string(bp, name), 0, 0}, count = 1;

    if (parent) names[count++] = bp_string(bp, parent);
    names[count++] = bp_string(bp, "NSObject");
    pair(bp, &class, "$classname", names[0]);
    pair(bp, &class, "$classes", bp_list(bp, 0xa0, names, count, 1));
    return bp_dict(bp, &class);
}

static unsigned mode_of(const struct sim_file *file) {
    if (file->flags == SIM_DIRECTORY) return 040755;
    return file->flags == SIM_SYMLINK ? 0120755 : file->managed ? 0100666 : 0100644;
}

/* The numbers of an MBFile. */
static void pair_numbers(struct bp *bp, struct pairs *file, const struct sim_file *f) {
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"LastModified", f->mtime},
                   {"LastStatusChange", f->mtime},
                   {"Birth", 1704067200},
                   {"Flags", 0},
                   {"Mode", mode_of(f)},
                   {"UserID", 501},
                   {"GroupID", f->managed ? -2 : 501},
                   {"InodeNumber", (int64_t)(f->inode & 0xffffffff)},
                   {"Size", f->flags == SIM_REGULAR ? f->size : 0},
                   {"ProtectionClass", f->flags == SIM_REGULAR ? f->class : 0}};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        pair(bp, file, numbers[i].key, bp_int(bp, numbers[i].value));
}

static size_t bp_finish(struct bp *bp, int top) {
    size_t table = bp->at;
    uint8_t trailer[32] = {0};

    for (int i = 0; i < bp->count; i++) {
        uint8_t offset[2] = {(uint8_t)(bp->offset[i] >> 8), (uint8_t)bp->offset[i]};

        bp_raw(bp, offset, 2);
    }
    trailer[6] = 2, trailer[7] = 1;
    trailer[15] = (uint8_t)bp->count;
    trailer[23] = (uint8_t)top;
    trailer[30] = (uint8_t)(table >> 8), trailer[31] = (uint8_t)table;
    bp_raw(bp, trailer, sizeof trailer);
    return bp->at <= bp->size ? bp->at : 0;
}

/* $objects in the order of a real row: $null, MBFile, RelativePath, [Target], [Digest], [key, its class], MBFile's
 * class. */
size_t mbfile_make(const struct sim_file *file, const uint8_t *sealed_key, const uint8_t *digest, uint8_t *out,
                   size_t size) {
    struct bp bp = {.out = out, .size = size};
    struct pairs mbfile = {.count = 0}, key = {.count = 0}, top = {.count = 0}, whole = {.count = 0};
    int objects[9] = {0}, count = 2;

    bp_raw(&bp, "bplist00", 8);
    objects[0] = bp_string(&bp, "$null");
    pair_numbers(&bp, &mbfile, file);
    pair(&bp, &mbfile, "RelativePath", bp_uid(&bp, (uint8_t)count));
    objects[count++] = bp_string(&bp, file->path);
    if (file->target) {
        pair(&bp, &mbfile, "Target", bp_uid(&bp, (uint8_t)count));
        objects[count++] = bp_string(&bp, file->target);
    }
    if (digest) {
        pair(&bp, &mbfile, "Digest", bp_uid(&bp, (uint8_t)count));
        objects[count++] = bp_data(&bp, digest, 20);
    }
    if (sealed_key) {
        pair(&bp, &mbfile, "EncryptionKey", bp_uid(&bp, (uint8_t)count));
        pair(&bp, &key, "NS.data", bp_data(&bp, sealed_key, 44));
        pair(&bp, &key, "$class", bp_uid(&bp, (uint8_t)(count + 1)));
        objects[count++] = bp_dict(&bp, &key);
        objects[count++] = bp_class(&bp, "NSMutableData", "NSData");
    }
    pair(&bp, &mbfile, "$class", bp_uid(&bp, (uint8_t)count));
    objects[count++] = bp_class(&bp, "MBFile", NULL);
    objects[1] = bp_dict(&bp, &mbfile);
    pair(&bp, &top, "root", bp_uid(&bp, 1));
    pair(&bp, &whole, "$version", bp_int(&bp, 100000));
    pair(&bp, &whole, "$archiver", bp_string(&bp, "NSKeyedArchiver"));
    pair(&bp, &whole, "$top", bp_dict(&bp, &top));
    pair(&bp, &whole, "$objects", bp_list(&bp, 0xa0, objects, count, 1));
    return bp_finish(&bp, bp_dict(&bp, &whole));
}

static bool insert_row(sqlite3_stmt *insert, struct sim_device *dev, const struct sim_file *file, bool encrypted) {
    uint8_t key[MB_KEY], sealed[44], blob[8192];
    bool regular = file->flags == SIM_REGULAR, digest = regular && sim_has_digest(file->domain);
    char hex[41];
    size_t size;

    if (regular && encrypted) {
        sim_file_key(dev->udid, file, key);
        if (!mb_key_seal(&dev->content->keybag, file->class, key, sealed)) return false;
    }
    size = mbfile_make(file, regular && encrypted ? sealed : NULL,
                       !digest     ? NULL
                       : encrypted ? file->cipher_digest
                                   : file->plain_digest,
                       blob, sizeof blob);
    sim_id_hex(file->id, hex);
    sqlite3_bind_text(insert, 1, hex, 40, SQLITE_STATIC);
    sqlite3_bind_text(insert, 2, file->domain, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 3, file->path, -1, SQLITE_STATIC);
    sqlite3_bind_int(insert, 4, file->flags);
    sqlite3_bind_blob(insert, 5, blob, (int)size, SQLITE_STATIC);
    return size && sqlite3_step(insert) == SQLITE_DONE && sqlite3_reset(insert) == SQLITE_OK;
}

/* A real one says WAL (2/2) in its header and has no -wal beside it. */
static bool mark_wal(const char *path) {
    FILE *file = fopen(path, "r+b");
    bool ok = file && fseek(file, 18, SEEK_SET) == 0 && fwrite("\2\2", 1, 2, file) == 2;

    if (file) ok = fclose(file) == 0 && ok;
    return ok;
}

bool manifest_db_make(struct sim_device *dev, const struct sim_file *files, size_t count, bool encrypted,
                      const char *path) {
    static const char schema[] =
        "PRAGMA page_size=4096; PRAGMA auto_vacuum=2; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
        "PRAGMA user_version=2;"
        "CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB);"
        "CREATE INDEX FilesDomainIdx ON Files(domain); CREATE INDEX FilesRelativePathIdx ON Files(relativePath);"
        "CREATE INDEX FilesFlagsIdx ON Files(flags);"
        "CREATE TABLE Properties (key TEXT PRIMARY KEY, value BLOB); BEGIN";
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL;
    bool ok;

    unlink(path);
    ok = sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK &&
         sqlite3_prepare_v2(db, "INSERT INTO Files VALUES(?,?,?,?,?)", -1, &insert, NULL) == SQLITE_OK;
    for (size_t i = 0; ok && i < count; i++) ok = insert_row(insert, dev, &files[i], encrypted);
    sqlite3_finalize(insert);
    ok = ok && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    ok = sqlite3_close(db) == SQLITE_OK && ok;
    return ok && mark_wal(path);
}

static plist_t lockdown_values(struct sim_device *dev) {
    plist_t values = plist_new_dict(), sync = plist_new_dict();
    static const char *const kinds[] = {"Bookmarks", "Calendars", "Contacts", "Notes"};

    pthread_mutex_lock(&dev->lock);
    plist_dict_set_item(values, "BuildVersion", plist_new_string(dev->build));
    plist_dict_set_item(values, "DeviceName", plist_new_string(dev->name));
    plist_dict_set_item(values, "ProductType", plist_new_string(dev->product_type));
    plist_dict_set_item(values, "ProductVersion", plist_new_string(dev->os));
    plist_dict_set_item(values, "SerialNumber", plist_new_string(dev->serial));
    plist_dict_set_item(values, "UniqueDeviceID", plist_new_string(dev->udid));
    pthread_mutex_unlock(&dev->lock);
    for (size_t i = 0; i < 4; i++) {
        plist_t kind = plist_new_dict();

        plist_dict_set_item(kind, "AccountNames", plist_new_array());
        plist_dict_set_item(kind, "Sources", plist_new_array());
        plist_dict_set_item(sync, kinds[i], kind);
    }
    plist_dict_set_item(values, "com.apple.mobile.data_sync", sync);
    plist_dict_set_item(values, "com.apple.Accessibility", plist_new_dict());
    plist_dict_set_item(values, "com.apple.mobile.wireless_lockdown", plist_new_dict());
    return values;
}

/* One entry per container's domain. */
static void add_application(plist_t applications, const char *domain) {
    static const struct {
        const char *prefix, *content_class;
    } kinds[] = {{"AppDomain-", "Data/Application"},
                 {"AppDomainGroup-", "Shared/AppGroup"},
                 {"AppDomainPlugin-", "Data/PluginKitPlugin"}};

    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(kinds[i].prefix);
        char path[400];
        plist_t app;

        if (strncmp(domain, kinds[i].prefix, n) != 0 || plist_dict_get_item(applications, domain + n)) continue;
        app = plist_new_dict();
        plist_dict_set_item(app, "CFBundleIdentifier", plist_new_string(domain + n));
        plist_dict_set_item(app, "ContainerContentClass", plist_new_string(kinds[i].content_class));
        if (i == 0) {
            snprintf(path, sizeof path,
                     "/var/containers/Bundle/Application/4F3B2A10-0000-4000-8000-0000000000AA/%.200s.app", domain + n);
            plist_dict_set_item(app, "CFBundleVersion", plist_new_string("1.0"));
            plist_dict_set_item(app, "Path", plist_new_string(path));
        }
        plist_dict_set_item(applications, domain + n, app);
    }
}

plist_t manifest_plist_make(struct sim_device *dev, const struct sim_file *files, size_t count, bool encrypted,
                            const uint8_t *key) {
    const struct mb_keybag *bag = &dev->content->keybag;
    plist_t plist = plist_new_dict(), applications = plist_new_dict();
    const char *domain = "";
    uint8_t sealed[44];

    plist_dict_set_item(plist, "Version", plist_new_string("10.0"));
    plist_dict_set_item(plist, "Date", plist_new_date((int32_t)(time(NULL) - MAC_EPOCH), 0));
    plist_dict_set_item(plist, "IsEncrypted", plist_new_bool(encrypted));
    plist_dict_set_item(plist, "WasPasscodeSet", plist_new_bool(dev->passcode_set));
    plist_dict_set_item(plist, "SystemDomainsVersion", plist_new_string("24.0"));
    plist_dict_set_item(plist, "BackupKeyBag", plist_new_data((const char *)bag->bytes, bag->size));
    if (encrypted && mb_key_seal(bag, 4, key, sealed))
        plist_dict_set_item(plist, "ManifestKey", plist_new_data((const char *)sealed, sizeof sealed));
    plist_dict_set_item(plist, "Lockdown", lockdown_values(dev));
    for (size_t i = 0; i < count; i++)
        if (files[i].domain != domain) {
            domain = files[i].domain;
            add_application(applications, domain);
        }
    plist_dict_set_item(plist, "Applications", applications);
    return plist;
}

void manifest_key(struct sim_device *dev, uint8_t key[MB_KEY]) {
    mb_derive("manifest key", dev->udid, NULL, 0, dev->content->epoch, key);
}

void keybag_ensure(struct sim_device *dev) {
    struct sim_content *content = dev->content;
    char password[256];

    pthread_mutex_lock(&dev->lock);
    snprintf(password, sizeof password, "%s", dev->will_encrypt ? dev->backup_password : "");
    pthread_mutex_unlock(&dev->lock);
    pthread_mutex_lock(&content->lock);
    if (!content->keybag_made || strcmp(content->keybag_password, password) != 0) {
        mb_keybag_make(&content->keybag, dev->udid, content->epoch, password, content->dpic, content->iter);
        snprintf(content->keybag_password, sizeof content->keybag_password, "%s", password);
        content->keybag_made = true;
    }
    pthread_mutex_unlock(&content->lock);
    OPENSSL_cleanse(password, sizeof password);
}
