/* kitbench slots: which USB port is which place in the tray. Setting one by hand, and the table of its actions. */
#include "slots.h"
#include "resolve.h"

#include <stdlib.h>
#include <string.h>

#define LOCK_WAIT_MS 5000

void kb_slot_put(const struct kb_cli *cli, const char *name, int64_t location) {
    json_t *object = json_object();
    kb_json_set_text(object, "event", "slot");
    kb_json_set_text(object, "slot", name);
    kb_json_set_int(object, "location", location);
    kb_put_json(cli, object);
    json_decref(object);
}

struct kb_result kb_slot_teach(const struct kb_cli *cli, const char *name, int64_t location,
                               char before[KB_SLOT_NAME_ROOM], int64_t *was) {
    char *path = kb_path_join(cli->home, "slots.json.lock");
    struct kb_slots *slots = NULL;
    struct kb_lock *lock = NULL;
    struct kb_result res = kb_lock_take(path, false, LOCK_WAIT_MS, &lock);
    if (!kb_failed(&res)) res = kb_slots_load(cli->home, &slots);
    if (kb_failed(&res)) goto out;
    if (before) kb_text_copy(before, KB_SLOT_NAME_ROOM, kb_slots_name(slots, location));
    if (was) *was = kb_slots_location(slots, name);
    res = kb_slots_set(slots, name, location);
    if (!kb_failed(&res)) res = kb_slots_save(slots, cli->home);
out:
    kb_slots_free(slots);
    kb_lock_release(lock);
    free(path);
    return res;
}

/* ---- set */

/* 0x and hex digits, or a decimal number that does not begin with 0, as UDIDs do. */
static bool is_location(const char *word, int64_t *location) {
    char *end = NULL;
    if (kb_text_starts(word, "0x") || kb_text_starts(word, "0X")) {
        if (strspn(word + 2, "0123456789abcdefABCDEF") != strlen(word + 2) || !word[2] || strlen(word + 2) > 8)
            return false;
        *location = (int64_t)strtoull(word + 2, &end, 16);
        return true;
    }
    return word[0] != '0' && kb_parse_int(word, 1, UINT32_MAX, location);
}

static struct kb_result port_of(const struct kb_cli *cli, const char *word, int64_t *location) {
    struct kb_attached attached;
    if (is_location(word, location)) return kb_ok();
    struct kb_result res = kb_resolve_attached(cli, word, &attached);
    if (kb_failed(&res)) return res;
    *location = attached.location;
    if (*location >= 0) return res;
    return kb_fail(KB_USBMUX, KB_USBMUX_PROTOCOL, _("usbmuxd does not tell the port of %s"), attached.udid);
}

static struct kb_result forget(const struct kb_cli *cli, const char *name) {
    struct kb_slots *slots = NULL;
    struct kb_result res = kb_slots_load(cli->home, &slots);
    if (!kb_failed(&res) && kb_slots_location(slots, name) < 0)
        res = kb_usage(cli->command, _("There is no slot \"%.60s\""), name);
    kb_slots_free(slots);
    if (!kb_failed(&res)) res = kb_slot_teach(cli, name, -1, NULL, NULL);
    if (kb_failed(&res)) return res;
    kb_tell(cli, _("The slot \"%s\" is forgotten."), name);
    kb_slot_put(cli, name, -1);
    return res;
}

static struct kb_result set(const struct kb_cli *cli) {
    const char *name = cli->options.operands[1], *word = cli->options.operands[2];
    char before[KB_SLOT_NAME_ROOM] = "";
    int64_t location = -1;
    if (!strcmp(word, "none")) return forget(cli, name);
    struct kb_result res = port_of(cli, word, &location);
    if (!kb_failed(&res)) res = kb_slot_teach(cli, name, location, before, NULL);
    if (kb_failed(&res)) return res;
    kb_tell(cli, _("The port 0x%08llx is slot \"%s\" now."), (unsigned long long)location, name);
    if (*before && strcmp(before, name)) kb_say(cli, _("It was slot \"%s\" before."), before);
    kb_slot_put(cli, name, location);
    return res;
}

static int run_set(struct kb_cli *cli) {
    struct kb_result res = set(cli);
    return kb_say_result(cli, &res);
}

/* ---- The actions */

static const struct {
    const char *name, *usage;
    int min, max; /* words behind it */
    int (*run)(struct kb_cli *cli);
} actions[] = {
    {"learn", "learn [NAME...]", 0, KB_MAX_SLOTS, kb_slots_learn},
    {"list", "list", 0, 0, kb_slots_show},
    {"set", "set NAME LOCATION|DEVICE|none", 2, 2, run_set},
};

int kb_cmd_slots(struct kb_cli *cli) {
    const char *word = cli->options.operands[0];
    int words = cli->options.operand_count - 1;
    struct kb_result res =
        kb_usage(cli->command, _("slots does not know \"%.60s\"; it knows learn, list and set"), word);
    for (size_t i = 0; i < KB_ARRAY_SIZE(actions); i++) {
        if (strcmp(actions[i].name, word)) continue;
        if (words >= actions[i].min && words <= actions[i].max) return actions[i].run(cli);
        res = kb_usage(cli->command, _("It is written: kitbench slots %s"), actions[i].usage);
    }
    return kb_say_result(cli, &res);
}
