/*
 * kitbench check --jobs: the dry run of a whole migration. Reads the sheet, finds who and what is meant, judges every
 * line by the rules, and says what is ready and what is not. Writes to no device.
 */
#include "dry.h"
#include "sheet.h"

#include <stdlib.h>
#include <string.h>

/* ---- Mistakes of the sheet */

static int tell_wrong(struct kb_dry *dry) {
    struct kb_result res =
        kb_fail(KB_USAGE, 0, _("Nothing was judged: mend the sheet %s and check it again"), dry->path);
    return kb_sheet_tell(dry->cli, dry->path, &dry->sheet, &res);
}

/* ---- Judging */

static void set_lines(struct kb_dry *dry) {
    dry->count = dry->sheet.count;
    dry->lines = kb_xcalloc((size_t)dry->count + 1, sizeof *dry->lines);
    for (int i = 0; i < dry->count; i++) {
        dry->lines[i].job = &dry->sheet.jobs[i];
        dry->lines[i].route = dry->sheet.jobs[i].has_route ? dry->sheet.jobs[i].route : dry->cli->options.route;
    }
}

static int by_backup(const void *a, const void *b) {
    const struct kb_dry_line *const *x = a, *const *y = b;
    uintptr_t p = (uintptr_t)(*x)->backup, q = (uintptr_t)(*y)->backup;
    return p != q ? (p > q) - (p < q) : (*x > *y) - (*x < *y);
}

/* One backup for two people: legal (a prepared one for many devices), and usually a slip that shows somebody another
 * person's photos. */
static void find_rivals(struct kb_dry *dry) {
    struct kb_dry_line **order = kb_xcalloc((size_t)dry->count + 1, sizeof *order);
    for (int i = 0; i < dry->count; i++) order[i] = &dry->lines[i];
    if (dry->count) qsort(order, (size_t)dry->count, sizeof *order, by_backup);
    for (int from = 0, to; from < dry->count; from = to) {
        const struct kb_sheet_job *first = NULL, *other = NULL;
        for (to = from; to < dry->count && order[to]->backup == order[from]->backup; to++) {
            const struct kb_sheet_job *job = order[to]->job;
            if (!*job->user || !order[to]->backup) continue;
            if (!first) first = job;
            if (!other && strcmp(job->user, first->user)) other = job;
        }
        for (int i = from; i < to && other; i++)
            if (*order[i]->job->user) order[i]->rival = strcmp(order[i]->job->user, first->user) ? first : other;
    }
    free(order);
}

/* Nothing is known of a backup that is not there, so rules that only say so are left out. */
static bool is_noise(const struct kb_dry_line *line, const struct kb_finding *finding) {
    static const enum kb_rule about[] = {
        KB_RULE_OS_VERSION,       KB_RULE_SOURCE_UNKNOWN,     KB_RULE_FREE_SPACE,    KB_RULE_BACKUP_UNFINISHED,
        KB_RULE_UNSUPPORTED_CASE, KB_RULE_BACKUP_UNENCRYPTED, KB_RULE_BACKUP_DAMAGED};
    if (!line->missing) return false;
    for (size_t i = 0; i < KB_ARRAY_SIZE(about); i++)
        if (finding->rule == about[i]) return true;
    return false;
}

static void refuse_missing(const struct kb_dry_line *line, struct kb_judgement *out) {
    int kept = 1;
    struct kb_finding missing = {.rule = KB_RULE_BACKUP_DAMAGED, .level = KB_LEVEL_BLOCK};
    struct kb_finding *list = kb_xcalloc(KB_MAX_FINDINGS + 1, sizeof *list);
    kb_text_clean(missing.text, sizeof missing.text, line->missing);
    list[0] = missing;
    for (int i = 0; i < out->finding_count && kept < KB_MAX_FINDINGS; i++)
        if (!is_noise(line, &out->findings[i])) list[kept++] = out->findings[i];
    memcpy(out->findings, list, (size_t)kept * sizeof *list);
    out->finding_count = kept;
    out->verdict = KB_VERDICT_REFUSED;
    out->step_count = 0;
    free(list);
}

static bool decides(const struct kb_finding *finding, enum kb_verdict verdict) {
    if (verdict == KB_VERDICT_REFUSED)
        return finding->level == KB_LEVEL_BLOCK || (finding->level == KB_LEVEL_HOLD && !finding->accepted);
    if (verdict == KB_VERDICT_OPERATOR) return finding->level == KB_LEVEL_OPERATOR;
    return verdict == KB_VERDICT_UNKNOWN && finding->unknown;
}

static void add_why(struct kb_dry_line *line, const struct kb_judgement *judgement) {
    const struct kb_finding *reason = kb_judgement_reason(judgement);
    if (reason) kb_text_copy(line->rule, sizeof line->rule, kb_rule_name(reason->rule));
    line->why = json_array();
    for (int i = 0; i < judgement->finding_count; i++)
        if (decides(&judgement->findings[i], judgement->verdict))
            json_array_append_new(line->why, json_string(judgement->findings[i].text));
    if (judgement->verdict == KB_VERDICT_UNKNOWN && !json_array_size(line->why))
        json_array_append_new(line->why, json_string(_("The device is not attached: plug it in and check again")));
}

/* A finding of the sheet, not of the manual's rules. */
static void add_rival(struct kb_dry_line *line) {
    char text[400];
    if (!line->rival) return;
    json_t *finding = json_object();
    snprintf(text, sizeof text,
             _("The same backup is meant for %.80s too (line %d): look whether both lines are right"),
             line->rival->user, line->rival->at.line);
    kb_json_set_text(finding, "rule", "backup-two-people");
    kb_json_set_text(finding, "level", kb_level_name(KB_LEVEL_WARN));
    kb_json_set_text(finding, "text", text);
    json_array_append_new(json_object_get(line->check, "findings"), finding);
}

static void judge(struct kb_dry *dry, struct kb_dry_line *line, struct kb_judgement *judgement) {
    const struct kb_options *options = &dry->cli->options;
    const struct kb_sheet_job *job = line->job;
    struct kb_backup_info nothing;
    if (line->backup && line->backup->missing && !line->missing) line->missing = kb_xstrdup(line->backup->missing);
    kb_backup_info_init(&nothing);
    const struct kb_question question = {
        .lang = kb_lang(),
        .route = line->route,
        .backup = line->missing ? &nothing : &line->backup->info,
        .device = line->device,
        .source_state = job->source_state != KB_SOURCE_UNKNOWN ? job->source_state : options->source_state,
        .target_state = job->target_state != KB_TARGET_UNKNOWN ? job->target_state : options->target_state,
        .accepted = options->accepted,
    };
    kb_judge(&question, judgement);
    if (line->missing) refuse_missing(line, judgement);
    line->verdict = judgement->verdict;
    line->check = kb_judgement_to_json(judgement, line->backup ? line->backup->path : job->source,
                                       line->device ? line->device->udid : job->target);
    add_why(line, judgement);
    add_rival(line);
}

static void add_up(struct kb_dry *dry, const struct kb_dry_line *line) {
    dry->verdicts[line->verdict]++;
    if (line->verdict == KB_VERDICT_REFUSED || line->route != KB_ROUTE_USB) return;
    int64_t bytes = line->backup ? line->backup->info.bytes : -1;
    dry->moving++;
    if (bytes < 0) {
        dry->unsized++;
        return;
    }
    dry->bytes = (dry->bytes < 0 ? 0 : dry->bytes) + bytes;
    if (bytes > dry->most_bytes) dry->most_bytes = bytes;
}

static void judge_all(struct kb_dry *dry) {
    struct kb_judgement *judgement = kb_xmalloc(sizeof *judgement);
    find_rivals(dry);
    dry->bytes = -1;
    for (int i = 0; i < dry->count; i++) {
        judge(dry, &dry->lines[i], judgement);
        add_up(dry, &dry->lines[i]);
    }
    free(judgement);
}

/* ---- The end */

static struct kb_result write_html(const struct kb_dry *dry) {
    struct kb_buf text = {0};
    const char *out = dry->cli->options.out;
    if (!out) return kb_ok();
    kb_dry_html(dry, &text);
    struct kb_result res = kb_file_save(out, text.data, text.size);
    if (!kb_failed(&res)) kb_say(dry->cli, _("The sheet to print is in %s."), out);
    kb_buf_release(&text);
    return res;
}

static int worst(const struct kb_dry *dry) {
    if (dry->verdicts[KB_VERDICT_REFUSED] || dry->verdicts[KB_VERDICT_UNKNOWN])
        return kb_verdict_exit(KB_VERDICT_REFUSED);
    return kb_verdict_exit(dry->verdicts[KB_VERDICT_OPERATOR] ? KB_VERDICT_OPERATOR : KB_VERDICT_READY);
}

static void release(struct kb_dry *dry) {
    for (int i = 0; i < dry->count; i++) {
        free(dry->lines[i].missing);
        json_decref(dry->lines[i].check);
        json_decref(dry->lines[i].why);
    }
    for (int i = 0; i < dry->backup_count; i++) {
        free(dry->backups[i]->path);
        free(dry->backups[i]->missing);
        free(dry->backups[i]->identity);
        free(dry->backups[i]);
    }
    free(dry->lines);
    free(dry->backups);
    free(dry->devices);
    free(dry->saved);
    kb_sheet_release(&dry->sheet);
}

static struct kb_result judge_options(const struct kb_cli *cli) {
    const struct kb_options *options = &cli->options;
    size_t size = options->out ? strlen(options->out) : 0;
    if (!options->jobs && options->inventory) return kb_usage(cli->command, _("--inventory goes with --jobs JOBS.csv"));
    if (!options->jobs) return kb_usage(cli->command, _("--out goes with --jobs JOBS.csv"));
    if (options->operand_count) return kb_usage(cli->command, _("Give either --jobs JOBS.csv, or BACKUP and DEVICE"));
    if (options->out && (size <= 5 || strcmp(options->out + size - 5, ".html")))
        return kb_usage(cli->command, _("%.200s must end in .html"), options->out);
    return kb_ok();
}

int kb_check_jobs(struct kb_cli *cli) {
    struct kb_dry dry = {.cli = cli, .path = cli->options.jobs, .rate = -1};
    int code;
    struct kb_result res = judge_options(cli);
    if (!kb_failed(&res)) res = kb_sheet_load(dry.path, false, &dry.sheet);
    if (kb_failed(&res) || dry.sheet.error_total) goto out;
    set_lines(&dry);
    res = kb_dry_devices(&dry);
    if (!kb_failed(&res)) res = kb_dry_backups(&dry);
    if (kb_failed(&res) || dry.sheet.error_total) goto out;
    judge_all(&dry);
    res = kb_dry_rates(&dry);
    if (kb_failed(&res)) kb_say(cli, "%s", res.text); /* the judgement does not need the journal */
    kb_dry_tell(&dry);
    res = write_html(&dry);
out:
    if (kb_failed(&res))
        code = kb_say_result(cli, &res);
    else
        code = dry.sheet.error_total ? tell_wrong(&dry) : worst(&dry);
    release(&dry);
    return code;
}
