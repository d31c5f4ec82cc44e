/* Writing: each call is one durable transaction of one row. What is not allowed is refused before anything is written.
 */
#include "db.h"

#include <string.h>

/* One row about a job that is there already. Takes body. */
static struct kb_result append_to(struct kb_journal *journal, const char *job, const char *kind, json_t *body) {
    struct kb_fold *fold = kb_fold_new();
    struct kb_result res = kb_journal_begin(journal);
    if (kb_failed(&res)) goto out;
    res = kb_fold_need(journal, job, fold);
    if (!kb_failed(&res)) res = kb_journal_append(journal, job, kind, json_incref(body));
    res = kb_journal_end(journal, res);
out:
    json_decref(body);
    kb_fold_free(fold);
    return res;
}

struct kb_result kb_journal_create_job(struct kb_journal *journal, const struct kb_job *job) {
    struct kb_fold *fold = kb_fold_new();
    json_t *body = kb_fold_job_body(job);
    if (*job->owner == '\0' && !kb_state_ended(job->state)) kb_json_set_text(body, "owner", journal->owner);
    struct kb_result res = kb_journal_begin(journal);
    if (kb_failed(&res)) goto out;
    res = kb_fold_read(journal, job->id, fold);
    if (!kb_failed(&res) && (fold->found || *job->id == '\0'))
        res = kb_fail(KB_JOURNAL, SQLITE_CONSTRAINT, _("The journal has a job %s already: start again"), job->id);
    if (!kb_failed(&res)) res = kb_journal_append(journal, job->id, ROW_JOB, json_incref(body));
    res = kb_journal_end(journal, res);
out:
    json_decref(body);
    kb_fold_free(fold);
    return res;
}

/* Nobody works on a job that has ended or waits for the operator's hand. */
static bool has_owner(enum kb_state state) { return !kb_state_ended(state) && state != KB_STATE_STEPS; }

static json_t *state_body(const struct kb_journal *journal, enum kb_state state, const char *text) {
    json_t *body = json_object();
    kb_json_set_text(body, "state", kb_state_name(state));
    if (text) json_object_set_new(body, "text", json_string(""));
    if (text && *text) kb_json_set_text(body, "text", text);
    kb_json_set_text(body, "owner", has_owner(state) ? journal->owner : "");
    return body;
}

struct kb_result kb_journal_set_state(struct kb_journal *journal, const char *job, enum kb_state state,
                                      const char *text) {
    struct kb_fold *fold = kb_fold_new();
    struct kb_result res = kb_journal_begin(journal);
    if (kb_failed(&res)) goto out;
    res = kb_fold_need(journal, job, fold);
    /* A △ device is never done before its re-authentication is confirmed, whoever asks. */
    if (!kb_failed(&res) && state == KB_STATE_DONE && fold->job.kind != KB_JOB_BACKUP && !kb_fold_closed(fold))
        res = kb_fail(KB_OPERATOR, KB_ASK_NONE, _("Steps of job %s are still open: kitbench steps lists them"), job);
    if (!kb_failed(&res)) res = kb_journal_append(journal, job, ROW_STATE, state_body(journal, state, text));
    res = kb_journal_end(journal, res);
out:
    kb_fold_free(fold);
    return res;
}

struct kb_result kb_journal_set_touch(struct kb_journal *journal, const char *job, enum kb_touch touch) {
    json_t *body = json_object();
    kb_json_set_text(body, "touch", kb_touch_name(touch));
    return append_to(journal, job, ROW_TOUCH, body);
}

struct kb_result kb_journal_set_facts(struct kb_journal *journal, const struct kb_job *job, const json_t *judgement) {
    return append_to(journal, job->id, ROW_FACTS, kb_fold_facts_body(job, judgement));
}

struct kb_result kb_journal_accept(struct kb_journal *journal, const char *job, enum kb_rule rule, const char *by) {
    json_t *body = json_object();
    kb_json_set_text(body, "rule", kb_rule_name(rule));
    kb_json_set_text(body, "by", by);
    return append_to(journal, job, ROW_ACCEPT, body);
}

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

struct kb_result kb_journal_open_steps(struct kb_journal *journal, const char *job, const enum kb_step *steps,
                                       int count) {
    struct kb_fold *fold = kb_fold_new();
    json_t *body = json_object(), *names = json_array();
    json_object_set_new(body, "steps", names);
    struct kb_result res = kb_journal_begin(journal);
    if (kb_failed(&res)) goto out;
    res = kb_fold_need(journal, job, fold);
    for (int i = 0; i < count && !kb_failed(&res); i++) {
        if (steps[i] != KB_STEP_NONE && kb_fold_step(fold, steps[i]) == NULL)
            json_array_append_new(names, json_string(kb_step_name(steps[i])));
    }
    if (!kb_failed(&res) && json_array_size(names) > 0)
        res = kb_journal_append(journal, job, ROW_OPEN, json_incref(body));
    res = kb_journal_end(journal, res);
out:
    json_decref(body);
    kb_fold_free(fold);
    return res;
}

static struct kb_result check_evidence(enum kb_step step, const char *evidence, const char *by) {
    bool person = kb_streq(evidence, "operator");
    if (person && (by == NULL || *by == '\0')) return kb_fail(KB_USAGE, 0, _("Say who did it: give a name with --by"));
    if (!person && kb_step_needs_person(step))
        return kb_fail(KB_USAGE, 0,
                       _("No reading of the device proves the step %s: a person confirms it with kitbench "
                         "confirm"),
                       kb_step_name(step));
    return kb_ok();
}

/*
 * A device that was not seen in Setup Assistant since the steps were opened still shows its life before: that its setup
 * is done or that it is managed proves nothing about what is to come (route icloud; by USB the restore closes it).
 */
static bool is_too_early(struct kb_fold *fold, enum kb_step step, const char *evidence) {
    const struct kb_job_step *start = kb_fold_step(fold, KB_STEP_START_SETUP);
    bool waits = start && start->state == KB_STEP_OPEN && step != KB_STEP_START_SETUP;
    return waits && !kb_streq(evidence, "operator");
}

static json_t *close_body(enum kb_step step, enum kb_step_state state, const char *evidence, const char *by,
                          const char *detail) {
    json_t *body = json_object();
    kb_json_set_text(body, "step", kb_step_name(step));
    kb_json_set_text(body, "state", kb_step_state_name(state));
    kb_json_set_text(body, "evidence", evidence);
    kb_json_set_text(body, "by", by);
    kb_json_set_text(body, "detail", detail);
    return body;
}

struct kb_result kb_journal_close_step(struct kb_journal *journal, const char *job, enum kb_step step,
                                       enum kb_step_state state, const char *evidence, const char *by,
                                       const char *detail) {
    struct kb_fold *fold = kb_fold_new();
    struct kb_job_step *open;
    struct kb_result res = kb_journal_begin(journal);
    if (kb_failed(&res)) goto out;
    res = kb_fold_need(journal, job, fold);
    if (kb_failed(&res)) goto end;
    open = kb_fold_step(fold, step);
    if (open == NULL)
        res =
            kb_fail(KB_USAGE, 0, _("Job %s has no step %s: kitbench steps lists what it has"), job, kb_step_name(step));
    else if (open->state == KB_STEP_OPEN && state != KB_STEP_OPEN && !is_too_early(fold, step, evidence)) {
        res = check_evidence(step, evidence, by);
        if (!kb_failed(&res))
            res = kb_journal_append(journal, job, ROW_CLOSE, close_body(step, state, evidence, by, detail));
    }
end:
    res = kb_journal_end(journal, res);
out:
    kb_fold_free(fold);
    return res;
}

struct kb_result kb_journal_finish_if_closed(struct kb_journal *journal, const char *job, bool *done) {
    struct kb_fold *fold = kb_fold_new();
    struct kb_result res = kb_journal_begin(journal);
    *done = false;
    if (kb_failed(&res)) goto out;
    res = kb_fold_need(journal, job, fold);
    bool finish = !kb_failed(&res) && fold->job.state == KB_STATE_STEPS && kb_fold_closed(fold);
    bool was_done = !kb_failed(&res) && fold->job.state == KB_STATE_DONE;
    if (finish)
        res = kb_journal_append(journal, job, ROW_STATE,
                                state_body(journal, KB_STATE_DONE, _("Finished: every step is closed")));
    res = kb_journal_end(journal, res);
    *done = !kb_failed(&res) && (finish || was_done);
out:
    kb_fold_free(fold);
    return res;
}
