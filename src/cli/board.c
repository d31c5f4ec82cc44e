/* The board as a whole: header, where what stands, footer, bell. */
#include "board_private.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A locale that names another character set, or none ("C", "ja_JP"). Without any locale a terminal takes UTF-8. */
static bool is_locale_ascii(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < KB_ARRAY_SIZE(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return !strstr(value, "UTF-8") && !strstr(value, "utf8") && !strstr(value, "utf-8") &&
                   !strstr(value, "UTF8");
    }
    return false;
}

struct kb_board *kb_board_new(bool colour) {
    struct kb_board *board = kb_xcalloc(1, sizeof *board);
    board->colour = colour;
    board->selected = board->more_n = -1;
    board->across = 1;
    kb_board_set_ascii(board, is_locale_ascii());
    return board;
}

void kb_board_free(struct kb_board *board) {
    if (!board) return;
    kb_cells_release(&board->now);
    kb_cells_release(&board->before);
    kb_buf_release(&board->input);
    kb_buf_release(&board->more);
    free(board->seen);
    free(board);
}

void kb_board_set_ascii(struct kb_board *board, bool ascii) {
    board->ascii = board->now.ascii = board->before.ascii = ascii;
}

void kb_board_set_operator(struct kb_board *board, const char *name) {
    if (name && *name) kb_text_copy(board->name, sizeof board->name, name);
}

void kb_board_set_steps(struct kb_board *board, void (*steps)(void *arg, int tile_n, struct kb_buf *out), void *arg) {
    board->steps = steps;
    board->steps_arg = arg;
}

void kb_board_say(struct kb_board *board, const char *sentence) {
    kb_text_clean(board->said, sizeof board->said, sentence);
}

/* Without wrapping: the last column of the last row must not scroll the screen. */
const char *kb_board_begin(void) { return "\033[?1049h\033[?25l\033[?7l\033[2J"; }
const char *kb_board_end(void) { return "\033[?7h\033[?25h\033[?1049l"; }

const struct kb_tile *kb_board_selected(const struct kb_board *board, const struct kb_tray_view *view, int *index) {
    for (int i = 0; i < view->count; i++)
        if (view->tiles[i].n == board->selected) {
            if (index) *index = i;
            return &view->tiles[i];
        }
    return NULL;
}

static int count_needs(const struct kb_tray_view *view) {
    int count = 0;
    for (int i = 0; i < view->count; i++) count += kb_tile_needs_you(&view->tiles[i]);
    return count;
}

/* Whether the note found its place in it. */
static bool draw_header(struct kb_board *board, const struct kb_tray_view *view) {
    char text[KB_HUMAN_ROOM];
    struct kb_buf line = {0};
    int needs = count_needs(view), columns = board->now.columns;
    kb_buf_printf(&line, _("Tray: %d of %d done"), view->done, view->jobs);
    if (view->ended > view->done) kb_buf_printf(&line, _(", %d not"), view->ended - view->done);
    if (needs) kb_buf_printf(&line, _("  %d need you"), needs);
    if (view->left_s >= 0) {
        kb_human_span(text, view->left_s);
        kb_buf_puts(&line, "  ");
        kb_buf_printf(&line, _("%s left"), text);
    }
    int used = kb_text_width(line.data) + 2;
    kb_cells_put(&board->now, 0, 0, columns, KB_STYLE_STRONG, line.data, true);
    kb_buf_release(&line);
    if (!view->note || !*view->note) return true;
    bool fits = used + kb_text_width(view->note) <= columns;
    if (fits) kb_cells_put(&board->now, 0, used, columns - used, KB_STYLE_BAD, view->note, true);
    return fits;
}

static void compose_footer(const struct kb_board *board, const struct kb_tray_view *view, struct kb_buf *out) {
    char title[256] = "";
    const struct kb_tile *tile = kb_board_selected(board, view, NULL);
    if (tile) kb_tile_title(tile, title, sizeof title);
    switch (board->prompt) {
    case KB_PROMPT_NAME:
        kb_buf_printf(out, _("%s, %s: your name? %s_"), title, kb_ask_word(board->step), board->typed);
        return;
    case KB_PROMPT_SET_ASIDE:
        kb_buf_printf(out, _("Set %s aside? y/n"), title);
        return;
    case KB_PROMPT_QUIT:
        kb_buf_puts(out, _("Stop the tray? It can be started again and goes on. y/n"));
        return;
    default:
        break;
    }
    if (*board->said)
        kb_buf_puts(out, board->said);
    else if (board->panel == KB_PANEL_HELP)
        kb_buf_puts(out, _("Esc closes the help"));
    else if (board->panel == KB_PANEL_DETAILS)
        kb_buf_puts(out, _("Esc back  j k scroll  n next  c confirm  r retry  a set aside  q quit  ? help"));
    else
        kb_buf_puts(out, _("arrows  n next  Enter details  c confirm  r retry  a set aside  q quit  ? help"));
}

/* The end of what is typed stays in sight. */
static void draw_footer(struct kb_board *board, const struct kb_tray_view *view) {
    struct kb_buf line = {0};
    int width, columns = board->now.columns;
    compose_footer(board, view, &line);
    const char *from = line.data;
    while (board->prompt == KB_PROMPT_NAME && *from && kb_text_width(from) > columns)
        from += kb_text_next(from, &width);
    bool strong = board->prompt || *board->said;
    kb_cells_put(&board->now, board->now.rows - 1, 0, columns, strong ? KB_STYLE_WARN | KB_STYLE_PICKED : KB_STYLE_DIM,
                 from, true);
    kb_buf_release(&line);
}

/* The queue stands beside the tiles where there is room for it, else below them; its size never depends on what is in
 * it, so that tiles keep their place. */
static void place(struct kb_area *tiles, struct kb_area *queue) {
    *queue = *tiles;
    if (tiles->columns >= 120 && tiles->rows >= 16) {
        queue->columns = tiles->columns / 3 < 56 ? tiles->columns / 3 : 56;
        tiles->columns -= queue->columns + 1;
        queue->column += tiles->columns + 1;
        return;
    }
    queue->rows = tiles->rows >= 8 ? (tiles->rows + 2) / 4 : tiles->rows >= 5 ? 2 : 0;
    if (queue->rows > 12) queue->rows = 12;
    tiles->rows -= queue->rows;
    queue->row += tiles->rows;
}

static void draw_all(struct kb_board *board, const struct kb_tray_view *view, int64_t now_ms) {
    struct kb_area tiles = {1, 0, board->now.rows - 2, board->now.columns}, queue;
    if (!draw_header(board, view) && tiles.rows > 2) {
        kb_cells_put(&board->now, 1, 0, tiles.columns, KB_STYLE_BAD, view->note, true);
        tiles.row++;
        tiles.rows--;
    }
    place(&tiles, &queue);
    if (board->panel == KB_PANEL_HELP)
        kb_board_draw_help(board, tiles);
    else if (board->panel == KB_PANEL_DETAILS)
        kb_board_draw_details(board, view, now_ms, tiles);
    else
        kb_board_draw_tiles(board, view, now_ms, tiles);
    kb_board_draw_queue(board, view, now_ms, queue);
    if (board->now.rows > 1) draw_footer(board, view);
}

static const struct kb_board_seen *find_seen(const struct kb_board *board, int n) {
    for (int i = 0; i < board->seen_count; i++)
        if (board->seen[i].n == n) return &board->seen[i];
    return NULL;
}

/* A bell for each that began to need somebody since the last drawing. */
static void ring(struct kb_board *board, const struct kb_tray_view *view, struct kb_buf *out) {
    struct kb_board_seen *seen = kb_xcalloc((size_t)view->count + 1, sizeof *seen);
    for (int i = 0; i < view->count; i++) {
        const struct kb_tile *tile = &view->tiles[i];
        const struct kb_board_seen *last = find_seen(board, tile->n);
        seen[i].n = tile->n;
        if (!kb_tile_needs_you(tile)) continue;
        kb_text_copy(seen[i].ask, sizeof seen[i].ask, tile->ask);
        seen[i].asked_ms = tile->asked_ms;
        if (!last || strcmp(last->ask, tile->ask) || last->asked_ms != tile->asked_ms) kb_buf_puts(out, "\a");
    }
    free(board->seen);
    board->seen = seen;
    board->seen_count = view->count;
}

void kb_board_draw(struct kb_board *board, const struct kb_tray_view *view, int64_t now_ms, int columns, int rows,
                   struct kb_buf *out) {
    struct kb_cells swap = board->before;
    board->before = board->now;
    board->now = swap;
    kb_cells_reset(&board->now, columns, rows);
    if (!kb_board_selected(board, view, NULL)) {
        board->selected = view->count ? view->tiles[0].n : -1;
        board->prompt = KB_PROMPT_NONE; /* it was about a tile that is gone */
        if (board->panel == KB_PANEL_DETAILS) board->panel = KB_PANEL_TILES;
    }
    draw_all(board, view, now_ms);
    kb_cells_change(board->drawn ? &board->before : NULL, &board->now, board->colour, out);
    board->drawn = true;
    ring(board, view, out);
}

void kb_board_text(const struct kb_board *board, struct kb_buf *out) { kb_cells_text(&board->now, out); }
