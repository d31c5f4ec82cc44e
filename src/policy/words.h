/* The words of an enum, as one array in the enum's order: there and back. */
#ifndef KITBENCH_POLICY_WORDS_H
#define KITBENCH_POLICY_WORDS_H

#include "kitbench/base.h"

static inline const char *word_of(const char *const *words, size_t count, int value) {
    return value >= 0 && (size_t)value < count ? words[value] : "";
}

/* The value with that word; -1 when there is none. The empty word stands for "unknown" and is no name. */
static inline int value_of(const char *const *words, size_t count, const char *word) {
    for (size_t i = 0; word && *word && i < count; i++) {
        if (kb_streq(words[i], word)) return (int)i;
    }
    return -1;
}
#endif
