/*
 * Runs the scripts of tests/e2e (but lib.sh), each in a fresh folder of its own and with a time limit, and gives what
 * it found to Check, a test case a script. Two scripts run at the same time; a line "# alone" in a script keeps others
 * away.
 *
 * A script gets KB and SIM (the programs) and TOP (the source tree) as absolute paths. It passes when it ends with 0,
 * or with the number in x.exit beside it, and when its output equals x.stdout and x.stderr where these exist. 77 means
 * that this computer lacks what the test needs: it is told, and counted as neither. "# limit: 300" is its time in
 * seconds.
 *
 * usage: runner [TOP]    E2E_ONLY=part-of-a-name  E2E_JOBS=1  E2E_KEEP=1 (leaves the folders)
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define MAX_SCRIPTS     512
#define DEFAULT_LIMIT_S 120

struct script {
    char path[1024], base[1024]; /* base: path without ".sh" */
    const char *name;
    int limit_s;
    bool alone, skipped, passed;
    pid_t pid; /* 0: not running */
    double started, took;
    char why[256];
};

static struct script scripts[MAX_SCRIPTS];
static int script_count;
static int shown[MAX_SCRIPTS], shown_count; /* what Check is told: all that were not skipped */
static char root[64];                       /* short: sockets live below it */
static volatile sig_atomic_t interrupted;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void on_signal(int number) { interrupted = number; }

__attribute__((format(printf, 2, 3))) static void say_why(struct script *script, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(script->why, sizeof script->why, format, args);
    va_end(args);
}

/* ---- Finding ----------------------------------------------------------------------------------------------------- */

static void read_head(struct script *script) {
    char line[512];
    FILE *file = fopen(script->path, "r");
    script->limit_s = DEFAULT_LIMIT_S;
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "# limit: %d", &script->limit_s);
        if (strcmp(line, "# alone\n") == 0) script->alone = true;
    }
    if (file) fclose(file);
}

static void find_scripts(const char *top) {
    char pattern[1024];
    glob_t found = {0};
    const char *only = getenv("E2E_ONLY");
    snprintf(pattern, sizeof pattern, "%s/tests/e2e/*.sh", top);
    if (glob(pattern, 0, NULL, &found) != 0) return;
    for (size_t i = 0; i < found.gl_pathc && script_count < MAX_SCRIPTS; i++) {
        struct script *script = &scripts[script_count];
        const char *name = strrchr(found.gl_pathv[i], '/') + 1;
        if (strcmp(name, "lib.sh") == 0 || (only && !strstr(name, only))) continue;
        snprintf(script->path, sizeof script->path, "%s", found.gl_pathv[i]);
        snprintf(script->base, sizeof script->base, "%.*s", (int)strlen(found.gl_pathv[i]) - 3, found.gl_pathv[i]);
        script->name = strrchr(script->base, '/') + 1;
        read_head(script);
        script_count++;
    }
    globfree(&found);
}

/* ---- Running ----------------------------------------------------------------------------------------------------- */

static void place_of(const struct script *script, const char *suffix, char *out, size_t room) {
    snprintf(out, room, "%s/%d%s", root, (int)(script - scripts), suffix);
}

static void open_as(int fd, const char *path, int flags) {
    int file = open(path, flags, 0600);
    if (file < 0 || dup2(file, fd) < 0) _exit(126);
    close(file);
}

/* Nothing of the person who runs the tests may leak into them. */
static void clean_environment(const char *folder) {
    static const char *const unwanted[] = {"USBMUXD_SOCKET_ADDRESS",
                                           "KITBENCH_HOME",
                                           "KITBENCH_BACKUP_PASSWORD",
                                           "XDG_STATE_HOME",
                                           "LANGUAGE",
                                           "MAKEFLAGS",
                                           "MAKELEVEL",
                                           "MFLAGS"};
    for (size_t i = 0; i < sizeof unwanted / sizeof unwanted[0]; i++) unsetenv(unwanted[i]);
    setenv("HOME", folder, 1);
    setenv("TMPDIR", folder, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
}

static void start(struct script *script) {
    char folder[128], out[128], err[128];
    place_of(script, "", folder, sizeof folder);
    place_of(script, ".out", out, sizeof out);
    place_of(script, ".err", err, sizeof err);
    fflush(NULL);
    script->started = now();
    script->pid = fork();
    if (script->pid != 0) {
        if (script->pid > 0) setpgid(script->pid, script->pid);
        return;
    }
    setpgid(0, 0);
    if (mkdir(folder, 0700) != 0 || chdir(folder) != 0) _exit(126);
    open_as(0, "/dev/null", O_RDONLY);
    open_as(1, out, O_WRONLY | O_CREAT | O_TRUNC);
    open_as(2, err, O_WRONLY | O_CREAT | O_TRUNC);
    clean_environment(folder);
    signal(SIGINT, SIG_DFL);
    execl("/bin/sh", "sh", script->path, (char *)NULL);
    _exit(127);
}

static void reap_strays(void) {
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

/* Ends whatever the script left behind: what it started shares its process group. */
static void end_group(pid_t group) {
    static const int numbers[] = {SIGTERM, SIGKILL};
    for (size_t i = 0; i < 2; i++) {
        if (kill(-group, numbers[i]) != 0) return;
        for (int tries = 0; tries < 50 && kill(-group, 0) == 0; tries++) {
            struct timespec moment = {0, 10000000};
            nanosleep(&moment, NULL);
            siginfo_t info = {0};
            /* Takes only the group's own dead, not the other scripts. */
            while (waitid(P_PGID, (id_t)group, &info, WEXITED | WNOHANG) == 0 && info.si_pid) info.si_pid = 0;
        }
    }
}

/* ---- Judging ----------------------------------------------------------------------------------------------------- */

static void show(const char *title, const char *path) {
    char command[512];
    struct stat st;
    if (stat(path, &st) != 0 || st.st_size == 0) return;
    printf("    --- %s\n", title);
    fflush(stdout);
    snprintf(command, sizeof command, "tail -n 80 '%s' | sed 's/^/    /'", path);
    if (system(command) != 0) printf("    cannot be shown\n");
}

/* false when x.stdout or x.stderr is there and says otherwise; shows the difference. */
static bool output_is_expected(struct script *script, const char *kind, const char *got) {
    char want[1100], command[2400];
    snprintf(want, sizeof want, "%s.%s", script->base, kind);
    if (access(want, R_OK) != 0) return true;
    fflush(stdout);
    snprintf(command, sizeof command, "diff -u '%s' '%s' | sed 's/^/    /'", want, got);
    FILE *diff = popen(command, "r");
    bool same = true;
    for (int c; diff && (c = fgetc(diff)) != EOF; same = false) putchar(c);
    if (diff) pclose(diff);
    if (!same) say_why(script, "its %s differs from %s", kind, want);
    return same;
}

static int expected_exit(const struct script *script) {
    char path[1100];
    int code = 0;
    snprintf(path, sizeof path, "%s.exit", script->base);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%d", &code) != 1) code = -1;
    if (file) fclose(file);
    return code;
}

static void judge(struct script *script, int status, bool late) {
    char out[128], err[128];
    int want = expected_exit(script), got = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    place_of(script, ".out", out, sizeof out);
    place_of(script, ".err", err, sizeof err);
    script->took = now() - script->started;
    script->skipped = !late && got == 77 && want != 77;
    if (late)
        say_why(script, "it had not ended after %d s", script->limit_s);
    else if (got != want)
        say_why(script, "it ended with %d, expected %d", got, want);
    else if (output_is_expected(script, "stdout", out) && output_is_expected(script, "stderr", err))
        script->passed = true;
    printf("  %-7s %6.1f s  %s%s%s\n",
           script->passed    ? "ok"
           : script->skipped ? "skipped"
                             : "FAILED",
           script->took, script->name, script->why[0] && !script->skipped ? ": " : "",
           script->skipped ? "" : script->why);
    if (!script->passed) {
        show("standard output", out);
        show("standard error", err);
    }
    fflush(stdout);
}

static bool check_on(struct script *script) {
    int status = 0;
    bool late = false;
    pid_t ended = waitpid(script->pid, &status, WNOHANG);
    if (ended == 0) {
        late = interrupted || now() - script->started > script->limit_s;
        if (!late) return false;
        kill(-script->pid, SIGTERM); /* its traps may tidy up */
        for (int tries = 0; tries < 200 && (ended = waitpid(script->pid, &status, WNOHANG)) == 0; tries++)
            usleep(10000);
        if (ended == 0) {
            kill(-script->pid, SIGKILL);
            waitpid(script->pid, &status, 0);
        }
    }
    end_group(script->pid);
    judge(script, status, late);
    script->pid = 0;
    return true;
}

static void run_all(int jobs) {
    int next = 0, running = 0;
    bool alone = false;
    while ((next < script_count && !interrupted) || running > 0) {
        while (!interrupted && next < script_count && running < jobs && !alone &&
               (!scripts[next].alone || running == 0)) {
            alone = scripts[next].alone;
            start(&scripts[next++]);
            running++;
        }
        for (int i = 0; i < next; i++) {
            if (scripts[i].pid <= 0 || !check_on(&scripts[i])) continue;
            running--;
            alone = false;
        }
        usleep(20000);
    }
}

/* ---- Check's part ------------------------------------------------------------------------------------------------ */

START_TEST(test_script) {
    const struct script *script = &scripts[shown[_i]];
    ck_assert_msg(script->passed, "%s: %s", script->name, script->why);
}
END_TEST

static int tell_check(void) {
    Suite *suite = suite_create("e2e");
    TCase *cases = tcase_create("scripts");
    int skipped = 0;
    for (int i = 0; i < script_count; i++) {
        if (scripts[i].skipped)
            skipped++;
        else
            shown[shown_count++] = i;
    }
    if (skipped) printf("%d skipped: this computer lacks what they need\n", skipped);
    suite_add_tcase(suite, cases);
    tcase_add_loop_test(cases, test_script, 0, shown_count);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}

static void remove_root(void) {
    char command[256];
    if (getenv("E2E_KEEP")) {
        printf("kept: %s\n", root);
        return;
    }
    snprintf(command, sizeof command, "chmod -R u+rwx '%s'; rm -rf '%s'", root, root);
    if (system(command) != 0) printf("cannot remove %s\n", root);
}

static bool prepare(const char *given) {
    static const struct {
        const char *name, *below;
    } paths[] = {{"TOP", ""}, {"KB", "/build/kitbench"}, {"SIM", "/build/phonesim"}};
    char path[4200], *top = realpath(given, NULL);
    struct sigaction action = {.sa_handler = on_signal};
    if (!top) return false;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        snprintf(path, sizeof path, "%s%s", top, paths[i].below);
        setenv(paths[i].name, path, 1);
    }
    find_scripts(top);
    free(top);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
#ifdef __linux__
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* what a script leaves behind becomes ours to take */
#endif
    snprintf(root, sizeof root, "/tmp/kbe.XXXXXX");
    return mkdtemp(root) != NULL;
}

int main(int argc, char **argv) {
    const char *jobs = getenv("E2E_JOBS");
    int wanted = jobs ? atoi(jobs) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (!prepare(argc > 1 ? argv[1] : ".")) {
        perror("runner");
        return EXIT_FAILURE;
    }
    run_all(wanted < 1 ? 1 : wanted > 2 ? 2 : wanted);
    reap_strays();
    remove_root();
    if (interrupted) return 128 + interrupted;
    if (!script_count) printf("no script in tests/e2e fits\n");
    return tell_check() || !script_count ? EXIT_FAILURE : EXIT_SUCCESS;
}
