/* A screen as cells: text is put into a grid, and two grids give the text that turns one into the other. */
#ifndef KB_CLI_BOARD_CELLS_H
#define KB_CLI_BOARD_CELLS_H

#include "kitbench/base.h"

enum kb_style {
    KB_STYLE_NONE,
    KB_STYLE_GOOD,
    KB_STYLE_WARN,
    KB_STYLE_BAD,
    KB_STYLE_BUSY,
    KB_STYLE_STRONG,
    KB_STYLE_DIM,
    KB_STYLE_PICKED = 0x80 /* added to one of the others: the selection */
};
#define KB_CELL_ROOM  20
#define KB_CELLS_WIDE 500
#define KB_CELLS_HIGH 200
struct kb_cell {
    char text[KB_CELL_ROOM]; /* one character and its marks; "" is the right half of a full-width one */
    unsigned char width, style;
};
struct kb_cells {
    int columns, rows;
    bool ascii; /* everything else becomes '?' */
    struct kb_cell *list;
};
/* Blank, of that size (kept in 1 to KB_CELLS_WIDE and KB_CELLS_HIGH). */
void kb_cells_reset(struct kb_cells *cells, int columns, int rows);
void kb_cells_release(struct kb_cells *cells);
/*
 * Puts text at a place, cut with an ellipsis to width columns and padded with spaces to it when pad; what lies outside
 * the grid is not drawn. Control characters and other invisible ones never get in. Returns the columns used.
 */
int kb_cells_put(struct kb_cells *cells, int row, int column, int width, unsigned style, const char *text, bool pad);
/* Adds what turns a screen that shows before into one that shows after; before NULL or of another size: everything. */
void kb_cells_change(const struct kb_cells *before, const struct kb_cells *after, bool colour, struct kb_buf *out);
void kb_cells_text(const struct kb_cells *cells, struct kb_buf *out);
#endif
