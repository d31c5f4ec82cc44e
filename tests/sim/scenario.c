/*
 * The scenario file (docs/phonesim.md): JSON, every key known or refused, everything optional; what is not said is
 * derived from the device's place in the list, so that {"devices":[{"name":"A"}]} is a whole bench.
 */
#include "parts.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { K_STRING = 1, K_INT = 2, K_BOOL = 4, K_OBJECT = 8, K_ARRAY = 16 };

struct key {
    const char *name;
    int kind;
};

static const struct key device_keys[] = {
    /* who it is */
    {"udid", K_STRING},
    {"name", K_STRING},
    {"os", K_STRING},
    {"build", K_STRING},
    {"product_type", K_STRING},
    {"class", K_STRING},
    {"serial", K_STRING},
    {"imei", K_STRING},
    {"location", K_INT},
    {"hardware", K_STRING},
    {"model_number", K_STRING},
    {"count", K_INT},
    {"connection_speed", K_INT},
    {"iccid", K_STRING},
    {"phone_number", K_STRING},
    {"region", K_STRING},
    {"language", K_STRING},
    {"locale", K_STRING},
    {"time_zone", K_STRING},
    /* what it is at the start */
    {"phase", K_STRING},
    {"plugged", K_BOOL},
    {"locked", K_BOOL},
    {"passcode", K_STRING},
    {"activated", K_BOOL},
    {"trusted", K_BOOL},
    {"supervised", K_BOOL},
    {"supervisor_certificates", K_ARRAY},
    {"cloud_configuration", K_OBJECT},
    {"ade", K_OBJECT},
    {"mdm", K_OBJECT},
    {"profiles", K_ARRAY},
    {"agent", K_OBJECT},
    {"apps", K_ARRAY},
    {"find_my", K_BOOL},
    {"capacity", K_INT},
    {"free", K_INT},
    {"purgeable", K_INT},
    {"battery", K_INT},
    {"backup_password", K_STRING},
    {"requires_encryption", K_BOOL},
    {"icloud_restore_running", K_BOOL},
    {"content", K_OBJECT},
    {"faults", K_ARRAY},
    {"usb_blocked", K_BOOL},
    {"setup_done", K_BOOL},
    {"at_restore_pane", K_BOOL},
    /* switches: what nobody could confirm, and what a test wants otherwise */
    {"activation_state", K_STRING},
    {"activation_without_session", K_BOOL},
    {"without_session", K_ARRAY},
    {"activated_after_wipe", K_BOOL},
    {"asks_trusted_hosts", K_BOOL},
    {"bfu_asks_again", K_BOOL},
    {"chaperoned_in_assistant", K_BOOL},
    {"cloud_configuration_absent", K_BOOL},
    {"cache", K_BOOL},
    {"cache_bytes", K_INT},
    {"devicelink_major", K_INT},
    {"late_loss", K_STRING},
    {"manifest_first", K_BOOL},
    {"reboot_after_ms", K_INT},
    {"restore_check", K_STRING},
    {"ui_ready_ms", K_INT},
    {"upload_errors", K_INT},
    {"escrow_when_locked", K_BOOL},
    {"lockdown_idle_s", K_INT},
    {"mcprotected", K_BOOL},
    {"min_itunes_version", K_STRING},
    {"pairing_after_restore", K_STRING},
    {"passcode_notifications", K_BOOL},
    {"passcode_prompts", K_BOOL},
    {"passcode_timeout_s", K_INT},
    {"policy_forbids_backup", K_BOOL},
    {"policy_forbids_restore", K_BOOL},
    {"profile_payloads_listed", K_BOOL},
    {"reboot_ms", K_INT},
    {"restore_pane_required", K_BOOL},
    {"service_ssl", K_BOOL},
    {"session_ssl", K_BOOL},
    {"stays_away_after_reboot", K_BOOL},
    {"tls13", K_BOOL},
    {"unactivated_error", K_STRING},
    {"will_encrypt_absent", K_BOOL},
    {"x", K_OBJECT},
    {NULL, 0}};

static const struct key scenario_keys[] = {{"daemon", K_OBJECT}, {"devices", K_ARRAY}, {"about", K_STRING}, {NULL, 0}};
static const struct key daemon_keys[] = {{"preflight", K_BOOL}, {"buid", K_STRING}, {NULL, 0}};

static bool say(char *why, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool say(char *why, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(why, size, format, args);
    va_end(args);
    return false;
}

static bool fits(const json_t *value, int kind) {
    return ((kind & K_STRING) && json_is_string(value)) || ((kind & K_INT) && json_is_integer(value)) ||
           ((kind & K_BOOL) && json_is_boolean(value)) || ((kind & K_OBJECT) && json_is_object(value)) ||
           ((kind & K_ARRAY) && json_is_array(value));
}

static bool keys_known(const json_t *object, const struct key *keys, const char *where, char *why, size_t size) {
    const char *name;
    json_t *value;
    if (!json_is_object(object)) return say(why, size, "%s must be a JSON object", where);
    json_object_foreach((json_t *)object, name, value) {
        const struct key *key = keys;
        while (key->name && strcmp(key->name, name) != 0) key++;
        if (!key->name) return say(why, size, "%s has no key \"%s\"; docs/phonesim.md lists them", where, name);
        if (!fits(value, key->kind)) return say(why, size, "\"%s\" of %s has a value of the wrong kind", name, where);
    }
    return true;
}

/* --- models --- */

static const struct model {
    const char *product_type, *hardware, *number, *device_class;
    int64_t product_id;
} models[] = {
    {"iPhone12,1", "N104AP", "MHDA3", "iPhone", 0x12a8}, {"iPhone13,2", "D53gAP", "MGJ73", "iPhone", 0x12a8},
    {"iPhone14,5", "D17AP", "MLPF3", "iPhone", 0x12a8},  {"iPhone14,6", "D49AP", "MMYC3", "iPhone", 0x12a8},
    {"iPhone14,7", "D27AP", "MPVN3", "iPhone", 0x12a8},  {"iPhone15,4", "D37AP", "MTML3", "iPhone", 0x12a8},
    {"iPhone16,1", "D83AP", "MTQ63", "iPhone", 0x12a8},  {"iPhone17,3", "D47AP", "MYE73", "iPhone", 0x12a8},
    {"iPhone10,4", "D201AP", "MQ7D2", "iPhone", 0x12a8}, {"iPad13,18", "J271AP", "MPQ03", "iPad", 0x12ab},
    {"iPad12,1", "J181AP", "MK2K3", "iPad", 0x12ab},
};

static const struct model *model_find(const char *product_type) {
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (strcmp(models[i].product_type, product_type) == 0) return &models[i];
    return &models[0];
}

static const struct {
    const char *os, *build;
} builds[] = {{"14.0", "18A373"},    {"15.7.1", "19H117"}, {"16.0", "20A362"}, {"16.1", "20B82"},
              {"16.7.10", "20H350"}, {"17.5.1", "21F90"},  {"17.7", "21H16"},  {"18.1", "22B83"},
              {"18.6", "22G86"},     {"26.0", "23A341"},   {"26.1", "23B85"},  {"27.0", "24A300"}};

static const char *build_of(const char *os) {
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++)
        if (strcmp(builds[i].os, os) == 0) return builds[i].build;
    return "21F90";
}

static void imei_make(int index, char out[20]) {
    int sum = 0;
    snprintf(out, 20, "3566%010d", 7300000 + index * 17);
    for (int i = 0; i < 14; i++) {
        int digit = out[i] - '0';
        if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    out[14] = (char)('0' + (10 - sum % 10) % 10);
    out[15] = 0;
}

/* A hub's place: four-bit nibbles of the port path behind the bus, as macOS writes LocationIDs. */
static int64_t location_make(int index) {
    return 0x14100000 + ((int64_t)(index / 7 + 1) << 16) + ((int64_t)(index % 7 + 1) << 12);
}

static void identity_make(struct sim_device *dev, int index) {
    char text[48];
    dev->ecid = 0x001A2B3C4D5E8000 + (int64_t)index * 0x11;
    snprintf(text, sizeof text, "00008030-%016llX", (unsigned long long)dev->ecid);
    sim_copy(dev->udid, sizeof dev->udid, sim_word(dev, "udid", text));
    snprintf(text, sizeof text, "F2LSIM%06d", index + 1);
    sim_copy(dev->serial, sizeof dev->serial, sim_word(dev, "serial", text));
    imei_make(index, text);
    const struct model *model = model_find(sim_word(dev, "product_type", "iPhone12,1"));
    sim_copy(dev->product_type, sizeof dev->product_type, sim_word(dev, "product_type", model->product_type));
    sim_copy(dev->device_class, sizeof dev->device_class, sim_word(dev, "class", model->device_class));
    sim_copy(dev->hardware, sizeof dev->hardware, sim_word(dev, "hardware", model->hardware));
    sim_copy(dev->model_number, sizeof dev->model_number, sim_word(dev, "model_number", model->number));
    sim_copy(dev->imei, sizeof dev->imei, sim_word(dev, "imei", strcmp(dev->device_class, "iPad") == 0 ? "" : text));
    dev->product_id = model->product_id;
    dev->location = sim_number(dev, "location", location_make(index));
    snprintf(dev->wifi_mac, sizeof dev->wifi_mac, "f0:5c:d5:%02x:%02x:1e", (unsigned)(index >> 8 & 255),
             (unsigned)(index & 255));
    snprintf(text, sizeof text, "iPhone %d", index + 1);
    sim_copy(dev->name, sizeof dev->name, sim_word(dev, "name", text));
    sim_copy(dev->os, sizeof dev->os, sim_word(dev, "os", "17.5.1"));
    sim_copy(dev->build, sizeof dev->build, sim_word(dev, "build", build_of(dev->os)));
}

/* --- supervision, profiles, agent --- */

static const struct key mdm_keys[] = {{"identifier", K_STRING},
                                      {"name", K_STRING},
                                      {"organization", K_STRING},
                                      {"removable", K_BOOL},
                                      {"description", K_STRING},
                                      {"mdm", K_BOOL},
                                      {NULL, 0}};
static const struct key agent_keys[] = {
    {"bundle_id", K_STRING}, {"installed", K_BOOL}, {"authenticated", K_BOOL}, {"reports_as", K_STRING}, {NULL, 0}};
static const struct key app_keys[] = {
    {"bundle_id", K_STRING}, {"name", K_STRING}, {"version", K_STRING}, {"type", K_STRING}, {NULL, 0}};

static const char *word(const json_t *object, const char *key, const char *otherwise) {
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : otherwise;
}

plist_t sim_profile_metadata(const json_t *mdm) {
    plist_t profile = plist_new_dict();
    const char *identifier = word(mdm, "identifier", "com.example.mdm.profile");
    char uuid[40];
    unsigned hash = 2166136261u;
    for (const char *c = identifier; *c; c++) hash = (hash ^ (unsigned char)*c) * 16777619u;
    snprintf(uuid, sizeof uuid, "%08X-0000-4000-8000-%012X", hash, hash);
    sim_put_str(profile, "PayloadIdentifier", identifier);
    sim_put_str(profile, "PayloadDisplayName", word(mdm, "name", "MDM Profile"));
    sim_put_str(profile, "PayloadDescription", word(mdm, "description", "Remote management"));
    sim_put_str(profile, "PayloadOrganization", word(mdm, "organization", "Example Co., Ltd."));
    sim_put_bool(profile, "PayloadRemovalDisallowed", !json_is_true(json_object_get(mdm, "removable")));
    sim_put_str(profile, "PayloadUUID", uuid);
    sim_put_uint(profile, "PayloadVersion", 1);
    if (json_is_false(json_object_get(mdm, "mdm"))) return profile;
    plist_t payload = plist_new_dict(), list = plist_new_array();
    sim_put_str(payload, "PayloadType", "com.apple.mdm");
    plist_array_append_item(list, payload);
    plist_dict_set_item(profile, "PayloadContent", list);
    return profile;
}

static bool certificates_read(struct sim_device *dev, char *why, size_t size) {
    const json_t *list = json_object_get(dev->scenario, "supervisor_certificates");
    dev->own->supervisor_certificates = plist_new_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *path = json_string_value(json_array_get(list, i));
        FILE *file = path ? fopen(path, "r") : NULL;
        X509 *cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
        unsigned char *der = NULL;
        int length = cert ? i2d_X509(cert, &der) : -1;
        if (file) fclose(file);
        X509_free(cert);
        if (length < 0)
            return say(why, size, "Cannot read a PEM certificate from %s", path ? path : "supervisor_certificates");
        plist_array_append_item(dev->own->supervisor_certificates, plist_new_data((char *)der, (uint64_t)length));
        OPENSSL_free(der);
    }
    return true;
}

static void put_default(plist_t dict, const char *key, plist_t value) {
    if (plist_dict_get_item(dict, key))
        plist_free(value);
    else
        plist_dict_set_item(dict, key, value);
}

static void cloud_configuration_make(struct sim_device *dev) {
    const json_t *given = json_object_get(dev->scenario, "cloud_configuration");
    const json_t *ade = json_object_get(dev->scenario, "ade");
    if (sim_switch(dev, "cloud_configuration_absent", false) || (!given && !dev->supervised)) return;
    plist_t cloud = given ? sim_from_json(given) : plist_new_dict();
    bool was_given = given != NULL;
    put_default(cloud, "IsSupervised", plist_new_bool(dev->supervised));
    put_default(cloud, "AllowPairing", plist_new_bool(1));
    if (dev->supervised && !was_given) {
        put_default(cloud, "OrganizationName", plist_new_string(word(ade, "organization", "Example Co., Ltd.")));
        put_default(cloud, "IsMandatory", plist_new_bool(1));
        put_default(cloud, "IsMDMUnremovable", plist_new_bool(1));
        put_default(cloud, "ConfigurationSource", plist_new_uint(1));
        put_default(cloud, "SkipSetup", plist_new_array());
    }
    put_default(cloud, "CloudConfigurationUIComplete", plist_new_bool(dev->setup_done));
    if (plist_array_get_size(dev->own->supervisor_certificates) > 0)
        put_default(cloud, "SupervisorHostCertificates", plist_copy(dev->own->supervisor_certificates));
    dev->cloud_configuration = cloud;
}

static bool management_make(struct sim_device *dev, char *why, size_t size) {
    const json_t *mdm = json_object_get(dev->scenario, "mdm"), *ade = json_object_get(dev->scenario, "ade");
    const json_t *profiles = json_object_get(dev->scenario, "profiles");
    if ((mdm && !keys_known(mdm, mdm_keys, "\"mdm\"", why, size)) ||
        (ade && !keys_known(ade, mdm_keys, "\"ade\"", why, size)))
        return false;
    dev->own->profiles_wanted = (json_t *)(mdm ? mdm : ade);
    if (ade) dev->ade_profile = sim_profile_metadata(ade);
    if (mdm) sim_install_mdm(dev, sim_profile_metadata(mdm));
    for (size_t i = 0; i < json_array_size(profiles); i++) {
        const json_t *one = json_array_get(profiles, i);
        if (!keys_known(one, mdm_keys, "\"profiles\"", why, size)) return false;
        plist_t profile = sim_profile_metadata(one);
        if (!json_is_true(json_object_get(one, "mdm"))) plist_dict_remove_item(profile, "PayloadContent");
        if (!dev->profiles) dev->profiles = plist_new_dict();
        plist_dict_set_item(dev->profiles, sim_str(profile, "PayloadIdentifier"), profile);
    }
    return true;
}

static bool agent_make(struct sim_device *dev, char *why, size_t size) {
    const json_t *agent = json_object_get(dev->scenario, "agent");
    if (agent && !keys_known(agent, agent_keys, "\"agent\"", why, size)) return false;
    sim_copy(dev->agent.bundle_id, sizeof dev->agent.bundle_id, word(agent, "bundle_id", "com.example.mdm.agent"));
    dev->agent.authenticated = json_is_true(json_object_get(agent, "authenticated"));
    dev->agent.installed = dev->agent.authenticated || json_is_true(json_object_get(agent, "installed"));
    sim_copy(dev->agent.reports_as, sizeof dev->agent.reports_as,
             dev->agent.authenticated ? word(agent, "reports_as", dev->udid) : "");
    return true;
}

static bool apps_make(struct sim_device *dev, char *why, size_t size) {
    const json_t *apps = json_object_get(dev->scenario, "apps");
    for (size_t i = 0; i < json_array_size(apps); i++)
        if (!keys_known(json_array_get(apps, i), app_keys, "\"apps\"", why, size)) return false;
    dev->own->apps =
        apps ? json_deep_copy(apps)
             : json_pack("[{s:s s:s s:s} {s:s s:s s:s} {s:s s:s s:s}]", "bundle_id", "jp.example.mail", "name",
                         "Mail for Work", "version", "5.2", "bundle_id", "jp.example.chat", "name", "Chat", "version",
                         "11.0.3", "bundle_id", "jp.example.map", "name", "Map", "version", "2024.1");
    return true;
}

/* --- state --- */

static const struct {
    const char *name;
    enum sim_phase phase;
} phases[] = {
    {"normal", SIM_NORMAL}, {"assistant", SIM_ASSISTANT}, {"bfu", SIM_BFU}, {"restore-mode", SIM_RESTORE_MODE}};

static bool phase_make(struct sim_device *dev, char *why, size_t size) {
    const char *name = sim_word(dev, "phase", "normal");
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        if (strcmp(phases[i].name, name) != 0) continue;
        dev->phase = phases[i].phase;
        return true;
    }
    return say(why, size, "\"phase\" is normal, assistant, bfu or restore-mode, not %s", name);
}

static bool state_make(struct sim_device *dev, char *why, size_t size) {
    if (!phase_make(dev, why, size)) return false;
    bool assistant = dev->phase == SIM_ASSISTANT;
    sim_copy(dev->passcode, sizeof dev->passcode, sim_word(dev, "passcode", ""));
    dev->locked = sim_switch(dev, "locked", dev->phase == SIM_BFU);
    if (dev->locked && !dev->passcode[0])
        sim_copy(dev->passcode, sizeof dev->passcode, "1234"); /* nothing else locks */
    dev->passcode_set = dev->passcode[0] != 0;
    dev->activated = sim_switch(dev, "activated", true);
    dev->setup_done = sim_switch(dev, "setup_done", !assistant);
    dev->at_restore_pane = sim_switch(dev, "at_restore_pane", false);
    dev->plugged = sim_switch(dev, "plugged", true);
    dev->own->usb_blocked = sim_switch(dev, "usb_blocked", false);
    dev->find_my = sim_switch(dev, "find_my", false);
    dev->requires_encryption = sim_switch(dev, "requires_encryption", false);
    dev->icloud_restore_running = sim_switch(dev, "icloud_restore_running", false);
    dev->capacity_bytes = sim_number(dev, "capacity", 64000000000);
    dev->free_bytes = sim_number(dev, "free", dev->capacity_bytes / 2);
    dev->battery_pct = (int)sim_number(dev, "battery", 80);
    sim_copy(dev->backup_password, sizeof dev->backup_password, sim_word(dev, "backup_password", ""));
    dev->will_encrypt = dev->backup_password[0] != 0;
    const json_t *cloud = json_object_get(dev->scenario, "cloud_configuration");
    dev->supervised = sim_switch(dev, "supervised", json_is_true(json_object_get(cloud, "IsSupervised")));
    dev->own->trusted_by_scenario = dev->own->record_pending = sim_switch(dev, "trusted", false);
    return true;
}

static bool faults_make(struct sim_device *dev, char *why, size_t size) {
    const json_t *list = json_object_get(dev->scenario, "faults");
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct sim_fault fault;
        if (!sim_fault_parse(json_array_get(list, i), &fault, why, size)) return false;
        if (!sim_fault_add(dev, &fault)) return say(why, size, "At most %d faults a device", SIM_MAX_FAULTS);
    }
    return true;
}

static bool device_make(struct sim *sim, json_t *object, char *why, size_t size) {
    if (sim->device_count == SIM_MAX_DEVICES) return say(why, size, "At most %d devices", SIM_MAX_DEVICES);
    struct sim_device *dev = calloc(1, sizeof *dev);
    dev->sim = sim;
    dev->own = calloc(1, sizeof *dev->own);
    dev->scenario = object;
    dev->seen = json_array();
    dev->own->messages = json_array();
    dev->own->values = plist_new_dict();
    dev->own->stored_profiles = plist_new_dict();
    dev->own->index = sim->device_count;
    pthread_mutex_init(&dev->lock, NULL);
    pthread_cond_init(&dev->changed, NULL);
    pthread_mutex_init(&dev->own->np_lock, NULL);
    pthread_mutex_init(&dev->own->afc_lock, NULL);
    identity_make(dev, sim->device_count);
    sim->devices[sim->device_count++] = dev;
    if (!state_make(dev, why, size) || !certificates_read(dev, why, size) || !management_make(dev, why, size) ||
        !agent_make(dev, why, size) || !apps_make(dev, why, size) || !faults_make(dev, why, size))
        return false;
    cloud_configuration_make(dev);
    sim_afc_init(dev);
    sim_content_make(dev);
    return true;
}

/* "count": n makes n devices like this one; their names get a number. */
static bool devices_make(struct sim *sim, const json_t *object, char *why, size_t size) {
    if (!keys_known(object, device_keys, "A device", why, size)) return false;
    json_int_t count =
        json_is_integer(json_object_get(object, "count")) ? json_integer_value(json_object_get(object, "count")) : 1;
    for (json_int_t i = 0; i < count; i++) {
        json_t *copy = json_deep_copy(object);
        char name[160];
        snprintf(name, sizeof name, "%s %d", word(object, "name", "iPhone"), (int)i + 1);
        if (count > 1) json_object_set_new(copy, "name", json_string(name));
        if (!device_make(sim, copy, why, size)) return false;
    }
    return true;
}

static void buid_make(struct sim *sim, const json_t *daemon) {
    unsigned char b[16];
    RAND_bytes(b, sizeof b);
    snprintf(sim->buid, sizeof sim->buid, "%02X%02X%02X%02X-%02X%02X-4%01X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6] & 15, b[7], (b[8] & 0x3f) | 0x80, b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
    if (json_object_get(daemon, "buid")) sim_copy(sim->buid, sizeof sim->buid, word(daemon, "buid", ""));
}

bool sim_scenario_load(struct sim *sim, const char *path, char *why, size_t size) {
    json_error_t error;
    sim->scenario = strcmp(path, "-") == 0 ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
                                           : json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!sim->scenario) return say(why, size, "line %d: %s", error.line, error.text);
    const json_t *daemon = json_object_get(sim->scenario, "daemon"),
                 *devices = json_object_get(sim->scenario, "devices");
    if (!keys_known(sim->scenario, scenario_keys, "The scenario", why, size)) return false;
    if (daemon && !keys_known(daemon, daemon_keys, "\"daemon\"", why, size)) return false;
    buid_make(sim, daemon);
    for (size_t i = 0; i < json_array_size(devices); i++)
        if (!devices_make(sim, json_array_get(devices, i), why, size)) return false;
    return true;
}
