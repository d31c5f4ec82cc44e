/* Reading UDID.facts.json: kitbench's own words about a device, in a place where anybody may have written since. */
#include <stdlib.h>
#include <string.h>

#include "seal.h"

enum { FACTS_MAX_BYTES = 256 * 1024 };

char *kb_seal_root(const struct kb_backup *backup) {
    const char *path = backup->path;
    const char *base = kb_path_base(path);
    size_t size = (size_t)(base - path);

    while (size > 1 && path[size - 1] == '/') size--;
    return size ? kb_xasprintf("%.*s", (int)size, path) : kb_xstrdup(".");
}

/* They belong to this device, and to this run of the folder: a later backup by another program makes them old. */
static bool belongs(const struct kb_backup *backup, const json_t *facts) {
    char udid[KB_UDID_ROOM] = "", uuid[64] = "";

    kb_json_get_text(facts, "udid", udid, sizeof udid);
    kb_json_get_text(facts, "backup_uuid", uuid, sizeof uuid);
    if (!udid[0] || strcmp(udid, backup->manifest.udid) != 0) return false;
    return !uuid[0] || strcmp(uuid, backup->status.uuid) == 0;
}

static void take(const json_t *facts, struct kb_seal_read *out) {
    char word[32] = "";

    kb_json_get_text(facts, "source_state", word, sizeof word);
    out->there = true;
    if (!kb_source_parse(word, &out->source)) out->source = KB_SOURCE_UNKNOWN;
    out->supervised = kb_json_get_tri(facts, "supervised");
    out->mdm = kb_json_get_tri(facts, "mdm");
}

void kb_seal_facts_read(const struct kb_backup *backup, struct kb_seal_read *out) {
    char *parent = kb_seal_root(backup);
    char *name = kb_xasprintf("%s.facts.json", kb_path_base(backup->path));
    struct kb_dir *root = NULL;
    struct kb_buf text = {NULL, 0, 0};
    json_t *facts = NULL;
    struct kb_result res = kb_dir_open(parent, false, &root);

    *out = (struct kb_seal_read){false, KB_SOURCE_UNKNOWN, KB_UNKNOWN, KB_UNKNOWN};
    if (!kb_failed(&res)) res = kb_load(root, name, FACTS_MAX_BYTES, &text);
    if (!kb_failed(&res)) facts = kb_json_parse(text.data, text.size, FACTS_MAX_BYTES);
    if (facts && belongs(backup, facts)) take(facts, out);
    json_decref(facts);
    kb_buf_release(&text);
    kb_dir_close(root);
    free(name);
    free(parent);
}
