/*
 * The manual's procedures: what the operator does, in which order, and what the device itself can prove of it.
 * The USB route replaces both the iTunes and the Finder procedure (they differ only in the computer's program).
 */
#include "kitbench/policy.h"
#include "words.h"

#include <string.h>

/* One row a step: the sentence (English here, Japanese in po/parts/policy.po) and what can tick it. */
static const struct {
    enum kb_step step;
    enum kb_evidence_rule evidence;
    const char *text;
} steps[] = {
    {KB_STEP_ICLOUD_BACKUP, KB_TICK_PERSON,
     N_("On the old device open Settings > Apple ID > iCloud > iCloud Backup and make a backup now")},
    {KB_STEP_START_SETUP, KB_TICK_IN_ASSISTANT, N_("Switch the new device on and go through its initial setup")},
    {KB_STEP_CHOOSE_RESTORE, KB_TICK_RESTORE_TAKEN,
     N_("On the Apps & Data screen choose Restore from Mac or PC, then leave the device connected to this computer")},
    {KB_STEP_CHOOSE_ICLOUD_RESTORE, KB_TICK_RESTORE_TAKEN,
     N_("Go on with the initial setup to the Apps & Data screen and choose Restore from iCloud Backup")},
    {KB_STEP_WIFI, KB_TICK_ONLINE, N_("After the restore connect the device to Wi-Fi")},
    {KB_STEP_CHOOSE_BACKUP, KB_TICK_RESTORE_TAKEN,
     N_("Choose the backup to restore: look at its date and device name")},
    {KB_STEP_REMOTE_MANAGEMENT, KB_TICK_MDM, N_("On the Remote Management screen tap Next")},
    {KB_STEP_APPLE_ID, KB_TICK_PERSON,
     N_("Sign in with the Apple ID of the old device: its password is asked for, and maybe a code that the old device "
        "shows")},
    {KB_STEP_FINISH_SETUP, KB_TICK_SETUP_DONE, N_("Go on through the rest of the initial setup")},
    {KB_STEP_HOME_SCREEN, KB_TICK_SETUP_DONE, N_("Check that the device shows its Home screen")},
    {KB_STEP_KITTING, KB_TICK_MDM, N_("Kit the device: enrol it in MDM by the kitting manual")},
    {KB_STEP_AGENT_REAUTH, KB_TICK_PERSON,
     N_("Authenticate the agent again, or it goes on reporting the old device's location: on the Home screen tap "
        "Portal, then Authenticate the agent, then Start and authenticate; confirm it here with your name")},
    {KB_STEP_AGENT_INSTALL, KB_TICK_AGENT_INSTALLED, N_("Install the iOS agent on the device, from the portal")},
    {KB_STEP_AGENT_AUTH, KB_TICK_PERSON,
     N_("Authenticate the iOS agent: on the Home screen tap Portal, then Authenticate the agent, then Start and "
        "authenticate; confirm it here with your name")},
    {KB_STEP_BECOMES_SUPERVISED, KB_TICK_SUPERVISED,
     N_("Check that the device has become supervised: Settings shows it at the top")},
};

static const char *const step_words[] = {
#define X(name, word) word,
    KB_STEPS(X)
#undef X
};

const char *kb_step_name(enum kb_step step) { return word_of(step_words, KB_STEP_COUNT, (int)step); }

enum kb_step kb_step_from_name(const char *name) {
    int value = value_of(step_words, KB_STEP_COUNT, name);
    return value < 0 ? KB_STEP_NONE : (enum kb_step)value;
}

const char *kb_step_text(enum kb_lang lang, enum kb_step step) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(steps); i++) {
        if (steps[i].step == step) return kb_tr(lang, steps[i].text);
    }
    return "";
}

enum kb_evidence_rule kb_step_evidence(enum kb_step step) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(steps); i++) {
        if (steps[i].step == step) return steps[i].evidence;
    }
    return KB_TICK_PERSON;
}

bool kb_step_needs_person(enum kb_step step) {
    return step != KB_STEP_NONE && kb_step_evidence(step) == KB_TICK_PERSON;
}

static const char *const state_words[] = {"open", "done", "skipped"};

const char *kb_step_state_name(enum kb_step_state state) {
    return word_of(state_words, KB_ARRAY_SIZE(state_words), (int)state);
}

bool kb_step_state_parse(const char *text, enum kb_step_state *state) {
    int value = value_of(state_words, KB_ARRAY_SIZE(state_words), text);
    if (value < 0) return false;
    *state = (enum kb_step_state)value;
    return true;
}

static const char *const route_words[] = {"usb", "icloud"};

const char *kb_route_name(enum kb_route route) { return word_of(route_words, KB_ARRAY_SIZE(route_words), (int)route); }

bool kb_route_parse(const char *text, enum kb_route *route) {
    int value = value_of(route_words, KB_ARRAY_SIZE(route_words), text);
    if (value < 0) return false;
    *route = (enum kb_route)value;
    return true;
}

/* ---- The order -------------------------------------------------------------------------------------------------- */

static const enum kb_step usb_steps[] = {
    KB_STEP_START_SETUP, KB_STEP_CHOOSE_RESTORE, /* the restore itself */
    KB_STEP_WIFI,        KB_STEP_REMOTE_MANAGEMENT, KB_STEP_APPLE_ID, KB_STEP_FINISH_SETUP, KB_STEP_HOME_SCREEN,
};
static const enum kb_step icloud_steps[] = {
    KB_STEP_ICLOUD_BACKUP, KB_STEP_START_SETUP,       KB_STEP_CHOOSE_ICLOUD_RESTORE, KB_STEP_APPLE_ID,
    KB_STEP_CHOOSE_BACKUP, KB_STEP_REMOTE_MANAGEMENT, KB_STEP_HOME_SCREEN,
};

/* ※バックアップした端末と復元先の端末が同じの場合、リモートマネージメントの画面は表示されません (iCloud only) */
static bool is_left_out(enum kb_route route, enum kb_step step, bool same) {
    return route == KB_ROUTE_ICLOUD && same && step == KB_STEP_REMOTE_MANAGEMENT;
}

int kb_plan_steps(enum kb_route route, const struct kb_case *row, enum kb_tri same_device, enum kb_step *out) {
    const enum kb_step *plan = route == KB_ROUTE_ICLOUD ? icloud_steps : usb_steps;
    size_t size = route == KB_ROUTE_ICLOUD ? KB_ARRAY_SIZE(icloud_steps) : KB_ARRAY_SIZE(usb_steps);
    bool same = row ? row->same_device : same_device == KB_YES;
    int count = 0;
    if (row && !row->supported) return 0; /* what is not supported has no procedure */
    for (size_t i = 0; i < size; i++) {
        if (!is_left_out(route, plan[i], same)) out[count++] = plan[i];
    }
    for (int i = 0; row && i < KB_MAX_FOLLOW_UPS && row->follow_ups[i] != KB_STEP_NONE; i++) {
        out[count++] = row->follow_ups[i];
    }
    return count;
}

/* ---- The evidence ----------------------------------------------------------------------------------------------- */

/* com.apple.purplebuddy RestoreState (protocol.md 2.4): an iCloud backup has been chosen and is coming. */
static bool takes_icloud_restore(const struct kb_device *device) {
    return kb_streq(device->restore_state, "RestoringFromBackup") || strstr(device->restore_state, "iCloud") != NULL;
}

static bool is_icloud_step(enum kb_step step) {
    return step == KB_STEP_CHOOSE_ICLOUD_RESTORE || step == KB_STEP_CHOOSE_BACKUP;
}

static bool is_proved(enum kb_step step, const struct kb_device *device, bool restored) {
    bool setup_done = device->setup == KB_SETUP_DONE;
    switch (kb_step_evidence(step)) {
    case KB_TICK_PERSON:
        return false;
    case KB_TICK_IN_ASSISTANT:
        return restored || device->setup == KB_SETUP_ASSISTANT;
    case KB_TICK_RESTORE_TAKEN:
        return restored || (is_icloud_step(step) && takes_icloud_restore(device));
    case KB_TICK_ONLINE:
        return setup_done || device->mdm == KB_YES;
    case KB_TICK_MDM:
        return device->mdm == KB_YES;
    case KB_TICK_SETUP_DONE:
        return setup_done;
    case KB_TICK_AGENT_INSTALLED:
        return device->agent == KB_YES;
    case KB_TICK_SUPERVISED:
        return device->supervised == KB_YES;
    }
    return false;
}

enum kb_step_state kb_step_judge(enum kb_step step, const struct kb_device *device, bool restored) {
    if (step == KB_STEP_NONE) return KB_STEP_OPEN;
    if (is_proved(step, device, restored)) return KB_STEP_DONE;
    /* The screen never came: an unsupervised device of the case table's MDM × rows. Its kitting stays open. */
    bool passed = device->setup == KB_SETUP_DONE && device->mdm == KB_NO && device->supervised == KB_NO;
    return step == KB_STEP_REMOTE_MANAGEMENT && passed ? KB_STEP_SKIPPED : KB_STEP_OPEN;
}
