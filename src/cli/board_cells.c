/* The grid of cells and the difference between two of them. */
#include "board_cells.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static int clamp(int value, int low, int high) { return value < low ? low : value > high ? high : value; }

void kb_cells_reset(struct kb_cells *cells, int columns, int rows) {
    columns = clamp(columns, 1, KB_CELLS_WIDE);
    rows = clamp(rows, 1, KB_CELLS_HIGH);
    if (!cells->list || columns != cells->columns || rows != cells->rows) {
        free(cells->list);
        cells->list = kb_xcalloc((size_t)columns * (size_t)rows, sizeof *cells->list);
        cells->columns = columns;
        cells->rows = rows;
    }
    memset(cells->list, 0, (size_t)columns * (size_t)rows * sizeof *cells->list); /* equal cells are equal bytes */
    for (int i = 0; i < columns * rows; i++) {
        cells->list[i].text[0] = ' ';
        cells->list[i].width = 1;
    }
}

void kb_cells_release(struct kb_cells *cells) {
    free(cells->list);
    memset(cells, 0, sizeof *cells);
}

static struct kb_cell *cell_at(const struct kb_cells *cells, int row, int column) {
    return &cells->list[row * cells->columns + column];
}

static utf8proc_int32_t point_of(const char *text) {
    utf8proc_int32_t point = -1;
    return utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &point) > 0 ? point : -1;
}

/* Escapes, direction overrides, joiners, and the selector that makes a sign an emoji of unsure width. */
static bool is_hidden(utf8proc_int32_t point) {
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return true;
    default:
        return point == 0xfe0f;
    }
}

static void set_cell(struct kb_cells *cells, int row, int column, int width, unsigned style, const char *bytes,
                     int size) {
    struct kb_cell *cell = cell_at(cells, row, column);
    memset(cell, 0, sizeof *cell);
    memcpy(cell->text, bytes, (size_t)size);
    cell->width = (unsigned char)width;
    cell->style = (unsigned char)style;
    for (int i = 1; i < width; i++) {
        memset(&cell[i], 0, sizeof cell[i]);
        cell[i].style = (unsigned char)style;
    }
}

static void add_mark(struct kb_cell *cell, const char *bytes, int size) {
    size_t used = strlen(cell->text);
    if (used + (size_t)size < sizeof cell->text) memcpy(cell->text + used, bytes, (size_t)size);
}

/* The text as cells can hold it: visible characters only, ASCII only where nothing else is shown. */
static void plain(struct kb_buf *out, const char *text, bool ascii) {
    for (const char *p = text; *p;) {
        utf8proc_int32_t point = point_of(p);
        int width = 1, size = point < 0 || point == 0x1b ? 1 : kb_text_next(p, &width);
        if (point < 0)
            kb_buf_puts(out, "?");
        else if (!is_hidden(point) && (point < 0x80 || !ascii))
            kb_buf_add(out, p, (size_t)size);
        else if (!is_hidden(point))
            for (int i = 0; i < width; i++) kb_buf_puts(out, point == 0x2026 ? "~" : "?");
        p += size;
    }
    kb_buf_add(out, "", 0);
}

int kb_cells_put(struct kb_cells *cells, int row, int column, int width, unsigned style, const char *text, bool pad) {
    struct kb_buf clean = {0}, fit = {0};
    struct kb_cell *last = NULL;
    int used = 0;
    if (row < 0 || row >= cells->rows || column < 0 || column >= cells->columns || width <= 0) return 0;
    if (width > cells->columns - column) width = cells->columns - column;
    plain(&clean, text, cells->ascii);
    if (kb_text_width(clean.data) > width && cells->ascii) {
        kb_text_fit(&fit, clean.data, width, false);
        clean.size = 0;
        plain(&clean, fit.data, true); /* the ellipsis too */
        fit.size = 0;
    }
    kb_text_fit(&fit, clean.data, width, pad);
    kb_buf_add(&fit, "", 0); /* text, even when nothing was added */
    for (const char *p = fit.data; *p;) {
        int columns, size = kb_text_next(p, &columns);
        if (columns > 0 && size < KB_CELL_ROOM) {
            last = cell_at(cells, row, column + used);
            set_cell(cells, row, column + used, columns, style, p, size);
            used += columns;
        } else if (last) {
            add_mark(last, p, size);
        }
        p += size;
    }
    kb_buf_release(&clean);
    kb_buf_release(&fit);
    return used;
}

/* Terminals agree on how wide these are; after any other character the cursor is placed anew. */
static bool is_sure(const struct kb_cell *cell) {
    utf8proc_int32_t p = point_of(cell->text);
    size_t bytes = strlen(cell->text);
    if (bytes == 1) return true;
    return bytes == 3 && ((p >= 0x3001 && p <= 0x30ff && p != 0x303f) || (p >= 0x4e00 && p <= 0x9fff) ||
                          (p >= 0xff01 && p <= 0xff60));
}

static void add_style(struct kb_buf *out, unsigned style, bool colour) {
    static const char *const codes[] = {"0", "0;32", "0;33", "0;1;31", "0;36", "0;1", "0;2"};
    if (!colour) return;
    kb_buf_printf(out, "\033[%s%sm", codes[style & 0x7f], style & KB_STYLE_PICKED ? ";7" : "");
}

/* A full-width character that was half covered must be written again with both halves. */
static bool differs(const struct kb_cells *before, const struct kb_cells *after, int row, int column) {
    const struct kb_cell *now = cell_at(after, row, column);
    if (!before) return true;
    for (int i = 0; i < (now->width ? now->width : 1); i++)
        if (memcmp(cell_at(before, row, column + i), now + i, sizeof *now)) return true;
    return column > 0 && cell_at(before, row, column)->width == 0 && now->width > 0;
}

void kb_cells_change(const struct kb_cells *before, const struct kb_cells *after, bool colour, struct kb_buf *out) {
    int at_row = -1, at_column = -1;
    unsigned style = 0;
    if (before && (!before->list || before->columns != after->columns || before->rows != after->rows)) before = NULL;
    if (!before) {
        add_style(out, 0, colour);
        kb_buf_puts(out, "\033[2J");
    }
    for (int row = 0; row < after->rows; row++)
        for (int column = 0; column < after->columns; column++) {
            const struct kb_cell *cell = cell_at(after, row, column);
            if (!cell->width || !differs(before, after, row, column)) continue;
            if (row != at_row || column != at_column) kb_buf_printf(out, "\033[%d;%dH", row + 1, column + 1);
            if (cell->style != style) add_style(out, cell->style, colour);
            style = cell->style;
            kb_buf_puts(out, cell->text);
            at_row = is_sure(cell) ? row : -1;
            at_column = column + cell->width;
        }
    if (style) add_style(out, 0, colour);
    kb_buf_add(out, "", 0);
}

void kb_cells_text(const struct kb_cells *cells, struct kb_buf *out) {
    for (int row = 0; row < cells->rows; row++) {
        for (int column = 0; column < cells->columns; column++) kb_buf_puts(out, cell_at(cells, row, column)->text);
        kb_buf_puts(out, "\n");
    }
    kb_buf_add(out, "", 0);
}
