/* The bench's process and folders, see system.h. */
#define _GNU_SOURCE
#include "../system.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static sigset_t awaited; /* set once, before there are threads */

void sim_system_start(void) { signal(SIGPIPE, SIG_IGN); }

void sim_end_prepare(bool runs) {
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGINT);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGUSR1); /* sim_end_ask() */
    if (runs) sigaddset(&awaited, SIGHUP);
    if (runs) sigaddset(&awaited, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &awaited, NULL);
}

void sim_end_wait(void) {
    int got = 0;
    sigwait(&awaited, &got);
}

void sim_end_ask(void) { kill(getpid(), SIGUSR1); }

static int start(char *const *words, pid_t *child) {
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawnp(child, words[0], NULL, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    return error;
}

int sim_run(char *const *words) {
    pid_t child;
    int got, status;
    errno = start(words, &child);
    if (errno != 0) return -1;
    while (waitpid(child, &status, WNOHANG) == 0) {
        sigwait(&awaited, &got);
        if (got == SIGTERM || got == SIGHUP) kill(child, SIGHUP); /* a shell at a terminal takes no SIGTERM */
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void sim_env_set(const char *name, const char *value) { setenv(name, value, 1); }

const char *sim_why(void) { return strerror(errno); }

bool sim_folder_temporary(char *out, size_t room) {
    const char *tmp = getenv("TMPDIR");
    snprintf(out, room, "%s/phonesim.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(out) != NULL;
}

bool sim_folder_make(const char *path) { return mkdir(path, 0700) == 0 || errno == EEXIST; }

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where) {
    (void)info, (void)type, (void)where;
    return remove(path);
}

void sim_folder_remove(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

bool sim_file_replace(const char *from, const char *to) { return rename(from, to) == 0; }
