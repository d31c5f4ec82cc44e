/*
 * DeviceLink's messages and status codes. Our own layer, because the library's waits are fixed, its version number is
 * fixed, and it answers less than a device asks (protocol.md 9.1).
 */
#include "devicelink.h"

#include "node.h"
#include <string.h>

struct kb_result kb_link_receive(struct kb_stream *stream, plist_t *message, const char **name) {
    *name = NULL;
    struct kb_result res = kb_frame_receive(stream, KB_FRAME_MAX, message);
    if (kb_failed(&res)) return res;
    if (kb_node_is(*message, PLIST_ARRAY) && plist_array_get_size(*message) > 0)
        *name = kb_node_text(plist_array_get_item(*message, 0));
    if (*name) return kb_ok();
    plist_free(*message);
    *message = NULL;
    return kb_fail(KB_BACKUP2, KB_LINK_PROTOCOL,
                   _("The device sent something that is not its protocol. Restart the device, then try again"));
}

/* The message is freed. */
static struct kb_result send_message(struct kb_stream *stream, plist_t message) {
    struct kb_result res = kb_frame_put(stream, message, true);

    plist_free(message);
    return kb_failed(&res) ? res : kb_stream_flush(stream);
}

static plist_t message_new(const char *name) {
    plist_t message = plist_new_array();

    plist_array_append_item(message, plist_new_string(name));
    return message;
}

struct kb_result kb_link_process(struct kb_stream *stream, plist_t dict, bool secret) {
    plist_t message = message_new("DLMessageProcessMessage");

    plist_array_append_item(message, dict);
    struct kb_result res = kb_frame_put(stream, message, true);
    if (secret) {
        kb_node_wipe(kb_node_get(dict, "NewPassword"));
        kb_node_wipe(kb_node_get(kb_node_get(dict, "Options"), "Password"));
    }
    plist_free(message);
    if (kb_failed(&res)) return res;
    return secret ? kb_stream_flush_secret(stream) : kb_stream_flush(stream);
}

struct kb_result kb_link_status(struct kb_stream *stream, int64_t code, const char *text, plist_t payload) {
    plist_t message = message_new("DLMessageStatusResponse");

    plist_array_append_item(message, kb_node_new_int(code));
    plist_array_append_item(message, plist_new_string(text ? text : KB_LINK_NOTHING));
    plist_array_append_item(message, payload ? payload : plist_new_dict());
    return send_message(stream, message);
}

struct kb_result kb_link_disconnect(struct kb_stream *stream) {
    plist_t message = message_new("DLMessageDisconnect");

    plist_array_append_item(message, plist_new_string(KB_LINK_NOTHING));
    return send_message(stream, message);
}

/* ---- Opening ---- */

static struct kb_result version_bad(void) {
    return kb_fail(KB_BACKUP2, KB_LINK_VERSION,
                   _("The device's backup service speaks a version that kitbench does not know. Update kitbench"));
}

static struct kb_result expect(struct kb_stream *stream, const char *name, plist_t *message) {
    const char *got;
    struct kb_result res = kb_link_receive(stream, message, &got);

    if (kb_failed(&res) || kb_streq(got, name)) return res;
    plist_free(*message);
    *message = NULL;
    return version_bad();
}

struct kb_result kb_link_open(struct kb_stream *stream) {
    plist_t message = NULL, answer;
    int64_t major = -1;

    struct kb_result res = expect(stream, "DLMessageVersionExchange", &message);
    if (kb_failed(&res)) return res;
    if (plist_array_get_size(message) < 2 || !kb_node_int(plist_array_get_item(message, 1), &major))
        res = version_bad();
    plist_free(message);
    if (kb_failed(&res)) return res;

    answer = message_new("DLMessageVersionExchange");
    plist_array_append_item(answer, plist_new_string("DLVersionsOk"));
    plist_array_append_item(answer, kb_node_new_int(major));
    res = send_message(stream, answer);
    if (!kb_failed(&res)) res = expect(stream, "DLMessageDeviceReady", &message);
    if (!kb_failed(&res)) plist_free(message);
    return res;
}

/* ---- Codes ---- */

static const struct {
    int host; /* enum kb_host_code */
    int code;
    const char *words; /* for the device, never translated */
} codes[] = {
    {KB_HOST_NOT_FOUND, -6, "No such file or directory"},
    {KB_HOST_EXISTS, -7, "File exists"},
    {KB_HOST_NOT_DIR, -8, "Not a directory"},
    {KB_HOST_IS_DIR, -9, "Is a directory"},
    {KB_HOST_LOOP, -10, "Too many levels of symbolic links"},
    {KB_HOST_IO, -11, "Input/output error"},
    {KB_HOST_NO_SPACE, -15, "No space left on device"},
};

int kb_link_code_of(const struct kb_result *res) {
    if (!kb_failed(res)) return 0;
    for (size_t i = 0; i < KB_ARRAY_SIZE(codes); i++)
        if (res->domain == KB_HOST && codes[i].host == res->code) return codes[i].code;
    return -1;
}

const char *kb_link_words(int code) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(codes); i++)
        if (codes[i].code == code) return codes[i].words;
    return code == 0 ? KB_LINK_NOTHING : "Operation not permitted";
}
