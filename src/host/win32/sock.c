/* Connecting to Apple Mobile Device Service, which is usbmuxd on Windows: TCP on this computer. */
#include "win.h"

#include <stdio.h>
#include <ws2tcpip.h>

struct kb_address kb_address_default(void) {
    return (struct kb_address){false, "127.0.0.1", 27015};
}

static DWORD connect_to(const struct addrinfo *to, int64_t deadline_ms, SOCKET *out) {
    u_long on = 1;
    int failure = 0, size = sizeof failure, one = 1;
    SOCKET sock = socket(to->ai_family, SOCK_STREAM, 0);
    if (sock == INVALID_SOCKET) return (DWORD)WSAGetLastError();
    SetHandleInformation((HANDLE)sock, HANDLE_FLAG_INHERIT, 0);
    ioctlsocket(sock, FIONBIO, &on);
    DWORD error = connect(sock, to->ai_addr, (int)to->ai_addrlen) == 0 ? 0 : (DWORD)WSAGetLastError();
    if (error == WSAEWOULDBLOCK) {
        enum kb_ready ready = kb_fd_wait((int)sock, true, deadline_ms);
        getsockopt(sock, SOL_SOCKET, SO_ERROR, (char *)&failure, &size);
        error = ready == KB_READY_TIMEOUT ? WSAETIMEDOUT
                : failure                 ? (DWORD)failure
                : ready == KB_READY_YES   ? 0
                                          : WSAECONNREFUSED;
    }
    if (error) {
        closesocket(sock);
        return error;
    }
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, (const char *)&one, sizeof one);
    *out = sock;
    return 0;
}

int kb_connect(const struct kb_address *address, int64_t deadline_ms, unsigned long *error) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    SOCKET sock = INVALID_SOCKET;
    char service[16];
    *error = WSAEAFNOSUPPORT; /* no sockets in the file system here, as libusbmuxd has it */
    if (address->local) return -1;
    *error = WSAHOST_NOT_FOUND;
    snprintf(service, sizeof service, "%d", address->port);
    if (getaddrinfo(address->path, service, &hints, &list) != 0) return -1;
    for (const struct addrinfo *at = list; at && sock == INVALID_SOCKET; at = at->ai_next)
        *error = connect_to(at, deadline_ms, &sock);
    freeaddrinfo(list);
    return sock == INVALID_SOCKET ? -1 : (int)sock;
}

void kb_disconnect(int fd) { closesocket((SOCKET)(uintptr_t)(unsigned)fd); }
