/* DEVICE: whole words before starts, and never a guess between two. */
#include "resolve.h"

#include <check.h>

#define OLD "0123456789abcdef0123456789abcdef01234567"

static const struct kb_candidate list[] = {
    {"00008030-001A2B3C4D5E6F70", "F2LXK1AAAA", "356789012345678", "A"},
    {"00008030-001A2B3C4D5E6F71", "F2LXK1BBBB", "356789012345679", "B"},
    {OLD, "C39ABCDEFGHJ", "", "C"},
    {"abcdef0123456789abcdef0123456789abcdef01", "C39ABCDEFGHK", "", "D"},
};

static const struct {
    const char *why, *word;
    enum kb_match match;
    int index;
} cases[] = {
    {"whole UDID", "00008030-001A2B3C4D5E6F70", KB_MATCH_ONE, 0},
    {"case does not count", "00008030-001a2b3c4d5e6f71", KB_MATCH_ONE, 1},
    {"the dash does not count", "00008030001A2B3C4D5E6F71", KB_MATCH_ONE, 1},
    {"serial number", "f2lxk1bbbb", KB_MATCH_ONE, 1},
    {"IMEI", "356789012345678", KB_MATCH_ONE, 0},
    {"start of a UDID", "0123", KB_MATCH_ONE, 2},
    {"start with another case", "ABCDEF", KB_MATCH_ONE, 3},
    {"start of two", "00008030", KB_MATCH_MANY, 0},
    {"start of two, all but the last digit", "00008030-001A2B3C4D5E6F7", KB_MATCH_MANY, 0},
    {"too short for a start", "012", KB_MATCH_NONE, 0},
    {"start of a serial number is not enough", "F2LXK1AAA", KB_MATCH_NONE, 0},
    {"start of an IMEI is not enough", "35678901234567", KB_MATCH_NONE, 0},
    {"a UDID and more", OLD "8", KB_MATCH_NONE, 0},
    {"the middle of a UDID", "4567", KB_MATCH_NONE, 0},
    {"dashes alone", "----", KB_MATCH_NONE, 0},
    {"nothing", "", KB_MATCH_NONE, 0},
};

START_TEST(test_match) {
    int index = -1;
    enum kb_match match = kb_match_device(list, KB_ARRAY_SIZE(list), cases[_i].word, &index);
    ck_assert_msg(match == cases[_i].match, "%s: %d", cases[_i].why, match);
    if (match == KB_MATCH_ONE) ck_assert_msg(index == cases[_i].index, "%s: %d", cases[_i].why, index);
}
END_TEST

START_TEST(test_twins) {
    static const struct kb_candidate twins[] = {{OLD, "SAME", "", ""}, {"ffff", "SAME", "", ""}};
    int index;
    ck_assert_int_eq(kb_match_device(twins, 2, "same", &index), KB_MATCH_MANY);
    static const struct kb_candidate unread[] = {{OLD, "", "", ""}, {"ffff1", "", "", ""}};
    ck_assert_int_eq(kb_match_device(unread, 2, "ffff", &index), KB_MATCH_ONE);
    ck_assert_int_eq(kb_match_device(unread, 2, "C39ABCDEFGHJ", &index), KB_MATCH_NONE);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli/resolve");
    TCase *tcase = tcase_create("resolve");
    tcase_add_loop_test(tcase, test_match, 0, KB_ARRAY_SIZE(cases));
    tcase_add_test(tcase, test_twins);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
