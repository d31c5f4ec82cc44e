/* Finding backups: the store, other places, copies, beginnings of a UDID. */
#define _GNU_SOURCE
#include "fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#define ONE  "00008110-001A2B3C4D5E6F7A"
#define TWO  "00008110-001A2B3C4D5EFFFF"
#define LAST "0123456789abcdef0123456789abcdef01234567"

static void make(const char *name) {
    char *path = fixture_path(name), *status = kb_xasprintf("%s/Status.plist", name);

    ck_assert_int_eq(mkdir(path, 0700), 0);
    fixture_write(status, "x");
    free(status);
    free(path);
}

static void make_store(void) {
    make(ONE);
    make(TWO);
    make(ONE "-20260101-120000");
    make(LAST);
    make("Photos");
    fixture_write("0123456789abcdef0123456789abcdef01234560", "a file");
}

static bool add(void *arg, const char *path) {
    kb_buf_puts(arg, kb_path_base(path));
    kb_buf_puts(arg, " ");
    return true;
}

START_TEST(test_find) {
    struct kb_buf seen = {NULL, 0, 0};
    char *again = kb_xasprintf("%s/.", FOLDER);
    char *places[] = {"/nowhere/at/all", again, NULL};

    make_store();
    kb_backups_find(FOLDER, places, add, NULL, &seen);
    ck_assert_str_eq(seen.data, ONE " " ONE "-20260101-120000 " TWO " " LAST " ");
    kb_buf_release(&seen);
    free(again);
}
END_TEST

START_TEST(test_no_store) {
    struct kb_buf seen = {NULL, 0, 0};

    kb_backups_find("/nowhere", NULL, add, NULL, &seen);
    ck_assert_ptr_null(seen.data);
}
END_TEST

struct unread {
    int denied, others, found;
    char path[400];
};

static void on_unread(void *arg, const char *path, const struct kb_result *res) {
    struct unread *unread = arg;

    if (kb_is(res, KB_HOST, KB_HOST_DENIED)) {
        ck_assert_ptr_nonnull(strstr(res->text, "Full Disk Access"));
        unread->denied++;
        snprintf(unread->path, sizeof unread->path, "%s", path);
    } else {
        unread->others++;
    }
}

static bool one_more(void *arg, const char *path) {
    (void)path;
    ((struct unread *)arg)->found++;
    return true;
}

/* Root may read everything: the looking is done by somebody else. */
static void become_nobody(void) {
    if (geteuid() != 0) return;
    ck_assert_int_eq(chmod(FOLDER, 0755), 0);
    ck_assert_int_eq(seteuid(65534), 0);
}

/* A place that exists and may not be opened is told, and the others are looked into all the same. */
START_TEST(test_denied) {
    struct unread unread = {0};
    char *closed = fixture_path("closed"), *open = fixture_path("open"), *round = fixture_path("round");
    char *places[] = {closed, round, open, NULL};
    uid_t before = geteuid();

    ck_assert_int_eq(mkdir(closed, 0000), 0);
    ck_assert_int_eq(mkdir(open, 0755), 0);
    ck_assert_int_eq(symlink("round", round), 0);
    make("open/" ONE);
    become_nobody();
    kb_backups_find(_i ? closed : NULL, places, one_more, on_unread, &unread);
    ck_assert_int_eq(seteuid(before), 0);
    ck_assert_int_eq(unread.denied, _i ? 2 : 1);
    ck_assert_str_eq(unread.path, closed);
    ck_assert_int_eq(unread.others, 1);
    ck_assert_int_eq(unread.found, 1);
    free(closed);
    free(open);
    free(round);
}
END_TEST

static const struct {
    const char *word, *name;
    enum kb_domain domain;
} words[] = {
    {ONE, ONE, KB_OK},
    {LAST, LAST, KB_OK},
    {"0123", LAST, KB_OK},
    {ONE "-20260101-120000", ONE "-20260101-120000", KB_OK},
    {"00008110-001A2B3C4D5EF", TWO, KB_OK},
    {"00008110-001A2B3C4D5E6", ONE, KB_OK},
    {"00008110", NULL, KB_USAGE},
    {"ffff", NULL, KB_STORE},
    {"Photo", NULL, KB_STORE},
    {"", NULL, KB_USAGE},
    {"no/such/folder", NULL, KB_STORE},
    {"../" ONE, NULL, KB_STORE},
};

START_TEST(test_resolve) {
    char *path = NULL;
    struct kb_result res;

    make_store();
    res = kb_backup_resolve(FOLDER, words[_i].word, &path);
    ck_assert_msg(res.domain == words[_i].domain, "%s: %s", words[_i].word, res.text);
    if (words[_i].name) ck_assert_str_eq(kb_path_base(path), words[_i].name);
    free(path);
}
END_TEST

START_TEST(test_resolve_folder) {
    char *path = NULL, *given;

    make_store();
    given = fixture_path("Photos");
    ck_ok(kb_backup_resolve("/nowhere", given, &path));
    ck_assert_str_eq(kb_path_base(path), "Photos");
    free(given);
    free(path);
}
END_TEST

int main(void) {
    TCase *cases[] = {tcase_create("all")};

    tcase_add_test(cases[0], test_find);
    tcase_add_test(cases[0], test_no_store);
    if (ON_POSIX) tcase_add_loop_test(cases[0], test_denied, 0, 2);
    tcase_add_loop_test(cases[0], test_resolve, 0, (int)KB_ARRAY_SIZE(words));
    tcase_add_test(cases[0], test_resolve_folder);
    return fixture_run("backup/store", cases, KB_ARRAY_SIZE(cases));
}
