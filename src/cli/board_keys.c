/* Typed bytes to keys, keys to what the board or its caller does. */
#include "board_private.h"

#include <stdlib.h>
#include <string.h>

enum key { KEY_TEXT, KEY_UP, KEY_DOWN, KEY_LEFT, KEY_RIGHT, KEY_OTHER };
struct typed {
    enum key key;
    const char *text; /* the character of KEY_TEXT */
    size_t size;      /* bytes it took; 0: it is not whole yet */
};
#define CTRL(letter) ((letter)&0x1f)
#define ESCAPE       0x1b
#define MOST_INPUT   4096
#define MOST_KEY     32

static enum key arrow_of(char last) {
    static const enum key arrows[] = {KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT};
    return last >= 'A' && last <= 'D' ? arrows[last - 'A'] : KEY_OTHER;
}

/* An Esc alone is the key; one with more behind it begins a sequence. */
static struct typed next_key(const char *p, size_t size) {
    static const unsigned char heads[] = {0xc0, 0xe0, 0xf0};
    unsigned char first = (unsigned char)*p;
    if (first == ESCAPE && size > 1 && (p[1] == '[' || p[1] == 'O')) {
        for (size_t i = 2; i < size && i < MOST_KEY; i++)
            if (p[i] >= 0x40 && p[i] <= 0x7e) return (struct typed){arrow_of(p[i]), p, i + 1};
        return (struct typed){KEY_OTHER, p, size >= MOST_KEY ? MOST_KEY : 0};
    }
    size_t whole = 1;
    for (size_t i = 0; i < KB_ARRAY_SIZE(heads); i++)
        if (first >= heads[i]) whole = i + 2;
    if (size < whole) return (struct typed){KEY_TEXT, p, 0};
    if (!kb_utf8_valid(p, whole)) return (struct typed){KEY_OTHER, p, 1};
    return (struct typed){KEY_TEXT, p, whole};
}

static bool is_key(const struct typed *typed, char c) {
    return typed->key == KEY_TEXT && typed->size == 1 && *typed->text == c;
}
static bool is_enter(const struct typed *typed) { return is_key(typed, '\r') || is_key(typed, '\n'); }

static bool is_one_of(const struct typed *typed, const char *set) {
    return typed->key == KEY_TEXT && typed->size == 1 && *typed->text && strchr(set, *typed->text);
}

static struct kb_board_event event_for(enum kb_board_action action, int n) {
    struct kb_board_event event = {.action = action, .n = n};
    return event;
}
static struct kb_board_event nothing(void) { return event_for(KB_BOARD_NONE, -1); }

/* ---- Which tile */

static void select_index(struct kb_board *board, const struct kb_tray_view *view, int index) {
    if (index < 0 || index >= view->count) return;
    board->selected = view->tiles[index].n;
    board->scroll = 0;
}

static void select_next_wanting(struct kb_board *board, const struct kb_tray_view *view) {
    int count, at = -1;
    const struct kb_tile **queue = kb_board_queue(view, &count);
    for (int i = 0; i < count; i++)
        if (queue[i]->n == board->selected) at = i;
    if (count) {
        board->selected = queue[(at + 1) % count]->n;
        board->scroll = 0;
    } else {
        kb_board_say(board, _("Nothing needs you now"));
    }
    free(queue);
}

static void scroll(struct kb_board *board, int by) {
    board->scroll += by;
    if (board->scroll < 0) board->scroll = 0;
}

static bool move(struct kb_board *board, const struct kb_tray_view *view, const struct typed *typed) {
    int index = 0;
    bool up = typed->key == KEY_UP || is_key(typed, 'k'), down = typed->key == KEY_DOWN || is_key(typed, 'j');
    bool left = typed->key == KEY_LEFT || is_key(typed, 'h'), right = typed->key == KEY_RIGHT || is_key(typed, 'l');
    bool tab = is_key(typed, '\t');
    if (!up && !down && !left && !right && !tab) return false;
    if (board->panel != KB_PANEL_TILES && (up || down)) {
        scroll(board, up ? -1 : 1);
        return true;
    }
    kb_board_selected(board, view, &index);
    if (tab)
        select_index(board, view, view->count ? (index + 1) % view->count : -1);
    else
        select_index(board, view, index + (left ? -1 : right ? 1 : up ? -board->across : board->across));
    return true;
}

/* ---- What a letter does to the selected tile */

/* The open step that the last drawing showed for it; "" when it has none, or another one since. */
static const char *open_step(const struct kb_board *board, const struct kb_tile *tile) {
    if (tile->state != KB_STATE_STEPS || kb_step_from_name(tile->ask) == KB_STEP_NONE) return "";
    for (int i = 0; i < board->seen_count; i++)
        if (board->seen[i].n == tile->n && !strcmp(board->seen[i].ask, tile->ask)) return tile->ask;
    return "";
}

static struct kb_board_event confirmed(const struct kb_board *board, const struct kb_tile *tile, const char *step) {
    struct kb_board_event event = event_for(KB_BOARD_CONFIRM, tile->n);
    kb_text_copy(event.step, sizeof event.step, step);
    kb_text_copy(event.name, sizeof event.name, board->name);
    return event;
}

static struct kb_board_event press_confirm(struct kb_board *board, const struct kb_tile *tile) {
    const char *step = open_step(board, tile);
    if (!*step) {
        kb_board_say(board, _("This device has no open step to confirm"));
        return nothing();
    }
    if (*board->name) return confirmed(board, tile, step);
    kb_text_copy(board->step, sizeof board->step, step);
    *board->typed = '\0';
    board->prompt = KB_PROMPT_NAME;
    return nothing();
}

static struct kb_board_event press_retry(struct kb_board *board, const struct kb_tile *tile) {
    if (tile->line &&
        (tile->state == KB_STATE_FAILED || tile->state == KB_STATE_REFUSED || tile->state == KB_STATE_SET_ASIDE))
        return event_for(KB_BOARD_RETRY, tile->n);
    kb_board_say(board, _("Only what failed, was refused or is set aside is tried again"));
    return nothing();
}

static struct kb_board_event press_set_aside(struct kb_board *board, const struct kb_tile *tile) {
    if (tile->line && tile->state != KB_STATE_DONE && tile->state != KB_STATE_SET_ASIDE)
        board->prompt = KB_PROMPT_SET_ASIDE;
    else
        kb_board_say(board, _("There is nothing to set aside here"));
    return nothing();
}

static const struct {
    char key;
    struct kb_board_event (*press)(struct kb_board *board, const struct kb_tile *tile);
} on_tile[] = {{'c', press_confirm}, {'r', press_retry}, {'a', press_set_aside}};

/* ---- Prompts */

static void take_back(char *text) {
    size_t size = strlen(text);
    while (size && ((unsigned char)text[--size] & 0xc0) == 0x80) continue;
    text[size] = '\0';
}

static void trim(char *text) {
    size_t from = strspn(text, " "), size = strlen(text);
    while (size > from && text[size - 1] == ' ') size--;
    memmove(text, text + from, size - from);
    text[size - from] = '\0';
}

static struct kb_board_event name_given(struct kb_board *board, const struct kb_tile *tile) {
    trim(board->typed);
    if (!*board->typed) return nothing(); /* asked until there is one, or Esc */
    board->prompt = KB_PROMPT_NONE;
    kb_text_copy(board->name, sizeof board->name, board->typed);
    if (tile && !strcmp(open_step(board, tile), board->step)) return confirmed(board, tile, board->step);
    kb_board_say(board, _("Its open step has changed meanwhile: look again"));
    return nothing();
}

static struct kb_board_event key_of_name(struct kb_board *board, const struct kb_tile *tile,
                                         const struct typed *typed) {
    size_t used = strlen(board->typed);
    if (is_enter(typed)) return name_given(board, tile);
    if (is_key(typed, ESCAPE) || is_key(typed, CTRL('c')))
        board->prompt = KB_PROMPT_NONE;
    else if (is_key(typed, 0x7f) || is_key(typed, '\b'))
        take_back(board->typed);
    else if (is_key(typed, CTRL('u')))
        *board->typed = '\0';
    else if (typed->key == KEY_TEXT && (unsigned char)*typed->text >= ' ' && used + typed->size < sizeof board->typed) {
        char one[8] = "", clean[16];
        memcpy(one, typed->text, typed->size);
        kb_text_clean(clean, sizeof clean, one);
        if (!strcmp(one, clean)) strcpy(board->typed + used, one);
    }
    return nothing();
}

static struct kb_board_event key_of_prompt(struct kb_board *board, const struct kb_tile *tile,
                                           const struct typed *typed) {
    enum kb_board_prompt prompt = board->prompt;
    if (prompt == KB_PROMPT_NAME) return key_of_name(board, tile, typed);
    if (is_one_of(typed, "nN") || is_key(typed, ESCAPE)) board->prompt = KB_PROMPT_NONE;
    bool yes = is_one_of(typed, "yY") || (prompt == KB_PROMPT_QUIT && is_key(typed, CTRL('c')));
    if (!yes) return nothing();
    board->prompt = KB_PROMPT_NONE;
    if (prompt == KB_PROMPT_QUIT) return event_for(KB_BOARD_QUIT, -1);
    return tile ? event_for(KB_BOARD_SET_ASIDE, tile->n) : nothing();
}

/* ---- Everything else */

static void open_panel(struct kb_board *board, enum kb_board_panel panel) {
    board->panel = board->panel == panel ? KB_PANEL_TILES : panel;
    board->scroll = 0;
    board->more_n = -1;
}

static struct kb_board_event press(struct kb_board *board, const struct kb_tray_view *view, const struct typed *typed) {
    const struct kb_tile *tile = kb_board_selected(board, view, NULL);
    *board->said = '\0';
    if (is_key(typed, CTRL('l'))) {
        board->drawn = false;
        return event_for(KB_BOARD_REDRAW, -1);
    }
    if (board->prompt) return key_of_prompt(board, tile, typed);
    if (move(board, view, typed)) return nothing();
    for (size_t i = 0; i < KB_ARRAY_SIZE(on_tile); i++)
        if (tile && board->panel != KB_PANEL_HELP && is_key(typed, on_tile[i].key))
            return on_tile[i].press(board, tile);
    if (is_key(typed, 'n'))
        select_next_wanting(board, view);
    else if (is_enter(typed))
        open_panel(board, KB_PANEL_DETAILS);
    else if (is_key(typed, '?'))
        open_panel(board, KB_PANEL_HELP);
    else if (is_key(typed, ESCAPE))
        board->panel = KB_PANEL_TILES;
    else if (is_one_of(typed, "q\3"))
        board->prompt = KB_PROMPT_QUIT;
    return nothing();
}

struct kb_board_event kb_board_key(struct kb_board *board, const struct kb_tray_view *view, const char *bytes,
                                   size_t size) {
    struct kb_board_event event = nothing();
    struct kb_buf *input = &board->input;
    if (size && input->size + size <= MOST_INPUT) kb_buf_add(input, bytes, size);
    while (input->size && event.action == KB_BOARD_NONE) {
        struct typed typed = next_key(input->data, input->size);
        if (!typed.size) break;
        event = press(board, view, &typed);
        memmove(input->data, input->data + typed.size, input->size - typed.size);
        input->size -= typed.size;
    }
    return event;
}
