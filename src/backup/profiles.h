/* Private to the backup room: supervision and management of the backup's device (backup-format.md 5). */
#ifndef KB_BACKUP_PROFILES_H
#define KB_BACKUP_PROFILES_H

#include "database.h"

enum kb_management {
    KB_MANAGEMENT_UNKNOWN,
    KB_MANAGEMENT_NONE,
    KB_MANAGEMENT_PROFILES,       /* profiles, but no MDM */
    KB_MANAGEMENT_MDM,            /* enrolled, not supervised */
    KB_MANAGEMENT_SUPERVISED,     /* supervised without MDM: Configurator */
    KB_MANAGEMENT_SUPERVISED_MDM, /* both */
    KB_MANAGEMENT_CONTRADICTORY   /* typical of a backup that was edited by hand */
};
struct kb_profiles {
    enum kb_management management;
    enum kb_tri supervised, mdm;
    bool automated; /* ADE rather than Configurator */
    char text[240]; /* what contradicts what; "" nothing */
};
/*
 * Reads the container of configuration profiles through db, decrypting its files. mdm_identifier: the enrolment
 * profile's PayloadIdentifier, NULL for design.md section 2's rule without one. Never fails: what cannot be read stays
 * unknown.
 */
void kb_profiles_read(struct kb_backup *backup, struct kb_db *db, const char *mdm_identifier, struct kb_profiles *out);
#endif
