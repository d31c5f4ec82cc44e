/* Progress and prompts on standard error. */
#include "progress.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

#define LIVE_EVERY_MS  200
#define PLAIN_EVERY_MS 5000

/* Phases in words; a phase that is not here is shown as it is called. */
static const struct {
    const char *phase, *text;
    bool moves; /* its bytes go over the cable or the disk: they have a rate */
} phases[] = {
    {"checking", N_("Checking"), false},
    {"encrypting", N_("Switching encryption on"), false},
    {"info", N_("Reading the list of apps"), false},
    {"backing-up", N_("Backing up"), true},
    {"proving", N_("Proving the password"), false},
    {"sealing", N_("Sealing the backup"), false},
    {"restoring", N_("Restoring"), true},
    {"rebooting", N_("The device restarts"), false},
    {"reading", N_("Reading the device"), false},
    {"verifying", N_("Verifying"), true},
};

static bool phase_moves(const char *phase) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(phases); i++)
        if (!strcmp(phases[i].phase, phase)) return phases[i].moves;
    return false;
}

static const char *phase_words(const char *phase) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(phases); i++)
        if (!strcmp(phases[i].phase, phase)) return _(phases[i].text);
    return phase;
}

void kb_show_init(struct kb_show *show, const struct kb_cli *cli) {
    memset(show, 0, sizeof *show);
    show->cli = cli;
    show->rate = -1;
}

int64_t kb_show_left(double begun_pct, double done_pct, int64_t elapsed_ms) {
    double done = done_pct - begun_pct;
    if (elapsed_ms < 3000 || done < 0.5 || done_pct > 100) return -1;
    return (int64_t)((double)elapsed_ms * (100 - done_pct) / done / 1000 + 0.5);
}

static void add_bar(struct kb_buf *out, double done_pct, int cells) {
    int full = (int)(done_pct / 100 * cells + 0.5);
    kb_buf_puts(out, " [");
    for (int i = 0; i < cells; i++) kb_buf_puts(out, i < full ? "#" : "-");
    kb_buf_puts(out, "]");
}

static void add_numbers(struct kb_buf *line, double done_pct, int64_t bytes, double rate, int64_t left_s) {
    char text[KB_HUMAN_ROOM];
    if (bytes > 0) {
        kb_human_bytes(text, bytes);
        kb_buf_printf(line, "  %s", text);
    }
    if (bytes > 0 && rate >= 0) {
        kb_human_bytes(text, (int64_t)rate);
        kb_buf_printf(line, "  %s/s", text);
    }
    if (left_s >= 0 && done_pct < 100) {
        kb_human_span(text, left_s);
        kb_buf_puts(line, "  ");
        kb_buf_printf(line, _("%s left"), text);
    }
}

/* The bar gives way to the numbers. */
void kb_show_render(struct kb_buf *out, const char *phase, double done_pct, int64_t bytes, double rate, int64_t left_s,
                    int columns, bool bar) {
    for (int cells = bar && done_pct >= 0 ? 24 : 0;; cells -= 4) {
        struct kb_buf line = {0};
        kb_buf_puts(&line, phase_words(phase));
        if (cells > 0) add_bar(&line, done_pct, cells);
        if (done_pct >= 0) kb_buf_printf(&line, bar ? " %5.1f %%" : " %.1f %%", done_pct);
        add_numbers(&line, done_pct, bytes, rate, left_s);
        bool fits = cells <= 0 || kb_text_width(line.data) <= columns;
        if (fits) kb_text_fit(out, line.data, columns, false);
        kb_buf_release(&line);
        if (fits) return;
    }
}

/* Takes a live line off the terminal before something else is written. */
static void clear(struct kb_show *show) {
    if (show->live) fputs("\r\033[K", stderr);
    show->live = false;
}

void kb_show_end(struct kb_show *show) {
    if (show->live) fputc('\n', stderr);
    show->live = false;
}

static void begin_phase(struct kb_show *show, const char *phase, double pct, int64_t bytes, int64_t now) {
    kb_show_end(show);
    kb_text_copy(show->phase, sizeof show->phase, phase);
    show->phase_ms = show->sample_ms = now;
    show->phase_bytes = show->sample_bytes = bytes > 0 ? bytes : 0;
    show->phase_pct = pct > 0 ? pct : 0;
    show->rate = -1;
    show->drawn_ms = 0;
}

static void sample_rate(struct kb_show *show, int64_t bytes, int64_t now) {
    int64_t span = now - show->sample_ms;
    if (span < 1000) return;
    double fresh = (double)(bytes - show->sample_bytes) * 1000 / (double)span;
    if (fresh < 0) fresh = 0;
    show->rate = show->rate < 0 ? fresh : 0.7 * show->rate + 0.3 * fresh;
    show->sample_ms = now;
    show->sample_bytes = bytes;
}

static void show_progress(struct kb_show *show, const json_t *object) {
    char phase[32];
    const json_t *value = json_object_get(object, "done_pct");
    double pct = json_is_number(value) ? json_number_value(value) : -1;
    int64_t bytes = kb_json_get_int(object, "bytes", -1), now = kb_clock_ms();
    *phase = '\0';
    kb_json_get_text(object, "phase", phase, sizeof phase);
    if (strcmp(phase, show->phase)) begin_phase(show, phase, pct, bytes, now);
    if (bytes >= 0 && phase_moves(phase)) sample_rate(show, bytes, now);
    /* The state before it said so already; a plain line comes when there is more to say. */
    bool bare = pct < 0 || (pct >= 100 && !show->drawn_ms) || (!show->cli->err_live && (pct == 0 || pct >= 100));
    if (bare && !strcmp(show->said, phase_words(phase))) return;
    bool whole = pct >= 100;
    int64_t every = show->cli->err_live ? LIVE_EVERY_MS : PLAIN_EVERY_MS;
    if (show->drawn_ms && now - show->drawn_ms < every && !(whole && show->cli->err_live)) return;
    struct kb_buf line = {0};
    int columns = 80, rows;
    if (show->cli->err_live) kb_tty_size(2, &columns, &rows);
    kb_show_render(&line, phase, bare ? -1 : pct, bare ? -1 : bytes, show->rate,
                   kb_show_left(show->phase_pct, pct, now - show->phase_ms), show->cli->err_live ? columns - 1 : 200,
                   show->cli->err_live);
    clear(show);
    fprintf(stderr, show->cli->err_live ? "%s" : "%s\n", line.data);
    show->live = show->cli->err_live;
    show->drawn_ms = now;
    kb_buf_release(&line);
}

/* A prompt must be seen from a chair away: its own lines, bold, and a bell on a terminal. */
static void show_prompt(struct kb_show *show, const json_t *object) {
    char ask[32] = "", text[600] = "";
    bool colour = show->cli->err_colour;
    kb_json_get_text(object, "ask", ask, sizeof ask);
    kb_json_get_text(object, "text", text, sizeof text);
    kb_show_end(show);
    if (!*text) return;
    bool fresh = strcmp(ask, show->asked) != 0;
    kb_text_copy(show->asked, sizeof show->asked, ask);
    kb_text_copy(show->prompt, sizeof show->prompt, text);
    kb_say(show->cli, "%s%s%s>>> %s%s", fresh && show->cli->err_live ? "\a" : "", kb_paint(colour, KB_PAINT_WARN),
           kb_paint(colour, KB_PAINT_STRONG), text, kb_paint(colour, KB_PAINT_NONE));
}

static const struct {
    const char *state, *text;
} states[] = {
    {"waiting", N_("Waiting")},
    {"checking", N_("Checking")},
    {"operator", N_("Waiting for a hand")},
    {"ready", N_("Ready")},
    {"backing-up", N_("Backing up")},
    {"restoring", N_("Restoring")},
    {"rebooting", N_("The device restarts")},
    {"steps", N_("Steps are open")},
    {"done", N_("Done")},
    {"refused", N_("Refused")},
    {"failed", N_("Failed")},
    {"set-aside", N_("Set aside")},
};

const char *kb_state_words(const char *state) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(states); i++)
        if (!strcmp(states[i].state, state)) return _(states[i].text);
    return state;
}

static void show_state(struct kb_show *show, const json_t *object) {
    char state[32] = "";
    kb_json_get_text(object, "state", state, sizeof state);
    kb_show_end(show);
    *show->asked = '\0';
    kb_text_copy(show->said, sizeof show->said, kb_state_words(state));
    kb_say(show->cli, "%s", show->said);
}

/* "Restored; steps are open: TAP THIS" below a prompt that says so: the prompt is not said twice. */
static void cut_prompt(const struct kb_show *show, char *text) {
    size_t size = strlen(text), tail = strlen(show->prompt);
    if (!tail || size < tail + 3 || strcmp(text + size - tail, show->prompt)) return;
    text[size - tail] = '\0';
    size = strlen(text);
    if (!strcmp(text + size - 2, ": ")) strcpy(text + size - 2, kb_lang() == KB_LANG_JA ? "。" : ".");
}

static void show_result(struct kb_show *show, const json_t *object) {
    char text[600] = "";
    bool colour = show->cli->options.json ? show->cli->err_colour : show->cli->out_colour;
    int64_t code = kb_json_get_int(object, "exit", 1);
    enum kb_paint paint = code == 0 ? KB_PAINT_GOOD : code == 7 ? KB_PAINT_WARN : KB_PAINT_BAD;
    kb_json_get_text(object, "text", text, sizeof text);
    kb_show_end(show);
    cut_prompt(show, text);
    if (!*text) kb_json_get_text(object, "outcome", text, sizeof text);
    kb_tell(show->cli, "%s%s%s", kb_paint(colour, paint), text, kb_paint(colour, KB_PAINT_NONE));
}

void kb_show_quietly(struct kb_show *show, const json_t *object) {
    static const struct {
        const char *event;
        void (*show)(struct kb_show *show, const json_t *object);
    } events[] = {
        {"progress", show_progress},
        {"operator", show_prompt},
        {"state", show_state},
        {"result", show_result},
    };
    char event[32] = "";
    kb_json_get_text(object, "event", event, sizeof event);
    for (size_t i = 0; i < KB_ARRAY_SIZE(events); i++)
        if (!strcmp(events[i].event, event)) events[i].show(show, object);
}

void kb_show_event(struct kb_show *show, const json_t *object) {
    kb_put_json(show->cli, object);
    kb_show_quietly(show, object);
}

void kb_show_log(struct kb_show *show, const char *sentence) {
    kb_show_end(show);
    kb_say(show->cli, "%s%s%s", kb_paint(show->cli->err_colour, KB_PAINT_DIM), sentence,
           kb_paint(show->cli->err_colour, KB_PAINT_NONE));
}
