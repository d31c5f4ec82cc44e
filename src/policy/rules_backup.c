/* Rules about the backup folder. They count where this computer sends it: on the USB route. */
#include "rules.h"

static void unhealthy(struct kb_look *look, const char *otherwise) {
    const char *text = look->backup->health_text;
    KB_FOUND(look, "%s", *text ? text : otherwise);
}

void kb_rule_backup_unfinished(struct kb_look *look) {
    const struct kb_backup_info *backup = look->backup;
    bool sound = backup->health == KB_HEALTH_OK;
    if (backup->health == KB_HEALTH_UNFINISHED || (sound && backup->finished == KB_NO))
        unhealthy(look, kb_tr(look->lang, "This backup never finished: make a new one, then restore"));
    else if (sound && backup->finished == KB_UNKNOWN)
        KB_CANNOT_TELL(look, "%s",
                       kb_tr(look->lang, "The backup does not say whether it finished: make a new one, then restore"));
}

/* What this computer cannot read cannot be restored either; the sentence says which of the two it is. */
void kb_rule_backup_damaged(struct kb_look *look) {
    if (look->backup->health == KB_HEALTH_DAMAGED)
        unhealthy(look, kb_tr(look->lang, "This backup is damaged: make a new one in an empty folder, then restore"));
    else if (look->backup->health == KB_HEALTH_UNREADABLE)
        unhealthy(look, kb_tr(look->lang, "This backup cannot be read: look at the folder's permissions and its disk, "
                                          "or make a new backup"));
}

void kb_rule_backup_hostile(struct kb_look *look) {
    if (look->backup->health != KB_HEALTH_HOSTILE) return;
    unhealthy(look,
              kb_tr(look->lang, "This backup tries to leave its folder and was not made by a device: set it aside "
                                "and find out where it came from"));
}

void kb_rule_backup_unencrypted(struct kb_look *look) {
    if (look->backup->encrypted == KB_NO)
        KB_FOUND(look, "%s",
                 kb_tr(look->lang, "This backup is not encrypted, so passwords, health data and Wi-Fi settings are not "
                                   "in it: make an encrypted one, or go on with --accept backup-unencrypted"));
    else if (look->backup->encrypted == KB_UNKNOWN && look->backup->health == KB_HEALTH_OK)
        KB_CANNOT_TELL(look, "%s",
                       kb_tr(look->lang, "The backup does not say whether it is encrypted: make a new encrypted one"));
}

void kb_rule_backup_password(struct kb_look *look) {
    enum kb_password_proof proof = look->backup->proof;
    if (proof == KB_PROOF_WRONG)
        KB_FOUND(look, "%s",
                 kb_tr(look->lang, "The backup password is wrong: give the one that was set when the backup was made "
                                   "(it is neither the Apple ID's nor the passcode)"));
    else if (proof == KB_PROOF_MISSING || (look->backup->encrypted == KB_YES && proof != KB_PROOF_RIGHT))
        KB_FOUND(look, "%s",
                 kb_tr(look->lang, "The backup is encrypted and its password is missing: give it with --password-file "
                                   "or type it when asked"));
}
