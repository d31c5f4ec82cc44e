/* Reading UDID.sha256: the lines of sha256sum, "<64 hex>  <folder>/<path>", escaped as sha256sum escapes. */
#include <stdlib.h>
#include <string.h>

#include "seal.h"

enum { PIECE = 64 * 1024, LINE_MAX = 8 * 1024 };

struct kb_seal_reader {
    struct kb_handle *handle;
    char *folder;
    size_t folder_size;
    int64_t time_ns;
    char piece[PIECE];
    size_t at, have;
    char line[LINE_MAX];
};

struct kb_result kb_seal_reader_open(struct kb_dir *root, const char *name, const char *folder,
                                     struct kb_seal_reader **out) {
    struct kb_seal_reader *reader;
    struct kb_handle *handle = NULL;
    struct kb_stat stat;
    struct kb_result res = kb_handle_open(root, name, KB_OPEN_READ, &handle);

    if (kb_failed(&res)) return res;
    reader = kb_xcalloc(1, sizeof *reader);
    reader->handle = handle;
    reader->folder = kb_xstrdup(folder);
    reader->folder_size = strlen(folder);
    res = kb_handle_stat(handle, &stat);
    if (!kb_failed(&res)) reader->time_ns = stat.modified * 1000000000 + stat.modified_ns;
    if (kb_failed(&res))
        kb_seal_reader_close(reader);
    else
        *out = reader;
    return res;
}

void kb_seal_reader_close(struct kb_seal_reader *reader) {
    struct kb_result closed;

    if (!reader) return;
    closed = kb_handle_close(reader->handle);
    (void)closed; /* it was only read */
    free(reader->folder);
    free(reader);
}

int64_t kb_seal_reader_time(const struct kb_seal_reader *reader) { return reader->time_ns; }

static struct kb_result broken(void) {
    return kb_fail(KB_STORE, KB_STORE_DAMAGED,
                   _("The seal beside the backup is damaged; verify the backup with its password instead"));
}

/* *size bytes of a line without its end; *there false at the end of the file. A last line without an end was cut. */
static struct kb_result read_line(struct kb_seal_reader *reader, size_t *size, bool *there) {
    struct kb_result res = kb_ok();

    *size = 0;
    *there = false;
    for (;;) {
        if (reader->at == reader->have) {
            reader->at = reader->have = 0;
            res = kb_handle_read(reader->handle, reader->piece, PIECE, &reader->have);
            if (kb_failed(&res)) return res;
            if (reader->have == 0) return *size ? broken() : res;
        }
        if (reader->piece[reader->at] == '\n') break;
        if (*size < LINE_MAX - 1) reader->line[(*size)++] = reader->piece[reader->at];
        reader->at++;
    }
    *there = true;
    reader->at++;
    reader->line[*size] = '\0';
    return res;
}

/* "\\" and "\n" and "\r", as sha256sum writes them on a line that begins with a backslash. In place. */
static bool unescape(char *text) {
    char *out = text;

    for (; *text; text++) {
        if (*text != '\\') {
            *out++ = *text;
            continue;
        }
        text++;
        if (*text != '\\' && *text != 'n' && *text != 'r') return false;
        *out++ = *text == 'n' ? '\n' : *text == 'r' ? '\r' : '\\';
    }
    *out = '\0';
    return true;
}

static bool parse(struct kb_seal_reader *reader, char *text, struct kb_seal_line *line) {
    bool escaped = text[0] == '\\';
    char hex[65];

    if (escaped) text++;
    if (strlen(text) < 66 + reader->folder_size + 2) return false;
    memcpy(hex, text, 64);
    hex[64] = '\0';
    if (!kb_unhex(line->sha256, sizeof line->sha256, hex) || text[64] != ' ' || (text[65] != ' ' && text[65] != '*'))
        return false;
    text += 66;
    if (escaped && !unescape(text)) return false;
    if (strncmp(text, reader->folder, reader->folder_size) != 0 || text[reader->folder_size] != '/') return false;
    line->path = text + reader->folder_size + 1;
    return line->path[0] != '\0';
}

struct kb_result kb_seal_reader_next(struct kb_seal_reader *reader, struct kb_seal_line *line, bool *there) {
    size_t size;
    struct kb_result res = read_line(reader, &size, there);

    if (kb_failed(&res) || !*there) return res;
    if (size < LINE_MAX - 1 && memchr(reader->line, '\0', size) == NULL && parse(reader, reader->line, line))
        return res;
    return broken();
}
