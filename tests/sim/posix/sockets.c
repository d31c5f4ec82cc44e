/* Sockets of the bench, see system.h: BSD's own. */
#define _GNU_SOURCE /* POLLRDHUP */
#include "../system.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifdef POLLRDHUP
#define GONE POLLRDHUP
#else
#define GONE POLLHUP /* macOS tells the other side's end by this one */
#endif

/* Not atomic, as macOS has no call that is; the bench starts no other program. */
static int close_on_exec(int fd) {
    if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

int sim_accept(int listener) { return close_on_exec(accept(listener, NULL, NULL)); }

static int listen_unix(struct sim_address *address) {
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    memcpy(sun.sun_path, address->path, sizeof sun.sun_path);
    sun.sun_path[sizeof sun.sun_path - 1] = 0;
    int fd = close_on_exec(socket(AF_UNIX, SOCK_STREAM, 0));
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
    int fd = close_on_exec(socket(AF_INET, SOCK_STREAM, 0));
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
    int fd = close_on_exec(socket(local ? AF_UNIX : AF_INET, SOCK_STREAM, 0));
    if (fd < 0) return -1;
    const struct sockaddr *to = local ? (const struct sockaddr *)&sun : (const struct sockaddr *)&sin;
    if (connect(fd, to, local ? sizeof sun : sizeof sin) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void sim_listen_end(int listener) { shutdown(listener, SHUT_RDWR); }
void sim_listen_free(int listener) { close(listener); }

void sim_socket_close(int fd) { close(fd); }
void sim_socket_end(int fd) { shutdown(fd, SHUT_RDWR); }

void sim_socket_large(int fd) {
    int size = 1024 * 1024;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

bool sim_socket_send(int fd, const void *data, size_t size) {
    const char *at = data;
    while (size > 0) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

bool sim_socket_send_now(int fd, const void *data, size_t size) {
    return send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
}

size_t sim_socket_recv(int fd, void *data, size_t room) {
    for (;;) {
        ssize_t n = recv(fd, data, room, 0);
        if (n >= 0) return (size_t)n;
        if (errno != EINTR) return 0;
    }
}

bool sim_socket_left(int fd) {
    struct pollfd look = {fd, GONE, 0};
    return poll(&look, 1, 0) > 0;
}

int sim_socket_wait(int fd, int other_fd, int ms) {
    struct pollfd fds[2] = {{fd, POLLIN, 0}, {other_fd, POLLIN, 0}};
    int n;
    do n = poll(fds, other_fd >= 0 ? 2 : 1, ms);
    while (n < 0 && errno == EINTR);
    if (n <= 0) return n;
    return fds[0].revents ? 1 : 2;
}

bool sim_wake_make(int wake[2]) {
    if (pipe(wake) != 0) return false;
    for (int i = 0; i < 2; i++) fcntl(close_on_exec(wake[i]), F_SETFL, O_NONBLOCK);
    return true;
}

void sim_wake(int fd) {
    ssize_t ignored = write(fd, "", 1); /* full: it is awake already */
    (void)ignored;
}

void sim_wake_heard(int fd) {
    char bytes[16];
    while (read(fd, bytes, sizeof bytes) > 0) continue;
}
