/* The dry run's pure parts: a saved inventory, and line numbers for people. */
#include "dry.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ONE "{\"udid\":\"00008030-001A2B3C4D5E6F70\",\"os\":\"17.0\",\"supervised\":true}"
#define TWO "{\"udid\":\"00008030-001A2B3C4D5E6F71\",\"trust\":\"untrusted\"}"

static const struct {
    const char *why, *text;
    int count;        /* -1: refused */
    const char *says; /* then */
} cases[] = {
    {"lines", ONE "\n" TWO "\n", 2, NULL},
    {"no last line end", ONE "\n" TWO, 2, NULL},
    {"CRLF and empty lines", ONE "\r\n\r\n" TWO "\r\n", 2, NULL},
    {"UTF-8 mark", "\xef\xbb\xbf" ONE "\n", 1, NULL},
    {"an array", "[" ONE ",\n" TWO "]", 2, NULL},
    {"an array behind space", "\n [" ONE "]\n", 1, NULL},
    {"a device twice is what it was last", TWO "\n" ONE "\n" TWO "\n", 2, NULL},
    {"lines of --watch", ONE "\n{\"event\":\"detached\",\"udid\":\"x\"}\n", 1, NULL},
    {"nothing", "", -1, "no device"},
    {"only events", "{\"event\":\"detached\",\"udid\":\"x\"}\n", -1, "no device"},
    {"an empty array", "[]", -1, "no device"},
    {"no JSON", ONE "\nhello\n", -1, "line 2"},
    {"half a line", ONE "\n{\"udid\":\"0000", -1, "line 2"},
    {"a device without UDID", "{\"os\":\"17.0\"}\n", -1, "line 1"},
    {"something else in an array", "[7]", -1, "line 1"},
    {"half an array", "[" ONE ",\n", -1, "line 2"},
    {"UTF-16", "\xff\xfe{", -1, "UTF-16"},
};

START_TEST(test_inventory) {
    struct kb_device *list = NULL;
    int count = -1;
    struct kb_result res = kb_dry_inventory(cases[_i].text, strlen(cases[_i].text), "x.json", &list, &count);
    ck_assert_msg(kb_failed(&res) == (cases[_i].count < 0), "%s: %s", cases[_i].why, res.text);
    if (kb_failed(&res)) {
        ck_assert_msg(res.domain == KB_USAGE && strstr(res.text, cases[_i].says), "%s: %s", cases[_i].why, res.text);
        return;
    }
    ck_assert_msg(count == cases[_i].count, "%s: %d", cases[_i].why, count);
    for (int i = 0; i < count; i++) {
        bool one = !strcmp(list[i].udid, "00008030-001A2B3C4D5E6F70");
        ck_assert_msg(list[i].supervised == (one ? KB_YES : KB_UNKNOWN), "%s", cases[_i].why);
        ck_assert_msg(list[i].trust == (one ? KB_TRUST_UNKNOWN : KB_TRUST_UNTRUSTED), "%s", cases[_i].why);
        ck_assert_int_eq(list[i].battery_pct, -1);
    }
    free(list);
}
END_TEST

static const struct {
    const char *why;
    int count, numbers[40];
    const char *text;
} lists[] = {
    {"none", 0, {0}, ""},
    {"one", 1, {2}, "2"},
    {"two beside each other", 2, {2, 3}, "2, 3"},
    {"a range", 3, {2, 3, 4}, "2-4"},
    {"mixed", 6, {2, 4, 5, 6, 9, 10}, "2, 4-6, 9, 10"},
    {"many",
     18,
     {1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35},
     "1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, …"},
};

START_TEST(test_numbers) {
    struct kb_buf out = {0};
    kb_buf_puts(&out, "");
    kb_dry_numbers(&out, lists[_i].numbers, lists[_i].count);
    ck_assert_msg(!strcmp(out.data, lists[_i].text), "%s: %s", lists[_i].why, out.data);
    kb_buf_release(&out);
}
END_TEST

/* Time is told only by what was measured. */
START_TEST(test_time) {
    static const struct {
        double rate;
        int64_t bytes;
        const char *says;
    } times[] = {{-1, 1000, "not known"}, {10e6, -1, "not known"}, {10e6, 600000000, "1:01 one after the other"}};
    for (size_t i = 0; i < KB_ARRAY_SIZE(times); i++) {
        struct kb_buf out = {0};
        struct kb_dry dry = {.rate = times[i].rate, .bytes = times[i].bytes, .most_bytes = 300000000, .measured = 3};
        kb_dry_time_words(&dry, &out);
        ck_assert_msg(strstr(out.data, times[i].says) != NULL, "%s", out.data);
        kb_buf_release(&out);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("dry run");
    TCase *tcase = tcase_create("dry run");
    tcase_add_loop_test(tcase, test_inventory, 0, KB_ARRAY_SIZE(cases));
    tcase_add_loop_test(tcase, test_numbers, 0, KB_ARRAY_SIZE(lists));
    tcase_add_test(tcase, test_time);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
