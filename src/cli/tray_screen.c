/*
 * The picture of the tray on a terminal: writes what the board draws, does what its keys mean. What is said meanwhile
 * is kept and written when the terminal is given back.
 */
#include "tray_screen.h"
#include "board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MAX 200 /* sentences kept; the oldest go */

struct kb_screen {
    const struct kb_cli *cli;
    struct kb_board *board;
    struct kb_tray *tray; /* while a key or a drawing is worked on */
    struct kb_tray_view view;
    struct kb_tile *tiles; /* of the last view: keys act on what was seen */
    char *log[LOG_MAX];
    int logged;
};

static void put(const char *text, size_t size) { kb_fd_put(2, text, size); }

struct step_lines {
    struct kb_buf *out;
};

static bool add_step(void *arg, const struct kb_job_step *step) {
    struct step_lines *lines = arg;
    char time[KB_HUMAN_ROOM] = "";
    const char *mark = step->state == KB_STEP_OPEN ? "[ ]" : step->state == KB_STEP_DONE ? "[x]" : "[-]";
    if (step->closed_at >= 0) kb_human_time(time, step->closed_at);
    kb_buf_printf(lines->out, "%s %s: %s", mark, kb_step_name(step->step), kb_step_text(kb_lang(), step->step));
    if (*step->by || *time) kb_buf_printf(lines->out, " (%s%s%s)", step->by, *step->by && *time ? ", " : "", time);
    kb_buf_puts(lines->out, "\n");
    return true;
}

static void on_steps(void *arg, int n, struct kb_buf *out) {
    struct kb_screen *screen = arg;
    struct step_lines lines = {out};
    if (screen->tray) kb_tray_steps(screen->tray, n, add_step, &lines);
}

struct kb_screen *kb_screen_open(const struct kb_cli *cli, const char *by) {
    struct kb_screen *screen = kb_xcalloc(1, sizeof *screen);
    screen->cli = cli;
    screen->board = kb_board_new(cli->err_colour);
    kb_board_set_operator(screen->board, by);
    kb_board_set_steps(screen->board, on_steps, screen);
    put(kb_board_begin(), strlen(kb_board_begin()));
    return screen;
}

void kb_screen_close(struct kb_screen *screen) {
    if (!screen) return;
    put(kb_board_end(), strlen(kb_board_end()));
    for (int i = 0; i < screen->logged; i++) {
        kb_say(screen->cli, "%s", screen->log[i]);
        free(screen->log[i]);
    }
    kb_board_free(screen->board);
    free(screen->tiles);
    free(screen);
}

static void keep_view(struct kb_screen *screen, const struct kb_tray_view *view) {
    free(screen->tiles);
    screen->tiles = kb_xcalloc((size_t)view->count + 1, sizeof *screen->tiles);
    memcpy(screen->tiles, view->tiles, (size_t)view->count * sizeof *screen->tiles);
    screen->view = *view;
    screen->view.tiles = screen->tiles;
}

static void draw(struct kb_screen *screen) {
    struct kb_buf out = {0};
    int columns = 80, rows = 24;
    kb_tty_size(2, &columns, &rows);
    kb_board_draw(screen->board, &screen->view, kb_clock_ms(), columns, rows, &out);
    if (out.size) put(out.data, out.size);
    kb_buf_release(&out);
}

void kb_screen_show(struct kb_screen *screen, struct kb_tray *tray, const struct kb_tray_view *view) {
    screen->tray = tray;
    keep_view(screen, view);
    draw(screen);
    screen->tray = NULL;
}

static struct kb_result act(const struct kb_board_event *event, struct kb_tray *tray) {
    switch (event->action) {
    case KB_BOARD_CONFIRM:
        return kb_tray_confirm(tray, event->n, kb_step_from_name(event->step), event->name);
    case KB_BOARD_RETRY:
        return kb_tray_retry(tray, event->n);
    case KB_BOARD_SET_ASIDE:
        return kb_tray_set_aside(tray, event->n, event->name);
    case KB_BOARD_QUIT:
        kb_tray_stop(tray);
        return kb_ok();
    default:
        return kb_ok();
    }
}

void kb_screen_key(struct kb_screen *screen, struct kb_tray *tray, const char *bytes, size_t size) {
    screen->tray = tray;
    if (size == 1 && bytes[0] == 3) { /* Ctrl-C: a raw terminal sends no signal */
        kb_tray_stop(tray);
        screen->tray = NULL;
        return;
    }
    for (;;) {
        struct kb_board_event event = kb_board_key(screen->board, &screen->view, bytes, size);
        if (event.action == KB_BOARD_NONE) break;
        struct kb_result res = act(&event, tray);
        if (kb_failed(&res)) kb_board_say(screen->board, res.text);
        size = 0;
    }
    draw(screen);
    screen->tray = NULL;
}

void kb_screen_log(struct kb_screen *screen, const struct kb_tile *tile, const char *sentence) {
    const char *who = !tile ? "" : *tile->user ? tile->user : *tile->name ? tile->name : tile->target;
    if (screen->logged == LOG_MAX) {
        free(screen->log[0]);
        memmove(screen->log, screen->log + 1, (LOG_MAX - 1) * sizeof screen->log[0]);
        screen->logged--;
    }
    screen->log[screen->logged++] = kb_xasprintf("%s%s%s", who, *who ? ": " : "", sentence);
    kb_board_say(screen->board, sentence);
}
