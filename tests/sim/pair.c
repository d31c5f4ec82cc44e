/* Pairing (protocol.md 2.5, 2.6): Trust dialog, Setup Assistant, supervised challenge, Unpair; what the certificates of
 * a host must be. */
#include "parts.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

static void pairing_free(struct sim_pairing *pairing) {
    X509_free(pairing->root);
    X509_free(pairing->device_cert);
    SSL_CTX_free(pairing->tls);
    memset(pairing, 0, sizeof *pairing);
}

/* An index once given to a session stays what it is: a forgotten pairing leaves an empty place. */
void sim_pairings_forget(struct sim_device *dev) {
    for (int i = 0; i < dev->own->pairing_count; i++) pairing_free(&dev->own->pairings[i]);
    dev->own->record_pending = false;
    dev->trust_asked = false;
    dev->trust_answer = 0;
}

int sim_pairing_find(struct sim_device *dev, const char *host_id) {
    for (int i = 0; i < dev->own->pairing_count; i++)
        if (dev->own->pairings[i].root && strcmp(dev->own->pairings[i].host_id, host_id) == 0) return i;
    return -1;
}

static int pairing_find_buid(struct sim_device *dev, const char *buid) {
    for (int i = 0; i < dev->own->pairing_count; i++)
        if (dev->own->pairings[i].root && strcmp(dev->own->pairings[i].buid, buid) == 0) return i;
    return -1;
}

static struct sim_pairing *pairing_place(struct sim_device *dev, const char *host_id) {
    struct sim_own *own = dev->own;
    int i = sim_pairing_find(dev, host_id);
    for (int k = 0; i < 0 && k < own->pairing_count; k++)
        if (!own->pairings[k].root) i = k;
    if (i < 0 && own->pairing_count < SIM_MAX_PAIRINGS) i = own->pairing_count++;
    if (i < 0) i = 0; /* the oldest goes */
    pairing_free(&own->pairings[i]);
    return &own->pairings[i];
}

/* --- what the host sent --- */

static X509 *cert_of(plist_t record, const char *key) {
    uint64_t size = 0;
    const char *pem = sim_data(record, key, &size);
    if (!pem) return NULL;
    BIO *bio = BIO_new_mem_buf(pem, (int)size);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return cert;
}

static bool signed_by(X509 *cert, X509 *root) {
    bool ok = X509_verify(cert, X509_get0_pubkey(root)) == 1 && X509_cmp_current_time(X509_get0_notBefore(cert)) <= 0 &&
              X509_cmp_current_time(X509_get0_notAfter(cert)) > 0;
    ERR_clear_error();
    return ok;
}

/* NULL when the record is right; else what is wrong with it. */
static const char *record_wrong(struct sim_device *dev, X509 *root, X509 *host, X509 *device) {
    if (!root || !host || !device) return "a certificate is missing or no PEM text";
    if (!signed_by(root, root)) return "RootCertificate is not signed by itself, or not valid now";
    if (!signed_by(host, root)) return "HostCertificate is not signed by RootCertificate, or not valid now";
    if (!signed_by(device, root)) return "DeviceCertificate is not signed by RootCertificate, or not valid now";
    if (EVP_PKEY_eq(X509_get0_pubkey(device), sim_device_key(dev)) != 1)
        return "DeviceCertificate is not for this device's key";
    return NULL;
}

static const char *record_accept(struct sim_device *dev, plist_t record, bool with_escrow, plist_t reply) {
    X509 *root = cert_of(record, "RootCertificate"), *host = cert_of(record, "HostCertificate");
    X509 *device = cert_of(record, "DeviceCertificate");
    const char *wrong = record_wrong(dev, root, host, device);
    if (!wrong) {
        struct sim_pairing *pairing = pairing_place(dev, sim_str(record, "HostID"));
        sim_copy(pairing->host_id, sizeof pairing->host_id, sim_str(record, "HostID"));
        sim_copy(pairing->buid, sizeof pairing->buid, sim_str(record, "SystemBUID"));
        pairing->root = root;
        pairing->device_cert = device;
        RAND_bytes(pairing->escrow, sizeof pairing->escrow);
        if (with_escrow) sim_put_data(reply, "EscrowBag", pairing->escrow, sizeof pairing->escrow);
        root = device = NULL;
    }
    X509_free(root);
    X509_free(host);
    X509_free(device);
    return wrong;
}

/* --- the decision --- */

static const char *offer_challenge(struct sim_device *dev, plist_t reply) {
    plist_t extended = plist_new_dict();
    RAND_bytes(dev->own->challenge, sizeof dev->own->challenge);
    dev->own->challenge_open = true;
    sim_put_data(extended, "PairingChallenge", dev->own->challenge, sizeof dev->own->challenge);
    plist_dict_set_item(reply, "ExtendedResponse", extended);
    return "MCChallengeRequired";
}

static bool challenge_met(struct sim_device *dev, plist_t options) {
    uint64_t size = 0;
    const char *der = sim_data(options, "ChallengeResponse", &size);
    bool met = dev->own->challenge_open && der && sim_cms_verify(dev, der, size, dev->own->challenge);
    dev->own->challenge_open = false;
    return met;
}

static bool pairing_forbidden(struct sim_device *dev) {
    plist_t allow = dev->cloud_configuration ? plist_dict_get_item(dev->cloud_configuration, "AllowPairing") : NULL;
    return sim_switch(dev, "mcprotected", false) ||
           (dev->supervised && allow && !sim_true(dev->cloud_configuration, "AllowPairing"));
}

static const char *ask_on_screen(struct sim_device *dev) {
    if (dev->trust_answer == 1) {
        dev->trust_answer = 0;
        dev->trust_asked = false;
        return NULL;
    }
    if (dev->trust_answer == -1) return "UserDeniedPairing";
    dev->trust_asked = true;
    pthread_cond_broadcast(&dev->changed);
    return "PairingDialogResponsePending";
}

/* NULL: may pair now; else the error's name. */
static const char *may_pair(struct sim_device *dev, plist_t record) {
    if (pairing_forbidden(dev)) return "MCProtected";
    if (dev->phase == SIM_ASSISTANT) return NULL; /* no dialog there (protocol.md 1.8) */
    if (dev->phase == SIM_BFU && sim_switch(dev, "bfu_asks_again", false)) return ask_on_screen(dev);
    if (sim_is_locked(dev)) return "PasswordProtected";
    /* A computer that is trusted is known by its SystemBUID: no second dialog. */
    if (pairing_find_buid(dev, sim_str(record, "SystemBUID")) >= 0 && !sim_switch(dev, "asks_trusted_hosts", false))
        return NULL;
    return ask_on_screen(dev);
}

static const char *pair(struct sim_device *dev, plist_t request, plist_t reply, const char **wrong) {
    plist_t record = plist_dict_get_item(request, "PairRecord"),
            options = plist_dict_get_item(request, "PairingOptions");
    uint64_t size = 0;
    bool proven = false;
    const char *supervisor = sim_data(options, "SupervisorCertificate", &size);
    if (!sim_is(record, PLIST_DICT)) return *wrong = "Pair without PairRecord", "MissingPairRecord";
    if (!sim_str(record, "HostID")) return *wrong = "PairRecord without HostID", "MissingHostID";
    if (!sim_str(record, "SystemBUID")) return *wrong = "PairRecord without SystemBUID", "InvalidPairRecord";
    if (plist_dict_get_item(record, "HostPrivateKey"))
        return *wrong = "PairRecord with a private key", "InvalidPairRecord";
    if (supervisor && sim_supervisor_known(dev, supervisor, size)) return offer_challenge(dev, reply);
    if (sim_data(options, "ChallengeResponse", &size)) {
        proven = challenge_met(dev, options);
        if (!proven)
            return *wrong = "ChallengeResponse is no signature of a supervisor over the challenge", "MCProtected";
    }
    const char *error = proven ? NULL : may_pair(dev, record);
    if (error) return error;
    bool escrow = !sim_is_locked(dev) || sim_switch(dev, "escrow_when_locked", false);
    *wrong = record_accept(dev, record, escrow, reply);
    return *wrong ? "InvalidPairRecord" : NULL;
}

static const char *unpair(struct sim_device *dev, plist_t request, const char **wrong) {
    const char *host_id = sim_str(plist_dict_get_item(request, "PairRecord"), "HostID");
    if (!host_id) return *wrong = "Unpair without HostID", "MissingHostID";
    int i = sim_pairing_find(dev, host_id);
    char buid[64];
    if (i < 0) return "InvalidHostID";
    sim_copy(buid, sizeof buid, dev->own->pairings[i].buid);
    /* The computer is not trusted any more, whatever names it had paired under. */
    for (; i >= 0; i = pairing_find_buid(dev, buid)) pairing_free(&dev->own->pairings[i]);
    return NULL;
}

/* ValidatePair went away in iOS 11 (protocol.md 2.2). */
static const char *validate(struct sim_device *dev, plist_t request) {
    const char *host_id = sim_str(plist_dict_get_item(request, "PairRecord"), "HostID");
    if (sim_os_at_least(dev, 11, 0)) return "EscrowLocked";
    return host_id && sim_pairing_find(dev, host_id) >= 0 ? NULL : "InvalidHostID";
}

plist_t sim_pair_answer(struct sim_device *dev, const char *verb, plist_t request) {
    plist_t reply = plist_new_dict();
    const char *wrong = NULL, *error;
    sim_put_str(reply, "Request", verb);
    if (dev->own->record_pending) sim_host_record_make(dev);
    if (strcmp(verb, "Pair") == 0)
        error = pair(dev, request, reply, &wrong);
    else if (strcmp(verb, "Unpair") == 0)
        error = unpair(dev, request, &wrong);
    else
        error = validate(dev, request);
    sim_put_str(reply, "Error", error);
    if (wrong) {
        dev->refused++;
        snprintf(dev->last_bad, sizeof dev->last_bad, "lockdown: %s", wrong);
        sim_log(dev->sim, "%s lockdown: WRONG: %s", dev->name, wrong);
    }
    return reply;
}
