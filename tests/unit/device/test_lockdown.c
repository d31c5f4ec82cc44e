/* lockdown's answers, by the library's numbers, over a device that is a script. */
#include "../../../src/device/lockdown.h"
#include "fake.h"

static void say_xml(struct kb_buf *in, const char *inside) {
    char text[2000];
    int size = snprintf(text, sizeof text, "<plist version=\"1.0\">%s</plist>", inside);

    say_u32(in, (uint32_t)size);
    kb_buf_add(in, text, (size_t)size);
}

#define ERROR(name) "<dict><key>Request</key><string>GetValue</string><key>Error</key><string>" name "</string></dict>"

static const struct {
    const char *why, *reply;
    int code;
    const char *value;
} answers[] = {
    {"a value", "<dict><key>Value</key><string>17.5</string></dict>", 0, "17.5"},
    {"yes, and no value", "<dict><key>Request</key><string>GetValue</string></dict>", 0, NULL},
    {"absent", ERROR("MissingValue"), -12, NULL},
    {"locked", ERROR("PasswordProtected"), -17, NULL},
    {"forgotten", ERROR("InvalidHostID"), -21, NULL},
    {"the last of the names", ERROR("MCChallengeRequired"), -39, NULL},
    {"a name of tomorrow", ERROR("Tomorrow"), -256, NULL},
    {"an Error beside a Result counts",
     "<dict><key>Result</key><string>Success</string><key>Error</key><string>EscrowLocked</string></dict>", -35, NULL},
    {"the way of iOS 4", "<dict><key>Result</key><string>Failure</string></dict>", -256, NULL},
    {"a control character in a name", "<dict><key>Value</key><string>a\x01z</string></dict>", 0, "a z"},
    {"an array", "<array/>", -10, NULL},
    {"nonsense", "<dict", KB_DEVICE_PROTOCOL, NULL},
};

START_TEST(test_answers) {
    struct fake_line line = {0};
    struct kb_buf in = {0};
    struct kb_lockdown lockdown = {0};
    plist_t value = NULL;

    say_xml(&in, answers[_i].reply);
    line.in = in.data;
    line.in_size = in.size;
    line.chunk = 7;
    lockdown.service.stream = fake_stream(&line);
    struct kb_result res = kb_lockdown_value(&lockdown, NULL, "ProductVersion", &value);
    ck_assert_msg(res.code == answers[_i].code, "%s: %d %s", answers[_i].why, res.code, res.text);
    if (answers[_i].value) ck_assert_str_eq(kb_node_text(value), answers[_i].value);
    if (!answers[_i].value) ck_assert_ptr_null(value);
    plist_free(value);
    kb_lockdown_close(&lockdown);
    kb_buf_release(&line.out);
    kb_buf_release(&in);
}
END_TEST

/* After an answer that never came nothing more is asked: a late one would be taken for the next. */
START_TEST(test_dead_after_a_failure) {
    struct fake_line line = {0};
    struct kb_lockdown lockdown = {0};
    plist_t value = NULL;

    line.in = "";
    lockdown.service.stream = fake_stream(&line);
    struct kb_result res = kb_lockdown_value(&lockdown, NULL, "A", &value);
    ck_assert(kb_is(&res, KB_LOCKDOWN, LOCKDOWN_E_MUX_ERROR));
    ck_assert(kb_lockdown_dead(&lockdown));
    res = kb_lockdown_value(&lockdown, NULL, "B", &value);
    ck_assert(kb_is(&res, KB_LOCKDOWN, LOCKDOWN_E_MUX_ERROR));
    ck_assert_ptr_null(value);
    kb_buf_release(&line.out);
}
END_TEST

static const struct {
    const char *why, *reply;
    int code, port;
    bool tls;
} services[] = {
    {"with TLS", "<dict><key>Port</key><integer>50000</integer><key>EnableServiceSSL</key><true/></dict>", 0, 50000,
     true},
    {"in clear", "<dict><key>Port</key><integer>50000</integer></dict>", 0, 50000, false},
    {"no port", "<dict/>", -10, 0, false},
    {"a port beyond", "<dict><key>Port</key><integer>65536</integer></dict>", -10, 0, false},
    {"refused", ERROR("InvalidService"), -27, 0, false},
};

START_TEST(test_services) {
    struct fake_line line = {0};
    struct kb_buf in = {0};
    struct kb_lockdown lockdown = {0};
    struct kb_port port;

    say_xml(&in, services[_i].reply);
    line.in = in.data;
    line.in_size = in.size;
    lockdown.service.stream = fake_stream(&line);
    struct kb_result res = kb_lockdown_service(&lockdown, "com.apple.afc", false, &port);
    ck_assert_msg(res.code == services[_i].code, "%s: %s", services[_i].why, res.text);
    if (!kb_failed(&res)) ck_assert_int_eq(port.descriptor.port, services[_i].port);
    if (!kb_failed(&res)) ck_assert_int_eq(port.descriptor.ssl_enabled, services[_i].tls);
    kb_lockdown_close(&lockdown);
    kb_buf_release(&line.out);
    kb_buf_release(&in);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("lockdown");
    TCase *tcase = tcase_create("lockdown");
    SRunner *runner;

    kb_lang_set(KB_LANG_EN);
    tcase_add_loop_test(tcase, test_answers, 0, KB_ARRAY_SIZE(answers));
    tcase_add_test(tcase, test_dead_after_a_failure);
    tcase_add_loop_test(tcase, test_services, 0, KB_ARRAY_SIZE(services));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
