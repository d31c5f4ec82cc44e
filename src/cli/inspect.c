/* kitbench inspect: what one backup folder says. Reads only. */
#include "cli.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void row(const struct kb_cli *cli, const char *name, const char *value) {
    char label[80];
    int pad = 18 - kb_text_width(name);
    snprintf(label, sizeof label, "%s%*s", name, pad > 0 ? pad : 0, "");
    kb_tell(cli, "  %s %s", label, value && *value ? value : "-");
}

static void row_count(const struct kb_cli *cli, const char *name, int64_t count) {
    char text[32] = "-";
    if (count >= 0) snprintf(text, sizeof text, "%lld", (long long)count);
    row(cli, name, text);
}

static const char *source_words(const struct kb_backup_info *info) {
    switch (info->source_state) {
    case KB_SOURCE_SUPERVISED:
        return _("supervised");
    case KB_SOURCE_UNSUPERVISED:
        return _("MDM, not supervised");
    case KB_SOURCE_NO_MDM:
        return _("no MDM");
    default:
        return _("not known (give it with --source-state)");
    }
}

/* Which of the sources said it (in the order in which they are asked). */
static void row_source(const struct kb_cli *cli, const struct kb_backup_info *info) {
    static const char *const origins[] = {[KB_ORIGIN_FACTS] = N_("by the facts that kitbench wrote beside the backup"),
                                          [KB_ORIGIN_PROFILES] = N_("by the profiles inside the backup"),
                                          [KB_ORIGIN_OPERATOR] = N_("given with --source-state")};
    const char *origin = (size_t)info->source_origin < KB_ARRAY_SIZE(origins) ? origins[info->source_origin] : NULL;
    char text[240];
    snprintf(text, sizeof text, "%s%s%s%s", source_words(info), origin ? " (" : "", origin ? _(origin) : "",
             origin ? ")" : "");
    row(cli, _("Source state"), text);
}

static const char *agent_words(enum kb_agent_trace trace) {
    switch (trace) {
    case KB_TRACE_FULL:
        return _("yes, with its data");
    case KB_TRACE_LISTED:
        return _("listed, but none of its data is in the backup");
    case KB_TRACE_DATA_ONLY:
        return _("only its data, the app is not listed");
    case KB_TRACE_NONE:
        return _("no");
    default:
        return NULL;
    }
}

/* What would be known with the password, and what is wrong, as sentences. */
static void tell_remarks(const struct kb_cli *cli, const struct kb_backup_info *info) {
    bool colour = cli->options.json ? cli->err_colour : cli->out_colour;
    if (info->health != KB_HEALTH_OK)
        kb_tell(cli, "%s%s%s", kb_paint(colour, KB_PAINT_BAD), info->health_text, kb_paint(colour, KB_PAINT_NONE));
    else if (info->encrypted == KB_YES && info->proof != KB_PROOF_RIGHT)
        kb_tell(cli, "%s",
                _("With the password (--password-file) also: files, bytes, and what lies inside "
                  "(profiles, supervision)."));
    if (info->encrypted == KB_NO)
        kb_tell(cli, "%s%s%s", kb_paint(colour, KB_PAINT_WARN),
                _("This backup is not encrypted: passwords, Health data and Wi-Fi settings are not in it."),
                kb_paint(colour, KB_PAINT_NONE));
}

static void tell_backup(const struct kb_cli *cli, const struct kb_backup_info *info, enum kb_agent_trace trace) {
    char text[160], bytes[KB_HUMAN_ROOM], when[KB_HUMAN_ROOM];
    kb_human_time(when, info->taken_at);
    kb_tell(cli, "%s", info->path);
    row(cli, _("Device"), info->device_name);
    snprintf(text, sizeof text, "%s, %s (%s)", *info->model ? info->model : "-", *info->os ? info->os : "-",
             *info->build ? info->build : "-");
    row(cli, _("Model, OS"), text);
    row(cli, _("UDID"), info->udid);
    row(cli, _("Serial number"), info->serial);
    row(cli, _("Taken at"), when);
    row(cli, _("Encrypted"), kb_human_tri(info->encrypted));
    row(cli, _("Finished"), kb_human_tri(info->finished));
    row_source(cli, info);
    row(cli, _("Supervised"), kb_human_tri(info->supervised));
    row(cli, _("MDM"), kb_human_tri(info->mdm));
    row(cli, _("Agent"), agent_words(trace));
    row_count(cli, _("Apps"), info->apps);
    row_count(cli, _("Files"), info->files);
    kb_human_bytes(bytes, info->bytes);
    row(cli, _("Size"), bytes);
    kb_human_bytes(bytes, info->needs_bytes);
    row(cli, _("Needs free"), bytes);
    tell_remarks(cli, info);
}

/* What a caller knows for the reading. */
struct kb_backup_options kb_backup_options_of(const struct kb_cli *cli, bool deep) {
    struct kb_backup_options options = {kb_setting(&cli->settings, KB_SET_AGENT),
                                        kb_setting(&cli->settings, KB_SET_MDM), cli->options.source_state, deep};
    return options;
}

static struct kb_result unlock(const struct kb_cli *cli, struct kb_backup *backup) {
    struct kb_secret *secret = NULL;
    struct kb_result res = kb_password_get(cli, KB_PASSWORD_IF_GIVEN, "", &secret);
    if (!kb_failed(&res) && secret) res = kb_backup_unlock(backup, secret, NULL, NULL);
    kb_secret_free(secret);
    return res;
}

static int exit_of_health(const struct kb_backup_info *info) {
    bool told = info->health != KB_HEALTH_HOSTILE && info->health != KB_HEALTH_UNREADABLE;
    return told ? 0 : 6;
}

int kb_cmd_inspect(struct kb_cli *cli) {
    struct kb_backup_info *info = kb_xcalloc(1, sizeof *info);
    struct kb_backup *backup = NULL;
    char *path = NULL;
    int code;
    struct kb_result locked = kb_ok();
    struct kb_result res = kb_backup_resolve(cli->store, cli->options.operands[0], &path);
    if (!kb_failed(&res)) res = kb_backup_open(path, &backup);
    if (kb_failed(&res)) goto out;
    locked = unlock(cli, backup);
    if (locked.domain == KB_PASSWORD) goto out;
    struct kb_backup_options options = kb_backup_options_of(cli, true);
    res = kb_backup_inspect(backup, &options, info);
    if (kb_failed(&res)) goto out;
    json_t *object = kb_backup_info_to_json(info);
    kb_put_json(cli, object);
    json_decref(object);
    if (!cli->options.json)
        tell_backup(cli, info, kb_backup_agent(backup));
    else if (info->health != KB_HEALTH_OK)
        kb_say(cli, "%s", info->health_text);
out:
    if (kb_failed(&res) || locked.domain == KB_PASSWORD)
        code = kb_say_result(cli, kb_failed(&res) ? &res : &locked);
    else
        code = exit_of_health(info);
    kb_backup_free(backup);
    free(path);
    free(info);
    return code;
}
