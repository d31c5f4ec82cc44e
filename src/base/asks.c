/* What is asked of a hand: names for programs, sentences for the person at the bench. */
#include "kitbench/base.h"

static const char *const names[] = {
#define X(name, word) word,
    KB_ASKS(X)
#undef X
};

static const char *const texts[] = {
    [KB_ASK_NONE] = "",
    [KB_ASK_TRUST] = N_("Unlock the device, tap Trust on its screen and enter its passcode"),
    [KB_ASK_PASSCODE] = N_("Enter the device's passcode on its screen"),
    [KB_ASK_UNLOCK] = N_("Unlock the device with its passcode and leave the screen on"),
    [KB_ASK_ACTIVATE] = N_("Go on in Setup Assistant and connect the device to Wi-Fi until it is activated"),
    [KB_ASK_CHOOSE_RESTORE] = N_("Go on in Setup Assistant to the screen for transferring apps and data, and choose to "
                                 "restore from a Mac or PC"),
    [KB_ASK_FIND_MY_OFF] = N_("Turn off Find My on the device: open Settings, tap the name at the top, then Find My"),
};

const char *kb_ask_name(enum kb_ask ask) { return (size_t)ask < KB_ARRAY_SIZE(names) ? names[ask] : ""; }

const char *kb_ask_text(enum kb_lang lang, enum kb_ask ask) {
    return (size_t)ask < KB_ARRAY_SIZE(texts) ? kb_tr(lang, texts[ask]) : "";
}
