/* The stream over real TLS: half records, time-outs that lose nothing, a good end told from a pulled cable. */
#include "../../../src/device/node.h"
#include "../../../src/device/pairing.h"
#include "../../../src/device/stream.h"
#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGE = 3 * 1024 * 1024 };
enum script { SAY_THEN_NOTIFY, SAY_THEN_CUT, PAUSE_IN_RECORD, READ_LARGE, ECHO_LARGE };

/* The device: a TLS server that wants a client certificate, as lockdownd does. */
struct server {
    int fd;
    enum script script;
    plist_t record;
    pthread_t thread;
    bool client_shown;
    size_t read;
};

static char *large;

static void relay_split(struct server *server, SSL *ssl) {
    /* One record through memory, sent in two halves with a pause. */
    BIO *memory = BIO_new(BIO_s_mem()), *wire = SSL_get_wbio(ssl);
    char *bytes = NULL;

    BIO_up_ref(wire);
    SSL_set0_wbio(ssl, memory);
    SSL_write(ssl, "half and half", 13);
    long size = BIO_get_mem_data(memory, &bytes);
    (void)!write(server->fd, bytes, (size_t)size / 2);
    usleep(400000);
    (void)!write(server->fd, bytes + size / 2, (size_t)(size - size / 2));
    SSL_set0_wbio(ssl, wire);
}

static int accept_any(int ok, X509_STORE_CTX *store) {
    (void)ok, (void)store;
    return 1;
}

static void play(struct server *server, SSL *ssl) {
    char buf[65536];
    int n;

    switch (server->script) {
    case SAY_THEN_NOTIFY:
        SSL_write(ssl, "bye", 3);
        SSL_shutdown(ssl);
        break;
    case SAY_THEN_CUT:
        SSL_write(ssl, "bye", 3);
        break;
    case PAUSE_IN_RECORD:
        relay_split(server, ssl);
        usleep(200000);
        break;
    case READ_LARGE:
        usleep(300000); /* the socket fills up meanwhile */
        while (server->read < LARGE && (n = SSL_read(ssl, buf, sizeof buf)) > 0) {
            ck_assert(memcmp(buf, large + server->read, (size_t)n) == 0);
            server->read += (size_t)n;
        }
        SSL_write(ssl, "ok", 2);
        break;
    case ECHO_LARGE:
        SSL_write(ssl, large, LARGE);
        break;
    }
}

static X509 *pem_certificate(plist_t record, const char *name) {
    size_t size;
    const char *pem = kb_node_data(kb_node_get(record, name), &size);
    BIO *bio = BIO_new_mem_buf(pem, (int)size);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    return certificate;
}

static EVP_PKEY *device_key;

static void *server_run(void *arg) {
    struct server *server = arg;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    X509 *certificate = pem_certificate(server->record, "DeviceCertificate");

    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_use_certificate(ctx, certificate);
    SSL_CTX_use_PrivateKey(ctx, device_key);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    if (server->script == READ_LARGE) SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, server->fd);
    if (SSL_accept(ssl) == 1) {
        X509 *client = SSL_get1_peer_certificate(ssl);

        server->client_shown = client != NULL;
        X509_free(client);
        play(server, ssl);
    }
    close(server->fd);
    SSL_free(ssl);
    X509_free(certificate);
    SSL_CTX_free(ctx);
    return NULL;
}

static struct kb_result client_tls(int fd, const struct kb_buf *record, int64_t deadline_ms, struct kb_transport *out) {
    struct kb_tls *tls = NULL;
    struct kb_result res = kb_tls_new(record, &tls);

    if (!kb_failed(&res)) res = kb_transport_tls(fd, tls, deadline_ms, out);
    kb_tls_free(tls); /* the transport goes on without */
    return res;
}

static plist_t record_make(void) {
    unsigned char *der = NULL;
    int size = i2d_PublicKey(device_key, &der);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;
    plist_t record = NULL;

    PEM_write_bio(bio, "RSA PUBLIC KEY", "", der, size);
    long length = BIO_get_mem_data(bio, &pem);
    struct kb_result res = kb_record_new(pem, (size_t)length, "BUID", &record);
    ck_assert(!kb_failed(&res));
    BIO_free(bio);
    OPENSSL_free(der);
    return record;
}

/* without: a key that the record has lost; the other pair must do. */
static struct kb_stream *begin(struct server *server, enum script script, const char *without, int *fd) {
    struct kb_buf bytes = {0};
    struct kb_transport transport;
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    memset(server, 0, sizeof *server);
    server->fd = pair[1];
    server->script = script;
    server->record = record_make();
    if (without) plist_dict_remove_item(server->record, without);
    kb_node_to_binary(server->record, &bytes);
    pthread_create(&server->thread, NULL, server_run, server);
    struct kb_result res = client_tls(pair[0], &bytes, kb_clock_ms() + 5000, &transport);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
    kb_buf_release(&bytes);
    *fd = pair[0];
    return kb_stream_new(&transport);
}

static void end(struct server *server, struct kb_stream *stream, int fd) {
    kb_stream_free(stream);
    close(fd);
    pthread_join(server->thread, NULL);
    plist_free(server->record);
}

/* What came is read first; then a good end and a cut have different words, and both are a lost link. */
START_TEST(test_ends) {
    struct server server;
    int fd;
    size_t have;
    struct kb_stream *stream = begin(&server, _i ? SAY_THEN_CUT : SAY_THEN_NOTIFY, NULL, &fd);

    struct kb_result res = kb_stream_need(stream, 3);
    ck_assert(!kb_failed(&res));
    ck_assert(memcmp(kb_stream_peek(stream, &have), "bye", 3) == 0);
    kb_stream_take(stream, 3);
    res = kb_stream_need(stream, 1);
    ck_assert(kb_is(&res, KB_BACKUP2, KB_LINK_LOST));
    ck_assert_msg((strstr(res.text, "ended") != NULL) == (_i == 0), "%s", res.text);
    ck_assert(kb_stream_ended(stream));
    end(&server, stream, fd);
    ck_assert(server.client_shown);
}
END_TEST

/* A record that stops in its middle: the wait times out, and the bytes are all there later. */
START_TEST(test_time_out_loses_nothing) {
    struct server server;
    int fd, turns = 0;
    size_t have;
    struct kb_stream *stream = begin(&server, PAUSE_IN_RECORD, NULL, &fd);
    struct kb_result res;

    do {
        kb_stream_deadline(stream, kb_clock_ms() + 50);
        res = kb_stream_need(stream, 13);
        turns++;
    } while (kb_is(&res, KB_HOST, KB_HOST_TIMEOUT) && turns < 100);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
    ck_assert_int_gt(turns, 3);
    ck_assert(memcmp(kb_stream_peek(stream, &have), "half and half", 13) == 0);
    end(&server, stream, fd);
}
END_TEST

START_TEST(test_large_out) {
    struct server server;
    int fd;
    struct kb_stream *stream = begin(&server, READ_LARGE, _i ? "RootPrivateKey" : NULL, &fd);

    kb_stream_deadline(stream, kb_clock_ms() + 10000);
    struct kb_result res = kb_stream_put(stream, large, LARGE);
    if (!kb_failed(&res)) res = kb_stream_flush(stream);
    if (!kb_failed(&res)) res = kb_stream_need(stream, 2);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
    end(&server, stream, fd);
    ck_assert_uint_eq(server.read, LARGE);
}
END_TEST

START_TEST(test_large_in) {
    struct server server;
    int fd;
    size_t read = 0, have;
    struct kb_stream *stream = begin(&server, ECHO_LARGE, NULL, &fd);

    while (read < LARGE) {
        struct kb_result res = kb_stream_need(stream, 1);
        ck_assert_msg(!kb_failed(&res), "at %zu: %s", read, res.text);
        const unsigned char *bytes = kb_stream_peek(stream, &have);
        if (have > 10007) have = 10007; /* leaves odd remainders in the buffer */
        ck_assert(memcmp(bytes, large + read, have) == 0);
        kb_stream_take(stream, have);
        read += have;
    }
    end(&server, stream, fd);
}
END_TEST

static struct kb_result give_up(void *arg, int64_t silent_ms) {
    int *calls = arg;

    ck_assert_int_ge(silent_ms, 0);
    return ++*calls < 2 ? kb_ok() : kb_fail(KB_BACKUP2, KB_LINK_SILENT, "enough");
}

START_TEST(test_idle_ends_a_wait) {
    struct server server;
    int fd, calls = 0;
    struct kb_stream *stream = begin(&server, PAUSE_IN_RECORD, NULL, &fd);

    kb_stream_on_idle(stream, give_up, &calls);
    struct kb_result res = kb_stream_need(stream, 1000);
    ck_assert_msg(kb_is(&res, KB_BACKUP2, KB_LINK_SILENT) || kb_is(&res, KB_BACKUP2, KB_LINK_LOST), "%s", res.text);
    ck_assert_int_ge(calls, 1);
    end(&server, stream, fd);
}
END_TEST

START_TEST(test_unusable_record) {
    struct kb_buf bytes = {0};
    struct kb_transport transport;
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    kb_buf_puts(&bytes, "<plist version=\"1.0\"><dict><key>RootCertificate</key><data>AAAA</data></dict></plist>");
    struct kb_result res = client_tls(pair[0], &bytes, kb_clock_ms() + 500, &transport);
    ck_assert(kb_is(&res, KB_LOCKDOWN, -2));
    close(pair[0]);
    close(pair[1]);
    kb_buf_release(&bytes);
}
END_TEST

/* Nobody at the other end says a word: the handshake ends at its deadline. */
START_TEST(test_silent_handshake) {
    struct kb_buf bytes = {0};
    struct kb_transport transport;
    plist_t record = record_make();
    int pair[2];
    int64_t began = kb_clock_ms();

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    kb_node_to_binary(record, &bytes);
    struct kb_result res = client_tls(pair[0], &bytes, began + 300, &transport);
    ck_assert(kb_is(&res, KB_LOCKDOWN, KB_DEVICE_SILENT));
    ck_assert_int_lt(kb_clock_ms() - began, 3000);
    close(pair[0]);
    close(pair[1]);
    plist_free(record);
    kb_buf_release(&bytes);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("stream");
    TCase *tcase = tcase_create("stream");
    SRunner *runner;

    kb_host_start();
    kb_lang_set(KB_LANG_EN);
    device_key = EVP_RSA_gen(2048);
    large = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++) large[i] = (char)(i * 31 + i / 977);
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, test_ends, 0, 2);
    tcase_add_test(tcase, test_time_out_loses_nothing);
    tcase_add_loop_test(tcase, test_large_out, 0, 2);
    tcase_add_test(tcase, test_large_in);
    tcase_add_test(tcase, test_idle_ends_a_wait);
    tcase_add_test(tcase, test_unusable_record);
    tcase_add_test(tcase, test_silent_handshake);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    free(large);
    EVP_PKEY_free(device_key);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
