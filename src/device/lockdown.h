/* Doors to lockdown through libimobiledevice, and the sentences for its refusals. Private to the device room. */
#ifndef KB_DEVICE_LOCKDOWN_H
#define KB_DEVICE_LOCKDOWN_H

#include "kitbench/device.h"
#include <libimobiledevice/libimobiledevice.h>
#include <libimobiledevice/lockdown.h>

/* The device on USB; KB_LOCKDOWN/KB_DEVICE_GONE when usbmuxd does not list it. */
KB_MUST_CHECK struct kb_result kb_lockdown_device(const char *udid, idevice_t *out);
/* A connection without session: sends nothing by itself. */
KB_MUST_CHECK struct kb_result kb_lockdown_plain(idevice_t device, lockdownd_client_t *out);
/*
 * A connection with a session. Asks usbmuxd for the pair record first, and without one fails with
 * LOCKDOWN_E_INVALID_CONF before the device hears anything: libimobiledevice would send Pair by itself, which puts a
 * dialog on the screen (protocol.md 9.1-9).
 */
KB_MUST_CHECK struct kb_result kb_lockdown_session(idevice_t device, const char *udid, lockdownd_client_t *out);
/* StartService; escrow: with the record's EscrowBag, as backup services want it. */
KB_MUST_CHECK struct kb_result kb_lockdown_service(lockdownd_client_t client, const char *name, bool escrow,
                                                   lockdownd_service_descriptor_t *out);
/* KB_LOCKDOWN with the number and its sentence. */
struct kb_result kb_lockdown_fail(lockdownd_error_t error);
void kb_lockdown_close(idevice_t device, lockdownd_client_t client); /* either may be NULL */
#endif
