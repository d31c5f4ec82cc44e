/* Finds the device that a word on the command line means; never guesses between two. */
#include "resolve.h"

#include <stdlib.h>
#include <string.h>

#define MUX_WAIT_MS 10000

static enum kb_means means(const struct kb_candidate *c, const char *word) {
    const struct kb_known known = {c->udid, c->serial, c->imei, ""};
    return kb_word_means(word, &known);
}

enum kb_match kb_match_device(const struct kb_candidate *list, int count, const char *word, int *index) {
    for (enum kb_means how = KB_MEANS_IT; how >= KB_MEANS_START; how--) {
        int found = 0;
        for (int i = 0; i < count; i++) {
            if (means(&list[i], word) != how) continue;
            *index = i;
            found++;
        }
        if (found) return found == 1 ? KB_MATCH_ONE : KB_MATCH_MANY;
    }
    return KB_MATCH_NONE;
}

static struct kb_result ambiguous(const struct kb_cli *cli, const struct kb_candidate *list, int count,
                                  const char *word) {
    for (int i = 0; i < count; i++)
        if (means(&list[i], word) != KB_MEANS_NO)
            kb_say(cli, "  %s  %s  %s", list[i].udid, list[i].serial, list[i].name);
    return kb_usage(cli->command, _("\"%.60s\" could be more than one device; write more of its UDID"), word);
}

static struct kb_result refuse_short(const struct kb_cli *cli, const char *word) {
    if (kb_slot_word(word)) return kb_ok();
    if (kb_word_is_short(word))
        return kb_usage(cli->command,
                        _("\"%.60s\" is too short for a device; write at least %d characters of its UDID"), word,
                        KB_SHORTEST_START);
    return kb_ok();
}

static void from_attached(struct kb_candidate *c, const struct kb_attached *attached) {
    memset(c, 0, sizeof *c);
    kb_text_copy(c->udid, sizeof c->udid, attached->udid);
}

static void from_device(struct kb_candidate *c, const struct kb_device *device) {
    kb_text_copy(c->serial, sizeof c->serial, device->serial);
    kb_text_copy(c->imei, sizeof c->imei, device->imei);
    kb_text_copy(c->name, sizeof c->name, device->name);
}

/* A serial number or an IMEI: every device has to be read. */
static struct kb_result read_all(const struct kb_cli *cli, const struct kb_attached *list, int count,
                                 struct kb_candidate *candidates) {
    struct kb_device *devices = kb_xcalloc((size_t)count + 1, sizeof *devices);
    struct kb_result res = kb_run_probes(cli, KB_TASK_PROBE, list, count, devices);
    for (int i = 0; i < count; i++) from_device(&candidates[i], &devices[i]);
    free(devices);
    return res;
}

static struct kb_result find_attached(const struct kb_cli *cli, const char *word, const struct kb_attached *list,
                                      int count, int *index) {
    struct kb_candidate *candidates = kb_xcalloc(KB_MAX_ATTACHED, sizeof *candidates);
    struct kb_result res = kb_ok();
    for (int i = 0; i < count; i++) from_attached(&candidates[i], &list[i]);
    enum kb_match match = kb_match_device(candidates, count, word, index);
    if (match == KB_MATCH_NONE && count) {
        res = read_all(cli, list, count, candidates);
        if (!kb_failed(&res)) match = kb_match_device(candidates, count, word, index);
    }
    if (!kb_failed(&res) && match == KB_MATCH_MANY) res = ambiguous(cli, candidates, count, word);
    if (!kb_failed(&res) && match == KB_MATCH_NONE)
        res = kb_fail(KB_USBMUX, KB_USBMUX_NO_DEVICE,
                      _("No attached device is \"%.60s\". Plug it in, or see: kitbench devices"), word);
    free(candidates);
    return res;
}

struct kb_result kb_resolve_attached(const struct kb_cli *cli, const char *word, struct kb_attached *out) {
    struct kb_attached *list = kb_xcalloc(KB_MAX_ATTACHED, sizeof *list);
    int count = 0, index = 0;
    struct kb_result res = refuse_short(cli, word);
    if (kb_failed(&res)) goto out;
    res = kb_mux_list(list, &count, kb_clock_ms() + MUX_WAIT_MS);
    if (kb_failed(&res)) goto out;
    if (kb_slot_word(word))
        res = kb_slot_resolve(cli, word, list, count, &index);
    else
        res = find_attached(cli, word, list, count, &index);
    if (!kb_failed(&res)) *out = list[index];
out:
    free(list);
    return res;
}

struct kb_result kb_resolve_known(const struct kb_cli *cli, const struct kb_jobs *jobs, const char *word,
                                  char udid[KB_UDID_ROOM]) {
    struct kb_candidate *candidates = kb_xcalloc((size_t)jobs->count + 1, sizeof *candidates);
    int count = 0, index = 0;
    struct kb_result res = refuse_short(cli, word);
    if (kb_failed(&res)) goto out;
    for (int i = jobs->count - 1; i >= 0; i--) { /* newest first: its serial and name are the ones that count */
        const struct kb_job *job = &jobs->list[i];
        bool known = false;
        for (int k = 0; k < count && !known; k++) known = !strcmp(candidates[k].udid, job->device);
        if (known) continue;
        kb_text_copy(candidates[count].udid, KB_UDID_ROOM, job->device);
        kb_text_copy(candidates[count].serial, sizeof candidates[count].serial, job->device_serial);
        kb_text_copy(candidates[count].name, sizeof candidates[count].name, job->device_name);
        count++;
    }
    enum kb_match match = kb_slot_word(word) ? KB_MATCH_NONE : kb_match_device(candidates, count, word, &index);
    if (match == KB_MATCH_MANY) res = ambiguous(cli, candidates, count, word);
    if (match == KB_MATCH_ONE) kb_text_copy(udid, KB_UDID_ROOM, candidates[index].udid);
    if (match == KB_MATCH_NONE) {
        struct kb_attached attached;
        res = kb_resolve_attached(cli, word, &attached);
        if (!kb_failed(&res)) kb_text_copy(udid, KB_UDID_ROOM, attached.udid);
    }
out:
    free(candidates);
    return res;
}
