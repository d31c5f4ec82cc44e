/*
 * The JSON lines of a job (design.md, section 2), with exactly the contract's keys in its order. Nothing else speaks to
 * the sink; the tray makes its own lines with the same functions.
 */
#include "job.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_MS 250 /* progress: four lines a second are enough for an eye and for a pipe */

void kb_job_emit(struct job *job, json_t *object) {
    if (job->sink->line) job->sink->line(job->sink->arg, object);
    json_decref(object);
}

static json_t *event(const char *device, const char *name) {
    json_t *object = json_object();
    json_object_set_new(object, "event", json_string(name));
    kb_json_set_text(object, "device", device);
    return object;
}

/* One decimal, and as short in JSON as such a number is. */
static json_t *percent(double pct) {
    if (!(pct >= 0)) return json_null();
    if (pct > 100) pct = 100;
    return json_real(round(pct * 10) / 10);
}

void kb_job_progress(struct job *job, const char *phase, double done_pct, int64_t bytes) {
    int64_t now = job->clock.now_ms(job->clock.arg);
    bool same = job->phase && kb_streq(job->phase, phase);
    bool whole = done_pct >= 100 && job->told_pct < 100;
    if (same && now - job->told_ms < EVERY_MS && !whole) return;
    job->phase = phase;
    job->told_ms = now;
    job->told_pct = done_pct;
    json_t *object = event(job->req->udid, "progress");
    json_object_set_new(object, "phase", json_string(phase));
    json_object_set_new(object, "done_pct", percent(done_pct));
    kb_json_set_int(object, "bytes", bytes);
    kb_job_emit(job, object);
}

json_t *kb_line_operator(const char *device, const char *ask, const char *text) {
    json_t *object = event(device, "operator");
    kb_json_set_text(object, "ask", ask);
    kb_json_set_text(object, "text", text);
    return object;
}

json_t *kb_line_state(const char *device, enum kb_state state) {
    json_t *object = event(device, "state");
    json_object_set_new(object, "state", json_string(kb_state_name(state)));
    return object;
}

json_t *kb_line_result(const char *device, const char *outcome, const struct kb_result *res) {
    json_t *object = event(device, "result");
    json_object_set_new(object, "outcome", json_string(outcome));
    json_object_set_new(object, "domain", json_string(kb_domain_name(res->domain)));
    json_object_set_new(object, "code", json_integer(res->code));
    kb_json_set_text(object, "text", res->text);
    json_object_set_new(object, "exit", json_integer(kb_exit_of(res)));
    return object;
}

void kb_job_operator(struct job *job, const char *ask, const char *text) {
    kb_job_emit(job, kb_line_operator(job->req->udid, ask, text));
}

void kb_job_result_line(struct job *job, const char *outcome, const struct kb_result *res) {
    kb_job_emit(job, kb_line_result(job->req->udid, outcome, res));
}

void kb_job_deadline(struct job *job, int64_t seconds) {
    if (seconds > 7 * 86400) seconds = 7 * 86400;
    if (job->sink->deadline) job->sink->deadline(job->sink->arg, (int)seconds);
}

void kb_job_log(struct job *job, const char *format, ...) {
    char text[1024];
    va_list args;
    if (!job->sink->log) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    job->sink->log(job->sink->arg, text);
}

bool kb_job_kdf_progress(void *arg, int done_pct) {
    struct job *job = arg;
    kb_job_progress(job, "checking", done_pct, -1);
    return !kb_cancelled(job->cancel);
}
