/* The record of a pairing, and the supervision identity: files old and new, right and wrong passwords, the signature.
 */
#include "../../../src/device/node.h"
#include "../../../src/device/pairing.h"
#include <check.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static EVP_PKEY *key;
static X509 *certificate;

static void make_identity(void) {
    key = EVP_EC_gen("P-256");
    certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)"Org", -1,
                               -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
}

/* nid 0: OpenSSL's own choice. without: no key inside. */
static struct kb_buf p12_new(const char *password, int nid, bool without) {
    PKCS12 *p12 = PKCS12_create(password, "x", without ? NULL : key, certificate, NULL, nid, nid, 0, 0, 0);
    unsigned char *der = NULL;
    struct kb_buf out = {0};

    ck_assert_ptr_nonnull(p12);
    int size = i2d_PKCS12(p12, &der);
    kb_buf_add(&out, der, (size_t)size);
    OPENSSL_free(der);
    PKCS12_free(p12);
    return out;
}

static const struct {
    const char *why, *sealed, *given;
    int nid;
    bool without;
    enum kb_domain domain;
} identities[] = {
    {"today's file", "secret", "secret", 0, false, KB_OK},
    {"another password", "secret", "wrong", 0, false, KB_PASSWORD},
    {"no password was given", "secret", NULL, 0, false, KB_PASSWORD},
    {"an empty password", "", "", 0, false, KB_OK},
    {"an old file (3DES)", "secret", "secret", NID_pbe_WithSHA1And3_Key_TripleDES_CBC, false, KB_OK},
    {"a file without its key", "secret", "secret", 0, true, KB_USAGE},
};

START_TEST(test_identity) {
    struct kb_buf p12 = p12_new(identities[_i].sealed, identities[_i].nid, identities[_i].without);
    struct kb_identity *identity = NULL;

    struct kb_result res = kb_identity_load(p12.data, p12.size, identities[_i].given, &identity);
    ck_assert_msg(res.domain == identities[_i].domain, "%s: %d %s", identities[_i].why, res.domain, res.text);
    ck_assert_int_eq(identity != NULL, res.domain == KB_OK);
    kb_identity_free(identity);
    kb_buf_release(&p12);
}
END_TEST

START_TEST(test_identity_garbage) {
    static const char garbage[] = "0\x82\xff\xff not a p12";
    struct kb_identity *identity = NULL;
    struct kb_result res = kb_identity_load(garbage, sizeof garbage, "", &identity);

    ck_assert_int_eq(res.domain, KB_USAGE);
    res = kb_identity_load("", 0, "", &identity);
    ck_assert_int_eq(res.domain, KB_USAGE);
}
END_TEST

/* As a device checks it: the challenge is inside, and the signature is the certificate's. */
START_TEST(test_signature) {
    static const char challenge[] = "challenge\r\n\0binary\n";
    struct kb_buf p12 = p12_new("x", 0, false), der = {0};
    struct kb_identity *identity = NULL;
    const unsigned char *at;
    char *inside = NULL;

    struct kb_result res = kb_identity_load(p12.data, p12.size, "x", &identity);
    ck_assert(!kb_failed(&res));
    res = kb_identity_sign(identity, challenge, sizeof challenge, &der);
    ck_assert(!kb_failed(&res));

    at = (const unsigned char *)der.data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.size);
    BIO *out = BIO_new(BIO_s_mem());
    ck_assert_ptr_nonnull(cms);
    ck_assert_int_eq(CMS_verify(cms, NULL, NULL, NULL, out, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY), 1);
    ck_assert_int_eq(BIO_get_mem_data(out, &inside), sizeof challenge);
    ck_assert(memcmp(inside, challenge, sizeof challenge) == 0);
    STACK_OF(X509) *signers = CMS_get0_signers(cms);
    ck_assert_int_eq(sk_X509_num(signers), 1);
    ck_assert_int_eq(X509_cmp(sk_X509_value(signers, 0), certificate), 0);
    sk_X509_free(signers);
    BIO_free(out);
    CMS_ContentInfo_free(cms);
    kb_identity_free(identity);
    kb_buf_release(&der);
    kb_buf_release(&p12);
}
END_TEST

static X509 *certificate_in(plist_t record, const char *name) {
    size_t size;
    const char *pem = kb_node_data(kb_node_get(record, name), &size);
    BIO *bio = BIO_new_mem_buf(pem, (int)size);
    X509 *out = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    ck_assert_msg(out != NULL, "%s", name);
    return out;
}

START_TEST(test_record) {
    EVP_PKEY *device_key = EVP_RSA_gen(2048);
    unsigned char *der = NULL;
    int size = i2d_PublicKey(device_key, &der);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;
    plist_t record = NULL, again = NULL;

    PEM_write_bio(bio, "RSA PUBLIC KEY", "", der, size); /* PKCS#1, as lockdown gives it */
    long length = BIO_get_mem_data(bio, &pem);
    struct kb_result res = kb_record_new(pem, (size_t)length, "BUID", &record);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
    X509 *root = certificate_in(record, "RootCertificate"), *host = certificate_in(record, "HostCertificate");
    X509 *device = certificate_in(record, "DeviceCertificate");
    ck_assert_int_eq(X509_verify(root, X509_get0_pubkey(root)), 1);
    ck_assert_int_eq(X509_verify(host, X509_get0_pubkey(root)), 1);
    ck_assert_int_eq(X509_verify(device, X509_get0_pubkey(root)), 1);
    ck_assert_int_eq(EVP_PKEY_eq(X509_get0_pubkey(device), device_key), 1);
    ck_assert_int_eq(X509_check_ca(root), 1);
    ck_assert_int_eq(X509_check_ca(device), 0);
    ck_assert_str_eq(kb_node_text(kb_node_get(record, "SystemBUID")), "BUID");
    ck_assert_uint_eq(strlen(kb_node_text(kb_node_get(record, "HostID"))), 36);

    res = kb_record_new(pem, (size_t)length, "BUID", &again); /* asking again asks for the same host */
    ck_assert_str_eq(kb_node_text(kb_node_get(record, "HostID")), kb_node_text(kb_node_get(again, "HostID")));
    plist_free(record);
    plist_free(again);
    X509_free(root);
    X509_free(host);
    X509_free(device);
    BIO_free(bio);
    OPENSSL_free(der);
    EVP_PKEY_free(device_key);
}
END_TEST

START_TEST(test_record_of_no_key) {
    plist_t record = NULL;
    struct kb_result res = kb_record_new("-----BEGIN RSA PUBLIC KEY-----\nAAAA\n", 36, "BUID", &record);

    ck_assert(kb_is(&res, KB_LOCKDOWN, KB_DEVICE_PROTOCOL));
    ck_assert_ptr_null(record);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("pairing");
    TCase *tcase = tcase_create("pairing");
    SRunner *runner;

    kb_lang_set(KB_LANG_EN);
    make_identity();
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, test_identity, 0, KB_ARRAY_SIZE(identities));
    tcase_add_test(tcase, test_identity_garbage);
    tcase_add_test(tcase, test_signature);
    tcase_add_test(tcase, test_record);
    tcase_add_test(tcase, test_record_of_no_key);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
