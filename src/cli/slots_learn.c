/*
 * slots learn: somebody plugs a device into one place after the other, and each plug teaches its port. What is plugged
 * in already does not count, nor what comes back with another DeviceID because usbmuxd began anew: only a device that
 * was not at that port before.
 */
#include "slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUX_WAIT_MS 10000
#define PAUSE_MS    500

struct learn {
    struct kb_cli *cli;
    struct kb_cancel *cancel;
    struct kb_attached present[KB_MAX_ATTACHED];
    int present_count;
    int64_t taught[KB_MAX_SLOTS]; /* ports of this run */
    int count;
    int64_t until_ms;
    struct kb_result res;
};

static bool has_names(const struct learn *learn) { return learn->cli->options.operand_count > 1; }

static bool is_over(const struct learn *learn) {
    return learn->count == (has_names(learn) ? learn->cli->options.operand_count - 1 : KB_MAX_SLOTS);
}

static void next_name(const struct learn *learn, char name[KB_SLOT_NAME_ROOM]) {
    if (has_names(learn))
        kb_text_copy(name, KB_SLOT_NAME_ROOM, learn->cli->options.operands[1 + learn->count]);
    else
        snprintf(name, KB_SLOT_NAME_ROOM, "%d", learn->count + 1);
}

static void ask(const struct learn *learn) {
    char name[KB_SLOT_NAME_ROOM];
    next_name(learn, name);
    if (has_names(learn))
        kb_say(learn->cli, _("Plug a device into place \"%s\"."), name);
    else
        kb_say(learn->cli, _("Plug a device into place \"%s\" (Ctrl-C when there is no further one)."), name);
}

static int find_present(const struct learn *learn, const struct kb_attached *device) {
    for (int i = 0; i < learn->present_count; i++)
        if (learn->present[i].location == device->location && !strcmp(learn->present[i].udid, device->udid)) return i;
    return -1;
}

/* Some devices detach and attach by themselves (Trust was tapped, a loose plug): they must not take the next name. */
static bool is_of_this_run(const struct learn *learn, int64_t location) {
    for (int i = 0; i < learn->count; i++)
        if (learn->taught[i] == location) return true;
    return false;
}

static void teach(struct learn *learn, const struct kb_attached *device) {
    char name[KB_SLOT_NAME_ROOM], before[KB_SLOT_NAME_ROOM] = "";
    int64_t was = -1;
    next_name(learn, name);
    learn->res = kb_slot_teach(learn->cli, name, device->location, before, &was);
    if (kb_failed(&learn->res)) return;
    kb_tell(learn->cli, _("Slot \"%s\" is the port 0x%08llx (%s)."), name, (unsigned long long)device->location,
            device->udid);
    if (*before && strcmp(before, name))
        kb_say(learn->cli, _("This port was slot \"%s\" before, and is that no more."), before);
    if (was >= 0 && was != device->location)
        kb_say(learn->cli, _("Slot \"%s\" was the port 0x%08llx before."), name, (unsigned long long)was);
    kb_slot_put(learn->cli, name, device->location);
    learn->taught[learn->count++] = device->location;
}

static void on_plug(struct learn *learn, const struct kb_attached *device) {
    if (find_present(learn, device) >= 0) return;
    if (learn->present_count < KB_MAX_ATTACHED) learn->present[learn->present_count++] = *device;
    if (device->location < 0) {
        kb_say(learn->cli, _("usbmuxd does not tell the port of %s"), device->udid);
        return;
    }
    learn->until_ms = kb_clock_ms() + learn->cli->options.wait_s * 1000;
    if (is_of_this_run(learn, device->location))
        kb_say(learn->cli, _("The port 0x%08llx has just got its name; this plug does not count."),
               (unsigned long long)device->location);
    else
        teach(learn, device);
    if (!kb_failed(&learn->res) && !is_over(learn)) ask(learn);
}

/* Ends the listening after each plug, because the time to wait begins anew. */
static bool on_event(void *arg, enum kb_mux_event event, const struct kb_attached *device) {
    struct learn *learn = arg;
    int index = find_present(learn, device);
    if (event == KB_MUX_DETACHED && index >= 0) learn->present[index] = learn->present[--learn->present_count];
    if (event != KB_MUX_ATTACHED || index >= 0) return true;
    on_plug(learn, device);
    return false;
}

/* What went while nobody listened. */
static void look_again(struct learn *learn) {
    struct kb_attached *list = kb_xcalloc(KB_MAX_ATTACHED, sizeof *list);
    int count = 0;
    struct kb_result res = kb_mux_list(list, &count, kb_clock_ms() + MUX_WAIT_MS);
    for (int i = learn->present_count - 1; i >= 0 && !kb_failed(&res); i--) {
        bool there = false;
        for (int k = 0; k < count; k++)
            there = there ||
                    (list[k].location == learn->present[i].location && !strcmp(list[k].udid, learn->present[i].udid));
        if (!there) learn->present[i] = learn->present[--learn->present_count];
    }
    free(list);
}

/* usbmuxd may end with the last device and come back with the next (protocol.md 1.1). */
static struct kb_result follow(struct learn *learn) {
    bool said = false;
    learn->until_ms = kb_clock_ms() + learn->cli->options.wait_s * 1000;
    ask(learn);
    while (!is_over(learn)) {
        struct kb_result res = kb_mux_listen(on_event, learn, learn->cancel, learn->until_ms);
        if (kb_failed(&learn->res)) return learn->res;
        if (!kb_failed(&res)) {
            said = false;
            continue;
        }
        if (res.domain != KB_USBMUX) return res;
        if (kb_clock_ms() >= learn->until_ms) return kb_fail(KB_HOST, KB_HOST_TIMEOUT, "%s", res.text);
        if (!said) kb_say(learn->cli, _("usbmuxd went away (%s). Waiting until it is back."), res.text);
        said = true;
        if (kb_cancel_wait(learn->cancel, PAUSE_MS)) return kb_cancel_result();
        look_again(learn);
    }
    return kb_ok();
}

/* A name that cannot be one, or that stands twice, is said before somebody walks to the tray. */
static struct kb_result check_names(const struct learn *learn) {
    struct kb_slots *slots = NULL;
    const char *const *names = learn->cli->options.operands;
    struct kb_result res = kb_slots_load(learn->cli->home, &slots);
    for (int i = 1; i < learn->cli->options.operand_count && !kb_failed(&res); i++) {
        for (int k = 1; k < i && !kb_failed(&res); k++)
            if (kb_slots_location(slots, names[i]) == k) /* set below, in the copy that is never saved */
                res = kb_usage(learn->cli->command, _("The name \"%.60s\" stands twice"), names[i]);
        if (!kb_failed(&res)) res = kb_slots_set(slots, names[i], i);
    }
    kb_slots_free(slots);
    return res;
}

/* Without names whoever has seen enough just stops; with names something is missing then. */
static struct kb_result ending(const struct learn *learn, struct kb_result res) {
    bool timeout = kb_is(&res, KB_HOST, KB_HOST_TIMEOUT);
    char name[KB_SLOT_NAME_ROOM];
    if (!timeout && res.domain != KB_CANCELLED) return res;
    if (!has_names(learn)) return kb_ok();
    if (!timeout) return res;
    next_name(learn, name);
    return kb_fail(KB_OPERATOR, KB_ASK_NONE, _("Nothing was plugged into place \"%s\" for %lld seconds"), name,
                   (long long)learn->cli->options.wait_s);
}

int kb_slots_learn(struct kb_cli *cli) {
    struct learn *learn = kb_xcalloc(1, sizeof *learn);
    learn->cli = cli;
    learn->cancel = kb_cancel_new();
    struct kb_result res = check_names(learn);
    if (kb_failed(&res)) goto out;
    res = kb_mux_list(learn->present, &learn->present_count, kb_clock_ms() + MUX_WAIT_MS);
    if (kb_failed(&res)) goto out;
    kb_host_on_interrupt(learn->cancel);
    if (learn->present_count)
        kb_say(cli, _("%d devices are plugged in already: they count as soon as they are pulled out and plugged in."),
               learn->present_count);
    res = ending(learn, follow(learn));
    if (!kb_failed(&res)) kb_tell(cli, _("%d slots were learned. See: kitbench slots list"), learn->count);
out:; /* cancel stays: the thread that watches for signals may still hold it */
    int code = kb_say_result(cli, &res);
    free(learn);
    return code;
}
