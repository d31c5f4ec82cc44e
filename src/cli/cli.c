/* One run of kitbench: language, settings, options, places, then the sub-command. The table of these is main.c's. */
#include "cli.h"
#include "manual.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Outside of worker runs (which watch for it themselves) an interrupt ends kitbench at once; files are whole or absent.
 */
static void on_interrupt(int number) {
    (void)number;
    _Exit(KB_EXIT_CANCELLED);
}

static const struct kb_command *find(const struct kb_command *commands, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (!strcmp(commands[i].name, name)) return &commands[i];
    return NULL;
}

/* --lang, else the setting, else the locale. */
static void choose_language(struct kb_cli *cli, const char *option) {
    enum kb_lang lang = kb_host_lang();
    struct kb_setting *setting = &cli->settings.list[KB_SET_LANGUAGE];
    enum kb_setting_origin origin = setting->value ? setting->origin : KB_FROM_ENVIRONMENT;
    if (setting->value) (void)kb_lang_parse(setting->value, &lang);
    if (option && kb_lang_parse(option, &lang)) origin = KB_FROM_OPTION;
    kb_lang_set(lang);
    kb_setting_put(&cli->settings, KB_SET_LANGUAGE, lang == KB_LANG_JA ? "ja" : "en", origin);
}

/* The settings file decides the language, in which errors about it are said; so its result is looked at later. */
static struct kb_result read_settings(struct kb_cli *cli) {
    struct kb_result res = kb_host_home(&cli->home);
    if (kb_failed(&res)) return res;
    char *path = kb_path_join(cli->home, "kitbench.conf");
    res = kb_settings_load(&cli->settings, path);
    free(path);
    return res;
}

/* The setting, or the option that overrides it. */
static void settle(struct kb_cli *cli) {
    const struct kb_options *options = &cli->options;
    struct kb_settings *settings = &cli->settings;
    if (options->store) kb_setting_put(settings, KB_SET_STORE, options->store, KB_FROM_OPTION);
    if (options->by) kb_setting_put(settings, KB_SET_OPERATOR, options->by, KB_FROM_OPTION);
    if (kb_setting(settings, KB_SET_OPERATOR)) { /* a name goes into the journal and onto terminals */
        char name[128];
        kb_text_clean(name, sizeof name, kb_setting(settings, KB_SET_OPERATOR));
        kb_setting_put(settings, KB_SET_OPERATOR, name, settings->list[KB_SET_OPERATOR].origin);
    }
    if (!kb_setting(settings, KB_SET_STORE)) {
        char *store = kb_path_join(cli->home, "store");
        kb_setting_put(settings, KB_SET_STORE, store, KB_FROM_DEFAULT);
        free(store);
    }
    struct kb_result res = kb_path_real(kb_setting(settings, KB_SET_STORE), &cli->store);
    if (kb_failed(&res)) cli->store = kb_xstrdup(kb_setting(settings, KB_SET_STORE)); /* not made yet */
}

static void look_at_terminal(struct kb_cli *cli) {
    bool colour = !kb_host_env("NO_COLOR") && !kb_streq(kb_host_env("TERM"), "dumb");
    cli->out_colour = colour && kb_tty_is(1);
    cli->err_colour = colour && kb_tty_is(2);
    cli->err_live = kb_tty_is(2) && !kb_streq(kb_host_env("TERM"), "dumb");
}

/* Output that nobody could read (disk full, pipe closed) must not look like success. */
static int flushed(const struct kb_cli *cli, int code) {
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout)) return code;
    if (code || errno == EPIPE) return code; /* whoever closes a pipe has read enough */
    struct kb_result res = kb_fail(
        KB_HOST, KB_HOST_IO,
        _("The output could not be written. Free some space on the disk, or let the other program read to the end"));
    return kb_say_result(cli, &res);
}

static int run(struct kb_cli *cli) {
    settle(cli);
    cli->environment_password = kb_host_env_take("KITBENCH_BACKUP_PASSWORD");
    signal(SIGINT, on_interrupt);
    int code = cli->command->run(cli);
    return flushed(cli, code);
}

static int start(struct kb_cli *cli, int argc, char **argv, const struct kb_command *commands, int count) {
    int next = argc;
    choose_language(cli, kb_options_lang(argc, argv)); /* for the words about a settings file that is wrong */
    kb_settings_release(&cli->settings);
    struct kb_result settings = read_settings(cli);
    choose_language(cli, kb_options_lang(argc, argv));
    look_at_terminal(cli);
    struct kb_result res = kb_options_global(&cli->options, argc, argv, &next);
    if (kb_failed(&res)) return kb_say_result(cli, &res);
    if (cli->options.help) return kb_help_all(commands, count), 0;
    if (cli->options.version) return printf("kitbench %s\n", KB_VERSION), 0;
    if (next >= argc) {
        kb_help_all(commands, count);
        return KB_EXIT_USAGE;
    }
    cli->command = find(commands, count, argv[next]);
    if (!cli->command) {
        res = kb_fail(KB_USAGE, 0, _("There is no command \"%.80s\". See: kitbench --help"), argv[next]);
        return kb_say_result(cli, &res);
    }
    res = kb_options_command(&cli->options, cli->command, argc - next, argv + next);
    if (kb_failed(&res)) return kb_say_result(cli, &res);
    if (cli->options.help) return kb_help_command(cli->command), 0;
    if (cli->options.version) return printf("kitbench %s\n", KB_VERSION), 0;
    if (kb_failed(&settings)) return kb_say_result(cli, &settings);
    return run(cli);
}

int kb_cli_main(int argc, char **argv, const struct kb_command *commands, int count) {
    struct kb_cli cli;
    memset(&cli, 0, sizeof cli);
    kb_options_init(&cli.options);
    /* A worker is told everything in its request; settings, options and terminal are its parent's business. */
    if (argc == 2 && !strcmp(argv[1], "worker")) return kb_worker_main();
    bool describe = argc > 1 && !strcmp(argv[1], "describe");
    int code = describe ? kb_describe(argc - 1, argv + 1, commands, count) : start(&cli, argc, argv, commands, count);
    code = flushed(&cli, code);
    kb_secret_free(cli.environment_password);
    kb_settings_release(&cli.settings);
    free(cli.home);
    free(cli.store);
    return code;
}
