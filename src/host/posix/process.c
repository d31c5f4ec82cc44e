/* The process: how it starts, who it is, what it may use. */
#define _GNU_SOURCE
#include "../system.h"
#include "frameworks.h"
#include "sanitized.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* A closed standard descriptor would give its number to the next file, and a message would be written into it. */
static void open_standard_descriptors(void) {
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0) abort();
}

/* The libraries below us read fewer forms of the address than we do (protocol.md 1.1). */
static void tell_libraries_the_address(void) {
    struct kb_address address;
    char text[300];
    if (!kb_address_parse(kb_host_env("USBMUXD_SOCKET_ADDRESS"), &address)) return;
    kb_address_print(&address, text, sizeof text);
    setenv("USBMUXD_SOCKET_ADDRESS", text, 1);
}

/* glibc keeps more and more freed memory the larger the pieces are that it sees freed; a tray is 65 processes. */
static void give_freed_memory_back(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_TRIM_THRESHOLD, 128 * 1024);
#endif
}

/*
 * macOS begins with 256, and a tray of 64 workers has three pipes for each. Never above FD_SETSIZE: the libraries below
 * us use select().
 */
static void allow_descriptors(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= FD_SETSIZE) return;
    files.rlim_cur = files.rlim_max == RLIM_INFINITY || files.rlim_max > FD_SETSIZE ? FD_SETSIZE : files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

void kb_host_start(void) {
    struct rlimit none = {0, 0};
    open_standard_descriptors();
    setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
    if (!SANITIZED) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error with a sentence, as a full disk is */
    umask(077);
    allow_descriptors();
    give_freed_memory_back();
    tell_libraries_the_address();
}

char **kb_host_args(int argc, char **argv) {
    (void)argc;
    return argv;
}

char *kb_host_self(void) {
#ifdef __APPLE__
    char path[4096], *real;
    uint32_t room = sizeof path;
    if (_NSGetExecutablePath(path, &room) != 0 || !(real = realpath(path, NULL))) return NULL; /* it may be relative */
    char *copy = kb_xstrdup(real);
    free(real);
    return copy;
#else
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    if (size <= 0) return NULL;
    path[size] = '\0';
    /* Replaced on the disk while we run (an update): the link still starts the program that we are. */
    if (access(path, X_OK) != 0) return kb_xstrdup("/proc/self/exe");
    return kb_xstrdup(path);
#endif
}

const char *kb_host_env(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

enum kb_lang kb_host_lang(void) {
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    enum kb_lang lang = KB_LANG_EN;
    char desktop[64];
    for (size_t i = 0; i < KB_ARRAY_SIZE(names); i++) {
        const char *value = kb_host_env(names[i]);
        if (!value) continue;
        kb_lang_parse(value, &lang);
        return lang;
    }
    if (kb_framework_language(desktop, sizeof desktop)) kb_lang_parse(desktop, &lang);
    return lang;
}

/* Of several answers, the person: behind sudo that is not root. */
char *kb_host_user(void) {
    const char *sudo = kb_host_env("SUDO_USER"), *user = kb_host_env("USER");
    if (geteuid() == 0 && sudo) return kb_xstrdup(sudo);
    struct passwd entry, *found = NULL;
    char room[4096];
    if (getpwuid_r(getuid(), &entry, room, sizeof room, &found) == 0 && found) return kb_xstrdup(found->pw_name);
    return kb_xstrdup(user ? user : "");
}

char *kb_host_name(void) {
    char name[256] = "";
    if (gethostname(name, sizeof name - 1) != 0) name[0] = '\0';
    return kb_xstrdup(name);
}
