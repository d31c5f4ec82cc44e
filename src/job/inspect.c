/*
 * The INSPECT task: folders read in a process of their own, because what somebody else made may be hostile, and a job
 * sheet with a thousand of them must survive the one that is. No device, no journal.
 */
#include "job.h"
#include <stdlib.h>
#include <string.h>

#define MAX_FOLDERS 256 /* of one request: each holds its folder open while its keys may be wanted */

/* ---- On the wire, and in the memory of a computer ---------------------------------------------------------------- */

static const char *const proof_words[] = {"not-tried", "not-needed", "missing", "wrong", "right"};
static const char *const health_words[] = {"ok", "unfinished", "damaged", "hostile", "unreadable"};
static const char *const origin_words[] = {"none", "facts", "profiles", "operator"};

json_t *kb_inspected_to_json(const struct kb_backup_info *info) {
    json_t *object = kb_backup_info_to_json(info);
    kb_json_set_text(object, "proof", proof_words[info->proof]);
    kb_json_set_text(object, "health", health_words[info->health]);
    kb_json_set_text(object, "health_text", info->health_text);
    kb_json_set_text(object, "source_origin", origin_words[info->source_origin]);
    return object;
}

static int value_of(const json_t *object, const char *key, const char *const *words, size_t count) {
    const char *word = json_string_value(json_object_get(object, key));
    for (size_t i = 0; word && i < count; i++)
        if (!strcmp(words[i], word)) return (int)i;
    return -1;
}

bool kb_inspected_from_json(struct kb_backup_info *info, const json_t *object) {
    int proof = value_of(object, "proof", proof_words, KB_ARRAY_SIZE(proof_words));
    int health = value_of(object, "health", health_words, KB_ARRAY_SIZE(health_words));
    int origin = value_of(object, "source_origin", origin_words, KB_ARRAY_SIZE(origin_words));
    kb_backup_info_from_json(info, object);
    if (proof < 0 || health < 0 || origin < 0) return false;
    info->proof = (enum kb_password_proof)proof;
    info->health = (enum kb_health)health;
    info->source_origin = (enum kb_origin)origin;
    kb_json_get_text(object, "health_text", info->health_text, sizeof info->health_text);
    return true;
}

/* ---- The task --------------------------------------------------------------------------------------------------- */

struct folders {
    struct job *job;
    struct kb_backup *open[MAX_FOLDERS]; /* kept for their keys */
    int count;
};

/* Copies of one device's backup made with the same password have the same keybag. */
static struct kb_result unlock(struct folders *folders, struct kb_backup *backup) {
    for (int i = 0; i < folders->count; i++)
        if (folders->job->req->password && kb_backup_unlock_like(backup, folders->open[i])) return kb_ok();
    return kb_backup_unlock(backup, folders->job->req->password, kb_job_kdf_progress, folders->job);
}

static struct kb_result look(struct folders *folders, const char *path, struct kb_backup_info *info) {
    const struct kb_request *req = folders->job->req;
    const struct kb_backup_options options = {req->agent_bundle_id, req->mdm_profile_identifier, KB_SOURCE_UNKNOWN,
                                              true};
    struct kb_backup *backup = NULL;
    kb_job_deadline(folders->job, JOB_KDF_S);
    struct kb_result res = kb_backup_open(path, &backup);
    if (kb_failed(&res)) return res;
    struct kb_result unlocked = unlock(folders, backup);
    folders->open[folders->count++] = backup;
    if (unlocked.domain == KB_CANCELLED || kb_cancelled(folders->job->cancel)) return kb_cancel_result();
    kb_job_deadline(folders->job, JOB_DISK_S);
    res = kb_backup_inspect(backup, &options, info);
    if (!kb_failed(&res)) kb_job_settle_proof(&unlocked, info);
    return res;
}

static void tell(struct job *job, size_t n, const struct kb_result *res, const struct kb_backup_info *info) {
    json_t *object = json_object();
    json_object_set_new(object, "event", json_string("inspected"));
    json_object_set_new(object, "n", json_integer((json_int_t)n));
    if (kb_failed(res))
        kb_json_set_text(object, "text", res->text);
    else
        json_object_set_new(object, "backup", kb_inspected_to_json(info));
    kb_job_emit(job, object);
}

struct kb_result kb_job_inspect(struct job *job) {
    const json_t *list = json_object_get(job->req->columns, "backups");
    struct folders *folders = kb_xcalloc(1, sizeof *folders);
    struct kb_backup_info *info = kb_xmalloc(sizeof *info);
    struct kb_result res = kb_ok();
    folders->job = job;
    for (size_t i = 0; i < json_array_size(list) && i < MAX_FOLDERS; i++) {
        const char *path = json_string_value(json_array_get(list, i));
        kb_backup_info_init(info);
        res = look(folders, path ? path : "", info);
        if (res.domain == KB_CANCELLED) break;
        tell(job, i, &res, info);
        res = kb_ok();
    }
    for (int i = 0; i < folders->count; i++) kb_backup_free(folders->open[i]);
    free(folders);
    free(info);
    return res;
}
