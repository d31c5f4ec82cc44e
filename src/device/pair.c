/*
 * One try to pair (protocol.md 2.5, 2.6, 2.8): Pair is spoken here, over libimobiledevice's lockdown connection, so
 * that the record is the same at every try and one without EscrowBag, which is of no use for a backup, is never stored.
 */
#include "pairing.h"

#include "lockdown.h"
#include "mux.h"
#include "node.h"
#include <stdlib.h>
#include <string.h>

enum { MUX_MS = 5000 };

static struct kb_result ask_operator(enum kb_ask ask) {
    return kb_fail(KB_OPERATOR, ask, "%s", kb_ask_text(kb_lang(), ask));
}

static struct kb_result reply_judged(const char *name) {
    struct kb_result res = kb_lockdown_refusal(name);

    if (res.code == LOCKDOWN_E_PAIRING_DIALOG_RESPONSE_PENDING) return ask_operator(KB_ASK_TRUST);
    if (res.code == LOCKDOWN_E_PASSWORD_PROTECTED || res.code == LOCKDOWN_E_ESCROW_LOCKED)
        return ask_operator(KB_ASK_UNLOCK);
    return res;
}

/* ---- One Pair request ---- */

/* The record without its private keys. */
static plist_t record_public(plist_t record) {
    plist_t copy = plist_copy(record);

    plist_dict_remove_item(copy, "RootPrivateKey");
    plist_dict_remove_item(copy, "HostPrivateKey");
    return copy;
}

/* option: one more entry of PairingOptions, or NULL. */
static struct kb_result pair_request(struct kb_lockdown *lockdown, plist_t record, const char *option,
                                     const struct kb_buf *value, plist_t *reply) {
    plist_t request = kb_lockdown_request("Pair"), options = plist_new_dict();
    char *host = kb_host_name();

    plist_dict_set_item(options, "ExtendedPairingErrors", plist_new_bool(1));
    if (option) plist_dict_set_item(options, option, plist_new_data(value->data, value->size));
    plist_dict_set_item(request, "ProtocolVersion", plist_new_string("2"));
    if (host && host[0] && kb_utf8_valid(host, strlen(host)))
        plist_dict_set_item(request, "HostName", plist_new_string(host));
    plist_dict_set_item(request, "PairRecord", record_public(record));
    plist_dict_set_item(request, "PairingOptions", options);
    free(host);

    return kb_lockdown_ask(lockdown, request, reply);
}

/* The device showed a challenge: it is signed, and Pair is asked again for the same record. */
static struct kb_result answer_challenge(struct kb_lockdown *lockdown, plist_t record,
                                         const struct kb_identity *identity, plist_t *reply) {
    size_t size;
    const char *challenge =
        kb_node_data(kb_node_get(kb_node_get(*reply, "ExtendedResponse"), "PairingChallenge"), &size);
    struct kb_buf signature = {0};

    if (!challenge || size == 0) return kb_lockdown_fail(LOCKDOWN_E_MC_CHALLENGE_REQUIRED);
    struct kb_result res = kb_identity_sign(identity, challenge, size, &signature);
    plist_free(*reply);
    *reply = NULL;
    if (!kb_failed(&res)) res = pair_request(lockdown, record, "ChallengeResponse", &signature, reply);
    kb_buf_release(&signature);
    return res;
}

/* reply: the device's last word, a success or not. */
static struct kb_result pair_dialogue(struct kb_lockdown *lockdown, plist_t record, const struct kb_identity *identity,
                                      plist_t *reply) {
    struct kb_buf certificate = {0};

    if (!identity) return pair_request(lockdown, record, NULL, NULL, reply);
    struct kb_result res = kb_identity_certificate(identity, &certificate);
    if (!kb_failed(&res)) res = pair_request(lockdown, record, "SupervisorCertificate", &certificate, reply);
    if (!kb_failed(&res) && kb_streq(kb_node_text(kb_node_get(*reply, "Error")), "MCChallengeRequired"))
        res = answer_challenge(lockdown, record, identity, reply);
    kb_buf_release(&certificate);
    return res;
}

/* ---- The try ---- */

static struct kb_result record_prepare(struct kb_lockdown *lockdown, plist_t *record) {
    char buid[64];
    plist_t key = NULL;
    size_t size;

    if (lockdown->restore_mode)
        return kb_fail(KB_LOCKDOWN, KB_DEVICE_RESTORE_MODE,
                       _("The device is in restore mode. Restore its software in Finder or Apple Devices first"));
    struct kb_result res = kb_lockdown_value(lockdown, NULL, "DevicePublicKey", &key);
    if (!kb_failed(&res)) res = kb_mux_buid(buid, kb_clock_ms() + MUX_MS);
    const char *pem = kb_node_data(key, &size);
    if (!kb_failed(&res)) res = kb_record_new(pem ? pem : "", size, buid, record);
    plist_free(key);
    return res;
}

/* Only now is the record kept: with the EscrowBag, without which a locked device's backup cannot be opened. */
static struct kb_result record_save(const struct kb_attached *attached, struct kb_lockdown *lockdown, plist_t record,
                                    plist_t reply) {
    plist_t escrow = kb_node_get(reply, "EscrowBag"), wifi = NULL;
    struct kb_buf bytes = {0};
    size_t size;

    if (!kb_node_data(escrow, &size) || size == 0) return ask_operator(KB_ASK_UNLOCK);
    plist_dict_set_item(record, "EscrowBag", plist_copy(escrow));
    struct kb_result res = kb_lockdown_value(lockdown, NULL, "WiFiAddress", &wifi);
    if (!kb_failed(&res) && kb_node_text(wifi)) {
        plist_dict_set_item(record, "WiFiMACAddress", wifi);
        wifi = NULL;
    }
    plist_free(wifi);
    kb_node_to_binary(record, &bytes);
    res = kb_mux_save_pair_record(attached, &bytes, kb_clock_ms() + MUX_MS);
    kb_wipe(bytes.data, bytes.size);
    kb_buf_release(&bytes);
    return res;
}

static struct kb_result pair_once(const struct kb_attached *attached, const struct kb_identity *identity) {
    idevice_t device = NULL;
    struct kb_lockdown lockdown = {0};
    plist_t record = NULL, reply = NULL;

    struct kb_result res = kb_lockdown_device(attached->udid, &device);
    if (!kb_failed(&res)) res = kb_lockdown_open(device, attached->udid, &lockdown);
    if (!kb_failed(&res)) res = record_prepare(&lockdown, &record);
    if (!kb_failed(&res)) res = pair_dialogue(&lockdown, record, identity, &reply);
    if (!kb_failed(&res)) {
        const char *error = kb_node_text(kb_node_get(reply, "Error"));

        res = error ? reply_judged(error) : record_save(attached, &lockdown, record, reply);
    }
    plist_free(reply);
    plist_free(record);
    kb_lockdown_close(&lockdown);
    if (device) idevice_free(device);
    return res;
}

/* ---- Faces ---- */

/* A session, and one value through it: some devices grant the session and hang up when the pairing is gone. */
struct kb_result kb_device_validate(const char *udid) {
    idevice_t device = NULL;
    struct kb_lockdown lockdown = {0};
    plist_t value = NULL;

    struct kb_result res = kb_lockdown_device(udid, &device);
    if (!kb_failed(&res)) res = kb_lockdown_session(device, udid, &lockdown);
    if (!kb_failed(&res)) {
        res = kb_lockdown_value(&lockdown, NULL, "ProductVersion", &value);
        if (kb_failed(&res)) res = kb_lockdown_fail(LOCKDOWN_E_SSL_ERROR);
    }
    plist_free(value);
    kb_lockdown_close(&lockdown);
    if (device) idevice_free(device);
    return res;
}

static struct kb_result record_has_escrow(const char *udid, bool *exists, bool *escrow) {
    struct kb_buf bytes = {0};
    size_t size = 0;

    struct kb_result res = kb_mux_pair_record(udid, &bytes, exists, kb_clock_ms() + MUX_MS);
    *escrow = false;
    if (!kb_failed(&res) && *exists) {
        plist_t record = kb_node_parse(bytes.data, bytes.size, 1 << 20);

        *escrow = kb_node_data(kb_node_get(record, "EscrowBag"), &size) && size > 0;
        plist_free(record);
    }
    if (bytes.data) kb_wipe(bytes.data, bytes.size);
    kb_buf_release(&bytes);
    return res;
}

struct kb_result kb_device_pair(const char *udid, const struct kb_identity *identity) {
    struct kb_attached attached;
    bool exists = false, escrow = false;

    struct kb_result res = kb_mux_find(udid, &attached, kb_clock_ms() + MUX_MS);
    if (!kb_failed(&res)) res = record_has_escrow(udid, &exists, &escrow);
    if (kb_failed(&res)) return res;
    if (!exists) return pair_once(&attached, identity);

    res = kb_device_validate(udid);
    if (!kb_failed(&res) && escrow) return res;
    if (kb_is(&res, KB_LOCKDOWN, LOCKDOWN_E_PASSWORD_PROTECTED)) return ask_operator(KB_ASK_UNLOCK);
    if (kb_is(&res, KB_LOCKDOWN, LOCKDOWN_E_INVALID_HOST_ID)) {
        res = kb_mux_delete_pair_record(udid, kb_clock_ms() + MUX_MS);
        if (kb_failed(&res)) return res;
    } else if (kb_failed(&res) && !kb_is(&res, KB_LOCKDOWN, LOCKDOWN_E_SSL_ERROR) &&
               !kb_is(&res, KB_LOCKDOWN, LOCKDOWN_E_INVALID_CONF)) {
        return res;
    }
    return pair_once(&attached, identity);
}
