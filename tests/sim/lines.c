/* Lines of text over a socket: the control socket's requests and answers. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_FIRST = 4096 };
#define LINE_MAX_BYTES ((size_t)1 << 30)

static bool more(struct sim_lines *lines) {
    if (lines->used == lines->room) {
        if (lines->room >= LINE_MAX_BYTES) return false;
        lines->room = lines->room ? lines->room * 2 : LINE_FIRST;
        lines->data = realloc(lines->data, lines->room);
    }
    size_t n = sim_socket_recv(lines->fd, lines->data + lines->used, lines->room - lines->used);
    lines->used += n;
    return n > 0;
}

char *sim_line_read(struct sim_lines *lines) {
    lines->used -= lines->given; /* what the last call gave is done with */
    if (lines->used > 0) memmove(lines->data, lines->data + lines->given, lines->used);
    lines->given = 0;
    for (size_t looked = 0;;) {
        char *end = lines->used > looked ? memchr(lines->data + looked, '\n', lines->used - looked) : NULL;
        if (end) {
            *end = 0;
            lines->given = (size_t)(end - lines->data) + 1;
            return lines->data;
        }
        looked = lines->used;
        if (!more(lines)) return NULL;
    }
}

bool sim_line_write(struct sim_lines *lines, const json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT);
    bool ok = text && sim_socket_send(lines->fd, text, strlen(text)) && sim_socket_send(lines->fd, "\n", 1);
    free(text);
    return ok;
}

void sim_lines_close(struct sim_lines *lines) {
    free(lines->data);
    sim_socket_close(lines->fd);
}
