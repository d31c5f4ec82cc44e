/* Process numbers: ours, and whether another's still runs. A number may be taken again by a stranger later. */
#include "kitbench/host.h"

#include <windows.h>

int64_t kb_host_pid(void) { return (int64_t)GetCurrentProcessId(); }

bool kb_host_pid_alive(int64_t pid) {
    if (pid <= 0 || pid > UINT32_MAX) return false;
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)pid);
    if (process == NULL) return GetLastError() == ERROR_ACCESS_DENIED;
    bool alive = WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
    CloseHandle(process);
    return alive;
}
