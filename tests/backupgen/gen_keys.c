/* The keybag and what is encrypted under it (backup-format.md 4). */
#include "gen.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static void put(struct gen *gen, const char *tag, const void *value, uint32_t size) {
    unsigned char *at = gen->keybag + gen->keybag_size;

    memcpy(at, tag, 4);
    at[4] = (unsigned char)(size >> 24);
    at[5] = (unsigned char)(size >> 16);
    at[6] = (unsigned char)(size >> 8);
    at[7] = (unsigned char)size;
    memcpy(at + 8, value, size);
    gen->keybag_size += 8 + size;
}

static void put_number(struct gen *gen, const char *tag, uint32_t value) {
    unsigned char bytes[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16), (unsigned char)(value >> 8),
                              (unsigned char)value};

    put(gen, tag, bytes, 4);
}

static void fill(struct gen *gen, unsigned char *out, size_t size) {
    for (size_t i = 0; i < size; i++) out[i] = (unsigned char)gen_random(gen);
}

static void wrap(const unsigned char kek[32], const unsigned char key[32], unsigned char out[40]) {
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char room[64];
    int size = 0;

    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap(), NULL, kek, NULL) != 1 ||
        EVP_EncryptUpdate(ctx, room, &size, key, 32) != 1 || size != 40)
        gen_die("wrap");
    memcpy(out, room, 40);
    EVP_CIPHER_CTX_free(ctx);
}

static void derive(const struct gen *gen, const unsigned char salt[20], uint32_t iter, const unsigned char dpsl[20],
                   uint32_t dpic, bool two_stages, unsigned char kek[32]) {
    const char *password = gen->encrypted ? gen->spec->password : "";
    unsigned char first[32];
    int size = (int)strlen(password);

    if (two_stages) {
        PKCS5_PBKDF2_HMAC(password, size, dpsl, 20, (int)dpic, EVP_sha256(), 32, first);
        password = (const char *)first;
        size = 32;
    }
    PKCS5_PBKDF2_HMAC(password, size, salt, 20, (int)iter, EVP_sha1(), 32, kek);
}

static void put_class(struct gen *gen, int number, const unsigned char kek[32]) {
    unsigned char uuid[16], wrapped[40];
    bool device = gen->encrypted ? number == 11 || number == 10 || number == 9 || number == 5 : number >= 5;

    fill(gen, uuid, sizeof uuid);
    fill(gen, gen->class_keys[number], 32);
    wrap(kek, gen->class_keys[number], wrapped);
    if (gen_is(gen, "keybag-class-flipped") && number == 3) wrapped[5] ^= 1;
    put(gen, "UUID", uuid, 16);
    if (gen_is(gen, "keybag-class-number") && number == 5)
        put_number(gen, "CLAS", 99);
    else
        put_number(gen, "CLAS", gen_is(gen, "keybag-class-twice") && number == 4 ? 3 : (uint32_t)number);
    put_number(gen, "WRAP", device ? 3 : 2);
    put_number(gen, "KTYP", 0);
    put(gen, "WPKY", wrapped, gen_is(gen, "keybag-short-key") && number == 7 ? 39 : 40);
}

void gen_make_keybag(struct gen *gen) {
    static const unsigned char nothing[70000];
    unsigned char uuid[16], salt[20], dpsl[20], hmck[40] = {0}, kek[32];
    uint32_t dpic = gen->spec->dpic ? gen->spec->dpic : 2000, iter = gen->spec->iter ? gen->spec->iter : 100;
    bool two = gen->encrypted && dpic != UINT32_MAX;

    gen->keybag_size = 0;
    fill(gen, uuid, sizeof uuid);
    fill(gen, salt, sizeof salt);
    fill(gen, dpsl, sizeof dpsl);
    if (gen->encrypted) fill(gen, hmck, sizeof hmck);
    derive(gen, salt, iter, dpsl, dpic, two, kek);
    put_number(gen, "VERS", two ? 5 : 3);
    put_number(gen, "TYPE", 1);
    put(gen, "UUID", uuid, 16);
    put(gen, "HMCK", hmck, 40);
    put_number(gen, "WRAP", 0);
    put(gen, "SALT", salt, gen_is(gen, "keybag-salt-empty") ? 0 : 20);
    if (!gen_is(gen, "keybag-no-iter"))
        put_number(gen, "ITER", gen_is(gen, "keybag-iter") ? UINT32_MAX : gen_is(gen, "keybag-iter-zero") ? 0 : iter);
    if (two) {
        put_number(gen, "DPWT", 1);
        put_number(gen, "DPIC", gen_is(gen, "keybag-dpic") ? UINT32_MAX : gen_is(gen, "keybag-dpic-zero") ? 0 : dpic);
        if (gen_is(gen, "keybag-dpic-short")) gen->keybag[--gen->keybag_size - 4] = 3; /* the low byte of its length */
        if (!gen_is(gen, "keybag-no-dpsl")) put(gen, "DPSL", dpsl, 20);
    }
    for (int i = 1; i <= GEN_CLASSES && !gen_is(gen, "keybag-no-class"); i++)
        put_class(gen, gen->encrypted ? GEN_CLASSES + 1 - i : i, kek);
    if (gen_is(gen, "keybag-cut")) gen->keybag_size -= 7;
    if (gen_is(gen, "keybag-empty")) gen->keybag_size = 0;
    if (gen_is(gen, "keybag-long")) put(gen, "XXXX", nothing, sizeof nothing);
    fill(gen, gen->manifest_key, 32);
}

void gen_wrap(struct gen *gen, int class_number, const unsigned char key[32], unsigned char out[44]) {
    out[0] = (unsigned char)class_number;
    out[1] = out[2] = out[3] = 0;
    wrap(gen->class_keys[class_number], key, out + 4);
}

unsigned char *gen_encrypt(const unsigned char key[32], const unsigned char *data, size_t size, size_t *out_size) {
    static const unsigned char zeros[16];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char *out = malloc(size + 32);
    int first = 0, last = 0;

    if (!out || EVP_EncryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, zeros) != 1 ||
        EVP_EncryptUpdate(ctx, out, &first, data, (int)size) != 1 || EVP_EncryptFinal_ex(ctx, out + first, &last) != 1)
        gen_die("encrypt");
    EVP_CIPHER_CTX_free(ctx);
    *out_size = (size_t)first + (size_t)last;
    return out;
}
