/* What pairing is made of. Private to the device room. */
#ifndef KB_DEVICE_PAIRING_H
#define KB_DEVICE_PAIRING_H

#include "kitbench/device.h"
#include <plist/plist.h>

/*
 * certs.c: a new pair record (DeviceCertificate, HostCertificate, RootCertificate, HostID, SystemBUID, and the two
 * private keys) for the device with this public key (PEM, PKCS#1 as lockdown gives it). KB_DEVICE_PROTOCOL when that is
 * no such key. Host keys and HostID are made once in a process, so that asking again asks for the same.
 */
KB_MUST_CHECK struct kb_result kb_record_new(const char *public_key, size_t size, const char *buid, plist_t *record);

/* identity.c: DER of the certificate; CMS over a challenge (protocol.md 2.6). */
KB_MUST_CHECK struct kb_result kb_identity_certificate(const struct kb_identity *identity, struct kb_buf *der);
KB_MUST_CHECK struct kb_result kb_identity_sign(const struct kb_identity *identity, const void *challenge, size_t size,
                                                struct kb_buf *der);
#endif
