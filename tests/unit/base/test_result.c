/* Results, time stamps and buffers. */
#include "kitbench/base.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

START_TEST(test_words_before_a_sentence) {
    struct kb_result res = kb_fail(KB_STORE, KB_STORE_DAMAGED, "file %d is short", 7);
    ck_assert(kb_failed(&res) && kb_is(&res, KB_STORE, KB_STORE_DAMAGED));
    res = kb_while(res, "Cannot open %s", "/b");
    ck_assert(kb_is(&res, KB_STORE, KB_STORE_DAMAGED));
    ck_assert_str_eq(res.text, "Cannot open /b: file 7 is short");
    res = kb_while(kb_ok(), "Cannot open %s", "/b");
    ck_assert(!kb_failed(&res));
    ck_assert_str_eq(res.text, "");
}
END_TEST

/* However the sentence is shifted, it ends with a whole character and fills its room. */
START_TEST(test_cut_at_a_whole_character) {
    char text[1200] = "";
    for (int i = 0; i < _i; i++) strcat(text, "x");
    for (int i = 0; i < 300; i++) strcat(text, "\xe6\x97\xa5");
    struct kb_result res = kb_fail(KB_HOST, 1, "%s", text);
    size_t size = strlen(res.text);
    ck_assert(kb_utf8_valid(res.text, size));
    ck_assert(size > sizeof res.text - 4 && size < sizeof res.text);
    res = kb_while(res, "%s", "words");
    ck_assert(kb_utf8_valid(res.text, strlen(res.text)));
    ck_assert(kb_text_starts(res.text, "words: "));
}
END_TEST

START_TEST(test_a_hostile_name_cannot_steer_the_terminal) {
    struct kb_result res = kb_fail(KB_HOST, 1, "Cannot open %s", "a\x1b]0;owned\x07\nb\xff");
    ck_assert_str_eq(res.text, "Cannot open a\xef\xbf\xbd]0;owned\xef\xbf\xbd\xef\xbf\xbd\x62\xef\xbf\xbd");
}
END_TEST

START_TEST(test_domain_names) {
    for (int i = KB_OK; i <= KB_UNEXPECTED; i++) {
        ck_assert_str_ne(kb_domain_name((enum kb_domain)i), "");
        ck_assert_int_eq(kb_domain_from_name(kb_domain_name((enum kb_domain)i)), i);
    }
    ck_assert_str_eq(kb_domain_name(KB_BACKUP2), "backup2");
    ck_assert_int_eq(kb_domain_from_name("nobody"), KB_UNEXPECTED);
    ck_assert_int_eq(kb_domain_from_name(NULL), KB_UNEXPECTED);
    ck_assert_str_eq(kb_domain_name((enum kb_domain)99), "unexpected");
}
END_TEST

static const struct {
    const char *iso;
    int64_t seconds;
} times[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-12-31T23:59:59Z", 31535999},
    {"2000-02-29T12:00:00Z", 951825600},
    {"2026-11-24T06:30:00Z", 1795501800},
    {"2038-01-19T03:14:08Z", INT64_C(2147483648)},
    {"2100-03-01T00:00:00Z", INT64_C(4107542400)},
    {"9999-12-31T23:59:59Z", INT64_C(253402300799)},
};

START_TEST(test_time) {
    char iso[KB_TIME_ROOM];
    kb_time_iso(iso, times[_i].seconds);
    ck_assert_str_eq(iso, times[_i].iso);
    ck_assert_int_eq(kb_time_parse(times[_i].iso), times[_i].seconds);
}
END_TEST

/* The C library counts the same, day by day over two centuries. */
START_TEST(test_time_against_the_c_library) {
    for (int64_t seconds = 1234; seconds < INT64_C(6500000000); seconds += 86400 + 3601) {
        char ours[KB_TIME_ROOM], theirs[KB_TIME_ROOM + 8];
        time_t time = (time_t)seconds;
        struct tm parts;
        gmtime_r(&time, &parts);
        strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%SZ", &parts);
        kb_time_iso(ours, seconds);
        ck_assert_str_eq(ours, theirs);
        ck_assert_int_eq(kb_time_parse(ours), seconds);
    }
}
END_TEST

static const char *const no_times[] = {
    "",
    "2026-11-24",
    "2026-11-24T06:30:00",
    "2026-11-24 06:30:00Z",
    "2026-11-24T06:30:00+09:00",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:60Z",
    "1969-12-31T23:59:59Z",
    "2026-11-24T06:30:00Zx",
    "2o26-11-24T06:30:00Z",
};

START_TEST(test_no_time) {
    ck_assert_msg(kb_time_parse(no_times[_i]) == -1, "%s", no_times[_i]);
    ck_assert_int_eq(kb_time_parse(NULL), -1);
}
END_TEST

START_TEST(test_unknown_time) {
    char iso[KB_TIME_ROOM] = "x";
    kb_time_iso(iso, -1);
    ck_assert_str_eq(iso, "");
    kb_time_iso(iso, INT64_C(253402300800));
    ck_assert_str_eq(iso, "");
    kb_time_iso(iso, INT64_MAX);
    ck_assert_str_eq(iso, "");
}
END_TEST

START_TEST(test_buffers) {
    struct kb_buf buf = {0};
    char *text = kb_buf_steal(&buf);
    ck_assert_str_eq(text, "");
    free(text);
    for (int i = 0; i < 1000; i++) {
        kb_buf_puts(&buf, "a");
        kb_buf_add(&buf, "\0b", 2);
        kb_buf_printf(&buf, "%03d", i);
    }
    ck_assert_uint_eq(buf.size, 6000);
    ck_assert(memcmp(buf.data + 5994, "a\0b999", 7) == 0);
    text = kb_buf_steal(&buf);
    ck_assert(buf.data == NULL && buf.size == 0);
    free(text);
    kb_buf_puts(&buf, "x");
    kb_buf_release(&buf);
    ck_assert(buf.data == NULL && buf.size == 0 && buf.room == 0);
    text = kb_xasprintf("%s-%d", "a", 5);
    ck_assert_str_eq(text, "a-5");
    kb_wipe(text, 3);
    ck_assert(memcmp(text, "\0\0\0", 4) == 0);
    free(text);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("base/result");
    TCase *cases = tcase_create("result");
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, test_words_before_a_sentence);
    tcase_add_loop_test(cases, test_cut_at_a_whole_character, 0, 3);
    tcase_add_test(cases, test_a_hostile_name_cannot_steer_the_terminal);
    tcase_add_test(cases, test_domain_names);
    tcase_add_loop_test(cases, test_time, 0, KB_ARRAY_SIZE(times));
    tcase_add_test(cases, test_time_against_the_c_library);
    tcase_add_loop_test(cases, test_no_time, 0, KB_ARRAY_SIZE(no_times));
    tcase_add_test(cases, test_unknown_time);
    tcase_add_test(cases, test_buffers);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
