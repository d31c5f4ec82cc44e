/* Locks across processes: one holder, many readers, and none left behind by the dead. */
#include "folder.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A process that takes the lock, says so, and holds it until it is killed. */
static pid_t holder(bool shared) {
    int ready[2];
    char byte = 0;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct kb_lock *lock = NULL;
        struct kb_result res = kb_lock_take(in_folder("lock"), shared, 0, &lock);
        if (write(ready[1], kb_failed(&res) ? "n" : "y", 1) != 1) _exit(1);
        for (;;) pause();
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'y');
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void end(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

START_TEST(test_one_holder) {
    struct kb_lock *lock = NULL;
    pid_t other = holder(false);
    int64_t before = kb_clock_ms();
    ck_fails(kb_lock_take(in_folder("lock"), false, 0, &lock), KB_HOST, KB_HOST_BUSY);
    ck_fails(kb_lock_take(in_folder("lock"), true, 300, &lock), KB_HOST, KB_HOST_BUSY);
    ck_assert_msg(kb_clock_ms() - before >= 300, "gave up too early");
    ck_assert_msg(kb_clock_ms() - before < 5000, "waited too long");
    end(other);
    ck_ok(kb_lock_take(in_folder("lock"), false, 2000, &lock)); /* the dead hold nothing */
    kb_lock_release(lock);
}
END_TEST

START_TEST(test_many_readers) {
    struct kb_lock *lock = NULL, *second = NULL;
    pid_t other = holder(true);
    ck_ok(kb_lock_take(in_folder("lock"), true, 0, &lock));
    ck_fails(kb_lock_take(in_folder("lock"), false, 0, &second), KB_HOST, KB_HOST_BUSY);
    kb_lock_release(lock);
    end(other);
    ck_ok(kb_lock_take(in_folder("lock"), false, 2000, &second));
    ck_fails(kb_lock_take(in_folder("lock"), false, 0, &lock), KB_HOST, KB_HOST_BUSY); /* in one process too */
    kb_lock_release(second);
    kb_lock_release(NULL);
}
END_TEST

/* Each open file has its own lock, so one process can be holder and rival. */
START_TEST(test_in_one_process) {
    struct kb_lock *lock = NULL, *second = NULL;
    ck_ok(kb_lock_take(in_folder("lock"), true, 0, &lock));
    ck_ok(kb_lock_take(in_folder("lock"), true, 0, &second));
    kb_lock_release(second);
    int64_t before = kb_clock_ms();
    ck_fails(kb_lock_take(in_folder("lock"), false, 300, &second), KB_HOST, KB_HOST_BUSY);
    ck_assert_msg(kb_clock_ms() - before >= 300, "gave up too early");
    kb_lock_release(lock);
    ck_ok(kb_lock_take(in_folder("lock"), false, 0, &lock));
    ck_fails(kb_lock_take(in_folder("lock"), true, 0, &second), KB_HOST, KB_HOST_BUSY);
    kb_lock_release(lock);
    ck_fails(kb_lock_take(in_folder("none/lock"), false, 0, &lock), KB_HOST, KB_HOST_NOT_FOUND);
}
END_TEST

/* What a worker starts must not keep the lock when the worker has died. */
START_TEST(test_a_program_that_was_started_does_not_inherit_it) {
    struct kb_lock *lock = NULL;
    ck_ok(kb_lock_take(in_folder("lock"), false, 0, &lock));
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sleep", "sleep", "30", (char *)NULL);
        _exit(127);
    }
    kb_sleep_ms(100);
    kb_lock_release(lock);
    ck_ok(kb_lock_take(in_folder("lock"), false, 1000, &lock));
    kb_lock_release(lock);
    end(child);
}
END_TEST

START_TEST(test_only_a_plain_file_can_be_locked) {
    struct kb_lock *lock = NULL;
    write_file("victim", "precious");
    ck_assert_int_eq(symlink("victim", in_folder("lock")), 0);
    struct kb_result res = kb_lock_take(in_folder("lock"), false, 0, &lock);
    ck_assert(kb_failed(&res) && !lock);
    ck_fails(kb_lock_take(in_folder("none/lock"), false, 0, &lock), KB_HOST, KB_HOST_NOT_FOUND);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("lock");
    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    tcase_set_timeout(cases, 60);
    if (ON_POSIX) tcase_add_test(cases, test_one_holder);
    if (ON_POSIX) tcase_add_test(cases, test_many_readers);
    tcase_add_test(cases, test_in_one_process);
    if (ON_POSIX) tcase_add_test(cases, test_a_program_that_was_started_does_not_inherit_it);
    if (ON_POSIX) tcase_add_test(cases, test_only_a_plain_file_can_be_locked);
    return run_suite("host/lock", cases);
}
