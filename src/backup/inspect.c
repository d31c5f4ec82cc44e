/* Everything a folder says, without a device: whose it is, what state it was in, how much room it needs. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "profiles.h"
#include "scan.h"
#include "seal.h"
#include "walk.h"

enum { PAGE = 4096, ROW_BYTES = 1024 };
/* Apps come from the store; their sizes are not in the backup. */
#define APPS_FLAT_BYTES ((int64_t)3000 * 1000 * 1000)

struct inspection {
    struct kb_backup *backup;
    const struct kb_backup_options *options;
    struct kb_findings findings;
    int64_t rows, payload; /* payload: what the device must have free for files */
    bool agent_data;
    char *agent_domain;
};

static void pick(char *out, size_t room, const char *first, const char *second) {
    kb_text_copy(out, room, first[0] ? first : second);
}

/* Info.plist has the UDID in upper case; without Manifest.plist it is all there is. */
static void set_udid(const struct kb_backup *backup, struct kb_backup_info *out) {
    const char *sources[] = {backup->manifest.udid, backup->info.target_id, backup->info.unique_id};
    char udid[64];

    for (size_t i = 0; i < KB_ARRAY_SIZE(sources); i++) {
        kb_text_copy(udid, sizeof udid, sources[i]);
        if (i > 0 && strlen(udid) == 40)
            for (char *at = udid; *at; at++) *at = (char)tolower((unsigned char)*at);
        if (!kb_udid_is_valid(udid)) continue;
        kb_text_copy(out->udid, sizeof out->udid, udid);
        return;
    }
}

static enum kb_tri finished(const struct kb_backup *backup) {
    if (backup->status.state == KB_PLIST_MISSING) return KB_NO;
    if (backup->status.state != KB_PLIST_OK || !backup->status.snapshot_state[0]) return KB_UNKNOWN;
    if (backup->manifest.state == KB_PLIST_MISSING) return KB_NO; /* the word came before the backup did */
    return strcmp(backup->status.snapshot_state, "finished") == 0 && strcmp(backup->status.backup_state, "new") == 0
               ? KB_YES
               : KB_NO;
}

static void set_metadata(const struct kb_backup *backup, struct kb_backup_info *out) {
    const struct kb_manifest *manifest = &backup->manifest;

    kb_text_copy(out->path, sizeof out->path, backup->path);
    set_udid(backup, out);
    pick(out->device_name, sizeof out->device_name, manifest->device_name, backup->info.device_name);
    pick(out->model, sizeof out->model, manifest->model, backup->info.model);
    pick(out->os, sizeof out->os, manifest->os, backup->info.os);
    pick(out->build, sizeof out->build, manifest->build, backup->info.build);
    pick(out->serial, sizeof out->serial, manifest->serial, backup->info.serial);
    out->taken_at = backup->status.date >= 0 ? backup->status.date : manifest->date;
    out->encrypted = manifest->has_manifest_key ? KB_YES : manifest->encrypted;
    out->finished = finished(backup);
    out->full = backup->status.full;
    out->apps = backup->info.apps;
    out->proof = backup->proof;
}

static bool add_row(void *arg, const struct kb_row *row, const struct kb_stored *stored) {
    struct inspection *in = arg;
    struct kb_checked checked;
    int64_t size;

    kb_check_row(in->backup, row, stored, &in->findings, &checked);
    in->rows++;
    if (!row->flags_there || row->flags != 1) return true;
    if (in->agent_domain && row->domain && kb_streq(row->domain, in->agent_domain)) in->agent_data = true;
    size = kb_size_is_possible(&checked.mbfile) ? checked.mbfile.size : 0;
    /* Size may be wrong in either direction: the greater of it and what lies there. */
    if (stored && stored->regular) {
        int64_t length = kb_backup_is_encrypted(in->backup) ? stored->size - 16 : stored->size;
        if (length > size) size = length;
    }
    /* Once it is more than any device has, nothing is gained by counting on to where numbers end. */
    if (in->payload < KB_BYTES_ABSURD) in->payload += (size + PAGE - 1) / PAGE * PAGE;
    return true;
}

static void on_extra(void *arg, const char *file_id, const struct kb_stored *stored) {
    (void)arg, (void)file_id, (void)stored;
}

/* What a failure means for the folder; false: not the folder's fault. */
static bool is_finding(struct kb_findings *findings, const struct kb_result *res) {
    enum kb_outcome outcome = KB_OUTCOME_UNREADABLE;

    if (res->domain == KB_CANCELLED || res->domain == KB_UNEXPECTED) return false;
    if (kb_is(res, KB_STORE, KB_STORE_DAMAGED)) outcome = KB_OUTCOME_DAMAGED;
    if (kb_is(res, KB_STORE, KB_STORE_HOSTILE)) outcome = KB_OUTCOME_HOSTILE;
    kb_finding(findings, outcome, "database", "Manifest.db", "%s", res->text);
    return true;
}

static void set_agent(struct inspection *in, bool known, struct kb_backup_info *out) {
    plist_t apps = kb_plist_get(in->backup->manifest.root, "Applications", PLIST_DICT);
    bool listed = in->options->agent_bundle_id && apps && plist_dict_get_item(apps, in->options->agent_bundle_id);

    in->backup->agent = KB_TRACE_UNKNOWN;
    if (!in->agent_domain || !known) return;
    if (listed)
        in->backup->agent = in->agent_data ? KB_TRACE_FULL : KB_TRACE_LISTED;
    else
        in->backup->agent = in->agent_data ? KB_TRACE_DATA_ONLY : KB_TRACE_NONE;
    if (in->backup->agent == KB_TRACE_FULL) out->agent = KB_YES;
    if (in->backup->agent == KB_TRACE_NONE) out->agent = KB_NO;
}

/* backup-format.md 6, without what depends on the device. */
static int64_t needs(const struct inspection *in, int64_t apps) {
    return in->payload + in->rows * ROW_BYTES + (apps > 0 ? APPS_FLAT_BYTES : 0);
}

static struct kb_result look_inside(struct inspection *in, struct kb_walk *ahead, struct kb_db *db,
                                    struct kb_backup_info *out) {
    const struct kb_scan_ops ops = {.row = add_row, .extra = on_extra, .arg = in};
    struct kb_scan_totals totals;
    struct kb_result res = kb_scan(in->backup, ahead, db, &ops, &in->findings, &totals);

    out->files = totals.files;
    out->bytes = totals.bytes;
    if (kb_failed(&res)) return res;
    if (db) out->needs_bytes = needs(in, out->apps);
    set_agent(in, db != NULL, out);
    return res;
}

/* The database is opened only when it can be: whole from outside, and not locked. */
static struct kb_result open_database(struct inspection *in, struct kb_db **db) {
    struct kb_backup *backup = in->backup;
    struct kb_result res;

    *db = NULL;
    if (backup->db_state != KB_PLIST_OK || backup->manifest.state != KB_PLIST_OK || kb_backup_is_locked(backup))
        return kb_ok();
    if (kb_outcome_is_worse(in->findings.worst, KB_OUTCOME_INTERRUPTED)) return kb_ok();
    res = kb_db_open(backup, NULL, NULL, db);
    if (!kb_failed(&res) && in->options->deep) res = kb_db_check(*db, false);
    if (kb_failed(&res)) {
        kb_db_close(*db);
        *db = NULL;
    }
    return res;
}

static enum kb_source source_of(enum kb_tri supervised, enum kb_tri mdm) {
    if (supervised == KB_YES) return KB_SOURCE_SUPERVISED;
    if (supervised == KB_NO && mdm == KB_YES) return KB_SOURCE_UNSUPERVISED;
    if (supervised == KB_NO && mdm == KB_NO) return KB_SOURCE_NO_MDM;
    return KB_SOURCE_UNKNOWN;
}

static void set_source(struct inspection *in, struct kb_db *db, struct kb_backup_info *out) {
    struct kb_seal_read facts;
    struct kb_profiles profiles = {.supervised = KB_UNKNOWN, .mdm = KB_UNKNOWN};
    enum kb_source found;

    kb_seal_facts_read(in->backup, &facts);
    if (db) kb_profiles_read(in->backup, db, in->options->mdm_profile_identifier, &profiles);
    if (profiles.text[0])
        kb_finding(&in->findings, KB_OUTCOME_WARNINGS, "management", "MDM.plist", "%s", profiles.text);
    out->supervised = facts.supervised != KB_UNKNOWN ? facts.supervised : profiles.supervised;
    out->mdm = facts.mdm != KB_UNKNOWN ? facts.mdm : profiles.mdm;
    found = source_of(profiles.supervised, profiles.mdm);
    if (facts.source != KB_SOURCE_UNKNOWN) {
        out->source_state = facts.source;
        out->source_origin = KB_ORIGIN_FACTS;
    } else if (found != KB_SOURCE_UNKNOWN) {
        out->source_state = found;
        out->source_origin = KB_ORIGIN_PROFILES;
    } else if (in->options->source_state != KB_SOURCE_UNKNOWN) {
        out->source_state = in->options->source_state;
        out->source_origin = KB_ORIGIN_OPERATOR;
    }
}

static void set_health(const struct kb_findings *findings, struct kb_backup_info *out) {
    static const enum kb_health health[] = {
        [KB_OUTCOME_OK] = KB_HEALTH_OK,
        [KB_OUTCOME_WARNINGS] = KB_HEALTH_OK,
        [KB_OUTCOME_LOCKED] = KB_HEALTH_OK,
        [KB_OUTCOME_DAMAGED] = KB_HEALTH_DAMAGED,
        [KB_OUTCOME_HOSTILE] = KB_HEALTH_HOSTILE,
        [KB_OUTCOME_INTERRUPTED] = KB_HEALTH_UNFINISHED,
        [KB_OUTCOME_UNREADABLE] = KB_HEALTH_UNREADABLE,
    };

    out->health = health[findings->worst];
    if (out->health != KB_HEALTH_OK) kb_text_copy(out->health_text, sizeof out->health_text, findings->text);
}

struct kb_result kb_backup_inspect(struct kb_backup *backup, const struct kb_backup_options *options,
                                   struct kb_backup_info *out) {
    struct inspection in = {.backup = backup, .options = options};
    struct kb_walk *ahead;
    struct kb_db *db = NULL;
    struct kb_result res;

    kb_backup_info_init(out);
    if (options->agent_bundle_id && options->agent_bundle_id[0])
        in.agent_domain = kb_xasprintf("AppDomain-%s", options->agent_bundle_id);
    set_metadata(backup, out);
    kb_folder_judge(backup, &in.findings);
    ahead = kb_scan_ahead(backup);
    res = open_database(&in, &db);
    if (!kb_failed(&res) || is_finding(&in.findings, &res))
        res = look_inside(&in, ahead, db, out);
    else
        kb_walk_free(ahead);
    if (!kb_failed(&res) || is_finding(&in.findings, &res)) {
        set_source(&in, db, out);
        set_health(&in.findings, out);
        res = kb_ok();
    }
    kb_db_close(db);
    free(in.agent_domain);
    return res;
}
