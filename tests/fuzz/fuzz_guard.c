/*
 * libFuzzer target: whatever the guard lets pass, libplist must parse, copy and write again without a fault and within
 * memory. The limits are small, so that -rss_limit_mb=512 -malloc_limit_mb=256 prove the bound:
 *
 *   clang -fsanitize=fuzzer,address,undefined -Iinclude tests/fuzz/fuzz_guard.c src/base/guard.c ... -lplist-2.0
 */
#include "kitbench/base.h"

#include <plist/plist.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct kb_guard_limits limits = {.max_bytes = 1 << 20, .max_depth = 64, .max_nodes = 50000};
    if (kb_plist_guard(data, size, &limits) != KB_GUARD_OK) return 0;
    plist_t tree = NULL;
    bool binary = size >= 6 && memcmp(data, "bplist", 6) == 0;
    if (binary)
        plist_from_bin((const char *)data, (uint32_t)size, &tree);
    else
        plist_from_xml((const char *)data, (uint32_t)size, &tree);
    if (tree == NULL) return 0;
    plist_t copy = plist_copy(tree);
    char *out = NULL;
    uint32_t out_size = 0;
    plist_to_bin(copy, &out, &out_size);
    /* What libplist writes must not grow past the limits. (It may be malformed: out of broken UTF-8 it makes NULs.) */
    enum kb_guard_verdict again = out ? kb_plist_guard(out, out_size, &kb_guard_default) : KB_GUARD_OK;
    if (again != KB_GUARD_OK && again != KB_GUARD_MALFORMED) abort();
    free(out);
    plist_free(copy);
    plist_free(tree);
    return 0;
}
