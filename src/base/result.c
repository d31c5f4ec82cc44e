/* Results: who said no, with which number, in which sentence. */
#include "kitbench/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const domain_names[] = {
#define X(name, word) word,
    KB_DOMAINS(X)
#undef X
};

const char *kb_domain_name(enum kb_domain domain) {
    return (size_t)domain < KB_ARRAY_SIZE(domain_names) ? domain_names[domain] : "unexpected";
}

enum kb_domain kb_domain_from_name(const char *name) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(domain_names); i++)
        if (kb_streq(domain_names[i], name)) return (enum kb_domain)i;
    return KB_UNEXPECTED;
}

/* A sentence may carry words of a device or a file: whatever they hold, it stays one line of whole characters. */
static void sentence(char *out, size_t room, const char *words, const char *format, va_list args) {
    char *text = NULL;
    struct kb_buf whole = {0};
    va_list copy;
    va_copy(copy, args);
    int size = vsnprintf(NULL, 0, format, copy);
    va_end(copy);
    if (size >= 0) {
        text = kb_xmalloc((size_t)size + 1);
        vsnprintf(text, (size_t)size + 1, format, args);
        kb_buf_puts(&whole, text);
    }
    kb_buf_puts(&whole, words);
    kb_text_clean(out, room, whole.data);
    kb_buf_release(&whole);
    free(text);
}

struct kb_result kb_fail(enum kb_domain domain, int code, const char *format, ...) {
    struct kb_result res = {domain, code, ""};
    va_list args;
    va_start(args, format);
    sentence(res.text, sizeof res.text, "", format, args);
    va_end(args);
    return res;
}

struct kb_result kb_while(struct kb_result res, const char *format, ...) {
    char tail[sizeof res.text + 2] = ": ";
    va_list args;
    if (!kb_failed(&res)) return res;
    memcpy(tail + 2, res.text, sizeof res.text);
    va_start(args, format);
    sentence(res.text, sizeof res.text, tail, format, args);
    va_end(args);
    return res;
}
