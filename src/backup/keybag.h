/* Private to the backup room: the keybag of a backup and the keys in it. */
#ifndef KB_BACKUP_KEYBAG_H
#define KB_BACKUP_KEYBAG_H

#include "kdf.h"

enum { KB_KEYBAG_CLASSES = 16, KB_WRAPPED_BYTES = 40, KB_KEYED_BYTES = 44 };

/* backup-format.md 4.1. Classes are numbered 1 to 11; those that a keybag lacks have there = false. */
struct kb_keybag {
    struct kb_kdf kdf;
    uint32_t version, type;
    bool has_first_stage; /* DPIC and DPSL are there */
    int count;            /* classes */
    struct {
        bool there;
        unsigned char wrapped[KB_WRAPPED_BYTES];
    } classes[KB_KEYBAG_CLASSES];
};

/*
 * Reads a keybag from a file: repeated 4-byte tag, big-endian length, value. Any order and number of classes; unknown
 * tags are skipped. KB_STORE/DAMAGED when a length passes the end, a class comes twice, a value has a wrong size, a
 * count is absurd, or something needed is missing.
 */
KB_MUST_CHECK struct kb_result kb_keybag_parse(const void *bytes, size_t size, struct kb_keybag *out);

/* Whether both are one keybag: a key that opens the one opens the other. */
bool kb_keybag_same(const struct kb_keybag *a, const struct kb_keybag *b);

/* RFC 3394 with AES-256: 40 wrapped bytes to 32; false when the key does not fit. */
bool kb_unwrap(const unsigned char *kek, const unsigned char *wrapped, unsigned char *out);

/* The class keys, unwrapped; one block of locked memory, 32 bytes a class. */
struct kb_keys {
    struct kb_secret *secret;
    bool there[KB_KEYBAG_CLASSES];
};
void kb_keys_release(struct kb_keys *keys);
/*
 * Proves kek on one class (KB_PASSWORD/WRONG when it does not fit), then opens all others (KB_STORE/DAMAGED when one
 * fails: the keybag was changed).
 */
KB_MUST_CHECK struct kb_result kb_keys_open(const struct kb_keybag *bag, const struct kb_secret *kek,
                                            struct kb_keys *out);
/*
 * A key of a file or of Manifest.db: 4 bytes little-endian class, 40 wrapped bytes. out has KB_KEY_BYTES and is the
 * caller's to wipe; false when size, class or wrapping is wrong.
 */
bool kb_keys_unwrap(const struct kb_keys *keys, const unsigned char *keyed, size_t size, unsigned char *out);

/*
 * AES-256-CBC without padding; data is decrypted in place and size a multiple of 16. iv has 16 bytes (the block of
 * ciphertext before, or zeros at the start of a file).
 */
struct kb_cbc;
struct kb_cbc *kb_cbc_new(void);
void kb_cbc_free(struct kb_cbc *cbc);
bool kb_cbc_decrypt(struct kb_cbc *cbc, const unsigned char *key, const unsigned char *iv, void *data, size_t size);
/* Size of the PKCS#7 padding at the end of a decrypted last block: 1 to 16, 0 when it is none. */
int kb_padding(const unsigned char block[16]);
#endif
