/* Open files: plain ones only, found without following links. The position is ours, so that read_at moves nothing. */
#include "win.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winternl.h>

struct kb_handle {
    HANDLE handle;
    int64_t at;
    char *name;      /* for sentences */
    wchar_t *remove; /* a private file that closing must remove */
};

static struct kb_handle *handle_new(HANDLE from, const char *name) {
    struct kb_handle *handle = kb_xcalloc(1, sizeof *handle);
    handle->handle = from;
    handle->name = kb_xstrdup(name);
    return handle;
}

/* Empties the file; one with a second name elsewhere is left alone and a new one takes its place here. */
static DWORD replace(struct kb_dir *dir, const char *rel, HANDLE *handle) {
    BY_HANDLE_FILE_INFORMATION info;
    FILE_END_OF_FILE_INFO empty = {{{0}}};
    if (!GetFileInformationByHandle(*handle, &info)) return GetLastError();
    if (info.nNumberOfLinks <= 1)
        return SetFileInformationByHandle(*handle, FileEndOfFileInfo, &empty, sizeof empty) ? ERROR_SUCCESS
                                                                                            : GetLastError();
    DWORD error = kb_win_delete(*handle);
    if (error) return error;
    CloseHandle(*handle);
    *handle = NULL;
    return kb_win_open(dir->handle, rel, FILE_GENERIC_READ | FILE_GENERIC_WRITE, FILE_CREATE, KB_WIN_FILE, handle);
}

struct kb_result kb_handle_open(struct kb_dir *dir, const char *rel, enum kb_open how, struct kb_handle **out) {
    static const struct {
        ACCESS_MASK access;
        ULONG disposition;
    } ways[] = {
        [KB_OPEN_READ] = {FILE_GENERIC_READ, FILE_OPEN},
        [KB_OPEN_NEW] = {FILE_GENERIC_READ | FILE_GENERIC_WRITE, FILE_CREATE},
        [KB_OPEN_REPLACE] = {FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE, FILE_OPEN_IF},
    };
    HANDLE handle = NULL;
    if (!kb_win_rel_is_plain(rel)) return kb_rel_refused(rel);
    DWORD error = kb_win_open(dir->handle, rel, ways[how].access, ways[how].disposition, KB_WIN_FILE, &handle);
    if (!error && how == KB_OPEN_REPLACE && (error = replace(dir, rel, &handle)) != 0 && handle) CloseHandle(handle);
    if (error) return kb_win_fail(error, N_("Cannot open %s: %s"), rel);
    *out = handle_new(handle, rel);
    return kb_ok();
}

static OVERLAPPED place_of(int64_t offset) {
    OVERLAPPED place = {0};
    place.Offset = (DWORD)((uint64_t)offset & 0xffffffffu);
    place.OffsetHigh = (DWORD)((uint64_t)offset >> 32);
    return place;
}

struct kb_result kb_handle_read_at(struct kb_handle *handle, int64_t offset, void *data, size_t room, size_t *got) {
    size_t all = 0;
    while (all < room) {
        OVERLAPPED place = place_of(offset + (int64_t)all);
        DWORD part = room - all < 1 << 30 ? (DWORD)(room - all) : 1 << 30, size = 0;
        if (!ReadFile(handle->handle, (char *)data + all, part, &size, &place)) {
            DWORD error = GetLastError();
            if (error == ERROR_HANDLE_EOF) break;
            return kb_system_fail(error, N_("Cannot read %s: %s"), handle->name);
        }
        if (size == 0) break;
        all += size;
    }
    *got = all;
    return kb_ok();
}

struct kb_result kb_handle_read(struct kb_handle *handle, void *data, size_t room, size_t *got) {
    struct kb_result res = kb_handle_read_at(handle, handle->at, data, room, got);
    if (!kb_failed(&res)) handle->at += (int64_t)*got;
    return res;
}

struct kb_result kb_handle_write(struct kb_handle *handle, const void *data, size_t size) {
    const char *at = data;
    while (size) {
        OVERLAPPED place = place_of(handle->at);
        DWORD part = size < 1 << 30 ? (DWORD)size : 1 << 30, wrote = 0;
        if (!WriteFile(handle->handle, at, part, &wrote, &place))
            return kb_system_fail(GetLastError(), N_("Cannot write %s: %s"), handle->name);
        at += wrote;
        size -= wrote;
        handle->at += wrote;
    }
    return kb_ok();
}

struct kb_result kb_handle_stat(struct kb_handle *handle, struct kb_stat *out) {
    DWORD error = kb_win_stat(handle->handle, out);
    return error ? kb_system_fail(error, N_("Cannot look at %s: %s"), handle->name) : kb_ok();
}

int64_t kb_handle_size(const struct kb_handle *handle) {
    LARGE_INTEGER size;
    return GetFileSizeEx(handle->handle, &size) ? size.QuadPart : -1;
}

struct kb_result kb_handle_sync(struct kb_handle *handle) {
    if (FlushFileBuffers(handle->handle)) return kb_ok();
    return kb_system_fail(GetLastError(), N_("Cannot write %s to the disk: %s"), handle->name);
}

/* Windows cannot: SQLite opens its files so that nobody may delete them meanwhile. Closing removes the file. */
void kb_handle_unname(struct kb_handle *handle) { (void)handle; }

struct kb_result kb_handle_close(struct kb_handle *handle) {
    struct kb_result res = kb_ok();
    if (!handle) return res;
    if (!CloseHandle(handle->handle)) res = kb_system_fail(GetLastError(), N_("Cannot write %s: %s"), handle->name);
    if (handle->remove) DeleteFileW(handle->remove);
    free(handle->remove);
    free(handle->name);
    free(handle);
    return res;
}

/* Removes what a process that crashed has left behind; a file that somebody has open refuses. */
static bool sweep_one(void *arg, const struct kb_entry *entry) {
    size_t size = strlen(entry->name);
    if (!kb_text_starts(entry->name, ".kitbench-") || size < 4 || strcmp(entry->name + size - 4, ".tmp") != 0)
        return true;
    char *path = kb_path_join(arg, entry->name);
    wchar_t *wide = kb_wide_path(path);
    if (wide) DeleteFileW(wide);
    free(wide);
    free(path);
    return true;
}

static void sweep(const char *folder) {
    struct kb_dir *dir = NULL;
    struct kb_result res = kb_dir_open(folder, false, &dir);
    if (!kb_failed(&res)) res = kb_dir_list(dir, "", sweep_one, (void *)(uintptr_t)folder);
    kb_dir_close(dir);
}

static char *temporary_folder(void) {
    wchar_t wide[MAX_PATH + 2];
    DWORD size = GetTempPathW(KB_ARRAY_SIZE(wide), wide);
    char *folder = kb_narrow(size && size < KB_ARRAY_SIZE(wide) ? wide : L".");
    kb_slashes(folder);
    return folder;
}

struct kb_result kb_handle_private(const char *folder, struct kb_handle **out, char **path) {
    unsigned char bytes[8];
    char hex[2 * sizeof bytes + 1], name[64];
    struct kb_result res = kb_random(bytes, sizeof bytes);
    if (kb_failed(&res)) return res;
    char *place = folder ? kb_xstrdup(folder) : temporary_folder();
    sweep(place);
    kb_hex(hex, bytes, sizeof bytes);
    snprintf(name, sizeof name, ".kitbench-%s.tmp", hex);
    char *full = kb_path_join(place, name);
    wchar_t *wide = kb_wide_path(full);
    /* SQLite does not share deletion, so a file that it is to open cannot be deleted on close by our own handle. */
    DWORD gone = path ? 0 : FILE_FLAG_DELETE_ON_CLOSE, share = path ? FILE_SHARE_READ | FILE_SHARE_WRITE : 0;
    HANDLE handle = wide ? CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, share, kb_win_private(), CREATE_NEW,
                                       FILE_ATTRIBUTE_TEMPORARY | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED | gone, NULL)
                         : INVALID_HANDLE_VALUE;
    if (handle == INVALID_HANDLE_VALUE) {
        res = kb_system_fail(GetLastError(), N_("Cannot make a temporary file in %s: %s"), place);
        free(full);
    } else {
        *out = handle_new(handle, place);
        if (path) {
            *path = full;
            (*out)->remove = wide;
            wide = NULL;
        } else {
            free(full);
        }
    }
    free(wide);
    free(place);
    return res;
}
