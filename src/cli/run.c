/* Worker processes as sub-commands need them: one device to its end, or many devices read side by side. */
#include "progress.h"

#include <stdlib.h>
#include <string.h>

void kb_request_init(const struct kb_cli *cli, struct kb_request *request, enum kb_task task, const char *udid,
                     const char *backup) {
    const struct kb_options *options = &cli->options;
    const char *by = kb_setting(&cli->settings, KB_SET_OPERATOR);
    memset(request, 0, sizeof *request);
    request->task = task;
    request->home = kb_xstrdup_some(cli->home);
    request->store = kb_xstrdup_some(cli->store);
    request->udid = kb_xstrdup_some(udid);
    request->backup = kb_xstrdup_some(backup);
    request->by = by ? kb_xstrdup_some(by) : kb_host_user();
    request->lang = kb_lang();
    request->route = options->route;
    request->source_state = options->source_state;
    request->target_state = options->target_state;
    request->accepted = options->accepted;
    request->wait_s = options->wait_s;
    request->patience_s = options->patience_s;
    request->full = options->full;
    request->dry_run = options->dry_run;
    request->agent_bundle_id = kb_xstrdup_some(kb_setting(&cli->settings, KB_SET_AGENT));
    request->mdm_profile_identifier = kb_xstrdup_some(kb_setting(&cli->settings, KB_SET_MDM));
    request->identity = kb_xstrdup_some(options->identity);
}

struct one {
    struct kb_show show;
    json_t *object;
    char outcome[32]; /* of the result line; "" when none came */
    bool quiet;       /* the answer is one object: event lines are for people only */
};

static void one_line(void *arg, int n, json_t *object) {
    struct one *one = arg;
    (void)n;
    const char *event = json_string_value(json_object_get(object, "event"));
    if (event) {
        if (one->quiet)
            kb_show_quietly(&one->show, object);
        else
            kb_show_event(&one->show, object);
        if (!strcmp(event, "result")) kb_json_get_text(object, "outcome", one->outcome, sizeof one->outcome);
        return;
    }
    json_decref(one->object);
    one->object = json_incref(object);
}

/* What a worker says of itself is for -v; the sentence that counts comes as its result. */
static void one_log(void *arg, int n, const char *sentence) {
    struct one *one = arg;
    (void)n;
    if (one->show.cli->options.verbose) kb_show_log(&one->show, sentence);
}

static int64_t memory_of(enum kb_task task) {
    return task == KB_TASK_BACKUP || task == KB_TASK_RESTORE ? KB_TRANSFER_MEMORY : KB_READER_MEMORY;
}

static struct kb_result run_one(const struct kb_cli *cli, const struct kb_request *request, struct one *one) {
    struct kb_worker_events events = {one, one_line, one_log};
    struct kb_result own = kb_ok();
    kb_show_init(&one->show, cli);
    struct kb_result res = kb_workers_run(request, 1, 1, memory_of(request->task), &events, &own);
    kb_show_end(&one->show);
    return kb_failed(&own) && res.domain != KB_CANCELLED ? own : res;
}

struct kb_result kb_run_one(const struct kb_cli *cli, const struct kb_request *request, json_t **object) {
    struct one one = {.quiet = true};
    struct kb_result res = run_one(cli, request, &one);
    *object = one.object;
    return res;
}

int kb_run_told(const struct kb_cli *cli, const struct kb_request *request, char outcome[32]) {
    struct one one = {.object = NULL};
    struct kb_result res = run_one(cli, request, &one);
    json_decref(one.object);
    if (outcome) memcpy(outcome, one.outcome, sizeof one.outcome);
    return *one.outcome ? kb_exit_of(&res) : kb_say_result(cli, &res);
}

struct many {
    const struct kb_cli *cli;
    const struct kb_attached *list;
    struct kb_device *devices;
};

static void many_line(void *arg, int n, json_t *object) {
    struct many *many = arg;
    char udid[KB_UDID_ROOM] = "";
    if (json_object_get(object, "event")) return;
    kb_json_get_text(object, "udid", udid, sizeof udid);
    if (strcmp(udid, many->list[n].udid)) return; /* a worker speaks of its own device only */
    kb_device_from_json(&many->devices[n], object);
}

static void many_log(void *arg, int n, const char *sentence) {
    struct many *many = arg;
    if (many->cli->options.verbose) kb_say(many->cli, "%s: %s", many->list[n].udid, sentence);
}

static void set_unknown(struct kb_device *device, const struct kb_attached *attached, const char *slot) {
    kb_device_init(device);
    kb_text_copy(device->slot, sizeof device->slot, slot);
    kb_text_copy(device->udid, sizeof device->udid, attached->udid);
    device->location = attached->location;
    device->mux_id = attached->id;
}

struct kb_result kb_run_probes(const struct kb_cli *cli, enum kb_task task, const struct kb_attached *list, int count,
                               struct kb_device *devices) {
    struct many many = {cli, list, devices};
    struct kb_worker_events events = {&many, many_line, many_log};
    struct kb_request *requests = kb_xcalloc((size_t)count + 1, sizeof *requests);
    struct kb_result *results = kb_xcalloc((size_t)count + 1, sizeof *results);
    struct kb_slots *slots = kb_cli_slots(cli);
    for (int i = 0; i < count; i++) {
        set_unknown(&devices[i], &list[i], kb_slots_name(slots, list[i].location));
        kb_request_init(cli, &requests[i], task, list[i].udid, NULL);
        kb_request_place(slots, &requests[i], list[i].location);
    }
    struct kb_result res = kb_workers_run(requests, count, KB_MAX_PROBES, memory_of(task), &events, results);
    for (int i = 0; i < count; i++) {
        if (kb_failed(&results[i])) kb_say(cli, "%s: %s", list[i].udid, results[i].text);
        kb_request_release(&requests[i]);
    }
    kb_slots_free(slots);
    free(requests);
    free(results);
    return res;
}
