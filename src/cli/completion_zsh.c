/* Completion for zsh: an _arguments list a command. */
#include "manual.h"

#include <string.h>

/* A description inside single quotes and brackets. */
static void put_text(struct kb_buf *out, const char *text) {
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            kb_buf_puts(out, "'\\''");
        else if (strchr("[]:\\", *p))
            kb_buf_printf(out, "\\%c", *p);
        else
            kb_buf_add(out, p, 1);
    }
}

/* ":DIR:_files -/" */
static void put_takes(struct kb_buf *out, const char *name, enum kb_takes takes, const struct kb_buf *words) {
    kb_buf_puts(out, ":");
    put_text(out, name);
    switch (takes) {
    case KB_TAKES_ANYTHING:
        kb_buf_puts(out, ": ");
        break;
    case KB_TAKES_WORDS:
        kb_buf_printf(out, ":(%s)", words->data);
        break;
    case KB_TAKES_FILE:
        kb_buf_puts(out, ":_files");
        break;
    case KB_TAKES_FOLDER:
        kb_buf_puts(out, ":_files -/");
        break;
    }
}

static void put_option(struct kb_buf *out, const struct kb_option *option) {
    struct kb_buf words = {0};
    const char *value = option->argument ? "=" : "";
    enum kb_takes takes = kb_option_takes(option, &words);
    kb_buf_puts(out, " \\\n        ");
    if (option->letter && option->argument)
        kb_buf_printf(out, "\\*{-%c+,--%s=}", option->letter, option->name);
    else if (option->letter)
        kb_buf_printf(out, "'(-%c --%s)'{-%c,--%s}", option->letter, option->name, option->letter, option->name);
    kb_buf_puts(out, "'");
    if (!option->letter) kb_buf_printf(out, "%s--%s%s", option->argument ? "*" : "", option->name, value);
    kb_buf_puts(out, "[");
    put_text(out, _(option->help));
    kb_buf_puts(out, "]");
    if (option->argument) put_takes(out, option->argument, takes, &words);
    kb_buf_puts(out, "'");
    kb_buf_release(&words);
}

static void put_options(struct kb_buf *out, const struct kb_command *command) {
    for (int i = 0; i < kb_option_count; i++)
        if (kb_option_listed(&kb_option_table[i], command)) put_option(out, &kb_option_table[i]);
}

static void put_command(struct kb_buf *out, const struct kb_command *command) {
    struct kb_operand operand;
    kb_buf_printf(out, "    %s)\n        _arguments", command->name);
    put_options(out, command);
    kb_operands_start(&operand, command);
    while (kb_operands_next(&operand)) {
        struct kb_buf words = {0};
        enum kb_takes takes = kb_operand_takes(operand.name, &words);
        kb_buf_printf(out, " \\\n        '%d%s", operand.place, operand.optional ? ":" : "");
        put_takes(out, operand.name, takes, &words);
        kb_buf_puts(out, "'");
        kb_buf_release(&words);
    }
    kb_buf_puts(out, "\n        ;;\n");
}

void kb_completion_zsh(struct kb_buf *out, const struct kb_command *commands, int count) {
    kb_buf_puts(out,
                "#compdef kitbench\n# Made from the program's tables: do not edit.\n\n"
                "local curcontext=$curcontext state line ret=1\nlocal -A opt_args\nlocal -a commands\n\ncommands=(\n");
    for (int i = 0; i < count; i++) {
        if (commands[i].hidden) continue;
        kb_buf_printf(out, "    '%s:", commands[i].name);
        put_text(out, _(commands[i].summary));
        kb_buf_puts(out, "'\n");
    }
    kb_buf_puts(out, ")\n\n_arguments -C");
    put_options(out, NULL);
    kb_buf_puts(out, " \\\n        '1: :->command' '*:: :->operands' && ret=0\n\ncase $state in\n"
                     "command) _describe -t commands 'kitbench command' commands && ret=0 ;;\n"
                     "operands)\n    curcontext=${curcontext%:*:*}:kitbench-$words[1]:\n    case $words[1] in\n");
    for (int i = 0; i < count; i++)
        if (!commands[i].hidden) put_command(out, &commands[i]);
    kb_buf_puts(out, "    esac && ret=0\n    ;;\nesac\n\nreturn ret\n");
}
