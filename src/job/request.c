/*
 * A request to a worker as one JSON object, both ways. The secrets are in that line and nowhere else; whoever made or
 * read it wipes them. A secret that is not UTF-8 (a password file may hold any bytes) travels as hex.
 */
#include "kitbench/job.h"
#include <stdlib.h>
#include <string.h>

#define MAX_SECRET 1024 /* kb_secret_from_file reads no more */

static const char *const task_names[] = {"probe", "check", "pair", "backup", "restore", "evidence", "inspect"};

const char *kb_task_name(enum kb_task task) { return (size_t)task < KB_ARRAY_SIZE(task_names) ? task_names[task] : ""; }

/* The texts of a request, and what may stand there. */
static const struct {
    const char *key;
    size_t offset, max;
} texts[] = {
    {"home", offsetof(struct kb_request, home), 4096},
    {"store", offsetof(struct kb_request, store), 4096},
    {"udid", offsetof(struct kb_request, udid), KB_UDID_ROOM - 1},
    {"backup", offsetof(struct kb_request, backup), 4095},
    {"batch", offsetof(struct kb_request, batch), KB_JOB_ID_ROOM - 1},
    {"slot", offsetof(struct kb_request, slot), 63},
    {"user", offsetof(struct kb_request, user), 127},
    {"asset_tag", offsetof(struct kb_request, asset_tag), 127},
    {"by", offsetof(struct kb_request, by), 127},
    {"agent_bundle_id", offsetof(struct kb_request, agent_bundle_id), 255},
    {"mdm_profile_identifier", offsetof(struct kb_request, mdm_profile_identifier), 255},
    {"identity", offsetof(struct kb_request, identity), 4095},
};

static char **text_of(const struct kb_request *request, size_t row) {
    return (char **)(void *)((char *)(uintptr_t)request + texts[row].offset);
}

void kb_request_release(struct kb_request *request) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(texts); i++) free(*text_of(request, i));
    json_decref(request->columns);
    kb_secret_free(request->password);
    kb_secret_free(request->key);
    kb_secret_free(request->identity_password);
    memset(request, 0, sizeof *request);
}

void kb_request_copy(struct kb_request *out, const struct kb_request *request) {
    *out = *request;
    for (size_t i = 0; i < KB_ARRAY_SIZE(texts); i++) *text_of(out, i) = kb_xstrdup_some(*text_of(request, i));
    out->columns = NULL;
    out->password = out->identity_password = out->key = NULL;
}

/* ---- Writing --------------------------------------------------------------------------------------------------- */

static void set_secret(json_t *object, const char *key, const struct kb_secret *secret) {
    char name[64], hex[2 * MAX_SECRET + 1];
    if (!secret || secret->size > MAX_SECRET) return;
    const char *data = (const char *)secret->data;
    if (!memchr(data, 0, secret->size) && kb_utf8_valid(data, secret->size)) {
        json_object_set_new(object, key, json_stringn(data, secret->size));
        return;
    }
    kb_hex(hex, secret->data, secret->size);
    snprintf(name, sizeof name, "%s_hex", key);
    json_object_set_new(object, name, json_string(hex));
    kb_wipe(hex, sizeof hex);
}

json_t *kb_request_to_json(const struct kb_request *request) {
    json_t *object = json_object();
    json_object_set_new(object, "task", json_string(kb_task_name(request->task)));
    for (size_t i = 0; i < KB_ARRAY_SIZE(texts); i++) kb_json_set_text(object, texts[i].key, *text_of(request, i));
    json_object_set_new(object, "columns", request->columns ? json_deep_copy(request->columns) : json_null());
    json_object_set_new(object, "lang", json_string(request->lang == KB_LANG_JA ? "ja" : "en"));
    json_object_set_new(object, "route", json_string(kb_route_name(request->route)));
    kb_json_set_text(object, "source_state", kb_source_name(request->source_state));
    kb_json_set_text(object, "target_state", kb_target_name(request->target_state));
    json_object_set_new(object, "accepted", json_integer(request->accepted));
    json_object_set_new(object, "wait_s", json_integer(request->wait_s));
    json_object_set_new(object, "patience_s", json_integer(request->patience_s));
    json_object_set_new(object, "full", json_boolean(request->full));
    json_object_set_new(object, "dry_run", json_boolean(request->dry_run));
    json_object_set_new(object, "hold", json_boolean(request->hold));
    json_object_set_new(object, "share_key", json_boolean(request->share_key));
    json_object_set_new(object, "hand_wait_s", json_integer(request->hand_wait_s));
    set_secret(object, "password", request->password);
    set_secret(object, "key", request->key);
    set_secret(object, "identity_password", request->identity_password);
    return object;
}

void kb_request_json_free(json_t *object) {
    static const char *const keys[] = {"password", "password_hex", "identity_password", "identity_password_hex",
                                       "key",      "key_hex"};
    for (size_t i = 0; object && i < KB_ARRAY_SIZE(keys); i++) {
        json_t *value = json_object_get(object, keys[i]);
        /* jansson hands out its own buffer as const; nobody else holds this string any more. */
        if (json_is_string(value)) kb_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
    }
    json_decref(object);
}

/* ---- Reading --------------------------------------------------------------------------------------------------- */

static struct kb_result bad(const char *key) {
    return kb_fail(KB_UNEXPECTED, 0, _("The request to the worker has an unusable \"%s\"; start kitbench anew"), key);
}

static bool get_texts(struct kb_request *request, const json_t *object, const char **wrong) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(texts); i++) {
        const json_t *value = json_object_get(object, texts[i].key);
        if (!value || json_is_null(value)) continue;
        *wrong = texts[i].key;
        if (!json_is_string(value) || json_string_length(value) > texts[i].max) return false;
        *text_of(request, i) = kb_xstrdup(json_string_value(value));
    }
    return true;
}

static bool get_secret(const json_t *object, const char *key, struct kb_secret **out) {
    char name[64];
    unsigned char bytes[MAX_SECRET];
    const json_t *value = json_object_get(object, key);
    snprintf(name, sizeof name, "%s_hex", key);
    const json_t *hex = json_object_get(object, name);
    if (json_is_string(value)) {
        if (json_string_length(value) > MAX_SECRET) return false;
        *out = kb_secret_new(json_string_value(value), json_string_length(value));
        return true;
    }
    if (!json_is_string(hex)) return !hex && (!value || json_is_null(value));
    size_t size = json_string_length(hex) / 2;
    if (size > MAX_SECRET || !kb_unhex(bytes, size, json_string_value(hex))) return false;
    *out = kb_secret_new(bytes, size);
    kb_wipe(bytes, sizeof bytes);
    return true;
}

static bool get_task(const json_t *object, enum kb_task *task) {
    const char *name = json_string_value(json_object_get(object, "task"));
    for (size_t i = 0; name && i < KB_ARRAY_SIZE(task_names); i++)
        if (kb_streq(name, task_names[i])) {
            *task = (enum kb_task)i;
            return true;
        }
    return false;
}

static bool get_number(const json_t *object, const char *key, int64_t max, int64_t *out) {
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max) return false;
    *out = json_integer_value(value);
    return true;
}

/* The words: absent or null is the default, anything unknown is refused. */
static bool get_words(struct kb_request *request, const json_t *object, const char **wrong) {
    char word[32] = "";
    kb_json_get_text(object, *wrong = "lang", word, sizeof word);
    if (word[0] && !kb_lang_parse(word, &request->lang)) return false;
    kb_json_get_text(object, *wrong = "route", word, sizeof word);
    if (word[0] && !kb_route_parse(word, &request->route)) return false;
    kb_json_get_text(object, *wrong = "source_state", word, sizeof word);
    if (word[0] && !kb_source_parse(word, &request->source_state)) return false;
    kb_json_get_text(object, *wrong = "target_state", word, sizeof word);
    return !word[0] || kb_target_parse(word, &request->target_state);
}

static bool get_numbers(struct kb_request *request, const json_t *object, const char **wrong) {
    int64_t accepted = 0;
    request->wait_s = 180;
    request->patience_s = 600;
    if (!get_number(object, *wrong = "accepted", UINT32_MAX, &accepted)) return false;
    request->accepted = (uint32_t)accepted;
    if (!get_number(object, *wrong = "wait_s", 7 * 86400, &request->wait_s)) return false;
    if (!get_number(object, *wrong = "patience_s", 86400, &request->patience_s)) return false;
    if (!get_number(object, *wrong = "hand_wait_s", 7 * 86400, &request->hand_wait_s)) return false;
    request->hold = json_is_true(json_object_get(object, "hold"));
    request->share_key = json_is_true(json_object_get(object, "share_key"));
    request->full = json_is_true(json_object_get(object, "full"));
    request->dry_run = json_is_true(json_object_get(object, "dry_run"));
    return true;
}

/* File names are made of it (locks, the store's folder): nothing but what a UDID is written with. */
static bool udid_is_usable(const char *udid) {
    static const char allowed[] = "0123456789abcdefABCDEF-";
    size_t size = udid ? strlen(udid) : 0;
    return size >= 25 && size <= 40 && strspn(udid, allowed) == size;
}

struct kb_result kb_request_from_json(struct kb_request *request, const json_t *object) {
    const char *wrong = "task";
    memset(request, 0, sizeof *request);
    if (!json_is_object(object) || !get_task(object, &request->task)) goto bad;
    if (!get_texts(request, object, &wrong)) goto bad;
    if (!get_words(request, object, &wrong) || !get_numbers(request, object, &wrong)) goto bad;
    wrong = "udid";
    if (request->task != KB_TASK_INSPECT && !udid_is_usable(request->udid)) goto bad;
    wrong = "home";
    if (!request->home || !request->home[0]) goto bad;
    wrong = "columns";
    const json_t *columns = json_object_get(object, "columns");
    if (columns && !json_is_null(columns) && !json_is_object(columns)) goto bad;
    if (json_is_object(columns)) request->columns = json_deep_copy(columns);
    wrong = "password";
    if (!get_secret(object, "password", &request->password)) goto bad;
    if (!get_secret(object, "key", &request->key)) goto bad;
    if (!get_secret(object, "identity_password", &request->identity_password)) goto bad;
    return kb_ok();
bad:
    kb_request_release(request);
    return bad(wrong);
}
