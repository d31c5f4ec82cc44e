/* The keys of a backup: wrapped class keys to open, file keys under them, and the blocks they decrypt. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "keybag.h"

bool kb_unwrap(const unsigned char *kek, const unsigned char *wrapped, unsigned char *out) {
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char plain[KB_WRAPPED_BYTES + EVP_MAX_BLOCK_LENGTH]; /* EVP asks for more room than it uses */
    int size = 0;
    bool right = false;

    if (!ctx) abort();
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_DecryptInit_ex(ctx, EVP_aes_256_wrap(), NULL, kek, NULL) == 1 &&
        EVP_DecryptUpdate(ctx, plain, &size, wrapped, KB_WRAPPED_BYTES) == 1)
        right = size == KB_KEY_BYTES;
    if (right) memcpy(out, plain, KB_KEY_BYTES);
    kb_wipe(plain, sizeof plain);
    EVP_CIPHER_CTX_free(ctx);
    return right;
}

void kb_keys_release(struct kb_keys *keys) {
    kb_secret_free(keys->secret);
    memset(keys, 0, sizeof *keys);
}

static struct kb_result wrong_password(void) {
    return kb_fail(KB_PASSWORD, KB_PASSWORD_WRONG,
                   _("The backup password is wrong; enter the password that was set when this backup was made"));
}

static struct kb_result one_does_not_open(void) {
    return kb_fail(KB_STORE, KB_STORE_DAMAGED,
                   _("The password is right, but the keybag of this backup is damaged; use "
                     "another copy or make a new backup"));
}

/*
 * All wrong is a wrong password; some wrong is a changed keybag. A false fit of one class has the odds of 2^-64, so the
 * first that opens proves the password.
 */
struct kb_result kb_keys_open(const struct kb_keybag *bag, const struct kb_secret *kek, struct kb_keys *out) {
    static const unsigned char zeros[KB_KEYBAG_CLASSES * KB_KEY_BYTES];
    struct kb_keys keys = {kb_secret_new(zeros, sizeof zeros), {false}};
    struct kb_result res = kb_ok();
    int opened = 0;

    for (int i = 0; i < KB_KEYBAG_CLASSES; i++) {
        if (!bag->classes[i].there) continue;
        keys.there[i] = kb_unwrap(kek->data, bag->classes[i].wrapped, keys.secret->data + i * KB_KEY_BYTES);
        opened += keys.there[i];
    }
    if (opened == 0)
        res = wrong_password();
    else if (opened < bag->count)
        res = one_does_not_open();
    if (kb_failed(&res))
        kb_keys_release(&keys);
    else
        *out = keys;
    return res;
}

bool kb_keys_unwrap(const struct kb_keys *keys, const unsigned char *keyed, size_t size, unsigned char *out) {
    uint32_t number;

    if (size != KB_KEYED_BYTES || !keys->secret) return false;
    number = (uint32_t)keyed[0] | (uint32_t)keyed[1] << 8 | (uint32_t)keyed[2] << 16 | (uint32_t)keyed[3] << 24;
    if (number >= KB_KEYBAG_CLASSES || !keys->there[number]) return false;
    return kb_unwrap(keys->secret->data + number * KB_KEY_BYTES, keyed + 4, out);
}

/* One context for many files: making one costs more than decrypting a block, and so does setting the same key again. */
struct kb_cbc {
    EVP_CIPHER_CTX *ctx;
    unsigned char key[KB_KEY_BYTES];
    bool keyed;
};

struct kb_cbc *kb_cbc_new(void) {
    struct kb_cbc *cbc = kb_xcalloc(1, sizeof *cbc);

    cbc->ctx = EVP_CIPHER_CTX_new();
    if (!cbc->ctx) abort();
    return cbc;
}

void kb_cbc_free(struct kb_cbc *cbc) {
    if (!cbc) return;
    EVP_CIPHER_CTX_free(cbc->ctx); /* wipes its own copy of the key */
    kb_wipe(cbc->key, sizeof cbc->key);
    free(cbc);
}

static bool set_key(struct kb_cbc *cbc, const unsigned char *key, const unsigned char *iv) {
    if (cbc->keyed && memcmp(cbc->key, key, sizeof cbc->key) == 0)
        return EVP_DecryptInit_ex(cbc->ctx, NULL, NULL, NULL, iv) == 1;
    cbc->keyed = EVP_DecryptInit_ex(cbc->ctx, EVP_aes_256_cbc(), NULL, key, iv) == 1;
    if (!cbc->keyed) return false;
    memcpy(cbc->key, key, sizeof cbc->key);
    EVP_CIPHER_CTX_set_padding(cbc->ctx, 0);
    return true;
}

bool kb_cbc_decrypt(struct kb_cbc *cbc, const unsigned char *key, const unsigned char *iv, void *data, size_t size) {
    int got = 0;

    if (size % 16 != 0 || size > 1 << 30) return false;
    if (!set_key(cbc, key, iv)) return false;
    return EVP_DecryptUpdate(cbc->ctx, data, &got, data, (int)size) == 1 && (size_t)got == size;
}

int kb_padding(const unsigned char block[16]) {
    int count = block[15];

    if (count < 1 || count > 16) return 0;
    for (int i = 16 - count; i < 16; i++)
        if (block[i] != count) return 0;
    return count;
}
