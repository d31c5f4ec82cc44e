/* Where backups are: the store and the places of iTunes, Apple Devices and Finder. */
#include <stdlib.h>
#include <string.h>

#include "room.h"

/* A folder's name is UDID, or UDID-yyyyMMdd-HHmmss for a copy. */
static bool is_backup_name(const char *name) {
    char udid[KB_UDID_ROOM];
    size_t size = strlen(name), stamp = strlen("-yyyyMMdd-HHmmss");

    if (kb_udid_is_valid(name)) return true;
    if (size <= stamp || size - stamp >= sizeof udid) return false;
    kb_text_copy(udid, size - stamp + 1, name);
    name += size - stamp;
    for (size_t i = 0; i < stamp; i++)
        if (i == 0 || i == 9 ? name[i] != '-' : name[i] < '0' || name[i] > '9') return false;
    return kb_udid_is_valid(udid);
}

struct names {
    char **list;
    size_t count, room;
};

static bool take_name(void *arg, const struct kb_entry *entry) {
    struct names *names = arg;

    /* A link may lead to a backup on another disk: the folder itself may be reached so, what is below may not. */
    if (entry->kind == KB_ENTRY_FILE || !is_backup_name(entry->name)) return true;
    if (names->count == names->room) {
        names->room = names->room ? names->room * 2 : 32;
        names->list = kb_xrealloc(names->list, names->room * sizeof *names->list);
    }
    names->list[names->count++] = kb_xstrdup(entry->name);
    return true;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void names_release(struct names *names) {
    for (size_t i = 0; i < names->count; i++) free(names->list[i]);
    free(names->list);
}

/* The names of the backups in a folder, sorted. */
static struct kb_result list_backups(const char *folder, char **real, struct names *names) {
    struct kb_dir *dir = NULL;
    struct kb_result res;

    *real = NULL;
    memset(names, 0, sizeof *names);
    res = kb_path_real(folder, real);
    if (!kb_failed(&res)) res = kb_dir_open(*real, false, &dir);
    if (!kb_failed(&res)) res = kb_dir_list(dir, "", take_name, names);
    if (names->count) qsort(names->list, names->count, sizeof *names->list, by_name);
    kb_dir_close(dir);
    return res;
}

struct finder {
    bool (*each)(void *arg, const char *path);
    void (*unread)(void *arg, const char *path, const struct kb_result *res);
    void *arg;
    char *seen[16]; /* places already looked into, by their real path */
    size_t seen_count;
    bool stopped;
};

static bool seen_before(struct finder *finder, const char *real) {
    for (size_t i = 0; i < finder->seen_count; i++)
        if (strcmp(finder->seen[i], real) == 0) return true;
    if (finder->seen_count < KB_ARRAY_SIZE(finder->seen)) finder->seen[finder->seen_count++] = kb_xstrdup(real);
    return false;
}

static void give_names(struct finder *finder, const char *real, const struct names *names) {
    for (size_t i = 0; i < names->count && !finder->stopped; i++) {
        char *path = kb_path_join(real, names->list[i]);

        finder->stopped = !finder->each(finder->arg, path);
        free(path);
    }
}

static struct kb_result denied(void) {
    return kb_fail(KB_HOST, KB_HOST_DENIED,
                   _("This computer does not let kitbench read this place; allow it (on a Mac: System Settings, "
                     "Privacy, Full Disk Access), then try again"));
}

static void look_into(struct finder *finder, const char *place) {
    char *real = NULL;
    struct names names;
    struct kb_result res = list_backups(place, &real, &names);
    bool absent = kb_is(&res, KB_HOST, KB_HOST_NOT_FOUND) || kb_is(&res, KB_HOST, KB_HOST_NOT_DIR);

    if (kb_is(&res, KB_HOST, KB_HOST_DENIED)) res = denied();
    if (!kb_failed(&res) && !seen_before(finder, real))
        give_names(finder, real, &names);
    else if (kb_failed(&res) && !absent && finder->unread) /* not every computer has every place */
        finder->unread(finder->arg, place, &res);
    names_release(&names);
    free(real);
}

void kb_backups_find(const char *store, char **places, bool (*each)(void *arg, const char *path),
                     void (*unread)(void *arg, const char *path, const struct kb_result *res), void *arg) {
    struct finder finder = {.each = each, .unread = unread, .arg = arg};

    if (store && store[0]) look_into(&finder, store);
    for (char **place = places; place && *place && !finder.stopped; place++) look_into(&finder, *place);
    for (size_t i = 0; i < finder.seen_count; i++) free(finder.seen[i]);
}

/* ---- BACKUP of the command line ---- */

static bool is_backup_folder(const char *path) {
    struct kb_dir *dir = NULL;
    struct kb_result res = kb_dir_open(path, false, &dir);
    /* A folder that may not be read is taken: opening it will say why. */
    bool found = kb_failed(&res) ? kb_is(&res, KB_HOST, KB_HOST_DENIED) : kb_looks_like_backup(dir);

    kb_dir_close(dir);
    return found;
}

/* A whole name wins; else the one name that begins so. Copies with a date count only when they are named whole. */
static struct kb_result choose(const struct names *names, const char *word, const char *store, const char **out) {
    size_t found = 0;

    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->list[i], word) == 0) return *out = names->list[i], kb_ok();
    for (size_t i = 0; i < names->count; i++) {
        if (!kb_udid_is_valid(names->list[i]) || !kb_text_starts(names->list[i], word)) continue;
        *out = names->list[i];
        found++;
    }
    if (found == 1) return kb_ok();
    if (found > 1)
        return kb_fail(KB_USAGE, 0, _("%zu backups in %s begin with %s; write more of the UDID"), found, store, word);
    return kb_fail(
        KB_STORE, KB_STORE_MISSING,
        _("There is no backup called %s: neither a folder of this name nor in the store %s; kitbench backups "
          "shows all"),
        word, store);
}

static struct kb_result resolve_in_store(const char *store, const char *word, char **path) {
    char *real = NULL;
    const char *name = NULL;
    struct names names;
    struct kb_result res = list_backups(store, &real, &names);

    if (kb_is(&res, KB_HOST, KB_HOST_NOT_FOUND) || kb_is(&res, KB_HOST, KB_HOST_NOT_DIR))
        res = kb_ok(); /* no store yet */
    if (!kb_failed(&res)) res = choose(&names, word, store, &name);
    if (!kb_failed(&res)) *path = kb_path_join(real, name);
    names_release(&names);
    free(real);
    return res;
}

struct kb_result kb_backup_resolve(const char *store, const char *word, char **path) {
    if (!word || !word[0]) return kb_fail(KB_USAGE, 0, _("Name a backup: its folder, or a UDID in the store"));
    if (is_backup_folder(word)) return kb_path_real(word, path);
    if (strchr(word, '/') || strchr(word, '\\') || !store || !store[0])
        return kb_fail(KB_STORE, KB_STORE_MISSING, _("There is no backup in %s; choose another folder"), word);
    return resolve_in_store(store, word, path);
}
