/* Clocks, sleeping, waiting on a condition, and the system's random numbers. */
#include "win.h"

#include <bcrypt.h>
#include <limits.h>
#include <time.h>

#define EPOCH_1601_MS INT64_C(11644473600000) /* from 1601, where Windows begins to count, to 1970 */

int64_t kb_clock_wall_ms(void) {
    FILETIME now;
    GetSystemTimePreciseAsFileTime(&now);
    return (int64_t)((uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime) / 10000 - EPOCH_1601_MS;
}

int64_t kb_clock_wall(void) { return kb_clock_wall_ms() / 1000; }

/* GetTickCount64() goes in steps of 16 ms: a sleep of 30 could seem to have taken 16. */
int64_t kb_clock_ms(void) {
    LARGE_INTEGER now, frequency; /* neither can fail on a Windows that kitbench runs on */
    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&frequency);
    return now.QuadPart / frequency.QuadPart * 1000 + now.QuadPart % frequency.QuadPart * 1000 / frequency.QuadPart;
}

int64_t kb_clock_timer_ms(int64_t ms) { return ms; }

void kb_sleep_ms(int64_t ms) {
    while (ms > 0) {
        DWORD part = ms > 1000000 ? 1000000 : (DWORD)ms;
        Sleep(part);
        ms -= part;
    }
}

int kb_remaining_ms(int64_t deadline_ms) {
    int64_t now = kb_clock_ms();
    if (deadline_ms <= now) return 0;
    return deadline_ms - now > INT_MAX ? INT_MAX : (int)(deadline_ms - now);
}

void kb_cond_init(pthread_cond_t *cond) { pthread_cond_init(cond, NULL); }

/* winpthreads waits by the wall clock; slices of a second keep a clock that is set from mattering. */
void kb_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms) {
    int64_t end_ms = kb_clock_wall_ms() + (ms < 1000 ? ms : 1000);
    struct timespec end = {(time_t)(end_ms / 1000), (long)(end_ms % 1000) * 1000000};
    pthread_cond_timedwait(cond, lock, &end);
}

struct kb_result kb_random(void *out, size_t size) {
    unsigned char *at = out;
    while (size) {
        ULONG part = size < 65536 ? (ULONG)size : 65536;
        if (BCryptGenRandom(NULL, at, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0)
            return kb_system_fail(ERROR_NOT_READY, N_("Cannot read %s: %s"), "BCryptGenRandom");
        at += part;
        size -= part;
    }
    return kb_ok();
}
