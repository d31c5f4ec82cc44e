/*
 * Manifest.db (backup-format.md 3). SQLite runs with everything switched off that a hostile schema could use, with
 * limits on what it may build, and with a count of steps after which it is stopped: a view, a generated column or a
 * torn page costs a moment, not the bench.
 */
#include <stdlib.h>
#include <string.h>

#include "database.h"
#include "database_file.h"

enum {
    STEPS_PER_ASK = 4096,
    ASKS_PER_ROW = 4000,     /* 16 million steps without a row: nothing honest does that */
    ASKS_PER_CHECK = 400000, /* a check of five million rows stays below */
    ROWS_MAX = 5000000,
    SORT_ROWS_MAX = 50000, /* without an index on fileID rows are sorted in memory */
    CELL_MAX = 1024 * 1024
};

struct kb_db {
    struct kb_db_file file;
    sqlite3 *sql;
    kb_db_go_on go_on;
    void *arg;
    int64_t asks, asks_max;
    bool cancelled;
};

static int on_steps(void *arg) {
    struct kb_db *db = arg;

    if (db->go_on && !db->go_on(db->arg)) db->cancelled = true;
    return db->cancelled || ++db->asks > db->asks_max;
}

static struct kb_result failure(const struct kb_db *db, int code) {
    if (db->cancelled) return kb_cancel_result();
    if (code == SQLITE_INTERRUPT)
        return kb_fail(KB_STORE, KB_STORE_HOSTILE,
                       _("Manifest.db is made to keep the computer busy; do not use this folder"));
    if (db->file.failed)
        return kb_fail(KB_HOST, KB_HOST_IO,
                       _("Manifest.db cannot be read from the disk; check the disk, then try again"));
    return kb_fail(KB_STORE, KB_STORE_DAMAGED, _("Manifest.db is damaged; use another copy or make a new backup"));
}

static struct kb_result prepare(struct kb_db *db, const char *text, sqlite3_stmt **out) {
    int code;

    db->asks = 0;
    db->asks_max = ASKS_PER_ROW;
    code = sqlite3_prepare_v2(db->sql, text, -1, out, NULL);
    return code == SQLITE_OK ? kb_ok() : failure(db, code);
}

/* *row false at the end. */
static struct kb_result step(struct kb_db *db, sqlite3_stmt *stmt, bool *row) {
    int code;

    db->asks = 0;
    code = sqlite3_step(stmt);
    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? kb_ok() : failure(db, code);
}

static void harden(sqlite3 *sql) {
    static const struct {
        int limit, value;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, CELL_MAX + 64 * 1024},
        {SQLITE_LIMIT_SQL_LENGTH, 100000},
        {SQLITE_LIMIT_COLUMN, 64},
        {SQLITE_LIMIT_EXPR_DEPTH, 20},
        {SQLITE_LIMIT_COMPOUND_SELECT, 3},
        {SQLITE_LIMIT_VDBE_OP, 25000},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
        {SQLITE_LIMIT_FUNCTION_ARG, 8},
    };
    static const struct {
        int option, value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
    };

    for (size_t i = 0; i < KB_ARRAY_SIZE(limits); i++) sqlite3_limit(sql, limits[i].limit, limits[i].value);
    for (size_t i = 0; i < KB_ARRAY_SIZE(options); i++)
        sqlite3_db_config(sql, options[i].option, options[i].value, NULL);
}

static struct kb_result configure(struct kb_db *db) {
    int code = sqlite3_exec(db->sql,
                            "PRAGMA query_only=1; PRAGMA cell_size_check=1; PRAGMA mmap_size=0; PRAGMA temp_store=2;"
                            "PRAGMA cache_size=-1500",
                            NULL, NULL, NULL);

    return code == SQLITE_OK ? kb_ok() : failure(db, code);
}

static struct kb_result not_a_manifest(void) {
    return kb_fail(KB_STORE, KB_STORE_DAMAGED,
                   _("Manifest.db has no proper table of files; use another copy or make a new backup"));
}

static struct kb_result check_is_table(struct kb_db *db) {
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    struct kb_result res =
        prepare(db, "SELECT type, rootpage FROM sqlite_master WHERE name = 'Files' COLLATE NOCASE", &stmt);

    if (!kb_failed(&res)) res = step(db, stmt, &row);
    if (!kb_failed(&res) && !row) res = not_a_manifest();
    while (!kb_failed(&res) && row) {
        const char *type = (const char *)sqlite3_column_text(stmt, 0);

        if (kb_streq(type, "view"))
            res = kb_fail(KB_STORE, KB_STORE_HOSTILE,
                          _("Manifest.db has a view in place of its table of files; do not use this folder"));
        else if (!kb_streq(type, "table") || sqlite3_column_int64(stmt, 1) <= 0)
            res = not_a_manifest();
        if (!kb_failed(&res)) res = step(db, stmt, &row);
        if (!kb_failed(&res) && row) res = not_a_manifest();
    }
    sqlite3_finalize(stmt);
    return res;
}

/* Plain columns by these names: a generated column would run its maker's expressions. */
static struct kb_result check_columns(struct kb_db *db) {
    static const char *const needed[] = {"fileID", "domain", "relativePath", "flags", "file"};
    sqlite3_stmt *stmt = NULL;
    unsigned found = 0;
    bool row = false, generated = false;
    struct kb_result res = prepare(db, "PRAGMA table_xinfo(Files)", &stmt);

    if (!kb_failed(&res)) res = step(db, stmt, &row);
    while (!kb_failed(&res) && row) {
        generated |= sqlite3_column_int(stmt, 6) != 0;
        for (size_t i = 0; i < KB_ARRAY_SIZE(needed); i++)
            if (kb_streq((const char *)sqlite3_column_text(stmt, 1), needed[i])) found |= 1u << i;
        res = step(db, stmt, &row);
    }
    sqlite3_finalize(stmt);
    if (kb_failed(&res)) return res;
    return generated || found != (1u << KB_ARRAY_SIZE(needed)) - 1 ? not_a_manifest() : res;
}

static bool starts_as_sqlite(struct kb_db *db) {
    unsigned char magic[16];
    sqlite3_file *file = NULL;

    if (sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file) return false;
    if (file->pMethods->xRead(file, magic, sizeof magic, 0) != SQLITE_OK) return false;
    return memcmp(magic, "SQLite format 3", sizeof magic) == 0;
}

static struct kb_result file_key(struct kb_backup *backup, struct kb_secret **key) {
    unsigned char plain[KB_KEY_BYTES];

    *key = NULL;
    if (!kb_backup_is_encrypted(backup)) return kb_ok();
    if (!kb_keys_unwrap(&backup->keys, backup->manifest.manifest_key, KB_KEYED_BYTES, plain))
        return kb_fail(KB_STORE, KB_STORE_DAMAGED,
                       _("The key of Manifest.db is damaged; use another copy or make a new backup"));
    *key = kb_secret_new(plain, sizeof plain);
    kb_wipe(plain, sizeof plain);
    return kb_ok();
}

static struct kb_result open_sql(struct kb_db *db) {
    struct kb_result res;
    int code = sqlite3_open_v2("file:manifest?immutable=1", &db->sql,
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, db->file.name);

    if (code != SQLITE_OK) return failure(db, code);
    sqlite3_progress_handler(db->sql, STEPS_PER_ASK, on_steps, db);
    harden(db->sql);
    db->asks_max = ASKS_PER_ROW;
    if (!starts_as_sqlite(db)) return failure(db, SQLITE_NOTADB);
    res = configure(db);
    if (!kb_failed(&res)) res = check_is_table(db);
    if (!kb_failed(&res)) res = check_columns(db);
    return res;
}

struct kb_result kb_db_open(struct kb_backup *backup, kb_db_go_on go_on, void *arg, struct kb_db **out) {
    struct kb_db *db = kb_xcalloc(1, sizeof *db);
    struct kb_secret *key;
    struct kb_result res = file_key(backup, &key);

    db->go_on = go_on;
    db->arg = arg;
    if (!kb_failed(&res)) res = kb_db_file_open(backup->dir, key, &db->file);
    if (!kb_failed(&res)) res = open_sql(db);
    if (kb_failed(&res))
        kb_db_close(db);
    else
        *out = db;
    return res;
}

void kb_db_close(struct kb_db *db) {
    if (!db) return;
    sqlite3_close(db->sql);
    kb_db_file_close(&db->file);
    free(db);
}

struct kb_result kb_db_check(struct kb_db *db, bool thorough) {
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    struct kb_result res = prepare(db, thorough ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)", &stmt);

    db->asks_max = ASKS_PER_CHECK;
    if (!kb_failed(&res)) res = step(db, stmt, &row);
    if (!kb_failed(&res) && (!row || !kb_streq((const char *)sqlite3_column_text(stmt, 0), "ok")))
        res = failure(db, SQLITE_CORRUPT);
    sqlite3_finalize(stmt);
    return res;
}

struct kb_result kb_db_count(struct kb_db *db, int64_t *rows) {
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    struct kb_result res = prepare(db, "SELECT count(*) FROM Files", &stmt);

    db->asks_max = ASKS_PER_CHECK;
    if (!kb_failed(&res)) res = step(db, stmt, &row);
    *rows = !kb_failed(&res) && row ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return res;
}

/* A text cell; NULL for anything else. */
static const char *text_cell(sqlite3_stmt *stmt, int column, size_t *size) {
    const char *text;

    *size = 0;
    if (sqlite3_column_type(stmt, column) != SQLITE_TEXT) return NULL;
    text = (const char *)sqlite3_column_text(stmt, column);
    *size = (size_t)sqlite3_column_bytes(stmt, column);
    return text;
}

static void read_row(sqlite3_stmt *stmt, struct kb_row *row) {
    memset(row, 0, sizeof *row);
    row->file_id = text_cell(stmt, 0, &row->file_id_size);
    row->domain = text_cell(stmt, 1, &row->domain_size);
    row->path = text_cell(stmt, 2, &row->path_size);
    row->flags_there = sqlite3_column_type(stmt, 3) == SQLITE_INTEGER;
    if (row->flags_there) row->flags = sqlite3_column_int64(stmt, 3);
    if (sqlite3_column_type(stmt, 4) == SQLITE_BLOB) {
        row->blob = sqlite3_column_blob(stmt, 4);
        row->blob_size = (size_t)sqlite3_column_bytes(stmt, 4);
    }
    row->nulls_only = true;
    for (int column = 1; column < 5; column++)
        if (column != 3 && sqlite3_column_type(stmt, column) != SQLITE_NULL) row->nulls_only = false;
}

/* Gives each row of a prepared statement (fileID, domain, relativePath, flags, file). */
static struct kb_result give_rows(struct kb_db *db, sqlite3_stmt *stmt, kb_db_each each, void *arg, int64_t max,
                                  int64_t *given) {
    struct kb_result res = kb_ok();
    struct kb_row row;
    bool there = true;

    for (*given = 0; *given < max;) {
        res = step(db, stmt, &there);
        if (kb_failed(&res) || !there) break;
        (*given)++;
        read_row(stmt, &row);
        if (!each(arg, &row)) break;
    }
    return res;
}

#define SELECT_ROW "SELECT fileID, domain, relativePath, flags, file FROM Files "
#define SELECT_ALL SELECT_ROW "ORDER BY fileID COLLATE BINARY"

/* Whether SQLite would have to sort all rows itself. */
static struct kb_result sorts(struct kb_db *db, bool *out) {
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    struct kb_result res = prepare(db, "EXPLAIN QUERY PLAN " SELECT_ALL, &stmt);

    *out = false;
    if (!kb_failed(&res)) res = step(db, stmt, &row);
    while (!kb_failed(&res) && row) {
        const char *detail = (const char *)sqlite3_column_text(stmt, 3);

        if (detail && strstr(detail, "TEMP B-TREE")) *out = true;
        res = step(db, stmt, &row);
    }
    sqlite3_finalize(stmt);
    return res;
}

/* A large table without its index is none that a device made; nobody sorts it in memory. */
static struct kb_result can_sort(struct kb_db *db, int64_t rows) {
    bool sorted = false;
    struct kb_result res = sorts(db, &sorted);

    return !kb_failed(&res) && sorted && rows > SORT_ROWS_MAX ? not_a_manifest() : res;
}

struct kb_result kb_db_rows(struct kb_db *db, bool any_order, kb_db_each each, void *arg) {
    sqlite3_stmt *stmt = NULL;
    int64_t rows = 0, given = 0;
    struct kb_result res = kb_db_count(db, &rows);

    if (!kb_failed(&res) && rows > ROWS_MAX) res = not_a_manifest();
    if (!kb_failed(&res)) res = can_sort(db, rows);
    if (!kb_failed(&res)) res = prepare(db, any_order ? SELECT_ROW : SELECT_ALL, &stmt);
    if (!kb_failed(&res)) res = give_rows(db, stmt, each, arg, INT64_MAX, &given);
    sqlite3_finalize(stmt);
    return res;
}

static struct kb_result bound_rows(struct kb_db *db, const char *text, const char *value, int64_t max, kb_db_each each,
                                   void *arg, int64_t *given) {
    sqlite3_stmt *stmt = NULL;
    struct kb_result res = prepare(db, text, &stmt);

    *given = 0;
    db->asks_max = ASKS_PER_CHECK; /* without an index every row is looked at */
    if (!kb_failed(&res)) {
        sqlite3_bind_text(stmt, 1, value, -1, SQLITE_STATIC);
        res = give_rows(db, stmt, each, arg, max, given);
    }
    sqlite3_finalize(stmt);
    return res;
}

struct kb_result kb_db_find(struct kb_db *db, const char *file_id, kb_db_each each, void *arg, bool *found) {
    int64_t given = 0;
    struct kb_result res = bound_rows(db, SELECT_ROW "WHERE fileID = ?", file_id, 1, each, arg, &given);

    *found = given > 0;
    return res;
}

struct kb_result kb_db_domain(struct kb_db *db, const char *domain, int max, kb_db_each each, void *arg) {
    int64_t given = 0;

    return bound_rows(db, SELECT_ROW "WHERE domain = ?", domain, max, each, arg, &given);
}
