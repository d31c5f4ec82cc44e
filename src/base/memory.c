/* Memory: small allocations that abort, and overwriting that the compiler cannot leave out. */
#include "kitbench/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory) {
    if (!memory) abort(); /* a few bytes are not to be had: nothing sensible can follow */
    return memory;
}

void *kb_xmalloc(size_t size) { return checked(malloc(size ? size : 1)); }

void *kb_xcalloc(size_t count, size_t size) { return checked(calloc(count ? count : 1, size ? size : 1)); }

void *kb_xrealloc(void *old, size_t size) { return checked(realloc(old, size ? size : 1)); }

char *kb_xstrdup(const char *text) {
    size_t size = strlen(text) + 1;
    return memcpy(kb_xmalloc(size), text, size);
}

char *kb_xstrdup_some(const char *text) { return text && *text ? kb_xstrdup(text) : NULL; }

char *kb_xasprintf(const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0) abort();
    char *text = kb_xmalloc((size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

void kb_wipe(void *data, size_t size) {
    if (!data || !size) return;
    memset(data, 0, size);
    __asm__ __volatile__("" : : "r"(data) : "memory"); /* the store has a reader now, so it stays */
}
