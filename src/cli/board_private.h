/* What the parts of the board share: its own state, and who draws what. */
#ifndef KB_CLI_BOARD_PRIVATE_H
#define KB_CLI_BOARD_PRIVATE_H

#include "board.h"
#include "board_cells.h"
#include "cli.h"

enum kb_board_panel { KB_PANEL_TILES, KB_PANEL_DETAILS, KB_PANEL_HELP };
enum kb_board_prompt { KB_PROMPT_NONE, KB_PROMPT_NAME, KB_PROMPT_SET_ASIDE, KB_PROMPT_QUIT };

struct kb_board_seen { /* what a tile wanted when it was last drawn */
    int n;
    char ask[32];
    int64_t asked_ms;
};
struct kb_board {
    bool colour, ascii, drawn;
    struct kb_cells now, before;
    enum kb_board_panel panel;
    enum kb_board_prompt prompt;
    int selected;            /* n of a tile; -1 none yet */
    int across, top, scroll; /* tiles in a row; first row of tiles shown; first line of the details shown */
    char step[32];           /* what the name is asked for */
    char name[128], typed[128], said[480];
    struct kb_buf input; /* bytes that are no whole key yet */
    struct kb_board_seen *seen;
    int seen_count;
    void (*steps)(void *arg, int tile_n, struct kb_buf *out);
    void *steps_arg;
    struct kb_buf more; /* what steps said last, for which tile, and when */
    int more_n;
    int64_t more_ms;
};
struct kb_area {
    int row, column, rows, columns;
};
/* The selected tile; NULL when there is none. */
const struct kb_tile *kb_board_selected(const struct kb_board *board, const struct kb_tray_view *view, int *index);
void kb_board_draw_tiles(struct kb_board *board, const struct kb_tray_view *view, int64_t now_ms, struct kb_area area);
void kb_board_draw_queue(struct kb_board *board, const struct kb_tray_view *view, int64_t now_ms, struct kb_area area);
void kb_board_draw_details(struct kb_board *board, const struct kb_tray_view *view, int64_t now_ms,
                           struct kb_area area);
void kb_board_draw_help(struct kb_board *board, struct kb_area area);
/* Tiles that need a hand, most urgent first; the caller frees. NULL when there is none. */
const struct kb_tile **kb_board_queue(const struct kb_tray_view *view, int *count);
/* It asks for a hand, and something is held up until that comes. */
bool kb_tile_wants(const struct kb_tile *tile);
/* Stands in the queue: it wants a hand, or it ended otherwise than done, so that a person must look at the device. */
bool kb_tile_needs_you(const struct kb_tile *tile);

/* ---- Words and shapes (board_words.c) */
struct kb_look {
    const char *mark, *ascii, *word; /* word: short, in the operator's language */
    enum kb_style style;
};
struct kb_look kb_tile_look(const struct kb_tile *tile);
const char *kb_ask_word(const char *ask); /* "passcode", in the operator's language and short */
void kb_tile_title(const struct kb_tile *tile, char *out, size_t room);
void kb_tile_who(const struct kb_tile *tile, char *out, size_t room);
/* The time until the device gives up; "" when there is no such end. */
void kb_tile_countdown(const struct kb_tile *tile, int64_t now_ms, char out[KB_HUMAN_ROOM]);
#endif
