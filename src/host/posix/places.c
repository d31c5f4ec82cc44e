/* Places: kitbench's own folder, where Apple's programs keep backups, and absolute paths. */
#define _GNU_SOURCE
#include "../system.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* HOME decides; only without it the user's entry does. */
static char *home_folder(void) {
    const char *home = kb_host_env("HOME");
    struct passwd entry, *found = NULL;
    char room[4096];
    if (home) return kb_xstrdup(home);
    if (getpwuid_r(getuid(), &entry, room, sizeof room, &found) != 0 || !found) return NULL;
    return kb_xstrdup(found->pw_dir);
}

static char *below_home(const char *rest) {
    char *home = home_folder(), *path = home ? kb_path_join(home, rest) : NULL;
    free(home);
    return path;
}

static char *usual_home(void) {
#ifdef __APPLE__
    return below_home("Library/Application Support/kitbench");
#else
    const char *state = kb_host_env("XDG_STATE_HOME");
    if (state && *state == '/') return kb_path_join(state, "kitbench"); /* a relative one is to be ignored */
    return below_home(".local/state/kitbench");
#endif
}

struct kb_result kb_host_home(char **out) {
    const char *given = kb_host_env("KITBENCH_HOME");
    struct kb_dir *dir = NULL;
    char *path = given ? kb_xstrdup(given) : usual_home();
    if (!path)
        return kb_fail(KB_HOST, KB_HOST_NOT_FOUND, _("This user has no home folder; set KITBENCH_HOME to a folder"));
    struct kb_result res = kb_dir_open(path, true, &dir);
    kb_dir_close(dir);
    if (kb_failed(&res))
        free(path);
    else
        *out = path;
    return res;
}

char **kb_host_backup_places(void) {
    char **places = kb_xcalloc(2, sizeof *places);
#ifdef __APPLE__
    places[0] = below_home("Library/Application Support/MobileSync/Backup");
#endif
    return places;
}

struct kb_result kb_path_real(const char *path, char **out) {
    char *real = realpath(path, NULL);
    if (!real) return kb_system_fail((unsigned long)errno, N_("Cannot find %s: %s"), path);
    *out = real;
    return kb_ok();
}
