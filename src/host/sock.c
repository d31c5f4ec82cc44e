/* The stream to usbmuxd on top of the system's sockets: whole messages or a sentence. */
#include "system.h"

#include <stdlib.h>

struct kb_sock {
    int fd;
};

struct kb_result kb_sock_usbmuxd(int64_t deadline_ms, struct kb_sock **out) {
    struct kb_address address = kb_address_usbmuxd();
    unsigned long error;
    char where[300], room[160];
    int fd = kb_connect(&address, deadline_ms, &error);
    if (fd < 0) {
        kb_address_print(&address, where, sizeof where);
        return kb_fail(KB_USBMUX, KB_USBMUX_NO_DAEMON,
                       _("usbmuxd does not answer at %s (%s); plug a device in, or see what \"kitbench doctor\" says"),
                       where, kb_system_words(error, room, sizeof room));
    }
    *out = kb_xmalloc(sizeof **out);
    (*out)->fd = fd;
    return kb_ok();
}

int kb_sock_fd(const struct kb_sock *sock) { return sock->fd; }

static struct kb_result daemon_gone(void) {
    return kb_fail(KB_USBMUX, KB_USBMUX_NO_DAEMON,
                   _("usbmuxd closed the connection; plug the device in again, or restart usbmuxd"));
}

/* Waits for the socket; a failure when it is not ready in time. */
static struct kb_result ready(const struct kb_sock *sock, bool writable, int64_t deadline_ms) {
    switch (kb_fd_wait(sock->fd, writable, deadline_ms)) {
    case KB_READY_YES:
        return kb_ok();
    case KB_READY_CLOSED:
        return daemon_gone();
    default:
        break;
    }
    return kb_fail(KB_HOST, KB_HOST_TIMEOUT, _("usbmuxd did not answer in time; try again, or restart usbmuxd"));
}

struct kb_result kb_sock_send(struct kb_sock *sock, const void *data, size_t size, int64_t deadline_ms) {
    const char *at = data;
    while (size) {
        bool again;
        int64_t sent = kb_fd_send(sock->fd, at, size, &again);
        if (sent < 0 && !again) return daemon_gone();
        if (sent < 0) {
            struct kb_result res = ready(sock, true, deadline_ms);
            if (kb_failed(&res)) return res;
            continue;
        }
        at += sent;
        size -= (size_t)sent;
    }
    return kb_ok();
}

struct kb_result kb_sock_recv(struct kb_sock *sock, void *data, size_t size, int64_t deadline_ms) {
    char *at = data;
    while (size) {
        bool again;
        int64_t got = kb_fd_recv(sock->fd, at, size, &again);
        if (got == 0 || (got < 0 && !again)) return daemon_gone();
        if (got < 0) {
            struct kb_result res = ready(sock, false, deadline_ms);
            if (kb_failed(&res)) return res;
            continue;
        }
        at += got;
        size -= (size_t)got;
    }
    return kb_ok();
}

void kb_sock_shutdown(struct kb_sock *sock) { kb_fd_shutdown(sock->fd); }

void kb_sock_close(struct kb_sock *sock) {
    if (!sock) return;
    kb_disconnect(sock->fd);
    free(sock);
}
