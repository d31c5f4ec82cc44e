/* The report as a table for a spreadsheet: one line a step, UTF-8 with BOM, everything quoted (RFC 4180). */
#include "report.h"

#include <string.h>

/* Names come from devices: a cell that begins like a formula would run in the spreadsheet of whoever opens the file. */
void kb_csv_cell(struct kb_buf *out, const char *text) {
    kb_buf_puts(out, "\"");
    if (*text && strchr("=+-@\t\r\n", *text)) kb_buf_puts(out, "'");
    for (const char *p = text; *p; p++) {
        if (*p == '"') kb_buf_puts(out, "\"");
        kb_buf_add(out, p, 1);
    }
    kb_buf_puts(out, "\"");
}

static void cell(struct kb_buf *out, const char *text) {
    if (out->size && out->data[out->size - 1] == '"') kb_buf_puts(out, ",");
    kb_csv_cell(out, text ? text : "");
}

static void cell_time(struct kb_buf *out, int64_t seconds) {
    char text[KB_TIME_ROOM];
    kb_time_iso(text, seconds);
    cell(out, text);
}

static const char *const heads[] = {
    "job",        "batch",     "kind",        "route",         "device",       "serial",       "device_name",
    "slot",       "backup",    "backup_udid", "backup_serial", "source_state", "target_state", "same_device",
    "user",       "asset_tag", "by",          "accepted",      "state",        "text",         "created_at",
    "updated_at", "step",      "step_state",  "evidence",      "confirmed_by", "detail",       "open_since",
    "closed_at",
};

static void job_cells(struct kb_buf *out, const struct kb_job *job) {
    static const char *const same[] = {"", "no", "yes"};
    const char *texts[] = {job->id,
                           job->batch,
                           kb_job_kind_name(job->kind),
                           kb_route_name(job->route),
                           job->device,
                           job->device_serial,
                           job->device_name,
                           job->slot,
                           job->backup,
                           job->backup_udid,
                           job->backup_serial,
                           kb_source_name(job->source),
                           kb_target_name(job->target),
                           same[job->same_device + 1],
                           job->user,
                           job->asset_tag,
                           job->by,
                           job->accepted,
                           kb_state_name(job->state),
                           job->text};
    for (size_t i = 0; i < KB_ARRAY_SIZE(texts); i++) cell(out, texts[i]);
    cell_time(out, job->created_at);
    cell_time(out, job->updated_at);
}

static void step_cells(struct kb_buf *out, const struct kb_job_step *step) {
    cell(out, step ? kb_step_name(step->step) : "");
    cell(out, step ? kb_step_state_name(step->state) : "");
    cell(out, step ? step->evidence : "");
    cell(out, step ? step->by : "");
    cell(out, step ? step->detail : "");
    cell_time(out, step ? step->open_since : -1);
    cell_time(out, step ? step->closed_at : -1);
}

/* The further columns of all job sheets, in the order in which they are met. */
static json_t *extra_columns(const struct kb_report *report) {
    json_t *all = json_object(), *value;
    const char *key;
    for (int i = 0; i < report->count; i++)
        if (report->list[i].job->columns) json_object_foreach(report->list[i].job->columns, key, value) {
                if (!json_object_get(all, key)) json_object_set_new(all, key, json_true());
            }
    return all;
}

static void line(struct kb_buf *out, const struct kb_report_job *entry, const struct kb_job_step *step, json_t *extra) {
    json_t *value;
    const char *key;
    job_cells(out, entry->job);
    step_cells(out, step);
    json_object_foreach(extra, key, value) cell(out, json_string_value(json_object_get(entry->job->columns, key)));
    kb_buf_puts(out, "\r\n");
}

void kb_report_csv(const struct kb_report *report, struct kb_buf *out) {
    json_t *extra = extra_columns(report), *value;
    const char *key;
    kb_buf_puts(out, "\xef\xbb\xbf");
    for (size_t i = 0; i < KB_ARRAY_SIZE(heads); i++) cell(out, heads[i]);
    json_object_foreach(extra, key, value) cell(out, key);
    kb_buf_puts(out, "\r\n");
    for (int i = 0; i < report->count; i++) {
        const struct kb_report_job *entry = &report->list[i];
        for (int k = 0; k < entry->steps.count; k++) line(out, entry, &entry->steps.list[k], extra);
        if (!entry->steps.count) line(out, entry, NULL, extra);
    }
    json_decref(extra);
}
