/* kitbench verify: is a backup whole and unchanged. */
#include "dry.h"
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verifying {
    struct kb_cli *cli;
    struct kb_show show;
    struct kb_secret *password; /* NULL: none was needed or given */
};

static void show_finding(void *arg, const struct kb_finding_line *line) {
    struct verifying *v = arg;
    json_t *object = json_object();
    kb_json_set_text(object, "event", "finding");
    kb_json_set_text(object, "code", line->code);
    kb_json_set_text(object, "path", line->path);
    kb_json_set_text(object, "text", line->text);
    kb_put_json(v->cli, object);
    kb_show_end(&v->show);
    char path[1200];
    kb_text_clean(path, sizeof path, line->path ? line->path : "");
    if (!v->cli->options.json) kb_tell(v->cli, "%s: %s (%s)", line->code, line->text, *path ? path : "-");
    json_decref(object);
}

static bool show_progress(void *arg, int done_pct, int64_t bytes) {
    struct verifying *v = arg;
    json_t *object = json_object();
    json_object_set_new(object, "event", json_string("progress"));
    json_object_set_new(object, "phase", json_string("verifying"));
    json_object_set_new(object, "done_pct", json_integer(done_pct));
    json_object_set_new(object, "bytes", json_integer(bytes));
    kb_show_quietly(&v->show, object);
    json_decref(object);
    return true;
}

static bool show_proof(void *arg, int done_pct) {
    struct verifying *v = arg;
    json_t *object = json_object();
    json_object_set_new(object, "event", json_string("progress"));
    json_object_set_new(object, "phase", json_string("proving"));
    json_object_set_new(object, "done_pct", json_integer(done_pct));
    kb_show_quietly(&v->show, object);
    json_decref(object);
    return true;
}

static void show_end(struct verifying *v, const struct kb_verification *end) {
    bool colour = v->cli->options.json ? v->cli->err_colour : v->cli->out_colour;
    enum kb_paint paint = end->outcome == KB_OUTCOME_OK         ? KB_PAINT_GOOD
                          : end->outcome == KB_OUTCOME_WARNINGS ? KB_PAINT_WARN
                                                                : KB_PAINT_BAD;
    json_t *object = json_object();
    kb_json_set_text(object, "event", "result");
    kb_json_set_text(object, "outcome", kb_outcome_name(end->outcome));
    kb_json_set_int(object, "files", end->files);
    kb_json_set_int(object, "bytes", end->bytes);
    kb_json_set_int(object, "findings", end->findings);
    kb_put_json(v->cli, object);
    json_decref(object);
    const char *text = *end->text ? end->text : _("The backup is whole: every file is there.");
    kb_show_end(&v->show);
    kb_tell(v->cli, "%s%s%s", kb_paint(colour, paint), text, kb_paint(colour, KB_PAINT_NONE));
}

static int exit_of(enum kb_outcome outcome) {
    switch (outcome) {
    case KB_OUTCOME_OK:
    case KB_OUTCOME_WARNINGS:
        return 0;
    case KB_OUTCOME_LOCKED:
        return 4;
    default:
        return 6;
    }
}

static struct kb_result unlock(struct verifying *v, struct kb_backup *backup) {
    struct kb_result res = kb_ok();
    if (!kb_backup_is_encrypted(backup)) return res;
    res = kb_password_get(v->cli, KB_PASSWORD_ASK, _("the backup"), &v->password);
    if (!kb_failed(&res) && v->password) res = kb_backup_unlock(backup, v->password, show_proof, v);
    return res;
}

static struct kb_result verify(struct verifying *v, struct kb_backup *backup, struct kb_verification *end) {
    struct kb_verify_options options = {v->cli->options.quick, show_finding, show_progress, v};
    struct kb_result locked = unlock(v, backup), res;
    kb_show_end(&v->show);
    if (locked.domain == KB_PASSWORD) { /* a wrong password is an answer: the backup stays locked */
        end->outcome = KB_OUTCOME_LOCKED;
        end->files = end->bytes = -1;
        end->findings = 0;
        kb_text_copy(end->text, sizeof end->text, locked.text);
        return kb_ok();
    }
    res = kb_backup_verify(backup, &options, end); /* also when the keybag is damaged: that is a finding */
    return res;
}

int kb_cmd_verify(struct kb_cli *cli) {
    struct verifying v = {.cli = cli};
    struct kb_verification end;
    struct kb_backup *backup = NULL;
    struct kb_dry_backup *begun = NULL;
    char *path = NULL;
    int code;
    memset(&end, 0, sizeof end);
    kb_show_init(&v.show, cli);
    struct kb_result res = kb_backup_resolve(cli->store, cli->options.operands[0], &path);
    if (!kb_failed(&res)) begun = kb_verified_begin(cli, path);
    if (!kb_failed(&res)) res = kb_backup_open(path, &backup);
    if (!kb_failed(&res)) res = verify(&v, backup, &end);
    if (kb_failed(&res)) {
        code = kb_say_result(cli, &res);
    } else {
        show_end(&v, &end);
        code = exit_of(end.outcome);
    }
    bool whole = !kb_failed(&res) && (end.outcome == KB_OUTCOME_OK || end.outcome == KB_OUTCOME_WARNINGS);
    kb_verified_end(cli, begun, whole ? backup : NULL, v.password);
    kb_secret_free(v.password);
    kb_backup_free(backup);
    free(path);
    return code;
}
