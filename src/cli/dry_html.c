/* The dry run as a page to print and to tick by hand: one self-contained file, no script, nothing loaded. */
#include "dry.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void element(struct kb_buf *out, const char *open, const char *text, const char *close) {
    kb_buf_puts(out, open);
    kb_html_text(out, text);
    kb_buf_puts(out, close);
}

static const char style[] =
    "body{font:14px/1.5 system-ui,\"Hiragino Sans\",\"Yu Gothic UI\",\"Noto Sans CJK JP\",sans-serif;color:#1a1a1a;"
    "max-width:80rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.5rem}table{border-collapse:collapse;width:100%}thead{display:table-header-group}"
    "th,td{border:1px solid #bbb;padding:.25rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "th{background:#f2f2f2;font-weight:600}tr{break-inside:avoid}.short{white-space:nowrap;overflow-wrap:normal}"
    ".tick{width:1.5rem}.tick span{display:inline-block;width:1rem;height:1rem;border:1px solid #333}"
    ".sum{display:flex;gap:1rem;padding:0;list-style:none}.sum li{border:1px solid "
    "#bbb;border-radius:6px;padding:.3rem "
    ".8rem}ul{margin:0;padding-left:1.1rem}small{color:#555}"
    ".ready{color:#146c2e;font-weight:600}.operator{color:#8a5300;font-weight:600}"
    ".unknown,.refused{color:#a3000f;font-weight:600}"
    "@media print{body{margin:0;max-width:none;font-size:9.5pt;padding:0}th{background:none}}"
    "@page{size:A4 landscape;margin:12mm}";

static void head(struct kb_buf *out, const char *title) {
    kb_buf_printf(out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n",
                  kb_lang() == KB_LANG_JA ? "ja" : "en");
    kb_buf_puts(
        out,
        "<meta name=\"viewport\" content=\"width=device-width\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    element(out, "<title>", title, "</title>\n<style>");
    kb_buf_puts(out, style);
    element(out, "</style>\n</head>\n<body>\n<h1>", title, "</h1>\n");
}

static void summary(struct kb_buf *out, const struct kb_dry *dry) {
    static const enum kb_verdict order[] = {KB_VERDICT_READY, KB_VERDICT_OPERATOR, KB_VERDICT_UNKNOWN,
                                            KB_VERDICT_REFUSED};
    struct kb_buf text = {0};
    char when[KB_HUMAN_ROOM], *host = kb_host_name();
    kb_human_time(when, kb_clock_wall());
    element(out, "<p>", when, ", ");
    element(out, "", host, ", kitbench " KB_VERSION ", <code>");
    element(out, "", kb_path_base(dry->path), "</code></p>\n<ul class=\"sum\">");
    for (size_t i = 0; i < KB_ARRAY_SIZE(order); i++) {
        kb_buf_printf(out, "<li><span class=\"%s\">", kb_verdict_name(order[i]));
        element(out, "", kb_verdict_words(order[i]), "</span>");
        kb_buf_printf(out, " %d</li>", dry->verdicts[order[i]]);
    }
    kb_dry_size_words(dry, &text);
    element(out, "</ul>\n<p>", text.data, "<br>\n");
    text.size = 0;
    kb_dry_time_words(dry, &text);
    element(out, "", text.data, "</p>\n");
    kb_buf_release(&text);
    free(host);
}

static void target_cell(struct kb_buf *out, const struct kb_dry_line *line) {
    char name[256];
    kb_dry_target(line, name, sizeof name);
    element(out, "<td>", name, "");
    if (line->device) {
        element(out, "<br><small>", line->device->udid, "");
        element(out, " ", line->device->serial, " ");
        element(out, "iOS ", *line->device->os ? line->device->os : "-", "</small>");
    }
    if (line->saved) element(out, "<br><small>", _("from the inventory, of unknown age"), "</small>");
    kb_buf_puts(out, "</td>");
}

static void source_cell(struct kb_buf *out, const struct kb_dry_line *line) {
    char name[256], when[KB_HUMAN_ROOM], size[KB_HUMAN_ROOM];
    kb_dry_source(line, name, sizeof name);
    element(out, "<td>", name, "");
    if (line->backup && !line->missing) {
        kb_human_time(when, line->backup->info.taken_at);
        kb_human_bytes(size, line->backup->info.bytes);
        element(out, "<br><small>", when, ", ");
        element(out, "", size, ", ");
        element(out, "iOS ", *line->backup->info.os ? line->backup->info.os : "-", "</small>");
    }
    kb_buf_puts(out, "</td>");
}

static void findings_cell(struct kb_buf *out, const struct kb_dry_line *line) {
    size_t i;
    json_t *finding, *value;
    const char *key;
    kb_buf_puts(out, "<td><ul>");
    json_array_foreach(json_object_get(line->check, "findings"), i, finding) {
        const char *text = json_string_value(json_object_get(finding, "text"));
        const char *level = json_string_value(json_object_get(finding, "level"));
        if (kb_streq(level, "info")) continue;
        element(out, "<li>", text ? text : "", "</li>");
    }
    if (line->verdict == KB_VERDICT_UNKNOWN) /* a device that is not there can have no finding of its own */
        json_array_foreach(line->why, i, value) if (!json_array_size(json_object_get(line->check, "findings")))
            element(out, "<li>", json_string_value(value), "</li>");
    kb_buf_puts(out, "</ul>");
    json_object_foreach(line->job->columns, key, value) {
        if (!*json_string_value(value)) continue;
        element(out, "<small>", key, ": ");
        element(out, "", json_string_value(value), "</small><br>");
    }
    kb_buf_puts(out, "</td>");
}

static void row(struct kb_buf *out, const struct kb_dry_line *line) {
    kb_buf_printf(out, "<tr><td class=\"tick\"><span></span></td><td class=\"short\">%d</td>", line->job->at.line);
    element(out, "<td>", line->job->user, "");
    if (*line->job->asset_tag) element(out, "<br><small>", line->job->asset_tag, "</small>");
    kb_buf_puts(out, "</td>");
    target_cell(out, line);
    source_cell(out, line);
    kb_buf_printf(out, "<td class=\"short %s\">", kb_verdict_name(line->verdict));
    element(out, "", kb_verdict_words(line->verdict), "</td>");
    findings_cell(out, line);
    kb_buf_puts(out, "</tr>\n");
}

void kb_dry_html(const struct kb_dry *dry, struct kb_buf *out) {
    const char *heads[] = {_("Line"), _("User"), _("Target"), _("Backup of"), _("Verdict"), _("What is to be known")};
    head(out, _("Dry run of a migration"));
    summary(out, dry);
    kb_buf_puts(out, "<table>\n<thead><tr><th scope=\"col\"></th>");
    for (size_t i = 0; i < KB_ARRAY_SIZE(heads); i++) element(out, "<th scope=\"col\">", heads[i], "</th>");
    kb_buf_puts(out, "</tr></thead>\n<tbody>\n");
    for (int i = 0; i < dry->count; i++) row(out, &dry->lines[i]);
    kb_buf_puts(out, "</tbody>\n</table>\n</body>\n</html>\n");
}
