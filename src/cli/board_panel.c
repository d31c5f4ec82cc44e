/* One device's details, and the help: they stand in the place of the tiles. */
#include "board_private.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

#define STEPS_EVERY_MS 2000

static void add_field(struct kb_buf *out, const char *label, const char *value) {
    if (!*value) return;
    kb_text_fit(out, label, 12, true);
    kb_buf_printf(out, "  %s\n", value);
}

/* Read anew now and then only: it costs the journal. */
static const char *steps_of(struct kb_board *board, int n, int64_t now_ms) {
    if (!board->steps) return "";
    if (board->more_n != n || now_ms - board->more_ms >= STEPS_EVERY_MS || now_ms < board->more_ms) {
        board->more.size = 0;
        kb_buf_add(&board->more, "", 0);
        board->steps(board->steps_arg, n, &board->more);
        board->more_n = n;
        board->more_ms = now_ms;
    }
    return board->more.data;
}

static void compose(struct kb_board *board, const struct kb_tile *tile, int64_t now_ms, struct kb_buf *out) {
    char text[KB_HUMAN_ROOM], progress[160];
    struct kb_look look = kb_tile_look(tile);
    kb_buf_printf(out, "%s %s  %s\n\n", board->ascii ? look.ascii : look.mark,
                  kb_state_words(kb_state_name(tile->state)), kb_tile_wants(tile) ? look.word : "");
    if (*tile->text) kb_buf_printf(out, "%s\n\n", tile->text);
    kb_tile_countdown(tile, now_ms, text);
    add_field(out, _("Time left"), text);
    add_field(out, _("Slot"), tile->slot);
    add_field(out, _("User"), tile->user);
    add_field(out, _("Asset tag"), tile->asset_tag);
    add_field(out, _("Device"), tile->name);
    add_field(out, "UDID", tile->udid);
    if (strcmp(tile->target, tile->udid)) add_field(out, _("Sheet says"), tile->target);
    if (tile->line) {
        snprintf(text, sizeof text, "%d", tile->line);
        add_field(out, _("Line"), text);
    }
    if (*tile->phase && tile->done_pct >= 0 && !kb_state_ended(tile->state)) {
        snprintf(progress, sizeof progress, "%.1f %%", tile->done_pct);
        add_field(out, _("Progress"), progress);
    }
    kb_buf_puts(out, "\n");
    kb_buf_puts(out, steps_of(board, tile->n, now_ms));
}

/* Draws wrapped text from line first on; returns the first that lets the end be seen. */
static int draw_text(struct kb_board *board, const char *text, int first, struct kb_area area) {
    struct kb_buf lines = {0};
    int count = 1;
    kb_text_wrap(&lines, text, area.columns - 2, 0, 0);
    for (const char *p = lines.data; *p; p++) count += *p == '\n' && p[1];
    int last = count > area.rows ? count - area.rows : 0, row = 0;
    if (first > last) first = last;
    for (char *line = lines.data, *next; line; line = next, row++) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        if (row >= first && row - first < area.rows)
            kb_cells_put(&board->now, area.row + row - first, area.column + 1, area.columns - 1, KB_STYLE_NONE, line,
                         false);
    }
    kb_buf_release(&lines);
    return last;
}

void kb_board_draw_details(struct kb_board *board, const struct kb_tray_view *view, int64_t now_ms,
                           struct kb_area area) {
    const struct kb_tile *tile = kb_board_selected(board, view, NULL);
    char title[256], who[400], head[700];
    struct kb_buf text = {0};
    if (!tile || area.rows < 2) return;
    kb_tile_title(tile, title, sizeof title);
    kb_tile_who(tile, who, sizeof who);
    snprintf(head, sizeof head, " %s  %s", title, who);
    kb_cells_put(&board->now, area.row, area.column, area.columns, kb_tile_look(tile).style | KB_STYLE_PICKED, head,
                 true);
    compose(board, tile, now_ms, &text);
    struct kb_area rest = {area.row + 1, area.column, area.rows - 1, area.columns};
    int last = draw_text(board, text.data, board->scroll, rest);
    if (board->scroll > last) board->scroll = last;
    kb_buf_release(&text);
}

static const struct {
    const char *key, *text;
} keys[] = {
    {"← ↓ ↑ →, h j k l, Tab", N_("choose a tile")},
    {"n", N_("the next one that needs you")},
    {"Enter", N_("its details and steps; Esc closes them")},
    {"c", N_("its open step is done: confirm it with your name")},
    {"r", N_("try again what failed, was refused or is set aside")},
    {"a", N_("set it aside: a person looks at it later")},
    {"q", N_("stop; kitbench tray with the same sheet goes on")},
    {"Ctrl-L", N_("draw everything again")},
};

void kb_board_draw_help(struct kb_board *board, struct kb_area area) {
    struct kb_buf text = {0};
    for (size_t i = 0; i < KB_ARRAY_SIZE(keys); i++) {
        kb_text_fit(&text, board->ascii && !i ? "arrows, h j k l, Tab" : keys[i].key, 22, true);
        kb_buf_printf(&text, " %s\n", _(keys[i].text));
    }
    kb_buf_puts(&text, "\n");
    for (int i = 0; i < KB_STATE_COUNT; i++) {
        struct kb_tile tile = {.line = 1, .state = (enum kb_state)i, .done_pct = -1, .until_ms = -1};
        struct kb_look look = kb_tile_look(&tile);
        kb_buf_printf(&text, "%s ", board->ascii ? look.ascii : look.mark);
        kb_text_fit(&text, look.word, 11, i % 4 != 3);
        if (i % 4 == 3) kb_buf_puts(&text, "\n");
    }
    int last = draw_text(board, text.data, board->scroll, area);
    if (board->scroll > last) board->scroll = last;
    kb_buf_release(&text);
}
