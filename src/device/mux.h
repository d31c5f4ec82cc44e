/* What the rest of the device room asks of usbmuxd, besides the room's face. */
#ifndef KB_DEVICE_MUX_H
#define KB_DEVICE_MUX_H

#include "kitbench/device.h"
#include <plist/plist.h>

/* One request, one reply, one socket, as libusbmuxd does it. The request is freed. */
KB_MUST_CHECK struct kb_result kb_mux_call(plist_t request, plist_t *reply, int64_t deadline_ms);
plist_t kb_mux_request(const char *message);
/*
 * The stored pair record. exists false (and KB_OK): usbmuxd has none. A daemon that does not answer is a failure and
 * never "not paired" (protocol.md 9.1-9). The bytes hold private keys: wipe them.
 */
KB_MUST_CHECK struct kb_result kb_mux_pair_record(const char *udid, struct kb_buf *record, bool *exists,
                                                  int64_t deadline_ms);
KB_MUST_CHECK struct kb_result kb_mux_buid(char out[64], int64_t deadline_ms);
KB_MUST_CHECK struct kb_result kb_mux_save_pair_record(const struct kb_attached *device, const struct kb_buf *record,
                                                       int64_t deadline_ms);
KB_MUST_CHECK struct kb_result kb_mux_delete_pair_record(const char *udid, int64_t deadline_ms);
/* The devices in a reply to ListDevices; list has room for KB_MAX_ATTACHED. */
KB_MUST_CHECK struct kb_result kb_mux_take_list(plist_t reply, struct kb_attached *list, int *count);
/* The attached device with this UDID; KB_LOCKDOWN/KB_DEVICE_GONE when it is not there. */
KB_MUST_CHECK struct kb_result kb_mux_find(const char *udid, struct kb_attached *out, int64_t deadline_ms);
/* Turns a fresh connection to usbmuxd into one to a port of the device; KB_USBMUX_REFUSED when nobody listens there. */
KB_MUST_CHECK struct kb_result kb_mux_connect(struct kb_sock *sock, uint32_t id, uint16_t port, int64_t deadline_ms);
/* Whether lockdown of this very attachment still answers a QueryType: a device in good health that merely works. */
bool kb_mux_answers(uint32_t id, int64_t deadline_ms);
#endif
