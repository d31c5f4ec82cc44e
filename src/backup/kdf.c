/*
 * The key derivation of a backup's keybag (backup-format.md 4.2): ten million rounds, which must show progress and must
 * be stoppable, so they are counted here and not in one call of OpenSSL. HMAC's two pads are hashed once; a round is
 * then two compressions on their saved states, which takes a third of the time of PKCS5_PBKDF2_HMAC with OpenSSL 3.0.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* the bare compression function has no other name */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "kdf.h"

enum { SLICE_ROUNDS = 100000, SHOW_EVERY_MS = 100 };

/* Secrets of one derivation, wiped together. */
struct work {
    SHA256_CTX inner, outer;     /* after the pads */
    SHA_LONG last[8], result[8]; /* U of the last round, and the exclusive or of all */
    unsigned char block[SHA256_CBLOCK];
    unsigned char first[KB_KEY_BYTES];
};

static void put_words(unsigned char *out, const SHA_LONG *words) {
    for (int i = 0; i < 8; i++) {
        out[4 * i] = (unsigned char)(words[i] >> 24);
        out[4 * i + 1] = (unsigned char)(words[i] >> 16);
        out[4 * i + 2] = (unsigned char)(words[i] >> 8);
        out[4 * i + 3] = (unsigned char)words[i];
    }
}

/* The password as HMAC's key: longer than a block is hashed first. */
static void pads(struct work *work, const unsigned char *password, size_t size) {
    unsigned char key[SHA256_CBLOCK] = {0}, pad[SHA256_CBLOCK];

    if (size > sizeof key)
        SHA256(password, size, key);
    else if (size)
        memcpy(key, password, size);
    for (size_t i = 0; i < sizeof key; i++) pad[i] = key[i] ^ 0x36;
    SHA256_Init(&work->inner);
    SHA256_Update(&work->inner, pad, sizeof pad);
    for (size_t i = 0; i < sizeof key; i++) pad[i] = key[i] ^ 0x5C;
    SHA256_Init(&work->outer);
    SHA256_Update(&work->outer, pad, sizeof pad);
    kb_wipe(key, sizeof key);
    kb_wipe(pad, sizeof pad);
}

/* Round one: HMAC(salt ‖ 1). */
static void first_round(struct work *work, const unsigned char *salt, size_t size) {
    static const unsigned char number[4] = {0, 0, 0, 1};
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX ctx = work->inner;

    SHA256_Update(&ctx, salt, size);
    SHA256_Update(&ctx, number, sizeof number);
    SHA256_Final(digest, &ctx);
    ctx = work->outer;
    SHA256_Update(&ctx, digest, sizeof digest);
    SHA256_Final(digest, &ctx);
    for (int i = 0; i < 8; i++)
        work->last[i] = work->result[i] = (SHA_LONG)digest[4 * i] << 24 | (SHA_LONG)digest[4 * i + 1] << 16 |
                                          (SHA_LONG)digest[4 * i + 2] << 8 | digest[4 * i + 3];
    kb_wipe(digest, sizeof digest);
    kb_wipe(&ctx, sizeof ctx);
}

/* The rest of a block that holds 32 bytes behind a 64-byte pad: a one bit, zeros, the length of 768 bits. */
static void pad_block(unsigned char block[SHA256_CBLOCK]) {
    memset(block, 0, SHA256_CBLOCK);
    block[32] = 0x80;
    block[62] = 0x03;
}

static void rounds(struct work *work, uint32_t count) {
    SHA256_CTX ctx = work->inner;

    for (uint32_t round = 0; round < count; round++) {
        memcpy(ctx.h, work->inner.h, sizeof ctx.h);
        put_words(work->block, work->last);
        SHA256_Transform(&ctx, work->block);
        put_words(work->block, ctx.h);
        memcpy(ctx.h, work->outer.h, sizeof ctx.h);
        SHA256_Transform(&ctx, work->block);
        for (int i = 0; i < 8; i++) {
            work->last[i] = ctx.h[i];
            work->result[i] ^= ctx.h[i];
        }
    }
    kb_wipe(&ctx, sizeof ctx);
}

static bool show(const struct kb_kdf *kdf, uint32_t done, int64_t *shown, kb_kdf_progress progress, void *arg) {
    int64_t now = kb_clock_ms();

    if (!progress || (now - *shown < SHOW_EVERY_MS && done < kdf->first_rounds)) return true;
    *shown = now;
    return progress(arg, (int)((uint64_t)done * 99 / kdf->first_rounds));
}

static struct kb_result first_stage(const struct kb_kdf *kdf, const void *password, size_t size,
                                    kb_kdf_progress progress, void *arg, struct work *work) {
    int64_t shown = kb_clock_ms() - SHOW_EVERY_MS;

    pads(work, password, size);
    first_round(work, kdf->first_salt, kdf->first_salt_size);
    pad_block(work->block);
    for (uint32_t done = 1; done < kdf->first_rounds;) {
        uint32_t slice = kdf->first_rounds - done;

        if (slice > SLICE_ROUNDS) slice = SLICE_ROUNDS;
        rounds(work, slice);
        done += slice;
        if (!show(kdf, done, &shown, progress, arg)) return kb_cancel_result();
    }
    put_words(work->first, work->result);
    return kb_ok();
}

struct kb_result kb_kdf_run(const struct kb_kdf *kdf, const void *password, size_t size, kb_kdf_progress progress,
                            void *arg, struct kb_secret **out) {
    static const unsigned char zeros[KB_KEY_BYTES];
    struct work work;
    struct kb_secret *key = kb_secret_new(zeros, sizeof zeros);
    struct kb_result res = kb_ok();

    if (kdf->first_rounds) {
        res = first_stage(kdf, password, size, progress, arg, &work);
        password = work.first;
        size = sizeof work.first;
    }
    if (!kb_failed(&res) && PKCS5_PBKDF2_HMAC(size ? password : "", (int)size, kdf->salt, (int)kdf->salt_size,
                                              (int)kdf->rounds, EVP_sha1(), KB_KEY_BYTES, key->data) != 1)
        res = kb_fail(KB_UNEXPECTED, 0, _("OpenSSL could not derive the backup key; reinstall kitbench"));
    if (!kb_failed(&res) && progress && !progress(arg, 100)) res = kb_cancel_result();
    if (!kb_failed(&res)) {
        *out = key;
        key = NULL;
    }
    kb_secret_free(key);
    kb_wipe(&work, sizeof work);
    return res;
}
