/* Did you mean: words that are a slip of a known one. */
#include "csv.h"
#include <stdlib.h>
#include <string.h>

#define LONGEST 32

/* Small letters, digits and nothing else: "Target ", "SOURCE-STATE" and "source state" are slips whatever their length.
 */
static bool fold(char out[LONGEST + 1], const char *word) {
    size_t size = 0;
    for (const char *p = word; *p; p++) {
        size_t space = kb_csv_space(p);
        if (space) {
            p += space - 1;
            continue;
        }
        if (*p == '_' || *p == '-') continue;
        if (size == LONGEST) return false;
        out[size++] = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
    }
    out[size] = '\0';
    return size > 0;
}

static int smaller(int a, int b) { return a < b ? a : b; }

/* Letters to put in, leave out, change, or swap with their neighbour. */
static int distance(const char *a, const char *b) {
    int rows[3][LONGEST + 1], size = (int)strlen(b);
    int *before = rows[0], *last = rows[1], *now = rows[2];
    for (int k = 0; k <= size; k++) last[k] = k;
    for (int i = 1; a[i - 1]; i++) {
        now[0] = i;
        for (int k = 1; k <= size; k++) {
            now[k] = smaller(smaller(last[k], now[k - 1]) + 1, last[k - 1] + (a[i - 1] != b[k - 1]));
            bool swapped = i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1];
            if (swapped) now[k] = smaller(now[k], before[k - 2] + 1);
        }
        int *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[size];
}

bool kb_is_slip(const char *word, const char *known) {
    char a[LONGEST + 1], b[LONGEST + 1];
    if (!strcmp(word, known) || !fold(a, word) || !fold(b, known)) return false;
    int size = (int)strlen(b), most = size <= 5 ? 1 : 2; /* "note" is no slip of "route" */
    if (abs((int)strlen(a) - size) > most) return false; /* so many letters lack or are too many at least */
    return distance(a, b) <= most;
}
