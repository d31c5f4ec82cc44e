/* Keeping the computer awake while a device is being written. The system takes it back when the process dies. */
#include "win.h"

#include <stdlib.h>

struct kb_awake {
    HANDLE request;
};

struct kb_awake *kb_awake_begin(const char *why) {
    wchar_t *reason = kb_wide(why);
    REASON_CONTEXT context = {.Version = POWER_REQUEST_CONTEXT_VERSION, .Flags = POWER_REQUEST_CONTEXT_SIMPLE_STRING};
    context.Reason.SimpleReasonString = reason;
    HANDLE request = PowerCreateRequest(&context);
    free(reason);
    if (request == INVALID_HANDLE_VALUE) return NULL;
    if (!PowerSetRequest(request, PowerRequestSystemRequired)) {
        CloseHandle(request);
        return NULL;
    }
    struct kb_awake *awake = kb_xmalloc(sizeof *awake);
    awake->request = request;
    return awake;
}

void kb_awake_end(struct kb_awake *awake) {
    if (!awake) return;
    PowerClearRequest(awake->request, PowerRequestSystemRequired);
    CloseHandle(awake->request);
    free(awake);
}
