/* lockdownd (protocol.md 2): values, pairing, session with TLS, services. One connection, one session at most. */
#include "parts.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVICE_MAX_OPEN = 12 };

struct lockdown {
    struct sim_stream *stream;
    struct sim_device *dev;
    int pairing; /* of the session; -1: no session */
    char session_id[40];
    bool start_tls, stop_tls; /* after the reply has gone */
};

static const char service_name[] = "lockdown";

static plist_t reply_new(plist_t request, const char *error) {
    static const char *const echoed[] = {"Domain", "Key", "Service"};
    plist_t reply = plist_new_dict();
    sim_put_str(reply, "Request", sim_str(request, "Request"));
    for (size_t i = 0; i < 3; i++) sim_put_str(reply, echoed[i], sim_str(request, echoed[i]));
    sim_put_str(reply, "Error", error);
    return reply;
}

/* The host is at fault, not the moment. */
static plist_t refuse(struct lockdown *lock, plist_t request, const char *error, const char *why) {
    sim_refuse(lock->dev, service_name, why);
    return reply_new(request, error);
}

static bool of_type(plist_t request, const char *key, plist_type type) {
    plist_t node = plist_dict_get_item(request, key);
    return !node || plist_get_node_type(node) == type;
}

static bool in_restore_mode(struct sim_device *dev) {
    pthread_mutex_lock(&dev->lock);
    bool restore = dev->phase == SIM_RESTORE_MODE;
    pthread_mutex_unlock(&dev->lock);
    return restore;
}

static plist_t query_type(struct lockdown *lock, plist_t request) {
    plist_t reply = reply_new(request, NULL);
    bool restore = in_restore_mode(lock->dev);
    sim_put_str(reply, "Type", restore ? "com.apple.mobile.restored" : "com.apple.mobile.lockdown");
    if (restore) sim_put_uint(reply, "RestoreProtocolVersion", 15);
    return reply;
}

static plist_t get_value(struct lockdown *lock, plist_t request) {
    const char *error = NULL;
    if (!of_type(request, "Domain", PLIST_STRING) || !of_type(request, "Key", PLIST_STRING))
        return refuse(lock, request, "InvalidResponse", "GetValue: Domain or Key is no string");
    pthread_mutex_lock(&lock->dev->lock);
    plist_t value =
        sim_value_get(lock->dev, lock->pairing >= 0, sim_str(request, "Domain"), sim_str(request, "Key"), &error);
    pthread_mutex_unlock(&lock->dev->lock);
    plist_t reply = reply_new(request, error);
    if (value) plist_dict_set_item(reply, "Value", value);
    return reply;
}

static plist_t set_or_remove(struct lockdown *lock, plist_t request, plist_t value) {
    struct sim_device *dev = lock->dev;
    pthread_mutex_lock(&dev->lock);
    const char *error =
        sim_value_set(dev, lock->pairing >= 0, sim_str(request, "Domain"), sim_str(request, "Key"), value);
    pthread_mutex_unlock(&dev->lock);
    plist_t reply = reply_new(request, error);
    if (value && !error) plist_dict_set_item(reply, "Value", plist_copy(value));
    return reply;
}

static plist_t set_value(struct lockdown *lock, plist_t request) {
    plist_t value = plist_dict_get_item(request, "Value");
    if (!value) return refuse(lock, request, "MissingValue", "SetValue without Value");
    return set_or_remove(lock, request, value);
}

static plist_t remove_value(struct lockdown *lock, plist_t request) { return set_or_remove(lock, request, NULL); }

static plist_t pair(struct lockdown *lock, plist_t request) {
    plist_t version = plist_dict_get_item(request, "ProtocolVersion");
    if (version && (!sim_is(version, PLIST_STRING) || strcmp(plist_get_string_ptr(version, NULL), "2") != 0))
        return refuse(lock, request, "InvalidPairRecord", "ProtocolVersion is not the string 2");
    pthread_mutex_lock(&lock->dev->lock);
    plist_t reply = sim_pair_answer(lock->dev, sim_str(request, "Request"), request);
    pthread_mutex_unlock(&lock->dev->lock);
    return reply;
}

/* --- session --- */

static const char *session_open(struct lockdown *lock, const char *host_id) {
    struct sim_device *dev = lock->dev;
    const char *error = NULL;
    pthread_mutex_lock(&dev->lock);
    if (dev->own->record_pending) sim_host_record_make(dev);
    int pairing = sim_pairing_find(dev, host_id);
    if (dev->phase == SIM_BFU)
        error = "PasswordProtected"; /* records are sealed until the first unlock */
    else if (pairing < 0)
        error = "InvalidHostID";
    else
        lock->pairing = pairing;
    pthread_mutex_unlock(&dev->lock);
    return error;
}

static plist_t start_session(struct lockdown *lock, plist_t request) {
    const char *host_id = sim_str(request, "HostID");
    unsigned char b[16];
    if (!host_id) return refuse(lock, request, "MissingHostID", "StartSession without HostID");
    if (lock->pairing >= 0) return refuse(lock, request, "SessionActive", "StartSession inside a session");
    const char *error = session_open(lock, host_id);
    plist_t reply = reply_new(request, error);
    if (error) return reply;
    RAND_bytes(b, sizeof b);
    snprintf(lock->session_id, sizeof lock->session_id,
             "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", b[0], b[1], b[2], b[3], b[4], b[5],
             b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    lock->start_tls = sim_switch(lock->dev, "session_ssl", true);
    sim_put_str(reply, "SessionID", lock->session_id);
    sim_put_bool(reply, "EnableSessionSSL", lock->start_tls);
    return reply;
}

static plist_t stop_session(struct lockdown *lock, plist_t request) {
    const char *id = sim_str(request, "SessionID");
    if (!id) return refuse(lock, request, "MissingSessionID", "StopSession without SessionID");
    if (lock->pairing < 0) return refuse(lock, request, "SessionInactive", "StopSession without a session");
    if (strcmp(id, lock->session_id) != 0)
        return refuse(lock, request, "InvalidSessionID", "StopSession of another session");
    lock->pairing = -1;
    lock->stop_tls = true;
    plist_t reply = reply_new(request, NULL);
    sim_put_str(reply, "Result", "Success");
    return reply;
}

/* --- services --- */

static const char *may_start_without_session(struct sim_device *dev, const struct sim_service *service) {
    if (!(service->needs & WITHOUT_SESSION)) return "InvalidService";
    return sim_is_locked(dev) ? "PasswordProtected" : NULL;
}

/* The 32 bytes of pairing; NULL: right or absent. */
static const char *escrow_error(struct lockdown *lock, plist_t request, bool *wrong) {
    struct sim_device *dev = lock->dev;
    uint64_t size = 0;
    const char *bag = sim_data(request, "EscrowBag", &size);
    if (!bag) return dev->phase == SIM_BFU ? "PasswordProtected" : NULL;
    if (dev->phase == SIM_BFU) return "MissingValue";
    *wrong = size != 32 || memcmp(bag, dev->own->pairings[lock->pairing].escrow, 32) != 0;
    return *wrong ? "EscrowLocked" : NULL;
}

static int open_ports(struct sim_device *dev, const struct sim_service *service) {
    int count = 0;
    for (int i = 0; i < dev->own->port_count; i++) count += dev->own->ports[i].service == service;
    for (struct sim_stream *s = dev->own->streams; s; s = *sim_stream_next(s))
        count += strcmp(sim_stream_service(s), service->name) == 0;
    return count;
}

/* Not one that is just ending: who holds it lives, and somebody else wants it too. */
static void note_doubled(struct sim_device *dev) {
    for (struct sim_stream *s = dev->own->streams; s; s = *sim_stream_next(s))
        if (!strcmp(sim_stream_service(s), "com.apple.mobilebackup2") && sim_stream_host_is_there(s)) dev->doubled++;
}

static const char *may_start(struct lockdown *lock, const struct sim_service *service, plist_t request, bool *wrong) {
    struct sim_device *dev = lock->dev;
    if (lock->pairing < 0) return may_start_without_session(dev, service);
    const char *error = escrow_error(lock, request, wrong);
    if (error) return error;
    if ((service->needs & NEEDS_ACTIVATED) && !dev->activated)
        return sim_word(dev, "unactivated_error", "InvalidService");
    if ((service->needs & NEEDS_UNLOCKED_ONCE) && dev->phase == SIM_BFU) return "PasswordProtected";
    if ((service->needs & ONE_AT_A_TIME) && dev->phase == SIM_ASSISTANT && !dev->at_restore_pane &&
        sim_switch(dev, "restore_pane_required", false))
        return "InvalidService";
    if (service->needs & ONE_AT_A_TIME) note_doubled(dev);
    if ((service->needs & ONE_AT_A_TIME) && dev->own->backup_running) return "ServiceLimit";
    return open_ports(dev, service) >= SERVICE_MAX_OPEN ? "ServiceLimit" : NULL;
}

/* A port that nobody connected to is given up after a while. */
static void ports_expire(struct sim_own *own) {
    for (int i = own->port_count; i-- > 0;)
        if (sim_now_ms() - own->ports[i].opened_ms > 60000) own->ports[i] = own->ports[--own->port_count];
}

static uint16_t port_open(struct lockdown *lock, const struct sim_service *service, bool tls) {
    struct sim_own *own = lock->dev->own;
    if (own->port_count == SIM_MAX_PORTS) own->ports[0] = own->ports[--own->port_count];
    if (own->next_port < 49152 || own->next_port == 65535) own->next_port = 49152;
    struct sim_port *port = &own->ports[own->port_count++];
    *port = (struct sim_port){own->next_port++, service, lock->pairing, tls, sim_now_ms()};
    return port->number;
}

static plist_t start_service(struct lockdown *lock, plist_t request) {
    struct sim_device *dev = lock->dev;
    const char *name = sim_str(request, "Service");
    bool wrong = false, tls = false;
    uint16_t number = 0;
    if (!name) return refuse(lock, request, "MissingService", "StartService without Service");
    if (!of_type(request, "EscrowBag", PLIST_DATA))
        return refuse(lock, request, "InvalidService", "EscrowBag is no data");
    const struct sim_service *service = sim_service_find(name);
    if (!service) return reply_new(request, "InvalidService");
    pthread_mutex_lock(&dev->lock);
    ports_expire(dev->own);
    const char *error = may_start(lock, service, request, &wrong);
    if (!error) {
        tls = lock->pairing >= 0 && sim_switch(dev, "service_ssl", true);
        number = port_open(lock, service, tls);
    }
    pthread_mutex_unlock(&dev->lock);
    if (wrong) sim_refuse(dev, service_name, "StartService with a wrong EscrowBag");
    plist_t reply = reply_new(request, error);
    if (error) return reply;
    sim_put_uint(reply, "Port", number);
    if (tls) sim_put_bool(reply, "EnableServiceSSL", true);
    return reply;
}

/* --- the rest --- */

static plist_t echo(struct lockdown *lock, plist_t request) { return (void)lock, reply_new(request, NULL); }
static plist_t reset_pairing(struct lockdown *lock, plist_t request) {
    return (void)lock, reply_new(request, "RemoveProhibited");
}

static plist_t deactivate(struct lockdown *lock, plist_t request) {
    pthread_mutex_lock(&lock->dev->lock);
    bool locked_to_owner = lock->dev->find_my;
    if (!locked_to_owner) lock->dev->activated = false;
    pthread_mutex_unlock(&lock->dev->lock);
    return reply_new(request, locked_to_owner ? "FMiPProtected" : NULL);
}

static const struct {
    const char *name;
    bool needs_session;
    plist_t (*answer)(struct lockdown *lock, plist_t request);
} requests[] = {
    {"QueryType", false, query_type},
    {"GetValue", false, get_value},
    {"SetValue", false, set_value},
    {"RemoveValue", false, remove_value},
    {"Pair", false, pair},
    {"ValidatePair", false, pair},
    {"Unpair", false, pair},
    {"StartSession", false, start_session},
    {"StopSession", false, stop_session},
    {"StartService", false, start_service},
    {"Goodbye", false, echo},
    {"EnterRecovery", true, echo},
    {"Activate", true, echo},
    {"Deactivate", true, deactivate},
    {"ResetPairing", true, reset_pairing},
};

static plist_t answer(struct lockdown *lock, plist_t request, const char *name) {
    if (strcmp(name, "QueryType") != 0 && in_restore_mode(lock->dev)) return reply_new(request, "InvalidService");
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (strcmp(name, requests[i].name) != 0) continue;
        if (requests[i].needs_session && lock->pairing < 0) return reply_new(request, "SessionInactive");
        return requests[i].answer(lock, request);
    }
    return refuse(lock, request, "InvalidRequest", "a request that lockdownd does not know");
}

static void note(struct lockdown *lock, plist_t request, const char *name) {
    const char *domain = sim_str(request, "Domain"), *key = sim_str(request, "Key"),
               *service = sim_str(request, "Service");
    sim_saw(lock->dev, service_name, "%s%s%s%s%s%s%s%s", name, domain ? " " : "", domain ? domain : "", key ? " " : "",
            key ? key : "", service ? " " : "", service ? service : "",
            plist_dict_get_item(request, "EscrowBag") ? " +escrow" : "");
}

/* A fault may answer in our place: an error name, or what it does itself. */
static enum sim_fault_effect fault(struct lockdown *lock, plist_t request, const char *name, plist_t *reply) {
    struct sim_fault *fired = NULL;
    enum sim_fault_effect effect = sim_fault_point(lock->stream, service_name, name, false, &fired);
    if (effect == SIM_GO_ON && fired && fired->action == SIM_FAULT_ERROR)
        *reply = reply_new(request, fired->text[0] ? fired->text : "MissingValue");
    return effect;
}

static bool after_reply(struct lockdown *lock) {
    if (lock->start_tls) {
        lock->start_tls = false;
        pthread_mutex_lock(&lock->dev->lock);
        SSL_CTX *ctx = sim_pairing_tls(lock->dev, lock->pairing);
        pthread_mutex_unlock(&lock->dev->lock);
        bool ok = ctx && sim_stream_tls(lock->stream, ctx);
        SSL_CTX_free(ctx);
        /* A device that forgot the host may finish the handshake and close at once (protocol.md 2.7). */
        return ok && sim_fault_point(lock->stream, service_name, "SessionStarted", true, NULL) != SIM_STOP;
    }
    return sim_flush(lock->stream);
}

static bool handle(struct lockdown *lock, plist_t request) {
    const char *name = sim_str(request, "Request");
    plist_t reply = NULL;
    if (!name || !of_type(request, "Label", PLIST_STRING)) {
        sim_bad(lock->dev, service_name, "no Request in it, or a Label that is no string");
        return false;
    }
    note(lock, request, name);
    enum sim_fault_effect effect = fault(lock, request, name, &reply);
    if (effect == SIM_STOP) return false;
    if (effect == SIM_REPLACED) return true;
    if (!reply) reply = answer(lock, request, name);
    const char *error = sim_str(reply, "Error");
    if (error) sim_log(lock->dev->sim, "%s lockdown: %s -> %s", lock->dev->name, name, error);
    bool ok = sim_write_plist(lock->stream, reply, false) && after_reply(lock);
    plist_free(reply);
    return ok && strcmp(name, "Goodbye") != 0;
}

/* After StopSession the host ends TLS and may go on in clear. */
static bool next_in_clear(struct lockdown *lock) {
    if (!lock->stop_tls || !sim_stream_closed_by_host(lock->stream)) return false;
    lock->stop_tls = false;
    sim_stream_clear(lock->stream);
    return true;
}

void sim_serve_lockdown(struct sim_stream *stream) {
    struct sim_device *dev = sim_stream_device(stream);
    struct lockdown lock = {.stream = stream, .dev = dev, .pairing = -1};
    int64_t idle_ms = 1000 * sim_number(dev, "lockdown_idle_s", 30);
    for (bool go_on = true; go_on;) {
        if (sim_stream_wait(stream, -1, idle_ms) <= 0) break;
        plist_t request = sim_read_plist(stream);
        if (!request) {
            go_on = next_in_clear(&lock);
            continue;
        }
        go_on = sim_is(request, PLIST_DICT) && handle(&lock, request);
        plist_free(request);
    }
}
