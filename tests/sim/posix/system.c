/* The bench's process and folders, see system.h. */
#define _GNU_SOURCE
#include "../system.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static sigset_t ends(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1); /* sim_end_ask() */
    return set;
}

void sim_system_start(bool serves) {
    if (!serves) return;
    sigset_t set = ends();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void sim_end_wait(void) {
    sigset_t set = ends();
    int got = 0;
    sigwait(&set, &got);
}

void sim_end_ask(void) { kill(getpid(), SIGUSR1); }

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
