/*
 * Where usbmuxd listens. libusbmuxd, go-ios and pymobiledevice3 each write USBMUXD_SOCKET_ADDRESS in their own way
 * (protocol.md 1.1); a value that is none of theirs is ignored, as libusbmuxd does.
 */
#include "system.h"

#include <stdio.h>
#include <string.h>

static bool local_address(const char *path, struct kb_address *out) {
    out->local = true;
    return *path && kb_text_copy(out->path, sizeof out->path, path);
}

static bool network_address(const char *text, struct kb_address *out) {
    const char *colon = strrchr(text, ':'), *host = text;
    int64_t port;
    if (!colon || !kb_parse_int(colon + 1, 1, 65535, &port)) return false;
    size_t size = (size_t)(colon - text);
    if (*text == '[') {
        if (size < 3 || text[size - 1] != ']') return false;
        host = text + 1;
        size -= 2;
    } else if (memchr(text, ':', size)) {
        return false; /* an IPv6 address without its brackets: nobody can tell where the port begins */
    }
    if (!size || size >= sizeof out->path) return false;
    memcpy(out->path, host, size);
    out->path[size] = '\0';
    out->port = (int)port;
    return true;
}

bool kb_address_parse(const char *text, struct kb_address *out) {
    static const struct {
        const char *prefix;
        bool (*parse)(const char *rest, struct kb_address *out);
        bool keep; /* the prefix belongs to the address */
    } forms[] = {
        {"UNIX:", local_address, false},    {"unix://", local_address, false}, {"/", local_address, true},
        {"tcp://", network_address, false}, {"", network_address, false},
    };
    struct kb_address found = {0};
    for (size_t i = 0; text && i < KB_ARRAY_SIZE(forms); i++) {
        if (!kb_text_starts(text, forms[i].prefix)) continue;
        if (!forms[i].parse(forms[i].keep ? text : text + strlen(forms[i].prefix), &found)) return false;
        *out = found;
        return true;
    }
    return false;
}

void kb_address_print(const struct kb_address *address, char *out, size_t room) {
    const char *format = strchr(address->path, ':') ? "[%s]:%d" : "%s:%d";
    if (address->local)
        snprintf(out, room, "UNIX:%s", address->path);
    else
        snprintf(out, room, format, address->path, address->port);
}

struct kb_address kb_address_usbmuxd(void) {
    struct kb_address address = kb_address_default();
    kb_address_parse(kb_host_env("USBMUXD_SOCKET_ADDRESS"), &address);
    return address;
}
