/* DeviceLink: messages are arrays that begin with their name (protocol.md 3.1). Private to the device room. */
#ifndef KB_DEVICE_DEVICELINK_H
#define KB_DEVICE_DEVICELINK_H

#include "service.h"

/* A message whose first element is a text; borrowed name. Anything else is KB_LINK_PROTOCOL. */
KB_MUST_CHECK struct kb_result kb_link_receive(struct kb_stream *stream, plist_t *message, const char **name);
/* ["DLMessageProcessMessage", dict]; dict is freed. Flushed. secret: the bytes are wiped behind it. */
KB_MUST_CHECK struct kb_result kb_link_process(struct kb_stream *stream, plist_t dict, bool secret);
/* ["DLMessageStatusResponse", code, text or placeholder, payload or {}]; payload is freed. Flushed. */
KB_MUST_CHECK struct kb_result kb_link_status(struct kb_stream *stream, int64_t code, const char *text,
                                              plist_t payload);
/* ["DLMessageDisconnect", placeholder]: a polite end. */
KB_MUST_CHECK struct kb_result kb_link_disconnect(struct kb_stream *stream);
/* Version exchange with whatever major the device offers, then the device must say that it is ready. */
KB_MUST_CHECK struct kb_result kb_link_open(struct kb_stream *stream);

#define KB_LINK_NOTHING "___EmptyParameterString___"

/* A host failure as the device's link code: -6 for KB_HOST_NOT_FOUND and so on (protocol.md 3.4), and its words. */
int kb_link_code_of(const struct kb_result *res);
const char *kb_link_words(int code);
#endif
