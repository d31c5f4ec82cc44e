/* Doors to lockdown, and what its refusals mean to whoever stands at the bench (protocol.md 2.3). */
#include "lockdown.h"

#include "mux.h"
#include <stdlib.h>

#define LABEL "kitbench"

static const struct {
    lockdownd_error_t error;
    const char *text;
} sentences[] = {
    {LOCKDOWN_E_INVALID_CONF, N_("This computer is not paired with the device. Pair it first (kitbench pair)")},
    {LOCKDOWN_E_SSL_ERROR, N_("The device broke off the secure connection. Unlock it, pair it again, then try again")},
    {LOCKDOWN_E_RECEIVE_TIMEOUT, N_("The device does not answer. Unplug it, plug it in again, then try again")},
    {LOCKDOWN_E_MUX_ERROR, N_("The device cannot be reached. Unplug it, plug it in again, then try again")},
    {LOCKDOWN_E_PASSWORD_PROTECTED, N_("The device is locked. Unlock it with its passcode, then try again")},
    {LOCKDOWN_E_USER_DENIED_PAIRING,
     N_("\"Don't Trust\" was tapped on the device. Unplug it, plug it in again, then tap Trust")},
    {LOCKDOWN_E_PAIRING_DIALOG_RESPONSE_PENDING, N_("The device is waiting for an answer. Tap Trust on its screen")},
    {LOCKDOWN_E_INVALID_HOST_ID,
     N_("The device no longer knows this computer. Pair it again (kitbench pair), then try again")},
    {LOCKDOWN_E_MISSING_VALUE,
     N_("The device has not been unlocked since it started. Unlock it with its passcode, then try again")},
    {LOCKDOWN_E_INVALID_SERVICE,
     N_("The device refuses this service. Check that it is activated and trusts this computer, then try again")},
    {LOCKDOWN_E_SERVICE_LIMIT,
     N_("Too many programs use this device. Close iTunes, Finder and the like, then try again")},
    {LOCKDOWN_E_SERVICE_PROHIBITED, N_("A profile on the device forbids this. Remove the restriction in the MDM")},
    {LOCKDOWN_E_ESCROW_LOCKED, N_("The device is locked. Unlock it with its passcode, then try again")},
    {LOCKDOWN_E_MC_PROTECTED,
     N_("A profile on the device forbids pairing with this computer. Use the supervision identity (--identity)")},
    {LOCKDOWN_E_MC_CHALLENGE_REQUIRED,
     N_("The device asks for its supervision identity. Give it with --identity, then try again")},
};

struct kb_result kb_lockdown_fail(lockdownd_error_t error) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(sentences); i++)
        if (sentences[i].error == error) return kb_fail(KB_LOCKDOWN, error, "%s", _(sentences[i].text));
    return kb_fail(KB_LOCKDOWN, error,
                   _("The device refused (lockdown error %d). Unplug it, plug it in again, then try again"),
                   (int)error);
}

struct kb_result kb_lockdown_device(const char *udid, idevice_t *out) {
    *out = NULL;
    if (idevice_new_with_options(out, udid, IDEVICE_LOOKUP_USBMUX) == IDEVICE_E_SUCCESS) return kb_ok();
    return kb_fail(KB_LOCKDOWN, KB_DEVICE_GONE,
                   _("The device is not connected to this computer. Plug it in, then try again"));
}

struct kb_result kb_lockdown_plain(idevice_t device, lockdownd_client_t *out) {
    lockdownd_error_t error = lockdownd_client_new(device, out, LABEL);

    if (error == LOCKDOWN_E_SUCCESS) return kb_ok();
    *out = NULL;
    return kb_lockdown_fail(error);
}

struct kb_result kb_lockdown_session(idevice_t device, const char *udid, lockdownd_client_t *out) {
    struct kb_buf record = {0};
    bool exists;

    *out = NULL;
    struct kb_result res = kb_mux_pair_record(udid, &record, &exists, kb_clock_ms() + 5000);
    if (record.data) kb_wipe(record.data, record.size);
    kb_buf_release(&record);
    if (kb_failed(&res)) return res;
    if (!exists) return kb_lockdown_fail(LOCKDOWN_E_INVALID_CONF);

    /* Not lockdownd_start_session(): 1.3.0 learns the device's version only here, and without it asks for TLS 1.0. */
    lockdownd_error_t error = lockdownd_client_new_with_handshake(device, out, LABEL);
    if (error == LOCKDOWN_E_SUCCESS) return kb_ok();
    *out = NULL;
    return kb_lockdown_fail(error);
}

struct kb_result kb_lockdown_service(lockdownd_client_t client, const char *name, bool escrow,
                                     lockdownd_service_descriptor_t *out) {
    *out = NULL;
    lockdownd_error_t error = escrow ? lockdownd_start_service_with_escrow_bag(client, name, out)
                                     : lockdownd_start_service(client, name, out);
    if (error == LOCKDOWN_E_SUCCESS) return kb_ok();
    *out = NULL;
    return kb_while(kb_lockdown_fail(error), "%s", name);
}

void kb_lockdown_close(idevice_t device, lockdownd_client_t client) {
    if (client) lockdownd_client_free(client);
    if (device) idevice_free(device);
}
