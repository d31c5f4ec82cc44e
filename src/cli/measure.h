/* What the journal has measured: the transfers of a job. */
#ifndef KB_CLI_MEASURE_H
#define KB_CLI_MEASURE_H

#include "cli.h"

/* One transfer, from the moment it began until the job's next state. */
struct kb_transfer {
    char slot[KB_SLOT_NAME_ROOM]; /* "" unknown */
    int64_t bytes;                /* of the backup that was restored; -1 unknown */
    int64_t seconds;              /* at least 1; -1: it has not ended */
    bool restore;
    bool whole;  /* everything was moved: bytes over seconds is a speed */
    bool failed; /* the job failed or was set aside after it */
};
/* Each transfer of one job, oldest first. */
KB_MUST_CHECK struct kb_result kb_transfers(struct kb_journal *journal, const char *job,
                                            void (*each)(void *arg, const struct kb_transfer *transfer), void *arg);
#endif
