/*
 * The PAIR task: trust, with a tap, or without one when the organisation's supervision identity is given.
 */
#include "job.h"
#include <string.h>

#define MAX_P12 (1 << 20)

struct kb_result kb_job_identity(struct job *job, struct kb_identity **out) {
    const struct kb_secret *secret = job->req->identity_password;
    struct kb_buf file = {0};
    *out = NULL;
    if (!job->req->identity) return kb_ok();
    struct kb_result res = kb_file_load(job->req->identity, MAX_P12, &file);
    if (!kb_failed(&res)) res = kb_identity_load(file.data, file.size, secret ? (const char *)secret->data : "", out);
    if (file.data) kb_wipe(file.data, file.size);
    kb_buf_release(&file);
    return res;
}

struct kb_result kb_job_look_paired(struct job *job, void *arg) {
    const struct job_pairing *pairing = arg;
    struct kb_attached attached;
    kb_job_deadline(job, JOB_PAIR_S);
    struct kb_result res =
        kb_job_find(job, &attached); /* a device that is gone answers nobody: say so, not "no daemon" */
    if (kb_failed(&res)) return res;
    return kb_job_device_words(kb_device_pair(job->req->udid, pairing->identity));
}

static struct kb_result pair_by_hand(struct job *job) {
    struct job_pairing pairing = {0};
    struct kb_result res = kb_job_identity(job, &pairing.identity);
    if (!kb_failed(&res)) res = kb_job_hands(job, kb_job_look_paired, &pairing, 30);
    kb_identity_free(pairing.identity);
    return res;
}

struct kb_result kb_job_pair(struct job *job) {
    struct kb_attached attached;
    struct kb_result res = kb_job_lock_device(job);
    if (!kb_failed(&res)) {
        kb_job_deadline(job, JOB_PAIR_S);
        res = kb_job_find(job, &attached);
    }
    if (!kb_failed(&res)) {
        kb_job_deadline(job, JOB_PAIR_S);
        res = kb_device_validate(job->req->udid);
        if (kb_failed(&res) && res.domain != KB_CANCELLED)
            res = job->req->dry_run ? kb_job_ask(KB_ASK_TRUST) : pair_by_hand(job);
    }
    if (!kb_failed(&res)) kb_text_copy(res.text, sizeof res.text, _("The device trusts this computer"));
    kb_job_result_line(job, !kb_failed(&res) ? "paired" : res.domain == KB_CANCELLED ? "cancelled" : "failed", &res);
    return res;
}
