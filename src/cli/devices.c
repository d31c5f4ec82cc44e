/* kitbench devices: what is attached, and all that can be read of it. */
#include "cli.h"
#include "table.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUX_WAIT_MS 10000

static const char *trust_words(enum kb_trust trust) {
    static const char *const words[] = {
        [KB_TRUST_UNKNOWN] = "-",           [KB_TRUST_TRUSTED] = N_("trusted"), [KB_TRUST_UNTRUSTED] = N_("untrusted"),
        [KB_TRUST_PENDING] = N_("pending"), [KB_TRUST_DENIED] = N_("denied"),
    };
    return _(words[trust]);
}

static const char *setup_words(enum kb_setup setup) {
    static const char *const words[] = {"-", N_("done"), N_("assistant")};
    return _(words[setup]);
}

/* How much of a UDID tells it from the others, at least eight characters. */
static int short_length(const struct kb_device *devices, int count) {
    int length = 8;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++)
            while (length < KB_UDID_ROOM - 1 && !strncmp(devices[i].udid, devices[k].udid, (size_t)length)) length++;
    return length;
}

#define WIDE 100 /* columns from which the model fits too */

static void add_row(struct kb_table *table, const struct kb_device *d, int length, bool wide, bool slots) {
    char start[KB_UDID_ROOM];
    int n = 0;
    const char *cells[KB_MAX_COLUMNS];
    snprintf(start, sizeof start, "%.*s", length, d->udid);
    if (slots) cells[n++] = *d->slot ? d->slot : "-";
    cells[n++] = start;
    cells[n++] = *d->name ? d->name : "-";
    if (wide) cells[n++] = *d->model ? d->model : "-";
    cells[n++] = *d->os ? d->os : "-";
    cells[n++] = *d->serial ? d->serial : "-";
    cells[n++] = trust_words(d->trust);
    cells[n++] = setup_words(d->setup);
    cells[n++] = kb_human_tri(d->supervised);
    cells[n++] = kb_human_tri(d->mdm);
    kb_table_row(table, cells, "");
}

static void tell_table(const struct kb_cli *cli, const struct kb_device *devices, int count, int length) {
    const char *all[] = {_("SLOT"),   _("DEVICE"), _("NAME"),  _("MODEL"),   _("OS"),
                         _("SERIAL"), _("TRUST"),  _("SETUP"), _("SUPERV."), _("MDM")};
    const char *heads[KB_ARRAY_SIZE(all)];
    bool slots = false;
    struct kb_table table;
    struct kb_buf text = {0};
    int columns, rows, n = 0;
    kb_tty_size(1, &columns, &rows);
    for (int i = 0; i < count; i++) slots = slots || *devices[i].slot;
    for (size_t i = slots ? 0 : 1; i < KB_ARRAY_SIZE(all); i++)
        if (columns >= WIDE || strcmp(all[i], _("MODEL"))) heads[n++] = all[i];
    kb_table_init(&table, n, heads);
    for (int i = 0; i < n; i++) table.keep[i] = i != 1 + slots; /* only the name gives way */
    for (int i = 0; i < count; i++) add_row(&table, &devices[i], length, columns >= WIDE, slots);
    kb_table_render(&table, columns, "", &text);
    kb_tell(cli, "%.*s", (int)text.size - 1, text.data);
    kb_buf_release(&text);
    kb_table_release(&table);
}

struct saying {
    const struct kb_cli *cli;
    const char *title;
};

static void tell_need(void *arg, enum kb_paint paint, const char *text) {
    struct saying *saying = arg;
    bool colour = saying->cli->options.json ? saying->cli->err_colour : saying->cli->out_colour;
    kb_tell(saying->cli, "%s%s: %s%s", paint ? kb_paint(colour, paint) : "", saying->title, text,
            paint ? kb_paint(colour, KB_PAINT_NONE) : "");
}

static void tell_needs(const struct kb_cli *cli, const struct kb_device *devices, int count, int length) {
    for (int i = 0; i < count; i++) {
        char name[256], place[KB_SLOT_NAME_ROOM + 8], title[400];
        kb_device_title(name, sizeof name, &devices[i]);
        snprintf(place, sizeof place, *devices[i].slot ? "[%s] " : "%s", devices[i].slot);
        snprintf(title, sizeof title, "%s%.*s %s", place, length, devices[i].udid,
                 kb_streq(name, devices[i].udid) ? "" : name);
        if (title[strlen(title) - 1] == ' ') title[strlen(title) - 1] = '\0';
        struct saying saying = {cli, title};
        kb_device_needs(&devices[i], tell_need, &saying);
    }
}

/* -v: every fact of one device, a line each. */
static void tell_all(const struct kb_cli *cli, const struct kb_device *device) {
    json_t *object = kb_device_to_json(device), *value;
    const char *key;
    kb_tell(cli, " ");
    json_object_foreach(object, key, value) {
        char *text = json_is_string(value) ? kb_xstrdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY);
        kb_tell(cli, "  %-18s %s", key, json_is_null(value) ? "-" : text);
        free(text);
    }
    json_decref(object);
}

static void tell_devices(const struct kb_cli *cli, const struct kb_device *devices, int count) {
    int length = short_length(devices, count);
    for (int i = 0; i < count; i++) {
        json_t *object = kb_device_to_json(&devices[i]);
        kb_put_json(cli, object);
        json_decref(object);
    }
    if (cli->options.json) return;
    tell_table(cli, devices, count, length);
    tell_needs(cli, devices, count, length);
    for (int i = 0; i < count && cli->options.verbose; i++) tell_all(cli, &devices[i]);
}

/* ---- --watch */

struct watch {
    struct kb_cli *cli;
    struct kb_result res; /* what ended it */
    int present;
    char udids[KB_MAX_ATTACHED][KB_UDID_ROOM]; /* for the detached lines when usbmuxd goes away */
};

static void watch_gone(struct watch *watch, const char *gone) {
    char udid[KB_UDID_ROOM];
    json_t *object = json_object();
    kb_text_copy(udid, sizeof udid, gone); /* gone may stand in the list that is changed here */
    for (int i = 0; i < watch->present; i++)
        if (!strcmp(watch->udids[i], udid)) memmove(watch->udids[i], watch->udids[--watch->present], KB_UDID_ROOM);
    kb_json_set_text(object, "event", "detached");
    kb_json_set_text(object, "udid", udid);
    kb_put_json(watch->cli, object);
    if (!watch->cli->options.json) kb_tell(watch->cli, _("%s was pulled out."), udid);
    fflush(stdout);
    json_decref(object);
}

static bool is_present(const struct watch *watch, const char *udid) {
    for (int i = 0; i < watch->present; i++)
        if (!strcmp(watch->udids[i], udid)) return true;
    return false;
}

/* One line a device: a table with one row would be mostly heads. */
static void watch_tell(const struct kb_cli *cli, const struct kb_device *device) {
    json_t *object = kb_device_to_json(device);
    kb_put_json(cli, object);
    json_decref(object);
    if (cli->options.json) return;
    kb_tell(cli, "%s%s%s%s  %s  %s %s  %s  %s", *device->slot ? "[" : "", device->slot, *device->slot ? "] " : "",
            device->udid, *device->name ? device->name : "-", *device->model ? device->model : "-", device->os,
            device->serial, trust_words(device->trust));
    tell_needs(cli, device, 1, 8);
}

static bool watch_event(void *arg, enum kb_mux_event event, const struct kb_attached *attached) {
    struct watch *watch = arg;
    struct kb_device device;
    if (event == KB_MUX_DETACHED) {
        watch_gone(watch, attached->udid);
        return true;
    }
    if (!is_present(watch, attached->udid) && watch->present < KB_MAX_ATTACHED)
        kb_text_copy(watch->udids[watch->present++], KB_UDID_ROOM, attached->udid);
    watch->res = kb_run_probes(watch->cli, KB_TASK_PROBE, attached, 1, &device);
    if (watch->res.domain == KB_CANCELLED) return false;
    watch_tell(watch->cli, &device);
    fflush(stdout);
    return !ferror(stdout);
}

/* A daemon that goes away takes its devices with it; a watch outlives it. */
static int watch_for_ever(struct kb_cli *cli) {
    struct watch *watch = kb_xcalloc(1, sizeof *watch);
    bool heard = false, said = false;
    watch->cli = cli;
    for (;;) {
        struct kb_attached *list = kb_xcalloc(KB_MAX_ATTACHED, sizeof *list);
        int count = 0;
        watch->res = kb_mux_list(list, &count, kb_clock_ms() + MUX_WAIT_MS);
        free(list);
        if (!kb_failed(&watch->res)) {
            heard = true;
            said = false;
            watch->res = kb_ok();
            struct kb_result res = kb_mux_listen(watch_event, watch, NULL, INT64_MAX);
            if (watch->res.domain == KB_CANCELLED || !kb_failed(&res)) break;
            watch->res = res;
        }
        if (!heard) break;
        if (!said) kb_say(cli, _("usbmuxd went away (%s). Waiting until it is back."), watch->res.text);
        said = true;
        while (watch->present) watch_gone(watch, watch->udids[0]);
        kb_sleep_ms(1000);
    }
    int code = kb_say_result(cli, &watch->res);
    free(watch);
    return code;
}

int kb_cmd_devices(struct kb_cli *cli) {
    struct kb_attached *list = kb_xcalloc(KB_MAX_ATTACHED, sizeof *list);
    struct kb_device *devices = NULL;
    int count = 0, code;
    if (cli->options.watch) {
        free(list);
        return watch_for_ever(cli);
    }
    struct kb_result res = kb_mux_list(list, &count, kb_clock_ms() + MUX_WAIT_MS);
    if (kb_failed(&res)) goto out;
    if (!count) {
        kb_say(cli, _("No device is attached. Plug one in, switch it on, and look again."));
        goto out;
    }
    devices = kb_xcalloc((size_t)count, sizeof *devices);
    res = kb_run_probes(cli, KB_TASK_PROBE, list, count, devices);
    if (!kb_failed(&res)) tell_devices(cli, devices, count);
out:
    code = kb_say_result(cli, &res);
    free(list);
    free(devices);
    return code;
}
