/* mobilebackup2's opening and its requests (protocol.md 3.2 and 3.3); the jobs are in files of their own. */
#include "backup2.h"
#include "parts.h" /* sim_wipe() */

#include <stdlib.h>
#include <string.h>

/* A message of the host: [name, ...]. NULL: closed, or counted as malformed. */
static plist_t read_message(struct link *link, const char *want) {
    plist_t message = sim_read_plist(link->stream);
    plist_t first = message && plist_get_node_type(message) == PLIST_ARRAY ? plist_array_get_item(message, 0) : NULL;
    const char *name = first && plist_get_node_type(first) == PLIST_STRING ? plist_get_string_ptr(first, NULL) : NULL;

    if (message && !name)
        link_wrong(link, "a message that is no array with a name");
    else if (name && sim_fault_point(link->stream, BACKUP2_SERVICE, name, false, &link->fired) == SIM_STOP)
        link->down = true;
    else if (name && !strcmp(name, "DLMessageDisconnect"))
        link->down = true;
    else if (name && strcmp(name, want) != 0)
        link_wrong(link, "another message than was due");
    else if (name)
        return message;
    plist_free(message);
    link->down = true;
    return NULL;
}

static bool exchange_versions(struct link *link) {
    int os = atoi(link->dev->os);
    int64_t major = sim_number(link->dev, "devicelink_major", os && os < 14 ? 300 : 400);
    plist_t message = dl_message("DLMessageVersionExchange");
    uint64_t echoed = 0;
    bool ok;

    dl_uint(message, (uint64_t)major);
    dl_uint(message, 0);
    if (!link_send(link, message) || !(message = read_message(link, "DLMessageVersionExchange"))) return false;
    ok = plist_array_get_size(message) == 3 && plist_get_node_type(plist_array_get_item(message, 1)) == PLIST_STRING &&
         !strcmp(plist_get_string_ptr(plist_array_get_item(message, 1), NULL), "DLVersionsOk") &&
         plist_get_node_type(plist_array_get_item(message, 2)) == PLIST_UINT;
    if (ok) plist_get_uint_val(plist_array_get_item(message, 2), &echoed);
    plist_free(message);
    if (!ok || echoed != (uint64_t)major) return link_wrong(link, "a version exchange that does not agree");
    return link_send(link, dl_message("DLMessageDeviceReady"));
}

/* The greatest version that both know; 0: none. */
static double common_version(plist_t hello) {
    plist_t list = plist_dict_get_item(hello, "SupportedProtocolVersions");
    double best = 0;

    if (!list || plist_get_node_type(list) != PLIST_ARRAY) return 0;
    for (uint32_t i = 0; i < plist_array_get_size(list); i++) {
        double version = 0;

        if (plist_get_node_type(plist_array_get_item(list, i)) == PLIST_REAL)
            plist_get_real_val(plist_array_get_item(list, i), &version);
        if ((version == 2.0 || version == 2.1) && version > best) best = version;
    }
    return best;
}

static plist_t body_of(plist_t message) {
    plist_t body = plist_array_get_size(message) > 1 ? plist_array_get_item(message, 1) : NULL;

    return body && plist_get_node_type(body) == PLIST_DICT ? body : NULL;
}

static bool greet(struct link *link) {
    plist_t message = read_message(link, "DLMessageProcessMessage"), answer, body;
    const char *name;
    double version;

    if (!message) return false;
    body = body_of(message);
    name = dict_string(body, "MessageName");
    version = name && !strcmp(name, "Hello") ? common_version(body) : -1;
    plist_free(message);
    if (version < 0) return link_wrong(link, "another request before Hello");
    answer = dl_message("DLMessageProcessMessage");
    body = plist_new_dict();
    plist_dict_set_item(body, "MessageName", plist_new_string("Response"));
    plist_dict_set_item(body, "ErrorCode", plist_new_uint(version == 0));
    if (version == 0)
        plist_dict_set_item(body, "ErrorDescription", plist_new_string("No common supported protocol version"));
    else
        plist_dict_set_item(body, "ProtocolVersion", plist_new_real(version));
    plist_array_append_item(answer, body);
    return link_send(link, answer) && version > 0;
}

json_t *request_words(plist_t request) {
    static const char *const names[] = {"RestoreShouldReboot",    "RestoreSystemFiles",    "RestorePreserveSettings",
                                        "RemoveItemsNotRestored", "RestoreDontCopyBackup", "ForceFullBackup"};
    plist_t options = plist_dict_get_item(request, "Options");
    json_t *words = json_object();

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int value = dict_bool(options, names[i]);

        if (value >= 0) json_object_set_new(words, names[i], json_boolean(value));
    }
    if (dict_string(options, "Password")) json_object_set_new(words, "Password", json_true());
    return words;
}

static void refuse(struct link *link, plist_t request) {
    (void)request;
    link_fail(link, MB_CORRUPT, "Error reading backup properties");
}

static void no_account(struct link *link, plist_t request) {
    (void)request;
    link_fail(link, MB_GENERIC, "No account exists");
}

static void no_more(struct link *link, plist_t request) {
    (void)request;
    link_fail(link, MB_GENERIC, "Remove action is no longer supported");
}

/* Factory reset: the connection just ends. */
static void erase(struct link *link, plist_t request) {
    (void)request;
    pthread_mutex_lock(&link->dev->lock);
    sim_wipe(link->dev);
    pthread_mutex_unlock(&link->dev->lock);
    sim_content_erase(link->dev);
    link->down = true;
    sim_reboot(link->dev, SIM_ASSISTANT);
}

/* Since iOS 10 the requests about a folder's content do not understand Manifest.db and fail. */
static const struct {
    const char *name;
    void (*run)(struct link *link, plist_t request);
} requests[] = {{"Backup", job_backup},
                {"Restore", job_restore},
                {"ChangePassword", job_password},
                {"Info", refuse},
                {"List", refuse},
                {"Unback", refuse},
                {"Extract", refuse},
                {"EnableCloudBackup", no_account},
                {"Remove", no_more},
                {"EraseDevice", erase}};

static bool serve_request(struct link *link) {
    plist_t message = read_message(link, "DLMessageProcessMessage"), body = message ? body_of(message) : NULL;
    const char *name = dict_string(body, "MessageName");
    json_t *words;
    char *text;
    bool known = false;

    if (!message) return false;
    link->error = 0;
    link->over = false;
    link->progress = 0;
    words = body ? request_words(body) : NULL;
    text = words ? json_dumps(words, JSON_COMPACT) : NULL;
    sim_saw(link->dev, BACKUP2_SERVICE, "%s %s", name ? name : "(nameless)", text ? text : "");
    free(text);
    json_decref(words);
    for (size_t i = 0; name && !known && i < sizeof requests / sizeof *requests; i++)
        if (!strcmp(requests[i].name, name)) {
            known = true;
            requests[i].run(link, body);
        }
    plist_free(message);
    if (!known) return link_wrong(link, "an unknown request");
    link_respond(link);
    return !link->down;
}

void sim_serve_backup2(struct sim_stream *stream) {
    struct link link = {.stream = stream, .dev = sim_stream_device(stream)};

    if (!exchange_versions(&link) || !greet(&link)) return;
    while (serve_request(&link))
        ;
}
