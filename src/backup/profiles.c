/*
 * Was the backup's device supervised, was it enrolled in MDM (backup-format.md 5)? The answer is a hint for the
 * operator: the files it comes from carry no digest, and there are public guides to edit them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mbfile.h"
#include "profiles.h"

enum { PROFILE_MAX_BYTES = 4 * 1024 * 1024, STUBS_MAX = 64, ROWS_MAX = 20000 };

#define CONTAINER "SysSharedContainerDomain-systemgroup.com.apple.configurationprofiles"
#define FOLDER    "Library/ConfigurationProfiles/"

/* fileIDs are the same in every backup: SHA-1 of the container's name, '-' and the path. */
#define CLOUD_CONFIGURATION "1e6c0783f9b33d00b152067a0661c8fc8841073f"
#define MDM                 "1da473e9183a8afce90ad0110f07ef19397affff"
#define PAYLOAD_MANIFEST    "8e7f26685d92296da2100cfaf98173f45da1ce88"

/* ---- One file out of the backup ---- */

enum presence { ABSENT, BROKEN, READ };

struct found {
    struct kb_mbfile mbfile;
    bool sound;
};

static bool take_row(void *arg, const struct kb_row *row) {
    struct found *found = arg;

    found->sound = row->flags_there && row->flags == 1 && row->path && row->domain &&
                   kb_mbfile_parse(row->blob, row->blob_size, row->path, row->path_size, &found->mbfile);
    return false;
}

/* Decrypts in place and takes the padding off. */
static bool decrypt(struct kb_backup *backup, const struct kb_mbfile *mbfile, struct kb_buf *bytes) {
    static const unsigned char zeros[16];
    unsigned char key[KB_KEY_BYTES];
    struct kb_cbc *cbc;
    bool right;
    int padding = 0;

    if (!kb_backup_is_encrypted(backup)) return true;
    if (bytes->size < 16 || bytes->size % 16 != 0 || !mbfile->has_key) return false;
    if (!kb_keys_unwrap(&backup->keys, mbfile->key, KB_KEYED_BYTES, key)) return false;
    cbc = kb_cbc_new();
    right = kb_cbc_decrypt(cbc, key, zeros, bytes->data, bytes->size);
    kb_cbc_free(cbc);
    kb_wipe(key, sizeof key);
    if (right) padding = kb_padding((unsigned char *)bytes->data + bytes->size - 16);
    bytes->size -= (size_t)padding;
    return right && padding > 0;
}

static enum presence read_payload(struct kb_backup *backup, const char *file_id, const struct kb_mbfile *mbfile,
                                  plist_t *out) {
    char name[KB_PAYLOAD_NAME];
    struct kb_buf bytes = {NULL, 0, 0};
    enum presence presence = BROKEN;
    struct kb_result res;

    kb_payload_name(name, file_id);
    res = kb_load(backup->dir, name, PROFILE_MAX_BYTES, &bytes);
    if (kb_failed(&res)) return BROKEN;
    if (decrypt(backup, mbfile, &bytes) && kb_plist_bytes(bytes.data, bytes.size, out) == KB_PLIST_OK) presence = READ;
    kb_buf_release(&bytes);
    return presence;
}

static enum presence read_file(struct kb_backup *backup, struct kb_db *db, const char *file_id, plist_t *out) {
    struct found found = {.sound = false};
    bool there = false;
    struct kb_result res = kb_db_find(db, file_id, take_row, &found, &there);

    *out = NULL;
    if (kb_failed(&res)) return BROKEN;
    if (!there) return ABSENT;
    return found.sound ? read_payload(backup, file_id, &found.mbfile, out) : BROKEN;
}

/* ---- The container ---- */

struct stub {
    char file_id[41];
    struct kb_mbfile mbfile;
};

struct container {
    struct kb_backup *backup;
    const char *identifier; /* the setting; NULL none */
    bool there;             /* any row of the container */
    enum presence cloud, mdm, manifest;
    plist_t cloud_plist, mdm_plist, manifest_plist;
    struct stub *stubs;
    int stub_count;
    bool stub_has_mdm, stub_has_identifier, stub_is_manager;
};

static bool is_stub(const struct kb_row *row) {
    static const char prefix[] = FOLDER "profile-", suffix[] = ".stub";

    return row->path && row->path_size > sizeof prefix + sizeof suffix &&
           strncmp(row->path, prefix, sizeof prefix - 1) == 0 &&
           strcmp(row->path + row->path_size - (sizeof suffix - 1), suffix) == 0;
}

static bool take_container_row(void *arg, const struct kb_row *row) {
    struct container *container = arg;
    struct stub *stub = &container->stubs[container->stub_count];

    container->there = true;
    if (container->stub_count >= STUBS_MAX || !is_stub(row) || !row->flags_there || row->flags != 1) return true;
    if (!kb_is_file_id(row->file_id, row->file_id_size)) return true;
    if (!kb_mbfile_parse(row->blob, row->blob_size, row->path, row->path_size, &stub->mbfile)) return true;
    memcpy(stub->file_id, row->file_id, 40);
    stub->file_id[40] = '\0';
    container->stub_count++;
    return true;
}

static bool has_mdm_payload(plist_t profile) {
    plist_t content = kb_plist_get(profile, "PayloadContent", PLIST_ARRAY);
    uint32_t count = content ? plist_array_get_size(content) : 0;
    char type[64];

    for (uint32_t i = 0; i < count; i++) {
        plist_t payload = plist_array_get_item(content, i);

        if (plist_get_node_type(payload) == PLIST_DICT && kb_plist_text(payload, "PayloadType", type, sizeof type) &&
            strcmp(type, "com.apple.mdm") == 0)
            return true;
    }
    return false;
}

static void read_stub(struct container *container, const struct stub *stub, const char *manager) {
    plist_t profile = NULL;
    char identifier[256];

    if (read_payload(container->backup, stub->file_id, &stub->mbfile, &profile) != READ) return;
    kb_plist_text(profile, "PayloadIdentifier", identifier, sizeof identifier);
    container->stub_has_mdm |= has_mdm_payload(profile);
    container->stub_has_identifier |= kb_streq(identifier, container->identifier);
    container->stub_is_manager |= identifier[0] && kb_streq(identifier, manager);
    plist_free(profile);
}

static void container_read(struct container *container, struct kb_db *db) {
    char manager[256];
    struct kb_result res;

    container->stubs = kb_xcalloc(STUBS_MAX + 1, sizeof *container->stubs);
    container->cloud = read_file(container->backup, db, CLOUD_CONFIGURATION, &container->cloud_plist);
    container->mdm = read_file(container->backup, db, MDM, &container->mdm_plist);
    container->manifest = read_file(container->backup, db, PAYLOAD_MANIFEST, &container->manifest_plist);
    res = kb_db_domain(db, CONTAINER, ROWS_MAX, take_container_row, container);
    if (kb_failed(&res)) container->mdm = BROKEN; /* then nothing that is missing proves anything */
    kb_plist_text(container->mdm_plist, "ManagingProfileIdentifier", manager, sizeof manager);
    for (int i = 0; i < container->stub_count; i++) read_stub(container, &container->stubs[i], manager);
}

static void container_release(struct container *container) {
    plist_free(container->cloud_plist);
    plist_free(container->mdm_plist);
    plist_free(container->manifest_plist);
    free(container->stubs);
}

/* ---- What it means ---- */

/* Without all of these a device does not take MDM.plist for a configuration: what is left is a remnant. */
static bool mdm_is_valid(plist_t mdm) {
    static const struct {
        const char *key;
        plist_type type;
    } needed[] = {
        {"ManagingProfileIdentifier", PLIST_STRING},
        {"ServerURL", PLIST_STRING},
        {"AccessRights", PLIST_UINT},
        {"PushMagic", PLIST_STRING},
        {"IdentityPersistentRef", PLIST_DATA},
    };

    for (size_t i = 0; i < KB_ARRAY_SIZE(needed); i++)
        if (!kb_plist_get(mdm, needed[i].key, needed[i].type)) return false;
    return true;
}

static bool manifest_has(const struct container *container, const char *identifier) {
    return kb_plist_array_has(container->manifest_plist, "OrderedProfiles", identifier) ||
           kb_plist_array_has(container->manifest_plist, "HiddenProfiles", identifier);
}

static bool has_profiles(const struct container *container) {
    static const char *const lists[] = {"OrderedProfiles", "HiddenProfiles"};

    for (size_t i = 0; i < KB_ARRAY_SIZE(lists); i++) {
        plist_t list = kb_plist_get(container->manifest_plist, lists[i], PLIST_ARRAY);

        if (list && plist_array_get_size(list) > 0) return true;
    }
    return container->stub_count > 0;
}

/* design.md section 2, `mdm_profile_identifier`: by the setting when there is one, else by what a profile's payloads
 * are. */
static enum kb_tri mdm_state(const struct container *container) {
    char manager[256];

    if (container->identifier && container->identifier[0]) {
        kb_plist_text(container->mdm_plist, "ManagingProfileIdentifier", manager, sizeof manager);
        if (kb_streq(manager, container->identifier) || container->stub_has_identifier ||
            manifest_has(container, container->identifier))
            return KB_YES;
        return container->manifest == READ || (container->manifest == ABSENT && !has_profiles(container)) ? KB_NO
                                                                                                          : KB_UNKNOWN;
    }
    if (container->mdm == READ && mdm_is_valid(container->mdm_plist)) return KB_YES;
    if (container->stub_has_mdm) return KB_YES;
    if (container->mdm == ABSENT && container->manifest != BROKEN && !has_profiles(container)) return KB_NO;
    return KB_UNKNOWN;
}

static const char *contradiction(const struct container *container) {
    char manager[256];

    kb_plist_text(container->mdm_plist, "ManagingProfileIdentifier", manager, sizeof manager);
    if (container->mdm == READ && !mdm_is_valid(container->mdm_plist))
        return _("MDM.plist in the backup is only a remnant; ask the owner whether the device was managed");
    if (container->mdm == READ && container->manifest == READ && !manifest_has(container, manager) &&
        !container->stub_is_manager)
        return _(
            "The backup names an MDM server but not the profile that belongs to it, as after editing by hand; ask the "
            "owner whether the device was managed");
    if (container->mdm == ABSENT && container->stub_has_mdm)
        return _(
            "The backup holds an MDM profile but no MDM settings, as after editing by hand; ask the owner whether the "
            "device was managed");
    if (container->cloud == READ && plist_dict_get_item(container->cloud_plist, "IsSupervised") &&
        kb_plist_bool(container->cloud_plist, "IsSupervised") == KB_UNKNOWN)
        return _(
            "The backup's supervision setting is of a wrong type, as after editing by hand; ask the owner whether the "
            "device was supervised");
    return NULL;
}

static enum kb_management classify(const struct container *container, const struct kb_profiles *profiles) {
    if (profiles->text[0]) return KB_MANAGEMENT_CONTRADICTORY;
    if (profiles->supervised == KB_UNKNOWN || profiles->mdm == KB_UNKNOWN) return KB_MANAGEMENT_UNKNOWN;
    if (profiles->supervised == KB_YES)
        return profiles->mdm == KB_YES ? KB_MANAGEMENT_SUPERVISED_MDM : KB_MANAGEMENT_SUPERVISED;
    if (profiles->mdm == KB_YES) return KB_MANAGEMENT_MDM;
    return has_profiles(container) ? KB_MANAGEMENT_PROFILES : KB_MANAGEMENT_NONE;
}

static bool is_automated(plist_t cloud) {
    plist_t source = kb_plist_get(cloud, "ConfigurationSource", PLIST_UINT);
    uint64_t value = 0;

    if (source) plist_get_uint_val(source, &value);
    return value == 1 || kb_plist_get(cloud, "ConfigurationURL", PLIST_STRING);
}

void kb_profiles_read(struct kb_backup *backup, struct kb_db *db, const char *mdm_identifier, struct kb_profiles *out) {
    struct container container = {.backup = backup, .identifier = mdm_identifier};
    const char *text;

    memset(out, 0, sizeof *out);
    out->supervised = out->mdm = KB_UNKNOWN;
    container_read(&container, db);
    if (container.there || container.cloud != ABSENT || container.mdm != ABSENT) {
        if (container.cloud == READ) out->supervised = kb_plist_bool(container.cloud_plist, "IsSupervised");
        out->mdm = mdm_state(&container);
        out->automated = is_automated(container.cloud_plist);
        text = contradiction(&container);
        if (text) {
            kb_text_copy(out->text, sizeof out->text, text);
            out->mdm = KB_UNKNOWN; /* a guess either way */
        }
        out->management = classify(&container, out);
    }
    container_release(&container);
}
