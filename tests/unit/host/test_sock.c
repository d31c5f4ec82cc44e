/* The way to usbmuxd: every form of its address, deadlines, and a cancel from another thread. */
#include "../../../src/host/system.h"
#include "folder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

static const struct {
    const char *text;
    bool ok, local;
    const char *path;
    int port;
    const char *printed; /* what libusbmuxd is told */
} addresses[] = {
    {"UNIX:/run/usbmuxd", true, true, "/run/usbmuxd", 0, "UNIX:/run/usbmuxd"},
    {"UNIX:relative.sock", true, true, "relative.sock", 0, "UNIX:relative.sock"},
    {"/run/usbmuxd", true, true, "/run/usbmuxd", 0, "UNIX:/run/usbmuxd"},
    {"unix:///run/usbmuxd", true, true, "/run/usbmuxd", 0, "UNIX:/run/usbmuxd"},
    {"127.0.0.1:27015", true, false, "127.0.0.1", 27015, "127.0.0.1:27015"},
    {"tcp://127.0.0.1:27015", true, false, "127.0.0.1", 27015, "127.0.0.1:27015"},
    {"localhost:1", true, false, "localhost", 1, "localhost:1"},
    {"[::1]:65535", true, false, "::1", 65535, "[::1]:65535"},
    {"UNIX:", false, false, "", 0, NULL},
    {"unix://", false, false, "", 0, NULL},
    {"localhost", false, false, "", 0, NULL},
    {":27015", false, false, "", 0, NULL},
    {"localhost:", false, false, "", 0, NULL},
    {"localhost:0", false, false, "", 0, NULL},
    {"localhost:65536", false, false, "", 0, NULL},
    {"localhost:27015x", false, false, "", 0, NULL},
    {"::1:27015", false, false, "", 0, NULL},
    {"[]:27015", false, false, "", 0, NULL},
    {"[::1:27015", false, false, "", 0, NULL},
    {"", false, false, "", 0, NULL},
    {NULL, false, false, "", 0, NULL},
};

START_TEST(test_address) {
    struct kb_address got = {true, "untouched", 7};
    char printed[300];
    ck_assert_msg(kb_address_parse(addresses[_i].text, &got) == addresses[_i].ok, "%s", addresses[_i].text);
    if (!addresses[_i].ok) {
        ck_assert_str_eq(got.path, "untouched");
        setenv("USBMUXD_SOCKET_ADDRESS", addresses[_i].text ? addresses[_i].text : "", 1);
        got = kb_address_usbmuxd();
        ck_assert_str_eq(got.path, kb_address_default().path); /* ignored, as libusbmuxd does */
        return;
    }
    ck_assert(got.local == addresses[_i].local && got.port == addresses[_i].port);
    ck_assert_str_eq(got.path, addresses[_i].path);
    kb_address_print(&got, printed, sizeof printed);
    ck_assert_str_eq(printed, addresses[_i].printed);
}
END_TEST

static int listener;

static void listen_local(const char *form) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char text[256];
    snprintf(address.sun_path, sizeof address.sun_path, "%s", in_folder("mux"));
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    snprintf(text, sizeof text, form, in_folder("mux"));
    setenv("USBMUXD_SOCKET_ADDRESS", text, 1);
}

START_TEST(test_local_talk) {
    static const char *const forms[] = {"UNIX:%s", "%s", "unix://%s"};
    struct kb_sock *sock = NULL;
    char data[4] = "";
    listen_local(forms[_i]);
    int64_t deadline = kb_clock_ms() + 2000;
    ck_ok(kb_sock_usbmuxd(deadline, &sock));
    int peer = accept(listener, NULL, NULL);
    ck_ok(kb_sock_send(sock, "abc", 3, deadline));
    ck_assert_int_eq(recv(peer, data, 3, MSG_WAITALL), 3);
    ck_assert_str_eq(data, "abc");
    ck_assert_int_eq(send(peer, "x", 1, 0), 1);
    ck_fails(kb_sock_recv(sock, data, 2, kb_clock_ms() + 100), KB_HOST, KB_HOST_TIMEOUT);
    ck_assert_int_eq(send(peer, "yz", 2, 0), 2);
    ck_ok(kb_sock_recv(sock, data, 2, deadline));
    close(peer);
    ck_fails(kb_sock_recv(sock, data, 2, deadline), KB_USBMUX, KB_USBMUX_NO_DAEMON);
    kb_sock_close(sock);
    kb_sock_close(NULL);
    close(listener);
}
END_TEST

START_TEST(test_network_talk) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct kb_sock *sock = NULL;
    char text[64];
    listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    snprintf(text, sizeof text, "localhost:%d", ntohs(address.sin_port)); /* ::1 refuses, 127.0.0.1 answers */
    setenv("USBMUXD_SOCKET_ADDRESS", text, 1);
    ck_ok(kb_sock_usbmuxd(kb_clock_ms() + 2000, &sock));
    kb_sock_close(sock);
    close(listener);
    ck_fails(kb_sock_usbmuxd(kb_clock_ms() + 2000, &sock), KB_USBMUX, KB_USBMUX_NO_DAEMON);
}
END_TEST

START_TEST(test_nobody_there) {
    struct kb_sock *sock = NULL;
    char text[256];
    snprintf(text, sizeof text, "UNIX:%s", in_folder("none"));
    setenv("USBMUXD_SOCKET_ADDRESS", text, 1);
    ck_fails(kb_sock_usbmuxd(kb_clock_ms() + 1000, &sock), KB_USBMUX, KB_USBMUX_NO_DAEMON);
    ck_assert_ptr_null(sock);
}
END_TEST

/* A daemon that never accepts and one that never reads: the deadline ends both waits. */
START_TEST(test_deadlines) {
    static char much[1 << 20];
    struct kb_sock *socks[8] = {NULL};
    int opened = 0;
    struct kb_result res = kb_ok();
    listen_local("UNIX:%s");
    int64_t before = kb_clock_ms();
    while (opened < 8 && !kb_failed(&res)) {
        res = kb_sock_usbmuxd(kb_clock_ms() + 200, &socks[opened]);
        if (!kb_failed(&res)) opened++;
    }
    ck_assert_msg(kb_failed(&res), "a queue of one took 8 connections");
    ck_assert_int_ge(opened, 1);
    ck_fails(kb_sock_send(socks[0], much, sizeof much, kb_clock_ms() + 200), KB_HOST, KB_HOST_TIMEOUT);
    ck_assert(kb_clock_ms() - before < 5000);
    while (opened) kb_sock_close(socks[--opened]);
    close(listener);
}
END_TEST

static void *cancel_soon(void *arg) {
    kb_sleep_ms(150);
    kb_cancel_now(arg);
    return NULL;
}

START_TEST(test_cancel_ends_a_wait_on_a_socket) {
    int pair[2];
    pthread_t thread;
    struct kb_cancel *cancel = kb_cancel_new();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    kb_cancel_watch(cancel, pair[0]);
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, cancel), 0);
    int64_t before = kb_clock_ms();
    ck_assert_int_eq(kb_fd_wait(pair[0], false, kb_clock_ms() + 10000), KB_READY_YES); /* end of stream reads as 0 */
    bool again = true;
    char byte;
    ck_assert_int_eq(kb_fd_recv(pair[0], &byte, 1, &again), 0);
    ck_assert(kb_clock_ms() - before < 5000);
    pthread_join(thread, NULL);
    kb_cancel_watch(cancel, -1);
    close(pair[0]);
    close(pair[1]);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    kb_cancel_watch(cancel, pair[0]); /* cancelled before the watch began: ends at once */
    ck_assert_int_eq(kb_fd_recv(pair[0], &byte, 1, &again), 0);
    kb_cancel_free(cancel);
}
END_TEST

START_TEST(test_cancel_wakes_a_sleeper) {
    pthread_t thread;
    struct kb_cancel *cancel = kb_cancel_new();
    int64_t before = kb_clock_ms();
    ck_assert(!kb_cancel_wait(cancel, 50));
    ck_assert(kb_clock_ms() - before >= 50);
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, cancel), 0);
    before = kb_clock_ms();
    ck_assert(kb_cancel_wait(cancel, 10000));
    ck_assert(kb_clock_ms() - before < 5000);
    pthread_join(thread, NULL);
    ck_assert(kb_cancelled(cancel));
    ck_assert(kb_cancel_wait(cancel, 10000));
    kb_cancel_free(cancel);
    ck_assert(!kb_cancelled(NULL));
    ck_assert(!kb_cancel_wait(NULL, 1));
    struct kb_result res = kb_cancel_result();
    ck_assert_int_eq(res.domain, KB_CANCELLED);
}
END_TEST

START_TEST(test_reads_and_writes_that_do_not_block) {
    int pair[2];
    bool again = false;
    char data[4096] = "";
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    kb_fd_large_buffers(pair[0], 1 << 18);
    ck_assert_int_eq(kb_fd_recv(pair[0], data, sizeof data, &again), -1);
    ck_assert(again);
    ck_assert_int_eq(kb_fd_wait(pair[0], false, kb_clock_ms() + 50), KB_READY_TIMEOUT);
    ck_assert_int_eq(kb_fd_wait(pair[0], true, kb_clock_ms() + 50), KB_READY_YES);
    while (kb_fd_send(pair[0], data, sizeof data, &again) > 0) {
    }
    ck_assert(again);
    close(pair[1]);
    ck_assert_int_eq(kb_fd_send(pair[0], data, 1, &again), -1); /* and no signal ends the process */
    ck_assert(!again);
    close(pair[0]);
}
END_TEST

static void setup(void) {
    folder_setup();
    kb_host_start();
}

int main(void) {
    TCase *cases = tcase_create("sock");
    tcase_add_checked_fixture(cases, setup, folder_teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, test_address, 0, KB_ARRAY_SIZE(addresses));
    if (ON_POSIX) tcase_add_loop_test(cases, test_local_talk, 0, 3);
    tcase_add_test(cases, test_network_talk);
    if (ON_POSIX) tcase_add_test(cases, test_nobody_there);
    if (ON_POSIX) tcase_add_test(cases, test_deadlines);
    tcase_add_test(cases, test_cancel_ends_a_wait_on_a_socket);
    tcase_add_test(cases, test_cancel_wakes_a_sleeper);
    tcase_add_test(cases, test_reads_and_writes_that_do_not_block);
    return run_suite("host/sock", cases);
}
