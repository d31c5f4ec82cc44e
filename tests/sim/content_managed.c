/*
 * The files that follow a device's state: the configuration profiles' container and the agent's own record
 * (backup-format.md 5), so that a reader of a backup finds the truth in it. And the way back: what a restored backup
 * says of its device.
 */
#include "content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROFILES "Library/ConfigurationProfiles/"

/* A managed file's new bytes; takes the plist. The record changes only when the bytes do. */
static void put_plist(struct sim_content *content, const char *domain, const char *path, plist_t plist) {
    struct sim_file file = {.domain = domain, .path = path, .flags = SIM_REGULAR, .class = 4, .managed = true};
    struct sim_file *old = sim_content_at(content, domain, path);
    char *bytes = NULL;
    uint32_t size = 0;

    plist_to_bin(plist, &bytes, &size);
    plist_free(plist);
    if (old) old->managed = true; /* one that came with a restore is ours from now on */
    if (!old || old->size != size || !old->bytes || memcmp(old->bytes->data, bytes, size)) {
        file.source = SIM_IN_MEMORY;
        file.bytes = sim_blob_new(bytes, size);
        file.size = size;
        file.version = old ? old->version + 1 : 0;
        file.mtime = (old ? old->mtime : 1704067200u) + 60;
        sim_content_put(content, &file);
    }
    free(bytes);
}

static void put_directories(struct sim_content *content, const char *domain, const char *const *paths, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct sim_file file = {.domain = domain, .path = paths[i], .flags = SIM_DIRECTORY, .mtime = 1704067200u};

        file.managed = true;
        if (!sim_content_at(content, domain, paths[i])) sim_content_put(content, &file);
    }
}

/* Removes a managed record: swap with the last, sort again. */
static void forget(struct sim_content *content, const char *domain, const char *path) {
    struct sim_file *file = sim_content_at(content, domain, path);

    if (!file) return;
    sim_blob_put(file->bytes);
    sim_blob_put(file->cipher);
    *file = content->files[--content->count];
    sim_content_sort(content);
}

/* Profile stubs of profiles that are gone. */
static void forget_stubs(struct sim_content *content, plist_t profiles) {
    for (size_t i = 0; i < content->count; i++) {
        struct sim_file *file = &content->files[i];
        const char *name = strrchr(file->path, '/');
        char identifier[256];
        int n = 0;

        if (!file->managed || strcmp(file->domain, SIM_PROFILES_DOMAIN) || !name ||
            sscanf(name, "/profile-%255[^/]%n", identifier, &n) != 1 || strlen(identifier) < 6)
            continue;
        identifier[strlen(identifier) - 5] = 0; /* ".stub" */
        if (profiles && plist_dict_get_item(profiles, identifier)) continue;
        forget(content, file->domain, file->path);
        i = (size_t)-1;
    }
}

static plist_t cloud_details(plist_t configuration, bool supervised) {
    plist_t details = configuration ? plist_copy(configuration) : plist_new_dict();
    static const char *const done[] = {"AllowPairing", "CloudConfigurationUIComplete", "PostSetupProfileWasInstalled"};

    for (size_t i = 0; i < 3; i++)
        if (!plist_dict_get_item(details, done[i])) plist_dict_set_item(details, done[i], plist_new_bool(1));
    plist_dict_set_item(details, "IsSupervised", plist_new_bool(supervised));
    if (!plist_dict_get_item(details, "ConfigurationSource"))
        plist_dict_set_item(details, "ConfigurationSource", plist_new_uint(supervised ? 2 : 0));
    return details;
}

static plist_t mdm_details(const char *identifier) {
    plist_t mdm = plist_new_dict();

    plist_dict_set_item(mdm, "ManagingProfileIdentifier", plist_new_string(identifier));
    plist_dict_set_item(mdm, "ServerURL", plist_new_string("https://mdm.example.com/server"));
    plist_dict_set_item(mdm, "CheckInURL", plist_new_string("https://mdm.example.com/checkin"));
    plist_dict_set_item(mdm, "Topic", plist_new_string("com.apple.mgmt.External.example"));
    plist_dict_set_item(mdm, "AccessRights", plist_new_uint(8191));
    plist_dict_set_item(mdm, "PushMagic", plist_new_string("7C2B3F4E-0000-4000-8000-0123456789AB"));
    plist_dict_set_item(mdm, "IdentityPersistentRef", plist_new_data("apple-keychain-ref", 18));
    return mdm;
}

static plist_t payload_manifest(plist_t profiles) {
    plist_t manifest = plist_new_dict(), ordered = plist_new_array();
    plist_dict_iter iter = NULL;
    char *key = NULL;
    plist_t value = NULL;

    if (profiles) {
        plist_dict_new_iter(profiles, &iter);
        for (plist_dict_next_item(profiles, iter, &key, &value); key;
             free(key), key = NULL, plist_dict_next_item(profiles, iter, &key, &value))
            plist_array_append_item(ordered, plist_new_string(key));
        free(iter);
    }
    plist_dict_set_item(manifest, "HiddenProfiles", plist_new_array());
    plist_dict_set_item(manifest, "OrderedProfiles", ordered);
    return manifest;
}

/* One stub per installed profile; the MDM profile's identifier is the first that looks like an enrolment, or the first.
 */
static void put_stubs(struct sim_content *content, plist_t profiles, char *managing, size_t size) {
    plist_dict_iter iter = NULL;
    char *key = NULL;
    plist_t value = NULL;

    snprintf(managing, size, "com.example.mdm.profile");
    if (!profiles) return;
    plist_dict_new_iter(profiles, &iter);
    for (plist_dict_next_item(profiles, iter, &key, &value); key;
         free(key), key = NULL, plist_dict_next_item(profiles, iter, &key, &value)) {
        plist_t stub = plist_copy(value);
        char path[512];

        snprintf(path, sizeof path, PROFILES "profile-%.200s.stub", key);
        plist_dict_set_item(stub, "PayloadIdentifier", plist_new_string(key));
        plist_dict_set_item(stub, "PayloadType", plist_new_string("Configuration"));
        plist_dict_set_item(stub, "InstallDate", plist_new_date(700000000, 0));
        if (!strcmp(managing, "com.example.mdm.profile") || strstr(key, "mdm")) snprintf(managing, size, "%s", key);
        put_plist(content, SIM_PROFILES_DOMAIN, path, stub);
    }
    free(iter);
}

/* What is copied out of the device under its lock. */
struct view {
    plist_t cloud, profiles;
    bool supervised, mdm;
    struct sim_agent agent;
    char udid[48];
};

static void refresh_profiles(struct sim_content *content, const struct view *view) {
    static const char *const directories[] = {"", "Library", "Library/ConfigurationProfiles",
                                              "Library/ConfigurationProfiles/PublicInfo"};
    static const char *const empty[] = {"ProfileTruth.plist", "ClientTruth.plist", "UserSettings.plist",
                                        "PayloadDependency.plist", "PublicInfo/MCMeta.plist"};
    char managing[256], path[256];

    put_directories(content, SIM_PROFILES_DOMAIN, directories, 4);
    put_plist(content, SIM_PROFILES_DOMAIN, SIM_CLOUD_PATH, cloud_details(view->cloud, view->supervised));
    put_plist(content, SIM_PROFILES_DOMAIN, PROFILES "PayloadManifest.plist", payload_manifest(view->profiles));
    for (size_t i = 0; i < 5; i++) {
        snprintf(path, sizeof path, PROFILES "%s", empty[i]);
        put_plist(content, SIM_PROFILES_DOMAIN, path, plist_new_dict());
    }
    forget_stubs(content, view->profiles);
    put_stubs(content, view->profiles, managing, sizeof managing);
    if (view->mdm) {
        put_plist(content, SIM_PROFILES_DOMAIN, SIM_MDM_PATH, mdm_details(managing));
        put_plist(content, SIM_PROFILES_DOMAIN, PROFILES "MDMEvents.plist", plist_new_dict());
    } else {
        forget(content, SIM_PROFILES_DOMAIN, SIM_MDM_PATH);
        forget(content, SIM_PROFILES_DOMAIN, PROFILES "MDMEvents.plist");
    }
}

static void agent_names(const char *bundle, char domain[192], char path[256]) {
    snprintf(domain, 192, "AppDomain-%s", bundle);
    snprintf(path, 256, "Library/Preferences/%s.plist", bundle);
}

/* The agent's record names the device for which it was authenticated: a copy on another device still does. */
static void refresh_agent(struct sim_content *content, const struct view *view) {
    static const char *const directories[] = {"", "Library", "Library/Preferences"};
    char domain[192], path[256];
    plist_t record;

    if (!*view->agent.bundle_id) return;
    agent_names(view->agent.bundle_id, domain, path);
    if (!view->agent.installed) {
        forget(content, domain, path);
        return;
    }
    put_directories(content, domain, directories, 3);
    record = plist_new_dict();
    plist_dict_set_item(record, "Authenticated", plist_new_bool(view->agent.authenticated));
    plist_dict_set_item(record, "DeviceUDID",
                        plist_new_string(*view->agent.reports_as ? view->agent.reports_as : view->udid));
    put_plist(content, domain, path, record);
}

void sim_content_refresh(struct sim_device *dev) {
    struct view view;

    pthread_mutex_lock(&dev->lock);
    view.cloud = dev->cloud_configuration ? plist_copy(dev->cloud_configuration) : NULL;
    view.profiles = dev->profiles ? plist_copy(dev->profiles) : NULL;
    view.supervised = dev->supervised;
    view.mdm = dev->mdm_enrolled;
    view.agent = dev->agent;
    snprintf(view.udid, sizeof view.udid, "%s", dev->udid);
    pthread_mutex_unlock(&dev->lock);
    pthread_mutex_lock(&dev->content->lock);
    refresh_profiles(dev->content, &view);
    refresh_agent(dev->content, &view);
    pthread_mutex_unlock(&dev->content->lock);
    plist_free(view.cloud);
    plist_free(view.profiles);
}

static plist_t read_plist(struct sim_content *content, const char *domain, const char *path) {
    struct sim_file *file = sim_content_at(content, domain, path);
    struct sim_blob *blob = file && file->flags == SIM_REGULAR ? sim_file_bytes(file) : NULL;
    plist_t plist = NULL;

    if (blob && blob->size > 8 && !memcmp(blob->data, "bplist00", 8))
        plist_from_bin((const char *)blob->data, (uint32_t)blob->size, &plist);
    else if (blob && blob->size > 5 && !memcmp(blob->data, "<?xml", 5))
        plist_from_xml((const char *)blob->data, (uint32_t)blob->size, &plist);
    sim_blob_put(blob);
    if (plist && plist_get_node_type(plist) != PLIST_DICT) {
        plist_free(plist);
        plist = NULL;
    }
    return plist;
}

static bool flag(plist_t dict, const char *key) {
    plist_t node = dict ? plist_dict_get_item(dict, key) : NULL;
    uint8_t value = 0;

    if (node && plist_get_node_type(node) == PLIST_BOOLEAN) plist_get_bool_val(node, &value);
    return value;
}

/* A file that lacks a required key is no enrolment (backup-format.md 5.3). */
static bool mdm_valid(plist_t mdm) {
    static const char *const need[] = {"ManagingProfileIdentifier", "ServerURL", "AccessRights", "PushMagic",
                                       "IdentityPersistentRef"};

    for (size_t i = 0; mdm && i < 5; i++)
        if (!plist_dict_get_item(mdm, need[i])) return false;
    return mdm != NULL;
}

void sim_content_truth(struct sim_content *content, const char *agent_bundle, struct sim_truth *truth) {
    plist_t cloud = read_plist(content, SIM_PROFILES_DOMAIN, SIM_CLOUD_PATH);
    plist_t mdm = read_plist(content, SIM_PROFILES_DOMAIN, SIM_MDM_PATH), record;
    char domain[192], path[256], *udid = NULL;

    memset(truth, 0, sizeof *truth);
    truth->supervised = flag(cloud, "IsSupervised");
    truth->mdm = mdm_valid(mdm);
    agent_names(agent_bundle, domain, path);
    record = *agent_bundle ? read_plist(content, domain, path) : NULL;
    if (record) {
        snprintf(truth->agent.bundle_id, sizeof truth->agent.bundle_id, "%s", agent_bundle);
        truth->agent.installed = true;
        truth->agent.authenticated = flag(record, "Authenticated");
        if (plist_dict_get_item(record, "DeviceUDID"))
            plist_get_string_val(plist_dict_get_item(record, "DeviceUDID"), &udid);
        snprintf(truth->agent.reports_as, sizeof truth->agent.reports_as, "%s", udid ? udid : "");
        free(udid);
    }
    plist_free(cloud);
    plist_free(mdm);
    plist_free(record);
}
