/* What the files of the host room share: shapes that posix/ and win32/ both fill in. Private to the room. */
#ifndef KITBENCH_HOST_SYSTEM_H
#define KITBENCH_HOST_SYSTEM_H

#include "kitbench/host.h"

#include <pthread.h>

/*
 * A failure of the operating system. format is a msgid with two %s: what it was done to, and why it failed.
 * error is errno on POSIX, GetLastError() on Windows.
 */
struct kb_result kb_system_fail(unsigned long error, const char *format, const char *name);
enum kb_host_code kb_system_code(unsigned long error);
/* Why, in the operator's language where the reason is a common one, else in the system's own words. */
const char *kb_system_words(unsigned long error, char *room, size_t size);

/* A relative path of plain components: not empty, none of them "", "." or "..". */
bool kb_rel_is_plain(const char *rel);
struct kb_result kb_rel_refused(const char *rel);
/* Something that is neither a file nor a folder stands there. */
struct kb_result kb_kind_refused(const char *rel);

/* A condition that waits by the monotonic clock where the system has one. */
void kb_cond_init(pthread_cond_t *cond);
void kb_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms);

/* kb_host_usb_place() with another folder in place of /sys. */
int64_t kb_usb_place_below(const char *sysfs, int64_t location);

/* Where usbmuxd listens. */
struct kb_address {
    bool local;     /* a socket in the file system: path; else host and port */
    char path[256]; /* also the host's name */
    int port;
};
/* Understands every form of USBMUXD_SOCKET_ADDRESS in kitbench/host.h; false when text is none of them. */
bool kb_address_parse(const char *text, struct kb_address *out);
/* The form that libusbmuxd reads: "UNIX:/path", "host:port", "[ipv6]:port". */
void kb_address_print(const struct kb_address *address, char *out, size_t room);
/* From the environment, else the platform's place. */
struct kb_address kb_address_usbmuxd(void);
struct kb_address kb_address_default(void);
/* A connected stream socket, close-on-exec and not blocking; -1 with the system's error. */
int kb_connect(const struct kb_address *address, int64_t deadline_ms, unsigned long *error);
void kb_disconnect(int fd);

/* Reads path to its end or to room bytes; a pipe may take its time, but not for ever. */
struct kb_result kb_read_some(const char *path, void *data, size_t room, size_t *got);

/* Milliseconds until deadline_ms, never negative, for poll() and its like. */
int kb_remaining_ms(int64_t deadline_ms);
#endif
