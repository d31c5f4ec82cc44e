/*
 * The cryptography of a backup (backup-format.md 4), device side: keybag, password, wrapped keys, AES-CBC as stored.
 * Every key is a function of the device's UDID and an epoch, so that nothing is stored and runs can be repeated.
 */
#ifndef SIM_MBCRYPT_H
#define SIM_MBCRYPT_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MB_CLASSES    11
#define MB_KEY        32
#define MB_WRAPPED    40
#define MB_KEYBAG_MAX 1400

/* Fetched once: to look an algorithm up by each use costs more than the use for small files. */
const EVP_MD *mb_sha1(void);
const EVP_MD *mb_sha256(void);
const EVP_CIPHER *mb_aes(void); /* AES-256-CBC */

/* A keybag with its class keys in clear; index 1..11. */
struct mb_keybag {
    bool encrypted;
    bool have[MB_CLASSES + 1];
    uint8_t class_key[MB_CLASSES + 1][MB_KEY];
    uint8_t bytes[MB_KEYBAG_MAX]; /* as it stands in Manifest.plist */
    size_t size;
};

enum mb_open { MB_OPENED, MB_MALFORMED, MB_WRONG_PASSWORD };

/* Makes the keybag of a device; password "" makes that of a plain backup. Class keys come from (udid, epoch). */
void mb_keybag_make(struct mb_keybag *bag, const char *udid, unsigned epoch, const char *password, uint32_t dpic,
                    uint32_t iter);
/* Opens a keybag as a device does before a restore; iteration counts above what a device accepts are malformed. */
enum mb_open mb_keybag_open(struct mb_keybag *bag, const uint8_t *bytes, size_t size, const char *password);

bool mb_wrap(const uint8_t kek[MB_KEY], const uint8_t key[MB_KEY], uint8_t out[MB_WRAPPED]);
bool mb_unwrap(const uint8_t kek[MB_KEY], const uint8_t wrapped[MB_WRAPPED], uint8_t out[MB_KEY]);
/* 4 bytes of class, little-endian, and the wrapped key: 44 bytes, as in ManifestKey and EncryptionKey. */
bool mb_key_seal(const struct mb_keybag *bag, unsigned class, const uint8_t key[MB_KEY], uint8_t out[44]);
bool mb_key_open(const struct mb_keybag *bag, const uint8_t sealed[44], uint8_t out[MB_KEY]);
/* 32 bytes that depend on all parts; label keeps uses apart. */
void mb_derive(const char *label, const char *udid, const void *part, size_t size, uint64_t number,
               uint8_t out[MB_KEY]);

/* AES-256-CBC, IV zero. Encrypting pads by PKCS#7 at the end; decrypting leaves the padding to the caller. */
EVP_CIPHER_CTX *mb_cbc_new(const uint8_t key[MB_KEY], bool encrypt);
/* Returns bytes written to out (room for size + 16); last adds the padding when encrypting. */
size_t mb_cbc(EVP_CIPHER_CTX *cbc, const uint8_t *in, size_t size, uint8_t *out, bool last);
/* Bytes of PKCS#7 padding at the end of a last plain block, 0 when it is not valid. */
unsigned mb_padding(const uint8_t last_block[16]);
#endif
