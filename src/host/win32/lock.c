/* Locks across processes: LockFileEx(), because the system takes it back when the process dies, however it dies. */
#include "win.h"

#include <stdlib.h>

#define LOOK_AGAIN_MS 50

struct kb_lock {
    HANDLE handle;
};

struct kb_result kb_lock_take(const char *path, bool shared, int64_t wait_ms, struct kb_lock **out) {
    int64_t deadline = kb_clock_ms() + wait_ms;
    wchar_t *wide = kb_wide_path(path);
    HANDLE handle = INVALID_HANDLE_VALUE;
    DWORD error = ERROR_INVALID_NAME;
    if (wide) {
        handle = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, kb_win_private(),
                             OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
        error = handle == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
    }
    free(wide);
    while (!error) {
        OVERLAPPED place = {0};
        if (LockFileEx(handle, LOCKFILE_FAIL_IMMEDIATELY | (shared ? 0 : LOCKFILE_EXCLUSIVE_LOCK), 0, 1, 0, &place))
            break;
        error = GetLastError();
        int left = kb_remaining_ms(deadline);
        if ((error != ERROR_LOCK_VIOLATION && error != ERROR_IO_PENDING) || left == 0) break;
        error = ERROR_SUCCESS;
        kb_sleep_ms(left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS);
    }
    if (!error) {
        *out = kb_xmalloc(sizeof **out);
        (*out)->handle = handle;
        return kb_ok();
    }
    if (handle != INVALID_HANDLE_VALUE) CloseHandle(handle);
    if (error == ERROR_LOCK_VIOLATION || error == ERROR_IO_PENDING)
        return kb_fail(KB_HOST, KB_HOST_BUSY, _("Another kitbench holds %s; wait until it has ended, then try again"),
                       path);
    return kb_system_fail(error, N_("Cannot lock %s: %s"), path);
}

void kb_lock_release(struct kb_lock *lock) {
    if (!lock) return;
    CloseHandle(lock->handle);
    free(lock);
}
