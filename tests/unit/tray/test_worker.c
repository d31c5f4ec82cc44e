/*
 * The parent's side of workers against a worker that misbehaves. This program is its own fake worker: started again
 * with the argument "worker", it does what its request's "batch" says.
 */
#include "kitbench/tray.h"
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UDID  "00008110-000A1B2C3D4E5F60"
#define OTHER "00008110-000000000000AAAA"

/* ---- The fake worker ----------------------------------------------------------------------------------------------
 */

static void say(const char *line) {
    fputs(line, stdout);
    fputc('\n', stdout);
    fflush(stdout);
}

static const char result_line[] =
    "{\"event\":\"result\",\"device\":\"" UDID "\",\"outcome\":\"backed-up\",\"domain\":\"ok\","
    "\"code\":0,\"text\":\"fine\",\"exit\":0}";
static const char end_line[] = "{\"event\":\"end\",\"domain\":\"ok\",\"code\":0,\"text\":\"fine\"}";

static void wait_for_cancel(bool obey) {
    char line[64];
    while (fgets(line, sizeof line, stdin))
        if (obey && !strcmp(line, "cancel\n")) {
            say("{\"event\":\"end\",\"domain\":\"cancelled\",\"code\":0,\"text\":\"stopped\"}");
            exit(130);
        }
}

static void flood(void) {
    char block[4096];
    memset(block, 'x', sizeof block);
    for (;;)
        if (fwrite(block, 1, sizeof block, stdout) != sizeof block) exit(1);
}

static int be_worker(void) {
    static char line[1 << 16];
    if (!fgets(line, sizeof line, stdin)) return 1;
    json_t *object = json_loads(line, 0, NULL);
    const char *what = json_string_value(json_object_get(object, "batch"));
    if (!what) return 1;
    if (!strcmp(what, "good")) {
        fprintf(stderr, "a sentence\n\x1b[31mred\n");
        say("{\"event\":\"deadline\",\"seconds\":5}");
        say("{\"event\":\"progress\",\"device\":\"" UDID "\",\"phase\":\"backing-up\",\"done_pct\":1.5,\"bytes\":7}");
        say(result_line);
        say(end_line);
    } else if (!strcmp(what, "password")) { /* nothing of it is in the environment */
        const char *env = getenv("KITBENCH_BACKUP_PASSWORD"), *kept = getenv("KITBENCH_TEST_KEPT");
        const char *password = json_string_value(json_object_get(object, "password"));
        bool fine = !env && !getenv("kitbench_other_password") && kept && password && !strcmp(password, "s3cret") &&
                    json_integer_value(json_object_get(object, "memory_bytes")) == 123456789;
        say(fine ? result_line : "{\"event\":\"result\",\"device\":\"" UDID "\",\"outcome\":\"failed\"}");
        say(fine ? end_line : "{\"event\":\"end\",\"domain\":\"unexpected\",\"code\":1,\"text\":\"leak\"}");
    } else if (!strcmp(what, "crash")) {
        raise(SIGSEGV);
    } else if (!strcmp(what, "crash-restoring")) {
        say("{\"event\":\"state\",\"device\":\"" UDID "\",\"state\":\"restoring\"}");
        abort();
    } else if (!strcmp(what, "quiet-exit")) {
        return 0;
    } else if (!strcmp(what, "hang")) {
        say("{\"event\":\"deadline\",\"seconds\":1}");
        sleep(60);
    } else if (!strcmp(what, "garbage")) {
        say("{\"event\":\"progress\"");
        sleep(60);
    } else if (!strcmp(what, "array")) {
        say("[1,2]");
        sleep(60);
    } else if (!strcmp(what, "binary")) {
        fwrite("\0\xff\xfe\n", 1, 4, stdout);
        fflush(stdout);
        sleep(60);
    } else if (!strcmp(what, "flood")) {
        flood();
    } else if (!strcmp(what, "other-device")) {
        say("{\"event\":\"result\",\"device\":\"" OTHER "\",\"outcome\":\"restored\"}");
        sleep(60);
    } else if (!strcmp(what, "two-results")) {
        say(result_line);
        say(result_line);
        sleep(60);
    } else if (!strcmp(what, "after-end")) {
        say(result_line);
        say(end_line);
        say(result_line);
        sleep(60);
    } else if (!strcmp(what, "bad-deadline")) {
        say("{\"event\":\"deadline\",\"seconds\":-4}");
        sleep(60);
    } else if (!strcmp(what, "log-flood")) {
        for (int i = 0; i < 20000; i++) fputs("xxxxxxxxxx", stderr);
        fputs("\nshort\n", stderr);
        say(result_line);
        say(end_line);
    } else if (!strcmp(what, "slow-cancel")) {
        kill(getppid(), SIGINT);
        wait_for_cancel(true);
    } else if (!strcmp(what, "deaf")) { /* the second signal ends it */
        kill(getppid(), SIGINT);
        usleep(300000);
        kill(getppid(), SIGINT);
        wait_for_cancel(false);
    }
    json_decref(object);
    return 0;
}

/* ---- The parent ---------------------------------------------------------------------------------------------------
 */

struct seen {
    int lines, logs, made_up;
    char outcome[32], last_log[128];
    bool internal;
};

static void on_line(void *arg, int n, json_t *object) {
    struct seen *seen = (struct seen *)arg + n;
    const char *event = json_string_value(json_object_get(object, "event"));
    seen->lines++;
    if (event && (!strcmp(event, "deadline") || !strcmp(event, "end"))) seen->internal = true;
    kb_json_get_text(object, "outcome", seen->outcome, sizeof seen->outcome);
}

static void on_log(void *arg, int n, const char *sentence) {
    struct seen *seen = (struct seen *)arg + n;
    seen->logs++;
    kb_text_copy(seen->last_log, sizeof seen->last_log, sentence);
}

static struct kb_request request_for(const char *what, enum kb_task task) {
    struct kb_request r = {0};
    r.task = task;
    r.home = (char *)(uintptr_t) "/nowhere";
    r.udid = (char *)(uintptr_t)UDID;
    r.batch = (char *)(uintptr_t)what;
    return r;
}

static struct kb_result run_one(const char *what, enum kb_task task, struct kb_result *own, struct seen *seen) {
    struct kb_request request = request_for(what, task);
    const struct kb_worker_events events = {seen, on_line, on_log};
    memset(seen, 0, sizeof *seen);
    return kb_workers_run(&request, 1, 1, 0, &events, own);
}

static const struct {
    const char *why, *what;
    enum kb_task task;
    enum kb_domain domain;
    int code;
    const char *outcome; /* of the last result line, told or made up */
    enum kb_domain run;
} cases[] = {
    {"one that does as it should", "good", KB_TASK_BACKUP, KB_OK, 0, "backed-up", KB_OK},
    {"a crash costs one slot", "crash", KB_TASK_BACKUP, KB_LOCKDOWN, KB_DEVICE_PROTOCOL, "failed", KB_OK},
    {"a probe promises no result", "crash", KB_TASK_PROBE, KB_LOCKDOWN, KB_DEVICE_PROTOCOL, "", KB_OK},
    {"a crash while writing is not known", "crash-restoring", KB_TASK_RESTORE, KB_LOCKDOWN, KB_DEVICE_PROTOCOL,
     "unknown", KB_OK},
    {"exit 0 without a word is a crash", "quiet-exit", KB_TASK_RESTORE, KB_LOCKDOWN, KB_DEVICE_PROTOCOL, "failed",
     KB_OK},
    {"a missed deadline", "hang", KB_TASK_BACKUP, KB_LOCKDOWN, KB_DEVICE_SILENT, "failed", KB_OK},
    {"half a line of JSON", "garbage", KB_TASK_BACKUP, KB_LOCKDOWN, KB_DEVICE_PROTOCOL, "failed", KB_OK},
    {"JSON, but no object", "array", KB_TASK_BACKUP, KB_LOCKDOWN, KB_DEVICE_PROTOCOL, "failed", KB_OK},
    {"bytes that are no text", "binary", KB_TASK_BACKUP, KB_LOCKDOWN, KB_DEVICE_PROTOCOL, "failed", KB_OK},
    {"a line without end", "flood", KB_TASK_BACKUP, KB_LOCKDOWN, KB_DEVICE_PROTOCOL, "failed", KB_OK},
    {"speaks for another device", "other-device", KB_TASK_RESTORE, KB_LOCKDOWN, KB_DEVICE_PROTOCOL, "failed", KB_OK},
    {"two results", "two-results", KB_TASK_BACKUP, KB_LOCKDOWN, KB_DEVICE_PROTOCOL, "backed-up", KB_OK},
    {"a deadline that is none", "bad-deadline", KB_TASK_BACKUP, KB_LOCKDOWN, KB_DEVICE_PROTOCOL, "failed", KB_OK},
    {"a log without end costs its lines", "log-flood", KB_TASK_BACKUP, KB_OK, 0, "backed-up", KB_OK},
    {"Ctrl-C: told to stop, and stops", "slow-cancel", KB_TASK_BACKUP, KB_CANCELLED, 0, "cancelled", KB_CANCELLED},
    {"Ctrl-C twice: ended", "deaf", KB_TASK_BACKUP, KB_CANCELLED, 0, "cancelled", KB_CANCELLED},
};

START_TEST(test_case) {
    struct kb_result own;
    struct seen seen;
    struct kb_result res = run_one(cases[_i].what, cases[_i].task, &own, &seen);
    ck_assert_msg(res.domain == cases[_i].run, "%s: run said %s", cases[_i].why, res.text);
    ck_assert_msg(own.domain == cases[_i].domain && (own.domain == KB_CANCELLED || own.code == cases[_i].code),
                  "%s: own said %d/%d %s", cases[_i].why, own.domain, own.code, own.text);
    ck_assert_msg(!strcmp(seen.outcome, cases[_i].outcome), "%s: outcome %s", cases[_i].why, seen.outcome);
    ck_assert_msg(!seen.internal, "%s: an internal line was told", cases[_i].why);
}
END_TEST

START_TEST(test_lines_and_logs) {
    struct kb_result own;
    struct seen seen;
    struct kb_result res = run_one("good", KB_TASK_BACKUP, &own, &seen);
    ck_assert(!kb_failed(&res));
    ck_assert_int_eq(seen.lines, 2);
    ck_assert_int_eq(seen.logs, 2);
    ck_assert_msg(!strchr(seen.last_log, 27), "an escape sequence reached the log");
    ck_assert_str_eq(own.text, "fine");
}
END_TEST

START_TEST(test_password_only_in_the_line) {
    struct kb_request request = request_for("password", KB_TASK_BACKUP);
    struct seen seen = {0};
    const struct kb_worker_events events = {&seen, on_line, on_log};
    struct kb_result own;
    setenv("KITBENCH_BACKUP_PASSWORD", "s3cret", 1);
    setenv("kitbench_other_password", "s3cret", 1); /* on Windows this could be the very one */
    setenv("KITBENCH_TEST_KEPT", "1", 1);
    request.password = kb_secret_new("s3cret", 6);
    struct kb_result res = kb_workers_run(&request, 1, 1, 123456789, &events, &own);
    ck_assert(!kb_failed(&res));
    ck_assert_msg(!kb_failed(&own), "%s", own.text);
    kb_secret_free(request.password);
}
END_TEST

/* Four at once, eight in all; those that misbehave cost nobody else anything. */
START_TEST(test_many) {
    static const char *const what[] = {"good", "crash", "good", "garbage", "good", "quiet-exit", "good", "flood"};
    struct kb_request requests[8];
    struct kb_result results[8];
    struct seen seen[8];
    const struct kb_worker_events events = {seen, on_line, on_log};
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < 8; i++) requests[i] = request_for(what[i], KB_TASK_BACKUP);
    struct kb_result res = kb_workers_run(requests, 8, 4, 0, &events, results);
    ck_assert(!kb_failed(&res));
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(kb_failed(&results[i]), i % 2);
        ck_assert_str_eq(seen[i].outcome, i % 2 ? "failed" : "backed-up");
    }
}
END_TEST

/* What was never started when Ctrl-C came has a result too. */
START_TEST(test_cancel_before_start) {
    struct kb_request requests[3] = {request_for("slow-cancel", KB_TASK_BACKUP), request_for("good", KB_TASK_BACKUP),
                                     request_for("good", KB_TASK_BACKUP)};
    struct kb_result results[3];
    struct seen seen[3];
    const struct kb_worker_events events = {seen, on_line, on_log};
    memset(seen, 0, sizeof seen);
    struct kb_result res = kb_workers_run(requests, 3, 1, 0, &events, results);
    ck_assert_int_eq(res.domain, KB_CANCELLED);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(results[i].domain, KB_CANCELLED);
        ck_assert_str_eq(seen[i].outcome, "cancelled");
    }
}
END_TEST

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "worker")) return be_worker();
    kb_host_start();
    Suite *suite = suite_create("tray worker");
    TCase *tcase = tcase_create("parent");
    tcase_set_timeout(tcase, 30);
    /* The last two send signals to a process. */
    tcase_add_loop_test(tcase, test_case, 0, (int)KB_ARRAY_SIZE(cases) - (ON_POSIX ? 0 : 2));
    tcase_add_test(tcase, test_lines_and_logs);
    tcase_add_test(tcase, test_password_only_in_the_line);
    tcase_add_test(tcase, test_many);
    if (ON_POSIX) tcase_add_test(tcase, test_cancel_before_start);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
