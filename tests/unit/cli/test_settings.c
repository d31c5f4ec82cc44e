/* kitbench.conf: what is taken, and that every mistake is named with its line. */
#include "settings.h"

#include <check.h>
#include <string.h>

static const struct {
    const char *why, *text, *names; /* names: must stand in the sentence; NULL: no failure */
} cases[] = {
    {"nothing", "", NULL},
    {"all of them",
     "agent_bundle_id = \"a.b\"\nmdm_profile_identifier = \"c\"\nstore = \"/s\"\nlanguage = ja\noperator = \"花子\"\n"
     "per_bus = 4\n",
     NULL},
    {"byte order mark", "\xef\xbb\xbfstore = \"/s\"\n", NULL},
    {"comment and Windows line ends", "# a\r\nstore = '/s'\r\n", NULL},
    {"Windows path in single quotes", "store = 'C:\\images\\sales'\n", NULL},
    {"unknown option", "store = \"/s\"\nstorre = \"/t\"\n", "line 2"},
    {"unknown option by name", "storre = \"/t\"\n", "storre"},
    {"wrong type", "\nper_bus = many\n", "line 2"},
    {"out of range", "per_bus = 0\n", "per_bus"},
    {"much out of range", "per_bus = 65\n", "64"},
    {"unknown language", "language = fr\n", "fr"},
    {"no equal sign", "store \"/s\"\n", "line 1"},
    {"unterminated text", "store = \"/s\n", "line"},
    {"end in the middle", "store = ", "line 1"},
};

START_TEST(test_parse) {
    struct kb_settings settings = {0};
    struct kb_result res = kb_settings_parse(&settings, cases[_i].text, "kitbench.conf");
    ck_assert_msg(kb_failed(&res) == (cases[_i].names != NULL), "%s: %s", cases[_i].why, res.text);
    if (cases[_i].names) {
        ck_assert_msg(res.domain == KB_USAGE, "%s", cases[_i].why);
        ck_assert_msg(strstr(res.text, cases[_i].names) && strstr(res.text, "kitbench.conf"), "%s: %s", cases[_i].why,
                      res.text);
    }
    kb_settings_release(&settings);
}
END_TEST

START_TEST(test_values) {
    struct kb_settings settings = {0};
    struct kb_result res = kb_settings_parse(&settings, cases[1].text, "x");
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
    ck_assert_str_eq(kb_setting(&settings, KB_SET_OPERATOR), "花子");
    ck_assert_str_eq(kb_setting(&settings, KB_SET_PER_BUS), "4");
    ck_assert_int_eq(settings.list[KB_SET_STORE].origin, KB_FROM_FILE);
    kb_setting_put(&settings, KB_SET_STORE, "/other", KB_FROM_OPTION);
    ck_assert_str_eq(kb_setting(&settings, KB_SET_STORE), "/other");
    kb_settings_release(&settings);
    res = kb_settings_parse(&settings, "store = ''\n", "x"); /* empty is not set */
    ck_assert(!kb_failed(&res) && !kb_setting(&settings, KB_SET_STORE));
    kb_settings_release(&settings);
}
END_TEST

START_TEST(test_japanese) {
    struct kb_settings settings = {0};
    kb_lang_set(KB_LANG_JA);
    struct kb_result res = kb_settings_parse(&settings, "a = 1\n", "x");
    ck_assert(strstr(res.text, "1 行目") && strstr(res.text, "'a'"));
    kb_settings_release(&settings);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli/settings");
    TCase *tcase = tcase_create("settings");
    tcase_add_loop_test(tcase, test_parse, 0, KB_ARRAY_SIZE(cases));
    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_japanese);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
