/* A device's life: cable, reboot, lock, what a restore makes of it, what was asked of it. */
#include "parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN_MAX = 4000 };

struct sim_device *sim_find(struct sim *sim, const char *name) {
    for (int i = 0; i < sim->device_count; i++)
        if (strcmp(sim->devices[i]->udid, name) == 0) return sim->devices[i];
    for (int i = 0; i < sim->device_count; i++) {
        struct sim_device *dev = sim->devices[i];
        if (strcmp(dev->name, name) == 0 || strcmp(sim_word(dev, "name", ""), name) == 0 ||
            strcmp(dev->serial, name) == 0)
            return dev;
    }
    return NULL;
}

bool sim_switch(struct sim_device *dev, const char *name, bool otherwise) {
    const json_t *value = json_object_get(dev->scenario, name);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

int64_t sim_number(struct sim_device *dev, const char *name, int64_t otherwise) {
    const json_t *value = json_object_get(dev->scenario, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

const char *sim_word(struct sim_device *dev, const char *name, const char *otherwise) {
    const char *value = json_string_value(json_object_get(dev->scenario, name));
    return value ? value : otherwise;
}

bool sim_is_locked(const struct sim_device *dev) {
    return dev->passcode_set && dev->phase != SIM_ASSISTANT && (dev->locked || dev->phase == SIM_BFU);
}

bool sim_os_at_least(const struct sim_device *dev, int major, int minor) {
    int have_major = 0, have_minor = 0;
    sscanf(dev->os, "%d.%d", &have_major, &have_minor);
    return have_major != major ? have_major > major : have_minor >= minor;
}

/* --- what was seen and what was wrong --- */

void sim_saw(struct sim_device *dev, const char *service, const char *format, ...) {
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    sim_log(dev->sim, "%s %s: %s", dev->name, service, what);
    pthread_mutex_lock(&dev->lock);
    if (json_array_size(dev->seen) >= SEEN_MAX) json_array_remove(dev->seen, 0);
    json_array_append_new(dev->seen, json_pack("{s:s s:s}", "service", service, "request", what));
    pthread_mutex_unlock(&dev->lock);
}

static void count_bad(struct sim_device *dev, int64_t *counter, const char *service, const char *why) {
    pthread_mutex_lock(&dev->lock);
    ++*counter;
    snprintf(dev->last_bad, sizeof dev->last_bad, "%s: %s", service, why);
    pthread_mutex_unlock(&dev->lock);
    sim_log(dev->sim, "%s %s: WRONG: %s", dev->name, service, why);
}

void sim_bad(struct sim_device *dev, const char *service, const char *why) {
    count_bad(dev, &dev->malformed, service, why);
}

void sim_refuse(struct sim_device *dev, const char *service, const char *why) {
    count_bad(dev, &dev->refused, service, why);
}

/* --- the cable --- */

void sim_stream_join(struct sim_stream *stream) {
    struct sim_device *dev = sim_stream_device(stream);
    pthread_mutex_lock(&dev->lock);
    *sim_stream_next(stream) = dev->own->streams;
    dev->own->streams = stream;
    pthread_mutex_unlock(&dev->lock);
}

void sim_stream_leave(struct sim_stream *stream) {
    struct sim_device *dev = sim_stream_device(stream);
    pthread_mutex_lock(&dev->lock);
    struct sim_stream **at = &dev->own->streams;
    while (*at && *at != stream) at = sim_stream_next(*at);
    if (*at) *at = *sim_stream_next(stream);
    pthread_cond_broadcast(&dev->changed);
    pthread_mutex_unlock(&dev->lock);
}

/* A daemon with preflight pairs by itself: the dialog pops up, or in Setup Assistant it is done at once (1.8). */
static void preflight(struct sim_device *dev) {
    const json_t *daemon = json_object_get(dev->sim->scenario, "daemon");
    if (!json_is_true(json_object_get(daemon, "preflight")) || dev->own->pairing_count > 0) return;
    if (dev->phase == SIM_NORMAL && !sim_is_locked(dev) && !dev->own->record_pending) dev->trust_asked = true;
    if (dev->phase == SIM_ASSISTANT) sim_host_record_make(dev);
}

void sim_attach(struct sim_device *dev) {
    pthread_mutex_lock(&dev->lock);
    dev->plugged = true;
    dev->trust_asked = false;
    dev->trust_answer = 0;
    dev->own->port_count = 0;
    preflight(dev);
    bool visible = !dev->own->rebooting && !dev->own->usb_blocked && dev->mux_id == 0;
    if (visible) sim_mux_attached(dev, true);
    pthread_cond_broadcast(&dev->changed);
    pthread_mutex_unlock(&dev->lock);
}

/* Takes it out of usbmuxd's list and ends its links; plugged stays as it is (a reboot does not pull the cable). */
static void vanish(struct sim_device *dev) {
    if (dev->mux_id != 0) sim_mux_attached(dev, false);
    for (struct sim_stream *stream = dev->own->streams; stream; stream = *sim_stream_next(stream))
        sim_stream_end(stream);
    dev->own->port_count = 0;
    dev->own->challenge_open = dev->own->escalate_open = dev->own->escalated = false;
    pthread_cond_broadcast(&dev->changed);
}

void sim_detach(struct sim_device *dev) {
    pthread_mutex_lock(&dev->lock);
    dev->plugged = false;
    vanish(dev);
    pthread_mutex_unlock(&dev->lock);
}

struct reboot {
    struct sim_device *dev;
    enum sim_phase phase;
};

static void *reboot_run(void *arg) {
    struct reboot *job = arg;
    struct sim_device *dev = job->dev;
    sim_nap(sim_number(dev, "reboot_ms", 1500));
    pthread_mutex_lock(&dev->lock);
    dev->phase = job->phase;
    dev->own->rebooting = false;
    dev->own->backup_running = false;
    bool plugged = dev->plugged;
    pthread_mutex_unlock(&dev->lock);
    if (plugged && !sim_switch(dev, "stays_away_after_reboot", false)) sim_attach(dev);
    free(job);
    return NULL;
}

void sim_reboot(struct sim_device *dev, enum sim_phase phase) {
    struct reboot *job = calloc(1, sizeof *job);
    *job = (struct reboot){dev, phase};
    pthread_mutex_lock(&dev->lock);
    dev->phase = SIM_REBOOTING;
    dev->own->rebooting = true;
    vanish(dev);
    pthread_mutex_unlock(&dev->lock);
    sim_thread(reboot_run, job);
}

/* --- the passcode on the screen --- */

static void announce_passcode(struct sim_device *dev, bool shown) {
    if (!sim_switch(dev, "passcode_notifications", true)) return;
    sim_notify(dev,
               shown ? "com.apple.LocalAuthentication.ui.presented" : "com.apple.LocalAuthentication.ui.dismissed");
}

int sim_ask_passcode(struct sim_stream *stream) {
    struct sim_device *dev = sim_stream_device(stream);
    int64_t until = sim_now_ms() + 1000 * sim_number(dev, "passcode_timeout_s", 180);
    pthread_mutex_lock(&dev->lock);
    bool needed = dev->passcode_set && dev->phase == SIM_NORMAL;
    if (needed && sim_switch(dev, "passcode_prompts", true)) {
        dev->passcode_asked = true;
        dev->passcode_answer = 0;
        pthread_cond_broadcast(&dev->changed);
    }
    bool asked = dev->passcode_asked;
    pthread_mutex_unlock(&dev->lock);
    if (!asked) return 0;
    announce_passcode(dev, true);
    pthread_mutex_lock(&dev->lock);
    bool there = true;
    while (there && dev->passcode_answer == 0 && sim_now_ms() < until) {
        int64_t left = until - sim_now_ms();
        there = sim_wait_changed(stream, left > 1000 ? 1000 : left > 0 ? left : 1);
    }
    int answer = dev->passcode_answer;
    dev->passcode_asked = false;
    dev->passcode_answer = 0;
    if (answer == 1) dev->locked = false;
    pthread_mutex_unlock(&dev->lock);
    announce_passcode(dev, false);
    return answer == 1 ? 0 : 208;
}

/* --- what becomes of it --- */

void sim_install_mdm(struct sim_device *dev, plist_t profile) {
    const char *identifier = sim_str(profile, "PayloadIdentifier");
    if (!dev->profiles) dev->profiles = plist_new_dict();
    plist_dict_set_item(dev->profiles, identifier ? identifier : "mdm.profile", profile);
    dev->mdm_enrolled = true;
}

/* Erases everything: the state in which a device leaves its box, in Setup Assistant. */
void sim_wipe(struct sim_device *dev) {
    struct sim_own *own = dev->own;
    sim_pairings_forget(dev);
    dev->locked = dev->passcode_set = false;
    dev->passcode[0] = 0;
    dev->activated = sim_switch(dev, "activated_after_wipe", true);
    dev->setup_done = dev->at_restore_pane = false;
    dev->find_my = false;
    dev->supervised = dev->ade_profile != NULL;
    if (!dev->supervised) {
        plist_free(dev->cloud_configuration);
        dev->cloud_configuration = NULL;
    }
    plist_free(dev->profiles);
    dev->profiles = NULL;
    dev->mdm_enrolled = false;
    dev->agent.installed = dev->agent.authenticated = false;
    dev->agent.reports_as[0] = 0;
    dev->will_encrypt = false;
    dev->backup_password[0] = 0;
    dev->restore_state[0] = dev->restored_from[0] = 0;
    plist_free(own->values);
    own->values = plist_new_dict();
}

/*
 * The manual's three tables (manual-ja.txt, "復元のケースと注意事項"): what a restored device is, before the operator's
 * hand. agent: 'o' as it was, 'r' authenticated as the OLD device, '-' none. mdm: 'o' kept, '-' gone (a supervised
 * target gets it from Remote Management afterwards).
 */
enum source_state { SOURCE_UNSUPERVISED, SOURCE_SUPERVISED, SOURCE_NO_MDM };
static const struct row {
    enum source_state source;
    bool same, target_supervised;
    char agent, mdm;
    bool becomes_supervised;
} rows[] = {
    {SOURCE_UNSUPERVISED, true, false, 'o', 'o', false},  {SOURCE_UNSUPERVISED, true, true, '-', '-', false},
    {SOURCE_UNSUPERVISED, false, false, 'r', '-', false}, {SOURCE_UNSUPERVISED, false, true, 'r', '-', false},
    {SOURCE_SUPERVISED, true, false, 'o', 'o', true},     {SOURCE_SUPERVISED, true, true, 'o', 'o', false},
    {SOURCE_SUPERVISED, false, false, 'r', '-', false},   {SOURCE_SUPERVISED, false, true, 'r', '-', false},
    {SOURCE_NO_MDM, true, false, '-', '-', false},        {SOURCE_NO_MDM, true, true, '-', '-', false},
    {SOURCE_NO_MDM, false, false, '-', '-', false},       {SOURCE_NO_MDM, false, true, '-', '-', false},
};

static const struct row *row_find(enum source_state source, bool same, bool target_supervised) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].source == source && rows[i].same == same && rows[i].target_supervised == target_supervised)
            return &rows[i];
    return NULL;
}

static void become_supervised(struct sim_device *dev) {
    dev->supervised = true;
    if (!dev->cloud_configuration) dev->cloud_configuration = plist_new_dict();
    sim_put_bool(dev->cloud_configuration, "IsSupervised", true);
}

static void restore_agent(struct sim_device *dev, char kind, const char *source_udid, const struct sim_agent *source) {
    struct sim_agent *agent = &dev->agent;
    if (source && source->bundle_id[0]) sim_copy(agent->bundle_id, sizeof agent->bundle_id, source->bundle_id);
    agent->installed = kind != '-' && source && source->installed;
    agent->authenticated = agent->installed && source->authenticated;
    sim_copy(agent->reports_as, sizeof agent->reports_as,
             !agent->authenticated ? ""
             : kind == 'r'         ? source_udid
                                   : dev->udid);
}

static void restore_mdm(struct sim_device *dev, char kind) {
    plist_t kept = kind == 'o' ? (dev->ade_profile ? plist_copy(dev->ade_profile) : NULL) : NULL;
    if (kind == 'o' && dev->mdm_enrolled) {
        plist_free(kept);
        return; /* the enrolment is still there */
    }
    plist_free(dev->profiles);
    dev->profiles = NULL;
    dev->mdm_enrolled = false;
    if (kind == 'o' && !kept) kept = sim_profile_metadata(dev->own->profiles_wanted);
    if (kept) sim_install_mdm(dev, kept);
}

void sim_apply_restore(struct sim_device *dev, const char *source_udid, bool source_supervised, bool source_mdm,
                       const struct sim_agent *source_agent) {
    enum source_state source = !source_mdm         ? SOURCE_NO_MDM
                               : source_supervised ? SOURCE_SUPERVISED
                                                   : SOURCE_UNSUPERVISED;
    pthread_mutex_lock(&dev->lock);
    const struct row *row = row_find(source, strcmp(dev->udid, source_udid) == 0, dev->supervised);
    if (row->becomes_supervised) become_supervised(dev);
    restore_mdm(dev, row->mdm);
    restore_agent(dev, row->agent, source_udid, source_agent);
    sim_copy(dev->restored_from, sizeof dev->restored_from, source_udid);
    sim_copy(dev->restore_state, sizeof dev->restore_state, "RestoredFromiTunesBackup");
    dev->setup_done = dev->at_restore_pane = false;
    dev->locked = dev->passcode_set = false;
    if (strcmp(sim_word(dev, "pairing_after_restore", "gone"), "kept") != 0) sim_pairings_forget(dev);
    pthread_cond_broadcast(&dev->changed);
    pthread_mutex_unlock(&dev->lock);
}
