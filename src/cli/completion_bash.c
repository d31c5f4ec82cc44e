/* Completion for bash: three tables made from ours, and one function that reads them. Needs bash 4, and nothing else.
 */
#include "manual.h"

static const char reader[] =
    "\n"
    "_kitbench() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' place=1 takes='' i word\n"
    "    # bash hands --store=DIR over as three words\n"
    "    if [[ $cur == '=' ]]; then\n"
    "        cur=''\n"
    "    elif [[ $prev == '=' ]]; then\n"
    "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        case $word in\n"
    "        '=') ((++i)) ;;\n"
    "        -*) if _kitbench_takes \"$word\" >/dev/null && [[ ${COMP_WORDS[i + 1]} != '=' ]]; then ((++i)); fi ;;\n"
    "        *) if [[ -z $command ]]; then command=$word; else ((++place)); fi ;;\n"
    "        esac\n"
    "    done\n"
    "    COMPREPLY=()\n"
    "    if [[ $prev == -* ]] && takes=$(_kitbench_takes \"$prev\"); then\n"
    "        :\n"
    "    elif [[ $cur == -* ]]; then\n"
    "        takes=\"words $(_kitbench_options \"$command\")\"\n"
    "    elif [[ -z $command ]]; then\n"
    "        takes=\"words $_kitbench_commands\"\n"
    "    else\n"
    "        takes=$(_kitbench_takes \"$command.$place\")\n"
    "    fi\n"
    "    case $takes in\n"
    "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
    "    folder) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
    "    'words '*) mapfile -t COMPREPLY < <(compgen -W \"${takes#words }\" -- \"$cur\") ;;\n"
    "    esac\n"
    "    case $takes in\n"
    "    file | folder) compopt -o filenames 2>/dev/null ;;\n"
    "    esac\n"
    "} &&\n"
    "    complete -F _kitbench kitbench\n";

static void put_takes(struct kb_buf *out, enum kb_takes takes, const struct kb_buf *words) {
    static const char *const names[] = {"anything", "words ", "file", "folder"};
    kb_buf_printf(out, ") echo '%s%s' ;;\n", names[takes], takes == KB_TAKES_WORDS ? words->data : "");
}

static void put_option(struct kb_buf *out, const struct kb_option *option) {
    struct kb_buf words = {0};
    if (!option->help || !option->argument) return;
    enum kb_takes takes = kb_option_takes(option, &words);
    kb_buf_printf(out, "    --%s", option->name);
    if (option->letter) kb_buf_printf(out, " | -%c", option->letter);
    put_takes(out, takes, &words);
    kb_buf_release(&words);
}

static void put_operands(struct kb_buf *out, const struct kb_command *command) {
    struct kb_operand operand;
    kb_operands_start(&operand, command);
    while (kb_operands_next(&operand)) {
        struct kb_buf words = {0};
        enum kb_takes takes = kb_operand_takes(operand.name, &words);
        kb_buf_printf(out, "    %s.%d", command->name, operand.place);
        put_takes(out, takes, &words);
        kb_buf_release(&words);
    }
}

static void put_options_of(struct kb_buf *out, const struct kb_command *command) {
    kb_buf_printf(out, "    %s) echo '", command ? command->name : "''");
    for (int i = 0; i < kb_option_count; i++)
        if (kb_option_listed(&kb_option_table[i], command)) kb_buf_printf(out, " --%s", kb_option_table[i].name);
    kb_buf_puts(out, "' ;;\n");
}

void kb_completion_bash(struct kb_buf *out, const struct kb_command *commands, int count) {
    kb_buf_puts(out, "# bash completion for kitbench. Made from the program's tables: do not edit.\n\n"
                     "_kitbench_commands='");
    for (int i = 0; i < count; i++)
        if (!commands[i].hidden) kb_buf_printf(out, " %s", commands[i].name);
    kb_buf_puts(out, "'\n\n_kitbench_options() { # of a command, or of kitbench before a command\n    case $1 in\n");
    put_options_of(out, NULL);
    for (int i = 0; i < count; i++)
        if (!commands[i].hidden) put_options_of(out, &commands[i]);
    kb_buf_puts(out, "    esac\n}\n\n_kitbench_takes() { # what comes after an option, or as the nth operand of a "
                     "command; fails: nothing\n    case $1 in\n");
    for (int i = 0; i < kb_option_count; i++) put_option(out, &kb_option_table[i]);
    for (int i = 0; i < count; i++)
        if (!commands[i].hidden) put_operands(out, &commands[i]);
    kb_buf_puts(out, "    *) return 1 ;;\n    esac\n}\n");
    kb_buf_puts(out, reader);
}
