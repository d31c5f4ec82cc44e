/* Procedures in the manual's order, the evidence table, and that every step speaks both languages. */
#include "kitbench/policy.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Expectations typed from the manual: iTunes/Finder 手順, iCloud 手順, then the row's remarks. */
static const struct {
    const char *why;
    enum kb_route route;
    enum kb_source source;
    bool same;
    enum kb_target_state target;
    const char *steps;
} plans[] = {
    {"USB, other device, supervised onto supervised", KB_ROUTE_USB, KB_SOURCE_SUPERVISED, false, KB_TARGET_SUPERVISED,
     "start-setup choose-restore wifi remote-management apple-id finish-setup home-screen agent-reauth"},
    {"USB, other device, kitting and re-authentication", KB_ROUTE_USB, KB_SOURCE_UNSUPERVISED, false,
     KB_TARGET_UNSUPERVISED,
     "start-setup choose-restore wifi remote-management apple-id finish-setup home-screen kitting agent-reauth"},
    {"USB, same device: Remote Management stays in the list", KB_ROUTE_USB, KB_SOURCE_SUPERVISED, true,
     KB_TARGET_UNSUPERVISED,
     "start-setup choose-restore wifi remote-management apple-id finish-setup home-screen becomes-supervised"},
    {"USB, without MDM before", KB_ROUTE_USB, KB_SOURCE_NO_MDM, false, KB_TARGET_SUPERVISED,
     "start-setup choose-restore wifi remote-management apple-id finish-setup home-screen agent-install agent-auth"},
    {"iCloud, other device", KB_ROUTE_ICLOUD, KB_SOURCE_SUPERVISED, false, KB_TARGET_SUPERVISED,
     "icloud-backup start-setup choose-icloud-restore apple-id choose-backup remote-management home-screen "
     "agent-reauth"},
    {"iCloud, same device: no Remote Management", KB_ROUTE_ICLOUD, KB_SOURCE_SUPERVISED, true, KB_TARGET_SUPERVISED,
     "icloud-backup start-setup choose-icloud-restore apple-id choose-backup home-screen"},
    {"iCloud, same device without MDM", KB_ROUTE_ICLOUD, KB_SOURCE_NO_MDM, true, KB_TARGET_UNSUPERVISED,
     "icloud-backup start-setup choose-icloud-restore apple-id choose-backup home-screen agent-auth"},
    {"not supported: no procedure", KB_ROUTE_USB, KB_SOURCE_UNSUPERVISED, true, KB_TARGET_SUPERVISED, ""},
    {"row unknown: without follow-ups", KB_ROUTE_USB, KB_SOURCE_UNKNOWN, false, KB_TARGET_SUPERVISED,
     "start-setup choose-restore wifi remote-management apple-id finish-setup home-screen"},
};

static void join(char *out, const enum kb_step *steps, int count) {
    *out = '\0';
    for (int i = 0; i < count; i++) {
        if (i > 0) strcat(out, " ");
        strcat(out, kb_step_name(steps[i]));
    }
}

START_TEST(test_plan) {
    enum kb_step steps[KB_MAX_PLAN];
    char text[400];
    const struct kb_case *row = kb_case_find(plans[_i].source, plans[_i].same, plans[_i].target);
    int count = kb_plan_steps(plans[_i].route, row, plans[_i].same ? KB_YES : KB_NO, steps);
    join(text, steps, count);
    ck_assert_msg(strcmp(text, plans[_i].steps) == 0, "%s: %s", plans[_i].why, text);
}
END_TEST

START_TEST(test_plan_without_row) {
    enum kb_step steps[KB_MAX_PLAN];
    ck_assert_int_eq(kb_plan_steps(KB_ROUTE_ICLOUD, NULL, KB_YES, steps), 6); /* same device: nothing to manage */
    ck_assert_int_eq(kb_plan_steps(KB_ROUTE_ICLOUD, NULL, KB_NO, steps), 7);
    ck_assert_int_eq(kb_plan_steps(KB_ROUTE_ICLOUD, NULL, KB_UNKNOWN, steps), 7);
}
END_TEST

/* A reading: d done, a assistant, ? unknown; then mdm, supervised, agent as y n ?; R: the restore was taken. */
static const struct {
    const char *why;
    enum kb_step step;
    const char *reading;
    enum kb_step_state want;
} judged[] = {
    {"seen in Setup Assistant", KB_STEP_START_SETUP, "a???", KB_STEP_DONE},
    {"not seen yet", KB_STEP_START_SETUP, "????", KB_STEP_OPEN},
    {"set up: that is not Setup Assistant", KB_STEP_START_SETUP, "d???", KB_STEP_OPEN},
    {"restored: so it was there", KB_STEP_START_SETUP, "d???R", KB_STEP_DONE},
    {"the assistant alone chooses nothing", KB_STEP_CHOOSE_RESTORE, "a???", KB_STEP_OPEN},
    {"the restore was taken", KB_STEP_CHOOSE_RESTORE, "a???R", KB_STEP_DONE},
    {"no network seen", KB_STEP_WIFI, "an??R", KB_STEP_OPEN},
    {"a profile came over the network", KB_STEP_WIFI, "ay??R", KB_STEP_DONE},
    {"setup is done: it was on the network", KB_STEP_WIFI, "dn??R", KB_STEP_DONE},
    {"enrolled", KB_STEP_REMOTE_MANAGEMENT, "ayy?R", KB_STEP_DONE},
    {"not yet", KB_STEP_REMOTE_MANAGEMENT, "any?R", KB_STEP_OPEN},
    {"set up, unsupervised, without MDM: the screen never came", KB_STEP_REMOTE_MANAGEMENT, "dnn?R", KB_STEP_SKIPPED},
    {"set up and supervised without MDM: something is wrong, a person looks", KB_STEP_REMOTE_MANAGEMENT, "dny?R",
     KB_STEP_OPEN},
    {"set up, MDM unknown", KB_STEP_REMOTE_MANAGEMENT, "d?n?R", KB_STEP_OPEN},
    {"set up, supervision unknown", KB_STEP_REMOTE_MANAGEMENT, "dn??R", KB_STEP_OPEN},
    {"in the assistant nothing is skipped", KB_STEP_REMOTE_MANAGEMENT, "ann?R", KB_STEP_OPEN},
    {"nobody sees an Apple ID", KB_STEP_APPLE_ID, "dyyyR", KB_STEP_OPEN},
    {"still in the assistant", KB_STEP_FINISH_SETUP, "ayyyR", KB_STEP_OPEN},
    {"set up", KB_STEP_FINISH_SETUP, "d???R", KB_STEP_DONE},
    {"set up", KB_STEP_HOME_SCREEN, "d???R", KB_STEP_DONE},
    {"unknown is not set up", KB_STEP_HOME_SCREEN, "?yyyR", KB_STEP_OPEN},
    {"kitted", KB_STEP_KITTING, "dyn?R", KB_STEP_DONE},
    {"kitting is never skipped", KB_STEP_KITTING, "dnn?R", KB_STEP_OPEN},
    {"a person authenticates", KB_STEP_AGENT_REAUTH, "dyyyR", KB_STEP_OPEN},
    {"a person authenticates", KB_STEP_AGENT_AUTH, "dyyyR", KB_STEP_OPEN},
    {"the agent is there", KB_STEP_AGENT_INSTALL, "d??yR", KB_STEP_DONE},
    {"the agent is not there", KB_STEP_AGENT_INSTALL, "dyynR", KB_STEP_OPEN},
    {"supervised", KB_STEP_BECOMES_SUPERVISED, "d?y?R", KB_STEP_DONE},
    {"not supervised", KB_STEP_BECOMES_SUPERVISED, "dyn?R", KB_STEP_OPEN},
    {"an iCloud backup is made by hand", KB_STEP_ICLOUD_BACKUP, "dyyyR", KB_STEP_OPEN},
    {"no restore seen", KB_STEP_CHOOSE_ICLOUD_RESTORE, "a???", KB_STEP_OPEN},
    {"no restore seen", KB_STEP_CHOOSE_BACKUP, "a???", KB_STEP_OPEN},
    {"no step at all", KB_STEP_NONE, "dyyyR", KB_STEP_OPEN},
};

static enum kb_tri tri(char c) { return c == 'y' ? KB_YES : c == 'n' ? KB_NO : KB_UNKNOWN; }

static void read_as(struct kb_device *device, const char *reading) {
    kb_device_init(device);
    device->setup = reading[0] == 'd' ? KB_SETUP_DONE : reading[0] == 'a' ? KB_SETUP_ASSISTANT : KB_SETUP_UNKNOWN;
    device->mdm = tri(reading[1]);
    device->supervised = tri(reading[2]);
    device->agent = tri(reading[3]);
}

START_TEST(test_evidence) {
    struct kb_device device;
    read_as(&device, judged[_i].reading);
    bool restored = strchr(judged[_i].reading, 'R') != NULL;
    ck_assert_msg(kb_step_judge(judged[_i].step, &device, restored) == judged[_i].want, "%s: %s",
                  kb_step_name(judged[_i].step), judged[_i].why);
}
END_TEST

START_TEST(test_icloud_evidence) {
    struct kb_device device;
    read_as(&device, "a???");
    strcpy(device.restore_state, "RestoringFromBackup");
    ck_assert_int_eq(kb_step_judge(KB_STEP_CHOOSE_BACKUP, &device, false), KB_STEP_DONE);
    ck_assert_int_eq(kb_step_judge(KB_STEP_CHOOSE_ICLOUD_RESTORE, &device, false), KB_STEP_DONE);
    ck_assert_int_eq(kb_step_judge(KB_STEP_CHOOSE_RESTORE, &device, false), KB_STEP_OPEN);
    strcpy(device.restore_state, "BackgroundRestoringFromiCloudBackup");
    ck_assert_int_eq(kb_step_judge(KB_STEP_CHOOSE_BACKUP, &device, false), KB_STEP_DONE);
    strcpy(device.restore_state, "RestoredFromiTunesBackup"); /* of an earlier life */
    ck_assert_int_eq(kb_step_judge(KB_STEP_CHOOSE_BACKUP, &device, false), KB_STEP_OPEN);
}
END_TEST

START_TEST(test_person) {
    static const enum kb_step by_hand[] = {KB_STEP_ICLOUD_BACKUP, KB_STEP_APPLE_ID, KB_STEP_AGENT_REAUTH,
                                           KB_STEP_AGENT_AUTH};
    for (int step = KB_STEP_NONE; step < KB_STEP_COUNT; step++) {
        bool want = false;
        for (size_t i = 0; i < KB_ARRAY_SIZE(by_hand); i++) want |= by_hand[i] == (enum kb_step)step;
        ck_assert_msg(kb_step_needs_person((enum kb_step)step) == want, "%s", kb_step_name((enum kb_step)step));
    }
}
END_TEST

static bool has_japanese(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text >= 0xe3) return true;
    }
    return false;
}

START_TEST(test_both_languages) {
    const char *english = kb_step_text(KB_LANG_EN, (enum kb_step)_i);
    const char *japanese = kb_step_text(KB_LANG_JA, (enum kb_step)_i);
    ck_assert_msg(*english && !has_japanese(english), "%s", kb_step_name((enum kb_step)_i));
    ck_assert_msg(has_japanese(japanese), "%s: %s", kb_step_name((enum kb_step)_i), japanese);
}
END_TEST

START_TEST(test_three_taps) {
    const char *japanese = kb_step_text(KB_LANG_JA, KB_STEP_AGENT_REAUTH);
    const char *portal = strstr(japanese, "ポータル"), *agent = strstr(japanese, "エージェントを認証する"),
               *start = strstr(japanese, "起動して認証");
    ck_assert(portal && agent && start && portal < agent && agent < start);
    ck_assert_str_eq(kb_step_text(KB_LANG_JA, KB_STEP_NONE), "");
}
END_TEST

START_TEST(test_words) {
    enum kb_route route = KB_ROUTE_ICLOUD;
    enum kb_step_state state;
    for (int step = KB_STEP_NONE + 1; step < KB_STEP_COUNT; step++)
        ck_assert_int_eq(kb_step_from_name(kb_step_name((enum kb_step)step)), step);
    ck_assert_int_eq(kb_step_from_name("wi-fi"), KB_STEP_NONE);
    ck_assert_int_eq(kb_step_from_name(""), KB_STEP_NONE);
    ck_assert_int_eq(kb_step_from_name(NULL), KB_STEP_NONE);
    ck_assert_str_eq(kb_step_name((enum kb_step)999), "");
    ck_assert(!kb_route_parse("USB", &route) && !kb_route_parse("", &route));
    ck_assert(kb_route_parse("usb", &route) && route == KB_ROUTE_USB);
    ck_assert(kb_step_state_parse("skipped", &state) && state == KB_STEP_SKIPPED);
    ck_assert(!kb_step_state_parse("closed", &state));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("policy/steps");
    TCase *tests = tcase_create("steps");
    tcase_add_loop_test(tests, test_plan, 0, KB_ARRAY_SIZE(plans));
    tcase_add_test(tests, test_plan_without_row);
    tcase_add_loop_test(tests, test_evidence, 0, KB_ARRAY_SIZE(judged));
    tcase_add_test(tests, test_icloud_evidence);
    tcase_add_test(tests, test_person);
    tcase_add_loop_test(tests, test_both_languages, KB_STEP_NONE + 1, KB_STEP_COUNT);
    tcase_add_test(tests, test_three_taps);
    tcase_add_test(tests, test_words);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
