/* The table of slots: one port one name, on the disk and back, and nothing half understood. */
#include "kitbench/tray.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char home[64], path[128];
static struct kb_slots *slots;

static void load(void) {
    kb_slots_free(slots);
    slots = NULL;
    struct kb_result res = kb_slots_load(home, &slots);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
}

static void setup(void) {
    snprintf(home, sizeof home, "/tmp/kb-slots.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(path, sizeof path, "%s/slots.json", home);
    load();
}

static void teardown(void) {
    kb_slots_free(slots);
    slots = NULL;
    unlink(path);
    ck_assert_int_eq(rmdir(home), 0);
}

static void set(const char *name, int64_t location) {
    struct kb_result res = kb_slots_set(slots, name, location);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
}

/* "name=location name=location", in their order. */
static const char *table(void) {
    static char text[512];
    size_t used = 0;
    *text = '\0';
    for (int i = 0; i < kb_slots_count(slots); i++) {
        int64_t location = -1;
        const char *name = kb_slots_at(slots, i, &location);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s=%lld", i ? " " : "", name, (long long)location);
    }
    return text;
}

static void save_text(const char *text, size_t size) {
    struct kb_result res = kb_file_save(path, text, size);
    ck_assert(!kb_failed(&res));
}

START_TEST(test_none) {
    ck_assert_int_eq(kb_slots_count(slots), 0);
    ck_assert_str_eq(kb_slots_name(slots, 1), "");
    ck_assert_str_eq(kb_slots_name(slots, -1), "");
    ck_assert_int_eq(kb_slots_location(slots, "1"), -1);
    ck_assert_int_ne(access(path, F_OK), 0); /* looking makes no file */
}
END_TEST

START_TEST(test_set) {
    set("1", 100);
    set("Left", 200);
    set("3", 300);
    ck_assert_str_eq(table(), "1=100 Left=200 3=300");
    ck_assert_int_eq(kb_slots_location(slots, "lEFT"), 200);
    ck_assert_str_eq(kb_slots_name(slots, 200), "Left");
    set("left", 250); /* another port: keeps its place, and is written as it was written last */
    ck_assert_str_eq(table(), "1=100 left=250 3=300");
    set("1", 300); /* the port of 3: there is no 3 any more */
    ck_assert_str_eq(table(), "1=300 left=250");
    set("9", 300);
    ck_assert_str_eq(table(), "left=250 9=300");
    set("LEFT", 300); /* its place comes before the one that goes */
    ck_assert_str_eq(table(), "LEFT=300");
    set("a", 1);
    set("b", 2);
    set("b", 300); /* its place comes behind the one that goes */
    ck_assert_str_eq(table(), "a=1 b=300");
    set("A", -1);
    set("unknown", -1);
    ck_assert_str_eq(table(), "b=300");
}
END_TEST

START_TEST(test_survives) {
    set("\xe5\xb7\xa6\xe4\xb8\x8a", 0x14200000);
    set("b \"2\"", 0xffffffffLL);
    struct kb_result res = kb_slots_save(slots, home);
    ck_assert(!kb_failed(&res));
    load();
    ck_assert_str_eq(table(), "\xe5\xb7\xa6\xe4\xb8\x8a=337641472 b \"2\"=4294967295");
}
END_TEST

static const struct {
    const char *why, *name;
    int64_t location;
} wrong[] = {
    {"empty", "", 1},
    {"a colon would look like slot:NAME", "a:b", 1},
    {"a comma is no cell of a sheet", "a,b", 1},
    {"control character", "a\x1b[2J", 1},
    {"line end", "a\n", 1},
    {"not UTF-8", "a\xff", 1},
    {"space before", " 1", 1},
    {"space behind", "1 ", 1},
    {"64 bytes", "0123456789012345678901234567890123456789012345678901234567890123", 1},
    {"no USB port", "1", 0x100000000LL},
};
START_TEST(test_wrong) {
    set("kept", 1);
    struct kb_result res = kb_slots_set(slots, wrong[_i].name, wrong[_i].location);
    ck_assert_msg(res.domain == KB_USAGE && *res.text, "%s", wrong[_i].why);
    ck_assert_str_eq(table(), "kept=1");
}
END_TEST

START_TEST(test_most) {
    char name[16];
    for (int i = 0; i < KB_MAX_SLOTS; i++) {
        snprintf(name, sizeof name, "%d", i);
        set(name, i);
    }
    struct kb_result res = kb_slots_set(slots, "more", 100000);
    ck_assert_int_eq(res.domain, KB_USAGE);
    set("renamed", 5); /* one goes for it */
    ck_assert_int_eq(kb_slots_count(slots), KB_MAX_SLOTS);
    res = kb_slots_save(slots, home);
    ck_assert(!kb_failed(&res));
    load();
    ck_assert_int_eq(kb_slots_count(slots), KB_MAX_SLOTS);
    ck_assert_int_eq(kb_slots_location(slots, "renamed"), 5);
}
END_TEST

static const struct {
    const char *why, *text;
    size_t size; /* 0: strlen */
} broken[] = {
    {"empty", "", 0},
    {"half written", "{\"slots\":[{\"slot\":\"1\"", 0},
    {"no object", "[]", 0},
    {"no list", "{\"slots\":{}}", 0},
    {"no list at all", "{}", 0},
    {"of a later version", "{\"slots\":[],\"hubs\":[]}", 0},
    {"no entry", "{\"slots\":[1]}", 0},
    {"no name", "{\"slots\":[{\"location\":1}]}", 0},
    {"name is a number", "{\"slots\":[{\"slot\":1,\"location\":1}]}", 0},
    {"location is a text", "{\"slots\":[{\"slot\":\"1\",\"location\":\"1\"}]}", 0},
    {"location is negative", "{\"slots\":[{\"slot\":\"1\",\"location\":-1}]}", 0},
    {"location is too large", "{\"slots\":[{\"slot\":\"1\",\"location\":4294967296}]}", 0},
    {"more than we know", "{\"slots\":[{\"slot\":\"1\",\"location\":1,\"hub\":2}]}", 0},
    {"name twice", "{\"slots\":[{\"slot\":\"a\",\"location\":1},{\"slot\":\"A\",\"location\":2}]}", 0},
    {"port twice", "{\"slots\":[{\"slot\":\"1\",\"location\":1},{\"slot\":\"2\",\"location\":1}]}", 0},
    {"hostile name", "{\"slots\":[{\"slot\":\"\\u001b[2J\",\"location\":1}]}", 0},
    {"key twice", "{\"slots\":[],\"slots\":[]}", 0},
    {"a NUL", "{\"slots\":[]}\0{", 14},
    {"text behind it", "{\"slots\":[]}x", 0},
};
START_TEST(test_broken) {
    size_t size = broken[_i].size ? broken[_i].size : strlen(broken[_i].text);
    struct kb_slots *out = NULL;
    save_text(broken[_i].text, size);
    struct kb_result res = kb_slots_load(home, &out);
    ck_assert_msg(res.domain == KB_HOST && *res.text, "%s", broken[_i].why);
    ck_assert_ptr_null(out);
    struct kb_buf now = {0};
    res = kb_file_load(path, 1 << 20, &now);
    ck_assert(!kb_failed(&res) && now.size == size);
    kb_buf_release(&now);
}
END_TEST

START_TEST(test_too_large) {
    size_t size = (1 << 20) + 1;
    char *spaces = kb_xmalloc(size);
    struct kb_slots *out = NULL;
    memset(spaces, ' ', size);
    memcpy(spaces, "{\"slots\":[]}", 12);
    save_text(spaces, size);
    struct kb_result res = kb_slots_load(home, &out);
    ck_assert_int_eq(res.domain, KB_HOST);
    free(spaces);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("slots");
    TCase *tcase = tcase_create("slots");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_none);
    tcase_add_test(tcase, test_set);
    tcase_add_test(tcase, test_survives);
    tcase_add_loop_test(tcase, test_wrong, 0, KB_ARRAY_SIZE(wrong));
    tcase_add_test(tcase, test_most);
    tcase_add_loop_test(tcase, test_broken, 0, KB_ARRAY_SIZE(broken));
    tcase_add_test(tcase, test_too_large);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
