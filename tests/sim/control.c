/* The control socket: one JSON line asks, one JSON line answers. */
#define _GNU_SOURCE
#include "parts.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a device's whole state --- */

static const char *phase_name(enum sim_phase phase) {
    static const char *const names[] = {"normal", "bfu", "assistant", "restoring", "rebooting", "restore-mode"};
    return names[phase];
}

static json_t *pairing_state(const struct sim_device *dev) {
    json_t *list = json_array();
    for (int i = 0; i < dev->own->pairing_count; i++)
        if (dev->own->pairings[i].root) json_array_append_new(list, json_string(dev->own->pairings[i].host_id));
    return list;
}

static int stream_count(struct sim_device *dev) {
    int count = 0;
    for (struct sim_stream *s = dev->own->streams; s; s = *sim_stream_next(s)) count++;
    return count;
}

static void state_of_person(struct sim_device *dev, json_t *out) {
    json_object_set_new(out, "agent",
                        json_pack("{s:s s:b s:b s:s}", "bundle_id", dev->agent.bundle_id, "installed",
                                  dev->agent.installed, "authenticated", dev->agent.authenticated, "reports_as",
                                  dev->agent.reports_as));
    json_object_set_new(out, "profiles", dev->profiles ? sim_to_json(dev->profiles) : json_object());
    json_object_set_new(out, "cloud_configuration",
                        dev->cloud_configuration ? sim_to_json(dev->cloud_configuration) : json_null());
    json_object_set_new(out, "restore_state", json_string(dev->restore_state));
    json_object_set_new(out, "restored_from", json_string(dev->restored_from));
    json_object_set_new(out, "backup_password", json_string(dev->backup_password));
    json_object_set_new(out, "pairings", pairing_state(dev));
}

json_t *sim_device_state(struct sim_device *dev) {
    pthread_mutex_lock(&dev->lock);
    json_t *out = json_pack(
        "{s:s s:s s:s s:s s:s s:s s:I s:i s:b s:s s:b s:b s:b s:b s:b s:b s:b s:b s:b s:b s:b s:I s:I s:i s:i s:i s:I "
        "s:I s:s s:i s:s s:i s:I}",
        "udid", dev->udid, "name", dev->name, "os", dev->os, "product_type", dev->product_type, "serial", dev->serial,
        "imei", dev->imei, "location", (json_int_t)dev->location, "mux_id", (int)dev->mux_id, "plugged", dev->plugged,
        "phase", phase_name(dev->phase), "locked", sim_is_locked(dev), "passcode_set", dev->passcode_set, "activated",
        dev->activated, "setup_done", dev->setup_done, "at_restore_pane", dev->at_restore_pane, "find_my", dev->find_my,
        "supervised", dev->supervised, "mdm_enrolled", dev->mdm_enrolled, "will_encrypt", dev->will_encrypt,
        "trust_asked", dev->trust_asked, "passcode_asked", dev->passcode_asked, "free", (json_int_t)dev->free_bytes,
        "capacity", (json_int_t)dev->capacity_bytes, "battery", dev->battery_pct, "connections", stream_count(dev),
        "seen", (int)json_array_size(dev->seen), "refused", (json_int_t)dev->refused, "malformed",
        (json_int_t)dev->malformed, "last_bad", dev->last_bad, "messages", (int)json_array_size(dev->own->messages),
        "last_fault", dev->own->last_fault, "faults_fired", dev->own->faults_fired, "doubled",
        (json_int_t)dev->doubled);
    state_of_person(dev, out);
    pthread_mutex_unlock(&dev->lock);
    return out;
}

/* --- commands --- */

struct command {
    struct sim *sim;
    struct sim_device *dev; /* NULL: none named */
    const char *name, *args[6];
    int argc;
};

static json_t *no(const char *why) { return json_pack("{s:b s:s}", "ok", 0, "error", why); }
static json_t *yes(void) { return json_pack("{s:b}", "ok", 1); }

static json_t *whole_state(struct sim_device *dev) {
    json_t *state = sim_device_state(dev);
    json_object_set_new(state, "content", sim_content_state(dev));
    return state;
}

/* All devices below "devices"; one device as it is. */
static json_t *c_state(struct command *c) {
    if (c->dev) {
        json_t *one = whole_state(c->dev);
        json_object_set_new(one, "ok", json_true());
        return one;
    }
    json_t *list = json_array();
    for (int i = 0; i < c->sim->device_count; i++) json_array_append_new(list, whole_state(c->sim->devices[i]));
    return json_pack("{s:b s:b s:i s:o}", "ok", 1, "daemon", c->sim->daemon_up, "listeners", sim_mux_listeners(c->sim),
                     "devices", list);
}

static json_t *c_seen(struct command *c) {
    pthread_mutex_lock(&c->dev->lock);
    json_t *copy = json_deep_copy(c->dev->seen);
    pthread_mutex_unlock(&c->dev->lock);
    return json_pack("{s:b s:o}", "ok", 1, "seen", copy);
}

static json_t *c_content(struct command *c) {
    return json_pack("{s:b s:o}", "ok", 1, "content", sim_content_list(c->dev));
}

static json_t *c_messages(struct command *c) {
    pthread_mutex_lock(&c->dev->lock);
    json_t *copy = json_deep_copy(c->dev->own->messages);
    pthread_mutex_unlock(&c->dev->lock);
    return json_pack("{s:b s:o}", "ok", 1, "messages", copy);
}

static bool wiped_and_back(struct sim_device *dev, bool links_only) {
    pthread_mutex_lock(&dev->lock);
    bool done = links_only ? !dev->own->streams : dev->mux_id != 0 || !dev->plugged;
    pthread_mutex_unlock(&dev->lock);
    return done;
}

static void wait_for_wipe(struct sim_device *dev, bool links_only, int64_t ms) {
    for (int64_t until = sim_now_ms() + ms; !wiped_and_back(dev, links_only) && sim_now_ms() < until;) sim_nap(10);
}

/* Answers when the device is back in Setup Assistant. */
static json_t *c_wipe(struct command *c) {
    pthread_mutex_lock(&c->dev->lock);
    sim_wipe(c->dev);
    pthread_mutex_unlock(&c->dev->lock);
    sim_reboot(c->dev, SIM_ASSISTANT);
    wait_for_wipe(c->dev, true, 3000); /* what still reads the content */
    sim_content_free(c->dev);
    wait_for_wipe(c->dev, false, sim_number(c->dev, "reboot_ms", 1500) + 3000);
    return yes();
}

/* change DEVICE [N]: so many files get new content, as if the person had used the device. */
static json_t *c_change(struct command *c) {
    int n = c->argc > 1 ? atoi(c->args[1]) : 1;
    return json_pack("{s:b s:i}", "ok", 1, "changed", sim_content_change(c->dev, n));
}

static json_t *c_fault(struct command *c) {
    struct sim_fault fault;
    char why[200];
    json_error_t error;
    json_t *json = json_loads(c->argc > 1 ? c->args[1] : "", 0, &error);
    bool ok = json && sim_fault_parse(json, &fault, why, sizeof why);
    json_decref(json);
    if (!json) return no("The fault is no JSON object");
    if (!ok) return no(why);
    return sim_fault_add(c->dev, &fault) ? yes() : no("This device has faults enough");
}

static json_t *c_clear_faults(struct command *c) {
    pthread_mutex_lock(&c->dev->lock);
    for (int i = 0; i < c->dev->fault_count; i++) c->dev->faults[i].used = true;
    pthread_mutex_unlock(&c->dev->lock);
    return yes();
}

/* set DEVICE KEY JSON: a switch, or one of the plain facts, changed while the bench runs. */
static json_t *c_set(struct command *c) {
    json_error_t error;
    if (c->argc < 3) return no("Say set DEVICE KEY JSON-VALUE");
    json_t *value = json_loads(c->args[2], JSON_DECODE_ANY, &error);
    if (!value || json_is_real(value)) { /* os 18.1 is a word */
        json_decref(value);
        value = json_string(c->args[2]);
    }
    pthread_mutex_lock(&c->dev->lock);
    json_object_set_new(c->dev->scenario, c->args[1], value);
    c->dev->free_bytes = sim_number(c->dev, "free", c->dev->free_bytes);
    c->dev->battery_pct = (int)sim_number(c->dev, "battery", c->dev->battery_pct);
    sim_copy(c->dev->os, sizeof c->dev->os, sim_word(c->dev, "os", c->dev->os));
    c->dev->requires_encryption = sim_switch(c->dev, "requires_encryption", c->dev->requires_encryption);
    pthread_mutex_unlock(&c->dev->lock);
    return yes();
}

/* The daemon comes back: every device has a new DeviceID then. */
static void renumber(struct sim *sim) {
    for (int i = 0; i < sim->device_count; i++) {
        struct sim_device *dev = sim->devices[i];
        pthread_mutex_lock(&dev->lock);
        if (dev->mux_id != 0) sim_mux_attached(dev, true);
        pthread_mutex_unlock(&dev->lock);
    }
}

static json_t *c_daemon(struct command *c) {
    const char *what = c->argc > 0 ? c->args[0] : "";
    if (strcmp(what, "stop") == 0) {
        sim_mux_stop(c->sim);
        return yes();
    }
    if (strcmp(what, "start") != 0) return no("Say daemon stop or daemon start");
    if (c->sim->daemon_up) return no("The daemon runs already");
    renumber(c->sim);
    return sim_mux_start(c->sim) ? yes() : no("The socket cannot be opened again");
}

static json_t *c_quit(struct command *c) {
    if (c->sim->runs) return no("This bench ends with its command");
    sim_end_ask();
    return yes();
}

/* wait DEVICE FIELD VALUE [SECONDS]: until the state says so. */
static json_t *c_wait(struct command *c) {
    if (c->argc < 3) return no("Say wait DEVICE FIELD VALUE [SECONDS]");
    int64_t until = sim_now_ms() + 1000 * (c->argc > 3 ? atoll(c->args[3]) : 20);
    char path[80];
    snprintf(path, sizeof path, ".%s", c->args[1]);
    for (;;) {
        json_t *state = sim_device_state(c->dev), *value = sim_json_at(state, path);
        char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
        const char *plain = json_is_string(value) ? json_string_value(value) : text;
        bool met = plain && strcmp(plain, c->args[2]) == 0;
        free(text);
        json_decref(state);
        if (met) return yes();
        if (sim_now_ms() >= until || atomic_load(&c->sim->ending)) return no("It did not come to that in time");
        sim_nap(15);
    }
}

static const struct {
    const char *name;
    bool needs_device;
    json_t *(*run)(struct command *c);
} commands[] = {
    {"state", false, c_state},      {"seen", true, c_seen},
    {"messages", true, c_messages}, {"content", true, c_content},
    {"change", true, c_change},     {"wipe", true, c_wipe},
    {"fault", true, c_fault},       {"clear-faults", true, c_clear_faults},
    {"set", true, c_set},           {"wait", true, c_wait},
    {"daemon", false, c_daemon},    {"quit", false, c_quit},
};

static json_t *run(struct command *c) {
    if (c->argc > 0 && strcmp(c->name, "daemon") != 0) {
        c->dev = sim_find(c->sim, c->args[0]);
        if (!c->dev) return no("No device has this name or UDID");
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, c->name) != 0) continue;
        if (commands[i].needs_device && !c->dev) return no("This command needs a device");
        return commands[i].run(c);
    }
    if (!sim_operator_knows(c->name)) return no("phonesim has no such command");
    if (!c->dev) return no("This command needs a device");
    const char *why = sim_operator(c->dev, c->name, c->argc > 1 ? c->args[1] : NULL);
    return why ? no(why) : yes();
}

static json_t *answer(struct sim *sim, const char *line) {
    json_error_t error;
    json_t *request = json_loads(line, 0, &error);
    struct command c = {.sim = sim, .name = json_string_value(json_object_get(request, "command"))};
    const json_t *args = json_object_get(request, "args");
    for (size_t i = 0; i < json_array_size(args) && c.argc < 6; i++) {
        const char *arg = json_string_value(json_array_get(args, i));
        if (arg) c.args[c.argc++] = arg;
    }
    json_t *reply = c.name ? run(&c) : no("Send {\"command\": NAME, \"args\": [...]} as one line");
    json_decref(request);
    return reply;
}

struct control_conn {
    struct sim *sim;
    int fd;
};

static void *control_run(void *arg) {
    struct control_conn *conn = arg;
    struct sim_lines lines = {.fd = conn->fd};
    bool heard = true;
    for (char *line; heard && (line = sim_line_read(&lines)) != NULL;) {
        json_t *reply = answer(conn->sim, line);
        heard = sim_line_write(&lines, reply);
        json_decref(reply);
    }
    sim_lines_close(&lines);
    free(conn);
    return NULL;
}

static int control_fd;

static void *control_accept(void *arg) {
    struct sim *sim = arg;
    for (;;) {
        int fd = sim_accept(control_fd);
        if (fd < 0 && errno != EINTR && errno != ECONNABORTED) sim_nap(20);
        if (fd < 0) continue;
        struct control_conn *conn = calloc(1, sizeof *conn);
        *conn = (struct control_conn){sim, fd};
        sim_thread(control_run, conn);
    }
    return NULL;
}

bool sim_control_start(struct sim *sim) {
    control_fd = sim_address_listen(&sim->control_address);
    if (control_fd < 0) return false;
    sim_thread(control_accept, sim);
    return true;
}
