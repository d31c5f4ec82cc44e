/*
 * What `verify` has found whole is remembered, so that a dry run of many verified backups need not open each again. To
 * know later that one password opens them all, it is tried here on one of those that were opened before: that costs a
 * second key derivation, and only the first time.
 */
#include "dry.h"

#include <stdlib.h>
#include <string.h>

struct kb_dry_backup *kb_verified_begin(const struct kb_cli *cli, const char *path) {
    struct kb_dry_backup *begun = kb_xcalloc(1, sizeof *begun);
    struct kb_memory *memory = kb_memory_load(cli);
    kb_backup_info_init(&begun->info);
    begun->path = kb_xstrdup(path);
    begun->looked_at = kb_clock_wall();
    kb_memory_find(memory, begun);
    kb_memory_free(memory);
    return begun;
}

/* Whether password is the one called name: it opens a folder that was opened by that one and has not changed since. */
static bool is_called(struct kb_memory *memory, const char *name, char *path, const struct kb_secret *password) {
    struct kb_dry_backup *sample = kb_xcalloc(1, sizeof *sample);
    struct kb_backup *backup = NULL;
    sample->path = path;
    kb_memory_find(memory, sample);
    struct kb_result res = sample->known && !strcmp(sample->password, name) ? kb_backup_open(path, &backup)
                                                                            : kb_fail(KB_STORE, KB_STORE_MISSING, "-");
    if (!kb_failed(&res)) res = kb_backup_unlock(backup, password, NULL, NULL);
    kb_backup_free(backup);
    free(sample->identity);
    free(sample);
    return !kb_failed(&res);
}

static void name_password(struct kb_memory *memory, struct kb_dry_backup *begun, const struct kb_secret *password) {
    char path[4096];
    unsigned char bytes[16];
    const char *name = kb_memory_password(memory, path);
    if (name && strcmp(path, begun->path) && is_called(memory, name, path, password)) {
        kb_text_copy(begun->password, sizeof begun->password, name);
        return;
    }
    struct kb_result res = kb_random(bytes, sizeof bytes);
    if (!kb_failed(&res)) kb_hex(begun->password, bytes, sizeof bytes);
}

static void remember(const struct kb_cli *cli, struct kb_dry_backup *begun, struct kb_backup *backup,
                     const struct kb_secret *password) {
    const struct kb_backup_options given = kb_backup_options_of(cli, true);
    struct kb_backup_options options = given;
    struct kb_memory *memory = kb_memory_load(cli);
    options.source_state = KB_SOURCE_UNKNOWN; /* what the folder says, not what somebody says of it */
    *begun->password = '\0';
    struct kb_result res = kb_backup_inspect(backup, &options, &begun->info);
    if (kb_failed(&res)) goto out;
    if (begun->info.proof == KB_PROOF_RIGHT && password) name_password(memory, begun, password);
    kb_memory_put(memory, begun);
    res = kb_memory_save(memory);
out:
    if (kb_failed(&res) && cli->options.verbose) kb_say(cli, "%s", res.text);
    kb_memory_free(memory);
}

void kb_verified_end(const struct kb_cli *cli, struct kb_dry_backup *begun, struct kb_backup *backup,
                     const struct kb_secret *password) {
    if (!begun) return;
    if (backup && !begun->known) remember(cli, begun, backup, password);
    free(begun->path);
    free(begun->identity);
    free(begun);
}
