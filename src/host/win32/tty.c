/* The console: is there one, how large, and a password without echo. */
#include "win.h"

#include <io.h>
#include <stdlib.h>
#include <string.h>

static HANDLE console_of(int fd) { return fd >= 0 && fd <= 2 ? (HANDLE)_get_osfhandle(fd) : INVALID_HANDLE_VALUE; }

bool kb_tty_is(int fd) {
    DWORD mode;
    return GetConsoleMode(console_of(fd), &mode) != 0;
}

void kb_tty_size(int fd, int *columns, int *rows) {
    CONSOLE_SCREEN_BUFFER_INFO info;
    *columns = 80;
    *rows = 24;
    if (!GetConsoleScreenBufferInfo(console_of(fd), &info)) return;
    *columns = info.srWindow.Right - info.srWindow.Left + 1;
    *rows = info.srWindow.Bottom - info.srWindow.Top + 1;
}

static void say(HANDLE console, const char *text) {
    DWORD ignored;
    wchar_t *wide = kb_wide(text);
    if (wide) WriteConsoleW(console, wide, (DWORD)wcslen(wide), &ignored, NULL);
    free(wide);
}

/* The typed line as UTF-8; -1 when none came. */
static int read_line(HANDLE in, char *line, int room) {
    wchar_t wide[512];
    DWORD size = 0, mode = 0;
    if (!GetConsoleMode(in, &mode)) return -1;
    SetConsoleMode(in, (mode | ENABLE_LINE_INPUT | ENABLE_PROCESSED_INPUT) & ~(DWORD)ENABLE_ECHO_INPUT);
    BOOL read = ReadConsoleW(in, wide, KB_ARRAY_SIZE(wide), &size, NULL);
    SetConsoleMode(in, mode);
    while (read && size && (wide[size - 1] == L'\n' || wide[size - 1] == L'\r')) size--;
    int length =
        read && size ? WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, (int)size, line, room, NULL, NULL) : 0;
    kb_wipe(wide, sizeof wide);
    return read ? length : -1;
}

struct kb_result kb_tty_password(const char *prompt, struct kb_secret **out) {
    char line[1024];
    int size = -1;
    HANDLE in = CreateFileW(L"CONIN$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                            OPEN_EXISTING, 0, NULL);
    HANDLE screen = CreateFileW(L"CONOUT$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                                OPEN_EXISTING, 0, NULL);
    bool there = in != INVALID_HANDLE_VALUE && screen != INVALID_HANDLE_VALUE;
    if (there) {
        say(screen, prompt);
        size = read_line(in, line, (int)sizeof line);
        say(screen, "\r\n");
    }
    if (in != INVALID_HANDLE_VALUE) CloseHandle(in);
    if (screen != INVALID_HANDLE_VALUE) CloseHandle(screen);
    if (size > 0) *out = kb_secret_new(line, (size_t)size);
    kb_wipe(line, sizeof line);
    if (!there)
        return kb_fail(KB_PASSWORD, KB_PASSWORD_MISSING,
                       _("There is no terminal to ask for the password; use --password-file"));
    if (size > 0) return kb_ok();
    return kb_fail(KB_PASSWORD, KB_PASSWORD_MISSING, _("No password was typed; type it, or use --password-file"));
}
