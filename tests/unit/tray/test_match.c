/* Whom a word of the sheet means. */
#include "kitbench/tray.h"
#include <check.h>
#include <stdlib.h>

static const struct {
    const char *why, *word;
    enum kb_means want;
} cases[] = {
    {"the UDID itself", "00008101-00000000000000A1", KB_MEANS_IT},
    {"neither case nor dashes count", "0000810100000000000000a1", KB_MEANS_IT},
    {"its start", "00008101", KB_MEANS_START},
    {"a start that is too short", "000", KB_MEANS_NO},
    {"dashes alone are the start of nothing", "-----", KB_MEANS_NO},
    {"serial number", "f2lnew000001", KB_MEANS_IT},
    {"the start of a serial number is no name", "F2LNEW", KB_MEANS_NO},
    {"IMEI", "350000000000001", KB_MEANS_IT},
    {"longer than the UDID", "00008101-00000000000000A10", KB_MEANS_NO},
    {"slot", "slot:4a", KB_MEANS_IT},
    {"another slot", "slot:4", KB_MEANS_NO},
    {"a longer slot", "slot:4ab", KB_MEANS_NO},
    {"nobody's slot", "slot:", KB_MEANS_NO},
    {"nothing", "", KB_MEANS_NO},
};

START_TEST(test_word) {
    const struct kb_known known = {"00008101-00000000000000A1", "F2LNEW000001", "350000000000001", "4A"};
    ck_assert_msg(kb_word_means(cases[_i].word, &known) == cases[_i].want, "%s", cases[_i].why);
}
END_TEST

START_TEST(test_unknown) {
    const struct kb_known known = {"00008101-00000000000000A1", "", NULL, ""};
    ck_assert_int_eq(kb_word_means("", &known), KB_MEANS_NO);
    ck_assert_int_eq(kb_word_means("slot:", &known), KB_MEANS_NO);
    ck_assert_int_eq(kb_word_means("F2LNEW000001", &known), KB_MEANS_NO);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("match");
    TCase *tcase = tcase_create("words");
    tcase_add_loop_test(tcase, test_word, 0, KB_ARRAY_SIZE(cases));
    tcase_add_test(tcase, test_unknown);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
