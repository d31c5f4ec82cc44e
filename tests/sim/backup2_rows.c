/* Reading what a host gives back: small property lists, an encrypted Manifest.db, its rows, all checked as a device
 * does. */
#include "backup2.h"
#include "backup2_bplist.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

plist_t plist_of(const struct sim_blob *blob) {
    plist_t plist = NULL;

    if (blob && blob->size > 8 && !memcmp(blob->data, "bplist00", 8))
        plist_from_bin((const char *)blob->data, (uint32_t)blob->size, &plist);
    else if (blob && blob->size)
        plist_from_xml((const char *)blob->data, (uint32_t)blob->size, &plist);
    if (plist && plist_get_node_type(plist) != PLIST_DICT) {
        plist_free(plist);
        plist = NULL;
    }
    return plist;
}

static plist_t item(plist_t dict, const char *key, plist_type type) {
    plist_t node = dict && plist_get_node_type(dict) == PLIST_DICT ? plist_dict_get_item(dict, key) : NULL;

    return node && plist_get_node_type(node) == type ? node : NULL;
}

const char *dict_string(plist_t dict, const char *key) {
    plist_t node = item(dict, key, PLIST_STRING);

    return node ? plist_get_string_ptr(node, NULL) : NULL;
}

int dict_bool(plist_t dict, const char *key) {
    plist_t node = item(dict, key, PLIST_BOOLEAN);
    uint8_t value = 0;

    if (!node) return -1;
    plist_get_bool_val(node, &value);
    return value ? 1 : 0;
}

const uint8_t *dict_data(plist_t dict, const char *key, size_t *size) {
    plist_t node = item(dict, key, PLIST_DATA);
    uint64_t length = 0;
    const char *bytes = node ? plist_get_data_ptr(node, &length) : NULL;

    *size = (size_t)length;
    return (const uint8_t *)bytes;
}

int version_compare(const char *a, const char *b) {
    while (*a || *b) {
        char *end_a, *end_b;
        long x = strtol(a, &end_a, 10), y = strtol(b, &end_b, 10);

        if (x != y) return x < y ? -1 : 1;
        a = *end_a == '.' ? end_a + 1 : "";
        b = *end_b == '.' ? end_b + 1 : "";
    }
    return 0;
}

bool decrypt_file(const char *from, const char *to, const uint8_t key[MB_KEY]) {
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    EVP_CIPHER_CTX *cbc = mb_cbc_new(key, false);
    uint8_t cipher[65536], plain[65536 + 32];
    bool ok = in && out, first = true;
    size_t n, total = 0;

    while (ok && (n = fread(cipher, 1, sizeof cipher, in)) > 0) {
        ok = n % 16 == 0;
        n = mb_cbc(cbc, cipher, n, plain, false);
        if (first) ok = ok && n >= 16 && !memcmp(plain, "SQLite format 3", 16);
        first = false;
        total += n;
        /* The tail is a padding block of its own: pages are whole. */
        if (n >= 16 && n < sizeof cipher && total % 4096 == 16 && mb_padding(plain + n - 16) == 16) n -= 16;
        ok = ok && fwrite(plain, 1, n, out) == n;
    }
    EVP_CIPHER_CTX_free(cbc);
    if (in) fclose(in);
    if (out) ok = fclose(out) == 0 && ok;
    return ok && total > 0;
}

/* The object that a UID of the dictionary leads to; -1: none. */
static int64_t follow(const struct bplist *plist, int64_t objects, int64_t dict, const char *key) {
    int64_t at;

    return bplist_uid(plist, bplist_get(plist, dict, key), &at) ? bplist_at(plist, objects, at) : -1;
}

static int64_t integer(const struct bplist *plist, int64_t dict, const char *key) {
    int64_t value = 0;

    return bplist_int(plist, bplist_get(plist, dict, key), &value) ? value : 0;
}

/* The wrapped key, in any of the forms that tools write. */
static void read_key(const struct bplist *plist, int64_t objects, int64_t file, struct row *row) {
    int64_t holder = follow(plist, objects, file, "EncryptionKey");
    size_t size = 0;
    const uint8_t *bytes = bplist_data(plist, holder, &size);

    if (!bytes) bytes = bplist_data(plist, bplist_get(plist, holder, "NS.data"), &size);
    if (!bytes) bytes = bplist_data(plist, follow(plist, objects, holder, "NS.data"), &size);
    row->has_key = bytes && size == sizeof row->key;
    if (row->has_key) memcpy(row->key, bytes, sizeof row->key);
}

/* The MBFile of a row's blob; false: no such thing. */
static bool read_mbfile(const void *blob, int size, struct row *row) {
    struct bplist plist;
    int64_t objects, file;
    const uint8_t *digest;
    size_t length = 0;
    char *path;
    bool ok;

    if (size < 40 || size > 1 << 20 || !bplist_open(&plist, blob, (size_t)size)) return false;
    objects = bplist_get(&plist, plist.top, "$objects");
    file = follow(&plist, objects, bplist_get(&plist, plist.top, "$top"), "root");
    if (!bplist_is_dict(&plist, file)) return false;
    path = bplist_string(&plist, follow(&plist, objects, file, "RelativePath"));
    ok = path && !strcmp(path, row->path);
    free(path);
    row->size = integer(&plist, file, "Size");
    row->mtime = integer(&plist, file, "LastModified");
    row->mode = integer(&plist, file, "Mode");
    row->class = (int)integer(&plist, file, "ProtectionClass");
    row->target = bplist_string(&plist, follow(&plist, objects, file, "Target"));
    digest = bplist_data(&plist, follow(&plist, objects, file, "Digest"), &length);
    row->has_digest = digest && length == sizeof row->digest;
    if (row->has_digest) memcpy(row->digest, digest, sizeof row->digest);
    read_key(&plist, objects, file, row);
    return ok;
}

static bool safe_path(const char *path) {
    const char *part = path;

    if (!*path) return true;
    if (*path == '/' || *path == '~' || strlen(path) >= 998) return false;
    for (;;) {
        size_t n = strcspn(part, "/");

        if (n == 0 || (n == 1 && *part == '.') || (n == 2 && part[0] == '.' && part[1] == '.')) return false;
        if (!part[n]) return true;
        part += n + 1;
    }
}

static bool same_id(const char *hex, const uint8_t id[20]) {
    char want[41];

    sim_id_hex(id, want);
    return hex && !strcmp(hex, want);
}

static int bad_row(char *why, size_t size, const char *text) {
    snprintf(why, size, "%s", text);
    return MB_CORRUPT;
}

static int read_row(sqlite3_stmt *select, struct row *row, char *why, size_t size) {
    const char *hex = (const char *)sqlite3_column_text(select, 0);
    const char *domain = (const char *)sqlite3_column_text(select, 1);
    const char *path = (const char *)sqlite3_column_text(select, 2);
    const void *blob = sqlite3_column_blob(select, 4);

    row->flags = sqlite3_column_int(select, 3);
    if (!hex || !domain || !path || !blob) return bad_row(why, size, "Manifest row is incomplete");
    if (strchr(domain, '/')) return bad_row(why, size, "Domain name cannot contain a slash");
    if (!*domain || !strcmp(domain, ".") || !strcmp(domain, "..") || !safe_path(path))
        return bad_row(why, size, "Invalid domain or relative path");
    row->domain = strdup(domain);
    row->path = strdup(path);
    sim_file_id(domain, path, row->id);
    if (!same_id(hex, row->id)) return bad_row(why, size, "File ID does not match domain and path");
    if (row->flags != SIM_REGULAR && row->flags != SIM_DIRECTORY && row->flags != SIM_SYMLINK)
        return bad_row(why, size, "Unknown file flags");
    if (!read_mbfile(blob, sqlite3_column_bytes(select, 4), row))
        return bad_row(why, size, "Cannot decode a file of the manifest");
    if (row->size < 0 || row->size >= 1ll << 44) return bad_row(why, size, "Absurd file size in the manifest");
    return 0;
}

static int rows_by_id(const void *a, const void *b) {
    return memcmp(((const struct row *)a)->id, ((const struct row *)b)->id, 20);
}

static struct row *rows_add(struct rows *rows) {
    if (rows->count == rows->room) {
        rows->room = rows->room ? rows->room * 2 : 1024;
        rows->row = realloc(rows->row, rows->room * sizeof *rows->row);
        if (!rows->row) abort();
    }
    memset(&rows->row[rows->count], 0, sizeof *rows->row);
    return &rows->row[rows->count++];
}

int rows_read(const char *path, struct rows *rows, char *why, size_t why_size) {
    sqlite3 *db = NULL;
    sqlite3_stmt *select = NULL;
    char uri[1100];
    int error = 0, step = SQLITE_DONE;

    memset(rows, 0, sizeof *rows);
    snprintf(uri, sizeof uri, "file:%s?immutable=1", path);
    if (sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT fileID,domain,relativePath,flags,file FROM Files", -1, &select, NULL) !=
            SQLITE_OK)
        error = bad_row(why, why_size, "Error opening the manifest database");
    while (!error && (step = sqlite3_step(select)) == SQLITE_ROW)
        error = read_row(select, rows_add(rows), why, why_size);
    if (!error && step != SQLITE_DONE) error = bad_row(why, why_size, "Error reading the manifest database");
    sqlite3_finalize(select);
    sqlite3_close(db);
    if (!error) qsort(rows->row, rows->count, sizeof *rows->row, rows_by_id);
    return error;
}

void rows_free(struct rows *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->row[i].domain);
        free(rows->row[i].path);
        free(rows->row[i].target);
    }
    free(rows->row);
    memset(rows, 0, sizeof *rows);
}

const struct row *rows_find(const struct rows *rows, const uint8_t id[20]) {
    struct row key = {.flags = 0};

    memcpy(key.id, id, 20);
    return rows->count ? bsearch(&key, rows->row, rows->count, sizeof *rows->row, rows_by_id) : NULL;
}
