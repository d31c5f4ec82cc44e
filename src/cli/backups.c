/* kitbench backups: the store, and the places where iTunes, Apple Devices and Finder keep theirs. */
#include "cli.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

struct listing {
    struct kb_cli *cli;
    struct kb_backup_info **list;
    int count, room;
    struct kb_result unread; /* the first place or backup that could not be read */
};

/* What could not be read is a line of its own: nobody may take it for "there is none". */
static void tell_unread(struct listing *listing, const char *path, const struct kb_result *res) {
    json_t *object = json_object();
    kb_json_set_text(object, "event", "finding");
    bool denied = kb_is(res, KB_HOST, KB_HOST_DENIED) || kb_is(res, KB_STORE, KB_STORE_UNREADABLE);
    kb_json_set_text(object, "code", denied ? "denied" : "read");
    kb_json_set_text(object, "path", path);
    kb_json_set_text(object, "text", res->text);
    kb_put_json(listing->cli, object);
    json_decref(object);
    kb_say(listing->cli, "%s: %s", path, res->text);
    if (!kb_failed(&listing->unread)) listing->unread = *res;
}

static bool add_backup(void *arg, const char *path) {
    struct listing *listing = arg;
    struct kb_backup *backup = NULL;
    struct kb_backup_info *info = kb_xcalloc(1, sizeof *info);
    struct kb_backup_options options = kb_backup_options_of(listing->cli, false);
    struct kb_result res = kb_backup_open(path, &backup);
    if (!kb_failed(&res)) res = kb_backup_inspect(backup, &options, info);
    kb_backup_free(backup);
    if (kb_failed(&res)) {
        tell_unread(listing, path, &res);
        free(info);
        return true;
    }
    if (listing->count == listing->room) {
        listing->room = listing->room ? 2 * listing->room : 16;
        listing->list = kb_xrealloc(listing->list, (size_t)listing->room * sizeof *listing->list);
    }
    listing->list[listing->count++] = info;
    return true;
}

static void on_unread(void *arg, const char *path, const struct kb_result *res) { tell_unread(arg, path, res); }

static const char *health_words(const struct kb_backup_info *info) {
    static const char *const words[] = {N_("finished"), N_("unfinished"), N_("damaged"), N_("hostile"),
                                        N_("unreadable")};
    if (info->health != KB_HEALTH_OK) return _(words[info->health]);
    if (info->encrypted == KB_NO) return _("not encrypted");
    return info->finished == KB_NO ? _(words[KB_HEALTH_UNFINISHED]) : _(words[KB_HEALTH_OK]);
}

/* What somebody types to name it: a UDID in the store, else the folder. */
static const char *backup_word(const struct kb_cli *cli, const struct kb_backup_info *info) {
    char *there = kb_path_join(cli->store, info->udid);
    bool ours = *info->udid && !strcmp(there, info->path);
    free(there);
    return ours ? info->udid : info->path;
}

static void add_row(struct kb_table *table, const struct kb_cli *cli, const struct kb_backup_info *info) {
    char when[KB_HUMAN_ROOM];
    kb_human_time(when, info->taken_at);
    bool fine = info->health == KB_HEALTH_OK && info->finished != KB_NO && info->encrypted != KB_NO;
    const char *cells[] = {*info->device_name ? info->device_name : "-", *info->os ? info->os : "-", when,
                           health_words(info), backup_word(cli, info)};
    kb_table_row(table, cells, fine ? "" : kb_paint(cli->out_colour, KB_PAINT_WARN));
}

static void tell_table(const struct kb_cli *cli, const struct listing *listing) {
    const char *heads[] = {_("NAME"), _("OS"), _("TAKEN AT"), _("STATE"), _("BACKUP")};
    struct kb_table table;
    struct kb_buf text = {0};
    int columns, rows;
    kb_table_init(&table, KB_ARRAY_SIZE(heads), heads);
    for (size_t i = 1; i < KB_ARRAY_SIZE(heads); i++) table.keep[i] = true; /* only the name gives way */
    for (int i = 0; i < listing->count; i++) add_row(&table, cli, listing->list[i]);
    kb_tty_size(1, &columns, &rows);
    kb_table_render(&table, columns, kb_paint(cli->out_colour, KB_PAINT_NONE), &text);
    kb_tell(cli, "%.*s", (int)text.size - 1, text.data);
    kb_buf_release(&text);
    kb_table_release(&table);
}

static void show(const struct kb_cli *cli, const struct listing *listing) {
    if (!listing->count && !kb_failed(&listing->unread))
        kb_say(cli, _("There is no backup yet. The store is %s"), cli->store);
    for (int i = 0; i < listing->count; i++) {
        json_t *object = kb_backup_info_to_json(listing->list[i]);
        kb_put_json(cli, object);
        json_decref(object);
    }
    if (listing->count && !cli->options.json) tell_table(cli, listing);
}

int kb_cmd_backups(struct kb_cli *cli) {
    struct listing listing = {.cli = cli, .unread = kb_ok()};
    char **places = kb_host_backup_places();
    kb_backups_find(cli->store, places, add_backup, on_unread, &listing);
    show(cli, &listing);
    bool nothing = !listing.count && kb_failed(&listing.unread);
    for (int i = 0; i < listing.count; i++) free(listing.list[i]);
    free(listing.list);
    for (int i = 0; places && places[i]; i++) free(places[i]);
    free(places);
    return nothing ? kb_exit_of(&listing.unread) : 0; /* told already */
}
