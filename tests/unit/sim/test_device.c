/* What a restore makes of a device, by the manual's three tables, and what the operator's hand may do afterwards. */
#include "../../sim/parts.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sim bench;

static struct sim_device *device(const char *json) {
    char path[] = "/tmp/phonesim-test.XXXXXX", why[300] = "";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    dprintf(fd, "{\"devices\":[%s]}", json);
    close(fd);
    memset(&bench, 0, sizeof bench);
    pthread_mutex_init(&bench.lock, NULL);
    bool ok = sim_scenario_load(&bench, path, why, sizeof why);
    unlink(path);
    ck_assert_msg(ok, "%s", why);
    return bench.devices[0];
}

#define SAME  "00008030-001A2B3C4D5E8000" /* the first device's own UDID */
#define OTHER "00008030-00000000000000AA"

/* agent: 'o' as itself, 'r' as the old device, '-' none. mdm: 'o' at once, 'n' after Remote Management, 'k' after
 * kitting. */
static const struct {
    const char *why;
    bool same, target_supervised, source_supervised, source_mdm;
    char agent, mdm;
    bool supervised_after;
} rows[] = {
    {"unsupervised backup, same device, unsupervised", true, false, false, true, 'o', 'o', false},
    {"unsupervised backup, other device, unsupervised", false, false, false, true, 'r', 'k', false},
    {"unsupervised backup, other device, supervised", false, true, false, true, 'r', 'n', true},
    {"supervised backup, same device, unsupervised: becomes supervised", true, false, true, true, 'o', 'o', true},
    {"supervised backup, same device, supervised", true, true, true, true, 'o', 'o', true},
    {"supervised backup, other device, unsupervised", false, false, true, true, 'r', 'k', false},
    {"supervised backup, other device, supervised", false, true, true, true, 'r', 'n', true},
    {"no MDM, same device, unsupervised", true, false, false, false, '-', 'k', false},
    {"no MDM, other device, unsupervised", false, false, false, false, '-', 'k', false},
    {"no MDM, other device, supervised", false, true, false, false, '-', 'n', true},
};

static void check_mdm(struct sim_device *dev, char mdm, const char *why) {
    ck_assert_msg(dev->mdm_enrolled == (mdm == 'o'), "%s: MDM right after the restore", why);
    if (mdm == 'n') ck_assert_msg(sim_operator(dev, "next", NULL) == NULL, "%s: Remote Management", why);
    if (mdm == 'k') ck_assert_msg(sim_operator(dev, "next", NULL) != NULL, "%s: no Remote Management", why);
    ck_assert_msg(dev->mdm_enrolled == (mdm != 'k'), "%s: MDM after Remote Management", why);
    ck_assert(sim_operator(dev, "kit", NULL) != NULL); /* not before setup is finished */
    ck_assert(sim_operator(dev, "finish-setup", NULL) == NULL);
    ck_assert(sim_operator(dev, "kit", NULL) == NULL);
    ck_assert_msg(dev->mdm_enrolled, "%s: MDM after kitting", why);
}

START_TEST(test_restore_table) {
    char json[300];
    bool supervised = rows[_i].target_supervised;
    snprintf(json, sizeof json, "{\"phase\":\"assistant\",\"supervised\":%s%s}", supervised ? "true" : "false",
             supervised ? ",\"ade\":{\"identifier\":\"com.example.mdm\"}" : "");
    struct sim_device *dev = device(json);
    struct sim_agent agent = {"com.example.agent", rows[_i].source_mdm, rows[_i].source_mdm, OTHER};
    const char *source = rows[_i].same ? SAME : OTHER, *why = rows[_i].why;
    sim_apply_restore(dev, source, rows[_i].source_supervised, rows[_i].source_mdm, &agent);
    const char *reports_as = rows[_i].agent == 'o' ? SAME : rows[_i].agent == 'r' ? OTHER : "";
    ck_assert_msg(strcmp(dev->agent.reports_as, reports_as) == 0, "%s: reports as %s", why, dev->agent.reports_as);
    ck_assert_msg(dev->agent.authenticated == (rows[_i].agent != '-'), "%s: agent", why);
    ck_assert_msg(dev->supervised == rows[_i].supervised_after, "%s: supervision", why);
    ck_assert_str_eq(dev->restored_from, source);
    ck_assert_str_eq(dev->restore_state, "RestoredFromiTunesBackup");
    check_mdm(dev, rows[_i].mdm, why);
    if (rows[_i].agent == '-') ck_assert(sim_operator(dev, "install-agent", NULL) == NULL);
    ck_assert(sim_operator(dev, "reauth-agent", NULL) == NULL);
    ck_assert_str_eq(dev->agent.reports_as, SAME);
}
END_TEST

static const struct {
    const char *json, *says;
} wrong[] = {
    {"{\"colour\":\"red\"}", "no key \"colour\""},
    {"{\"name\":7}", "wrong kind"},
    {"{\"phase\":\"asleep\"}", "not asleep"},
    {"{\"faults\":[{\"action\":\"explode\"}]}", "action"},
    {"{\"faults\":[{\"action\":\"slow\",\"speed\":1}]}", "no key \"speed\""},
    {"{\"agent\":{\"name\":\"x\"}}", "no key \"name\""},
    {"{\"supervisor_certificates\":[\"/nowhere.pem\"]}", "/nowhere.pem"},
};

START_TEST(test_scenario_refused) {
    char path[] = "/tmp/phonesim-test.XXXXXX", why[300] = "";
    int fd = mkstemp(path);
    dprintf(fd, "{\"devices\":[%s]}", wrong[_i].json);
    close(fd);
    memset(&bench, 0, sizeof bench);
    bool ok = sim_scenario_load(&bench, path, why, sizeof why);
    unlink(path);
    ck_assert_msg(!ok, "taken: %s", wrong[_i].json);
    ck_assert_msg(strstr(why, wrong[_i].says) != NULL, "%s: %s", wrong[_i].json, why);
}
END_TEST

START_TEST(test_keys_differ) {
    EVP_PKEY *keys[20];
    for (int i = 0; i < 20; i++) keys[i] = sim_key_make(i * 7);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(EVP_PKEY_get_bits(keys[i]), 2048);
        for (int k = 0; k < i; k++) ck_assert_int_ne(EVP_PKEY_eq(keys[i], keys[k]), 1);
    }
    for (int i = 0; i < 20; i++) EVP_PKEY_free(keys[i]);
}
END_TEST

START_TEST(test_values_without_session) {
    struct sim_device *dev = device("{\"name\":\"A\",\"find_my\":true}");
    const char *error = NULL;
    plist_t value = sim_value_get(dev, false, NULL, "ProductVersion", &error);
    ck_assert(value && !error);
    plist_free(value);
    ck_assert(!sim_value_get(dev, false, NULL, "SerialNumber", &error));
    ck_assert_str_eq(error, "MissingValue");
    ck_assert(!sim_value_get(dev, false, "com.apple.mobile.backup", NULL, &error));
    ck_assert_str_eq(error, "GetProhibited");
    value = sim_value_get(dev, true, "com.apple.fmip", NULL, &error);
    ck_assert_int_eq((int)plist_dict_get_size(value), 0); /* must be asked with its key */
    plist_free(value);
    value = sim_value_get(dev, true, "com.apple.fmip", "IsAssociated", &error);
    ck_assert(plist_bool_val_is_true(value));
    plist_free(value);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sim device");
    TCase *tests = tcase_create("device");
    tcase_add_loop_test(tests, test_restore_table, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_loop_test(tests, test_scenario_refused, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(tests, test_keys_differ);
    tcase_add_test(tests, test_values_without_session);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
