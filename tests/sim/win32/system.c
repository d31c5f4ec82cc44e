/* The bench's process and folders, see system.h, on kitbench's own host room. */
#include "../system.h"

#include "kitbench/host.h"

#include <windows.h>

#include <direct.h>
#include <errno.h>
#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct kb_cancel *ending; /* set once, before there are threads */

void sim_system_start(void) { kb_host_start(); }

/* A closed window ends the program that runs, and with it the bench, which has some seconds while this does not return.
 */
static BOOL WINAPI leave_it(DWORD event) {
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) Sleep(INFINITE);
    return TRUE;
}

void sim_end_prepare(bool runs) {
    ending = kb_cancel_new();
    if (runs)
        SetConsoleCtrlHandler(leave_it, TRUE);
    else
        kb_host_on_interrupt(ending);
}

void sim_end_wait(void) {
    while (!kb_cancel_wait(ending, INT64_C(3600000))) continue;
}

void sim_end_ask(void) { kb_cancel_now(ending); }

/* As the C library of the other side parts a command line again: backslashes count before a quotation mark alone. */
static char *quoted(const char *word) {
    char *out = kb_xmalloc(strlen(word) * 2 + 3), *to = out;
    if (*word && !strpbrk(word, " \t\"")) return strcpy(out, word);
    *to++ = '"';
    for (;;) {
        size_t slashes = strspn(word, "\\");
        word += slashes;
        if (!*word || *word == '"') slashes *= 2;
        memset(to, '\\', slashes);
        to += slashes;
        if (!*word) break;
        if (*word == '"') *to++ = '\\';
        *to++ = *word++;
    }
    strcpy(to, "\"");
    return out;
}

int sim_run(char *const *words) {
    size_t count = 0;
    while (words[count]) count++;
    const char **all = kb_xcalloc(count + 1, sizeof *all);
    for (size_t i = 0; i < count; i++) all[i] = quoted(words[i]); /* they stay: the process ends with this */
    return (int)_spawnvp(_P_WAIT, words[0], all);
}

void sim_env_set(const char *name, const char *value) { _putenv_s(name, value); }

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
