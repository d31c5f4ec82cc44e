/* MCInstall (protocol.md 5): cloud configuration, profiles, the supervisor's escalation. */
#include "parts.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char service_name[] = "com.apple.mobile.MCInstall";

static plist_t acknowledged(void) {
    plist_t reply = plist_new_dict();
    sim_put_str(reply, "Status", "Acknowledged");
    return reply;
}

static plist_t error_chain(uint64_t code, const char *domain, const char *text) {
    plist_t reply = plist_new_dict(), chain = plist_new_array(), error = plist_new_dict();
    sim_put_uint(error, "ErrorCode", code);
    sim_put_str(error, "ErrorDomain", domain);
    sim_put_str(error, "LocalizedDescription", text);
    sim_put_str(error, "USEnglishDescription", text);
    plist_array_append_item(chain, error);
    sim_put_str(reply, "Status", "Error");
    plist_dict_set_item(reply, "ErrorChain", chain);
    return reply;
}

/* All of these run under the device's lock. */
typedef plist_t request_fn(struct sim_device *dev, plist_t request);

static plist_t hello(struct sim_device *dev, plist_t request) { return (void)dev, (void)request, acknowledged(); }

static plist_t get_cloud(struct sim_device *dev, plist_t request) {
    (void)request;
    plist_t reply = acknowledged();
    if (dev->cloud_configuration)
        plist_dict_set_item(reply, "CloudConfiguration", plist_copy(dev->cloud_configuration));
    else if (!sim_switch(dev, "cloud_configuration_absent", false))
        plist_dict_set_item(reply, "CloudConfiguration", plist_new_dict());
    return reply;
}

static plist_t set_cloud(struct sim_device *dev, plist_t request) {
    plist_t cloud = plist_dict_get_item(request, "CloudConfiguration");
    if (!sim_is(cloud, PLIST_DICT))
        return error_chain(4000, "MCProfileErrorDomain", "There is no cloud configuration in the request");
    if (dev->phase != SIM_ASSISTANT || dev->cloud_configuration)
        return error_chain(14002, "MCCloudConfigErrorDomain",
                           "A cloud configuration is already present on this device");
    dev->cloud_configuration = plist_copy(cloud);
    dev->supervised = sim_true(cloud, "IsSupervised");
    return acknowledged();
}

static plist_t listed_metadata(struct sim_device *dev, plist_t profile) {
    plist_t copy = plist_copy(profile);
    if (!sim_switch(dev, "profile_payloads_listed", true) && plist_dict_get_item(copy, "PayloadContent"))
        plist_dict_remove_item(copy, "PayloadContent");
    plist_dict_remove_item(copy, "PayloadIdentifier");
    return copy;
}

static void list_profile(struct sim_device *dev, const char *id, plist_t profile, plist_t order, plist_t manifest,
                         plist_t metadata) {
    plist_t entry = plist_new_dict();
    sim_put_str(entry, "Description", sim_str(profile, "PayloadDisplayName"));
    sim_put_bool(entry, "IsActive", true);
    plist_array_append_item(order, plist_new_string(id));
    plist_dict_set_item(manifest, id, entry);
    plist_dict_set_item(metadata, id, listed_metadata(dev, profile));
}

static plist_t get_profiles(struct sim_device *dev, plist_t request) {
    (void)request;
    plist_t reply = acknowledged(), order = plist_new_array(), manifest = plist_new_dict(), metadata = plist_new_dict();
    plist_dict_iter iter = NULL;
    if (dev->profiles) plist_dict_new_iter(dev->profiles, &iter);
    while (iter) {
        char *id = NULL;
        plist_t profile = NULL;
        plist_dict_next_item(dev->profiles, iter, &id, &profile);
        if (!profile) break;
        list_profile(dev, id, profile, order, manifest, metadata);
        free(id);
    }
    free(iter);
    plist_dict_set_item(reply, "OrderedIdentifiers", order);
    plist_dict_set_item(reply, "ProfileManifest", manifest);
    plist_dict_set_item(reply, "ProfileMetadata", metadata);
    return reply;
}

static plist_t payload_parse(plist_t request) {
    uint64_t size = 0;
    plist_t profile = NULL;
    const char *data = sim_data(request, "Payload", &size);
    if (data) plist_from_xml(data, (uint32_t)size, &profile);
    return profile;
}

static plist_t install(struct sim_device *dev, plist_t request, bool silent) {
    if (silent && !dev->own->escalated)
        return error_chain(4001, "MCInstallationErrorDomain", "This request needs escalation");
    plist_t profile = payload_parse(request);
    const char *id = sim_str(profile, "PayloadIdentifier");
    if (!id) {
        plist_free(profile);
        return error_chain(1000, "MCProfileErrorDomain", "The profile is not valid");
    }
    if (!silent) { /* it waits in Settings, "Profile Downloaded" */
        plist_free(profile);
        return acknowledged();
    }
    if (!dev->profiles) dev->profiles = plist_new_dict();
    plist_dict_set_item(dev->profiles, id, profile);
    return acknowledged();
}

static plist_t install_shown(struct sim_device *dev, plist_t request) { return install(dev, request, false); }
static plist_t install_silent(struct sim_device *dev, plist_t request) { return install(dev, request, true); }

static plist_t remove_profile(struct sim_device *dev, plist_t request) {
    uint64_t size = 0;
    plist_t which = NULL;
    const char *data = sim_data(request, "ProfileIdentifier", &size);
    if (data) which = sim_parse_plist(data, (uint32_t)size);
    const char *id = sim_str(which, "PayloadIdentifier");
    plist_t profile = id && dev->profiles ? plist_dict_get_item(dev->profiles, id) : NULL;
    plist_t reply;
    if (!id)
        reply = error_chain(1001, "MCProfileErrorDomain", "ProfileIdentifier names no profile");
    else if (!profile)
        reply = error_chain(1002, "MCProfileErrorDomain", "The profile is not installed");
    else if (sim_true(profile, "PayloadRemovalDisallowed"))
        reply = error_chain(4003, "MCInstallationErrorDomain", "The profile must not be removed");
    else {
        plist_dict_remove_item(dev->profiles, id);
        reply = acknowledged();
    }
    plist_free(which);
    return reply;
}

/* --- escalation --- */

static plist_t escalate(struct sim_device *dev, plist_t request) {
    uint64_t size = 0;
    const char *certificate = sim_data(request, "SupervisorCertificate", &size);
    if (!certificate || !sim_supervisor_known(dev, certificate, size))
        return error_chain(14010, "MCHostCertificateErrorDomain",
                           "The certificate of the supervising host was rejected (CertificateRejected)");
    plist_t reply = acknowledged();
    RAND_bytes(dev->own->escalate_challenge, sizeof dev->own->escalate_challenge);
    dev->own->escalate_open = true;
    sim_put_data(reply, "Challenge", dev->own->escalate_challenge, sizeof dev->own->escalate_challenge);
    return reply;
}

static plist_t escalate_response(struct sim_device *dev, plist_t request) {
    uint64_t size = 0;
    const char *der = sim_data(request, "SignedRequest", &size);
    bool ok = dev->own->escalate_open && der && sim_cms_verify(dev, der, size, dev->own->escalate_challenge);
    dev->own->escalate_open = false;
    dev->own->escalated = ok;
    return ok ? acknowledged()
              : error_chain(14011, "MCHostCertificateErrorDomain", "The signature does not fit the challenge");
}

static plist_t keybag(struct sim_device *dev, plist_t request) {
    (void)request;
    if (!dev->own->escalated) return error_chain(4001, "MCInstallationErrorDomain", "This request needs escalation");
    return acknowledged();
}

static plist_t security_info(struct sim_device *dev, plist_t request) {
    if (!dev->own->escalated) return keybag(dev, request);
    plist_t reply = acknowledged(), info = plist_new_dict();
    sim_put_bool(info, "PasscodePresent", dev->passcode_set);
    sim_put_bool(info, "PasscodeCompliant", true);
    plist_dict_set_item(reply, "SecurityInfo", info);
    return reply;
}

static plist_t unlock_token(struct sim_device *dev, plist_t request) {
    if (!dev->own->escalated) return keybag(dev, request);
    if (dev->passcode_set) return error_chain(37002, "DMCKeybagErrorDomain", "A passcode is set");
    plist_t reply = acknowledged();
    sim_put_data(reply, "UnlockToken", "simulated token", 15);
    return reply;
}

static plist_t store_profile(struct sim_device *dev, plist_t request) {
    plist_t data = plist_dict_get_item(request, "ProfileData");
    const char *purpose = sim_str(request, "Purpose");
    if (!purpose || !sim_is(data, PLIST_DATA))
        return error_chain(4000, "MCProfileErrorDomain", "Purpose or ProfileData is missing");
    plist_dict_set_item(dev->own->stored_profiles, purpose, plist_copy(data));
    return acknowledged();
}

static plist_t stored_profile(struct sim_device *dev, plist_t request) {
    const char *purpose = sim_str(request, "Purpose");
    plist_t data = purpose ? plist_dict_get_item(dev->own->stored_profiles, purpose) : NULL;
    plist_t reply = acknowledged();
    if (data) plist_dict_set_item(reply, "ProfileData", plist_copy(data));
    return reply;
}

/* EraseDevice ends the link; the erasing itself is done after the lock is given back. */
static plist_t erase(struct sim_device *dev, plist_t request) {
    (void)request;
    sim_wipe(dev);
    return NULL;
}

static const struct {
    const char *name;
    request_fn *run;
} requests[] = {
    {"HelloHostIdentifier", hello},
    {"Flush", hello},
    {"GetCloudConfiguration", get_cloud},
    {"SetCloudConfiguration", set_cloud},
    {"GetProfileList", get_profiles},
    {"InstallProfile", install_shown},
    {"InstallProfileSilent", install_silent},
    {"RemoveProfile", remove_profile},
    {"Escalate", escalate},
    {"EscalateResponse", escalate_response},
    {"ProceedWithKeybagMigration", keybag},
    {"SecurityInfo", security_info},
    {"RequestUnlockToken", unlock_token},
    {"ClearRestrictionsPassword", keybag},
    {"Settings", hello},
    {"StoreProfile", store_profile},
    {"GetStoredProfile", stored_profile},
    {"SetWiFiPowerState", hello},
    {"EstablishProvisionalEnrollment", hello},
    {"EraseDevice", erase},
};

static request_fn *request_find(const char *name) {
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        if (strcmp(requests[i].name, name) == 0) return requests[i].run;
    return NULL;
}

static plist_t unknown(struct sim_device *dev, const char *name) {
    sim_refuse(dev, service_name, name);
    return error_chain(4002, "MCInstallationErrorDomain", "The request type is not known");
}

static bool handle(struct sim_stream *stream, plist_t request) {
    struct sim_device *dev = sim_stream_device(stream);
    const char *name = sim_str(request, "RequestType");
    struct sim_fault *fired = NULL;
    plist_t reply;
    if (!name) return sim_bad(dev, service_name, "no RequestType in it"), false;
    sim_saw(dev, service_name, "%s", name);
    enum sim_fault_effect effect = sim_fault_point(stream, service_name, name, false, &fired);
    if (effect != SIM_GO_ON) return effect == SIM_REPLACED;
    request_fn *run = request_find(name);
    if (fired && fired->action == SIM_FAULT_ERROR) {
        reply = error_chain((uint64_t)fired->value, "MCInstallationErrorDomain", fired->text);
    } else if (run) {
        pthread_mutex_lock(&dev->lock);
        reply = run(dev, request);
        pthread_mutex_unlock(&dev->lock);
    } else
        reply = unknown(dev, name);
    if (!reply) return sim_reboot(dev, SIM_ASSISTANT), false;
    bool ok = sim_write_plist(stream, reply, false) && sim_flush(stream);
    plist_free(reply);
    return ok;
}

void sim_serve_mcinstall(struct sim_stream *stream) {
    bool ok = true;
    for (plist_t request; ok && (request = sim_read_plist(stream)) != NULL; plist_free(request))
        ok = handle(stream, request);
}
