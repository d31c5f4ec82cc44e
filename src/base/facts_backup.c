/* What a backup folder says, and its JSON: the order of this table is the order on the wire. */
#include "fields.h"
#include "kitbench/base.h"

#include <string.h>

static const char *const source_words[] = {"", "unsupervised", "supervised", "no-mdm", NULL};

static const struct field fields[] = {
    FIELD(kb_backup_info, "path", FIELD_TEXT, path),
    FIELD(kb_backup_info, "udid", FIELD_TEXT, udid),
    FIELD(kb_backup_info, "device_name", FIELD_TEXT, device_name),
    FIELD(kb_backup_info, "model", FIELD_TEXT, model),
    FIELD(kb_backup_info, "os", FIELD_TEXT, os),
    FIELD(kb_backup_info, "build", FIELD_TEXT, build),
    FIELD(kb_backup_info, "serial", FIELD_TEXT, serial),
    FIELD(kb_backup_info, "taken_at", FIELD_TIME, taken_at),
    FIELD(kb_backup_info, "encrypted", FIELD_TRI, encrypted),
    FIELD(kb_backup_info, "finished", FIELD_TRI, finished),
    FIELD(kb_backup_info, "full", FIELD_TRI, full),
    FIELD_ENUM(kb_backup_info, "source_state", source_state, source_words),
    FIELD(kb_backup_info, "supervised", FIELD_TRI, supervised),
    FIELD(kb_backup_info, "mdm", FIELD_TRI, mdm),
    FIELD(kb_backup_info, "agent", FIELD_TRI, agent),
    FIELD(kb_backup_info, "apps", FIELD_INT64, apps),
    FIELD(kb_backup_info, "files", FIELD_INT64, files),
    FIELD(kb_backup_info, "bytes", FIELD_INT64, bytes),
    FIELD(kb_backup_info, "needs_bytes", FIELD_INT64, needs_bytes),
};

const char *kb_source_name(enum kb_source source) {
    return (size_t)source < KB_ARRAY_SIZE(source_words) - 1 ? source_words[source] : "";
}

bool kb_source_parse(const char *text, enum kb_source *source) {
    int found = text && *text ? kb_word_find(source_words, text) : 0;
    if (!found) return false;
    *source = (enum kb_source)found;
    return true;
}

void kb_backup_info_init(struct kb_backup_info *info) {
    memset(info, 0, sizeof *info);
    kb_fields_unknown(fields, KB_ARRAY_SIZE(fields), info);
}

json_t *kb_backup_info_to_json(const struct kb_backup_info *info) {
    return kb_fields_to_json(fields, KB_ARRAY_SIZE(fields), info);
}

void kb_backup_info_from_json(struct kb_backup_info *info, const json_t *object) {
    kb_backup_info_init(info);
    kb_fields_from_json(fields, KB_ARRAY_SIZE(fields), info, object);
}
