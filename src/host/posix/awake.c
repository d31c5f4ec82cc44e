/* Keeping the computer awake while a device is being written. The system takes it back when the process dies. */
#include "../system.h"
#include "frameworks.h"

#include <stdlib.h>

struct kb_awake {
    uint32_t id;
};

struct kb_awake *kb_awake_begin(const char *why) {
    uint32_t id = kb_framework_awake(why);
    if (!id) return NULL;
    struct kb_awake *awake = kb_xmalloc(sizeof *awake);
    awake->id = id;
    return awake;
}

void kb_awake_end(struct kb_awake *awake) {
    if (!awake) return;
    kb_framework_sleep(awake->id);
    free(awake);
}
