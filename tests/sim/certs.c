/*
 * Keys and certificates: the device's own RSA key, TLS with the certificates of a pairing, the record of a host that
 * the scenario says is trusted already, and the supervisor's CMS signatures (protocol.md 2.5 to 2.7).
 */
#include "parts.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EVP_PKEY *sim_device_key(struct sim_device *dev) {
    if (!dev->own->key) dev->own->key = sim_key_make(dev->own->index);
    return dev->own->key;
}

/* "BEGIN RSA PUBLIC KEY", PKCS#1, as the device hands it out. */
plist_t sim_device_public_pem(struct sim_device *dev) {
    unsigned char *der = NULL;
    int size = i2d_PublicKey(sim_device_key(dev), &der);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    PEM_write_bio(bio, "RSA PUBLIC KEY", "", der, size);
    long length = BIO_get_mem_data(bio, &text);
    plist_t data = plist_new_data(text, (uint64_t)length);
    BIO_free(bio);
    OPENSSL_free(der);
    return data;
}

/* --- TLS --- */

/*
 * Hosts present the root (libimobiledevice) or the host certificate (others); both are right, nothing else is. Subjects
 * are empty there, so no chain is built: the signature is checked against the root of the pairing.
 */
static int verify_client(X509_STORE_CTX *store, void *arg) {
    X509 *root = arg, *client = X509_STORE_CTX_get0_cert(store);
    if (!client) return 0;
    if (X509_cmp(client, root) == 0 || X509_verify(client, X509_get0_pubkey(root)) == 1) return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_SIGNATURE_FAILURE);
    ERR_clear_error();
    return 0;
}

static SSL_CTX *tls_make(struct sim_device *dev, struct sim_pairing *pairing) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(ctx, 0); /* SHA-1 certificates of libimobiledevice 1.3.0 */
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, sim_switch(dev, "tls13", false) ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(ctx, "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ALL:@SECLEVEL=0");
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, 128 * 1024);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), pairing->root); /* the context keeps the root alive */
    SSL_CTX_set_cert_verify_callback(ctx, verify_client, pairing->root);
    if (SSL_CTX_use_certificate(ctx, pairing->device_cert) == 1 &&
        SSL_CTX_use_PrivateKey(ctx, sim_device_key(dev)) == 1)
        return ctx;
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return NULL;
}

SSL_CTX *sim_pairing_tls(struct sim_device *dev, int index) {
    if (index < 0 || index >= dev->own->pairing_count) return NULL;
    struct sim_pairing *pairing = &dev->own->pairings[index];
    if (!pairing->tls) pairing->tls = tls_make(dev, pairing);
    if (pairing->tls) SSL_CTX_up_ref(pairing->tls);
    return pairing->tls;
}

/* --- a host's record, when the scenario says that the device trusts this computer already --- */

static void add_extension(X509 *cert, int nid, const char *value) {
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *cert_make(EVP_PKEY *key, EVP_PKEY *signer, bool root) {
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 60L * 60 * 24 * 365 * 10);
    X509_set_pubkey(cert, key);
    add_extension(cert, NID_basic_constraints, root ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!root) add_extension(cert, NID_key_usage, "critical,digitalSignature,keyEncipherment");
    X509_sign(cert, signer, EVP_sha256());
    return cert;
}

static void put_pem(plist_t dict, const char *key, X509 *cert, EVP_PKEY *private_key) {
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (cert)
        PEM_write_bio_X509(bio, cert);
    else
        PEM_write_bio_PrivateKey(bio, private_key, NULL, NULL, 0, NULL, NULL);
    long length = BIO_get_mem_data(bio, &text);
    sim_put_data(dict, key, text, (size_t)length);
    BIO_free(bio);
}

static void uuid_make(char out[40]) {
    unsigned char b[16];
    RAND_bytes(b, sizeof b);
    snprintf(out, 40, "%02X%02X%02X%02X-%02X%02X-4%01X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", b[0], b[1], b[2], b[3],
             b[4], b[5], b[6] & 15, b[7], (b[8] & 0x3f) | 0x80, b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* One host key for all devices of the bench: a host may do that (protocol.md 2.5), and 64 devices start at once. */
static EVP_PKEY *host_key(void) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static EVP_PKEY *key;
    pthread_mutex_lock(&lock);
    if (!key) key = sim_key_make(SIM_MAX_DEVICES);
    pthread_mutex_unlock(&lock);
    return key;
}

static plist_t host_record(struct sim_device *dev, struct sim_pairing *pairing) {
    EVP_PKEY *key = host_key();
    plist_t record = plist_new_dict();
    X509 *host = cert_make(key, key, false);
    pairing->root = cert_make(key, key, true);
    pairing->device_cert = cert_make(sim_device_key(dev), key, false);
    uuid_make(pairing->host_id);
    RAND_bytes(pairing->escrow, sizeof pairing->escrow);
    put_pem(record, "RootCertificate", pairing->root, NULL);
    put_pem(record, "HostCertificate", host, NULL);
    put_pem(record, "DeviceCertificate", pairing->device_cert, NULL);
    put_pem(record, "RootPrivateKey", NULL, key);
    put_pem(record, "HostPrivateKey", NULL, key);
    sim_put_str(record, "HostID", pairing->host_id);
    sim_put_str(record, "SystemBUID", pairing->buid);
    sim_put_data(record, "EscrowBag", pairing->escrow, sizeof pairing->escrow);
    sim_put_str(record, "WiFiMACAddress", dev->wifi_mac);
    X509_free(host);
    return record;
}

void sim_host_record_make(struct sim_device *dev) {
    struct sim_own *own = dev->own;
    own->record_pending = false;
    if (own->pairing_count == SIM_MAX_PAIRINGS) return;
    struct sim_pairing *pairing = &own->pairings[own->pairing_count++];
    memset(pairing, 0, sizeof *pairing);
    sim_copy(pairing->buid, sizeof pairing->buid, dev->sim->buid);
    plist_t record = host_record(dev, pairing);
    char *data = NULL;
    uint32_t size = 0;
    plist_to_bin(record, &data, &size);
    sim_record_save(dev->sim, dev->udid, data, size);
    free(data);
    plist_free(record);
}

/* --- supervision: the organisation's certificate and its signature over our challenge --- */

bool sim_supervisor_known(struct sim_device *dev, const char *der, size_t size) {
    plist_t list =
        dev->cloud_configuration ? plist_dict_get_item(dev->cloud_configuration, "SupervisorHostCertificates") : NULL;
    if (!dev->supervised || !sim_is(list, PLIST_ARRAY)) return false;
    for (uint32_t i = 0; i < plist_array_get_size(list); i++) {
        uint64_t length = 0;
        plist_t node = plist_array_get_item(list, i);
        const char *known = sim_is(node, PLIST_DATA) ? plist_get_data_ptr(node, &length) : NULL;
        if (known && length == size && memcmp(known, der, size) == 0) return true;
    }
    return false;
}

static bool signer_known(struct sim_device *dev, CMS_ContentInfo *cms) {
    STACK_OF(X509) *signers = CMS_get0_signers(cms);
    bool known = sk_X509_num(signers) == 1;
    for (int i = 0; known && i < sk_X509_num(signers); i++) {
        unsigned char *der = NULL;
        int size = i2d_X509(sk_X509_value(signers, i), &der);
        known = size > 0 && sim_supervisor_known(dev, (const char *)der, (size_t)size);
        OPENSSL_free(der);
    }
    sk_X509_free(signers);
    return known;
}

bool sim_cms_verify(struct sim_device *dev, const char *der, size_t size, const unsigned char challenge[32]) {
    const unsigned char *at = (const unsigned char *)der;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)size);
    BIO *content = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool ok = cms && CMS_verify(cms, NULL, NULL, NULL, content, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1;
    ok = ok && BIO_get_mem_data(content, &text) == 32 && memcmp(text, challenge, 32) == 0;
    ok = ok && signer_known(dev, cms);
    BIO_free(content);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return ok;
}
