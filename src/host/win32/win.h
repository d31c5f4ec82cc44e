/* UTF-16 at the edge of Windows, and handles of files below a folder. Private to src/host/win32. */
#ifndef KITBENCH_HOST_WIN32_WIN_H
#define KITBENCH_HOST_WIN32_WIN_H

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>

#include <windows.h>

#include "../system.h"

/* Not in every mingw. */
#ifndef ERROR_REPARSE_POINT_ENCOUNTERED
#define ERROR_REPARSE_POINT_ENCOUNTERED 4395L
#endif
#ifndef ERROR_DISK_QUOTA_EXCEEDED
#define ERROR_DISK_QUOTA_EXCEEDED 1295L
#endif

/* UTF-16 of a text; caller frees. NULL when it is not UTF-8. */
wchar_t *kb_wide(const char *text);
/* UTF-8 of a text, caller frees; a lone surrogate becomes U+FFFD. */
char *kb_narrow(const wchar_t *text);
/* An absolute path in the form that may be longer than 260 characters; caller frees. NULL when it cannot be made. */
wchar_t *kb_wide_path(const char *path);
/* Backslashes become slashes. */
void kb_slashes(char *path);

/* The console's code pages as they were before kb_host_start(): at the end of the process, however it comes. */
void kb_win_console_back(void);

/* For what is made anew: this user's and the administrators' alone; NULL when that cannot be said. */
SECURITY_ATTRIBUTES *kb_win_private(void);

struct kb_dir {
    HANDLE handle;
    char *path;
};

enum kb_win_kind { KB_WIN_ANY, KB_WIN_FILE, KB_WIN_FOLDER };
/*
 * Opens rel below a folder in one call of the system, which refuses every link (reparse point) on the way: that is what
 * openat() step by step is on POSIX. ERROR_REPARSE_POINT_ENCOUNTERED for a link. rel "" is the folder itself.
 */
DWORD kb_win_open(HANDLE top, const char *rel, ACCESS_MASK access, ULONG disposition, enum kb_win_kind kind,
                  HANDLE *out);
/* Renames what handle is to leaf in the folder parent, replacing a file. */
DWORD kb_win_rename(HANDLE handle, HANDLE parent, const char *leaf);
DWORD kb_win_delete(HANDLE handle);
/* Splits rel: the folder (open, to be closed) and the last component. */
DWORD kb_win_parent(HANDLE top, const char *rel, HANDLE *parent, const char **leaf);
DWORD kb_win_stat(HANDLE handle, struct kb_stat *out);
int64_t kb_win_seconds(int64_t file_time, int64_t *nanoseconds);
struct kb_result kb_win_fail(DWORD error, const char *format, const char *rel);
/* What POSIX takes as a name, but Windows reads as a folder, a stream or a drive. */
bool kb_win_rel_is_plain(const char *rel);

#endif
