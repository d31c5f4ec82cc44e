/*
 * What only a framework of the system knows. src/host/darwin asks macOS; src/host/bare, for every other POSIX system
 * and for the compile check without Apple's frameworks, knows nothing. Private to the room.
 */
#ifndef KITBENCH_HOST_POSIX_FRAMEWORKS_H
#define KITBENCH_HOST_POSIX_FRAMEWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Free bytes at path once the system has thrown away what it only keeps for convenience; -1 unknown. */
int64_t kb_framework_free(const char *path);
/* The language that the user chose for the desktop ("ja-JP"); false when nobody knows. */
bool kb_framework_language(char *out, size_t room);
/* The computer stays awake until kb_framework_sleep(what is returned); 0 when nothing keeps it. */
uint32_t kb_framework_awake(const char *why);
void kb_framework_sleep(uint32_t id);
#endif
