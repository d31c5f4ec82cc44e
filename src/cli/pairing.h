/* BACKUP and DEVICE together: what check and restore have in common. */
#ifndef KB_CLI_PAIRING_H
#define KB_CLI_PAIRING_H

#include "resolve.h"

/* Finds both, and asks for the password when the backup needs one (NULL when there is none to be had: the check says
 * so). Release the request whatever comes back. */
KB_MUST_CHECK struct kb_result kb_pair_request(struct kb_cli *cli, enum kb_task task, struct kb_request *request);
/* Runs a check and shows it; the exit code. */
int kb_judge_pair(struct kb_cli *cli, const struct kb_request *request);
#endif
