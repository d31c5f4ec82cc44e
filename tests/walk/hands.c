/*
 * What is done to the bench: acts by lot, and a kind hand that does what is wanted. One row of a table is one act.
 */
#include "walk.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct place *some(struct walk *walk) { return &walk->places[pick(walk, walk->count)]; }

static void plug_at(struct walk *walk, struct place *place, int64_t location) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)location);
    tap(walk, "unplug", place->name, NULL, NULL);
    tap(walk, "plug", place->name, text, NULL);
    place->location = location;
    place->plugged = true;
}

static void unplug(struct walk *walk) {
    struct place *place = some(walk);
    tap(walk, "unplug", place->name, NULL, NULL);
    place->plugged = false;
}

static void plug(struct walk *walk) {
    for (int i = 0; i < walk->count; i++)
        if (!walk->places[i].plugged && pick(walk, 2)) plug_at(walk, &walk->places[i], walk->places[i].location);
}

static void flap(struct walk *walk) {
    struct place *place = some(walk);
    for (int i = pick(walk, 4); i >= 0; i--) {
        plug_at(walk, place, place->location);
        nap_ms(pick(walk, 200));
    }
}

static void swap(struct walk *walk) {
    struct place *a = some(walk), *b = some(walk);
    int64_t location = a->location;
    if (a == b) return;
    tap(walk, "unplug", a->name, NULL, NULL);
    tap(walk, "unplug", b->name, NULL, NULL);
    plug_at(walk, a, b->location);
    plug_at(walk, b, location);
}

static void kill_worker(struct walk *walk) {
    pid_t pid = some_worker(walk);
    if (pid) kill(pid, SIGKILL);
}

static void stall_worker(struct walk *walk) {
    pid_t pid = some_worker(walk);
    if (!pid) return;
    kill(pid, SIGSTOP);
    nap_ms(pick(walk, 600));
    kill(pid, SIGCONT);
}

static void kill_tray(struct walk *walk) {
    int code;
    if (!walk->tray) return;
    kill(walk->tray, SIGKILL);
    while (!tray_ended(walk, &code)) nap_ms(5);
    if (pick(walk, 3)) tray_start(walk, 30);
}

static void stop_tray(struct walk *walk) {
    if (walk->tray) kill(walk->tray, pick(walk, 2) ? SIGTERM : SIGHUP);
}

/* Two at once on one sheet: the second has to say so. */
static void second_tray(struct walk *walk) {
    const char *args[] = {"tray", walk->sheet, "--password-file", "pw", "--wait", "1", NULL};
    if (!walk->tray) return;
    nap_ms(300);
    int code = run_kb(walk, "second.out", args), ended;
    if (!tray_ended(walk, &ended) && code != 8) broken(walk, "a second tray on the same sheet ended with %d", code);
}

static void hand(struct walk *walk) {
    static const char *const taps[][2] = {
        {"trust", "yes"},  {"trust", "no"},    {"activate", NULL}, {"wifi", NULL},         {"next", NULL},
        {"home", NULL},    {"sign-in", NULL},  {"lock", NULL},     {"unlock", NULL},       {"choose-restore", NULL},
        {"find-my", "on"}, {"find-my", "off"}, {"kit", NULL},      {"reauth-agent", NULL}, {"passcode", "cancel"},
    };
    for (int i = 0; i < 3; i++) {
        const char *const *one = taps[pick(walk, (int)(sizeof taps / sizeof *taps))];
        tap(walk, one[0], some(walk)->name, one[1], NULL);
    }
}

/* Somebody goes on to the Home screen, also too early; or erases the device. */
static void set_up(struct walk *walk) { tap(walk, "finish-setup", some(walk)->name, NULL, NULL); }

static void erase(struct walk *walk) {
    struct place *place = some(walk);
    tap(walk, "wipe", place->name, NULL, NULL);
    tap(walk, "activate", place->name, NULL, NULL);
}

static void break_one(struct walk *walk) {
    static const char *const faults[] = {
        "{\"action\":\"drop-tls\",\"service\":\"com.apple.mobilebackup2\",\"at_message\":4}",
        "{\"action\":\"drop-tls\",\"service\":\"lockdown\",\"at_message\":6}",
        "{\"action\":\"unplug\",\"service\":\"lockdown\",\"at_message\":5,\"replug_ms\":300}",
        "{\"action\":\"unplug\",\"service\":\"com.apple.mobilebackup2\",\"at_message\":6,\"replug_ms\":300}",
        "{\"action\":\"unplug\",\"service\":\"com.apple.mobilebackup2\",\"message\":\"Late\",\"replug_ms\":500}",
        "{\"action\":\"silence\",\"service\":\"com.apple.mobilebackup2\",\"at_message\":5,\"value\":2}",
        "{\"action\":\"garbage\",\"service\":\"com.apple.mobilebackup2\",\"at_message\":3}",
        "{\"action\":\"plist-bomb\",\"service\":\"lockdown\",\"at_message\":4}",
        "{\"action\":\"error\",\"service\":\"com.apple.mobilebackup2\",\"message\":\"Response\",\"value\":205}",
        "{\"action\":\"slow\",\"service\":\"com.apple.mobilebackup2\",\"value\":30000}",
    };
    tap(walk, "fault", some(walk)->name, faults[pick(walk, (int)(sizeof faults / sizeof *faults))], NULL);
}

static void daemon_away(struct walk *walk) {
    tap(walk, "daemon", "stop", NULL, NULL);
    nap_ms(pick(walk, 1500));
    tap(walk, "daemon", "start", NULL, NULL);
}

static void confirm(struct walk *walk, const struct place *place) {
    char state[32], step[40];
    newest(walk, place->udid, state, step);
    const char *args[] = {"confirm", place->udid, step[0] ? step : "apple-id", "--by", "Walk", NULL};
    run_kb(walk, "confirm.out", args);
}

static void confirm_some(struct walk *walk) { confirm(walk, some(walk)); }

/* Somebody at another terminal wants the device on which the tray works. */
static void other_terminal(struct walk *walk) {
    static const char *const busy[] = {"checking", "operator", "ready", "restoring"};
    char state[32], step[40];
    int from = pick(walk, walk->count);
    for (int i = 0; i < walk->count; i++) {
        const struct place *place = &walk->places[(from + i) % walk->count];
        const char *args[] = {"restore", walk->source, place->udid, "--password-file", "pw", "--wait", "0", NULL};
        newest(walk, place->udid, state, step);
        for (size_t k = 0; k < sizeof busy / sizeof *busy; k++) {
            if (strcmp(state, busy[k]) != 0) continue;
            other_start(walk, args);
            return;
        }
    }
}

static void look(struct walk *walk) {
    const char *steps[] = {"steps", "--json", NULL}, *status[] = {"status", "--json", NULL};
    run_kb(walk, "looks.out", pick(walk, 2) ? steps : status);
}

static void go_on(struct walk *walk) {
    int code;
    tray_ended(walk, &code);
    if (!walk->tray) tray_start(walk, 30);
}

static const struct {
    int weight;
    void (*act)(struct walk *walk);
} acts[] = {
    {6, go_on},        {6, plug},      {4, unplug},      {3, flap},         {3, swap},           {6, kill_worker},
    {2, stall_worker}, {3, kill_tray}, {2, stop_tray},   {1, second_tray},  {8, hand},           {2, set_up},
    {1, erase},        {4, break_one}, {1, daemon_away}, {4, confirm_some}, {3, other_terminal}, {1, look},
};

void act(struct walk *walk) {
    int all = 0;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) all += acts[i].weight;
    int lot = pick(walk, all);
    go_on(walk); /* a bench without a tray is no walk; it is gone for a moment after a kill */
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (lot < acts[i].weight) {
            acts[i].act(walk);
            return;
        }
        lot -= acts[i].weight;
    }
}

/* ---- The kind hand ----------------------------------------------------------------------------------------------- */

static void be_kind_to(struct walk *walk, struct place *place) {
    char state[32], step[40];
    json_t *device = ctl(walk, "state", place->name, NULL, NULL);
    const char *phase = json_string_value(json_object_get(device, "phase"));
    bool restored = false;
    if (!json_integer_value(json_object_get(device, "mux_id")) && strcmp(phase, "rebooting") != 0)
        plug_at(walk, place, place->location);
    newest(walk, place->udid, state, step);
    restored =
        !strcmp(state, "steps") || !strcmp(state, "done") || !strcmp(state, "rebooting") || !strcmp(state, "set-aside");
    tap(walk, "unlock", place->name, NULL, NULL);
    tap(walk, "trust", place->name, "yes", NULL);
    if (!restored && !strcmp(phase, "normal") && !place->never) tap(walk, "wipe", place->name, NULL, NULL);
    tap(walk, "activate", place->name, NULL, NULL);
    if (!strcmp(state, "steps")) {
        static const char *const taps[] = {"wifi", "next",          "sign-in",     "finish-setup",
                                           "kit",  "install-agent", "reauth-agent"};
        for (size_t i = 0; i < sizeof taps / sizeof *taps; i++) tap(walk, taps[i], place->name, NULL, NULL);
        confirm(walk, place);
    }
    json_decref(device);
}

void kind_hand(struct walk *walk) {
    for (int i = 0; i < walk->count; i++) be_kind_to(walk, &walk->places[i]);
}
