/*
 * The folder against its database. Both are walked in the order of fileID: rows come sorted, and a folder holds about
 * one 256th of all files, so two million files need the memory of eight thousand.
 */
#include <stdlib.h>
#include <string.h>

#include "scan.h"
#include "walk.h"

enum { FOLDERS = KB_WALK_FOLDERS, ENTRIES_MAX = 200000, WHOLE_MAX = 50000 };

struct scan {
    struct kb_backup *backup;
    const struct kb_scan_ops *ops;
    struct kb_findings *findings;
    struct kb_scan_totals *totals;
    int folder;               /* the one that is loaded; -1 before the first */
    bool whole;               /* all of them are */
    int64_t rows, given;      /* whole: of the database, and so far */
    int told;                 /* whole: as a folder */
    struct kb_stored *stored; /* its files, sorted */
    size_t count, room;
    struct kb_walk *walk;
    bool stopped;
    struct kb_result result;
};

bool kb_is_file_id(const char *text, size_t size) {
    if (!text || size != 40) return false;
    for (size_t i = 0; i < size; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) return false;
    return true;
}

void kb_payload_name(char out[KB_PAYLOAD_NAME], const char *file_id) {
    memcpy(out, file_id, 2);
    out[2] = '/';
    memcpy(out + 3, file_id, 40);
    out[43] = '\0';
}

static void stray(struct scan *scan, const char *path, enum kb_entry_kind kind) {
    if (kind == KB_ENTRY_OTHER)
        kb_finding(scan->findings, KB_OUTCOME_HOSTILE, "hostile-file", path,
                   _("The folder holds a link, a pipe or a device where only files belong; do not use this folder"));
    else
        kb_finding(scan->findings, KB_OUTCOME_WARNINGS, "extra", path,
                   _("This file does not belong to the backup; it does no harm"));
}

static void no_file(struct scan *scan, const struct kb_walked *walked) {
    char name[KB_PAYLOAD_NAME], hex[41];

    kb_hex(hex, walked->id, sizeof walked->id);
    kb_payload_name(name, hex);
    kb_finding(scan->findings, KB_OUTCOME_HOSTILE, "hostile-file", name,
               _("Something that is no file stands in a file's place; do not use this folder"));
}

static struct kb_stored *next_stored(struct scan *scan) {
    if (scan->count == scan->room) {
        scan->room = scan->room ? scan->room * 2 : 1024;
        scan->stored = kb_xrealloc(scan->stored, scan->room * sizeof *scan->stored);
    }
    return &scan->stored[scan->count++];
}

/* FNV-1a of one file, added up, so that the order in which a system lists them does not count. */
static void print(struct kb_backup *backup, const struct kb_stored *stored, int64_t modified) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const uint64_t facts[] = {(uint64_t)stored->size, (uint64_t)modified};

    for (size_t i = 0; i < sizeof stored->id; i++) hash = (hash ^ stored->id[i]) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < sizeof facts; i++)
        hash = (hash ^ ((const unsigned char *)facts)[i]) * UINT64_C(0x100000001b3);
    backup->print += hash;
    backup->walked_files++;
    if (modified > backup->newest) backup->newest = modified;
}

static void take_entry(struct scan *scan, const struct kb_walked_folder *folder, const struct kb_walked *walked) {
    struct kb_stored *stored;

    if (walked->odd) {
        char *path = kb_xasprintf("%s/%s", folder->name, walked->odd);

        stray(scan, path, walked->kind);
        free(path);
        return;
    }
    if (walked->kind != KB_ENTRY_FILE) no_file(scan, walked);
    stored = next_stored(scan);
    memset(stored, 0, sizeof *stored);
    memcpy(stored->id, walked->id, sizeof stored->id);
    stored->regular = walked->kind == KB_ENTRY_FILE;
    stored->size = walked->size;
    print(scan->backup, stored, walked->modified);
    if (stored->regular) {
        scan->totals->files++;
        scan->totals->bytes += walked->size;
    }
}

static int by_id(const void *a, const void *b) {
    return memcmp(((const struct kb_stored *)a)->id, ((const struct kb_stored *)b)->id, 20);
}

static void load_folder(struct scan *scan) {
    const struct kb_walked_folder *folder = kb_walk_next(scan->walk);
    size_t before = scan->count;
    struct kb_result res = folder->result;

    for (size_t i = 0; i < folder->count; i++) take_entry(scan, folder, &folder->entries[i]);
    if (kb_is(&res, KB_HOST, KB_HOST_NOT_FOUND)) return;
    if (kb_is(&res, KB_HOST, KB_HOST_DENIED)) {
        kb_finding(scan->findings, KB_OUTCOME_UNREADABLE, "denied", folder->name,
                   _("This computer does not let kitbench read a part of the backup; allow it, then try again"));
        return;
    }
    if (kb_is(&res, KB_HOST, KB_HOST_NOT_DIR) || kb_is(&res, KB_HOST, KB_HOST_REFUSED) ||
        kb_is(&res, KB_HOST, KB_HOST_LOOP)) {
        kb_finding(scan->findings, KB_OUTCOME_HOSTILE, "hostile-file", folder->name,
                   _("Something else stands in place of one of the backup's folders; do not use this folder"));
        return;
    }
    if (kb_failed(&res)) scan->result = res;
    if (folder->flooded || (scan->whole && scan->count > ENTRIES_MAX))
        scan->result =
            kb_fail(KB_STORE, KB_STORE_HOSTILE,
                    _("One part of the backup holds more files than any device makes; do not use this folder"));
    if (scan->count > before) qsort(scan->stored + before, scan->count - before, sizeof *scan->stored, by_id);
}

static void leave_folder(struct scan *scan) {
    char hex[41];

    for (size_t i = 0; i < scan->count; i++) {
        if (scan->stored[i].seen) continue;
        kb_hex(hex, scan->stored[i].id, 20);
        if (scan->ops->extra) scan->ops->extra(scan->ops->arg, hex, &scan->stored[i]);
    }
    scan->count = 0;
}

/* Makes folder the loaded one; all before it are finished. false: stopped. */
static bool go_to(struct scan *scan, int folder) {
    while (scan->folder < folder) {
        if (scan->folder >= 0) leave_folder(scan);
        scan->folder++;
        if (scan->ops->folder && !scan->ops->folder(scan->ops->arg, scan->folder)) return !(scan->stopped = true);
        if (scan->folder < FOLDERS) load_folder(scan);
        if (kb_failed(&scan->result)) return false;
    }
    return true;
}

/* Sorted as a whole, because the folders come in the order of their names. */
static struct kb_result load_all(struct scan *scan) {
    for (scan->folder = 0; scan->folder < FOLDERS && !kb_failed(&scan->result); scan->folder++) load_folder(scan);
    return scan->result;
}

static struct kb_stored *find_stored(struct scan *scan, const unsigned char *id) {
    struct kb_stored key = {.size = 0};

    if (scan->count == 0) return NULL;
    memcpy(key.id, id, sizeof key.id);
    return bsearch(&key, scan->stored, scan->count, sizeof *scan->stored, by_id);
}

/* false: stopped. */
static bool tell_progress(struct scan *scan) {
    int folder = (int)(++scan->given * FOLDERS / (scan->rows + 1));

    if (!scan->ops->folder || folder == scan->told) return true;
    scan->told = folder;
    return scan->ops->folder(scan->ops->arg, folder);
}

static bool on_row(void *arg, const struct kb_row *row) {
    struct scan *scan = arg;
    struct kb_stored *stored = NULL;
    unsigned char id[20];

    if (scan->whole && !tell_progress(scan)) return !(scan->stopped = true);
    if (kb_is_file_id(row->file_id, row->file_id_size) && kb_unhex(id, sizeof id, row->file_id)) {
        if (!scan->whole && !go_to(scan, id[0])) return false;
        stored = find_stored(scan, id);
    }
    if (stored) stored->seen = true;
    scan->stopped = !scan->ops->row(scan->ops->arg, row, stored);
    return !scan->stopped;
}

static bool is_small(struct kb_db *db, int64_t *rows) {
    struct kb_result res = kb_db_count(db, rows);

    return !kb_failed(&res) && *rows <= WHOLE_MAX;
}

static void finish(struct scan *scan) {
    if (scan->whole && scan->ops->folder) scan->stopped = !scan->ops->folder(scan->ops->arg, FOLDERS);
    if (scan->whole)
        leave_folder(scan);
    else
        go_to(scan, FOLDERS);
}

struct kb_result kb_scan(struct kb_backup *backup, struct kb_db *db, const struct kb_scan_ops *ops,
                         struct kb_findings *findings, struct kb_scan_totals *totals) {
    struct scan scan = {.backup = backup, .ops = ops, .findings = findings, .totals = totals, .folder = -1};
    struct kb_result res = kb_ok();

    scan.result = kb_ok();
    memset(totals, 0, sizeof *totals);
    backup->walked = false;
    backup->walked_files = backup->newest = 0;
    backup->print = 0;
    scan.whole = db && ops->any_order && is_small(db, &scan.rows);
    scan.walk = kb_walk_new(backup->dir, ENTRIES_MAX);
    if (scan.whole) res = load_all(&scan);
    if (!kb_failed(&res) && db) res = kb_db_rows(db, scan.whole, on_row, &scan);
    if (!kb_failed(&res)) res = scan.result;
    if (!kb_failed(&res) && !scan.stopped) finish(&scan);
    if (!kb_failed(&res)) res = scan.result;
    if (!kb_failed(&res) && scan.stopped) res = kb_cancel_result();
    kb_walk_free(scan.walk);
    free(scan.stored);
    backup->walked = !kb_failed(&res);
    return res;
}
