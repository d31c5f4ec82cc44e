/*
 * usbmuxd as its clients see it (protocol.md 1): one request a socket, XML plists behind a 16-byte header, events to
 * listeners, raw tunnels after Connect. Pair records are files in the state folder, as the daemon keeps them.
 */
#define _GNU_SOURCE
#include "parts.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RESULT_OK = 0, BAD_COMMAND = 1, BAD_DEVICE = 2, REFUSED = 3, BAD_VERSION = 6, MESSAGE_MAX = 1024 * 1024 };
enum { TYPE_RESULT = 1, TYPE_PLIST = 8 };

struct mux_head {
    uint32_t length, version, type, tag; /* little-endian on the wire */
};

struct mux_conn {
    struct sim *sim;
    struct mux_conn *next;
    int fd;
    uint32_t id, version;
    bool listening, tunnel;
    char program[64], bundle[64];
};

/* --- sending --- */

/* One send for header and payload: clients read the header with one receive (protocol.md 1.2). Bench's lock held. */
static bool send_frame(struct mux_conn *conn, uint32_t version, uint32_t type, uint32_t tag, const void *data,
                       size_t size) {
    struct mux_head head = {(uint32_t)(sizeof head + size), version, type, tag};
    char *frame = malloc(sizeof head + size);
    memcpy(frame, &head, sizeof head);
    memcpy(frame + sizeof head, data, size);
    bool sent = sim_socket_send_now(conn->fd, frame, sizeof head + size);
    free(frame);
    if (!sent) sim_socket_end(conn->fd); /* a client that does not read is no client */
    return sent;
}

static bool send_plist(struct mux_conn *conn, uint32_t tag, plist_t plist) {
    char *xml = NULL;
    uint32_t size = 0;
    plist_to_xml(plist, &xml, &size);
    bool ok = send_frame(conn, 1, TYPE_PLIST, tag, xml, size);
    free(xml);
    return ok;
}

static bool reply(struct mux_conn *conn, uint32_t tag, plist_t plist) {
    pthread_mutex_lock(&conn->sim->lock);
    bool ok = send_plist(conn, tag, plist);
    pthread_mutex_unlock(&conn->sim->lock);
    plist_free(plist);
    return ok;
}

static plist_t result_plist(uint32_t number) {
    plist_t dict = plist_new_dict();
    sim_put_str(dict, "MessageType", "Result");
    sim_put_uint(dict, "Number", number);
    return dict;
}

static bool reply_result(struct mux_conn *conn, uint32_t tag, uint32_t number) {
    return reply(conn, tag, result_plist(number));
}

/* --- events --- */

static plist_t attached_plist(const struct sim_device *dev) {
    plist_t dict = plist_new_dict(), properties = plist_new_dict();
    sim_put_uint(properties, "ConnectionSpeed",
                 (uint64_t)sim_number((struct sim_device *)dev, "connection_speed", 480000000));
    sim_put_str(properties, "ConnectionType", "USB");
    sim_put_uint(properties, "DeviceID", dev->mux_id);
    sim_put_uint(properties, "LocationID", (uint64_t)dev->location);
    sim_put_uint(properties, "ProductID", (uint64_t)dev->product_id);
    sim_put_str(properties, "SerialNumber", dev->udid);
    sim_put_str(dict, "MessageType", "Attached");
    sim_put_uint(dict, "DeviceID", dev->mux_id);
    plist_dict_set_item(dict, "Properties", properties);
    return dict;
}

static plist_t event_plist(const char *type, uint32_t id) {
    plist_t dict = plist_new_dict();
    sim_put_str(dict, "MessageType", type);
    sim_put_uint(dict, "DeviceID", id);
    return dict;
}

static void tell_listeners(struct sim *sim, plist_t event) {
    for (struct mux_conn *conn = sim->conns; conn; conn = conn->next)
        if (conn->listening) send_plist(conn, 0, event);
    plist_free(event);
}

void sim_mux_attached(struct sim_device *dev, bool attached) {
    struct sim *sim = dev->sim;
    pthread_mutex_lock(&sim->lock);
    if (attached) {
        dev->mux_id = sim->next_mux_id++;
        tell_listeners(sim, attached_plist(dev));
    } else {
        tell_listeners(sim, event_plist("Detached", dev->mux_id));
        dev->mux_id = 0;
    }
    pthread_mutex_unlock(&sim->lock);
}

void sim_mux_paired(struct sim_device *dev) {
    pthread_mutex_lock(&dev->sim->lock);
    if (dev->mux_id != 0) tell_listeners(dev->sim, event_plist("Paired", dev->mux_id));
    pthread_mutex_unlock(&dev->sim->lock);
}

int sim_mux_listeners(struct sim *sim) {
    int count = 0;
    pthread_mutex_lock(&sim->lock);
    for (struct mux_conn *conn = sim->conns; conn; conn = conn->next) count += conn->listening;
    pthread_mutex_unlock(&sim->lock);
    return count;
}

/* --- pair records --- */

/* Debian's daemon refuses other characters (CVE-2025-66004). */
static bool record_id_valid(const char *id) {
    size_t length = id ? strlen(id) : 0;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)id[i]) && id[i] != '-') return false;
    return length > 0 && length < 64;
}

void sim_record_path(struct sim *sim, const char *udid, char *out, size_t size) {
    snprintf(out, size, "%s/lockdown/%s.plist", sim->state_dir, udid);
}

bool sim_record_save(struct sim *sim, const char *udid, const void *data, size_t size) {
    char path[700], tmp[720];
    sim_record_path(sim, udid, path, sizeof path);
    snprintf(tmp, sizeof tmp, "%s.new", path);
    FILE *file = fopen(tmp, "wb");
    if (!file) return false;
    bool ok = fwrite(data, 1, size, file) == size;
    ok = fclose(file) == 0 && ok;
    return ok && sim_file_replace(tmp, path);
}

static char *record_read(struct sim *sim, const char *udid, size_t *size) {
    char path[700];
    struct stat info;
    sim_record_path(sim, udid, path, sizeof path);
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    char *data = NULL;
    if (fstat(fileno(file), &info) == 0 && info.st_size < MESSAGE_MAX) {
        data = malloc((size_t)info.st_size + 1);
        *size = fread(data, 1, (size_t)info.st_size, file);
    }
    fclose(file);
    return data;
}

static struct sim_device *device_by_udid(struct sim *sim, const char *udid) {
    for (int i = 0; i < sim->device_count; i++)
        if (strcmp(sim->devices[i]->udid, udid) == 0) return sim->devices[i];
    return NULL;
}

static struct sim_device *device_by_id(struct sim *sim, uint64_t id) {
    struct sim_device *found = NULL;
    pthread_mutex_lock(&sim->lock);
    for (int i = 0; i < sim->device_count && !found; i++)
        if (id != 0 && sim->devices[i]->mux_id == id) found = sim->devices[i];
    pthread_mutex_unlock(&sim->lock);
    return found;
}

/* --- requests: each answers, and says whether the connection goes on --- */

static bool list_devices(struct mux_conn *conn, uint32_t tag, plist_t request) {
    (void)request;
    plist_t dict = plist_new_dict(), list = plist_new_array();
    struct sim *sim = conn->sim;
    pthread_mutex_lock(&sim->lock);
    for (int i = 0; i < sim->device_count; i++)
        if (sim->devices[i]->mux_id != 0) plist_array_append_item(list, attached_plist(sim->devices[i]));
    plist_dict_set_item(dict, "DeviceList", list);
    bool ok = send_plist(conn, tag, dict);
    pthread_mutex_unlock(&sim->lock);
    plist_free(dict);
    return ok;
}

static bool send_event(struct mux_conn *conn, plist_t event) {
    bool ok = send_plist(conn, 0, event);
    plist_free(event);
    return ok;
}

static bool listen_events(struct mux_conn *conn, uint32_t tag, plist_t request) {
    (void)request;
    struct sim *sim = conn->sim;
    plist_t ok_result = result_plist(RESULT_OK);
    pthread_mutex_lock(&sim->lock); /* so that no event slips between the replay and the live ones */
    bool ok = send_plist(conn, tag, ok_result);
    for (int i = 0; ok && i < sim->device_count; i++)
        if (sim->devices[i]->mux_id != 0) ok = send_event(conn, attached_plist(sim->devices[i]));
    conn->listening = ok;
    pthread_mutex_unlock(&sim->lock);
    plist_free(ok_result);
    return ok;
}

static bool list_listeners(struct mux_conn *conn, uint32_t tag, plist_t request) {
    (void)request;
    plist_t dict = plist_new_dict(), list = plist_new_array();
    char id[96];
    pthread_mutex_lock(&conn->sim->lock);
    for (struct mux_conn *other = conn->sim->conns; other; other = other->next) {
        if (!other->listening) continue;
        plist_t one = plist_new_dict();
        snprintf(id, sizeof id, "%u-%s", other->id, other->program);
        sim_put_bool(one, "Blacklisted", false);
        sim_put_str(one, "BundleID", other->bundle);
        sim_put_uint(one, "ConnType", 0);
        sim_put_str(one, "ID String", id);
        sim_put_str(one, "ProgName", other->program);
        sim_put_uint(one, "kLibUSBMuxVersion", other->version);
        plist_array_append_item(list, one);
    }
    plist_dict_set_item(dict, "ListenerList", list);
    bool ok = send_plist(conn, tag, dict);
    pthread_mutex_unlock(&conn->sim->lock);
    plist_free(dict);
    return ok;
}

static bool read_buid(struct mux_conn *conn, uint32_t tag, plist_t request) {
    (void)request;
    plist_t dict = plist_new_dict();
    sim_put_str(dict, "BUID", conn->sim->buid);
    return reply(conn, tag, dict);
}

static void record_make_if_pending(struct sim *sim, const char *udid) {
    struct sim_device *dev = device_by_udid(sim, udid);
    if (!dev) return;
    pthread_mutex_lock(&dev->lock);
    if (dev->own->record_pending) sim_host_record_make(dev);
    pthread_mutex_unlock(&dev->lock);
}

static bool read_record(struct mux_conn *conn, uint32_t tag, plist_t request) {
    const char *id = sim_str(request, "PairRecordID");
    size_t size = 0;
    if (!record_id_valid(id)) return reply_result(conn, tag, EINVAL);
    record_make_if_pending(conn->sim, id);
    char *data = record_read(conn->sim, id, &size);
    if (!data) return reply_result(conn, tag, ENOENT);
    plist_t dict = plist_new_dict();
    sim_put_data(dict, "PairRecordData", data, size);
    free(data);
    return reply(conn, tag, dict);
}

static bool save_record(struct mux_conn *conn, uint32_t tag, plist_t request) {
    const char *id = sim_str(request, "PairRecordID");
    uint64_t size = 0, device_id = 0;
    const char *data = sim_data(request, "PairRecordData", &size);
    if (!record_id_valid(id) || !data || size == 0) return reply_result(conn, tag, EINVAL);
    struct sim_device *dev = device_by_udid(conn->sim, id);
    if (dev) {
        pthread_mutex_lock(&dev->lock);
        dev->own->record_pending = false;
        pthread_mutex_unlock(&dev->lock);
    }
    if (!sim_record_save(conn->sim, id, data, size)) return reply_result(conn, tag, (uint32_t)errno);
    bool ok = reply_result(conn, tag, RESULT_OK);
    if (sim_uint(request, "DeviceID", &device_id) && (dev = device_by_id(conn->sim, device_id)) != NULL)
        sim_mux_paired(dev);
    return ok;
}

static bool delete_record(struct mux_conn *conn, uint32_t tag, plist_t request) {
    const char *id = sim_str(request, "PairRecordID");
    char path[700];
    if (!record_id_valid(id)) return reply_result(conn, tag, EINVAL);
    record_make_if_pending(conn->sim, id);
    sim_record_path(conn->sim, id, path, sizeof path);
    return reply_result(conn, tag, unlink(path) == 0 ? RESULT_OK : (uint32_t)errno);
}

/* --- tunnels --- */

/* Finds what listens on the device's port; a port of StartService is good for one connection. */
static bool port_take(struct sim_device *dev, uint16_t number, struct sim_port *out) {
    struct sim_own *own = dev->own;
    *out = (struct sim_port){.number = number, .service = &sim_lockdown_service, .pairing = -1};
    if (number == LOCKDOWN_PORT) return true;
    for (int i = 0; i < own->port_count; i++) {
        if (own->ports[i].number != number) continue;
        *out = own->ports[i];
        own->ports[i] = own->ports[--own->port_count];
        return true;
    }
    return false;
}

static bool start_tls(struct sim_stream *stream, const struct sim_port *port) {
    struct sim_device *dev = sim_stream_device(stream);
    if (!port->tls) return true;
    pthread_mutex_lock(&dev->lock);
    SSL_CTX *ctx = sim_pairing_tls(dev, port->pairing);
    pthread_mutex_unlock(&dev->lock);
    bool ok = ctx && sim_stream_tls(stream, ctx);
    SSL_CTX_free(ctx);
    return ok;
}

static void serve(struct sim_device *dev, int fd, const struct sim_port *port) {
    struct sim_stream *stream = sim_stream_new(dev, fd, port->service->name);
    sim_stream_set_pairing(stream, port->pairing);
    sim_stream_join(stream);
    if (start_tls(stream, port)) port->service->serve(stream);
    sim_stream_leave(stream);
    if (port->service->needs & ONE_AT_A_TIME) {
        pthread_mutex_lock(&dev->lock);
        dev->own->backup_running = false;
        pthread_mutex_unlock(&dev->lock);
    }
    sim_stream_free(stream);
}

static bool connect_port(struct mux_conn *conn, uint32_t tag, plist_t request) {
    uint64_t id = 0, swapped = 0;
    struct sim_port port;
    if (!sim_uint(request, "DeviceID", &id) || !sim_uint(request, "PortNumber", &swapped) || swapped > 0xffff)
        return reply_result(conn, tag, EINVAL);
    struct sim_device *dev = device_by_id(conn->sim, id);
    if (!dev) return reply_result(conn, tag, BAD_DEVICE);
    pthread_mutex_lock(&dev->lock);
    bool there = dev->mux_id == id;
    bool open = there && port_take(dev, (uint16_t)(swapped >> 8 | swapped << 8), &port);
    if (open && (port.service->needs & ONE_AT_A_TIME)) dev->own->backup_running = true;
    pthread_mutex_unlock(&dev->lock);
    if (!open) return reply_result(conn, tag, there ? REFUSED : BAD_DEVICE);
    conn->tunnel = true;
    if (reply_result(conn, tag, RESULT_OK)) serve(dev, conn->fd, &port);
    return false;
}

static const struct {
    const char *name;
    bool (*answer)(struct mux_conn *conn, uint32_t tag, plist_t request);
} requests[] = {
    {"ListDevices", list_devices},       {"Listen", listen_events},
    {"Connect", connect_port},           {"ReadBUID", read_buid},
    {"ReadPairRecord", read_record},     {"SavePairRecord", save_record},
    {"DeletePairRecord", delete_record}, {"ListListeners", list_listeners},
};

static void remember_program(struct mux_conn *conn, plist_t request) {
    uint64_t version = 0;
    pthread_mutex_lock(&conn->sim->lock);
    sim_copy(conn->program, sizeof conn->program, sim_str(request, "ProgName"));
    sim_copy(conn->bundle, sizeof conn->bundle, sim_str(request, "BundleID"));
    if (sim_uint(request, "kLibUSBMuxVersion", &version)) conn->version = (uint32_t)version;
    pthread_mutex_unlock(&conn->sim->lock);
}

static bool answer(struct mux_conn *conn, uint32_t tag, plist_t request) {
    const char *type = sim_str(request, "MessageType");
    for (size_t i = 0; type && i < sizeof requests / sizeof *requests; i++) {
        if (strcmp(type, requests[i].name) != 0) continue;
        sim_log(conn->sim, "usbmuxd: %s", type);
        remember_program(conn, request);
        return requests[i].answer(conn, tag, request);
    }
    sim_log(conn->sim, "usbmuxd: WRONG: unknown message %s", type ? type : "(none)");
    return reply_result(conn, tag, BAD_COMMAND);
}

/* --- connections --- */

static bool receive_all(int fd, void *data, size_t size) {
    char *to = data;
    while (size > 0) {
        size_t n = sim_socket_recv(fd, to, size);
        if (n == 0) return false;
        to += n;
        size -= n;
    }
    return true;
}

/* The binary protocol of old clients: they fall back to nothing else, so only say that the version is wrong. */
static bool refuse_version(struct mux_conn *conn, uint32_t tag) {
    uint32_t number = BAD_VERSION;
    pthread_mutex_lock(&conn->sim->lock);
    bool ok = send_frame(conn, 0, TYPE_RESULT, tag, &number, sizeof number);
    pthread_mutex_unlock(&conn->sim->lock);
    return ok;
}

static bool handle_one(struct mux_conn *conn) {
    struct mux_head head;
    plist_t request = NULL;
    if (!receive_all(conn->fd, &head, sizeof head)) return false;
    if (head.length < sizeof head || head.length > MESSAGE_MAX) return false;
    size_t size = head.length - sizeof head;
    char *data = malloc(size + 1);
    bool go_on = receive_all(conn->fd, data, size);
    if (go_on && (head.version != 1 || head.type != TYPE_PLIST)) {
        go_on = refuse_version(conn, head.tag);
    } else if (go_on) {
        if (size > 5 && (memcmp(data, "<?xml", 5) == 0 || memcmp(data, "<plis", 5) == 0))
            plist_from_xml(data, (uint32_t)size, &request);
        go_on = request ? answer(conn, head.tag, request) : reply_result(conn, head.tag, BAD_COMMAND);
        plist_free(request);
    }
    free(data);
    return go_on;
}

static void conn_forget(struct mux_conn *conn) {
    struct sim *sim = conn->sim;
    pthread_mutex_lock(&sim->lock);
    struct mux_conn **at = &sim->conns;
    while (*at && *at != conn) at = &(*at)->next;
    if (*at) *at = conn->next;
    sim_socket_close(conn->fd);
    pthread_mutex_unlock(&sim->lock);
    free(conn);
}

static void *conn_run(void *arg) {
    struct mux_conn *conn = arg;
    while (handle_one(conn)) continue;
    conn_forget(conn);
    return NULL;
}

static bool conn_add(struct sim *sim, int fd) {
    static uint32_t ids;
    struct mux_conn *conn = calloc(1, sizeof *conn);
    *conn = (struct mux_conn){.sim = sim, .fd = fd};
    pthread_mutex_lock(&sim->lock);
    bool up = sim->daemon_up;
    conn->id = ++ids;
    conn->next = sim->conns;
    if (up) sim->conns = conn;
    pthread_mutex_unlock(&sim->lock);
    if (up)
        sim_thread(conn_run, conn);
    else
        free(conn);
    return up;
}

static void *accept_run(void *arg) {
    struct sim *sim = arg;
    pthread_mutex_lock(&sim->lock);
    int listen_fd = sim->listen_fd;
    pthread_mutex_unlock(&sim->lock);
    for (;;) {
        int fd = sim_accept(listen_fd);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
            sim_nap(20);
            continue;
        }
        if (fd < 0) break;
        if (!conn_add(sim, fd)) sim_socket_close(fd);
    }
    sim_listen_free(listen_fd);
    return NULL;
}

bool sim_mux_start(struct sim *sim) {
    int fd = sim_address_listen(&sim->mux_address);
    if (fd < 0) return false;
    pthread_mutex_lock(&sim->lock);
    sim->listen_fd = fd;
    sim->daemon_up = true;
    pthread_mutex_unlock(&sim->lock);
    sim_thread(accept_run, sim);
    return true;
}

/* The daemon ends: its socket vanishes and every connection with it, tunnels too. */
void sim_mux_stop(struct sim *sim) {
    pthread_mutex_lock(&sim->lock);
    if (sim->daemon_up) {
        sim->daemon_up = false;
        if (sim->mux_address.path[0]) unlink(sim->mux_address.path);
        sim_listen_end(sim->listen_fd); /* wakes accept, which frees it */
        for (struct mux_conn *conn = sim->conns; conn; conn = conn->next) sim_socket_end(conn->fd);
    }
    pthread_mutex_unlock(&sim->lock);
}
