/*
 * The CHECK task: one pair of backup and device, judged by every rule. Never writes to a device, not even a pairing.
 */
#include "job.h"
#include <stdlib.h>
#include <string.h>

/* What a failed proof means for the rules. */
static enum kb_password_proof proof_of(const struct kb_result *res, enum kb_password_proof known) {
    if (kb_is(res, KB_PASSWORD, KB_PASSWORD_MISSING)) return KB_PROOF_MISSING;
    if (kb_is(res, KB_PASSWORD, KB_PASSWORD_WRONG)) return KB_PROOF_WRONG;
    return known;
}

void kb_job_settle_proof(const struct kb_result *unlocked, struct kb_backup_info *info) {
    info->proof = proof_of(unlocked, info->proof);
    if (!kb_failed(unlocked) || unlocked->domain == KB_PASSWORD || info->health != KB_HEALTH_OK) return;
    /* The keybag itself is unusable: the rules must know, whatever the rest looks like. */
    info->health = unlocked->code == KB_STORE_HOSTILE ? KB_HEALTH_HOSTILE : KB_HEALTH_DAMAGED;
    kb_text_copy(info->health_text, sizeof info->health_text, unlocked->text);
}

struct kb_result kb_job_open_backup(struct job *job, struct job_check *check) {
    const struct kb_request *req = job->req;
    const struct kb_backup_options options = {req->agent_bundle_id, req->mdm_profile_identifier, req->source_state,
                                              true};
    kb_job_deadline(job, JOB_KDF_S);
    kb_job_progress(job, "checking", -1, -1);
    struct kb_result res = kb_backup_open(req->backup, &check->backup);
    if (kb_failed(&res)) return res;
    struct kb_result unlocked = kb_ok();
    if (!kb_backup_unlock_with(check->backup, req->key))
        unlocked = kb_backup_unlock(check->backup, req->password, kb_job_kdf_progress, job);
    if (req->share_key && job->sink->key && kb_backup_key(check->backup))
        job->sink->key(job->sink->arg, kb_backup_key(check->backup));
    if (unlocked.domain == KB_CANCELLED || kb_cancelled(job->cancel)) return kb_cancel_result();
    kb_job_deadline(job, JOB_DISK_S);
    res = kb_backup_inspect(check->backup, &options, &check->info);
    if (kb_failed(&res)) return res;
    kb_job_settle_proof(&unlocked, &check->info);
    return res;
}

void kb_job_check_release(struct job_check *check) {
    kb_backup_free(check->backup);
    check->backup = NULL;
}

void kb_job_judge(struct job *job, struct job_check *check, bool attached) {
    const struct kb_request *req = job->req;
    const struct kb_question question = {
        .lang = kb_lang(),
        .route = req->route,
        .backup = &check->info,
        .device = attached ? &job->device : NULL,
        .source_state = req->source_state,
        .target_state = req->target_state,
        .accepted = req->accepted,
    };
    kb_judge(&question, &check->judgement);
}

json_t *kb_job_check_object(struct job *job, const struct job_check *check) {
    const char *path = check->info.path[0] ? check->info.path : job->req->backup;
    return kb_judgement_to_json(&check->judgement, path, job->req->udid);
}

struct kb_result kb_job_verdict(const struct job_check *check) {
    const struct kb_finding *reason = kb_judgement_reason(&check->judgement);
    if (check->judgement.verdict == KB_VERDICT_READY) return kb_ok();
    if (!reason)
        return kb_fail(KB_POLICY, KB_RULE_NONE,
                       _("It cannot be told whether this backup may go onto this device; see the findings"));
    if (check->judgement.verdict == KB_VERDICT_OPERATOR) return kb_fail(KB_OPERATOR, reason->ask, "%s", reason->text);
    return kb_fail(KB_POLICY, (int)reason->rule, "%s", reason->text);
}

/* `check` has three exits only; a rule whose own exit is another one (a wrong password is 4) is "refused" here. */
static struct kb_result as_check(struct kb_result res, enum kb_verdict verdict) {
    if (kb_failed(&res) && kb_exit_of(&res) != kb_verdict_exit(verdict)) res.code = KB_RULE_NONE;
    return res;
}

struct kb_result kb_job_check(struct job *job) {
    struct job_check check = {0};
    kb_backup_info_init(&check.info);
    struct kb_result res = kb_job_open_backup(job, &check);
    if (kb_failed(&res)) goto out;
    res = kb_job_read_device(job);
    bool attached = !kb_failed(&res);
    if (kb_failed(&res) && !kb_is(&res, KB_LOCKDOWN, KB_DEVICE_GONE)) goto out;
    kb_job_judge(job, &check, attached);
    if (check.judgement.verdict != KB_VERDICT_REFUSED) { /* what is refused anyway need not be read for an hour */
        res = kb_job_prove_whole(job, &check);
        if (kb_failed(&res)) goto out;
        kb_job_judge(job, &check, attached);
    }
    kb_job_emit(job, kb_job_check_object(job, &check));
    res = as_check(kb_job_verdict(&check), check.judgement.verdict);
out:
    kb_job_check_release(&check);
    return res;
}
