/* usbmuxd's protocol against a daemon that is a script: right answers, wrong ones, and none. */
#include "../../../src/device/mux.h"
#include "../../../src/device/node.h"
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Serves connections one after the other: reads one request, writes the bytes of the next reply, closes. */
struct daemon {
    int listener;
    pthread_t thread;
    const struct kb_buf *replies;
    int count;
    bool hold; /* keep the last connection open */
    int held;
    char asked[2000];
};

static void read_request(struct daemon *d, int fd) {
    unsigned char header[16];
    char body[4096] = {0};

    if (recv(fd, (char *)header, 16, MSG_WAITALL) != 16) return;
    uint32_t size = header[0] | (uint32_t)header[1] << 8;
    if (size < 16 || size - 16 >= sizeof body || recv(fd, body, size - 16, MSG_WAITALL) < 0) return;
    size_t have = strlen(d->asked);
    snprintf(d->asked + have, sizeof d->asked - have, "%s", body);
}

static void *daemon_run(void *arg) {
    struct daemon *d = arg;

    for (int i = 0; i < d->count; i++) {
        int fd = (int)accept(d->listener, NULL, NULL);

        if (fd < 0) break;
        read_request(d, fd);
        if (d->replies[i].size > 0) (void)!write(fd, d->replies[i].data, d->replies[i].size);
        if (d->hold && i == d->count - 1)
            d->held = fd;
        else
            close(fd);
    }
    return NULL;
}

static void daemon_start(struct daemon *d, const struct kb_buf *replies, int count) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char variable[64];

    d->replies = replies;
    d->count = count;
    d->held = -1;
    d->listener = (int)socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(d->listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(d->listener, 8), 0);
    ck_assert_int_eq(getsockname(d->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(variable, sizeof variable, "127.0.0.1:%d", ntohs(address.sin_port));
    setenv("USBMUXD_SOCKET_ADDRESS", variable, 1);
    pthread_create(&d->thread, NULL, daemon_run, d);
}

static void daemon_stop(struct daemon *d) {
    shutdown(d->listener, SHUT_RDWR);
    close(d->listener);
    pthread_join(d->thread, NULL);
    if (d->held >= 0) close(d->held);
}

static void say(struct kb_buf *out, const char *body, uint32_t length, uint32_t version, uint32_t type) {
    unsigned char header[16] = {0};
    uint32_t words[3] = {length, version, type};

    for (int w = 0; w < 3; w++)
        for (int i = 0; i < 4; i++) header[4 * w + i] = (unsigned char)(words[w] >> (8 * i));
    kb_buf_add(out, header, sizeof header);
    kb_buf_puts(out, body);
}

#define XML(inside) "<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\">" inside "</plist>"

static struct kb_buf good(const char *xml) {
    struct kb_buf out = {0};

    say(&out, xml, (uint32_t)strlen(xml) + 16, 1, 8);
    return out;
}

#define DEVICE(id, serial, type)                                                                                       \
    "<dict><key>MessageType</key><string>Attached</string><key>DeviceID</key><integer>" id "</integer>"                \
    "<key>Properties</key><dict><key>ConnectionType</key><string>" type "</string><key>SerialNumber</key>" serial      \
    "<key>LocationID</key><integer>336592896</integer><key>ProductID</key><integer>4776</integer></dict></dict>"
#define LIST(devices) XML("<dict><key>DeviceList</key><array>" devices "</array></dict>")

static const struct {
    const char *why, *xml;
    int count;
    const char *udid;
} lists[] = {
    {"one device", LIST(DEVICE("7", "<string>00008030-001A2B3C4D5E802E</string>", "USB")), 1,
     "00008030-001A2B3C4D5E802E"},
    {"24 characters get their dash", LIST(DEVICE("7", "<string>00008030001A2B3C4D5E802E</string>", "USB")), 1,
     "00008030-001A2B3C4D5E802E"},
    {"40 times f gets the handle",
     LIST(DEVICE("10", "<string>ffffffffffffffffffffffffffffffffffffffff</string>", "USB")), 1,
     "ffffffffffffffffffffffffffffffff0000000a"},
    {"Wi-Fi is not for us", LIST(DEVICE("7", "<string>00008030-001A2B3C4D5E802E</string>", "Network")), 0, ""},
    {"a UDID that would leave a folder", LIST(DEVICE("7", "<string>../../../etc/passwd</string>", "USB")), 0, ""},
    {"a UDID with an escape sequence", LIST(DEVICE("7", "<string>00008030&#27;[2J</string>", "USB")), 0, ""},
    {"a UDID without end",
     LIST(DEVICE("7", "<string>0000000000000000000000000000000000000000000000000000000000000000</string>", "USB")), 0,
     ""},
    {"a UDID that is a number", LIST(DEVICE("7", "<integer>7</integer>", "USB")), 0, ""},
    {"no UDID", LIST(DEVICE("7", "<string></string>", "USB")), 0, ""},
    {"a DeviceID of zero", LIST(DEVICE("0", "<string>00008030-001A2B3C4D5E802E</string>", "USB")), 0, ""},
    {"a DeviceID too large", LIST(DEVICE("99999999999", "<string>00008030-001A2B3C4D5E802E</string>", "USB")), 0, ""},
    {"a hostile one beside a good one",
     LIST("<string>x</string>" DEVICE("1", "<data>AAAA</data>", "USB")
              DEVICE("2", "<string>00008030-001A2B3C4D5E802E</string>", "USB")),
     1, "00008030-001A2B3C4D5E802E"},
    {"nobody there", LIST(""), 0, ""},
};

START_TEST(test_list) {
    struct kb_buf reply = good(lists[_i].xml);
    struct daemon d = {0};
    struct kb_attached list[KB_MAX_ATTACHED];
    int count = -1;

    daemon_start(&d, &reply, 1);
    struct kb_result res = kb_mux_list(list, &count, kb_clock_ms() + 3000);
    ck_assert_msg(!kb_failed(&res), "%s: %s", lists[_i].why, res.text);
    ck_assert_msg(count == lists[_i].count, "%s: %d", lists[_i].why, count);
    if (count > 0) {
        ck_assert_str_eq(list[0].udid, lists[_i].udid);
        ck_assert_int_eq(list[0].location, 336592896);
        ck_assert_int_eq(list[0].product, 4776);
    }
    daemon_stop(&d);
    ck_assert_ptr_nonnull(strstr(d.asked, "ListDevices"));
    kb_buf_release(&reply);
}
END_TEST

static const struct {
    const char *why, *body;
    int64_t length; /* -1: as it is */
    uint32_t version, type;
    int code;
} broken[] = {
    {"closes at once", NULL, 0, 0, 0, KB_USBMUX_NO_DAEMON},
    {"a length below the header's", "", 15, 1, 8, KB_USBMUX_PROTOCOL},
    {"nothing behind the header", "", 16, 1, 8, KB_USBMUX_PROTOCOL},
    {"four gigabytes", "", 0xffffffff, 1, 8, KB_USBMUX_PROTOCOL},
    {"one byte over a megabyte", "", 16 + (1 << 20) + 1, 1, 8, KB_USBMUX_PROTOCOL},
    {"the old protocol", "12345678", -1, 0, 1, KB_USBMUX_PROTOCOL},
    {"no plist", "not a plist at all", -1, 1, 8, KB_USBMUX_PROTOCOL},
    {"an array", XML("<array/>"), -1, 1, 8, KB_USBMUX_PROTOCOL},
    {"neither list nor result", XML("<dict/>"), -1, 1, 8, KB_USBMUX_PROTOCOL},
    {"a list that is a text", XML("<dict><key>DeviceList</key><string>x</string></dict>"), -1, 1, 8,
     KB_USBMUX_PROTOCOL},
    {"bad command",
     XML("<dict><key>MessageType</key><string>Result</string><key>Number</key><integer>1</integer></dict>"), -1, 1, 8,
     KB_USBMUX_REFUSED},
    {"ends in the middle", "<?xml", 500, 1, 8, KB_USBMUX_NO_DAEMON},
};

START_TEST(test_broken) {
    struct kb_buf reply = {0};
    struct daemon d = {0};
    struct kb_attached list[KB_MAX_ATTACHED];
    int count = -1;

    if (broken[_i].body)
        say(&reply, broken[_i].body,
            broken[_i].length < 0 ? (uint32_t)strlen(broken[_i].body) + 16 : (uint32_t)broken[_i].length,
            broken[_i].version, broken[_i].type);
    daemon_start(&d, &reply, 1);
    struct kb_result res = kb_mux_list(list, &count, kb_clock_ms() + 3000);
    ck_assert_msg(kb_is(&res, KB_USBMUX, broken[_i].code), "%s: %d %d %s", broken[_i].why, res.domain, res.code,
                  res.text);
    ck_assert_int_eq(count, 0);
    daemon_stop(&d);
    kb_buf_release(&reply);
}
END_TEST

START_TEST(test_silent_daemon) {
    struct kb_buf reply = {0};
    struct daemon d = {.hold = true};
    struct kb_attached list[KB_MAX_ATTACHED];
    int count;
    int64_t began = kb_clock_ms();

    daemon_start(&d, &reply, 1);
    struct kb_result res = kb_mux_list(list, &count, began + 300);
    ck_assert(kb_is(&res, KB_HOST, KB_HOST_TIMEOUT));
    ck_assert_int_lt(kb_clock_ms() - began, 2000);
    daemon_stop(&d);
}
END_TEST

#define RESULT(n)                                                                                                      \
    XML("<dict><key>MessageType</key><string>Result</string><key>Number</key><integer>" n "</integer></dict>")

static const struct {
    const char *why, *xml;
    bool fails, exists;
} records[] = {
    {"there", XML("<dict><key>PairRecordData</key><data>PHBsaXN0Lz4=</data></dict>"), false, true},
    {"not there", RESULT("2"), false, false},
    {"could not be read is not \"not paired\"", RESULT("13"), true, false},
    {"a text is no record", XML("<dict><key>PairRecordData</key><string>x</string></dict>"), true, false},
};

START_TEST(test_pair_record) {
    struct kb_buf reply = good(records[_i].xml), record = {0};
    struct daemon d = {0};
    bool exists = true;

    daemon_start(&d, &reply, 1);
    struct kb_result res = kb_mux_pair_record("U", &record, &exists, kb_clock_ms() + 3000);
    ck_assert_msg(kb_failed(&res) == records[_i].fails, "%s: %s", records[_i].why, res.text);
    ck_assert_msg(exists == records[_i].exists, "%s", records[_i].why);
    daemon_stop(&d);
    kb_buf_release(&record);
    kb_buf_release(&reply);
}
END_TEST

static char told[200];
static bool tell_event(void *arg, enum kb_mux_event event, const struct kb_attached *device) {
    int *left = arg;
    size_t have = strlen(told);

    snprintf(told + have, sizeof told - have, "%d:%.4s;", (int)event, device->udid);
    return --*left > 0;
}

/* All events in one packet; a Detached has the UDID its number had; a stranger's number is nobody's. */
START_TEST(test_listen) {
    struct kb_buf reply = good(RESULT("0"));
    struct daemon d = {.hold = true};
    int left = 3;

#define EVENT(body)                                                                                                    \
    do {                                                                                                               \
        struct kb_buf event = good(XML(body));                                                                         \
        kb_buf_add(&reply, event.data, event.size);                                                                    \
        kb_buf_release(&event);                                                                                        \
    } while (0)
    EVENT(DEVICE("3", "<string>AAAA-1</string>", "USB"));
    EVENT("<dict><key>MessageType</key><string>Detached</string><key>DeviceID</key><integer>99</integer></dict>");
    EVENT("<dict><key>MessageType</key><string>Gossip</string></dict>");
    EVENT("<dict><key>MessageType</key><string>Paired</string><key>DeviceID</key><integer>3</integer></dict>");
    EVENT("<dict><key>MessageType</key><string>Detached</string><key>DeviceID</key><integer>3</integer></dict>");
    daemon_start(&d, &reply, 1);
    told[0] = 0;
    struct kb_result res = kb_mux_listen(tell_event, &left, NULL, kb_clock_ms() + 3000);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
    ck_assert_str_eq(told, "0:AAAA;2:AAAA;1:AAAA;");
    daemon_stop(&d);
    kb_buf_release(&reply);
}
END_TEST

START_TEST(test_listen_ends) {
    struct kb_buf reply = good(RESULT("0"));
    struct daemon d = {.hold = _i != 2};
    struct kb_cancel *cancel = kb_cancel_new();
    int left = 1;

    daemon_start(&d, &reply, 1);
    if (_i == 1) kb_cancel_now(cancel);
    struct kb_result res = kb_mux_listen(tell_event, &left, cancel, kb_clock_ms() + 600);
    if (_i == 0) ck_assert(kb_is(&res, KB_HOST, KB_HOST_TIMEOUT));
    if (_i == 1) ck_assert_int_eq(res.domain, KB_CANCELLED);
    if (_i == 2) ck_assert_int_eq(res.domain, KB_USBMUX);
    daemon_stop(&d);
    kb_cancel_free(cancel);
    kb_buf_release(&reply);
}
END_TEST

/* The daemon answers "nobody", goes away in the middle of the wait, and is back with the device. */
START_TEST(test_await_over_a_restart) {
    /* list, listen, list, listen, list */
    struct kb_buf replies[5] = {
        good(LIST("")), {0}, {0}, {0}, good(LIST(DEVICE("9", "<string>AAAA-1</string>", "USB")))};
    struct daemon d = {0};
    struct kb_attached found = {0};

    daemon_start(&d, replies, 5);
    struct kb_result res = kb_mux_await("AAAA-1", false, &found, NULL, kb_clock_ms() + 5000);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
    ck_assert_uint_eq(found.id, 9);
    daemon_stop(&d);
    for (int i = 0; i < 5; i++) kb_buf_release(&replies[i]);
}
END_TEST

START_TEST(test_await_gone) {
    struct kb_attached found;

    setenv("USBMUXD_SOCKET_ADDRESS", "127.0.0.1:9", 1);
    struct kb_result res = kb_mux_await("AAAA-1", true, &found, NULL, kb_clock_ms() + 500);
    ck_assert_msg(!kb_failed(&res), "the daemon ends with its last device: %s", res.text);
    res = kb_mux_await("AAAA-1", false, &found, NULL, kb_clock_ms() + 500);
    ck_assert(kb_is(&res, KB_LOCKDOWN, KB_DEVICE_GONE));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("mux");
    TCase *tcase = tcase_create("mux");
    SRunner *runner;

    kb_host_start();
    kb_lang_set(KB_LANG_EN);
    tcase_set_timeout(tcase, 20);
    tcase_add_loop_test(tcase, test_list, 0, KB_ARRAY_SIZE(lists));
    tcase_add_loop_test(tcase, test_broken, 0, KB_ARRAY_SIZE(broken));
    tcase_add_test(tcase, test_silent_daemon);
    tcase_add_loop_test(tcase, test_pair_record, 0, KB_ARRAY_SIZE(records));
    tcase_add_test(tcase, test_listen);
    tcase_add_loop_test(tcase, test_listen_ends, 0, 3);
    tcase_add_test(tcase, test_await_over_a_restart);
    tcase_add_test(tcase, test_await_gone);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
