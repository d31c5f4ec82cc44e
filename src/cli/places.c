/* Places in the tray, as the other sub-commands use them: a label for who is there, and slot:NAME. */
#include "resolve.h"

struct kb_slots *kb_cli_slots(const struct kb_cli *cli) {
    struct kb_slots *slots = NULL;
    struct kb_result res = kb_slots_load(cli->home, &slots);
    if (kb_failed(&res)) kb_say(cli, "%s", res.text);
    return slots;
}

void kb_request_place(const struct kb_slots *slots, struct kb_request *request, int64_t location) {
    const char *name = kb_slots_name(slots, location);
    if (*name) request->slot = kb_xstrdup(name);
}

void kb_request_device(const struct kb_cli *cli, struct kb_request *request, enum kb_task task,
                       const struct kb_attached *attached, const char *backup) {
    struct kb_slots *slots = kb_cli_slots(cli);
    kb_request_init(cli, request, task, attached->udid, backup);
    kb_request_place(slots, request, attached->location);
    kb_slots_free(slots);
}

struct kb_result kb_slot_known(const struct kb_cli *cli, const struct kb_slots *slots, const char *word,
                               int64_t *location) {
    *location = kb_slots_location(slots, kb_slot_word(word));
    if (*location >= 0) return kb_ok();
    return kb_usage(cli->command,
                    _("There is no slot \"%.60s\": kitbench slots list shows them, kitbench slots learn teaches them"),
                    kb_slot_word(word));
}

struct kb_result kb_slot_resolve(const struct kb_cli *cli, const char *word, struct kb_attached *list, int count,
                                 int *index) {
    struct kb_slots *slots = NULL;
    int64_t location = -1;
    struct kb_result res = kb_slots_load(cli->home, &slots);
    if (!kb_failed(&res)) res = kb_slot_known(cli, slots, word, &location);
    kb_slots_free(slots);
    if (kb_failed(&res)) return res;
    for (*index = 0; *index < count; (*index)++)
        if (list[*index].location == location) return res;
    return kb_fail(KB_USBMUX, KB_USBMUX_NO_DEVICE, _("No device is plugged into slot \"%.60s\". Plug it in there"),
                   kb_slot_word(word));
}
