/* Folders held open: what is inside can be reached, what is outside cannot, whatever stands there. */
#define _GNU_SOURCE
#include "folder.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct kb_dir *dir;

static void setup(void) {
    folder_setup();
    ck_ok(kb_dir_open(in_folder("top"), true, &dir));
    ck_assert_int_eq(mkdir(in_folder("outside"), 0700), 0);
    write_file("outside/victim", "precious");
}

static void teardown(void) {
    kb_dir_close(dir);
    folder_teardown();
}

static void put(const char *rel, const char *text) {
    struct kb_handle *handle = NULL;
    ck_ok(kb_handle_open(dir, rel, KB_OPEN_REPLACE, &handle));
    ck_ok(kb_handle_write(handle, text, strlen(text)));
    ck_ok(kb_handle_close(handle));
}

static const char *get(const char *rel) {
    static char text[256];
    struct kb_handle *handle = NULL;
    size_t got = 0;
    struct kb_result res = kb_handle_open(dir, rel, KB_OPEN_READ, &handle);
    if (kb_failed(&res)) return "(none)";
    ck_ok(kb_handle_read(handle, text, sizeof text - 1, &got));
    text[got] = '\0';
    ck_ok(kb_handle_close(handle));
    return text;
}

static const char *const bad_names[] = {"",     "/",      "/etc/passwd", ".",  "..",  "../outside/victim",
                                        "a/..", "a/../b", "a//b",        "a/", "./a", "a/./b",
                                        "..//", "../",    "a/b/../../c"};

START_TEST(test_bad_names_are_refused) {
    const char *bad = bad_names[_i];
    struct kb_handle *handle = NULL;
    struct kb_stat st;
    ck_ok(kb_dir_make(dir, "a/b"));
    put("good", "x");
    ck_fails(kb_handle_open(dir, bad, KB_OPEN_READ, &handle), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_handle_open(dir, bad, KB_OPEN_NEW, &handle), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_handle_open(dir, bad, KB_OPEN_REPLACE, &handle), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_dir_stat(dir, bad, &st), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_dir_make(dir, bad), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_dir_remove(dir, bad), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_dir_move(dir, bad, "good2"), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_dir_move(dir, "good", bad), KB_HOST, KB_HOST_REFUSED);
    ck_assert_str_eq(get("good"), "x");
    ck_assert_ptr_null(handle);
}
END_TEST

START_TEST(test_names_that_only_look_bad_work) {
    static const char *const good[] = {"...", "..a", "a..", ".hidden", "a b", "\xe6\x97\xa5\xe6\x9c\xac"};
    for (size_t i = 0; i < KB_ARRAY_SIZE(good); i++) {
        put(good[i], good[i]);
        ck_assert_str_eq(get(good[i]), good[i]);
    }
}
END_TEST

/* Links, at the end and in the middle of a path. */
START_TEST(test_links_are_not_followed) {
    struct kb_handle *handle = NULL;
    struct kb_stat st;
    ck_assert_int_eq(symlink("../outside/victim", in_folder("top/file-link")), 0);
    ck_assert_int_eq(symlink("../outside", in_folder("top/folder-link")), 0);
    ck_assert_int_eq(symlink("../outside/made", in_folder("top/dangling")), 0);
    ck_fails(kb_handle_open(dir, "file-link", KB_OPEN_READ, &handle), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_handle_open(dir, "file-link", KB_OPEN_REPLACE, &handle), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_handle_open(dir, "dangling", KB_OPEN_REPLACE, &handle), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_handle_open(dir, "dangling", KB_OPEN_NEW, &handle), KB_HOST, KB_HOST_EXISTS);
    ck_fails(kb_handle_open(dir, "folder-link/victim", KB_OPEN_READ, &handle), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_handle_open(dir, "folder-link/new", KB_OPEN_NEW, &handle), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_dir_make(dir, "folder-link/new"), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_dir_make(dir, "folder-link"), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_dir_remove(dir, "folder-link/victim"), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_dir_stat(dir, "folder-link/victim", &st), KB_HOST, KB_HOST_REFUSED);
    ck_ok(kb_dir_stat(dir, "file-link", &st));
    ck_assert_int_eq(st.kind, KB_ENTRY_OTHER);
    /* Removing a link takes the link, not what it leads to. */
    ck_ok(kb_dir_remove(dir, "folder-link"));
    ck_ok(kb_dir_remove(dir, "file-link"));
    ck_assert_str_eq(read_file("outside/victim"), "precious");
    ck_assert_str_eq(read_file("outside/made"), "(none)");
}
END_TEST

/* The parent is remembered; swapping it for a link must not lead outside. */
START_TEST(test_a_folder_swapped_for_a_link) {
    struct kb_handle *handle = NULL;
    put("plain", "x");
    ck_ok(kb_dir_make(dir, "ab"));
    put("ab/one", "1");
    ck_assert_int_eq(rename(in_folder("top/ab"), in_folder("top/was-ab")), 0);
    ck_assert_int_eq(symlink("../outside", in_folder("top/ab")), 0);
    struct kb_result res = kb_handle_open(dir, "ab/victim", KB_OPEN_REPLACE, &handle);
    if (!kb_failed(&res)) ck_ok(kb_handle_close(handle));
    res = kb_dir_move(dir, "plain", "ab/victim");
    res = kb_dir_remove(dir, "ab/victim");
    ck_assert_str_eq(read_file("outside/victim"), "precious");
}
END_TEST

/* A remembered folder that was removed and made again by another process is found again. */
START_TEST(test_a_folder_made_again) {
    ck_ok(kb_dir_make(dir, "ab"));
    put("ab/one", "1");
    ck_assert_int_eq(unlink(in_folder("top/ab/one")), 0);
    ck_assert_int_eq(rmdir(in_folder("top/ab")), 0);
    ck_assert_int_eq(mkdir(in_folder("top/ab"), 0700), 0);
    put("ab/two", "2");
    ck_assert_str_eq(read_file("top/ab/two"), "2");
}
END_TEST

/* Five parents and more, with moves between them: each file is where it belongs. */
START_TEST(test_moves_between_many_folders) {
    char from[32], to[32], text[16];
    for (int i = 0; i < 12; i++) {
        snprintf(from, sizeof from, "d%d", i);
        ck_ok(kb_dir_make(dir, from));
    }
    for (int i = 0; i < 200; i++) {
        snprintf(from, sizeof from, "d%d/f%d", i % 12, i);
        snprintf(to, sizeof to, "d%d/g%d", i * 7 % 12, i);
        snprintf(text, sizeof text, "%d", i);
        put(from, text);
        ck_ok(kb_dir_move(dir, from, to));
        ck_assert_str_eq(get(to), text);
        ck_assert_str_eq(get(from), "(none)");
    }
}
END_TEST

/* More folders than are kept open, with few descriptors left: none is mistaken for another, and none is lacking. */
START_TEST(test_moves_between_more_folders_than_are_kept_open) {
    static const rlim_t limits[] = {4096, 64, 24};
    const struct rlimit files = {limits[_i], limits[_i]};
    char from[48], to[48], text[16];
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    for (int i = 0; i < 700; i++) {
        snprintf(from, sizeof from, "deep/er/d%d", i);
        ck_ok(kb_dir_make(dir, from));
    }
    for (int i = 0; i < 1500; i++) {
        snprintf(from, sizeof from, "deep/er/d%d/f%d", i % 700, i);
        snprintf(to, sizeof to, "deep/er/d%d/g%d", i * 7 % 700, i);
        snprintf(text, sizeof text, "%d", i);
        put(from, text);
        ck_ok(kb_dir_move(dir, from, to));
        ck_assert_str_eq(get(to), text);
        ck_assert_str_eq(get(from), "(none)");
    }
    ck_ok(kb_dir_move(dir, "deep", "other"));
    ck_assert_str_eq(get("deep/er/d7/g1"), "(none)");
    ck_assert_str_eq(get("other/er/d7/g1"), "1");
}
END_TEST

START_TEST(test_twin) {
    struct kb_dir *twin = NULL;
    struct kb_stat stat;
    put("file", "1");
    ck_ok(kb_dir_open_twin(dir, &twin));
    /* An open folder that is renamed: wine remembers its name, not the folder (a program of Win32 calls alone shows
     * it). */
    if (ON_POSIX) ck_assert_int_eq(rename(in_folder("top"), in_folder("moved")), 0);
    ck_ok(kb_dir_stat(twin, "file", &stat));
    ck_assert_str_eq(kb_dir_path(twin), kb_dir_path(dir));
    kb_dir_close(twin);
    if (ON_POSIX) ck_assert_int_eq(rename(in_folder("moved"), in_folder("top")), 0);
    ck_assert_str_eq(get("file"), "1"); /* the first does not end with its twin */
}
END_TEST

START_TEST(test_a_moved_folder_takes_its_name_along) {
    ck_ok(kb_dir_make(dir, "old/deep"));
    put("old/deep/file", "1");
    ck_ok(kb_dir_move(dir, "old", "new"));
    ck_assert_str_eq(get("new/deep/file"), "1");
    ck_assert_str_eq(get("old/deep/file"), "(none)");
    ck_ok(kb_dir_make(dir, "old/deep"));
    put("old/deep/file", "2");
    ck_assert_str_eq(get("new/deep/file"), "1");
    ck_assert_str_eq(read_file("top/old/deep/file"), "2");
}
END_TEST

START_TEST(test_only_plain_files_open_and_nothing_blocks) {
    struct kb_handle *handle = NULL;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int64_t before = kb_clock_ms();
    ck_assert_int_eq(mkfifo(in_folder("top/fifo"), 0600), 0);
    ck_ok(kb_dir_make(dir, "folder"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", in_folder("top/socket"));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    for (int how = KB_OPEN_READ; how <= KB_OPEN_REPLACE; how += KB_OPEN_REPLACE) {
        ck_fails(kb_handle_open(dir, "fifo", (enum kb_open)how, &handle), KB_HOST, KB_HOST_REFUSED);
        ck_fails(kb_handle_open(dir, "folder", (enum kb_open)how, &handle), KB_HOST, KB_HOST_REFUSED);
        ck_fails(kb_handle_open(dir, "socket", (enum kb_open)how, &handle), KB_HOST, KB_HOST_REFUSED);
    }
    ck_assert_msg(kb_clock_ms() - before < 2000, "opening a FIFO waited for its other end");
    close(fd);
}
END_TEST

START_TEST(test_replace_leaves_a_second_name_alone) {
    ck_assert_int_eq(link(in_folder("outside/victim"), in_folder("top/hard")), 0);
    put("hard", "mine");
    ck_assert_str_eq(get("hard"), "mine");
    ck_assert_str_eq(read_file("outside/victim"), "precious");
}
END_TEST

START_TEST(test_new_wants_nothing_there) {
    struct kb_handle *handle = NULL;
    struct stat st;
    put("file", "long text");
    ck_fails(kb_handle_open(dir, "file", KB_OPEN_NEW, &handle), KB_HOST, KB_HOST_EXISTS);
    put("file", "short");
    ck_assert_str_eq(get("file"), "short");
    ck_assert_int_eq(stat(in_folder("top/file"), &st), 0);
    if (ON_POSIX) ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

struct seen {
    int files, folders, others;
    int64_t size;
};

static bool count(void *arg, const struct kb_entry *entry) {
    struct seen *seen = arg;
    if (entry->kind == KB_ENTRY_FILE)
        seen->files++;
    else if (entry->kind == KB_ENTRY_DIR)
        seen->folders++;
    else
        seen->others++;
    if (entry->kind == KB_ENTRY_FILE) seen->size += entry->size;
    return true;
}

static bool first_only(void *arg, const struct kb_entry *entry) {
    (void)entry;
    ++*(int *)arg;
    return false;
}

START_TEST(test_list) {
    struct seen seen = {0}, again = {0};
    int calls = 0;
    ck_ok(kb_dir_make(dir, "in/deep"));
    put("in/a", "123");
    put("in/b", "4567");
    if (ON_POSIX) ck_assert_int_eq(symlink("a", in_folder("top/in/link")), 0);
    ck_ok(kb_dir_list(dir, "in", count, &seen));
    ck_assert(seen.files == 2 && seen.folders == 1 && seen.others == ON_POSIX && seen.size == 7);
    ck_ok(kb_dir_names(dir, "in", count, &again));
    ck_assert(again.files == 2 && again.folders == 1 && again.others == ON_POSIX);
    ck_ok(kb_dir_list(dir, "in", first_only, &calls));
    ck_assert_int_eq(calls, 1);
    for (int i = 0; i < 2; i++) { /* the top can be listed more than once */
        memset(&again, 0, sizeof again);
        ck_ok(kb_dir_list(dir, "", count, &again));
        ck_assert_int_eq(again.folders, 1);
    }
    ck_fails(kb_dir_list(dir, "none", count, &seen), KB_HOST, KB_HOST_NOT_FOUND);
    ck_fails(kb_dir_list(dir, "in/a", count, &seen), KB_HOST, KB_HOST_NOT_DIR);
    if (ON_POSIX) ck_fails(kb_dir_list(dir, "in/link", count, &seen), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_dir_list(dir, "..", count, &seen), KB_HOST, KB_HOST_REFUSED);
}
END_TEST

START_TEST(test_remove_takes_whole_trees) {
    struct kb_stat st;
    char deep[1024] = "t", name[32];
    for (int i = 0; i < 300; i++) strcat(deep, "/d");
    ck_ok(kb_dir_make(dir, deep));
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "t/f%d", i);
        put(name, "x");
    }
    if (ON_POSIX) {
        ck_assert_int_eq(symlink("../../outside", in_folder("top/t/link")), 0);
        ck_assert_int_eq(mkfifo(in_folder("top/t/fifo"), 0600), 0);
    }
    ck_ok(kb_dir_remove(dir, "t"));
    ck_fails(kb_dir_stat(dir, "t", &st), KB_HOST, KB_HOST_NOT_FOUND);
    ck_ok(kb_dir_remove(dir, "t"));
    ck_ok(kb_dir_remove(dir, "t/none/deeper"));
    ck_assert_str_eq(read_file("outside/victim"), "precious");
}
END_TEST

START_TEST(test_make_stat_space_sync) {
    struct kb_stat a, b;
    int64_t bytes = -1;
    ck_ok(kb_dir_make(dir, "x/y/z"));
    ck_ok(kb_dir_make(dir, "x/y/z"));
    put("x/file", "12345");
    ck_fails(kb_dir_make(dir, "x/file"), KB_HOST, KB_HOST_NOT_DIR);
    ck_fails(kb_dir_make(dir, "x/file/y"), KB_HOST, KB_HOST_NOT_DIR);
    ck_assert_int_eq(link(in_folder("top/x/file"), in_folder("top/x/same")), 0);
    ck_ok(kb_dir_stat(dir, "x/file", &a));
    ck_ok(kb_dir_stat(dir, "x/same", &b));
    ck_assert(a.kind == KB_ENTRY_FILE && a.size == 5 && a.id == b.id && a.volume == b.volume);
    ck_ok(kb_dir_stat(dir, "x", &a));
    ck_assert(a.kind == KB_ENTRY_DIR && a.id != b.id);
    ck_ok(kb_dir_space(dir, &bytes));
    ck_assert(bytes > 0);
    ck_ok(kb_dir_sync(dir));
}
END_TEST

START_TEST(test_open_needs_a_folder) {
    struct kb_dir *none = NULL;
    write_file("file", "");
    ck_fails(kb_dir_open(in_folder("missing"), false, &none), KB_HOST, KB_HOST_NOT_FOUND);
    ck_fails(kb_dir_open(in_folder("file"), true, &none), KB_HOST, KB_HOST_NOT_DIR);
    ck_fails(kb_dir_open("", true, &none), KB_HOST, KB_HOST_REFUSED);
    ck_assert_ptr_null(none);
    ck_ok(kb_dir_open(in_folder("a/b/c/"), true, &none));
    kb_dir_close(none);
    if (!ON_POSIX) return;
    ck_assert_int_eq(symlink("a", in_folder("link-to-a")), 0);
    ck_ok(kb_dir_open(in_folder("link-to-a"), false, &none)); /* the top itself may be a link to another disk */
    kb_dir_close(none);
}
END_TEST

START_TEST(test_read_at_and_read) {
    struct kb_handle *handle = NULL;
    struct kb_stat st;
    char text[8] = "";
    size_t got = 0;
    put("file", "0123456789");
    ck_ok(kb_handle_open(dir, "file", KB_OPEN_READ, &handle));
    ck_assert_int_eq(kb_handle_size(handle), 10);
    ck_ok(kb_handle_read_at(handle, 8, text, sizeof text, &got));
    ck_assert(got == 2 && memcmp(text, "89", 2) == 0);
    ck_ok(kb_handle_read(handle, text, 3, &got));
    ck_assert(got == 3 && memcmp(text, "012", 3) == 0);
    ck_ok(kb_handle_read_at(handle, 10, text, sizeof text, &got));
    ck_assert_uint_eq(got, 0);
    ck_ok(kb_handle_stat(handle, &st));
    ck_assert_int_eq(st.size, 10);
    ck_ok(kb_handle_close(handle));
    ck_ok(kb_handle_close(NULL));
}
END_TEST

START_TEST(test_private_files_leave_nothing) {
    struct kb_handle *nameless = NULL, *named = NULL;
    char *path = NULL, text[4] = "";
    size_t got = 0;
    struct stat st;
    struct seen seen = {0};
    ck_ok(kb_handle_private(in_folder("top"), &nameless, NULL));
    ck_ok(kb_handle_write(nameless, "abc", 3));
    ck_ok(kb_handle_read_at(nameless, 0, text, 3, &got));
    ck_assert_str_eq(text, "abc");
    ck_ok(kb_dir_list(dir, "", count, &seen));
    ck_assert_int_eq(seen.files, 0);

    ck_ok(kb_handle_private(in_folder("top"), &named, &path));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    int second = open(path, O_RDONLY); /* as SQLite does */
    kb_handle_unname(named);
    ck_assert_int_ne(stat(path, &st), 0);
    ck_ok(kb_handle_write(named, "xyz", 3));
    ck_assert_int_eq(pread(second, text, 3, 0), 3);
    ck_assert_str_eq(text, "xyz");
    close(second);
    free(path);
    ck_ok(kb_handle_close(named));
    ck_ok(kb_handle_close(nameless));

    ck_ok(kb_handle_private(NULL, &named, &path));
    ck_ok(kb_handle_close(named));
    ck_assert_msg(stat(path, &st) != 0, "closing leaves %s", path);
    free(path);
}
END_TEST

/* Somebody swaps a folder for a link and back as fast as he can: nothing is ever written outside. */
static atomic_bool swapping;
static char swapped[128], kept[128];

static void *swap(void *arg) {
    (void)arg;
    while (swapping) {
        if (rename(swapped, kept) == 0 && symlink("../outside", swapped) == 0) unlink(swapped);
        if (rename(kept, swapped) != 0) break;
    }
    return NULL;
}

START_TEST(test_racing_against_links) {
    pthread_t thread;
    ck_ok(kb_dir_make(dir, "ab"));
    snprintf(swapped, sizeof swapped, "%s", in_folder("top/ab"));
    snprintf(kept, sizeof kept, "%s", in_folder("top/kept"));
    swapping = true;
    ck_assert_int_eq(pthread_create(&thread, NULL, swap, NULL), 0);
    for (int i = 0; i < 3000; i++) {
        struct kb_handle *handle = NULL;
        struct kb_result res = kb_handle_open(dir, "ab/victim", KB_OPEN_REPLACE, &handle);
        if (!kb_failed(&res)) res = kb_handle_close(handle);
        res = kb_dir_remove(dir, "ab/victim");
        if (i % 16 == 0) {
            kb_dir_close(dir); /* forgets all, so that every walk is a real one */
            ck_ok(kb_dir_open(in_folder("top"), true, &dir));
        }
    }
    swapping = false;
    pthread_join(thread, NULL);
    ck_assert_str_eq(read_file("outside/victim"), "precious");
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("dir");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, test_bad_names_are_refused, 0, KB_ARRAY_SIZE(bad_names));
    tcase_add_test(cases, test_names_that_only_look_bad_work);
    if (ON_POSIX) tcase_add_test(cases, test_links_are_not_followed);
    if (ON_POSIX) tcase_add_test(cases, test_a_folder_swapped_for_a_link);
    tcase_add_test(cases, test_a_folder_made_again);
    tcase_add_test(cases, test_moves_between_many_folders);
    tcase_add_loop_test(cases, test_moves_between_more_folders_than_are_kept_open, 0, ON_POSIX ? 3 : 1);
    tcase_add_test(cases, test_twin);
    tcase_add_test(cases, test_a_moved_folder_takes_its_name_along);
    if (ON_POSIX) tcase_add_test(cases, test_only_plain_files_open_and_nothing_blocks);
    tcase_add_test(cases, test_replace_leaves_a_second_name_alone);
    tcase_add_test(cases, test_new_wants_nothing_there);
    tcase_add_test(cases, test_list);
    tcase_add_test(cases, test_remove_takes_whole_trees);
    tcase_add_test(cases, test_make_stat_space_sync);
    tcase_add_test(cases, test_open_needs_a_folder);
    tcase_add_test(cases, test_read_at_and_read);
    if (ON_POSIX) tcase_add_test(cases, test_private_files_leave_nothing);
    if (ON_POSIX) tcase_add_test(cases, test_racing_against_links);
    return run_suite("host/dir", cases);
}
