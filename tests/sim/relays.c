/* The small services: diagnostics_relay, mobileactivationd, heartbeat, misagent (protocol.md 6.4 to 6.6). */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool send_free(struct sim_stream *stream, plist_t message) {
    bool ok = sim_write_plist(stream, message, false) && sim_flush(stream);
    plist_free(message);
    return ok;
}

static plist_t status(const char *text) {
    plist_t dict = plist_new_dict();
    sim_put_str(dict, "Status", text);
    return dict;
}

/* --- diagnostics_relay --- */

enum after { GO_ON, ENDS, RESTARTS, SHUTS_DOWN };

static plist_t gestalt_value(struct sim_device *dev, const char *key) {
    if (strcmp(key, "PasswordConfigured") == 0) return plist_new_bool(dev->passcode_set);
    if (strcmp(key, "UniqueDeviceID") == 0) return plist_new_string(dev->udid);
    if (strcmp(key, "SerialNumber") == 0) return plist_new_string(dev->serial);
    if (strcmp(key, "ProductType") == 0) return plist_new_string(dev->product_type);
    if (strcmp(key, "ProductVersion") == 0) return plist_new_string(dev->os);
    return NULL;
}

static plist_t gestalt(struct sim_device *dev, plist_t request) {
    plist_t reply = status("Success"), diagnostics = plist_new_dict(), answer = plist_new_dict();
    plist_t keys = plist_dict_get_item(request, "MobileGestaltKeys");
    bool deprecated = sim_os_at_least(dev, 17, 4);
    sim_put_str(answer, "Status", deprecated ? "MobileGestaltDeprecated" : "Success");
    for (uint32_t i = 0; !deprecated && sim_is(keys, PLIST_ARRAY) && i < plist_array_get_size(keys); i++) {
        plist_t key = plist_array_get_item(keys, i);
        const char *name = sim_is(key, PLIST_STRING) ? plist_get_string_ptr(key, NULL) : NULL;
        plist_t value = name ? gestalt_value(dev, name) : NULL;
        if (value) plist_dict_set_item(answer, name, value);
    }
    plist_dict_set_item(diagnostics, "MobileGestalt", answer);
    plist_dict_set_item(reply, "Diagnostics", diagnostics);
    return reply;
}

static plist_t registry(struct sim_device *dev) {
    plist_t reply = status("Success"), diagnostics = plist_new_dict(), battery = plist_new_dict();
    sim_put_uint(battery, "CurrentCapacity", (uint64_t)dev->battery_pct);
    sim_put_uint(battery, "MaxCapacity", 100);
    sim_put_uint(battery, "AppleRawCurrentCapacity", (uint64_t)dev->battery_pct * 28);
    sim_put_uint(battery, "AppleRawMaxCapacity", 2800);
    sim_put_uint(battery, "DesignCapacity", 3100);
    sim_put_uint(battery, "NominalChargeCapacity", 2850);
    sim_put_uint(battery, "CycleCount", 211);
    sim_put_uint(battery, "Temperature", 2980);
    sim_put_uint(battery, "Voltage", 4012);
    sim_put_bool(battery, "IsCharging", true);
    sim_put_bool(battery, "FullyCharged", dev->battery_pct >= 100);
    sim_put_bool(battery, "ExternalConnected", true);
    sim_put_bool(battery, "BatteryInstalled", true);
    sim_put_bool(battery, "AtCriticalLevel", false);
    sim_put_bool(battery, "AtWarnLevel", false);
    sim_put_str(battery, "Serial", "F5DSIMBATTERY");
    plist_dict_set_item(diagnostics, "IORegistry", battery);
    plist_dict_set_item(reply, "Diagnostics", diagnostics);
    return reply;
}

/* From iOS 15.1 a restart needs an unlocked device (protocol.md 6.4). */
static plist_t restart(struct sim_device *dev, const char *name, enum after *after) {
    pthread_mutex_lock(&dev->lock);
    bool locked = sim_is_locked(dev);
    pthread_mutex_unlock(&dev->lock);
    if (sim_os_at_least(dev, 15, 1) && locked) return status("Failure");
    *after = strcmp(name, "Restart") == 0 ? RESTARTS : SHUTS_DOWN;
    return status("Success");
}

static plist_t diagnostics_answer(struct sim_stream *stream, plist_t request, enum after *after) {
    struct sim_device *dev = sim_stream_device(stream);
    const char *name = sim_str(request, "Request"), *service = sim_stream_service(stream);
    if (!name) return sim_bad(dev, service, "no Request in it"), status("UnknownRequest");
    sim_saw(dev, service, "%s", name);
    if (strcmp(name, "Restart") == 0 || strcmp(name, "Shutdown") == 0) return restart(dev, name, after);
    if (strcmp(name, "Sleep") == 0) return status("Success");
    if (strcmp(name, "Goodbye") == 0) return *after = ENDS, status("Success");
    if (strcmp(name, "MobileGestalt") == 0) return gestalt(dev, request);
    if (strcmp(name, "IORegistry") == 0) return registry(dev);
    if (strcmp(name, "All") == 0 || strcmp(name, "GasGauge") == 0) return registry(dev);
    sim_refuse(dev, service, name);
    return status("UnknownRequest");
}

/* After a restart a device with a passcode is before its first unlock. */
static void do_restart(struct sim_device *dev) {
    pthread_mutex_lock(&dev->lock);
    enum sim_phase phase = dev->phase == SIM_ASSISTANT ? SIM_ASSISTANT : dev->passcode_set ? SIM_BFU : SIM_NORMAL;
    dev->locked = dev->passcode_set;
    pthread_mutex_unlock(&dev->lock);
    sim_reboot(dev, phase);
}

void sim_serve_diagnostics(struct sim_stream *stream) {
    struct sim_device *dev = sim_stream_device(stream);
    enum after after = GO_ON, pending = GO_ON;
    bool ok = true;
    for (plist_t request; ok && after != ENDS && (request = sim_read_plist(stream)) != NULL; plist_free(request)) {
        ok = send_free(stream, diagnostics_answer(stream, request, &after));
        if (after == RESTARTS || after == SHUTS_DOWN) {
            pending = after;
            ok = ok && sim_true(request, "WaitForDisconnect");
        }
    }
    if (pending == RESTARTS) do_restart(dev);
    if (pending == SHUTS_DOWN) sim_detach(dev);
}

/* --- mobileactivationd: one request a connection --- */

static plist_t activation_answer(struct sim_device *dev, const char *service, const char *command) {
    plist_t reply = plist_new_dict(), value = NULL;
    if (strcmp(command, "GetActivationStateRequest") == 0) {
        value = plist_new_string(sim_word(dev, "activation_state", dev->activated ? "Activated" : "Unactivated"));
    } else if (strcmp(command, "CreateTunnel1SessionInfoRequest") == 0) {
        value = plist_new_dict();
        sim_put_data(value, "HandshakeRequestMessage", "simulated handshake", 19);
        sim_put_str(value, "UniqueDeviceID", dev->udid);
    } else if (strcmp(command, "CreateTunnel1ActivationInfoRequest") == 0) {
        value = plist_new_dict();
        sim_put_data(value, "ActivationInfoXML", "simulated activation info", 25);
    } else if (strcmp(command, "HandleActivationInfoWithSessionRequest") == 0 ||
               strcmp(command, "HandleActivationInfoRequest") == 0) {
        dev->activated = true;
    } else if (strcmp(command, "DeactivateRequest") == 0) {
        dev->activated = false;
    } else {
        sim_put_str(reply, "Error", "The command is not known");
        sim_log(dev->sim, "%s %s: unknown %s", dev->name, service, command);
    }
    if (value) plist_dict_set_item(reply, "Value", value);
    return reply;
}

void sim_serve_activation(struct sim_stream *stream) {
    struct sim_device *dev = sim_stream_device(stream);
    const char *service = sim_stream_service(stream);
    plist_t request = sim_read_plist(stream);
    const char *command = sim_str(request, "Command");
    if (request && !command) sim_bad(dev, service, "no Command in it");
    if (command) {
        sim_saw(dev, service, "%s", command);
        pthread_mutex_lock(&dev->lock);
        plist_t reply = activation_answer(dev, service, command);
        pthread_cond_broadcast(&dev->changed);
        pthread_mutex_unlock(&dev->lock);
        send_free(stream, reply);
    }
    plist_free(request);
}

/* --- heartbeat --- */

void sim_serve_heartbeat(struct sim_stream *stream) {
    struct sim_device *dev = sim_stream_device(stream);
    for (bool ok = true; ok;) {
        plist_t marco = plist_new_dict();
        sim_put_str(marco, "Command", "Marco");
        sim_put_uint(marco, "Interval", 10);
        if (!send_free(stream, marco)) break;
        plist_t polo = sim_read_plist(stream);
        const char *command = sim_str(polo, "Command");
        ok = command && strcmp(command, "Polo") == 0;
        if (polo && !ok) sim_bad(dev, sim_stream_service(stream), "not the answer Polo");
        plist_free(polo);
        if (ok && sim_stream_wait(stream, -1, 10000) < 0) break;
    }
}

/* --- misagent: provisioning profiles --- */

static plist_t provisioning_profiles(struct sim_device *dev) {
    plist_t list = plist_new_array();
    const json_t *wanted = json_object_get(json_object_get(dev->scenario, "x"), "provisioning");
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        plist_t data = sim_from_json(json_array_get(wanted, i));
        if (sim_is(data, PLIST_DATA))
            plist_array_append_item(list, data);
        else
            plist_free(data);
    }
    return list;
}

static plist_t misagent_answer(struct sim_stream *stream, plist_t request) {
    struct sim_device *dev = sim_stream_device(stream);
    const char *type = sim_str(request, "MessageType"), *profile = sim_str(request, "ProfileType");
    const char *service = sim_stream_service(stream);
    plist_t reply = plist_new_dict();
    sim_saw(dev, service, "%s", type ? type : "(none)");
    if (!type || !profile || strcmp(profile, "Provisioning") != 0)
        sim_bad(dev, service, "no MessageType or no ProfileType Provisioning");
    if (type && (strcmp(type, "Copy") == 0 || strcmp(type, "CopyAll") == 0)) {
        plist_dict_set_item(reply, "Payload", provisioning_profiles(dev));
        sim_put_uint(reply, "Status", 0);
    } else {
        sim_refuse(dev, service, type ? type : "no MessageType in it");
        sim_put_uint(reply, "Status", 0xe8008001); /* the profile is not valid */
    }
    return reply;
}

void sim_serve_misagent(struct sim_stream *stream) {
    bool ok = true;
    for (plist_t request; ok && (request = sim_read_plist(stream)) != NULL; plist_free(request))
        ok = send_free(stream, misagent_answer(stream, request));
}
