/* The keybag: two derivations, one unwrap a class. */
#include "bkread.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

struct bag {
    const unsigned char *salt, *dpsl, *wrapped[16];
    uint32_t iter, dpic;
};

static uint32_t number(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void want(bool right, const char *what) {
    if (!right) bk_wrong("keybag: %s", what);
}

static bool is(const unsigned char *at, const char *tag) { return memcmp(at, tag, 4) == 0; }

/* Tags before the second UUID belong to the header, which has no CLAS. */
static void read_bag(const unsigned char *data, uint64_t size, struct bag *bag) {
    uint32_t class_number = 0;
    int classes = 0;

    want(size <= 65536, "longer than any");
    for (uint64_t at = 0; at < size;) {
        want(size - at >= 8, "a tag is cut");
        const unsigned char *tag = data + at, *value = tag + 8;
        uint32_t length = number(tag + 4);

        want(length <= size - at - 8, "a value passes the end");
        if (is(tag, "SALT") && length == 20) bag->salt = value;
        if (is(tag, "ITER") && length == 4) bag->iter = number(value);
        if (is(tag, "DPSL") && length == 20) bag->dpsl = value;
        if (is(tag, "DPIC") && length == 4) want((bag->dpic = number(value)) > 0, "no round in DPIC");
        if (is(tag, "CLAS") && length == 4) want((class_number = number(value)) <= 11, "a class that is none");
        if (is(tag, "WPKY")) {
            want(length == 40, "a wrapped key of another length");
            want(class_number > 0 && !bag->wrapped[class_number], "a class comes twice");
            bag->wrapped[class_number] = value;
            classes++;
        }
        at += 8 + (uint64_t)length;
    }
    want(bag->salt && bag->iter, "no SALT or ITER");
    want(classes > 0, "no class");
    want(bag->iter <= 1000000 && bag->dpic <= 20000000, "too many rounds");
}

static bool unwrap(const unsigned char kek[32], const unsigned char wrapped[40], unsigned char out[32]) {
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char room[64];
    int size = 0;

    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    bool right = EVP_DecryptInit_ex(ctx, EVP_aes_256_wrap(), NULL, kek, NULL) == 1 &&
                 EVP_DecryptUpdate(ctx, room, &size, wrapped, 40) == 1 && size == 32;
    EVP_CIPHER_CTX_free(ctx);
    if (right) memcpy(out, room, 32);
    return right;
}

void bk_open_keys(struct bk *bk, plist_t manifest, const char *password) {
    plist_t node = plist_dict_get_item(manifest, "BackupKeyBag");
    unsigned char first[32], kek[32];
    struct bag bag = {0};
    char *data = NULL;
    uint64_t size = 0;
    const char *pass = password;
    int pass_size = (int)strlen(password);

    want(node && plist_get_node_type(node) == PLIST_DATA, "there is none");
    plist_get_data_val(node, &data, &size);
    read_bag((const unsigned char *)data, size, &bag);
    if (bag.dpic) {
        want(bag.dpsl != NULL, "no DPSL");
        PKCS5_PBKDF2_HMAC(pass, pass_size, bag.dpsl, 20, (int)bag.dpic, EVP_sha256(), 32, first);
        pass = (const char *)first;
        pass_size = 32;
    }
    PKCS5_PBKDF2_HMAC(pass, pass_size, bag.salt, 20, (int)bag.iter, EVP_sha1(), 32, kek);
    for (int i = 1; i < 16; i++) {
        if (!bag.wrapped[i]) continue;
        if (!unwrap(kek, bag.wrapped[i], bk->keys[i])) bk_wrong("password or class key %d", i);
        bk->has_key[i] = true;
    }
    free(data);
}

void bk_unwrap_key(const struct bk *bk, const unsigned char *wrapped, size_t size, unsigned char key[32]) {
    if (size != 44) bk_wrong("a key of %zu bytes", size);
    uint32_t class_number =
        wrapped[0] | (uint32_t)wrapped[1] << 8 | (uint32_t)wrapped[2] << 16 | (uint32_t)wrapped[3] << 24;

    if (class_number >= 16 || !bk->has_key[class_number]) bk_wrong("a key of class %u", class_number);
    if (!unwrap(bk->keys[class_number], wrapped + 4, key)) bk_wrong("a key that does not open");
}

size_t bk_decrypt(const unsigned char key[32], const unsigned char *iv, unsigned char *data, size_t size,
                  const char *name) {
    static const unsigned char zeros[16];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int done = 0;
    size_t pad;

    if (size == 0 || size % 16) bk_wrong("length %s", name);
    EVP_DecryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, iv ? iv : zeros);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    EVP_DecryptUpdate(ctx, data, &done, data, (int)size);
    EVP_CIPHER_CTX_free(ctx);
    pad = data[size - 1];
    for (size_t i = 1; i <= pad && pad <= 16; i++)
        if (data[size - i] != pad) pad = 0;
    return pad >= 1 && pad <= 16 ? pad : 0;
}
