/* kitbench doctor: is this computer ready. One line a check, each with what to do. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUX_WAIT_MS  10000
#define LITTLE_SPACE ((int64_t)20 * 1000 * 1000 * 1000)

enum health { FINE, WARN, FAIL };

struct exam {
    const struct kb_cli *cli;
    enum health worst;
};

static void put(struct exam *exam, const char *check, enum health state, const char *format, ...) KB_PRINTF(4, 5);
static void put(struct exam *exam, const char *check, enum health state, const char *format, ...) {
    static const struct {
        const char *name, *words;
        enum kb_paint paint;
    } states[] = {
        {"ok", N_("ok"), KB_PAINT_GOOD}, {"warn", N_("warning"), KB_PAINT_WARN}, {"fail", N_("FAIL"), KB_PAINT_BAD}};
    char text[900];
    bool colour = exam->cli->out_colour;
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (state > exam->worst) exam->worst = state;
    json_t *object = json_object();
    kb_json_set_text(object, "check", check);
    kb_json_set_text(object, "state", states[state].name);
    kb_json_set_text(object, "text", text);
    kb_put_json(exam->cli, object);
    json_decref(object);
    if (exam->cli->options.json) return;
    kb_tell(exam->cli, "%s[%s]%s %s", kb_paint(colour, states[state].paint), _(states[state].words),
            kb_paint(colour, KB_PAINT_NONE), text);
}

static void check_pairing(struct exam *exam) {
    char buid[64] = "";
    struct kb_result res = kb_mux_buid(buid, kb_clock_ms() + MUX_WAIT_MS);
    if (kb_failed(&res))
        put(exam, "pairing", FAIL, _("usbmuxd's pairing records cannot be read: %s"), res.text);
    else
        put(exam, "pairing", FINE, "%s", _("usbmuxd's pairing records can be read"));
}

/* On Windows: what stands for usbmuxd, and how to get it. When something answers all the same (a bench to practise
 * on), its absence is no failure. */
static void check_apple_service(struct exam *exam, bool answers) {
    static const char *const owners[] = {[KB_APPLE_NOTHING] = "-",
                                         [KB_APPLE_ITUNES] = "iTunes (apple.com)",
                                         [KB_APPLE_ITUNES_STORE] = "iTunes (Microsoft Store)",
                                         [KB_APPLE_DEVICES] = "Apple Devices (Microsoft Store)"};
    static const char *const advice[] = {
        [KB_APPLE_NOTHING] = N_("Apple Mobile Device Service is not installed: install the app Apple Devices from the "
                                "Microsoft Store (or iTunes), open it once, then run kitbench doctor again"),
        [KB_APPLE_ITUNES] = N_("iTunes is installed, but Apple Mobile Device Service does not run: start it in "
                               "services.msc and let it start automatically; if it is not there, repair iTunes"),
        [KB_APPLE_ITUNES_STORE] = N_("iTunes is installed, but Apple Mobile Device Service does not run: open iTunes, "
                                     "leave it open, then run kitbench doctor again"),
        [KB_APPLE_DEVICES] = N_("Apple Devices is installed, but Apple Mobile Device Service does not run: open Apple "
                                "Devices, leave it open, then run kitbench doctor again"),
    };
    enum kb_apple_from from;
    bool runs;
    if (!kb_host_apple_service(&from, &runs)) return;
    if (runs)
        put(exam, "apple-service", FINE, _("Apple Mobile Device Service runs; it belongs to %s"), owners[from]);
    else
        put(exam, "apple-service", answers ? WARN : FAIL, "%s", _(advice[from]));
}

static void check_usbmuxd(struct exam *exam) {
    struct kb_attached *list = kb_xcalloc(KB_MAX_ATTACHED, sizeof *list);
    int count = 0;
    struct kb_result res = kb_mux_list(list, &count, kb_clock_ms() + MUX_WAIT_MS);
    if (kb_failed(&res))
        put(exam, "usbmuxd", FAIL, "%s", res.text);
    else
        put(exam, "usbmuxd", FINE, _("usbmuxd answers; attached devices: %d"), count);
    free(list);
    if (!kb_failed(&res)) check_pairing(exam);
    check_apple_service(exam, !kb_failed(&res));
}

static void check_store(struct exam *exam) {
    struct kb_dir *dir = NULL;
    struct kb_handle *probe = NULL;
    int64_t space = -1;
    char text[KB_HUMAN_ROOM];
    struct kb_result res = kb_dir_open(exam->cli->store, true, &dir);
    if (!kb_failed(&res)) res = kb_handle_private(exam->cli->store, &probe, NULL);
    if (!kb_failed(&res)) res = kb_handle_write(probe, "kitbench", 8);
    struct kb_result end = kb_handle_close(probe);
    if (!kb_failed(&res)) res = end;
    if (kb_failed(&res))
        put(exam, "store", FAIL, _("The store %s cannot be written: %s"), exam->cli->store, res.text);
    else
        put(exam, "store", FINE, _("The store %s can be written"), exam->cli->store);
    if (dir) res = kb_dir_space(dir, &space);
    if (dir && !kb_failed(&res)) {
        kb_human_bytes(text, space);
        if (space < LITTLE_SPACE)
            put(exam, "space", WARN, _("Only %s are free in the store; a backup can take as much as its device holds"),
                text);
        else
            put(exam, "space", FINE, _("%s are free in the store"), text);
    }
    kb_dir_close(dir);
}

static void check_journal(struct exam *exam) {
    struct kb_journal *journal = NULL;
    int64_t rows = 0, broken_at = 0;
    char last[65] = "";
    struct kb_result res = kb_journal_open(exam->cli->home, &journal);
    if (!kb_failed(&res)) res = kb_journal_prove(journal, &rows, &broken_at, last);
    if (kb_failed(&res))
        put(exam, "journal", FAIL, "%s", res.text);
    else if (broken_at)
        put(exam, "journal", FAIL,
            _("The journal was changed from outside at row %lld: keep the file %s/journal.db and start a new one"),
            (long long)broken_at, exam->cli->home);
    else
        put(exam, "journal", FINE, _("The journal is whole: %lld rows, unbroken"), (long long)rows);
    kb_journal_close(journal);
}

static void check_settings(struct exam *exam) {
    static const char *const origins[] = {N_("default"), N_("from kitbench.conf"), N_("from the environment"),
                                          N_("from an option")};
    put(exam, "home", FINE, _("Journal and settings live in %s"), exam->cli->home);
    for (int i = 0; i < KB_SETTING_COUNT; i++) {
        const struct kb_setting *setting = &exam->cli->settings.list[i];
        char check[64];
        snprintf(check, sizeof check, "setting.%s", kb_setting_name((enum kb_setting_id)i));
        put(exam, check, FINE, "%s = %s (%s)", kb_setting_name((enum kb_setting_id)i),
            setting->value ? setting->value : "-", _(origins[setting->origin]));
    }
    if (!kb_setting(&exam->cli->settings, KB_SET_AGENT))
        put(exam, "agent", WARN, "%s",
            _("agent_bundle_id is not set in kitbench.conf, so kitbench cannot see whether the MDM agent is "
              "installed"));
}

static void check_libraries(struct exam *exam) {
    put(exam, "libraries", FINE, "kitbench %s, %s, jansson %s, %s", KB_VERSION, kb_device_libraries(), JANSSON_VERSION,
        kb_tray_library());
}

int kb_cmd_doctor(struct kb_cli *cli) {
    struct exam exam = {cli, FINE};
    check_usbmuxd(&exam);
    check_store(&exam);
    check_journal(&exam);
    check_settings(&exam);
    check_libraries(&exam);
    if (exam.worst == FAIL)
        kb_say(cli, _("This computer is not ready: mend what is marked FAIL, then run kitbench doctor again."));
    else
        kb_say(cli, _("This computer is ready."));
    return exam.worst == FAIL ? 8 : 0;
}
