/*
 * The tray on a terminal: tiles laid out like the tray, a queue of what needs a hand, keys. Prints nothing and reads
 * nothing: it turns a struct kb_tray_view into the text that changes the screen, and typed bytes into what to do.
 *
 * The caller's part: terminal to raw mode, write kb_board_begin(); whenever the view changed, the terminal changed its
 * size, a key came, and once a second: kb_board_draw() and write what it added; at the end kb_board_end().
 */
#ifndef KB_CLI_BOARD_H
#define KB_CLI_BOARD_H

#include "kitbench/tray.h"

struct kb_board;
/* colour false (NO_COLOR): nothing but the cursor is moved. Looks at the locale once: not UTF-8 means ASCII only. */
struct kb_board *kb_board_new(bool colour);
void kb_board_free(struct kb_board *board);
void kb_board_set_ascii(struct kb_board *board, bool ascii);
/* Who confirms (--by, the setting operator), so that nobody is asked; NULL or "" changes nothing. */
void kb_board_set_operator(struct kb_board *board, const char *name);
/* What the details of a tile say below its sentence: serial, backup, steps; lines of text, cleaned here. */
void kb_board_set_steps(struct kb_board *board, void (*steps)(void *arg, int tile_n, struct kb_buf *out), void *arg);
/* A sentence on the last line until the next key, for example why a confirmation was refused. */
void kb_board_say(struct kb_board *board, const char *sentence);

/* The alternate screen, and back. */
const char *kb_board_begin(void);
const char *kb_board_end(void);
/*
 * Adds the text that makes the screen show this view: only cells that changed since the last drawing, everything after
 * a change of size, and one bell for each device that began to need a hand. now_ms: kb_clock_ms().
 */
void kb_board_draw(struct kb_board *board, const struct kb_tray_view *view, int64_t now_ms, int columns, int rows,
                   struct kb_buf *out);
/* The last drawing as plain text: every row padded to its columns, with a line end. */
void kb_board_text(const struct kb_board *board, struct kb_buf *out);

enum kb_board_action {
    KB_BOARD_NONE,      /* every byte is used up; draw */
    KB_BOARD_CONFIRM,   /* n, step (its id), name */
    KB_BOARD_RETRY,     /* n */
    KB_BOARD_SET_ASIDE, /* n */
    KB_BOARD_QUIT,
    KB_BOARD_REDRAW /* the next drawing is a whole one */
};
struct kb_board_event {
    enum kb_board_action action;
    int n; /* of struct kb_tile; -1 */
    char step[32], name[128];
};
/*
 * Takes typed bytes (a key may come in pieces) and returns the first thing to do; call it again with size 0 until it
 * returns KB_BOARD_NONE. Acts on what the last drawing showed: a confirmation whose step has changed meanwhile is not
 * one.
 */
struct kb_board_event kb_board_key(struct kb_board *board, const struct kb_tray_view *view, const char *bytes,
                                   size_t size);
#endif
