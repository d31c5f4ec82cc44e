/* OS versions: number by number, and nothing is guessed. */
#include "kitbench/policy.h"

#include <check.h>
#include <stdlib.h>

static const struct {
    const char *why, *target, *backup;
    enum kb_order want;
} cases[] = {
    {"the manual: 14.0 must be updated for a backup of 16.1", "14.0", "16.1", KB_ORDER_OLDER},
    {"the manual: 16.1 takes a backup of 14.0", "16.1", "14.0", KB_ORDER_NEWER},
    {"numbers, not letters", "16.10", "16.9", KB_ORDER_NEWER},
    {"and the other way round", "16.9", "16.10", KB_ORDER_OLDER},
    {"a missing part is 0", "16.1", "16.1.0", KB_ORDER_SAME},
    {"a missing part is 0, on the other side", "16.0.0", "16", KB_ORDER_SAME},
    {"a missing part is not everything", "16", "16.0.1", KB_ORDER_OLDER},
    {"the same", "17.5.1", "17.5.1", KB_ORDER_SAME},
    {"the third part counts", "17.5.1", "17.5.2", KB_ORDER_OLDER},
    {"the first part counts most", "17.0", "16.7.10", KB_ORDER_NEWER},
    {"two digits against one", "9.3.5", "26.0", KB_ORDER_OLDER},
    {"a rapid response is its version", "16.1.1 (a)", "16.1.1", KB_ORDER_SAME},
    {"a rapid response without a space", "16.1.1(a)", "16.1.1 (c)", KB_ORDER_SAME},
    {"a rapid response of an older version", "16.4.1 (a)", "16.5", KB_ORDER_OLDER},
    {"a beta by its numbers", "27.0 beta 2", "27.0", KB_ORDER_SAME},
    {"a beta against the one before", "27.0 beta 2", "26.6", KB_ORDER_NEWER},
    {"a beta written short", "27.1b3", "27.0", KB_ORDER_NEWER},
    {"a beta written together", "27.1beta", "27.1 beta 4", KB_ORDER_SAME},
    {"a build behind it", "17.5 (21F79)", "17.4", KB_ORDER_NEWER},
    {"white space around", " 17.5 ", "17.5", KB_ORDER_SAME},
    {"leading zeros", "16.01", "16.1", KB_ORDER_SAME},
    {"four parts", "16.1.1.1", "16.1.1", KB_ORDER_NEWER},
    {"nothing", "", "16.1", KB_ORDER_UNKNOWN},
    {"nothing on the other side", "16.1", "", KB_ORDER_UNKNOWN},
    {"no text at all", NULL, "16.1", KB_ORDER_UNKNOWN},
    {"neither", NULL, NULL, KB_ORDER_UNKNOWN},
    {"a word", "iOS", "16.1", KB_ORDER_UNKNOWN},
    {"a word before the number", "iOS 16.1", "16.1", KB_ORDER_UNKNOWN},
    {"a dot at the end", "16.", "16.1", KB_ORDER_UNKNOWN},
    {"a dot at the beginning", ".16", "16.1", KB_ORDER_UNKNOWN},
    {"two dots", "16..1", "16.1", KB_ORDER_UNKNOWN},
    {"a letter in the middle", "16.x.1", "16.1", KB_ORDER_UNKNOWN},
    {"a letter at the end", "16.1x", "16.1", KB_ORDER_UNKNOWN},
    {"a comma", "16,1", "16.1", KB_ORDER_UNKNOWN},
    {"negative", "-16.1", "16.1", KB_ORDER_UNKNOWN},
    {"a number that does not fit", "99999999999999999999.1", "16.1", KB_ORDER_UNKNOWN},
    {"parts without end", "1.1.1.1.1.1.1.1.1.1.1.1", "16.1", KB_ORDER_UNKNOWN},
    {"full-width digits", "１６.1", "16.1", KB_ORDER_UNKNOWN},
};

START_TEST(test_compare) {
    ck_assert_msg(kb_os_compare(cases[_i].target, cases[_i].backup) == cases[_i].want, "%s", cases[_i].why);
}
END_TEST

/* Turned round, older and newer change places. */
START_TEST(test_symmetric) {
    static const enum kb_order turned[] = {KB_ORDER_UNKNOWN, KB_ORDER_NEWER, KB_ORDER_SAME, KB_ORDER_OLDER};
    ck_assert_msg(kb_os_compare(cases[_i].backup, cases[_i].target) == turned[cases[_i].want], "%s", cases[_i].why);
}
END_TEST

START_TEST(test_major) {
    ck_assert_int_eq(kb_os_major("27.0 beta 2"), 27);
    ck_assert_int_eq(kb_os_major("9"), 9);
    ck_assert_int_eq(kb_os_major(""), -1);
    ck_assert_int_eq(kb_os_major(NULL), -1);
    ck_assert_int_eq(kb_os_major("27x"), -1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("policy/os");
    TCase *tests = tcase_create("os");
    tcase_add_loop_test(tests, test_compare, 0, KB_ARRAY_SIZE(cases));
    tcase_add_loop_test(tests, test_symmetric, 0, KB_ARRAY_SIZE(cases));
    tcase_add_test(tests, test_major);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
