/*
 * The chain: each row carries the hash of the one before and its own. Proving walks all of them.
 * Whoever rewrites the whole chain cannot be found here; the last hash in an earlier report tells.
 */
#include "db.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

/* Length first, so that no two different rows make the same bytes. */
static void add_field(struct kb_buf *buf, const char *text, size_t size) {
    unsigned char length[8];
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)size >> (56 - 8 * i));
    kb_buf_add(buf, length, sizeof length);
    kb_buf_add(buf, text, size);
}

static void add_number(struct kb_buf *buf, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    add_field(buf, text, strlen(text));
}

void kb_journal_hash(char out[HASH_ROOM], const char *previous, int64_t seq, int64_t at, const char *job,
                     size_t job_size, const char *kind, size_t kind_size, const char *body, size_t body_size) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct kb_buf buf = {0};
    add_field(&buf, previous, strlen(previous));
    add_number(&buf, seq);
    add_number(&buf, at);
    add_field(&buf, job, job_size);
    add_field(&buf, kind, kind_size);
    add_field(&buf, body, body_size);
    if (EVP_Digest(buf.data, buf.size, digest, NULL, EVP_sha256(), NULL) != 1) memset(digest, 0, 32);
    kb_hex(out, digest, 32);
    kb_buf_release(&buf);
}

/* One column as text, never NULL. */
static const char *text_at(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

static size_t size_at(sqlite3_stmt *statement, int column) { return (size_t)sqlite3_column_bytes(statement, column); }

/* Columns of every reading statement here: seq, at, job, kind, body, previous, hash. */
#define COLUMNS "SELECT seq, at, job, kind, body, previous, hash FROM chain "

static void read_row(sqlite3_stmt *statement, struct kb_row *row) {
    row->seq = sqlite3_column_int64(statement, 0);
    row->at = sqlite3_column_int64(statement, 1);
    row->job = text_at(statement, 2);
    row->kind = text_at(statement, 3);
    row->body = text_at(statement, 4);
    kb_text_copy(row->previous, sizeof row->previous, text_at(statement, 5));
    kb_text_copy(row->hash, sizeof row->hash, text_at(statement, 6));
}

struct kb_result kb_journal_rows(struct kb_journal *journal, const char *job,
                                 bool (*each)(void *arg, const struct kb_row *row), void *arg) {
    sqlite3_stmt *statement = NULL;
    struct kb_result res =
        kb_journal_prepare(journal, job ? COLUMNS "WHERE job = ? ORDER BY seq" : COLUMNS "ORDER BY seq", &statement);
    if (kb_failed(&res)) return res;
    if (job) sqlite3_bind_text(statement, 1, job, -1, SQLITE_STATIC);
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        struct kb_row row;
        read_row(statement, &row);
        if (!each(arg, &row)) break;
    }
    return kb_journal_finish(journal, statement, rc);
}

/* ---- Proving ---------------------------------------------------------------------------------------------------- */

struct proof {
    int64_t rows, broken_at;
    char last[HASH_ROOM]; /* of the last row that is as written */
};

static bool is_as_written(sqlite3_stmt *statement, const struct proof *proof) {
    struct kb_row row;
    char hash[HASH_ROOM];
    read_row(statement, &row);
    if (row.seq != proof->rows + 1 || !kb_streq(row.previous, proof->last)) return false;
    if (sqlite3_column_type(statement, 1) != SQLITE_INTEGER) return false;
    if (size_at(statement, 5) != HASH_ROOM - 1 || size_at(statement, 6) != HASH_ROOM - 1) return false;
    kb_journal_hash(hash, proof->last, row.seq, row.at, row.job, size_at(statement, 2), row.kind, size_at(statement, 3),
                    row.body, size_at(statement, 4));
    return kb_streq(hash, row.hash);
}

static struct kb_result walk(struct kb_journal *journal, struct proof *proof) {
    sqlite3_stmt *statement = NULL;
    struct kb_result res = kb_journal_prepare(journal, COLUMNS "ORDER BY seq", &statement);
    if (kb_failed(&res)) return res;
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        if (proof->broken_at == 0 && !is_as_written(statement, proof)) proof->broken_at = proof->rows + 1;
        if (proof->broken_at == 0) kb_text_copy(proof->last, sizeof proof->last, text_at(statement, 6));
        proof->rows++;
    }
    return kb_journal_finish(journal, statement, rc);
}

/* The chain must end where `head` says that it ends. */
static struct kb_result compare_head(struct kb_journal *journal, struct proof *proof) {
    sqlite3_stmt *statement = NULL;
    struct kb_result res = kb_journal_prepare(journal, "SELECT seq, hash FROM head WHERE one = 1", &statement);
    if (kb_failed(&res)) return res;
    int rc = sqlite3_step(statement);
    bool same = rc == SQLITE_ROW && sqlite3_column_int64(statement, 0) == proof->rows &&
                kb_streq(text_at(statement, 1), proof->last);
    int64_t ends = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    /* Cut off: the first that is missing. Put on: the first that head does not know. */
    if (!same && proof->broken_at == 0) proof->broken_at = (ends < proof->rows && ends > 0 ? ends : proof->rows) + 1;
    return kb_journal_finish(journal, statement, rc);
}

struct kb_result kb_journal_prove(struct kb_journal *journal, int64_t *rows, int64_t *broken_at, char last[65]) {
    struct proof proof = {0};
    memset(proof.last, '0', HASH_ROOM - 1);
    struct kb_result res = kb_journal_exec(journal, "BEGIN"); /* rows and head of one moment */
    if (kb_failed(&res)) return res;
    res = walk(journal, &proof);
    if (!kb_failed(&res)) res = compare_head(journal, &proof);
    res = kb_journal_end(journal, res);
    *rows = proof.rows;
    *broken_at = proof.broken_at;
    memcpy(last, proof.last, HASH_ROOM);
    return res;
}
