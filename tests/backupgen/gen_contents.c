/* What is in the backup: what every device has, its management, and random files of a realistic mix. */
#include "gen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER "SysSharedContainerDomain-systemgroup.com.apple.configurationprofiles"
#define PROFILES  "Library/ConfigurationProfiles"

enum { FILE_MODE = 0100644, DIR_MODE = 0040755, LINK_MODE = 0120755 };

static void add_plist(struct gen *gen, const char *domain, const char *path, plist_t dict) {
    char *bytes = NULL;
    uint32_t size = 0;

    plist_to_bin(dict, &bytes, &size);
    gen_add(gen, domain, path, FILE_MODE, bytes, size);
    free(bytes);
    plist_free(dict);
}

static void add_text(struct gen *gen, const char *domain, const char *path, const char *text) {
    gen_add(gen, domain, path, FILE_MODE, text, strlen(text));
}

static plist_t cloud_configuration(bool supervised) {
    plist_t dict = plist_new_dict();

    plist_dict_set_item(dict, "AllowPairing", plist_new_bool(1));
    plist_dict_set_item(dict, "CloudConfigurationUIComplete", plist_new_bool(1));
    plist_dict_set_item(dict, "ConfigurationSource", plist_new_uint(supervised ? 2 : 0));
    plist_dict_set_item(dict, "IsSupervised", plist_new_bool(supervised));
    plist_dict_set_item(dict, "PostSetupProfileWasInstalled", plist_new_bool(1));
    if (supervised) plist_dict_set_item(dict, "OrganizationName", plist_new_string("Example KK"));
    return dict;
}

static plist_t mdm_settings(const char *identifier, bool whole) {
    plist_t dict = plist_new_dict();

    plist_dict_set_item(dict, "ManagingProfileIdentifier", plist_new_string(identifier));
    plist_dict_set_item(dict, "ServerURL", plist_new_string("https://mdm.example/"));
    plist_dict_set_item(dict, "AccessRights", plist_new_uint(8191));
    plist_dict_set_item(dict, "PushMagic", plist_new_string("A-B-C"));
    if (whole) plist_dict_set_item(dict, "IdentityPersistentRef", plist_new_data("reference", 9));
    return dict;
}

static plist_t payload_manifest(const char *identifier) {
    plist_t dict = plist_new_dict(), ordered = plist_new_array();

    if (identifier) plist_array_append_item(ordered, plist_new_string(identifier));
    plist_dict_set_item(dict, "HiddenProfiles", plist_new_array());
    plist_dict_set_item(dict, "OrderedProfiles", ordered);
    return dict;
}

static void add_management(struct gen *gen) {
    enum gen_management is = gen->spec->management;
    bool supervised = is == GEN_SUPERVISED || is == GEN_SUPERVISED_MDM, mdm = is == GEN_MDM || is == GEN_SUPERVISED_MDM;
    const char *identifier = gen->spec->mdm_identifier ? gen->spec->mdm_identifier : "com.example.mdm";
    plist_t cloud;

    if (is == GEN_NO_CONTAINER) return;
    gen_add(gen, CONTAINER, "", DIR_MODE, NULL, 0);
    gen_add(gen, CONTAINER, PROFILES, DIR_MODE, NULL, 0);
    cloud = cloud_configuration(supervised);
    if (gen_is(gen, "supervised-type")) plist_dict_set_item(cloud, "IsSupervised", plist_new_uint(1));
    add_plist(gen, CONTAINER, PROFILES "/CloudConfigurationDetails.plist", cloud);
    if (mdm || gen_is(gen, "mdm-edited") || gen_is(gen, "mdm-remnant"))
        add_plist(gen, CONTAINER, PROFILES "/MDM.plist", mdm_settings(identifier, !gen_is(gen, "mdm-remnant")));
    add_plist(gen, CONTAINER, PROFILES "/PayloadManifest.plist", payload_manifest(mdm ? identifier : NULL));
}

static void add_app(struct gen *gen, const char *bundle) {
    plist_t app = plist_new_dict();
    char path[256];

    snprintf(path, sizeof path, "/var/containers/Bundle/Application/0A1B/%s.app", bundle);
    plist_dict_set_item(app, "CFBundleIdentifier", plist_new_string(bundle));
    plist_dict_set_item(app, "CFBundleVersion", plist_new_string("1"));
    plist_dict_set_item(app, "ContainerContentClass", plist_new_string("Data/Application"));
    plist_dict_set_item(app, "Path", plist_new_string(path));
    plist_dict_set_item(gen->applications, bundle, app);
    plist_array_append_item(gen->installed, plist_new_string(bundle));
}

static void add_app_data(struct gen *gen, const char *bundle) {
    char domain[256];

    snprintf(domain, sizeof domain, "AppDomain-%s", bundle);
    gen_add(gen, domain, "", DIR_MODE, NULL, 0);
    add_text(gen, domain, "Library/Preferences/state.plist",
             "state of an app, longer than a block or four so that it can be hurt");
}

static void add_agent(struct gen *gen) {
    if (!gen->spec->agent) return;
    if (!gen_is(gen, "agent-data-only")) add_app(gen, gen->spec->agent);
    if (!gen_is(gen, "agent-listed-only")) add_app_data(gen, gen->spec->agent);
}

/* A database of whole pages: its Size may be wrong without harm. */
static void add_database(struct gen *gen) {
    unsigned char *data = calloc(3, 4096);

    memcpy(data, "SQLite format 3", 16);
    data[16] = 0x10;
    gen_add(gen, "AppDomain-com.example.chat", "Documents/chat.sqlite", FILE_MODE, data, 3 * 4096);
    free(data);
}

/* Log-normal with the median and tail of backup-format.md 6, media scaled down. */
static size_t random_size(struct gen *gen) {
    double u = 0;

    if (gen->spec->large_bytes) return (size_t)gen->spec->large_bytes;
    for (int i = 0; i < 12; i++) u += gen_random(gen) / 4294967296.0;
    u = exp(6.5 + 2.4 * (u - 6));
    return u > 400000 ? 400000 : (size_t)u;
}

static void add_random_files(struct gen *gen) {
    static const char *const domains[] = {"HomeDomain", "CameraRollDomain", "AppDomain-com.example.chat", "MediaDomain",
                                          "HealthDomain"};
    unsigned char *data = NULL;
    char path[128];

    for (int i = 0; i < gen->spec->files; i++) {
        size_t size = random_size(gen);

        data = realloc(data, size + 8);
        if (!data) gen_die("memory");
        for (size_t at = 0; at < size; at += 4) {
            uint32_t word = gen_random(gen);
            memcpy(data + at, &word, 4);
        }
        snprintf(path, sizeof path, "Library/Folder%d/file-%d.dat", i % 50, i);
        gen_add(gen, domains[gen_random(gen) % 5], path, FILE_MODE, data, size);
    }
    free(data);
}

void gen_contents(struct gen *gen) {
    gen_add(gen, "HomeDomain", "", DIR_MODE, NULL, 0);
    gen_add(gen, "HomeDomain", "Library", DIR_MODE, NULL, 0);
    gen_add(gen, "HomeDomain", "Library/link", LINK_MODE, "/var/mobile/elsewhere", 0);
    add_text(
        gen, "HomeDomain", "Library/Preferences/com.apple.example.plist",
        "a file of a domain with digests, long enough to be hurt in the middle without its end being touched at all");
    add_text(gen, "HomeDomain", "Library/empty", "");
    add_text(gen, "HomeDomain", "Library/\xE5\x86\x99\xE7\x9C\x9F.txt", "a Japanese name");
    add_text(gen, "CameraRollDomain", "Media/DCIM/100APPLE/IMG_0001.HEIC",
             "a file of a domain without digests, long enough to be hurt in the middle without its end being touched "
             "at all");
    add_text(gen, "MediaDomain", "Media/empty", "");
    add_app(gen, "com.example.chat");
    add_database(gen);
    add_management(gen);
    add_agent(gen);
    add_random_files(gen);
}
