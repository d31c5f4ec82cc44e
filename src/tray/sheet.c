/*
 * The job sheet: which backup goes onto which device, for whom. Everything that is wrong is told with its line and
 * column, all of it at once: the person at the spreadsheet mends it in one go.
 */
#include "csv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum column { TARGET, SOURCE, ROUTE, SOURCE_STATE, TARGET_STATE, USER, ASSET_TAG, COLUMN_COUNT };
static const struct {
    const char *name;
    bool needed;
    size_t max;         /* bytes of a cell: what the journal keeps */
    const char *others; /* what people call it; for a sheet without the needed one */
} known[COLUMN_COUNT] = {
    [TARGET] = {"target", true, 200, "|device|udid|serial|imei|to|new|destination|"},
    [SOURCE] = {"source", true, 4000, "|backup|folder|from|old|path|"},
    [ROUTE] = {"route", false, 40, NULL},
    [SOURCE_STATE] = {"source_state", false, 40, NULL},
    [TARGET_STATE] = {"target_state", false, 40, NULL},
    [USER] = {"user", false, 127, NULL},
    [ASSET_TAG] = {"asset_tag", false, 127, NULL},
};

struct reader {
    struct kb_sheet *out;
    struct kb_csv csv;
    struct kb_csv_record record;
    int place[COLUMN_COUNT];       /* which cell; -1: there is none */
    bool named[COLUMN_COUNT];      /* a name of the header is this column's */
    char *names[KB_CSV_MAX_CELLS]; /* of the header, cleaned and trimmed */
    int count;
    bool full;    /* too many lines: the rest is not read */
    bool backups; /* a sheet for making backups: no line needs one yet */
};

static bool is_needed(const struct reader *reader, int column) {
    return known[column].needed && !(column == SOURCE && reader->backups);
}

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

void kb_sheet_wrong(struct kb_sheet *sheet, struct kb_place at, const char *format, ...) {
    char text[1024];
    va_list args;
    if (sheet->error_total++ >= KB_SHEET_MAX_ERRORS) return;
    if ((sheet->error_count & (sheet->error_count - 1)) == 0) /* 0 and the powers of two: twice the room */
        sheet->errors = kb_xrealloc(sheet->errors,
                                    (size_t)(sheet->error_count ? 2 * sheet->error_count : 1) * sizeof *sheet->errors);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct kb_sheet_error *error = &sheet->errors[sheet->error_count++];
    error->at = at;
    kb_text_clean(error->text, sizeof error->text, text);
}

static bool is_before(struct kb_place a, struct kb_place b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* By insertion: what stands at one place stays in the order in which it was found, which qsort() promises nowhere. */
void kb_sheet_sort_errors(struct kb_sheet *sheet) {
    for (int i = 1; i < sheet->error_count; i++) {
        struct kb_sheet_error error = sheet->errors[i];
        int at = i;
        for (; at > 0 && is_before(error.at, sheet->errors[at - 1].at); at--) sheet->errors[at] = sheet->errors[at - 1];
        sheet->errors[at] = error;
    }
}

static void wrong_csv(void *arg, struct kb_place at, const char *text) { kb_sheet_wrong(arg, at, "%s", text); }

/* ---- Texts ----------------------------------------------------------------------------------------------------- */

/* Without the space around it, and fit for a terminal; the caller's. */
static char *tidy(const char *text) {
    for (size_t space; (space = kb_csv_space(text)) > 0;) text += space;
    size_t end = 0;
    for (size_t at = 0; text[at];) {
        size_t space = kb_csv_space(text + at);
        at += space ? space : 1;
        if (!space) end = at;
    }
    char *plain = kb_xasprintf("%.*s", (int)end, text), *clean = kb_xmalloc(3 * end + 1);
    kb_text_clean(clean, 3 * end + 1, plain);
    free(plain);
    return clean;
}

/* ---- The header ------------------------------------------------------------------------------------------------ */

static int column_of(const char *name) {
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (!strcmp(known[i].name, name)) return i;
    return -1;
}

static bool has_name(const struct reader *reader, const char *name, int before) {
    for (int i = 0; i < before; i++)
        if (!strcmp(reader->names[i], name)) return true;
    return false;
}

/* A further column that looks like a known one which is not there: nobody can tell which was meant, so somebody is
 * asked. */
static int slip_of(const struct reader *reader, const char *raw) {
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (!reader->named[i] && kb_is_slip(raw, known[i].name)) return i;
    return -1;
}

static bool is_other_name(const char *others, const char *name) {
    char *word = kb_xasprintf("|%s|", name);
    for (char *p = word; *p; p++)
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a');
    bool found = others && name[0] && strstr(others, word);
    free(word);
    return found;
}

/* The separators of other countries' and other programs' tables. */
static bool told_separator(struct reader *reader) {
    const char *text = kb_csv_text(&reader->record, 0);
    struct kb_place at = reader->record.cells[0].at;
    if (reader->record.count > 1) return false;
    size_t length = strcspn(text, ";\t");
    if (!text[length]) return false;
    for (size_t i = 0; i < length; i++) at.column += ((unsigned char)text[i] & 0xc0) != 0x80;
    if (text[length] == ';')
        kb_sheet_wrong(reader->out, at, "%s",
                       _("The columns are separated by semicolons: save the sheet again with commas, as \"CSV UTF-8 "
                         "(comma delimited)\""));
    else
        kb_sheet_wrong(reader->out, at, "%s",
                       _("The columns are separated by tabs: save the sheet again with commas, as \"CSV UTF-8 (comma "
                         "delimited)\""));
    return true;
}

/* needed columns of which a slip was told already are not told again as missing. */
static void judge_name(struct reader *reader, int cell, bool told[COLUMN_COUNT]) {
    const char *name = reader->names[cell], *raw = kb_csv_text(&reader->record, cell);
    struct kb_place at = reader->record.cells[cell].at;
    int column = column_of(name), slip = -1;
    if (!*name) return;
    if (has_name(reader, name, cell)) {
        kb_sheet_wrong(reader->out, at, _("The column \"%.60s\" stands twice: remove or rename one of them"), name);
        return;
    }
    if (column >= 0 && !strcmp(raw, name)) {
        reader->place[column] = cell;
        return;
    }
    slip = column >= 0 ? column : slip_of(reader, name);
    if (slip < 0) return;
    told[slip] = true;
    kb_sheet_wrong(reader->out, at,
                   _("There is no column \"%.60s\": did you mean \"%s\"? Write it exactly so, without spaces"), raw,
                   known[slip].name);
}

static void judge_missing(struct reader *reader, const bool told[COLUMN_COUNT]) {
    for (int i = 0; i < COLUMN_COUNT; i++) {
        bool hinted = false;
        if (!is_needed(reader, i) || reader->place[i] >= 0 || told[i]) continue;
        for (int cell = 0; cell < reader->count && !hinted; cell++) {
            hinted = is_other_name(known[i].others, reader->names[cell]);
            if (hinted)
                kb_sheet_wrong(reader->out, reader->record.cells[cell].at,
                               _("The column \"%s\" is missing: is it \"%.60s\"? Then rename that"), known[i].name,
                               reader->names[cell]);
        }
        if (!hinted)
            kb_sheet_wrong(reader->out, reader->record.at,
                           _("The column \"%s\" is missing: the first line names the columns, \"target\" (device) and "
                             "\"source\" (backup) at least"),
                           known[i].name);
    }
}

/* The first line that is not empty; false when there is none, or none that lines can be read by. */
static bool read_header(struct reader *reader) {
    bool told[COLUMN_COUNT] = {false};
    for (int i = 0; i < COLUMN_COUNT; i++) reader->place[i] = -1;
    do {
        if (kb_csv_next(&reader->csv, &reader->record)) continue;
        kb_sheet_wrong(reader->out, (struct kb_place){1, 1}, "%s",
                       _("The sheet is empty: its first line names the columns, \"target\" (device) and \"source\" "
                         "(backup) at least"));
        return false;
    } while (reader->record.blank);
    if (told_separator(reader)) return false;
    reader->count = reader->record.count;
    if (reader->count == KB_CSV_MAX_CELLS)
        kb_sheet_wrong(reader->out, reader->record.at, _("The header has too many columns: leave at most %d"),
                       KB_CSV_MAX_CELLS - 1);
    for (int i = 0; i < reader->count; i++) reader->names[i] = tidy(kb_csv_text(&reader->record, i));
    for (int i = 0; i < COLUMN_COUNT; i++) reader->named[i] = has_name(reader, known[i].name, reader->count);
    for (int i = 0; i < reader->count; i++) judge_name(reader, i, told);
    judge_missing(reader, told);
    return true;
}

/* ---- One line -------------------------------------------------------------------------------------------------- */

/* A shifted cell sends a backup to the wrong person, so a line has as many cells as the header; empty ones at its end
 * are Excel's. */
static bool judge_count(struct reader *reader) {
    struct kb_csv_record *record = &reader->record;
    int count = record->count;
    while (count > reader->count && !kb_csv_text(record, count - 1)[0]) count--;
    if (count > reader->count)
        kb_sheet_wrong(reader->out, record->cells[reader->count].at,
                       _("This line has %d cells and the header %d: a cell with a comma in it needs quotes around it"),
                       count, reader->count);
    else if (count < reader->count)
        kb_sheet_wrong(reader->out, record->cells[count - 1].at,
                       _("This line ends here with %d cells and the header has %d: a comma is missing; an empty cell "
                         "needs its comma too"),
                       count, reader->count);
    return count == reader->count;
}

static struct kb_place place_of(const struct reader *reader, enum column column) {
    int cell = reader->place[column];
    return cell >= 0 && cell < reader->record.count ? reader->record.cells[cell].at : reader->record.at;
}

/* The cell of a known column; the caller's, "" when there is none. */
static char *cell_of(struct reader *reader, enum column column) {
    int cell = reader->place[column];
    if (cell < 0 || cell >= reader->record.count) return kb_xstrdup("");
    char *text = tidy(kb_csv_text(&reader->record, cell));
    if (strlen(text) > known[column].max) {
        kb_sheet_wrong(reader->out, reader->record.cells[cell].at,
                       _("This cell of \"%s\" is too long: at most %d bytes; look whether a quote is missing"),
                       known[column].name, (int)known[column].max);
        text[0] = '\0';
    } else if (!*text && is_needed(reader, (int)column)) {
        kb_sheet_wrong(reader->out, reader->record.cells[cell].at,
                       _("The cell of \"%s\" is empty: fill it in, or remove the line"), known[column].name);
    }
    return text;
}

static bool take_route(struct kb_sheet_job *job, const char *word) {
    return job->has_route = kb_route_parse(word, &job->route);
}
static bool take_source(struct kb_sheet_job *job, const char *word) {
    return kb_source_parse(word, &job->source_state);
}
static bool take_target(struct kb_sheet_job *job, const char *word) {
    return kb_target_parse(word, &job->target_state);
}

static const struct {
    enum column column;
    bool (*take)(struct kb_sheet_job *job, const char *word);
    const char *values;
} words[] = {
    {ROUTE, take_route, "usb, icloud"},
    {SOURCE_STATE, take_source, "unsupervised, supervised, no-mdm"},
    {TARGET_STATE, take_target, "unsupervised, supervised"},
};

static void take_words(struct reader *reader, struct kb_sheet_job *job) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(words); i++) {
        char *word = cell_of(reader, words[i].column);
        if (*word && !words[i].take(job, word))
            kb_sheet_wrong(reader->out, place_of(reader, words[i].column),
                           _("\"%.60s\" is no %s: write one of %s, or leave the cell empty"), word,
                           known[words[i].column].name, words[i].values);
        free(word);
    }
}

/* "3.56789E+14": the number is lost, and no formatting brings it back. */
static bool is_rounded(const char *word) {
    size_t digits = strspn(word, "0123456789.,");
    bool exponent = digits > 0 && (word[digits] == 'E' || word[digits] == 'e') && word[digits + 1] == '+';
    return exponent && word[digits + 2] && !word[digits + 2 + strspn(word + digits + 2, "0123456789")];
}

static void judge_target(struct reader *reader, const char *word) {
    struct kb_place at = place_of(reader, TARGET);
    size_t size = 0;
    for (const char *p = word; *p; p++) size += *p != '-';
    if (is_rounded(word))
        kb_sheet_wrong(reader->out, at,
                       _("The spreadsheet has rounded this number (%.40s): format the column as text, enter the number "
                         "again and save"),
                       word);
    else if (*word && size < 4)
        kb_sheet_wrong(reader->out, at,
                       _("\"%.60s\" is too short for a device: write its UDID (at least 4 characters of it), serial "
                         "number or IMEI"),
                       word);
}

static void take_columns(struct reader *reader, struct kb_sheet_job *job) {
    for (int i = 0; i < reader->count && i < reader->record.count; i++) {
        if (!*reader->names[i]) {
            if (kb_csv_text(&reader->record, i)[0])
                kb_sheet_wrong(reader->out, reader->record.cells[i].at, "%s",
                               _("This cell has no column name above it: name the column in the first line"));
            continue;
        }
        if (column_of(reader->names[i]) >= 0) continue;
        char *text = tidy(kb_csv_text(&reader->record, i));
        if (!job->columns) job->columns = json_object();
        json_object_set_new(job->columns, reader->names[i], json_string(text));
        free(text);
    }
}

static void read_job(struct reader *reader) {
    struct kb_sheet *out = reader->out;
    if (out->count == KB_SHEET_MAX_JOBS) {
        kb_sheet_wrong(out, reader->record.at, _("The sheet has more than %d lines: split it"), KB_SHEET_MAX_JOBS);
        reader->full = true;
        return;
    }
    if (!judge_count(reader)) return;
    if (out->count == out->room) {
        out->room = out->room ? 2 * out->room : 64;
        out->jobs = kb_xrealloc(out->jobs, (size_t)out->room * sizeof *out->jobs);
    }
    struct kb_sheet_job *job = &out->jobs[out->count++];
    *job = (struct kb_sheet_job){.at = reader->record.at,
                                 .target_at = place_of(reader, TARGET),
                                 .source_at = place_of(reader, SOURCE),
                                 .target = cell_of(reader, TARGET),
                                 .source = cell_of(reader, SOURCE),
                                 .user = cell_of(reader, USER),
                                 .asset_tag = cell_of(reader, ASSET_TAG)};
    judge_target(reader, job->target);
    take_words(reader, job);
    take_columns(reader, job);
}

/* ---- The whole ------------------------------------------------------------------------------------------------- */

struct key {
    char *word;
    const struct kb_sheet_job *job;
};

static int by_word(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    int order = strcmp(x->word, y->word);
    return order ? order : (x->job > y->job) - (x->job < y->job);
}

/* As devices are named: neither case nor '-' counts. */
static char *bare(const char *word) {
    char *out = kb_xcalloc(1, strlen(word) + 1), *end = out;
    for (; *word; word++)
        if (*word != '-') *end++ = (char)(*word >= 'A' && *word <= 'Z' ? *word - 'A' + 'a' : *word);
    return out;
}

static void judge_twice(struct kb_sheet *sheet) {
    struct key *keys = kb_xcalloc((size_t)sheet->count + 1, sizeof *keys);
    for (int i = 0; i < sheet->count; i++) keys[i] = (struct key){bare(sheet->jobs[i].target), &sheet->jobs[i]};
    if (sheet->count) qsort(keys, (size_t)sheet->count, sizeof *keys, by_word);
    const struct kb_sheet_job *first = NULL;
    for (int i = 0; i < sheet->count; i++) {
        bool again = i && !strcmp(keys[i].word, keys[i - 1].word);
        if (!again) first = keys[i].job;
        if (again && *keys[i].word)
            kb_sheet_wrong(sheet, keys[i].job->target_at,
                           _("The device \"%.60s\" is the target of line %d already: one device takes one backup"),
                           keys[i].job->target, first->at.line);
    }
    for (int i = 0; i < sheet->count; i++) free(keys[i].word);
    free(keys);
}

static void read_jobs(struct reader *reader) {
    if (!read_header(reader)) return;
    while (!reader->full && kb_csv_next(&reader->csv, &reader->record))
        if (!reader->record.blank) read_job(reader);
    if (!reader->out->count && !reader->out->error_total)
        kb_sheet_wrong(reader->out, reader->csv.place, "%s",
                       _("The sheet has no line below its header: write a line for each device"));
    judge_twice(reader->out);
}

static void parse(const char *bytes, size_t size, bool backups, struct kb_sheet *out) {
    struct reader *reader = kb_xcalloc(1, sizeof *reader);
    reader->backups = backups;
    memset(out, 0, sizeof *out);
    reader->out = out;
    if (size > KB_SHEET_MAX_BYTES)
        kb_sheet_wrong(out, (struct kb_place){1, 1}, _("The file is larger than %d MiB, no sheet is: split it"),
                       (int)(KB_SHEET_MAX_BYTES >> 20));
    else if (kb_csv_begin(&reader->csv, bytes ? bytes : "", size, wrong_csv, out))
        read_jobs(reader);
    kb_sheet_sort_errors(out);
    for (int i = 0; i < reader->count; i++) free(reader->names[i]);
    kb_csv_record_release(&reader->record);
    free(reader);
}

void kb_sheet_parse(const char *bytes, size_t size, struct kb_sheet *out) { parse(bytes, size, false, out); }

struct kb_result kb_sheet_load(const char *path, bool backups, struct kb_sheet *out) {
    struct kb_buf bytes = {0};
    memset(out, 0, sizeof *out);
    struct kb_result res = kb_file_load(path, KB_SHEET_MAX_BYTES + 1, &bytes);
    /* Not there, a folder, far too large: the command line's mistake. Denied is the computer's. */
    if (kb_failed(&res) && res.code != KB_HOST_DENIED) res.domain = KB_USAGE;
    if (!kb_failed(&res)) parse(bytes.data, bytes.size, backups, out);
    kb_buf_release(&bytes);
    return res;
}

void kb_sheet_release(struct kb_sheet *sheet) {
    for (int i = 0; i < sheet->count; i++) {
        struct kb_sheet_job *job = &sheet->jobs[i];
        free(job->target);
        free(job->source);
        free(job->user);
        free(job->asset_tag);
        json_decref(job->columns);
    }
    free(sheet->jobs);
    free(sheet->errors);
    memset(sheet, 0, sizeof *sheet);
}
