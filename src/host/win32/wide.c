/* UTF-8 inside, UTF-16 at the edge. */
#include "win.h"

#include <stdlib.h>
#include <string.h>

wchar_t *kb_wide(const char *text) {
    int room = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    if (room <= 0) return NULL;
    wchar_t *wide = kb_xcalloc((size_t)room, sizeof *wide);
    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, room);
    return wide;
}

char *kb_narrow(const wchar_t *text) {
    int room = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    if (room <= 0) return kb_xstrdup("");
    char *narrow = kb_xmalloc((size_t)room);
    WideCharToMultiByte(CP_UTF8, 0, text, -1, narrow, room, NULL, NULL);
    return narrow;
}

void kb_slashes(char *path) {
    for (; *path; path++)
        if (*path == '\\') *path = '/';
}

/* Puts "\\?\" (or, for a share, "\\?\UNC\") before an absolute path. */
static wchar_t *long_form(const wchar_t *full) {
    static const wchar_t local[] = L"\\\\?\\", share[] = L"\\\\?\\UNC\\";
    bool known = wcsncmp(full, local, 4) == 0 || wcsncmp(full, L"\\\\.\\", 4) == 0;
    bool shared = !known && full[0] == L'\\' && full[1] == L'\\';
    const wchar_t *prefix = known ? L"" : shared ? share : local;
    wchar_t *path = kb_xcalloc(wcslen(prefix) + wcslen(full) + 1, sizeof *path);
    wcscpy(path, prefix);
    wcscat(path, shared ? full + 2 : full);
    return path;
}

wchar_t *kb_wide_path(const char *path) {
    wchar_t *wide = kb_wide(path), *full = NULL, *result = NULL;
    if (!wide) return NULL;
    for (wchar_t *at = wide; *at; at++)
        if (*at == L'/') *at = L'\\';
    DWORD room = GetFullPathNameW(wide, 0, NULL, NULL);
    if (room) full = kb_xcalloc(room, sizeof *full);
    if (room && GetFullPathNameW(wide, room, full, NULL) < room) result = long_form(full);
    free(full);
    free(wide);
    return result;
}
