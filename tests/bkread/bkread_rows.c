/* Manifest.db in memory, and each of its rows against the file it names. */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA1() in one call */
#include "bkread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>
#include <sqlite3.h>

struct row {
    char id[41], label[1600];
    int64_t size;
    bool digested;
    unsigned char digest[20], key[32];
};

static struct bk_bytes load_database(const struct bk *bk, plist_t manifest) {
    struct bk_bytes db = bk_load(bk->folder, "Manifest.db");

    if (bk->encrypted) {
        plist_t node = plist_dict_get_item(manifest, "ManifestKey");
        unsigned char key[32];
        char *wrapped = NULL;
        uint64_t size = 0;

        if (!node || plist_get_node_type(node) != PLIST_DATA) bk_wrong("no ManifestKey");
        plist_get_data_val(node, &wrapped, &size);
        bk_unwrap_key(bk, (unsigned char *)wrapped, size, key);
        free(wrapped);
        bool tail = db.size % 4096 == 16;
        size_t pad = bk_decrypt(key, NULL, db.data, db.size, "Manifest.db");
        if (tail && pad != 16) bk_wrong("padding Manifest.db");
        if (tail) db.size -= 16;
    }
    if (db.size < 4096 || db.size % 4096 || memcmp(db.data, "SQLite format 3", 16) != 0)
        bk_wrong("no database Manifest.db");
    db.data[18] = db.data[19] = 1; /* a copy in memory has no write-ahead log */
    return db;
}

static sqlite3 *open_database(struct bk_bytes db) {
    sqlite3 *sql = NULL;
    sqlite3_stmt *stmt = NULL;

    sqlite3_open(":memory:", &sql);
    sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    if (sqlite3_deserialize(sql, "main", db.data, (sqlite3_int64)db.size, (sqlite3_int64)db.size,
                            SQLITE_DESERIALIZE_READONLY) != SQLITE_OK ||
        sqlite3_prepare_v2(sql, "PRAGMA integrity_check(1)", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW || strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0)
        bk_wrong("database Manifest.db");
    sqlite3_finalize(stmt);
    /* A column that computes runs what its maker wrote. */
    if (sqlite3_prepare_v2(sql, "SELECT count(*) FROM pragma_table_xinfo('Files') WHERE hidden != 0", -1, &stmt,
                           NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW || sqlite3_column_int(stmt, 0) != 0)
        bk_wrong("columns that compute");
    sqlite3_finalize(stmt);
    return sql;
}

/* ---- The blob: an archive, whose objects refer to each other by number ---- */

static plist_t follow(plist_t objects, plist_t node) {
    uint64_t index = 0;

    if (!node || plist_get_node_type(node) != PLIST_UID) return node;
    plist_get_uid_val(node, &index);
    return index < plist_array_get_size(objects) ? plist_array_get_item(objects, (uint32_t)index) : NULL;
}

/* Data of exactly size bytes; false when there is none. */
static bool take_data(plist_t objects, plist_t file, const char *name, unsigned char *out, uint64_t size,
                      const char *label) {
    plist_t node = follow(objects, plist_dict_get_item(file, name));
    char *data = NULL;
    uint64_t got = 0;

    if (node && plist_get_node_type(node) == PLIST_DICT) node = follow(objects, plist_dict_get_item(node, "NS.data"));
    if (!node || plist_get_node_type(node) != PLIST_DATA) return false;
    plist_get_data_val(node, &data, &got);
    if (got != size) bk_wrong("%s of %s", name, label);
    memcpy(out, data, size);
    free(data);
    return true;
}

static void read_blob(const struct bk *bk, struct bk_bytes blob, const char *path, bool regular, struct row *row) {
    plist_t root = bk_plist(blob, row->label), top = plist_dict_get_item(root, "$top");
    plist_t objects = plist_dict_get_item(root, "$objects");
    unsigned char wrapped[44];
    char *text = NULL;

    if (!top || !objects || plist_get_node_type(objects) != PLIST_ARRAY) bk_wrong("no archive %s", row->label);
    plist_t file = follow(objects, plist_dict_get_item(top, "root"));
    if (!file || plist_get_node_type(file) != PLIST_DICT) bk_wrong("no archive %s", row->label);
    plist_t name = follow(objects, plist_dict_get_item(file, "RelativePath"));
    if (name && plist_get_node_type(name) == PLIST_STRING) plist_get_string_val(name, &text);
    if (!text || strcmp(text, path) != 0) bk_wrong("blob of another file %s", row->label);
    plist_t size = plist_dict_get_item(file, "Size");
    uint64_t value = UINT64_MAX;
    if (size && plist_get_node_type(size) == PLIST_UINT) plist_get_uint_val(size, &value);
    if (regular && value >= (uint64_t)1 << 44) bk_wrong("size of %s", row->label);
    row->size = (int64_t)value;
    row->digested = take_data(objects, file, "Digest", row->digest, 20, row->label);
    if (regular && bk->encrypted) {
        if (!take_data(objects, file, "EncryptionKey", wrapped, 44, row->label)) bk_wrong("no key %s", row->label);
        bk_unwrap_key(bk, wrapped, 44, row->key);
    }
    free(text);
    plist_free(root);
}

/* ---- The file ---- */

static bool is_database(const struct row *row, const unsigned char *head, size_t size) {
    static const char *const tails[] = {"-wal", "-shm", "-journal"};
    size_t length = strlen(row->label);

    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++)
        if (length > strlen(tails[i]) && strcmp(row->label + length - strlen(tails[i]), tails[i]) == 0) return true;
    return size >= 16 && memcmp(head, "SQLite format 3", 16) == 0;
}

/* The digest is of the bytes as they lie there; what decrypts is measured by its padding. */
static void check_file(struct bk *bk, const struct row *row) {
    unsigned char digest[20];
    char name[64];

    snprintf(name, sizeof name, "%.2s/%s", row->id, row->id);
    struct bk_bytes bytes = bk_load(bk->folder, name);
    size_t length = bytes.size;
    SHA1(bytes.data, bytes.size, digest);
    if (row->digested && memcmp(digest, row->digest, 20) != 0) bk_wrong("digest %s", row->label);
    if (bk->encrypted) {
        size_t pad = bk_decrypt(row->key, NULL, bytes.data, bytes.size, row->label);
        if (pad == 0) bk_wrong("padding %s", row->label);
        length -= pad;
    }
    if (row->size != (int64_t)length && !row->digested && !is_database(row, bytes.data, length))
        bk_wrong("size of %s: %ld, not %ld", row->label, (long)length, (long)row->size);
    free(bytes.data);
    bk->files++;
}

static void check_id(const char *id, const char *domain, const char *path, const char *label) {
    unsigned char digest[20];
    char text[2048], hex[41];

    snprintf(text, sizeof text, "%s-%s", domain, path);
    SHA1((unsigned char *)text, strlen(text), digest);
    for (int i = 0; i < 20; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    if (strcmp(hex, id) != 0) bk_wrong("fileID of %s", label);
}

static bool is_sound_path(const char *path) {
    char copy[2048];

    if (!*path) return true;
    if (strlen(path) >= 998 || path[0] == '~') return false;
    snprintf(copy, sizeof copy, "/%s/", path);
    return !strstr(copy, "//") && !strstr(copy, "/./") && !strstr(copy, "/../");
}

static bool is_sound_domain(const char *domain) {
    return *domain && !strchr(domain, '/') && strcmp(domain, ".") != 0 && strcmp(domain, "..") != 0;
}

/* Where a device ends a restore when a file comes without one. */
static bool wants_digest(const char *domain) {
    static const char *const always[] = {
        "HomeDomain",    "RootDomain",     "WirelessDomain",          "KeychainDomain",           "HealthDomain",
        "HomeKitDomain", "DatabaseDomain", "SystemPreferencesDomain", "ManagedPreferencesDomain", "KeyboardDomain",
        "InstallDomain"};

    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        if (strcmp(domain, always[i]) == 0) return true;
    return false;
}

static void check_row(struct bk *bk, sqlite3_stmt *stmt) {
    static const int types[] = {SQLITE_TEXT, SQLITE_TEXT, SQLITE_TEXT, SQLITE_INTEGER, SQLITE_BLOB};
    struct row row = {.size = -1};

    for (int i = 0; i < 5; i++)
        if (sqlite3_column_type(stmt, i) != types[i]) bk_wrong("type of column %d in row %ld", i, bk->rows);
    for (int i = 0; i < 3; i++)
        if (strlen((const char *)sqlite3_column_text(stmt, i)) != (size_t)sqlite3_column_bytes(stmt, i))
            bk_wrong("NUL in column %d", i);
    const char *id = (const char *)sqlite3_column_text(stmt, 0), *domain = (const char *)sqlite3_column_text(stmt, 1);
    const char *path = (const char *)sqlite3_column_text(stmt, 2);
    int flags = sqlite3_column_int(stmt, 3);
    struct bk_bytes blob = {(unsigned char *)(uintptr_t)sqlite3_column_blob(stmt, 4),
                            (size_t)sqlite3_column_bytes(stmt, 4)};

    bk->rows++;
    snprintf(row.label, sizeof row.label, "%s-%s", domain, path);
    check_id(id, domain, path, row.label);
    if (!is_sound_domain(domain) || !is_sound_path(path)) bk_wrong("name %s", row.label);
    if (flags != 1 && flags != 2 && flags != 4) bk_wrong("flags of %s", row.label);
    memcpy(row.id, id, sizeof row.id); /* 40 digits, or check_id had ended */
    read_blob(bk, blob, path, flags == 1, &row);
    if (flags == 1 && !row.digested && wants_digest(domain)) bk_wrong("no digest %s", row.label);
    if (flags == 1) check_file(bk, &row);
}

void bk_rows(struct bk *bk, plist_t manifest) {
    struct bk_bytes db = load_database(bk, manifest);
    sqlite3 *sql = open_database(db);
    sqlite3_stmt *stmt = NULL;
    int code;

    if (sqlite3_prepare_v2(sql, "SELECT fileID, domain, relativePath, flags, file FROM Files", -1, &stmt, NULL) !=
        SQLITE_OK)
        bk_wrong("no table of files");
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) check_row(bk, stmt);
    if (code != SQLITE_DONE) bk_wrong("database Manifest.db");
    if (bk->rows == 0) bk_wrong("no row");
    sqlite3_finalize(stmt);
    sqlite3_close(sql);
    free(db.data);
}
