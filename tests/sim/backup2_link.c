/* DeviceLink's messages from the device's side, strict about what a host answers, with the scripted faults. */
#include "backup2.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

plist_t dl_message(const char *name) {
    plist_t message = plist_new_array();

    plist_array_append_item(message, plist_new_string(name));
    return message;
}

void dl_string(plist_t message, const char *text) { plist_array_append_item(message, plist_new_string(text)); }
void dl_real(plist_t message, double value) { plist_array_append_item(message, plist_new_real(value)); }
void dl_uint(plist_t message, uint64_t value) { plist_array_append_item(message, plist_new_uint(value)); }

void dl_empty(plist_t message) {
    plist_t options = plist_new_dict();

    plist_dict_set_item(options, "DLDeviceIOCallbacks", plist_new_uint(400508120));
    plist_array_append_item(message, options);
}

bool link_fail(struct link *link, int error, const char *format, ...) {
    va_list args;

    if (link->error) return false;
    link->error = error;
    va_start(args, format);
    vsnprintf(link->error_text, sizeof link->error_text, format, args);
    va_end(args);
    return false;
}

bool link_wrong(struct link *link, const char *why) {
    sim_bad(link->dev, BACKUP2_SERVICE, why);
    link->down = true;
    return false;
}

static const char *name_of(plist_t message) {
    plist_t first = message && plist_get_node_type(message) == PLIST_ARRAY ? plist_array_get_item(message, 0) : NULL;

    return first && plist_get_node_type(first) == PLIST_STRING ? plist_get_string_ptr(first, NULL) : NULL;
}

/* Puts a hostile path where this kind of message has its first. */
static void put_hostile_name(plist_t message, const char *name, const char *text, bool as_source) {
    plist_t second = plist_array_get_size(message) > 1 ? plist_array_get_item(message, 1) : NULL;

    if (!strcmp(name, "DLMessageCopyItem") && !as_source)
        plist_array_set_item(message, plist_new_string(text), 2);
    else if (second && plist_get_node_type(second) == PLIST_STRING)
        plist_array_set_item(message, plist_new_string(text), 1);
    else if (second && plist_get_node_type(second) == PLIST_ARRAY && plist_array_get_size(second))
        plist_array_set_item(second, plist_new_string(text), 0);
    else if (second && plist_get_node_type(second) == PLIST_DICT && !strncmp(name, "DLMessageMove", 13)) {
        plist_dict_iter iter = NULL;
        char *key = NULL;
        plist_t value = NULL;

        plist_dict_new_iter(second, &iter);
        plist_dict_next_item(second, iter, &key, &value);
        free(iter);
        if (key && as_source)
            plist_dict_set_item(second, text, plist_copy(value)), plist_dict_remove_item(second, key);
        else if (key)
            plist_dict_set_item(second, key, plist_new_string(text));
        free(key);
    }
}

/* HOSTILE_SIZE of a message: 0 the greatest length, 1 the greatest signed, other values belong to raw frames. */
static bool send_absurd_length(struct link *link, int64_t which) {
    uint32_t length = sim_big_endian(which == 0 ? 0xffffffffu : 0x7fffffffu);

    return sim_write(link->stream, &length, 4) && sim_flush(link->stream);
}

/* Does a fault that only this service can do. True: the message is not to be sent any more. */
static bool own_fault(struct link *link, plist_t message, const char *name) {
    struct sim_fault *fault = link->fired;

    if (!fault) return false;
    if (fault->action == SIM_FAULT_ERROR) {
        link_fail(link, (int)fault->value, "%s", *fault->text ? fault->text : "Scripted error");
        link_respond(link);
        link->down = true;
        return true;
    }
    if (fault->action == SIM_FAULT_HOSTILE_NAME && message && strcmp(name, "DLMessageUploadFiles") != 0)
        put_hostile_name(message, name, fault->text, fault->value == 1);
    if (fault->action == SIM_FAULT_HOSTILE_SIZE && fault->value < 2)
        return send_absurd_length(link, fault->value), true;
    if (fault->action == SIM_FAULT_HOSTILE_SIZE && fault->value == 6 && !strcmp(name, "DLMessageUploadFiles"))
        plist_array_set_item(message, plist_new_uint(UINT64_MAX), 3);
    return false;
}

bool link_send(struct link *link, plist_t message) {
    const char *name = name_of(message);
    enum sim_fault_effect effect;

    if (!link->down) {
        effect = sim_fault_point(link->stream, BACKUP2_SERVICE, name, true, &link->fired);
        if (effect == SIM_STOP)
            link->down = true;
        else if (effect == SIM_GO_ON && !own_fault(link, message, name))
            link->down = !sim_write_plist(link->stream, message, true) || !sim_flush(link->stream);
    }
    plist_free(message);
    return !link->down;
}

/* libimobiledevice and plutil differ in how they keep a negative number; the bits are the same. */
static bool number_of(plist_t node, int64_t *out) {
    uint64_t bits = 0;

    if (!node || plist_get_node_type(node) != PLIST_UINT) return false;
    plist_get_uint_val(node, &bits);
    *out = (int64_t)bits;
    return true;
}

bool link_status(struct link *link, int64_t *code, plist_t *payload) {
    plist_t message = link->down ? NULL : sim_read_plist(link->stream);
    const char *name = name_of(message);
    bool ok = false;

    if (!message) {
        link->down = true;
        return false;
    }
    if (name && sim_fault_point(link->stream, BACKUP2_SERVICE, name, false, &link->fired) == SIM_STOP)
        link->down = true;
    else if (name && !strcmp(name, "DLMessageDisconnect"))
        link->down = true;
    else if (!name || strcmp(name, "DLMessageStatusResponse") != 0)
        link_wrong(link, "something else where a status was due");
    else if (plist_array_get_size(message) < 4 || !number_of(plist_array_get_item(message, 1), code) ||
             plist_get_node_type(plist_array_get_item(message, 2)) != PLIST_STRING)
        link_wrong(link, "a status of another shape than [name, integer, string, payload]");
    else if (*code > 0)
        link_wrong(link, "a positive status code");
    else
        ok = !own_fault(link, NULL, name);
    if (ok && payload) *payload = plist_copy(plist_array_get_item(message, 3));
    plist_free(message);
    return ok;
}

bool link_call(struct link *link, plist_t message, int64_t *code, plist_t *payload) {
    return link_send(link, message) && link_status(link, code, payload);
}

int dl_to_mb(int64_t code) {
    static const struct {
        int code, mb;
    } map[] = {{-6, 4}, {-7, 3}, {-8, 5}, {-9, 6}, {-10, 7}, {-11, MB_IO}, {-15, MB_HOST_FULL}, {-13, MB_MULTIPLE}};

    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (map[i].code == code) return map[i].mb;
    return MB_IO;
}

void link_respond(struct link *link) {
    plist_t message = dl_message("DLMessageProcessMessage"), body = plist_new_dict();
    char text[320];

    plist_dict_set_item(body, "MessageName", plist_new_string("Response"));
    plist_dict_set_item(body, "ErrorCode", plist_new_uint((uint64_t)link->error));
    if (link->error) {
        /* Texts with an underlying error name their domains themselves. */
        if (strstr(link->error_text, "(MBErrorDomain/"))
            snprintf(text, sizeof text, "%s", link->error_text);
        else
            snprintf(text, sizeof text, "%s (MBErrorDomain/%d)", link->error_text, link->error);
        plist_dict_set_item(body, "ErrorDescription", plist_new_string(text));
    }
    plist_array_append_item(message, body);
    if (!link->down && !link->over) {
        link->over = true;
        if (sim_fault_point(link->stream, BACKUP2_SERVICE, "Response", true, &link->fired) == SIM_STOP)
            link->down = true;
        else
            link->down = !sim_write_plist(link->stream, message, true) || !sim_flush(link->stream);
    }
    plist_free(message);
}
