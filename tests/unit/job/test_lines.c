/* The lines have exactly the contract's keys, and a transfer says what it waits for. */
#include "sham.h"
#include <check.h>
#include <stdlib.h>

START_TEST(test_progress_keys) {
    struct sham sham;
    sham_init(&sham);
    kb_job_progress(&sham.job, "backing-up", 12.34, 99);
    kb_job_progress(&sham.job, "rebooting", -1, -1);
    char *line = kb_json_line(sham_said(&sham, 0));
    ck_assert_msg(strstr(line, "{\"event\":\"progress\",\"device\":\"" SHAM_UDID
                               "\",\"phase\":\"backing-up\",\"done_pct\":12.3") == line,
                  "%s", line);
    ck_assert_msg(strstr(line, ",\"bytes\":99}") != NULL, "%s", line);
    free(line);
    line = kb_json_line(sham_said(&sham, 1));
    ck_assert_str_eq(line, "{\"event\":\"progress\",\"device\":\"" SHAM_UDID
                           "\",\"phase\":\"rebooting\",\"done_pct\":null,\"bytes\":null}");
    free(line);
    sham_release(&sham);
}
END_TEST

/* Ten times a second in, at most four out; a new phase and the end are always told. */
START_TEST(test_progress_is_paced) {
    struct sham sham;
    sham_init(&sham);
    for (int i = 0; i < 100; i++, sham.now_ms += 100) kb_job_progress(&sham.job, "restoring", i * 0.5, i);
    ck_assert_uint_le(json_array_size(sham.lines), 40);
    ck_assert_uint_ge(json_array_size(sham.lines), 30);
    size_t before = json_array_size(sham.lines);
    kb_job_progress(&sham.job, "sealing", 0, 0);
    kb_job_progress(&sham.job, "sealing", 100, 5);
    ck_assert_uint_eq(json_array_size(sham.lines), before + 2);
    sham_release(&sham);
}
END_TEST

START_TEST(test_result_keys) {
    struct sham sham;
    sham_init(&sham);
    struct kb_result res = kb_fail(KB_BACKUP2, 211, "off");
    kb_job_result_line(&sham.job, "failed", &res);
    res = kb_ok();
    kb_job_result_line(&sham.job, "restored", &res);
    char *line = kb_json_line(sham_said(&sham, 0));
    ck_assert_str_eq(line,
                     "{\"event\":\"result\",\"device\":\"" SHAM_UDID
                     "\",\"outcome\":\"failed\",\"domain\":\"backup2\",\"code\":211,\"text\":\"off\",\"exit\":5}");
    free(line);
    line = kb_json_line(sham_said(&sham, 1));
    ck_assert_str_eq(line, "{\"event\":\"result\",\"device\":\"" SHAM_UDID
                           "\",\"outcome\":\"restored\",\"domain\":\"ok\",\"code\":0,\"text\":null,\"exit\":0}");
    free(line);
    sham_release(&sham);
}
END_TEST

/* ---- Transfers ----------------------------------------------------------------------------------------------------
 */

static bool silence(struct sham *sham, struct job_transfer *t, int from, int to, bool first) {
    for (int s = from; s <= to; s += 5, sham->now_ms += 5000)
        if (!t->events.silent(t->events.arg, s, first)) return false;
    return true;
}

static int count_asks(const struct sham *sham, const char *ask) {
    int count = 0;
    for (size_t i = 0; i < json_array_size(sham->lines); i++)
        if (!strcmp(sham_text(sham, i, "event"), "operator") && !strcmp(sham_text(sham, i, "ask"), ask)) count++;
    return count;
}

START_TEST(test_first_silence_is_the_passcode) {
    struct sham sham;
    struct job_transfer t;
    sham_init(&sham);
    sham.request.wait_s = 60;
    kb_job_transfer_init(&t, &sham.job, "backing-up");
    t.first_is_passcode = true;
    ck_assert(silence(&sham, &t, 5, 60, true));
    ck_assert_int_ge(count_asks(&sham, "passcode"), 1);
    ck_assert_msg(strstr(sham_text(&sham, 1, "text"), "60") != NULL, "what remains: %s", sham_text(&sham, 1, "text"));
    ck_assert_msg(!silence(&sham, &t, 65, 75, true), "waited past --wait");
    ck_assert(t.gave_up);
    struct kb_result res = kb_fail(KB_BACKUP2, KB_LINK_SILENT, "x");
    res = kb_job_transfer_words(&t, res, false);
    ck_assert_int_eq(res.domain, KB_OPERATOR);
    ck_assert_int_eq(res.code, KB_ASK_PASSCODE);
    sham_release(&sham);
}
END_TEST

/* --wait 0: says what it wants, without a count of nothing, and gives up at once. */
START_TEST(test_passcode_without_waiting) {
    struct sham sham;
    struct job_transfer t;
    sham_init(&sham);
    sham.request.wait_s = 0;
    kb_job_transfer_init(&t, &sham.job, "backing-up");
    t.first_is_passcode = true;
    ck_assert(!silence(&sham, &t, 2, 2, true));
    ck_assert_int_eq(count_asks(&sham, "passcode"), 1);
    ck_assert_str_eq(sham_text(&sham, 1, "text"), kb_ask_text(KB_LANG_EN, KB_ASK_PASSCODE));
    sham_release(&sham);
}
END_TEST

START_TEST(test_later_silence_is_the_device_at_work) {
    struct sham sham;
    struct job_transfer t;
    sham_init(&sham);
    sham.request.wait_s = 0;
    sham.request.patience_s = 100;
    kb_job_transfer_init(&t, &sham.job, "backing-up");
    t.first_is_passcode = true;
    t.events.progress(t.events.arg, 3, 10);
    ck_assert(silence(&sham, &t, 5, 95, false));
    ck_assert(!silence(&sham, &t, 100, 100, false));
    ck_assert_int_eq(count_asks(&sham, "passcode"), 0);
    struct kb_result res = kb_fail(KB_BACKUP2, KB_LINK_SILENT, "x");
    res = kb_job_transfer_words(&t, res, false);
    ck_assert_int_eq(res.domain, KB_BACKUP2);
    sham_release(&sham);
}
END_TEST

START_TEST(test_announced_passcode) {
    struct sham sham;
    struct job_transfer t;
    sham_init(&sham);
    sham.request.wait_s = 30;
    kb_job_transfer_init(&t, &sham.job, "backing-up");
    t.first_is_passcode = true;
    t.events.ask(t.events.arg, KB_ASK_PASSCODE);
    ck_assert_int_eq(count_asks(&sham, "passcode"), 1);
    ck_assert(silence(&sham, &t, 5, 10, true));
    t.events.ask(t.events.arg, KB_ASK_NONE); /* entered: what follows is the device scanning itself */
    ck_assert(silence(&sham, &t, 15, 200, true));
    ck_assert_int_eq(count_asks(&sham, "passcode"), 1);
    sham_release(&sham);
}
END_TEST

START_TEST(test_restore_does_not_take_silence_for_a_prompt) {
    struct sham sham;
    struct job_transfer t;
    sham_init(&sham);
    sham.request.wait_s = 0;
    kb_job_transfer_init(&t, &sham.job, "restoring");
    ck_assert(silence(&sham, &t, 5, 90, true));
    ck_assert_int_eq(count_asks(&sham, "passcode"), 0);
    sham_release(&sham);
}
END_TEST

/* ---- Was it restored ----------------------------------------------------------------------------------------------
 */

static const struct {
    const char *why;
    bool answered;
    enum kb_tri encrypted, before;
    const char *state_before, *state_after;
    enum kb_trust trust;
    enum kb_setup setup;
    enum kb_tri after;
    enum kb_tri want;
} returns[] = {
    {"it says so", true, KB_YES, KB_NO, "", "RestoredFromiTunesBackup", KB_TRUST_TRUSTED, KB_SETUP_ASSISTANT, KB_YES,
     KB_YES},
    {"lost late, and it says so", false, KB_YES, KB_NO, "", "RestoredFromiTunesBackup", KB_TRUST_TRUSTED,
     KB_SETUP_ASSISTANT, KB_YES, KB_YES},
    {"lost late, and it said so before", false, KB_NO, KB_NO, "RestoredFromiTunesBackup", "RestoredFromiTunesBackup",
     KB_TRUST_TRUSTED, KB_SETUP_ASSISTANT, KB_NO, KB_UNKNOWN},
    {"lost late, encryption came with the backup", false, KB_YES, KB_NO, "", "", KB_TRUST_TRUSTED, KB_SETUP_ASSISTANT,
     KB_YES, KB_YES},
    {"lost late, encryption was on before: no proof, and no word", false, KB_YES, KB_YES, "", "", KB_TRUST_TRUSTED,
     KB_SETUP_ASSISTANT, KB_YES, KB_NO},
    {"lost late, encryption did not come", false, KB_YES, KB_NO, "", "", KB_TRUST_TRUSTED, KB_SETUP_ASSISTANT, KB_NO,
     KB_NO},
    {"said 0, but encryption did not come", true, KB_YES, KB_NO, "", "", KB_TRUST_TRUSTED, KB_SETUP_ASSISTANT, KB_NO,
     KB_NO},
    {"said 0, and nothing contradicts", true, KB_YES, KB_YES, "", "", KB_TRUST_TRUSTED, KB_SETUP_UNKNOWN, KB_UNKNOWN,
     KB_YES},
    {"not trusted: not read", true, KB_YES, KB_NO, "", "", KB_TRUST_UNTRUSTED, KB_SETUP_UNKNOWN, KB_UNKNOWN,
     KB_UNKNOWN},
    {"lost late, nothing readable", false, KB_YES, KB_NO, "", "", KB_TRUST_TRUSTED, KB_SETUP_UNKNOWN, KB_UNKNOWN,
     KB_UNKNOWN},
    {"lost late, plain backup, a fresh Setup Assistant", false, KB_NO, KB_NO, "", "", KB_TRUST_TRUSTED,
     KB_SETUP_ASSISTANT, KB_NO, KB_NO},
};

START_TEST(test_was_restored) {
    struct job_before before = {returns[_i].encrypted, returns[_i].before, ""};
    struct kb_device after;
    kb_device_init(&after);
    kb_text_copy(before.restore_state, sizeof before.restore_state, returns[_i].state_before);
    kb_text_copy(after.restore_state, sizeof after.restore_state, returns[_i].state_after);
    after.trust = returns[_i].trust;
    after.setup = returns[_i].setup;
    after.backup_encryption = returns[_i].after;
    ck_assert_msg(kb_job_was_restored(returns[_i].answered, &before, &after) == returns[_i].want, "%s",
                  returns[_i].why);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("job lines");
    TCase *tcase = tcase_create("lines");
    tcase_add_test(tcase, test_progress_keys);
    tcase_add_test(tcase, test_progress_is_paced);
    tcase_add_test(tcase, test_result_keys);
    tcase_add_test(tcase, test_first_silence_is_the_passcode);
    tcase_add_test(tcase, test_passcode_without_waiting);
    tcase_add_test(tcase, test_later_silence_is_the_device_at_work);
    tcase_add_test(tcase, test_announced_passcode);
    tcase_add_test(tcase, test_restore_does_not_take_silence_for_a_prompt);
    tcase_add_loop_test(tcase, test_was_restored, 0, (int)KB_ARRAY_SIZE(returns));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
