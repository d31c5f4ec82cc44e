/* The job sheet as its two sub-commands need it: check --jobs and tray. */
#ifndef KB_CLI_SHEET_H
#define KB_CLI_SHEET_H

#include "cli.h"

/* Says all mistakes of the sheet with their places, then why nothing was done (a KB_USAGE result); the exit code. */
int kb_sheet_tell(const struct kb_cli *cli, const char *path, struct kb_sheet *sheet, const struct kb_result *why);
/* The folder that a line's source means; as kb_backup_resolve(), and quick for a thousand lines. */
KB_MUST_CHECK struct kb_result kb_sheet_backup(const struct kb_cli *cli, const char *word, char **path);
#endif
