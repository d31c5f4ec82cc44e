/* A growing string or byte buffer. */
#include "kitbench/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_room(struct kb_buf *buf, size_t more) {
    if (more > SIZE_MAX / 4 || buf->size > SIZE_MAX / 4) abort();
    size_t need = buf->size + more + 1;
    if (need <= buf->room) return;
    size_t room = buf->room ? buf->room : 64;
    while (room < need) room *= 2;
    buf->data = kb_xrealloc(buf->data, room);
    buf->room = room;
}

void kb_buf_add(struct kb_buf *buf, const void *bytes, size_t size) {
    make_room(buf, size);
    if (size) memcpy(buf->data + buf->size, bytes, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
}

void kb_buf_puts(struct kb_buf *buf, const char *text) { kb_buf_add(buf, text, strlen(text)); }

void kb_buf_printf(struct kb_buf *buf, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0) abort();
    make_room(buf, (size_t)size);
    vsnprintf(buf->data + buf->size, (size_t)size + 1, format, again);
    va_end(again);
    buf->size += (size_t)size;
}

void kb_buf_release(struct kb_buf *buf) {
    free(buf->data);
    *buf = (struct kb_buf){0};
}

char *kb_buf_steal(struct kb_buf *buf) {
    char *text = buf->data ? buf->data : kb_xstrdup("");
    *buf = (struct kb_buf){0};
    return text;
}
