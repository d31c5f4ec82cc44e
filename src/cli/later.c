/* Sub-commands of the contract that this version does not have yet, said in a sentence. */
#include "cli.h"

int kb_cmd_later(struct kb_cli *cli) {
    struct kb_result res =
        kb_fail(KB_USAGE, 0, _("kitbench %s comes with a later version. See: kitbench --help"), cli->command->name);
    return kb_say_result(cli, &res);
}
