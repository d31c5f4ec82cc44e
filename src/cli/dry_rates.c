/* How fast this bench has restored so far, from its journal: bytes of the backup over the time the device took them. */
#include "dry.h"

#include <stdlib.h>
#include <string.h>

#define LAST_RESTORES 50 /* cables and hubs change */

struct measure {
    int64_t bytes, begun_at, ended_at;
};

static bool look_at_row(void *arg, const struct kb_row *row) {
    struct measure *measure = arg;
    json_t *body = kb_json_parse(row->body, strlen(row->body), 4 << 20);
    const char *state = json_string_value(json_object_get(body, "state"));
    int64_t bytes = kb_json_get_int(json_object_get(body, "judgement"), "backup_bytes", -1);
    if (bytes >= 0) measure->bytes = bytes;
    if (kb_streq(state, "restoring")) {
        measure->begun_at = row->at;
        measure->ended_at = -1;
    } else if (state && measure->begun_at >= 0 && measure->ended_at < 0) {
        measure->ended_at = row->at;
    }
    json_decref(body);
    return true;
}

struct kb_result kb_dry_rates(struct kb_dry *dry) {
    struct kb_journal *journal = NULL;
    struct kb_jobs jobs = {0};
    int64_t bytes = 0, seconds = 0;
    dry->rate = -1;
    struct kb_result res = kb_cli_journal(dry->cli, NULL, &journal);
    if (!kb_failed(&res)) res = kb_jobs_load(journal, &jobs);
    for (int i = jobs.count - 1; i >= 0 && dry->measured < LAST_RESTORES && !kb_failed(&res); i--) {
        struct measure measure = {-1, -1, -1};
        if (jobs.list[i].kind != KB_JOB_RESTORE || jobs.list[i].touch < KB_TOUCH_ANSWERED) continue;
        res = kb_journal_rows(journal, jobs.list[i].id, look_at_row, &measure);
        if (measure.bytes <= 0 || measure.ended_at < 0) continue;
        bytes += measure.bytes;
        seconds += measure.ended_at > measure.begun_at ? measure.ended_at - measure.begun_at : 1;
        dry->measured++;
    }
    if (seconds) dry->rate = (double)bytes / (double)seconds;
    kb_jobs_release(&jobs);
    kb_journal_close(journal);
    return res;
}
