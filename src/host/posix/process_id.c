/* Process numbers: ours, and whether another's still runs. A number may be taken again by a stranger later. */
#include "kitbench/host.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

int64_t kb_host_pid(void) { return getpid(); }

bool kb_host_pid_alive(int64_t pid) {
    if (pid <= 0 || (pid_t)pid != pid) return false; /* 0 and below name groups */
    return kill((pid_t)pid, 0) == 0 || errno == EPERM;
}
