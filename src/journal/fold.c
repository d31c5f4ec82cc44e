/*
 * Folding: a job is what its rows say, one after the other. Every value is checked for its type, because the file may
 * have been written by another version or another hand; a row of an unknown kind changes nothing.
 */
#include "db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX (4 << 20)

struct kb_fold *kb_fold_new(void) {
    return kb_xcalloc(1, sizeof(struct kb_fold));
}

static void reset(struct kb_fold *fold) {
    kb_job_release(&fold->job);
    *fold = (struct kb_fold){.job.same_device = KB_UNKNOWN};
}

void kb_fold_free(struct kb_fold *fold) {
    if (fold == NULL) return;
    kb_job_release(&fold->job);
    free(fold);
}

/* ---- Words of other enums ---------------------------------------------------------------------------------------- */

static const char *word(const json_t *body, const char *key) {
    const char *text = json_string_value(json_object_get(body, key));
    return text ? text : "";
}

static void get_kind(const json_t *body, enum kb_job_kind *out) {
    for (int i = 0; i <= KB_JOB_GUIDE; i++) {
        if (kb_streq(kb_job_kind_name((enum kb_job_kind)i), word(body, "kind"))) *out = (enum kb_job_kind)i;
    }
}

static void get_touch(const json_t *body, enum kb_touch *out) {
    for (int i = 0; i <= KB_TOUCH_CONFIRMED; i++) {
        if (kb_streq(kb_touch_name((enum kb_touch)i), word(body, "touch"))) *out = (enum kb_touch)i;
    }
}

/* ---- The job's texts: one table for writing and reading ------------------------------------------------------------
 */

#define TEXT(field)                                                                                                    \
    { #field, offsetof(struct kb_job, field), sizeof(((struct kb_job *)0)->field) }
static const struct text_field {
    const char *key;
    size_t offset, room;
} job_texts[] = {
    TEXT(batch),  TEXT(device),      TEXT(device_serial), TEXT(device_name), TEXT(slot),
    TEXT(backup), TEXT(backup_udid), TEXT(backup_serial), TEXT(user),        TEXT(asset_tag),
    TEXT(by),     TEXT(text),        TEXT(owner),
};
/* What a later row may add to it. */
static const struct text_field fact_texts[] = {
    TEXT(device_serial), TEXT(device_name), TEXT(slot), TEXT(backup), TEXT(backup_udid), TEXT(backup_serial),
};

static void get_texts(struct kb_job *job, const json_t *body, const struct text_field *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (*word(body, fields[i].key))
            kb_json_get_text(body, fields[i].key, (char *)job + fields[i].offset, fields[i].room);
    }
}

static void set_texts(json_t *body, const struct kb_job *job, const struct text_field *fields, size_t count) {
    for (size_t i = 0; i < count; i++) kb_json_set_text(body, fields[i].key, (const char *)job + fields[i].offset);
}

static void get_case(struct kb_job *job, const json_t *body) {
    enum kb_tri same = kb_json_get_tri(body, "same_device");
    kb_source_parse(word(body, "source"), &job->source);
    kb_target_parse(word(body, "target"), &job->target);
    if (same != KB_UNKNOWN) job->same_device = same;
}

static void set_case(json_t *body, const struct kb_job *job) {
    kb_json_set_text(body, "source", kb_source_name(job->source));
    kb_json_set_text(body, "target", kb_target_name(job->target));
    kb_json_set_tri(body, "same_device", job->same_device);
}

json_t *kb_fold_job_body(const struct kb_job *job) {
    json_t *body = json_object();
    kb_json_set_text(body, "kind", kb_job_kind_name(job->kind));
    set_texts(body, job, job_texts, KB_ARRAY_SIZE(job_texts));
    kb_json_set_text(body, "route", kb_route_name(job->route));
    set_case(body, job);
    kb_json_set_text(body, "state", kb_state_name(job->state));
    kb_json_set_text(body, "touch", kb_touch_name(job->touch));
    kb_json_set_text(body, "accepted", job->accepted);
    json_object_set(body, "columns", job->columns ? job->columns : json_null());
    return body;
}

json_t *kb_fold_facts_body(const struct kb_job *job, const json_t *judgement) {
    json_t *body = json_object();
    set_texts(body, job, fact_texts, KB_ARRAY_SIZE(fact_texts));
    set_case(body, job);
    json_object_set_new(body, "judgement", judgement ? json_deep_copy(judgement) : json_null());
    return body;
}

/* ---- One function a kind of row ------------------------------------------------------------------------------------
 */

static void fold_job(struct kb_fold *fold, const struct kb_row *row, const json_t *body) {
    struct kb_job *job = &fold->job;
    json_t *columns = json_object_get(body, "columns");
    if (fold->found) return; /* a job begins once */
    fold->found = true;
    kb_text_copy(job->id, sizeof job->id, row->job);
    get_kind(body, &job->kind);
    get_texts(job, body, job_texts, KB_ARRAY_SIZE(job_texts));
    kb_route_parse(word(body, "route"), &job->route);
    get_case(job, body);
    kb_state_parse(word(body, "state"), &job->state);
    get_touch(body, &job->touch);
    kb_json_get_text(body, "accepted", job->accepted, sizeof job->accepted);
    if (json_is_object(columns)) job->columns = json_incref(columns);
    job->created_at = row->at;
}

static void fold_state(struct kb_fold *fold, const struct kb_row *row, const json_t *body) {
    (void)row;
    kb_state_parse(word(body, "state"), &fold->job.state);
    if (json_object_get(body, "text")) kb_json_get_text(body, "text", fold->job.text, sizeof fold->job.text);
    kb_json_get_text(body, "owner", fold->job.owner, sizeof fold->job.owner);
}

static void fold_touch(struct kb_fold *fold, const struct kb_row *row, const json_t *body) {
    (void)row;
    get_touch(body, &fold->job.touch);
}

static void fold_facts(struct kb_fold *fold, const struct kb_row *row, const json_t *body) {
    (void)row;
    get_texts(&fold->job, body, fact_texts, KB_ARRAY_SIZE(fact_texts));
    get_case(&fold->job, body);
}

static bool has_word(const char *list, const char *name) {
    size_t size = strlen(name);
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
        if (strcspn(at, ",") == size && memcmp(at, name, size) == 0) return true;
    }
    return false;
}

static void fold_accept(struct kb_fold *fold, const struct kb_row *row, const json_t *body) {
    (void)row;
    char *list = fold->job.accepted, rule[40];
    size_t used = strlen(list);
    kb_json_get_text(body, "rule", rule, sizeof rule);
    if (*rule == '\0' || has_word(list, rule) || used + strlen(rule) + 2 > sizeof fold->job.accepted) return;
    snprintf(list + used, sizeof fold->job.accepted - used, "%s%s", used ? "," : "", rule);
}

struct kb_job_step *kb_fold_step(struct kb_fold *fold, enum kb_step step) {
    for (int i = 0; i < fold->step_count; i++) {
        if (fold->steps[i].step == step) return &fold->steps[i];
    }
    return NULL;
}

static void fold_open(struct kb_fold *fold, const struct kb_row *row, const json_t *body) {
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(body, "steps"), i, name) {
        enum kb_step step = kb_step_from_name(json_string_value(name));
        if (step == KB_STEP_NONE || kb_fold_step(fold, step)) continue;
        struct kb_job_step *opened = &fold->steps[fold->step_count++];
        *opened = (struct kb_job_step){.step = step, .state = KB_STEP_OPEN, .open_since = row->at, .closed_at = -1};
    }
}

static void fold_close(struct kb_fold *fold, const struct kb_row *row, const json_t *body) {
    struct kb_job_step *step = kb_fold_step(fold, kb_step_from_name(word(body, "step")));
    enum kb_step_state state = KB_STEP_DONE;
    if (step == NULL || step->state != KB_STEP_OPEN) return;
    if (!kb_step_state_parse(word(body, "state"), &state) || state == KB_STEP_OPEN) return;
    step->state = state;
    step->closed_at = row->at;
    kb_json_get_text(body, "evidence", step->evidence, sizeof step->evidence);
    kb_json_get_text(body, "by", step->by, sizeof step->by);
    kb_json_get_text(body, "detail", step->detail, sizeof step->detail);
}

static const struct {
    const char *kind;
    void (*fold)(struct kb_fold *fold, const struct kb_row *row, const json_t *body);
} kinds[] = {
    {ROW_JOB, fold_job},       {ROW_STATE, fold_state}, {ROW_TOUCH, fold_touch}, {ROW_FACTS, fold_facts},
    {ROW_ACCEPT, fold_accept}, {ROW_OPEN, fold_open},   {ROW_CLOSE, fold_close},
};

static bool fold_row(void *arg, const struct kb_row *row) {
    struct kb_fold *fold = arg;
    for (size_t i = 0; i < KB_ARRAY_SIZE(kinds); i++) {
        if (!kb_streq(kinds[i].kind, row->kind)) continue;
        json_t *body = kb_json_parse(row->body, strlen(row->body), BODY_MAX);
        if (body) {
            kinds[i].fold(fold, row, body);
            if (row->at > fold->job.updated_at) fold->job.updated_at = row->at;
        }
        json_decref(body);
    }
    return true;
}

struct kb_result kb_fold_read(struct kb_journal *journal, const char *job, struct kb_fold *fold) {
    reset(fold);
    struct kb_result res = kb_journal_rows(journal, job, fold_row, fold);
    for (int i = 0; i < fold->step_count; i++) {
        struct kb_job_step *step = &fold->steps[i];
        kb_text_copy(step->job, sizeof step->job, fold->job.id);
        kb_text_copy(step->device, sizeof step->device, fold->job.device);
        if (fold->job.step == KB_STEP_NONE && step->state == KB_STEP_OPEN) fold->job.step = step->step;
    }
    return res;
}

struct kb_result kb_fold_need(struct kb_journal *journal, const char *job, struct kb_fold *fold) {
    struct kb_result res = kb_fold_read(journal, job, fold);
    if (!kb_failed(&res) && !fold->found)
        res = kb_fail(KB_JOURNAL, SQLITE_NOTFOUND, _("The journal has no job %s: kitbench status lists the jobs"), job);
    return res;
}

bool kb_fold_closed(struct kb_fold *fold) {
    const struct kb_job *job = &fold->job;
    const struct kb_case *row = NULL;
    if (job->same_device != KB_UNKNOWN) row = kb_case_find(job->source, job->same_device == KB_YES, job->target);
    for (int i = 0; i < fold->step_count; i++) {
        if (fold->steps[i].state == KB_STEP_OPEN) return false;
    }
    for (int i = 0; row && i < KB_MAX_FOLLOW_UPS && row->follow_ups[i] != KB_STEP_NONE; i++) {
        if (kb_fold_step(fold, row->follow_ups[i]) == NULL) return false; /* never opened: it was not done either */
    }
    return true;
}
