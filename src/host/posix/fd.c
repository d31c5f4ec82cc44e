/* Sockets that a library owns: waiting with an end, shutting down, and reads and writes that do not block. */
#define _GNU_SOURCE
#include "../system.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* kb_host_start() ignores SIGPIPE */
#endif

enum kb_ready kb_fd_wait(int fd, bool writable, int64_t deadline_ms) {
    short wanted = writable ? POLLOUT : POLLIN;
    for (;;) {
        struct pollfd ready = {fd, wanted, 0};
        int count = poll(&ready, 1, kb_remaining_ms(deadline_ms));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return KB_READY_CLOSED;
        if (count == 0) return KB_READY_TIMEOUT;
        return ready.revents & wanted ? KB_READY_YES : KB_READY_CLOSED;
    }
}

void kb_fd_shutdown(int fd) { shutdown(fd, SHUT_RDWR); }

void kb_fd_large_buffers(int fd, int bytes) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static int64_t outcome(ssize_t size, bool *again) {
    *again = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return size;
}

/* Only Linux keeps MSG_DONTWAIT for both directions; elsewhere the descriptor itself must not block. */
static void never_block(int fd) {
#ifndef __linux__
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && !(flags & O_NONBLOCK)) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
#else
    (void)fd;
#endif
}

int64_t kb_fd_recv(int fd, void *data, size_t room, bool *again) {
    never_block(fd);
    return outcome(recv(fd, data, room, MSG_DONTWAIT), again);
}

int64_t kb_fd_send(int fd, const void *data, size_t size, bool *again) {
    never_block(fd);
    return outcome(send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL), again);
}

bool kb_fd_put(int fd, const void *data, size_t size) {
    const char *at = data;

    while (size > 0) {
        ssize_t put = write(fd, at, size);

        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        at += put;
        size -= (size_t)put;
    }
    return true;
}
