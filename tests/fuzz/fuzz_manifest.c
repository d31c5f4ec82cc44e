/*
 * libFuzzer target: a property list of a backup folder, from its bytes to the values that are taken out of it. The
 * first byte chooses nothing: all readers look at the same dictionary, because a hostile folder may give any list to
 * any of them.
 */
#include "../../src/backup/room.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(plist_t root) {
    static const char *const keys[] = {"Version",      "Date",           "IsEncrypted", "BackupKeyBag",
                                       "ManifestKey",  "UUID",           "BackupState", "SnapshotState",
                                       "IsFullBackup", "UniqueDeviceID", "Lockdown",    "Applications"};
    char text[64];
    size_t size;
    struct kb_keybag bag;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const void *bytes = kb_plist_data(root, keys[i], &size);

        kb_plist_version(root, keys[i]);
        kb_plist_date(root, keys[i]);
        kb_plist_bool(root, keys[i]);
        kb_plist_text(root, keys[i], text, sizeof text);
        kb_plist_array_has(root, keys[i], "x");
        if (bytes) {
            struct kb_result res = kb_keybag_parse(bytes, size, &bag);
            (void)res; /* any answer is fine */
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    plist_t root = NULL;

    if (size > 1 << 20) return 0;
    if (kb_plist_bytes(data, size, &root) != KB_PLIST_OK) return 0;
    take(root);
    take(kb_plist_get(root, "Lockdown", PLIST_DICT));
    plist_free(root);
    return 0;
}
