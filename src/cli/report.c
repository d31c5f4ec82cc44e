#include "cli.h"
int kb_cmd_report(struct kb_cli *cli) {
    (void)cli;
    return 1;
}
