/* See posix.h. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#include <string.h>

#undef close
#undef write
#undef read
#undef mkdir

char *mkdtemp(char *pattern) {
    static unsigned serial;
    size_t size = strlen(pattern);
    for (int tries = 0; tries < 100; tries++) {
        unsigned number = GetCurrentProcessId() * 31 + GetTickCount() + serial++ * 7919;
        for (size_t i = 1; i <= 6; i++, number /= 26) pattern[size - i] = (char)('a' + number % 26);
        if (_mkdir(pattern) == 0) return pattern;
    }
    return NULL;
}

int setenv(const char *name, const char *value, int overwrite) {
    (void)overwrite;
    /* Windows' C library takes an empty value for none, which is all the same to kitbench. */
    return _putenv_s(name, value);
}

int unsetenv(const char *name) { return _putenv_s(name, ""); }

char *strndup(const char *text, size_t size) {
    size_t length = strnlen(text, size);
    char *copy = calloc(length + 1, 1);
    return copy ? memcpy(copy, text, length) : NULL;
}

char *stpcpy(char *to, const char *from) { return strcpy(to, from) + strlen(from); }

int link(const char *from, const char *to) { return CreateHardLinkA(to, from, NULL) ? 0 : -1; }

int socketpair(int domain, int type, int protocol, int pair[2]) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int size = sizeof address;
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0), near_end = socket(AF_INET, SOCK_STREAM, 0);
    (void)domain, (void)type, (void)protocol;
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        connect(near_end, (struct sockaddr *)&address, size) != 0)
        return -1;
    pair[0] = (int)near_end;
    pair[1] = (int)accept(listener, NULL, NULL);
    closesocket(listener);
    return 0;
}

int kb_test_close(int fd) { return closesocket((SOCKET)fd) == 0 ? 0 : _close(fd); }

int kb_test_write(int fd, const void *data, unsigned size) {
    int sent = send((SOCKET)fd, data, (int)size, 0);
    return sent < 0 && WSAGetLastError() == WSAENOTSOCK ? _write(fd, data, size) : sent;
}

int kb_test_read(int fd, void *data, unsigned size) {
    int got = recv((SOCKET)fd, data, (int)size, 0);
    return got < 0 && WSAGetLastError() == WSAENOTSOCK ? _read(fd, data, size) : got;
}
