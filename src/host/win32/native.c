/*
 * Opening, renaming and deleting below a folder that is held open. Win32 has no openat(); the system call under it has:
 * NtCreateFile() takes a folder's handle, and OBJ_DONT_REPARSE makes it refuse every link on the way (Windows 10).
 */
#include "win.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <winternl.h>

#ifndef OBJ_DONT_REPARSE
#define OBJ_DONT_REPARSE 0x00001000L
#endif
#ifndef FILE_OPEN_FOR_BACKUP_INTENT
#define FILE_OPEN_FOR_BACKUP_INTENT 0x00004000
#endif
#ifndef FILE_OPEN_REPARSE_POINT
#define FILE_OPEN_REPARSE_POINT 0x00200000
#endif
#define STATUS_LINK_ON_THE_WAY ((NTSTATUS)0xC000050BL) /* STATUS_REPARSE_POINT_ENCOUNTERED */
#define STATUS_IS_A_FOLDER     ((NTSTATUS)0xC00000BAL) /* STATUS_FILE_IS_A_DIRECTORY */
#define STATUS_NOT_A_FOLDER    ((NTSTATUS)0xC0000103L) /* STATUS_NOT_A_DIRECTORY */
#define STATUS_NAME_COLLISION  ((NTSTATUS)0xC0000035L) /* STATUS_OBJECT_NAME_COLLISION */
#define RENAME_INFORMATION     ((FILE_INFORMATION_CLASS)10)
#define DISPOSITION_EX         ((FILE_INFO_BY_HANDLE_CLASS)21) /* FileDispositionInfoEx: Windows 10 1709 */
#define DELETE_AS_POSIX        0x13                            /* delete, POSIX semantics, ignore read-only */

NTSTATUS NTAPI NtSetInformationFile(HANDLE, PIO_STATUS_BLOCK, PVOID, ULONG, FILE_INFORMATION_CLASS);

struct rename_information {
    BOOLEAN replace;
    HANDLE parent;
    ULONG name_bytes;
    WCHAR name[1];
};

static DWORD to_error(NTSTATUS status) {
    if (status >= 0) return ERROR_SUCCESS;
    if (status == STATUS_LINK_ON_THE_WAY || status == STATUS_IS_A_FOLDER) return ERROR_REPARSE_POINT_ENCOUNTERED;
    if (status == STATUS_NOT_A_FOLDER) return ERROR_DIRECTORY;
    if (status == STATUS_NAME_COLLISION) return ERROR_FILE_EXISTS;
    return RtlNtStatusToDosError(status);
}

bool kb_win_rel_is_plain(const char *rel) { return kb_rel_is_plain(rel) && !strpbrk(rel, "\\:*?\"<>|"); }

/* A link that was opened itself, and whatever is not on a disk, is not what anybody asked for. */
static DWORD refuse_links(HANDLE handle) {
    FILE_ATTRIBUTE_TAG_INFO tag;
    if (!GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &tag, sizeof tag)) return GetLastError();
    if (tag.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) return ERROR_REPARSE_POINT_ENCOUNTERED;
    return GetFileType(handle) == FILE_TYPE_DISK ? ERROR_SUCCESS : ERROR_REPARSE_POINT_ENCOUNTERED;
}

DWORD kb_win_open(HANDLE top, const char *rel, ACCESS_MASK access, ULONG disposition, enum kb_win_kind kind,
                  HANDLE *out) {
    static const ULONG kinds[] = {
        [KB_WIN_ANY] = 0, [KB_WIN_FILE] = FILE_NON_DIRECTORY_FILE, [KB_WIN_FOLDER] = FILE_DIRECTORY_FILE};
    UNICODE_STRING name = {0};
    OBJECT_ATTRIBUTES object;
    IO_STATUS_BLOCK io;
    HANDLE handle = NULL;
    wchar_t *wide = kb_wide(rel);
    if (!wide || wcslen(wide) > 32000) {
        free(wide);
        return ERROR_INVALID_NAME;
    }
    for (wchar_t *at = wide; *at; at++)
        if (*at == L'/') *at = L'\\';
    name.Buffer = wide;
    name.Length = name.MaximumLength = (USHORT)(wcslen(wide) * sizeof *wide);
    InitializeObjectAttributes(&object, &name, OBJ_CASE_INSENSITIVE | OBJ_DONT_REPARSE, top, NULL);
    NTSTATUS status = NtCreateFile(
        &handle, access | SYNCHRONIZE | FILE_READ_ATTRIBUTES, &object, &io, NULL, FILE_ATTRIBUTE_NORMAL,
        FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, disposition,
        kinds[kind] | FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_REPARSE_POINT | FILE_OPEN_FOR_BACKUP_INTENT, NULL, 0);
    free(wide);
    DWORD error = to_error(status);
    if (!error && kind != KB_WIN_ANY && (error = refuse_links(handle)) != 0) CloseHandle(handle);
    if (!error) *out = handle;
    return error;
}

DWORD kb_win_parent(HANDLE top, const char *rel, HANDLE *parent, const char **leaf) {
    const char *slash = strrchr(rel, '/');
    *leaf = slash ? slash + 1 : rel;
    char *folder = kb_xstrdup(slash ? rel : "");
    if (slash) folder[slash - rel] = '\0';
    DWORD error = kb_win_open(top, folder, FILE_LIST_DIRECTORY | FILE_TRAVERSE, FILE_OPEN, KB_WIN_FOLDER, parent);
    free(folder);
    return error;
}

DWORD kb_win_rename(HANDLE handle, HANDLE parent, const char *leaf) {
    wchar_t *wide = kb_wide(leaf);
    IO_STATUS_BLOCK io;
    if (!wide) return ERROR_INVALID_NAME;
    size_t bytes = wcslen(wide) * sizeof *wide, size = offsetof(struct rename_information, name) + bytes + sizeof *wide;
    struct rename_information *info = kb_xcalloc(1, size);
    info->replace = TRUE;
    info->parent = parent;
    info->name_bytes = (ULONG)bytes;
    memcpy(info->name, wide, bytes);
    NTSTATUS status = NtSetInformationFile(handle, &io, info, (ULONG)size, RENAME_INFORMATION);
    free(info);
    free(wide);
    return to_error(status);
}

DWORD kb_win_delete(HANDLE handle) {
    DWORD flags = DELETE_AS_POSIX;
    FILE_DISPOSITION_INFO plain = {TRUE};
    if (SetFileInformationByHandle(handle, DISPOSITION_EX, &flags, sizeof flags)) return ERROR_SUCCESS;
    DWORD error = GetLastError();
    if (error != ERROR_INVALID_PARAMETER && error != ERROR_NOT_SUPPORTED && error != ERROR_INVALID_FUNCTION)
        return error; /* the file system knows the call and said no */
    return SetFileInformationByHandle(handle, FileDispositionInfo, &plain, sizeof plain) ? ERROR_SUCCESS
                                                                                         : GetLastError();
}
