/*
 * The error book of mobilebackup2: what a device's MBErrorDomain code means and what to do next (protocol.md section
 * 4). A code that is not here is shown with the device's own words.
 */
#include "kitbench/policy.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int from, to;
    bool general; /* the device often names the real reason behind it: "Underlying error: ... (MBErrorDomain/208)" */
    const char *text;
} book[] = {
    {1, 1, true, N_("The device reports a general error: unlock it, restart it and try once more")},
    {2, 2, true,
     N_("The device reports several errors at once: look whether this computer's disk is full, then try again")},
    {3, 3, false, N_("An earlier backup that was broken off is in the way: restart the device, then try again")},
    {4, 4, false,
     N_("The device asked for a file that the backup folder does not have: make a new backup in an empty folder")},
    {5, 7, false,
     N_("The backup folder does not have the shape the device expects: make a new backup in an empty folder")},
    {9, 9, false, N_("Something changed on the device while it was read: leave the device alone and try again")},
    {11, 11, false, N_("A property list in the backup is empty or broken: make a new backup in an empty folder")},
    {13, 14, false, N_("The device is busy with another backup or restore: wait a minute, then try again")},
    {17, 17, false, N_("The device is busy with another backup or restore: wait a minute, then try again")},
    {22, 22, false,
     N_("A management policy on the device forbids this (for example: MDM demands encrypted backups): ask the MDM "
        "administrator, or remove the profile first")},
    {24, 24, false, N_("A path was refused, so kitbench and the device disagree: note the time and report this fault")},
    {25, 25, false,
     N_("The device is still restoring from iCloud: wait until it has finished, or stop it in Settings")},
    {100, 100, true, N_("The device could not read or write: unlock it, check cable and disk, then try again")},
    {101, 101, true, N_("The device could not read one of its files: restart it, then try again")},
    {102, 102, true,
     N_("The device could not put the restored files in place, often after a second restore: restart the "
        "device, then restore again")},
    {103, 103, true,
     N_("The device could not read the backup from this computer: unlock the device, check the cable and try again")},
    {104, 104, true,
     N_("The device could not write the backup to this computer: check this computer's disk and the cable, then try "
        "again")},
    {105, 105, false, N_("This computer's disk is too full for the backup: free space there, then try again")},
    {106, 106, false,
     N_("The device has too little free space for this backup: make room on it or use a device with more storage")},
    {202, 202, false, N_("The device says that this was cancelled: start it again when the device is ready")},
    {203, 203, false,
     N_("This backup comes from a newer or unknown OS version: update the device, then restore again")},
    {204, 204, false, N_("The device finds no backup or an empty one: check that the right backup folder was chosen")},
    {205, 205, false,
     N_("The backup does not match itself: make a new backup in an empty folder, then restore that one")},
    {207, 207, false,
     N_("The backup password is wrong or missing: give the password that was set for backups (it is neither "
        "the Apple ID's nor the passcode)")},
    {208, 208, false,
     N_("The device was locked or its passcode was not entered in time: unlock it, try again and enter the "
        "passcode within three minutes")},
    {210, 210, false, N_("The device has no iCloud account: sign in on the device, then try again")},
    {211, 211, false, N_("Find My is on: switch it off in Settings > Apple ID > Find My, then restore again")},
    {212, 212, false,
     N_("The device is still in Setup Assistant and cannot be backed up: finish its setup, then try again")},
    {223, 223, false, N_("The device put this off until later: leave it unlocked and charging, then try again")},
    {300, 307, false, N_("The device had trouble with its network: connect it to Wi-Fi, then try again")},
    /* Not the device's own: the link under it. */
    {KB_LINK_LOST, KB_LINK_LOST, false,
     N_("The connection to the device was lost: check cable and hub, plug the device in again, then try again")},
    {KB_LINK_SILENT, KB_LINK_SILENT, false,
     N_("The device did not answer in time: unlock it, plug it in again, then try again")},
    {KB_LINK_PROTOCOL, KB_LINK_PROTOCOL, false,
     N_("The device sent something that kitbench does not understand: restart the device, then try again")},
    {KB_LINK_VERSION, KB_LINK_VERSION, false,
     N_("The device speaks a newer backup protocol than this kitbench: update kitbench")},
};

static int find(int64_t code) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(book); i++) {
        if (code >= book[i].from && code <= book[i].to) return (int)i;
    }
    return -1;
}

/* The last code of this domain that the device's words name and the book knows, other than the general ones. */
static int find_underlying(const char *description) {
    static const char mark[] = "MBErrorDomain/";
    int found = -1;
    const char *at = description ? description : "";
    while ((at = strstr(at, mark)) != NULL) {
        at += sizeof mark - 1;
        long code = *at >= '0' && *at <= '9' ? strtol(at, NULL, 10) : 0;
        int row = find(code);
        if (row >= 0 && !book[row].general) found = row;
    }
    return found;
}

/* The head of the device's own words, fit for a terminal. */
static void quote(char *out, size_t room, const char *description) {
    kb_text_clean(out, room, description ? description : "");
}

/* 105 is the computer's disk, 106 the device's; some devices say 105 "on device" (kb_exit_of looks for that mark). */
static bool means_device(int64_t code, const char *description, bool restoring) {
    return code == 105 && (restoring || (description && strstr(description, "on device")));
}

struct kb_result kb_backup2_result(enum kb_lang lang, int64_t error_code, const char *description, bool restoring) {
    char words[200];
    int code = error_code > INT_MAX ? INT_MAX : error_code < INT_MIN ? INT_MIN : (int)error_code;
    int row = find(error_code);
    if (error_code == 0) return kb_ok();
    if (means_device(error_code, description, restoring))
        return kb_fail(KB_BACKUP2, code, "%s (MBErrorDomain/%d, on device)", kb_tr(lang, book[find(106)].text), code);
    if (row >= 0 && book[row].general) {
        int deeper = find_underlying(description);
        if (deeper >= 0) row = deeper;
    }
    if (row >= 0 && code < 0) return kb_fail(KB_BACKUP2, code, "%s", kb_tr(lang, book[row].text));
    quote(words, sizeof words, description);
    if (row >= 0 && (*words == '\0' || !book[row].general))
        return kb_fail(KB_BACKUP2, code, "%s (MBErrorDomain/%d)", kb_tr(lang, book[row].text), code);
    if (row >= 0)
        return kb_fail(KB_BACKUP2, code, "%s (MBErrorDomain/%d: %s)", kb_tr(lang, book[row].text), code, words);
    if (*words == '\0')
        return kb_fail(
            KB_BACKUP2, code,
            kb_tr(lang,
                  "The device stopped with error %d and gives no reason: unlock it, restart it and try once more"),
            code);
    return kb_fail(
        KB_BACKUP2, code,
        kb_tr(lang, "The device stopped with error %d (it says: %s): unlock it, restart it and try once more"), code,
        words);
}
