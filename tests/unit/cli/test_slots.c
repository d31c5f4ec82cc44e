/* The bad cable stands out, and few tries accuse nobody. */
#include "slots.h"

#include <check.h>

static const struct {
    const char *why;
    int tries, failures, all_tries, all_failures;
    bool bad;
} cases[] = {
    {"nothing happened", 0, 0, 0, 0, false},
    {"one failure is chance", 1, 1, 100, 1, false},
    {"half of its tries, the others none", 4, 2, 44, 2, true},
    {"all of its tries, but there is nobody to compare with", 2, 2, 2, 2, true},
    {"half of its tries, and nobody to compare with", 4, 2, 4, 2, false},
    {"as the others", 10, 3, 100, 30, false},
    {"three times the others", 10, 9, 100, 36, true},
    {"everybody fails", 10, 10, 40, 40, false},
};
START_TEST(test_bad) {
    struct kb_slot_record slot = {.tries = cases[_i].tries, .failures = cases[_i].failures};
    struct kb_slot_record all = {.tries = cases[_i].all_tries, .failures = cases[_i].all_failures};
    ck_assert_msg(kb_slot_is_bad(&slot, &all) == cases[_i].bad, "%s", cases[_i].why);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("slots");
    TCase *tcase = tcase_create("slots");
    tcase_add_loop_test(tcase, test_bad, 0, KB_ARRAY_SIZE(cases));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
