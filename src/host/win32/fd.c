/* Sockets that a library owns. On Windows they are not file descriptors; the number is the socket's all the same. */
#include "win.h"

#include <limits.h>

static SOCKET socket_of(int fd) { return (SOCKET)(uintptr_t)(unsigned)fd; }

enum { SLICE_MS = 200 };

/* Windows does not promise that shutdown() in one thread ends the select() of another, so the wait looks by itself:
 * sending nothing sends nothing, and fails when this end was shut down. */
static bool is_shut_down(SOCKET sock) { return send(sock, "", 0, 0) < 0 && WSAGetLastError() == WSAESHUTDOWN; }

/* select() and not WSAPoll(), which does not tell of a refused connection before Windows 10 2004. */
static enum kb_ready wait_a_slice(SOCKET sock, bool writable, int ms) {
    struct timeval wait = {ms / 1000, ms % 1000 * 1000};
    fd_set wanted, failed;
    FD_ZERO(&wanted);
    FD_ZERO(&failed);
    FD_SET(sock, &wanted);
    FD_SET(sock, &failed);
    int count = select(0, writable ? NULL : &wanted, writable ? &wanted : NULL, &failed, &wait);
    if (count == 0) return KB_READY_TIMEOUT;
    return count > 0 && FD_ISSET(sock, &wanted) ? KB_READY_YES : KB_READY_CLOSED;
}

enum kb_ready kb_fd_wait(int fd, bool writable, int64_t deadline_ms) {
    SOCKET sock = socket_of(fd);
    for (;;) {
        int left = kb_remaining_ms(deadline_ms);
        enum kb_ready ready = wait_a_slice(sock, writable, left < SLICE_MS ? left : SLICE_MS);
        if (ready != KB_READY_TIMEOUT) return ready;
        if (is_shut_down(sock)) return KB_READY_YES; /* as poll() has it: what comes next is the end of the stream */
        if (left <= SLICE_MS) return KB_READY_TIMEOUT;
    }
}

void kb_fd_shutdown(int fd) { shutdown(socket_of(fd), SD_BOTH); }

void kb_fd_large_buffers(int fd, int bytes) {
    setsockopt(socket_of(fd), SOL_SOCKET, SO_RCVBUF, (const char *)&bytes, sizeof bytes);
    setsockopt(socket_of(fd), SOL_SOCKET, SO_SNDBUF, (const char *)&bytes, sizeof bytes);
}

/* There is no MSG_DONTWAIT; from the first call on the socket does not block. */
static void do_not_block(int fd) {
    u_long on = 1;
    ioctlsocket(socket_of(fd), FIONBIO, &on);
}

static int64_t outcome(int size, bool *again) {
    *again = size < 0 && WSAGetLastError() == WSAEWOULDBLOCK;
    return size;
}

int64_t kb_fd_recv(int fd, void *data, size_t room, bool *again) {
    do_not_block(fd);
    int64_t got = outcome(recv(socket_of(fd), data, room < INT_MAX ? (int)room : INT_MAX, 0), again);
    return got < 0 && WSAGetLastError() == WSAESHUTDOWN ? 0 : got; /* we shut it down: the end of the stream */
}

int64_t kb_fd_send(int fd, const void *data, size_t size, bool *again) {
    do_not_block(fd);
    return outcome(send(socket_of(fd), data, size < INT_MAX ? (int)size : INT_MAX, 0), again);
}

bool kb_fd_put(int fd, const void *data, size_t size) {
    HANDLE stream = GetStdHandle(fd == 1 ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE);
    const char *at = data;

    while (size > 0) {
        DWORD put = 0, want = size < 65536 ? (DWORD)size : 65536;

        if (!WriteFile(stream, at, want, &put, NULL) || put == 0) return false;
        at += put;
        size -= put;
    }
    return true;
}
