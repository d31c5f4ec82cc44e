/*
 * The sentence for a job as it stands: what this device is now, and what to do next.
 */
#include "kitbench/job.h"
#include <stdio.h>
#include <string.h>

/* What the state alone says; "" where the job's own last sentence says more. */
static const char *const by_state[KB_STATE_COUNT] = {
    [KB_STATE_WAITING] = N_("Nothing was written to the device; start it again"),
    [KB_STATE_CHECKING] = N_("The device and the backup are being checked; nothing is written yet"),
    [KB_STATE_OPERATOR] = N_("The device waits for a hand; look at its screen"),
    [KB_STATE_READY] = N_("Everything is green; it is about to begin"),
    [KB_STATE_BACKING_UP] = N_("The device is being backed up; leave it plugged in"),
    [KB_STATE_RESTORING] = N_("The device is being restored; leave it plugged in"),
    [KB_STATE_REBOOTING] = N_("The device restarts after the restore; leave it plugged in"),
    [KB_STATE_STEPS] = N_("The device is restored; go on with its steps"),
    [KB_STATE_DONE] = N_("Done; nothing is left to do"),
    [KB_STATE_REFUSED] = N_("Refused by a rule; nothing was written to the device"),
    [KB_STATE_FAILED] = N_("Failed; nothing was written to the device"),
    [KB_STATE_SET_ASIDE] = N_("The device is half restored; plug it in and restore it again"),
};

/* Whether the journal's last sentence is the better one: it names the reason. */
static bool has_own_words(const struct kb_job *job) {
    return job->text[0] && job->state != KB_STATE_STEPS && job->state != KB_STATE_DONE;
}

void kb_job_describe(enum kb_lang lang, const struct kb_job *job, char *out, size_t room) {
    const char *state = (size_t)job->state < KB_STATE_COUNT ? by_state[job->state] : NULL;
    if (job->state == KB_STATE_STEPS && job->step != KB_STEP_NONE) {
        kb_text_copy(out, room, kb_step_text(lang, job->step));
        return;
    }
    if (job->state == KB_STATE_FAILED && job->touch != KB_TOUCH_NOTHING && !has_own_words(job))
        state = by_state[KB_STATE_SET_ASIDE];
    kb_text_copy(out, room, has_own_words(job) ? job->text : state ? kb_tr(lang, state) : "");
}
