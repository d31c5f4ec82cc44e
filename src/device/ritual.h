/* The sync ritual around a backup or restore, and the list of apps for after it. Private to the device room. */
#ifndef KB_DEVICE_RITUAL_H
#define KB_DEVICE_RITUAL_H

#include "notify.h"
#include <libimobiledevice/afc.h>

struct kb_ritual {
    struct kb_notify *notify;
    afc_client_t afc;
    uint64_t lock;
    bool locked, apps_written;
};
/*
 * Posts, and takes the lock that iTunes and Finder take while they sync. Fails only when somebody else holds that lock
 * (KB_SERVICE with AFC's number) or on cancel; whatever else goes wrong is logged and tolerated, because a device backs
 * up and restores without it (protocol.md 3.9).
 */
KB_MUST_CHECK struct kb_result kb_ritual_begin(struct kb_ritual *ritual, const struct kb_transfer_options *options);
/* Unlocks, posts, closes AFC; a zeroed one is fine. False: AFC hangs, and the device handle must not be freed. */
bool kb_ritual_end(struct kb_ritual *ritual);

/* applications.c: /iTunesRestore/RestoreApplications.plist, from which the device fetches its apps after the restore.
 */
KB_MUST_CHECK struct kb_result kb_applications_write(struct kb_ritual *ritual,
                                                     const struct kb_transfer_options *options);
void kb_applications_remove(struct kb_ritual *ritual);
#endif
