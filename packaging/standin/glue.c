/*
 * A stand-in for libimobiledevice-glue, written from its public headers: what libimobiledevice 1.4.0 without wireless
 * pairing calls, for the cross builds alone (see usbmuxd.c). Devices in the network are not reached.
 */
#ifdef _WIN32
#include <winsock2.h>

#include <windows.h>
#endif

#include "kitbench/host.h"

#include <errno.h>
#include <libimobiledevice-glue/glue.h>
#include <libimobiledevice-glue/socket.h>
#include <libimobiledevice-glue/thread.h>
#include <libimobiledevice-glue/utils.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *libimobiledevice_glue_version(void); /* the header has no prototype */
const char *libimobiledevice_glue_version(void) { return "1.3.3-standin"; }

/* ---- Threads ---- */

#ifdef _WIN32
struct start {
    thread_func_t body;
    void *data;
};

static DWORD WINAPI run(void *arg) {
    struct start start = *(struct start *)arg;
    free(arg);
    start.body(start.data);
    return 0;
}

int thread_new(THREAD_T *thread, thread_func_t thread_func, void *data) {
    struct start *start = kb_xmalloc(sizeof *start);
    *start = (struct start){thread_func, data};
    *thread = CreateThread(NULL, 0, run, start, 0, NULL);
    if (*thread) return 0;
    free(start);
    return -1;
}

void thread_detach(THREAD_T thread) { CloseHandle(thread); }
void thread_free(THREAD_T thread) { CloseHandle(thread); }
int thread_join(THREAD_T thread) { return WaitForSingleObject(thread, INFINITE) == WAIT_OBJECT_0 ? 0 : -1; }
int thread_alive(THREAD_T thread) { return WaitForSingleObject(thread, 0) == WAIT_TIMEOUT; }

void mutex_init(mutex_t *mutex) { InitializeCriticalSection((void *)mutex); }
void mutex_destroy(mutex_t *mutex) { DeleteCriticalSection((void *)mutex); }
void mutex_lock(mutex_t *mutex) { EnterCriticalSection((void *)mutex); }
void mutex_unlock(mutex_t *mutex) { LeaveCriticalSection((void *)mutex); }
#else
int thread_new(THREAD_T *thread, thread_func_t thread_func, void *data) {
    return pthread_create(thread, NULL, thread_func, data) == 0 ? 0 : -1;
}

void thread_detach(THREAD_T thread) { pthread_detach(thread); }
void thread_free(THREAD_T thread) { (void)thread; }
int thread_join(THREAD_T thread) { return pthread_join(thread, NULL); }
int thread_alive(THREAD_T thread) { return pthread_kill(thread, 0) == 0; }

void mutex_init(mutex_t *mutex) { pthread_mutex_init(mutex, NULL); }
void mutex_destroy(mutex_t *mutex) { pthread_mutex_destroy(mutex); }
void mutex_lock(mutex_t *mutex) { pthread_mutex_lock(mutex); }
void mutex_unlock(mutex_t *mutex) { pthread_mutex_unlock(mutex); }
#endif

/* ---- Sockets: only those of devices in the network, and of a proxy, which kitbench does not have ---- */

int socket_connect(const char *addr, uint16_t port) {
    (void)addr, (void)port;
    return -1;
}

int socket_connect_addr(struct sockaddr *addr, uint16_t port) {
    (void)addr, (void)port;
    return -1;
}

int socket_close(int fd) {
    (void)fd;
    return -1;
}

int socket_receive(int fd, void *data, size_t length) { return socket_receive_timeout(fd, data, length, 0, 5000); }

int socket_receive_timeout(int fd, void *data, size_t length, int flags, unsigned int timeout) {
    (void)fd, (void)data, (void)length, (void)flags, (void)timeout;
    return -ECONNRESET;
}

int socket_send(int fd, const void *data, size_t length) {
    (void)fd, (void)data, (void)length;
    return -1;
}

const char *socket_addr_to_string(struct sockaddr *addr, char *addr_out, size_t addr_out_size) {
    (void)addr, (void)addr_out, (void)addr_out_size;
    return NULL;
}

/* ---- Texts ---- */

static char *joined(char *text, va_list args) {
    for (const char *part; (part = va_arg(args, const char *)) != NULL;) {
        size_t have = strlen(text), more = strlen(part);
        text = kb_xrealloc(text, have + more + 1);
        memcpy(text + have, part, more + 1);
    }
    return text;
}

char *string_concat(const char *str, ...) {
    va_list args;
    if (!str) return NULL;
    va_start(args, str);
    char *text = joined(kb_xstrdup(str), args);
    va_end(args);
    return text;
}

char *string_append(char *str, ...) {
    va_list args;
    if (!str) return NULL;
    va_start(args, str);
    str = joined(str, args);
    va_end(args);
    return str;
}

/* Version 4: 122 random bits. */
char *generate_uuid(void) {
    unsigned char bytes[16];
    char hex[2 * sizeof bytes + 1];
    struct kb_result res = kb_random(bytes, sizeof bytes);
    if (kb_failed(&res)) return NULL;
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    kb_hex(hex, bytes, sizeof bytes);
    return kb_xasprintf("%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}
