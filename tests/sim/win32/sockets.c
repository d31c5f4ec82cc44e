/* Sockets of the bench, see system.h: Winsock's. There are none in the file system, and a socket is no descriptor. */
#include "../system.h"

#include <winsock2.h>

#include <windows.h>

#include <errno.h>
#include <limits.h>

static SOCKET socket_of(int fd) { return (SOCKET)(uintptr_t)(unsigned)fd; }

static int fail(void) {
    switch (WSAGetLastError()) {
    case WSAEMFILE:
        errno = EMFILE;
        break;
    case WSAECONNRESET:
        errno = ECONNABORTED;
        break;
    case WSAEADDRINUSE:
    case WSAEACCES: /* another program has it for itself alone */
        errno = EADDRINUSE;
        break;
    case WSAECONNREFUSED:
        errno = ECONNREFUSED;
        break;
    default:
        errno = EIO;
    }
    return -1;
}

static int close_and_fail(SOCKET sock) {
    int failed = fail();
    closesocket(sock);
    return failed;
}

/* Small messages go at once: on the loopback network, too, one would wait for the other side's acknowledgement. */
static int ready(SOCKET sock) {
    BOOL yes = TRUE;
    SetHandleInformation((HANDLE)sock, HANDLE_FLAG_INHERIT, 0);
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, (const char *)&yes, sizeof yes);
    return (int)sock;
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((u_short)port)};
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sin;
}

/* SO_REUSEADDR would let two programs have one port here. */
int sim_address_listen(struct sim_address *address) {
    struct sockaddr_in sin = loopback(address->port);
    int length = sizeof sin;
    BOOL yes = TRUE;
    errno = EAFNOSUPPORT;
    if (address->path[0]) return -1;
    SOCKET sock = socket(AF_INET, SOCK_STREAM, 0);
    if (sock == INVALID_SOCKET) return fail();
    SetHandleInformation((HANDLE)sock, HANDLE_FLAG_INHERIT, 0);
    setsockopt(sock, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&yes, sizeof yes);
    if (bind(sock, (struct sockaddr *)&sin, sizeof sin) != 0 || listen(sock, SOMAXCONN) != 0 ||
        getsockname(sock, (struct sockaddr *)&sin, &length) != 0)
        return close_and_fail(sock);
    address->port = ntohs(sin.sin_port);
    return (int)sock;
}

int sim_address_connect(const struct sim_address *address) {
    struct sockaddr_in sin = loopback(address->port);
    errno = EAFNOSUPPORT;
    if (address->path[0]) return -1;
    SOCKET sock = socket(AF_INET, SOCK_STREAM, 0);
    if (sock == INVALID_SOCKET) return fail();
    if (connect(sock, (struct sockaddr *)&sin, sizeof sin) != 0) return close_and_fail(sock);
    return ready(sock);
}

int sim_accept(int listener) {
    SOCKET sock = accept(socket_of(listener), NULL, NULL);
    return sock == INVALID_SOCKET ? fail() : ready(sock);
}

/* Only closing wakes accept(). */
void sim_listen_end(int listener) { closesocket(socket_of(listener)); }
void sim_listen_free(int listener) { (void)listener; }

void sim_socket_close(int fd) { closesocket(socket_of(fd)); }
void sim_socket_end(int fd) { shutdown(socket_of(fd), SD_BOTH); }

void sim_socket_large(int fd) {
    int size = 1024 * 1024;
    setsockopt(socket_of(fd), SOL_SOCKET, SO_SNDBUF, (const char *)&size, sizeof size);
}

static int at_most(size_t size) { return size < INT_MAX ? (int)size : INT_MAX; }

static bool would_block(int n) { return n < 0 && WSAGetLastError() == WSAEWOULDBLOCK; }

static bool wait_writable(int fd) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(socket_of(fd), &set);
    return select(0, NULL, &set, NULL, NULL) == 1;
}

bool sim_socket_send(int fd, const void *data, size_t size) {
    const char *at = data;
    while (size > 0) {
        int n = send(socket_of(fd), at, at_most(size), 0);
        if (would_block(n) && wait_writable(fd)) continue;
        if (n <= 0) return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* There is no MSG_DONTWAIT: the socket does not block meanwhile, so the other calls reckon with that. */
bool sim_socket_send_now(int fd, const void *data, size_t size) {
    u_long on = 1, off = 0;
    ioctlsocket(socket_of(fd), FIONBIO, &on);
    int n = size <= INT_MAX ? send(socket_of(fd), data, (int)size, 0) : -1;
    ioctlsocket(socket_of(fd), FIONBIO, &off);
    return n >= 0 && (size_t)n == size;
}

size_t sim_socket_recv(int fd, void *data, size_t room) {
    for (;;) {
        int n = recv(socket_of(fd), data, at_most(room), 0);
        if (would_block(n) && sim_socket_wait(fd, -1, -1) == 1) continue;
        return n > 0 ? (size_t)n : 0;
    }
}

/* Behind what is still to be read the end cannot be seen by recv(), but by WSAPoll(). */
bool sim_socket_left(int fd) {
    WSAPOLLFD look = {socket_of(fd), POLLRDNORM, 0};
    char byte;
    if (WSAPoll(&look, 1, 0) <= 0) return false;
    if (look.revents & (POLLHUP | POLLERR | POLLNVAL)) return true;
    return recv(socket_of(fd), &byte, 1, MSG_PEEK) == 0;
}

int sim_socket_wait(int fd, int other_fd, int ms) {
    struct timeval time = {ms / 1000, ms % 1000 * 1000};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(socket_of(fd), &set);
    if (other_fd >= 0) FD_SET(socket_of(other_fd), &set);
    int n = select(0, &set, NULL, NULL, ms < 0 ? NULL : &time);
    if (n <= 0) return n < 0 ? -1 : 0;
    return FD_ISSET(socket_of(fd), &set) ? 1 : 2;
}

/* select() takes no pipes, so it is a connection with ourselves. */
bool sim_wake_make(int wake[2]) {
    struct sim_address here = {.port = 0};
    int listener = sim_address_listen(&here);
    if (listener < 0) return false;
    wake[1] = sim_address_connect(&here);
    wake[0] = wake[1] < 0 ? -1 : sim_accept(listener);
    sim_socket_close(listener);
    if (wake[0] >= 0) return true;
    if (wake[1] >= 0) sim_socket_close(wake[1]);
    return false;
}

void sim_wake(int fd) { sim_socket_send_now(fd, "", 1); }

void sim_wake_heard(int fd) {
    char bytes[16];
    while (sim_socket_wait(fd, -1, 0) == 1 && sim_socket_recv(fd, bytes, sizeof bytes) > 0) continue;
}
