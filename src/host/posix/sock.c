/* Connecting to usbmuxd: a socket in the file system, or TCP. Every call ends at its deadline. */
#define _GNU_SOURCE
#include "../system.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct kb_address kb_address_default(void) {
    return (struct kb_address){true, "/var/run/usbmuxd", 0};
}

static int new_socket(int family) {
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Ends a connect that was begun; 0 or errno. */
static int finish_connect(int fd, int64_t deadline_ms) {
    int error = 0;
    socklen_t size = sizeof error;
    if (kb_fd_wait(fd, true, deadline_ms) == KB_READY_TIMEOUT) return ETIMEDOUT;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}

static int connect_to(const struct sockaddr *address, socklen_t size, int64_t deadline_ms, int *out) {
    int fd = new_socket(address->sa_family), error;
    if (fd < 0) return errno;
    for (;;) {
        error = connect(fd, address, size) == 0 ? 0 : errno;
        if (error == EINPROGRESS || error == EINTR) error = finish_connect(fd, deadline_ms);
        if (error != EAGAIN || !kb_remaining_ms(deadline_ms)) break; /* EAGAIN: the daemon's queue is full */
        kb_sleep_ms(10);
    }
    if (error)
        close(fd);
    else
        *out = fd;
    return error;
}

static int connect_local(const char *path, int64_t deadline_ms, int *out) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!kb_text_copy(address.sun_path, sizeof address.sun_path, path)) return ENAMETOOLONG;
    return connect_to((struct sockaddr *)&address, sizeof address, deadline_ms, out);
}

static int connect_network(const char *host, int port, int64_t deadline_ms, int *out) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    char service[16];
    int error = EHOSTUNREACH, one = 1;
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &hints, &list) != 0) return EHOSTUNREACH;
    for (const struct addrinfo *at = list; at && error; at = at->ai_next)
        error = connect_to(at->ai_addr, at->ai_addrlen, deadline_ms, out);
    freeaddrinfo(list);
    if (!error) setsockopt(*out, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return error;
}

int kb_connect(const struct kb_address *address, int64_t deadline_ms, unsigned long *error) {
    int fd = -1;
    *error = (unsigned long)(address->local ? connect_local(address->path, deadline_ms, &fd)
                                            : connect_network(address->path, address->port, deadline_ms, &fd));
    return fd;
}

void kb_disconnect(int fd) { close(fd); }
