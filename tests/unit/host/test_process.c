/* The process: how it starts, its languages and places, paths, clocks and random numbers. */
#define _GNU_SOURCE
#include "folder.h"

#if ON_POSIX
#include "posix/memory.h"

#include <sys/select.h>
#endif

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

START_TEST(test_start) {
    struct rlimit core;
    struct stat st;
    setenv("USBMUXD_SOCKET_ADDRESS", "unix:///tmp/mux", 1);
    close(0);
    kb_host_start();
    ck_assert_int_eq(getrlimit(RLIMIT_CORE, &core), 0);
    ck_assert_uint_eq(core.rlim_cur, 0);
    ck_assert_msg(fcntl(0, F_GETFD) >= 0, "a file could get the number of standard input");
    ck_assert_str_eq(getenv("USBMUXD_SOCKET_ADDRESS"), "UNIX:/tmp/mux"); /* the form libusbmuxd reads */
    close(open(in_folder("f"), O_CREAT | O_WRONLY, 0666));
    ck_assert_int_eq(stat(in_folder("f"), &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

static const struct {
    const char *why, *all, *messages, *lang;
    enum kb_lang want;
} langs[] = {
    {"LANG", "", "", "ja_JP.UTF-8", KB_LANG_JA},
    {"LC_ALL wins", "en_US.UTF-8", "", "ja_JP.UTF-8", KB_LANG_EN},
    {"LC_MESSAGES before LANG", "", "ja_JP.UTF-8", "en_US.UTF-8", KB_LANG_JA},
    {"C means English, whatever LANG says", "C.UTF-8", "", "ja_JP.UTF-8", KB_LANG_EN},
    {"nothing set", "", "", "", KB_LANG_EN},
    {"another language", "", "", "fr_FR.UTF-8", KB_LANG_EN},
};

START_TEST(test_lang) {
    setenv("LC_ALL", langs[_i].all, 1);
    setenv("LC_MESSAGES", langs[_i].messages, 1);
    setenv("LANG", langs[_i].lang, 1);
    ck_assert_msg(kb_host_lang() == langs[_i].want, "%s", langs[_i].why);
}
END_TEST

START_TEST(test_home) {
    static const struct {
        const char *why, *given, *state, *want;
    } cases[] = {
        {"KITBENCH_HOME", "given/here", "", "given/here"},
        {"XDG_STATE_HOME", "", "state", "state/kitbench"},
        {"HOME", "", "", ".local/state/kitbench"},
    };
    struct stat st;
    char *home = NULL;
    char given[256] = "", state[256] = "", want[256];
    snprintf(want, sizeof want, "%s/%s", folder, cases[_i].want);
    if (*cases[_i].given) snprintf(given, sizeof given, "%s/%s", folder, cases[_i].given);
    if (*cases[_i].state) snprintf(state, sizeof state, "%s/%s", folder, cases[_i].state);
    setenv("HOME", folder, 1);
    setenv("KITBENCH_HOME", given, 1);
    setenv("XDG_STATE_HOME", state, 1);
    ck_ok(kb_host_home(&home));
    ck_assert_str_eq(home, want);
    ck_assert_int_eq(stat(home, &st), 0);
    ck_assert_msg(S_ISDIR(st.st_mode) && (!ON_POSIX || (st.st_mode & 0777) == 0700), "%s: mode %o", cases[_i].why,
                  st.st_mode);
    free(home);
}
END_TEST

START_TEST(test_paths) {
    static const struct {
        const char *folder, *name, *joined, *base;
    } cases[] = {
        {"/a", "b", "/a/b", "b"}, {"/a/", "b", "/a/b", "b"},  {"/", "b", "/b", "b"},
        {"", "b", "b", "b"},      {"a", "b/c", "a/b/c", "c"}, {"a", "c/", "a/c/", "c/"},
    };
    char *joined = kb_path_join(cases[_i].folder, cases[_i].name), *real = NULL;
    ck_assert_str_eq(joined, cases[_i].joined);
    ck_assert_str_eq(kb_path_base(joined), cases[_i].base);
    free(joined);
    ck_assert_str_eq(kb_path_base("/"), "");
    if (ON_POSIX) ck_assert_int_eq(symlink("there", in_folder("link")), 0);
    ck_assert_int_eq(mkdir(in_folder("there"), 0700), 0);
    ck_ok(kb_path_real(in_folder(ON_POSIX ? "link" : "there"), &real));
    ck_assert_str_eq(kb_path_base(real), "there");
    free(real);
    ck_fails(kb_path_real(in_folder("none"), &real), KB_HOST, KB_HOST_NOT_FOUND);
}
END_TEST

START_TEST(test_clocks_and_random) {
    unsigned char a[600], b[600];
    int64_t before = kb_clock_ms();
    kb_sleep_ms(30);
    ck_assert(kb_clock_ms() - before >= 30);
    ck_assert(kb_clock_wall() > INT64_C(1700000000));
    ck_assert(kb_clock_wall_ms() / 1000 - kb_clock_wall() <= 1);
    ck_ok(kb_random(a, sizeof a));
    ck_ok(kb_random(b, sizeof b));
    ck_assert(memcmp(a, b, sizeof a) != 0);
    ck_assert_msg(memcmp(a + 256, a + 512, 80) != 0, "the same piece twice");
}
END_TEST

START_TEST(test_names) {
    char *self = kb_host_self(), *user = kb_host_user(), *name = kb_host_name();
    ck_assert_str_eq(kb_path_base(self), ON_POSIX ? "test_process" : "test_process.exe");
    ck_assert_ptr_nonnull(user);
    ck_assert_str_ne(name, "");
    free(self);
    free(user);
    free(name);
    char **places = kb_host_backup_places();
    for (int i = 0; places[i]; i++) free(places[i]);
    free(places);
    setenv("KB_TEST_EMPTY", "", 1);
    ck_assert_ptr_null(kb_host_env("KB_TEST_EMPTY"));
}
END_TEST

START_TEST(test_env_take) {
    setenv("KB_TEST_SECRET", "s3 \xe7\xa7\x98", 1);
    if (!ON_POSIX)
        setenv("KB_TEST_SECRET", "s3cret", 1); /* Windows' narrow characters are no UTF-8: win32/test_windows.c */
    struct kb_secret *secret = kb_host_env_take("KB_TEST_SECRET");
    ck_assert_ptr_nonnull(secret);
    ck_assert_str_eq((char *)secret->data, ON_POSIX ? "s3 \xe7\xa7\x98" : "s3cret");
    ck_assert_uint_eq(secret->size, strlen((char *)secret->data));
    ck_assert_ptr_null(kb_host_env("KB_TEST_SECRET"));
    ck_assert_ptr_null(kb_host_env_take("KB_TEST_SECRET"));
    setenv("KB_TEST_SECRET", "", 1);
    ck_assert_ptr_null(kb_host_env_take("KB_TEST_SECRET"));
    kb_secret_free(secret);
}
END_TEST

START_TEST(test_interrupt_cancels) {
    struct kb_cancel *cancel = kb_cancel_new();
    kb_host_on_interrupt(cancel);
    raise(SIGINT);
    ck_assert(kb_cancel_wait(cancel, 5000));
}
END_TEST

/* In a process of its own: twice Ctrl-C, and what it ends with. */
START_TEST(test_second_interrupt_ends) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        kb_host_on_interrupt(kb_cancel_new());
        raise(SIGINT);
        raise(SIGINT);
        kb_sleep_ms(5000);
        _exit(1);
    }
    waitpid(child, &status, 0);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 130);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
START_TEST(test_limit_memory) {
    kb_host_limit_memory(INT64_C(256) << 20);
    void *large = malloc((size_t)1 << 30);
    ck_assert_ptr_null(large);
    void *small = malloc(1 << 20);
    ck_assert_ptr_nonnull(small);
    free(small);
}
END_TEST
#endif

#if ON_POSIX
enum { TAKERS = 8, PIECES = 8, PIECE_BYTES = 1 << 20 };

struct takers {
    pthread_mutex_t held; /* by the test, until everybody has taken */
    atomic_int failed, ready;
};

/* 8 MiB in pieces, held until everybody has as much; before them a little, for which a heap may be begun. */
static void *take_pieces(void *arg) {
    struct takers *takers = arg;
    void *pieces[PIECES], *little = malloc(100);
    for (int i = 0; i < PIECES; i++)
        if (!(pieces[i] = malloc(PIECE_BYTES))) takers->failed++;
    takers->ready++;
    pthread_mutex_lock(&takers->held);
    pthread_mutex_unlock(&takers->held);
    for (int i = 0; i < PIECES; i++) free(pieces[i]);
    free(little);
    return NULL;
}

/* What threads only reserve must not use up what a worker may have: the stacks are 64 MiB of it, the pieces as much. */
START_TEST(test_limit_memory_of_threads) {
    pthread_t threads[TAKERS];
    struct takers takers = {PTHREAD_MUTEX_INITIALIZER, 0, 0};
    kb_host_limit_memory(INT64_C(192) << 20);
    pthread_mutex_lock(&takers.held);
    for (int i = 0; i < TAKERS; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, take_pieces, &takers), 0);
    while (takers.ready < TAKERS) usleep(1000);
    pthread_mutex_unlock(&takers.held);
    for (int i = 0; i < TAKERS; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(takers.failed, 0);
}
END_TEST

/* Memory that is really there: every page is written to. NULL when there is none. */
static char *take(int64_t size) {
    char *block = malloc((size_t)size);
    for (int64_t at = 0; block && at < size; at += 1024) ((volatile char *)block)[at] = 1;
    return block;
}

/* Where the kernel bounds nothing: the thread ends the process soon, whatever it is doing. */
START_TEST(test_memory_is_watched) {
    const struct rlimit no_core = {0, 0};
    const int64_t bound = INT64_C(32) << 20, taken = 4 * bound;
    int64_t before = kb_memory_used();
    int status = 0;
    ck_assert(before > 0);
    char *block = take(taken);
    ck_assert_ptr_nonnull(block);
    ck_assert_msg(kb_memory_used() - before >= taken / 2, "%lld", (long long)(kb_memory_used() - before));
    free(block);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        kb_memory_watch(kb_memory_used() + bound);
        kb_sleep_ms(100); /* within its bound it goes on */
        if (!take(taken)) _exit(2);
        kb_sleep_ms(30000);
        _exit(3);
    }
    waitpid(child, &status, 0);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "ended with %x", (unsigned)status);
}
END_TEST

/* macOS starts programs with 256. */
START_TEST(test_enough_descriptors) {
    struct rlimit files;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    rlim_t want = files.rlim_max < FD_SETSIZE ? files.rlim_max : FD_SETSIZE;
    files.rlim_cur = 64;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    kb_host_start();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    ck_assert_uint_eq(files.rlim_cur, want);
    if (files.rlim_max <= FD_SETSIZE) return;
    files.rlim_cur = FD_SETSIZE + 1; /* more than that is somebody's wish */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    kb_host_start();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    ck_assert_uint_eq(files.rlim_cur, FD_SETSIZE + 1);
}
END_TEST
#endif

START_TEST(test_awake) {
    kb_awake_end(NULL);
    kb_awake_end(kb_awake_begin("test"));
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("process");
    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    tcase_set_timeout(cases, 60);
    if (ON_POSIX) tcase_add_test(cases, test_start);
    tcase_add_loop_test(cases, test_lang, 0, KB_ARRAY_SIZE(langs));
    tcase_add_loop_test(cases, test_home, 0, ON_POSIX ? 3 : 1);
    tcase_add_loop_test(cases, test_paths, 0, 6);
    tcase_add_test(cases, test_clocks_and_random);
    tcase_add_test(cases, test_names);
    tcase_add_test(cases, test_env_take);
    if (ON_POSIX) tcase_add_test(cases, test_interrupt_cancels); /* win32/test_windows.c has its own */
    if (ON_POSIX) tcase_add_test(cases, test_second_interrupt_ends);
#if ON_POSIX
    tcase_add_test(cases, test_memory_is_watched);
    tcase_add_test(cases, test_limit_memory_of_threads);
    tcase_add_test(cases, test_enough_descriptors);
#endif
    tcase_add_test(cases, test_awake);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (ON_POSIX) tcase_add_test(cases, test_limit_memory); /* win32/test_windows.c has its own */
#endif
    return run_suite("host/process", cases);
}
