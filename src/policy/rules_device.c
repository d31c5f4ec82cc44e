/* Rules about the device in front of us, for a restore by cable. By iCloud the device restores by itself. */
#include "rules.h"

/* Only "on" is proof: an erased device says "no" even when it is locked to an owner (protocol.md 2.4). */
void kb_rule_find_my(struct kb_look *look) {
    if (look->device == NULL) return;
    if (look->device->find_my == KB_YES)
        KB_FOUND(look, "%s",
                 kb_tr(look->lang, "Find My is on, and the device refuses a restore while it is: switch it off in "
                                   "Settings > Apple ID > Find My; then this turns green by itself"))
            ->ask = KB_ASK_FIND_MY_OFF;
    else if (look->device->find_my == KB_UNKNOWN && kb_look_reads_all(look))
        kb_found(look, KB_LEVEL_INFO, "%s",
                 kb_tr(look->lang, "Whether Find My is on cannot be read: if it is, the device itself refuses the "
                                   "restore (error 211), so switch it off before"));
}

void kb_rule_not_activated(struct kb_look *look) {
    if (look->device == NULL || !kb_streq(look->device->activation, "Unactivated")) return;
    KB_FOUND(look, "%s",
             kb_tr(look->lang, "The device is not activated: go on in Setup Assistant and connect it to Wi-Fi until "
                               "it is; then this turns green by itself"))
        ->ask = KB_ASK_ACTIVATE;
}

static const char *trust_text(enum kb_lang lang, enum kb_trust trust) {
    switch (trust) {
    case KB_TRUST_UNTRUSTED:
        return kb_tr(lang, "The device does not trust this computer yet: run kitbench pair, then unlock the device and "
                           "tap Trust");
    case KB_TRUST_PENDING:
        return kb_tr(lang, "The device asks whether it may trust this computer: unlock it, tap Trust and enter its "
                           "passcode");
    case KB_TRUST_DENIED:
        return kb_tr(lang, "Somebody tapped Don't Trust on the device: unplug it, plug it in again and tap Trust");
    case KB_TRUST_TRUSTED:
        break;
    case KB_TRUST_UNKNOWN:
        return kb_tr(lang, "Hardly anything can be read from the device: unlock it, tap Trust if it asks, and plug it "
                           "in again if it does not");
    }
    return NULL;
}

void kb_rule_not_trusted(struct kb_look *look) {
    if (look->device == NULL || look->device->mode == KB_MODE_RESTORE) return;
    const char *text = trust_text(look->lang, look->device->trust);
    if (text) KB_FOUND(look, "%s", text)->ask = KB_ASK_TRUST;
}

void kb_rule_locked(struct kb_look *look) {
    if (look->device == NULL || look->device->locked != KB_YES) return;
    KB_FOUND(look, "%s", kb_tr(look->lang, "The device is locked: unlock it with its passcode and leave the screen on"))
        ->ask = KB_ASK_UNLOCK;
}

/* A set-up device holds somebody's data: a restore goes only where Setup Assistant stands. */
void kb_rule_setup_not_at_restore(struct kb_look *look) {
    if (look->device == NULL) return;
    if (look->device->mode == KB_MODE_RESTORE)
        KB_FOUND(look, "%s",
                 kb_tr(look->lang,
                       "The device is in restore mode and has no working system: install its OS with Finder "
                       "or Apple Devices, then start Setup Assistant"))
            ->ask = KB_ASK_CHOOSE_RESTORE;
    else if (look->device->setup == KB_SETUP_DONE)
        KB_FOUND(look, "%s",
                 kb_tr(look->lang, "This device is set up already: make sure that nobody needs what is on it, erase "
                                   "it, then choose \"Restore from Mac or PC\" in Setup Assistant"))
            ->ask = KB_ASK_CHOOSE_RESTORE;
    else if (look->device->setup == KB_SETUP_UNKNOWN && kb_look_reads_all(look))
        KB_CANNOT_TELL(look, "%s",
                       kb_tr(look->lang, "Whether the device is still in Setup Assistant cannot be read, and a restore "
                                         "erases what is on it: restart the device and check again"));
}

static double gigabytes(int64_t bytes) { return (double)bytes / 1e9; }

void kb_rule_free_space(struct kb_look *look) {
    int64_t needs = look->backup->needs_bytes, has = look->device ? look->device->free_bytes : -1;
    if (needs >= 0 && has >= 0) {
        if (has >= needs) return;
        KB_FOUND(look,
                 kb_tr(look->lang, "The device has %.2f GB free and this backup needs %.2f GB: make room on it, or use "
                                   "a device with more storage"),
                 gigabytes(has), gigabytes(needs));
    } else if (kb_look_reads_all(look)) {
        kb_found(look, KB_LEVEL_WARN, "%s",
                 kb_tr(look->lang, "Whether the backup fits onto the device cannot be told: compare the device's free "
                                   "storage with the backup's size before you go on"));
    }
}

#define BATTERY_LOW_PCT 20

void kb_rule_battery(struct kb_look *look) {
    int pct = look->device ? look->device->battery_pct : -1;
    if (pct < 0 || pct >= BATTERY_LOW_PCT) return;
    KB_FOUND(look,
             kb_tr(look->lang, "The device's battery is at %d %%: leave it on a port that charges, and wait a while "
                               "before a long restore"),
             pct);
}
