/* kitbench slots: what its files share. */
#ifndef KB_CLI_SLOTS_H
#define KB_CLI_SLOTS_H

#include "cli.h"

/* What the journal has seen of one place, over all batches. */
struct kb_slot_record {
    int tries, failures;    /* transfers begun; those after which the job failed or was set aside */
    int64_t bytes, seconds; /* of the restores that moved everything */
};
/*
 * Pure: whether this place fails clearly more often than the others together: at least twice, and twice as often as
 * they do even if their next two tries went half wrong (so that few tries accuse nobody).
 */
bool kb_slot_is_bad(const struct kb_slot_record *slot, const struct kb_slot_record *all);
/* {"event":"slot","slot","location"}; location null when the name was forgotten. */
void kb_slot_put(const struct kb_cli *cli, const char *name, int64_t location);
/* Names the port on the disk at once; other processes may do the same. before and was (either may be NULL): the slot
 * that this port was, the port that this slot was (-1). */
KB_MUST_CHECK struct kb_result kb_slot_teach(const struct kb_cli *cli, const char *name, int64_t location,
                                             char before[KB_SLOT_NAME_ROOM], int64_t *was);
int kb_slots_learn(struct kb_cli *cli);
int kb_slots_show(struct kb_cli *cli);
#endif
