/* The error book of lockdown: LOCKDOWN_E_* in their order (protocol.md 2.3), and our own enum kb_device_code. */
#include "kitbench/policy.h"

/* Sentences that several errors share. */
static const char again[] =
    N_("The device does not answer as it should: unplug it, plug it in again and try once more");
static const char fault[] = N_("kitbench asked the device for something wrong: note the time and report this fault");
static const char pair_again[] =
    N_("The device does not know this computer any more: run kitbench pair and tap Trust on the device");
static const char not_there[] = N_("The device does not have the value or service that was asked for: unlock it, "
                                   "finish its activation, then try again");
static const char not_allowed[] =
    N_("The device does not allow this: look at its restrictions and profiles, then try again");

static const struct {
    int code;
    const char *name; /* the word on the wire, or libimobiledevice's */
    const char *text;
} book[] = {
    {-1, "InvalidArgument", fault},
    {-2, "InvalidConfiguration", pair_again},
    {-3, "PlistError", again},
    {-4, "PairingFailed", N_("Pairing failed: unlock the device, unplug it, plug it in again and tap Trust")},
    {-5, "SSLError",
     N_("The secure connection to the device failed: unlock it, plug it in again; if that does not help, run kitbench "
        "pair")},
    {-6, "DictError", again},
    {-7, "ReceiveTimeout", N_("The device did not answer in time: unlock it, plug it in again and try once more")},
    {-8, "MuxError", N_("The connection to the device was lost: check cable and hub and plug it in again")},
    {-9, "NoRunningSession", again},
    {-10, "InvalidResponse", again},
    {-11, "MissingKey", fault},
    {-12, "MissingValue", not_there},
    {-13, "GetProhibited", not_allowed},
    {-14, "SetProhibited", not_allowed},
    {-15, "RemoveProhibited", not_allowed},
    {-16, "ImmutableValue", not_allowed},
    {-17, "PasswordProtected",
     N_("The device is locked: unlock it with its passcode, leave the screen on and try again")},
    {-18, "UserDeniedPairing",
     N_("Somebody tapped Don't Trust on the device: unplug it, plug it in again and tap Trust")},
    {-19, "PairingDialogResponsePending",
     N_("The device asks whether it may trust this computer: tap Trust and enter its passcode")},
    {-20, "MissingHostID", pair_again},
    {-21, "InvalidHostID", pair_again},
    {-22, "SessionActive", again},
    {-23, "SessionInactive", again},
    {-24, "MissingSessionID", again},
    {-25, "InvalidSessionID", again},
    {-26, "MissingService", fault},
    {-27, "InvalidService",
     N_("The device does not offer this service: finish its activation, tap Trust, then try again")},
    {-28, "ServiceLimit",
     N_("The device is busy with another program's backup or restore: close that program or restart the device, then "
        "try again")},
    {-29, "MissingPairRecord", pair_again},
    {-30, "SavePairRecordFailed",
     N_("The device could not store the pairing: restart it, then run kitbench pair again")},
    {-31, "InvalidPairRecord", pair_again},
    {-32, "InvalidActivationRecord",
     N_("The device refuses its activation: connect it to Wi-Fi and activate it in Setup Assistant")},
    {-33, "MissingActivationRecord",
     N_("The device refuses its activation: connect it to Wi-Fi and activate it in Setup Assistant")},
    {-34, "ServiceProhibited", not_allowed},
    {-35, "EscrowLocked",
     N_("The device has not been unlocked since it started: enter its passcode once, then try again")},
    {-36, "PairingProhibitedOverThisConnection",
     N_("The device does not pair over this connection: connect it with a cable")},
    {-37, "FMiPProtected", N_("Find My protects the device: switch Find My off, or have the owner remove the lock")},
    {-38, "MCProtected",
     N_("A profile forbids pairing with this computer: pair with the supervision identity (kitbench pair --identity), "
        "or ask the MDM administrator")},
    {-39, "MCChallengeRequired",
     N_("The device wants proof of its supervising organization: run kitbench pair --identity with that organization's "
        "identity")},
    {-256, "UnknownError", again},
    {KB_DEVICE_GONE, "Gone", N_("The device is not attached any more: check cable and hub and plug it in again")},
    {KB_DEVICE_SILENT, "Silent",
     N_("The device did not answer in time: unlock it, plug it in again and try once more")},
    {KB_DEVICE_PROTOCOL, "Protocol", again},
    {KB_DEVICE_OTHER, "OtherDevice",
     N_("Another device than expected answered: check which device is on this port, then start again")},
    {KB_DEVICE_RESTORE_MODE, "RestoreMode",
     N_("The device is in restore mode and has no working system: install its OS with Finder or Apple Devices first")},
};

struct kb_result kb_lockdown_result(enum kb_lang lang, int code) {
    if (code == 0) return kb_ok();
    for (size_t i = 0; i < KB_ARRAY_SIZE(book); i++) {
        if (book[i].code == code)
            return kb_fail(KB_LOCKDOWN, code, "%s (lockdown: %s)", kb_tr(lang, book[i].text), book[i].name);
    }
    return kb_fail(KB_LOCKDOWN, code, "%s (lockdown: %d)", kb_tr(lang, again), code);
}
