/* The tiles: as roomy as the whole tray allows, in the order of the slots; scrolled when even the smallest do not fit.
 */
#include "board_private.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

/* One line of a tile: a left text that gives way, and a right one that does not. */
struct line {
    char left[480], right[96];
    int columns; /* of the whole line */
    bool names;  /* left says whose tile it is: cut in its middle */
};
typedef void fill_line(const struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct line *line);

static void add_percent(const struct kb_tile *tile, char *out, size_t room) {
    *out = '\0';
    if (tile->done_pct >= 0 && tile->done_pct <= 100 && !kb_state_ended(tile->state) && !kb_tile_wants(tile))
        snprintf(out, room, "%d%%", (int)tile->done_pct);
}

static void add_head(const struct kb_board *board, const struct kb_tile *tile, struct line *line) {
    char title[256];
    struct kb_look look = kb_tile_look(tile);
    kb_tile_title(tile, title, sizeof title);
    snprintf(line->left, sizeof line->left, "%s %s", board->ascii ? look.ascii : look.mark, title);
    line->names = true;
}

static void fill_title(const struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct line *line) {
    char left[KB_HUMAN_ROOM];
    add_head(board, tile, line);
    kb_tile_countdown(tile, now_ms, left);
    snprintf(line->right, sizeof line->right, "%s%s%s", kb_tile_look(tile).word, *left ? " " : "", left);
}

/* The number of the smallest tile, a time that is left or percents: beside the name, else below it. True: beside. */
static bool add_number(const struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct line *line) {
    struct line head = {"", "", 0, false};
    add_head(board, tile, &head);
    kb_tile_countdown(tile, now_ms, line->right);
    if (!*line->right) add_percent(tile, line->right, sizeof line->right);
    return kb_text_width(head.left) + 1 + kb_text_width(line->right) <= line->columns;
}

static void fill_name(const struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct line *line) {
    add_head(board, tile, line);
    if (!add_number(board, tile, now_ms, line)) *line->right = '\0';
}

static void fill_row(const struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct line *line) {
    fill_title(board, tile, now_ms, line);
    if (kb_tile_wants(tile)) return;
    add_percent(tile, line->right, sizeof line->right);
    if (!*line->right) kb_text_copy(line->right, sizeof line->right, kb_tile_look(tile).word);
}

static void fill_word(const struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct line *line) {
    kb_text_copy(line->left, sizeof line->left, kb_tile_look(tile).word);
    if (add_number(board, tile, now_ms, line)) *line->right = '\0';
}

static void fill_who(const struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct line *line) {
    (void)board, (void)now_ms;
    kb_tile_who(tile, line->left, sizeof line->left);
}

static void fill_bar(const struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct line *line) {
    char bar[17];
    (void)board, (void)now_ms;
    add_percent(tile, line->right, sizeof line->right);
    if (!*line->right) return;
    int full = (int)(tile->done_pct / 100 * (sizeof bar - 1) + 0.5);
    memset(bar, '-', sizeof bar - 1);
    memset(bar, '#', (size_t)full);
    bar[sizeof bar - 1] = '\0';
    snprintf(line->left, sizeof line->left, "[%s]", bar);
}

static void fill_speed(const struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct line *line) {
    char text[KB_HUMAN_ROOM];
    (void)board, (void)now_ms;
    if (kb_state_ended(tile->state)) return;
    if (tile->rate >= 0) {
        kb_human_bytes(text, (int64_t)tile->rate);
        snprintf(line->left, sizeof line->left, "%s/s", text);
    }
    if (tile->left_s < 0) return;
    kb_human_span(text, tile->left_s);
    snprintf(line->right, sizeof line->right, _("%s left"), text);
}

static void fill_text(const struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct line *line) {
    (void)board, (void)now_ms;
    kb_text_copy(line->left, sizeof line->left, tile->text);
}

/* How far and how fast, on one line. */
static void fill_pace(const struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct line *line) {
    char percent[16], speed[KB_HUMAN_ROOM];
    add_percent(tile, percent, sizeof percent);
    if (!*percent) return;
    fill_speed(board, tile, now_ms, line);
    kb_text_copy(speed, sizeof speed, line->left);
    snprintf(line->left, sizeof line->left, "%s %s", percent, speed);
    *line->right = '\0';
    if (tile->left_s >= 0) kb_human_span(line->right, tile->left_s);
}

/* What matters now: its pace while it moves, else the sentence. */
static void fill_news(const struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct line *line) {
    fill_pace(board, tile, now_ms, line);
    if (!*line->left) fill_text(board, tile, now_ms, line);
}

#define MOST_LINES 5
static const struct shape {
    int rows, gap, least; /* lines, blank lines below, columns without the one before it */
    fill_line *lines[MOST_LINES];
} shapes[] = {
    {5, 1, 24, {fill_title, fill_who, fill_bar, fill_speed, fill_text}},
    {4, 1, 22, {fill_title, fill_who, fill_pace, fill_text}},
    {3, 1, 18, {fill_title, fill_who, fill_news}},
    {3, 0, 18, {fill_title, fill_who, fill_news}},
    {2, 0, 9, {fill_name, fill_word}},
    {1, 0, 14, {fill_row}},
};

static int rows_of(int count, int across) { return (count + across - 1) / across; }

/* The roomiest shape with which all tiles fit, else the smallest; as few tiles across as still fit, so that each is
 * wide. */
static const struct shape *choose_shape(int count, struct kb_area area, int *across) {
    const struct shape *shape = NULL;
    for (size_t i = 0; i < KB_ARRAY_SIZE(shapes); i++) {
        shape = &shapes[i];
        *across = area.columns / (shape->least + 1);
        if (*across < 1) *across = 1;
        if (area.columns >= shape->least + 1 &&
            rows_of(count, *across) * (shape->rows + shape->gap) - shape->gap <= area.rows)
            break;
    }
    while (*across > 1 && rows_of(count, *across - 1) * (shape->rows + shape->gap) - shape->gap <= area.rows &&
           area.columns / *across < 40)
        --*across;
    return shape;
}

static void draw_line(struct kb_cells *cells, int row, int column, int width, unsigned style, const struct line *line) {
    int right = kb_text_width(line->right);
    if (right > width) right = width;
    int left = right ? width - right - 1 : width;
    kb_cells_put(cells, row, column, width, style, "", true);
    if (left > 0 && line->names) {
        struct kb_buf name = {0};
        kb_text_middle(&name, line->left, left);
        kb_cells_put(cells, row, column, left, style, name.data, true);
        kb_buf_release(&name);
    } else if (left > 0) {
        kb_cells_put(cells, row, column, left, style, line->left, true);
    }
    kb_cells_put(cells, row, column + width - right, right, style, line->right, false);
}

static void draw_tile(struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, const struct shape *shape,
                      struct kb_area area) {
    unsigned style = kb_tile_look(tile).style;
    bool picked = tile->n == board->selected;
    for (int i = 0; i < shape->rows && i < area.rows; i++) {
        struct line line = {"", "", area.columns - 1, false};
        shape->lines[i](board, tile, now_ms, &line);
        unsigned here = i < 2 || style == KB_STYLE_DIM ? style : KB_STYLE_NONE;
        draw_line(&board->now, area.row + i, area.column + 1, area.columns - 1, picked ? here | KB_STYLE_PICKED : here,
                  &line);
        if (!picked) continue;
        kb_cells_put(&board->now, area.row + i, area.column, 1, KB_STYLE_STRONG, "[", false);
        kb_cells_put(&board->now, area.row + i, area.column + area.columns, 1, KB_STYLE_STRONG, "]", false);
    }
}

void kb_board_draw_tiles(struct kb_board *board, const struct kb_tray_view *view, int64_t now_ms, struct kb_area area) {
    int index = 0;
    if (area.rows < 1 || area.columns < 2 || !view->count) return;
    const struct shape *shape = choose_shape(view->count, area, &board->across);
    int high = shape->rows + shape->gap, shown = (area.rows + shape->gap) / high;
    int rows = rows_of(view->count, board->across), wide = area.columns / board->across;
    if (shown < 1) shown = 1;
    if (kb_board_selected(board, view, &index)) {
        int at = index / board->across;
        if (at < board->top) board->top = at;
        if (at >= board->top + shown) board->top = at - shown + 1;
    }
    if (board->top > rows - shown) board->top = rows > shown ? rows - shown : 0;
    for (int i = board->top * board->across; i < view->count && i < (board->top + shown) * board->across; i++) {
        int row = i / board->across - board->top;
        struct kb_area place = {area.row + row * high, area.column + i % board->across * wide, area.rows - row * high,
                                wide};
        draw_tile(board, &view->tiles[i], now_ms, shape, place);
    }
}
