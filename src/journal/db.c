/*
 * The journal's file: opening, its schema, transactions, and appending one row to the chain.
 * Rollback mode TRUNCATE with synchronous EXTRA: several processes may write, and what has returned is on the disk.
 */
#include "db.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define APPLICATION_ID 0x4b426a6e /* "KBjn": tells our file from any other SQLite database */
#define SCHEMA_VERSION 1
#define BUSY_MS        30000 /* a tray of 64 on a slow disk has many writers */

static const char first_previous[] = "0000000000000000000000000000000000000000000000000000000000000000";

/* What to do, by SQLite's primary code. */
static const struct {
    int code;
    const char *text; /* takes the path */
} sentences[] = {
    {SQLITE_BUSY, N_("Another kitbench is writing the journal %s: wait a moment, then try again")},
    {SQLITE_LOCKED, N_("Another kitbench is writing the journal %s: wait a moment, then try again")},
    {SQLITE_FULL, N_("The disk is full and the journal %s cannot be written: free space, then try again")},
    {SQLITE_READONLY, N_("The journal %s cannot be written: look at the permissions of the file and its folder, or "
                         "choose another place with KITBENCH_HOME")},
    {SQLITE_PERM, N_("The journal %s cannot be opened: look at the permissions of the file and its folder, or choose "
                     "another place with KITBENCH_HOME")},
    {SQLITE_CANTOPEN, N_("The journal %s cannot be opened: look at the permissions of the file and its folder, or "
                         "choose another place with KITBENCH_HOME")},
    {SQLITE_CORRUPT, N_("The journal %s is damaged: move it to a safe place, then start again with a new one (kitbench "
                        "makes it)")},
    {SQLITE_NOTADB, N_("%s is not a journal of kitbench: move it to a safe place, then start again with a new one "
                       "(kitbench makes it)")},
    {SQLITE_SCHEMA, N_("The journal %s was written by a newer kitbench: update this one, or choose another place with "
                       "KITBENCH_HOME")},
    {SQLITE_IOERR, N_("The disk of the journal %s does not work as it should: check the disk, then try again")},
};

static struct kb_result fail_with(struct kb_journal *journal, int code) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(sentences); i++) {
        if (sentences[i].code == (code & 0xff)) return kb_fail(KB_JOURNAL, code, _(sentences[i].text), journal->path);
    }
    return kb_fail(KB_JOURNAL, code, _("The journal %s failed with error %d: try again, and report it if it stays"),
                   journal->path, code);
}

struct kb_result kb_journal_fail(struct kb_journal *journal, int rc) {
    int extended = journal->db ? sqlite3_extended_errcode(journal->db) : rc;
    return fail_with(journal, (extended & 0xff) == (rc & 0xff) ? extended : rc);
}

struct kb_result kb_journal_exec(struct kb_journal *journal, const char *sql) {
    int rc = sqlite3_exec(journal->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? kb_ok() : kb_journal_fail(journal, rc);
}

struct kb_result kb_journal_prepare(struct kb_journal *journal, const char *sql, sqlite3_stmt **out) {
    int rc = sqlite3_prepare_v2(journal->db, sql, -1, out, NULL);
    return rc == SQLITE_OK ? kb_ok() : kb_journal_fail(journal, rc);
}

struct kb_result kb_journal_finish(struct kb_journal *journal, sqlite3_stmt *statement, int rc) {
    struct kb_result res = rc == SQLITE_DONE || rc == SQLITE_ROW ? kb_ok() : kb_journal_fail(journal, rc);
    sqlite3_finalize(statement);
    return res;
}

/* The one number a statement returns. */
static struct kb_result ask_int(struct kb_journal *journal, const char *sql, int64_t *out) {
    sqlite3_stmt *statement = NULL;
    struct kb_result res = kb_journal_prepare(journal, sql, &statement);
    if (kb_failed(&res)) return res;
    int rc = sqlite3_step(statement);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    return kb_journal_finish(journal, statement, rc);
}

/* ---- Transactions ----------------------------------------------------------------------------------------------- */

struct kb_result kb_journal_begin(struct kb_journal *journal) {
    return journal->together ? kb_ok() : kb_journal_exec(journal, "BEGIN IMMEDIATE");
}

struct kb_result kb_journal_end(struct kb_journal *journal, struct kb_result res) {
    if (journal->together) return res;
    if (!kb_failed(&res)) res = kb_journal_exec(journal, "COMMIT");
    if (kb_failed(&res) && !sqlite3_get_autocommit(journal->db))
        sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL); /* the first failure is the one that tells */
    return res;
}

struct kb_result kb_journal_together(struct kb_journal *journal, struct kb_result (*write)(void *arg), void *arg) {
    struct kb_result res = kb_journal_begin(journal);
    if (kb_failed(&res)) return res;
    journal->together = true;
    res = write(arg);
    journal->together = false;
    return kb_journal_end(journal, res);
}

/* ---- Schema ----------------------------------------------------------------------------------------------------- */

/*
 * `head` says where the chain ends, so that a row that was cut off at the end is missed too. The triggers keep honest
 * programs from changing a row; the chain tells of the others.
 */
static const char schema[] =
    "CREATE TABLE chain (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, job TEXT NOT NULL, kind TEXT NOT NULL,"
    " body TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);"
    "CREATE INDEX chain_job ON chain (job, seq);"
    "CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL);"
    "INSERT INTO head VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');"
    "CREATE TRIGGER chain_is_not_changed BEFORE UPDATE ON chain BEGIN SELECT RAISE(ABORT, 'append only'); END;"
    "CREATE TRIGGER chain_is_not_cut BEFORE DELETE ON chain BEGIN SELECT RAISE(ABORT, 'append only'); END;"
    "PRAGMA application_id = 1262643822; PRAGMA user_version = 1;";

static struct kb_result make_schema(struct kb_journal *journal) {
    int64_t tables = 0;
    static_assert(APPLICATION_ID == 1262643822 && SCHEMA_VERSION == 1, "as in the text above");
    struct kb_result res = kb_journal_begin(journal);
    if (kb_failed(&res)) return res;
    res = ask_int(journal, "SELECT count(*) FROM sqlite_master", &tables); /* another process may have been faster */
    if (!kb_failed(&res) && tables == 0) res = kb_journal_exec(journal, schema);
    return kb_journal_end(journal, res);
}

static struct kb_result check_schema(struct kb_journal *journal) {
    int64_t id = 0, version = 0, tables = 0;
    struct kb_result res = ask_int(journal, "SELECT count(*) FROM sqlite_master", &tables);
    if (!kb_failed(&res) && tables == 0) res = make_schema(journal);
    if (!kb_failed(&res)) res = ask_int(journal, "PRAGMA application_id", &id);
    if (!kb_failed(&res)) res = ask_int(journal, "PRAGMA user_version", &version);
    if (!kb_failed(&res) && id != APPLICATION_ID) res = fail_with(journal, SQLITE_NOTADB);
    if (!kb_failed(&res) && version > SCHEMA_VERSION) res = fail_with(journal, SQLITE_SCHEMA);
    return res;
}

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

/* Makes an empty file that nobody else may read; SQLite would ask the umask. */
static struct kb_result make_file(const char *folder) {
    struct kb_dir *dir = NULL;
    struct kb_handle *handle = NULL;
    struct kb_stat stat;
    struct kb_result res = kb_dir_open(folder, true, &dir);
    if (kb_failed(&res)) return res;
    res = kb_dir_stat(dir, "journal.db", &stat);
    if (kb_is(&res, KB_HOST, KB_HOST_NOT_FOUND)) res = kb_handle_open(dir, "journal.db", KB_OPEN_NEW, &handle);
    if (kb_is(&res, KB_HOST, KB_HOST_EXISTS)) res = kb_ok();
    if (handle) res = kb_handle_close(handle);
    kb_dir_close(dir);
    return res;
}

static struct kb_result open_db(struct kb_journal *journal) {
    int rc = sqlite3_open_v2(journal->path, &journal->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) return kb_journal_fail(journal, rc);
    sqlite3_extended_result_codes(journal->db, 1);
    sqlite3_busy_timeout(journal->db, BUSY_MS);
    /* fullfsync: macOS alone has it; elsewhere it changes nothing. */
    struct kb_result res = kb_journal_exec(journal, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                                                    "PRAGMA fullfsync = ON; PRAGMA synchronous = EXTRA;"
                                                    "PRAGMA journal_mode = TRUNCATE;");
    return kb_failed(&res) ? res : check_schema(journal);
}

static void learn_owner(struct kb_journal *journal) {
    char *host = kb_host_name(), *owner = kb_xasprintf("%lld@%s", (long long)kb_host_pid(), host);
    kb_text_copy(journal->owner, sizeof journal->owner, owner);
    free(owner);
    free(host);
}

struct kb_result kb_journal_open(const char *folder, struct kb_journal **out) {
    struct kb_journal *journal = kb_xcalloc(1, sizeof *journal);
    journal->path = kb_path_join(folder, "journal.db");
    learn_owner(journal);
    struct kb_result res = make_file(folder);
    if (!kb_failed(&res)) res = open_db(journal);
    if (kb_failed(&res)) goto out;
    *out = journal;
    journal = NULL; /* now the caller's */
out:
    kb_journal_close(journal);
    return res;
}

void kb_journal_close(struct kb_journal *journal) {
    if (journal == NULL) return;
    sqlite3_close(journal->db);
    free(journal->path);
    free(journal);
}

/* ---- Appending -------------------------------------------------------------------------------------------------- */

struct head {
    int64_t seq;
    char hash[HASH_ROOM];
};

static struct kb_result read_head(struct kb_journal *journal, struct head *head) {
    sqlite3_stmt *statement = NULL;
    struct kb_result res = kb_journal_prepare(journal, "SELECT seq, hash FROM head WHERE one = 1", &statement);
    if (kb_failed(&res)) return res;
    int rc = sqlite3_step(statement);
    head->seq = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    const char *hash = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 1) : NULL;
    kb_text_copy(head->hash, sizeof head->hash, hash ? hash : first_previous);
    res = kb_journal_finish(journal, statement, rc);
    if (!kb_failed(&res) && rc != SQLITE_ROW) res = fail_with(journal, SQLITE_CORRUPT);
    return res;
}

static struct kb_result write_row(struct kb_journal *journal, const struct kb_row *row) {
    sqlite3_stmt *statement = NULL;
    struct kb_result res = kb_journal_prepare(
        journal, "INSERT INTO chain (seq, at, job, kind, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        &statement);
    if (kb_failed(&res)) return res;
    const char *texts[] = {row->job, row->kind, row->body, row->previous, row->hash};
    sqlite3_bind_int64(statement, 1, row->seq);
    sqlite3_bind_int64(statement, 2, row->at);
    for (size_t i = 0; i < KB_ARRAY_SIZE(texts); i++)
        sqlite3_bind_text(statement, (int)i + 3, texts[i], -1, SQLITE_STATIC);
    return kb_journal_finish(journal, statement, sqlite3_step(statement));
}

static struct kb_result write_head(struct kb_journal *journal, const struct kb_row *row) {
    sqlite3_stmt *statement = NULL;
    struct kb_result res = kb_journal_prepare(journal, "UPDATE head SET seq = ?, hash = ? WHERE one = 1", &statement);
    if (kb_failed(&res)) return res;
    sqlite3_bind_int64(statement, 1, row->seq);
    sqlite3_bind_text(statement, 2, row->hash, -1, SQLITE_STATIC);
    return kb_journal_finish(journal, statement, sqlite3_step(statement));
}

struct kb_result kb_journal_append(struct kb_journal *journal, const char *job, const char *kind, json_t *body) {
    struct head head;
    struct kb_row row = {.at = kb_clock_wall(), .job = job, .kind = kind};
    char *line = kb_json_line(body);
    json_decref(body);
    row.body = line;
    struct kb_result res = read_head(journal, &head);
    if (kb_failed(&res)) goto out;
    row.seq = head.seq + 1;
    kb_text_copy(row.previous, sizeof row.previous, head.hash);
    kb_journal_hash(row.hash, row.previous, row.seq, row.at, job, strlen(job), kind, strlen(kind), line, strlen(line));
    res = write_row(journal, &row);
    if (!kb_failed(&res)) res = write_head(journal, &row);
out:
    free(line);
    return res;
}
