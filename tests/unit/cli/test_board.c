/* The tray's terminal view as text: layout, the queue, the bell, keys, and that a changed screen equals a whole one. */
#include "board.h"
#include "table.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1000000
static struct kb_tile tiles[64];
static struct kb_tray_view view;
static struct kb_board *board;

/* 64 tiles of every state: 15 refused, failed or set aside; 2, 26 and 50 are in the state operator, 7, 19, 31, 43 and
 * 55 in steps. */
static void setup(void) {
    memset(tiles, 0, sizeof tiles);
    for (int i = 0; i < 64; i++) {
        struct kb_tile *t = &tiles[i];
        t->n = 100 + i;
        t->line = i + 2;
        t->state = (enum kb_state)(i % KB_STATE_COUNT);
        snprintf(t->slot, sizeof t->slot, "%c%d", 'A' + i / 8, i % 8 + 1);
        snprintf(t->name, sizeof t->name, "%s %d", i % 2 ? "花子のiPhone" : "Taro", i);
        snprintf(t->udid, sizeof t->udid, "00008030-%016d", i);
        t->until_ms = t->left_s = t->bytes = -1;
        t->done_pct = t->rate = -1;
        if (t->state == KB_STATE_RESTORING) t->done_pct = 40;
    }
    view = (struct kb_tray_view){tiles, 64, 64, 5, 20, 600, ""};
    kb_lang_set(KB_LANG_EN);
    board = kb_board_new(false);
    kb_board_set_ascii(board, false);
}
static void teardown(void) { kb_board_free(board); }

static void want(int i, enum kb_state state, const char *ask, int64_t asked_ms, int64_t until_ms) {
    tiles[i].state = state;
    strcpy(tiles[i].ask, ask);
    tiles[i].asked_ms = asked_ms;
    tiles[i].until_ms = until_ms;
    strcpy(tiles[i].text, "Do something with your hand");
}

static char *draw_now(int columns, int rows, int64_t now_ms, struct kb_buf *ansi) {
    struct kb_buf text = {0}, drop = {0};
    kb_board_draw(board, &view, now_ms, columns, rows, ansi ? ansi : &drop);
    kb_board_text(board, &text);
    kb_buf_release(&drop);
    return kb_buf_steal(&text);
}
static char *draw(int columns, int rows) { return draw_now(columns, rows, NOW, NULL); }

static struct kb_board_event type(const char *keys) { return kb_board_key(board, &view, keys, strlen(keys)); }

static void check_size(const char *text, int columns, int rows) {
    int seen = 0;
    char *copy = kb_xstrdup(text);
    for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n"), seen++)
        ck_assert_msg(kb_text_width(line) == columns, "%d columns, not %d: [%s]", kb_text_width(line), columns, line);
    ck_assert_int_eq(seen, rows);
    free(copy);
}

START_TEST(test_64_in_80x24) {
    char *text = draw(80, 24);
    check_size(text, 80, 24);
    for (int i = 0; i < 64; i++) ck_assert_msg(strstr(text, tiles[i].slot) != NULL, "%s is shown", tiles[i].slot);
    ck_assert(strstr(text, "Tray: 5 of 64 done, 15 not"));
    ck_assert(strstr(text, "10:00 left"));
    ck_assert(strstr(text, "▶ A6  40%"));
    ck_assert(strstr(text, "restoring") && strstr(text, "finished") && strstr(text, "set aside"));
    ck_assert(!strchr(text, '\033'));
    free(text);
}
END_TEST

/* Without slots people are named, and names that begin alike must still be told apart, beside any number. */
START_TEST(test_names_in_80x24) {
    for (int i = 0; i < 64; i++) {
        *tiles[i].slot = '\0';
        snprintf(tiles[i].user, sizeof tiles[i].user, "%s %02d", i < 32 ? "利用者" : "Employee", i);
    }
    want(40, KB_STATE_OPERATOR, "passcode", NOW, NOW + 150000);
    char *text = draw(80, 24), tail[16];
    check_size(text, 80, 24);
    for (int i = 0; i < 64; i++) {
        snprintf(tail, sizeof tail, "%s %02d", i < 32 ? "" : "e", i);
        ck_assert_msg(strstr(text, tail) != NULL, "%s is shown: %s", tail, text);
    }
    ck_assert_msg(strstr(text, " 40%") && strstr(text, "2:30"), "%s", text);
    free(text);
}
END_TEST

static const struct {
    int columns, rows;
} sizes[] = {{80, 24},  {160, 50}, {20, 5},  {1, 1},     {2, 2},   {3, 40},  {40, 3},
             {119, 30}, {120, 18}, {300, 9}, {500, 200}, {81, 25}, {10, 24}, {80, 4}};

START_TEST(test_every_size) {
    kb_lang_set(_i % 2 ? KB_LANG_JA : KB_LANG_EN);
    int columns = sizes[_i / 2].columns, rows = sizes[_i / 2].rows;
    static const char *const keys[] = {"", "\t", "\r", "n", "?", "\033", "q", "n", "c", "\033[A", "G", "\033OB"};
    want(3, KB_STATE_OPERATOR, "passcode", NOW - 1000, NOW + 60000);
    want(7, KB_STATE_STEPS, "agent-reauth", NOW - 5000, -1);
    for (size_t i = 0; i < KB_ARRAY_SIZE(keys); i++) {
        type(keys[i]);
        char *text = draw(columns, rows);
        check_size(text, columns, rows);
        free(text);
    }
    for (view.count = 0; view.count < 64; view.count += 9) {
        char *text = draw(columns, rows);
        check_size(text, columns, rows);
        free(text);
    }
}
END_TEST

START_TEST(test_scrolls_to_selected) {
    char *text = draw(20, 6);
    ck_assert(strstr(text, "A1") && !strstr(text, "H8"));
    free(text);
    for (int i = 0; i < 63; i++) type("\t");
    text = draw(20, 6);
    ck_assert(strstr(text, "H8") && !strstr(text, "A1"));
    free(text);
}
END_TEST

START_TEST(test_queue_order) {
    want(1, KB_STATE_STEPS, "wifi", NOW - 90000, -1);
    want(2, KB_STATE_OPERATOR, "trust", NOW - 1000, -1);
    want(9, KB_STATE_RESTORING, "passcode", NOW - 2000, NOW + 100000);
    want(10, KB_STATE_RESTORING, "passcode", NOW - 1000, NOW + 50000);
    want(11, KB_STATE_STEPS, "apple-id", NOW - 99000, -1);
    want(12, KB_STATE_DONE, "wifi", NOW, -1); /* ended: wants nothing */
    char *text = draw(80, 24), *at = strstr(text, "Needs you: 17 (the first 5)");
    static const char *const order[] = {"0:50  B3", "1:40  B2", "A3", "B4", "A2"};
    for (size_t i = 0; i < KB_ARRAY_SIZE(order); i++) {
        ck_assert_msg(at != NULL, "before %s", order[i]);
        at = strstr(at, order[i]);
    }
    ck_assert(at);
    free(text);
    static const int next[] = {110, 109, 102, 111, 101, 121}; /* what has ended comes last */
    for (size_t i = 0; i < KB_ARRAY_SIZE(next); i++) {
        type("n");
        free(draw(80, 24));
        int at_tile = -1;
        tiles[next[i] - 100].state = KB_STATE_FAILED; /* whose retry is asked for shows which is selected */
        struct kb_board_event event = type("r");
        at_tile = event.n;
        tiles[next[i] - 100].state = i == 0 || i == 1 ? KB_STATE_RESTORING
                                     : i == 2         ? KB_STATE_OPERATOR
                                                      : KB_STATE_STEPS;
        ck_assert_int_eq(event.action, KB_BOARD_RETRY);
        ck_assert_int_eq(at_tile, next[i]);
    }
}
END_TEST

static int bells(int64_t now_ms) {
    struct kb_buf out = {0};
    int count = 0;
    free(draw_now(80, 24, now_ms, &out));
    for (size_t i = 0; i < out.size; i++) count += out.data[i] == '\a';
    kb_buf_release(&out);
    return count;
}

START_TEST(test_bell_once) {
    ck_assert_int_eq(bells(NOW), 15); /* who has ended badly */
    ck_assert_int_eq(bells(NOW), 0);
    tiles[8].state = KB_STATE_FAILED;
    tiles[8].asked_ms = NOW;
    ck_assert_int_eq(bells(NOW), 1);
    ck_assert_int_eq(bells(NOW), 0);
    want(2, KB_STATE_OPERATOR, "trust", NOW, -1);
    want(9, KB_STATE_RESTORING, "passcode", NOW, NOW + 180000);
    ck_assert_int_eq(bells(NOW), 2);
    ck_assert_int_eq(bells(NOW + 1000), 0);
    want(9, KB_STATE_RESTORING, "", -1, -1);
    ck_assert_int_eq(bells(NOW + 2000), 0);
    want(9, KB_STATE_RESTORING, "passcode", NOW + 3000, NOW + 183000);
    ck_assert_int_eq(bells(NOW + 3000), 1);
}
END_TEST

START_TEST(test_name_is_asked_once) {
    want(0, KB_STATE_STEPS, "agent-reauth", NOW, -1);
    want(1, KB_STATE_STEPS, "wifi", NOW, -1);
    free(draw(80, 24));
    ck_assert_int_eq(type("c").action, KB_BOARD_NONE);
    char *text = draw(80, 24);
    ck_assert(strstr(text, "your name?"));
    free(text);
    ck_assert_int_eq(type("\r").action, KB_BOARD_NONE); /* a name it must be */
    type("花");
    type("\xe5\xad"); /* in two pieces */
    type("\x90q\x7f\033[A\001");
    type("x\x7f\x7f\xe5\xad\x90 ");
    struct kb_board_event event = type("\r");
    ck_assert_int_eq(event.action, KB_BOARD_CONFIRM);
    ck_assert_int_eq(event.n, 100);
    ck_assert_str_eq(event.step, "agent-reauth");
    ck_assert_str_eq(event.name, "花子");
    event = type("\tc");
    ck_assert_int_eq(event.action, KB_BOARD_CONFIRM);
    ck_assert_int_eq(event.n, 101);
    ck_assert_str_eq(event.name, "花子");
}
END_TEST

START_TEST(test_confirms_only_what_was_seen) {
    kb_board_set_operator(board, "Hanako");
    want(0, KB_STATE_STEPS, "wifi", NOW, -1);
    free(draw(80, 24));
    want(0, KB_STATE_STEPS, "agent-reauth", NOW, -1); /* since the last drawing */
    ck_assert_int_eq(type("c").action, KB_BOARD_NONE);
    free(draw(80, 24));
    ck_assert_int_eq(type("c").action, KB_BOARD_CONFIRM);
    want(0, KB_STATE_OPERATOR, "choose-restore", NOW, -1); /* the device itself shows that, nobody confirms it */
    free(draw(80, 24));
    ck_assert_int_eq(type("c").action, KB_BOARD_NONE);
}
END_TEST

static const struct {
    const char *why, *keys;
    enum kb_state state;
    enum kb_board_action action;
} keys[] = {
    {"quit asks", "q", KB_STATE_WAITING, KB_BOARD_NONE},
    {"yes", "qy", KB_STATE_WAITING, KB_BOARD_QUIT},
    {"no", "qn", KB_STATE_WAITING, KB_BOARD_NONE},
    {"any other key is no answer", "qx", KB_STATE_WAITING, KB_BOARD_NONE},
    {"Ctrl-C twice", "\003\003", KB_STATE_WAITING, KB_BOARD_QUIT},
    {"set aside asks", "a", KB_STATE_FAILED, KB_BOARD_NONE},
    {"set aside", "ay", KB_STATE_FAILED, KB_BOARD_SET_ASIDE},
    {"Esc takes it back", "a\033", KB_STATE_FAILED, KB_BOARD_NONE},
    {"a done one stays", "ay", KB_STATE_DONE, KB_BOARD_NONE},
    {"retry", "r", KB_STATE_FAILED, KB_BOARD_RETRY},
    {"retry of one set aside", "r", KB_STATE_SET_ASIDE, KB_BOARD_RETRY},
    {"one that runs is not tried again", "r", KB_STATE_RESTORING, KB_BOARD_NONE},
    {"in the details too", "\rr", KB_STATE_FAILED, KB_BOARD_RETRY},
    {"not from the help", "?r", KB_STATE_FAILED, KB_BOARD_NONE},
    {"redraw", "\014", KB_STATE_WAITING, KB_BOARD_REDRAW},
    {"unknown sequences are no letters", "\033[15~\033[1;5q", KB_STATE_FAILED, KB_BOARD_NONE},
    {"bytes that are no text", "\xff\xc0\x80", KB_STATE_FAILED, KB_BOARD_NONE},
};

START_TEST(test_keys) {
    tiles[0].state = keys[_i].state;
    free(draw(80, 24));
    struct kb_board_event event = type(keys[_i].keys);
    ck_assert_msg(event.action == keys[_i].action, "%s: %d", keys[_i].why, (int)event.action);
    if (event.action == KB_BOARD_RETRY || event.action == KB_BOARD_SET_ASIDE) ck_assert_int_eq(event.n, 100);
    free(draw(80, 24));
}
END_TEST

START_TEST(test_keys_behind_an_event_wait) {
    for (int i = 0; i < 3; i++) tiles[i].state = KB_STATE_FAILED;
    free(draw(80, 24));
    ck_assert_int_eq(type("r\033[Cr\033[D").n, 100);
    ck_assert_int_eq(type("").n, 101);
    ck_assert_int_eq(type("").action, KB_BOARD_NONE);
    ck_assert_int_eq(type("r").n, 100);
}
END_TEST

static void say_steps(void *arg, int tile_n, struct kb_buf *out) {
    ++*(int *)arg;
    kb_buf_printf(out, "Serial  F%d\n[ ] wifi: \033[31mconnect it\n", tile_n);
}

START_TEST(test_details) {
    int asked = 0;
    kb_board_set_steps(board, say_steps, &asked);
    strcpy(tiles[0].text, "A sentence about it");
    free(draw(80, 24));
    type("\r");
    char *text = draw(80, 24);
    ck_assert(strstr(text, "A sentence about it") && strstr(text, tiles[0].udid));
    ck_assert(strstr(text, "Serial  F100") && strstr(text, "[ ] wifi: ") && !strchr(text, '\033'));
    free(text);
    free(draw(80, 24));
    ck_assert_int_eq(asked, 1); /* it costs the journal */
    type("\033");
    text = draw(80, 24);
    ck_assert(!strstr(text, "F100"));
    free(text);
}
END_TEST

START_TEST(test_ascii) {
    kb_board_set_ascii(board, true);
    want(3, KB_STATE_OPERATOR, "passcode", NOW, NOW + 60000);
    strcpy(tiles[3].text, "A sentence that is far too long for the place that is left for it beside the name 花子");
    char *text = draw(80, 24);
    check_size(text, 80, 24);
    for (const char *p = text; *p; p++) ck_assert_int_eq(*p & 0x80, 0);
    free(text);
}
END_TEST

START_TEST(test_hostile_text_cannot_steer) {
    struct kb_buf out = {0};
    for (int i = 0; i < 64; i++) tiles[i].state = KB_STATE_WAITING; /* for whom no bell rings */
    strcpy(tiles[0].slot, "\033[2J\a\xc2\x9b");
    strcpy(tiles[1].slot, "\xe2\x80\xae"
                          "B\xff\xfe\r\n");
    free(draw_now(80, 24, NOW, &out));
    ck_assert(!strchr(out.data, '\a') && !strchr(out.data, '\r') && !strchr(out.data, '\n'));
    ck_assert(!strstr(out.data, "\xc2\x9b") && !strstr(out.data, "\xe2\x80\xae"));
    ck_assert(!strstr(out.data + 4, "\033[2J")); /* the one at the begin is ours */
    kb_buf_release(&out);
}
END_TEST

/* ---- A small terminal: the changes must leave what a whole drawing shows */

static char screen[60][200][24];

static void write_screen(const char *p, int columns, int rows) {
    int row = 0, column = 0, n = 0;
    while (*p) {
        if (!strncmp(p, "\033[2J", 4)) {
            for (int r = 0; r < rows; r++)
                for (int c = 0; c < columns; c++) strcpy(screen[r][c], " ");
            p += 4;
        } else if (sscanf(p, "\033[%d;%dH%n", &row, &column, &n) == 2 && n) {
            ck_assert(row >= 1 && row <= rows && column >= 1 && column <= columns);
            row--, column--;
            p += n;
            n = 0;
        } else if (*p == '\a') {
            p++;
        } else {
            int width, size = kb_text_next(p, &width);
            ck_assert_int_ne(*p, '\033');
            ck_assert(column + width <= columns);
            memcpy(screen[row][column], p, (size_t)size);
            screen[row][column][size] = '\0';
            for (int i = 1; i < width; i++) *screen[row][column + i] = '\0';
            if (column + width < columns && !*screen[row][column + width])
                strcpy(screen[row][column + width], " "); /* half of what stood there is gone */
            column += width;
            p += size;
        }
    }
}

START_TEST(test_changes_equal_a_whole_drawing) {
    unsigned seed = 7;
    int columns = 80, rows = 24;
    for (int round = 0; round < 300; round++) {
        struct kb_buf ansi = {0}, shown = {0};
        seed = seed * 1103515245 + 12345;
        struct kb_tile *t = &tiles[seed >> 16 & 63];
        t->state = (enum kb_state)((seed >> 8) % KB_STATE_COUNT);
        strcpy(t->slot, seed & 0x4000 ? "棚一" : "x9");
        strcpy(t->ask, t->state == KB_STATE_OPERATOR ? "trust" : "");
        if (round % 50 == 49) columns = 60 + (int)(seed >> 16 & 127), rows = 10 + (int)(seed >> 20 & 31);
        if (round % 10 == 9) kb_lang_set(kb_lang() == KB_LANG_JA ? KB_LANG_EN : KB_LANG_JA);
        if (round % 7 == 6) type(round % 2 ? "\r" : "\t");
        char *text = draw_now(columns, rows, NOW + round, &ansi);
        write_screen(ansi.data, columns, rows);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) kb_buf_puts(&shown, screen[r][c]);
            kb_buf_puts(&shown, "\n");
        }
        ck_assert_msg(!strcmp(shown.data, text), "round %d:\n%s\nis not\n%s", round, shown.data, text);
        free(text);
        kb_buf_release(&ansi);
        kb_buf_release(&shown);
    }
}
END_TEST

START_TEST(test_nothing_new_says_nothing) {
    struct kb_buf out = {0};
    free(draw(80, 24));
    free(draw_now(80, 24, NOW, &out));
    ck_assert_str_eq(out.data, "");
    kb_buf_release(&out);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli/board");
    TCase *tcase = tcase_create("board");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_64_in_80x24);
    tcase_add_test(tcase, test_names_in_80x24);
    tcase_add_loop_test(tcase, test_every_size, 0, 2 * KB_ARRAY_SIZE(sizes));
    tcase_add_test(tcase, test_scrolls_to_selected);
    tcase_add_test(tcase, test_queue_order);
    tcase_add_test(tcase, test_bell_once);
    tcase_add_test(tcase, test_name_is_asked_once);
    tcase_add_test(tcase, test_confirms_only_what_was_seen);
    tcase_add_loop_test(tcase, test_keys, 0, KB_ARRAY_SIZE(keys));
    tcase_add_test(tcase, test_keys_behind_an_event_wait);
    tcase_add_test(tcase, test_details);
    tcase_add_test(tcase, test_ascii);
    tcase_add_test(tcase, test_hostile_text_cannot_steer);
    tcase_add_test(tcase, test_changes_equal_a_whole_drawing);
    tcase_add_test(tcase, test_nothing_new_says_nothing);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
