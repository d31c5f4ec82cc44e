/*
 * Apple Mobile Device Service, which is usbmuxd on Windows. iTunes from apple.com brings it as a service of Windows;
 * iTunes and Apple Devices from the Microsoft Store run it as a process of their own, once they have been opened.
 */
#include "win.h"

#include <stdlib.h>
#include <string.h>
#include <tlhelp32.h>
#include <wchar.h>

#define SERVICE L"Apple Mobile Device Service"

static const struct {
    const wchar_t *place; /* a part of the program's path, in lower case */
    enum kb_apple_from from;
} origins[] = {
    {L"\\appleinc.appledevices_", KB_APPLE_DEVICES},
    {L"\\appleinc.itunes_", KB_APPLE_ITUNES_STORE},
    {L"\\mobile device support\\", KB_APPLE_ITUNES},
};

static enum kb_apple_from origin_of(wchar_t *path) {
    _wcslwr(path);
    for (size_t i = 0; i < KB_ARRAY_SIZE(origins); i++)
        if (wcsstr(path, origins[i].place)) return origins[i].from;
    return KB_APPLE_NOTHING;
}

static enum kb_apple_from origin_of_process(DWORD id) {
    wchar_t path[1024];
    DWORD room = KB_ARRAY_SIZE(path);
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id);
    bool told = process && QueryFullProcessImageNameW(process, 0, path, &room);
    if (process) CloseHandle(process);
    return told ? origin_of(path)
                : KB_APPLE_ITUNES; /* another user's: only the service of apple.com's iTunes is that */
}

static enum kb_apple_from running(void) {
    static const wchar_t *const names[] = {L"AppleMobileDeviceService.exe", L"AppleMobileDeviceProcess.exe"};
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    enum kb_apple_from from = KB_APPLE_NOTHING;
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    if (all == INVALID_HANDLE_VALUE) return from;
    for (BOOL more = Process32FirstW(all, &entry); more && !from; more = Process32NextW(all, &entry))
        for (size_t i = 0; i < KB_ARRAY_SIZE(names) && !from; i++)
            if (_wcsicmp(entry.szExeFile, names[i]) == 0) from = origin_of_process(entry.th32ProcessID);
    CloseHandle(all);
    return from;
}

static bool service_installed(void) {
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service = manager ? OpenServiceW(manager, SERVICE, SERVICE_QUERY_STATUS) : NULL;
    if (service) CloseServiceHandle(service);
    if (manager) CloseServiceHandle(manager);
    return service != NULL;
}

/* Store apps have a folder of this user's, named after the package and its publisher. */
static bool package_installed(const char *pattern) {
    const char *local = kb_host_env("LOCALAPPDATA");
    WIN32_FIND_DATAW found;
    char *path = local ? kb_xasprintf("%s/Packages/%s", local, pattern) : NULL;
    wchar_t *wide = path ? kb_wide_path(path) : NULL;
    HANDLE search = wide ? FindFirstFileW(wide, &found) : INVALID_HANDLE_VALUE;
    free(wide);
    free(path);
    if (search == INVALID_HANDLE_VALUE) return false;
    FindClose(search);
    return true;
}

static enum kb_apple_from installed(void) {
    if (service_installed()) return KB_APPLE_ITUNES;
    if (package_installed("AppleInc.AppleDevices_*")) return KB_APPLE_DEVICES;
    if (package_installed("AppleInc.iTunes_*")) return KB_APPLE_ITUNES_STORE;
    return KB_APPLE_NOTHING;
}

bool kb_host_apple_service(enum kb_apple_from *from, bool *runs) {
    *from = running();
    *runs = *from != KB_APPLE_NOTHING;
    if (!*runs) *from = installed();
    return true;
}
