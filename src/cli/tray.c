/*
 * kitbench tray: reads the sheet, finds the backups, and hands it all to the tray's engine; shows what it says, as JSON
 * lines, as plain lines, or as a picture of the tray on a terminal (tray_screen.c).
 */
#include "sheet.h"
#include "tray_screen.h"

#include <stdlib.h>
#include <string.h>

#define PLAIN_EVERY_MS 30000

struct run {
    struct kb_cli *cli;
    const char *path;
    struct kb_sheet sheet;
    struct kb_tray_line *lines;
    char **owned; /* texts of lines */
    int owned_count;
    struct kb_screen *screen; /* NULL: plain lines */
    int64_t told_ms;
};

/* ---- Lines of the sheet -------------------------------------------------------------------------------------------
 */

static char *own(struct run *run, char *text) {
    run->owned = kb_xrealloc(run->owned, ((size_t)run->owned_count + 1) * sizeof(char *));
    return run->owned[run->owned_count++] = text;
}

/* As the lists say: whatever else is wrong with the folder is for the check to say. */
static bool is_encrypted(const char *path) {
    struct kb_backup *backup = NULL;
    struct kb_result res = kb_backup_open(path, &backup);
    bool yes = !kb_failed(&res) && kb_backup_is_encrypted(backup);
    kb_backup_free(backup);
    return yes;
}

static void find_backup(struct run *run, struct kb_tray_line *line) {
    char *path = NULL, *real = NULL;
    struct kb_result res = kb_sheet_backup(run->cli, line->sheet->source, &path);
    if (kb_failed(&res)) {
        if (res.domain == KB_USAGE) kb_sheet_wrong(&run->sheet, line->sheet->source_at, "%s", res.text);
        line->missing = own(run, kb_xstrdup(res.text));
        return;
    }
    /* One folder has one name, so that two lines with it share it. */
    res = kb_path_real(path, &real);
    line->backup = own(run, kb_failed(&res) ? kb_xstrdup(path) : real);
    line->encrypted = is_encrypted(line->backup);
    free(path);
}

/* A backup is made of the device that is the line's source: the old one. A sheet for backups alone has targets only. */
static const char *device_of(const struct run *run, const struct kb_sheet_job *job) {
    if (!run->cli->options.backup || !*job->source) return job->target;
    bool folder = strpbrk(job->source, "/\\") != NULL;
    return folder ? kb_path_base(job->source) : job->source;
}

static void make_lines(struct run *run) {
    run->lines = kb_xcalloc((size_t)run->sheet.count + 1, sizeof *run->lines);
    for (int i = 0; i < run->sheet.count; i++) {
        struct kb_tray_line *line = &run->lines[i];
        line->sheet = &run->sheet.jobs[i];
        line->word = device_of(run, line->sheet);
        line->route = line->sheet->has_route ? line->sheet->route : run->cli->options.route;
        if (!run->cli->options.backup) find_backup(run, line);
    }
}

static int tell_wrong(struct run *run) {
    struct kb_result res = kb_fail(KB_USAGE, 0, _("Nothing was begun: mend the sheet %s and start again"), run->path);
    return kb_sheet_tell(run->cli, run->path, &run->sheet, &res);
}

static bool any_encrypted(const struct run *run) {
    bool any = run->cli->options.backup;
    for (int i = 0; i < run->sheet.count; i++)
        any = any || (run->lines[i].encrypted && run->lines[i].route == KB_ROUTE_USB);
    return any;
}

/* ---- Plain lines --------------------------------------------------------------------------------------------------
 */

static void title(const struct kb_tile *tile, char *out, size_t room) {
    const char *who = *tile->user ? tile->user : *tile->name ? tile->name : *tile->udid ? tile->udid : tile->target;
    snprintf(out, room, "%s%.64s%s%.200s", *tile->slot ? "[" : "", tile->slot, *tile->slot ? "] " : "", who);
}

static void say_of(const struct run *run, const struct kb_tile *tile, enum kb_paint paint, const char *text) {
    char who[300];
    bool colour = run->cli->err_colour;
    title(tile, who, sizeof who);
    kb_say(run->cli, "%s%s: %s%s", kb_paint(colour, paint), who, text, kb_paint(colour, KB_PAINT_NONE));
}

static enum kb_paint paint_of(int64_t exit) {
    return exit == 0 ? KB_PAINT_GOOD : exit == 7 ? KB_PAINT_WARN : KB_PAINT_BAD;
}

static void say_line(struct run *run, const struct kb_tile *tile, const json_t *object) {
    const char *name = json_string_value(json_object_get(object, "event"));
    char text[600] = "";
    kb_json_get_text(object, "text", text, sizeof text);
    if (kb_streq(name, "operator")) {
        char *line = kb_xasprintf(">>> %s", text);
        say_of(run, tile, KB_PAINT_STRONG, line);
        free(line);
    } else if (kb_streq(name, "state")) {
        const char *state = json_string_value(json_object_get(object, "state"));
        say_of(run, tile, KB_PAINT_NONE, kb_state_words(state ? state : ""));
    } else if (kb_streq(name, "result")) {
        say_of(run, tile, paint_of(kb_json_get_int(object, "exit", 1)), text);
    }
}

static void on_line(void *arg, const struct kb_tile *tile, const json_t *object) {
    struct run *run = arg;
    kb_put_json(run->cli, object);
    if (!run->screen) say_line(run, tile, object);
}

static void on_log(void *arg, const struct kb_tile *tile, const char *sentence) {
    struct run *run = arg;
    if (run->screen)
        kb_screen_log(run->screen, tile, sentence);
    else if (tile)
        say_of(run, tile, KB_PAINT_DIM, sentence);
    else
        kb_say(run->cli, "%s", sentence);
}

static void say_progress(struct run *run, const struct kb_tray_view *view) {
    int64_t now = kb_clock_ms();
    char left[KB_HUMAN_ROOM] = "";
    int moving = 0;
    if (now - run->told_ms < PLAIN_EVERY_MS) return;
    run->told_ms = now;
    for (int i = 0; i < view->count; i++)
        moving += view->tiles[i].state == KB_STATE_RESTORING || view->tiles[i].state == KB_STATE_BACKING_UP;
    if (!moving) return;
    if (view->left_s >= 0) kb_human_span(left, view->left_s);
    kb_say(run->cli, _("Tray: %d of %d ended, %d transfers running%s%s"), view->ended, view->jobs, moving,
           *left ? ", " : "", left);
}

static void on_view(void *arg, struct kb_tray *tray, const struct kb_tray_view *view) {
    struct run *run = arg;
    if (run->screen)
        kb_screen_show(run->screen, tray, view);
    else
        say_progress(run, view);
}

static void on_key(void *arg, struct kb_tray *tray, const char *bytes, size_t size) {
    struct run *run = arg;
    if (run->screen) kb_screen_key(run->screen, tray, bytes, size);
}

/* ---- The run ------------------------------------------------------------------------------------------------------
 */

/* The same sheet is the same batch, also after a restart: made of where it lies. */
static void name_batch(const struct run *run, char *out, size_t room) {
    char *real = NULL;
    uint32_t hash = 2166136261u;
    struct kb_result res = kb_path_real(run->path, &real);
    const char *path = kb_failed(&res) ? run->path : real;
    for (const char *p = path; *p; p++) hash = (hash ^ (unsigned char)*p) * 16777619u; /* FNV-1a */
    hash ^= run->cli->options.backup ? 0x62u : 0;
    char base[24];
    kb_text_copy(base, sizeof base, kb_path_base(path));
    for (char *p = base; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *p)) *p = '-';
    snprintf(out, room, "%s-%08x", base, hash);
    free(real);
}

static bool is_batch_name(const char *name) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return *name && *name != '.' && strlen(name) < KB_JOB_ID_ROOM && !name[strspn(name, allowed)];
}

static int64_t wait_of(const struct run *run) {
    if (run->cli->options.wait_given || !run->screen) return run->cli->options.wait_s;
    return -1; /* a person sits there */
}

static struct kb_result work(struct run *run, const char *batch, struct kb_request *base, struct kb_result *worst) {
    struct kb_cli *cli = run->cli;
    struct kb_slots *slots = NULL;
    const char *per_bus = kb_setting(&cli->settings, KB_SET_PER_BUS);
    const struct kb_tray_events events = {run, on_line, on_log, on_view, on_key};
    struct kb_result res = kb_slots_load(cli->home, &slots);
    if (kb_failed(&res)) return res;
    if (!cli->options.json && cli->err_live && kb_tty_is(0)) run->screen = kb_screen_open(cli, base->by);
    const struct kb_tray_options options = {
        .base = base,
        .batch = batch,
        .backup = cli->options.backup,
        .verbose = cli->options.verbose,
        .per_bus = (int)(cli->options.per_bus ? cli->options.per_bus
                         : per_bus            ? strtol(per_bus, NULL, 10)
                                              : 0),
        .wait_s = wait_of(run),
        .memory_bytes = KB_TRANSFER_MEMORY,
        .slots = slots,
        .keys = run->screen != NULL,
        .events = &events,
    };
    res = kb_tray_run(&options, run->lines, run->sheet.count, worst);
    kb_screen_close(run->screen);
    kb_slots_free(slots);
    return res;
}

static struct kb_result prepare(struct run *run, char batch[KB_JOB_ID_ROOM], struct kb_request *base) {
    struct kb_cli *cli = run->cli;
    struct kb_journal *journal = NULL;
    if (cli->options.batch && !is_batch_name(cli->options.batch))
        return kb_usage(cli->command, _("\"%.60s\" is no name for a batch: letters, digits, - and _, at most %d"),
                        cli->options.batch, KB_JOB_ID_ROOM - 1);
    if (cli->options.batch)
        kb_text_copy(batch, KB_JOB_ID_ROOM, cli->options.batch);
    else
        name_batch(run, batch, KB_JOB_ID_ROOM);
    struct kb_result res = kb_cli_journal(cli, NULL, &journal);
    kb_journal_close(journal);
    if (kb_failed(&res)) return res;
    kb_request_init(cli, base, cli->options.backup ? KB_TASK_BACKUP : KB_TASK_RESTORE, NULL, NULL);
    if (any_encrypted(run))
        res = kb_password_get(cli, cli->options.backup ? KB_PASSWORD_ASK_TWICE : KB_PASSWORD_ASK, _("the backups"),
                              &base->password);
    if (!kb_failed(&res) && cli->options.backup && !base->password)
        res = kb_fail(KB_PASSWORD, KB_PASSWORD_MISSING,
                      _("Backups are encrypted: give their password with --password-file"));
    if (!kb_failed(&res) && cli->options.identity) res = kb_identity_password(cli, &base->identity_password);
    return res;
}

static void tell_summary(const struct run *run, const char *batch, const struct kb_result *res) {
    int code = kb_exit_of(res);
    if (code == 0)
        kb_say(run->cli, _("Every line of the sheet is done. Report: kitbench report --batch %s --out FILE"), batch);
    else if (res->domain == KB_OPERATOR)
        kb_say(run->cli, _("Something is left to do by hand: kitbench steps, then start the tray again (batch %s)"),
               batch);
    else
        kb_say(run->cli, _("Not every line is done: kitbench status says what each device is (batch %s)"), batch);
}

int kb_cmd_tray(struct kb_cli *cli) {
    struct run run = {.cli = cli, .path = cli->options.operands[0]};
    struct kb_request base;
    struct kb_result worst = kb_ok();
    char batch[KB_JOB_ID_ROOM] = "";
    int code;
    memset(&base, 0, sizeof base);
    struct kb_result res = kb_sheet_load(run.path, cli->options.backup, &run.sheet);
    if (kb_failed(&res) || run.sheet.error_total) goto out;
    make_lines(&run);
    if (run.sheet.error_total) goto out;
    res = prepare(&run, batch, &base);
    if (!kb_failed(&res)) res = work(&run, batch, &base, &worst);
out:
    if (run.sheet.error_total) {
        code = tell_wrong(&run);
    } else if (kb_failed(&res) || worst.domain == KB_CANCELLED) {
        code = kb_say_result(cli, kb_failed(&res) ? &res : &worst);
    } else {
        tell_summary(&run, batch, &worst);
        code = kb_exit_of(&worst);
    }
    kb_request_release(&base);
    for (int i = 0; i < run.owned_count; i++) free(run.owned[i]);
    free(run.owned);
    free(run.lines);
    kb_sheet_release(&run.sheet);
    return code;
}
