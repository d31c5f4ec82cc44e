/* notification_proxy on a stream of ours (protocol.md 6.3). Private to the device room. */
#ifndef KB_DEVICE_NOTIFY_H
#define KB_DEVICE_NOTIFY_H

#include "lockdown.h"

struct kb_notify {
    struct kb_service service;
};
/* Starts the service and observes what a backup or restore wants to know. */
KB_MUST_CHECK struct kb_result kb_notify_open(struct kb_lockdown *lockdown, struct kb_notify *out);
KB_MUST_CHECK struct kb_result kb_notify_post(struct kb_notify *notify, const char *name);
/* Calls each with every notification that has come; never waits. A stream that ended is closed, and then silent. */
void kb_notify_poll(struct kb_notify *notify, void (*each)(void *arg, const char *name), void *arg);
void kb_notify_close(struct kb_notify *notify);

#define KB_NOTE_CANCEL            "com.apple.itunes-client.syncCancelRequest"
#define KB_NOTE_PASSCODE_ASKED    "com.apple.LocalAuthentication.ui.presented"
#define KB_NOTE_PASSCODE_ANSWERED "com.apple.LocalAuthentication.ui.dismissed"
#endif
