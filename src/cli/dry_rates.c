/* How fast this bench has restored so far, from its journal: bytes of the backup over the time the device took them. */
#include "dry.h"
#include "measure.h"

#define LAST_RESTORES 50 /* cables and hubs change */

static void take_last(void *arg, const struct kb_transfer *transfer) {
    struct kb_transfer *last = arg;
    if (transfer->restore) *last = *transfer;
}

struct kb_result kb_dry_rates(struct kb_dry *dry) {
    struct kb_journal *journal = NULL;
    struct kb_jobs jobs = {0};
    int64_t bytes = 0, seconds = 0;
    dry->rate = -1;
    struct kb_result res = kb_cli_journal(dry->cli, NULL, &journal);
    if (!kb_failed(&res)) res = kb_jobs_load(journal, &jobs);
    for (int i = jobs.count - 1; i >= 0 && dry->measured < LAST_RESTORES && !kb_failed(&res); i--) {
        struct kb_transfer last = {.bytes = -1, .seconds = -1};
        if (jobs.list[i].kind != KB_JOB_RESTORE || jobs.list[i].touch < KB_TOUCH_ANSWERED) continue;
        res = kb_transfers(journal, jobs.list[i].id, take_last, &last);
        if (last.bytes <= 0 || last.seconds < 0) continue;
        bytes += last.bytes;
        seconds += last.seconds;
        dry->measured++;
    }
    if (seconds) dry->rate = (double)bytes / (double)seconds;
    kb_jobs_release(&jobs);
    kb_journal_close(journal);
    return res;
}
