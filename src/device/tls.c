/*
 * TLS to a service, as the client that the pair record names (protocol.md 2.7). Our own, because libimobiledevice's
 * reads lose bytes at a time-out (1.3.0 and 1.4.0, each in its way: libraries.md 3), and because records read ahead and
 * written in one go cost half the system calls.
 *
 * The device is not verified: pairing is the trust, and no host verifies it. Security level 0, because records made by
 * older hosts have SHA-1 certificates. An end without close_notify is an error here, so that a device that ended in
 * good order can be told from a cable that was pulled.
 */
#include "node.h"
#include "stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

struct kb_tls {
    SSL_CTX *ctx;
};

struct tls { /* one connection */
    int fd;
    SSL *ssl;
    BIO_METHOD *method;
    unsigned char *out; /* records that wait to be sent in one go */
    size_t out_start, out_end, out_room;
};

/* ---- The descriptor as a BIO: reads at once, writes into the queue ---- */

static int bio_read(BIO *bio, char *data, int room) {
    struct tls *tls = BIO_get_data(bio);
    bool again = false;
    int64_t n = kb_fd_recv(tls->fd, data, (size_t)room, &again);

    BIO_clear_retry_flags(bio);
    if (n < 0 && again) BIO_set_retry_read(bio);
    return (int)n;
}

static int bio_write(BIO *bio, const char *data, int size) {
    struct tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (tls->out_start == tls->out_end) tls->out_start = tls->out_end = 0;
    if (tls->out_room - tls->out_end < (size_t)size) {
        tls->out_room = tls->out_end + (size_t)size + 64 * 1024;
        tls->out = kb_xrealloc(tls->out, tls->out_room);
    }
    memcpy(tls->out + tls->out_end, data, (size_t)size);
    tls->out_end += (size_t)size;
    return size;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO *bio_new(struct tls *tls) {
    tls->method = BIO_meth_new(100 | BIO_TYPE_SOURCE_SINK, "kitbench");
    if (!tls->method) return NULL;
    BIO_meth_set_read(tls->method, bio_read);
    BIO_meth_set_write(tls->method, bio_write);
    BIO_meth_set_ctrl(tls->method, bio_ctrl);
    BIO *bio = BIO_new(tls->method);
    if (!bio) return NULL;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    return bio;
}

/* ---- The transport ---- */

static enum kb_io tls_flush(void *ctx) {
    struct tls *tls = ctx;

    while (tls->out_start < tls->out_end) {
        bool again = false;
        int64_t n = kb_fd_send(tls->fd, tls->out + tls->out_start, tls->out_end - tls->out_start, &again);

        if (n < 0) return again ? KB_IO_AGAIN : KB_IO_LOST;
        tls->out_start += (size_t)n;
    }
    tls->out_start = tls->out_end = 0;
    return KB_IO_DONE;
}

static enum kb_io tls_says(struct tls *tls, int returned) {
    switch (SSL_get_error(tls->ssl, returned)) {
    case SSL_ERROR_ZERO_RETURN:
        return KB_IO_END;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return KB_IO_AGAIN;
    default:
        return KB_IO_LOST;
    }
}

static enum kb_io tls_read(void *ctx, void *data, size_t room, size_t *got) {
    struct tls *tls = ctx;

    ERR_clear_error();
    int n = SSL_read_ex(tls->ssl, data, room, got);
    if (tls->out_start < tls->out_end) (void)tls_flush(tls); /* an alert or a key update of TLS itself */
    return n == 1 ? KB_IO_DONE : tls_says(tls, n);
}

static enum kb_io tls_write(void *ctx, const void *data, size_t size, size_t *put) {
    struct tls *tls = ctx;
    enum kb_io io = tls_flush(tls); /* bounds the queue: at most one call's worth is in it */

    if (io != KB_IO_DONE) return io;
    ERR_clear_error();
    int n = SSL_write_ex(tls->ssl, data, size, put);
    return n == 1 ? KB_IO_DONE : tls_says(tls, n);
}

static bool tls_pending(void *ctx) { return SSL_has_pending(((struct tls *)ctx)->ssl) == 1; }

static enum kb_ready tls_wait(void *ctx, bool writable, int64_t deadline_ms) {
    return kb_fd_wait(((struct tls *)ctx)->fd, writable, deadline_ms);
}

static void tls_close(void *ctx) {
    struct tls *tls = ctx;

    if (tls->ssl && SSL_is_init_finished(tls->ssl)) {
        ERR_clear_error();
        SSL_shutdown(tls->ssl); /* close_notify; nobody waits for the answer */
        (void)tls_flush(tls);
    }
    SSL_free(tls->ssl);
    BIO_meth_free(tls->method);
    if (tls->out) kb_wipe(tls->out, tls->out_room);
    free(tls->out);
    free(tls);
    ERR_clear_error();
}

/* ---- Opening ---- */

static int no_password(char *out, int room, int writing, void *arg) {
    (void)out, (void)room, (void)writing, (void)arg;
    return -1;
}

static BIO *pem_of(plist_t record, const char *key) {
    size_t size;
    const char *data = kb_node_data(kb_node_get(record, key), &size);

    return data && size > 0 && size < 65536 ? BIO_new_mem_buf(data, (int)size) : NULL;
}

/* False: the record has no such usable pair. */
static bool use_identity(SSL_CTX *ctx, plist_t record, const char *certificate_key, const char *private_key) {
    BIO *certificate_pem = pem_of(record, certificate_key), *key_pem = pem_of(record, private_key);
    X509 *certificate = certificate_pem ? PEM_read_bio_X509(certificate_pem, NULL, no_password, NULL) : NULL;
    EVP_PKEY *key = key_pem ? PEM_read_bio_PrivateKey(key_pem, NULL, no_password, NULL) : NULL;

    bool used =
        certificate && key && SSL_CTX_use_certificate(ctx, certificate) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
    EVP_PKEY_free(key);
    X509_free(certificate);
    BIO_free(key_pem);
    BIO_free(certificate_pem);
    return used;
}

static struct kb_result unusable(void) {
    ERR_clear_error();
    return kb_fail(KB_LOCKDOWN, -2 /* LOCKDOWN_E_INVALID_CONF */,
                   _("This computer's pairing with the device cannot be used. Pair it again (kitbench pair)"));
}

static bool set_up(SSL_CTX *ctx, plist_t record) {
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, KB_STREAM_ROOM);
    /* libimobiledevice shows the root certificate, other hosts the host's: a device takes either. */
    return use_identity(ctx, record, "RootCertificate", "RootPrivateKey") ||
           use_identity(ctx, record, "HostCertificate", "HostPrivateKey");
}

struct kb_result kb_tls_new(const struct kb_buf *record, struct kb_tls **out) {
    plist_t dict = kb_node_parse(record->data, record->size, 1 << 20);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    bool ready = ctx && set_up(ctx, dict);

    plist_free(dict);
    *out = NULL;
    if (!ready) {
        SSL_CTX_free(ctx);
        return unusable();
    }
    *out = kb_xcalloc(1, sizeof **out);
    (*out)->ctx = ctx;
    return kb_ok();
}

void kb_tls_free(struct kb_tls *tls) {
    if (!tls) return;
    SSL_CTX_free(tls->ctx);
    free(tls);
}

static struct kb_result tls_setup(struct tls *tls, const struct kb_tls *identity) {
    BIO *bio;

    if (!(tls->ssl = SSL_new(identity->ctx)) || !(bio = bio_new(tls))) return unusable();
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_connect_state(tls->ssl);
    return kb_ok();
}

static struct kb_result handshake_over(enum kb_io io) {
    if (io == KB_IO_AGAIN)
        return kb_fail(KB_LOCKDOWN, KB_DEVICE_SILENT,
                       _("The device does not answer. Unplug it, plug it in again, then try again"));
    return kb_fail(KB_LOCKDOWN, -5 /* LOCKDOWN_E_SSL_ERROR */,
                   _("The device broke off the secure connection. Unlock it, pair it again, then try again"));
}

static struct kb_result tls_handshake(struct tls *tls, int64_t deadline_ms) {
    for (;;) {
        ERR_clear_error();
        int n = SSL_do_handshake(tls->ssl);
        enum kb_io io = n == 1 ? KB_IO_DONE : tls_says(tls, n), sent = tls_flush(tls);

        if (io == KB_IO_DONE && sent == KB_IO_DONE) return kb_ok();
        if (io == KB_IO_END || io == KB_IO_LOST || sent == KB_IO_LOST) return handshake_over(KB_IO_LOST);
        if (tls_wait(tls, sent == KB_IO_AGAIN, deadline_ms) == KB_READY_TIMEOUT) return handshake_over(KB_IO_AGAIN);
    }
}

struct kb_result kb_transport_tls(int fd, const struct kb_tls *identity, int64_t deadline_ms,
                                  struct kb_transport *out) {
    struct tls *tls = kb_xcalloc(1, sizeof *tls);

    tls->fd = fd;
    struct kb_result res = tls_setup(tls, identity);
    if (!kb_failed(&res)) res = tls_handshake(tls, deadline_ms);
    if (kb_failed(&res)) {
        tls_close(tls);
        return res;
    }
    *out = (struct kb_transport){tls, tls_read, tls_write, tls_flush, tls_pending, tls_wait, tls_close};
    return kb_ok();
}
