/*
 * kb_transfer_*: the services opened in their order, the ritual, the request with every option said explicitly (a
 * device's defaults erase: protocol.md 3.3), the run, and everything closed again.
 */
#include "backup2.h"
#include "mux.h"
#include "node.h"
#include "ritual.h"

#include <stdlib.h>
#include <string.h>

struct transfer {
    const struct kb_transfer_options *options;
    struct kb_transfer_end *end;
    idevice_t device;
    uint32_t mux_id;
    struct kb_notify notify;
    struct kb_ritual ritual;
    struct kb_service service;
};

static void say(struct transfer *transfer, const char *what, const struct kb_result *res) {
    const struct kb_transfer_events *events = transfer->options->events;
    char line[600];

    if (!events || !events->log) return;
    struct kb_result words = kb_while(*res, "%s", what);
    kb_text_clean(line, sizeof line, words.text);
    events->log(events->arg, line);
}

static void open_afc(struct transfer *transfer, struct kb_lockdown *lockdown) {
    struct kb_port port;
    struct kb_result res = kb_lockdown_service(lockdown, AFC_SERVICE_NAME, false, &port);

    if (kb_failed(&res))
        say(transfer, "AFC", &res);
    else if (afc_client_new(transfer->device, &port.descriptor, &transfer->ritual.afc) != AFC_E_SUCCESS)
        transfer->ritual.afc = NULL;
}

/* One session starts all three services; it is closed before the long work begins. */
static struct kb_result open_services(struct transfer *transfer) {
    const char *udid = transfer->options->udid;
    struct kb_lockdown lockdown = {0};
    struct kb_attached attached;

    struct kb_result res = kb_mux_find(udid, &attached, kb_clock_ms() + 5000);
    if (kb_failed(&res)) return res;
    transfer->mux_id = attached.id;
    res = kb_lockdown_device(udid, &transfer->device);
    if (!kb_failed(&res)) res = kb_lockdown_session(transfer->device, udid, &lockdown);
    if (kb_failed(&res)) return res;

    res = kb_notify_open(&lockdown, &transfer->notify);
    if (kb_failed(&res)) say(transfer, "notification_proxy", &res);
    transfer->ritual.notify = &transfer->notify;
    open_afc(transfer, &lockdown);
    res = kb_lockdown_connect(&lockdown, "com.apple.mobilebackup2", true, &transfer->service);
    kb_lockdown_close(&lockdown);
    return res;
}

static void close_services(struct transfer *transfer) {
    kb_service_close(&transfer->service);
    bool closed = kb_ritual_end(&transfer->ritual);
    kb_notify_close(&transfer->notify);
    if (transfer->device && closed) idevice_free(transfer->device);
}

/* The password is in one text node of the request; that and every buffer it goes through are overwritten. */
static struct kb_result run_request(struct transfer *transfer, struct kb_backup2 *b2,
                                    plist_t (*make)(const struct kb_transfer_options *options)) {
    const struct kb_transfer_options *options = transfer->options;
    struct kb_result res = kb_ok();

    if (kb_cancelled(options->cancel)) return kb_cancel_result();
    if (options->about_to) res = options->about_to(options->about_to_arg);
    if (kb_failed(&res)) return res;
    return kb_backup2_run(b2, make(options), options->password != NULL);
}

static struct kb_result transfer_run(const struct kb_transfer_options *options, struct kb_transfer_end *end,
                                     bool ritual, plist_t (*make)(const struct kb_transfer_options *options)) {
    struct transfer transfer = {.options = options, .end = end};
    struct kb_backup2 *b2 = kb_xcalloc(1, sizeof *b2);

    memset(end, 0, sizeof *end);
    struct kb_result res = open_services(&transfer);
    if (kb_failed(&res)) goto out;
    b2->stream = transfer.service.stream;
    b2->options = options;
    b2->end = end;
    b2->notify = &transfer.notify;
    b2->mux_id = transfer.mux_id;
    res = kb_backup2_open(b2);
    if (!kb_failed(&res) && ritual) res = kb_ritual_begin(&transfer.ritual, options);
    if (!kb_failed(&res)) res = kb_applications_write(&transfer.ritual, options);
    if (!kb_failed(&res)) res = run_request(&transfer, b2, make);
    /* A lost link is not a failure yet: the device may be restarting into its restored self, and wants the list. */
    if (kb_failed(&res) && !kb_is(&res, KB_BACKUP2, KB_LINK_LOST)) kb_applications_remove(&transfer.ritual);
out:
    close_services(&transfer);
    free(b2);
    return res;
}

/* ---- Requests (protocol.md 3.3) ---- */

static plist_t request_new(const char *name, const struct kb_transfer_options *options) {
    plist_t dict = plist_new_dict();

    plist_dict_set_item(dict, "MessageName", plist_new_string(name));
    plist_dict_set_item(dict, "TargetIdentifier", plist_new_string(options->udid));
    return dict;
}

static plist_t backup_request(const struct kb_transfer_options *options) {
    plist_t dict = request_new("Backup", options), flags;

    if (!options->full) return dict;
    flags = plist_new_dict();
    plist_dict_set_item(flags, "ForceFullBackup", plist_new_bool(1));
    plist_dict_set_item(dict, "Options", flags);
    return dict;
}

static const struct {
    const char *option;
    bool value;
} restore_flags[] = {
    {"RestoreShouldReboot", true},      /* without it the data is not moved in place */
    {"RestoreSystemFiles", true},       /* without it settings stay behind */
    {"RestorePreserveSettings", false}, /* true keeps this device's settings: half a move */
    {"RemoveItemsNotRestored", true},   /* the device's default, said aloud */
    {"RestoreDontCopyBackup", true},    /* else the host would have to hold a second copy */
};

static plist_t restore_request(const struct kb_transfer_options *options) {
    plist_t dict = request_new("Restore", options), flags = plist_new_dict();

    plist_dict_set_item(dict, "SourceIdentifier",
                        plist_new_string(options->source_udid ? options->source_udid : options->udid));
    for (size_t i = 0; i < KB_ARRAY_SIZE(restore_flags); i++)
        plist_dict_set_item(flags, restore_flags[i].option, plist_new_bool(restore_flags[i].value));
    if (options->password)
        plist_dict_set_item(flags, "Password", plist_new_string((const char *)options->password->data));
    plist_dict_set_item(dict, "Options", flags);
    return dict;
}

/* At the top level and not in Options; NewPassword alone switches encryption on. */
static plist_t encrypt_request(const struct kb_transfer_options *options) {
    plist_t dict = request_new("ChangePassword", options);

    plist_dict_set_item(dict, "NewPassword", plist_new_string((const char *)options->password->data));
    return dict;
}

struct kb_result kb_transfer_backup(const struct kb_transfer_options *options, struct kb_transfer_end *end) {
    struct kb_transfer_options plain = *options;

    plain.applications = NULL; /* a backup has neither */
    plain.password = NULL;
    return transfer_run(&plain, end, true, backup_request);
}

struct kb_result kb_transfer_restore(const struct kb_transfer_options *options, struct kb_transfer_end *end) {
    return transfer_run(options, end, true, restore_request);
}

struct kb_result kb_transfer_encrypt(const struct kb_transfer_options *options, struct kb_transfer_end *end) {
    struct kb_transfer_options plain = *options;

    memset(end, 0, sizeof *end);
    plain.applications = NULL;
    if (!options->password || options->password->size == 0)
        return kb_fail(KB_PASSWORD, KB_PASSWORD_MISSING,
                       _("A backup password is needed. Give it with --password-file"));
    return transfer_run(&plain, end, false, encrypt_request);
}
