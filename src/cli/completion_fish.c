/* Completion for fish: a line an option of a command. */
#include "manual.h"

static void put_quoted(struct kb_buf *out, const char *text) {
    kb_buf_puts(out, "'");
    for (const char *p = text; *p; p++) kb_buf_printf(out, *p == '\'' || *p == '\\' ? "\\%c" : "%c", *p);
    kb_buf_puts(out, "'");
}

static void put_begin(struct kb_buf *out, const struct kb_command *command) {
    kb_buf_puts(out, "complete -c kitbench");
    if (command) kb_buf_printf(out, " -n '__fish_seen_subcommand_from %s'", command->name);
}

/* value: of an option, which must have one. */
static void put_takes(struct kb_buf *out, enum kb_takes takes, const struct kb_buf *words, bool value) {
    switch (takes) {
    case KB_TAKES_ANYTHING:
        kb_buf_puts(out, value ? " -x" : "");
        break;
    case KB_TAKES_WORDS:
        kb_buf_printf(out, "%s -a '%s'", value ? " -x" : "", words->data);
        break;
    case KB_TAKES_FILE:
        kb_buf_puts(out, value ? " -r -F" : " -F");
        break;
    case KB_TAKES_FOLDER:
        kb_buf_printf(out, "%s -a '(__fish_complete_directories)'", value ? " -x" : "");
        break;
    }
}

static void put_option(struct kb_buf *out, const struct kb_option *option, const struct kb_command *command) {
    struct kb_buf words = {0};
    enum kb_takes takes = kb_option_takes(option, &words);
    put_begin(out, command);
    if (option->letter) kb_buf_printf(out, " -s %c", option->letter);
    kb_buf_printf(out, " -l %s", option->name);
    if (option->argument) put_takes(out, takes, &words, true);
    kb_buf_puts(out, " -d ");
    put_quoted(out, _(option->help));
    kb_buf_puts(out, "\n");
    kb_buf_release(&words);
}

static void put_operands(struct kb_buf *out, const struct kb_command *command) {
    struct kb_operand operand;
    kb_operands_start(&operand, command);
    while (kb_operands_next(&operand)) {
        struct kb_buf words = {0};
        enum kb_takes takes = kb_operand_takes(operand.name, &words);
        if (takes != KB_TAKES_ANYTHING) {
            put_begin(out, command);
            put_takes(out, takes, &words, false);
            kb_buf_puts(out, "\n");
        }
        kb_buf_release(&words);
    }
}

void kb_completion_fish(struct kb_buf *out, const struct kb_command *commands, int count) {
    kb_buf_puts(out, "# fish completion for kitbench. Made from the program's tables: do not edit.\n\n"
                     "complete -c kitbench -f\n");
    for (int i = 0; i < kb_option_count; i++)
        if (kb_option_table[i].help && !kb_option_table[i].commands) put_option(out, &kb_option_table[i], NULL);
    for (int i = 0; i < count; i++) {
        if (commands[i].hidden) continue;
        kb_buf_printf(out, "\ncomplete -c kitbench -n __fish_use_subcommand -a %s -d ", commands[i].name);
        put_quoted(out, _(commands[i].summary));
        kb_buf_puts(out, "\n");
        for (int k = 0; k < kb_option_count; k++)
            if (kb_option_table[k].commands && kb_option_listed(&kb_option_table[k], &commands[i]))
                put_option(out, &kb_option_table[k], &commands[i]);
        put_operands(out, &commands[i]);
    }
}
