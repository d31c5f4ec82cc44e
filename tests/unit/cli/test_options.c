/* The command line: every option and what is wrong use. A wrong use names the option and the command's --help. */
#include "options.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct kb_command restore = {KB_CMD_RESTORE, "restore", "BACKUP DEVICE", 2, 2, "", "", NULL, false};
static const struct kb_command devices = {KB_CMD_DEVICES, "devices", "", 0, 0, "", "", NULL, false};

static const struct {
    const char *why;
    const struct kb_command *command;
    const char *argv[10];
    const char *names; /* must stand in the sentence; NULL: no failure */
} cases[] = {
    {"operands alone", &restore, {"restore", "B", "D"}, NULL},
    {"options between operands", &restore, {"restore", "--dry-run", "B", "--json", "D", "-v"}, NULL},
    {"value after =", &restore, {"restore", "B", "D", "--store=/x"}, NULL},
    {"short with long meaning", &restore, {"restore", "-n", "B", "D"}, NULL},
    {"-- ends the options", &restore, {"restore", "--", "-B", "-D"}, NULL},
    {"an option of the contract where it means nothing",
     &devices,
     {"devices", "--accept", "find-my", "--by", "x"},
     NULL},
    {"help wins over a missing operand", &restore, {"restore", "--help"}, NULL},
    {"help wins over what follows", &restore, {"restore", "--help", "--nonsense"}, NULL},
    {"unknown long option", &restore, {"restore", "B", "D", "--nonsense"}, "--nonsense"},
    {"unknown short option", &restore, {"restore", "B", "D", "-Z"}, "-Z"},
    {"option of another command", &restore, {"restore", "B", "D", "--watch"}, "--watch"},
    {"value missing", &restore, {"restore", "B", "D", "--store"}, "--store"},
    {"value empty", &restore, {"restore", "B", "D", "--store="}, "--store"},
    {"switch with a value", &restore, {"restore", "B", "D", "--json=yes"}, "--json"},
    {"unknown rule", &restore, {"restore", "B", "D", "--accept", "everything"}, "--accept"},
    {"unknown state", &restore, {"restore", "B", "D", "--source-state", "maybe"}, "--source-state"},
    {"unknown route", &restore, {"restore", "B", "D", "--route", "wifi"}, "--route"},
    {"unknown language", &restore, {"restore", "B", "D", "--lang", "fr"}, "--lang"},
    {"wait is a number", &restore, {"restore", "B", "D", "--wait", "3m"}, "--wait"},
    {"wait is not negative", &restore, {"restore", "B", "D", "--wait=-1"}, "--wait"},
    {"a password in an argument", &restore, {"restore", "B", "D", "--password", "geheim"}, "--password-file"},
    {"operand missing", &restore, {"restore", "B"}, "BACKUP DEVICE"},
    {"operand too many", &restore, {"restore", "B", "D", "third"}, "third"},
    {"operand empty", &restore, {"restore", "B", ""}, "BACKUP DEVICE"},
};

START_TEST(test_parse) {
    struct kb_options options;
    char *argv[11] = {NULL};
    int argc = 0;
    while (argc < 10 && cases[_i].argv[argc]) {
        argv[argc] = kb_xstrdup(cases[_i].argv[argc]);
        argc++;
    }
    kb_options_init(&options);
    struct kb_result res = kb_options_command(&options, cases[_i].command, argc, argv);
    ck_assert_msg(kb_failed(&res) == (cases[_i].names != NULL), "%s: %s", cases[_i].why, res.text);
    if (cases[_i].names) {
        char help[64];
        snprintf(help, sizeof help, "kitbench %s --help", cases[_i].command->name);
        ck_assert_msg(res.domain == KB_USAGE, "%s", cases[_i].why);
        ck_assert_msg(strstr(res.text, cases[_i].names) != NULL, "%s: %s", cases[_i].why, res.text);
        ck_assert_msg(strstr(res.text, help) != NULL, "%s: %s", cases[_i].why, res.text);
        ck_assert_msg(!strstr(res.text, "geheim"), "the password must not be repeated: %s", res.text);
    }
    for (int i = 0; i < argc; i++) free(argv[i]);
}
END_TEST

START_TEST(test_values) {
    char *argv[] = {"restore",     "B",       "--accept", "backup-unencrypted", "--accept", "ios27-supervised", "D",
                    "--by=Hanako", "--route", "icloud",   "--source-state",     "no-mdm",   "--wait",           "0",
                    NULL};
    struct kb_options options;
    kb_options_init(&options);
    ck_assert_int_eq(options.wait_s, 180);
    struct kb_result res = kb_options_command(&options, &restore, KB_ARRAY_SIZE(argv) - 1, argv);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
    ck_assert_str_eq(options.operands[0], "B");
    ck_assert_str_eq(options.operands[1], "D");
    ck_assert_str_eq(options.by, "Hanako");
    ck_assert_int_eq(options.route, KB_ROUTE_ICLOUD);
    ck_assert_int_eq(options.source_state, KB_SOURCE_NO_MDM);
    ck_assert_int_eq(options.wait_s, 0);
    ck_assert_uint_eq(options.accepted, 1u << KB_RULE_BACKUP_UNENCRYPTED | 1u << KB_RULE_IOS27_SUPERVISED);
}
END_TEST

START_TEST(test_global) {
    char *argv[] = {"kitbench", "--json", "--store", "/x", "devices", "--watch", NULL};
    struct kb_options options;
    int next = 0;
    kb_options_init(&options);
    struct kb_result res = kb_options_global(&options, 6, argv, &next);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
    ck_assert_int_eq(next, 4);
    ck_assert(options.json && !options.watch);
    res = kb_options_command(&options, &devices, 2, argv + next);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
    ck_assert(options.json && options.watch);
    ck_assert_str_eq(options.store, "/x");
}
END_TEST

START_TEST(test_lang) {
    static const struct {
        const char *argv[6], *want;
    } langs[] = {
        {{"k", "--lang", "ja", "doctor"}, "ja"},
        {{"k", "doctor", "--lang=en"}, "en"},
        {{"k", "doctor", "--", "--lang=en"}, NULL},
        {{"k", "doctor", "--lang"}, NULL},
        {{"k", "--lang=ja", "doctor", "--lang", "en"}, "en"},
    };
    int argc = 0;
    while (argc < 6 && langs[_i].argv[argc]) argc++;
    const char *lang = kb_options_lang(argc, (char **)langs[_i].argv);
    ck_assert_msg(kb_streq(lang, langs[_i].want), "got %s", lang ? lang : "nothing");
}
END_TEST

/* Whatever help shows must be parsed, and every option of the contract must be taken everywhere. */
START_TEST(test_table) {
    static const char *const everywhere[] = {"json",         "store",   "password-file", "lang",    "by",  "accept",
                                             "source-state", "verbose", "help",          "version", "wait"};
    for (size_t i = 0; i < KB_ARRAY_SIZE(everywhere); i++) {
        bool found = false;
        for (int k = 0; k < kb_option_count; k++)
            found = found || (!strcmp(kb_option_table[k].name, everywhere[i]) && kb_option_table[k].everywhere);
        ck_assert_msg(found, "--%s", everywhere[i]);
    }
    for (int i = 0; i < kb_option_count; i++)
        for (int k = 0; k < i; k++) {
            ck_assert_str_ne(kb_option_table[i].name, kb_option_table[k].name);
            ck_assert(!kb_option_table[i].letter || kb_option_table[i].letter != kb_option_table[k].letter);
        }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli/options");
    TCase *tcase = tcase_create("options");
    tcase_add_loop_test(tcase, test_parse, 0, KB_ARRAY_SIZE(cases));
    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_global);
    tcase_add_loop_test(tcase, test_lang, 0, 5);
    tcase_add_test(tcase, test_table);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
