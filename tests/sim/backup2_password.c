/* ChangePassword: encryption on, off, or under another password (protocol.md 3.10). */
#include "backup2.h"

#include <string.h>

#define MDM_SAYS "Cannot remove iTunes Backup Encryption - Encrypted Backup MDM setting present on device"

struct change {
    const char *before, *after; /* "" = none */
    bool encrypted;             /* was */
};

static bool allowed(struct link *link, const struct change *change) {
    struct sim_device *dev = link->dev;
    int passcode = sim_ask_passcode(link->stream);
    bool right, required;

    if (passcode) return link_fail(link, passcode, "Device locked");
    pthread_mutex_lock(&dev->lock);
    right = !dev->will_encrypt || !strcmp(dev->backup_password, change->before);
    required = dev->requires_encryption;
    pthread_mutex_unlock(&dev->lock);
    if (!right) return link_fail(link, MB_PASSWORD, "Invalid password");
    if (required && !*change->after) return link_fail(link, MB_POLICY, MDM_SAYS);
    return true;
}

/* Puts the new keybag into a manifest that the host has; a folder without one is as good. */
static bool rekey(struct link *link, const char *folder, bool encrypted) {
    const struct mb_keybag *bag = &link->dev->content->keybag;
    char path[160];
    bool missing, ok = true;
    struct sim_blob *blob;
    plist_t plist;

    snprintf(path, sizeof path, "%s/%sManifest.plist", link->dev->udid, folder);
    blob = raw_ask_blob(link, path, &missing);
    if (missing) return !link->down;
    plist = plist_of(blob);
    sim_blob_put(blob);
    if (plist && encrypted && dict_bool(plist, "IsEncrypted") == 1) {
        plist_dict_set_item(plist, "BackupKeyBag", plist_new_data((const char *)bag->bytes, bag->size));
        ok = raw_put_plist(link, path, plist);
        plist = NULL;
    }
    plist_free(plist);
    return ok;
}

static void set_password(struct sim_device *dev, const struct change *change) {
    struct sim_content *content = dev->content;

    pthread_mutex_lock(&dev->lock);
    dev->will_encrypt = *change->after != 0;
    snprintf(dev->backup_password, sizeof dev->backup_password, "%s", change->after);
    pthread_mutex_unlock(&dev->lock);
    pthread_mutex_lock(&content->lock);
    content->password_changed = true;
    content->epoch += !change->encrypted && *change->after;
    content->upload_count = 0;
    pthread_mutex_unlock(&content->lock);
    keybag_ensure(dev);
}

void job_password(struct link *link, plist_t request) {
    struct sim_device *dev = link->dev;
    const char *target = dict_string(request, "TargetIdentifier");
    struct change change = {dict_string(request, "OldPassword"), dict_string(request, "NewPassword"),
                            dev->will_encrypt};

    change.before = change.before ? change.before : "";
    change.after = change.after ? change.after : "";
    if (!target || strcmp(target, dev->udid) != 0) {
        link_wrong(link, "a change of password for another device");
        return;
    }
    if (!*change.before && !*change.after) {
        link_wrong(link, "a change of password without a password");
        return;
    }
    if (strlen(change.after) >= sizeof dev->backup_password) {
        link_wrong(link, "a password of impossible length");
        return;
    }
    if (!allowed(link, &change)) return;
    set_password(dev, &change);
    if (rekey(link, "Snapshot/", change.encrypted && *change.after) &&
        rekey(link, "", change.encrypted && *change.after))
        sim_notify(dev, "com.apple.mobile.backup.domain_changed");
}
