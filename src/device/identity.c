/* A supervision identity from a PKCS#12 file, and what a supervised device wants signed with it (protocol.md 2.6). */
#include "pairing.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdlib.h>

enum { P12_MAX = 1 << 20 };

struct kb_identity {
    X509 *certificate;
    EVP_PKEY *key;
};

void kb_identity_free(struct kb_identity *identity) {
    if (!identity) return;
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    free(identity);
}

/* Old files are sealed with RC2 or 3DES, which OpenSSL 3 keeps in its legacy provider. */
static bool legacy_loaded;
static pthread_once_t legacy_once = PTHREAD_ONCE_INIT;
static void legacy_load(void) {
    OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(NULL, "legacy");
    OSSL_PROVIDER *standard = OSSL_PROVIDER_load(NULL, "default"); /* asked for one by name, it loads no other */

    legacy_loaded = legacy && standard;
}

static bool mac_right(PKCS12 *p12, const char *password) {
    if (PKCS12_verify_mac(p12, password, -1) == 1) return true;
    /* No password at all is written in two ways. */
    return password[0] == 0 && PKCS12_verify_mac(p12, NULL, 0) == 1;
}

static bool parse(PKCS12 *p12, const char *password, struct kb_identity *identity) {
    ERR_clear_error();
    if (PKCS12_parse(p12, password, &identity->key, &identity->certificate, NULL) == 1) return true;
    identity->key = NULL;
    identity->certificate = NULL;
    return false;
}

static struct kb_result open_p12(PKCS12 *p12, const char *password, struct kb_identity *identity) {
    if (PKCS12_mac_present(p12) && !mac_right(p12, password))
        return kb_fail(KB_PASSWORD, KB_PASSWORD_WRONG,
                       _("The password of the supervision identity is wrong. Check it, then try again"));
    if (!parse(p12, password, identity)) {
        pthread_once(&legacy_once, legacy_load);
        if (!legacy_loaded)
            return kb_fail(KB_HOST, KB_HOST_MISSING_PART,
                           _("The supervision identity uses an old cipher that this computer lacks. Export it again"));
        if (!parse(p12, password, identity))
            return kb_fail(KB_USAGE, 0, _("The supervision identity cannot be opened. Export it again as PKCS#12"));
    }
    if (identity->key && identity->certificate) return kb_ok();
    return kb_fail(KB_USAGE, 0,
                   _("The file has no certificate with its private key. Export the supervision identity again"));
}

struct kb_result kb_identity_load(const void *p12, size_t size, const char *password, struct kb_identity **out) {
    const unsigned char *at = p12;
    struct kb_identity *identity = kb_xcalloc(1, sizeof *identity);
    PKCS12 *sealed = size > 0 && size <= P12_MAX ? d2i_PKCS12(NULL, &at, (long)size) : NULL;
    struct kb_result res;

    if (sealed)
        res = open_p12(sealed, password ? password : "", identity);
    else
        res = kb_fail(KB_USAGE, 0, _("The file is no supervision identity (PKCS#12). Give the .p12 file"));
    PKCS12_free(sealed);
    ERR_clear_error();
    if (kb_failed(&res)) {
        kb_identity_free(identity);
        return res;
    }
    *out = identity;
    return res;
}

static struct kb_result cannot_sign(void) {
    ERR_clear_error();
    return kb_fail(KB_USAGE, 0, _("The supervision identity cannot sign. Export it again with its private key"));
}

struct kb_result kb_identity_certificate(const struct kb_identity *identity, struct kb_buf *der) {
    unsigned char *bytes = NULL;
    int size = i2d_X509(identity->certificate, &bytes);

    if (size <= 0) return cannot_sign();
    kb_buf_add(der, bytes, (size_t)size);
    OPENSSL_free(bytes);
    return kb_ok();
}

/* SignedData with the challenge inside, one signer, SHA-256, the certificate, signed attributes; nothing canonicalised.
 */
struct kb_result kb_identity_sign(const struct kb_identity *identity, const void *challenge, size_t size,
                                  struct kb_buf *der) {
    BIO *data = size <= 65536 ? BIO_new_mem_buf(challenge, (int)size) : NULL;
    CMS_ContentInfo *cms = data ? CMS_sign(NULL, NULL, NULL, data, CMS_PARTIAL | CMS_BINARY) : NULL;
    unsigned char *bytes = NULL;
    int length = 0;

    if (cms && CMS_add1_signer(cms, identity->certificate, identity->key, EVP_sha256(), CMS_BINARY) &&
        CMS_final(cms, data, NULL, CMS_BINARY) == 1)
        length = i2d_CMS_ContentInfo(cms, &bytes);
    CMS_ContentInfo_free(cms);
    BIO_free(data);
    if (length <= 0) return cannot_sign();
    kb_buf_add(der, bytes, (size_t)length);
    OPENSSL_free(bytes);
    return kb_ok();
}
