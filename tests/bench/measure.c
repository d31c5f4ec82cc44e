/*
 * measure: runs one command and says what it cost this computer: wall time, CPU seconds and peak memory of the whole
 * process tree, looked at every 20 ms. Memory is told twice: as the sum of the processes' resident sets, in which a
 * library that two of them use counts twice, and of their proportional shares (PSS), in which it counts once.
 * With --until TEXT also what had been spent when a line of its standard output first held TEXT; with --times N when N
 * lines had it. --every MS looks less often, for many processes.
 * For tests/bench/bench.sh; Linux only (/proc), not part of the program.
 *
 * prints  wall cpu peak_kib exit peak_pss_kib   [until_wall until_cpu]
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct usage {
    double cpu;
    long kib, pss_kib;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool load(const char *path, char *out, size_t room) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, out, room - 1);
    close(fd);
    if (n < 0) return false;
    out[n] = 0;
    return true;
}

static long pss_of(long pid) {
    char path[64], text[4096], *found;
    snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", pid);
    if (!load(path, text, sizeof text) || !(found = strstr(text, "\nPss:"))) return 0;
    return strtol(found + 5, NULL, 10);
}

/* Adds one process and its children; a child that was waited for is in its parent's cutime. */
static void add_tree(long pid, struct usage *sum) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if (!load(path, text, sizeof text)) return;
    char *behind = strrchr(text, ')');
    unsigned long u, s;
    long cu, cs, rss;
    if (!behind ||
        sscanf(behind + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld %*d %*d %*d %*d %*u %*u %ld",
               &u, &s, &cu, &cs, &rss) != 5)
        return;
    sum->cpu += (double)(u + s + (unsigned long)cu + (unsigned long)cs) / (double)sysconf(_SC_CLK_TCK);
    sum->kib += rss * (sysconf(_SC_PAGESIZE) / 1024);
    sum->pss_kib += pss_of(pid);
    snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", pid, pid);
    if (!load(path, text, sizeof text)) return;
    for (char *p = text, *end; (pid = strtol(p, &end, 10)) > 0; p = end) add_tree(pid, sum);
}

/* How many whole lines of text hold it. */
static int lines_with(const char *text, const char *word) {
    int count = 0;
    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        const char *found = strstr(text, word);
        count += found && found < end;
    }
    return count;
}

int main(int argc, char **argv) {
    const char *until = NULL;
    int first = 1, times = 1, found = 0;
    double every = 0.02;
    for (; first + 2 < argc && !strncmp(argv[first], "--", 2); first += 2) {
        if (!strcmp(argv[first], "--until")) until = argv[first + 1];
        if (!strcmp(argv[first], "--times")) times = atoi(argv[first + 1]);
        if (!strcmp(argv[first], "--every")) every = atof(argv[first + 1]) / 1000;
    }
    if (first >= argc)
        return fprintf(stderr, "usage: measure [--until TEXT] [--times N] [--every MS] COMMAND [ARG...]\n"), 2;
    int out[2];
    if (pipe2(out, O_CLOEXEC)) return perror("pipe"), 2;
    double start = now(), until_wall = -1, until_cpu = -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        execvp(argv[first], argv + first);
        perror(argv[first]);
        _exit(127);
    }
    close(out[1]);
    char line[65536];
    size_t have = 0;
    long peak = 0, peak_pss = 0;
    double looked = 0;
    for (;;) {
        struct pollfd p = {out[0], POLLIN, 0};
        int ready = poll(&p, 1, 20);
        struct usage sum = {0, 0, 0};
        if (now() - looked >= every) {
            add_tree(pid, &sum);
            looked = now();
        }
        if (sum.kib > peak) peak = sum.kib;
        if (sum.pss_kib > peak_pss) peak_pss = sum.pss_kib;
        if (ready <= 0) continue;
        ssize_t n = read(out[0], line + have, sizeof line - 1 - have);
        if (n <= 0) break;
        have += (size_t)n;
        line[have] = 0;
        if (until) found += lines_with(line, until);
        if (until && until_wall < 0 && found >= times) {
            sum = (struct usage){0, 0, 0};
            add_tree(pid, &sum);
            until_wall = now() - start;
            until_cpu = sum.cpu;
        }
        char *last = strrchr(line, '\n');
        if (last || have == sizeof line - 1) {
            have = last ? have - (size_t)(last + 1 - line) : 0;
            if (last) memmove(line, last + 1, have + 1);
        }
    }
    int status = 0;
    struct rusage use;
    wait4(pid, &status, 0, &use);
    double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                 (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
    if (use.ru_maxrss > peak) peak = use.ru_maxrss;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    printf("%.3f %.3f %ld %d %ld", now() - start, cpu, peak, code, peak_pss);
    if (until) printf(" %.3f %.3f", until_wall, until_cpu);
    printf("\n");
    return 0;
}
