/*
 * Reading comma-separated values: what encoding the bytes are in, then records of cells with their places. A
 * spreadsheet that was saved in the wrong way is the usual mistake, so it is named together with the way out.
 */
#include "csv.h"
#include <stdlib.h>
#include <string.h>

/* ---- What the bytes are ----------------------------------------------------------------------------------------- */

static bool begins(const char *bytes, size_t size, const char *with, size_t length) {
    return size >= length && memcmp(bytes, with, length) == 0;
}

static const struct {
    const char *bytes;
    size_t size;
    const char *text;
} marks[] = {
    {"\xff\xfe\0\0", 4, N_("This file is UTF-32: save it again as \"CSV UTF-8 (comma delimited)\"")},
    {"\0\0\xfe\xff", 4, N_("This file is UTF-32: save it again as \"CSV UTF-8 (comma delimited)\"")},
    {"\xff\xfe", 2,
     N_("This file is UTF-16 (Excel's \"Unicode Text\"): save it again as \"CSV UTF-8 (comma delimited)\"")},
    {"\xfe\xff", 2,
     N_("This file is UTF-16 (Excel's \"Unicode Text\"): save it again as \"CSV UTF-8 (comma delimited)\"")},
    {"PK\x03\x04", 4,
     N_("This file is a workbook (.xlsx or .numbers), no table of text: save it as \"CSV UTF-8 (comma delimited)\"")},
    {"\xd0\xcf\x11\xe0", 4,
     N_("This file is an old Excel workbook (.xls), no table of text: save it as \"CSV UTF-8 (comma delimited)\"")},
};

/* Latin text in UTF-16 has a NUL in every other byte; no text has one anywhere else. */
static const char *nul_words(const char *bytes, size_t size) {
    size_t look = size < 4096 ? size : 4096, nuls[2] = {0, 0};
    if (!memchr(bytes, 0, size)) return NULL;
    for (size_t i = 0; i < look; i++)
        if (!bytes[i]) nuls[i & 1]++;
    if (nuls[0] + nuls[1] > look / 8 && (nuls[0] > 4 * nuls[1] || nuls[1] > 4 * nuls[0]))
        return N_("This file is UTF-16 without its mark: save it again as \"CSV UTF-8 (comma delimited)\"");
    return N_("This file is no text: give the job sheet, saved as \"CSV UTF-8 (comma delimited)\"");
}

/* Microsoft's Shift_JIS: half-width katakana alone, else a lead byte and its second. */
static bool is_cp932(const char *text, size_t size) {
    const unsigned char *p = (const unsigned char *)text;
    size_t pairs = 0, others = 0;
    for (size_t i = 0; i < size; i++) {
        if (p[i] < 0x80) continue;
        if (p[i] >= 0xa1 && p[i] <= 0xdf) {
            others++;
            continue;
        }
        if (p[i] == 0x80 || p[i] == 0xa0 || p[i] > 0xfc || ++i == size) return false;
        if (p[i] < 0x40 || p[i] == 0x7f || p[i] > 0xfc) return false;
        pairs++;
    }
    return pairs + others > 0;
}

/* EUC-JP: the same characters, both bytes with their upper bit. */
static bool is_euc(const char *text, size_t size) {
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0; i < size; i++) {
        if (p[i] < 0x80) continue;
        if (!(p[i] == 0x8e || (p[i] >= 0xa1 && p[i] <= 0xf4)) || ++i == size || p[i] < 0xa1 || p[i] == 0xff)
            return false;
    }
    return true;
}

static const char *foreign_words(const char *bytes, size_t size) {
    if (is_euc(bytes, size) && !is_cp932(bytes, size))
        return N_("This file is not UTF-8 but EUC-JP: save it again as UTF-8 (Excel: \"CSV UTF-8 (comma delimited)\")");
    if (is_cp932(bytes, size))
        return N_("This file is not UTF-8 but Shift_JIS (CP932, what Excel calls \"CSV (comma delimited)\"): save it "
                  "again as \"CSV UTF-8 (comma delimited)\"");
    return N_("This is not UTF-8 text: save the sheet again as \"CSV UTF-8 (comma delimited)\"");
}

/* Bytes of the character at text (1 to 4); 0 when it is no UTF-8. */
static size_t step_of(const char *text, size_t size) {
    unsigned char lead = (unsigned char)*text;
    size_t step = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return step <= size && kb_utf8_valid(text, step) ? step : 0;
}

static bool has_escape(const char *bytes, size_t size) {
    for (size_t i = 0; i + 1 < size; i++)
        if (bytes[i] == '\033' && bytes[i + 1] == '$') return true;
    return false;
}

/* ---- Going through --------------------------------------------------------------------------------------------- */

static bool at_end(const struct kb_csv *csv) { return csv->at >= csv->size; }

/* CRLF counts as one. */
static size_t line_end(const struct kb_csv *csv) {
    if (at_end(csv)) return 0;
    if (csv->bytes[csv->at] == '\n') return 1;
    if (csv->bytes[csv->at] != '\r') return 0;
    return csv->at + 1 < csv->size && csv->bytes[csv->at + 1] == '\n' ? 2 : 1;
}

static void skip_line_end(struct kb_csv *csv) {
    csv->at += line_end(csv);
    csv->place.line++;
    csv->place.column = 1;
}

/* One byte; a column is a character, which is what editors count. */
static char take(struct kb_csv *csv) {
    char c = csv->bytes[csv->at++];
    bool inside = !at_end(csv) && ((unsigned char)csv->bytes[csv->at] & 0xc0) == 0x80;
    if (!inside) csv->place.column++;
    return c;
}

bool kb_csv_begin(struct kb_csv *csv, const char *bytes, size_t size, kb_csv_wrong wrong, void *arg) {
    const char *text = NULL;
    *csv = (struct kb_csv){bytes, size, 0, {1, 1}, wrong, arg};
    for (size_t i = 0; i < KB_ARRAY_SIZE(marks) && !text; i++)
        if (begins(bytes, size, marks[i].bytes, marks[i].size)) text = marks[i].text;
    if (!text) text = nul_words(bytes, size);
    if (!text && has_escape(bytes, size))
        text = N_("This file is not UTF-8 but ISO-2022-JP: save it again as \"CSV UTF-8 (comma delimited)\"");
    if (!text && !kb_utf8_valid(bytes, size)) {
        text = foreign_words(bytes, size);
        for (size_t step; !at_end(csv) && (step = step_of(bytes + csv->at, size - csv->at)) > 0;)
            if (line_end(csv))
                skip_line_end(csv);
            else
                csv->at += step, csv->place.column++;
    }
    if (text) wrong(arg, csv->place, _(text));
    if (!text && begins(bytes, size, "\xef\xbb\xbf", 3)) csv->at = 3;
    return !text;
}

/* ---- Cells ----------------------------------------------------------------------------------------------------- */

static bool cell_ends(const struct kb_csv *csv) {
    return at_end(csv) || csv->bytes[csv->at] == ',' || line_end(csv) > 0;
}

static void keep(struct kb_csv_record *record, char c) { kb_buf_add(&record->texts, &c, 1); }

static void read_plain(struct kb_csv *csv, struct kb_csv_record *record) {
    bool told = false;
    while (!cell_ends(csv)) {
        if (csv->bytes[csv->at] == '"' && !told) {
            csv->wrong(csv->arg, csv->place,
                       _("A quote stands inside a cell that does not begin with one: put the whole cell into quotes, "
                         "and write the quote inside twice"));
            told = true;
        }
        keep(record, take(csv));
    }
}

/* Between the quotes; false when the closing one never comes. */
static bool read_inside(struct kb_csv *csv, struct kb_csv_record *record) {
    while (!at_end(csv)) {
        if (line_end(csv)) {
            skip_line_end(csv);
            keep(record, '\n');
            continue;
        }
        char c = take(csv);
        if (c != '"') {
            keep(record, c);
            continue;
        }
        if (at_end(csv) || csv->bytes[csv->at] != '"') return true;
        keep(record, take(csv));
    }
    return false;
}

static void read_quoted(struct kb_csv *csv, struct kb_csv_record *record) {
    struct kb_place opened = csv->place;
    take(csv);
    if (!read_inside(csv, record)) {
        csv->wrong(csv->arg, opened, _("The quote that opens here is never closed: close it at the end of its cell"));
        return;
    }
    if (cell_ends(csv)) return;
    csv->wrong(
        csv->arg, csv->place,
        _("Something stands behind a closing quote: a comma or the end of the line must follow; a quote inside a "
          "cell is written twice"));
    while (!cell_ends(csv)) keep(record, take(csv));
}

static struct kb_csv_cell *new_cell(struct kb_csv_record *record, struct kb_place at) {
    if (record->count == record->room) {
        record->room = record->room ? 2 * record->room : 16;
        record->cells = kb_xrealloc(record->cells, (size_t)record->room * sizeof *record->cells);
    }
    record->cells[record->count] = (struct kb_csv_cell){record->texts.size, at};
    return &record->cells[record->count++];
}

size_t kb_csv_space(const char *text) {
    static const char *const spaces[] = {" ", "\t", "\n", "\r", "\xc2\xa0", "\xe3\x80\x80", "\xef\xbb\xbf"};
    unsigned char first = (unsigned char)*text;
    if (first > ' ' && first < 0xc2) return 0; /* nearly every byte of every sheet */
    for (size_t i = 0; i < KB_ARRAY_SIZE(spaces); i++)
        if (kb_text_starts(text, spaces[i])) return strlen(spaces[i]);
    return 0;
}

static bool is_blank(const char *text) {
    while (*text) {
        size_t space = kb_csv_space(text);
        if (!space) return false;
        text += space;
    }
    return true;
}

static void read_cell(struct kb_csv *csv, struct kb_csv_record *record) {
    size_t from = record->texts.size;
    if (record->count < KB_CSV_MAX_CELLS) new_cell(record, csv->place);
    if (!at_end(csv) && csv->bytes[csv->at] == '"')
        read_quoted(csv, record);
    else
        read_plain(csv, record);
    keep(record, '\0');
    if (!is_blank(record->texts.data + from)) record->blank = false;
}

bool kb_csv_next(struct kb_csv *csv, struct kb_csv_record *record) {
    if (at_end(csv)) return false;
    record->texts.size = 0;
    record->count = 0;
    record->at = csv->place;
    record->blank = true;
    for (;;) {
        read_cell(csv, record);
        if (at_end(csv)) return true;
        if (line_end(csv)) break;
        take(csv); /* the comma */
    }
    skip_line_end(csv);
    return true;
}

void kb_csv_record_release(struct kb_csv_record *record) {
    kb_buf_release(&record->texts);
    free(record->cells);
    memset(record, 0, sizeof *record);
}
