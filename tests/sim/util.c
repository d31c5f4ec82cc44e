/* Clock, threads, log and addresses of the bench. */
#define _GNU_SOURCE
#define _POSIX_C_SOURCE 200809L /* mingw has localtime_r() with it */
#include "parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

int64_t sim_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sim_nap(int64_t ms) {
    struct timespec rest = {ms / 1000, (ms % 1000) * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) continue;
}

void sim_copy(char *dst, size_t size, const char *src) { snprintf(dst, size, "%s", src ? src : ""); }

void sim_log(struct sim *sim, const char *format, ...) {
    if (!sim->verbose) return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "%lld.%03lld %s\n", (long long)(sim_now_ms() / 1000), (long long)(sim_now_ms() % 1000), line);
}

void sim_stamp(char out[SIM_STAMP]) {
    time_t now = time(NULL);
    struct tm parts;
    localtime_r(&now, &parts);
    strftime(out, SIM_STAMP, "%Y%m%d-%H%M%S", &parts);
}

uint32_t sim_big_endian(uint32_t value) {
    const unsigned char bytes[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
                                    (unsigned char)(value >> 8), (unsigned char)value};
    memcpy(&value, bytes, 4);
    return value;
}

/* One thread a connection: small stacks, so that many idle ones cost little. */
void sim_thread(void *(*run)(void *), void *arg) {
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 1024 * 1024);
    int err = pthread_create(&thread, &attr, run, arg);
    pthread_attr_destroy(&attr);
    if (err != 0) {
        fprintf(stderr, "phonesim: no thread: %s\n", strerror(err));
        abort();
    }
}

bool sim_address_parse(const char *text, struct sim_address *out) {
    memset(out, 0, sizeof *out);
    if (strncasecmp(text, "UNIX:", 5) == 0) text += 5;
    if (text[0] == '/') {
        if (strlen(text) >= sizeof out->path) return false;
        sim_copy(out->path, sizeof out->path, text);
        return true;
    }
    const char *colon = strrchr(text, ':');
    if (!colon || (strncmp(text, "127.0.0.1:", 10) != 0 && strncmp(text, "localhost:", 10) != 0)) return false;
    char *end;
    long port = strtol(colon + 1, &end, 10);
    if (*end != 0 || end == colon + 1 || port < 0 || port > 65535) return false;
    out->port = (int)port;
    return true;
}
