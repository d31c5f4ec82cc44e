/* Places: kitbench's own folder, where Apple's programs keep backups, and absolute paths. */
#include "win.h"

#include <stdlib.h>
#include <string.h>

static char *below(const char *variable, const char *rest) {
    const char *folder = kb_host_env(variable);
    char *path = folder ? kb_path_join(folder, rest) : NULL;
    if (path) kb_slashes(path);
    return path;
}

struct kb_result kb_host_home(char **out) {
    const char *given = kb_host_env("KITBENCH_HOME");
    struct kb_dir *dir = NULL;
    char *path = given ? kb_xstrdup(given) : below("LOCALAPPDATA", "kitbench");
    if (!path)
        return kb_fail(KB_HOST, KB_HOST_NOT_FOUND, _("This user has no home folder; set KITBENCH_HOME to a folder"));
    kb_slashes(path);
    struct kb_result res = kb_dir_open(path, true, &dir);
    kb_dir_close(dir);
    if (kb_failed(&res))
        free(path);
    else
        *out = path;
    return res;
}

/* backup-format.md 1: iTunes from apple.com; iTunes and Apple Devices from the store. */
char **kb_host_backup_places(void) {
    static const struct {
        const char *variable, *rest;
    } known[] = {
        {"APPDATA", "Apple Computer/MobileSync/Backup"},
        {"USERPROFILE", "Apple/MobileSync/Backup"},
    };
    char **places = kb_xcalloc(KB_ARRAY_SIZE(known) + 1, sizeof *places);
    int count = 0;
    for (size_t i = 0; i < KB_ARRAY_SIZE(known); i++)
        if ((places[count] = below(known[i].variable, known[i].rest)) != NULL) count++;
    return places;
}

struct kb_result kb_path_real(const char *path, char **out) {
    wchar_t *wide = kb_wide_path(path), *full = NULL;
    HANDLE handle = INVALID_HANDLE_VALUE;
    DWORD error = ERROR_INVALID_NAME, room;
    if (wide)
        handle = CreateFileW(wide, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                             FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (wide && handle == INVALID_HANDLE_VALUE) error = GetLastError();
    if (handle != INVALID_HANDLE_VALUE) {
        error = ERROR_SUCCESS;
        room = GetFinalPathNameByHandleW(handle, NULL, 0, FILE_NAME_NORMALIZED);
        full = room ? kb_xcalloc((size_t)room + 1, sizeof *full) : NULL;
        if (!full || !GetFinalPathNameByHandleW(handle, full, room + 1, FILE_NAME_NORMALIZED)) error = GetLastError();
        CloseHandle(handle);
    }
    if (!error) {
        bool share = wcsncmp(full, L"\\\\?\\UNC\\", 8) == 0, plain = wcsncmp(full, L"\\\\?\\", 4) == 0;
        char *text = kb_narrow(full + (share ? 8 : plain ? 4 : 0));
        *out = share ? kb_xasprintf("//%s", text) : kb_xstrdup(text);
        kb_slashes(*out);
        free(text);
    }
    free(full);
    free(wide);
    return error ? kb_system_fail(error, N_("Cannot find %s: %s"), path) : kb_ok();
}
