/* The manual page and the completions: whatever the tables have is in them, and nothing that is hidden. */
#include "manual.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct kb_command commands[] = {
    {KB_CMD_RESTORE, "restore", "BACKUP DEVICE", 2, 2, "it's [one]: two", ".begins with a stop, back\\slash --dry-run",
     NULL, false},
    {KB_CMD_SLOTS, "slots", "learn|list [STEP]", 0, 4, "places", "well-known", NULL, false},
    {KB_CMD_TRAY, "secret", "", 0, 0, "hidden", "hidden", NULL, true},
};
#define COUNT KB_ARRAY_SIZE(commands)

static void write_man(struct kb_buf *out, const struct kb_command *table, int count) {
    kb_manual(out, table, count, "2026-11-24");
}

static const struct {
    void (*write)(struct kb_buf *out, const struct kb_command *table, int count);
    const char *option; /* how it writes --dry-run */
    const char *has[6]; /* further texts */
} kinds[] = {
    {write_man,
     "\\-\\-dry\\-run",
     {"\n\\&.begins with", "back\\eslash \\-\\-dry\\-run", "well-known", ".SS kitbench restore BACKUP DEVICE\n",
      ".TH KITBENCH 1 2026-11-24 "}},
    {kb_completion_bash,
     " --dry-run",
     {"restore.1) echo 'folder'", "restore.2) echo 'anything'", "slots.1) echo 'words learn list'",
      "slots.2) echo 'words icloud-backup", "--out | -o) echo 'file'"}},
    {kb_completion_zsh,
     "{-n,--dry-run}",
     {"'restore:it'\\''s \\[one\\]\\: two'", "'1:BACKUP:_files -/'", "'1:learn|list:(learn list)'", "'2::STEP:(icloud-",
      "'*--route=["}},
    {kb_completion_fish,
     "-s n -l dry-run",
     {"-a restore -d 'it\\'s [one]: two'", "-n '__fish_seen_subcommand_from slots' -a 'learn list'",
      "-l route -x -a 'usb icloud'", "-l wait -x -d", "-l password-file -r -F"}},
};

START_TEST(test_kinds) {
    struct kb_buf out = {0};
    kb_lang_set(KB_LANG_EN);
    kinds[_i].write(&out, commands, COUNT);
    ck_assert_ptr_nonnull(strstr(out.data, kinds[_i].option));
    for (int i = 0; kinds[_i].has[i]; i++)
        ck_assert_msg(strstr(out.data, kinds[_i].has[i]) != NULL, "%s is not in\n%s", kinds[_i].has[i], out.data);
    ck_assert_ptr_null(strstr(out.data, "secret"));
    kb_buf_release(&out);
}
END_TEST

/* Japanese can be broken anywhere but before a closing mark; options stay whole. */
START_TEST(test_japanese) {
    struct kb_buf out = {0};
    kb_lang_set(KB_LANG_JA);
    kb_manual(&out, commands, COUNT, "2026-11-24");
    kb_lang_set(KB_LANG_EN);
    ck_assert_ptr_nonnull(strstr(out.data, "\n.SH 名前\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "\\-\\-password\\-file"));
    ck_assert_ptr_nonnull(strstr(out.data, "行\\:い\\:ま\\:す。"));
    ck_assert_ptr_null(strstr(out.data, "\\:。"));
    kb_buf_release(&out);
}
END_TEST

START_TEST(test_operands) {
    struct kb_operand operand;
    kb_operands_start(&operand, &commands[1]);
    ck_assert(kb_operands_next(&operand));
    ck_assert_str_eq(operand.name, "learn|list");
    ck_assert(!operand.optional && operand.place == 1);
    ck_assert(kb_operands_next(&operand));
    ck_assert_str_eq(operand.name, "STEP");
    ck_assert(operand.optional && operand.place == 2);
    ck_assert(!kb_operands_next(&operand));
    kb_operands_start(&operand, &commands[2]);
    ck_assert(!kb_operands_next(&operand));
}
END_TEST

/* A range is not a list of words. */
START_TEST(test_takes) {
    static const struct {
        const char *name;
        enum kb_takes takes;
    } want[] = {{"wait", KB_TAKES_ANYTHING}, {"route", KB_TAKES_WORDS},   {"lang", KB_TAKES_WORDS},
                {"store", KB_TAKES_FOLDER},  {"identity", KB_TAKES_FILE}, {"jobs", KB_TAKES_FILE},
                {"by", KB_TAKES_ANYTHING},   {"json", KB_TAKES_ANYTHING}, {"accept", KB_TAKES_WORDS},
                {"inventory", KB_TAKES_FILE}};
    for (size_t i = 0; i < KB_ARRAY_SIZE(want); i++)
        for (int k = 0; k < kb_option_count; k++) {
            struct kb_buf words = {0};
            if (strcmp(kb_option_table[k].name, want[i].name)) continue;
            ck_assert_msg(kb_option_takes(&kb_option_table[k], &words) == want[i].takes, "--%s", want[i].name);
            ck_assert_int_eq(words.data != NULL, want[i].takes == KB_TAKES_WORDS);
            kb_buf_release(&words);
        }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli/manual");
    TCase *tcase = tcase_create("manual");
    tcase_add_loop_test(tcase, test_kinds, 0, KB_ARRAY_SIZE(kinds));
    tcase_add_test(tcase, test_japanese);
    tcase_add_test(tcase, test_operands);
    tcase_add_test(tcase, test_takes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
