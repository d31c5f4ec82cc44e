/* Private to bkread. */
#ifndef BKREAD_H
#define BKREAD_H

#include <plist/plist.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bk_bytes {
    unsigned char *data;
    size_t size;
};
struct bk {
    const char *folder;
    bool encrypted;
    unsigned char keys[16][32]; /* by class */
    bool has_key[16];
    long rows, files;
};

/* Prints what is wrong and ends the program. */
_Noreturn void bk_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
int64_t bk_length(const char *folder, const char *name); /* of a regular file */
struct bk_bytes bk_load(const char *folder, const char *name);
plist_t bk_plist(struct bk_bytes bytes, const char *name);
/* Opens every class key of the keybag with the password. */
void bk_open_keys(struct bk *bk, plist_t manifest, const char *password);
/* 4 bytes of class, little-endian, and 40 of a wrapped key. */
void bk_unwrap_key(const struct bk *bk, const unsigned char *wrapped, size_t size, unsigned char key[32]);
/* Decrypts in place; returns the length of the padding, or ends. iv NULL: zeros. */
size_t bk_decrypt(const unsigned char key[32], const unsigned char *iv, unsigned char *data, size_t size,
                  const char *name);
/* Manifest.db, and every file it names. */
void bk_rows(struct bk *bk, plist_t manifest);
#endif
