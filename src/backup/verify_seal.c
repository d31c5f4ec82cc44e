/*
 * Every file against the seal beside the folder: proves each bit, and needs no password. The seal's lines come in the
 * order of their paths, as kitbench writes them, so those of one folder are loaded while its rows are judged: a file is
 * read once for its row's digest and its line's. What a folder's rows did not ask for is asked for when it is left, and
 * lines of other files, or out of their order, in a second reading of the seal.
 */
#include <stdlib.h>
#include <string.h>

#include "seal.h"
#include "verify.h"
#include "walk.h"

enum { LINES_MAX = 200000 };

struct line {
    unsigned char id[20], sha256[32];
    bool asked;
};

/* Reads a seal's lines; ordered are those of payloads that come behind all payloads before. */
struct cursor {
    struct kb_seal_reader *reader;
    struct kb_seal_line line;
    bool there, payload, ordered;
    unsigned char id[20], last[20];
    struct kb_result result;
};

struct kb_seal_check {
    struct cursor cursor; /* on the next line that is not loaded yet */
    struct line *lines;   /* of the folder that is being scanned, sorted */
    size_t count, room;
    bool loaded;               /* any line was */
    unsigned char through[20]; /* the last one: all ordered ones up to it were, and were asked for */
    int64_t payloads;          /* lines of files in the 256 folders */
    int64_t troubles;          /* what contradicts the seal */
};

struct places {
    char *root, *folder, *name;
};

static struct places places_of(const struct kb_backup *backup) {
    const char *base = kb_path_base(backup->path);
    size_t size = (size_t)(base - backup->path);
    struct places places;

    while (size > 1 && backup->path[size - 1] == '/') size--;
    places.root = size ? kb_xasprintf("%.*s", (int)size, backup->path) : kb_xstrdup(".");
    places.folder = kb_xstrdup(base);
    places.name = kb_xasprintf("%s.sha256", base);
    return places;
}

static void places_release(struct places *places) {
    free(places->root);
    free(places->folder);
    free(places->name);
}

bool kb_verify_has_seal(const struct kb_backup *backup) {
    struct places places = places_of(backup);
    struct kb_dir *root = NULL;
    struct kb_stat stat = {.kind = KB_ENTRY_OTHER};
    struct kb_result res = kb_dir_open(places.root, false, &root);

    if (!kb_failed(&res)) res = kb_dir_stat(root, places.name, &stat);
    kb_dir_close(root);
    places_release(&places);
    return !kb_failed(&res) && stat.kind == KB_ENTRY_FILE;
}

static bool payload_id(const char *path, unsigned char id[20]) {
    return strlen(path) == 43 && path[2] == '/' && kb_file_id_bytes(path + 3, 40, id) && memcmp(path, path + 3, 2) == 0;
}

/* ---- Reading ---- */

/* A damaged line ends the reading; result tells it. */
static void step(struct cursor *cursor) {
    cursor->result = kb_seal_reader_next(cursor->reader, &cursor->line, &cursor->there);
    if (kb_failed(&cursor->result)) cursor->there = false;
    if (!cursor->there) return;
    cursor->payload = payload_id(cursor->line.path, cursor->id);
    cursor->ordered = cursor->payload && memcmp(cursor->id, cursor->last, sizeof cursor->id) > 0;
    if (cursor->ordered) memcpy(cursor->last, cursor->id, sizeof cursor->last);
}

static struct kb_result cursor_open(const struct kb_backup *backup, struct cursor *cursor) {
    struct places places = places_of(backup);
    struct kb_dir *root = NULL;
    struct kb_result res = kb_dir_open(places.root, false, &root);

    memset(cursor, 0, sizeof *cursor);
    if (!kb_failed(&res)) res = kb_seal_reader_open(root, places.name, places.folder, &cursor->reader);
    kb_dir_close(root);
    places_release(&places);
    if (!kb_failed(&res)) step(cursor);
    return res;
}

static void seal_damaged(struct kb_verify *verify, const char *text) {
    kb_finding(&verify->findings, KB_OUTCOME_WARNINGS, "seal-damaged", "", "%s", text);
    if (verify->seal) verify->seal->troubles++;
}

void kb_verify_seal_open(struct kb_verify *verify) {
    struct kb_seal_check *seal = kb_xcalloc(1, sizeof *seal);
    struct kb_result res = verify->sealed ? cursor_open(verify->backup, &seal->cursor) : kb_ok();

    if (verify->sealed && !kb_failed(&res))
        verify->seal = seal;
    else
        free(seal);
    if (kb_failed(&res)) seal_damaged(verify, res.text);
}

void kb_verify_seal_close(struct kb_verify *verify) {
    struct kb_seal_check *seal = verify->seal;

    if (!seal) return;
    verify->seal_proved = seal->troubles == 0 && seal->payloads > 0;
    kb_seal_reader_close(seal->cursor.reader);
    free(seal->lines);
    free(seal);
    verify->seal = NULL;
}

/* ---- Asking ---- */

static bool ask(struct kb_verify *verify, const char *path, const unsigned char sha256[32]) {
    struct kb_promise promise = {.seal = true};

    memcpy(promise.sha256, sha256, sizeof promise.sha256);
    return kb_verify_ask(verify, path, NULL, &promise);
}

static void load_lines(struct kb_seal_check *seal, int folder) {
    struct cursor *cursor = &seal->cursor;

    for (seal->count = 0; cursor->there && seal->count < LINES_MAX; step(cursor)) {
        struct line *line;

        if (!cursor->ordered) continue;
        if (cursor->id[0] != folder) break; /* of a later one */
        if (seal->count == seal->room) {
            seal->room = seal->room ? seal->room * 2 : 1024;
            seal->lines = kb_xrealloc(seal->lines, seal->room * sizeof *seal->lines);
        }
        line = &seal->lines[seal->count++];
        memcpy(line->id, cursor->id, sizeof line->id);
        memcpy(line->sha256, cursor->line.sha256, sizeof line->sha256);
        line->asked = false;
        seal->loaded = true;
        memcpy(seal->through, cursor->id, sizeof seal->through);
    }
}

/* No row asked for these: a plain file without a digest, one that is missing, or any file of a locked backup. */
static void ask_left(struct kb_verify *verify) {
    struct kb_seal_check *seal = verify->seal;
    char hex[41], name[KB_PAYLOAD_NAME];
    bool going = true;

    for (size_t i = 0; i < seal->count && going; i++) {
        if (seal->lines[i].asked) continue;
        kb_hex(hex, seal->lines[i].id, sizeof seal->lines[i].id);
        kb_payload_name(name, hex);
        going = ask(verify, name, seal->lines[i].sha256);
    }
    seal->count = 0;
}

void kb_verify_seal_folder(struct kb_verify *verify, int folder) {
    struct kb_seal_check *seal = verify->seal;

    if (!seal) return;
    ask_left(verify);
    if (folder < KB_WALK_FOLDERS) load_lines(seal, folder);
}

static int by_id(const void *a, const void *b) {
    return memcmp(((const struct line *)a)->id, ((const struct line *)b)->id, 20);
}

void kb_verify_seal_add(struct kb_verify *verify, const char *file_id, struct kb_promise *promise) {
    struct kb_seal_check *seal = verify->seal;
    struct line key = {.asked = false}, *line;

    if (!seal || seal->count == 0 || !kb_file_id_bytes(file_id, 40, key.id)) return;
    line = bsearch(&key, seal->lines, seal->count, sizeof *seal->lines, by_id);
    if (!line || line->asked) return;
    line->asked = promise->seal = true;
    memcpy(promise->sha256, line->sha256, sizeof promise->sha256);
}

void kb_verify_seal_answer(struct kb_verify *verify, const struct kb_hash_job *job, const struct kb_promise *promise) {
    bool same = !kb_failed(&job->result) && memcmp(job->sha256, promise->sha256, sizeof job->sha256) == 0;

    if (same) return;
    verify->seal->troubles++;
    if (kb_failed(&job->result)) return; /* told already */
    kb_finding(&verify->findings, KB_OUTCOME_DAMAGED, "seal", job->path,
               _("This file was changed after kitbench sealed the backup; use another copy or make a new backup"));
}

/* ---- What is left ---- */

static bool was_asked(const struct kb_seal_check *seal, const struct cursor *cursor) {
    return seal->loaded && cursor->ordered && memcmp(cursor->id, seal->through, sizeof cursor->id) <= 0;
}

/* Files that came after the seal: a backup by another program, or something put there by hand. */
static void judge_unsealed(struct kb_verify *verify) {
    int64_t more = verify->totals.files - verify->seal->payloads;

    if (more <= 0) return;
    verify->seal->troubles++;
    kb_finding(&verify->findings, KB_OUTCOME_WARNINGS, "unsealed", "",
               _("%lld files came into the folder after kitbench sealed it; verify it with its password"),
               (long long)more);
}

void kb_verify_seal_rest(struct kb_verify *verify) {
    struct kb_seal_check *seal = verify->seal;
    struct cursor cursor;
    struct kb_result res;
    bool going = true;

    if (!seal) return;
    ask_left(verify);
    res = cursor_open(verify->backup, &cursor);
    for (; !kb_failed(&res) && cursor.there && going; step(&cursor)) {
        seal->payloads += cursor.payload;
        if (!was_asked(seal, &cursor)) going = ask(verify, cursor.line.path, cursor.line.sha256);
    }
    if (!kb_failed(&res)) res = cursor.result;
    if (kb_failed(&res))
        seal_damaged(verify, res.text);
    else if (going)
        judge_unsealed(verify);
    kb_seal_reader_close(cursor.reader);
}
