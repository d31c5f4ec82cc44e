/* What is known of an attached device, and its JSON: the order of this table is the order on the wire. */
#include "fields.h"
#include "kitbench/base.h"

#include <string.h>

static const char *const trust_words[] = {
#define X(name, word) word,
    KB_TRUSTS(X)
#undef X
        NULL};
static const char *const setup_words[] = {"", "done", "assistant", NULL};
static const char *const pane_words[] = {"", "shown", "skipped", NULL};

static const struct field fields[] = {
    FIELD(kb_device, "udid", FIELD_TEXT, udid),
    FIELD(kb_device, "location", FIELD_INT64, location),
    FIELD(kb_device, "slot", FIELD_TEXT, slot),
    FIELD(kb_device, "name", FIELD_TEXT, name),
    FIELD(kb_device, "model", FIELD_TEXT, model),
    FIELD(kb_device, "class", FIELD_TEXT, device_class),
    FIELD(kb_device, "serial", FIELD_TEXT, serial),
    FIELD(kb_device, "imei", FIELD_TEXT, imei),
    FIELD(kb_device, "os", FIELD_TEXT, os),
    FIELD(kb_device, "build", FIELD_TEXT, build),
    FIELD_ENUM(kb_device, "trust", trust, trust_words),
    FIELD(kb_device, "locked", FIELD_TRI, locked),
    FIELD(kb_device, "activation", FIELD_TEXT, activation),
    FIELD_ENUM(kb_device, "setup", setup, setup_words),
    FIELD(kb_device, "supervised", FIELD_TRI, supervised),
    FIELD(kb_device, "organization", FIELD_TEXT, organization),
    FIELD_ENUM(kb_device, "restore_pane", restore_pane, pane_words),
    FIELD(kb_device, "mdm", FIELD_TRI, mdm),
    FIELD(kb_device, "agent", FIELD_TRI, agent),
    FIELD(kb_device, "find_my", FIELD_TRI, find_my),
    FIELD(kb_device, "backup_encryption", FIELD_TRI, backup_encryption),
    FIELD(kb_device, "free_bytes", FIELD_INT64, free_bytes),
    FIELD(kb_device, "capacity_bytes", FIELD_INT64, capacity_bytes),
    FIELD(kb_device, "battery_pct", FIELD_INT, battery_pct),
};

void kb_device_init(struct kb_device *device) {
    memset(device, 0, sizeof *device);
    kb_fields_unknown(fields, KB_ARRAY_SIZE(fields), device);
}

void kb_device_note(struct kb_device *device, const char *key, const char *text) {
    if (device->note_count >= KB_MAX_NOTES) return;
    struct kb_note *note = &device->notes[device->note_count++];
    kb_text_clean(note->key, sizeof note->key, key);
    kb_text_clean(note->text, sizeof note->text, text);
}

json_t *kb_device_to_json(const struct kb_device *device) {
    return kb_fields_to_json(fields, KB_ARRAY_SIZE(fields), device);
}

void kb_device_from_json(struct kb_device *device, const json_t *object) {
    kb_device_init(device);
    kb_fields_from_json(fields, KB_ARRAY_SIZE(fields), device, object);
}
