/* libFuzzer target: the job sheet. Any bytes are fine; what is taken keeps its promises. */
#include <stdlib.h>
#include <string.h>

#include "kitbench/tray.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct kb_sheet_job *job) {
    if (!job->target || !job->source || !job->user || !job->asset_tag) abort();
    if (strlen(job->user) > 127 || strlen(job->asset_tag) > 127 || strlen(job->source) > 4000) abort();
    if (!kb_utf8_valid(job->source, strlen(job->source)) || job->at.line < 1 || job->source_at.column < 1) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct kb_sheet sheet;

    kb_sheet_parse((const char *)data, size, &sheet);
    for (int i = 0; i < sheet.count; i++) judge(&sheet.jobs[i]);
    if (!sheet.error_total)
        for (int i = 0; i < sheet.count; i++)
            if (!*sheet.jobs[i].target || !*sheet.jobs[i].source) abort();
    if (!sheet.error_total && !sheet.count) abort(); /* nothing at all must be said */
    for (int i = 0; i < sheet.error_count; i++)
        if (!*sheet.errors[i].text || sheet.errors[i].at.line < 1 || sheet.errors[i].at.column < 1) abort();
    kb_sheet_release(&sheet);
    return 0;
}
