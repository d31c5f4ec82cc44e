/* libFuzzer target: the keybag reader. What it takes must be within the bounds that the key derivation is given. */
#include <stdlib.h>

#include "../../src/backup/keybag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct kb_keybag bag;
    struct kb_result res = kb_keybag_parse(data, size, &bag);

    if (kb_failed(&res)) return 0;
    if (bag.count < 1 || bag.kdf.rounds < 1 || bag.kdf.rounds > 1000000 || bag.kdf.first_rounds > 20000000) abort();
    if (bag.kdf.salt_size > sizeof bag.kdf.salt || bag.kdf.first_salt_size > sizeof bag.kdf.first_salt) abort();
    if (bag.has_first_stage != (bag.kdf.first_rounds > 0)) abort();
    return 0;
}
