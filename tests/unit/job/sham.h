/* A job without a device: a clock that only waiting moves, and a sink that keeps what was said. */
#ifndef TEST_JOB_SHAM_H
#define TEST_JOB_SHAM_H

#include "../../../src/job/job.h"
#include <string.h>

#define SHAM_UDID "00008110-000A1B2C3D4E5F60"

struct sham {
    struct kb_request request;
    struct kb_sink sink;
    struct job job;
    json_t *lines; /* array */
    int64_t now_ms;
    int deadlines, last_deadline, logs;
    int64_t cancel_at_ms;
};

static void sham_line(void *arg, json_t *object) { json_array_append(((struct sham *)arg)->lines, object); }
static void sham_deadline(void *arg, int seconds) {
    struct sham *sham = arg;
    sham->deadlines++;
    sham->last_deadline = seconds;
}
static void sham_log(void *arg, const char *sentence) {
    (void)sentence;
    ((struct sham *)arg)->logs++;
}
static int64_t sham_now(void *arg) { return ((struct sham *)arg)->now_ms; }
static bool sham_wait(void *arg, int64_t ms) {
    struct sham *sham = arg;
    sham->now_ms += ms;
    return sham->cancel_at_ms && sham->now_ms >= sham->cancel_at_ms;
}

static inline void sham_init(struct sham *sham) {
    const struct kb_sink sink = {.line = sham_line, .deadline = sham_deadline, .log = sham_log, .arg = sham};
    const struct job_clock clock = {sham_now, sham_wait, sham};
    memset(sham, 0, sizeof *sham);
    sham->now_ms = 1000000;
    sham->lines = json_array();
    sham->sink = sink;
    sham->request.udid = (char *)(uintptr_t)SHAM_UDID;
    sham->request.wait_s = 180;
    sham->request.patience_s = 600;
    sham->job.req = &sham->request;
    sham->job.sink = &sham->sink;
    sham->job.clock = clock;
    kb_device_init(&sham->job.device);
}

static inline const json_t *sham_said(const struct sham *sham, size_t i) { return json_array_get(sham->lines, i); }
static inline const char *sham_text(const struct sham *sham, size_t i, const char *key) {
    const char *text = json_string_value(json_object_get(sham_said(sham, i), key));
    return text ? text : "";
}
static inline void sham_release(struct sham *sham) { json_decref(sham->lines); }
#endif
