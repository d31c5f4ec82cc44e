/* What may stand in a place of the command line, read from the words of the tables: "DIR", "usb, icloud", "STEP". */
#include "manual.h"

#include <stdio.h>
#include <string.h>

/* A name that is not here takes anything: DEVICE, because asking the devices would take seconds at every Tab. */
static const struct {
    const char *name;
    enum kb_takes takes;
} places[] = {
    {"FILE", KB_TAKES_FILE},
    {"P12", KB_TAKES_FILE},
    {"DIR", KB_TAKES_FOLDER},
    {"BACKUP", KB_TAKES_FOLDER},
};

/* "usb, icloud" and "ja|en" become "usb icloud" and "ja en". */
static enum kb_takes add_words(struct kb_buf *words, const char *list) {
    for (const char *p = list; *p; p++) kb_buf_add(words, *p == ',' ? "" : *p == '|' ? " " : p, *p == ',' ? 0 : 1);
    return KB_TAKES_WORDS;
}

static enum kb_takes add_steps(struct kb_buf *words) {
    for (int i = KB_STEP_NONE + 1; i < KB_STEP_COUNT; i++)
        kb_buf_printf(words, "%s%s", i > KB_STEP_NONE + 1 ? " " : "", kb_step_name((enum kb_step)i));
    return KB_TAKES_WORDS;
}

enum kb_takes kb_operand_takes(const char *name, struct kb_buf *words) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(places); i++)
        if (!strcmp(places[i].name, name)) return places[i].takes;
    if (strchr(name, '|')) return add_words(words, name);
    if (!strcmp(name, "STEP")) return add_steps(words);
    return kb_text_ends(name, ".csv") ? KB_TAKES_FILE : KB_TAKES_ANYTHING;
}

enum kb_takes kb_option_takes(const struct kb_option *option, struct kb_buf *words) {
    if (!option->argument) return KB_TAKES_ANYTHING;
    if (option->values && !strstr(option->values, " - ")) return add_words(words, option->values);
    return kb_operand_takes(option->argument, words);
}

void kb_operands_start(struct kb_operand *operand, const struct kb_command *command) {
    memset(operand, 0, sizeof *operand);
    operand->rest = command->operands;
}

bool kb_operands_next(struct kb_operand *operand) {
    const char *p = operand->rest + strspn(operand->rest, " ");
    size_t size = strcspn(p, " ");
    operand->rest = p + size;
    if (!size) return false;
    operand->optional = *p == '[';
    if (operand->optional) {
        p++;
        size -= size > 1 ? 2 : 1;
    }
    snprintf(operand->name, sizeof operand->name, "%.*s", (int)size, p);
    operand->place++;
    return true;
}

bool kb_option_listed(const struct kb_option *option, const struct kb_command *command) {
    if (!option->help) return false;
    if (!option->commands) return true;
    return command ? (option->commands & KB_FOR(command->id)) != 0 : option->everywhere;
}
