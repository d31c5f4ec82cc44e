/* Private to the backup room: from a password to the key that unwraps a keybag's classes. */
#ifndef KB_BACKUP_KDF_H
#define KB_BACKUP_KDF_H

#include "kitbench/backup.h"

enum { KB_KEY_BYTES = 32 };

/* Called some ten times a second; false cancels. */
typedef bool (*kb_kdf_progress)(void *arg, int done_pct);

struct kb_kdf {
    unsigned char salt[64], first_salt[64];
    size_t salt_size, first_salt_size;
    uint32_t rounds;       /* ITER */
    uint32_t first_rounds; /* DPIC; 0: there is no first stage (backups before iOS 10.2, plain backups) */
};

/*
 * P1 = first_rounds ? PBKDF2-HMAC-SHA256(password, first_salt, first_rounds, 32) : password
 * key = PBKDF2-HMAC-SHA1(P1, salt, rounds, 32)
 * out is new on success. KB_CANCELLED when progress said so. Wipes all it used.
 */
KB_MUST_CHECK struct kb_result kb_kdf_run(const struct kb_kdf *kdf, const void *password, size_t size,
                                          kb_kdf_progress progress, void *arg, struct kb_secret **out);
#endif
