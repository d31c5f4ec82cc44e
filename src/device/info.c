/*
 * Info.plist, the one file of a backup that the host writes (protocol.md 3.6.2, backup-format.md 2.3): who the device
 * is, and for each app what it takes to get it again. What a device does not give is left out, as stock tools do.
 */
#include "lockdown.h"
#include "node.h"

#include <ctype.h>
#include <libimobiledevice/afc.h>
#include <libimobiledevice/installation_proxy.h>
#include <libimobiledevice/sbservices.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 8 * 1024 * 1024, PIECE = 64 * 1024, EPOCH_2001 = 978307200 };
#define OLDEST_ITUNES "10.0.1"

struct info {
    idevice_t device;
    struct kb_lockdown lockdown;
    struct kb_cancel *cancel;
    plist_t dict;
    int64_t apps;
};

/* Key in Info.plist, key in lockdown's default domain. */
static const struct {
    const char *info, *lockdown;
} values[] = {
    {"Build Version", "BuildVersion"},
    {"Device Name", "DeviceName"},
    {"Display Name", "DeviceName"},
    {"ICCID", "IntegratedCircuitCardIdentity"},
    {"IMEI", "InternationalMobileEquipmentIdentity"},
    {"IMEI 2", "InternationalMobileEquipmentIdentity2"},
    {"MEID", "MobileEquipmentIdentifier"},
    {"Phone Number", "PhoneNumber"},
    {"Product Name", "DeviceClass"},
    {"Product Type", "ProductType"},
    {"Product Version", "ProductVersion"},
    {"Serial Number", "SerialNumber"},
};

static struct kb_result add_values(struct info *info) {
    plist_t domain = NULL;
    struct kb_result res = kb_lockdown_value(&info->lockdown, NULL, NULL, &domain);

    if (kb_failed(&res) || !kb_node_is(domain, PLIST_DICT)) {
        plist_free(domain);
        return kb_failed(&res) ? res : kb_lockdown_fail(LOCKDOWN_E_INVALID_RESPONSE);
    }
    for (size_t i = 0; i < KB_ARRAY_SIZE(values); i++) {
        const char *text = kb_node_text(kb_node_get(domain, values[i].lockdown));

        if (text && text[0]) plist_dict_set_item(info->dict, values[i].info, plist_new_string(text));
    }
    plist_free(domain);
    return res;
}

static struct kb_result add_identity(struct info *info, const char *udid, int64_t now) {
    unsigned char random[16];
    char guid[33], upper[KB_UDID_ROOM];
    size_t i;

    struct kb_result res = kb_random(random, sizeof random);
    if (kb_failed(&res)) return res;
    kb_hex(guid, random, sizeof random);
    for (i = 0; guid[i]; i++) guid[i] = (char)toupper((unsigned char)guid[i]);
    kb_text_copy(upper, sizeof upper, udid);
    for (i = 0; upper[i]; i++) upper[i] = (char)toupper((unsigned char)upper[i]);

    plist_dict_set_item(info->dict, "GUID", plist_new_string(guid));
    plist_dict_set_item(info->dict, "Last Backup Date", plist_new_date((int32_t)(now - EPOCH_2001), 0));
    plist_dict_set_item(info->dict, "Target Identifier", plist_new_string(udid));
    plist_dict_set_item(info->dict, "Target Type", plist_new_string("Device"));
    plist_dict_set_item(info->dict, "Unique Identifier", plist_new_string(upper));
    return res;
}

static void add_itunes(struct info *info) {
    plist_t settings = NULL, version = NULL;

    struct kb_result res = kb_lockdown_value(&info->lockdown, "com.apple.iTunes", NULL, &settings);
    if (kb_failed(&res) || !kb_node_is(settings, PLIST_DICT)) {
        plist_free(settings);
        settings = plist_new_dict();
    }
    plist_dict_set_item(info->dict, "iTunes Settings", settings);

    res = kb_lockdown_value(&info->lockdown, "com.apple.mobile.iTunes", "MinITunesVersion", &version);
    const char *text = kb_failed(&res) ? NULL : kb_node_text(version);
    plist_dict_set_item(info->dict, "iTunes Version", plist_new_string(text ? text : OLDEST_ITUNES));
    plist_free(version);
}

/* ---- Apps ---- */

static plist_t browse(struct info *info) {
    struct kb_port port;
    instproxy_client_t proxy = NULL;
    plist_t options = NULL, apps = NULL;

    struct kb_result res = kb_lockdown_service(&info->lockdown, INSTPROXY_SERVICE_NAME, false, &port);
    if (kb_failed(&res) || instproxy_client_new(info->device, &port.descriptor, &proxy) != INSTPROXY_E_SUCCESS)
        goto out;
    options = instproxy_client_options_new();
    instproxy_client_options_add(options, "ApplicationType", "User", NULL);
    instproxy_client_options_set_return_attributes(options, "CFBundleIdentifier", "ApplicationSINF", "iTunesMetadata",
                                                   NULL);
    if (instproxy_browse(proxy, options, &apps) != INSTPROXY_E_SUCCESS || !kb_node_is(apps, PLIST_ARRAY)) {
        plist_free(apps);
        apps = NULL;
    }
out:
    if (options) instproxy_client_options_free(options);
    if (proxy) instproxy_client_free(proxy);
    return apps;
}

static sbservices_client_t open_springboard(struct info *info) {
    struct kb_port port;
    sbservices_client_t springboard = NULL;

    struct kb_result res = kb_lockdown_service(&info->lockdown, SBSERVICES_SERVICE_NAME, false, &port);
    if (!kb_failed(&res) && sbservices_client_new(info->device, &port.descriptor, &springboard) != SBSERVICES_E_SUCCESS)
        springboard = NULL;
    return springboard;
}

static void add_icon(plist_t entry, sbservices_client_t springboard, const char *id) {
    char *png = NULL;
    uint64_t size = 0;

    if (!springboard || sbservices_get_icon_pngdata(springboard, id, &png, &size) != SBSERVICES_E_SUCCESS) return;
    if (png && size > 0 && size <= FILE_MAX) plist_dict_set_item(entry, "PlaceholderIcon", plist_new_data(png, size));
    free(png);
}

/* Only an app with both its licence and its store page can be had again, so only such a one gets an entry. */
static void add_app(struct info *info, plist_t app, sbservices_client_t springboard, plist_t ids, plist_t entries) {
    const char *id = kb_node_text(kb_node_get(app, "CFBundleIdentifier"));
    plist_t sinf = kb_node_get(app, "ApplicationSINF"), metadata = kb_node_get(app, "iTunesMetadata"), entry;

    if (!id || !id[0]) return;
    plist_array_append_item(ids, plist_new_string(id));
    info->apps++;
    if (!sinf || !metadata) return;
    entry = plist_new_dict();
    plist_dict_set_item(entry, "ApplicationSINF", plist_copy(sinf));
    plist_dict_set_item(entry, "iTunesMetadata", plist_copy(metadata));
    add_icon(entry, springboard, id);
    plist_dict_set_item(entries, id, entry);
}

static struct kb_result add_apps(struct info *info) {
    plist_t apps = browse(info), ids = plist_new_array(), entries = plist_new_dict();
    sbservices_client_t springboard = apps ? open_springboard(info) : NULL;
    struct kb_result res = kb_ok();

    for (uint32_t i = 0; apps && i < plist_array_get_size(apps) && !kb_failed(&res); i++) {
        add_app(info, plist_array_get_item(apps, i), springboard, ids, entries);
        if (kb_cancelled(info->cancel)) res = kb_cancel_result();
    }
    plist_dict_set_item(info->dict, "Installed Applications", ids);
    plist_dict_set_item(info->dict, "Applications", entries);
    if (springboard) sbservices_client_free(springboard);
    plist_free(apps);
    return res;
}

/* ---- Files by AFC ---- */

static const char *const itunes_files[] = {
    "ApertureAlbumPrefs",   "IC-Info.sidb",      "IC-Info.sidv",      "PhotosFolderAlbums",
    "PhotosFolderName",     "PhotosFolderPrefs", "VoiceMemos.plist",  "iPhotoAlbumPrefs",
    "iTunesApplicationIDs", "iTunesPrefs",       "iTunesPrefs.plist",
};

/* The file as a data node; NULL when it is not there or cannot be read. */
static plist_t read_file(afc_client_t afc, const char *path) {
    struct kb_buf bytes = {0};
    uint64_t handle = 0;
    plist_t node = NULL;
    char *piece;
    uint32_t got = 1;

    if (afc_file_open(afc, path, AFC_FOPEN_RDONLY, &handle) != AFC_E_SUCCESS) return NULL;
    piece = kb_xmalloc(PIECE);
    while (got > 0 && bytes.size <= FILE_MAX) {
        got = 0;
        if (afc_file_read(afc, handle, piece, PIECE, &got) != AFC_E_SUCCESS) break;
        kb_buf_add(&bytes, piece, got);
    }
    if (got == 0 && bytes.size > 0) node = plist_new_data(bytes.data, bytes.size);
    afc_file_close(afc, handle);
    free(piece);
    kb_buf_release(&bytes);
    return node;
}

static void read_files(struct info *info, afc_client_t afc, plist_t files) {
    plist_t books = read_file(afc, "/Books/iBooksData2.plist");

    if (books) plist_dict_set_item(info->dict, "iBooks Data 2", books);
    for (size_t i = 0; i < KB_ARRAY_SIZE(itunes_files); i++) {
        char *path = kb_xasprintf("/iTunes_Control/iTunes/%s", itunes_files[i]);
        plist_t node = read_file(afc, path);

        if (node) plist_dict_set_item(files, itunes_files[i], node);
        free(path);
    }
}

static void add_files(struct info *info) {
    struct kb_port port;
    afc_client_t afc = NULL;
    plist_t files = plist_new_dict();

    struct kb_result res = kb_lockdown_service(&info->lockdown, AFC_SERVICE_NAME, false, &port);
    if (!kb_failed(&res) && afc_client_new(info->device, &port.descriptor, &afc) == AFC_E_SUCCESS) {
        read_files(info, afc, files);
        afc_client_free(afc);
    }
    plist_dict_set_item(info->dict, "iTunes Files", files);
}

struct kb_result kb_device_info_plist(const char *udid, int64_t now, struct kb_cancel *cancel, struct kb_buf *xml,
                                      int64_t *apps) {
    struct info info = {.cancel = cancel, .dict = plist_new_dict()};

    struct kb_result res = kb_lockdown_device(udid, &info.device);
    if (!kb_failed(&res)) res = kb_lockdown_session(info.device, udid, &info.lockdown);
    if (!kb_failed(&res)) res = add_values(&info);
    if (!kb_failed(&res)) res = add_identity(&info, udid, now);
    if (!kb_failed(&res)) add_itunes(&info);
    if (!kb_failed(&res)) res = add_apps(&info);
    if (!kb_failed(&res)) add_files(&info);
    if (!kb_failed(&res)) kb_node_to_xml(info.dict, xml);
    if (apps) *apps = info.apps;
    plist_free(info.dict);
    kb_lockdown_close(&info.lockdown);
    if (info.device) idevice_free(info.device);
    return res;
}
