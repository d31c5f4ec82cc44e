/*
 * The one checker of names that come from outside. A name that passes stays inside the folder it is joined to and means
 * the same file on every system, so the Windows rules hold on Linux too: a backup may move between benches.
 */
#include <string.h>

#include "kitbench/backup.h"

enum { NAME_MAX_BYTES = 1024, PART_MAX_BYTES = 255 };

/* Device names of Windows: taken with any extension, in any case. Digits follow those marked with '#'. */
static const char *const reserved[] = {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$", "com#", "lpt#"};

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Windows takes superscript one, two and three for digits here as well. */
static bool is_port_number(const char *text, size_t size) {
    static const char *const superscripts[] = {"\xC2\xB9", "\xC2\xB2", "\xC2\xB3"};

    if (size == 1) return is_digit(text[0]);
    for (size_t i = 0; i < KB_ARRAY_SIZE(superscripts); i++)
        if (size == 2 && memcmp(text, superscripts[i], 2) == 0) return true;
    return false;
}

static bool matches_reserved(const char *stem, size_t size, const char *word) {
    size_t length = strlen(word);
    bool numbered = word[length - 1] == '#';

    if (numbered) length--;
    if (size < length) return false;
    for (size_t i = 0; i < length; i++)
        if (lower(stem[i]) != word[i]) return false;
    return numbered ? is_port_number(stem + length, size - length) : size == length;
}

/* "nul", "NUL.txt", "nul .tar.gz": what stands before the first dot, without the spaces at its end. */
static bool is_reserved(const char *part, size_t size) {
    const char *dot = memchr(part, '.', size);
    size_t stem = dot ? (size_t)(dot - part) : size;

    while (stem > 0 && part[stem - 1] == ' ') stem--;
    for (size_t i = 0; i < KB_ARRAY_SIZE(reserved); i++)
        if (matches_reserved(part, stem, reserved[i])) return true;
    return false;
}

/*
 * "PROGRA~1", "a~12.txt": the form of the second, short name that Windows gives a file with a long one. Who says it
 * may mean another file than the one of that name.
 */
static bool is_short_alias(const char *part, size_t size) {
    const char *dot = memchr(part, '.', size);
    size_t stem = dot ? (size_t)(dot - part) : size, digits = 0;

    if (stem > 8 || (dot && (size - stem - 1 > 3 || memchr(dot + 1, '.', size - stem - 1)))) return false;
    while (digits < stem && is_digit(part[stem - digits - 1])) digits++;
    return digits > 0 && digits < stem && part[stem - digits - 1] == '~';
}

static bool part_is_safe(const char *part, size_t size) {
    if (size == 0 || size > PART_MAX_BYTES) return false;
    /* A trailing dot covers "." and ".." too; Windows drops both dots and spaces there. */
    if (part[size - 1] == '.' || part[size - 1] == ' ') return false;
    return !is_reserved(part, size) && !is_short_alias(part, size);
}

/* Backslash, colon (drives, streams), NUL and control characters, those of Latin-1 (U+0080 to U+009F) among them. */
static bool bytes_are_safe(const char *path, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)path[i];

        if (c < 0x20 || c == 0x7F || c == '\\' || c == ':') return false;
        if (c == 0xC2 && i + 1 < size && (unsigned char)path[i + 1] < 0xA0) return false;
    }
    return kb_utf8_valid(path, size);
}

bool kb_name_is_safe(const char *path, size_t size) {
    if (!path || size == 0 || size > NAME_MAX_BYTES) return false;
    if (!bytes_are_safe(path, size)) return false;
    for (size_t start = 0; start <= size;) {
        const char *slash = memchr(path + start, '/', size - start);
        size_t end = slash ? (size_t)(slash - path) : size;

        if (!part_is_safe(path + start, end - start)) return false;
        start = end + 1;
    }
    return true;
}

static bool all_hex(const char *text, size_t size, bool upper) {
    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (upper && c >= 'A' && c <= 'F')) continue;
        return false;
    }
    return true;
}

bool kb_udid_is_valid(const char *udid) {
    size_t size = udid ? strlen(udid) : 0;

    if (size == 40) return all_hex(udid, 40, false);
    return size == 25 && udid[8] == '-' && all_hex(udid, 8, true) && all_hex(udid + 9, 16, true);
}
