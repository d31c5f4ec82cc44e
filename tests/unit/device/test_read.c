/* What a device's answers become as facts: by their type, and unknown when they do not say it clearly. */
#include "../../../src/device/node.h"
#include "../../../src/device/read.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static plist_t xml(const char *inside) {
    char text[4000];
    int size = snprintf(text, sizeof text, "<?xml version=\"1.0\"?><plist version=\"1.0\">%s</plist>", inside);
    plist_t node = kb_node_parse(text, (size_t)size, sizeof text);

    ck_assert_msg(node != NULL, "%s", inside);
    return node;
}

#define CLOUD(inside)   "<dict><key>CloudConfiguration</key><dict>" inside "</dict></dict>"
#define SUPERVISED(yes) "<key>IsSupervised</key><" yes "/>"
#define SKIP(names)     "<key>SkipSetup</key><array>" names "</array>"

static const struct {
    const char *why, *reply;
    enum kb_tri chaperoned, supervised;
    enum kb_pane pane;
} clouds[] = {
    {"supervised, pane shown", CLOUD(SUPERVISED("true") SKIP("<string>Siri</string>")), KB_YES, KB_YES, KB_PANE_SHOWN},
    {"pane hidden", CLOUD(SUPERVISED("true") SKIP("<string>Siri</string><string>Restore</string>")), KB_YES, KB_YES,
     KB_PANE_SKIPPED},
    {"RestoreCompleted is another pane", CLOUD(SUPERVISED("true") SKIP("<string>RestoreCompleted</string>")), KB_YES,
     KB_YES, KB_PANE_SHOWN},
    {"names have their case", CLOUD(SUPERVISED("true") SKIP("<string>restore</string>")), KB_YES, KB_YES,
     KB_PANE_SHOWN},
    {"no SkipSetup at all", CLOUD(SUPERVISED("false")), KB_NO, KB_NO, KB_PANE_SHOWN},
    {"SkipSetup that is a text tells nothing", CLOUD(SUPERVISED("true") "<key>SkipSetup</key><string>Restore</string>"),
     KB_YES, KB_YES, KB_PANE_UNKNOWN},
    {"the sources disagree: yes counts", CLOUD(SUPERVISED("false")), KB_YES, KB_YES, KB_PANE_SHOWN},
    {"the other way round", CLOUD(SUPERVISED("true")), KB_NO, KB_YES, KB_PANE_SHOWN},
    {"a number is not a real yes", CLOUD("<key>IsSupervised</key><integer>1</integer>"), KB_UNKNOWN, KB_UNKNOWN,
     KB_PANE_SHOWN},
    {"a number, and lockdown says no", CLOUD("<key>IsSupervised</key><integer>1</integer>"), KB_NO, KB_NO,
     KB_PANE_SHOWN},
    {"no configuration", "<dict/>", KB_NO, KB_NO, KB_PANE_UNKNOWN},
    {"an empty one", CLOUD(""), KB_NO, KB_NO, KB_PANE_UNKNOWN},
    {"nothing is known", "<dict/>", KB_UNKNOWN, KB_UNKNOWN, KB_PANE_UNKNOWN},
    {"a configuration that is a text", "<dict><key>CloudConfiguration</key><string>x</string></dict>", KB_YES, KB_YES,
     KB_PANE_UNKNOWN},
};

START_TEST(test_cloud) {
    plist_t reply = xml(clouds[_i].reply);
    struct kb_device device;

    kb_device_init(&device);
    kb_managed_cloud(&device, reply, clouds[_i].chaperoned);
    ck_assert_msg(device.supervised == clouds[_i].supervised, "%s: %d", clouds[_i].why, device.supervised);
    ck_assert_msg(device.restore_pane == clouds[_i].pane, "%s: %d", clouds[_i].why, device.restore_pane);
    plist_free(reply);
}
END_TEST

#define PROFILES(ids, metadata)                                                                                        \
    "<dict><key>OrderedIdentifiers</key><array>" ids "</array><key>ProfileMetadata</key><dict>" metadata               \
    "</dict></dict>"
#define ID(id)    "<string>" id "</string>"
#define PLAIN(id) "<key>" id "</key><dict><key>PayloadDisplayName</key><string>x</string></dict>"
#define MDM(id)                                                                                                        \
    "<key>" id "</key><dict><key>PayloadOrganization</key><string>Example</string><key>PayloadContent</key><array>"    \
    "<dict><key>PayloadType</key><string>com.apple.mdm</string></dict></array></dict>"

static const struct {
    const char *why, *reply, *wanted;
    enum kb_tri mdm;
} profiles[] = {
    {"no profile at all", PROFILES("", ""), NULL, KB_NO},
    {"the payload is listed", PROFILES(ID("a"), MDM("a")), NULL, KB_YES},
    {"a profile that says nothing of its payloads", PROFILES(ID("a"), PLAIN("a")), NULL, KB_UNKNOWN},
    {"named in the settings", PROFILES(ID("a") ID("b"), PLAIN("a") PLAIN("b")), "b", KB_YES},
    {"named, and not there", PROFILES(ID("a"), PLAIN("a")), "b", KB_NO},
    {"another MDM than the named one", PROFILES(ID("a"), MDM("a")), "b", KB_NO},
    {"named in the order only", PROFILES(ID("b"), ""), "b", KB_YES},
    {"no list", "<dict/>", NULL, KB_UNKNOWN},
    {"no list, though named", "<dict/>", "b", KB_UNKNOWN},
    {"lists of wrong types",
     "<dict><key>OrderedIdentifiers</key><string>a</string><key>ProfileMetadata</key><array/></dict>", NULL,
     KB_UNKNOWN},
};

START_TEST(test_profiles) {
    plist_t reply = xml(profiles[_i].reply);
    struct kb_device device;

    kb_device_init(&device);
    kb_managed_profiles(&device, reply, profiles[_i].wanted);
    ck_assert_msg(device.mdm == profiles[_i].mdm, "%s: %d", profiles[_i].why, device.mdm);
    plist_free(reply);
}
END_TEST

START_TEST(test_default_values) {
    plist_t values = xml("<dict><key>DeviceName</key><string>Hana&#10;ko</string><key>ProductVersion</key><integer>17"
                         "</integer><key>ProductType</key><string>iPhone12,1</string><key>PasswordProtected</key>"
                         "<true/><key>ActivationState</key><string>Activated</string></dict>");
    struct kb_device device;

    kb_device_init(&device);
    kb_values_default(&device, values);
    ck_assert_str_eq(device.model, "iPhone12,1");
    ck_assert_str_eq(device.activation, "Activated");
    ck_assert_str_eq(device.os, ""); /* a number is no version */
    ck_assert_int_eq(device.note_count, 1);
    ck_assert_str_eq(device.notes[0].key, "os");
    ck_assert_int_eq(device.locked, KB_YES);
    ck_assert_ptr_null(strchr(device.name, '\n'));
    plist_free(values);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("read");
    TCase *tcase = tcase_create("read");
    SRunner *runner;

    kb_lang_set(KB_LANG_EN);
    tcase_add_loop_test(tcase, test_cloud, 0, KB_ARRAY_SIZE(clouds));
    tcase_add_loop_test(tcase, test_profiles, 0, KB_ARRAY_SIZE(profiles));
    tcase_add_test(tcase, test_default_values);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
