/* libFuzzer target: the reader of Manifest.db's blobs. */
#include "../../src/backup/mbfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct kb_mbfile file;

    kb_mbfile_parse(data, size, "Library/\xE5\x86\x99", 11, &file);
    return 0;
}
