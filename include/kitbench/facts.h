/*
 * Facts about devices and backups, as plain structs that rooms hand to each other, and their JSON (design.md, section
 * 2). Part of the base room. Unknown is "" for text, -1 for numbers, KB_UNKNOWN for the rest; it is never a guess.
 */
#ifndef KITBENCH_FACTS_H
#define KITBENCH_FACTS_H

#include "kitbench/base.h"

enum kb_tri { KB_UNKNOWN = -1, KB_NO = 0, KB_YES = 1 };
void kb_json_set_tri(json_t *object, const char *key, enum kb_tri value); /* true, false, null */
enum kb_tri kb_json_get_tri(const json_t *object, const char *key);

#define KB_TRUSTS(X)                                                                                                   \
    X(KB_TRUST_UNKNOWN, "")                                                                                            \
    X(KB_TRUST_TRUSTED, "trusted")                                                                                     \
    X(KB_TRUST_UNTRUSTED, "untrusted")                                                                                 \
    X(KB_TRUST_PENDING, "pending")                                                                                     \
    X(KB_TRUST_DENIED, "denied")
enum kb_trust {
#define X(name, word) name,
    KB_TRUSTS(X)
#undef X
};
enum kb_setup { KB_SETUP_UNKNOWN, KB_SETUP_DONE, KB_SETUP_ASSISTANT }; /* JSON: null done assistant */
enum kb_pane { KB_PANE_UNKNOWN, KB_PANE_SHOWN, KB_PANE_SKIPPED };      /* JSON: null shown skipped */
enum kb_mode { KB_MODE_UNKNOWN, KB_MODE_NORMAL, KB_MODE_RESTORE };     /* lockdown QueryType; not in JSON */

#define KB_UDID_ROOM 48
#define KB_MAX_NOTES 24

/* Why something could not be read, for -v: "mdm" - "the profile list cannot be read before the device is trusted". */
struct kb_note {
    char key[32];
    char text[160];
};

/* All that can be read of an attached device. Texts are already clean (kb_text_clean). */
struct kb_device {
    uint32_t mux_id;  /* usbmuxd's DeviceID; changes at each attach; not in JSON */
    int64_t location; /* usbmuxd's LocationID */
    char udid[KB_UDID_ROOM];
    char slot[64], name[256], model[64], device_class[32], serial[64], imei[32], os[32], build[32];
    char activation[40]; /* "Activated", "Unactivated", ... as the device says it */
    char organization[256];
    char
        restore_state[64]; /* com.apple.purplebuddy RestoreState, for example "RestoredFromiTunesBackup"; not in JSON */
    enum kb_mode mode;
    enum kb_trust trust;
    enum kb_setup setup;
    enum kb_pane restore_pane;
    enum kb_tri locked, supervised, mdm, agent, find_my, backup_encryption;
    int64_t free_bytes, capacity_bytes;
    int battery_pct;
    struct kb_note notes[KB_MAX_NOTES];
    int note_count;
};
void kb_device_init(struct kb_device *device); /* everything unknown */
void kb_device_note(struct kb_device *device, const char *key, const char *text);
/* Exactly the keys of design.md section 2 `devices`, in its order. */
json_t *kb_device_to_json(const struct kb_device *device);
/* Back again (the line of a worker, a saved inventory); anything missing or of a wrong type stays unknown. */
void kb_device_from_json(struct kb_device *device, const json_t *object);

/* The state of the backup's device: the rows of the case table. */
enum kb_source { KB_SOURCE_UNKNOWN, KB_SOURCE_UNSUPERVISED, KB_SOURCE_SUPERVISED, KB_SOURCE_NO_MDM };
/* "unsupervised" "supervised" "no-mdm"; "" for unknown. */
const char *kb_source_name(enum kb_source source);
bool kb_source_parse(const char *text, enum kb_source *source); /* false: none of the three */
/* Where the source state was learnt. */
enum kb_origin { KB_ORIGIN_NONE, KB_ORIGIN_FACTS, KB_ORIGIN_PROFILES, KB_ORIGIN_OPERATOR };

enum kb_password_proof {
    KB_PROOF_NOT_TRIED,
    KB_PROOF_NOT_NEEDED, /* plain backup */
    KB_PROOF_MISSING,
    KB_PROOF_WRONG,
    KB_PROOF_RIGHT
};
/* The worst that was found in the folder so far. */
enum kb_health { KB_HEALTH_OK, KB_HEALTH_UNFINISHED, KB_HEALTH_DAMAGED, KB_HEALTH_HOSTILE, KB_HEALTH_UNREADABLE };

/* What a backup folder says, without a device. */
struct kb_backup_info {
    char path[4096]; /* UTF-8 */
    char udid[KB_UDID_ROOM];
    char device_name[256], model[64], os[32], build[32], serial[64];
    int64_t taken_at; /* Status.plist Date */
    enum kb_tri encrypted, finished, full;
    enum kb_tri supervised, mdm, agent;
    enum kb_source source_state;
    enum kb_origin source_origin; /* not in JSON */
    enum kb_password_proof proof; /* not in JSON */
    enum kb_health health;        /* not in JSON */
    char health_text[480];        /* the sentence, when health is not OK; not in JSON */
    int64_t apps;                 /* number of user apps listed */
    int64_t files, bytes, needs_bytes;
};
void kb_backup_info_init(struct kb_backup_info *info);
/* Exactly the keys of design.md section 2 `inspect`, in its order. */
json_t *kb_backup_info_to_json(const struct kb_backup_info *info);
void kb_backup_info_from_json(struct kb_backup_info *info, const json_t *object);

/* What is asked of a hand (design.md section 2 "ask"); a step id may stand there too. */
#define KB_ASKS(X)                                                                                                     \
    X(KB_ASK_NONE, "")                                                                                                 \
    X(KB_ASK_TRUST, "trust")                                                                                           \
    X(KB_ASK_PASSCODE, "passcode")                                                                                     \
    X(KB_ASK_UNLOCK, "unlock")                                                                                         \
    X(KB_ASK_ACTIVATE, "activate")                                                                                     \
    X(KB_ASK_CHOOSE_RESTORE, "choose-restore")                                                                         \
    X(KB_ASK_FIND_MY_OFF, "find-my-off")
enum kb_ask {
#define X(name, word) name,
    KB_ASKS(X)
#undef X
};
const char *kb_ask_name(enum kb_ask ask);
/* The sentence an operator reads, in lang: "Tap Trust on the device and enter its passcode." */
const char *kb_ask_text(enum kb_lang lang, enum kb_ask ask);
#endif
