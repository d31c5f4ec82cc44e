/*
 * A random walk over a simulated bench with a tray: plugs, unplugs, swaps, kills, taps and breaks by lot, and looks
 * after each act whether what must always hold does hold (invariants.c). At the end a kind hand does what is wanted,
 * and everything must come to its end. For tests/e2e/tray-walks.sh, which makes the bench; Linux only (/proc).
 *
 * usage: walk SEED ROUNDS KITBENCH PHONESIM CONTROL_ADDRESS HOME SHEET SOURCE
 * exit 0: nothing broke; 1: something did, and standard error says what, in which round.
 */
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KIND_RUNS 6 /* so often is the sheet begun again with a kind hand */
#define KIND_MS   240000

static uint64_t the_seed;

/* xorshift64*: the same walk for the same seed, as far as the computer's pace lets it. */
int pick(struct walk *walk, int below) {
    walk->random ^= walk->random >> 12;
    walk->random ^= walk->random << 25;
    walk->random ^= walk->random >> 27;
    return (int)((walk->random * 2685821657736338717u >> 33) % (unsigned)below);
}

void nap_ms(int ms) {
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR) {
    }
}

void broken(struct walk *walk, const char *format, ...) {
    va_list args;
    fprintf(stderr, "BROKEN in round %d of seed %llu: ", walk->round, (unsigned long long)the_seed);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    if (walk->tray > 0) kill(walk->tray, SIGKILL);
    exit(1);
}

/* ---- phonesim ---------------------------------------------------------------------------------------------------- */

static int connect_control(struct walk *walk) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", walk->control + strlen("UNIX:"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0) broken(walk, "phonesim is gone");
    return fd;
}

json_t *ctl(struct walk *walk, const char *command, const char *device, const char *a, const char *b) {
    const char *words[] = {device, a, b};
    json_t *args = json_array();
    for (int i = 0; i < 3 && words[i]; i++) json_array_append_new(args, json_string(words[i]));
    json_t *request = json_pack("{s:s s:o}", "command", command, "args", args);
    char *text = json_dumps(request, JSON_COMPACT), *line = NULL;
    size_t room = 0;
    FILE *file = fdopen(connect_control(walk), "r+");
    fprintf(file, "%s\n", text);
    fflush(file);
    if (getline(&line, &room, file) <= 0) broken(walk, "phonesim does not answer to %s", command);
    json_t *reply = json_loads(line, 0, NULL);
    fclose(file);
    free(line);
    free(text);
    json_decref(request);
    if (json_is_true(json_object_get(reply, "ok"))) return reply;
    json_decref(reply);
    return NULL;
}

void tap(struct walk *walk, const char *command, const char *device, const char *a, const char *b) {
    json_decref(ctl(walk, command, device, a, b));
}

/* ---- kitbench ---------------------------------------------------------------------------------------------------- */

static pid_t start(const char *output, const char *const *args) {
    pid_t pid = fork();
    if (pid) return pid;
    int in = open("/dev/null", O_RDONLY), out = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    execv(args[0], (char *const *)(uintptr_t)args);
    _exit(127);
}

int run_kb(struct walk *walk, const char *output, const char *const *args) {
    const char *all[16] = {walk->kb};
    int status = 0;
    for (int i = 0; args[i] && i < 14; i++) all[i + 1] = args[i];
    pid_t pid = start(output ? output : "/dev/null", all);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool other_ended(struct walk *walk) {
    int status;
    if (walk->other && waitpid(walk->other, &status, WNOHANG) == walk->other) walk->other = 0;
    return !walk->other;
}

void other_start(struct walk *walk, const char *const *args) {
    const char *all[16] = {walk->kb};
    for (int i = 0; args[i] && i < 14; i++) all[i + 1] = args[i];
    if (other_ended(walk)) walk->other = start("other.out", all);
}

void tray_start(struct walk *walk, int wait_s) {
    char wait[16];
    snprintf(wait, sizeof wait, "%d", wait_s);
    const char *args[] = {walk->kb, "tray",   walk->sheet, "--json", "--password-file", "pw", "--patience",
                          "6",      "--wait", wait,        NULL};
    walk->tray = start("tray.out", args);
}

bool tray_ended(struct walk *walk, int *code) {
    int status = 0;
    if (!walk->tray || waitpid(walk->tray, &status, WNOHANG) != walk->tray) return false;
    walk->tray = 0;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (*code == 1 || *code == 2 || (*code > 130 && *code != 128 + SIGKILL && *code != 128 + SIGTERM))
        broken(walk, "the tray ended with %d", *code);
    return true;
}

/* ---- The walk ---------------------------------------------------------------------------------------------------- */

static void learn_bench(struct walk *walk) {
    size_t i;
    json_t *one, *state = ctl(walk, "state", NULL, NULL, NULL);
    json_array_foreach(json_object_get(state, "devices"), i, one) {
        struct place *place = &walk->places[walk->count++];
        snprintf(place->name, sizeof place->name, "%s", json_string_value(json_object_get(one, "name")));
        snprintf(place->udid, sizeof place->udid, "%s", json_string_value(json_object_get(one, "udid")));
        place->location = json_integer_value(json_object_get(one, "location"));
        place->plugged = true;
        place->never = !strncmp(place->name, "never", 5);
    }
    json_decref(state);
}

static void await_tray(struct walk *walk) {
    int code;
    if (walk->tray) kill(walk->tray, SIGTERM);
    for (int i = 0; walk->tray && i < 900 && !tray_ended(walk, &code); i++) {
        if (i == 300) kill(walk->tray, SIGTERM); /* a device that does not come back is waited for; twice is now */
        nap_ms(100);
    }
    if (walk->tray) broken(walk, "a tray that was told to stop did not");
}

/* What may never be ready is refused; all others must have been brought to their end. */
static bool at_the_end(struct walk *walk, bool say) {
    bool all = true;
    for (int i = 0; i < walk->count; i++) {
        char state[32], step[40];
        newest(walk, walk->places[i].udid, state, step);
        bool fine = !strcmp(state, walk->places[i].never ? "refused" : "done");
        if (!fine && say) fprintf(stderr, "%s is %s %s\n", walk->places[i].name, state, step);
        all = all && fine;
    }
    return all;
}

static void finish(struct walk *walk) {
    int code = -1;
    await_tray(walk);
    for (int i = 0; i < 900 && !other_ended(walk); i++) nap_ms(100);
    if (walk->other) broken(walk, "a kitbench of another terminal does not end");
    tap(walk, "daemon", "start", NULL, NULL);
    for (int i = 0; i < walk->count; i++) {
        tap(walk, "clear-faults", walk->places[i].name, NULL, NULL);
        tap(walk, "find-my", walk->places[i].name, "off", NULL);
    }
    for (int run = 0; run < KIND_RUNS && !at_the_end(walk, false); run++) {
        tray_start(walk, 25);
        for (int ms = 0; ms < KIND_MS && !tray_ended(walk, &code); ms += 300) {
            kind_hand(walk);
            check_all(walk);
            nap_ms(300);
        }
        if (walk->tray) broken(walk, "the tray does not end with a kind hand");
        check_all(walk);
    }
    if (!at_the_end(walk, true))
        broken(walk, "a kind hand did not bring everything to its end; the tray ended with %d", code);
    const char *report[] = {"report", "--out", "report.json", NULL};
    if (run_kb(walk, NULL, report) != 0) broken(walk, "the journal is not whole");
}

int main(int argc, char **argv) {
    struct walk walk = {.daemon_up = true};
    if (argc != 9) return fprintf(stderr, "usage: walk SEED ROUNDS KITBENCH PHONESIM CONTROL HOME SHEET SOURCE\n"), 2;
    the_seed = strtoull(argv[1], NULL, 10);
    walk.random = the_seed * 0x9e3779b97f4a7c15u + 88172645463325252u;
    int rounds = atoi(argv[2]);
    walk.kb = argv[3];
    walk.sim = argv[4];
    walk.control = argv[5];
    walk.home = argv[6];
    walk.sheet = argv[7];
    walk.source = argv[8];
    signal(SIGPIPE, SIG_IGN);
    learn_bench(&walk);
    for (walk.round = 1; walk.round <= rounds; walk.round++) {
        act(&walk);
        nap_ms(pick(&walk, 3) ? pick(&walk, 150) : pick(&walk, 700));
        check_all(&walk);
    }
    finish(&walk);
    printf("seed %llu: %d rounds, everything came to its end\n", (unsigned long long)the_seed, rounds);
    return 0;
}
