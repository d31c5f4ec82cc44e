/*
 * Comma-separated values as RFC 4180 has them, with the place of every cell. Private to the tray room. Knows no
 * columns: sheet.c does.
 */
#ifndef KB_TRAY_CSV_H
#define KB_TRAY_CSV_H

#include "kitbench/tray.h"

#define KB_CSV_MAX_CELLS 256 /* of one record */

struct kb_csv_cell {
    size_t text; /* where it begins in the record's texts; there is a NUL behind it */
    struct kb_place at;
};
struct kb_csv_record {
    struct kb_buf texts;
    struct kb_csv_cell *cells;
    int count, room;
    struct kb_place at;
    bool blank; /* nothing but space */
};
static inline const char *kb_csv_text(const struct kb_csv_record *record, int cell) {
    return record->texts.data + record->cells[cell].text;
}

typedef void (*kb_csv_wrong)(void *arg, struct kb_place at, const char *text);
struct kb_csv {
    const char *bytes;
    size_t size, at;
    struct kb_place place; /* of bytes[at] */
    kb_csv_wrong wrong;    /* told of each quoting error; reading goes on */
    void *arg;
};

/*
 * Looks at the whole file: UTF-8 with or without its mark is begun behind the mark. Anything else (UTF-16, Shift_JIS,
 * ISO-2022-JP, a workbook, bytes of no text) is named with what to do, at its first place, and false.
 */
bool kb_csv_begin(struct kb_csv *csv, const char *bytes, size_t size, kb_csv_wrong wrong, void *arg);
/* The next record, empty lines too; false at the end. Lines end in CRLF, LF or CR. */
bool kb_csv_next(struct kb_csv *csv, struct kb_csv_record *record);
void kb_csv_record_release(struct kb_csv_record *record);
/* Spaces of every kind that people type at the end of a cell. */
size_t kb_csv_space(const char *text); /* bytes of the one at text; 0 when it is none */

/* ---- spelling.c ---- */
/* Whether word looks like a slip of known: another case, spaces around it, a letter or two. Not for the word itself. */
bool kb_is_slip(const char *word, const char *known);
#endif
