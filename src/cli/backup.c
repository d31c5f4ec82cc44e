/* kitbench backup: an encrypted, sealed backup into the store. */
#include "resolve.h"

#include <stdlib.h>
#include <string.h>

/* A password that is typed for the first time is typed twice: a typing mistake would lock the backup for ever. */
static struct kb_result get_password(const struct kb_cli *cli, const char *udid, struct kb_secret **out) {
    char *path = NULL;
    struct kb_result res = kb_backup_resolve(cli->store, udid, &path);
    enum kb_password_need need = kb_failed(&res) ? KB_PASSWORD_ASK_TWICE : KB_PASSWORD_ASK;
    free(path);
    res = kb_password_get(cli, need, _("the backup"), out);
    if (kb_failed(&res) || *out) return res;
    return kb_fail(KB_PASSWORD, KB_PASSWORD_MISSING,
                   _("Backups are encrypted and need a password. Give it with --password-file FILE or in "
                     "KITBENCH_BACKUP_PASSWORD"));
}

static struct kb_result prepare(struct kb_cli *cli, struct kb_request *request) {
    struct kb_attached attached;
    struct kb_journal *journal = NULL;
    struct kb_dir *store = NULL;
    struct kb_result res = kb_resolve_attached(cli, cli->options.operands[0], &attached);
    if (kb_failed(&res)) return res;
    res = kb_cli_journal(cli, attached.udid, &journal);
    kb_journal_close(journal);
    if (kb_failed(&res)) return res;
    res = kb_dir_open(cli->store, true, &store);
    kb_dir_close(store);
    if (kb_failed(&res)) return kb_while(res, _("The store cannot be used"));
    free(cli->store);
    cli->store = NULL;
    res = kb_path_real(kb_setting(&cli->settings, KB_SET_STORE), &cli->store); /* now that it is there */
    if (kb_failed(&res)) return res;
    kb_request_device(cli, request, KB_TASK_BACKUP, &attached, NULL);
    if (cli->options.identity) res = kb_identity_password(cli, &request->identity_password);
    if (kb_failed(&res)) return res;
    return get_password(cli, attached.udid, &request->password);
}

int kb_cmd_backup(struct kb_cli *cli) {
    struct kb_request request;
    memset(&request, 0, sizeof request);
    struct kb_result res = prepare(cli, &request);
    int code = kb_failed(&res) ? kb_say_result(cli, &res) : kb_run_told(cli, &request, NULL);
    kb_request_release(&request);
    return code;
}
