/* Text for a terminal: width, wrapping and tables, right for Japanese too. Prints nothing. */
#ifndef KB_CLI_TABLE_H
#define KB_CLI_TABLE_H

#include "kitbench/base.h"

/* Columns that text takes on a terminal (full-width characters two, combining marks none). */
int kb_text_width(const char *text);
/* The bytes of its first character (0 at the end) and the columns it takes. */
int kb_text_next(const char *text, int *width);
/* Adds text cut to width columns, with an ellipsis when it was cut, padded with spaces to width when pad. */
void kb_text_fit(struct kb_buf *out, const char *text, int width, bool pad);
/* Adds text cut in its middle to at most width columns: of names that begin alike or end alike something is left that
 * tells them apart. */
void kb_text_middle(struct kb_buf *out, const char *text, int width);
/*
 * The end of the next piece that is not broken, and its columns: a word (spaces before it are part of it), or one
 * full-width character with the opening marks before it and the closing marks behind it. text is not empty.
 */
const char *kb_text_piece(const char *text, int *width);
/*
 * Adds text broken into lines of at most columns; the cursor stands at column at, further lines are indented. Breaks
 * at spaces, and between full-width characters (not before a closing mark). No line end at the end.
 */
void kb_text_wrap(struct kb_buf *out, const char *text, int columns, int at, int indent);

#define KB_MAX_COLUMNS 12
struct kb_table {
    const char *heads[KB_MAX_COLUMNS];
    bool keep[KB_MAX_COLUMNS]; /* never cut: what somebody copies */
    int columns, rows, room;
    char **cells;            /* rows * columns */
    const char **row_before; /* colour of each row; NULL for none */
};
void kb_table_init(struct kb_table *table, int columns, const char *const *heads);
void kb_table_row(struct kb_table *table, const char *const *cells, const char *colour);
/* The table, at most width columns wide: the widest columns give way first. after: what ends a colour. */
void kb_table_render(const struct kb_table *table, int width, const char *after, struct kb_buf *out);
void kb_table_release(struct kb_table *table);
#endif
