/* notification_proxy, both kinds (protocol.md 6.3): observe, post, relay. The insecure one tells only lockdown's own
 * names. */
#define _GNU_SOURCE
#include "parts.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64, QUEUE_MAX = 64 };

struct np_client {
    struct sim_stream *stream;
    struct np_client *next;
    bool insecure;
    int wake[2];
    char *names[NAMES_MAX], *queue[QUEUE_MAX];
    int name_count, queue_count;
};

static bool observes(const struct np_client *client, const char *name) {
    for (int i = 0; i < client->name_count; i++)
        if (strcmp(client->names[i], name) == 0) return true;
    return false;
}

void sim_np_post(struct sim_device *dev, const char *name, bool insecure_too) {
    pthread_mutex_lock(&dev->own->np_lock);
    for (struct np_client *client = dev->own->observers; client; client = client->next) {
        if (!observes(client, name) || client->queue_count == QUEUE_MAX || (client->insecure && !insecure_too))
            continue;
        client->queue[client->queue_count++] = strdup(name);
        sim_wake(client->wake[1]);
    }
    pthread_mutex_unlock(&dev->own->np_lock);
}

void sim_notify(struct sim_device *dev, const char *notification) { sim_np_post(dev, notification, false); }

static void join(struct np_client *client, struct sim_own *own) {
    pthread_mutex_lock(&own->np_lock);
    client->next = own->observers;
    own->observers = client;
    pthread_mutex_unlock(&own->np_lock);
}

static void leave(struct np_client *client, struct sim_own *own) {
    pthread_mutex_lock(&own->np_lock);
    struct np_client **at = &own->observers;
    while (*at && *at != client) at = &(*at)->next;
    if (*at) *at = client->next;
    pthread_mutex_unlock(&own->np_lock);
    for (int i = 0; i < client->name_count; i++) free(client->names[i]);
    for (int i = 0; i < client->queue_count; i++) free(client->queue[i]);
    sim_socket_close(client->wake[0]);
    sim_socket_close(client->wake[1]);
}

static char *queue_take(struct np_client *client, struct sim_own *own) {
    char *name = NULL;
    pthread_mutex_lock(&own->np_lock);
    if (client->queue_count > 0) {
        name = client->queue[0];
        memmove(client->queue, client->queue + 1, (size_t)--client->queue_count * sizeof *client->queue);
    }
    pthread_mutex_unlock(&own->np_lock);
    return name;
}

static bool send_command(struct np_client *client, const char *command, const char *name) {
    plist_t dict = plist_new_dict();
    sim_put_str(dict, "Command", command);
    sim_put_str(dict, "Name", name);
    bool ok = sim_write_plist(client->stream, dict, false) && sim_flush(client->stream);
    plist_free(dict);
    return ok;
}

static bool relay(struct np_client *client, struct sim_own *own) {
    char *name;
    bool ok = true;
    sim_wake_heard(client->wake[0]);
    while (ok && (name = queue_take(client, own)) != NULL) {
        ok = send_command(client, "RelayNotification", name);
        free(name);
    }
    return ok;
}

static void observe(struct np_client *client, struct sim_own *own, const char *name) {
    pthread_mutex_lock(&own->np_lock);
    if (client->name_count < NAMES_MAX && !observes(client, name)) client->names[client->name_count++] = strdup(name);
    pthread_mutex_unlock(&own->np_lock);
}

static bool handle(struct np_client *client, struct sim_device *dev, plist_t request) {
    const char *command = sim_str(request, "Command"), *name = sim_str(request, "Name");
    const char *service = sim_stream_service(client->stream);
    struct sim_fault *fired = NULL;
    if (!command) return sim_bad(dev, service, "no Command in it"), false;
    sim_saw(dev, service, "%s %s", command, name ? name : "");
    if (sim_fault_point(client->stream, service, command, false, &fired) == SIM_STOP) return false;
    if (strcmp(command, "Shutdown") == 0) return send_command(client, "ProxyDeath", NULL), false;
    if (!name) return sim_bad(dev, service, "no Name in it"), false;
    if (strcmp(command, "ObserveNotification") == 0) return observe(client, dev->own, name), true;
    if (strcmp(command, "PostNotification") != 0)
        return sim_bad(dev, service, "a Command that it does not know"), false;
    sim_np_post(dev, name, false);
    return true;
}

static void serve(struct sim_stream *stream, bool insecure) {
    struct sim_device *dev = sim_stream_device(stream);
    struct np_client client = {.stream = stream, .insecure = insecure};
    if (!sim_wake_make(client.wake)) return;
    join(&client, dev->own);
    for (bool go_on = true; go_on;) {
        int what = sim_stream_wait(stream, client.wake[0], -1);
        if (what < 0) break;
        if (what == 2) {
            go_on = relay(&client, dev->own);
            continue;
        }
        plist_t request = sim_read_plist(stream);
        go_on = request && handle(&client, dev, request);
        plist_free(request);
    }
    leave(&client, dev->own);
}

void sim_serve_np(struct sim_stream *stream) { serve(stream, false); }
void sim_serve_np_insecure(struct sim_stream *stream) { serve(stream, true); }
