/* "Needs you": by urgency, with the time that is left. */
#include "board_private.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What runs out first; then what keeps a device from beginning; then steps; last what has ended, and only waits for a
 * person to look. */
static int urgency(const struct kb_tile *tile) {
    if (!kb_tile_wants(tile)) return 3;
    if (tile->until_ms >= 0) return 0;
    return tile->state == KB_STATE_STEPS ? 2 : 1;
}

static int by_number(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int compare(const void *left, const void *right) {
    const struct kb_tile *a = *(const struct kb_tile *const *)left, *b = *(const struct kb_tile *const *)right;
    int order = by_number(urgency(a), urgency(b));
    if (!order && urgency(a) == 0) order = by_number(a->until_ms, b->until_ms);
    if (!order) order = by_number(a->asked_ms, b->asked_ms);
    return order ? order : by_number(a->n, b->n);
}

const struct kb_tile **kb_board_queue(const struct kb_tray_view *view, int *count) {
    const struct kb_tile **queue = NULL;
    *count = 0;
    if (view->count > 0) queue = kb_xcalloc((size_t)view->count, sizeof(const struct kb_tile *));
    for (int i = 0; i < view->count; i++)
        if (kb_tile_needs_you(&view->tiles[i])) queue[(*count)++] = &view->tiles[i];
    if (*count) qsort(queue, (size_t)*count, sizeof(const struct kb_tile *), compare);
    return queue;
}

/* "1:42  A1  Hanako" and what is left of the line for the sentence. */
static void entry_head(const struct kb_tile *tile, int64_t now_ms, int who_columns, char *out, size_t room) {
    char left[KB_HUMAN_ROOM], title[256], who[400], wait[KB_HUMAN_ROOM];
    struct kb_buf head = {0};
    kb_tile_countdown(tile, now_ms, left);
    kb_human_span(wait, (now_ms - tile->asked_ms) / 1000);
    kb_tile_title(tile, title, sizeof title);
    kb_tile_who(tile, who, sizeof who);
    kb_buf_printf(&head, "%s%6s  ", *left ? "!" : " ", *left ? left : wait);
    kb_text_fit(&head, title, 8, true);
    kb_buf_puts(&head, " ");
    if (who_columns > 0 && strcmp(title, who)) kb_text_fit(&head, who, who_columns, true);
    kb_text_copy(out, room, head.data);
    kb_buf_release(&head);
}

static unsigned entry_style(const struct kb_board *board, const struct kb_tile *tile) {
    unsigned style = kb_tile_look(tile).style;
    if (kb_tile_wants(tile) && tile->until_ms >= 0) style = KB_STYLE_BAD;
    return tile->n == board->selected ? style | KB_STYLE_PICKED : style;
}

static int draw_wrapped(struct kb_board *board, struct kb_area area, int indent, int most, unsigned style,
                        const char *text) {
    struct kb_buf lines = {0};
    int row = 0;
    kb_text_wrap(&lines, text, area.columns - indent, 0, 0);
    for (char *line = lines.data, *next; line && row < most && row < area.rows; line = next, row++) {
        next = strchr(line, '\n');
        if (next && (row + 1 == most || row + 1 == area.rows))
            *next = ' '; /* the last line that fits takes the rest, and an ellipsis */
        else if (next)
            *next++ = '\0';
        kb_cells_put(&board->now, area.row + row, area.column + indent, area.columns - indent, style, line, false);
    }
    kb_buf_release(&lines);
    return row;
}

static int draw_entry(struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct kb_area area,
                      bool tall) {
    char head[256];
    struct kb_buf line = {0};
    const char *text = *tile->text ? tile->text : kb_tile_look(tile).word;
    entry_head(tile, now_ms, tall ? area.columns - 18 : area.columns >= 60 ? 14 : 0, head, sizeof head);
    if (tall) {
        kb_cells_put(&board->now, area.row, area.column, area.columns, entry_style(board, tile), head, true);
        struct kb_area below = {area.row + 1, area.column, area.rows - 1, area.columns};
        return 1 + draw_wrapped(board, below, 3, 2, KB_STYLE_NONE, text);
    }
    kb_buf_printf(&line, "%s %s: %s", head, kb_tile_look(tile).word, text);
    kb_cells_put(&board->now, area.row, area.column, area.columns, entry_style(board, tile), line.data, true);
    kb_buf_release(&line);
    return 1;
}

void kb_board_draw_queue(struct kb_board *board, const struct kb_tray_view *view, int64_t now_ms, struct kb_area area) {
    int count, row = 1, shown = 0;
    if (area.rows < 2) return;
    const struct kb_tile **queue = kb_board_queue(view, &count);
    bool tall = area.rows > 20;
    for (; shown < count && row + (tall ? 2 : 0) < area.rows; shown++) {
        struct kb_area rest = {area.row + row, area.column, area.rows - row, area.columns};
        row += draw_entry(board, queue[shown], now_ms, rest, tall);
    }
    char title[160];
    if (!count)
        kb_text_copy(title, sizeof title, _("Nothing needs you now"));
    else if (shown < count)
        snprintf(title, sizeof title, _("Needs you: %d (the first %d)"), count, shown);
    else
        snprintf(title, sizeof title, _("Needs you: %d"), count);
    kb_cells_put(&board->now, area.row, area.column, area.columns, count ? KB_STYLE_STRONG : KB_STYLE_DIM, title,
                 false);
    free(queue);
}
