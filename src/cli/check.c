/* kitbench check: the dry run of one pair. Never writes to a device. */
#include "pairing.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *verdict, *text;
    enum kb_paint paint;
} verdicts[] = {
    {"ready", N_("READY: this backup may go onto this device."), KB_PAINT_GOOD},
    {"operator", N_("NOT YET: something has to be done by hand first."), KB_PAINT_WARN},
    {"unknown", N_("NOT KNOWN: a fact that decides could not be read."), KB_PAINT_BAD},
    {"refused", N_("REFUSED: this backup must not go onto this device."), KB_PAINT_BAD},
};

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "-";
}

static const char *level_words(const char *level) {
    static const struct {
        const char *level, *text;
    } words[] = {
        {"block", N_("block")},  {"hold", N_("hold")}, {"operator", N_("operator")},
        {"warn", N_("warning")}, {"info", N_("note")},
    };
    for (size_t i = 0; i < KB_ARRAY_SIZE(words); i++)
        if (!strcmp(words[i].level, level)) return _(words[i].text);
    return level;
}

static enum kb_paint level_paint(const char *level) {
    for (int i = KB_LEVEL_INFO; i <= KB_LEVEL_BLOCK; i++)
        if (!strcmp(kb_level_name((enum kb_level)i), level)) return kb_paint_of_level((enum kb_level)i);
    return KB_PAINT_DIM;
}

/* "  head text", text wrapped below itself where there is a terminal. */
static void tell_wrapped(const struct kb_cli *cli, const char *before, const char *head, const char *after,
                         const char *text) {
    struct kb_buf out = {0};
    int columns = 0, rows, stream = cli->options.json ? 2 : 1, indent = 2 + kb_text_width(head);
    if (kb_tty_is(stream)) kb_tty_size(stream, &columns, &rows);
    kb_buf_printf(&out, "  %s%s%s", before, head, after);
    kb_text_wrap(&out, text, columns > 40 ? columns - 1 : 100000, indent, indent);
    kb_tell(cli, "%s", out.data);
    kb_buf_release(&out);
}

static void tell_findings(const struct kb_cli *cli, const json_t *findings, bool colour) {
    size_t i;
    json_t *finding;
    json_array_foreach(findings, i, finding) {
        const char *level = text_of(finding, "level");
        char *head = kb_xasprintf("[%s] ", level_words(level));
        char *text = kb_xasprintf("%s (%s)", text_of(finding, "text"), text_of(finding, "rule"));
        tell_wrapped(cli, kb_paint(colour, level_paint(level)), head, kb_paint(colour, KB_PAINT_NONE), text);
        free(head);
        free(text);
    }
}

static const char *state_words(const char *state) {
    static const struct {
        const char *state, *text;
    } words[] = {{"supervised", N_("supervised")}, {"unsupervised", N_("not supervised")}, {"no-mdm", N_("no MDM")}};
    for (size_t i = 0; i < KB_ARRAY_SIZE(words); i++)
        if (!strcmp(words[i].state, state)) return _(words[i].text);
    return _("not known");
}

/* The row of the manual's table, in words. */
static void tell_case(const struct kb_cli *cli, const json_t *check) {
    const json_t *same = json_object_get(check, "same_device");
    const char *which = json_is_true(same) ? N_("the same device") : N_("another device");
    kb_tell(cli, _("  Backup's device: %s; target: %s, %s."), state_words(text_of(check, "source_state")),
            json_is_boolean(same) ? _(which) : _("not known"), state_words(text_of(check, "target_state")));
    if (!strcmp(text_of(check, "agent"), "reauth"))
        kb_tell(
            cli, "%s",
            _("  Agent: has to be authenticated again afterwards; until then it reports the OLD device's location."));
}

static void tell_steps(const struct kb_cli *cli, const json_t *steps) {
    size_t i;
    json_t *step;
    if (!json_array_size(steps)) return;
    kb_tell(cli, "%s", _("  The operator's steps on the way:"));
    json_array_foreach(steps, i, step) {
        enum kb_step id = kb_step_from_name(json_string_value(step) ? json_string_value(step) : "");
        char head[16];
        snprintf(head, sizeof head, " %2d. ", (int)i + 1);
        tell_wrapped(cli, "", head, "", kb_step_text(kb_lang(), id));
    }
}

void kb_tell_check(const struct kb_cli *cli, const json_t *check) {
    bool colour = cli->options.json ? cli->err_colour : cli->out_colour;
    const char *verdict = text_of(check, "verdict");
    for (size_t i = 0; i < KB_ARRAY_SIZE(verdicts); i++)
        if (!strcmp(verdicts[i].verdict, verdict))
            kb_tell(cli, "%s%s%s", kb_paint(colour, verdicts[i].paint), _(verdicts[i].text),
                    kb_paint(colour, KB_PAINT_NONE));
    tell_findings(cli, json_object_get(check, "findings"), colour);
    if (strcmp(verdict, "refused")) {
        tell_case(cli, check);
        tell_steps(cli, json_object_get(check, "steps"));
    }
}

int kb_judge_pair(struct kb_cli *cli, const struct kb_request *request) {
    json_t *check = NULL;
    struct kb_result res = kb_run_one(cli, request, &check);
    int code = kb_exit_of(&res);
    if (!check) return kb_say_result(cli, &res);
    kb_put_json(cli, check);
    kb_tell_check(cli, check);
    if (!strcmp(text_of(check, "verdict"), "ready") && !cli->options.json)
        kb_tell(cli, _("Next: kitbench restore %s %s"), cli->options.operands[0], cli->options.operands[1]);
    json_decref(check);
    return code;
}

int kb_cmd_check(struct kb_cli *cli) {
    struct kb_request request;
    struct kb_result res;
    memset(&request, 0, sizeof request);
    if (cli->options.jobs || cli->options.inventory || cli->options.out) return kb_check_jobs(cli);
    if (cli->options.operand_count != 2) {
        res = kb_usage(cli->command, _("Something is missing: kitbench check BACKUP DEVICE, or check --jobs JOBS.csv"));
        return kb_say_result(cli, &res);
    }
    res = kb_pair_request(cli, KB_TASK_CHECK, &request);
    int code = kb_failed(&res) ? kb_say_result(cli, &res) : kb_judge_pair(cli, &request);
    kb_request_release(&request);
    return code;
}
