/* Clock, threads, log and addresses of the bench. */
#define _GNU_SOURCE
#include "parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int64_t sim_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sim_nap(int64_t ms) {
    struct timespec rest = {ms / 1000, (ms % 1000) * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) continue;
}

void sim_copy(char *dst, size_t size, const char *src) { snprintf(dst, size, "%s", src ? src : ""); }

void sim_log(struct sim *sim, const char *format, ...) {
    if (!sim->verbose) return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "%lld.%03lld %s\n", (long long)(sim_now_ms() / 1000), (long long)(sim_now_ms() % 1000), line);
}

/* One thread a connection: small stacks, so that many idle ones cost little. */
void sim_thread(void *(*run)(void *), void *arg) {
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 1024 * 1024);
    int err = pthread_create(&thread, &attr, run, arg);
    pthread_attr_destroy(&attr);
    if (err != 0) {
        fprintf(stderr, "phonesim: no thread: %s\n", strerror(err));
        abort();
    }
}

bool sim_address_parse(const char *text, struct sim_address *out) {
    memset(out, 0, sizeof *out);
    if (strncasecmp(text, "UNIX:", 5) == 0) text += 5;
    if (text[0] == '/') {
        if (strlen(text) >= sizeof out->path) return false;
        sim_copy(out->path, sizeof out->path, text);
        return true;
    }
    const char *colon = strrchr(text, ':');
    if (!colon || (strncmp(text, "127.0.0.1:", 10) != 0 && strncmp(text, "localhost:", 10) != 0)) return false;
    char *end;
    long port = strtol(colon + 1, &end, 10);
    if (*end != 0 || end == colon + 1 || port < 0 || port > 65535) return false;
    out->port = (int)port;
    return true;
}

/* Not atomic, as macOS has no call that is; the bench starts no other program. */
int sim_close_on_exec(int fd) {
    if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

int sim_accept(int listener) { return sim_close_on_exec(accept(listener, NULL, NULL)); }

static int listen_unix(struct sim_address *address) {
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    memcpy(sun.sun_path, address->path, sizeof sun.sun_path);
    sun.sun_path[sizeof sun.sun_path - 1] = 0;
    int fd = sim_close_on_exec(socket(AF_UNIX, SOCK_STREAM, 0));
    if (fd < 0) return -1;
    unlink(address->path);
    if (bind(fd, (struct sockaddr *)&sun, sizeof sun) != 0 || listen(fd, 512) != 0) {
        close(fd);
        return -1;
    }
    chmod(address->path, 0666); /* as the daemon does */
    return fd;
}

static int listen_tcp(struct sim_address *address) {
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)address->port)};
    socklen_t length = sizeof sin;
    int yes = 1;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = sim_close_on_exec(socket(AF_INET, SOCK_STREAM, 0));
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&sin, sizeof sin) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&sin, &length) != 0) {
        close(fd);
        return -1;
    }
    address->port = ntohs(sin.sin_port);
    return fd;
}

int sim_address_listen(struct sim_address *address) {
    return address->path[0] ? listen_unix(address) : listen_tcp(address);
}

int sim_address_connect(const struct sim_address *address) {
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)address->port)};
    bool local = address->path[0] != 0;
    memcpy(sun.sun_path, address->path, sizeof sun.sun_path - 1);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = sim_close_on_exec(socket(local ? AF_UNIX : AF_INET, SOCK_STREAM, 0));
    if (fd < 0) return -1;
    const struct sockaddr *to = local ? (const struct sockaddr *)&sun : (const struct sockaddr *)&sin;
    if (connect(fd, to, local ? sizeof sun : sizeof sin) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}
