/*
 * lockdown's values (protocol.md 2.4) as a table: where, whether a session is needed, and what. What a host has set
 * wins over the table. The device's lock is held by the caller.
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ALWAYS = 1,     /* without a session too */
    KEY_ONLY = 2,   /* not in the answer for the whole domain */
    UNCONFIRMED = 4 /* without a session if the scenario's switch says so */
};

typedef plist_t value_fn(struct sim_device *dev);

static plist_t text(const char *value) { return value && *value ? plist_new_string(value) : NULL; }
static plist_t yes_no(bool value) { return plist_new_bool(value); }
static plist_t number(int64_t value) { return plist_new_uint((uint64_t)value); }

/* --- the default domain --- */

static plist_t v_product_version(struct sim_device *dev) { return text(dev->os); }
static plist_t v_build_version(struct sim_device *dev) { return text(dev->build); }
static plist_t v_product_type(struct sim_device *dev) { return text(dev->product_type); }
static plist_t v_product_name(struct sim_device *dev) {
    return text(strcmp(dev->device_class, "iPad") == 0 && sim_os_at_least(dev, 13, 0) ? "iPad OS" : "iPhone OS");
}
static plist_t v_hardware(struct sim_device *dev) { return text(dev->hardware); }
static plist_t v_model(struct sim_device *dev) { return text(dev->model_number); }
static plist_t v_region(struct sim_device *dev) { return text(sim_word(dev, "region", "J/A")); }
static plist_t v_udid(struct sim_device *dev) { return text(dev->udid); }
static plist_t v_serial(struct sim_device *dev) { return text(dev->serial); }
static plist_t v_name(struct sim_device *dev) { return text(dev->name); }
static plist_t v_class(struct sim_device *dev) { return text(dev->device_class); }
static plist_t v_chip(struct sim_device *dev) { return number(dev->ecid); }
static plist_t v_imei(struct sim_device *dev) { return text(dev->imei); }
static plist_t v_meid(struct sim_device *dev) {
    char meid[16];
    snprintf(meid, sizeof meid, "%.14s", dev->imei);
    return text(meid);
}
static plist_t v_iccid(struct sim_device *dev) { return text(sim_word(dev, "iccid", "")); }
static plist_t v_phone(struct sim_device *dev) { return text(sim_word(dev, "phone_number", "")); }
static plist_t v_sim_status(struct sim_device *dev) {
    return text(*sim_word(dev, "iccid", "") ? "kCTSIMSupportSIMStatusReady" : "kCTSIMSupportSIMStatusNotInserted");
}
static plist_t v_activation(struct sim_device *dev) {
    return text(sim_word(dev, "activation_state", dev->activated ? "Activated" : "Unactivated"));
}
static plist_t v_activation_acknowledged(struct sim_device *dev) { return yes_no(dev->activated); }
static plist_t v_brick(struct sim_device *dev) { return yes_no(!dev->activated); }
static plist_t v_locked(struct sim_device *dev) { return yes_no(sim_is_locked(dev)); }
static plist_t v_true(struct sim_device *dev) { return (void)dev, yes_no(true); }
static plist_t v_false(struct sim_device *dev) { return (void)dev, yes_no(false); }
static plist_t v_telephony(struct sim_device *dev) { return yes_no(dev->imei[0] != 0); }
static plist_t v_time(struct sim_device *dev) { return (void)dev, plist_new_real((double)time(NULL)); }
static plist_t v_time_zone(struct sim_device *dev) { return text(sim_word(dev, "time_zone", "Asia/Tokyo")); }
static plist_t v_time_offset(struct sim_device *dev) { return (void)dev, plist_new_real(32400); }
static plist_t v_wifi(struct sim_device *dev) { return text(dev->wifi_mac); }
static plist_t v_bluetooth(struct sim_device *dev) {
    char mac[20];
    sim_copy(mac, sizeof mac, dev->wifi_mac);
    mac[16] = mac[16] == 'f' ? '0' : 'f';
    return text(mac);
}
static plist_t v_four(struct sim_device *dev) { return (void)dev, number(4); }
static plist_t v_protocol(struct sim_device *dev) { return (void)dev, text("2"); }
static plist_t v_cpu(struct sim_device *dev) { return (void)dev, text("arm64e"); }
static plist_t v_baseband(struct sim_device *dev) { return (void)dev, text("2.53.01"); }
static plist_t v_firmware(struct sim_device *dev) { return (void)dev, text("iBoot-10151.122.1"); }
static plist_t v_color(struct sim_device *dev) { return (void)dev, text("1"); }
static plist_t v_slash(struct sim_device *dev) { return (void)dev, text(""); }
static plist_t v_families(struct sim_device *dev) {
    plist_t list = plist_new_array();
    plist_array_append_item(list, number(strcmp(dev->device_class, "iPad") == 0 ? 2 : 1));
    return list;
}

/* --- domains --- */

static plist_t v_will_encrypt(struct sim_device *dev) {
    if (!dev->will_encrypt && sim_switch(dev, "will_encrypt_absent", false)) return NULL;
    return yes_no(dev->will_encrypt);
}
static plist_t v_requires_encryption(struct sim_device *dev) { return number(dev->requires_encryption); }
static plist_t v_backup_version(struct sim_device *dev) { return (void)dev, text("2.0"); }
static plist_t v_disk_total(struct sim_device *dev) { return number(dev->capacity_bytes); }
static plist_t v_disk_system(struct sim_device *dev) { return number(dev->capacity_bytes / 8); }
static plist_t v_disk_zero(struct sim_device *dev) { return (void)dev, number(0); }
static plist_t v_disk_data(struct sim_device *dev) { return number(dev->capacity_bytes - dev->capacity_bytes / 8); }
static plist_t v_disk_free(struct sim_device *dev) { return number(dev->free_bytes); }
/* With what could be purged: larger than what is really free (protocol.md 2.4). */
static plist_t v_disk_available(struct sim_device *dev) {
    return number(dev->free_bytes + sim_number(dev, "purgeable", dev->free_bytes / 10));
}
static plist_t v_disk_reserved(struct sim_device *dev) { return (void)dev, number(209715200); }
static plist_t v_find_my(struct sim_device *dev) { return yes_no(dev->find_my && dev->phase != SIM_ASSISTANT); }
static plist_t v_restore_state(struct sim_device *dev) { return text(dev->restore_state); }
static plist_t v_setup_done(struct sim_device *dev) { return dev->setup_done ? yes_no(true) : NULL; }
static plist_t v_setup_state(struct sim_device *dev) { return dev->setup_done ? text("SetupUsingAssistant") : NULL; }
static plist_t v_setup_version(struct sim_device *dev) { return dev->setup_done ? number(11) : NULL; }
static plist_t v_language(struct sim_device *dev) { return text(sim_word(dev, "language", "ja")); }
static plist_t v_locale(struct sim_device *dev) { return text(sim_word(dev, "locale", "ja_JP")); }
static plist_t v_setup_language(struct sim_device *dev) { return dev->setup_done ? v_language(dev) : NULL; }
static plist_t v_setup_locale(struct sim_device *dev) { return dev->setup_done ? v_locale(dev) : NULL; }
static plist_t v_chaperoned(struct sim_device *dev) {
    bool early = sim_switch(dev, "chaperoned_in_assistant", true);
    return yes_no(dev->supervised && (early || dev->phase != SIM_ASSISTANT));
}
static plist_t v_battery(struct sim_device *dev) { return number(dev->battery_pct); }
static plist_t v_full(struct sim_device *dev) { return yes_no(dev->battery_pct >= 100); }
static plist_t v_itunes_version(struct sim_device *dev) { return text(sim_word(dev, "min_itunes_version", "12.13.1")); }
static plist_t v_macos_version(struct sim_device *dev) { return (void)dev, text("10.5.8"); }
static plist_t v_family(struct sim_device *dev) { return (void)dev, plist_new_uint(UINT64_MAX); }
static plist_t v_empty(struct sim_device *dev) { return (void)dev, plist_new_array(); }

static const struct value {
    const char *domain; /* NULL: the default domain */
    const char *key;
    int flags;
    value_fn *get;
} values[] = {
    {NULL, "ActivationState", UNCONFIRMED, v_activation},
    {NULL, "ActivationStateAcknowledged", 0, v_activation_acknowledged},
    {NULL, "BasebandVersion", 0, v_baseband},
    {NULL, "BluetoothAddress", 0, v_bluetooth},
    {NULL, "BrickState", 0, v_brick},
    {NULL, "BuildVersion", ALWAYS, v_build_version},
    {NULL, "CPUArchitecture", 0, v_cpu},
    {NULL, "DeviceClass", ALWAYS, v_class},
    {NULL, "DeviceColor", 0, v_color},
    {NULL, "DeviceName", ALWAYS, v_name},
    {NULL, "DevicePublicKey", ALWAYS | KEY_ONLY, sim_device_public_pem},
    {NULL, "FirmwareVersion", 0, v_firmware},
    {NULL, "HardwareModel", 0, v_hardware},
    {NULL, "HostAttached", 0, v_true},
    {NULL, "IntegratedCircuitCardIdentity", 0, v_iccid},
    {NULL, "InternationalMobileEquipmentIdentity", 0, v_imei},
    {NULL, "MobileEquipmentIdentifier", 0, v_meid},
    {NULL, "ModelNumber", 0, v_model},
    {NULL, "PairRecordProtectionClass", 0, v_four},
    {NULL, "PartitionType", 0, v_slash},
    {NULL, "PasswordProtected", UNCONFIRMED, v_locked},
    {NULL, "PhoneNumber", 0, v_phone},
    {NULL, "ProductName", 0, v_product_name},
    {NULL, "ProductType", ALWAYS, v_product_type},
    {NULL, "ProductVersion", ALWAYS, v_product_version},
    {NULL, "ProductionSOC", 0, v_true},
    {NULL, "ProtocolVersion", 0, v_protocol},
    {NULL, "RegionInfo", 0, v_region},
    {NULL, "SIMStatus", 0, v_sim_status},
    {NULL, "SerialNumber", UNCONFIRMED, v_serial},
    {NULL, "SupportedDeviceFamilies", 0, v_families},
    {NULL, "TelephonyCapability", 0, v_telephony},
    {NULL, "TimeIntervalSince1970", 0, v_time},
    {NULL, "TimeZone", 0, v_time_zone},
    {NULL, "TimeZoneOffsetFromUTC", 0, v_time_offset},
    {NULL, "TrustedHostAttached", 0, v_true},
    {NULL, "UniqueChipID", 0, v_chip},
    {NULL, "UniqueDeviceID", ALWAYS, v_udid},
    {NULL, "Uses24HourClock", 0, v_true},
    {NULL, "WiFiAddress", ALWAYS, v_wifi},
    {"com.apple.mobile.backup", "CloudBackupEnabled", 0, v_false},
    {"com.apple.mobile.backup", "RequiresEncryption", 0, v_requires_encryption},
    {"com.apple.mobile.backup", "Version", 0, v_backup_version},
    {"com.apple.mobile.backup", "WillEncrypt", 0, v_will_encrypt},
    {"com.apple.disk_usage", "AmountDataAvailable", 0, v_disk_free},
    {"com.apple.disk_usage", "AmountDataReserved", 0, v_disk_reserved},
    {"com.apple.disk_usage", "AmountRestoreAvailable", 0, v_disk_free},
    {"com.apple.disk_usage", "TotalDataAvailable", 0, v_disk_available},
    {"com.apple.disk_usage", "TotalDataCapacity", 0, v_disk_data},
    {"com.apple.disk_usage", "TotalDiskCapacity", 0, v_disk_total},
    {"com.apple.disk_usage", "TotalSystemAvailable", 0, v_disk_zero},
    {"com.apple.disk_usage", "TotalSystemCapacity", 0, v_disk_system},
    {"com.apple.disk_usage.factory", "AmountDataAvailable", 0, v_disk_free},
    {"com.apple.disk_usage.factory", "TotalDataAvailable", 0, v_disk_available},
    {"com.apple.disk_usage.factory", "TotalDataCapacity", 0, v_disk_data},
    {"com.apple.disk_usage.factory", "TotalDiskCapacity", 0, v_disk_total},
    {"com.apple.disk_usage.factory", "TotalSystemAvailable", 0, v_disk_zero},
    {"com.apple.disk_usage.factory", "TotalSystemCapacity", 0, v_disk_system},
    {"com.apple.fmip", "IsAssociated", KEY_ONLY, v_find_my},
    {"com.apple.purplebuddy", "RestoreState", 0, v_restore_state},
    {"com.apple.purplebuddy", "SetupState", 0, v_restore_state},
    {"com.apple.PurpleBuddy", "Language", 0, v_setup_language},
    {"com.apple.PurpleBuddy", "Locale", 0, v_setup_locale},
    {"com.apple.PurpleBuddy", "SetupDone", 0, v_setup_done},
    {"com.apple.PurpleBuddy", "SetupFinishedAllSteps", 0, v_setup_done},
    {"com.apple.PurpleBuddy", "SetupState", 0, v_setup_state},
    {"com.apple.PurpleBuddy", "SetupVersion", 0, v_setup_version},
    {"com.apple.PurpleBuddy", "UserChoseLanguage", 0, v_setup_done},
    {"com.apple.mobile.chaperone", "DeviceIsChaperoned", 0, v_chaperoned},
    {"com.apple.mobile.battery", "BatteryCurrentCapacity", 0, v_battery},
    {"com.apple.mobile.battery", "BatteryIsCharging", 0, v_true},
    {"com.apple.mobile.battery", "ExternalChargeCapable", 0, v_true},
    {"com.apple.mobile.battery", "ExternalConnected", 0, v_true},
    {"com.apple.mobile.battery", "FullyCharged", 0, v_full},
    {"com.apple.mobile.battery", "GasGaugeCapability", 0, v_true},
    {"com.apple.mobile.battery", "HasBattery", 0, v_true},
    {"com.apple.mobile.iTunes", "FamilyID", ALWAYS, v_family},
    {"com.apple.mobile.iTunes", "MinITunesVersion", ALWAYS, v_itunes_version},
    {"com.apple.mobile.iTunes", "MinMacOSVersion", ALWAYS, v_macos_version},
    {"com.apple.mobile.iTunes", "iTunesSetupComplete", ALWAYS, v_true},
    {"com.apple.iTunes", "DeletedApplications", 0, v_empty},
    {"com.apple.iTunes", "LibraryApplications", 0, v_empty},
    {"com.apple.international", "Keyboard", 0, v_locale},
    {"com.apple.international", "Language", 0, v_language},
    {"com.apple.international", "Locale", 0, v_locale},
    {"com.apple.mobile.wireless_lockdown", "EnableWifiConnections", 0, v_false},
    {"com.apple.mobile.restriction", "ProhibitAppInstall", 0, v_false},
    {"com.apple.mobile.restriction", "ProhibitAppRemove", 0, v_false},
    {"com.apple.security.mac.amfi", "DeveloperModeStatus", 0, v_false},
    {"com.apple.mobile.internal", "IsInternal", 0, v_false},
};

static bool same(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

/* The scenario may show unconfirmed values before pairing: "without_session": ["SerialNumber", ...]. */
static bool shown_without_session(struct sim_device *dev, const struct value *value) {
    if (value->flags & ALWAYS) return true;
    if (!(value->flags & UNCONFIRMED)) return false;
    if (strcmp(value->key, "ActivationState") == 0 && sim_switch(dev, "activation_without_session", false)) return true;
    const json_t *list = json_object_get(dev->scenario, "without_session");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), value->key) == 0) return true;
    return false;
}

static plist_t overrides(struct sim_device *dev, const char *domain) {
    return plist_dict_get_item(dev->own->values, domain ? domain : "");
}

static plist_t value_of(struct sim_device *dev, const struct value *value) {
    plist_t set = overrides(dev, value->domain), node = set ? plist_dict_get_item(set, value->key) : NULL;
    return node ? plist_copy(node) : value->get(dev);
}

static plist_t whole_domain(struct sim_device *dev, bool session, const char *domain) {
    plist_t dict = plist_new_dict(), set = overrides(dev, domain);
    if (set && session) plist_dict_merge(&dict, set);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const struct value *value = &values[i];
        if (!same(value->domain, domain) || (!session && !shown_without_session(dev, value))) continue;
        if ((value->flags & KEY_ONLY) && !(domain == NULL && session)) continue;
        plist_t node = value_of(dev, value);
        if (node) plist_dict_set_item(dict, value->key, node);
    }
    return dict;
}

static bool domain_open(const char *domain) { return domain == NULL || strcmp(domain, "com.apple.mobile.iTunes") == 0; }

plist_t sim_value_get(struct sim_device *dev, bool session, const char *domain, const char *key, const char **error) {
    if (!session && !domain_open(domain)) return *error = "GetProhibited", NULL;
    if (!key) return whole_domain(dev, session, domain);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const struct value *value = &values[i];
        if (!same(value->domain, domain) || strcmp(value->key, key) != 0) continue;
        plist_t node = session || shown_without_session(dev, value) ? value_of(dev, value) : NULL;
        if (!node) *error = "MissingValue";
        return node;
    }
    plist_t set = session ? overrides(dev, domain) : NULL, node = set ? plist_dict_get_item(set, key) : NULL;
    if (!node) *error = "MissingValue";
    return node ? plist_copy(node) : NULL;
}

/* What a host may set; key NULL: any of the domain. */
static const struct {
    const char *domain, *key;
    bool without_session, in_assistant_only;
} settable[] = {
    {NULL, "UntrustedHostBUID", true, false},
    {NULL, "DeviceName", false, false},
    {NULL, "ActivationStateAcknowledged", false, false},
    {NULL, "TimeZone", false, false},
    {NULL, "TimeIntervalSince1970", false, false},
    {NULL, "Uses24HourClock", false, false},
    {"com.apple.international", NULL, false, true},
    {"com.apple.PurpleBuddy", NULL, false, true},
    {"com.apple.mobile.iTunes", NULL, false, false},
    {"com.apple.iTunes", NULL, false, false},
    {"com.apple.mobile.wireless_lockdown", NULL, false, false},
    {"com.apple.mobile.backup", "CloudBackupEnabled", false, false},
    {"com.apple.Accessibility", NULL, false, false},
};

static bool may_set(struct sim_device *dev, bool session, const char *domain, const char *key) {
    for (size_t i = 0; i < sizeof settable / sizeof *settable; i++) {
        if (!same(settable[i].domain, domain) || (settable[i].key && strcmp(settable[i].key, key) != 0)) continue;
        return (session || settable[i].without_session) &&
               (!settable[i].in_assistant_only || dev->phase == SIM_ASSISTANT);
    }
    return false;
}

/* NULL: done; else the error. value NULL removes. */
const char *sim_value_set(struct sim_device *dev, bool session, const char *domain, const char *key, plist_t value) {
    if (!key) return "MissingKey";
    if (!may_set(dev, session, domain, key)) return value ? "SetProhibited" : "RemoveProhibited";
    plist_t set = overrides(dev, domain);
    if (!set) {
        set = plist_new_dict();
        plist_dict_set_item(dev->own->values, domain ? domain : "", set);
    }
    if (!domain && strcmp(key, "DeviceName") == 0 && sim_is(value, PLIST_STRING)) {
        sim_copy(dev->name, sizeof dev->name, plist_get_string_ptr(value, NULL));
        return NULL;
    }
    if (value)
        plist_dict_set_item(set, key, plist_copy(value));
    else if (plist_dict_get_item(set, key))
        plist_dict_remove_item(set, key);
    return NULL;
}
