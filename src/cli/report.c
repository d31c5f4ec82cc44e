/* kitbench report: gathers the journal into one file, whole or not at all. */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *extension;
    void (*make)(const struct kb_report *report, struct kb_buf *out);
} kinds[] = {{".html", kb_report_html}, {".csv", kb_report_csv}, {".json", kb_report_json}};

static bool ends_with(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    if (a <= b) return false;
    for (size_t i = 0; i < b; i++)
        if ((text[a - b + i] | 0x20) != (end[i] | 0x20)) return false;
    return true;
}

/* A row that carries a judgement; the last one of a job is the one its restore was started by. */
static json_t *judgement_in(json_t *body) {
    static const char *const keys[] = {"judgement", "check", "facts"};
    if (json_object_get(body, "verdict")) return body;
    for (size_t i = 0; i < KB_ARRAY_SIZE(keys); i++)
        if (json_object_get(json_object_get(body, keys[i]), "verdict")) return json_object_get(body, keys[i]);
    return NULL;
}

static bool add_row(void *arg, const struct kb_row *row) {
    struct kb_report_job *job = arg;
    json_t *object = json_object(), *body = kb_json_parse(row->body, strlen(row->body), 1 << 20);
    json_t *judgement = judgement_in(body);
    kb_json_set_int(object, "seq", row->seq);
    kb_json_set_time(object, "at", row->at);
    kb_json_set_text(object, "kind", row->kind);
    json_object_set_new(object, "body", body ? json_incref(body) : json_null());
    kb_json_set_text(object, "previous", row->previous);
    kb_json_set_text(object, "hash", row->hash);
    json_array_append_new(job->rows, object);
    if (judgement) {
        json_decref(job->judgement);
        job->judgement = json_incref(judgement);
    }
    json_decref(body);
    return true;
}

static struct kb_result gather_job(struct kb_journal *journal, const struct kb_job *job, struct kb_report_job *out) {
    out->job = job;
    out->rows = json_array();
    struct kb_result res = kb_steps_load(journal, job->id, &out->steps);
    if (!kb_failed(&res)) res = kb_journal_rows(journal, job->id, add_row, out);
    return res;
}

static struct kb_result gather(struct kb_journal *journal, struct kb_report *report) {
    struct kb_result res = kb_jobs_load(journal, &report->jobs);
    report->list = kb_xcalloc((size_t)report->jobs.count + 1, sizeof *report->list);
    for (int i = 0; i < report->jobs.count && !kb_failed(&res); i++) {
        const struct kb_job *job = &report->jobs.list[i];
        if (report->batch && strcmp(report->batch, job->batch)) continue;
        res = gather_job(journal, job, &report->list[report->count++]);
    }
    if (!kb_failed(&res)) res = kb_journal_prove(journal, &report->rows, &report->broken_at, report->last);
    return res;
}

static void release(struct kb_report *report) {
    for (int i = 0; i < report->count; i++) {
        kb_steps_release(&report->list[i].steps);
        json_decref(report->list[i].judgement);
        json_decref(report->list[i].rows);
    }
    free(report->list);
    free(report->host);
    kb_jobs_release(&report->jobs);
}

static void tell(const struct kb_cli *cli, const struct kb_report *report, const char *out) {
    json_t *object = json_object();
    kb_json_set_text(object, "out", out);
    kb_json_set_int(object, "jobs", report->count);
    kb_json_set_int(object, "rows", report->rows);
    json_object_set_new(object, "unbroken", json_boolean(!report->broken_at));
    kb_put_json(cli, object);
    json_decref(object);
    kb_tell(cli, _("The report is in %s: %d jobs, %lld journal rows."), out, report->count, (long long)report->rows);
}

static struct kb_result write_report(struct kb_cli *cli, struct kb_journal *journal, size_t kind) {
    struct kb_report report = {.batch = cli->options.batch, .made_at = kb_clock_wall(), .host = kb_host_name()};
    struct kb_buf text = {0};
    struct kb_result res = gather(journal, &report);
    if (kb_failed(&res)) goto out;
    if (report.batch && !report.count) {
        res = kb_usage(cli->command, _("The journal has no job of batch \"%.60s\"; kitbench status shows the batches"),
                       report.batch);
        goto out;
    }
    kinds[kind].make(&report, &text);
    res = kb_file_save(cli->options.out, text.data, text.size);
    if (kb_failed(&res)) goto out;
    tell(cli, &report, cli->options.out);
    if (report.broken_at)
        res = kb_fail(KB_JOURNAL, 0, _("The journal was changed from outside at row %lld; the report says so"),
                      (long long)report.broken_at);
out:
    kb_buf_release(&text);
    release(&report);
    return res;
}

static struct kb_result choose_kind(const struct kb_cli *cli, size_t *kind) {
    const char *out = cli->options.out;
    if (!out) return kb_usage(cli->command, _("Where to? Give a file with --out FILE"));
    for (*kind = 0; *kind < KB_ARRAY_SIZE(kinds); (*kind)++)
        if (ends_with(out, kinds[*kind].extension)) return kb_ok();
    return kb_usage(cli->command, _("%.200s must end in .html, .csv or .json"), out);
}

int kb_cmd_report(struct kb_cli *cli) {
    struct kb_journal *journal = NULL;
    size_t kind = 0;
    struct kb_result res = choose_kind(cli, &kind);
    if (!kb_failed(&res)) res = kb_cli_journal(cli, NULL, &journal);
    if (!kb_failed(&res)) res = write_report(cli, journal, kind);
    kb_journal_close(journal);
    return kb_say_result(cli, &res);
}
