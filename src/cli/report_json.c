/* The report as JSON: everything, so that another program needs nothing else. */
#include "report.h"

#include <stdlib.h>

static json_t *step_object(const struct kb_job_step *step) {
    json_t *object = json_object();
    kb_json_set_text(object, "step", kb_step_name(step->step));
    kb_json_set_text(object, "state", kb_step_state_name(step->state));
    kb_json_set_text(object, "text", kb_step_text(kb_lang(), step->step));
    kb_json_set_text(object, "evidence", step->evidence);
    kb_json_set_text(object, "by", step->by);
    kb_json_set_text(object, "detail", step->detail);
    kb_json_set_time(object, "open_since", step->open_since);
    kb_json_set_time(object, "closed_at", step->closed_at);
    return object;
}

/* "a,b" as an array. */
static json_t *accepted_array(const char *text) {
    json_t *array = json_array();
    while (*text) {
        size_t size = 0;
        while (text[size] && text[size] != ',') size++;
        if (size) json_array_append_new(array, json_stringn(text, size));
        text += size + (text[size] == ',');
    }
    return array;
}

static json_t *job_object(const struct kb_report_job *entry) {
    const struct kb_job *job = entry->job;
    json_t *object = json_object(), *steps = json_array();
    kb_json_set_text(object, "job", job->id);
    kb_json_set_text(object, "batch", job->batch);
    kb_json_set_text(object, "kind", kb_job_kind_name(job->kind));
    kb_json_set_text(object, "route", kb_route_name(job->route));
    kb_json_set_text(object, "device", job->device);
    kb_json_set_text(object, "serial", job->device_serial);
    kb_json_set_text(object, "device_name", job->device_name);
    kb_json_set_text(object, "slot", job->slot);
    kb_json_set_text(object, "backup", job->backup);
    kb_json_set_text(object, "backup_udid", job->backup_udid);
    kb_json_set_text(object, "backup_serial", job->backup_serial);
    kb_json_set_text(object, "source_state", kb_source_name(job->source));
    kb_json_set_text(object, "target_state", kb_target_name(job->target));
    kb_json_set_tri(object, "same_device", job->same_device);
    kb_json_set_text(object, "user", job->user);
    kb_json_set_text(object, "asset_tag", job->asset_tag);
    kb_json_set_text(object, "by", job->by);
    json_object_set_new(object, "accepted", accepted_array(job->accepted));
    kb_json_set_text(object, "state", kb_state_name(job->state));
    kb_json_set_text(object, "touch", kb_touch_name(job->touch));
    kb_json_set_text(object, "text", job->text);
    kb_json_set_time(object, "created_at", job->created_at);
    kb_json_set_time(object, "updated_at", job->updated_at);
    json_object_set_new(object, "columns", job->columns ? json_deep_copy(job->columns) : json_null());
    json_object_set_new(object, "check", entry->judgement ? json_deep_copy(entry->judgement) : json_null());
    for (int i = 0; i < entry->steps.count; i++) json_array_append_new(steps, step_object(&entry->steps.list[i]));
    json_object_set_new(object, "steps", steps);
    json_object_set(object, "rows", entry->rows);
    return object;
}

void kb_report_json(const struct kb_report *report, struct kb_buf *out) {
    json_t *object = json_object(), *proof = json_object(), *jobs = json_array();
    kb_json_set_text(object, "kitbench", KB_VERSION);
    kb_json_set_time(object, "made_at", report->made_at);
    kb_json_set_text(object, "host", report->host);
    kb_json_set_text(object, "batch", report->batch);
    kb_json_set_int(proof, "rows", report->rows);
    json_object_set_new(proof, "unbroken", json_boolean(!report->broken_at));
    json_object_set_new(proof, "broken_at", report->broken_at ? json_integer(report->broken_at) : json_null());
    kb_json_set_text(proof, "last_hash", report->last);
    json_object_set_new(object, "journal", proof);
    for (int i = 0; i < report->count; i++) json_array_append_new(jobs, job_object(&report->list[i]));
    json_object_set_new(object, "jobs", jobs);
    char *text = json_dumps(object, JSON_INDENT(2));
    kb_buf_puts(out, text ? text : "{}");
    kb_buf_puts(out, "\n");
    free(text);
    json_decref(object);
}
