/* The three property lists (backup-format.md 2). */
#include "gen.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { APPLE_2026 = 785600000 }; /* seconds since 2001 */

static const char * or (const char *text, const char *otherwise) { return text ? text : otherwise; }

static void set_text(plist_t dict, const char *key, const char *text) {
    plist_dict_set_item(dict, key, plist_new_string(text));
}

static void write_plist(struct gen *gen, const char *name, plist_t dict, bool xml) {
    char *bytes = NULL;
    uint32_t size = 0;

    if (xml)
        plist_to_xml(dict, &bytes, &size);
    else
        plist_to_bin(dict, &bytes, &size);
    gen_write(gen, name, bytes, size);
    free(bytes);
    plist_free(dict);
}

static const char *snapshot_state(const struct gen *gen) {
    static const struct {
        const char *damage, *word;
    } states[] = {{"uploading", "uploading"}, {"uploading-first", "uploading"}, {"moving", "moving"},
                  {"moving-half", "moving"},  {"removing-extra", "removing"},   {"removing", "removing"}};

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (gen_is(gen, states[i].damage)) return states[i].word;
    return gen_is(gen, "snapshot-word") ? "Finished" : "finished";
}

static void write_status(struct gen *gen) {
    plist_t dict = plist_new_dict();

    set_text(dict, "UUID", "7D1B6F6E-3B55-4A0B-9A5E-0F4C0E4B8C11");
    set_text(dict, "Version", gen_is(gen, "status-version") ? "4.0" : "3.3");
    set_text(dict, "BackupState", gen_is(gen, "state-old") ? "old" : gen_is(gen, "state-empty") ? "empty" : "new");
    if (gen_is(gen, "status-type"))
        plist_dict_set_item(dict, "SnapshotState", plist_new_uint(1));
    else
        set_text(dict, "SnapshotState", snapshot_state(gen));
    plist_dict_set_item(dict, "IsFullBackup", plist_new_bool(0));
    plist_dict_set_item(dict, "Date", plist_new_date(APPLE_2026 + (gen_is(gen, "mixed-dates") ? 86400 : 0), 0));
    write_plist(gen, "Status.plist", dict, gen_is(gen, "xml-lists"));
}

static plist_t lockdown(struct gen *gen) {
    plist_t dict = plist_new_dict();
    char udid[64];

    if (gen_is(gen, "lockdown-empty")) return dict;
    snprintf(udid, sizeof udid, "%s", gen->udid);
    if (gen_is(gen, "mixed-manifest")) udid[0] = udid[0] == '9' ? '8' : '9';
    set_text(dict, "UniqueDeviceID", udid);
    set_text(dict, "DeviceName", or (gen->spec->name, "Hanako's iPhone"));
    set_text(dict, "ProductType", or (gen->spec->model, "iPhone14,5"));
    set_text(dict, "ProductVersion", or (gen->spec->os, "17.5.1"));
    set_text(dict, "BuildVersion", or (gen->spec->build, "21F90"));
    set_text(dict, "SerialNumber", or (gen->spec->serial, "F4GX1A2B3C"));
    return dict;
}

static void write_manifest(struct gen *gen) {
    plist_t dict = plist_new_dict();
    unsigned char keyed[44];

    if (gen_is(gen, "manifest-version"))
        set_text(dict, "Version", "11.0");
    else if (!gen_is(gen, "manifest-no-version"))
        set_text(dict, "Version", gen_is(gen, "mbdb-only") || gen_is(gen, "db-old-version") ? "9.1" : "10.0");
    if (gen_is(gen, "manifest-type"))
        set_text(dict, "IsEncrypted", "yes");
    else
        plist_dict_set_item(dict, "IsEncrypted", plist_new_bool(gen->encrypted && !gen_is(gen, "says-plain")));
    if (!gen_is(gen, "keybag-missing"))
        plist_dict_set_item(dict, "BackupKeyBag", plist_new_data((const char *)gen->keybag, gen->keybag_size));
    gen_wrap(gen, 3, gen->manifest_key, keyed);
    if (gen_is(gen, "manifest-key-flipped")) keyed[20] ^= 1;
    if (gen->encrypted && !gen_is(gen, "ios10-plain-db") && !gen_is(gen, "manifest-key-missing"))
        plist_dict_set_item(dict, "ManifestKey",
                            plist_new_data((const char *)keyed, gen_is(gen, "manifest-key-short") ? 43 : 44));
    plist_dict_set_item(dict, "Date", plist_new_date(APPLE_2026 + 60, 0));
    set_text(dict, "SystemDomainsVersion", "24.0");
    plist_dict_set_item(dict, "WasPasscodeSet", plist_new_bool(1));
    plist_dict_set_item(dict, "Lockdown", lockdown(gen));
    plist_dict_set_item(dict, "Applications", plist_copy(gen->applications));
    write_plist(gen, "Manifest.plist", dict, gen_is(gen, "xml-lists"));
}

static void write_info(struct gen *gen) {
    plist_t dict = plist_new_dict(), apps = plist_new_dict(), app = plist_new_dict();
    char upper[64];

    for (size_t i = 0; i <= strlen(gen->udid); i++) upper[i] = (char)toupper((unsigned char)gen->udid[i]);
    if (gen_is(gen, "mixed-info")) upper[0] = upper[0] == '9' ? '8' : '9';
    set_text(dict, "Unique Identifier", upper);
    set_text(dict, "Target Identifier", gen->udid);
    set_text(dict, "Target Type", "Device");
    set_text(dict, "Device Name", or (gen->spec->name, "Hanako's iPhone"));
    set_text(dict, "Display Name", or (gen->spec->name, "Hanako's iPhone"));
    set_text(dict, "Product Type", or (gen->spec->model, "iPhone14,5"));
    set_text(dict, "Product Version", gen_is(gen, "mixed-os") ? "12.0" : or (gen->spec->os, "17.5.1"));
    set_text(dict, "Build Version", or (gen->spec->build, "21F90"));
    set_text(dict, "Serial Number", or (gen->spec->serial, "F4GX1A2B3C"));
    plist_dict_set_item(dict, "Last Backup Date", plist_new_date(APPLE_2026 + 90, 0));
    plist_dict_set_item(dict, "Installed Applications", plist_copy(gen->installed));
    plist_dict_set_item(app, "ApplicationSINF", plist_new_data("sinf", 4));
    plist_dict_set_item(app, "iTunesMetadata", plist_new_data("metadata", 8));
    plist_dict_set_item(apps, "com.example.chat", app);
    plist_dict_set_item(dict, "Applications", apps);
    write_plist(gen, "Info.plist", dict, !gen_is(gen, "info-binary"));
}

void gen_write_plists(struct gen *gen) {
    write_status(gen);
    write_manifest(gen);
    write_info(gen);
}
