/* What a word of the sheet means: UDID, serial number, IMEI, slot, or the start of a UDID. Pure. */
#include "engine.h"
#include <string.h>

#define SHORTEST_START 4

static int lower(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c; }

/* Equal apart from case and '-'; with start, word may be shorter. */
static bool like(const char *text, const char *word, bool start) {
    if (!text || !*text) return false;
    for (;; text++, word++) {
        while (*text == '-') text++;
        while (*word == '-') word++;
        if (!*word) return start || !*text;
        if (lower(*text) != lower(*word)) return false;
    }
}

static size_t word_length(const char *word) {
    size_t length = 0;
    for (; *word; word++) length += *word != '-';
    return length;
}

static bool is_slot(const char *word, const char *slot) {
    if (!kb_text_starts(word, "slot:") || !slot || !*slot) return false;
    for (word += 5; *word && *slot; word++, slot++)
        if (lower(*word) != lower(*slot)) return false;
    return !*word && !*slot;
}

enum kb_means kb_word_means(const char *word, const struct kb_known *known) {
    if (kb_text_starts(word, "slot:")) return is_slot(word, known->slot) ? KB_MEANS_IT : KB_MEANS_NO;
    if (like(known->udid, word, false) || like(known->serial, word, false) || like(known->imei, word, false))
        return KB_MEANS_IT;
    return word_length(word) >= SHORTEST_START && like(known->udid, word, true) ? KB_MEANS_START : KB_MEANS_NO;
}
