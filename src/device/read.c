/*
 * kb_device_read: all that can be read of a device, with one lockdown session. Never pairs: without a pair record no
 * session is tried, and whether there is a record is asked of usbmuxd itself (protocol.md 9.1-9).
 */
#include "read.h"

#include "mux.h"
#include "node.h"
#include <stdlib.h>
#include <string.h>

/* Asked one by one when the device does not give its whole default domain before it is trusted. */
static const char *const before_trust[] = {"DeviceName",   "ProductType",     "DeviceClass",  "ProductVersion",
                                           "BuildVersion", "ActivationState", "SerialNumber", "PasswordProtected"};

static void read_singly(struct kb_device *out, struct kb_lockdown *lockdown) {
    plist_t values = plist_new_dict();

    for (size_t i = 0; i < KB_ARRAY_SIZE(before_trust); i++) {
        plist_t value = NULL;
        struct kb_result res = kb_lockdown_value(lockdown, NULL, before_trust[i], &value);

        if (!kb_failed(&res) && value) plist_dict_set_item(values, before_trust[i], value);
    }
    kb_values_default(out, values);
    plist_free(values);
}

/* Fails only when the connection did; a refusal is asked around. */
static struct kb_result read_default(struct kb_device *out, struct kb_lockdown *lockdown) {
    plist_t values = NULL;
    struct kb_result res = kb_lockdown_value(lockdown, NULL, NULL, &values);

    if (!kb_failed(&res) && kb_node_is(values, PLIST_DICT))
        kb_values_default(out, values);
    else if (!kb_lockdown_dead(lockdown))
        read_singly(out, lockdown);
    plist_free(values);
    return kb_lockdown_dead(lockdown) ? res : kb_ok();
}

/* Why nothing but the little that a device tells everybody is known. */
static const char *const behind_trust[] = {"setup",   "supervised", "restore_pane", "mdm",
                                           "find_my", "free_bytes", "battery_pct",  "backup_encryption"};

static void note_behind_trust(struct kb_device *out) {
    const char *why = out->mode == KB_MODE_RESTORE ? _("the device is in restore mode")
                                                   : _("cannot be read before the device trusts this computer");

    for (size_t i = 0; i < KB_ARRAY_SIZE(behind_trust); i++) kb_device_note(out, behind_trust[i], why);
}

static struct kb_result read_without_session(struct kb_device *out, idevice_t device) {
    struct kb_lockdown lockdown;
    struct kb_result res = kb_lockdown_open(device, out->udid, &lockdown);

    if (kb_failed(&res)) return res;
    out->mode = lockdown.restore_mode ? KB_MODE_RESTORE : KB_MODE_NORMAL;
    if (lockdown.restore_mode)
        out->trust = KB_TRUST_UNKNOWN; /* nobody asks it there */
    else
        res = read_default(out, &lockdown);
    note_behind_trust(out);
    kb_lockdown_close(&lockdown);
    return res;
}

/* A session that is granted and then hung up is how some devices say that the pairing is gone. */
static struct kb_result read_with_session(struct kb_device *out, struct kb_lockdown *lockdown,
                                          const struct kb_read_options *options) {
    struct kb_result res = read_default(out, lockdown);

    if (kb_is(&res, KB_LOCKDOWN, LOCKDOWN_E_MUX_ERROR)) return kb_lockdown_fail(LOCKDOWN_E_SSL_ERROR);
    if (kb_failed(&res)) return res;
    out->trust = KB_TRUST_TRUSTED;
    out->mode = KB_MODE_NORMAL;
    kb_values_domains(out, lockdown);
    enum kb_tri chaperoned = kb_values_chaperoned(out, lockdown);
    kb_managed_read(out, lockdown, options, chaperoned);
    if (options && options->agent_bundle_id) kb_managed_agent(out, lockdown, options->agent_bundle_id);
    return res;
}

/* What a refused session says about trust and lock. */
static const struct {
    lockdownd_error_t error;
    enum kb_trust trust;
    enum kb_tri locked;
    const char *note;
} refusals[] = {
    {LOCKDOWN_E_INVALID_CONF, KB_TRUST_UNTRUSTED, KB_UNKNOWN, NULL},
    {LOCKDOWN_E_INVALID_HOST_ID, KB_TRUST_UNTRUSTED, KB_UNKNOWN,
     N_("the device no longer knows this computer's pairing")},
    /* The handshake is done, then the device hangs up: that is how some say that the pairing is gone. */
    {LOCKDOWN_E_SSL_ERROR, KB_TRUST_UNTRUSTED, KB_UNKNOWN, N_("the device broke off the secure connection")},
    {LOCKDOWN_E_PASSWORD_PROTECTED, KB_TRUST_UNKNOWN, KB_YES,
     N_("the device has not been unlocked since it started: the pairing can be judged after that")},
};

static void take_refusal(struct kb_device *out, const struct kb_result *res) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(refusals); i++) {
        if (!kb_is(res, KB_LOCKDOWN, refusals[i].error)) continue;
        out->trust = refusals[i].trust;
        if (refusals[i].note) kb_device_note(out, "trust", _(refusals[i].note));
        return;
    }
    kb_device_note(out, "trust", res->text);
}

static enum kb_tri refusal_locked(const struct kb_result *res) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(refusals); i++)
        if (kb_is(res, KB_LOCKDOWN, refusals[i].error)) return refusals[i].locked;
    return KB_UNKNOWN;
}

/* A failed connection: gone, or there but mute? */
static struct kb_result silent_or_gone(const char *udid, struct kb_result res) {
    struct kb_attached found;
    struct kb_result listed = kb_mux_find(udid, &found, kb_clock_ms() + 3000);

    if (kb_is(&listed, KB_LOCKDOWN, KB_DEVICE_GONE) || listed.domain == KB_USBMUX) return listed;
    if (kb_is(&res, KB_LOCKDOWN, LOCKDOWN_E_MUX_ERROR) || kb_is(&res, KB_LOCKDOWN, LOCKDOWN_E_RECEIVE_TIMEOUT))
        return kb_fail(KB_LOCKDOWN, KB_DEVICE_SILENT,
                       _("The device does not answer. Unplug it, plug it in again, then try again"));
    return res;
}

/* Tries a session; what it refuses says something about trust and lock. */
static struct kb_result try_session(struct kb_device *out, idevice_t device, const struct kb_read_options *options,
                                    enum kb_tri *locked, bool *cut) {
    struct kb_lockdown lockdown;
    struct kb_result res = kb_lockdown_session(device, out->udid, &lockdown);

    if (!kb_failed(&res)) {
        res = read_with_session(out, &lockdown, options);
        *cut = kb_lockdown_dead(&lockdown);
        kb_lockdown_close(&lockdown);
    }
    if (!kb_failed(&res)) return res;
    if (res.domain == KB_USBMUX || res.domain == KB_HOST)
        kb_device_note(out, "trust", res.text); /* the daemon did not say whether there is a record */
    else
        take_refusal(out, &res);
    *locked = refusal_locked(&res);
    return res;
}

/* Cut off in the middle: with the cable pulled, what was read is of a device that is not there. */
static struct kb_result still_there(const char *udid) {
    struct kb_attached found;
    struct kb_result res = kb_mux_find(udid, &found, kb_clock_ms() + 3000);

    return kb_is(&res, KB_LOCKDOWN, KB_DEVICE_GONE) ? res : kb_ok();
}

static struct kb_result read_once(const struct kb_attached *attached, const struct kb_read_options *options,
                                  struct kb_device *out, bool *cut) {
    idevice_t device = NULL;
    enum kb_tri locked = KB_UNKNOWN;

    *cut = false;
    kb_device_init(out);
    kb_text_copy(out->udid, sizeof out->udid, attached->udid);
    out->mux_id = attached->id;
    out->location = attached->location;

    struct kb_result res = kb_lockdown_device(attached->udid, &device);
    if (kb_failed(&res)) return silent_or_gone(attached->udid, res);
    res = try_session(out, device, options, &locked, cut);
    if (kb_failed(&res)) {
        res = read_without_session(out, device);
        if (locked != KB_UNKNOWN) out->locked = locked;
        if (kb_failed(&res)) res = silent_or_gone(attached->udid, res);
    } else if (*cut) {
        res = still_there(attached->udid);
    }
    idevice_free(device);
    return res;
}

/*
 * What was cut off is read once more: half a reading looks like a device that does not tell, and somebody would be
 * asked to answer in its place.
 */
struct kb_result kb_device_read(const struct kb_attached *attached, const struct kb_read_options *options,
                                struct kb_device *out) {
    bool cut;
    struct kb_result res = read_once(attached, options, out, &cut);

    if (!kb_failed(&res) && cut) res = read_once(attached, options, out, &cut);
    return res;
}
