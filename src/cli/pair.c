/* kitbench pair: trust between this computer and a device; with a supervision identity without a tap. */
#include "resolve.h"

#include <stdlib.h>
#include <string.h>

static struct kb_result try_identity(const struct kb_buf *p12, const struct kb_secret *secret) {
    struct kb_identity *identity = NULL;
    struct kb_result res = kb_identity_load(p12->data, p12->size, secret ? (const char *)secret->data : "", &identity);
    kb_identity_free(identity);
    return res;
}

/*
 * The identity is opened here once, so that a wrong password is said before the device is touched. Its password: the
 * password file, none, the one in the environment, the terminal; the first that opens it.
 */
struct kb_result kb_identity_password(const struct kb_cli *cli, struct kb_secret **out) {
    struct kb_buf p12 = {0};
    struct kb_result res = kb_file_load(cli->options.identity, 1 << 20, &p12);
    if (kb_failed(&res)) goto out;
    if (cli->options.password_file && cli->command->id == KB_CMD_PAIR) {
        res = kb_password_get(cli, KB_PASSWORD_IF_GIVEN, "", out);
        if (!kb_failed(&res)) res = try_identity(&p12, *out);
        goto out;
    }
    res = try_identity(&p12, NULL);
    if (res.domain != KB_PASSWORD) goto out;
    if (cli->environment_password) {
        *out = kb_secret_new(cli->environment_password->data, cli->environment_password->size);
        res = try_identity(&p12, *out);
        if (res.domain != KB_PASSWORD) goto out;
        kb_secret_free(*out);
        *out = NULL;
    }
    if (!kb_tty_is(0) || !kb_tty_is(2)) goto out;
    char *prompt = kb_xasprintf(_("Password of %s: "), cli->options.identity);
    res = kb_tty_password(prompt, out);
    free(prompt);
    if (!kb_failed(&res)) res = try_identity(&p12, *out);
out:
    kb_buf_release(&p12);
    if (kb_failed(&res)) {
        kb_secret_free(*out);
        *out = NULL;
        if (!strstr(res.text, cli->options.identity)) res = kb_while(res, "%s", cli->options.identity);
    }
    return res;
}

int kb_cmd_pair(struct kb_cli *cli) {
    struct kb_attached attached;
    struct kb_request request;
    memset(&request, 0, sizeof request);
    struct kb_result res = kb_resolve_attached(cli, cli->options.operands[0], &attached);
    if (kb_failed(&res)) return kb_say_result(cli, &res);
    kb_request_device(cli, &request, KB_TASK_PAIR, &attached, NULL);
    if (cli->options.identity) res = kb_identity_password(cli, &request.identity_password);
    if (kb_failed(&res)) {
        kb_request_release(&request);
        return kb_say_result(cli, &res);
    }
    int code = kb_run_told(cli, &request, NULL);
    kb_request_release(&request);
    return code;
}
