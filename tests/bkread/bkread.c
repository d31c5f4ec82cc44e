/*
 * bkread FOLDER [PASSWORD]: "whole", or the first thing that is wrong with a backup folder. A second opinion for tests:
 * written from the format alone, in the plainest way (everything in memory, one thread), and sharing no code with
 * kitbench nor with the generator, so that the same mistake would have to be made three times.
 */
#define _GNU_SOURCE
#include "bkread.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void bk_wrong(const char *format, ...) {
    va_list args;

    va_start(args, format);
    printf("wrong: ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    exit(1);
}

int64_t bk_length(const char *folder, const char *name) {
    char path[4096];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (lstat(path, &st) != 0) bk_wrong("missing %s", name);
    if (!S_ISREG(st.st_mode)) bk_wrong("no file %s", name);
    return (int64_t)st.st_size;
}

struct bk_bytes bk_load(const char *folder, const char *name) {
    struct bk_bytes bytes = {NULL, (size_t)bk_length(folder, name)};
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    bytes.data = malloc(bytes.size + 1);
    if (!file) bk_wrong("unread %s", name);
    if (!bytes.data || fread(bytes.data, 1, bytes.size, file) != bytes.size) bk_wrong("unread %s", name);
    fclose(file);
    return bytes;
}

plist_t bk_plist(struct bk_bytes bytes, const char *name) {
    plist_t root = NULL;

    if (bytes.size >= 8 && memcmp(bytes.data, "bplist00", 8) == 0)
        plist_from_bin((const char *)bytes.data, (uint32_t)bytes.size, &root);
    else if (bytes.size > 0)
        plist_from_xml((const char *)bytes.data, (uint32_t)bytes.size, &root);
    if (!root || plist_get_node_type(root) != PLIST_DICT) bk_wrong("no property list %s", name);
    return root;
}

static plist_t load_plist(const char *folder, const char *name) {
    struct bk_bytes bytes = bk_load(folder, name);
    plist_t root = bk_plist(bytes, name);

    free(bytes.data);
    return root;
}

static void want_word(plist_t dict, const char *key, const char *word) {
    plist_t node = plist_dict_get_item(dict, key);
    char *text = NULL;

    if (!node || plist_get_node_type(node) != PLIST_STRING) bk_wrong("no word %s", key);
    plist_get_string_val(node, &text);
    if (strcmp(text, word) != 0) bk_wrong("%s is %s", key, text);
    free(text);
}

static bool is_encrypted(plist_t manifest) {
    plist_t node = plist_dict_get_item(manifest, "IsEncrypted");
    uint8_t yes = 0;

    if (!node || plist_get_node_type(node) != PLIST_BOOLEAN) bk_wrong("IsEncrypted is no truth value");
    plist_get_bool_val(node, &yes);
    if (!yes && plist_dict_get_item(manifest, "ManifestKey")) bk_wrong("plain with a key");
    return yes;
}

/* 2.4 to 3.x is what devices take back. */
static void want_status_version(plist_t status) {
    plist_t node = plist_dict_get_item(status, "Version");
    char *text = NULL;

    if (!node || plist_get_node_type(node) != PLIST_STRING) bk_wrong("no version of Status.plist");
    plist_get_string_val(node, &text);
    if (atof(text) < 2.4 || atof(text) >= 4) bk_wrong("version %s of Status.plist", text);
    free(text);
}

/* Nothing but files and folders, and no file where a folder of payloads belongs. */
static int look(const char *path, const struct stat *st, int what, struct FTW *at) {
    const char *name = path + at->base;

    if (what == FTW_DNR || what == FTW_NS) bk_wrong("unread %s", path);
    if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode)) bk_wrong("no file %s", path);
    if (at->level == 1 && S_ISREG(st->st_mode) && strlen(name) == 2) bk_wrong("no folder %s", path);
    return 0;
}

int main(int argc, char **argv) {
    struct bk bk = {.folder = argc > 1 ? argv[1] : ""};
    plist_t status, manifest, info;

    if (argc < 2 || argc > 3) return fprintf(stderr, "usage: bkread FOLDER [PASSWORD]\n"), 2;
    nftw(bk.folder, look, 8, FTW_PHYS);
    status = load_plist(bk.folder, "Status.plist");
    want_status_version(status);
    want_word(status, "SnapshotState", "finished");
    want_word(status, "BackupState", "new");
    manifest = load_plist(bk.folder, "Manifest.plist");
    want_word(manifest, "Version", "10.0");
    info = load_plist(bk.folder, "Info.plist");
    bk.encrypted = is_encrypted(manifest);
    bk_open_keys(&bk, manifest, bk.encrypted && argc > 2 ? argv[2] : "");
    bk_rows(&bk, manifest);
    printf("whole: %ld rows, %ld files\n", bk.rows, bk.files);
    plist_free(status);
    plist_free(manifest);
    plist_free(info);
    return 0;
}
