/* Scripted faults: at the k-th message of a kind, or after so many bytes of a service, once (protocol.md 10.2). */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum sim_fault_action action;
} actions[] = {{"unplug", SIM_FAULT_UNPLUG},
               {"silence", SIM_FAULT_SILENCE},
               {"drop-tls", SIM_FAULT_DROP_TLS},
               {"garbage", SIM_FAULT_GARBAGE},
               {"error", SIM_FAULT_ERROR},
               {"hostile-name", SIM_FAULT_HOSTILE_NAME},
               {"hostile-size", SIM_FAULT_HOSTILE_SIZE},
               {"plist-bomb", SIM_FAULT_PLIST_BOMB},
               {"slow", SIM_FAULT_SLOW}};

static const char *const fault_keys[] = {"action", "service", "message",   "at_message", "after_bytes",
                                         "value",  "text",    "replug_ms", NULL};

static bool known_key(const char *key) {
    for (int i = 0; fault_keys[i]; i++)
        if (strcmp(key, fault_keys[i]) == 0) return true;
    return false;
}

static bool action_parse(const char *name, enum sim_fault_action *out) {
    for (size_t i = 0; name && i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(actions[i].name, name) != 0) continue;
        *out = actions[i].action;
        return true;
    }
    return false;
}

bool sim_fault_parse(const json_t *json, struct sim_fault *out, char *why, size_t why_size) {
    const char *key;
    json_t *value;
    memset(out, 0, sizeof *out);
    if (!json_is_object(json)) return snprintf(why, why_size, "A fault is a JSON object"), false;
    json_object_foreach((json_t *)json, key, value) {
        if (known_key(key)) continue;
        snprintf(why, why_size, "A fault has no key \"%s\"", key);
        return false;
    }
    if (!action_parse(json_string_value(json_object_get(json, "action")), &out->action)) {
        snprintf(why, why_size, "A fault needs an \"action\" that phonesim knows");
        return false;
    }
    sim_copy(out->service, sizeof out->service, json_string_value(json_object_get(json, "service")));
    sim_copy(out->message, sizeof out->message, json_string_value(json_object_get(json, "message")));
    sim_copy(out->text, sizeof out->text, json_string_value(json_object_get(json, "text")));
    out->at_message = json_integer_value(json_object_get(json, "at_message"));
    out->after_bytes = json_integer_value(json_object_get(json, "after_bytes"));
    out->value = json_integer_value(json_object_get(json, "value"));
    out->replug_ms = json_integer_value(json_object_get(json, "replug_ms"));
    if (out->at_message == 0 && out->after_bytes == 0) out->at_message = 1;
    return true;
}

bool sim_fault_add(struct sim_device *dev, const struct sim_fault *fault) {
    bool room = false;
    pthread_mutex_lock(&dev->lock);
    for (int i = 0; i < SIM_MAX_FAULTS && !room; i++) {
        if (i < dev->fault_count && !dev->faults[i].used) continue;
        dev->faults[i] = *fault;
        if (i >= dev->fault_count) dev->fault_count = i + 1;
        room = true;
    }
    pthread_mutex_unlock(&dev->lock);
    return room;
}

/* "lockdown" is short for lockdownd's own connection; an empty service fits all. */
static bool service_fits(const struct sim_fault *fault, const char *service) {
    return fault->service[0] == 0 || strcmp(fault->service, service) == 0;
}

/* Told before it acts: who waits for it may act at that very message. Lock held. */
static void use_up(struct sim_device *dev, struct sim_fault *fault, const char *service, const char *message) {
    fault->used = true;
    dev->own->faults_fired++;
    snprintf(dev->own->last_fault, sizeof dev->own->last_fault, "%s %s", service, message);
}

struct sim_fault *sim_fault_by_bytes(struct sim_device *dev, const char *service, int64_t from, int64_t to) {
    struct sim_fault *first = NULL;
    pthread_mutex_lock(&dev->lock);
    for (int i = 0; i < dev->fault_count; i++) {
        struct sim_fault *fault = &dev->faults[i];
        if (fault->used || fault->at_message != 0 || fault->after_bytes > to || !service_fits(fault, service)) continue;
        if (fault->after_bytes < from) fault->after_bytes = from; /* a fault added late acts at once */
        if (!first || fault->after_bytes < first->after_bytes) first = fault;
    }
    if (first) use_up(dev, first, service, "after_bytes");
    pthread_mutex_unlock(&dev->lock);
    return first;
}

static struct sim_fault *by_message(struct sim_device *dev, const char *service, const char *message) {
    struct sim_fault *fired = NULL;
    pthread_mutex_lock(&dev->lock);
    for (int i = 0; i < dev->fault_count && !fired; i++) {
        struct sim_fault *fault = &dev->faults[i];
        if (fault->used || fault->at_message == 0 || !service_fits(fault, service)) continue;
        if (fault->message[0] && strcmp(fault->message, message) != 0) continue;
        if (++fault->seen_messages < fault->at_message) continue;
        use_up(dev, fault, service, message);
        fired = fault;
    }
    pthread_mutex_unlock(&dev->lock);
    return fired;
}

enum { MESSAGES_MAX = 20000 };

static void note_message(struct sim_device *dev, const char *service, const char *message) {
    char what[128];
    snprintf(what, sizeof what, "%s %s", service, message);
    pthread_mutex_lock(&dev->lock);
    if (json_array_size(dev->own->messages) < MESSAGES_MAX)
        json_array_append_new(dev->own->messages, json_string(what));
    pthread_mutex_unlock(&dev->lock);
}

struct replug {
    struct sim_device *dev;
    int64_t ms;
};

static void *replug_later(void *arg) {
    struct replug *job = arg;
    sim_nap(job->ms);
    sim_attach(job->dev);
    free(job);
    return NULL;
}

static void pull_cable(struct sim_device *dev, int64_t replug_ms) {
    sim_detach(dev);
    if (replug_ms <= 0) return;
    struct replug *job = calloc(1, sizeof *job);
    *job = (struct replug){dev, replug_ms};
    sim_thread(replug_later, job);
}

static bool send_garbage(struct sim_stream *stream) {
    unsigned char junk[600];
    for (size_t i = 0; i < sizeof junk; i++) junk[i] = (unsigned char)(i * 131 + 7);
    junk[0] = junk[1] = 0; /* a believable length, so that a reader gets to the plist */
    junk[2] = 2;
    junk[3] = 0x54;
    return sim_flush(stream) && sim_stream_raw(stream, junk, sizeof junk);
}

/* 26 arrays, each of two references to the next: 142 bytes that expand to gigabytes in libplist. */
static bool send_bomb(struct sim_stream *stream) {
    unsigned char bomb[256] = "bplist00";
    enum { LEVELS = 26 };
    size_t n = 8, table;
    unsigned char offsets[LEVELS + 1];
    for (int i = 0; i < LEVELS; i++) {
        offsets[i] = (unsigned char)n;
        bomb[n++] = 0xa2;
        bomb[n++] = (unsigned char)(i + 1);
        bomb[n++] = (unsigned char)(i + 1);
    }
    offsets[LEVELS] = (unsigned char)n;
    bomb[n++] = 0x09;
    table = n;
    memcpy(bomb + n, offsets, sizeof offsets);
    n += sizeof offsets;
    unsigned char trailer[32] = {[6] = 1, [7] = 1, [15] = LEVELS + 1, [31] = (unsigned char)table};
    memcpy(bomb + n, trailer, sizeof trailer);
    n += sizeof trailer;
    unsigned char head[4] = {0, 0, 0, (unsigned char)n};
    return sim_flush(stream) && sim_stream_raw(stream, head, 4) && sim_stream_raw(stream, bomb, n);
}

enum sim_fault_effect sim_fault_do(struct sim_stream *stream, struct sim_fault *fault) {
    struct sim_device *dev = sim_stream_device(stream);
    sim_log(dev->sim, "%s %s: fault %d", dev->name, sim_stream_service(stream), (int)fault->action);
    switch (fault->action) {
    case SIM_FAULT_UNPLUG:
        pull_cable(dev, fault->replug_ms);
        return SIM_STOP;
    case SIM_FAULT_DROP_TLS:
        sim_stream_end(stream);
        return SIM_STOP;
    case SIM_FAULT_SILENCE:
        sim_flush(stream);
        sim_stream_silence(stream, fault->value);
        return SIM_GO_ON;
    case SIM_FAULT_SLOW:
        sim_stream_slow(stream, fault->value);
        return SIM_GO_ON;
    case SIM_FAULT_GARBAGE:
        return send_garbage(stream) ? SIM_REPLACED : SIM_STOP;
    case SIM_FAULT_PLIST_BOMB:
        return send_bomb(stream) ? SIM_REPLACED : SIM_STOP;
    default:
        return SIM_GO_ON; /* the service does it: it knows what a name or an error is there */
    }
}

enum sim_fault_effect sim_fault_point(struct sim_stream *stream, const char *service, const char *message,
                                      bool outgoing, struct sim_fault **fired) {
    struct sim_device *dev = sim_stream_device(stream);
    (void)outgoing;
    if (fired) *fired = NULL;
    note_message(dev, service, message);
    struct sim_fault *fault = by_message(dev, service, message);
    if (!fault) return SIM_GO_ON;
    if (fired) *fired = fault;
    return sim_fault_do(stream, fault);
}
