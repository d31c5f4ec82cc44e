/* The buffered stream: waits in turns, never loses a byte to a time-out, gathers small writes into one. */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

struct kb_stream {
    struct kb_transport transport;
    unsigned char *in, *out;
    size_t in_start, in_end, out_size;
    enum kb_io end; /* KB_IO_DONE while both directions live */
    bool out_lost;  /* nothing can be sent any more; what the device said before may still be read */
    int64_t deadline_ms, moved_ms;
    struct kb_result (*idle)(void *arg, int64_t silent_ms);
    void *idle_arg;
};

struct kb_stream *kb_stream_new(const struct kb_transport *transport) {
    struct kb_stream *stream = kb_xcalloc(1, sizeof *stream);

    stream->transport = *transport;
    stream->in = kb_xmalloc(KB_STREAM_ROOM);
    stream->out = kb_xmalloc(KB_STREAM_ROOM);
    stream->deadline_ms = INT64_MAX;
    stream->moved_ms = kb_clock_ms();
    return stream;
}

void kb_stream_free(struct kb_stream *stream) {
    if (!stream) return;
    stream->transport.close(stream->transport.ctx);
    free(stream->in);
    free(stream->out);
    free(stream);
}

void kb_stream_on_idle(struct kb_stream *stream, struct kb_result (*idle)(void *arg, int64_t silent_ms), void *arg) {
    stream->idle = idle;
    stream->idle_arg = arg;
}

void kb_stream_deadline(struct kb_stream *stream, int64_t deadline_ms) { stream->deadline_ms = deadline_ms; }

bool kb_stream_ended(const struct kb_stream *stream) { return stream->end != KB_IO_DONE; }

static struct kb_result stream_over(enum kb_io how) {
    if (how == KB_IO_END)
        return kb_fail(KB_BACKUP2, KB_LINK_LOST,
                       _("The device ended the connection. Look at its screen, then try again"));
    return kb_fail(KB_BACKUP2, KB_LINK_LOST,
                   _("The connection to the device was lost. Check the cable and plug the device in again"));
}

/* One turn of waiting. */
static struct kb_result wait_turn(struct kb_stream *stream, bool writable) {
    int64_t now = kb_clock_ms(), turn = now + KB_STREAM_TURN_MS;

    if (now >= stream->deadline_ms)
        return kb_fail(KB_HOST, KB_HOST_TIMEOUT,
                       _("The device did not answer in time. Look at its screen, then try again"));
    if (turn > stream->deadline_ms) turn = stream->deadline_ms;
    if (stream->transport.wait(stream->transport.ctx, writable, turn) != KB_READY_TIMEOUT) return kb_ok();
    if (!stream->idle) return kb_ok();
    return stream->idle(stream->idle_arg, kb_clock_ms() - stream->moved_ms);
}

/* ---- Reading ---- */

static void make_space(struct kb_stream *stream, size_t size) {
    if (stream->in_start == stream->in_end) stream->in_start = stream->in_end = 0;
    if (stream->in_start == 0 || KB_STREAM_ROOM - stream->in_start >= size + KB_STREAM_ROOM / 2) return;
    memmove(stream->in, stream->in + stream->in_start, stream->in_end - stream->in_start);
    stream->in_end -= stream->in_start;
    stream->in_start = 0;
}

/* Takes what the transport has now, as far as there is space. KB_IO_DONE: at least one byte came. */
static enum kb_io fill(struct kb_stream *stream) {
    enum kb_io io = KB_IO_AGAIN;
    size_t before = stream->in_end;

    while (stream->end == KB_IO_DONE && stream->in_end < KB_STREAM_ROOM) {
        size_t got = 0;

        io = stream->transport.read(stream->transport.ctx, stream->in + stream->in_end, KB_STREAM_ROOM - stream->in_end,
                                    &got);
        if (io == KB_IO_END || io == KB_IO_LOST) stream->end = io;
        if (io != KB_IO_DONE) break;
        stream->in_end += got;
        if (!stream->transport.pending(stream->transport.ctx)) break;
    }
    if (stream->in_end == before) return stream->end != KB_IO_DONE ? stream->end : io;
    stream->moved_ms = kb_clock_ms();
    return KB_IO_DONE;
}

struct kb_result kb_stream_need(struct kb_stream *stream, size_t size) {
    if (stream->in_end - stream->in_start >= size) return kb_ok();
    make_space(stream, size);
    while (stream->in_end - stream->in_start < size) {
        enum kb_io io = fill(stream);

        if (io == KB_IO_DONE) continue;
        if (io != KB_IO_AGAIN) return stream_over(io);
        struct kb_result res = wait_turn(stream, false);
        if (kb_failed(&res)) return res;
    }
    return kb_ok();
}

const unsigned char *kb_stream_peek(const struct kb_stream *stream, size_t *size) {
    *size = stream->in_end - stream->in_start;
    return stream->in + stream->in_start;
}

const unsigned char *kb_stream_try(struct kb_stream *stream, size_t *size) {
    make_space(stream, KB_STREAM_ROOM / 2);
    (void)fill(stream);
    return kb_stream_peek(stream, size);
}

void kb_stream_take(struct kb_stream *stream, size_t size) { stream->in_start += size; }

/* ---- Writing ---- */

/* A send that fails says nothing of why: the device may have sent its reason before it closed. */
static struct kb_result cannot_send(struct kb_stream *stream, enum kb_io how) {
    stream->out_lost = true;
    stream->out_size = 0;
    return stream_over(how);
}

struct kb_result kb_stream_flush(struct kb_stream *stream) {
    size_t sent = 0;

    if (stream->out_lost) return stream_over(KB_IO_LOST);
    stream->moved_ms = kb_clock_ms();
    for (;;) {
        size_t put = 0;
        enum kb_io io = sent < stream->out_size ? stream->transport.write(stream->transport.ctx, stream->out + sent,
                                                                          stream->out_size - sent, &put)
                                                : stream->transport.flush(stream->transport.ctx);

        if (io == KB_IO_DONE && sent == stream->out_size) break;
        sent += put;
        if (put > 0) stream->moved_ms = kb_clock_ms();
        if (io == KB_IO_DONE) continue;
        if (io != KB_IO_AGAIN) return cannot_send(stream, io);
        struct kb_result res = wait_turn(stream, true);
        if (kb_failed(&res)) {
            cannot_send(stream, KB_IO_LOST); /* half a message is out: the stream is of no more use for sending */
            return res;
        }
    }
    stream->out_size = 0;
    stream->moved_ms = kb_clock_ms();
    return kb_ok();
}

struct kb_result kb_stream_flush_secret(struct kb_stream *stream) {
    size_t size = stream->out_size;
    struct kb_result res = kb_stream_flush(stream);

    kb_wipe(stream->out, size);
    return res;
}

struct kb_result kb_stream_room(struct kb_stream *stream, size_t size, unsigned char **room) {
    struct kb_result res = kb_ok();

    if (stream->out_lost) return stream_over(KB_IO_LOST);
    if (KB_STREAM_ROOM - stream->out_size < size) res = kb_stream_flush(stream);
    *room = stream->out + stream->out_size;
    return res;
}

void kb_stream_add(struct kb_stream *stream, size_t size) { stream->out_size += size; }

struct kb_result kb_stream_put(struct kb_stream *stream, const void *data, size_t size) {
    const unsigned char *bytes = data;

    while (size > 0) {
        unsigned char *room = NULL;
        struct kb_result res = kb_stream_room(stream, 1, &room);
        if (kb_failed(&res)) return res;

        size_t part = KB_STREAM_ROOM - stream->out_size;
        if (part > size) part = size;
        memcpy(stream->out + stream->out_size, bytes, part);
        stream->out_size += part;
        bytes += part;
        size -= part;
    }
    return kb_ok();
}

/* ---- Clear, over a descriptor ---- */

struct plain {
    int fd;
};

static enum kb_io plain_read(void *ctx, void *data, size_t room, size_t *got) {
    bool again = false;
    int64_t n = kb_fd_recv(((struct plain *)ctx)->fd, data, room, &again);

    if (n > 0) *got = (size_t)n;
    if (n > 0) return KB_IO_DONE;
    return n < 0 && again ? KB_IO_AGAIN : KB_IO_LOST;
}

static enum kb_io plain_write(void *ctx, const void *data, size_t size, size_t *put) {
    bool again = false;
    int64_t n = kb_fd_send(((struct plain *)ctx)->fd, data, size, &again);

    if (n > 0) *put = (size_t)n;
    if (n >= 0) return KB_IO_DONE;
    return again ? KB_IO_AGAIN : KB_IO_LOST;
}

static enum kb_io plain_flush(void *ctx) {
    (void)ctx;
    return KB_IO_DONE;
}

static bool plain_pending(void *ctx) {
    (void)ctx;
    return false;
}

static enum kb_ready plain_wait(void *ctx, bool writable, int64_t deadline_ms) {
    return kb_fd_wait(((struct plain *)ctx)->fd, writable, deadline_ms);
}

void kb_transport_plain(int fd, struct kb_transport *out) {
    struct plain *plain = kb_xcalloc(1, sizeof *plain);

    plain->fd = fd;
    *out = (struct kb_transport){plain, plain_read, plain_write, plain_flush, plain_pending, plain_wait, free};
}
