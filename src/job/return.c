/*
 * After a restore: the device leaves, is gone for minutes, comes back with a new DeviceID and perhaps without our
 * pairing. Waits for that, reads it, and says whether it was restored.
 *
 * Source: protocol.md 3.7.1; times are from 30 s to 15 min, with perhaps a second reboot.
 */
#include "job.h"
#include <string.h>

#define SLICE_MS 3000 /* a line of progress at least so often */

/* Waits in slices so that the cancel and the eye of the operator are never far. KB_HOST_TIMEOUT at the end. */
static struct kb_result await(struct job *job, bool gone, int64_t seconds) {
    int64_t until = kb_clock_ms() + seconds * 1000;
    for (;;) {
        struct kb_attached attached;
        int64_t now = kb_clock_ms(), slice = until - now < SLICE_MS ? until - now : SLICE_MS;
        kb_job_deadline(job, JOB_WAIT_S);
        kb_job_progress(job, "rebooting", -1, -1);
        struct kb_result res = kb_mux_await(job->req->udid, gone, &attached, job->cancel, now + slice);
        if (!kb_failed(&res) || res.domain == KB_CANCELLED) return res;
        if (kb_clock_ms() >= until) return kb_fail(KB_HOST, KB_HOST_TIMEOUT, "%s", res.text);
        /* The daemon may be away; do not spin on a failure that came at once. */
        if (kb_clock_ms() - now < slice && kb_cancel_wait(job->cancel, 500)) return kb_cancel_result();
    }
}

/* Everything that says whether it was restored can be read. */
static struct kb_result look_back(struct job *job, void *arg) {
    kb_job_progress(job, "reading", -1, -1);
    struct kb_result res = kb_job_read_device(job);
    if (kb_failed(&res)) return res;
    const struct kb_device *device = &job->device;
    if (device->mode == KB_MODE_RESTORE)
        return kb_fail(KB_LOCKDOWN, KB_DEVICE_RESTORE_MODE,
                       _("The device came back in recovery; update or restore its system, then begin again"));
    if (device->trust == KB_TRUST_TRUSTED) return kb_ok();
    /* Before the first unlock a good pairing looks lost: unlock first, then judge (protocol.md 2.5). */
    if (device->locked == KB_YES) return kb_job_ask(KB_ASK_UNLOCK);
    res = kb_job_look_paired(job, arg);
    if (!kb_failed(&res)) res = kb_job_read_device(job);
    if (kb_failed(&res) || device->trust == KB_TRUST_TRUSTED) return res;
    /* A bad answer just now, or it restarts once more; one that says so for JOB_SETTLE_S is what a person looks at. */
    return kb_fail(
        KB_LOCKDOWN, KB_DEVICE_PROTOCOL,
        _("The device is back but does not speak with this computer yet; unlock it and leave it plugged in"));
}

struct kb_result kb_job_return(struct job *job) {
    struct job_pairing pairing = {0};
    struct kb_result res = kb_job_identity(job, &pairing.identity);
    if (kb_failed(&res)) { /* only the taps it would have saved are lost */
        kb_job_log(job, "%s", res.text);
        pairing.identity = NULL;
    }
    res = await(job, true, JOB_GONE_S);
    if (res.domain == KB_CANCELLED) goto out; /* one that never leaves is read as it is */
    res = await(job, false, JOB_RETURN_S);
    if (kb_is(&res, KB_HOST, KB_HOST_TIMEOUT))
        res = kb_fail(KB_LOCKDOWN, KB_DEVICE_GONE,
                      _("The device has not come back for %d minutes; look at its screen, plug it in and run "
                        "`kitbench steps`"),
                      JOB_RETURN_S / 60);
    if (!kb_failed(&res)) res = kb_job_hands(job, look_back, &pairing, JOB_SETTLE_S);
out:
    kb_identity_free(pairing.identity);
    return res;
}

/* ---- What the device was before, and what it is now ---------------------------------------------------------------
 */

#define KEY_BEFORE "device_before"

void kb_job_before_set(json_t *judgement, enum kb_tri backup_encrypted, const struct kb_device *device) {
    json_t *before = json_object();
    kb_json_set_tri(before, "backup_encrypted", backup_encrypted);
    kb_json_set_tri(before, "backup_encryption", device->backup_encryption);
    kb_json_set_text(before, "restore_state", device->restore_state);
    json_object_set_new(judgement, KEY_BEFORE, before);
}

/* The last judgement of the job is the one its restore was started by. */
static bool take_before(void *arg, const struct kb_row *row) {
    struct job_before *before = arg;
    if (!kb_streq(row->kind, "facts")) return true;
    json_t *body = kb_json_parse(row->body, strlen(row->body), 1 << 20);
    const json_t *found = json_object_get(json_object_get(body, "judgement"), KEY_BEFORE);
    if (found) {
        before->backup_encrypted = kb_json_get_tri(found, "backup_encrypted");
        before->encryption = kb_json_get_tri(found, "backup_encryption");
        before->restore_state[0] = 0;
        kb_json_get_text(found, "restore_state", before->restore_state, sizeof before->restore_state);
    }
    json_decref(body);
    return true;
}

struct kb_result kb_job_before_get(struct job *job, struct job_before *before) {
    /* As long as nothing is known, the word "restored" may be an earlier restore's: it proves nothing. */
    const struct job_before unknown = {KB_UNKNOWN, KB_UNKNOWN, "RestoredFrom"};
    *before = unknown;
    return kb_journal_rows(job->journal, job->row.id, take_before, before);
}

/*
 * Proofs, the strongest first. WillEncrypt survives an erase only through the restore of an encrypted backup
 * (protocol.md 3.10), so it proves a restore when it was off before, and its absence disproves one.
 */
enum kb_tri kb_job_was_restored(bool answered, const struct job_before *before, const struct kb_device *after) {
    bool says_so = kb_text_starts(after->restore_state, "RestoredFrom");
    bool said_so = kb_text_starts(before->restore_state, "RestoredFrom");
    if (after->trust != KB_TRUST_TRUSTED) return KB_UNKNOWN;
    if (before->backup_encrypted == KB_YES && after->backup_encryption == KB_NO) return KB_NO;
    if (says_so && (answered || !said_so)) return KB_YES;
    if (before->backup_encrypted == KB_YES && after->setup == KB_SETUP_ASSISTANT &&
        after->backup_encryption == KB_YES && before->encryption == KB_NO)
        return KB_YES;
    if (answered) return KB_YES;
    if (says_so) return KB_UNKNOWN; /* an earlier restore may have left that word */
    return after->setup == KB_SETUP_UNKNOWN ? KB_UNKNOWN : KB_NO;
}
