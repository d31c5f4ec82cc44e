/* JSON lines: strict in, null for unknown; devices and backups there and back. */
#include "kitbench/base.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *why, *text;
    size_t size, max; /* 0: of the text, plenty */
    bool ok;
} parses[] = {
    {"an object", "{\"a\":1}", 0, 0, true},
    {"with its line end", "{\"a\":1}\n", 0, 0, true},
    {"an array", "[1]", 0, 0, false},
    {"a number", "1", 0, 0, false},
    {"two objects", "{}{}", 0, 0, false},
    {"a key twice", "{\"a\":1,\"a\":2}", 0, 0, false},
    {"a comment", "{/**/}", 0, 0, false},
    {"a comma too many", "{\"a\":1,}", 0, 0, false},
    {"not UTF-8", "{\"a\":\"\xff\"}", 0, 0, false},
    {"a NUL in a string", "{\"a\":\"\\u0000\"}", 0, 0, false},
    {"a lone surrogate", "{\"a\":\"\\ud800\"}", 0, 0, false},
    {"cut", "{\"a\":1", 0, 0, false},
    {"only what the size says", "{}garbage", 2, 0, true},
    {"longer than allowed", "{\"a\":1}", 0, 3, false},
    {"nothing", NULL, 0, 0, false},
};

START_TEST(test_parse) {
    size_t size = parses[_i].size ? parses[_i].size : parses[_i].text ? strlen(parses[_i].text) : 0;
    json_t *got = kb_json_parse(parses[_i].text, size, parses[_i].max ? parses[_i].max : 1000);
    ck_assert_msg((got != NULL) == parses[_i].ok, "%s", parses[_i].why);
    json_decref(got);
}
END_TEST

START_TEST(test_parse_depth_is_bounded) {
    size_t size = 1 << 20;
    char *deep = kb_xmalloc(size);
    memset(deep, '[', size);
    memcpy(deep, "{\"a\":", 5);
    ck_assert_ptr_null(kb_json_parse(deep, size, size));
    free(deep);
}
END_TEST

START_TEST(test_unknown_is_null) {
    json_t *object = json_object();
    kb_json_set_text(object, "none", NULL);
    kb_json_set_text(object, "empty", "");
    kb_json_set_text(object, "text", "\xe6\x97\xa5 \"\n");
    kb_json_set_text(object, "broken", "a\xff");
    kb_json_set_int(object, "minus", -1);
    kb_json_set_int(object, "zero", 0);
    kb_json_set_int(object, "large", INT64_MAX);
    kb_json_set_time(object, "never", -1);
    kb_json_set_time(object, "then", 1700000000);
    kb_json_set_tri(object, "yes", KB_YES);
    kb_json_set_tri(object, "no", KB_NO);
    kb_json_set_tri(object, "who knows", KB_UNKNOWN);
    char *line = kb_json_line(object);
    ck_assert_str_eq(line,
                     "{\"none\":null,\"empty\":null,\"text\":\"\xe6\x97\xa5 \\\"\\n\",\"broken\":\"a\xef\xbf\xbd\","
                     "\"minus\":null,\"zero\":0,\"large\":9223372036854775807,\"never\":null,"
                     "\"then\":\"2023-11-14T22:13:20Z\",\"yes\":true,\"no\":false,\"who knows\":null}");
    free(line);
    json_decref(object);
}
END_TEST

START_TEST(test_reading_back) {
    json_t *object = json_pack("{s:s, s:i, s:n, s:b, s:f}", "text", "\xe6\x97\xa5\xe6\x9c\xac", "int", 5, "null",
                               "bool", 1, "real", 1.5);
    char out[6] = "old";
    kb_json_get_text(object, "text", out, sizeof out);
    ck_assert_str_eq(out, "\xe6\x97\xa5"); /* cut at a whole character */
    kb_json_get_text(object, "int", out, sizeof out);
    ck_assert_str_eq(out, "");
    kb_json_get_text(object, "none", out, sizeof out);
    ck_assert_str_eq(out, "");
    kb_json_get_text(NULL, "none", out, sizeof out);
    ck_assert_str_eq(out, "");
    ck_assert_int_eq(kb_json_get_int(object, "int", 7), 5);
    ck_assert_int_eq(kb_json_get_int(object, "text", 7), 7);
    ck_assert_int_eq(kb_json_get_int(object, "real", 7), 7);
    ck_assert_int_eq(kb_json_get_int(object, "null", 7), 7);
    ck_assert_int_eq(kb_json_get_tri(object, "bool"), KB_YES);
    ck_assert_int_eq(kb_json_get_tri(object, "int"), KB_UNKNOWN);
    ck_assert_int_eq(kb_json_get_tri(object, "none"), KB_UNKNOWN);
    json_decref(object);
}
END_TEST

static const char device_line[] =
    "{\"udid\":\"00008110-001A2B3C4D5E6F7A\",\"location\":17825792,\"slot\":\"A-3\",\"name\":\"Taro no iPhone\","
    "\"model\":\"iPhone14,5\",\"class\":\"iPhone\",\"serial\":\"F2LXYZ\",\"imei\":\"356789012345678\",\"os\":\"17.5."
    "1\","
    "\"build\":\"21F90\",\"trust\":\"trusted\",\"locked\":false,\"activation\":\"Activated\",\"setup\":\"done\","
    "\"supervised\":true,\"organization\":\"Example KK\",\"restore_pane\":\"skipped\",\"mdm\":true,\"agent\":false,"
    "\"find_my\":false,\"backup_encryption\":true,\"free_bytes\":1000,\"capacity_bytes\":128000000000,\"battery_pct\":"
    "80}";

START_TEST(test_device_there_and_back) {
    struct kb_device device;
    json_t *object = kb_json_parse(device_line, strlen(device_line), 4096);
    kb_device_from_json(&device, object);
    ck_assert(device.trust == KB_TRUST_TRUSTED && device.setup == KB_SETUP_DONE &&
              device.restore_pane == KB_PANE_SKIPPED);
    ck_assert(device.supervised == KB_YES && device.agent == KB_NO && device.capacity_bytes == INT64_C(128000000000));
    ck_assert(device.battery_pct == 80 && device.location == 17825792);
    json_decref(object);
    object = kb_device_to_json(&device);
    char *line = kb_json_line(object);
    ck_assert_str_eq(line, device_line);
    free(line);
    json_decref(object);
}
END_TEST

START_TEST(test_a_device_of_which_nothing_is_known) {
    struct kb_device device;
    const char *key;
    json_t *value;
    kb_device_init(&device);
    ck_assert(device.location == -1 && device.battery_pct == -1 && device.locked == KB_UNKNOWN &&
              device.note_count == 0);
    json_t *object = kb_device_to_json(&device);
    ck_assert_uint_eq(json_object_size(object), 24);
    json_object_foreach(object, key, value) ck_assert_msg(json_is_null(value), "%s is a guess", key);
    json_decref(object);
}
END_TEST

/* A worker's line may be wrong in every field: all stays unknown. */
START_TEST(test_a_device_of_wrong_types) {
    static const char *const wrongs[] = {
        "{}",
        "{\"udid\":1,\"location\":\"x\",\"trust\":true,\"locked\":\"yes\",\"free_bytes\":1.5,\"battery_pct\":[]}",
        "{\"setup\":3}",
        "{\"location\":-5,\"trust\":\"perhaps\",\"setup\":\"halfway\",\"free_bytes\":-1,\"battery_pct\":99999999999}",
    };
    struct kb_device device, unknown;
    json_t *object = kb_json_parse(wrongs[_i], strlen(wrongs[_i]), 4096);
    ck_assert_ptr_nonnull(object);
    kb_device_init(&unknown);
    memset(&device, 0x55, sizeof device);
    kb_device_from_json(&device, object);
    ck_assert_int_eq(memcmp(&device, &unknown, sizeof device), 0);
    json_decref(object);
}
END_TEST

START_TEST(test_notes) {
    struct kb_device device;
    kb_device_init(&device);
    for (int i = 0; i < KB_MAX_NOTES + 5; i++) kb_device_note(&device, "mdm", "not \x1b readable");
    ck_assert_int_eq(device.note_count, KB_MAX_NOTES);
    ck_assert_str_eq(device.notes[0].text, "not \xef\xbf\xbd readable");
}
END_TEST

static const char backup_line[] =
    "{\"path\":\"/store/00008110-001A2B3C4D5E6F7A\",\"udid\":\"00008110-001A2B3C4D5E6F7A\",\"device_name\":\"Taro\","
    "\"model\":\"iPhone14,5\",\"os\":\"17.5.1\",\"build\":\"21F90\",\"serial\":\"F2LXYZ\","
    "\"taken_at\":\"2026-11-24T06:30:00Z\",\"encrypted\":true,\"finished\":true,\"full\":false,"
    "\"source_state\":\"no-mdm\",\"supervised\":false,\"mdm\":false,\"agent\":null,\"apps\":12,\"files\":20000,"
    "\"bytes\":81920000,\"needs_bytes\":90000000}";

START_TEST(test_backup_there_and_back) {
    struct kb_backup_info *info = kb_xmalloc(sizeof *info);
    json_t *object = kb_json_parse(backup_line, strlen(backup_line), 4096);
    kb_backup_info_from_json(info, object);
    ck_assert(info->source_state == KB_SOURCE_NO_MDM && info->agent == KB_UNKNOWN && info->files == 20000);
    json_decref(object);
    object = kb_backup_info_to_json(info);
    char *line = kb_json_line(object);
    ck_assert_str_eq(line, backup_line);
    free(line);
    json_decref(object);
    free(info);
}
END_TEST

START_TEST(test_sources) {
    enum kb_source source = KB_SOURCE_UNKNOWN;
    static const enum kb_source all[] = {KB_SOURCE_UNSUPERVISED, KB_SOURCE_SUPERVISED, KB_SOURCE_NO_MDM};
    for (size_t i = 0; i < KB_ARRAY_SIZE(all); i++) {
        ck_assert(kb_source_parse(kb_source_name(all[i]), &source));
        ck_assert_int_eq(source, all[i]);
    }
    ck_assert(!kb_source_parse("", &source) && !kb_source_parse(NULL, &source) &&
              !kb_source_parse("Supervised", &source));
    ck_assert_int_eq(source, KB_SOURCE_NO_MDM);
    ck_assert_str_eq(kb_source_name(KB_SOURCE_UNKNOWN), "");
    ck_assert_str_eq(kb_source_name((enum kb_source)99), "");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("base/json");
    TCase *cases = tcase_create("json");
    suite_add_tcase(suite, cases);
    tcase_add_loop_test(cases, test_parse, 0, KB_ARRAY_SIZE(parses));
    tcase_add_test(cases, test_parse_depth_is_bounded);
    tcase_add_test(cases, test_unknown_is_null);
    tcase_add_test(cases, test_reading_back);
    tcase_add_test(cases, test_device_there_and_back);
    tcase_add_test(cases, test_a_device_of_which_nothing_is_known);
    tcase_add_loop_test(cases, test_a_device_of_wrong_types, 0, 4);
    tcase_add_test(cases, test_notes);
    tcase_add_test(cases, test_backup_there_and_back);
    tcase_add_test(cases, test_sources);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
