/* The operator's hand on a device: cable, taps, passcode, Setup Assistant, the agent. A refusal is a sentence. */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef const char *hand_fn(struct sim_device *dev, const char *arg);

/* Into another port, when arg says which. */
static const char *plug(struct sim_device *dev, const char *arg) {
    char *end = NULL;
    long long location = arg && *arg ? strtoll(arg, &end, 0) : 0;
    if (end && (*end || location <= 0)) return "a port is a LocationID: a number";
    pthread_mutex_lock(&dev->lock);
    bool out = dev->mux_id == 0;
    if (end && out) dev->location = location;
    pthread_mutex_unlock(&dev->lock);
    if (end && !out) return "it is plugged in; unplug it first";
    return sim_attach(dev), NULL;
}
static const char *unplug(struct sim_device *dev, const char *arg) { return (void)arg, sim_detach(dev), NULL; }

/* All others run under the device's lock. */
static const char *trust(struct sim_device *dev, const char *arg) {
    bool yes = arg && strcmp(arg, "yes") == 0;
    if (!arg || (!yes && strcmp(arg, "no") != 0)) return "Say trust DEVICE yes or trust DEVICE no";
    if (!dev->trust_asked) return "No Trust dialog is on the screen; a computer must ask first";
    if (sim_is_locked(dev)) return "The device is locked; unlock it first";
    dev->trust_answer = yes ? 1 : -1;
    dev->trust_asked = false;
    return NULL;
}

static const char *passcode(struct sim_device *dev, const char *arg) {
    bool enter = arg && strcmp(arg, "enter") == 0;
    if (!arg || (!enter && strcmp(arg, "cancel") != 0)) return "Say passcode DEVICE enter or passcode DEVICE cancel";
    if (!dev->passcode_asked) return "The device does not ask for its passcode";
    dev->passcode_answer = enter ? 1 : -1;
    return NULL;
}

static const char *unlock(struct sim_device *dev, const char *arg) {
    (void)arg;
    dev->locked = false;
    if (dev->phase == SIM_BFU) dev->phase = SIM_NORMAL;
    return NULL;
}

static const char *lock(struct sim_device *dev, const char *arg) {
    (void)arg;
    if (!dev->passcode_set) return "The device has no passcode; it cannot be locked";
    if (dev->phase != SIM_NORMAL) return "Only a device that is set up can be locked";
    dev->locked = true;
    return NULL;
}

static const char *activate(struct sim_device *dev, const char *arg) { return (void)arg, dev->activated = true, NULL; }

static const char *in_assistant(struct sim_device *dev) {
    return dev->phase == SIM_ASSISTANT ? NULL : "The device is not in Setup Assistant";
}

static bool restore_pane_hidden(struct sim_device *dev) {
    plist_t skip = dev->cloud_configuration ? plist_dict_get_item(dev->cloud_configuration, "SkipSetup") : NULL;
    for (uint32_t i = 0; sim_is(skip, PLIST_ARRAY) && i < plist_array_get_size(skip); i++) {
        plist_t item = plist_array_get_item(skip, i);
        if (sim_is(item, PLIST_STRING) && strcmp(plist_get_string_ptr(item, NULL), "Restore") == 0) return true;
    }
    return false;
}

static const char *choose_restore(struct sim_device *dev, const char *arg) {
    (void)arg;
    if (in_assistant(dev)) return in_assistant(dev);
    if (restore_pane_hidden(dev)) return "The ADE profile hides \"restore from backup\" on this device";
    dev->at_restore_pane = true;
    return NULL;
}

static const char *wifi(struct sim_device *dev, const char *arg) {
    (void)arg;
    if (in_assistant(dev)) return in_assistant(dev);
    dev->activated = true; /* a device that reaches Apple activates by itself */
    return NULL;
}

/* Remote Management: installs the ADE enrolment when one is assigned; an unsupervised device has no such screen. */
static const char *next(struct sim_device *dev, const char *arg) {
    (void)arg;
    if (in_assistant(dev)) return in_assistant(dev);
    if (!dev->activated) return "The device is not activated; connect it to Wi-Fi first";
    if (!dev->supervised || !dev->ade_profile)
        return "This device shows no Remote Management screen; no ADE profile is assigned to it";
    if (!dev->mdm_enrolled) sim_install_mdm(dev, plist_copy(dev->ade_profile));
    return NULL;
}

static const char *sign_in(struct sim_device *dev, const char *arg) {
    return (void)arg, dev->phase == SIM_ASSISTANT && !dev->activated ? "The device is not activated" : NULL;
}

static const char *finish_setup(struct sim_device *dev, const char *arg) {
    (void)arg;
    if (in_assistant(dev)) return in_assistant(dev);
    if (!dev->activated) return "The device is not activated; connect it to Wi-Fi first";
    dev->phase = SIM_NORMAL;
    dev->setup_done = true;
    dev->at_restore_pane = false;
    sim_copy(dev->passcode, sizeof dev->passcode, sim_word(dev, "passcode", ""));
    dev->passcode_set = dev->passcode[0] != 0;
    dev->locked = false;
    if (dev->cloud_configuration) sim_put_bool(dev->cloud_configuration, "CloudConfigurationUIComplete", true);
    return NULL;
}

static const char *set_up(struct sim_device *dev) {
    return dev->phase == SIM_NORMAL ? NULL : "The device is not at its home screen; finish setup first";
}

static const char *home(struct sim_device *dev, const char *arg) { return (void)arg, set_up(dev); }

/* Kitting by hand: the MDM profile and the agent. */
static const char *kit(struct sim_device *dev, const char *arg) {
    (void)arg;
    if (set_up(dev)) return set_up(dev);
    if (!dev->mdm_enrolled) sim_install_mdm(dev, sim_profile_metadata(dev->own->profiles_wanted));
    return NULL;
}

static const char *install_agent(struct sim_device *dev, const char *arg) {
    (void)arg;
    if (set_up(dev)) return set_up(dev);
    dev->agent.installed = true;
    return NULL;
}

static const char *auth_agent(struct sim_device *dev, const char *arg) {
    (void)arg;
    if (set_up(dev)) return set_up(dev);
    if (!dev->agent.installed) return "The agent is not installed";
    dev->agent.authenticated = true;
    sim_copy(dev->agent.reports_as, sizeof dev->agent.reports_as, dev->udid);
    return NULL;
}

static const char *find_my(struct sim_device *dev, const char *arg) {
    if (!arg || (strcmp(arg, "on") != 0 && strcmp(arg, "off") != 0))
        return "Say find-my DEVICE on or find-my DEVICE off";
    dev->find_my = strcmp(arg, "on") == 0;
    return NULL;
}

/* The device is put under supervision meanwhile (another ADE assignment, or Configurator). */
static const char *supervise(struct sim_device *dev, const char *arg) {
    (void)arg;
    dev->supervised = true;
    if (!dev->cloud_configuration) dev->cloud_configuration = plist_new_dict();
    sim_put_bool(dev->cloud_configuration, "IsSupervised", true);
    return NULL;
}

static const char *allow_usb(struct sim_device *dev, const char *arg) {
    return (void)arg, dev->own->usb_blocked = false, NULL;
}

static const struct {
    const char *name;
    hand_fn *hand;
    bool locks; /* the function takes the lock itself */
} hands[] = {
    {"plug", plug, true},
    {"unplug", unplug, true},
    {"trust", trust, false},
    {"passcode", passcode, false},
    {"unlock", unlock, false},
    {"lock", lock, false},
    {"activate", activate, false},
    {"choose-restore", choose_restore, false},
    {"wifi", wifi, false},
    {"next", next, false},
    {"sign-in", sign_in, false},
    {"finish-setup", finish_setup, false},
    {"home", home, false},
    {"kit", kit, false},
    {"install-agent", install_agent, false},
    {"auth-agent", auth_agent, false},
    {"reauth-agent", auth_agent, false},
    {"find-my", find_my, false},
    {"allow-usb", allow_usb, false},
    {"supervise", supervise, false},
};

bool sim_operator_knows(const char *what) {
    for (size_t i = 0; i < sizeof hands / sizeof *hands; i++)
        if (strcmp(hands[i].name, what) == 0) return true;
    return false;
}

/* What happens beside the state: notifications, and the daemon that pairs by itself. */
static void afterwards(struct sim_device *dev, const char *what, const char *arg) {
    const json_t *daemon = json_object_get(dev->sim->scenario, "daemon");
    bool preflight = json_is_true(json_object_get(daemon, "preflight"));
    if (strcmp(what, "trust") == 0 && strcmp(arg, "yes") == 0) {
        if (preflight) {
            pthread_mutex_lock(&dev->lock);
            sim_host_record_make(dev);
            dev->trust_answer = 0;
            pthread_mutex_unlock(&dev->lock);
            sim_mux_paired(dev);
        }
        sim_np_post(dev, "com.apple.mobile.lockdown.request_pair", true);
    }
    if (strcmp(what, "activate") == 0 || strcmp(what, "wifi") == 0)
        sim_np_post(dev, "com.apple.mobile.lockdown.activation_state", false);
    if (strcmp(what, "allow-usb") == 0 && dev->plugged) sim_attach(dev);
}

const char *sim_operator(struct sim_device *dev, const char *what, const char *arg) {
    for (size_t i = 0; i < sizeof hands / sizeof *hands; i++) {
        if (strcmp(hands[i].name, what) != 0) continue;
        if (!hands[i].locks) pthread_mutex_lock(&dev->lock);
        const char *why = hands[i].hand(dev, arg);
        if (!hands[i].locks) {
            pthread_cond_broadcast(&dev->changed);
            pthread_mutex_unlock(&dev->lock);
        }
        if (!why) afterwards(dev, what, arg);
        return why;
    }
    return "phonesim does not know this command";
}
