/* Whole small files: loaded with a bound, saved so that a crash leaves the old content or the new. */
#include "win.h"

#include <stdlib.h>
#include <string.h>

static bool is_folder(const wchar_t *path) {
    DWORD attributes = GetFileAttributesW(path);
    return attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY;
}

static struct kb_result open_source(const char *path, HANDLE *out) {
    wchar_t *wide = kb_wide_path(path);
    DWORD error = ERROR_INVALID_NAME;
    struct kb_result res = kb_ok();
    if (wide) {
        *out = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                           OPEN_EXISTING, 0, NULL);
        error = *out == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
    }
    if (error && wide && is_folder(wide)) /* Windows itself says "access denied" */
        res = kb_fail(KB_HOST, KB_HOST_IS_DIR, _("Cannot read %s: %s"), path,
                      _("it is a folder, not a file; check the name"));
    else if (error)
        res = kb_system_fail(error, N_("Cannot open %s: %s"), path);
    free(wide);
    return res;
}

/* One piece; 0 at the end. */
static DWORD read_piece(HANDLE handle, void *data, size_t room, size_t *got) {
    DWORD size = 0;
    *got = 0;
    if (!ReadFile(handle, data, (DWORD)room, &size, NULL)) {
        DWORD error = GetLastError();
        return error == ERROR_BROKEN_PIPE || error == ERROR_HANDLE_EOF ? ERROR_SUCCESS : error;
    }
    *got = size;
    return ERROR_SUCCESS;
}

struct kb_result kb_read_some(const char *path, void *data, size_t room, size_t *got) {
    HANDLE handle;
    size_t size = 1, all = 0;
    DWORD error = ERROR_SUCCESS;
    struct kb_result res = open_source(path, &handle);
    if (kb_failed(&res)) return res;
    while (!error && size && all < room) {
        error = read_piece(handle, (char *)data + all, room - all, &size);
        all += size;
    }
    CloseHandle(handle);
    if (error) return kb_system_fail(error, N_("Cannot read %s: %s"), path);
    *got = all;
    return kb_ok();
}

struct kb_result kb_file_load(const char *path, size_t max, struct kb_buf *out) {
    HANDLE handle;
    char piece[16384];
    size_t size = 1;
    struct kb_buf all = {0};
    DWORD error = ERROR_SUCCESS;
    struct kb_result res = open_source(path, &handle);
    if (kb_failed(&res)) return res;
    kb_buf_puts(&all, "");
    while (!error && size && !kb_failed(&res)) {
        error = read_piece(handle, piece, sizeof piece, &size);
        if (size > max - all.size)
            res = kb_fail(KB_HOST, KB_HOST_IO,
                          _("%s is larger than such a file can be; check that it is the right one"), path);
        else
            kb_buf_add(&all, piece, size);
    }
    CloseHandle(handle);
    if (error) res = kb_system_fail(error, N_("Cannot read %s: %s"), path);
    if (!kb_failed(&res)) kb_buf_add(out, all.data, all.size);
    kb_buf_release(&all);
    return res;
}

static DWORD write_all(const wchar_t *path, DWORD disposition, const char *data, size_t size) {
    HANDLE handle = CreateFileW(path, GENERIC_WRITE, 0, kb_win_private(), disposition, FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD error = handle == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
    if (error) return error;
    while (size && !error) {
        DWORD part = size < 1 << 30 ? (DWORD)size : 1 << 30, wrote = 0;
        if (!WriteFile(handle, data, part, &wrote, NULL)) error = GetLastError();
        data += wrote;
        size -= wrote;
    }
    if (!error && !FlushFileBuffers(handle) && GetFileType(handle) == FILE_TYPE_DISK) error = GetLastError();
    if (!CloseHandle(handle) && !error) error = GetLastError();
    return error;
}

/* A virus scanner may have the old or the new file open for a moment. */
static DWORD rename_over(const wchar_t *from, const wchar_t *to) {
    DWORD error = ERROR_SUCCESS;
    for (int tries = 0; tries < 20; tries++) {
        if (MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) return ERROR_SUCCESS;
        error = GetLastError();
        if (error != ERROR_ACCESS_DENIED && error != ERROR_SHARING_VIOLATION) break;
        Sleep(50);
    }
    return error;
}

struct kb_result kb_file_save(const char *path, const void *data, size_t size) {
    unsigned char bytes[6];
    char hex[2 * sizeof bytes + 1];
    struct kb_result res = kb_random(bytes, sizeof bytes);
    if (kb_failed(&res)) return res;
    kb_hex(hex, bytes, sizeof bytes);
    char *temporary = kb_xasprintf("%s.%s.tmp", path, hex);
    wchar_t *to = kb_wide_path(path), *from = kb_wide_path(temporary);
    DWORD error = to && from ? ERROR_SUCCESS : ERROR_INVALID_NAME;
    bool device = to && wcsncmp(to, L"\\\\.\\", 4) == 0; /* NUL, CON: written to, never renamed over */
    if (!error && !device && is_folder(to))
        res = kb_fail(KB_HOST, KB_HOST_IS_DIR, _("Cannot write %s: %s"), path,
                      _("it is a folder, not a file; check the name"));
    else if (!error && device)
        error = write_all(to, OPEN_EXISTING, data, size);
    else if (!error && (error = write_all(from, CREATE_NEW, data, size)) == 0)
        error = rename_over(from, to);
    if (error && from && !device) DeleteFileW(from);
    free(from);
    free(to);
    free(temporary);
    return error ? kb_system_fail(error, N_("Cannot write %s: %s"), path) : res;
}
