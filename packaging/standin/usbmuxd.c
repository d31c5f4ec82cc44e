/*
 * A stand-in for libusbmuxd on kitbench's own usbmux client, written from the public header usbmuxd.h, for the cross
 * builds that check kitbench where libusbmuxd's sources cannot be had. Releases are built with the real library.
 * USB devices only, and no events: kitbench listens for itself.
 */
#include "mux.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <usbmuxd.h>

enum { CALL_MS = 10000, RECEIVE_MS = 5000, SEND_MS = 10000 };

/* ---- Connections: the header knows them by their descriptor only ---- */

static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct opened {
    struct opened *next;
    struct kb_sock *sock;
} * opened; /* Guarded by open_lock. */

static int opened_add(struct kb_sock *sock) {
    struct opened *entry = kb_xmalloc(sizeof *entry);
    pthread_mutex_lock(&open_lock);
    *entry = (struct opened){opened, sock};
    opened = entry;
    pthread_mutex_unlock(&open_lock);
    return kb_sock_fd(sock);
}

static bool opened_close(int fd) {
    pthread_mutex_lock(&open_lock);
    struct opened **link = &opened;
    while (*link && kb_sock_fd((*link)->sock) != fd) link = &(*link)->next;
    struct opened *entry = *link;
    if (entry) *link = entry->next;
    pthread_mutex_unlock(&open_lock);
    if (!entry) return false;
    kb_sock_close(entry->sock);
    free(entry);
    return true;
}

static int to_errno(struct kb_result res) {
    if (!kb_failed(&res)) return 0;
    if (res.domain == KB_USBMUX && res.code == KB_USBMUX_REFUSED) return -ECONNREFUSED;
    if (res.domain == KB_HOST && res.code == KB_HOST_TIMEOUT) return -ETIMEDOUT;
    return -ECONNRESET;
}

int usbmuxd_connect(const uint32_t handle, const unsigned short tcp_port) {
    struct kb_sock *sock = NULL;
    int64_t deadline = kb_clock_ms() + CALL_MS;
    struct kb_result res = kb_sock_usbmuxd(deadline, &sock);
    if (!kb_failed(&res)) res = kb_mux_connect(sock, handle, tcp_port, deadline);
    if (!kb_failed(&res)) return opened_add(sock);
    kb_sock_close(sock);
    return to_errno(res);
}

int usbmuxd_disconnect(int sfd) { return opened_close(sfd) ? 0 : -1; }

int usbmuxd_send(int sfd, const char *data, uint32_t len, uint32_t *sent_bytes) {
    bool again;
    *sent_bytes = 0;
    if (kb_fd_wait(sfd, true, kb_clock_ms() + SEND_MS) == KB_READY_TIMEOUT) return -ETIMEDOUT;
    int64_t sent = kb_fd_send(sfd, data, len, &again);
    if (sent < 0) return again ? -EAGAIN : -ECONNRESET;
    *sent_bytes = (uint32_t)sent;
    return 0;
}

int usbmuxd_recv_timeout(int sfd, char *data, uint32_t len, uint32_t *recv_bytes, unsigned int timeout) {
    int64_t deadline = kb_clock_ms() + timeout, got;
    bool again;
    *recv_bytes = 0;
    do {
        if (kb_fd_wait(sfd, false, deadline) == KB_READY_TIMEOUT) return -ETIMEDOUT;
        got = kb_fd_recv(sfd, data, len, &again);
    } while (got < 0 && again);
    if (got <= 0) return -ECONNRESET;
    *recv_bytes = (uint32_t)got;
    return 0;
}

int usbmuxd_recv(int sfd, char *data, uint32_t len, uint32_t *recv_bytes) {
    return usbmuxd_recv_timeout(sfd, data, len, recv_bytes, RECEIVE_MS);
}

/* ---- Devices ---- */

static void info_of(const struct kb_attached *device, usbmuxd_device_info_t *out) {
    memset(out, 0, sizeof *out);
    out->handle = device->id;
    out->product_id = (uint32_t)device->product;
    kb_text_copy(out->udid, sizeof out->udid, device->udid);
    out->conn_type = CONNECTION_TYPE_USB;
}

int usbmuxd_get_device_list(usbmuxd_device_info_t **device_list) {
    struct kb_attached *list = kb_xcalloc(KB_MAX_ATTACHED, sizeof *list);
    int count = 0;
    struct kb_result res = kb_mux_list(list, &count, kb_clock_ms() + CALL_MS);
    *device_list = NULL;
    if (!kb_failed(&res)) {
        *device_list = kb_xcalloc((size_t)count + 1, sizeof **device_list);
        for (int i = 0; i < count; i++) info_of(&list[i], &(*device_list)[i]);
    }
    free(list);
    return kb_failed(&res) ? to_errno(res) : count;
}

int usbmuxd_device_list_free(usbmuxd_device_info_t **device_list) {
    if (device_list) free(*device_list);
    return 0;
}

int usbmuxd_get_device(const char *udid, usbmuxd_device_info_t *device, enum usbmux_lookup_options options) {
    usbmuxd_device_info_t *list = NULL;
    int found = 0, count = options && !(options & DEVICE_LOOKUP_USBMUX) ? 0 : usbmuxd_get_device_list(&list);
    for (int i = 0; i < count && !found; i++) {
        if (udid && strcmp(udid, list[i].udid) != 0) continue;
        *device = list[i];
        found = 1;
    }
    usbmuxd_device_list_free(&list);
    return count < 0 ? count : found;
}

int usbmuxd_get_device_by_udid(const char *udid, usbmuxd_device_info_t *device) {
    return usbmuxd_get_device(udid, device, DEVICE_LOOKUP_USBMUX);
}

/* ---- Pair records ---- */

int usbmuxd_read_buid(char **buid) {
    char text[64];
    struct kb_result res = kb_mux_buid(text, kb_clock_ms() + CALL_MS);
    if (!kb_failed(&res)) *buid = kb_xstrdup(text);
    return to_errno(res);
}

int usbmuxd_read_pair_record(const char *record_id, char **record_data, uint32_t *record_size) {
    struct kb_buf record = {0};
    bool exists = false;
    struct kb_result res = kb_mux_pair_record(record_id, &record, &exists, kb_clock_ms() + CALL_MS);
    *record_data = exists ? record.data : NULL; /* the caller frees it */
    *record_size = exists ? (uint32_t)record.size : 0;
    if (!exists) kb_buf_release(&record);
    return kb_failed(&res) || exists ? to_errno(res) : -ENOENT;
}

int usbmuxd_save_pair_record_with_device_id(const char *record_id, uint32_t device_id, const char *record_data,
                                            uint32_t record_size) {
    struct kb_attached device = {.id = device_id};
    struct kb_buf record = {0};
    if (!kb_text_copy(device.udid, sizeof device.udid, record_id)) return -EINVAL;
    kb_buf_add(&record, record_data, record_size);
    struct kb_result res = kb_mux_save_pair_record(&device, &record, kb_clock_ms() + CALL_MS);
    kb_wipe(record.data, record.size);
    kb_buf_release(&record);
    return to_errno(res);
}

int usbmuxd_save_pair_record(const char *record_id, const char *record_data, uint32_t record_size) {
    return usbmuxd_save_pair_record_with_device_id(record_id, 0, record_data, record_size);
}

int usbmuxd_delete_pair_record(const char *record_id) {
    return to_errno(kb_mux_delete_pair_record(record_id, kb_clock_ms() + CALL_MS));
}

/* ---- What kitbench does not use ---- */

int usbmuxd_events_subscribe(usbmuxd_subscription_context_t *context, usbmuxd_event_cb_t callback, void *user_data) {
    (void)callback, (void)user_data;
    *context = NULL;
    return -ENOSYS;
}

int usbmuxd_events_unsubscribe(usbmuxd_subscription_context_t context) {
    (void)context;
    return -ENOSYS;
}

int usbmuxd_subscribe(usbmuxd_event_cb_t callback, void *user_data) {
    (void)callback, (void)user_data;
    return -ENOSYS;
}

int usbmuxd_unsubscribe(void) { return -ENOSYS; }
void libusbmuxd_set_use_inotify(int set) { (void)set; }
void libusbmuxd_set_debug_level(int level) { (void)level; }
const char *libusbmuxd_version(void); /* the header has no prototype */
const char *libusbmuxd_version(void) { return "2.1.1-standin"; }
