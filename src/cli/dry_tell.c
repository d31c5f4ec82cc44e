/* The dry run for people: a table that fits the terminal, then who can go, who needs which hand, who is refused and
 * why. As JSON it is one `check` object a line, in the sheet's order. */
#include "dry.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *kb_verdict_words(enum kb_verdict verdict) {
    static const char *const words[] = {N_("ready"), N_("by hand"), N_("not known"), N_("refused")};
    return _(words[verdict]);
}

static enum kb_paint paint_of(enum kb_verdict verdict) {
    static const enum kb_paint paints[] = {KB_PAINT_GOOD, KB_PAINT_WARN, KB_PAINT_BAD, KB_PAINT_BAD};
    return paints[verdict];
}

void kb_dry_target(const struct kb_dry_line *line, char *out, size_t room) {
    char name[256];
    if (line->device) kb_device_title(name, sizeof name, line->device);
    if (line->device && *line->device->slot && !line->saved)
        snprintf(out, room, "[%s] %s", line->device->slot, name);
    else if (line->device)
        kb_text_copy(out, room, name);
    else
        snprintf(out, room, "%s", line->job->target);
}

void kb_dry_source(const struct kb_dry_line *line, char *out, size_t room) {
    const char *name = line->missing || !line->backup ? "" : line->backup->info.device_name;
    snprintf(out, room, "%s", *name ? name : kb_path_base(line->job->source));
}

/* ---- The table */

static void add_row(struct kb_table *table, const struct kb_dry *dry, const struct kb_dry_line *line, bool users) {
    char number[16], target[256], source[256], size[KB_HUMAN_ROOM];
    const char *cells[KB_MAX_COLUMNS];
    int n = 0;
    snprintf(number, sizeof number, "%d", line->job->at.line);
    kb_dry_target(line, target, sizeof target);
    kb_dry_source(line, source, sizeof source);
    kb_human_bytes(size, line->backup && !line->missing ? line->backup->info.bytes : -1);
    cells[n++] = number;
    if (users) cells[n++] = *line->job->user ? line->job->user : line->job->asset_tag;
    cells[n++] = target;
    cells[n++] = source;
    cells[n++] = size;
    cells[n++] = kb_verdict_words(line->verdict);
    cells[n++] = line->rule;
    kb_table_row(table, cells, kb_paint(dry->cli->out_colour, paint_of(line->verdict)));
}

static void tell_table(const struct kb_dry *dry) {
    bool users = false;
    int columns, rows, n = 0;
    const char *heads[KB_MAX_COLUMNS];
    struct kb_table table;
    struct kb_buf text = {0};
    for (int i = 0; i < dry->count && !users; i++) users = *dry->lines[i].job->user || *dry->lines[i].job->asset_tag;
    heads[n++] = _("LINE");
    if (users) heads[n++] = _("USER");
    heads[n++] = _("TARGET");
    heads[n++] = _("BACKUP OF");
    heads[n++] = _("SIZE");
    heads[n++] = _("VERDICT");
    heads[n++] = _("RULE");
    kb_table_init(&table, n, heads);
    table.keep[0] = table.keep[n - 1] = table.keep[n - 2] = table.keep[n - 3] = true;
    for (int i = 0; i < dry->count; i++) add_row(&table, dry, &dry->lines[i], users);
    kb_tty_size(1, &columns, &rows);
    kb_table_render(&table, columns, kb_paint(dry->cli->out_colour, KB_PAINT_NONE), &text);
    kb_tell(dry->cli, "%.*s\n", (int)text.size - 1, text.data);
    kb_buf_release(&text);
    kb_table_release(&table);
}

/* ---- The summary */

#define SHOWN_RANGES 16

void kb_dry_numbers(struct kb_buf *out, const int *numbers, int count) {
    int ranges = 0;
    for (int i = 0; i < count; i++) {
        int from = i;
        if (ranges++ == SHOWN_RANGES) {
            kb_buf_puts(out, ", …");
            return;
        }
        while (i + 1 < count && numbers[i + 1] == numbers[i] + 1) i++;
        kb_buf_printf(out, "%s%d", from ? ", " : "", numbers[from]);
        if (i > from) kb_buf_printf(out, "%s%d", i == from + 1 ? ", " : "-", numbers[i]);
    }
}

/* Sentence to array of line numbers, in the order in which they were met. */
static void note(json_t *groups, const char *text, int line) {
    json_t *lines = json_object_get(groups, text);
    if (!lines) {
        lines = json_array();
        json_object_set_new(groups, text, lines);
    }
    json_array_append_new(lines, json_integer(line));
}

static void tell_groups(const struct kb_dry *dry, const json_t *groups) {
    const char *text;
    json_t *lines;
    int columns = 0, rows, stream = dry->cli->options.json ? 2 : 1;
    if (kb_tty_is(stream)) kb_tty_size(stream, &columns, &rows);
    json_object_foreach((json_t *)(uintptr_t)groups, text, lines) {
        struct kb_buf list = {0}, out = {0};
        int count = (int)json_array_size(lines), *numbers = kb_xcalloc((size_t)count + 1, sizeof *numbers);
        for (int i = 0; i < count; i++) numbers[i] = (int)json_integer_value(json_array_get(lines, (size_t)i));
        kb_dry_numbers(&list, numbers, count);
        char *whole = kb_xasprintf(count > 1 ? _("%s (lines %s)") : _("%s (line %s)"), text, list.data);
        kb_buf_puts(&out, "  ");
        kb_text_wrap(&out, whole, columns > 40 ? columns - 1 : 100000, 2, 2);
        kb_tell(dry->cli, "%s", out.data);
        free(whole);
        free(numbers);
        kb_buf_release(&list);
        kb_buf_release(&out);
    }
}

static void tell_verdict(const struct kb_dry *dry, enum kb_verdict verdict, const char *head) {
    bool colour = dry->cli->options.json ? dry->cli->err_colour : dry->cli->out_colour;
    json_t *groups = json_object();
    struct kb_buf list = {0};
    int *numbers = kb_xcalloc((size_t)dry->count + 1, sizeof *numbers), count = 0;
    for (int i = 0; i < dry->count; i++) {
        size_t k;
        json_t *text;
        if (dry->lines[i].verdict != verdict) continue;
        numbers[count++] = dry->lines[i].job->at.line;
        json_array_foreach(dry->lines[i].why, k, text)
            note(groups, json_string_value(text), dry->lines[i].job->at.line);
    }
    kb_dry_numbers(&list, numbers, count);
    if (count)
        kb_tell(dry->cli, count > 1 ? _("%s%s: %d%s (lines %s)") : _("%s%s: %d%s (line %s)"),
                kb_paint(colour, paint_of(verdict)), head, count, kb_paint(colour, KB_PAINT_NONE), list.data);
    tell_groups(dry, groups);
    json_decref(groups);
    kb_buf_release(&list);
    free(numbers);
}

static bool is_why(const struct kb_dry_line *line, const char *text) {
    size_t i;
    json_t *why;
    json_array_foreach(line->why, i, why) if (kb_streq(json_string_value(why), text)) return true;
    return false;
}

/* What does not stop a line and should still be looked at. */
static void tell_warnings(const struct kb_dry *dry) {
    json_t *groups = json_object();
    for (int i = 0; i < dry->count; i++) {
        size_t k;
        json_t *finding;
        json_array_foreach(json_object_get(dry->lines[i].check, "findings"), k, finding) {
            const char *level = json_string_value(json_object_get(finding, "level"));
            bool sheet = kb_streq(json_string_value(json_object_get(finding, "rule")), "backup-two-people");
            const char *text = json_string_value(json_object_get(finding, "text"));
            if (!kb_streq(level, "warn") || !text || is_why(&dry->lines[i], text)) continue;
            if (sheet || dry->lines[i].verdict != KB_VERDICT_REFUSED) note(groups, text, dry->lines[i].job->at.line);
        }
    }
    if (json_object_size(groups)) kb_tell(dry->cli, "%s", _("Look at these too:"));
    tell_groups(dry, groups);
    json_decref(groups);
}

void kb_dry_size_words(const struct kb_dry *dry, struct kb_buf *out) {
    char bytes[KB_HUMAN_ROOM];
    kb_human_bytes(bytes, dry->bytes);
    kb_buf_printf(out, _("To move by cable: %s onto %d devices."), bytes, dry->moving - dry->unsized);
    if (dry->unsized) kb_buf_printf(out, _(" %d backups do not tell their size without their password."), dry->unsized);
}

void kb_dry_time_words(const struct kb_dry *dry, struct kb_buf *out) {
    char all[KB_HUMAN_ROOM], most[KB_HUMAN_ROOM], rate[KB_HUMAN_ROOM];
    if (dry->rate < 1 || dry->bytes < 0) {
        kb_buf_puts(out, _("Time: not known, because this bench has not measured a restore yet."));
        return;
    }
    kb_human_span(all, (int64_t)((double)dry->bytes / dry->rate) + 1);
    kb_human_span(most, (int64_t)((double)dry->most_bytes / dry->rate) + 1);
    kb_human_bytes(rate, (int64_t)dry->rate);
    kb_buf_printf(out,
                  _("Time: %s one after the other, at least %s side by side, without what hands do (measured: %s a "
                    "second, last restores: %d)."),
                  all, most, rate, dry->measured);
}

/* What was found out before a person can look at the table: sheet positions, like an editor's. */
static void tell_places(const struct kb_dry *dry) {
    bool inventory = false;
    for (int i = 0; i < dry->count; i++) {
        const struct kb_dry_line *line = &dry->lines[i];
        inventory = inventory || line->saved;
        if (line->missing)
            kb_say(dry->cli, "%s:%d:%d: %s", dry->path, line->job->source_at.line, line->job->source_at.column,
                   line->missing);
        else if (line->rival)
            kb_say(dry->cli,
                   _("%s:%d:%d: The same backup is meant for %.80s too (line %d): look whether both lines are "
                     "right"),
                   dry->path, line->job->source_at.line, line->job->source_at.column, line->rival->user,
                   line->rival->at.line);
    }
    if (inventory)
        kb_say(
            dry->cli, "%s",
            _("Devices that are not plugged in were judged by the inventory, whose age is not known: check again when "
              "they are plugged in."));
}

void kb_dry_tell(const struct kb_dry *dry) {
    struct kb_buf size = {0}, time = {0};
    for (int i = 0; i < dry->count; i++) kb_put_json(dry->cli, dry->lines[i].check);
    tell_places(dry);
    if (!dry->cli->options.json) tell_table(dry);
    tell_verdict(dry, KB_VERDICT_READY, _("Ready"));
    tell_verdict(dry, KB_VERDICT_OPERATOR, _("By hand first"));
    tell_verdict(dry, KB_VERDICT_UNKNOWN, _("Not known"));
    tell_verdict(dry, KB_VERDICT_REFUSED, _("Refused"));
    tell_warnings(dry);
    kb_dry_size_words(dry, &size);
    kb_dry_time_words(dry, &time);
    kb_tell(dry->cli, "%s", size.data);
    kb_tell(dry->cli, "%s", time.data);
    kb_buf_release(&size);
    kb_buf_release(&time);
}
