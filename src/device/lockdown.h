/*
 * lockdown, spoken by ourselves over libimobiledevice's connection (protocol.md 2). The library's own client pairs by
 * itself when there is no record, parses what comes without a bound, waits thirty seconds for each answer, and sleeps
 * in its TLS handshake. Private to the device room.
 */
#ifndef KB_DEVICE_LOCKDOWN_H
#define KB_DEVICE_LOCKDOWN_H

#include "service.h"

struct kb_lockdown {
    idevice_t device; /* borrowed */
    struct kb_service service;
    char udid[KB_UDID_ROOM];
    bool restore_mode;  /* QueryType says com.apple.mobile.restored */
    char session[64];   /* "" without one */
    struct kb_tls *tls; /* as soon as the device wants it, for this connection and the services' */
};

/* The device on USB; KB_LOCKDOWN/KB_DEVICE_GONE when usbmuxd does not list it. Ended with idevice_free(). */
KB_MUST_CHECK struct kb_result kb_lockdown_device(const char *udid, idevice_t *out);
/* Connects and asks the type. Never more than that: no session, no pairing. */
KB_MUST_CHECK struct kb_result kb_lockdown_open(idevice_t device, const char *udid, struct kb_lockdown *out);
/*
 * The same with a session. LOCKDOWN_E_INVALID_CONF when usbmuxd has no pair record: the device hears nothing of it. Out
 * is closed on failure, but its restore_mode stands.
 */
KB_MUST_CHECK struct kb_result kb_lockdown_session(idevice_t device, const char *udid, struct kb_lockdown *out);
void kb_lockdown_close(struct kb_lockdown *lockdown); /* StopSession when there is one; a zeroed one is fine */

plist_t kb_lockdown_request(const char *name);
/* The reply as it is, with an Error inside perhaps; fails only when there is none. The request is freed. */
KB_MUST_CHECK struct kb_result kb_lockdown_ask(struct kb_lockdown *lockdown, plist_t request, plist_t *reply);
/* GetValue; domain and key may be NULL. *value NULL: the device said yes and gave none. */
KB_MUST_CHECK struct kb_result kb_lockdown_value(struct kb_lockdown *lockdown, const char *domain, const char *key,
                                                 plist_t *value);
/* StartService; escrow: with the record's EscrowBag, as backup services want it. */
KB_MUST_CHECK struct kb_result kb_lockdown_service(struct kb_lockdown *lockdown, const char *name, bool escrow,
                                                   struct kb_port *out);
/* Starts a service and connects to it. */
KB_MUST_CHECK struct kb_result kb_lockdown_connect(struct kb_lockdown *lockdown, const char *name, bool escrow,
                                                   struct kb_service *out);
/* Whether nothing more can be asked on this connection. */
bool kb_lockdown_dead(const struct kb_lockdown *lockdown);

/* KB_LOCKDOWN with the number and its sentence; by the name in a reply's Error. */
struct kb_result kb_lockdown_fail(lockdownd_error_t error);
struct kb_result kb_lockdown_refusal(const char *error_name);
#endif
