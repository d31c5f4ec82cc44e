/*
 * Who owns the device: supervision, the enrolment profile and the agent, from MCInstall (protocol.md 5) and
 * installation_proxy (6.1). These decide the row of the case table, so what is not said clearly stays unknown.
 */
#include "node.h"
#include "read.h"
#include "service.h"

#include <string.h>

#define MCINSTALL "com.apple.mobile.MCInstall"
enum { ANSWER_MS = 10000, ANSWER_MAX = 16 * 1024 * 1024 };

static bool array_has(plist_t array, const char *text) {
    for (uint32_t i = 0; i < plist_array_get_size(array); i++)
        if (kb_streq(kb_node_text(plist_array_get_item(array, i)), text)) return true;
    return false;
}

/* The pane "restore from backup": hidden when SkipSetup names exactly Restore. */
static void take_pane(struct kb_device *out, plist_t cloud) {
    plist_t skip = kb_node_get(cloud, "SkipSetup");

    if (skip && !kb_node_is(skip, PLIST_ARRAY)) {
        kb_device_note(out, "restore_pane", _("the device's list of skipped setup panes cannot be read"));
        return;
    }
    out->restore_pane = skip && array_has(skip, "Restore") ? KB_PANE_SKIPPED : KB_PANE_SHOWN;
}

/* Two sources; a real "yes" of either counts, because a supervised device that is taken for a plain one is the harm. */
static void take_supervised(struct kb_device *out, plist_t node, enum kb_tri chaperoned) {
    enum kb_tri cloud = kb_node_bool(node);

    if (node && cloud == KB_UNKNOWN)
        kb_device_note(out, "supervised", _("the device answered with a value of the wrong type"));
    if (cloud == KB_YES || chaperoned == KB_YES)
        out->supervised = KB_YES;
    else
        out->supervised = cloud != KB_UNKNOWN ? cloud : chaperoned;
}

void kb_managed_cloud(struct kb_device *out, plist_t reply, enum kb_tri chaperoned) {
    plist_t cloud = kb_node_get(reply, "CloudConfiguration");

    if (cloud && !kb_node_is(cloud, PLIST_DICT)) {
        kb_device_note(out, "restore_pane", _("the device's cloud configuration cannot be read"));
        cloud = NULL;
    }
    if (cloud && plist_dict_get_size(cloud) == 0) cloud = NULL; /* an unmanaged device may answer so */
    take_supervised(out, kb_node_get(cloud, "IsSupervised"), chaperoned);
    if (!cloud) {
        if (reply) kb_device_note(out, "restore_pane", _("the device has no cloud configuration"));
        return;
    }
    take_pane(out, cloud);
    kb_node_copy_text(cloud, "OrganizationName", out->organization, sizeof out->organization);
}

/* Walks ProfileMetadata. */
struct profiles {
    const char *wanted; /* settings: the enrolment profile's identifier, or NULL */
    int count;
    bool found;
    char organization[256];
};

/* Newer devices list the payload types inside the metadata. */
static bool lists_mdm(plist_t metadata) {
    plist_t content = kb_node_get(metadata, "PayloadContent");

    if (kb_streq(kb_node_text(kb_node_get(metadata, "PayloadType")), "com.apple.mdm")) return true;
    if (!kb_node_is(content, PLIST_ARRAY)) return false;
    for (uint32_t i = 0; i < plist_array_get_size(content); i++) {
        plist_t payload = plist_array_get_item(content, i);

        if (kb_streq(kb_node_text(kb_node_get(payload, "PayloadType")), "com.apple.mdm")) return true;
    }
    return false;
}

static bool each_profile(void *arg, const char *identifier, plist_t metadata) {
    struct profiles *profiles = arg;

    profiles->count++;
    if (profiles->wanted ? !kb_streq(identifier, profiles->wanted) : !lists_mdm(metadata)) return true;
    profiles->found = true;
    kb_node_copy_text(metadata, "PayloadOrganization", profiles->organization, sizeof profiles->organization);
    return true;
}

void kb_managed_profiles(struct kb_device *out, plist_t reply, const char *mdm_profile_identifier) {
    struct profiles profiles = {.wanted = mdm_profile_identifier};
    plist_t ordered = kb_node_get(reply, "OrderedIdentifiers"), metadata = kb_node_get(reply, "ProfileMetadata");
    uint32_t listed = kb_node_is(ordered, PLIST_ARRAY) ? plist_array_get_size(ordered) : 0;

    if (!kb_node_is(metadata, PLIST_DICT) && !kb_node_is(ordered, PLIST_ARRAY)) {
        if (reply) kb_device_note(out, "mdm", _("the device's list of profiles cannot be read"));
        return;
    }
    kb_node_each(metadata, each_profile, &profiles);
    if (profiles.wanted && listed > 0 && array_has(ordered, profiles.wanted)) profiles.found = true;

    if (profiles.found)
        out->mdm = KB_YES;
    else if (profiles.wanted || (profiles.count == 0 && listed == 0))
        out->mdm = KB_NO;
    else
        kb_device_note(out, "mdm",
                       _("the device has profiles but does not list their payloads: set mdm_profile_identifier"));
    if (out->organization[0] == 0) kb_text_copy(out->organization, sizeof out->organization, profiles.organization);
}

/* ---- Asking: on streams of ours, so that each reply has a deadline and goes through the guard ---- */

/* The request is freed. NULL: no answer. */
static plist_t exchange(struct kb_service *service, plist_t request) {
    plist_t reply = NULL;

    kb_stream_deadline(service->stream, kb_clock_ms() + ANSWER_MS);
    struct kb_result res = kb_frame_put(service->stream, request, false);
    plist_free(request);
    if (!kb_failed(&res)) res = kb_stream_flush(service->stream);
    if (!kb_failed(&res)) res = kb_frame_receive(service->stream, ANSWER_MAX, &reply);
    return kb_failed(&res) ? NULL : reply;
}

/* One request of MCInstall; NULL with a note unless the device acknowledges it. */
static plist_t ask(struct kb_device *out, struct kb_service *service, const char *request, const char *note) {
    plist_t dict = plist_new_dict(), reply;

    plist_dict_set_item(dict, "RequestType", plist_new_string(request));
    reply = exchange(service, dict);
    if (kb_streq(kb_node_text(kb_node_get(reply, "Status")), "Acknowledged")) return reply;
    kb_device_note(out, note, _("the device does not answer about its profiles"));
    plist_free(reply);
    return NULL;
}

void kb_managed_read(struct kb_device *out, struct kb_lockdown *lockdown, const struct kb_read_options *options,
                     enum kb_tri chaperoned) {
    struct kb_service service;
    plist_t cloud = NULL, profiles = NULL;

    struct kb_result res = kb_lockdown_connect(lockdown, MCINSTALL, false, &service);
    if (kb_failed(&res)) {
        kb_device_note(out, "restore_pane", _("the device's cloud configuration cannot be read"));
        kb_device_note(out, "mdm", _("the device's list of profiles cannot be read"));
    } else {
        cloud = ask(out, &service, "GetCloudConfiguration", "restore_pane");
        profiles = ask(out, &service, "GetProfileList", "mdm");
        kb_service_close(&service);
    }
    kb_managed_cloud(out, cloud, chaperoned);
    kb_managed_profiles(out, profiles, options ? options->mdm_profile_identifier : NULL);
    plist_free(cloud);
    plist_free(profiles);
}

static plist_t lookup_request(const char *bundle_id) {
    plist_t dict = plist_new_dict(), options = plist_new_dict(), ids = plist_new_array(),
            attributes = plist_new_array();

    plist_array_append_item(ids, plist_new_string(bundle_id));
    plist_array_append_item(attributes, plist_new_string("CFBundleIdentifier"));
    plist_dict_set_item(options, "BundleIDs", ids);
    plist_dict_set_item(options, "ReturnAttributes", attributes);
    plist_dict_set_item(dict, "Command", plist_new_string("Lookup"));
    plist_dict_set_item(dict, "ClientOptions", options);
    return dict;
}

void kb_managed_agent(struct kb_device *out, struct kb_lockdown *lockdown, const char *bundle_id) {
    struct kb_service service;
    plist_t reply = NULL, found;

    struct kb_result res = kb_lockdown_connect(lockdown, "com.apple.mobile.installation_proxy", false, &service);
    if (!kb_failed(&res)) {
        reply = exchange(&service, lookup_request(bundle_id));
        kb_service_close(&service);
    }
    found = kb_node_get(reply, "LookupResult");
    if (kb_node_is(found, PLIST_DICT))
        out->agent = kb_node_is(kb_node_get(found, bundle_id), PLIST_DICT) ? KB_YES : KB_NO;
    else
        kb_device_note(out, "agent", _("the device does not tell which apps it has"));
    plist_free(reply);
}
