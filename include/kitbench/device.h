/*
 * The device room: all talk with a device. Never touches a file (struct kb_files does) and never asks a person: it says
 * what it waits for. Everything here blocks, and belongs into a process of its own (design.md section 3).
 *
 * Failures: KB_USBMUX; KB_LOCKDOWN with libimobiledevice's LOCKDOWN_E_* (negative) or enum kb_device_code (positive);
 * KB_SERVICE; KB_BACKUP2 with the device's ErrorCode (positive; the text is the device's own description, cleaned: job
 * puts the error book's sentence in its place) or enum kb_link_code (negative); KB_CANCELLED.
 */
#ifndef KITBENCH_DEVICE_H
#define KITBENCH_DEVICE_H

#include "kitbench/base.h"
#include "kitbench/host.h"

/* ---- usbmuxd, asked directly: libusbmuxd does not hand out LocationID (protocol.md 1)
 * ------------------------------------------- */

struct kb_attached {
    uint32_t id; /* usbmuxd's DeviceID */
    char udid[KB_UDID_ROOM];
    int64_t location; /* -1 when absent */
    int product;
};
#define KB_MAX_ATTACHED 256
/* USB devices now. count at most KB_MAX_ATTACHED. Ends at deadline_ms (kb_clock_ms). */
KB_MUST_CHECK struct kb_result kb_mux_list(struct kb_attached *list, int *count, int64_t deadline_ms);
/* This computer's name in usbmuxd's pairing store: proves that the store can be read. */
KB_MUST_CHECK struct kb_result kb_mux_buid(char out[64], int64_t deadline_ms);
enum kb_mux_event { KB_MUX_ATTACHED, KB_MUX_DETACHED, KB_MUX_PAIRED };
/*
 * Listens: each present device first, then live events, until each returns false, cancel, or deadline_ms. A Detached is
 * told with the UDID that the id had. Returns KB_OK when each ended it, KB_HOST/KB_HOST_TIMEOUT at the deadline,
 * KB_USBMUX when the daemon went.
 */
KB_MUST_CHECK struct kb_result kb_mux_listen(bool (*each)(void *arg, enum kb_mux_event event,
                                                          const struct kb_attached *device),
                                             void *arg, struct kb_cancel *cancel, int64_t deadline_ms);
/* Waits until the UDID is attached (or, gone = true, is not). KB_DEVICE_GONE / KB_HOST_TIMEOUT after deadline. Survives
 * a daemon that restarts. */
KB_MUST_CHECK struct kb_result kb_mux_await(const char *udid, bool gone, struct kb_attached *out,
                                            struct kb_cancel *cancel, int64_t deadline_ms);

/* ---- Reading a device
 * -------------------------------------------------------------------------------------------------------------- */

struct kb_read_options {
    const char *agent_bundle_id;        /* NULL: agent null */
    const char *mdm_profile_identifier; /* NULL: any com.apple.mdm payload */
};
/*
 * Reads all of struct kb_device with one lockdown session (none when not trusted), MCInstall and, with agent_bundle_id,
 * one installation_proxy Lookup. Never pairs, never sends SetValue. What cannot be read stays unknown, with a note that
 * says why. Fails only when the device is gone or does not speak; an untrusted or locked device is a success.
 */
KB_MUST_CHECK struct kb_result kb_device_read(const struct kb_attached *attached, const struct kb_read_options *options,
                                              struct kb_device *out);

/* ---- Pairing
 * -------------------------------------------------------------------------------------------------------------------------
 */

struct kb_identity; /* supervision identity: certificate and private key of a PKCS#12 file */
/* KB_PASSWORD when the file wants another password, KB_USAGE when it is not such a file. */
KB_MUST_CHECK struct kb_result kb_identity_load(const void *p12, size_t size, const char *password,
                                                struct kb_identity **out);
void kb_identity_free(struct kb_identity *identity);
/*
 * One try to pair (ask again once a second while a person is needed). KB_OK: paired and the record saved (with
 * EscrowBag). KB_OPERATOR with KB_ASK_TRUST (dialog on the screen) or KB_ASK_UNLOCK; KB_LOCKDOWN with -18 when denied.
 * With identity a supervised device asks for no tap (protocol.md 2.6). A record that the device no longer knows is
 * replaced.
 */
KB_MUST_CHECK struct kb_result kb_device_pair(const char *udid, const struct kb_identity *identity);
/* Whether the stored record opens a session now: KB_OK, or KB_LOCKDOWN -21 (InvalidHostID), -17 (locked), ... */
KB_MUST_CHECK struct kb_result kb_device_validate(const char *udid);

/* ---- A backup2 connection with the sync ritual around it (protocol.md 3.9)
 * ---------------------------------------------------------- */

struct kb_transfer_events {
    void *arg;
    /* done_pct 0..100 never goes back; bytes so far in this run. At most some ten calls a second. */
    void (*progress)(void *arg, double done_pct, int64_t bytes);
    /* The device wants a hand (passcode presented / dismissed: asks again with KB_ASK_NONE). */
    void (*ask)(void *arg, enum kb_ask ask);
    /* The link has been silent for so many seconds (called about once every 5 s of silence); false gives up:
       KB_LINK_SILENT. first: no message has come since the request, as with a passcode prompt nobody announced. */
    bool (*silent)(void *arg, int seconds, bool first);
    void (*log)(void *arg, const char *sentence); /* for -v */
};
struct kb_transfer_options {
    const char *udid;
    const char *source_udid; /* restore: name of the backup's folder; backup: NULL */
    const struct kb_files *files;
    const struct kb_transfer_events *events;
    struct kb_cancel *cancel;
    const struct kb_secret *password; /* restore of an encrypted backup; ChangePassword's new one */
    bool full;                        /* backup: ForceFullBackup */
    const char *applications; /* restore: XML plist for /iTunesRestore/RestoreApplications.plist, NULL for none */
    size_t applications_size;
    /* Called right before the request that can change the device is sent; a failure stops it. The journal's moment. */
    struct kb_result (*about_to)(void *arg);
    void *about_to_arg;
};
struct kb_transfer_end {
    bool answered;   /* the device sent its Response */
    double done_pct; /* last overall progress */
    int64_t bytes;
    int64_t files;
};
/* Builds Info.plist (XML) as backup-format.md 2.3 from the device: lockdown values, installed apps with SINF,
 * iTunesMetadata and icon, iTunes Files. */
KB_MUST_CHECK struct kb_result kb_device_info_plist(const char *udid, int64_t now, struct kb_cancel *cancel,
                                                    struct kb_buf *xml, int64_t *apps);
/* Backup with the ritual. The device's files go through files. KB_OK only after Response 0. */
KB_MUST_CHECK struct kb_result kb_transfer_backup(const struct kb_transfer_options *options,
                                                  struct kb_transfer_end *end);
/* Restore with all options explicit (RestoreShouldReboot, RestoreSystemFiles, RemoveItemsNotRestored,
   RestoreDontCopyBackup true; RestorePreserveSettings false). A link lost without a Response is KB_LINK_LOST with
   end->done_pct: the caller finds out by reading the device. */
KB_MUST_CHECK struct kb_result kb_transfer_restore(const struct kb_transfer_options *options,
                                                   struct kb_transfer_end *end);
/* Switches encryption on with options->password. The device asks for its passcode. */
KB_MUST_CHECK struct kb_result kb_transfer_encrypt(const struct kb_transfer_options *options,
                                                   struct kb_transfer_end *end);
/* Library versions for doctor: "libimobiledevice 1.3.0" when it can be known. */
const char *kb_device_libraries(void);
#endif
