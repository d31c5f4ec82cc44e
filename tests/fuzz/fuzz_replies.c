/*
 * libFuzzer target: any plist as a reply of usbmuxd, lockdown or MCInstall. Facts must stay within their types, and a
 * UDID must be what a file name may be made of.
 */
#include "../../src/device/mux.h"
#include "../../src/device/node.h"
#include "../../src/device/read.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct kb_attached list[KB_MAX_ATTACHED];
    struct kb_device device;
    int count = 0;
    plist_t reply = kb_node_parse(data, size, 1 << 20);

    if (!reply) return 0;
    struct kb_result res = kb_mux_take_list(reply, list, &count);
    assert(!kb_failed(&res) || count == 0);
    for (int i = 0; i < count; i++) {
        assert(list[i].id > 0 && list[i].udid[0] != 0);
        assert(strspn(list[i].udid, "0123456789abcdefABCDEF-") == strlen(list[i].udid));
    }
    kb_device_init(&device);
    kb_values_default(&device, reply);
    kb_managed_cloud(&device, reply, KB_NO);
    kb_managed_profiles(&device, reply, size % 2 ? "com.example.mdm" : NULL);
    assert(device.note_count <= KB_MAX_NOTES);
    assert(kb_utf8_valid(device.name, strlen(device.name)));
    plist_free(reply);
    return 0;
}
