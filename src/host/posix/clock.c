/* Clocks, sleeping, waiting on a condition, and the system's random numbers. */
#define _GNU_SOURCE
#include "../system.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/*
 * How much faster than the world our clock runs. 1 in every kitbench that is used; `make torture` links one more, whose
 * deadlines, all of them, come so much sooner, so that a silent device costs it seconds.
 */
#ifndef KB_CLOCK_RATE
#define KB_CLOCK_RATE 1
#endif

static int64_t read_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t kb_clock_wall(void) { return (int64_t)time(NULL); }

int64_t kb_clock_wall_ms(void) { return read_ms(CLOCK_REALTIME); }

int64_t kb_clock_ms(void) { return read_ms(CLOCK_MONOTONIC) * KB_CLOCK_RATE; }

int64_t kb_clock_timer_ms(int64_t ms) { return (ms + KB_CLOCK_RATE - 1) / KB_CLOCK_RATE; }

void kb_sleep_ms(int64_t ms) {
    ms = kb_clock_timer_ms(ms);
    if (ms <= 0) return;
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

int kb_remaining_ms(int64_t deadline_ms) {
    int64_t now = kb_clock_ms();
    if (deadline_ms <= now) return 0;
    int64_t left = kb_clock_timer_ms(deadline_ms - now);
    return left > INT_MAX ? INT_MAX : (int)left;
}

void kb_cond_init(pthread_cond_t *cond) {
#ifdef __APPLE__
    pthread_cond_init(cond, NULL);
#else
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
#endif
}

void kb_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms) {
    ms = kb_clock_timer_ms(ms);
#ifdef __APPLE__
    struct timespec relative = {ms / 1000, ms % 1000 * 1000000};
    pthread_cond_timedwait_relative_np(cond, lock, &relative);
#else
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)(ms / 1000);
    end.tv_nsec += (long)(ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    pthread_cond_timedwait(cond, lock, &end);
#endif
}

struct kb_result kb_random(void *out, size_t size) {
    unsigned char *at = out;
    while (size) {
        size_t part = size < 256 ? size : 256; /* getentropy gives no more at once */
        if (getentropy(at, part) != 0)
            return kb_system_fail((unsigned long)errno, N_("Cannot read %s: %s"), "getentropy");
        at += part;
        size -= part;
    }
    return kb_ok();
}
