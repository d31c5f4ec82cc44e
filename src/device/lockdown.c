/* lockdown without a library: one question, one answer, each with its deadline, each through the guard. */
#include "lockdown.h"

#include "mux.h"
#include "node.h"
#include <stdlib.h>
#include <string.h>

#define LABEL "kitbench"
enum { LOCKDOWN_PORT = 62078, ANSWER_MS = 10000, STOP_MS = 1000, ANSWER_MAX = 16 * 1024 * 1024, RECORD_MAX = 1 << 20 };

/* ---- Refusals: what they mean to whoever stands at the bench (protocol.md 2.3) ---- */

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
    {LOCKDOWN_E_MISSING_VALUE, N_("The device does not tell this")},
    {LOCKDOWN_E_GET_PROHIBITED, N_("The device does not tell this")},
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

/* The names in their order are libimobiledevice's numbers from -10 downwards. */
static const char *const error_names[] = {
    "InvalidResponse",
    "MissingKey",
    "MissingValue",
    "GetProhibited",
    "SetProhibited",
    "RemoveProhibited",
    "ImmutableValue",
    "PasswordProtected",
    "UserDeniedPairing",
    "PairingDialogResponsePending",
    "MissingHostID",
    "InvalidHostID",
    "SessionActive",
    "SessionInactive",
    "MissingSessionID",
    "InvalidSessionID",
    "MissingService",
    "InvalidService",
    "ServiceLimit",
    "MissingPairRecord",
    "SavePairRecordFailed",
    "InvalidPairRecord",
    "InvalidActivationRecord",
    "MissingActivationRecord",
    "ServiceProhibited",
    "EscrowLocked",
    "PairingProhibitedOverThisConnection",
    "FMiPProtected",
    "MCProtected",
    "MCChallengeRequired",
};

struct kb_result kb_lockdown_refusal(const char *error_name) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(error_names); i++)
        if (strcmp(error_name, error_names[i]) == 0) return kb_lockdown_fail((lockdownd_error_t)(-10 - (int)i));
    return kb_lockdown_fail(LOCKDOWN_E_UNKNOWN_ERROR);
}

/* What the stream said, in lockdown's numbers. */
static struct kb_result broken(struct kb_result res) {
    if (kb_is(&res, KB_HOST, KB_HOST_TIMEOUT)) return kb_lockdown_fail(LOCKDOWN_E_RECEIVE_TIMEOUT);
    if (kb_is(&res, KB_BACKUP2, KB_LINK_LOST)) return kb_lockdown_fail(LOCKDOWN_E_MUX_ERROR);
    if (kb_is(&res, KB_BACKUP2, KB_LINK_PROTOCOL)) return kb_fail(KB_LOCKDOWN, KB_DEVICE_PROTOCOL, "%s", res.text);
    return res;
}

/* ---- Asking ---- */

plist_t kb_lockdown_request(const char *name) {
    plist_t request = plist_new_dict();

    plist_dict_set_item(request, "Label", plist_new_string(LABEL));
    plist_dict_set_item(request, "Request", plist_new_string(name));
    return request;
}

bool kb_lockdown_dead(const struct kb_lockdown *lockdown) { return lockdown->service.stream == NULL; }

/* After a failure the connection is closed: a late answer would be taken for the next one's. */
struct kb_result kb_lockdown_ask(struct kb_lockdown *lockdown, plist_t request, plist_t *reply) {
    struct kb_stream *stream = lockdown->service.stream;
    struct kb_result res = kb_lockdown_fail(LOCKDOWN_E_MUX_ERROR);

    *reply = NULL;
    if (stream) {
        kb_stream_deadline(stream, kb_clock_ms() + ANSWER_MS);
        res = kb_frame_put(stream, request, false);
        if (!kb_failed(&res)) res = kb_stream_flush(stream);
        if (!kb_failed(&res)) res = kb_frame_receive(stream, ANSWER_MAX, reply);
        res = broken(res);
    }
    plist_free(request);
    if (!kb_failed(&res) && kb_node_is(*reply, PLIST_DICT)) return res;
    if (!kb_failed(&res)) res = kb_lockdown_fail(LOCKDOWN_E_INVALID_RESPONSE);
    plist_free(*reply);
    *reply = NULL;
    kb_service_close(&lockdown->service);
    return res;
}

/* The same, and an Error in the reply is a failure. */
static struct kb_result ask_for(struct kb_lockdown *lockdown, plist_t request, plist_t *reply) {
    struct kb_result res = kb_lockdown_ask(lockdown, request, reply);
    const char *error = kb_node_text(kb_node_get(*reply, "Error"));

    if (kb_failed(&res)) return res;
    if (error)
        res = kb_lockdown_refusal(error);
    else if (kb_streq(kb_node_text(kb_node_get(*reply, "Result")), "Failure"))
        res = kb_lockdown_fail(LOCKDOWN_E_UNKNOWN_ERROR);
    if (!kb_failed(&res)) return res;
    plist_free(*reply);
    *reply = NULL;
    return res;
}

struct kb_result kb_lockdown_value(struct kb_lockdown *lockdown, const char *domain, const char *key, plist_t *value) {
    plist_t request = kb_lockdown_request("GetValue"), reply = NULL;

    *value = NULL;
    if (domain) plist_dict_set_item(request, "Domain", plist_new_string(domain));
    if (key) plist_dict_set_item(request, "Key", plist_new_string(key));
    struct kb_result res = ask_for(lockdown, request, &reply);
    plist_t node = kb_node_get(reply, "Value");
    if (node) *value = plist_copy(node);
    plist_free(reply);
    return res;
}

/* ---- The pair record ---- */

/* Both are the caller's on success: bytes for TLS, the parsed dictionary for its texts. */
static struct kb_result record_read(const char *udid, struct kb_buf *bytes, plist_t *record) {
    bool exists = false;
    struct kb_result res = kb_mux_pair_record(udid, bytes, &exists, kb_clock_ms() + 5000);

    *record = NULL;
    if (kb_failed(&res)) return res;
    if (exists) *record = kb_node_parse(bytes->data, bytes->size, RECORD_MAX);
    return kb_node_text(kb_node_get(*record, "HostID")) ? res : kb_lockdown_fail(LOCKDOWN_E_INVALID_CONF);
}

static void record_release(struct kb_buf *bytes, plist_t record) {
    if (bytes->data) kb_wipe(bytes->data, bytes->size);
    kb_buf_release(bytes);
    plist_free(record);
}

/* For a service in TLS behind a session in clear. */
static struct kb_result read_identity(struct kb_lockdown *lockdown) {
    struct kb_buf bytes = {0};
    plist_t record;
    struct kb_result res = record_read(lockdown->udid, &bytes, &record);

    if (!kb_failed(&res)) res = kb_tls_new(&bytes, &lockdown->tls);
    record_release(&bytes, record);
    return res;
}

struct kb_result kb_lockdown_service(struct kb_lockdown *lockdown, const char *name, bool escrow, struct kb_port *out) {
    plist_t request = kb_lockdown_request("StartService"), reply = NULL, record = NULL;
    struct kb_buf bytes = {0};
    struct kb_result res = kb_ok();
    int64_t port = 0;

    memset(out, 0, sizeof *out);
    plist_dict_set_item(request, "Service", plist_new_string(name));
    if (escrow) {
        res = record_read(lockdown->udid, &bytes, &record);
        plist_t bag = kb_node_get(record, "EscrowBag");

        if (!kb_failed(&res) && !kb_node_is(bag, PLIST_DATA)) res = kb_lockdown_fail(LOCKDOWN_E_INVALID_CONF);
        if (!kb_failed(&res)) plist_dict_set_item(request, "EscrowBag", plist_copy(bag));
        record_release(&bytes, record);
    }
    if (kb_failed(&res)) {
        plist_free(request);
        return res;
    }
    res = ask_for(lockdown, request, &reply);
    if (!kb_failed(&res) && (!kb_node_int(kb_node_get(reply, "Port"), &port) || port <= 0 || port > 65535))
        res = kb_lockdown_fail(LOCKDOWN_E_INVALID_RESPONSE);
    out->descriptor.port = (uint16_t)port;
    out->descriptor.ssl_enabled = kb_node_bool(kb_node_get(reply, "EnableServiceSSL")) == KB_YES;
    plist_free(reply);
    if (escrow && kb_is(&res, KB_LOCKDOWN, LOCKDOWN_E_MISSING_VALUE)) /* its way to say it (protocol.md 2.3) */
        res = kb_fail(
            KB_LOCKDOWN, LOCKDOWN_E_MISSING_VALUE,
            _("The device has not been unlocked since it started. Unlock it with its passcode, then try again"));
    return kb_failed(&res) ? kb_while(res, "%s", name) : res;
}

struct kb_result kb_lockdown_connect(struct kb_lockdown *lockdown, const char *name, bool escrow,
                                     struct kb_service *out) {
    struct kb_port port;

    memset(out, 0, sizeof *out);
    struct kb_result res = kb_lockdown_service(lockdown, name, escrow, &port);
    if (!kb_failed(&res) && port.descriptor.ssl_enabled && !lockdown->tls) res = read_identity(lockdown);
    return kb_failed(&res) ? res : kb_service_connect(lockdown->device, lockdown->tls, &port, out);
}

/* ---- Opening and closing ---- */

struct kb_result kb_lockdown_device(const char *udid, idevice_t *out) {
    *out = NULL;
    if (idevice_new_with_options(out, udid, IDEVICE_LOOKUP_USBMUX) == IDEVICE_E_SUCCESS) return kb_ok();
    *out = NULL;
    return kb_fail(KB_LOCKDOWN, KB_DEVICE_GONE,
                   _("The device is not connected to this computer. Plug it in, then try again"));
}

struct kb_result kb_lockdown_open(idevice_t device, const char *udid, struct kb_lockdown *out) {
    struct kb_port port = {.descriptor = {.port = LOCKDOWN_PORT}};
    plist_t reply = NULL;

    memset(out, 0, sizeof *out);
    out->device = device;
    kb_text_copy(out->udid, sizeof out->udid, udid);
    struct kb_result res = kb_service_connect(device, NULL, &port, &out->service);
    if (!kb_failed(&res)) res = ask_for(out, kb_lockdown_request("QueryType"), &reply);
    out->restore_mode = kb_streq(kb_node_text(kb_node_get(reply, "Type")), "com.apple.mobile.restored");
    plist_free(reply);
    if (kb_failed(&res)) kb_service_close(&out->service);
    return res;
}

static struct kb_result session_start(struct kb_lockdown *lockdown, plist_t record, const struct kb_buf *bytes) {
    plist_t request = kb_lockdown_request("StartSession"), reply = NULL;
    const char *buid = kb_node_text(kb_node_get(record, "SystemBUID"));

    plist_dict_set_item(request, "HostID", plist_new_string(kb_node_text(kb_node_get(record, "HostID"))));
    if (buid) plist_dict_set_item(request, "SystemBUID", plist_new_string(buid));
    struct kb_result res = ask_for(lockdown, request, &reply);
    if (kb_failed(&res)) return res;
    kb_node_copy_text(reply, "SessionID", lockdown->session, sizeof lockdown->session);
    bool tls = kb_node_bool(kb_node_get(reply, "EnableSessionSSL")) == KB_YES;
    plist_free(reply);
    if (tls) res = kb_tls_new(bytes, &lockdown->tls);
    return kb_failed(&res) || !tls ? res : kb_service_secure(&lockdown->service, lockdown->tls);
}

static void end(struct kb_lockdown *lockdown) {
    kb_service_close(&lockdown->service);
    kb_tls_free(lockdown->tls);
    lockdown->tls = NULL;
}

struct kb_result kb_lockdown_session(idevice_t device, const char *udid, struct kb_lockdown *out) {
    struct kb_buf bytes = {0};
    plist_t record = NULL;

    memset(out, 0, sizeof *out);
    struct kb_result res = record_read(udid, &bytes, &record);
    if (!kb_failed(&res)) res = kb_lockdown_open(device, udid, out);
    if (!kb_failed(&res) && out->restore_mode)
        res = kb_fail(KB_LOCKDOWN, KB_DEVICE_RESTORE_MODE,
                      _("The device is in restore mode. Restore its software in Finder or Apple Devices first"));
    if (!kb_failed(&res)) res = session_start(out, record, &bytes);
    if (kb_failed(&res)) end(out);
    record_release(&bytes, record);
    return res;
}

void kb_lockdown_close(struct kb_lockdown *lockdown) {
    if (lockdown->service.stream && lockdown->session[0]) {
        plist_t request = kb_lockdown_request("StopSession"), reply = NULL;

        plist_dict_set_item(request, "SessionID", plist_new_string(lockdown->session));
        kb_stream_deadline(lockdown->service.stream, kb_clock_ms() + STOP_MS);
        struct kb_result res = kb_frame_put(lockdown->service.stream, request, false);
        if (!kb_failed(&res)) res = kb_stream_flush(lockdown->service.stream);
        if (!kb_failed(&res)) res = kb_frame_receive(lockdown->service.stream, ANSWER_MAX, &reply);
        plist_free(request);
        plist_free(reply);
    }
    end(lockdown);
    lockdown->session[0] = 0;
}
