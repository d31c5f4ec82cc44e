/* Words of the journal's enums, job ids, and who works on a job. */
#include "kitbench/host.h"
#include "kitbench/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_words[] = {
#define X(name, word) word,
    KB_STATES(X)
#undef X
};
static const char *const kind_words[] = {"backup", "restore", "guide"};
static const char *const touch_words[] = {"nothing", "asked", "answered", "confirmed"};

const char *kb_state_name(enum kb_state state) { return (size_t)state < KB_STATE_COUNT ? state_words[state] : ""; }

bool kb_state_parse(const char *text, enum kb_state *state) {
    for (int i = 0; i < KB_STATE_COUNT; i++) {
        if (!kb_streq(state_words[i], text)) continue;
        *state = (enum kb_state)i;
        return true;
    }
    return false;
}

bool kb_state_ended(enum kb_state state) {
    return state == KB_STATE_DONE || state == KB_STATE_REFUSED || state == KB_STATE_FAILED ||
           state == KB_STATE_SET_ASIDE;
}

const char *kb_job_kind_name(enum kb_job_kind kind) {
    return (size_t)kind < KB_ARRAY_SIZE(kind_words) ? kind_words[kind] : "";
}

const char *kb_touch_name(enum kb_touch touch) {
    return (size_t)touch < KB_ARRAY_SIZE(touch_words) ? touch_words[touch] : "";
}

void kb_job_release(struct kb_job *job) {
    json_decref(job->columns);
    job->columns = NULL;
}

/* Seconds sort; three random bytes keep a tray's jobs of one second apart. */
void kb_job_new_id(char id[KB_JOB_ID_ROOM]) {
    unsigned char random[3];
    char iso[KB_TIME_ROOM], digits[7];
    struct kb_result res = kb_random(random, sizeof random);
    if (kb_failed(&res)) {
        uint64_t instead = (uint64_t)kb_clock_wall_ms() * 31 + (uint64_t)kb_host_pid();
        for (size_t i = 0; i < sizeof random; i++) random[i] = (unsigned char)(instead >> 8 * i);
    }
    kb_hex(digits, random, sizeof random);
    kb_time_iso(iso, kb_clock_wall());
    /* "2026-11-24T06:30:00Z" without its marks */
    snprintf(id, KB_JOB_ID_ROOM, "%.4s%.2s%.2sT%.2s%.2s%.2s-%s", iso, iso + 5, iso + 8, iso + 11, iso + 14, iso + 17,
             digits);
}

bool kb_journal_owner_alive(const struct kb_job *job) {
    char number[24] = "";
    int64_t pid = 0;
    const char *at = strchr(job->owner, '@');
    if (at == NULL || (size_t)(at - job->owner) >= sizeof number) return false;
    memcpy(number, job->owner, (size_t)(at - job->owner));
    if (!kb_parse_int(number, 1, INT64_MAX, &pid)) return false;
    char *host = kb_host_name();
    /* The owner's text may have been cut: its beginning must be the beginning of our name. */
    bool here = kb_text_starts(host, at + 1) && (kb_streq(host, at + 1) || strlen(job->owner) > 40);
    free(host);
    return here && kb_host_pid_alive(pid);
}
