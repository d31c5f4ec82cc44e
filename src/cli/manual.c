/* kitbench(1), and the internal sub-command that prints it and the completions for the build. */
#include "manual.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

static bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/*
 * Adds the bytes so that roff shows them as they are: the dashes of options must stay dashes for those who copy them.
 * before: the character in front of them.
 */
static void put_piece(struct kb_buf *out, const char *p, const char *end, char before) {
    bool option = false;
    for (; p < end; before = *p++) {
        option = *p == '-' ? option || !is_word(before) : option && is_word(*p);
        if (*p == '\\')
            kb_buf_puts(out, "\\e");
        else if (*p == '-' && option)
            kb_buf_puts(out, "\\-");
        else
            kb_buf_add(out, p, 1);
    }
}

/* Japanese may be broken between any two characters, which roff has to be told. */
static void put(struct kb_buf *out, const char *text) {
    if (*text == '.' || *text == '\'') kb_buf_puts(out, "\\&");
    for (const char *p = text; *p;) {
        int width;
        const char *end = kb_text_piece(p, &width);
        put_piece(out, p, end, p > text ? p[-1] : ' ');
        if (*end && *end != ' ') kb_buf_puts(out, "\\:");
        p = end;
    }
}

static void put_line(struct kb_buf *out, const char *text) {
    put(out, text);
    kb_buf_puts(out, "\n");
}

static void put_head(struct kb_buf *out, const char *title) { kb_buf_printf(out, ".SH %s\n", title); }

static void put_item(struct kb_buf *out, const char *head, const char *text) {
    kb_buf_puts(out, ".TP\n.B ");
    put_line(out, head);
    put_line(out, text);
}

static void put_option(struct kb_buf *out, const struct kb_option *option) {
    kb_buf_puts(out, ".TP\n");
    if (option->letter) kb_buf_printf(out, "\\fB\\-%c\\fP, ", option->letter);
    kb_buf_puts(out, "\\fB\\-\\-");
    for (const char *p = option->name; *p; p++) kb_buf_printf(out, *p == '-' ? "\\-" : "%c", *p);
    kb_buf_puts(out, "\\fP");
    if (option->argument) {
        kb_buf_puts(out, " \\fI");
        put(out, _(option->argument));
        kb_buf_puts(out, "\\fP");
    }
    kb_buf_puts(out, "\n");
    put_line(out, _(option->help));
}

static void put_command(struct kb_buf *out, const struct kb_command *command) {
    kb_buf_printf(out, ".SS kitbench %s%s%s\n", command->name, *command->operands ? " " : "", command->operands);
    put_line(out, _(command->help));
    for (int i = 0; i < kb_option_count; i++)
        if (kb_option_table[i].commands && kb_option_listed(&kb_option_table[i], command))
            put_option(out, &kb_option_table[i]);
}

static void put_surroundings(struct kb_buf *out) {
    static const struct kb_exit_words variables[] = {
        {"KITBENCH_HOME", N_("The folder of journal, locks and settings; kitbench doctor shows it.")},
        {"KITBENCH_BACKUP_PASSWORD", N_("The backup password, where --password-file is not given.")},
        {"USBMUXD_SOCKET_ADDRESS", N_("Where usbmuxd listens: UNIX:/path or ADDRESS:PORT.")},
        {"NO_COLOR", N_("When set, nothing is shown in colour.")},
    };
    static const struct kb_exit_words files[] = {
        {"KITBENCH_HOME/kitbench.conf", N_("The settings, all of them optional; kitbench doctor shows each.")},
        {"KITBENCH_HOME/journal.db",
         N_("The journal: what was done with each device, by whom, and with which evidence.")},
    };
    put_head(out, _("ENVIRONMENT"));
    for (size_t i = 0; i < KB_ARRAY_SIZE(variables); i++) put_item(out, variables[i].code, _(variables[i].text));
    put_head(out, _("FILES"));
    for (size_t i = 0; i < KB_ARRAY_SIZE(files); i++) put_item(out, files[i].code, _(files[i].text));
    put_head(out, _("SEE ALSO"));
    kb_buf_puts(out, ".BR phonesim (1),\n.BR idevicebackup2 (1),\n.BR usbmuxd (8)\n");
}

void kb_manual(struct kb_buf *out, const struct kb_command *commands, int count, const char *date) {
    kb_buf_printf(out,
                  ".\\\" Made from the program's tables: do not edit.\n.TH KITBENCH 1 %s \"kitbench %s\" kitbench\n",
                  date, KB_VERSION);
    if (kb_lang() == KB_LANG_JA) kb_buf_puts(out, ".ad l\n"); /* no holes between the few spaces */
    put_head(out, _("NAME"));
    kb_buf_puts(out, "kitbench \\- ");
    put_line(out, _("move people from an old iPhone or iPad to a new one"));
    put_head(out, _("SYNOPSIS"));
    kb_buf_puts(out, ".B kitbench\n");
    put_line(out, _("COMMAND [OPTION]..."));
    put_head(out, _("DESCRIPTION"));
    put_line(out, _(kb_help_about));
    kb_buf_puts(out, ".PP\n");
    put_line(out, _(kb_help_words));
    put_head(out, _("COMMANDS"));
    for (int i = 0; i < count; i++)
        if (!commands[i].hidden) put_command(out, &commands[i]);
    put_head(out, _("OPTIONS"));
    put_line(out, _("Every command takes these."));
    for (int i = 0; i < kb_option_count; i++)
        if (!kb_option_table[i].commands && kb_option_table[i].help) put_option(out, &kb_option_table[i]);
    put_head(out, _("EXIT STATUS"));
    for (int i = 0; i < kb_exit_count; i++) put_item(out, kb_exit_table[i].code, _(kb_exit_table[i].text));
    put_surroundings(out);
}

int kb_describe(int argc, char **argv, const struct kb_command *commands, int count) {
    static const struct {
        const char *name;
        void (*write)(struct kb_buf *out, const struct kb_command *commands, int count);
    } kinds[] = {{"bash", kb_completion_bash}, {"zsh", kb_completion_zsh}, {"fish", kb_completion_fish}};
    const char *kind = argc > 1 ? argv[1] : "";
    enum kb_lang lang = KB_LANG_EN;
    struct kb_buf out = {0};
    if (argc > 2 && !kb_lang_parse(argv[2], &lang)) return 2;
    kb_lang_set(lang);
    if (!strcmp(kind, "man")) kb_manual(&out, commands, count, argc > 3 ? argv[3] : "\"\"");
    for (size_t i = 0; i < KB_ARRAY_SIZE(kinds); i++)
        if (!strcmp(kind, kinds[i].name)) kinds[i].write(&out, commands, count);
    if (out.data) printf("%s", out.data);
    int code = out.data ? 0 : 2;
    kb_buf_release(&out);
    return code;
}
