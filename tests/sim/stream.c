/*
 * A byte stream to the host: clear or TLS (the device is the TLS server, protocol.md 2.7). Writes are gathered, so that
 * many small frames cost one send; a read flushes first. Faults by bytes act here. One thread uses a stream; another
 * may only end it.
 */
#define _GNU_SOURCE
#include "parts.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_MAX = 256 * 1024, IN_MAX = 64 * 1024, PLIST_MAX = 64 * 1024 * 1024, OUT_FIRST = 4096, LOOK_MS = 100 };

struct sim_stream {
    struct sim_device *dev;
    struct sim_stream *next; /* the device's list, under its lock */
    char service[64];
    int fd, pairing;
    SSL *ssl;
    bool dead, closed_by_host;
    unsigned char *out, *in;
    size_t out_len, out_size, in_pos, in_len;
    int64_t sent, received, slow;
};

struct sim_stream *sim_stream_new(struct sim_device *dev, int fd, const char *service) {
    struct sim_stream *stream = calloc(1, sizeof *stream);
    stream->dev = dev;
    stream->fd = fd;
    stream->pairing = -1;
    sim_copy(stream->service, sizeof stream->service, service);
    sim_socket_large(fd);
    return stream;
}

void sim_stream_free(struct sim_stream *stream) {
    if (!stream->dead) sim_flush(stream);
    if (stream->ssl) {
        if (!stream->dead) SSL_shutdown(stream->ssl);
        SSL_free(stream->ssl);
    }
    free(stream->out);
    free(stream->in);
    free(stream);
}

struct sim_device *sim_stream_device(struct sim_stream *stream) {
    return stream->dev;
}
bool sim_stream_host_is_there(struct sim_stream *stream) { return !stream->dead && !sim_socket_left(stream->fd); }

const char *sim_stream_service(struct sim_stream *stream) { return stream->service; }
int sim_stream_pairing(struct sim_stream *stream) { return stream->pairing; }
void sim_stream_set_pairing(struct sim_stream *stream, int pairing) { stream->pairing = pairing; }
struct sim_stream **sim_stream_next(struct sim_stream *stream) {
    return &stream->next;
}
void sim_stream_end(struct sim_stream *stream) { sim_socket_end(stream->fd); }
void sim_stream_slow(struct sim_stream *stream, int64_t bytes_per_second) { stream->slow = bytes_per_second; }
bool sim_stream_closed_by_host(struct sim_stream *stream) { return stream->closed_by_host; }

static bool broken(struct sim_stream *stream) {
    stream->dead = true;
    ERR_clear_error();
    return false;
}

bool sim_stream_tls(struct sim_stream *stream, SSL_CTX *ctx) {
    if (!sim_flush(stream)) return false;
    stream->ssl = SSL_new(ctx);
    if (!stream->ssl || SSL_set_fd(stream->ssl, stream->fd) != 1) return broken(stream);
    if (SSL_accept(stream->ssl) == 1) return true;
    char why[200];
    ERR_error_string_n(ERR_peek_error(), why, sizeof why);
    sim_log(stream->dev->sim, "%s %s: TLS refused: %s", stream->dev->name, stream->service, why);
    return broken(stream);
}

/* After StopSession the host sends close_notify and may go on in clear on the same connection. */
void sim_stream_clear(struct sim_stream *stream) {
    if (!stream->ssl) return;
    SSL_shutdown(stream->ssl);
    SSL_free(stream->ssl);
    stream->ssl = NULL;
    stream->closed_by_host = false;
    stream->dead = false;
    ERR_clear_error();
}

static bool send_clear(struct sim_stream *stream, const unsigned char *data, size_t size) {
    return sim_socket_send(stream->fd, data, size) || broken(stream);
}

static bool send_tls(struct sim_stream *stream, const unsigned char *data, size_t size) {
    while (size > 0) {
        int n = SSL_write(stream->ssl, data, size > OUT_MAX ? OUT_MAX : (int)size);
        if (n <= 0) return broken(stream);
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static bool send_now(struct sim_stream *stream, const unsigned char *data, size_t size) {
    if (stream->dead) return false;
    while (stream->slow > 0 && size > 0) {
        size_t slice = (size_t)stream->slow / 50 + 1; /* fifty slices a second */
        if (slice > size) slice = size;
        if (!(stream->ssl ? send_tls : send_clear)(stream, data, slice)) return false;
        sim_nap(20);
        data += slice;
        size -= slice;
    }
    return (stream->ssl ? send_tls : send_clear)(stream, data, size);
}

/* Sends, and stops at the byte where a fault waits. */
static bool send_counted(struct sim_stream *stream, const unsigned char *data, size_t size) {
    while (size > 0) {
        struct sim_fault *fault =
            sim_fault_by_bytes(stream->dev, stream->service, stream->sent, stream->sent + (int64_t)size);
        size_t part = fault && fault->after_bytes > stream->sent ? (size_t)(fault->after_bytes - stream->sent) : size;
        if (fault && fault->after_bytes <= stream->sent) part = 0;
        if (!send_now(stream, data, part)) return false;
        stream->sent += (int64_t)part;
        data += part;
        size -= part;
        if (fault && sim_fault_do(stream, fault) == SIM_STOP) return broken(stream);
    }
    return true;
}

bool sim_stream_raw(struct sim_stream *stream, const void *data, size_t size) { return send_now(stream, data, size); }

bool sim_flush(struct sim_stream *stream) {
    size_t size = stream->out_len;
    if (stream->dead) return false;
    stream->out_len = 0;
    return size == 0 || send_counted(stream, stream->out, size);
}

static void out_grow(struct sim_stream *stream, size_t need) {
    size_t size = stream->out_size ? stream->out_size : OUT_FIRST;
    while (size < need) size *= 2;
    if (size == stream->out_size) return;
    stream->out = realloc(stream->out, size);
    stream->out_size = size;
}

bool sim_write(struct sim_stream *stream, const void *data, size_t size) {
    if (stream->dead) return false;
    if (stream->out_len + size > OUT_MAX && !sim_flush(stream)) return false;
    if (size >= OUT_MAX) return send_counted(stream, data, size);
    out_grow(stream, stream->out_len + size);
    memcpy(stream->out + stream->out_len, data, size);
    stream->out_len += size;
    return true;
}

/* At least one byte, at most size; 0: the link has ended. */
static size_t receive_some(struct sim_stream *stream, void *data, size_t size) {
    int n = 0;
    size_t got;
    if (stream->ssl)
        got = (n = SSL_read(stream->ssl, data, size > OUT_MAX ? OUT_MAX : (int)size)) > 0 ? (size_t)n : 0;
    else
        got = sim_socket_recv(stream->fd, data, size);
    if (got > 0) return got;
    if (stream->ssl && SSL_get_error(stream->ssl, n) == SSL_ERROR_ZERO_RETURN) stream->closed_by_host = true;
    broken(stream);
    return 0;
}

static bool fill(struct sim_stream *stream) {
    if (!sim_flush(stream)) return false;
    if (!stream->in) stream->in = malloc(IN_MAX);
    stream->in_pos = 0;
    stream->in_len = receive_some(stream, stream->in, IN_MAX);
    stream->received += (int64_t)stream->in_len;
    return stream->in_len > 0;
}

bool sim_read(struct sim_stream *stream, void *data, size_t size) {
    unsigned char *to = data;
    while (size > 0) {
        size_t have = stream->in_len - stream->in_pos;
        if (have == 0) {
            if (stream->dead || !fill(stream)) return false;
            continue;
        }
        if (have > size) have = size;
        memcpy(to, stream->in + stream->in_pos, have);
        stream->in_pos += have;
        to += have;
        size -= have;
    }
    return true;
}

int sim_stream_wait(struct sim_stream *stream, int other_fd, int64_t ms) {
    if (stream->dead || !sim_flush(stream)) return -1;
    if (stream->in_pos < stream->in_len || (stream->ssl && SSL_has_pending(stream->ssl))) return 1;
    return sim_socket_wait(stream->fd, other_fd, ms < 0 ? -1 : (int)ms);
}

/* Waits under the device's lock until something of the device changes. */
bool sim_wait_changed(struct sim_stream *stream, int64_t ms) {
    struct sim_device *dev = stream->dev;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&dev->changed, &dev->lock, &until);
    return dev->mux_id != 0 && !stream->dead && !atomic_load(&dev->sim->ending);
}

void sim_stream_silence(struct sim_stream *stream, int64_t seconds) {
    struct sim_device *dev = stream->dev;
    int64_t until = sim_now_ms() + seconds * 1000;
    pthread_mutex_lock(&dev->lock);
    while (seconds == 0 || sim_now_ms() < until) {
        int64_t left = seconds == 0 ? LOOK_MS : until - sim_now_ms();
        if (!sim_wait_changed(stream, left <= 0 ? 1 : left < LOOK_MS ? left : LOOK_MS)) break;
        if (sim_socket_left(stream->fd)) break; /* the host may have gone away meanwhile */
    }
    pthread_mutex_unlock(&dev->lock);
}

/* XML from a host may hold bytes that libplist refuses; binary is told by its magic (protocol.md 2.1). */
plist_t sim_parse_plist(const char *data, uint32_t size) {
    plist_t plist = NULL;
    if (size > 8 && memcmp(data, "bplist00", 8) == 0)
        plist_from_bin(data, size, &plist);
    else
        plist_from_xml(data, size, &plist);
    return plist;
}

plist_t sim_read_plist(struct sim_stream *stream) {
    unsigned char head[4];
    if (!sim_read(stream, head, 4)) return NULL;
    uint32_t size = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
    if (size == 0 || size > PLIST_MAX) {
        sim_bad(stream->dev, stream->service, "a message of impossible length");
        return NULL;
    }
    char *data = malloc(size);
    plist_t plist = NULL;
    if (sim_read(stream, data, size)) {
        plist = sim_parse_plist(data, size);
        if (!plist) sim_bad(stream->dev, stream->service, "a message that is no plist");
    }
    free(data);
    return plist;
}

bool sim_write_plist(struct sim_stream *stream, plist_t plist, bool binary) {
    char *data = NULL;
    uint32_t size = 0;
    if (binary)
        plist_to_bin(plist, &data, &size);
    else
        plist_to_xml(plist, &data, &size);
    unsigned char head[4] = {(unsigned char)(size >> 24), (unsigned char)(size >> 16), (unsigned char)(size >> 8),
                             (unsigned char)size};
    bool ok = data && sim_write(stream, head, 4) && sim_write(stream, data, size);
    free(data);
    return ok;
}
