/* Words on the terminal, JSON on standard output. */
#include "cli.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* On a terminal words are not broken at its edge: what is too wide goes on below where its line began. */
static void put_words(FILE *stream, int fd, const char *format, va_list list) {
    int columns, rows, size = 0;
    struct kb_buf out = {0};
    va_list again;
    va_copy(again, list);
    size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = kb_xcalloc(1, (size_t)(size < 0 ? 0 : size) + 1);
    vsnprintf(text, (size_t)size + 1, format, list);
    kb_tty_size(fd, &columns, &rows);
    if (kb_tty_is(fd) && columns >= 40 && kb_text_width(text) >= columns && !strchr(text, '\n')) {
        int indent = (int)strspn(text, " ");
        kb_buf_printf(&out, "%*s", indent, "");
        kb_text_wrap(&out, text + indent, columns - 1, indent, indent);
        free(text);
        text = kb_buf_steal(&out);
    }
    fprintf(stream, "%s\n", text);
    free(text);
}

void kb_tell(const struct kb_cli *cli, const char *format, ...) {
    va_list list;
    va_start(list, format);
    put_words(cli->options.json ? stderr : stdout, cli->options.json ? 2 : 1, format, list);
    va_end(list);
}

void kb_say(const struct kb_cli *cli, const char *format, ...) {
    (void)cli;
    va_list list;
    fflush(stdout); /* keeps the order on a terminal that shows both */
    va_start(list, format);
    put_words(stderr, 2, format, list);
    va_end(list);
}

void kb_put_json(const struct kb_cli *cli, const json_t *object) {
    if (!cli->options.json) return;
    char *line = kb_json_line(object);
    if (line) printf("%s\n", line);
    fflush(stdout); /* who reads the lines must see each when it happens */
    free(line);
}

int kb_say_result(const struct kb_cli *cli, const struct kb_result *res) {
    if (kb_failed(res) && *res->text)
        kb_say(cli, "kitbench: %s%s%s", kb_paint(cli->err_colour, KB_PAINT_BAD), res->text,
               kb_paint(cli->err_colour, KB_PAINT_NONE));
    return kb_exit_of(res);
}

struct kb_result kb_usage(const struct kb_command *command, const char *format, ...) {
    char text[360];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return kb_fail(KB_USAGE, 0, _("%s. See: kitbench %s --help"), text, command->name);
}

const char *kb_paint(bool colour, enum kb_paint paint) {
    static const char *const codes[] = {
        [KB_PAINT_NONE] = "\033[0m",   [KB_PAINT_GOOD] = "\033[32m",  [KB_PAINT_WARN] = "\033[33m",
        [KB_PAINT_BAD] = "\033[1;31m", [KB_PAINT_STRONG] = "\033[1m", [KB_PAINT_DIM] = "\033[2m",
    };
    return colour ? codes[paint] : "";
}

enum kb_paint kb_paint_of_level(enum kb_level level) {
    switch (level) {
    case KB_LEVEL_BLOCK:
    case KB_LEVEL_HOLD:
        return KB_PAINT_BAD;
    case KB_LEVEL_OPERATOR:
    case KB_LEVEL_WARN:
        return KB_PAINT_WARN;
    default:
        return KB_PAINT_DIM;
    }
}

void kb_human_bytes(char out[KB_HUMAN_ROOM], int64_t bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    size_t unit = 0;
    if (bytes < 0) {
        strcpy(out, "-");
        return;
    }
    for (; value >= 999.95 && unit + 1 < KB_ARRAY_SIZE(units); unit++) value /= 1000;
    snprintf(out, KB_HUMAN_ROOM, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void kb_human_time(char out[KB_HUMAN_ROOM], int64_t seconds) {
    time_t when = (time_t)seconds;
    struct tm *local = seconds < 0 ? NULL : localtime(&when);
    if (!local || !strftime(out, KB_HUMAN_ROOM, "%Y-%m-%d %H:%M", local)) strcpy(out, "-");
}

void kb_human_span(char out[KB_HUMAN_ROOM], int64_t seconds) {
    if (seconds < 0) seconds = 0;
    long long h = seconds / 3600, m = seconds / 60 % 60, s = seconds % 60;
    if (h)
        snprintf(out, KB_HUMAN_ROOM, "%lld:%02lld:%02lld", h, m, s);
    else
        snprintf(out, KB_HUMAN_ROOM, "%lld:%02lld", m, s);
}

const char *kb_human_tri(enum kb_tri value) {
    if (value == KB_UNKNOWN) return "-";
    return value == KB_YES ? _("yes") : _("no");
}

void kb_device_title(char *out, size_t room, const struct kb_device *device) {
    const char *name = *device->name ? device->name : *device->model ? device->model : device->udid;
    snprintf(out, room, "%s", name);
}
