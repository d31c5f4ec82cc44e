/* The option table and its parser (getopt_long). Prints nothing: a wrong use is a KB_USAGE result that names it. */
#include "options.h"
#include "kitbench/host.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static bool take_accept(struct kb_options *options, const char *value) {
    enum kb_rule rule = kb_rule_from_name(value);
    if (rule != KB_RULE_NONE) options->accepted |= (uint32_t)1 << rule;
    return rule != KB_RULE_NONE;
}

static bool take_source(struct kb_options *options, const char *value) {
    return kb_source_parse(value, &options->source_state);
}

static bool take_target(struct kb_options *options, const char *value) {
    return kb_target_parse(value, &options->target_state);
}

static bool take_route(struct kb_options *options, const char *value) { return kb_route_parse(value, &options->route); }

static bool take_per_bus(struct kb_options *options, const char *value) {
    return kb_parse_int(value, 1, 64, &options->per_bus);
}

static bool take_wait(struct kb_options *options, const char *value) {
    options->wait_given = true;
    return kb_parse_int(value, 0, 86400, &options->wait_s);
}

static bool take_patience(struct kb_options *options, const char *value) {
    return kb_parse_int(value, 1, 86400, &options->patience_s);
}

static bool take_lang(struct kb_options *options, const char *value) {
    enum kb_lang lang;
    options->lang = value;
    return kb_lang_parse(value, &lang);
}

/* A password in an argument can be read by everybody on this computer, so the option exists only to be refused. */
static bool take_password(struct kb_options *options, const char *value) {
    (void)options;
    (void)value;
    return false;
}

#define AT(member) offsetof(struct kb_options, member)
#define PAIRING    (KB_FOR(KB_CMD_PAIR) | KB_FOR(KB_CMD_BACKUP) | KB_FOR(KB_CMD_RESTORE) | KB_FOR(KB_CMD_TRAY))
#define JUDGING    (KB_FOR(KB_CMD_CHECK) | KB_FOR(KB_CMD_RESTORE) | KB_FOR(KB_CMD_TRAY))
#define PASSWORD                                                                                                       \
    (KB_FOR(KB_CMD_BACKUP) | KB_FOR(KB_CMD_INSPECT) | KB_FOR(KB_CMD_VERIFY) | JUDGING | KB_FOR(KB_CMD_PAIR))
#define NAMED                                                                                                          \
    (KB_FOR(KB_CMD_BACKUP) | KB_FOR(KB_CMD_RESTORE) | KB_FOR(KB_CMD_CONFIRM) | KB_FOR(KB_CMD_PAIR) |                   \
     KB_FOR(KB_CMD_STEPS) | KB_FOR(KB_CMD_TRAY))
#define SOURCES (JUDGING | KB_FOR(KB_CMD_INSPECT))
#define STORES                                                                                                         \
    (KB_FOR(KB_CMD_BACKUP) | KB_FOR(KB_CMD_BACKUPS) | KB_FOR(KB_CMD_INSPECT) | KB_FOR(KB_CMD_VERIFY) | JUDGING |       \
     KB_FOR(KB_CMD_DOCTOR))

const struct kb_option kb_option_table[] = {
    {"watch", 0, NULL, KB_FOR(KB_CMD_DEVICES), false, N_("go on and tell what is plugged in and pulled out"), AT(watch),
     NULL, NULL},
    {"identity", 0, N_("P12"), PAIRING, false, N_("supervision identity (PKCS#12): pairs without a tap"), AT(identity),
     NULL, NULL},
    {"backup", 0, NULL, KB_FOR(KB_CMD_TRAY), false, N_("make the devices' encrypted backups instead of restoring"),
     AT(backup), NULL, NULL},
    {"per-bus", 0, N_("N"), KB_FOR(KB_CMD_TRAY), false,
     N_("so many transfers at once on a USB controller (learned, at most 10)"), 0, take_per_bus, "1 - 64"},
    {"full", 0, NULL, KB_FOR(KB_CMD_BACKUP) | KB_FOR(KB_CMD_TRAY), false,
     N_("back up everything again, not only what changed"), AT(full), NULL, NULL},
    {"quick", 0, NULL, KB_FOR(KB_CMD_VERIFY), false, N_("metadata and lengths only, no content is read"), AT(quick),
     NULL, NULL},
    {"dry-run", 'n', NULL, KB_FOR(KB_CMD_RESTORE), false, N_("only judge; nothing is written to the device"),
     AT(dry_run), NULL, NULL},
    {"route", 0, N_("ROUTE"), JUDGING, false, N_("usb (default), or icloud: only the operator's steps"), 0, take_route,
     "usb, icloud"},
    {"jobs", 0, N_("JOBS.csv"), KB_FOR(KB_CMD_CHECK), false, N_("the dry run of a whole job sheet"), AT(jobs), NULL,
     NULL},
    {"inventory", 0, N_("FILE"), KB_FOR(KB_CMD_CHECK), false,
     N_("with --jobs: devices that are not plugged in, as devices --json printed them"), AT(inventory), NULL, NULL},
    {"accept", 0, N_("RULE"), JUDGING, true, N_("go on although this rule holds; recorded with --by"), 0, take_accept,
     "backup-unencrypted, ios27-supervised"},
    {"source-state", 0, N_("STATE"), SOURCES, true,
     N_("what the backup's device was: unsupervised, supervised, no-mdm"), 0, take_source,
     "unsupervised, supervised, no-mdm"},
    {"target-state", 0, N_("STATE"), JUDGING, false, N_("what the target will be: unsupervised, supervised"), 0,
     take_target, "unsupervised, supervised"},
    {"wait", 0, N_("SECONDS"), PAIRING | KB_FOR(KB_CMD_SLOTS), true,
     N_("wait so long for a hand (180); 0 does not wait"), 0, take_wait, "0 - 86400"},
    {"patience", 0, N_("SECONDS"), KB_FOR(KB_CMD_BACKUP) | KB_FOR(KB_CMD_RESTORE) | KB_FOR(KB_CMD_TRAY), false,
     N_("let the device be silent so long (600)"), 0, take_patience, "1 - 86400"},
    {"all", 'a', NULL, KB_FOR(KB_CMD_STEPS), false, N_("closed steps too, not only the open ones"), AT(all), NULL,
     NULL},
    {"offline", 0, NULL, KB_FOR(KB_CMD_STEPS), false, N_("do not look at the devices, only at the journal"),
     AT(offline), NULL, NULL},
    {"batch", 0, N_("ID"), KB_FOR(KB_CMD_REPORT) | KB_FOR(KB_CMD_TRAY), false,
     N_("this batch only (report); the name of the batch, else made of the sheet's place (tray)"), AT(batch), NULL,
     NULL},
    {"out", 'o', N_("FILE"), KB_FOR(KB_CMD_REPORT) | KB_FOR(KB_CMD_CHECK), false,
     N_("the report (.html, .csv or .json), or the sheet to print of check --jobs (.html)"), AT(out), NULL, NULL},
    {"password-file", 0, N_("FILE"), PASSWORD, true, N_("the first line of FILE is the password"), AT(password_file),
     NULL, NULL},
    {"store", 0, N_("DIR"), STORES, true, N_("the folder of backups"), AT(store), NULL, NULL},
    {"by", 0, N_("NAME"), NAMED, true, N_("who does this; recorded in the journal"), AT(by), NULL, NULL},
    {"json", 0, NULL, 0, true, N_("one JSON object a line on standard output"), AT(json), NULL, NULL},
    {"lang", 0, "ja|en", 0, true, N_("language of the texts"), 0, take_lang, "ja, en"},
    {"verbose", 'v', NULL, 0, true, N_("say more, and why something is not known"), AT(verbose), NULL, NULL},
    {"help", 'h', NULL, 0, true, N_("this help"), AT(help), NULL, NULL},
    {"version", 'V', NULL, 0, true, N_("version of kitbench"), AT(version), NULL, NULL},
    {"password", 0, "", ~0u, false, NULL, 0, take_password, NULL}, /* no help text: never listed */
};
const int kb_option_count = KB_ARRAY_SIZE(kb_option_table);

#define FIRST_VAL 1000 /* getopt's value of a long option: its index from here on */

void kb_options_init(struct kb_options *options) {
    memset(options, 0, sizeof *options);
    options->wait_s = 180;
    options->patience_s = 600;
}

/* "... See: kitbench check --help" */
static struct kb_result wrong(const struct kb_command *command, const char *format, ...) KB_PRINTF(2, 3);
static struct kb_result wrong(const struct kb_command *command, const char *format, ...) {
    char text[360];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (!command) return kb_fail(KB_USAGE, 0, _("%s. See: kitbench --help"), text);
    return kb_fail(KB_USAGE, 0, _("%s. See: kitbench %s --help"), text, command->name);
}

static bool belongs(const struct kb_option *option, const struct kb_command *command) {
    if (option->everywhere) return true;
    return command && (option->commands & KB_FOR(command->id));
}

static struct kb_result take(struct kb_options *options, const struct kb_option *option,
                             const struct kb_command *command, const char *value) {
    char *base = (char *)options;
    if (!belongs(option, command)) {
        if (!command) return wrong(command, _("The option --%s goes after the command"), option->name);
        return wrong(command, _("The option --%s does not belong to this command"), option->name);
    }
    if (!option->take && option->argument) {
        if (!*value) return wrong(command, _("The option --%s needs a value that is not empty"), option->name);
        memcpy(base + option->place, &value, sizeof value);
    } else if (!option->take) {
        *(bool *)(base + option->place) = true;
    } else if (!option->take(options, value)) {
        if (!option->values)
            return wrong(command,
                         _("A password is never an argument, because everybody on this computer could read it: "
                           "use --password-file"));
        return wrong(command, _("The option --%s does not take \"%.60s\"; it takes: %s"), option->name, value,
                     option->values);
    }
    return kb_ok();
}

/* getopt's tables, made from ours. */
#define MAX_OPTIONS 32
struct parser {
    struct option longs[MAX_OPTIONS + 1];
    char shorts[2 * MAX_OPTIONS + 3];
};

static void parser_init(struct parser *parser, bool until_operand) {
    char *p = parser->shorts;
    memset(parser, 0, sizeof *parser);
    if (until_operand) *p++ = '+';
    *p++ = ':';
    for (int i = 0; i < kb_option_count; i++) {
        const struct kb_option *option = &kb_option_table[i];
        parser->longs[i].name = option->name;
        parser->longs[i].has_arg = option->argument ? required_argument : no_argument;
        parser->longs[i].val = FIRST_VAL + i;
        if (!option->letter) continue;
        *p++ = option->letter;
        if (option->argument) *p++ = ':';
    }
}

static const struct kb_option *option_of(int val) {
    if (val >= FIRST_VAL && val < FIRST_VAL + kb_option_count) return &kb_option_table[val - FIRST_VAL];
    for (int i = 0; val > 0 && i < kb_option_count; i++)
        if (kb_option_table[i].letter == val) return &kb_option_table[i];
    return NULL;
}

static struct kb_result refuse(const struct kb_command *command, int said, char **argv) {
    const struct kb_option *option = option_of(optopt);
    if (said == ':' && option) return wrong(command, _("The option --%s needs a value"), option->name);
    if (option) return wrong(command, _("The option --%s takes no value"), option->name);
    if (optopt > ' ' && optopt < 127) return wrong(command, _("There is no option -%c"), optopt);
    return wrong(command, _("There is no option %.80s, or it is not written out"), argv[optind > 0 ? optind - 1 : 0]);
}

static struct kb_result parse(struct kb_options *options, const struct kb_command *command, int argc, char **argv,
                              bool until_operand) {
    struct parser parser;
    struct kb_result res = kb_ok();
    parser_init(&parser, until_operand);
    opterr = 0;
    optind = 0; /* starts afresh in glibc, mingw and the BSDs alike */
    for (int val; !options->help && (val = getopt_long(argc, argv, parser.shorts, parser.longs, NULL)) != -1;) {
        if (val == '?' || val == ':') return refuse(command, val, argv);
        res = take(options, option_of(val), command, optarg);
        if (kb_failed(&res)) return res;
    }
    return res;
}

struct kb_result kb_options_global(struct kb_options *options, int argc, char **argv, int *next) {
    struct kb_result res = parse(options, NULL, argc, argv, true);
    *next = optind > 0 ? optind : 1;
    return res;
}

struct kb_result kb_options_command(struct kb_options *options, const struct kb_command *command, int argc,
                                    char **argv) {
    struct kb_result res = parse(options, command, argc, argv, false);
    if (kb_failed(&res) || options->help || options->version) return res;
    int count = argc - optind;
    if (count > command->max)
        return wrong(command, _("\"%.80s\" is one argument too many: kitbench %s %s"), argv[optind + command->max],
                     command->name, command->operands);
    if (count < command->min)
        return wrong(command, _("Something is missing: kitbench %s %s"), command->name, command->operands);
    for (int i = 0; i < count; i++) {
        if (!*argv[optind + i])
            return wrong(command, _("An argument is empty: kitbench %s %s"), command->name, command->operands);
        options->operands[i] = argv[optind + i];
    }
    options->operand_count = count;
    return res;
}

const char *kb_options_lang(int argc, char **argv) {
    const char *found = NULL;
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        if (kb_text_starts(argv[i], "--lang=")) found = argv[i] + strlen("--lang=");
        if (!strcmp(argv[i], "--lang") && i + 1 < argc) found = argv[i + 1];
    }
    return found;
}
