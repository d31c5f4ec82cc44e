/* The compiled catalogue: made by scripts/po-to-c.sh from the PO files, sorted by msgid as strcmp sorts. */
#ifndef KITBENCH_BASE_CATALOGUE_H
#define KITBENCH_BASE_CATALOGUE_H

#include <stddef.h>

struct kb_translation {
    const char *msgid, *msgstr;
};
extern const struct kb_translation kb_catalogue_ja[];
extern const size_t kb_catalogue_ja_size;
#endif
