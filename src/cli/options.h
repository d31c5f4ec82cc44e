/*
 * Sub-commands and options: one table of each. getopt_long, --help, man pages and completions are made from them.
 */
#ifndef KB_CLI_OPTIONS_H
#define KB_CLI_OPTIONS_H

#include "kitbench/policy.h"

enum kb_command_id {
    KB_CMD_DOCTOR,
    KB_CMD_DEVICES,
    KB_CMD_PAIR,
    KB_CMD_BACKUP,
    KB_CMD_BACKUPS,
    KB_CMD_INSPECT,
    KB_CMD_VERIFY,
    KB_CMD_CHECK,
    KB_CMD_RESTORE,
    KB_CMD_STEPS,
    KB_CMD_CONFIRM,
    KB_CMD_STATUS,
    KB_CMD_REPORT,
    KB_CMD_TRAY,
    KB_CMD_SLOTS
};
#define KB_FOR(id) (1u << (id))

struct kb_cli;
struct kb_command {
    enum kb_command_id id;
    const char *name, *operands; /* operands: as in the usage line, "BACKUP DEVICE" */
    int min, max;                /* how many operands */
    const char *summary;         /* msgid, one line */
    const char *help;            /* msgid, one paragraph */
    int (*run)(struct kb_cli *cli);
    bool hidden; /* not in --help */
};

#define KB_MAX_OPERANDS 513 /* slots learn with every name */
struct kb_options {
    bool json, backup, wait_given, full, dry_run, watch, quick, all, offline, verbose, help, version;
    const char *store, *password_file, *lang, *by, *batch, *out, *identity, *jobs, *inventory;
    uint32_t accepted; /* bit (1 << rule) */
    enum kb_source source_state;
    enum kb_target_state target_state;
    enum kb_route route;
    int64_t wait_s, patience_s, per_bus;
    const char *operands[KB_MAX_OPERANDS];
    int operand_count;
};

struct kb_option {
    const char *name;
    char letter;          /* 0 for none */
    const char *argument; /* "DIR" as shown; NULL for a switch */
    unsigned commands;    /* whose --help lists it, besides the common ones; 0 = common to all */
    bool everywhere;      /* taken by every command, also where it means nothing */
    const char *help;     /* msgid */
    size_t place;         /* of the bool or the text in struct kb_options */
    bool (*take)(struct kb_options *options, const char *value); /* in place of place; false: not a value */
    const char *values;                                          /* what take takes, for the sentence */
};
extern const struct kb_option kb_option_table[];
extern const int kb_option_count;

/* Values before any option. */
void kb_options_init(struct kb_options *options);
/*
 * Options before the sub-command; next is set to the index of its name (argc when there is none). Stops at --help.
 * argv texts stay borrowed.
 */
KB_MUST_CHECK struct kb_result kb_options_global(struct kb_options *options, int argc, char **argv, int *next);
/* Options and operands after the sub-command, in any order; argv[0] is the command's name. */
KB_MUST_CHECK struct kb_result kb_options_command(struct kb_options *options, const struct kb_command *command,
                                                  int argc, char **argv);
/* The value of --lang wherever it stands, before anything is parsed; NULL when it is not there. */
const char *kb_options_lang(int argc, char **argv);

/* What help and the manual page say alike (help.c); all texts are msgids. */
struct kb_exit_words {
    const char *code, *text;
};
extern const struct kb_exit_words kb_exit_table[];
extern const int kb_exit_count;
extern const char *const kb_help_about, *const kb_help_words;

/* Help on standard output (help.c). */
void kb_help_all(const struct kb_command *commands, int count);
void kb_help_command(const struct kb_command *command);
#endif
