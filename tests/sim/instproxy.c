/* installation_proxy and springboardservices (protocol.md 6.1, 6.2): the apps of the scenario, and the agent. */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sixty pixels square, one colour. */
static const unsigned char icon_png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x3c, 0x00, 0x00, 0x00, 0x3c, 0x08, 0x02, 0x00, 0x00, 0x00, 0xb5, 0x9e, 0x4e, 0x25, 0x00, 0x00, 0x00, 0x49, 0x49,
    0x44, 0x41, 0x54, 0x78, 0xda, 0xed, 0xce, 0x01, 0x09, 0x00, 0x00, 0x08, 0x03, 0xb0, 0x17, 0xb2, 0x99, 0x9d, 0xad,
    0x62, 0x0b, 0x41, 0x18, 0x2c, 0xc0, 0x52, 0x3d, 0xef, 0x44, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a,
    0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a,
    0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0xfa, 0xc2, 0x02, 0xe4, 0xa4, 0xa8,
    0xad, 0xd2, 0x94, 0xd8, 0xfb, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

static plist_t blob(const char *kind, const char *bundle_id) {
    char text[256];
    snprintf(text, sizeof text, "%s of %s, simulated", kind, bundle_id);
    return plist_new_data(text, strlen(text));
}

/* iTunesMetadata is itself a plist, as XML in data. */
static plist_t store_metadata(const char *bundle_id, const char *name) {
    plist_t dict = plist_new_dict();
    char *xml = NULL;
    uint32_t size = 0;
    sim_put_str(dict, "softwareVersionBundleId", bundle_id);
    sim_put_str(dict, "itemName", name);
    sim_put_uint(dict, "itemId", 1000000 + strlen(bundle_id) * 131);
    plist_to_xml(dict, &xml, &size);
    plist_t data = plist_new_data(xml, size);
    free(xml);
    plist_free(dict);
    return data;
}

static plist_t app_plist(const char *bundle_id, const char *name, const char *version, const char *type) {
    plist_t app = plist_new_dict();
    char path[300];
    snprintf(path, sizeof path, "/private/var/containers/Bundle/Application/%s.app", name);
    sim_put_str(app, "ApplicationType", type);
    sim_put_str(app, "CFBundleIdentifier", bundle_id);
    sim_put_str(app, "CFBundleDisplayName", name);
    sim_put_str(app, "CFBundleName", name);
    sim_put_str(app, "CFBundleExecutable", name);
    sim_put_str(app, "CFBundleVersion", version);
    sim_put_str(app, "CFBundleShortVersionString", version);
    sim_put_str(app, "Container", "/private/var/mobile/Containers/Data/Application/simulated");
    sim_put_str(app, "Path", path);
    sim_put_str(app, "MinimumOSVersion", "14.0");
    if (strcmp(type, "User") == 0) {
        plist_dict_set_item(app, "ApplicationSINF", blob("SINF", bundle_id));
        plist_dict_set_item(app, "iTunesMetadata", store_metadata(bundle_id, name));
    }
    return app;
}

static const char *word(const json_t *object, const char *key, const char *otherwise) {
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : otherwise;
}

/* All apps: the scenario's, the agent when installed, a few of the system's. */
static plist_t all_apps(struct sim_device *dev) {
    static const char *const system_apps[][2] = {{"com.apple.mobilesafari", "Safari"},
                                                 {"com.apple.mobilephone", "Phone"},
                                                 {"com.apple.Preferences", "Settings"}};
    plist_t list = plist_new_array();
    pthread_mutex_lock(&dev->lock);
    for (size_t i = 0; i < json_array_size(dev->own->apps); i++) {
        const json_t *app = json_array_get(dev->own->apps, i);
        const char *id = word(app, "bundle_id", "com.example.app");
        plist_array_append_item(
            list, app_plist(id, word(app, "name", id), word(app, "version", "1.0"), word(app, "type", "User")));
    }
    if (dev->agent.installed)
        plist_array_append_item(list, app_plist(dev->agent.bundle_id, "MDM Agent", "8.1.0", "User"));
    pthread_mutex_unlock(&dev->lock);
    for (size_t i = 0; i < sizeof system_apps / sizeof *system_apps; i++)
        plist_array_append_item(list, app_plist(system_apps[i][0], system_apps[i][1], "1.0", "System"));
    return list;
}

static bool type_fits(plist_t app, const char *wanted) {
    return !wanted || strcmp(wanted, "Any") == 0 || strcmp(wanted, sim_str(app, "ApplicationType")) == 0;
}

static plist_t attributes(plist_t app, plist_t wanted) {
    if (!sim_is(wanted, PLIST_ARRAY)) return plist_copy(app);
    plist_t out = plist_new_dict();
    for (uint32_t i = 0; i < plist_array_get_size(wanted); i++) {
        plist_t name = plist_array_get_item(wanted, i);
        plist_t value = sim_is(name, PLIST_STRING) ? plist_dict_get_item(app, plist_get_string_ptr(name, NULL)) : NULL;
        if (value) plist_dict_set_item(out, plist_get_string_ptr(name, NULL), plist_copy(value));
    }
    return out;
}

static bool listed(plist_t ids, const char *id) {
    if (!sim_is(ids, PLIST_ARRAY)) return true;
    for (uint32_t i = 0; i < plist_array_get_size(ids); i++) {
        plist_t one = plist_array_get_item(ids, i);
        if (sim_is(one, PLIST_STRING) && strcmp(plist_get_string_ptr(one, NULL), id) == 0) return true;
    }
    return false;
}

static bool send_free(struct sim_stream *stream, plist_t message) {
    bool ok = sim_write_plist(stream, message, false);
    plist_free(message);
    return ok;
}

static bool send_complete(struct sim_stream *stream) {
    plist_t done = plist_new_dict();
    sim_put_str(done, "Status", "Complete");
    return send_free(stream, done) && sim_flush(stream);
}

/* Two apps a message, so that a client must put the pieces together. */
static bool browse(struct sim_stream *stream, plist_t options) {
    plist_t apps = all_apps(sim_stream_device(stream)), list = plist_new_array();
    const char *type = sim_str(options, "ApplicationType");
    plist_t wanted = sim_is(options, PLIST_DICT) ? plist_dict_get_item(options, "ReturnAttributes") : NULL;
    bool ok = true;
    for (uint32_t i = 0; i < plist_array_get_size(apps); i++) {
        plist_t app = plist_array_get_item(apps, i);
        if (type_fits(app, type)) plist_array_append_item(list, attributes(app, wanted));
    }
    uint32_t total = plist_array_get_size(list);
    for (uint32_t i = 0; ok && i < total; i += 2) {
        plist_t message = plist_new_dict(), part = plist_new_array();
        for (uint32_t k = i; k < i + 2 && k < total; k++)
            plist_array_append_item(part, plist_copy(plist_array_get_item(list, k)));
        sim_put_str(message, "Status", "BrowsingApplications");
        sim_put_uint(message, "CurrentIndex", i);
        sim_put_uint(message, "CurrentAmount", plist_array_get_size(part));
        sim_put_uint(message, "Total", total);
        plist_dict_set_item(message, "CurrentList", part);
        ok = send_free(stream, message);
    }
    plist_free(list);
    plist_free(apps);
    return ok && send_complete(stream);
}

static bool look_up(struct sim_stream *stream, plist_t options) {
    plist_t apps = all_apps(sim_stream_device(stream)), result = plist_new_dict(), message = plist_new_dict();
    plist_t ids = sim_is(options, PLIST_DICT) ? plist_dict_get_item(options, "BundleIDs") : NULL;
    plist_t wanted = sim_is(options, PLIST_DICT) ? plist_dict_get_item(options, "ReturnAttributes") : NULL;
    const char *type = sim_str(options, "ApplicationType");
    for (uint32_t i = 0; i < plist_array_get_size(apps); i++) {
        plist_t app = plist_array_get_item(apps, i);
        const char *id = sim_str(app, "CFBundleIdentifier");
        if (type_fits(app, type) && listed(ids, id)) plist_dict_set_item(result, id, attributes(app, wanted));
    }
    plist_dict_set_item(message, "LookupResult", result);
    sim_put_str(message, "Status", "Complete");
    plist_free(apps);
    return send_free(stream, message) && sim_flush(stream);
}

static bool send_error(struct sim_stream *stream, const char *error, const char *text) {
    plist_t message = plist_new_dict();
    sim_put_str(message, "Error", error);
    sim_put_str(message, "ErrorDescription", text);
    return send_free(stream, message) && sim_flush(stream);
}

static bool handle(struct sim_stream *stream, plist_t request) {
    struct sim_device *dev = sim_stream_device(stream);
    const char *command = sim_str(request, "Command"), *service = sim_stream_service(stream);
    plist_t options = sim_is(request, PLIST_DICT) ? plist_dict_get_item(request, "ClientOptions") : NULL;
    if (!command || (options && !sim_is(options, PLIST_DICT))) return sim_bad(dev, service, "no Command in it"), false;
    sim_saw(dev, service, "%s %s", command,
            sim_str(options, "ApplicationType") ? sim_str(options, "ApplicationType") : "");
    struct sim_fault *fired = NULL;
    if (sim_fault_point(stream, service, command, false, &fired) == SIM_STOP) return false;
    if (fired && fired->action == SIM_FAULT_ERROR) return send_error(stream, fired->text, "A scripted fault");
    if (strcmp(command, "Browse") == 0) return browse(stream, options);
    if (strcmp(command, "Lookup") == 0) return look_up(stream, options);
    sim_refuse(dev, service, command);
    return send_error(stream, "UnknownCommand", "phonesim does not install or remove apps");
}

void sim_serve_instproxy(struct sim_stream *stream) {
    for (plist_t request; (request = sim_read_plist(stream)) != NULL; plist_free(request))
        if (!handle(stream, request)) {
            plist_free(request);
            break;
        }
}

static plist_t springboard_answer(struct sim_stream *stream, plist_t request) {
    struct sim_device *dev = sim_stream_device(stream);
    const char *command = sim_str(request, "command"), *service = sim_stream_service(stream);
    plist_t reply = plist_new_dict();
    sim_saw(dev, service, "%s %s", command ? command : "(none)",
            sim_str(request, "bundleId") ? sim_str(request, "bundleId") : "");
    if (command && strcmp(command, "getIconPNGData") == 0 && sim_str(request, "bundleId")) {
        sim_put_data(reply, "pngData", icon_png, sizeof icon_png);
    } else if (command && strcmp(command, "getInterfaceOrientation") == 0) {
        sim_put_uint(reply, "interfaceOrientation", 1);
    } else {
        sim_refuse(dev, service, command ? command : "no command in it");
        sim_put_str(reply, "error", "InvalidCommand");
    }
    return reply;
}

void sim_serve_springboard(struct sim_stream *stream) {
    bool ok = true;
    for (plist_t request; ok && (request = sim_read_plist(stream)) != NULL; plist_free(request))
        ok = send_free(stream, springboard_answer(stream, request)) && sim_flush(stream);
}
