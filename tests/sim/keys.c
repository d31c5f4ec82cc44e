/*
 * RSA keys of simulated devices. Making a key takes a quarter of a second, and a tray of 64 devices wants its keys at
 * once; so each device gets a pair of these primes, another pair for each. They protect nothing: the devices are not
 * real.
 */
#include "parts.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdlib.h>

static const char *const primes[] = {
    "d930ca2bfe950085d6441dbd483c9ea7649df4880a288de99d7393a92edcb10b0a8f3a95839fac970c1b6cbc62805d8f"
    "08bad6194c6e76248d2559243e2cf0250c11a30fe78ba2802e0c19b172a84d2690ade5d58395b8c31d82662b9cd28b0b"
    "7911fe691588d5f9e8bd7e34499ab1115fdf1160098303759699e337fdb73753",
    "d11a86666ea7fd1321d2f26a984c6e94681a7514e297fede7becaf56dabd81dda1e5249dfd54166fcc4ba2bb4bb7f95c"
    "c2260269b01f2b3729e8907d3092303b3f199fec600116d767198ae9604c2a1ea4d00336cb87a4e6a2a2ccf8e67c77e4"
    "ee3dea2359cd76a426c84b51a2026ed01f7e9ca89ad9ff283d5ed8bd7ead1ecf",
    "f16f82b82271adfd02cd6adc6899281d855351648c8c3307f4935c7aaefd697b5bf521ddea912592ef84993f59c50cc4"
    "5e23e73d4bad9f4b1c1adce175e97c83c4f0f4c99a4c02ecb840fc9092c98fe819705f0db41cb349278ba3ee279b05b0"
    "bea9ba02a09a6889d7cf9f6e23e129a5f807514bfabc21594f3c583b18a0abb3",
    "b763281d756115608abf669f72d5b2e1ce6568045053be3ab0f821d15a5fc8d31e4d5b953066b1db1dc113e344c1a65c"
    "c688f59627b02b4c9e7181ba938a4f706fc6f3219f6eb53e35b7f398263e01bc4cefc1f8d13533cd1a47f3c6f436774f"
    "f1eb74526a9e3424e80f035fff037b1b1d359a7b4a5ee513c2fe32cd055a1bdf",
    "f895e237dad26169a68e03716532c64cd5d3fe8d4e1a222e799797edbe9bfbef1dc9680fc4c3c3550bcf7f8d68e204e1"
    "3f08141c9ca5f0da5b485696a3a2d5014b3c239847ec21f9df6f1df17e2297c29e88a94753e5ad797581423f42c8505d"
    "f29a60fae3062eb1fca6cb8fee27dba90f34ca716bc16cc0b203d41bd5880643",
    "c0f077683914ef9a326e5b54354417f3a4cbdd55fd68599ea42020c3a6339c265d0ce0204279b039402d003413bd517f"
    "4cc30181d320f296c27180307901a2ce94369dd28eaa3afb4a52b22d88f3f496fe72f70f8935e3ca2b1a5d8c46316a06"
    "30fdb1cf60e551b570b5a69cbb225de62977c152f7a50ff3fa834beb3a319df9",
    "f0b37fa02fd5687714b12af0cea047309e9a21fc6d36a373b002346df2eb76b4218e9b5e567c999d593423d6e1d01500"
    "7cce1bb84bd88a571559a8bed5b1cfc5a30106fa22fa7d072bb1db61c01b8bf155179a7e4ca59daca49a9e40237f2e89"
    "00c679dfebe764be1c68104474fbbe549510910d8ac70e62b3110207e23db4bf",
    "e03cfa4d630605ada08f251a8b3850d22845db88ace617234f0efae8a22d221338b2f3689f98a875de71d74c3dc29530"
    "3fbdefe3f3da70f66b724aaf7dfc7ac2f055410cc0a68329270ccb5af33a927a68643052d43b03d3e8945cd0414a15b2"
    "66f90cebfc3c456a5676fa2d31a4bf3b4101af4dcc77819f25b41f6b9f60a473",
    "fb36ef3331f243b3178017e8bdb01f242f4555540fd992c761020a5da27a4b1f3a6886db17e7b27683807fe75da60162"
    "d316578ba938375e6e4236ddc52e4c009496bb970424bb874f4a9ea0a4efb1e752bde2e1cec4204d4328a5f4f1f33993"
    "bcf9a3f85a3e990775d241842509b46eecc162fc7c921d21f9f3077db24d03bf",
    "f941cef54bace51af708cfd38be556b7367e67652292249a9705d7d6e6926ff8aa5d3927e26a6a79273583914f8ec494"
    "1cb248607bdd6dfa3dc0f2c873dee8e91c62c0ebd97df9dda82000e32569313d84498618975400005a192f03ee255dc4"
    "df50760af15a77280a7468a9d640ac59149551117893d0e84b6731798aa36edb",
    "d220a4256343452e31f78f39edeb6313d583499f349303313aedfd408abd3729f20016080e6f9b12c59524c0cc674162"
    "80a2c19ae93889139e22080eb9d350f1b05cf3e96f77db24dc698ea87b899b9940a3054e3faa00ac56b71b1e43d3deb6"
    "e9732ab46fc232536e58a137ed9eca9e957bb7ddbebbffb8fb697277cabf9dc5",
    "bfe31568b692aefb3632d2b04e4dc26dcd793c20416e5bf637468347f2b67ded208c125e554d99baaded2578707347aa"
    "c83718426a10e3351f459b8507378ab0f25117582de6d236a997f43e5dc790d6a2b9d0f9ef361431a819632417f0f7c3"
    "7b21f7a0ef48fb8385fb4fba5c4e58c0994b9426d60c45ffdd5d0164b2622aad",
    "fbf46b99723e5a4d0f7626585982232fa6e3755366367d21a292e2dfaec0e47037a0b36f9ed05ebfca0d4380b4b1f3ec"
    "d48b796517e351a07c47fe1cf8f3e53622630ce9e374cf2b24c54844c896fb52528b93a797ef9de88ac0133d0ad99392"
    "bbf95eca842bc3211435bf2604ad6bc4804865b53f54dae3f874ef782c1a3b35",
    "b9cd28593dcb6534d443b89a749634112d6443918b5048a192b0a770b0f3dec78ac6c2fc566beaab1efd2dc44d90519e"
    "39b933e21300204e85dc9c8926aea9b8bc79e47e2f696bc7dcdd546f7b07d427df1928a9e1c7c2aa86228611083e0fec"
    "279cecd2895fc1269ea5b2754fce904572c0f4a8ad89b3bf650386090abcaaf1",
    "d49787e9bc6225f714b8ae274337972425bb453595fe80c7c1d8254fe951b9ea07dca333b561c5438ff04cb241127db6"
    "b0e2dd89f78fe208a0b8fee4dced9c8274d156af050daebc5d6da030b234fef852e989ab303aedff669ab3695d6786ea"
    "10afaf2f54c1cf68b99575170e88b6d3bc861c555835bb38059939b308aa094f",
    "cccce549855e46add5d6110a4b3d0e06c102b1a1242de59c46d6262bb70e68f375ec04ed858a8edf1d4079d708030170"
    "a1f1e6c2bf062b1af9e07d6eacb802cea27e3c2131164bd2f92aeeae0b27d40ee69559db496cdee3bbb10267b473aa9c"
    "8f91c92bdaec72aac3984f109bd2fc54ff8e317170f53256e659563f33361153",
    "f47e6f084e1ef0276595207d386886828013b3da6aa1a1f2521f40868b3caec6a27278b474497281ff6d48da59c504c7"
    "4d3eccf1cca892a78a24d8e3a31eaeb94c2df9a6abd53d172068568ccdabe9bb27e050b81f762e36356ea9d156c08b45"
    "0ab3d088dfdaf03ad70e9217f6258d0cc984390a491b4e449bee587908bdab2f",
    "f13bde6150112510bd2fc9be9b92c5717d453e5277d5b467c597ebaadc98bf3133f5a0b63df64e99d3d4cabd789c9c50"
    "d0675ad243426af47f6ad4937dd4e084a0c7538488c8c03b63dd953693c0436bcb935fa1fa7b376be98d6619e85e5114"
    "0bd4c75193bd571e660e4ec7133ec203b0484c9743168bbe167ed964dea8c9c3",
};
enum { PRIMES = sizeof primes / sizeof *primes };

/* The n-th pair of different primes: 153 keys. */
static void pick(int index, int *first, int *second) {
    index %= PRIMES * (PRIMES - 1) / 2;
    for (*first = 0; index >= PRIMES - 1 - *first; ++*first) index -= PRIMES - 1 - *first;
    *second = *first + 1 + index;
}

static EVP_PKEY *key_of(OSSL_PARAM *params) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1) abort();
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* n, d and the rest from p and q (RFC 8017, 3.2). */
static EVP_PKEY *key_from(BIGNUM *p, BIGNUM *q) {
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *n = BN_new(), *e = BN_new(), *d = BN_new(), *p1 = BN_new(), *q1 = BN_new(), *phi = BN_new();
    BIGNUM *dp = BN_new(), *dq = BN_new(), *qinv = BN_new();
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BN_set_word(e, 65537);
    BN_mul(n, p, q, ctx);
    BN_sub(p1, p, BN_value_one());
    BN_sub(q1, q, BN_value_one());
    BN_mul(phi, p1, q1, ctx);
    if (!BN_mod_inverse(d, e, phi, ctx) || !BN_mod_inverse(qinv, q, p, ctx)) abort();
    BN_mod(dp, d, p1, ctx);
    BN_mod(dq, d, q1, ctx);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_FACTOR1, p);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_FACTOR2, q);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_EXPONENT2, dq);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qinv);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY *key = key_of(params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BIGNUM *all[] = {n, e, d, p1, q1, phi, dp, dq, qinv};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) BN_clear_free(all[i]);
    BN_CTX_free(ctx);
    return key;
}

EVP_PKEY *sim_key_make(int index) {
    int first, second;
    BIGNUM *p = NULL, *q = NULL;
    pick(index, &first, &second);
    BN_hex2bn(&p, primes[first]);
    BN_hex2bn(&q, primes[second]);
    EVP_PKEY *key = key_from(p, q);
    BN_free(p);
    BN_free(q);
    return key;
}
