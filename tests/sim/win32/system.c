/* The bench's process and folders, see system.h, on kitbench's own host room. */
#include "../system.h"

#include "kitbench/host.h"

#include <windows.h>

#include <direct.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct kb_cancel *ending; /* set once, before there are threads */

void sim_system_start(bool serves) {
    kb_host_start();
    if (!serves) return;
    ending = kb_cancel_new();
    kb_host_on_interrupt(ending);
}

void sim_end_wait(void) {
    while (!kb_cancel_wait(ending, INT64_C(3600000))) continue;
}

void sim_end_ask(void) { kb_cancel_now(ending); }

/* The C library's strerror() knows the files' errors only. */
const char *sim_why(void) {
    static const struct {
        int number;
        const char *words;
    } known[] = {
        {EADDRINUSE, "the port is taken by another program"},
        {EAFNOSUPPORT, "Windows has no sockets in the file system; say 127.0.0.1:PORT"},
        {ECONNREFUSED, "nobody listens there"},
        {EMFILE, "too many connections"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].number == errno) return known[i].words;
    return strerror(errno);
}

bool sim_folder_temporary(char *out, size_t room) {
    char place[MAX_PATH * 3 + 1];
    DWORD size = GetTempPathA(sizeof place, place);
    uint32_t number;
    for (int tries = 0; size > 0 && size < sizeof place && tries < 100; tries++) {
        struct kb_result res = kb_random(&number, sizeof number);
        if (kb_failed(&res)) return false;
        snprintf(out, room, "%sphonesim.%08x", place, number);
        for (char *at = out; *at; at++)
            if (*at == '\\') *at = '/';
        if (_mkdir(out) == 0) return true; /* in this user's own folder, which no other may enter */
    }
    return false;
}

bool sim_folder_make(const char *path) { return _mkdir(path) == 0 || errno == EEXIST; }

void sim_folder_remove(const char *path) {
    char parent[MAX_PATH * 3 + 1];
    const char *name = kb_path_base(path);
    struct kb_dir *dir = NULL;
    snprintf(parent, sizeof parent, "%.*s", (int)(name - path), path);
    struct kb_result res = kb_dir_open(name > path ? parent : ".", false, &dir);
    if (!kb_failed(&res)) res = kb_dir_remove(dir, name);
    if (kb_failed(&res)) fprintf(stderr, "phonesim: %s\n", res.text);
    kb_dir_close(dir);
}

bool sim_file_replace(const char *from, const char *to) {
    if (MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING)) return true;
    errno = EIO;
    return false;
}
