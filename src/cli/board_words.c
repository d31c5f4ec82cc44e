/* How a tile's state looks and reads: colour, shape and word, each enough without the others. */
#include "board_private.h"

#include <stdio.h>
#include <string.h>

static const struct kb_look looks[KB_STATE_COUNT] = {
    [KB_STATE_WAITING] = {"·", ".", N_("waiting"), KB_STYLE_DIM},
    [KB_STATE_CHECKING] = {"○", "o", N_("checking"), KB_STYLE_BUSY},
    [KB_STATE_OPERATOR] = {"!", "!", N_("a hand"), KB_STYLE_WARN},
    [KB_STATE_READY] = {"●", "*", N_("starting"), KB_STYLE_BUSY},
    [KB_STATE_BACKING_UP] = {"◀", "<", N_("saving"), KB_STYLE_BUSY},
    [KB_STATE_RESTORING] = {"▶", ">", N_("restoring"), KB_STYLE_BUSY},
    [KB_STATE_REBOOTING] = {"↻", "@", N_("restart"), KB_STYLE_BUSY},
    [KB_STATE_STEPS] = {"!", "!", N_("open step"), KB_STYLE_WARN},
    [KB_STATE_DONE] = {"✓", "+", N_("finished"), KB_STYLE_GOOD},
    [KB_STATE_REFUSED] = {"⊘", "-", N_("rejected"), KB_STYLE_BAD},
    [KB_STATE_FAILED] = {"✗", "x", N_("failed"), KB_STYLE_BAD},
    [KB_STATE_SET_ASIDE] = {"▲", "^", N_("set aside"), KB_STYLE_BAD},
};
static const struct kb_look queued = {"=", "=", N_("in queue"), KB_STYLE_NONE};
static const struct kb_look left_alone = {"–", "_", N_("no line"), KB_STYLE_DIM};

static const struct {
    const char *ask, *word;
} asks[] = {
    {"trust", N_("trust")},          {"passcode", N_("passcode")},          {"unlock", N_("unlock")},
    {"activate", N_("activate")},    {"choose-restore", N_("pick USB")},    {"find-my-off", N_("Find My")},
    {"icloud-backup", N_("iCloud")}, {"start-setup", N_("set up")},         {"choose-icloud-restore", N_("iCloud")},
    {"wifi", N_("Wi-Fi")},           {"choose-backup", N_("pick one")},     {"remote-management", N_("MDM")},
    {"apple-id", N_("Apple ID")},    {"finish-setup", N_("finish up")},     {"home-screen", N_("Home")},
    {"kitting", N_("kitting")},      {"agent-reauth", N_("re-auth")},       {"agent-install", N_("agent in")},
    {"agent-auth", N_("log in")},    {"becomes-supervised", N_("superv.")},
};

const char *kb_ask_word(const char *ask) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(asks); i++)
        if (!strcmp(asks[i].ask, ask)) return _(asks[i].word);
    return ask;
}

bool kb_tile_wants(const struct kb_tile *tile) { return *tile->ask && tile->line && !kb_state_ended(tile->state); }

bool kb_tile_needs_you(const struct kb_tile *tile) {
    bool ended_badly = kb_state_ended(tile->state) && tile->state != KB_STATE_DONE;
    return kb_tile_wants(tile) || (tile->line && ended_badly);
}

struct kb_look kb_tile_look(const struct kb_tile *tile) {
    bool known = tile->state >= 0 && tile->state < KB_STATE_COUNT;
    struct kb_look look = looks[known ? tile->state : KB_STATE_WAITING];
    if (!tile->line)
        look = left_alone;
    else if (tile->queued)
        look = queued;
    look.word = _(look.word);
    if (!kb_tile_wants(tile)) return look;
    look.mark = look.ascii = "!";
    look.style = KB_STYLE_WARN;
    look.word = kb_ask_word(tile->ask);
    return look;
}

static void first_of(const char *const *texts, char *out, size_t room) {
    *out = '\0';
    for (int i = 0; texts[i]; i++)
        if (*texts[i]) {
            kb_text_copy(out, room, texts[i]);
            return;
        }
}

void kb_tile_title(const struct kb_tile *tile, char *out, size_t room) {
    const char *const texts[] = {tile->slot, tile->asset_tag, tile->user, tile->name, tile->target, tile->udid, NULL};
    first_of(texts, out, room);
}

void kb_tile_who(const struct kb_tile *tile, char *out, size_t room) {
    if (*tile->user && *tile->name)
        snprintf(out, room, "%s, %s", tile->user, tile->name);
    else {
        const char *const texts[] = {tile->user, tile->name, tile->target, tile->udid, NULL};
        first_of(texts, out, room);
    }
}

void kb_tile_countdown(const struct kb_tile *tile, int64_t now_ms, char out[KB_HUMAN_ROOM]) {
    *out = '\0';
    if (kb_tile_wants(tile) && tile->until_ms >= 0) kb_human_span(out, (tile->until_ms - now_ms + 999) / 1000);
}
