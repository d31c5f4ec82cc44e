/*
 * A buffered byte stream to a service of the device, over a transport that never blocks. The stream does the waiting:
 * in short turns, so that a cancel, a notification or the end of patience is noticed, and no turn that ends loses a
 * byte. Private to the device room.
 */
#ifndef KB_DEVICE_STREAM_H
#define KB_DEVICE_STREAM_H

#include "kitbench/device.h"

enum kb_io {
    KB_IO_DONE,
    KB_IO_AGAIN, /* nothing now */
    KB_IO_END,   /* the device closed in good order (TLS close_notify) */
    KB_IO_LOST   /* the stream just ended, or broke */
};
/* The seam: TLS or plain over a descriptor, or a test's script. */
struct kb_transport {
    void *ctx;
    enum kb_io (*read)(void *ctx, void *data, size_t room, size_t *got);
    enum kb_io (*write)(void *ctx, const void *data, size_t size, size_t *put); /* may queue */
    enum kb_io (*flush)(void *ctx);                                             /* KB_IO_DONE: the queue is empty */
    bool (*pending)(void *ctx);                                                 /* another read gives data at once */
    enum kb_ready (*wait)(void *ctx, bool writable, int64_t deadline_ms);
    void (*close)(void *ctx);
};
/*
 * Who we are to a device: the certificate and key of its pair record (plist bytes), read once for all connections of a
 * session, because that costs as much as a handshake.
 */
struct kb_tls;
KB_MUST_CHECK struct kb_result kb_tls_new(const struct kb_buf *record, struct kb_tls **out);
void kb_tls_free(struct kb_tls *tls); /* NULL is fine; transports that were made with it go on */
/* Over a descriptor that stays the caller's: clear, or TLS as that client. */
void kb_transport_plain(int fd, struct kb_transport *out);
KB_MUST_CHECK struct kb_result kb_transport_tls(int fd, const struct kb_tls *tls, int64_t deadline_ms,
                                                struct kb_transport *out);

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
/* A stream is made for each input: two large blocks of memory took nearly all of the time. */
enum { KB_STREAM_ROOM = 16 * 1024, KB_STREAM_TURN_MS = 250 };
#else
enum { KB_STREAM_ROOM = 256 * 1024, KB_STREAM_TURN_MS = 250 };
#endif

struct kb_stream;
/* The transport is the stream's from now on. */
struct kb_stream *kb_stream_new(const struct kb_transport *transport);
void kb_stream_free(struct kb_stream *stream); /* NULL is fine */
/* Called after each turn without a byte, with how long nothing has moved; a failure ends the wait with it. */
void kb_stream_on_idle(struct kb_stream *stream, struct kb_result (*idle)(void *arg, int64_t silent_ms), void *arg);
/* Every wait ends then with KB_HOST/KB_HOST_TIMEOUT; INT64_MAX (the start) is no deadline. */
void kb_stream_deadline(struct kb_stream *stream, int64_t deadline_ms);

/* Reading. need: at most KB_STREAM_ROOM. The end of the stream is KB_BACKUP2/KB_LINK_LOST. */
KB_MUST_CHECK struct kb_result kb_stream_need(struct kb_stream *stream, size_t size);
/* What is in the buffer now, without waiting; try also takes what the transport has. */
const unsigned char *kb_stream_peek(const struct kb_stream *stream, size_t *size);
const unsigned char *kb_stream_try(struct kb_stream *stream, size_t *size);
void kb_stream_take(struct kb_stream *stream, size_t size); /* at most what peek shows */
bool kb_stream_ended(const struct kb_stream *stream);

/* Writing: gathered until the buffer is full or flush. */
KB_MUST_CHECK struct kb_result kb_stream_put(struct kb_stream *stream, const void *data, size_t size);
/* Room for size bytes (at most KB_STREAM_ROOM) in the buffer itself; add says how many were filled. */
KB_MUST_CHECK struct kb_result kb_stream_room(struct kb_stream *stream, size_t size, unsigned char **room);
void kb_stream_add(struct kb_stream *stream, size_t size);
KB_MUST_CHECK struct kb_result kb_stream_flush(struct kb_stream *stream);
/* Sends what is buffered and overwrites the buffer: it held a password. */
KB_MUST_CHECK struct kb_result kb_stream_flush_secret(struct kb_stream *stream);

static inline void kb_put_be32(unsigned char *out, uint32_t value) {
    out[0] = (unsigned char)(value >> 24);
    out[1] = (unsigned char)(value >> 16);
    out[2] = (unsigned char)(value >> 8);
    out[3] = (unsigned char)value;
}
static inline uint32_t kb_get_be32(const unsigned char *in) {
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}
#endif
