/* The report: what the journal knows, gathered once, written as a web page, a table or JSON. */
#ifndef KB_CLI_REPORT_H
#define KB_CLI_REPORT_H

#include "cli.h"

struct kb_report_job {
    const struct kb_job *job;
    struct kb_step_list steps;
    json_t *judgement; /* of its last check; NULL when there is none */
    json_t *rows;      /* its raw journal rows */
};
struct kb_report {
    const char *batch; /* NULL: all */
    int64_t made_at;
    char *host; /* this computer */
    struct kb_jobs jobs;
    struct kb_report_job *list;
    int count;
    int64_t rows, broken_at; /* of the whole journal */
    char last[65];
};
/* Each makes the whole file's text. Pure. */
void kb_report_html(const struct kb_report *report, struct kb_buf *out);
void kb_report_csv(const struct kb_report *report, struct kb_buf *out);
void kb_report_json(const struct kb_report *report, struct kb_buf *out);

/* One CSV cell: quoted, and guarded against being taken for a formula by a spreadsheet. */
void kb_csv_cell(struct kb_buf *out, const char *text);
/* Text inside HTML, attributes too. */
void kb_html_text(struct kb_buf *out, const char *text);
#endif
