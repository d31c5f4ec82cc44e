/* Small questions about texts: equal, begins with, hex, whole numbers. */
#include "kitbench/base.h"

#include <string.h>

bool kb_streq(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

bool kb_text_starts(const char *text, const char *prefix) {
    return text && prefix && strncmp(text, prefix, strlen(prefix)) == 0;
}

bool kb_text_ends(const char *text, const char *suffix) {
    size_t size = text ? strlen(text) : 0, tail = suffix ? strlen(suffix) : 0;
    return text && suffix && size >= tail && strcmp(text + size - tail, suffix) == 0;
}

void kb_hex(char *out, const unsigned char *bytes, size_t size) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool kb_unhex(unsigned char *out, size_t size, const char *hex) {
    if (!hex || strlen(hex) != 2 * size) return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

bool kb_parse_int(const char *text, int64_t min, int64_t max, int64_t *out) {
    bool negative = text && *text == '-';
    int64_t value = 0; /* kept negative: INT64_MIN has no positive twin */
    const char *at = text ? text + negative : "";
    if (!*at) return false;
    for (; *at; at++) {
        if (*at < '0' || *at > '9') return false;
        if (__builtin_mul_overflow(value, (int64_t)10, &value)) return false;
        if (__builtin_sub_overflow(value, (int64_t)(*at - '0'), &value)) return false;
    }
    if (!negative && value == INT64_MIN) return false;
    if (!negative) value = -value;
    if (value < min || value > max) return false;
    *out = value;
    return true;
}
