/* The report as one self-contained web page: no script, nothing loaded, prints on paper. */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void kb_html_text(struct kb_buf *out, const char *text) {
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (const char *p = text; *p; p++) {
        size_t i = 0;
        while (i < KB_ARRAY_SIZE(entities) && entities[i].c != *p) i++;
        if (i < KB_ARRAY_SIZE(entities))
            kb_buf_puts(out, entities[i].entity);
        else
            kb_buf_add(out, p, 1);
    }
}

static void element(struct kb_buf *out, const char *open, const char *text, const char *close) {
    kb_buf_puts(out, open);
    kb_html_text(out, text);
    kb_buf_puts(out, close);
}

static const char style[] =
    "body{font:15px/1.6 system-ui,\"Hiragino Sans\",\"Yu Gothic UI\",\"Noto Sans CJK JP\",sans-serif;color:#1a1a1a;"
    "max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin:0 0 .5rem}h3{font-size:1rem;margin:1rem 0 .3rem}"
    "article{border:1px solid #bbb;border-radius:6px;padding:1rem;margin:1rem 0}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #ccc;padding:.25rem .5rem;text-align:left;"
    "vertical-align:top}th{background:#f2f2f2;font-weight:600}.facts th{width:14rem}.short{white-space:nowrap}"
    "code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.85em;overflow-wrap:anywhere}"
    ".state{display:inline-block;padding:0 .6rem;border-radius:4px;border:1px solid currentColor;font-weight:600}"
    ".done{color:#146c2e}.open{color:#8a5300}.bad{color:#a3000f}"
    "@media print{body{margin:0;max-width:none;font-size:11pt}article{break-inside:avoid;border-color:#888}}"
    "@page{margin:15mm}";

static void fact(struct kb_buf *out, const char *name, const char *value) {
    if (!*value) return;
    element(out, "<tr><th scope=\"row\">", name, "</th>");
    element(out, "<td>", value, "</td></tr>\n");
}

static void local_time(struct kb_buf *out, const char *open, int64_t seconds, const char *close) {
    char text[KB_HUMAN_ROOM];
    kb_human_time(text, seconds);
    element(out, open, text, close);
}

static int minutes_of(const struct tm *time) { return time->tm_hour * 60 + time->tm_min; }

/* Times are this computer's: says which that is, "+0900". strftime()'s %z is words on Windows, in a code page. */
static void time_zone(struct kb_buf *out, int64_t seconds) {
    char text[32] = "";
    time_t when = (time_t)seconds;
    struct tm *now = localtime(&when);
    struct tm local = now ? *now : (struct tm){0};
    const struct tm *utc = now ? gmtime(&when) : NULL;
    if (utc) {
        int days = local.tm_year != utc->tm_year ? local.tm_year - utc->tm_year : local.tm_yday - utc->tm_yday;
        int ahead = days * 24 * 60 + minutes_of(&local) - minutes_of(utc);
        snprintf(text, sizeof text, "%c%02d%02d", ahead < 0 ? '-' : '+', abs(ahead) / 60, abs(ahead) % 60);
    }
    element(out, "(", text, "), ");
}

static const char *state_class(enum kb_state state) {
    if (state == KB_STATE_DONE) return "done";
    return state == KB_STATE_REFUSED || state == KB_STATE_FAILED || state == KB_STATE_SET_ASIDE ? "bad" : "open";
}

static const char *kind_words(const struct kb_job *job) {
    static const char *const words[] = {N_("Backup"), N_("Restore"), N_("iCloud restore")};
    return _(words[job->kind]);
}

static const char *source_words(enum kb_source source) {
    static const char *const words[] = {"", N_("MDM, not supervised"), N_("supervised"), N_("no MDM")};
    return *words[source] ? _(words[source]) : "";
}

static const char *target_words(enum kb_target_state target) {
    static const char *const words[] = {"", N_("not supervised"), N_("supervised")};
    return *words[target] ? _(words[target]) : "";
}

static void facts(struct kb_buf *out, const struct kb_job *job) {
    kb_buf_puts(out, "<table class=\"facts\">\n");
    fact(out, _("Device"), job->device);
    fact(out, _("Serial number"), job->device_serial);
    fact(out, _("Slot"), job->slot);
    fact(out, _("User"), job->user);
    fact(out, _("Asset tag"), job->asset_tag);
    fact(out, _("Backup"), job->backup);
    fact(out, _("Backup of device"), job->backup_udid);
    fact(out, _("Its serial number"), job->backup_serial);
    fact(out, _("Source state"), source_words(job->source));
    fact(out, _("Target state"), target_words(job->target));
    fact(out, _("Operator"), job->by);
    fact(out, _("Holds accepted"), job->accepted);
    if (job->columns) {
        json_t *value;
        const char *key;
        json_object_foreach(job->columns, key, value)
            fact(out, key, json_is_string(value) ? json_string_value(value) : "");
    }
    kb_buf_puts(out, "</table>\n");
}

static void findings(struct kb_buf *out, const json_t *judgement) {
    const json_t *list = json_object_get(judgement, "findings");
    json_t *finding;
    size_t i;
    if (!json_array_size(list)) return;
    element(out, "<h3>", _("Findings of the check"), "</h3>\n<table>\n");
    json_array_foreach(list, i, finding) {
        const char *rule = json_string_value(json_object_get(finding, "rule"));
        const char *level = json_string_value(json_object_get(finding, "level"));
        const char *text = json_string_value(json_object_get(finding, "text"));
        element(out, "<tr><td>", level ? level : "", "</td>");
        element(out, "<td>", text ? text : "", "</td>");
        element(out, "<td><code>", rule ? rule : "", "</code></td></tr>\n");
    }
    kb_buf_puts(out, "</table>\n");
}

static const char *step_words(enum kb_step_state state) {
    static const char *const words[] = {N_("open"), N_("done"), N_("not needed")};
    return _(words[state]);
}

static void steps(struct kb_buf *out, const struct kb_step_list *list) {
    const char *heads[] = {_("Step"), _("State"), _("Evidence"), _("Who"), _("When")};
    if (!list->count) return;
    element(out, "<h3>", _("Steps"), "</h3>\n<table>\n<tr>");
    for (size_t i = 0; i < KB_ARRAY_SIZE(heads); i++)
        element(out, "<th scope=\"col\" class=\"short\">", heads[i], "</th>");
    kb_buf_puts(out, "</tr>\n");
    for (int i = 0; i < list->count; i++) {
        const struct kb_job_step *step = &list->list[i];
        const char *evidence = !strcmp(step->evidence, "operator") ? _("confirmed by a person") : step->detail;
        element(out, "<tr><td>", kb_step_text(kb_lang(), step->step), "</td>");
        element(out, step->state == KB_STEP_OPEN ? "<td class=\"short open\">" : "<td class=\"short done\">",
                step_words(step->state), "</td>");
        element(out, "<td>", step->state == KB_STEP_OPEN ? "" : evidence, "</td>");
        element(out, "<td>", step->by, "</td>");
        local_time(out, "<td class=\"short\">", step->closed_at, "</td></tr>\n");
    }
    kb_buf_puts(out, "</table>\n");
}

static void article(struct kb_buf *out, const struct kb_report_job *entry) {
    const struct kb_job *job = entry->job;
    element(out, "<article>\n<h2>", *job->device_name ? job->device_name : job->device, " ");
    kb_buf_printf(out, "<span class=\"state %s\">", state_class(job->state));
    kb_html_text(out, kb_state_words(kb_state_name(job->state)));
    element(out, "</span></h2>\n<p>", kind_words(job), ", ");
    local_time(out, "", job->created_at, " – ");
    local_time(out, "", job->updated_at, "</p>\n");
    if (*job->text) element(out, "<p>", job->text, "</p>\n");
    facts(out, job);
    findings(out, entry->judgement);
    steps(out, &entry->steps);
    element(out, "<p><small>", _("Job"), " <code>");
    element(out, "", job->id, "</code></small></p>\n</article>\n");
}

/* Where somebody's data moved to another device, the MDM's administrator has an old device to retire. */
static bool is_move(const struct kb_job *job) {
    return job->kind != KB_JOB_BACKUP && job->same_device == KB_NO && job->state != KB_STATE_REFUSED &&
           (job->kind == KB_JOB_GUIDE || job->touch == KB_TOUCH_CONFIRMED);
}

static void moves(struct kb_buf *out, const struct kb_report *report) {
    const char *heads[] = {_("User"), _("Old device"), _("New device"), _("Agent authenticated again")};
    int count = 0;
    for (int i = 0; i < report->count; i++) {
        const struct kb_job *job = report->list[i].job;
        if (!is_move(job)) continue;
        if (!count++) {
            element(out, "<h2>", _("For the MDM's administrator: old and new devices"), "</h2>\n<table>\n<tr>");
            for (size_t k = 0; k < KB_ARRAY_SIZE(heads); k++) element(out, "<th scope=\"col\">", heads[k], "</th>");
            kb_buf_puts(out, "</tr>\n");
        }
        const struct kb_job_step *agent = kb_steps_find(&report->list[i].steps, KB_STEP_AGENT_REAUTH);
        element(out, "<tr><td>", job->user, "</td>");
        element(out, "<td>", *job->backup_serial ? job->backup_serial : job->backup_udid, "</td>");
        element(out, "<td>", *job->device_serial ? job->device_serial : job->device, "</td>");
        element(out, "<td>",
                !agent                         ? "-"
                : agent->state == KB_STEP_OPEN ? _("no: it still reports the old device's location")
                                               : _("yes"),
                "</td></tr>\n");
    }
    if (count) kb_buf_puts(out, "</table>\n");
}

static void proof(struct kb_buf *out, const struct kb_report *report) {
    char text[200];
    if (report->broken_at)
        snprintf(text, sizeof text, _("BROKEN: row %lld is not as it was written."), (long long)report->broken_at);
    else
        snprintf(text, sizeof text, _("Unbroken: %lld rows, each chained to the one before by SHA-256."),
                 (long long)report->rows);
    element(out, "<h2>", _("Proof of the journal"), "</h2>\n");
    element(out, report->broken_at ? "<p class=\"bad\">" : "<p>", text, "</p>\n");
    element(out, "<p>", _("Last hash"), ": <code>");
    element(out, "", report->last, "</code></p>\n");
}

void kb_report_html(const struct kb_report *report, struct kb_buf *out) {
    const char *title = _("kitbench report");
    kb_buf_printf(out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n",
                  kb_lang() == KB_LANG_JA ? "ja" : "en");
    kb_buf_puts(
        out,
        "<meta name=\"viewport\" content=\"width=device-width\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    element(out, "<title>", title, "</title>\n<style>");
    kb_buf_puts(out, style);
    element(out, "</style>\n</head>\n<body>\n<h1>", title, "</h1>\n<p>");
    local_time(out, "", report->made_at, " ");
    time_zone(out, report->made_at);
    element(out, "", report->host, ", kitbench " KB_VERSION);
    if (report->batch) element(out, ", ", report->batch, "");
    kb_buf_puts(out, "</p>\n");
    moves(out, report);
    for (int i = 0; i < report->count; i++) article(out, &report->list[i]);
    proof(out, report);
    kb_buf_puts(out, "</body>\n</html>\n");
}
