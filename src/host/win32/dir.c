/* Folders held open: stat, list, make, move, remove, space, sync. */
#include "win.h"

#include <stdlib.h>
#include <string.h>
#include <winternl.h>

#define EPOCH_1601_S INT64_C(11644473600)
#define DEEPEST      600 /* a device can name 1024 bytes of path; whatever nests deeper was not made by one */

int64_t kb_win_seconds(int64_t file_time, int64_t *nanoseconds) {
    if (nanoseconds) *nanoseconds = file_time % 10000000 * 100;
    return file_time / 10000000 - EPOCH_1601_S;
}

struct kb_result kb_win_fail(DWORD error, const char *format, const char *rel) {
    if (error == ERROR_REPARSE_POINT_ENCOUNTERED) return kb_kind_refused(rel);
    return kb_system_fail(error, format, rel);
}

static enum kb_entry_kind kind_of(DWORD attributes) {
    if (attributes & (FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DEVICE)) return KB_ENTRY_OTHER;
    return attributes & FILE_ATTRIBUTE_DIRECTORY ? KB_ENTRY_DIR : KB_ENTRY_FILE;
}

DWORD kb_win_stat(HANDLE handle, struct kb_stat *out) {
    BY_HANDLE_FILE_INFORMATION info;
    if (!GetFileInformationByHandle(handle, &info)) return GetLastError();
    int64_t changed =
        (int64_t)((uint64_t)info.ftLastWriteTime.dwHighDateTime << 32 | info.ftLastWriteTime.dwLowDateTime);
    out->kind = kind_of(info.dwFileAttributes);
    out->size = (int64_t)((uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow);
    out->modified = kb_win_seconds(changed, &out->modified_ns);
    out->id = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
    out->volume = info.dwVolumeSerialNumber;
    return ERROR_SUCCESS;
}

/* mkdir -p; an existing folder is fine. */
static void make_path(wchar_t *path) {
    for (wchar_t *at = path + 4; *at; at++) { /* behind "\\?\" */
        if (*at != L'\\') continue;
        *at = L'\0';
        CreateDirectoryW(path, kb_win_private()); /* a drive or a share refuses: what matters is the last one */
        *at = L'\\';
    }
    CreateDirectoryW(path, kb_win_private());
}

struct kb_result kb_dir_open(const char *path, bool make, struct kb_dir **out) {
    if (!path || !*path) return kb_rel_refused(path);
    wchar_t *wide = kb_wide_path(path);
    if (!wide) return kb_system_fail(ERROR_INVALID_NAME, N_("Cannot open the folder %s: %s"), path);
    if (make) make_path(wide);
    HANDLE handle = CreateFileW(wide, FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES | SYNCHRONIZE,
                                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                                FILE_FLAG_BACKUP_SEMANTICS, NULL);
    DWORD error = handle == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
    struct kb_stat stat = {0};
    free(wide);
    if (!error) error = kb_win_stat(handle, &stat);
    if (!error && stat.kind == KB_ENTRY_FILE) error = ERROR_DIRECTORY;
    if (error) {
        if (handle != INVALID_HANDLE_VALUE) CloseHandle(handle);
        return kb_system_fail(error, N_("Cannot open the folder %s: %s"), path);
    }
    *out = kb_xcalloc(1, sizeof **out);
    (*out)->handle = handle;
    (*out)->path = kb_xstrdup(path);
    return kb_ok();
}

struct kb_result kb_dir_open_twin(const struct kb_dir *dir, struct kb_dir **out) {
    HANDLE self = GetCurrentProcess(), handle = NULL;
    if (!DuplicateHandle(self, dir->handle, self, &handle, 0, FALSE, DUPLICATE_SAME_ACCESS))
        return kb_system_fail(GetLastError(), N_("Cannot open the folder %s: %s"), dir->path);
    *out = kb_xcalloc(1, sizeof **out);
    (*out)->handle = handle;
    (*out)->path = kb_xstrdup(dir->path);
    return kb_ok();
}

void kb_dir_close(struct kb_dir *dir) {
    if (!dir) return;
    CloseHandle(dir->handle);
    free(dir->path);
    free(dir);
}

const char *kb_dir_path(const struct kb_dir *dir) { return dir->path; }

struct kb_result kb_dir_stat(struct kb_dir *dir, const char *rel, struct kb_stat *out) {
    HANDLE handle;
    if (!kb_win_rel_is_plain(rel)) return kb_rel_refused(rel);
    DWORD error = kb_win_open(dir->handle, rel, 0, FILE_OPEN, KB_WIN_ANY, &handle);
    if (!error) {
        error = kb_win_stat(handle, out);
        CloseHandle(handle);
    }
    return error ? kb_win_fail(error, N_("Cannot look at %s: %s"), rel) : kb_ok();
}

/* Calls each for the entries of one buffer; false when it wants no more. */
static bool tell_entries(const FILE_ID_BOTH_DIR_INFO *info, bool (*each)(void *arg, const struct kb_entry *entry),
                         void *arg) {
    for (bool more = true; more;) {
        size_t units = info->FileNameLength / sizeof(wchar_t);
        wchar_t *wide = kb_xcalloc(units + 1, sizeof *wide);
        memcpy(wide, info->FileName, units * sizeof *wide);
        char *name = kb_narrow(wide);
        struct kb_entry entry = {name, kind_of(info->FileAttributes), info->EndOfFile.QuadPart,
                                 kb_win_seconds(info->LastWriteTime.QuadPart, NULL)};
        bool wanted = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || each(arg, &entry);
        free(name);
        free(wide);
        if (!wanted) return false;
        more = info->NextEntryOffset != 0;
        info = (const FILE_ID_BOTH_DIR_INFO *)((const char *)info + info->NextEntryOffset);
    }
    return true;
}

/* One level of an open folder. */
static DWORD list_handle(HANDLE handle, bool (*each)(void *arg, const struct kb_entry *entry), void *arg) {
    static const DWORD room = 65536;
    void *buffer = kb_xmalloc(room);
    FILE_INFO_BY_HANDLE_CLASS class = FileIdBothDirectoryRestartInfo;
    DWORD error = ERROR_SUCCESS;
    for (;; class = FileIdBothDirectoryInfo) {
        if (!GetFileInformationByHandleEx(handle, class, buffer, room)) {
            error = GetLastError();
            if (error == ERROR_NO_MORE_FILES || error == ERROR_FILE_NOT_FOUND) error = ERROR_SUCCESS;
            break;
        }
        if (!tell_entries(buffer, each, arg)) break;
    }
    free(buffer);
    return error;
}

struct kb_result kb_dir_list(struct kb_dir *dir, const char *rel, bool (*each)(void *arg, const struct kb_entry *entry),
                             void *arg) {
    HANDLE handle;
    if (*rel && !kb_win_rel_is_plain(rel)) return kb_rel_refused(rel);
    DWORD error = kb_win_open(dir->handle, rel, FILE_LIST_DIRECTORY, FILE_OPEN, KB_WIN_FOLDER, &handle);
    if (!error) {
        error = list_handle(handle, each, arg);
        CloseHandle(handle);
    }
    return error ? kb_win_fail(error, N_("Cannot list the folder %s: %s"), *rel ? rel : dir->path) : kb_ok();
}

struct kb_result kb_dir_names(struct kb_dir *dir, const char *rel,
                              bool (*each)(void *arg, const struct kb_entry *entry), void *arg) {
    return kb_dir_list(dir, rel, each, arg); /* size and time come along for nothing here */
}

static DWORD make_one(HANDLE top, const char *rel) {
    HANDLE handle;
    DWORD error = kb_win_open(top, rel, FILE_LIST_DIRECTORY, FILE_OPEN_IF, KB_WIN_FOLDER, &handle);
    if (!error) CloseHandle(handle);
    return error == ERROR_FILE_EXISTS ? ERROR_DIRECTORY : error; /* a file has that name */
}

struct kb_result kb_dir_make(struct kb_dir *dir, const char *rel) {
    if (!kb_win_rel_is_plain(rel)) return kb_rel_refused(rel);
    DWORD error = make_one(dir->handle, rel);
    if (error == ERROR_PATH_NOT_FOUND || error == ERROR_FILE_NOT_FOUND) {
        char *part = kb_xstrdup(rel);
        error = ERROR_SUCCESS;
        for (char *slash = strchr(part, '/'); slash && !error; slash = strchr(slash + 1, '/')) {
            *slash = '\0';
            error = make_one(dir->handle, part);
            *slash = '/';
        }
        if (!error) error = make_one(dir->handle, rel);
        free(part);
    }
    return error ? kb_win_fail(error, N_("Cannot make the folder %s: %s"), rel) : kb_ok();
}

/* Windows says "access denied" of a folder that is to replace something, or to be replaced, as of what nobody may
 * touch. */
static DWORD in_the_way(HANDLE top, const char *to, HANDLE source) {
    struct kb_stat moved = {0}, there = {0};
    HANDLE handle;
    if (kb_win_open(top, to, 0, FILE_OPEN, KB_WIN_ANY, &handle) != ERROR_SUCCESS) return ERROR_ACCESS_DENIED;
    DWORD error = kb_win_stat(handle, &there);
    CloseHandle(handle);
    if (!error) error = kb_win_stat(source, &moved);
    bool folders = moved.kind == KB_ENTRY_DIR || there.kind == KB_ENTRY_DIR;
    return !error && folders ? ERROR_ALREADY_EXISTS : ERROR_ACCESS_DENIED;
}

struct kb_result kb_dir_move(struct kb_dir *dir, const char *from, const char *to) {
    HANDLE source, parent;
    const char *leaf;
    if (!kb_win_rel_is_plain(from)) return kb_rel_refused(from);
    if (!kb_win_rel_is_plain(to)) return kb_rel_refused(to);
    DWORD error = kb_win_open(dir->handle, from, DELETE, FILE_OPEN, KB_WIN_ANY, &source);
    if (!error) {
        error = kb_win_parent(dir->handle, to, &parent, &leaf);
        if (!error) {
            error = kb_win_rename(source, parent, leaf);
            if (error == ERROR_ACCESS_DENIED) error = in_the_way(dir->handle, to, source);
            CloseHandle(parent);
        }
        CloseHandle(source);
    }
    return error ? kb_win_fail(error, N_("Cannot move %s: %s"), from) : kb_ok();
}

struct removal {
    HANDLE parent;
    int depth;
    DWORD error;
};
static DWORD remove_tree(HANDLE parent, const char *name, int depth);

static bool remove_entry(void *arg, const struct kb_entry *entry) {
    struct removal *removal = arg;
    DWORD error = remove_tree(removal->parent, entry->name, removal->depth + 1);
    if (error) removal->error = error;
    return true;
}

/* A link is opened itself and removed, never followed. */
static DWORD remove_tree(HANDLE parent, const char *name, int depth) {
    HANDLE handle;
    struct kb_stat stat;
    if (depth > DEEPEST) return ERROR_REPARSE_POINT_ENCOUNTERED;
    DWORD error = kb_win_open(parent, name, DELETE | FILE_LIST_DIRECTORY, FILE_OPEN, KB_WIN_ANY, &handle);
    if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND) return ERROR_SUCCESS;
    if (error) return error;
    error = kb_win_stat(handle, &stat);
    if (!error && stat.kind == KB_ENTRY_DIR) {
        struct removal removal = {handle, depth, ERROR_SUCCESS};
        error = list_handle(handle, remove_entry, &removal);
        if (!error) error = removal.error;
    }
    if (!error) error = kb_win_delete(handle);
    CloseHandle(handle);
    return error;
}

struct kb_result kb_dir_remove(struct kb_dir *dir, const char *rel) {
    if (!kb_win_rel_is_plain(rel)) return kb_rel_refused(rel);
    DWORD error = remove_tree(dir->handle, rel, 0);
    return error ? kb_win_fail(error, N_("Cannot remove %s: %s"), rel) : kb_ok();
}

struct kb_result kb_dir_space(struct kb_dir *dir, int64_t *free_bytes) {
    ULARGE_INTEGER free_now;
    wchar_t *wide = kb_wide_path(dir->path);
    BOOL told = wide && GetDiskFreeSpaceExW(wide, &free_now, NULL, NULL);
    DWORD error = told ? ERROR_SUCCESS : GetLastError();
    free(wide);
    if (error) return kb_system_fail(error, N_("Cannot ask for the free space of %s: %s"), dir->path);
    *free_bytes = free_now.QuadPart > INT64_MAX ? INT64_MAX : (int64_t)free_now.QuadPart;
    return kb_ok();
}

/* Flushing a whole volume needs an administrator; so every file below is flushed, which is what was promised. */
static bool sync_entry(void *arg, const struct kb_entry *entry);

static DWORD sync_tree(HANDLE parent, const char *name, int depth) {
    struct removal walk = {NULL, depth, ERROR_SUCCESS};
    DWORD error = kb_win_open(parent, name, FILE_LIST_DIRECTORY, FILE_OPEN, KB_WIN_FOLDER, &walk.parent);
    if (error) return error;
    error = list_handle(walk.parent, sync_entry, &walk);
    CloseHandle(walk.parent);
    return error ? error : walk.error;
}

static bool sync_entry(void *arg, const struct kb_entry *entry) {
    struct removal *walk = arg;
    HANDLE handle;
    DWORD error = ERROR_SUCCESS;
    if (entry->kind == KB_ENTRY_DIR && walk->depth < DEEPEST)
        error = sync_tree(walk->parent, entry->name, walk->depth + 1);
    if (entry->kind == KB_ENTRY_FILE) {
        error = kb_win_open(walk->parent, entry->name, FILE_WRITE_DATA, FILE_OPEN, KB_WIN_FILE, &handle);
        if (!error) {
            if (!FlushFileBuffers(handle)) error = GetLastError();
            CloseHandle(handle);
        }
    }
    if (error) walk->error = error;
    return true;
}

struct kb_result kb_dir_sync(struct kb_dir *dir) {
    DWORD error = sync_tree(dir->handle, "", 0);
    return error ? kb_win_fail(error, N_("Cannot write %s to the disk: %s"), dir->path) : kb_ok();
}
