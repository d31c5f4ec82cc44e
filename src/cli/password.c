/* Where a password comes from: file, environment, terminal. Never an argument, never further than a kb_secret. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct kb_result ask(const char *what, bool twice, struct kb_secret **out) {
    struct kb_secret *first = NULL, *second = NULL;
    char *prompt = kb_xasprintf(_("Password of %s: "), what);
    struct kb_result res = kb_tty_password(prompt, &first);
    free(prompt);
    if (kb_failed(&res) || !twice) goto out;
    res = kb_tty_password(_("The same password again: "), &second);
    if (kb_failed(&res)) goto out;
    if (first->size != second->size || memcmp(first->data, second->data, first->size))
        res = kb_fail(KB_PASSWORD, KB_PASSWORD_WRONG,
                      _("The two passwords are not the same. Nothing was done; start again"));
out:
    kb_secret_free(second);
    if (kb_failed(&res)) {
        kb_secret_free(first);
        return res;
    }
    *out = first;
    return res;
}

/* Asking makes sense only where a person sits: never behind a pipe. */
static bool can_ask(void) { return kb_tty_is(0) && kb_tty_is(2); }

struct kb_result kb_password_get(const struct kb_cli *cli, enum kb_password_need need, const char *what,
                                 struct kb_secret **out) {
    *out = NULL;
    if (cli->options.password_file) {
        struct kb_result res = kb_secret_from_file(cli->options.password_file, out);
        if (kb_failed(&res) && !strstr(res.text, cli->options.password_file))
            res = kb_while(res, "%s", cli->options.password_file);
        return res;
    }
    if (cli->environment_password) {
        *out = kb_secret_new(cli->environment_password->data, cli->environment_password->size);
        return kb_ok();
    }
    if (need == KB_PASSWORD_IF_GIVEN || !can_ask()) return kb_ok();
    struct kb_result res = ask(what, need == KB_PASSWORD_ASK_TWICE, out);
    if (kb_is(&res, KB_PASSWORD, KB_PASSWORD_MISSING)) return kb_ok(); /* nothing typed: who needs one says so */
    return res;
}
