/* The process: how it starts, who it is, what it may use. */
#include "win.h"

#include <fcntl.h>
#include <io.h>
#include <shellapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_PATH 32768

/* The console belongs to whoever started us, who may have a code page of his own in it: it is given back as it was. */
static UINT page_out, page_in; /* 0: no console, or given back */

void kb_win_console_back(void) {
    if (page_out) SetConsoleOutputCP(page_out);
    if (page_in) SetConsoleCP(page_in);
    page_out = page_in = 0;
}

/* A console that shows UTF-8 and understands colours; a pipe takes neither. */
static void prepare_console(void) {
    static const DWORD outputs[] = {STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};
    if (!page_out && (page_out = GetConsoleOutputCP()) != 0) {
        page_in = GetConsoleCP();
        atexit(kb_win_console_back);
    }
    SetConsoleOutputCP(CP_UTF8);
    SetConsoleCP(CP_UTF8);
    for (size_t i = 0; i < KB_ARRAY_SIZE(outputs); i++) {
        DWORD mode;
        HANDLE console = GetStdHandle(outputs[i]);
        if (GetConsoleMode(console, &mode)) SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
    }
}

/* The libraries below us read fewer forms of the address than we do (protocol.md 1.1). */
static void tell_libraries_the_address(void) {
    struct kb_address address;
    char text[300];
    if (!kb_address_parse(kb_host_env("USBMUXD_SOCKET_ADDRESS"), &address) || address.local) return;
    kb_address_print(&address, text, sizeof text);
    _putenv_s("USBMUXD_SOCKET_ADDRESS", text);
}

void kb_host_start(void) {
    WSADATA sockets;
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX); /* no dialog, no dump */
    for (int fd = 0; fd <= 2; fd++) _setmode(fd, _O_BINARY); /* JSON lines end with one byte everywhere */
    prepare_console();
    if (WSAStartup(MAKEWORD(2, 2), &sockets) != 0) abort();
    tell_libraries_the_address();
}

char **kb_host_args(int argc, char **argv) {
    wchar_t *const *wide = __wargv;
    if (!wide) { /* main() without UTF-16 arguments: the C library split them, we fetch the same line again */
        int count = 0;
        wchar_t **split = CommandLineToArgvW(GetCommandLineW(), &count);
        if (!split || count != argc) return argv;
        wide = split; /* lives as long as the process */
    }
    char **args = kb_xcalloc((size_t)argc + 1, sizeof *args);
    for (int i = 0; i < argc; i++) args[i] = kb_narrow(wide[i]);
    return args;
}

char *kb_host_self(void) {
    wchar_t *wide = kb_xcalloc(LONGEST_PATH, sizeof *wide);
    DWORD size = GetModuleFileNameW(NULL, wide, LONGEST_PATH);
    char *path = size && size < LONGEST_PATH ? kb_narrow(wide) : NULL;
    if (path) kb_slashes(path);
    free(wide);
    return path;
}

void kb_host_limit_memory(int64_t bytes) {
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    HANDLE job = bytes > 0 ? CreateJobObjectW(NULL, NULL) : NULL;
    if (!job) return;
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_PROCESS_MEMORY;
    limits.ProcessMemoryLimit = (SIZE_T)bytes;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    AssignProcessToJobObject(job, GetCurrentProcess()); /* the handle stays open: the limit lives with it */
}

/* Every value that was ever asked for stays: callers keep the pointer, and there are few. */
static const char *keep(const char *text) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct kept {
        struct kept *next;
        char text[];
    } * all; /* Guarded by lock. */
    pthread_mutex_lock(&lock);
    struct kept *found = all;
    while (found && strcmp(found->text, text) != 0) found = found->next;
    if (!found) {
        size_t size = strlen(text) + 1;
        found = kb_xmalloc(sizeof *found + size);
        memcpy(found->text, text, size);
        found->next = all;
        all = found;
    }
    pthread_mutex_unlock(&lock);
    return found->text;
}

const char *kb_host_env(const char *name) {
    wchar_t *wide = kb_wide(name);
    const wchar_t *value = wide ? _wgetenv(wide) : NULL;
    const char *kept = NULL;
    if (value && *value) {
        char *text = kb_narrow(value);
        kept = keep(text);
        free(text);
    }
    free(wide);
    return kept;
}

enum kb_lang kb_host_lang(void) {
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    enum kb_lang lang = PRIMARYLANGID(GetUserDefaultUILanguage()) == LANG_JAPANESE ? KB_LANG_JA : KB_LANG_EN;
    for (size_t i = 0; i < KB_ARRAY_SIZE(names); i++) {
        const char *value = kb_host_env(names[i]);
        if (!value) continue;
        lang = KB_LANG_EN;
        kb_lang_parse(value, &lang);
        break;
    }
    return lang;
}

char *kb_host_user(void) {
    wchar_t name[257];
    DWORD room = KB_ARRAY_SIZE(name);
    return GetUserNameW(name, &room) ? kb_narrow(name) : kb_xstrdup("");
}

char *kb_host_name(void) {
    wchar_t name[257];
    DWORD room = KB_ARRAY_SIZE(name);
    return GetComputerNameExW(ComputerNameDnsHostname, name, &room) ? kb_narrow(name) : kb_xstrdup("");
}
