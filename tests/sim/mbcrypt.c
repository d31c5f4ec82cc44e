/* Keybags and keys of a backup, device side. See mbcrypt.h; the layout is backup-format.md 4.1 to 4.3. */
#include "mbcrypt.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

#define DPIC_MAX 20000000u
#define ITER_MAX 1000000u

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha1, *sha256;
static EVP_CIPHER *aes, *wrap;

static void fetch(void) {
    sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    wrap = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
}

const EVP_MD *mb_sha1(void) { return pthread_once(&once, fetch), sha1; }
const EVP_MD *mb_sha256(void) { return pthread_once(&once, fetch), sha256; }
const EVP_CIPHER *mb_aes(void) { return pthread_once(&once, fetch), aes; }

void mb_derive(const char *label, const char *udid, const void *part, size_t size, uint64_t number,
               uint8_t out[MB_KEY]) {
    uint8_t text[640];
    size_t used = 0;

    for (int i = 0; i < 2; i++) {
        const char *word = i ? udid : label;
        size_t n = strnlen(word, 200);

        memcpy(text + used, word, n);
        used += n;
        text[used++] = 0;
    }
    if (size > 200) size = 200;
    if (size) memcpy(text + used, part, size);
    used += size;
    memcpy(text + used, &number, sizeof number);
    used += sizeof number;
    EVP_Digest(text, used, out, NULL, mb_sha256(), NULL);
}

/* RFC 3394 through EVP: the low-level calls are deprecated in OpenSSL 3. */
static bool wrap_once(const uint8_t *kek, const uint8_t *in, int size, uint8_t *out, bool seal) {
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    bool ok;

    pthread_once(&once, fetch);
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    ok = EVP_CipherInit_ex(ctx, wrap, NULL, kek, NULL, seal) == 1 && EVP_CipherUpdate(ctx, out, &n, in, size) == 1 &&
         n == (seal ? size + 8 : size - 8);
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

bool mb_wrap(const uint8_t kek[MB_KEY], const uint8_t key[MB_KEY], uint8_t out[MB_WRAPPED]) {
    uint8_t room[MB_WRAPPED + 16];
    bool ok = wrap_once(kek, key, MB_KEY, room, true);

    if (ok) memcpy(out, room, MB_WRAPPED);
    return ok;
}

bool mb_unwrap(const uint8_t kek[MB_KEY], const uint8_t wrapped[MB_WRAPPED], uint8_t out[MB_KEY]) {
    uint8_t room[MB_WRAPPED + 16];
    bool ok = wrap_once(kek, wrapped, MB_WRAPPED, room, false);

    if (ok) memcpy(out, room, MB_KEY);
    return ok;
}

bool mb_key_seal(const struct mb_keybag *bag, unsigned class, const uint8_t key[MB_KEY], uint8_t out[44]) {
    if (class < 1 || class > MB_CLASSES || !bag->have[class]) return false;
    out[0] = (uint8_t) class;
    out[1] = out[2] = out[3] = 0;
    return mb_wrap(bag->class_key[class], key, out + 4);
}

bool mb_key_open(const struct mb_keybag *bag, const uint8_t sealed[44], uint8_t out[MB_KEY]) {
    unsigned class = sealed[0];

    if (class < 1 || class > MB_CLASSES || sealed[1] || sealed[2] || sealed[3] || !bag->have[class]) return false;
    return mb_unwrap(bag->class_key[class], sealed + 4, out);
}

/* Password to key-encryption key: two stages with DPIC, one without. */
static void derive_kek(const char *password, const uint8_t *dpsl, uint32_t dpic, const uint8_t *salt, uint32_t iter,
                       uint8_t kek[MB_KEY]) {
    uint8_t first[MB_KEY];
    const char *secret = password;
    int size = (int)strlen(password);

    if (dpic) {
        PKCS5_PBKDF2_HMAC(password, size, dpsl, 20, (int)dpic, mb_sha256(), MB_KEY, first);
        secret = (const char *)first;
        size = MB_KEY;
    }
    PKCS5_PBKDF2_HMAC(secret, size, salt, 20, (int)iter, mb_sha1(), MB_KEY, kek);
    OPENSSL_cleanse(first, sizeof first);
}

static void put(struct mb_keybag *bag, const char *tag, const void *value, uint32_t size) {
    uint8_t *at = bag->bytes + bag->size;

    memcpy(at, tag, 4);
    at[4] = (uint8_t)(size >> 24), at[5] = (uint8_t)(size >> 16), at[6] = (uint8_t)(size >> 8), at[7] = (uint8_t)size;
    memcpy(at + 8, value, size);
    bag->size += 8 + size;
}

static void put_u32(struct mb_keybag *bag, const char *tag, uint32_t value) {
    uint8_t be[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};

    put(bag, tag, be, 4);
}

static void put_class(struct mb_keybag *bag, unsigned class, const char *udid, unsigned epoch, const uint8_t *kek) {
    static const bool device_bound[MB_CLASSES + 1] = {[5] = true, [9] = true, [10] = true, [11] = true};
    uint8_t uuid[MB_KEY], wrapped[MB_WRAPPED];
    bool three = bag->encrypted ? device_bound[class] : class >= 5;

    mb_derive("class uuid", udid, &class, sizeof class, epoch, uuid);
    mb_wrap(kek, bag->class_key[class], wrapped);
    put(bag, "UUID", uuid, 16);
    put_u32(bag, "CLAS", class);
    put_u32(bag, "WRAP", three ? 3 : 2);
    put_u32(bag, "KTYP", 0);
    put(bag, "WPKY", wrapped, MB_WRAPPED);
}

void mb_keybag_make(struct mb_keybag *bag, const char *udid, unsigned epoch, const char *password, uint32_t dpic,
                    uint32_t iter) {
    uint8_t uuid[MB_KEY], salt[MB_KEY], dpsl[MB_KEY], kek[MB_KEY], hmck[64] = {0};
    size_t size = strlen(password);

    memset(bag, 0, sizeof *bag);
    bag->encrypted = size > 0;
    mb_derive("keybag uuid", udid, password, size, epoch, uuid);
    mb_derive("keybag salt", udid, password, size, epoch, salt);
    mb_derive("keybag dpsl", udid, password, size, epoch, dpsl);
    if (bag->encrypted) {
        mb_derive("keybag hmck", udid, password, size, epoch, hmck);
        mb_derive("keybag hmck", udid, password, size, epoch + 1000u, hmck + 32);
    }
    put_u32(bag, "VERS", 5);
    put_u32(bag, "TYPE", 1);
    put(bag, "UUID", uuid, 16);
    put(bag, "HMCK", hmck, 40);
    put_u32(bag, "WRAP", 0);
    put(bag, "SALT", salt, 20);
    put_u32(bag, "ITER", iter);
    if (bag->encrypted) {
        put_u32(bag, "DPWT", 1);
        put_u32(bag, "DPIC", dpic);
        put(bag, "DPSL", dpsl, 20);
    }
    derive_kek(password, dpsl, bag->encrypted ? dpic : 0, salt, iter, kek);
    for (unsigned i = 1; i <= MB_CLASSES; i++) {
        unsigned class = bag->encrypted ? MB_CLASSES + 1 - i : i;

        bag->have[class] = true;
        mb_derive("class key", udid, &class, sizeof class, epoch, bag->class_key[class]);
        put_class(bag, class, udid, epoch, kek);
    }
    OPENSSL_cleanse(kek, sizeof kek);
}

/* What a keybag says before it is opened. */
struct parsed {
    const uint8_t *salt, *dpsl;
    uint32_t iter, dpic;
    const uint8_t *wrapped[MB_CLASSES + 1];
};

static uint32_t be32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* One tag; class is that of the entry being read, 0 in the header. False: malformed. */
static bool parse_tag(struct parsed *p, const uint8_t *tag, const uint8_t *value, uint32_t size, unsigned *class) {
    if (!memcmp(tag, "SALT", 4) && size == 20)
        p->salt = value;
    else if (!memcmp(tag, "DPSL", 4) && size == 20)
        p->dpsl = value;
    else if (!memcmp(tag, "ITER", 4) && size == 4)
        p->iter = be32(value);
    else if (!memcmp(tag, "DPIC", 4) && size == 4)
        p->dpic = be32(value);
    else if (!memcmp(tag, "CLAS", 4) && size == 4)
        *class = be32(value) & 0xf;
    else if (!memcmp(tag, "WPKY", 4)) {
        if (size != MB_WRAPPED || *class < 1 || *class > MB_CLASSES || p->wrapped[*class]) return false;
        p->wrapped[*class] = value;
    }
    return true;
}

static bool parse(struct parsed *p, const uint8_t *bytes, size_t size) {
    unsigned class = 0;

    memset(p, 0, sizeof *p);
    for (size_t at = 0; at < size;) {
        uint32_t len;

        if (size - at < 8 || (len = be32(bytes + at + 4)) > size - at - 8) return false;
        if (!parse_tag(p, bytes + at, bytes + at + 8, len, &class)) return false;
        at += 8 + len;
    }
    return p->salt && p->iter >= 1 && p->iter <= ITER_MAX && p->dpic <= DPIC_MAX && (!p->dpic || p->dpsl);
}

enum mb_open mb_keybag_open(struct mb_keybag *bag, const uint8_t *bytes, size_t size, const char *password) {
    struct parsed p;
    uint8_t kek[MB_KEY];
    enum mb_open res = MB_MALFORMED;
    int opened = 0;

    memset(bag, 0, sizeof *bag);
    if (size > sizeof bag->bytes * 4 || !parse(&p, bytes, size)) return MB_MALFORMED;
    bag->encrypted = p.dpic > 0;
    derive_kek(password, p.dpsl, p.dpic, p.salt, p.iter, kek);
    for (unsigned class = 1; class <= MB_CLASSES; class ++) {
        if (!p.wrapped[class]) continue;
        res = MB_WRONG_PASSWORD;
        bag->have[class] = mb_unwrap(kek, p.wrapped[class], bag->class_key[class]);
        opened += bag->have[class];
    }
    OPENSSL_cleanse(kek, sizeof kek);
    return opened ? MB_OPENED : res;
}

EVP_CIPHER_CTX *mb_cbc_new(const uint8_t key[MB_KEY], bool encrypt) {
    static const uint8_t zero[16];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    EVP_CipherInit_ex(ctx, mb_aes(), NULL, key, zero, encrypt);
    EVP_CIPHER_CTX_set_padding(ctx, encrypt);
    return ctx;
}

size_t mb_cbc(EVP_CIPHER_CTX *cbc, const uint8_t *in, size_t size, uint8_t *out, bool last) {
    int n = 0, tail = 0;

    EVP_CipherUpdate(cbc, out, &n, in, (int)size);
    if (last) EVP_CipherFinal_ex(cbc, out + n, &tail);
    return (size_t)(n + tail);
}

unsigned mb_padding(const uint8_t last_block[16]) {
    unsigned n = last_block[15];

    if (n < 1 || n > 16) return 0;
    for (unsigned i = 16 - n; i < 16; i++)
        if (last_block[i] != n) return 0;
    return n;
}
