/* The confined folder: what a device may do in it, and every way out that it may try. */
#define _GNU_SOURCE
#include "fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#define UDID "00008110-001A2B3C4D5E6F7A"

static struct kb_confined *open_to(bool read_only) {
    struct kb_confined *confined = NULL;

    ck_ok(kb_confined_open(FOLDER, UDID, read_only, 0, &confined));
    return confined;
}

static struct kb_result put(struct kb_files *files, const char *path, const char *text) {
    struct kb_file *file = NULL;
    struct kb_result res = files->create(files->ctx, path, &file);

    if (kb_failed(&res)) return res;
    ck_ok(files->write(file, text, strlen(text)));
    return files->commit(file);
}

START_TEST(test_write_and_read) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);
    struct kb_file *file = NULL;
    char text[64], *stored;
    size_t got;
    int64_t size;

    ck_ok(put(files, UDID "/Snapshot/ab/file", "hello"));
    ck_ok(put(files, "/" UDID "/Snapshot/ab/file", "hello again"));
    ck_ok(files->open(files->ctx, UDID "/Snapshot/ab/file", &file, &size));
    ck_assert_int_eq(size, 11);
    ck_ok(files->read(file, text, sizeof text, &got));
    ck_assert_int_eq(got, 11);
    ck_ok(files->read(file, text, sizeof text, &got));
    ck_assert_int_eq(got, 0);
    files->close(file);
    stored = fixture_read(UDID "/Snapshot/ab/file");
    ck_assert_str_eq(stored, "hello again");
    free(stored);
    kb_confined_close(confined);
}
END_TEST

START_TEST(test_large_writes) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);
    struct kb_file *file = NULL;
    size_t piece = 100000, total = 0;
    char *data = malloc(600000), *stored;

    for (size_t i = 0; i < 600000; i++) data[i] = (char)('a' + i % 23);
    ck_ok(files->create(files->ctx, UDID "/big", &file));
    for (; total < 300000; total += piece) ck_ok(files->write(file, data + total, piece));
    ck_ok(files->write(file, data + total, 300000));
    ck_ok(files->commit(file));
    stored = fixture_read(UDID "/big");
    ck_assert_mem_eq(stored, data, 600000);
    free(stored);
    free(data);
    kb_confined_close(confined);
}
END_TEST

START_TEST(test_unseen_before_commit) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);
    struct kb_file *file = NULL;

    ck_ok(files->create(files->ctx, UDID "/x", &file));
    ck_ok(files->write(file, "1", 1));
    ck_assert(!fixture_exists(UDID "/x"));
    files->close(file);
    ck_assert(!fixture_exists(UDID "/x"));
    files->close(NULL);
    kb_confined_close(confined);
}
END_TEST

static bool count_entry(void *arg, const struct kb_entry *entry) {
    (void)entry;
    ++*(int *)arg;
    return true;
}

START_TEST(test_sweep) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);
    struct kb_file *file = NULL;
    int entries = 0;

    ck_ok(put(files, UDID "/kept", "1"));
    kb_confined_close(confined);
    fixture_write(UDID "/.kb-tmp-7", "left by a run that died");
    confined = open_to(false);
    files = kb_confined_files(confined);
    ck_assert(!fixture_exists(UDID "/.kb-tmp-7"));
    ck_ok(files->create(files->ctx, UDID "/other", &file));
    ck_ok(files->list(files->ctx, UDID, count_entry, &entries));
    ck_assert_int_eq(entries, 1); /* what is being written is not shown */
    files->close(file);
    kb_confined_close(confined);
}
END_TEST

static const char *const escapes[] = {
    "",
    "/",
    "//" UDID "/x",
    "..",
    UDID "/..",
    UDID "/../x",
    UDID "/a/../../x",
    "/etc/passwd",
    "other/x",
    UDID "x/y",
    "x",
    "C:/x",
    UDID "/C:x",
    UDID "\\..\\x",
    UDID "/NUL",
    UDID "/com1.txt",
    UDID "/x.",
    UDID "/x/",
    UDID "/./x",
    UDID "//x",
    UDID "/a\nb",
    UDID "/.kb-tmp-0",
};

START_TEST(test_escapes) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);
    struct kb_file *file = NULL;
    const char *path = escapes[_i];
    int64_t size;

    ck_ok(put(files, UDID "/real", "1"));
    ck_assert_ptr_null(kb_confined_refused(confined));
    ck_fails(files->open(files->ctx, path, &file, &size), KB_HOST, KB_HOST_REFUSED);
    ck_fails(files->create(files->ctx, path, &file), KB_HOST, KB_HOST_REFUSED);
    ck_fails(files->make_dir(files->ctx, path), KB_HOST, KB_HOST_REFUSED);
    ck_fails(files->remove(files->ctx, path), KB_HOST, KB_HOST_REFUSED);
    ck_fails(files->move(files->ctx, path, UDID "/y"), KB_HOST, KB_HOST_REFUSED);
    ck_fails(files->move(files->ctx, UDID "/real", path), KB_HOST, KB_HOST_REFUSED);
    ck_fails(files->copy(files->ctx, UDID "/real", path), KB_HOST, KB_HOST_REFUSED);
    ck_fails(files->list(files->ctx, path, count_entry, &file), KB_HOST, KB_HOST_REFUSED);
    ck_assert_ptr_nonnull(kb_confined_refused(confined));
    kb_confined_close(confined);
}
END_TEST

/* Links that stand in the folder lead nowhere. */
START_TEST(test_links) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);
    struct kb_file *file = NULL;
    char *link_path = fixture_path(UDID "/link"), *out = fixture_path("outside");
    struct kb_result res;
    int64_t size;

    ck_assert_int_eq(mkdir(out, 0700), 0);
    fixture_write("outside/secret", "secret");
    ck_assert_int_eq(symlink(out, link_path), 0);
    res = files->open(files->ctx, UDID "/link/secret", &file, &size);
    ck_assert(kb_failed(&res));
    res = put(files, UDID "/link/new", "x");
    ck_assert(!fixture_exists("outside/new"));
    ck_ok(files->remove(files->ctx, UDID "/link"));
    ck_assert(fixture_exists("outside/secret"));
    free(link_path);
    free(out);
    kb_confined_close(confined);
}
END_TEST

START_TEST(test_fifo_does_not_block) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);
    struct kb_file *file = NULL;
    char *path = fixture_path(UDID "/pipe");
    struct kb_result res;
    int64_t size;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    res = files->open(files->ctx, UDID "/pipe", &file, &size);
    ck_assert(kb_failed(&res));
    free(path);
    kb_confined_close(confined);
}
END_TEST

START_TEST(test_move) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);
    struct kb_result res;
    char *text;

    ck_ok(put(files, UDID "/Snapshot/ab/one", "new"));
    ck_ok(put(files, UDID "/ab/one", "old"));
    ck_ok(files->move(files->ctx, UDID "/Snapshot/ab/one", UDID "/ab/one"));
    text = fixture_read(UDID "/ab/one");
    ck_assert_str_eq(text, "new");
    free(text);
    ck_ok(files->move(files->ctx, UDID "/ab/one", UDID "/cd/two/three"));
    ck_assert(fixture_exists(UDID "/cd/two/three"));
    ck_ok(put(files, UDID "/tree/a", "1"));
    ck_ok(files->move(files->ctx, UDID "/tree", UDID "/cd")); /* a folder replaces a folder */
    ck_assert(fixture_exists(UDID "/cd/a"));
    ck_assert(!fixture_exists(UDID "/cd/two"));
    ck_fails(files->move(files->ctx, UDID "/gone", UDID "/cd/b"), KB_HOST, KB_HOST_NOT_FOUND);
    ck_assert(fixture_exists(UDID "/cd/a"));
    res = files->move(files->ctx, UDID "/cd", UDID "/cd/inner");
    ck_assert(kb_failed(&res));
    res = files->move(files->ctx, UDID "/cd/a", UDID "/cd");
    ck_assert(kb_failed(&res));
    ck_assert(fixture_exists(UDID "/cd/a"));
    kb_confined_close(confined);
}
END_TEST

START_TEST(test_copy_and_remove) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);
    int64_t space = 0;
    char *text;

    ck_ok(put(files, UDID "/a/b/c", "deep"));
    ck_ok(put(files, UDID "/a/d", "flat"));
    ck_ok(files->copy(files->ctx, UDID "/a", UDID "/x"));
    text = fixture_read(UDID "/x/b/c");
    ck_assert_str_eq(text, "deep");
    free(text);
    ck_ok(files->copy(files->ctx, UDID "/a/d", UDID "/e"));
    ck_assert(fixture_exists(UDID "/e"));
    ck_ok(files->remove(files->ctx, UDID "/a"));
    ck_ok(files->remove(files->ctx, UDID "/a")); /* missing is fine */
    ck_assert(!fixture_exists(UDID "/a"));
    ck_assert(fixture_exists(UDID "/x/d"));
    ck_ok(files->free_space(files->ctx, &space));
    ck_assert_int_gt(space, 0);
    kb_confined_close(confined);
}
END_TEST

START_TEST(test_make_dir) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);

    ck_ok(files->make_dir(files->ctx, UDID));
    ck_ok(files->make_dir(files->ctx, UDID "/Snapshot/00"));
    ck_ok(files->make_dir(files->ctx, UDID "/Snapshot/00"));
    ck_assert(fixture_exists(UDID "/Snapshot/00"));
    kb_confined_close(confined);
}
END_TEST

START_TEST(test_read_only) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);
    struct kb_file *file = NULL;
    int64_t size;

    ck_ok(put(files, UDID "/a", "1"));
    kb_confined_close(confined);
    confined = open_to(true);
    files = kb_confined_files(confined);
    ck_ok(files->open(files->ctx, UDID "/a", &file, &size));
    files->close(file);
    ck_fails(files->create(files->ctx, UDID "/b", &file), KB_HOST, KB_HOST_DENIED);
    ck_fails(files->make_dir(files->ctx, UDID "/c"), KB_HOST, KB_HOST_DENIED);
    ck_fails(files->move(files->ctx, UDID "/a", UDID "/b"), KB_HOST, KB_HOST_DENIED);
    ck_fails(files->copy(files->ctx, UDID "/a", UDID "/b"), KB_HOST, KB_HOST_DENIED);
    ck_fails(files->remove(files->ctx, UDID "/a"), KB_HOST, KB_HOST_DENIED);
    ck_assert(fixture_exists(UDID "/a"));
    kb_confined_close(confined);
}
END_TEST

START_TEST(test_missing_to_read) {
    struct kb_confined *confined = NULL;

    ck_fails(kb_confined_open(FOLDER, UDID, true, 0, &confined), KB_STORE, KB_STORE_MISSING);
    ck_assert(!fixture_exists(UDID));
    ck_fails(kb_confined_open(FOLDER, "../x", false, 0, &confined), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_confined_open(FOLDER, "", false, 0, &confined), KB_HOST, KB_HOST_REFUSED);
}
END_TEST

START_TEST(test_lock) {
    struct kb_confined *one = open_to(false), *two = NULL;

    ck_fails(kb_confined_open(FOLDER, UDID, false, 50, &two), KB_STORE, KB_STORE_BUSY);
    ck_fails(kb_confined_open(FOLDER, UDID, true, 50, &two), KB_STORE, KB_STORE_BUSY);
    kb_confined_close(one);
    one = open_to(true);
    two = open_to(true); /* two devices may get the same backup */
    kb_confined_close(two);
    ck_fails(kb_confined_open(FOLDER, UDID, false, 50, &two), KB_STORE, KB_STORE_BUSY);
    kb_confined_close(one);
}
END_TEST

static struct kb_result on_arrival(void *arg, const char *path) {
    snprintf(arg, 100, "%s", path);
    return strstr(path, "stop") ? kb_fail(KB_PASSWORD, KB_PASSWORD_WRONG, "no") : kb_ok();
}

START_TEST(test_arrival) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);
    char seen[100] = "";

    kb_confined_on_arrival(confined, on_arrival, seen);
    ck_ok(put(files, "/" UDID "/Manifest.plist", "1"));
    ck_assert_str_eq(seen, UDID "/Manifest.plist");
    ck_fails(put(files, UDID "/stop", "1"), KB_PASSWORD, KB_PASSWORD_WRONG);
    ck_assert(fixture_exists(UDID "/stop"));
    kb_confined_close(confined);
}
END_TEST

START_TEST(test_shrinking) {
    struct kb_confined *confined = open_to(false);
    struct kb_files *files = kb_confined_files(confined);
    struct kb_file *file = NULL;
    char *path = fixture_path(UDID "/a"), text[16];
    size_t got;
    int64_t size;

    ck_ok(put(files, UDID "/a", "0123456789"));
    ck_ok(files->open(files->ctx, UDID "/a", &file, &size));
    ck_assert_int_eq(truncate(path, 4), 0);
    ck_ok(files->read(file, text, sizeof text, &got));
    ck_assert_int_eq(got, 4);
    ck_fails(files->read(file, text, sizeof text, &got), KB_HOST, KB_HOST_IO);
    files->close(file);
    free(path);
    kb_confined_close(confined);
}
END_TEST

int main(void) {
    TCase *cases[] = {tcase_create("all")};

    tcase_add_test(cases[0], test_write_and_read);
    tcase_add_test(cases[0], test_large_writes);
    tcase_add_test(cases[0], test_unseen_before_commit);
    tcase_add_test(cases[0], test_sweep);
    tcase_add_loop_test(cases[0], test_escapes, 0, (int)KB_ARRAY_SIZE(escapes));
    if (ON_POSIX) tcase_add_test(cases[0], test_links);
    if (ON_POSIX) tcase_add_test(cases[0], test_fifo_does_not_block);
    tcase_add_test(cases[0], test_move);
    tcase_add_test(cases[0], test_copy_and_remove);
    tcase_add_test(cases[0], test_make_dir);
    tcase_add_test(cases[0], test_read_only);
    tcase_add_test(cases[0], test_missing_to_read);
    tcase_add_test(cases[0], test_lock);
    tcase_add_test(cases[0], test_arrival);
    tcase_add_test(cases[0], test_shrinking);
    return fixture_run("backup/confined", cases, KB_ARRAY_SIZE(cases));
}
