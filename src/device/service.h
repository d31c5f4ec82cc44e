/* A service of the device as a stream of ours, and plists framed by their length on it. Private to the device room. */
#ifndef KB_DEVICE_SERVICE_H
#define KB_DEVICE_SERVICE_H

#include "stream.h"
#include <libimobiledevice/libimobiledevice.h>
#include <libimobiledevice/lockdown.h>
#include <plist/plist.h>

/* Where a started service listens. The library's struct grows from version to version: it is given room. */
struct kb_port {
    struct lockdownd_service_descriptor descriptor;
    char room[64];
};
struct kb_service {
    idevice_connection_t connection;
    struct kb_stream *stream;
};
/* Connects to a started service; TLS as tls when the device asked for it (NULL: of one that does not). */
KB_MUST_CHECK struct kb_result kb_service_connect(idevice_t device, const struct kb_tls *tls,
                                                  const struct kb_port *port, struct kb_service *out);
/* The stream that began in clear goes on in TLS. */
KB_MUST_CHECK struct kb_result kb_service_secure(struct kb_service *service, const struct kb_tls *tls);
void kb_service_close(struct kb_service *service); /* a zeroed one is fine */

enum { KB_FRAME_MAX = 64 * 1024 * 1024 };
/*
 * One plist: 4-byte big-endian length, then binary or XML. Bounded by max before anything is allocated, and through the
 * guard. KB_BACKUP2/KB_LINK_PROTOCOL when it is not such a thing. Memory grows with the bytes that come, not with what
 * the length promises.
 */
KB_MUST_CHECK struct kb_result kb_frame_receive(struct kb_stream *stream, size_t max, plist_t *out);
/* The plist when a whole frame is there already, NULL when not (yet); never waits. *broken: the stream is of no use. */
plist_t kb_frame_try(struct kb_stream *stream, size_t max, bool *broken);
/* Into the stream's buffer; kb_stream_flush() sends. */
KB_MUST_CHECK struct kb_result kb_frame_put(struct kb_stream *stream, plist_t node, bool binary);
#endif
