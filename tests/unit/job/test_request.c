/* A request goes to the wire and back unchanged; whatever else comes from there is refused. */
#include "kitbench/job.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define UDID "00008110-000A1B2C3D4E5F60"

static struct kb_request whole(void) {
    struct kb_request r = {0};
    r.task = KB_TASK_RESTORE;
    r.home = kb_xstrdup("/home/k");
    r.store = kb_xstrdup("/store");
    r.udid = kb_xstrdup(UDID);
    r.backup = kb_xstrdup("/store/x");
    r.batch = kb_xstrdup("B1");
    r.slot = kb_xstrdup("3");
    r.user = kb_xstrdup("山田");
    r.asset_tag = kb_xstrdup("A-7");
    r.by = kb_xstrdup("Sato");
    r.columns = json_pack("{s:s}", "dept", "sales");
    r.lang = KB_LANG_JA;
    r.route = KB_ROUTE_ICLOUD;
    r.source_state = KB_SOURCE_NO_MDM;
    r.target_state = KB_TARGET_SUPERVISED;
    r.accepted = 1u << KB_RULE_IOS27_SUPERVISED;
    r.wait_s = 0;
    r.patience_s = 33;
    r.full = r.dry_run = true;
    r.agent_bundle_id = kb_xstrdup("jp.example.agent");
    r.mdm_profile_identifier = kb_xstrdup("jp.example.mdm");
    r.identity = kb_xstrdup("/id.p12");
    r.identity_password = kb_secret_new("a\0b", 3);
    r.password = kb_secret_new("pass\xe3\x81\x82 word", 12);
    return r;
}

START_TEST(test_round_trip) {
    struct kb_request a = whole(), b;
    json_t *object = kb_request_to_json(&a);
    struct kb_result res = kb_request_from_json(&b, object);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
    ck_assert_int_eq(b.task, KB_TASK_RESTORE);
    ck_assert_str_eq(b.home, a.home);
    ck_assert_str_eq(b.user, "山田");
    ck_assert_str_eq(b.identity, "/id.p12");
    ck_assert_str_eq(json_string_value(json_object_get(b.columns, "dept")), "sales");
    ck_assert(b.lang == KB_LANG_JA && b.route == KB_ROUTE_ICLOUD && b.full && b.dry_run);
    ck_assert(b.source_state == KB_SOURCE_NO_MDM && b.target_state == KB_TARGET_SUPERVISED);
    ck_assert_uint_eq(b.accepted, a.accepted);
    ck_assert_int_eq(b.wait_s, 0);
    ck_assert_int_eq(b.patience_s, 33);
    ck_assert_uint_eq(b.password->size, 12);
    ck_assert_int_eq(memcmp(b.password->data, a.password->data, 12), 0);
    ck_assert_uint_eq(b.identity_password->size, 3);
    ck_assert_int_eq(memcmp(b.identity_password->data, "a\0b", 3), 0);
    kb_request_json_free(object);
    kb_request_release(&a);
    kb_request_release(&b);
}
END_TEST

START_TEST(test_secret_is_wiped) {
    struct kb_request a = whole();
    json_t *object = kb_request_to_json(&a);
    json_t *password = json_incref(json_object_get(object, "password"));
    kb_request_json_free(object);
    for (size_t i = 0; i < json_string_length(password); i++) ck_assert_int_eq(json_string_value(password)[i], 0);
    json_decref(password);
    kb_request_release(&a);
    ck_assert_ptr_null(a.password);
}
END_TEST

static const struct {
    const char *why, *json, *names;
} hostile[] = {
    {"not an object", "[]", "task"},
    {"no task", "{\"udid\":\"" UDID "\",\"home\":\"/h\"}", "task"},
    {"a task that is none", "{\"task\":\"wipe\",\"udid\":\"" UDID "\",\"home\":\"/h\"}", "task"},
    {"no device", "{\"task\":\"probe\",\"home\":\"/h\"}", "udid"},
    {"a device that is a path", "{\"task\":\"probe\",\"home\":\"/h\",\"udid\":\"../../etc\"}", "udid"},
    {"a device that is long", "{\"task\":\"probe\",\"home\":\"/h\",\"udid\":\"" UDID UDID UDID "\"}", "udid"},
    {"no home", "{\"task\":\"probe\",\"udid\":\"" UDID "\"}", "home"},
    {"a home that is a number", "{\"task\":\"probe\",\"udid\":\"" UDID "\",\"home\":7}", "home"},
    {"negative wait", "{\"task\":\"probe\",\"udid\":\"" UDID "\",\"home\":\"/h\",\"wait_s\":-1}", "wait_s"},
    {"wait of ages", "{\"task\":\"probe\",\"udid\":\"" UDID "\",\"home\":\"/h\",\"wait_s\":99999999}", "wait_s"},
    {"wait as text", "{\"task\":\"probe\",\"udid\":\"" UDID "\",\"home\":\"/h\",\"wait_s\":\"5\"}", "wait_s"},
    {"route unknown", "{\"task\":\"probe\",\"udid\":\"" UDID "\",\"home\":\"/h\",\"route\":\"wifi\"}", "route"},
    {"state unknown", "{\"task\":\"probe\",\"udid\":\"" UDID "\",\"home\":\"/h\",\"source_state\":\"odd\"}",
     "source_state"},
    {"columns a list", "{\"task\":\"probe\",\"udid\":\"" UDID "\",\"home\":\"/h\",\"columns\":[1]}", "columns"},
    {"password a number", "{\"task\":\"probe\",\"udid\":\"" UDID "\",\"home\":\"/h\",\"password\":1}", "password"},
    {"password odd hex", "{\"task\":\"probe\",\"udid\":\"" UDID "\",\"home\":\"/h\",\"password_hex\":\"abc\"}",
     "password"},
};

START_TEST(test_hostile) {
    struct kb_request request;
    json_t *object = json_loads(hostile[_i].json, 0, NULL);
    ck_assert_ptr_nonnull(object);
    struct kb_result res = kb_request_from_json(&request, object);
    json_decref(object);
    ck_assert_msg(res.domain == KB_UNEXPECTED, "%s: taken", hostile[_i].why);
    ck_assert_msg(strstr(res.text, hostile[_i].names) != NULL, "%s: says %s", hostile[_i].why, res.text);
    ck_assert_msg(!request.home && !request.udid && !request.columns, "%s: something left", hostile[_i].why);
}
END_TEST

START_TEST(test_long_secret_is_refused) {
    struct kb_request request;
    char *text = kb_xmalloc(1026);
    memset(text, 'x', 1025);
    text[1025] = 0;
    json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "task", "probe", "udid", UDID, "home", "/h", "password", text);
    struct kb_result res = kb_request_from_json(&request, object);
    ck_assert_int_eq(res.domain, KB_UNEXPECTED);
    json_decref(object);
    free(text);
}
END_TEST

START_TEST(test_defaults) {
    struct kb_request request;
    json_t *object = json_pack("{s:s, s:s, s:s}", "task", "check", "udid", UDID, "home", "/h");
    struct kb_result res = kb_request_from_json(&request, object);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
    ck_assert_int_eq(request.wait_s, 180);
    ck_assert_int_eq(request.patience_s, 600);
    ck_assert(!request.password && !request.columns && request.route == KB_ROUTE_USB);
    json_decref(object);
    kb_request_release(&request);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("job request");
    TCase *tcase = tcase_create("wire");
    tcase_add_test(tcase, test_round_trip);
    tcase_add_test(tcase, test_secret_is_wiped);
    tcase_add_loop_test(tcase, test_hostile, 0, (int)KB_ARRAY_SIZE(hostile));
    tcase_add_test(tcase, test_long_secret_is_refused);
    tcase_add_test(tcase, test_defaults);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
