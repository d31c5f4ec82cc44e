/*
 * One request, done to its end: the table of tasks.
 */
#include "job.h"
#include <string.h>

static const struct {
    enum kb_task task;
    struct kb_result (*run)(struct job *job);
    const char *awake; /* why the computer must not fall asleep meanwhile; NULL: it may */
} tasks[] = {
    {KB_TASK_PROBE, kb_job_probe, NULL},
    {KB_TASK_CHECK, kb_job_check, NULL},
    {KB_TASK_PAIR, kb_job_pair, NULL},
    {KB_TASK_BACKUP, kb_job_backup, "kitbench: backup"},
    {KB_TASK_RESTORE, kb_job_restore, "kitbench: restore"},
    {KB_TASK_EVIDENCE, kb_job_evidence, NULL},
    {KB_TASK_INSPECT, kb_job_inspect, NULL},
};

static int64_t clock_now(void *arg) {
    (void)arg;
    return kb_clock_ms();
}

static bool clock_wait(void *arg, int64_t ms) { return kb_cancel_wait(arg, ms); }

struct kb_result kb_job_run(const struct kb_request *request, const struct kb_sink *sink, struct kb_cancel *cancel) {
    struct kb_result res = kb_fail(KB_UNEXPECTED, 0, _("The worker was asked for an unknown task"));
    struct job job = {.req = request, .sink = sink, .cancel = cancel, .clock = {clock_now, clock_wait, cancel}};
    kb_device_init(&job.device);
    for (size_t i = 0; i < KB_ARRAY_SIZE(tasks); i++) {
        if (tasks[i].task != request->task) continue;
        struct kb_awake *awake = tasks[i].awake ? kb_awake_begin(tasks[i].awake) : NULL;
        res = tasks[i].run(&job);
        kb_awake_end(awake);
    }
    kb_job_end(&job);
    return res;
}
