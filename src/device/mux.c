/*
 * usbmuxd's plist protocol, version 1 (protocol.md 1), spoken by ourselves: libusbmuxd does not hand out LocationID,
 * and after one failed ListDevices it never trusts that request again in its process (protocol.md 1.7). A reply is as
 * hostile as a device: bounded, guarded, read by type.
 */
#include "mux.h"

#include "node.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MUX_HEADER = 16, MUX_VERSION_PLIST = 1, MUX_MESSAGE_PLIST = 8, MUX_MAX_PAYLOAD = 1 << 20 };
enum { MUX_RESULT_OK = 0, MUX_RESULT_BAD_COMMAND = 1, MUX_RESULT_BAD_DEVICE = 2, MUX_RESULT_REFUSED = 3 };
enum { LOCKDOWN_PORT = 62078 };

static void put_le32(unsigned char *out, uint32_t value) {
    for (int i = 0; i < 4; i++) out[i] = (unsigned char)(value >> (8 * i));
}

static uint32_t get_le32(const unsigned char *in) {
    return in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static struct kb_result not_mux(void) {
    return kb_fail(KB_USBMUX, KB_USBMUX_PROTOCOL,
                   _("usbmuxd sent something that is not its protocol. Restart it, then try again"));
}

/* A socket that broke in the middle is the daemon's end; silence stays a time-out. */
static struct kb_result mux_broken(struct kb_result res) {
    if (!kb_failed(&res) || res.domain == KB_USBMUX || res.domain == KB_CANCELLED) return res;
    if (kb_is(&res, KB_HOST, KB_HOST_TIMEOUT)) return kb_while(res, "%s", _("usbmuxd does not answer"));
    return kb_fail(KB_USBMUX, KB_USBMUX_NO_DAEMON,
                   _("usbmuxd closed the connection. Check that it runs (kitbench doctor), then try again"));
}

plist_t kb_mux_request(const char *message) {
    plist_t dict = plist_new_dict();

    plist_dict_set_item(dict, "MessageType", plist_new_string(message));
    plist_dict_set_item(dict, "ClientVersionString", plist_new_string("kitbench " KB_VERSION));
    plist_dict_set_item(dict, "ProgName", plist_new_string("kitbench"));
    plist_dict_set_item(dict, "kLibUSBMuxVersion", plist_new_uint(3));
    return dict;
}

/* Header and payload go out with one send: some daemons read the header with one receive. */
static struct kb_result mux_send(struct kb_sock *sock, plist_t request, int64_t deadline_ms) {
    struct kb_buf bytes = {0};
    unsigned char header[MUX_HEADER] = {0};

    kb_buf_add(&bytes, header, sizeof header);
    kb_node_to_xml(request, &bytes);
    put_le32((unsigned char *)bytes.data, (uint32_t)bytes.size);
    put_le32((unsigned char *)bytes.data + 4, MUX_VERSION_PLIST);
    put_le32((unsigned char *)bytes.data + 8, MUX_MESSAGE_PLIST);
    put_le32((unsigned char *)bytes.data + 12, 1);

    struct kb_result res = kb_sock_send(sock, bytes.data, bytes.size, deadline_ms);
    kb_wipe(bytes.data, bytes.size); /* a pair record to be saved holds keys */
    kb_buf_release(&bytes);
    return mux_broken(res);
}

/* have: header bytes that were read already (a listener reads the first one alone). */
static struct kb_result mux_recv(struct kb_sock *sock, const unsigned char *first, size_t have, plist_t *reply,
                                 int64_t deadline_ms) {
    unsigned char header[MUX_HEADER];
    char *payload = NULL;

    if (have > 0) memcpy(header, first, have);
    struct kb_result res = kb_sock_recv(sock, header + have, sizeof header - have, deadline_ms);
    if (kb_failed(&res)) return mux_broken(res);

    uint32_t length = get_le32(header);
    if (length <= MUX_HEADER || length - MUX_HEADER > MUX_MAX_PAYLOAD || get_le32(header + 4) != MUX_VERSION_PLIST ||
        get_le32(header + 8) != MUX_MESSAGE_PLIST)
        return not_mux();
    length -= MUX_HEADER;
    payload = kb_xmalloc(length);
    res = mux_broken(kb_sock_recv(sock, payload, length, deadline_ms));
    if (!kb_failed(&res)) {
        *reply = kb_node_parse(payload, length, MUX_MAX_PAYLOAD);
        if (!kb_node_is(*reply, PLIST_DICT)) {
            plist_free(*reply);
            *reply = NULL;
            res = not_mux();
        }
        kb_wipe(payload, length);
    }
    free(payload);
    return res;
}

struct kb_result kb_mux_call(plist_t request, plist_t *reply, int64_t deadline_ms) {
    struct kb_sock *sock = NULL;

    *reply = NULL;
    struct kb_result res = kb_sock_usbmuxd(deadline_ms, &sock);
    if (kb_failed(&res)) goto out;
    res = mux_send(sock, request, deadline_ms);
    if (kb_failed(&res)) goto out;
    res = mux_recv(sock, NULL, 0, reply, deadline_ms);
out:
    kb_sock_close(sock);
    plist_free(request);
    return res;
}

/* The number of a Result; -1 when the reply is none. */
static int64_t result_number(plist_t reply) {
    int64_t number;

    if (!kb_streq(kb_node_text(kb_node_get(reply, "MessageType")), "Result")) return -1;
    return kb_node_int(kb_node_get(reply, "Number"), &number) && number >= 0 ? number : -1;
}

static struct kb_result mux_refused(int64_t number) {
    if (number < 0) return not_mux();
    return kb_fail(KB_USBMUX, KB_USBMUX_REFUSED, _("usbmuxd refused a request (result %d). Restart it, then try again"),
                   (int)number);
}

/* ---- Devices ---- */

static bool udid_safe(const char *udid) {
    size_t size = strlen(udid);

    if (size == 0 || size > 41) return false;
    for (size_t i = 0; i < size; i++)
        if (!isxdigit((unsigned char)udid[i]) && udid[i] != '-') return false;
    return true;
}

/* The repair that libusbmuxd does (protocol.md 1.4), so that both name a device alike. */
static void udid_repair(char udid[KB_UDID_ROOM], const char *serial, uint32_t id) {
    size_t size = strlen(serial);

    if (size == 24)
        snprintf(udid, KB_UDID_ROOM, "%.8s-%s", serial, serial + 8);
    else if (size == 40 && strspn(serial, "f") == 40)
        snprintf(udid, KB_UDID_ROOM, "%.32s%08x", serial, id);
    else
        snprintf(udid, KB_UDID_ROOM, "%s", serial);
}

/* False: not a device for us (Wi-Fi, no serial number, a name that is no UDID). */
static bool attached_take(plist_t dict, struct kb_attached *out) {
    plist_t properties = kb_node_get(dict, "Properties");
    const char *serial = kb_node_text(kb_node_get(properties, "SerialNumber"));
    int64_t id, number;

    memset(out, 0, sizeof *out);
    out->location = -1;
    if (!kb_node_int(kb_node_get(dict, "DeviceID"), &id) && !kb_node_int(kb_node_get(properties, "DeviceID"), &id))
        return false;
    if (id <= 0 || id > UINT32_MAX || !serial || !udid_safe(serial)) return false;
    if (!kb_streq(kb_node_text(kb_node_get(properties, "ConnectionType")), "USB")) return false;

    out->id = (uint32_t)id;
    udid_repair(out->udid, serial, out->id);
    if (kb_node_int(kb_node_get(properties, "LocationID"), &number) && number >= 0)
        out->location = kb_host_usb_place(number);
    if (kb_node_int(kb_node_get(properties, "ProductID"), &number) && number >= 0 && number <= 0xffff)
        out->product = (int)number;
    return true;
}

struct kb_result kb_mux_take_list(plist_t reply, struct kb_attached *list, int *count) {
    plist_t devices = kb_node_get(reply, "DeviceList");

    *count = 0;
    if (!kb_node_is(devices, PLIST_ARRAY)) return mux_refused(result_number(reply));
    for (uint32_t i = 0; i < plist_array_get_size(devices) && *count < KB_MAX_ATTACHED; i++)
        if (attached_take(plist_array_get_item(devices, i), &list[*count])) (*count)++;
    return kb_ok();
}

struct kb_result kb_mux_list(struct kb_attached *list, int *count, int64_t deadline_ms) {
    plist_t reply = NULL;

    *count = 0;
    struct kb_result res = kb_mux_call(kb_mux_request("ListDevices"), &reply, deadline_ms);
    if (kb_failed(&res)) return res;

    res = kb_mux_take_list(reply, list, count);
    plist_free(reply);
    return res;
}

struct kb_result kb_mux_find(const char *udid, struct kb_attached *out, int64_t deadline_ms) {
    struct kb_attached *list = kb_xcalloc(KB_MAX_ATTACHED, sizeof *list);
    int count = 0, found = -1;

    struct kb_result res = kb_mux_list(list, &count, deadline_ms);
    for (int i = 0; i < count && found < 0; i++)
        if (strcmp(list[i].udid, udid) == 0) found = i;
    if (found >= 0)
        *out = list[found];
    else if (!kb_failed(&res))
        res = kb_fail(KB_LOCKDOWN, KB_DEVICE_GONE,
                      _("The device is not connected to this computer. Plug it in, then try again"));
    free(list);
    return res;
}

/* ---- Pair records ---- */

struct kb_result kb_mux_pair_record(const char *udid, struct kb_buf *record, bool *exists, int64_t deadline_ms) {
    plist_t request = kb_mux_request("ReadPairRecord"), reply = NULL;
    size_t size;

    *exists = false;
    plist_dict_set_item(request, "PairRecordID", plist_new_string(udid));
    struct kb_result res = kb_mux_call(request, &reply, deadline_ms);
    if (kb_failed(&res)) return res;

    plist_t node = kb_node_get(reply, "PairRecordData");
    const char *data = kb_node_data(node, &size);
    if (data && size > 0) {
        kb_buf_add(record, data, size);
        kb_node_wipe(node);
        *exists = true;
    } else if (result_number(reply) != MUX_RESULT_BAD_DEVICE) { /* 2 is also ENOENT: no record (protocol.md 1.5) */
        res = mux_refused(result_number(reply));
    }
    plist_free(reply);
    return res;
}

struct kb_result kb_mux_buid(char out[64], int64_t deadline_ms) {
    plist_t reply = NULL;
    struct kb_result res = kb_mux_call(kb_mux_request("ReadBUID"), &reply, deadline_ms);

    if (kb_failed(&res)) return res;
    if (!kb_node_copy_text(reply, "BUID", out, 64)) res = mux_refused(result_number(reply));
    plist_free(reply);
    return res;
}

/* For requests that only answer with a Result. */
static struct kb_result call_for_result(plist_t request, int64_t also_fine, int64_t deadline_ms) {
    plist_t reply = NULL;
    struct kb_result res = kb_mux_call(request, &reply, deadline_ms);

    if (kb_failed(&res)) return res;
    int64_t number = result_number(reply);
    if (number != MUX_RESULT_OK && number != also_fine) res = mux_refused(number);
    plist_free(reply);
    return res;
}

struct kb_result kb_mux_save_pair_record(const struct kb_attached *device, const struct kb_buf *record,
                                         int64_t deadline_ms) {
    plist_t request = kb_mux_request("SavePairRecord");

    plist_dict_set_item(request, "PairRecordID", plist_new_string(device->udid));
    plist_dict_set_item(request, "PairRecordData", plist_new_data(record->data, record->size));
    plist_dict_set_item(request, "DeviceID", plist_new_uint(device->id));
    struct kb_result res = call_for_result(request, MUX_RESULT_OK, deadline_ms);
    return kb_failed(&res) ? kb_while(res, "%s", _("The pairing could not be stored")) : res;
}

struct kb_result kb_mux_delete_pair_record(const char *udid, int64_t deadline_ms) {
    plist_t request = kb_mux_request("DeletePairRecord");

    plist_dict_set_item(request, "PairRecordID", plist_new_string(udid));
    return call_for_result(request, MUX_RESULT_BAD_DEVICE, deadline_ms);
}

/* ---- Events ---- */

struct listener {
    struct kb_attached *known; /* so that a Detached can be told with its UDID */
    int count;
    bool (*each)(void *arg, enum kb_mux_event event, const struct kb_attached *device);
    void *arg;
};

static int known_find(const struct listener *listener, uint32_t id) {
    for (int i = 0; i < listener->count; i++)
        if (listener->known[i].id == id) return i;
    return -1;
}

static bool on_attached(struct listener *listener, plist_t message) {
    struct kb_attached device;

    if (!attached_take(message, &device)) return true;
    int i = known_find(listener, device.id);
    if (i < 0 && listener->count < KB_MAX_ATTACHED) i = listener->count++;
    if (i >= 0) listener->known[i] = device;
    return listener->each(listener->arg, KB_MUX_ATTACHED, &device);
}

static bool on_detached(struct listener *listener, plist_t message) {
    struct kb_attached device;
    int64_t id;

    if (!kb_node_int(kb_node_get(message, "DeviceID"), &id)) return true;
    int i = known_find(listener, (uint32_t)id);
    if (i < 0) return true;
    device = listener->known[i];
    listener->known[i] = listener->known[--listener->count];
    return listener->each(listener->arg, KB_MUX_DETACHED, &device);
}

static bool on_paired(struct listener *listener, plist_t message) {
    int64_t id;

    if (!kb_node_int(kb_node_get(message, "DeviceID"), &id)) return true;
    int i = known_find(listener, (uint32_t)id);
    return i < 0 || listener->each(listener->arg, KB_MUX_PAIRED, &listener->known[i]);
}

static const struct {
    const char *message;
    bool (*handle)(struct listener *listener, plist_t message);
} mux_events[] = {{"Attached", on_attached}, {"Detached", on_detached}, {"Paired", on_paired}};

/* False in *more: each wants no further event. */
static struct kb_result dispatch(struct listener *listener, plist_t message, bool *more) {
    const char *type = kb_node_text(kb_node_get(message, "MessageType"));

    if (kb_streq(type, "Result") && result_number(message) != MUX_RESULT_OK) return mux_refused(result_number(message));
    for (size_t i = 0; i < KB_ARRAY_SIZE(mux_events); i++)
        if (kb_streq(type, mux_events[i].message)) *more = mux_events[i].handle(listener, message);
    return kb_ok();
}

/*
 * Waits for the first byte in short turns: one byte is there or is not, so that a turn that ends loses nothing, and a
 * cancel is seen within a quarter of a second.
 */
static struct kb_result first_byte(struct kb_sock *sock, unsigned char *byte, struct kb_cancel *cancel,
                                   int64_t deadline_ms) {
    for (;;) {
        int64_t turn = kb_clock_ms() + 250;

        if (kb_cancelled(cancel)) return kb_cancel_result();
        struct kb_result res = kb_sock_recv(sock, byte, 1, turn < deadline_ms ? turn : deadline_ms);
        if (!kb_is(&res, KB_HOST, KB_HOST_TIMEOUT)) return mux_broken(res);
        if (kb_clock_ms() >= deadline_ms) return res;
    }
}

static struct kb_result listen_loop(struct kb_sock *sock, struct listener *listener, struct kb_cancel *cancel,
                                    int64_t deadline_ms) {
    bool more = true;

    while (more) {
        unsigned char byte;
        plist_t message = NULL;

        struct kb_result res = first_byte(sock, &byte, cancel, deadline_ms);
        if (kb_failed(&res)) return res;
        res = mux_recv(sock, &byte, 1, &message, kb_clock_ms() + 5000);
        if (!kb_failed(&res)) res = dispatch(listener, message, &more);
        plist_free(message);
        if (kb_failed(&res)) return res;
    }
    return kb_ok();
}

struct kb_result kb_mux_listen(bool (*each)(void *arg, enum kb_mux_event event, const struct kb_attached *device),
                               void *arg, struct kb_cancel *cancel, int64_t deadline_ms) {
    struct listener listener = {.each = each, .arg = arg};
    struct kb_sock *sock = NULL;
    int64_t soon = kb_clock_ms() + 5000;
    plist_t request = kb_mux_request("Listen");

    listener.known = kb_xcalloc(KB_MAX_ATTACHED, sizeof *listener.known);
    struct kb_result res = kb_sock_usbmuxd(soon < deadline_ms ? soon : deadline_ms, &sock);
    if (kb_failed(&res)) goto out;
    res = mux_send(sock, request, soon);
    if (kb_failed(&res)) goto out;
    res = listen_loop(sock, &listener, cancel, deadline_ms);
out:
    plist_free(request);
    kb_sock_close(sock);
    free(listener.known);
    return res;
}

/* ---- Waiting for one device ---- */

struct awaited {
    const char *udid;
    bool gone;
};

/* Ends the listening at the event that matters; what is true then is asked of ListDevices. */
static bool await_event(void *arg, enum kb_mux_event event, const struct kb_attached *device) {
    const struct awaited *awaited = arg;

    if (strcmp(device->udid, awaited->udid) != 0) return true;
    return event != (awaited->gone ? KB_MUX_DETACHED : KB_MUX_ATTACHED);
}

static struct kb_result await_over(bool gone) {
    if (gone)
        return kb_fail(KB_HOST, KB_HOST_TIMEOUT,
                       _("The device is still connected, though it should have restarted. Look at its screen"));
    return kb_fail(KB_LOCKDOWN, KB_DEVICE_GONE,
                   _("The device did not come back in time. Look at its screen, then unplug it and plug it in again"));
}

/*
 * Debian's usbmuxd ends with the last device and comes back with the next (protocol.md 1.1), so no daemon is as good as
 * no device here. Listens at most two seconds at a stretch: whatever an event missed, the next list shows.
 */
struct kb_result kb_mux_await(const char *udid, bool gone, struct kb_attached *out, struct kb_cancel *cancel,
                              int64_t deadline_ms) {
    struct awaited awaited = {udid, gone};
    int64_t pause = 100;

    for (;;) {
        struct kb_attached found;
        int64_t now = kb_clock_ms();
        struct kb_result res = kb_mux_find(udid, &found, now + 5000);

        if (kb_cancelled(cancel)) return kb_cancel_result();
        if (!kb_failed(&res) && !gone) {
            if (out) *out = found;
            return res;
        }
        if (gone && (kb_is(&res, KB_LOCKDOWN, KB_DEVICE_GONE) || kb_is(&res, KB_USBMUX, KB_USBMUX_NO_DAEMON)))
            return kb_ok();
        now = kb_clock_ms();
        if (now >= deadline_ms) return await_over(gone);

        res = kb_mux_listen(await_event, &awaited, cancel, now + 2000 < deadline_ms ? now + 2000 : deadline_ms);
        if (res.domain == KB_CANCELLED) return res;
        if (!kb_failed(&res) || kb_is(&res, KB_HOST, KB_HOST_TIMEOUT)) {
            pause = 100;
            continue;
        }
        if (kb_cancel_wait(cancel, pause)) return kb_cancel_result();
        pause = pause < 800 ? pause * 2 : 1000;
    }
}

/* ---- Is it alive? ---- */

struct kb_result kb_mux_connect(struct kb_sock *sock, uint32_t id, uint16_t port, int64_t deadline_ms) {
    plist_t request = kb_mux_request("Connect"), reply = NULL;

    plist_dict_set_item(request, "DeviceID", plist_new_uint(id));
    /* The port's two bytes are swapped (protocol.md 1.3). */
    plist_dict_set_item(request, "PortNumber", plist_new_uint((port & 0xffu) << 8 | port >> 8));
    struct kb_result res = mux_send(sock, request, deadline_ms);
    if (!kb_failed(&res)) res = mux_recv(sock, NULL, 0, &reply, deadline_ms);
    if (!kb_failed(&res) && result_number(reply) != MUX_RESULT_OK) res = mux_refused(result_number(reply));
    plist_free(request);
    plist_free(reply);
    return res;
}

bool kb_mux_answers(uint32_t id, int64_t deadline_ms) {
    struct kb_sock *sock = NULL;
    struct kb_buf bytes = {0};
    plist_t query = plist_new_dict();
    unsigned char size[4] = {0};

    plist_dict_set_item(query, "Label", plist_new_string("kitbench"));
    plist_dict_set_item(query, "Request", plist_new_string("QueryType"));
    kb_buf_add(&bytes, size, sizeof size);
    kb_node_to_xml(query, &bytes);
    bytes.data[2] = (char)((bytes.size - 4) >> 8);
    bytes.data[3] = (char)(bytes.size - 4);
    plist_free(query);

    struct kb_result res = kb_sock_usbmuxd(deadline_ms, &sock);
    if (!kb_failed(&res)) res = kb_mux_connect(sock, id, LOCKDOWN_PORT, deadline_ms);
    if (!kb_failed(&res)) res = kb_sock_send(sock, bytes.data, bytes.size, deadline_ms);
    if (!kb_failed(&res)) res = kb_sock_recv(sock, size, sizeof size, deadline_ms);
    kb_sock_close(sock);
    kb_buf_release(&bytes);
    return !kb_failed(&res);
}
