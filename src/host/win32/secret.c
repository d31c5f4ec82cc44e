/* Secrets: pages of their own, locked into memory, wiped before they are given back. */
#include "win.h"

#include <stdlib.h>
#include <string.h>

struct kb_secret *kb_secret_new(const void *data, size_t size) {
    if (size > 1 << 20) abort(); /* nothing secret here is that long */
    size_t need = sizeof(struct kb_secret) + size + 1;
    struct kb_secret *secret = VirtualAlloc(NULL, need, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!secret) abort();
    VirtualLock(secret, need); /* fails beyond the working set's minimum: better unlocked than not at all */
    secret->data = (unsigned char *)(secret + 1);
    secret->size = size;
    if (data && size) memcpy(secret->data, data, size);
    return secret;
}

void kb_secret_free(struct kb_secret *secret) {
    if (!secret) return;
    size_t need = sizeof *secret + secret->size + 1;
    kb_wipe(secret, need);
    VirtualUnlock(secret, need);
    VirtualFree(secret, 0, MEM_RELEASE);
}

/* The C library has a wide copy and, once somebody asked for it, a narrow one, beside what Windows itself keeps. */
struct kb_secret *kb_host_env_take(const char *name) {
    struct kb_secret *secret = NULL;
    wchar_t *wide = kb_wide(name), *value = wide ? _wgetenv(wide) : NULL;
    char *narrow = getenv(name);
    int size = value && *value ? WideCharToMultiByte(CP_UTF8, 0, value, -1, NULL, 0, NULL, NULL) : 0;
    if (size > 1) {
        secret = kb_secret_new(NULL, (size_t)size - 1);
        WideCharToMultiByte(CP_UTF8, 0, value, -1, (char *)secret->data, size, NULL, NULL);
        kb_wipe(value, wcslen(value) * sizeof *value);
        if (narrow) kb_wipe(narrow, strlen(narrow));
        _wputenv_s(wide, L"");
    }
    free(wide);
    return secret;
}
