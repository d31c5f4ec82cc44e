/* Manifest.db and the payloads (backup-format.md 3). */
#include "gen.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TYPE_BITS = 0170000, TYPE_FILE = 0100000, TYPE_DIR = 0040000, TYPE_LINK = 0120000 };

void gen_exec(struct gen *gen, const char *sql) {
    char *error = NULL;

    if (sqlite3_exec(gen->db, sql, NULL, NULL, &error) == SQLITE_OK) return;
    fprintf(stderr, "%s: %s\n", sql, error);
    exit(2);
}

void gen_open_db(struct gen *gen) {
    snprintf(gen->db_path, sizeof gen->db_path, "%s/Manifest.db", gen->folder);
    if (sqlite3_open(gen->db_path, &gen->db) != SQLITE_OK) gen_die(gen->db_path);
    gen_exec(gen,
             "PRAGMA page_size=4096; PRAGMA auto_vacuum=2; PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;"
             "PRAGMA cache_size=-500000;" /* keys come in random order: two million rows take hours without */
             "CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB);"
             "CREATE INDEX FilesDomainIdx ON Files(domain);"
             "CREATE INDEX FilesRelativePathIdx ON Files(relativePath);"
             "CREATE INDEX FilesFlagsIdx ON Files(flags);"
             "CREATE TABLE Properties (key TEXT PRIMARY KEY, value BLOB);"
             "PRAGMA user_version=2; BEGIN");
    if (sqlite3_prepare_v2(gen->db, "INSERT INTO Files VALUES (?,?,?,?,?)", -1, &gen->insert, NULL) != SQLITE_OK)
        gen_die("insert");
}

/* Read whole, written again: the database is never seen half encrypted. */
static void encrypt_db(struct gen *gen) {
    FILE *file = fopen(gen->db_path, "rb");
    unsigned char *plain, *cipher;
    size_t size, out_size;
    long length;

    if (!file || fseek(file, 0, SEEK_END) != 0 || (length = ftell(file)) < 0) gen_die(gen->db_path);
    rewind(file);
    plain = malloc((size_t)length);
    size = plain ? fread(plain, 1, (size_t)length, file) : 0;
    fclose(file);
    if (gen_is(gen, "db-page")) memset(plain + 4096 * 3 + 100, 0xA5, 3000);
    cipher = gen_encrypt(gen->manifest_key, plain, size, &out_size);
    gen_write(gen, "Manifest.db", cipher, gen->spec->no_tail ? out_size - 16 : out_size);
    free(cipher);
    free(plain);
}

/* A real one says WAL in its header: a reader that opens it the usual way would leave files beside it. */
static void say_wal(struct gen *gen) {
    FILE *file = fopen(gen->db_path, "r+b");

    if (!file || fseek(file, 18, SEEK_SET) != 0 || fwrite("\2\2", 1, 2, file) != 2 || fclose(file) != 0)
        gen_die(gen->db_path);
}

void gen_close_db(struct gen *gen) {
    sqlite3_finalize(gen->insert);
    gen_exec(gen, "COMMIT");
    if (sqlite3_close(gen->db) != SQLITE_OK) gen_die("close");
    say_wal(gen);
    if (gen->encrypted && !gen_is(gen, "ios10-plain-db") && !gen_is(gen, "db-not-encrypted")) encrypt_db(gen);
}

static void sha1(const void *data, size_t size, unsigned char out[20]) {
    EVP_Digest(data, size, out, NULL, EVP_sha1(), NULL);
}

static void file_id(const char *domain, const char *path, char out[41]) {
    char text[4096];
    unsigned char digest[20];

    sha1(text, (size_t)snprintf(text, sizeof text, "%s-%s", domain, path), digest);
    for (int i = 0; i < 20; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* backup-format.md 3.4 */
static bool has_digest(const char *domain) {
    static const char *const never[] = {"AppDomain", "SysContainerDomain-", "SysSharedContainerDomain-",
                                        "CameraRollDomain", "MediaDomain"};

    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (strncmp(domain, never[i], strlen(never[i])) == 0) return false;
    return true;
}

static plist_t class_of(const char *name) {
    plist_t dict = plist_new_dict(), classes = plist_new_array();

    plist_array_append_item(classes, plist_new_string(name));
    plist_array_append_item(classes, plist_new_string("NSObject"));
    plist_dict_set_item(dict, "$classname", plist_new_string(name));
    plist_dict_set_item(dict, "$classes", classes);
    return dict;
}

/* Appends to $objects, and puts the UID into the file's dictionary. */
static void refer(plist_t file, plist_t objects, const char *key, plist_t value) {
    plist_array_append_item(objects, value);
    plist_dict_set_item(file, key, plist_new_uid(plist_array_get_size(objects) - 1));
}

static void add_key(plist_t file, plist_t objects, const unsigned char key[44], size_t size) {
    plist_t dict = plist_new_dict();

    plist_dict_set_item(dict, "NS.data", plist_new_data((const char *)key, size));
    refer(file, objects, "EncryptionKey", dict);
    plist_array_append_item(objects, class_of("NSMutableData"));
    plist_dict_set_item(dict, "$class", plist_new_uid(plist_array_get_size(objects) - 1));
}

struct blob {
    const char *path;
    uint32_t mode;
    int64_t size;
    int class_number;
    const unsigned char *digest, *key;
    const char *target;
    const char *hurt; /* the damage, when it is to be done to this file; else "" */
};

/* What libplist cannot write is put in its place afterwards: a negative number, as a device would store one. */
#define STAND_IN UINT64_C(0x7654321076543210)

static bool hurts(const struct blob *blob, const char *damage) { return strcmp(blob->hurt, damage) == 0; }

static plist_t size_of(const struct blob *blob) {
    if (hurts(blob, "size-text")) return plist_new_string("12");
    if (hurts(blob, "size-negative")) return plist_new_uint(STAND_IN);
    if (hurts(blob, "size-wide")) return plist_new_uint(UINT64_MAX); /* 16 bytes, because 8 would be negative */
    if (hurts(blob, "size-huge")) return plist_new_uint(UINT64_C(1) << 44);
    if (hurts(blob, "size-largest")) return plist_new_uint(INT64_MAX);
    return plist_new_uint((uint64_t)blob->size);
}

static void make_negative(char *bytes, uint32_t size) {
    static const unsigned char stand_in[8] = {0x76, 0x54, 0x32, 0x10, 0x76, 0x54, 0x32, 0x10};

    for (uint32_t at = 0; at + 8 <= size; at++)
        if (memcmp(bytes + at, stand_in, 8) == 0) memset(bytes + at, 0xFF, 7);
}

static void add_digest(plist_t file, plist_t objects, const struct blob *blob) {
    if (hurts(blob, "digest-text"))
        refer(file, objects, "Digest", plist_new_string("no digest at all"));
    else if (!hurts(blob, "digest-missing"))
        refer(file, objects, "Digest",
              plist_new_data((const char *)blob->digest, hurts(blob, "digest-short") ? 19 : 20));
}

static char *archive(struct gen *gen, const struct blob *blob, uint32_t *size) {
    plist_t root = plist_new_dict(), objects = plist_new_array(), file = plist_new_dict(), top = plist_new_dict();
    char *out = NULL;

    plist_array_append_item(objects, plist_new_string("$null"));
    plist_array_append_item(objects, file);
    plist_dict_set_item(file, "LastModified", plist_new_uint(1700000000));
    plist_dict_set_item(file, "Flags", plist_new_uint(0));
    plist_dict_set_item(file, "GroupID", plist_new_uint(501));
    plist_dict_set_item(file, "UserID", plist_new_uint(501));
    plist_dict_set_item(file, "LastStatusChange", plist_new_uint(1700000000));
    plist_dict_set_item(file, "Birth", plist_new_uint(1600000000));
    if (!hurts(blob, "size-missing")) plist_dict_set_item(file, "Size", size_of(blob));
    plist_dict_set_item(file, "InodeNumber", plist_new_uint((uint64_t)++gen->inode));
    plist_dict_set_item(file, "Mode", plist_new_uint(blob->mode));
    plist_dict_set_item(file, "ProtectionClass", plist_new_uint((uint64_t)blob->class_number));
    if (hurts(blob, "blob-self"))
        plist_dict_set_item(file, "RelativePath", plist_new_uid(1));
    else
        refer(file, objects, "RelativePath", plist_new_string(blob->path));
    if (blob->target) refer(file, objects, "Target", plist_new_string(blob->target));
    if (blob->digest) add_digest(file, objects, blob);
    if (blob->key) add_key(file, objects, blob->key, hurts(blob, "key-short") ? 43 : 44);
    refer(file, objects, "$class", class_of("MBFile"));
    plist_dict_set_item(top, "root", plist_new_uid(1));
    plist_dict_set_item(root, "$version", plist_new_uint(100000));
    plist_dict_set_item(root, "$archiver", plist_new_string("NSKeyedArchiver"));
    plist_dict_set_item(root, "$top", top);
    plist_dict_set_item(root, "$objects", objects);
    plist_to_bin(root, &out, size);
    plist_free(root);
    make_negative(out, *size);
    return out;
}

static void insert_row(struct gen *gen, const char *id, const char *domain, const struct blob *blob, int flags) {
    uint32_t size = 0;
    char *bytes = archive(gen, blob, &size);

    sqlite3_bind_text(gen->insert, 1, id, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(gen->insert, 2, domain, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(gen->insert, 3, blob->path, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(gen->insert, 4, flags);
    sqlite3_bind_blob(gen->insert, 5, bytes, (int)size, SQLITE_TRANSIENT);
    if (sqlite3_step(gen->insert) != SQLITE_DONE) gen_die("row");
    sqlite3_reset(gen->insert);
    free(bytes);
}

static void remember(struct gen *gen, const char *id, bool digested, const void *data, size_t size) {
    char *place = digested ? gen->first_digested : gen->first_undigested;
    bool database = size > 16 && memcmp(data, "SQLite format 3", 16) == 0;

    if (database && !digested && !gen->database_file[0])
        memcpy(gen->database_file, id, 41);
    else if (!database && !place[0] && size > 64)
        memcpy(place, id, 41);
}

static void add_regular(struct gen *gen, const char *id, const char *domain, struct blob *blob, const void *data,
                        size_t size) {
    unsigned char key[32], keyed[44], digest[20], *cipher = NULL;
    char name[64];

    for (size_t i = 0; i < sizeof key; i++) key[i] = (unsigned char)gen_random(gen);
    blob->class_number = gen_random(gen) % 2 ? 3 : 4;
    if (gen->encrypted) {
        gen_wrap(gen, blob->class_number, key, keyed);
        if (hurts(blob, "key-class")) keyed[0] = 12;
        if (hurts(blob, "key-flipped")) keyed[20] ^= 1;
        if (!hurts(blob, "key-missing")) blob->key = keyed;
        data = cipher = gen_encrypt(key, data, size, &size);
    }
    sha1(data, size, digest);
    if (has_digest(domain)) blob->digest = digest;
    snprintf(name, sizeof name, "%.2s/%s", id, id);
    gen_write(gen, name, data, size);
    insert_row(gen, id, domain, blob, 1);
    free(cipher);
}

/* A digest, and what shows only where a digest is right, is hurt in a file that has one. */
static const char *hurt_of(const struct gen *gen, const char *id) {
    static const char *const digested[] = {"digest-missing", "digest-short", "digest-text", "key-flipped", "key-class"};
    const char *victim = gen->first_undigested;

    for (size_t i = 0; i < sizeof digested / sizeof digested[0]; i++)
        if (gen_is(gen, digested[i])) victim = gen->first_digested;
    return gen->spec->damage && strcmp(id, victim) == 0 ? gen->spec->damage : "";
}

void gen_add(struct gen *gen, const char *domain, const char *path, uint32_t mode, const void *data, size_t size) {
    struct blob blob = {.path = path, .mode = mode, .size = (int64_t)size, .hurt = ""};
    char id[41];

    file_id(domain, path, id);
    if ((mode & TYPE_BITS) == TYPE_LINK) {
        blob.target = data;
        insert_row(gen, id, domain, &blob, 4);
    } else if ((mode & TYPE_BITS) == TYPE_DIR) {
        blob.size = 0;
        insert_row(gen, id, domain, &blob, 2);
    } else {
        remember(gen, id, has_digest(domain), data, size);
        if (gen_is(gen, "size-skew") && strcmp(id, gen->database_file) == 0) blob.size += 8192;
        blob.hurt = hurt_of(gen, id);
        if (hurts(&blob, "size-wrong")) blob.size += 5;
        if (gen_is(gen, "size-sum")) blob.size = (INT64_C(1) << 44) - 1;
        add_regular(gen, id, domain, &blob, data, size);
    }
}
