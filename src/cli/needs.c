/* What an attached device needs before it can be worked on, as sentences. The rules are policy's; this is for the eye.
 */
#include "cli.h"

#include <string.h>

static bool is_restore_mode(const struct kb_device *d) { return d->mode == KB_MODE_RESTORE; }
static bool is_untrusted(const struct kb_device *d) { return d->trust == KB_TRUST_UNTRUSTED; }
static bool is_pending(const struct kb_device *d) { return d->trust == KB_TRUST_PENDING; }
static bool is_denied(const struct kb_device *d) { return d->trust == KB_TRUST_DENIED; }
static bool is_locked(const struct kb_device *d) { return d->locked == KB_YES; }
static bool is_unactivated(const struct kb_device *d) {
    return *d->activation && strcmp(d->activation, "Activated") && strcmp(d->activation, "FactoryActivated");
}
static bool is_in_assistant(const struct kb_device *d) { return d->setup == KB_SETUP_ASSISTANT; }
static bool is_find_my_on(const struct kb_device *d) { return d->find_my == KB_YES; }
static bool is_pane_skipped(const struct kb_device *d) { return d->restore_pane == KB_PANE_SKIPPED; }
static bool is_plain(const struct kb_device *d) { return d->backup_encryption == KB_NO && d->setup == KB_SETUP_DONE; }
static bool is_unread(const struct kb_device *d) { return d->trust == KB_TRUST_UNKNOWN && !*d->os; }

static const struct {
    bool (*when)(const struct kb_device *device);
    enum kb_paint paint;
    const char *text;
} needs[] = {
    {is_restore_mode, KB_PAINT_BAD,
     N_("It is in restore mode: restart it (or restore its system with Apple's tools), then plug it in again.")},
    {is_unread, KB_PAINT_BAD,
     N_("It could not be read: unplug it, wait until its screen is on, and plug it in again (-v says why).")},
    {is_untrusted, KB_PAINT_WARN, N_("This computer is not trusted yet: kitbench pair, then tap Trust on the device.")},
    {is_pending, KB_PAINT_WARN, N_("It asks whether to trust this computer: tap Trust and enter its passcode.")},
    {is_denied, KB_PAINT_WARN,
     N_("Somebody tapped Don't Trust: unplug it, plug it in again, and tap Trust when it asks.")},
    {is_locked, KB_PAINT_WARN, N_("It is locked: unlock it with its passcode.")},
    {is_unactivated, KB_PAINT_WARN, N_("It is not activated: connect it to Wi-Fi, or put a SIM in, and activate it.")},
    {is_pane_skipped, KB_PAINT_BAD,
     N_("Its ADE profile hides \"restore from backup\": change the profile, then erase the device.")},
    {is_find_my_on, KB_PAINT_WARN, N_("Find My is on: turn it off before a restore onto this device.")},
    {is_in_assistant, KB_PAINT_NONE, N_("It is in Setup Assistant.")},
    {is_plain, KB_PAINT_NONE, N_("Its backups are not encrypted yet; kitbench backup switches that on.")},
};

void kb_device_needs(const struct kb_device *device, void (*each)(void *arg, enum kb_paint paint, const char *text),
                     void *arg) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(needs); i++)
        if (needs[i].when(device)) each(arg, needs[i].paint, _(needs[i].text));
}
