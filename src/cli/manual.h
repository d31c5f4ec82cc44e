/*
 * The manual page and the shells' completions, written from the tables of sub-commands and options, so that they say
 * what the program takes. Prints nothing but in kb_describe().
 */
#ifndef KB_CLI_MANUAL_H
#define KB_CLI_MANUAL_H

#include "kitbench/base.h"
#include "options.h"

/* man(7), in the language of kb_lang(). date: "2026-11-24", as the page's foot shows it. */
void kb_manual(struct kb_buf *out, const struct kb_command *commands, int count, const char *date);

void kb_completion_bash(struct kb_buf *out, const struct kb_command *commands, int count);
void kb_completion_zsh(struct kb_buf *out, const struct kb_command *commands, int count);
void kb_completion_fish(struct kb_buf *out, const struct kb_command *commands, int count);

/*
 * The internal sub-command of the build: kitbench describe man|bash|zsh|fish [ja|en [DATE]], to standard output; the
 * exit code. Looks at no setting.
 */
int kb_describe(int argc, char **argv, const struct kb_command *commands, int count);

/* ---- What may stand in a place (takes.c): the value of an option, an operand */
enum kb_takes { KB_TAKES_ANYTHING, KB_TAKES_WORDS, KB_TAKES_FILE, KB_TAKES_FOLDER };
/* words: what KB_TAKES_WORDS is, separated by spaces; appended to, untouched otherwise. */
enum kb_takes kb_option_takes(const struct kb_option *option, struct kb_buf *words);
/* name: one word of struct kb_command's operands, "BACKUP". */
enum kb_takes kb_operand_takes(const char *name, struct kb_buf *words);

/* Goes through the operands of a usage line, "BACKUP [DEVICE]": fills name without its brackets; false at the end. */
#define KB_OPERAND_ROOM 64
struct kb_operand {
    char name[KB_OPERAND_ROOM];
    bool optional;
    int place; /* from 1 on */
    const char *rest;
};
void kb_operands_start(struct kb_operand *operand, const struct kb_command *command);
bool kb_operands_next(struct kb_operand *operand);

/* Is the option listed for this command (NULL: before a command)? */
bool kb_option_listed(const struct kb_option *option, const struct kb_command *command);
#endif
