/* Exit codes of the contract, and the error book: every code a sentence, in both languages. */
#include "kitbench/policy.h"

#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Typed from design.md section 2: 0 done, 1 unexpected, 2 usage, 3 refused, 4 password, 5 device, 6 backup, 7 operator,
   8 this computer, 130 cancelled. */
static const struct {
    const char *why;
    enum kb_domain domain;
    int code, exit;
} exits[] = {
    {"done", KB_OK, 0, 0},
    {"done, whatever the code", KB_OK, 77, 0},
    {"usage", KB_USAGE, 0, 2},
    {"refused by a rule", KB_POLICY, KB_RULE_OS_VERSION, 3},
    {"refused by a row", KB_POLICY, KB_RULE_UNSUPPORTED_CASE, 3},
    {"refused: Find My", KB_POLICY, KB_RULE_FIND_MY, 3},
    {"refused: plain backup", KB_POLICY, KB_RULE_BACKUP_UNENCRYPTED, 3},
    {"unknown", KB_POLICY, KB_RULE_NONE, 3},
    {"the password rule", KB_POLICY, KB_RULE_BACKUP_PASSWORD, 4},
    {"the backup's rules", KB_POLICY, KB_RULE_BACKUP_UNFINISHED, 6},
    {"the backup's rules", KB_POLICY, KB_RULE_BACKUP_DAMAGED, 6},
    {"the backup's rules", KB_POLICY, KB_RULE_BACKUP_HOSTILE, 6},
    {"a hand is needed", KB_OPERATOR, KB_ASK_TRUST, 7},
    {"password missing", KB_PASSWORD, KB_PASSWORD_MISSING, 4},
    {"password wrong", KB_PASSWORD, KB_PASSWORD_WRONG, 4},
    {"no usbmuxd", KB_USBMUX, KB_USBMUX_NO_DAEMON, 8},
    {"no such device", KB_USBMUX, KB_USBMUX_NO_DEVICE, 5},
    {"connection refused", KB_USBMUX, KB_USBMUX_REFUSED, 5},
    {"usbmuxd talks nonsense", KB_USBMUX, KB_USBMUX_PROTOCOL, 5},
    {"two devices fit", KB_USBMUX, KB_USBMUX_AMBIGUOUS, 2},
    {"lockdown", KB_LOCKDOWN, -17, 5},
    {"lockdown, never seen", KB_LOCKDOWN, -12345, 5},
    {"gone", KB_LOCKDOWN, KB_DEVICE_GONE, 5},
    {"a service", KB_SERVICE, 3, 5},
    {"password, said by the device", KB_BACKUP2, 207, 4},
    {"host disk", KB_BACKUP2, 105, 8},
    {"device full", KB_BACKUP2, 106, 5},
    {"backup from a newer OS", KB_BACKUP2, 203, 6},
    {"no backup", KB_BACKUP2, 204, 6},
    {"inconsistent backup", KB_BACKUP2, 205, 6},
    {"empty plist", KB_BACKUP2, 11, 6},
    {"missing file", KB_BACKUP2, 4, 6},
    {"policy of the MDM", KB_BACKUP2, 22, 5},
    {"Find My", KB_BACKUP2, 211, 5},
    {"locked", KB_BACKUP2, 208, 5},
    {"in setup", KB_BACKUP2, 212, 5},
    {"general", KB_BACKUP2, 1, 5},
    {"never seen", KB_BACKUP2, 9999, 5},
    {"link lost", KB_BACKUP2, KB_LINK_LOST, 5},
    {"link: newer protocol", KB_BACKUP2, KB_LINK_VERSION, 5},
    {"no backup in the folder", KB_STORE, KB_STORE_MISSING, 6},
    {"damaged", KB_STORE, KB_STORE_DAMAGED, 6},
    {"another run holds it", KB_STORE, KB_STORE_BUSY, 8},
    {"disk full", KB_HOST, KB_HOST_NO_SPACE, 8},
    {"denied", KB_HOST, KB_HOST_DENIED, 8},
    {"the journal", KB_JOURNAL, 11, 8},
    {"the journal is busy, extended code", KB_JOURNAL, 5 | 1 << 8, 8},
    {"cancelled", KB_CANCELLED, 0, 130},
    {"unexpected", KB_UNEXPECTED, 0, 1},
    {"a domain of nowhere", (enum kb_domain)99, 0, 1},
};

START_TEST(test_exit) {
    struct kb_result res = {exits[_i].domain, exits[_i].code, "text"};
    ck_assert_msg(kb_exit_of(&res) == exits[_i].exit, "%s: %d", exits[_i].why, kb_exit_of(&res));
}
END_TEST

static const struct {
    const char *why;
    enum kb_domain domain;
    int code;
    enum kb_remedy want;
} remedies[] = {
    {"done", KB_OK, 0, KB_REMEDY_NONE},
    {"a cable comes back", KB_BACKUP2, KB_LINK_LOST, KB_REMEDY_RETRY},
    {"busy", KB_BACKUP2, 13, KB_REMEDY_RETRY},
    {"a hand unlocks", KB_BACKUP2, 208, KB_REMEDY_ASK},
    {"a hand switches Find My off", KB_BACKUP2, 211, KB_REMEDY_ASK},
    {"a person restarts it first", KB_BACKUP2, 102, KB_REMEDY_SET_ASIDE},
    {"no second try mends a broken backup", KB_BACKUP2, 205, KB_REMEDY_GIVE_UP},
    {"a rule stays a rule", KB_POLICY, KB_RULE_UNSUPPORTED_CASE, KB_REMEDY_GIVE_UP},
    {"the daemon is busy", KB_USBMUX, KB_USBMUX_REFUSED, KB_REMEDY_RETRY},
    {"trust is a tap", KB_LOCKDOWN, -19, KB_REMEDY_ASK},
    {"another kitbench writes", KB_JOURNAL, 5 | 2 << 8, KB_REMEDY_RETRY},
    {"the wrong device", KB_LOCKDOWN, KB_DEVICE_OTHER, KB_REMEDY_SET_ASIDE},
};

START_TEST(test_remedy) {
    struct kb_result res = {remedies[_i].domain, remedies[_i].code, ""};
    ck_assert_msg(kb_remedy_of(&res) == remedies[_i].want, "%s", remedies[_i].why);
}
END_TEST

static bool has_japanese(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text >= 0xe3) return true;
    }
    return false;
}

/* Every code of protocol.md section 4 has its own sentence. */
static const int backup2_codes[] = {1,   2,   3,   4,   5,   6,   7,   9,   11,  13,  14,  17,  22,
                                    24,  25,  100, 101, 102, 103, 104, 105, 106, 202, 203, 204, 205,
                                    207, 208, 210, 211, 212, 223, 300, 307, -1,  -2,  -3,  -4};

START_TEST(test_backup2_book) {
    int code = backup2_codes[_i];
    struct kb_result english = kb_backup2_result(KB_LANG_EN, code, NULL, true);
    struct kb_result japanese = kb_backup2_result(KB_LANG_JA, code, NULL, true);
    struct kb_result stranger = kb_backup2_result(KB_LANG_EN, 9999, NULL, true);
    ck_assert(kb_is(&english, KB_BACKUP2, code));
    ck_assert_msg(strchr(english.text, ':') != NULL, "%s: says what to do", english.text);
    ck_assert(!has_japanese(english.text));
    ck_assert_msg(has_japanese(japanese.text), "%d: %s", code, japanese.text);
    ck_assert_int_ne(strncmp(english.text, stranger.text, 20), 0);
}
END_TEST

START_TEST(test_unknown_code) {
    struct kb_result res = kb_backup2_result(KB_LANG_EN, 206, "Something \x1b[2J odd", false);
    ck_assert_int_eq(res.code, 206);
    ck_assert_ptr_nonnull(strstr(res.text, "206"));
    ck_assert_ptr_nonnull(strstr(res.text, "odd"));
    ck_assert_ptr_null(strchr(res.text, '\x1b'));
    char endless[5000];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    res = kb_backup2_result(KB_LANG_EN, 206, endless, false);
    ck_assert_ptr_nonnull(strstr(res.text, "unlock it")); /* the advice is not pushed out */
    ck_assert_int_eq(kb_backup2_result(KB_LANG_EN, INT64_MAX, NULL, false).code, INT_MAX);
    ck_assert_int_eq(kb_backup2_result(KB_LANG_EN, INT64_MIN, NULL, false).code, INT_MIN);
    res = kb_backup2_result(KB_LANG_EN, 0, "fine", false);
    ck_assert(!kb_failed(&res));
}
END_TEST

START_TEST(test_underlying_reason) {
    /* misaka26 #33 and libimobiledevice #125: the general code hides the reason. */
    struct kb_result res = kb_backup2_result(
        KB_LANG_EN, 1,
        "Error setting WillEncrypt value in lockdown (MBErrorDomain/1). Underlying error: Cannot remove iTunes Backup "
        "Encryption - Encrypted Backup MDM setting present on device (MBErrorDomain/22).",
        false);
    ck_assert_int_eq(res.code, 1); /* never renumbered */
    ck_assert_ptr_nonnull(strstr(res.text, "MDM administrator"));
    res = kb_backup2_result(KB_LANG_EN, 103,
                            "Error reading backup properties (MBErrorDomain/100). Underlying error: device locked? "
                            "(MBErrorDomain/208)",
                            true);
    ck_assert_ptr_nonnull(strstr(res.text, "passcode"));
    res = kb_backup2_result(KB_LANG_EN, 1, "Timeout waiting for SpringBoard notification", true);
    ck_assert_ptr_nonnull(strstr(res.text, "SpringBoard"));
    res = kb_backup2_result(KB_LANG_EN, 205, "x (MBErrorDomain/208)", true); /* a clear code stays */
    ck_assert_ptr_nonnull(strstr(res.text, "does not match itself"));
}
END_TEST

START_TEST(test_whose_disk_is_full) {
    struct kb_result res = kb_backup2_result(
        KB_LANG_JA, 105, "Insufficient free disk space on drive to back up (MBErrorDomain/105)", false);
    ck_assert_int_eq(kb_exit_of(&res), 8);
    res = kb_backup2_result(KB_LANG_JA, 105, "Insufficient free disk space on device (MBErrorDomain/105)", false);
    ck_assert_int_eq(res.code, 105);
    ck_assert_int_eq(kb_exit_of(&res), 5);
    res = kb_backup2_result(KB_LANG_EN, 105, NULL, true);
    ck_assert_int_eq(kb_exit_of(&res), 5);
    res = kb_backup2_result(KB_LANG_EN, 106, NULL, true);
    ck_assert_int_eq(kb_exit_of(&res), 5);
}
END_TEST

START_TEST(test_lockdown_book) {
    /* LOCKDOWN_E_*: 1 to 39, in order. */
    int code = _i == 40 ? -256 : -_i;
    struct kb_result english = kb_lockdown_result(KB_LANG_EN, code);
    struct kb_result japanese = kb_lockdown_result(KB_LANG_JA, code);
    ck_assert(kb_is(&english, KB_LOCKDOWN, code));
    ck_assert_ptr_nonnull(strstr(english.text, "(lockdown: "));
    ck_assert_msg(strstr(english.text, "(lockdown: -") == NULL, "%d has a name", code);
    ck_assert(has_japanese(japanese.text) && !has_japanese(english.text));
}
END_TEST

START_TEST(test_lockdown_names) {
    static const struct {
        int code;
        const char *name;
    } names[] = {{-10, "InvalidResponse"},
                 {-12, "MissingValue"},
                 {-17, "PasswordProtected"},
                 {-18, "UserDeniedPairing"},
                 {-19, "PairingDialogResponsePending"},
                 {-21, "InvalidHostID"},
                 {-27, "InvalidService"},
                 {-35, "EscrowLocked"},
                 {-38, "MCProtected"},
                 {-39, "MCChallengeRequired"}};
    for (size_t i = 0; i < KB_ARRAY_SIZE(names); i++) {
        struct kb_result res = kb_lockdown_result(KB_LANG_EN, names[i].code);
        ck_assert_msg(strstr(res.text, names[i].name) != NULL, "%s: %s", names[i].name, res.text);
    }
    struct kb_result res = kb_lockdown_result(KB_LANG_EN, -777);
    ck_assert(kb_is(&res, KB_LOCKDOWN, -777) && strstr(res.text, "-777"));
    res = kb_lockdown_result(KB_LANG_EN, 0);
    ck_assert(!kb_failed(&res));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("policy/remedy");
    TCase *tests = tcase_create("remedy");
    tcase_add_loop_test(tests, test_exit, 0, KB_ARRAY_SIZE(exits));
    tcase_add_loop_test(tests, test_remedy, 0, KB_ARRAY_SIZE(remedies));
    tcase_add_loop_test(tests, test_backup2_book, 0, KB_ARRAY_SIZE(backup2_codes));
    tcase_add_test(tests, test_unknown_code);
    tcase_add_test(tests, test_underlying_reason);
    tcase_add_test(tests, test_whose_disk_is_full);
    tcase_add_loop_test(tests, test_lockdown_book, 1, 41);
    tcase_add_test(tests, test_lockdown_names);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
