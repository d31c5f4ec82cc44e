/*
 * The folder against its database. As many of the 256 folders as fit into memory are loaded at a time, and the rows of
 * just these are taken from one pass over the table, which reads it from front to end: most backups need one pass, two
 * million files four. Who reads the files as well asks for the rows of a large backup in the order of fileID, one
 * folder at a time, because disks are faster at it.
 */
#include <stdlib.h>
#include <string.h>

#include "scan.h"
#include "walk.h"

enum { FOLDERS = KB_WALK_FOLDERS, ENTRIES_MAX = 200000, SPAN = 500000, IN_ORDER_ABOVE = 50000 };
/* Twice the rows that a database may have. */
#define FILES_MAX ((int64_t)10000000)

struct scan {
    struct kb_backup *backup;
    const struct kb_scan_ops *ops;
    struct kb_findings *findings;
    struct kb_scan_totals *totals;
    int first, next;          /* the folders that are loaded: [first, next) */
    bool in_order;            /* one at a time */
    int64_t rows, given;      /* of the database, and of this pass so far */
    int told;                 /* as a folder */
    struct kb_stored *stored; /* their files, sorted */
    size_t count, room;
    uint32_t *starts; /* where ids begin whose first two bytes are the index */
    struct kb_walk *walk;
    bool stopped;
    struct kb_result result;
};

/* Lower-case hexadecimal, as a device writes it; every other byte has a bit of 0xF0. */
static unsigned digit(char c) {
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 0xF0;
}

bool kb_file_id_bytes(const char *text, size_t size, unsigned char id[20]) {
    unsigned seen = 0;

    if (!text || size != 40) return false;
    for (size_t i = 0; i < 20; i++) {
        unsigned high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

        seen |= high | low;
        id[i] = (unsigned char)(high << 4 | low);
    }
    return seen < 16;
}

bool kb_is_file_id(const char *text, size_t size) {
    unsigned char id[20];

    return kb_file_id_bytes(text, size, id);
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

static uint64_t first_eight(const unsigned char *id) {
    uint64_t value = 0;

    for (int i = 0; i < 8; i++) value = value << 8 | id[i];
    return value;
}

/* A device's ids differ in their first bytes; only others' need all twenty. */
static int by_id(const void *a, const void *b) {
    const unsigned char *x = ((const struct kb_stored *)a)->id, *y = ((const struct kb_stored *)b)->id;
    uint64_t first = first_eight(x), second = first_eight(y);

    return first != second ? (first > second) - (first < second) : memcmp(x + 8, y + 8, 12);
}

/* The next folder's files, sorted, behind those that are loaded. */
static void load_folder(struct scan *scan) {
    const struct kb_walked_folder *folder = kb_walk_next(scan->walk);
    size_t before = scan->count;
    struct kb_result res = folder->result;

    scan->next++;
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
    if (folder->flooded || scan->totals->files > FILES_MAX)
        scan->result =
            kb_fail(KB_STORE, KB_STORE_HOSTILE,
                    _("One part of the backup holds more files than any device makes; do not use this folder"));
    if (scan->count > before) qsort(scan->stored + before, scan->count - before, sizeof *scan->stored, by_id);
}

static size_t start_of(const unsigned char *id) { return (size_t)id[0] << 8 | id[1]; }

/* Two bytes of an id leave a handful of a device's files to search. */
static void index_span(struct scan *scan) {
    size_t at = 0;

    for (size_t start = (size_t)scan->first << 8; start <= (size_t)scan->next << 8; start++) {
        while (at < scan->count && start_of(scan->stored[at].id) < start) at++;
        scan->starts[start] = (uint32_t)at;
    }
}

static bool tell_folder(struct scan *scan, int folder) {
    if (!scan->ops->folder || folder == scan->told) return true;
    scan->told = folder;
    if (scan->ops->folder(scan->ops->arg, folder)) return true;
    scan->stopped = true;
    return false;
}

/* Loads the folders behind the last ones: one, or as many as fit. false: stopped. */
static bool load_span(struct scan *scan) {
    size_t room = scan->ops->span ? scan->ops->span : SPAN;

    scan->first = scan->next;
    scan->count = 0;
    do {
        if (scan->in_order && !tell_folder(scan, scan->next)) return false;
        load_folder(scan);
    } while (!scan->in_order && scan->next < FOLDERS && scan->count < room && !kb_failed(&scan->result));
    if (kb_failed(&scan->result)) return false;
    index_span(scan);
    return true;
}

/* What no row has named. */
static void leave_span(struct scan *scan) {
    char hex[41];

    for (size_t i = 0; i < scan->count; i++) {
        if (scan->stored[i].seen) continue;
        kb_hex(hex, scan->stored[i].id, 20);
        if (scan->ops->extra) scan->ops->extra(scan->ops->arg, hex, &scan->stored[i]);
    }
    scan->count = 0;
}

static bool is_loaded(const struct scan *scan, const unsigned char *id) {
    return id[0] >= scan->first && id[0] < scan->next;
}

static struct kb_stored *find_stored(struct scan *scan, const unsigned char *id) {
    struct kb_stored key = {.size = 0};
    size_t from, to;

    if (!is_loaded(scan, id)) return NULL;
    from = scan->starts[start_of(id)];
    to = scan->starts[start_of(id) + 1];
    if (from == to) return NULL;
    memcpy(key.id, id, sizeof key.id);
    return bsearch(&key, scan->stored + from, to - from, sizeof *scan->stored, by_id);
}

static bool give(struct scan *scan, const struct kb_row *row, struct kb_stored *stored) {
    if (stored) stored->seen = true;
    if (!scan->ops->row(scan->ops->arg, row, stored)) scan->stopped = true;
    return !scan->stopped;
}

static bool on_row_in_order(void *arg, const struct kb_row *row) {
    struct scan *scan = arg;
    unsigned char id[20];

    if (!kb_file_id_bytes(row->file_id, row->file_id_size, id)) return give(scan, row, NULL);
    while (id[0] >= scan->next) {
        leave_span(scan);
        if (!load_span(scan)) return false;
    }
    return give(scan, row, find_stored(scan, id));
}

/* Rows that cannot have a file belong to the first pass. */
static bool on_row(void *arg, const struct kb_row *row) {
    struct scan *scan = arg;
    unsigned char id[20];

    scan->given++;
    if (!tell_folder(scan, scan->first + (int)(scan->given * (scan->next - scan->first) / (scan->rows + 1))))
        return false;
    if (!kb_file_id_bytes(row->file_id, row->file_id_size, id)) return scan->first > 0 || give(scan, row, NULL);
    return !is_loaded(scan, id) || give(scan, row, find_stored(scan, id));
}

static struct kb_result walk_in_order(struct scan *scan, struct kb_db *db) {
    struct kb_result res = kb_ok();

    if (!load_span(scan)) return scan->result;
    if (db) res = kb_db_rows(db, false, on_row_in_order, scan);
    while (!kb_failed(&res) && !kb_failed(&scan->result) && !scan->stopped) {
        leave_span(scan);
        if (scan->next == FOLDERS || !load_span(scan)) break;
    }
    return res;
}

static struct kb_result walk_spans(struct scan *scan, struct kb_db *db) {
    struct kb_result res = kb_ok();

    while (scan->next < FOLDERS && !kb_failed(&res) && !scan->stopped && load_span(scan)) {
        scan->given = 0;
        res = kb_db_rows(db, true, on_row, scan);
        if (!kb_failed(&res) && !scan->stopped) leave_span(scan);
    }
    return res;
}

static struct kb_result choose_order(struct scan *scan, struct kb_db *db) {
    struct kb_result res = db ? kb_db_count(db, &scan->rows) : kb_ok();

    scan->in_order = !db || scan->ops->by_folder || (scan->ops->reads_files && scan->rows > IN_ORDER_ABOVE);
    /* A device's own rows for its domains are always there; without any a restore would erase, and bring nothing back.
     */
    if (db && !kb_failed(&res) && scan->rows == 0)
        kb_finding(
            scan->findings, KB_OUTCOME_DAMAGED, "no-rows", "Manifest.db",
            _("Manifest.db names not one file, so that nothing would be restored; use another copy or make a new "
              "backup"));
    return res;
}

struct kb_walk *kb_scan_ahead(struct kb_backup *backup) {
    return kb_walk_new(backup->dir, ENTRIES_MAX);
}

static void begin(struct scan *scan) {
    struct kb_backup *backup = scan->backup;

    scan->result = kb_ok();
    memset(scan->totals, 0, sizeof *scan->totals);
    backup->walked = false;
    backup->walked_files = backup->newest = 0;
    backup->print = 0;
    scan->starts = kb_xcalloc(((size_t)FOLDERS << 8) + 1, sizeof *scan->starts);
    if (!scan->walk) scan->walk = kb_scan_ahead(backup);
}

struct kb_result kb_scan(struct kb_backup *backup, struct kb_walk *ahead, struct kb_db *db,
                         const struct kb_scan_ops *ops, struct kb_findings *findings, struct kb_scan_totals *totals) {
    struct scan scan = {
        .backup = backup, .ops = ops, .findings = findings, .totals = totals, .walk = ahead, .told = -1};
    struct kb_result res;

    begin(&scan);
    res = choose_order(&scan, db);
    if (!kb_failed(&res)) res = scan.in_order ? walk_in_order(&scan, db) : walk_spans(&scan, db);
    if (!kb_failed(&res)) res = scan.result;
    if (!kb_failed(&res) && !scan.stopped) tell_folder(&scan, FOLDERS);
    if (!kb_failed(&res) && scan.stopped) res = kb_cancel_result();
    kb_walk_free(scan.walk);
    free(scan.starts);
    free(scan.stored);
    backup->walked = !kb_failed(&res);
    return res;
}
