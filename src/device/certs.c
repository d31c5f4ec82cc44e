/*
 * The three certificates of a pairing (protocol.md 2.5): root, host, and one for the device's key. Made here and not by
 * libimobiledevice, which makes others at every try (a supervised device wants the challenge answered for the same
 * record), signs with SHA-1 in 1.3.0, and stores a record without EscrowBag, too.
 */
#include "pairing.h"

#include "node.h"
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { RSA_BITS = 2048, TEN_YEARS_S = 10 * 365 * 24 * 3600 };

/*
 * This process as a host: set once, constant after that. One key signs and shows itself, as some other hosts do it,
 * too: both private keys lie in the same record anyway, and 64 devices of a tray wait for half as many.
 */
static struct {
    EVP_PKEY *key;
    char id[37];
} self;
static pthread_once_t self_once = PTHREAD_ONCE_INIT;

static void self_make(void) {
    unsigned char r[16];
    struct kb_result res = kb_random(r, sizeof r);

    if (kb_failed(&res)) return;
    r[6] = (unsigned char)((r[6] & 0x0f) | 0x40);
    r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
    snprintf(self.id, sizeof self.id, "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", r[0],
             r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
    self.key = EVP_RSA_gen(RSA_BITS);
}

static struct kb_result no_crypto(void) {
    ERR_clear_error();
    return kb_fail(KB_HOST, KB_HOST_MISSING_PART,
                   _("This computer's OpenSSL cannot make a certificate. Install kitbench again with its libraries"));
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/* issuer NULL: self-signed, an authority. Empty subject, as all hosts make them. */
static X509 *certificate_new(EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key) {
    X509 *certificate = X509_new();

    if (!certificate) return NULL;
    bool made = X509_set_version(certificate, 2) == 1 &&
                ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer ? 1 : 0) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), 0) &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), TEN_YEARS_S) && X509_set_pubkey(certificate, key) == 1;
    made = made && add_extension(certificate, issuer ? issuer : certificate, NID_basic_constraints,
                                 issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    made = made && add_extension(certificate, issuer ? issuer : certificate, NID_subject_key_identifier, "hash");
    if (issuer)
        made = made && add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature,keyEncipherment");
    made = made && X509_sign(certificate, issuer_key, EVP_sha256()) > 0;
    if (made) return certificate;
    X509_free(certificate);
    return NULL;
}

/* "BEGIN RSA PUBLIC KEY" (PKCS#1), or "BEGIN PUBLIC KEY". */
static EVP_PKEY *public_key_read(const char *pem, size_t size) {
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    EVP_PKEY *key = NULL;
    long der_size = 0;
    BIO *bio = size > 0 && size <= 16384 ? BIO_new_mem_buf(pem, (int)size) : NULL;

    if (bio && PEM_read_bio(bio, &name, &header, &der, &der_size) == 1) {
        const unsigned char *at = der;

        if (strcmp(name, "RSA PUBLIC KEY") == 0) key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, der_size);
        if (strcmp(name, "PUBLIC KEY") == 0) key = d2i_PUBKEY(NULL, &at, der_size);
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(bio);
    ERR_clear_error();
    return key;
}

static void set_pem(plist_t record, const char *name, BIO *bio) {
    char *bytes = NULL;
    long size = BIO_get_mem_data(bio, &bytes);

    plist_dict_set_item(record, name, plist_new_data(bytes, size > 0 ? (uint64_t)size : 0));
    if (size > 0) kb_wipe(bytes, (size_t)size);
    BIO_free(bio);
}

static void set_certificate(plist_t record, const char *name, X509 *certificate) {
    BIO *bio = BIO_new(BIO_s_mem());

    PEM_write_bio_X509(bio, certificate);
    set_pem(record, name, bio);
}

static void set_key(plist_t record, const char *name, EVP_PKEY *key) {
    BIO *bio = BIO_new(BIO_s_mem());

    /* PKCS#1 text, as libimobiledevice stores it: old readers of a record know no other. */
    PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL);
    set_pem(record, name, bio);
}

static plist_t record_fill(X509 *root, X509 *host, X509 *device, const char *buid) {
    plist_t record = plist_new_dict();

    set_certificate(record, "RootCertificate", root);
    set_certificate(record, "HostCertificate", host);
    set_certificate(record, "DeviceCertificate", device);
    set_key(record, "RootPrivateKey", self.key);
    set_key(record, "HostPrivateKey", self.key);
    plist_dict_set_item(record, "HostID", plist_new_string(self.id));
    plist_dict_set_item(record, "SystemBUID", plist_new_string(buid));
    return record;
}

struct kb_result kb_record_new(const char *public_key, size_t size, const char *buid, plist_t *record) {
    EVP_PKEY *key = public_key_read(public_key, size);
    X509 *root = NULL, *host = NULL, *device = NULL;
    struct kb_result res = kb_ok();

    *record = NULL;
    if (!key)
        return kb_fail(KB_LOCKDOWN, KB_DEVICE_PROTOCOL,
                       _("The device's own key cannot be read. Restart the device, then try again"));
    pthread_once(&self_once, self_make);
    if (self.key) root = certificate_new(self.key, NULL, self.key);
    if (root) host = certificate_new(self.key, root, self.key);
    if (root) device = certificate_new(key, root, self.key);
    if (root && host && device)
        *record = record_fill(root, host, device, buid);
    else
        res = no_crypto();
    X509_free(root);
    X509_free(host);
    X509_free(device);
    EVP_PKEY_free(key);
    return res;
}
