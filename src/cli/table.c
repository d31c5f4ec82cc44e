/* Text for a terminal: width (utf8proc), wrapping and tables. */
#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* One character: its bytes (at least 1) and its columns. */
struct glyph {
    int bytes, width;
    utf8proc_int32_t point;
};

static struct glyph glyph_at(const char *text) {
    struct glyph g = {1, 1, '?'};
    if (*text == '\033')
        return (struct glyph){(int)strcspn(text, "m") + (strchr(text, 'm') != NULL), 0, 0}; /* a colour */
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &g.point);
    if (n <= 0) return g;
    g.bytes = (int)n;
    g.width = utf8proc_charwidth(g.point);
    return g;
}

int kb_text_next(const char *text, int *width) {
    struct glyph g = {0, 0, 0};
    if (*text) g = glyph_at(text);
    *width = g.width;
    return g.bytes;
}

int kb_text_width(const char *text) {
    int width = 0;
    for (const char *p = text; *p;) {
        struct glyph g = glyph_at(p);
        width += g.width;
        p += g.bytes;
    }
    return width;
}

static void add_spaces(struct kb_buf *out, int count) {
    for (int i = 0; i < count; i++) kb_buf_add(out, " ", 1);
}

void kb_text_fit(struct kb_buf *out, const char *text, int width, bool pad) {
    int full = kb_text_width(text), used = 0;
    int limit = full > width ? width - 1 : width;
    const char *p = text;
    while (*p) {
        struct glyph g = glyph_at(p);
        if (used + g.width > limit) break;
        kb_buf_add(out, p, (size_t)g.bytes);
        used += g.width;
        p += g.bytes;
    }
    if (*p && width > 0) {
        kb_buf_puts(out, "…");
        used++;
    }
    if (pad) add_spaces(out, width - used);
}

void kb_text_middle(struct kb_buf *out, const char *text, int width) {
    int left = kb_text_width(text), used = 0;
    const char *p = text;
    if (left <= width || width <= 0) {
        kb_text_fit(out, text, width, false);
        return;
    }
    for (struct glyph g = glyph_at(p); used + g.width <= (width - 1) / 2; g = glyph_at(p)) {
        kb_buf_add(out, p, (size_t)g.bytes);
        used += g.width;
        left -= g.width;
        p += g.bytes;
    }
    kb_buf_puts(out, "…");
    while (*p) { /* no mark without the character that it belongs to */
        struct glyph g = glyph_at(p);
        if (left <= width - used - 1 && g.width > 0) break;
        left -= g.width;
        p += g.bytes;
    }
    kb_buf_puts(out, p);
}

static bool begins_word(const char *p) { return (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z'); }

static bool is_among(const utf8proc_int32_t *marks, size_t count, utf8proc_int32_t point) {
    for (size_t i = 0; i < count; i++)
        if (marks[i] == point) return true;
    return false;
}

/* Marks that must not begin a line in Japanese. p: at the mark; the stop of ".html" belongs to what follows. */
static bool closes(const char *p, utf8proc_int32_t point) {
    static const utf8proc_int32_t marks[] = {0x3001, 0x3002, 0xff0c, 0xff0e, 0x300d, 0x300f, 0xff09, 0x30fc,
                                             0xff1a, 0xff1f, 0xff01, 0x3063, 0x30c3, 0x3083, 0x3085, 0x3087,
                                             0x30e3, 0x30e5, 0x30e7, ')',    '.',    ',',    0x3011, 0x2026};
    return !(*p == '.' && begins_word(p + 1)) && is_among(marks, KB_ARRAY_SIZE(marks), point);
}

/* Marks that must not end a line: （ 「 『 【 */
static bool opens(utf8proc_int32_t point) {
    static const utf8proc_int32_t marks[] = {0xff08, 0x300c, 0x300e, 0x3010};
    return is_among(marks, KB_ARRAY_SIZE(marks), point);
}

const char *kb_text_piece(const char *text, int *width) {
    const char *p = text;
    struct glyph g = glyph_at(p);
    bool wide = g.width == 2, open;
    *width = 0;
    do {
        *width += g.width;
        p += g.bytes;
        open = opens(g.point);
        if (!*p) break;
        g = glyph_at(p);
        if (open) wide = g.width == 2;
    } while (open || closes(p, g.point) || (!wide && *p != ' ' && *p != '\n' && g.width != 2));
    return p;
}

void kb_text_wrap(struct kb_buf *out, const char *text, int columns, int at, int indent) {
    int column = at;
    bool fresh = true; /* nothing but indentation on this line */
    for (const char *p = text; *p;) {
        int spaces = 0, width;
        for (; *p == ' '; p++) spaces++;
        if (*p == '\n') {
            kb_buf_puts(out, "\n");
            add_spaces(out, indent);
            column = indent;
            fresh = true;
            p++;
            continue;
        }
        if (!*p) break;
        const char *end = kb_text_piece(p, &width);
        if (!fresh && column + spaces + width > columns) {
            kb_buf_puts(out, "\n");
            add_spaces(out, indent);
            column = indent;
            fresh = true;
        }
        if (!fresh) {
            add_spaces(out, spaces);
            column += spaces;
        }
        kb_buf_add(out, p, (size_t)(end - p));
        column += width;
        fresh = false;
        p = end;
    }
    kb_buf_add(out, "", 0);
}

void kb_table_init(struct kb_table *table, int columns, const char *const *heads) {
    memset(table, 0, sizeof *table);
    table->columns = columns;
    for (int i = 0; i < columns; i++) table->heads[i] = heads[i];
}

void kb_table_row(struct kb_table *table, const char *const *cells, const char *colour) {
    if (table->rows == table->room) {
        table->room = table->room ? 2 * table->room : 16;
        table->cells = kb_xrealloc(table->cells, (size_t)(table->room * table->columns) * sizeof *table->cells);
        table->row_before = kb_xrealloc(table->row_before, (size_t)table->room * sizeof *table->row_before);
    }
    for (int i = 0; i < table->columns; i++)
        table->cells[table->rows * table->columns + i] = kb_xstrdup(cells[i] ? cells[i] : "");
    table->row_before[table->rows++] = colour;
}

static const char *cell_at(const struct kb_table *table, int row, int column) {
    return row < 0 ? table->heads[column] : table->cells[row * table->columns + column];
}

#define GAP       2
#define MIN_WIDTH 6

/* Widths that fit: the widest column that may be cut loses one until all fit. */
static void choose_widths(const struct kb_table *table, int width, int *widths) {
    int total = GAP * (table->columns - 1);
    for (int i = 0; i < table->columns; i++) {
        widths[i] = 0;
        for (int row = -1; row < table->rows; row++) {
            int w = kb_text_width(cell_at(table, row, i));
            if (w > widths[i]) widths[i] = w;
        }
        total += widths[i];
    }
    while (total > width) {
        int widest = -1;
        for (int i = 0; i < table->columns; i++)
            if (!table->keep[i] && widths[i] > MIN_WIDTH && (widest < 0 || widths[i] > widths[widest])) widest = i;
        if (widest < 0) break;
        widths[widest]--;
        total--;
    }
}

void kb_table_render(const struct kb_table *table, int width, const char *after, struct kb_buf *out) {
    int widths[KB_MAX_COLUMNS];
    choose_widths(table, width, widths);
    for (int row = -1; row < table->rows; row++) {
        const char *colour = row < 0 ? NULL : table->row_before[row];
        if (colour) kb_buf_puts(out, colour);
        for (int i = 0; i < table->columns; i++) {
            bool last = i == table->columns - 1;
            kb_text_fit(out, cell_at(table, row, i), widths[i], !last);
            if (!last) add_spaces(out, GAP);
        }
        if (colour && *colour) kb_buf_puts(out, after);
        kb_buf_puts(out, "\n");
    }
}

void kb_table_release(struct kb_table *table) {
    for (int i = 0; i < table->rows * table->columns; i++) free(table->cells[i]);
    free(table->cells);
    free(table->row_before);
    memset(table, 0, sizeof *table);
}
