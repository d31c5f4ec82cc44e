/* --help, made from the tables of sub-commands and options. Fits 80 columns. */
#include "cli.h"
#include "table.h"

#include <stdio.h>

static void print_row(const char *left, int column, const char *text) {
    struct kb_buf buf = {0};
    int used = kb_text_width(left);
    kb_buf_printf(&buf, "  %s", left);
    if (used + 2 > column - 2) {
        kb_buf_puts(&buf, "\n");
        used = -2;
    }
    for (int i = used + 2; i < column; i++) kb_buf_puts(&buf, " ");
    kb_text_wrap(&buf, text, 79, column, column);
    printf("%s\n", buf.data);
    kb_buf_release(&buf);
}

static void print_paragraph(const char *text) {
    struct kb_buf buf = {0};
    kb_text_wrap(&buf, text, 79, 0, 0);
    printf("%s\n", buf.data);
    kb_buf_release(&buf);
}

static void print_option(const struct kb_option *option) {
    char left[80];
    const char *argument = option->argument ? _(option->argument) : "";
    snprintf(left, sizeof left, "%s%c%s--%s%s%s", option->letter ? "-" : " ", option->letter ? option->letter : ' ',
             option->letter ? ", " : "  ", option->name, *argument ? " " : "", argument);
    print_row(left, 29, _(option->help));
}

static void print_common(void) {
    printf("\n%s\n", _("Options of every command:"));
    for (int i = 0; i < kb_option_count; i++)
        if (!kb_option_table[i].commands && kb_option_table[i].help) print_option(&kb_option_table[i]);
}

const struct kb_exit_words kb_exit_table[] = {
    {"0", N_("done")},
    {"1", N_("unexpected")},
    {"2", N_("wrong use of the command line, a setting or a table")},
    {"3", N_("refused by a rule, or not known")},
    {"4", N_("backup password missing or wrong")},
    {"5", N_("the device: not there, locked, or it said no")},
    {"6", N_("the backup: damaged, unfinished or hostile")},
    {"7", N_("the operator still has something to do")},
    {"8", N_("this computer: no usbmuxd, disk full")},
    {"130", N_("cancelled")},
};
const int kb_exit_count = KB_ARRAY_SIZE(kb_exit_table);

const char *const kb_help_about =
    N_("kitbench moves people from an old iPhone or iPad to a new one: it judges, backs up, "
       "restores, and leads the operator to the end.");
const char *const kb_help_words =
    N_("DEVICE is a UDID or an unambiguous start of one, a serial number, an IMEI or slot:NAME. BACKUP is a folder, "
       "or a UDID in the store.");

void kb_help_all(const struct kb_command *commands, int count) {
    print_paragraph(_(kb_help_about));
    printf("\n%s\n  kitbench %s\n\n%s\n", _("Usage:"), _("COMMAND [OPTION]..."), _("Commands:"));
    for (int i = 0; i < count; i++) {
        if (commands[i].hidden) continue;
        char *left = kb_xasprintf("%s%s%s", commands[i].name, *commands[i].operands ? " " : "", commands[i].operands);
        print_row(left, 29, _(commands[i].summary));
        free(left);
    }
    print_common();
    printf("\n%s\n", _("Exit codes:"));
    for (int i = 0; i < kb_exit_count; i++) print_row(kb_exit_table[i].code, 8, _(kb_exit_table[i].text));
    printf("\n");
    print_paragraph(_(kb_help_words));
    print_paragraph(_("kitbench COMMAND --help tells about one command."));
}

void kb_help_command(const struct kb_command *command) {
    printf("%s\n  kitbench %s%s%s %s\n\n", _("Usage:"), command->name, *command->operands ? " " : "", command->operands,
           _("[OPTION]..."));
    print_paragraph(_(command->help));
    bool any = false;
    for (int i = 0; i < kb_option_count; i++) {
        const struct kb_option *option = &kb_option_table[i];
        if (!option->help || !(option->commands & KB_FOR(command->id))) continue;
        if (!any) printf("\n%s\n", _("Options:"));
        any = true;
        print_option(option);
    }
    print_common();
}
