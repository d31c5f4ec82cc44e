/* What a word of the sheet means: UDID, serial number, IMEI, slot, or the start of a UDID. Pure. */
#include "kitbench/tray.h"
#include <string.h>

#define SLOT "slot:"

static int lower(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c; }

/* Equal apart from case and '-'; with start, word may be shorter. */
static bool like(const char *text, const char *word, bool start) {
    if (!word || !text || !*text) return false;
    for (;; text++, word++) {
        while (*text == '-') text++;
        while (*word == '-') word++;
        if (!*word) return start || !*text;
        if (lower(*text) != lower(*word)) return false;
    }
}

bool kb_word_is_short(const char *word) {
    size_t length = 0;
    for (; *word; word++) length += *word != '-';
    return length < KB_SHORTEST_START;
}

const char *kb_slot_word(const char *word) { return kb_text_starts(word, SLOT) ? word + strlen(SLOT) : NULL; }

static bool is_slot(const char *name, const char *slot) {
    if (!slot || !*slot) return false;
    for (; *name && *slot; name++, slot++)
        if (lower(*name) != lower(*slot)) return false;
    return !*name && !*slot;
}

enum kb_means kb_word_means(const char *word, const struct kb_known *known) {
    const char *name = kb_slot_word(word);
    if (name) return is_slot(name, known->slot) ? KB_MEANS_IT : KB_MEANS_NO;
    if (like(known->udid, word, false) || like(known->serial, word, false) || like(known->imei, word, false))
        return KB_MEANS_IT;
    return !kb_word_is_short(word) && like(known->udid, word, true) ? KB_MEANS_START : KB_MEANS_NO;
}
