/* Whole files: saved whole or not at all, loaded with a bound; passwords as editors of three systems write them. */
#define _GNU_SOURCE
#include "folder.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

START_TEST(test_save_and_load) {
    struct kb_buf buf = {0};
    ck_ok(kb_file_save(in_folder("f"), "one", 3));
    ck_assert_str_eq(read_file("f"), "one");
    ck_ok(kb_file_save(in_folder("f"), "", 0));
    ck_assert_str_eq(read_file("f"), "");
    ck_ok(kb_file_save(in_folder("f"), "a\0b", 3));
    kb_buf_puts(&buf, ">");
    ck_ok(kb_file_load(in_folder("f"), 3, &buf));
    ck_assert(buf.size == 4 && memcmp(buf.data, ">a\0b", 5) == 0);
    ck_fails(kb_file_load(in_folder("f"), 2, &buf), KB_HOST, KB_HOST_IO);
    ck_assert_msg(buf.size == 4, "a failed load leaves the buffer as it was");
    ck_fails(kb_file_load(in_folder("none"), 9, &buf), KB_HOST, KB_HOST_NOT_FOUND);
    ck_fails(kb_file_load(folder, 9, &buf), KB_HOST, KB_HOST_IS_DIR);
    ck_fails(kb_file_save(folder, "x", 1), KB_HOST, KB_HOST_IS_DIR);
    ck_fails(kb_file_save(in_folder("none/f"), "x", 1), KB_HOST, KB_HOST_NOT_FOUND);
    kb_buf_release(&buf);
}
END_TEST

static bool one_more(void *arg, const struct kb_entry *entry) {
    (void)entry;
    ++*(int *)arg;
    return true;
}

static int entries(void) {
    struct kb_dir *dir = NULL;
    int count = 0;
    ck_ok(kb_dir_open(folder, false, &dir));
    ck_ok(kb_dir_list(dir, "", one_more, &count));
    kb_dir_close(dir);
    return count;
}

/* A write that cannot be finished (here: the size limit of a process) leaves the old content and no rubbish. */
START_TEST(test_a_failed_save_leaves_the_old) {
    static char large[1 << 16];
    struct rlimit limit = {4096, 4096};
    ck_ok(kb_file_save(in_folder("f"), "old", 3));
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_fails(kb_file_save(in_folder("f"), large, sizeof large), KB_HOST, KB_HOST_NO_SPACE);
    ck_assert_str_eq(read_file("f"), "old");
    ck_assert_int_eq(entries(), 1);
}
END_TEST

/* Killed at a random moment while it saves again and again: always one whole content. */
START_TEST(test_killed_while_saving) {
    static char content[2][200000];
    struct kb_buf buf = {0};
    memset(content[0], 'a', sizeof content[0]);
    memset(content[1], 'b', sizeof content[1]);
    ck_ok(kb_file_save(in_folder("f"), content[0], sizeof content[0]));
    for (int round = 0; round < 8; round++) {
        pid_t child = fork();
        if (child == 0)
            for (int i = 0;; i++) {
                struct kb_result res = kb_file_save(in_folder("f"), content[i % 2], sizeof content[0]);
                if (kb_failed(&res)) _exit(1);
            }
        kb_sleep_ms(5 + 7 * round);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        buf.size = 0;
        ck_ok(kb_file_load(in_folder("f"), sizeof content[0], &buf));
        ck_assert_uint_eq(buf.size, sizeof content[0]);
        ck_assert(memcmp(buf.data, content[buf.data[0] == 'b'], buf.size) == 0);
    }
    kb_buf_release(&buf);
}
END_TEST

START_TEST(test_save_through_a_link_and_into_a_pipe) {
    struct stat st;
    write_file("real", "old");
    ck_assert_int_eq(symlink("real", in_folder("link")), 0);
    ck_ok(kb_file_save(in_folder("link"), "new", 3));
    ck_assert_str_eq(read_file("real"), "new");
    ck_assert_int_eq(lstat(in_folder("link"), &st), 0);
    ck_assert(S_ISLNK(st.st_mode));
    ck_ok(kb_file_save("/dev/null", "x", 1)); /* as "--out /dev/stdout": written to, never renamed over */
    ck_assert_int_eq(lstat("/dev/null", &st), 0);
    ck_assert(S_ISCHR(st.st_mode));
}
END_TEST

static const struct {
    const char *why, *bytes;
    size_t size;      /* 0: strlen */
    const char *want; /* NULL: no password in it */
} secret_cases[] = {
    {"a line", "secret\n", 0, "secret"},
    {"no line end", "secret", 0, "secret"},
    {"Windows line end", "secret\r\n", 0, "secret"},
    {"only the first line", "secret\nsecond\n", 0, "secret"},
    {"blanks belong to it", " se cret \n", 0, " se cret "},
    {"one carriage return inside stays", "se\rcret\r\n", 0, "se\rcret"},
    {"Notepad's mark", "\xef\xbb\xbfsecret\r\n", 0, "secret"},
    {"Japanese", "\xe7\xa7\x98\xe5\xaf\x86\n", 0, "\xe7\xa7\x98\xe5\xaf\x86"},
    {"empty file", "", 0, NULL},
    {"empty first line", "\nsecret\n", 0, NULL},
    {"only a mark", "\xef\xbb\xbf\r\n", 0, NULL},
    {"UTF-16, as PowerShell writes it", "\xff\xfes\0e\0", 6, NULL},
    {"a NUL in it", "se\0cret\n", 8, NULL},
};

START_TEST(test_secret_file) {
    struct kb_secret *secret = NULL;
    const char *bytes = secret_cases[_i].bytes, *want = secret_cases[_i].want;
    size_t size = secret_cases[_i].size ? secret_cases[_i].size : strlen(bytes);
    ck_ok(kb_file_save(in_folder("password"), bytes, size));
    struct kb_result res = kb_secret_from_file(in_folder("password"), &secret);
    if (!want) {
        ck_assert_msg(kb_is(&res, KB_PASSWORD, KB_PASSWORD_MISSING) && !secret, "%s: %s", secret_cases[_i].why,
                      res.text);
        return;
    }
    ck_assert_msg(!kb_failed(&res), "%s: %s", secret_cases[_i].why, res.text);
    ck_assert_msg(secret->size == strlen(want) && strcmp((char *)secret->data, want) == 0, "%s", secret_cases[_i].why);
    kb_secret_free(secret);
}
END_TEST

START_TEST(test_secret_length) {
    char line[1100];
    struct kb_secret *secret = NULL;
    memset(line, 'p', sizeof line);
    ck_ok(kb_file_save(in_folder("password"), line, 1024));
    ck_ok(kb_secret_from_file(in_folder("password"), &secret));
    ck_assert_uint_eq(secret->size, 1024);
    kb_secret_free(secret);
    secret = NULL;
    ck_ok(kb_file_save(in_folder("password"), line, 1025));
    ck_fails(kb_secret_from_file(in_folder("password"), &secret), KB_PASSWORD, KB_PASSWORD_MISSING);
    line[1024] = '\n';
    ck_ok(kb_file_save(in_folder("password"), line, sizeof line));
    ck_ok(kb_secret_from_file(in_folder("password"), &secret));
    ck_assert_uint_eq(secret->size, 1024);
    kb_secret_free(secret);
    ck_fails(kb_secret_from_file(in_folder("none"), &secret), KB_PASSWORD, KB_PASSWORD_MISSING);
    ck_fails(kb_secret_from_file(folder, &secret), KB_PASSWORD, KB_PASSWORD_MISSING);
}
END_TEST

static void *write_slowly(void *arg) {
    FILE *pipe = fopen(arg, "w");
    kb_sleep_ms(100);
    fputs("from a ", pipe);
    fflush(pipe);
    kb_sleep_ms(100);
    fputs("pipe\n", pipe);
    fclose(pipe);
    return NULL;
}

START_TEST(test_secret_from_a_pipe) { /* --password-file <(pass show backup) */
    pthread_t thread;
    struct kb_secret *secret = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s", in_folder("pipe"));
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, write_slowly, path), 0);
    kb_sleep_ms(50);
    ck_ok(kb_secret_from_file(path, &secret));
    pthread_join(thread, NULL);
    ck_assert_str_eq((char *)secret->data, "from a pipe");
    kb_secret_free(secret);
}
END_TEST

START_TEST(test_secret_memory_is_locked_and_left_out_of_cores) {
    struct kb_secret *secret = kb_secret_new("abc", 3);
    char line[512], address[32];
    bool found = false, inside = false, dontdump = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    snprintf(address, sizeof address, "%lx-", (unsigned long)(uintptr_t)secret);
    while (maps && fgets(line, sizeof line, maps)) {
        if (strstr(line, "-") && strchr(line, ':') == NULL) inside = false;
        if (kb_text_starts(line, address)) found = inside = true;
        if (inside && kb_text_starts(line, "VmFlags:")) {
            dontdump = strstr(line, " dd") != NULL;
            inside = false;
        }
    }
    if (maps) fclose(maps);
    ck_assert_str_eq((char *)secret->data, "abc");
    ck_assert_msg(!found || dontdump, "the page would be in a core file");
    kb_secret_free(secret);
    kb_secret_free(NULL);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("file");
    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, test_save_and_load);
    if (ON_POSIX) tcase_add_test(cases, test_a_failed_save_leaves_the_old);
    if (ON_POSIX) tcase_add_test(cases, test_killed_while_saving);
    if (ON_POSIX) tcase_add_test(cases, test_save_through_a_link_and_into_a_pipe);
    tcase_add_loop_test(cases, test_secret_file, 0, KB_ARRAY_SIZE(secret_cases));
    tcase_add_test(cases, test_secret_length);
    if (ON_POSIX) tcase_add_test(cases, test_secret_from_a_pipe);
    tcase_add_test(cases, test_secret_memory_is_locked_and_left_out_of_cores);
    return run_suite("host/file", cases);
}
