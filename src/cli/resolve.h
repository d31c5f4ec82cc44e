/* DEVICE of the command line: UDID, serial number, IMEI, slot:NAME, or an unambiguous start of a UDID. */
#ifndef KB_CLI_RESOLVE_H
#define KB_CLI_RESOLVE_H

#include "cli.h"

struct kb_candidate {
    char udid[KB_UDID_ROOM], serial[64], imei[32], name[256];
};
enum kb_match { KB_MATCH_NONE, KB_MATCH_ONE, KB_MATCH_MANY };
/*
 * Pure. A whole UDID, serial number or IMEI comes before the start of a UDID. Case and the '-' of a UDID do not count.
 * index: the one that matched.
 */
enum kb_match kb_match_device(const struct kb_candidate *list, int count, const char *word, int *index);

/* The attached device that word means. Devices are read only when word is not (the start of) a UDID. */
KB_MUST_CHECK struct kb_result kb_resolve_attached(const struct kb_cli *cli, const char *word, struct kb_attached *out);
/* The device that word means, from the journal's devices, else from the attached ones. */
KB_MUST_CHECK struct kb_result kb_resolve_known(const struct kb_cli *cli, const struct kb_jobs *jobs, const char *word,
                                                char udid[KB_UDID_ROOM]);

/* ---- slot:NAME (places.c) */
/* The port of slot:NAME; KB_USAGE when there is no such slot. */
KB_MUST_CHECK struct kb_result kb_slot_known(const struct kb_cli *cli, const struct kb_slots *slots, const char *word,
                                             int64_t *location);
/* Which of list is plugged in there; KB_USBMUX/NO_DEVICE when the place is empty. */
KB_MUST_CHECK struct kb_result kb_slot_resolve(const struct kb_cli *cli, const char *word, struct kb_attached *list,
                                               int count, int *index);
#endif
