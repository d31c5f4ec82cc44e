/* Widths, wrapping and tables, with Japanese; the progress line. */
#include "progress.h"
#include "table.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    int width;
} widths[] = {{"abc", 3},
              {"", 0},
              {"日本", 4},
              {"ｱ", 1},
              {"か\xe3\x82\x99", 2},
              {"花子のiPhone", 12},
              {"📱", 2},
              {"\033[1mab\033[0m", 2}};

START_TEST(test_width) { ck_assert_int_eq(kb_text_width(widths[_i].text), widths[_i].width); }
END_TEST

static const struct {
    const char *why, *text;
    int width;
    bool pad;
    const char *want;
} fits[] = {
    {"fits", "abc", 3, true, "abc"},
    {"padded", "abc", 5, true, "abc  "},
    {"cut", "abcdef", 4, true, "abc…"},
    {"Japanese padded by columns", "日本", 6, true, "日本  "},
    {"no half character", "日本語", 4, true, "日… "},
    {"no padding", "abc", 5, false, "abc"},
};

START_TEST(test_fit) {
    struct kb_buf out = {0};
    kb_text_fit(&out, fits[_i].text, fits[_i].width, fits[_i].pad);
    ck_assert_msg(!strcmp(out.data, fits[_i].want), "%s: [%s]", fits[_i].why, out.data);
    kb_buf_release(&out);
}
END_TEST

static const struct {
    const char *why, *text;
    int width;
    const char *want;
} middles[] = {
    {"fits", "abc", 3, "abc"},
    {"what tells them apart stays", "user 45", 5, "us…45"},
    {"Japanese", "利用者45", 7, "利…者45"},
    {"no half character", "日本語名", 5, "日…名"},
    {"a mark is not torn off", "abcか\xe3\x82\x99x", 3, "a…x"},
    {"hardly any room", "abc", 1, "…"},
    {"none", "abc", 0, ""},
};

START_TEST(test_middle) {
    struct kb_buf out = {0};
    kb_text_middle(&out, middles[_i].text, middles[_i].width);
    kb_buf_add(&out, "", 0);
    ck_assert_msg(!strcmp(out.data, middles[_i].want), "%s: [%s]", middles[_i].why, out.data);
    kb_buf_release(&out);
}
END_TEST

static const struct {
    const char *why, *text;
    int columns, indent;
    const char *want;
} wraps[] = {
    {"one line", "a b", 10, 0, "a b"},
    {"at a space", "aaa bbb", 5, 2, "aaa\n  bbb"},
    {"a word that is too long stands alone", "aaaaaaaa b", 5, 0, "aaaaaaaa\nb"},
    {"between Japanese characters", "日本語", 4, 0, "日本\n語"},
    {"not before a closing mark", "日本。語", 4, 0, "日\n本。\n語"},
    {"a stop that begins a word goes with the word", "日本.html", 6, 0, "日本\n.html"},
    {"not behind an opening mark", "日（本語", 4, 0, "日\n（本\n語"},
    {"an opening mark goes with the whole word", "日（a.html）", 8, 0, "日\n（a.html）"},
    {"line ends stay", "a\nb", 10, 1, "a\n b"},
};

START_TEST(test_wrap) {
    struct kb_buf out = {0};
    kb_text_wrap(&out, wraps[_i].text, wraps[_i].columns, 0, wraps[_i].indent);
    ck_assert_msg(!strcmp(out.data, wraps[_i].want), "%s: [%s]", wraps[_i].why, out.data);
    kb_buf_release(&out);
}
END_TEST

START_TEST(test_table_fits) {
    const char *heads[] = {"UDID", "NAME", "OS"};
    const char *one[] = {"00008030", "花子のとても長い名前のiPhone", "17.4"}, *two[] = {"0000", "A", "16.10.1"};
    struct kb_table table;
    struct kb_buf out = {0};
    kb_table_init(&table, 3, heads);
    table.keep[0] = true;
    kb_table_row(&table, one, NULL);
    kb_table_row(&table, two, NULL);
    kb_table_render(&table, 30, "", &out);
    ck_assert_str_eq(out.data, "UDID      NAME         OS\n"
                               "00008030  花子のとて…  17.4\n"
                               "0000      A            16.10.1\n");
    for (char *line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n"))
        ck_assert_int_le(kb_text_width(line), 30);
    kb_buf_release(&out);
    kb_table_release(&table);
}
END_TEST

START_TEST(test_progress_line) {
    struct kb_buf out = {0};
    kb_show_render(&out, "restoring", 50, 1500000000, 45300000, 185, 100, true);
    ck_assert_str_eq(out.data, "Restoring [############------------]  50.0 %  1.5 GB  45.3 MB/s  3:05 left");
    out.size = 0;
    kb_show_render(&out, "restoring", 50, 1500000000, 45300000, 185, 20, true);
    ck_assert_int_le(kb_text_width(out.data), 20);
    out.size = 0;
    kb_show_render(&out, "rebooting", -1, -1, -1, -1, 80, true);
    ck_assert_str_eq(out.data, "The device restarts");
    kb_buf_release(&out);
}
END_TEST

START_TEST(test_left) {
    ck_assert_int_eq(kb_show_left(0, 50, 60000), 60);
    ck_assert_int_eq(kb_show_left(0, 100, 60000), 0);
    ck_assert_int_eq(kb_show_left(20, 60, 40000), 40); /* resumed at 20 % */
    ck_assert_int_eq(kb_show_left(0, 50, 1000), -1);   /* too early to tell */
    ck_assert_int_eq(kb_show_left(0, 0, 60000), -1);
    ck_assert_int_eq(kb_show_left(0, -1, 60000), -1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli/table");
    TCase *tcase = tcase_create("table");
    tcase_add_loop_test(tcase, test_width, 0, KB_ARRAY_SIZE(widths));
    tcase_add_loop_test(tcase, test_fit, 0, KB_ARRAY_SIZE(fits));
    tcase_add_loop_test(tcase, test_middle, 0, KB_ARRAY_SIZE(middles));
    tcase_add_loop_test(tcase, test_wrap, 0, KB_ARRAY_SIZE(wraps));
    tcase_add_test(tcase, test_table_fits);
    tcase_add_test(tcase, test_progress_line);
    tcase_add_test(tcase, test_left);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
