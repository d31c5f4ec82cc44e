/* Waiting for a hand: told once per ask, looked after once a second, and never without an end. */
#include "sham.h"
#include <check.h>
#include <stdlib.h>

/* What each look finds, second by second; the last one stays. */
struct script {
    struct {
        enum kb_domain domain;
        int code;
        const char *text;
    } rows[8];
    int count, looks;
};

static struct kb_result look(struct job *job, void *arg) {
    struct script *script = arg;
    int i = script->looks < script->count ? script->looks : script->count - 1;
    (void)job;
    script->looks++;
    struct kb_result res = kb_ok();
    if (script->rows[i].domain != KB_OK)
        res = kb_fail(script->rows[i].domain, script->rows[i].code, "%s", script->rows[i].text);
    return res;
}

static const struct {
    const char *why;
    struct script script;
    int64_t wait_s, grace_s;
    enum kb_domain domain;
    int code, looks, told;
} cases[] = {
    {"done at once: nobody is asked", {{{KB_OK, 0, ""}}, 1, 0}, 180, 30, KB_OK, 0, 1, 0},
    {"trusted at the third look",
     {{{KB_OPERATOR, KB_ASK_TRUST, "t"}, {KB_OPERATOR, KB_ASK_TRUST, "t"}, {KB_OK, 0, ""}}, 3, 0},
     180,
     30,
     KB_OK,
     0,
     3,
     1},
    {"another ask is told too",
     {{{KB_OPERATOR, KB_ASK_TRUST, "t"}, {KB_OPERATOR, KB_ASK_UNLOCK, "u"}, {KB_OK, 0, ""}}, 3, 0},
     180,
     30,
     KB_OK,
     0,
     3,
     2},
    {"nobody comes: over after wait_s",
     {{{KB_OPERATOR, KB_ASK_UNLOCK, "u"}}, 1, 0},
     10,
     30,
     KB_OPERATOR,
     KB_ASK_UNLOCK,
     11,
     1},
    {"--wait 0 says so and does not wait",
     {{{KB_OPERATOR, KB_ASK_TRUST, "t"}}, 1, 0},
     0,
     30,
     KB_OPERATOR,
     KB_ASK_TRUST,
     1,
     1},
    {"no hand at the device can do it: not waited for",
     {{{KB_OPERATOR, KB_ASK_NONE, "--source-state"}}, 1, 0},
     180,
     30,
     KB_OPERATOR,
     KB_ASK_NONE,
     1,
     1},
    {"away for a moment after Trust",
     {{{KB_OPERATOR, KB_ASK_TRUST, "t"}, {KB_LOCKDOWN, KB_DEVICE_GONE, "g"}, {KB_OK, 0, ""}}, 3, 0},
     180,
     30,
     KB_OK,
     0,
     3,
     1},
    {"the daemon restarts meanwhile",
     {{{KB_OPERATOR, KB_ASK_TRUST, "t"}, {KB_USBMUX, KB_USBMUX_NO_DAEMON, "d"}, {KB_OK, 0, ""}}, 3, 0},
     180,
     30,
     KB_OK,
     0,
     3,
     1},
    {"away for good", {{{KB_LOCKDOWN, KB_DEVICE_GONE, "g"}}, 1, 0}, 180, 5, KB_LOCKDOWN, KB_DEVICE_GONE, 6, 0},
    {"no grace: a device that is gone is gone",
     {{{KB_LOCKDOWN, KB_DEVICE_GONE, "g"}}, 1, 0},
     180,
     0,
     KB_LOCKDOWN,
     KB_DEVICE_GONE,
     1,
     0},
    {"Don't Trust is an answer", {{{KB_LOCKDOWN, -18, "d"}}, 1, 0}, 180, 30, KB_LOCKDOWN, -18, 1, 0},
    {"pairing forbidden by a profile", {{{KB_LOCKDOWN, -38, "d"}}, 1, 0}, 180, 30, KB_LOCKDOWN, -38, 1, 0},
    {"another device in its place",
     {{{KB_LOCKDOWN, KB_DEVICE_OTHER, "o"}}, 1, 0},
     180,
     30,
     KB_LOCKDOWN,
     KB_DEVICE_OTHER,
     1,
     0},
    {"a rule that refuses ends it",
     {{{KB_OPERATOR, KB_ASK_TRUST, "t"}, {KB_POLICY, KB_RULE_OS_VERSION, "o"}}, 2, 0},
     180,
     30,
     KB_POLICY,
     KB_RULE_OS_VERSION,
     2,
     1},
};

START_TEST(test_case) {
    struct sham sham;
    sham_init(&sham);
    struct script script = cases[_i].script;
    sham.request.wait_s = cases[_i].wait_s;
    struct kb_result res = kb_job_hands(&sham.job, look, &script, cases[_i].grace_s);
    ck_assert_msg(res.domain == cases[_i].domain && res.code == cases[_i].code, "%s: %d/%d", cases[_i].why, res.domain,
                  res.code);
    ck_assert_msg(script.looks == cases[_i].looks, "%s: %d looks", cases[_i].why, script.looks);
    ck_assert_msg((int)json_array_size(sham.lines) == cases[_i].told, "%s: told %d times", cases[_i].why,
                  (int)json_array_size(sham.lines));
    ck_assert_msg(sham.deadlines >= script.looks, "%s: the watcher was not told", cases[_i].why);
    sham_release(&sham);
}
END_TEST

/* Two asks that alternate for ever end all the same. */
static struct kb_result flip(struct job *job, void *arg) {
    int *count = arg;
    (void)job;
    return kb_job_ask((*count)++ % 2 ? KB_ASK_TRUST : KB_ASK_UNLOCK);
}

START_TEST(test_flip_ends) {
    struct sham sham;
    int count = 0;
    sham_init(&sham);
    struct kb_result res = kb_job_hands(&sham.job, flip, &count, 30);
    ck_assert_int_eq(res.domain, KB_OPERATOR);
    ck_assert_int_le(count, 200);
    sham_release(&sham);
}
END_TEST

START_TEST(test_cancel) {
    struct sham sham;
    struct script script = {{{KB_OPERATOR, KB_ASK_TRUST, "t"}}, 1, 0};
    sham_init(&sham);
    sham.cancel_at_ms = sham.now_ms + 3000;
    struct kb_result res = kb_job_hands(&sham.job, look, &script, 30);
    ck_assert_int_eq(res.domain, KB_CANCELLED);
    ck_assert_int_eq(script.looks, 3);
    sham_release(&sham);
}
END_TEST

START_TEST(test_keys) {
    struct sham sham;
    struct script script = {{{KB_OPERATOR, KB_ASK_TRUST, "Tap Trust"}, {KB_OK, 0, ""}}, 2, 0};
    sham_init(&sham);
    struct kb_result res = kb_job_hands(&sham.job, look, &script, 30);
    ck_assert(!kb_failed(&res));
    char *line = kb_json_line(sham_said(&sham, 0));
    ck_assert_str_eq(line,
                     "{\"event\":\"operator\",\"device\":\"" SHAM_UDID "\",\"ask\":\"trust\",\"text\":\"Tap Trust\"}");
    free(line);
    sham_release(&sham);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("job hands");
    TCase *tcase = tcase_create("wait");
    tcase_add_loop_test(tcase, test_case, 0, (int)KB_ARRAY_SIZE(cases));
    tcase_add_test(tcase, test_flip_ends);
    tcase_add_test(tcase, test_cancel);
    tcase_add_test(tcase, test_keys);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
