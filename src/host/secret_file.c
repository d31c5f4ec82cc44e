/* A password from a file: its first line, as editors and shells of three systems write one. */
#include "system.h"

#include <string.h>

#define LINE_MAX_BYTES 1024

static struct kb_result missing(const char *why, const char *path) {
    return kb_fail(KB_PASSWORD, KB_PASSWORD_MISSING, kb_tr(kb_lang(), why), path);
}

/* data has room for a byte more than size. */
static struct kb_result first_line(char *data, size_t size, const char *path, struct kb_secret **out) {
    static const char utf8_mark[] = "\xef\xbb\xbf";
    if (size >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0))
        return missing(N_("The password file %s is UTF-16; save it as UTF-8 and try again"), path);
    if (size >= 3 && memcmp(data, utf8_mark, 3) == 0) {
        data += 3;
        size -= 3;
    }
    const char *end = memchr(data, '\n', size);
    size_t length = end ? (size_t)(end - data) : size;
    if (length && data[length - 1] == '\r') length--;
    if (!length) return missing(N_("The first line of the password file %s is empty; write the password there"), path);
    if (length > LINE_MAX_BYTES || memchr(data, '\0', length))
        return missing(N_("The first line of the password file %s is not a password of at most 1024 bytes"), path);
    *out = kb_secret_new(data, length);
    return kb_ok();
}

struct kb_result kb_secret_from_file(const char *path, struct kb_secret **out) {
    char data[LINE_MAX_BYTES + 8]; /* the mark, a line end, and one byte more to see that a line is too long */
    size_t size = 0;
    struct kb_result res = kb_read_some(path, data, sizeof data, &size);
    if (kb_failed(&res)) {
        res.domain = KB_PASSWORD;
        res.code = KB_PASSWORD_MISSING;
        return kb_while(res, _("Cannot read the password file"));
    }
    res = first_line(data, size, path, out);
    kb_wipe(data, sizeof data);
    return res;
}
