/*
 * Is this a finished backup of one device, as far as the metadata tells (backup-format.md 0, 2 and 9)? Nothing here
 * needs the password, and nothing is believed: the lists are compared with each other and with what lies in the folder.
 */
#include <ctype.h>
#include <string.h>

#include "room.h"

enum {
    STATUS_OLDEST = 2004,
    STATUS_TOO_NEW = 4000,
    MANIFEST_OLDEST = 7004,
    MANIFEST_DB = 10000,
    MANIFEST_TOO_NEW = 11000
};
enum { DATABASE_PAGE = 4096, CLOCK_SLACK_S = 6 * 3600 };

/* ---- One list each ---- */

/* false: there is nothing to look into. */
static bool judge_list(enum kb_plist_state state, const char *name, enum kb_outcome when_missing,
                       struct kb_findings *findings) {
    switch (state) {
    case KB_PLIST_OK:
        return true;
    case KB_PLIST_MISSING:
        kb_finding(findings, when_missing, "missing", name,
                   _("%s is missing, so this backup is not whole; make a new backup"), name);
        return false;
    case KB_PLIST_DENIED:
        kb_finding(findings, KB_OUTCOME_UNREADABLE, "denied", name,
                   _("This computer does not let kitbench read %s; allow it, then try again"), name);
        return false;
    case KB_PLIST_HOSTILE:
        kb_finding(findings, KB_OUTCOME_HOSTILE, "hostile-file", name,
                   _("%s is made to harm the computer that reads it; do not use this folder"), name);
        return false;
    default:
        kb_finding(findings, KB_OUTCOME_DAMAGED, "malformed", name,
                   _("%s is damaged; use another copy or make a new backup"), name);
        return false;
    }
}

static const struct {
    const char *word;
    enum kb_outcome outcome;
    const char *text;
} snapshot_states[] = {
    {"finished", KB_OUTCOME_OK, NULL},
    {"uploading", KB_OUTCOME_INTERRUPTED,
     N_("The backup was cut off while files came in; back the device up again before you use this folder")},
    {"moving", KB_OUTCOME_INTERRUPTED,
     N_("The backup was cut off while files were put in place; back the device up again before you use this folder")},
    {"removing", KB_OUTCOME_INTERRUPTED,
     N_("The backup was cut off while old files were removed; back the device up again before you use this folder")},
};
static const struct {
    const char *word;
    enum kb_outcome outcome;
    const char *text;
} backup_states[] = {
    {"new", KB_OUTCOME_OK, NULL},
    {"empty", KB_OUTCOME_INTERRUPTED, N_("The folder says that it holds no backup yet; make a new backup")},
    {"old", KB_OUTCOME_UNREADABLE, N_("The folder says that its backup is too old to be restored; make a new backup")},
};

static void judge_snapshot_state(const char *word, struct kb_findings *findings) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(snapshot_states); i++) {
        if (strcmp(word, snapshot_states[i].word) != 0) continue;
        if (snapshot_states[i].text)
            kb_finding(findings, snapshot_states[i].outcome, "interrupted", "Status.plist", "%s",
                       _(snapshot_states[i].text));
        return;
    }
    kb_finding(findings, KB_OUTCOME_DAMAGED, "status-state", "Status.plist",
               _("Status.plist names no state that a device writes; use another copy or make a new backup"));
}

static void judge_backup_state(const char *word, struct kb_findings *findings) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(backup_states); i++) {
        if (strcmp(word, backup_states[i].word) != 0) continue;
        if (backup_states[i].text)
            kb_finding(findings, backup_states[i].outcome, "backup-state", "Status.plist", "%s",
                       _(backup_states[i].text));
        return;
    }
    kb_finding(findings, KB_OUTCOME_DAMAGED, "status-state", "Status.plist",
               _("Status.plist names no state that a device writes; use another copy or make a new backup"));
}

static void judge_version(int64_t version, int64_t oldest, int64_t too_new, const char *name,
                          struct kb_findings *findings) {
    if (version < 0)
        kb_finding(findings, KB_OUTCOME_DAMAGED, "version", name,
                   _("%s does not say its version; use another copy or make a new backup"), name);
    else if (version < oldest || version >= too_new)
        kb_finding(findings, KB_OUTCOME_UNREADABLE, "version", name,
                   _("%s is of a version that devices do not take back; make a new backup"), name);
}

static void judge_status(const struct kb_backup *backup, struct kb_findings *findings) {
    const struct kb_status *status = &backup->status;

    if (!judge_list(status->state, "Status.plist", KB_OUTCOME_INTERRUPTED, findings)) return;
    judge_version(status->version, STATUS_OLDEST, STATUS_TOO_NEW, "Status.plist", findings);
    judge_backup_state(status->backup_state, findings);
    judge_snapshot_state(status->snapshot_state, findings);
}

/* "Finished", and nothing there: some programs write that word before the first byte comes. */
static bool finished_but_empty(const struct kb_backup *backup) {
    return backup->manifest.state == KB_PLIST_MISSING && backup->db_state == KB_PLIST_MISSING && !backup->has_mbdb;
}

static void judge_manifest(const struct kb_backup *backup, struct kb_findings *findings) {
    const struct kb_manifest *manifest = &backup->manifest;

    if (!judge_list(manifest->state, "Manifest.plist",
                    finished_but_empty(backup) ? KB_OUTCOME_INTERRUPTED : KB_OUTCOME_DAMAGED, findings))
        return;
    judge_version(manifest->version, MANIFEST_OLDEST, MANIFEST_TOO_NEW, "Manifest.plist", findings);
    if (manifest->encrypted == KB_UNKNOWN)
        kb_finding(findings, KB_OUTCOME_DAMAGED, "type", "Manifest.plist",
                   _("Manifest.plist does not say whether the backup is encrypted; use another copy"));
    if (!manifest->has_lockdown || !manifest->udid[0])
        kb_finding(findings, KB_OUTCOME_WARNINGS, "no-udid", "Manifest.plist",
                   _("Manifest.plist does not say which device it is of; make sure of it before you restore"));
    if (kb_failed(&backup->bag_result))
        kb_finding(findings, KB_OUTCOME_DAMAGED, "keybag", "Manifest.plist", "%s", backup->bag_result.text);
}

/* ---- The database's outside ---- */

static bool starts_as_sqlite(struct kb_dir *dir) {
    struct kb_handle *handle = NULL;
    char magic[16];
    size_t got = 0;
    struct kb_result res = kb_handle_open(dir, "Manifest.db", KB_OPEN_READ, &handle);

    if (kb_failed(&res)) return false;
    res = kb_handle_read_at(handle, 0, magic, sizeof magic, &got);
    got = kb_failed(&res) ? 0 : got;
    res = kb_handle_close(handle);
    return got == sizeof magic && memcmp(magic, "SQLite format 3", sizeof magic) == 0;
}

static void judge_encrypted_database(const struct kb_backup *backup, struct kb_findings *findings) {
    int64_t tail = backup->db_size % DATABASE_PAGE;

    if (starts_as_sqlite(backup->dir)) {
        bool old = !backup->manifest.has_manifest_key;

        kb_finding(
            findings, old ? KB_OUTCOME_UNREADABLE : KB_OUTCOME_DAMAGED, "db-plain", "Manifest.db", "%s",
            old ? _("This backup was made by iOS 10.0 or 10.1, which is too old; make a new backup")
                : _("Manifest.db is not encrypted although the backup is; use another copy or make a new backup"));
    } else if (!backup->manifest.has_manifest_key) {
        kb_finding(findings, KB_OUTCOME_DAMAGED, "manifest-key", "Manifest.plist",
                   _("Manifest.plist lacks the key of Manifest.db; use another copy or make a new backup"));
    } else if (backup->db_size < DATABASE_PAGE || (tail != 0 && tail != 16)) {
        kb_finding(findings, KB_OUTCOME_DAMAGED, "truncated", "Manifest.db",
                   _("Manifest.db has been cut short; use another copy or make a new backup"));
    }
}

static void judge_database(const struct kb_backup *backup, struct kb_findings *findings) {
    if (backup->manifest.state == KB_PLIST_OK && backup->manifest.version >= 0 &&
        backup->manifest.version < MANIFEST_DB) {
        kb_finding(
            findings, KB_OUTCOME_UNREADABLE, "too-old", "Manifest.mbdb",
            _("This backup is in the format of iOS 9 or older, which kitbench does not restore; make a new backup"));
        return;
    }
    if (backup->db_state == KB_PLIST_MISSING && backup->has_mbdb) {
        kb_finding(
            findings, KB_OUTCOME_UNREADABLE, "too-old", "Manifest.mbdb",
            _("This backup is in the format of iOS 9 or older, which kitbench does not restore; make a new backup"));
        return;
    }
    if (!judge_list(backup->db_state, "Manifest.db",
                    finished_but_empty(backup) ? KB_OUTCOME_INTERRUPTED : KB_OUTCOME_DAMAGED, findings))
        return;
    if (kb_backup_is_encrypted(backup))
        judge_encrypted_database(backup, findings);
    else if (!starts_as_sqlite(backup->dir))
        kb_finding(findings, KB_OUTCOME_DAMAGED, "db-magic", "Manifest.db",
                   _("Manifest.db is not a database; use another copy or make a new backup"));
}

/* ---- The lists against each other ---- */

static bool same_ignoring_case(const char *a, const char *b) {
    for (; *a && *b; a++, b++)
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) return false;
    return *a == *b;
}

static void judge_identity(const struct kb_backup *backup, struct kb_findings *findings) {
    const struct kb_manifest *manifest = &backup->manifest;
    const char *folder = kb_path_base(backup->path);
    char named[KB_UDID_ROOM] = "";
    size_t size = strlen(manifest->udid);

    if (!manifest->udid[0]) return;
    if (backup->info.unique_id[0] && !same_ignoring_case(backup->info.unique_id, manifest->udid))
        kb_finding(findings, KB_OUTCOME_WARNINGS, "mixed", "Info.plist",
                   _("Info.plist is of another device than Manifest.plist; make sure whose backup this is before you "
                     "restore it"));
    /* The folder is named UDID, or UDID-date-time when it is a copy; other names say nothing. */
    if (strlen(folder) >= size) kb_text_copy(named, size + 1 < sizeof named ? size + 1 : sizeof named, folder);
    if (kb_udid_is_valid(named) && !same_ignoring_case(named, manifest->udid))
        kb_finding(
            findings, KB_OUTCOME_WARNINGS, "mixed", folder,
            _("The folder is named after another device than the one in it; make sure whose backup this is before "
              "you restore it"));
}

static void judge_agreement(const struct kb_backup *backup, struct kb_findings *findings) {
    const struct kb_manifest *manifest = &backup->manifest;

    if (manifest->os[0] && backup->info.os[0] && strcmp(manifest->os, backup->info.os) != 0)
        kb_finding(
            findings, KB_OUTCOME_WARNINGS, "mixed", "Info.plist",
            _("Info.plist and Manifest.plist name different iOS versions; the folder may be mixed from two backups"));
    if (manifest->date >= 0 && backup->status.date > manifest->date + CLOCK_SLACK_S)
        kb_finding(findings, KB_OUTCOME_WARNINGS, "dates", "Status.plist",
                   _("Status.plist is much newer than Manifest.plist; the folder may be mixed from two backups"));
    if (manifest->encrypted == KB_NO && manifest->has_manifest_key)
        kb_finding(
            findings, KB_OUTCOME_DAMAGED, "contradiction", "Manifest.plist",
            _("Manifest.plist calls the backup plain and yet holds its key; use another copy or make a new backup"));
}

/* ---- The top of the folder ---- */

static bool judge_entry(void *arg, const struct kb_entry *entry) {
    if (entry->kind == KB_ENTRY_OTHER)
        kb_finding(arg, KB_OUTCOME_HOSTILE, "hostile-file", entry->name,
                   _("The folder holds a link, a pipe or a device where only files belong; do not use this folder"));
    else if (strcmp(entry->name, "Snapshot") == 0)
        kb_finding(arg, KB_OUTCOME_WARNINGS, "leftover", entry->name,
                   _("Snapshot is left over from a backup that was cut off; it does no harm"));
    return true;
}

void kb_folder_judge(struct kb_backup *backup, struct kb_findings *findings) {
    struct kb_result res;

    judge_status(backup, findings);
    judge_manifest(backup, findings);
    judge_list(backup->info.state, "Info.plist", KB_OUTCOME_DAMAGED, findings);
    judge_database(backup, findings);
    judge_identity(backup, findings);
    judge_agreement(backup, findings);
    res = kb_dir_list(backup->dir, "", judge_entry, findings);
    if (kb_failed(&res)) kb_finding(findings, KB_OUTCOME_UNREADABLE, "denied", "", "%s", res.text);
}
