/*
 * The case table against the manual. The expectations below were typed from manual-ja.txt (復元のケースと注意事項), in
 * words, and know nothing of the table under test.
 */
#include "kitbench/policy.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *source, *same, *target; /* バックアップ端末, 同端末/別端末, 復元先 */
    const char *support, *agent, *mdm;  /* サポート, エージェント認証状態, MDM認証状態 */
    const char *follow_ups;
} manual[] = {
    /* ■ バックアップ端末が非監視対象の場合 */
    {"unsupervised", "同端末", "unsupervised", "○", "ok", "ok", ""},
    {"unsupervised", "同端末", "supervised", "×", "-", "-", ""},
    {"unsupervised", "別端末", "unsupervised", "○", "reauth", "none", "kitting agent-reauth"},
    {"unsupervised", "別端末", "supervised", "○", "reauth", "ok", "agent-reauth"},
    /* ■ バックアップ端末が監視対象の場合 */
    {"supervised", "同端末", "unsupervised", "○", "ok", "ok", "becomes-supervised"},
    {"supervised", "同端末", "supervised", "○", "ok", "ok", ""},
    {"supervised", "別端末", "unsupervised", "○", "reauth", "none", "kitting agent-reauth"},
    {"supervised", "別端末", "supervised", "○", "reauth", "ok", "agent-reauth"},
    /* ■ バックアップ端末がMDM未導入の場合 */
    {"no-mdm", "同端末", "unsupervised", "○", "none", "none", "agent-auth"},
    {"no-mdm", "同端末", "supervised", "×", "-", "-", ""},
    {"no-mdm", "別端末", "unsupervised", "○", "none", "none", "agent-auth"},
    {"no-mdm", "別端末", "supervised", "○", "none", "ok", "agent-install agent-auth"},
};

static const struct kb_case *find(int i) {
    enum kb_source source;
    enum kb_target_state target;
    ck_assert(kb_source_parse(manual[i].source, &source));
    ck_assert(kb_target_parse(manual[i].target, &target));
    return kb_case_find(source, strcmp(manual[i].same, "同端末") == 0, target);
}

START_TEST(test_row) {
    const struct kb_case *row = find(_i);
    char follow_ups[80] = "";
    ck_assert_ptr_nonnull(row);
    ck_assert_str_eq(row->supported ? "○" : "×", manual[_i].support);
    if (row->supported) {
        ck_assert_str_eq(kb_agent_name(row->agent), manual[_i].agent);
        ck_assert_str_eq(kb_mdm_name(row->mdm), manual[_i].mdm);
    }
    for (int i = 0; i < KB_MAX_FOLLOW_UPS && row->follow_ups[i] != KB_STEP_NONE; i++) {
        if (i > 0) strcat(follow_ups, " ");
        strcat(follow_ups, kb_step_name(row->follow_ups[i]));
    }
    ck_assert_str_eq(follow_ups, manual[_i].follow_ups);
}
END_TEST

/* The array is the manual, in its order, each pair once. */
START_TEST(test_order) {
    ck_assert_int_eq(KB_CASE_COUNT, KB_ARRAY_SIZE(manual));
    ck_assert_ptr_eq(find(_i), &kb_cases[_i]);
}
END_TEST

START_TEST(test_reauth_has_its_step) {
    const struct kb_case *row = &kb_cases[_i];
    bool has = false;
    for (int i = 0; i < KB_MAX_FOLLOW_UPS; i++) has |= row->follow_ups[i] == KB_STEP_AGENT_REAUTH;
    ck_assert_int_eq(has, row->supported && row->agent == KB_AGENT_REAUTH);
}
END_TEST

START_TEST(test_unknown) {
    ck_assert_ptr_null(kb_case_find(KB_SOURCE_UNKNOWN, true, KB_TARGET_SUPERVISED));
    ck_assert_ptr_null(kb_case_find(KB_SOURCE_SUPERVISED, true, KB_TARGET_UNKNOWN));
    ck_assert_ptr_null(kb_case_find(KB_SOURCE_UNKNOWN, false, KB_TARGET_UNKNOWN));
}
END_TEST

START_TEST(test_words) {
    enum kb_target_state target = KB_TARGET_SUPERVISED;
    ck_assert(!kb_target_parse("", &target) && !kb_target_parse("no-mdm", &target) && !kb_target_parse(NULL, &target));
    ck_assert_int_eq(target, KB_TARGET_SUPERVISED); /* untouched */
    ck_assert(kb_target_parse("unsupervised", &target));
    ck_assert_int_eq(target, KB_TARGET_UNSUPERVISED);
    ck_assert_str_eq(kb_target_name(KB_TARGET_UNKNOWN), "");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("policy/cases");
    TCase *tests = tcase_create("cases");
    tcase_add_loop_test(tests, test_row, 0, KB_ARRAY_SIZE(manual));
    tcase_add_loop_test(tests, test_order, 0, KB_ARRAY_SIZE(manual));
    tcase_add_loop_test(tests, test_reauth_has_its_step, 0, KB_CASE_COUNT);
    tcase_add_test(tests, test_unknown);
    tcase_add_test(tests, test_words);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
