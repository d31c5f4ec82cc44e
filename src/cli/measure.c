/* What a job's rows tell of its transfers: where, how long, how much, and how it ended. */
#include "measure.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TRANSFERS 64 /* of one job; nobody tries as often */
#define BODY_MAX      ((size_t)4 << 20)

struct measure {
    struct kb_transfer list[MAX_TRANSFERS];
    int count;
    bool moving, open; /* the last one goes on; its end is not known yet */
    int64_t begun_at, bytes;
    char slot[KB_SLOT_NAME_ROOM];
};

static bool is_transfer(enum kb_state state) { return state == KB_STATE_RESTORING || state == KB_STATE_BACKING_UP; }

static void begin(struct measure *measure, enum kb_state state, int64_t at) {
    if (measure->count == MAX_TRANSFERS) return;
    struct kb_transfer *transfer = &measure->list[measure->count++];
    *transfer = (struct kb_transfer){.restore = state == KB_STATE_RESTORING, .bytes = -1, .seconds = -1};
    kb_text_copy(transfer->slot, sizeof transfer->slot, measure->slot);
    measure->begun_at = at;
    measure->moving = measure->open = true;
}

/* A restore is neither good nor bad while the device restarts. */
static void look_at_state(struct measure *measure, const char *word, int64_t at) {
    enum kb_state state;
    if (!kb_state_parse(word, &state)) return;
    if (is_transfer(state)) {
        if (!measure->moving) begin(measure, state, at);
        return;
    }
    if (!measure->count) return;
    struct kb_transfer *last = &measure->list[measure->count - 1];
    if (measure->moving) {
        last->seconds = at > measure->begun_at ? at - measure->begun_at : 1;
        last->whole = state == KB_STATE_REBOOTING || state == KB_STATE_STEPS || state == KB_STATE_DONE;
    }
    measure->moving = false;
    if (!measure->open || state == KB_STATE_REBOOTING) return;
    last->failed = state == KB_STATE_FAILED || state == KB_STATE_SET_ASIDE;
    measure->open = false;
}

static bool look_at_row(void *arg, const struct kb_row *row) {
    struct measure *measure = arg;
    json_t *body = kb_json_parse(row->body, strlen(row->body), BODY_MAX);
    const char *slot = json_string_value(json_object_get(body, "slot"));
    const char *state = json_string_value(json_object_get(body, "state"));
    int64_t bytes = kb_json_get_int(json_object_get(body, "judgement"), "backup_bytes", -1);
    if (bytes >= 0) measure->bytes = bytes;
    if (slot && *slot) kb_text_copy(measure->slot, sizeof measure->slot, slot);
    bool of_job = !strcmp(row->kind, "job") || !strcmp(row->kind, "state"); /* steps have states too */
    if (of_job && state) look_at_state(measure, state, row->at);
    json_decref(body);
    return true;
}

struct kb_result kb_transfers(struct kb_journal *journal, const char *job,
                              void (*each)(void *arg, const struct kb_transfer *transfer), void *arg) {
    struct measure *measure = kb_xcalloc(1, sizeof *measure);
    measure->bytes = -1;
    struct kb_result res = kb_journal_rows(journal, job, look_at_row, measure);
    for (int i = 0; i < measure->count && !kb_failed(&res); i++) {
        measure->list[i].bytes = measure->bytes;
        each(arg, &measure->list[i]);
    }
    free(measure);
    return res;
}
