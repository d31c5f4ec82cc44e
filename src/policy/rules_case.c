/* Rules about the pair: OS versions, the case table, supervision. They count on both routes. */
#include "rules.h"

static const char *source_word(enum kb_lang lang, enum kb_source source) {
    switch (source) {
    case KB_SOURCE_UNSUPERVISED:
        return kb_tr(lang, "unsupervised");
    case KB_SOURCE_SUPERVISED:
        return kb_tr(lang, "supervised");
    case KB_SOURCE_NO_MDM:
        return kb_tr(lang, "without MDM");
    case KB_SOURCE_UNKNOWN:
        break;
    }
    return kb_tr(lang, "unknown");
}

static const char *target_word(enum kb_lang lang, enum kb_target_state target) {
    switch (target) {
    case KB_TARGET_UNSUPERVISED:
        return kb_tr(lang, "unsupervised");
    case KB_TARGET_SUPERVISED:
        return kb_tr(lang, "supervised");
    case KB_TARGET_UNKNOWN:
        break;
    }
    return kb_tr(lang, "unknown");
}

void kb_rule_os_version(struct kb_look *look) {
    const char *theirs = look->backup->os, *ours = look->device ? look->device->os : "";
    switch (kb_os_compare(ours, theirs)) {
    case KB_ORDER_OLDER:
        KB_FOUND(look,
                 kb_tr(look->lang, "The device's OS %s is older than the backup's %s: update the device to %s or "
                                   "newer; then this turns green by itself"),
                 ours, theirs, theirs);
        return;
    case KB_ORDER_SAME:
    case KB_ORDER_NEWER:
        return;
    case KB_ORDER_UNKNOWN:
        break;
    }
    if (kb_os_major(theirs) < 0)
        KB_CANNOT_TELL(look, "%s",
                       kb_tr(look->lang, "The backup does not say which OS version it was made on, so nobody can tell "
                                         "whether the device is new enough: make a new backup"));
    else if (look->device == NULL)
        KB_CANNOT_TELL(look,
                       kb_tr(look->lang, "The device is not attached: plug it in, so that its OS version can be "
                                         "compared with the backup's %s"),
                       theirs);
    else
        KB_CANNOT_TELL(look,
                       kb_tr(look->lang, "The device's OS version cannot be read, and the backup needs %s: "
                                         "unplug the device, plug it in again and check once more"),
                       theirs);
}

/* A sheet that says otherwise is told so, and the device counts. */
static void sheet_differs(struct kb_look *look) {
    enum kb_target_state sheet = look->question->target_state, target = look->out->target;
    if (sheet == KB_TARGET_UNKNOWN || sheet == target) return;
    kb_found(look, KB_LEVEL_WARN,
             look->device->setup == KB_SETUP_ASSISTANT && target == KB_TARGET_UNSUPERVISED
                 ? kb_tr(look->lang, "The job sheet says that the target is %s, the device says %s, and the device "
                                     "counts; if ADE supervises it only later in Setup Assistant, go on there and "
                                     "check again, else correct the sheet")
                 : kb_tr(look->lang, "The job sheet says that the target is %s, the device says %s, and the device "
                                     "counts: look whether this is the right device, then correct the sheet"),
             target_word(look->lang, sheet), target_word(look->lang, target));
}

void kb_rule_unsupported_case(struct kb_look *look) {
    const struct kb_judgement *out = look->out;
    sheet_differs(look);
    if (out->row && !out->row->supported) {
        KB_FOUND(look,
                 kb_tr(look->lang, "The manual's case table does not support this pair (backup: %s; target: %s; %s): "
                                   "kit another device and restore onto that one"),
                 source_word(look->lang, out->source), target_word(look->lang, out->target),
                 out->row->same_device ? kb_tr(look->lang, "same device") : kb_tr(look->lang, "other device"));
        return;
    }
    /* Not attached or not trusted: that is said elsewhere. By iCloud nobody asks for trust. */
    if (look->device == NULL || (look->route == KB_ROUTE_USB && !kb_look_reads_all(look))) return;
    if (out->target == KB_TARGET_UNKNOWN)
        KB_CANNOT_TELL(look, "%s",
                       kb_tr(look->lang, "Whether the target is supervised cannot be read from the device, so its row "
                                         "of the manual's case table is unknown: say it in the job sheet, column "
                                         "target_state"));
    else if (out->same_device == KB_UNKNOWN)
        KB_CANNOT_TELL(look, "%s",
                       kb_tr(look->lang, "The backup does not say which device it was made on, so nobody can tell "
                                         "whether this is the same one: make a new backup"));
}

void kb_rule_ade_restore_pane(struct kb_look *look) {
    enum kb_pane pane = look->device ? look->device->restore_pane : KB_PANE_UNKNOWN;
    if (look->out->target != KB_TARGET_SUPERVISED || pane == KB_PANE_SHOWN) return;
    if (pane == KB_PANE_SKIPPED)
        KB_FOUND(look, "%s",
                 kb_tr(look->lang, "The ADE profile of this device hides the restore screen: in the ADE definition "
                                   "profile set \"do not enable restore from backup\" to No, then erase the device, "
                                   "because it keeps its ADE profile until it is erased"));
    else
        kb_found(look, KB_LEVEL_WARN, "%s",
                 kb_tr(look->lang, "Whether the ADE profile shows the restore screen cannot be read: look that \"do "
                                   "not enable restore from backup\" is No in the ADE definition profile before you "
                                   "go on"));
}

void kb_rule_source_unknown(struct kb_look *look) {
    enum kb_source own = look->backup->source_state, said = look->question->source_state;
    if (look->out->source == KB_SOURCE_UNKNOWN)
        KB_FOUND(look, "%s",
                 kb_tr(look->lang, "The backup does not tell whether its device was supervised or managed: say it "
                                   "with --source-state unsupervised, supervised or no-mdm"));
    else if (own != KB_SOURCE_UNKNOWN && said != KB_SOURCE_UNKNOWN && own != said)
        kb_found(look, KB_LEVEL_WARN,
                 kb_tr(look->lang, "You said that the backup's device was %s, but the backup itself says %s, and that "
                                   "counts: look whether this is the right backup"),
                 source_word(look->lang, said), source_word(look->lang, own));
}

/* Apple Configurator's glossary against the manual's table: technicians meet both, so both are named. */
void kb_rule_apple_supervision(struct kb_look *look) {
    const struct kb_judgement *out = look->out;
    if (out->source == KB_SOURCE_UNKNOWN || out->target == KB_TARGET_UNKNOWN) return;
    if ((out->source == KB_SOURCE_SUPERVISED) == (out->target == KB_TARGET_SUPERVISED)) return;
    KB_FOUND(look,
             kb_tr(look->lang, "Apple Configurator's glossary refuses to restore a backup of a device that was %s onto "
                               "one that is %s, the KDDI manual (Ver2.0, tested on iOS 16) decides by its case table: "
                               "follow the manual, and look afterwards that management is as its row says"),
             source_word(look->lang, out->source), target_word(look->lang, out->target));
}

/* Reports of libimobiledevice #1746 and others: the device erases itself and the data is lost. */
void kb_rule_ios27_supervised(struct kb_look *look) {
    bool supervised = look->out->source == KB_SOURCE_SUPERVISED || look->backup->supervised == KB_YES;
    if (!supervised || look->device == NULL || kb_os_major(look->device->os) < 27) return;
    KB_FOUND(look,
             kb_tr(look->lang, "Users report that a supervised device's backup restored onto iOS 27 or newer (this "
                               "device: %s) erases the device: try it with a device that holds nothing, then go on "
                               "with --accept ios27-supervised"),
             look->device->os);
}
