/* Services as streams: libimobiledevice connects, the stream and its TLS are ours. Plists framed by their length. */
#include "service.h"

#include "node.h"
#include <string.h>

enum { SOCKET_BYTES = 1024 * 1024, HANDSHAKE_MS = 15000 };

static struct kb_result no_connection(void) {
    return kb_fail(KB_LOCKDOWN, LOCKDOWN_E_MUX_ERROR,
                   _("The device cannot be reached. Unplug it, plug it in again, then try again"));
}

static struct kb_result connect_clear(idevice_t device, uint16_t port, struct kb_service *out) {
    struct kb_transport transport;
    int fd = -1;

    memset(out, 0, sizeof *out);
    if (idevice_connect(device, port, &out->connection) != IDEVICE_E_SUCCESS) {
        out->connection = NULL;
        return no_connection();
    }
    if (idevice_connection_get_fd(out->connection, &fd) != IDEVICE_E_SUCCESS || fd < 0) return no_connection();
    kb_fd_large_buffers(fd, SOCKET_BYTES);
    kb_transport_plain(fd, &transport);
    out->stream = kb_stream_new(&transport);
    return kb_ok();
}

struct kb_result kb_service_secure(struct kb_service *service, const struct kb_tls *tls) {
    struct kb_transport transport;
    int fd = -1;

    kb_stream_free(service->stream);
    service->stream = NULL;
    if (idevice_connection_get_fd(service->connection, &fd) != IDEVICE_E_SUCCESS) return no_connection();
    struct kb_result res = kb_transport_tls(fd, tls, kb_clock_ms() + HANDSHAKE_MS, &transport);
    if (!kb_failed(&res)) service->stream = kb_stream_new(&transport);
    return res;
}

struct kb_result kb_service_connect(idevice_t device, const struct kb_tls *tls, const struct kb_port *port,
                                    struct kb_service *out) {
    struct kb_result res = connect_clear(device, port->descriptor.port, out);

    if (!kb_failed(&res) && port->descriptor.ssl_enabled) res = kb_service_secure(out, tls);
    if (kb_failed(&res)) kb_service_close(out);
    return res;
}

void kb_service_close(struct kb_service *service) {
    kb_stream_free(service->stream);
    if (service->connection) idevice_disconnect(service->connection);
    memset(service, 0, sizeof *service);
}

/* ---- Frames ---- */

static struct kb_result frame_bad(void) {
    return kb_fail(KB_BACKUP2, KB_LINK_PROTOCOL,
                   _("The device sent something that is not its protocol. Restart the device, then try again"));
}

/* Larger than the stream's buffer: gathered piece by piece. */
static struct kb_result gather(struct kb_stream *stream, size_t size, struct kb_buf *out) {
    while (out->size < size) {
        size_t have;
        struct kb_result res = kb_stream_need(stream, 1);
        if (kb_failed(&res)) return res;

        const unsigned char *bytes = kb_stream_peek(stream, &have);
        if (have > size - out->size) have = size - out->size;
        kb_buf_add(out, bytes, have);
        kb_stream_take(stream, have);
    }
    return kb_ok();
}

/* XML from a device may have control characters inside; every host makes spaces of them (protocol.md 2.1). */
static plist_t parse(const void *bytes, size_t size, size_t max) {
    struct kb_buf copy = {0};

    if (size >= 6 && memcmp(bytes, "bplist", 6) == 0) return kb_node_parse(bytes, size, max);
    kb_buf_add(&copy, bytes, size);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)copy.data[i];

        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') copy.data[i] = ' ';
    }
    plist_t node = kb_node_parse(copy.data, size, max);
    kb_buf_release(&copy);
    return node;
}

struct kb_result kb_frame_receive(struct kb_stream *stream, size_t max, plist_t *out) {
    struct kb_buf large = {0};
    size_t have;

    *out = NULL;
    struct kb_result res = kb_stream_need(stream, 4);
    if (kb_failed(&res)) return res;
    size_t size = kb_get_be32(kb_stream_peek(stream, &have));
    if (size == 0 || size > max) return frame_bad();
    kb_stream_take(stream, 4);

    if (size <= KB_STREAM_ROOM) {
        res = kb_stream_need(stream, size);
        if (kb_failed(&res)) return res;
        *out = parse(kb_stream_peek(stream, &have), size, max);
        kb_stream_take(stream, size);
    } else {
        res = gather(stream, size, &large);
        if (!kb_failed(&res)) *out = parse(large.data, large.size, max);
        kb_buf_release(&large);
    }
    return kb_failed(&res) || *out ? res : frame_bad();
}

plist_t kb_frame_try(struct kb_stream *stream, size_t max, bool *broken) {
    size_t have;
    const unsigned char *bytes = kb_stream_try(stream, &have);
    plist_t node;

    *broken = have < 4 && kb_stream_ended(stream);
    if (have < 4) return NULL;
    size_t size = kb_get_be32(bytes);
    if (size == 0 || size > max || size > KB_STREAM_ROOM - 4) {
        *broken = true;
        return NULL;
    }
    if (have < size + 4) {
        *broken = kb_stream_ended(stream);
        return NULL;
    }
    node = kb_node_parse(bytes + 4, size, max);
    kb_stream_take(stream, size + 4);
    *broken = node == NULL;
    return node;
}

struct kb_result kb_frame_put(struct kb_stream *stream, plist_t node, bool binary) {
    struct kb_buf bytes = {0};
    unsigned char size[4] = {0};

    kb_buf_add(&bytes, size, sizeof size);
    if (binary)
        kb_node_to_binary(node, &bytes);
    else
        kb_node_to_xml(node, &bytes);
    kb_put_be32((unsigned char *)bytes.data, (uint32_t)(bytes.size - 4));
    struct kb_result res = kb_stream_put(stream, bytes.data, bytes.size);
    kb_wipe(bytes.data, bytes.size); /* a Restore request holds the backup's password */
    kb_buf_release(&bytes);
    return res;
}
