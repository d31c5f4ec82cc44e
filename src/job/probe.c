/*
 * Finding the device and reading it: the PROBE task, and what the other tasks begin with. Never pairs.
 */
#include "job.h"
#include <string.h>

struct kb_result kb_job_find(struct job *job, struct kb_attached *attached) {
    struct kb_attached list[KB_MAX_ATTACHED];
    int count = KB_MAX_ATTACHED; /* room on the way in */
    struct kb_result res = kb_mux_list(list, &count, kb_clock_ms() + 10000);
    if (kb_failed(&res)) return res;
    for (int i = 0; i < count; i++)
        if (kb_streq(list[i].udid, job->req->udid)) {
            *attached = list[i];
            return res;
        }
    return kb_fail(KB_LOCKDOWN, KB_DEVICE_GONE, _("The device is not plugged in; plug it in and try again"));
}

struct kb_result kb_job_read_device(struct job *job) {
    struct kb_attached attached;
    const struct kb_read_options options = {job->req->agent_bundle_id, job->req->mdm_profile_identifier};
    kb_job_deadline(job, JOB_READ_S);
    struct kb_result res = kb_job_find(job, &attached);
    if (kb_failed(&res)) return res;
    struct kb_device device;
    kb_device_init(&device);
    res = kb_device_read(&attached, &options, &device);
    if (kb_failed(&res)) return kb_job_device_words(res);
    if (!kb_streq(device.udid, job->req->udid))
        return kb_fail(KB_LOCKDOWN, KB_DEVICE_OTHER,
                       _("Another device answered in this one's place; unplug both and plug in the right one"));
    if (job->req->slot) kb_text_copy(device.slot, sizeof device.slot, job->req->slot);
    job->device = device;
    return res;
}

struct kb_result kb_job_device_words(struct kb_result res) {
    if (res.domain == KB_LOCKDOWN && res.code < 0) return kb_lockdown_result(kb_lang(), res.code);
    return res;
}

struct kb_result kb_job_probe(struct job *job) {
    struct kb_result res = kb_job_read_device(job);
    if (kb_failed(&res)) return res;
    for (int i = 0; i < job->device.note_count; i++)
        kb_job_log(job, "%s: %s", job->device.notes[i].key, job->device.notes[i].text);
    kb_job_emit(job, kb_device_to_json(&job->device));
    return res;
}
