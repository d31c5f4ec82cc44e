/* kitbench restore: check, restore, and the operator's steps. Also what it has in common with check. */
#include "pairing.h"

#include <stdlib.h>
#include <string.h>

/* Whether the folder is encrypted, read without its password. */
static struct kb_result wants_password(const struct kb_cli *cli, const char *path, bool *wants) {
    struct kb_backup_info *info = kb_xcalloc(1, sizeof *info);
    struct kb_backup_options options = kb_backup_options_of(cli, false);
    struct kb_backup *backup = NULL;
    struct kb_result res = kb_backup_open(path, &backup);
    if (!kb_failed(&res)) res = kb_backup_inspect(backup, &options, info);
    *wants = !kb_failed(&res) && info->encrypted != KB_NO && info->health != KB_HEALTH_HOSTILE;
    kb_backup_free(backup);
    free(info);
    return res;
}

struct kb_result kb_pair_request(struct kb_cli *cli, enum kb_task task, struct kb_request *request) {
    struct kb_attached attached;
    struct kb_journal *journal = NULL;
    char *path = NULL;
    bool wants = false;
    struct kb_result res = kb_backup_resolve(cli->store, cli->options.operands[0], &path);
    if (!kb_failed(&res)) res = kb_resolve_attached(cli, cli->options.operands[1], &attached);
    if (kb_failed(&res)) goto out;
    res = kb_cli_journal(cli, attached.udid, &journal);
    kb_journal_close(journal);
    if (!kb_failed(&res)) res = wants_password(cli, path, &wants);
    if (kb_failed(&res)) goto out;
    kb_request_device(cli, request, task, &attached, path);
    if (wants && cli->options.route == KB_ROUTE_USB)
        res = kb_password_get(cli, KB_PASSWORD_ASK, _("the backup"), &request->password);
out:
    free(path);
    return res;
}

int kb_cmd_restore(struct kb_cli *cli) {
    struct kb_request request;
    memset(&request, 0, sizeof request);
    enum kb_task task = cli->options.dry_run ? KB_TASK_CHECK : KB_TASK_RESTORE;
    struct kb_result res = kb_pair_request(cli, task, &request);
    if (!kb_failed(&res) && cli->options.identity) res = kb_identity_password(cli, &request.identity_password);
    char outcome[32] = "";
    int code;
    if (kb_failed(&res))
        code = kb_say_result(cli, &res);
    else
        code = cli->options.dry_run ? kb_judge_pair(cli, &request) : kb_run_told(cli, &request, outcome);
    if (code == 7 && !strcmp(outcome, "restored"))
        kb_say(cli, _("Next: kitbench steps %s, and follow it on the device."), request.udid ? request.udid : "");
    kb_request_release(&request);
    return code;
}
