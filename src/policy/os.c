/*
 * OS versions as numbers: "16.10" is newer than "16.9", "16.1" is "16.1.0".
 * What follows the numbers says nothing about what a backup needs: a rapid response "16.1.1 (a)" is 16.1.1, and
 * "27.0 beta 2" is 27.0.
 */
#include "kitbench/policy.h"

#include <string.h>

#define PARTS      8 /* "16.7.10" has three */
#define PART_LIMIT 1000000

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_space(char c) { return c == ' ' || c == '\t'; }

/* What may stand behind the numbers: nothing, a note set off by a space or in brackets, or "b2" / "beta". */
static bool is_suffix(const char *at) {
    if (*at == '\0' || is_space(*at) || *at == '(') return true;
    if (kb_text_starts(at, "beta"))
        at += 4;
    else if (*at == 'b')
        at++;
    else
        return false;
    while (is_digit(*at)) at++;
    return *at == '\0' || is_space(*at);
}

/* Reads "16.1.2"; parts that are not there are 0. */
static bool parse(const char *text, int parts[PARTS]) {
    memset(parts, 0, PARTS * sizeof *parts);
    if (text == NULL) return false;
    while (is_space(*text)) text++;
    for (int i = 0; i < PARTS; i++) {
        if (!is_digit(*text)) return false;
        for (; is_digit(*text); text++) {
            parts[i] = parts[i] * 10 + (*text - '0');
            if (parts[i] >= PART_LIMIT) return false;
        }
        if (*text != '.') return is_suffix(text);
        text++;
    }
    return false;
}

enum kb_order kb_os_compare(const char *target, const char *backup) {
    int ours[PARTS], theirs[PARTS];
    if (!parse(target, ours) || !parse(backup, theirs)) return KB_ORDER_UNKNOWN;
    for (int i = 0; i < PARTS; i++) {
        if (ours[i] != theirs[i]) return ours[i] < theirs[i] ? KB_ORDER_OLDER : KB_ORDER_NEWER;
    }
    return KB_ORDER_SAME;
}

int kb_os_major(const char *os) {
    int parts[PARTS];
    return parse(os, parts) ? parts[0] : -1;
}
