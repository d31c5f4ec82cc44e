/* Texts: whole characters, cleaning, hex, numbers, languages. */
#include "kitbench/base.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *why, *text;
    bool valid;
    const char *clean;
} utf8_cases[] = {
    {"plain", "abc", true, "abc"},
    {"Japanese", "\xe6\x97\xa5\xe6\x9c\xac", true, "\xe6\x97\xa5\xe6\x9c\xac"},
    {"emoji with joiner", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", true,
     "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"},
    {"escape sequence", "a\x1b[2Jb", true, "a\xef\xbf\xbd[2Jb"},
    {"line end", "a\nb", true, "a\xef\xbf\xbd\x62"},
    {"C1 control (CSI in one character)", "\xc2\x9b", true, "\xef\xbf\xbd"},
    {"right-to-left override", "\xe2\x80\xae\x61", true, "\xef\xbf\xbd\x61"},
    {"stray continuation", "\x80\x61", false, "\xef\xbf\xbd\x61"},
    {"overlong slash", "\xc0\xaf", false, "\xef\xbf\xbd\xef\xbf\xbd"},
    {"surrogate", "\xed\xa0\x80", false, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"beyond U+10FFFF", "\xf4\x90\x80\x80", false, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"cut in the middle", "a\xe6\x97", false, "a\xef\xbf\xbd\xef\xbf\xbd"},
    {"last character", "\xf4\x8f\xbf\xbf", true, "\xf4\x8f\xbf\xbf"},
};

START_TEST(test_utf8) {
    char out[64];
    ck_assert_msg(kb_utf8_valid(utf8_cases[_i].text, strlen(utf8_cases[_i].text)) == utf8_cases[_i].valid, "%s",
                  utf8_cases[_i].why);
    kb_text_clean(out, sizeof out, utf8_cases[_i].text);
    ck_assert_msg(strcmp(out, utf8_cases[_i].clean) == 0, "%s: got %s", utf8_cases[_i].why, out);
}
END_TEST

static const struct {
    const char *why, *text;
    size_t room;
    const char *want;
    bool whole;
} copy_cases[] = {
    {"fits", "abc", 4, "abc", true},
    {"cut", "abcd", 4, "abc", false},
    {"a character of three bytes has no room", "ab\xe6\x97\xa5", 5, "ab", false},
    {"exactly fits", "ab\xe6\x97\xa5", 6, "ab\xe6\x97\xa5", true},
    {"cut behind a character", "\xe6\x97\xa5\xe6\x9c\xac", 6, "\xe6\x97\xa5", false},
    {"no room but the end", "\xe6\x97\xa5", 1, "", false},
    {"nothing", NULL, 4, "", true},
};

START_TEST(test_copy) {
    char out[16];
    memset(out, '#', sizeof out);
    ck_assert_msg(kb_text_copy(out, copy_cases[_i].room, copy_cases[_i].text) == copy_cases[_i].whole, "%s",
                  copy_cases[_i].why);
    ck_assert_msg(strcmp(out, copy_cases[_i].want) == 0, "%s: got %s", copy_cases[_i].why, out);
    ck_assert_msg(out[copy_cases[_i].room] == '#', "%s: wrote beyond its room", copy_cases[_i].why);
}
END_TEST

START_TEST(test_ends) {
    ck_assert(kb_text_starts("jobs.csv", "jobs") && !kb_text_starts("jobs.csv", "csv"));
    ck_assert(kb_text_ends("jobs.csv", ".csv") && kb_text_ends(".csv", ".csv") && kb_text_ends("a", ""));
    ck_assert(!kb_text_ends("csv", ".csv") && !kb_text_ends("jobs.csv ", ".csv") && !kb_text_ends("", "a"));
    ck_assert(!kb_text_ends("jobs.CSV", ".csv") && !kb_text_ends(NULL, "") && !kb_text_ends("a", NULL));
}
END_TEST

static const struct {
    const char *why, *text;
    size_t room;
    const char *want;
} room_cases[] = {
    {"no room for a second sign", "a\x1b\x1b\x1b", 6, "a\xef\xbf\xbd"},
    {"plain, longer than the room", "abcdefgh", 6, "abcde"},
    {"plain, exactly", "abcde", 6, "abcde"},
    {"plain behind a character", "\xe6\x97\xa5\x61\x62\x63\x64", 6, "\xe6\x97\xa5\x61\x62"},
    {"a character behind plain", "abc\xe6\x97\xa5", 6, "abc"},
    {"a character at the very end", "ab\xe6\x97\xa5", 6, "ab\xe6\x97\xa5"},
    {"room for the end alone", "abc", 1, ""},
};

START_TEST(test_clean_keeps_to_its_room) {
    char out[8];
    size_t room = room_cases[_i].room;
    memset(out, '#', sizeof out);
    kb_text_clean(out, room, room_cases[_i].text);
    ck_assert_msg(strcmp(out, room_cases[_i].want) == 0, "%s: got %s", room_cases[_i].why, out);
    ck_assert_msg(out[room] == '#' && out[7] == '#', "%s: wrote beyond its room", room_cases[_i].why);
}
END_TEST

static const struct {
    const char *why, *text;
    int64_t min, max;
    bool ok;
    int64_t want;
} int_cases[] = {
    {"plain", "180", 0, 1000, true, 180},
    {"zero", "0", 0, 0, true, 0},
    {"negative", "-5", -10, 10, true, -5},
    {"smallest there is", "-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
    {"largest there is", "9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
    {"one more than the largest", "9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
    {"overflows", "99999999999999999999", INT64_MIN, INT64_MAX, false, 0},
    {"below", "-1", 0, 10, false, 0},
    {"above", "11", 0, 10, false, 0},
    {"empty", "", 0, 10, false, 0},
    {"nothing", NULL, 0, 10, false, 0},
    {"a sign alone", "-", -10, 10, false, 0},
    {"plus", "+1", 0, 10, false, 0},
    {"space before", " 1", 0, 10, false, 0},
    {"words behind", "1s", 0, 10, false, 0},
    {"hex", "0x1", 0, 10, false, 0},
    {"fraction", "1.5", 0, 10, false, 0},
};

START_TEST(test_int) {
    int64_t got = 77;
    ck_assert_msg(kb_parse_int(int_cases[_i].text, int_cases[_i].min, int_cases[_i].max, &got) == int_cases[_i].ok,
                  "%s", int_cases[_i].why);
    ck_assert_msg(got == (int_cases[_i].ok ? int_cases[_i].want : 77), "%s", int_cases[_i].why);
}
END_TEST

static const struct {
    const char *text;
    bool ok;
    enum kb_lang want;
} lang_cases[] = {
    {"ja", true, KB_LANG_JA},      {"ja_JP.UTF-8", true, KB_LANG_JA}, {"ja-JP", true, KB_LANG_JA},
    {"en", true, KB_LANG_EN},      {"en_US.UTF-8", true, KB_LANG_EN}, {"EN", true, KB_LANG_EN},
    {"en@euro", true, KB_LANG_EN}, {"C", false, KB_LANG_EN},          {"POSIX", false, KB_LANG_EN},
    {"fr_FR", false, KB_LANG_EN},  {"jav", false, KB_LANG_EN},        {"", false, KB_LANG_EN},
    {NULL, false, KB_LANG_EN},     {"e", false, KB_LANG_EN},
};

START_TEST(test_lang) {
    enum kb_lang got = (enum kb_lang)77;
    ck_assert_msg(kb_lang_parse(lang_cases[_i].text, &got) == lang_cases[_i].ok, "%s", lang_cases[_i].text);
    ck_assert_int_eq(got, lang_cases[_i].ok ? lang_cases[_i].want : (enum kb_lang)77);
}
END_TEST

START_TEST(test_hex) {
    unsigned char bytes[3] = {0x00, 0xab, 0xff}, back[3];
    char text[7];
    kb_hex(text, bytes, 3);
    ck_assert_str_eq(text, "00abff");
    ck_assert(kb_unhex(back, 3, text) && memcmp(bytes, back, 3) == 0);
    ck_assert(kb_unhex(back, 3, "00ABFF") && memcmp(bytes, back, 3) == 0);
    ck_assert(!kb_unhex(back, 3, "00abf"));
    ck_assert(!kb_unhex(back, 3, "00abff0"));
    ck_assert(!kb_unhex(back, 3, "00abfg"));
    ck_assert(!kb_unhex(back, 3, NULL));
}
END_TEST

START_TEST(test_every_ask_speaks_both_languages) {
    const char *en = kb_ask_text(KB_LANG_EN, (enum kb_ask)_i), *ja = kb_ask_text(KB_LANG_JA, (enum kb_ask)_i);
    ck_assert_str_ne(kb_ask_name((enum kb_ask)_i), "");
    ck_assert_str_ne(en, "");
    ck_assert_msg(strcmp(en, ja) != 0, "no Japanese for \"%s\"", en);
}
END_TEST

START_TEST(test_unknown_sentence_stays_english) {
    ck_assert_str_eq(kb_tr(KB_LANG_JA, "a sentence that nobody wrote"), "a sentence that nobody wrote");
    ck_assert_str_eq(kb_tr(KB_LANG_JA, ""), "");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("base/text");
    TCase *cases = tcase_create("text");
    suite_add_tcase(suite, cases);
    tcase_add_loop_test(cases, test_utf8, 0, KB_ARRAY_SIZE(utf8_cases));
    tcase_add_loop_test(cases, test_copy, 0, KB_ARRAY_SIZE(copy_cases));
    tcase_add_loop_test(cases, test_clean_keeps_to_its_room, 0, KB_ARRAY_SIZE(room_cases));
    tcase_add_test(cases, test_ends);
    tcase_add_loop_test(cases, test_int, 0, KB_ARRAY_SIZE(int_cases));
    tcase_add_loop_test(cases, test_lang, 0, KB_ARRAY_SIZE(lang_cases));
    tcase_add_test(cases, test_hex);
    tcase_add_loop_test(cases, test_every_ask_speaks_both_languages, KB_ASK_TRUST, KB_ASK_FIND_MY_OFF + 1);
    tcase_add_test(cases, test_unknown_sentence_stays_english);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
