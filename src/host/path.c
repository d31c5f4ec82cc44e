/* Paths as texts. */
#include "system.h"

#include <stdio.h>
#include <string.h>

#ifdef _WIN32
static bool separates(char c) { return c == '/' || c == '\\'; }
#else
static bool separates(char c) { return c == '/'; }
#endif

char *kb_path_join(const char *folder, const char *name) {
    size_t size = strlen(folder);
    if (!size || separates(folder[size - 1])) return kb_xasprintf("%s%s", folder, name);
    return kb_xasprintf("%s/%s", folder, name);
}

const char *kb_path_base(const char *path) {
    size_t at = strlen(path);
    while (at > 1 && separates(path[at - 1])) at--;
    while (at > 0 && !separates(path[at - 1])) at--;
    return path + at;
}

bool kb_rel_is_plain(const char *rel) {
    if (!rel || !*rel) return false;
    for (const char *at = rel;; at++) {
        size_t size = strcspn(at, "/");
        if (size == 0 || (size <= 2 && strspn(at, ".") >= size)) return false;
        at += size;
        if (!*at) return true;
    }
}

struct kb_result kb_rel_refused(const char *rel) {
    return kb_fail(KB_HOST, KB_HOST_REFUSED, _("The name \"%s\" tries to leave its folder, so it was refused"),
                   rel ? rel : "");
}

struct kb_result kb_kind_refused(const char *rel) {
    return kb_fail(KB_HOST, KB_HOST_REFUSED,
                   _("%s is a link, a device or a folder where a plain file is expected, so "
                     "it was refused"),
                   rel);
}
