/*
 * Lockdown's values as facts (protocol.md 2.4). Each value is read by its type: a wrong one stays unknown, with a note,
 * because a guess here decides later whether somebody's photos are overwritten.
 */
#include "node.h"
#include "read.h"

#include <stddef.h>
#include <string.h>

static void note_type(struct kb_device *out, const char *key) {
    kb_device_note(out, key, _("the device answered with a value of the wrong type"));
}

/* Texts of the default domain and where they go. */
static const struct {
    const char *key;
    const char *note;
    size_t offset, room;
} texts[] = {
#define TEXT(key, note, field)                                                                                         \
    { key, note, offsetof(struct kb_device, field), sizeof(((struct kb_device *)0)->field) }
    TEXT("DeviceName", "name", name),
    TEXT("ProductType", "model", model),
    TEXT("DeviceClass", "class", device_class),
    TEXT("SerialNumber", "serial", serial),
    TEXT("InternationalMobileEquipmentIdentity", "imei", imei),
    TEXT("ProductVersion", "os", os),
    TEXT("BuildVersion", "build", build),
    TEXT("ActivationState", "activation", activation),
#undef TEXT
};

void kb_values_default(struct kb_device *out, plist_t values) {
    plist_t node = kb_node_get(values, "PasswordProtected");

    for (size_t i = 0; i < KB_ARRAY_SIZE(texts); i++) {
        char *field = (char *)out + texts[i].offset;

        if (!kb_node_copy_text(values, texts[i].key, field, texts[i].room) && kb_node_get(values, texts[i].key))
            note_type(out, texts[i].note);
    }
    if (kb_node_bool(node) != KB_UNKNOWN)
        out->locked = kb_node_bool(node);
    else if (node)
        note_type(out, "locked");
}

/* One GetValue. NULL with a note when the device refuses. A reply without Value counts as an empty dictionary. */
static plist_t domain_read(struct kb_device *out, struct kb_lockdown *lockdown, const char *domain, const char *key,
                           const char *note) {
    plist_t value = NULL;
    struct kb_result res = kb_lockdown_value(lockdown, domain, key, &value);

    if (!kb_failed(&res)) return value || key ? value : plist_new_dict();
    if (note) {
        char text[160];
        kb_text_copy(text, sizeof text, res.text);
        kb_device_note(out, note, text);
    }
    return NULL;
}

/* WillEncrypt may be absent on a device that was never encrypted: absent is false when the domain could be read. */
static void read_backup(struct kb_device *out, struct kb_lockdown *lockdown) {
    plist_t domain = domain_read(out, lockdown, "com.apple.mobile.backup", NULL, "backup_encryption");
    plist_t node = kb_node_get(domain, "WillEncrypt");

    if (kb_node_bool(node) != KB_UNKNOWN)
        out->backup_encryption = kb_node_bool(node);
    else if (node || (domain && !kb_node_is(domain, PLIST_DICT)))
        note_type(out, "backup_encryption");
    else if (domain)
        out->backup_encryption = KB_NO;
    plist_free(domain);
}

static int64_t read_bytes(struct kb_device *out, plist_t domain, const char *key, const char *note) {
    int64_t bytes = -1;
    plist_t node = kb_node_get(domain, key);

    if (node && (!kb_node_int(node, &bytes) || bytes < 0)) {
        note_type(out, note);
        bytes = -1;
    }
    return bytes;
}

/* AmountDataAvailable is what is really free; TotalDataAvailable counts what can be purged, too. */
static void read_disk(struct kb_device *out, struct kb_lockdown *lockdown) {
    plist_t domain = domain_read(out, lockdown, "com.apple.disk_usage", NULL, "free_bytes");

    out->free_bytes = read_bytes(out, domain, "AmountDataAvailable", "free_bytes");
    out->capacity_bytes = read_bytes(out, domain, "TotalDiskCapacity", "capacity_bytes");
    plist_free(domain);
}

/* Must be asked with its key: the whole domain answers nothing. */
static void read_find_my(struct kb_device *out, struct kb_lockdown *lockdown) {
    plist_t value = domain_read(out, lockdown, "com.apple.fmip", "IsAssociated", "find_my");

    out->find_my = kb_node_bool(value);
    if (value && out->find_my == KB_UNKNOWN) note_type(out, "find_my");
    plist_free(value);
}

/* Setup Assistant's own preferences: the accepted answer to "is setup finished". */
static void read_setup(struct kb_device *out, struct kb_lockdown *lockdown) {
    plist_t domain = domain_read(out, lockdown, "com.apple.PurpleBuddy", NULL, "setup");
    plist_t node = kb_node_get(domain, "SetupDone");

    if (kb_node_bool(node) == KB_YES)
        out->setup = KB_SETUP_DONE;
    else if ((node && kb_node_bool(node) == KB_UNKNOWN) || (domain && !kb_node_is(domain, PLIST_DICT)))
        note_type(out, "setup");
    else if (domain)
        out->setup = KB_SETUP_ASSISTANT;
    plist_free(domain);
}

/* The lower-case twin of that domain is what the restore code writes. */
static void read_restore_state(struct kb_device *out, struct kb_lockdown *lockdown) {
    plist_t domain = domain_read(out, lockdown, "com.apple.purplebuddy", NULL, NULL);

    kb_node_copy_text(domain, "RestoreState", out->restore_state, sizeof out->restore_state);
    plist_free(domain);
}

static void read_battery(struct kb_device *out, struct kb_lockdown *lockdown) {
    plist_t domain = domain_read(out, lockdown, "com.apple.mobile.battery", NULL, "battery_pct");
    plist_t node = kb_node_get(domain, "BatteryCurrentCapacity");
    int64_t percent;

    if (kb_node_int(node, &percent) && percent >= 0 && percent <= 100)
        out->battery_pct = (int)percent;
    else if (node)
        note_type(out, "battery_pct");
    plist_free(domain);
}

enum kb_tri kb_values_chaperoned(struct kb_device *out, struct kb_lockdown *lockdown) {
    plist_t domain = domain_read(out, lockdown, "com.apple.mobile.chaperone", NULL, "supervised");
    plist_t node = kb_node_get(domain, "DeviceIsChaperoned");
    enum kb_tri chaperoned = kb_node_bool(node);

    if (node && chaperoned == KB_UNKNOWN) note_type(out, "supervised");
    plist_free(domain);
    return chaperoned;
}

void kb_values_domains(struct kb_device *out, struct kb_lockdown *lockdown) {
    read_backup(out, lockdown);
    read_disk(out, lockdown);
    read_find_my(out, lockdown);
    read_setup(out, lockdown);
    read_restore_state(out, lockdown);
    read_battery(out, lockdown);
}
