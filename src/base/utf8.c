/* UTF-8: what is whole, what is fit for a terminal, and where a text may be cut. */
#include "kitbench/base.h"

#include <string.h>

/* RFC 3629, table of well-formed byte sequences of more than one byte: lead bytes, continuation bytes, range of the
 * first of these. */
static const struct {
    unsigned char from, to, more, first_from, first_to;
} leads[] = {
    {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf}, {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f},
    {0xee, 0xef, 2, 0x80, 0xbf}, {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

/* Bytes of the character at text; 0 when it is not one. code gets its number. */
static size_t character(const unsigned char *text, size_t size, uint32_t *code) {
    if (size && text[0] < 0x80) return *code = text[0], 1;
    for (size_t i = 0; size && i < KB_ARRAY_SIZE(leads); i++) {
        if (text[0] < leads[i].from || text[0] > leads[i].to) continue;
        size_t more = leads[i].more;
        if (more >= size) return 0;
        *code = text[0] & (0x3fu >> more);
        for (size_t k = 1; k <= more; k++) {
            unsigned char from = k == 1 ? leads[i].first_from : 0x80, to = k == 1 ? leads[i].first_to : 0xbf;
            if (text[k] < from || text[k] > to) return 0;
            *code = *code << 6 | (text[k] & 0x3fu);
        }
        return more + 1;
    }
    return 0;
}

bool kb_utf8_valid(const char *text, size_t size) {
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t code;
    for (size_t at = 0, step; at < size; at += step)
        if (!(step = character(bytes + at, size - at, &code))) return false;
    return true;
}

/* Characters that steer a terminal or turn the reading direction of the words around them. */
static bool steers(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

/* Bytes at the start of text that stay as they are whatever stands around them: nearly all of most texts. */
static size_t plain(const unsigned char *text, size_t size) {
    size_t length = 0;
    while (length < size && text[length] >= 0x20 && text[length] < 0x7f) length++;
    return length;
}

void kb_text_clean(char *out, size_t room, const char *text) {
    static const char unknown[] = "\xef\xbf\xbd"; /* U+FFFD */
    const unsigned char *bytes = (const unsigned char *)(text ? text : "");
    size_t size = strlen((const char *)bytes), used = 0, step;
    if (!room) return;
    for (size_t at = 0; at < size; at += step) {
        uint32_t code = 0;
        const char *from = (const char *)bytes + at;
        size_t left = room - 1 - used, length = plain(bytes + at, size - at < left ? size - at : left);
        if (length > 0) {
            step = length;
        } else if ((length = step = character(bytes + at, size - at, &code)) == 0 || steers(code)) {
            from = unknown;
            length = 3;
            if (!step) step = 1;
        }
        if (used + length >= room) break;
        memcpy(out + used, from, length);
        used += length;
    }
    out[used] = '\0';
}

bool kb_text_copy(char *out, size_t room, const char *text) {
    size_t size = text ? strlen(text) : 0, keep = size;
    if (!room) return false;
    if (keep >= room) {
        keep = room - 1;
        while (keep && ((unsigned char)text[keep] & 0xc0) == 0x80) keep--;
    }
    if (keep) memcpy(out, text, keep);
    out[keep] = '\0';
    return keep == size;
}
