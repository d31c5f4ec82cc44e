/* A system without frameworks to ask. */
#include "../posix/frameworks.h"

int64_t kb_framework_free(const char *path) {
    (void)path;
    return -1;
}

bool kb_framework_language(char *out, size_t room) {
    (void)out;
    (void)room;
    return false;
}

uint32_t kb_framework_awake(const char *why) {
    (void)why;
    return 0;
}

void kb_framework_sleep(uint32_t id) { (void)id; }
