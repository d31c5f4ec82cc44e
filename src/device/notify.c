/*
 * notification_proxy on a stream of ours. libimobiledevice's client reads on a thread of its own with half-second
 * time-outs and a second of sleep between them, makes every post wait for that lock, and loses bytes at a time-out over
 * TLS; here the transfer's own waiting looks at the stream a few times a second, and there is no thread.
 */
#include "notify.h"

#include "node.h"
#include <string.h>

#define SERVICE "com.apple.mobile.notification_proxy"
enum { NOTE_MAX = 64 * 1024, SEND_MS = 5000 };

static const char *const observed[] = {KB_NOTE_CANCEL,
                                       "com.apple.itunes-client.syncSuspendRequest",
                                       "com.apple.itunes-client.syncResumeRequest",
                                       "com.apple.mobile.backup.domain_changed",
                                       KB_NOTE_PASSCODE_ASKED,
                                       KB_NOTE_PASSCODE_ANSWERED};

static struct kb_result command(struct kb_notify *notify, const char *verb, const char *name) {
    plist_t dict = plist_new_dict();

    plist_dict_set_item(dict, "Command", plist_new_string(verb));
    if (name) plist_dict_set_item(dict, "Name", plist_new_string(name));
    struct kb_result res = kb_frame_put(notify->service.stream, dict, false);
    plist_free(dict);
    return res;
}

static struct kb_result send_now(struct kb_notify *notify) {
    kb_stream_deadline(notify->service.stream, kb_clock_ms() + SEND_MS);
    return kb_stream_flush(notify->service.stream);
}

struct kb_result kb_notify_open(struct kb_lockdown *lockdown, struct kb_notify *out) {
    struct kb_result res = kb_lockdown_connect(lockdown, SERVICE, false, &out->service);

    for (size_t i = 0; i < KB_ARRAY_SIZE(observed) && !kb_failed(&res); i++)
        res = command(out, "ObserveNotification", observed[i]);
    if (!kb_failed(&res)) res = send_now(out);
    if (kb_failed(&res)) kb_service_close(&out->service);
    return res;
}

struct kb_result kb_notify_post(struct kb_notify *notify, const char *name) {
    if (!notify->service.stream) return kb_ok();
    struct kb_result res = command(notify, "PostNotification", name);
    return kb_failed(&res) ? res : send_now(notify);
}

void kb_notify_poll(struct kb_notify *notify, void (*each)(void *arg, const char *name), void *arg) {
    bool broken = false;

    while (notify->service.stream && !broken) {
        plist_t message = kb_frame_try(notify->service.stream, NOTE_MAX, &broken);
        const char *name = kb_node_text(kb_node_get(message, "Name"));

        if (broken) kb_service_close(&notify->service);
        if (!message) break;
        if (name && kb_streq(kb_node_text(kb_node_get(message, "Command")), "RelayNotification")) each(arg, name);
        plist_free(message);
    }
}

void kb_notify_close(struct kb_notify *notify) {
    if (notify->service.stream) {
        struct kb_result res = command(notify, "Shutdown", NULL);
        if (!kb_failed(&res)) res = send_now(notify); /* courtesy; the answer, ProxyDeath, tells nothing */
        (void)res;
    }
    kb_service_close(&notify->service);
}
