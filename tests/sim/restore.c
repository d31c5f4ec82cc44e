/*
 * A restore from its request to the reboot, in the order of protocol.md 3.7. What a device becomes by it is decided in
 * one place, sim_apply_restore(); a restore that breaks off after its first file leaves a device that is half restored
 * and asks for another.
 */
#include "restore.h"
#include "parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is refused before the backup is looked at. */
static bool allowed(struct restore *restore) {
    struct link *link = restore->link;
    struct sim_device *dev = restore->dev;
    bool find_my, icloud;

    pthread_mutex_lock(&dev->lock);
    find_my = dev->find_my;
    icloud = dev->icloud_restore_running;
    pthread_mutex_unlock(&dev->lock);
    if (find_my) return link_fail(link, MB_FIND_MY, "Find My iPhone must be disabled before restoring");
    if (sim_switch(dev, "policy_forbids_restore", false))
        return link_fail(link, MB_POLICY, "Restore is not allowed by policy");
    if (icloud) return link_fail(link, MB_ICLOUD, "An iCloud restore is still in progress");
    if (restore->content->staged)
        return link_fail(link, MB_STAGING,
                         "Failed to move the incomplete restore directory into place at path \"/var/.backup.i\"");
    return true;
}

/* SpringBoard shows "Restore in Progress" and says when it does. */
static void lock_screen(struct restore *restore) {
    struct sim_device *dev = restore->dev;

    pthread_mutex_lock(&dev->lock);
    restore->phase_before = dev->phase;
    if (restore->reboot) {
        dev->phase = SIM_RESTORING;
        pthread_cond_broadcast(&dev->changed);
    }
    pthread_mutex_unlock(&dev->lock);
    if (restore->reboot) usleep((unsigned)sim_number(dev, "ui_ready_ms", 20) * 1000);
}

static void begin(struct restore *restore) {
    struct sim_content *content = restore->content;

    pthread_mutex_lock(&content->lock);
    content->restores++;
    pthread_mutex_unlock(&content->lock);
    restore->begun = true;
}

/* What the files came to. */
static bool judge(struct restore *restore) {
    struct link *link = restore->link;

    if (restore->missing) return link_fail(link, MB_CORRUPT, "Multiple errors downloading files");
    if (restore->bad_digest || restore->no_digest)
        return link_fail(link, MB_CORRUPT, "Digest didn't match for some files");
    if (restore->bad_padding)
        return link_fail(link, MB_CORRUPT, "Error decrypting %lld files", (long long)restore->bad_padding);
    if (restore->bad_size)
        return link_fail(link, MB_CORRUPT, "Size didn't match for %lld files", (long long)restore->bad_size);
    return true;
}

/* An empty batch, as a real device sends near the end; a host that stumbles over it fails here. For faults: "Late". */
static bool late_batch(struct restore *restore) {
    struct raw_sink nothing = {0};
    struct link *link = restore->link;
    int64_t code;

    restore->link->progress = 97.010055;
    restore->late = true;
    if (sim_fault_point(link->stream, BACKUP2_SERVICE, "Late", true, &link->fired) == SIM_STOP) {
        link->down = true;
        return false;
    }
    return raw_ask(restore->link, NULL, 0, 0, &nothing, &code);
}

static bool encryption_allowed(struct restore *restore) {
    bool required;

    pthread_mutex_lock(&restore->dev->lock);
    required = restore->dev->requires_encryption;
    pthread_mutex_unlock(&restore->dev->lock);
    return restore->encrypted || !required ||
           link_fail(restore->link, MB_GENERIC,
                     "Error setting WillEncrypt value in lockdown (MBErrorDomain/1). Underlying error: Cannot remove "
                     "iTunes Backup Encryption - Encrypted Backup MDM setting present on device (MBErrorDomain/22).");
}

/* The restored files become the device's: all of them, or beside what it has. */
static void take_content(struct restore *restore) {
    struct sim_content *content = restore->content, *fresh = &restore->fresh;

    sim_content_sort(fresh);
    pthread_mutex_lock(&content->lock);
    for (size_t i = 0; i < fresh->count; i++)
        fresh->files[i].managed = !strcmp(fresh->files[i].domain, SIM_PROFILES_DOMAIN);
    if (restore->remove_others) {
        sim_content_clear(content);
        free(content->files);
        content->files = fresh->files;
        content->count = fresh->count;
        content->room = fresh->room;
        fresh->files = NULL;
    } else {
        for (size_t i = 0; i < fresh->count; i++) sim_content_put(content, &fresh->files[i]);
    }
    for (size_t i = 0; i < fresh->string_count; i++)
        content->strings = realloc(content->strings, (content->string_count + 1) * sizeof *content->strings),
        content->strings[content->string_count++] = fresh->strings[i];
    content->string_room = content->string_count;
    fresh->count = fresh->string_count = 0;
    content->half_restored = false;
    content->upload_count = 0;
    content->keybag_made = false;
    content->epoch++;
    content->password_changed = true; /* the next backup starts anew */
    pthread_mutex_unlock(&content->lock);
}

/* Encryption and its password come with the backup. */
static void take_password(struct restore *restore) {
    struct sim_device *dev = restore->dev;

    pthread_mutex_lock(&dev->lock);
    dev->will_encrypt = restore->encrypted;
    snprintf(dev->backup_password, sizeof dev->backup_password, "%s",
             restore->encrypted && restore->password ? restore->password : "");
    pthread_mutex_unlock(&dev->lock);
}

/* The agent in the backup when its own record is not known: any file of its container means that it was there. */
static void guess_agent(struct restore *restore, const char *bundle, struct sim_truth *truth, const char *udid) {
    char domain[192];

    if (truth->agent.installed || !*bundle) return;
    snprintf(domain, sizeof domain, "AppDomain-%s", bundle);
    for (size_t i = 0; i < restore->rows.count; i++)
        if (restore->rows.row[i].flags == SIM_REGULAR && !strcmp(restore->rows.row[i].domain, domain)) {
            snprintf(truth->agent.bundle_id, sizeof truth->agent.bundle_id, "%s", bundle);
            snprintf(truth->agent.reports_as, sizeof truth->agent.reports_as, "%s", udid);
            truth->agent.installed = truth->agent.authenticated = true;
        }
}

/* What the restored files say of the device they came from. The agent is looked for under every name that the bench
 * knows. */
static void read_truth(struct restore *restore, const char *udid, struct sim_truth *truth) {
    const struct sim *sim = restore->dev->sim;
    char bundle[128];

    memset(truth, 0, sizeof *truth);
    for (int i = -1; i < sim->device_count && !truth->agent.installed; i++) {
        struct sim_device *dev = i < 0 ? restore->dev : sim->devices[i];
        pthread_mutex_lock(&dev->lock);
        snprintf(bundle, sizeof bundle, "%s", dev->agent.bundle_id);
        pthread_mutex_unlock(&dev->lock);
        if (i >= 0 && !*bundle) continue;
        pthread_mutex_lock(&restore->content->lock);
        sim_content_truth(restore->content, bundle, truth);
        pthread_mutex_unlock(&restore->content->lock);
        guess_agent(restore, bundle, truth, udid);
    }
}

static void apply(struct restore *restore) {
    struct sim_device *dev = restore->dev;
    plist_t lockdown = plist_dict_get_item(restore->manifest, "Lockdown");
    const char *udid = dict_string(lockdown, "UniqueDeviceID");
    struct sim_truth truth;

    udid = udid && *udid ? udid : restore->source;
    take_content(restore);
    read_truth(restore, udid, &truth);
    take_password(restore);
    sim_apply_restore(dev, udid, truth.supervised, truth.mdm, truth.agent.installed ? &truth.agent : NULL);
    pthread_mutex_lock(&dev->lock);
    snprintf(dev->restore_state, sizeof dev->restore_state, "RestoredFromiTunesBackup");
    pthread_mutex_unlock(&dev->lock);
    sim_content_refresh(dev);
}

/* Broken off: nothing of a person is whole, and the device asks to be restored again. */
static void half_restored(struct restore *restore) {
    struct sim_device *dev = restore->dev;

    pthread_mutex_lock(&restore->content->lock);
    if (restore->remove_others) sim_content_clear(restore->content);
    restore->content->half_restored = true;
    restore->content->upload_count = 0;
    pthread_mutex_unlock(&restore->content->lock);
    pthread_mutex_lock(&dev->lock);
    dev->restore_state[0] = 0;
    dev->setup_done = false;
    dev->at_restore_pane = true;
    if (dev->phase == SIM_RESTORING) dev->phase = SIM_ASSISTANT;
    pthread_cond_broadcast(&dev->changed);
    pthread_mutex_unlock(&dev->lock);
}

static void unlock_screen(struct restore *restore) {
    struct sim_device *dev = restore->dev;

    pthread_mutex_lock(&dev->lock);
    if (dev->phase == SIM_RESTORING) dev->phase = restore->phase_before;
    pthread_cond_broadcast(&dev->changed);
    pthread_mutex_unlock(&dev->lock);
}

/* lost: the link ended before the host could be told. */
static void say_what_was_done(struct restore *restore, bool ok) {
    bool lost = restore->link->down && !restore->link->error;
    json_t *last = json_pack(
        "{ss ss so sI sI sb sb sb sI sI sI sI sI sI}", "job", "Restore", "source", restore->source, "options",
        request_words(restore->request), "files", (json_int_t)restore->files, "bytes", (json_int_t)restore->done,
        "encrypted", restore->encrypted, "late", restore->late, "lost", lost, "missing", (json_int_t)restore->missing,
        "bad_digest", (json_int_t)restore->bad_digest, "bad_padding", (json_int_t)restore->bad_padding, "bad_size",
        (json_int_t)restore->bad_size, "large_blocks", (json_int_t)restore->link->large_blocks, "error",
        (json_int_t)(lost && !ok ? -1 : restore->link->error));

    pthread_mutex_lock(&restore->content->lock);
    json_decref(restore->content->last);
    restore->content->last = last;
    pthread_mutex_unlock(&restore->content->lock);
}

static bool transfer(struct restore *restore) {
    if (!restore_copy_folder(restore)) return false;
    lock_screen(restore);
    begin(restore);
    if (!restore_files(restore)) return false;
    return judge(restore) && late_batch(restore) && encryption_allowed(restore);
}

/* A link that is lost in the last steps does not stop a real device; the switch makes it one that does. */
static bool goes_on_alone(struct restore *restore) {
    return restore->late && restore->link->down && !restore->link->error &&
           strcmp(sim_word(restore->dev, "late_loss", "restored"), "half") != 0;
}

static void finish(struct restore *restore, bool ok) {
    ok = ok || goes_on_alone(restore);
    say_what_was_done(restore, ok);
    if (!ok) {
        if (restore->begun)
            half_restored(restore);
        else
            unlock_screen(restore);
        return;
    }
    restore->link->progress = 100;
    if (!restore->reboot) {
        restore->content->staged = true;
        unlock_screen(restore);
        return;
    }
    apply(restore);
    link_respond(restore->link);
    restore->link->down = true;
    usleep((unsigned)sim_number(restore->dev, "reboot_after_ms", 50) * 1000);
    sim_reboot(restore->dev, SIM_ASSISTANT);
}

static bool option(plist_t options, const char *name, bool otherwise) {
    int value = dict_bool(options, name);

    return value < 0 ? otherwise : value == 1;
}

static bool read_request(struct restore *restore, plist_t request) {
    plist_t options = plist_dict_get_item(request, "Options");
    const char *target = dict_string(request, "TargetIdentifier"),
               *check = sim_word(restore->dev, "restore_check", "full");

    restore->source = dict_string(request, "SourceIdentifier");
    if (!target || strcmp(target, restore->udid) != 0) return link_wrong(restore->link, "a restore for another device");
    if (!restore->source || !*restore->source || strchr(restore->source, '/') || *restore->source == '.' ||
        strlen(restore->source) > 200)
        return link_wrong(restore->link, "a restore without a usable SourceIdentifier");
    if (options && plist_get_node_type(options) != PLIST_DICT)
        return link_wrong(restore->link, "restore options that are no dictionary");
    restore->password = dict_string(options, "Password");
    if (restore->password && strlen(restore->password) >= sizeof restore->dev->backup_password)
        return link_wrong(restore->link, "a password of impossible length");
    restore->reboot = option(options, "RestoreShouldReboot", true);
    restore->system_files = option(options, "RestoreSystemFiles", true);
    restore->preserve = option(options, "RestorePreserveSettings", false);
    restore->remove_others = option(options, "RemoveItemsNotRestored", true);
    restore->dont_copy = option(options, "RestoreDontCopyBackup", false);
    restore->check = !strcmp(check, "none") ? CHECK_NONE : !strcmp(check, "digests") ? CHECK_DIGESTS : CHECK_FULL;
    return true;
}

static void release(struct restore *restore) {
    sim_content_clear(&restore->fresh);
    for (size_t i = 0; i < restore->fresh.string_count; i++) free(restore->fresh.strings[i]);
    free(restore->fresh.strings);
    free(restore->fresh.files);
    rows_free(&restore->rows);
    plist_free(restore->manifest);
    OPENSSL_cleanse(&restore->bag, sizeof restore->bag);
}

void job_restore(struct link *link, plist_t request) {
    struct sim_device *dev = link->dev;
    struct restore restore = {.link = link, .dev = dev, .content = dev->content, .udid = dev->udid};

    restore.request = request;
    if (!read_request(&restore, request)) return;
    snprintf(restore.folder, sizeof restore.folder, "%.500s/%s.restored-%u", sim_state_dir(dev->sim), dev->udid,
             dev->content->restores);
    link->large_blocks = 0;
    finish(&restore, allowed(&restore) && restore_read(&restore) && transfer(&restore));
    release(&restore);
}
