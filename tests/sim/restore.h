/* What the files of a restore share. Private to restore*.c. */
#ifndef SIM_RESTORE_H
#define SIM_RESTORE_H

#include "backup2_host.h"

enum restore_check { CHECK_FULL, CHECK_DIGESTS, CHECK_NONE };

struct restore {
    struct link *link;
    struct sim_device *dev;
    struct sim_content *content;
    plist_t request;           /* as it came */
    const char *udid, *source; /* this device; the folder on the host */
    const char *password;      /* NULL: none came */
    bool reboot, system_files, preserve, remove_others, dont_copy;
    plist_t manifest;
    bool encrypted;
    struct mb_keybag bag;
    struct rows rows;
    struct sim_content fresh; /* what has come; folded into the device's content at the end */
    char folder[600];         /* for files that do not fit into memory */
    enum restore_check check;
    bool begun, late;
    int64_t bytes, done, files, missing, bad_digest, bad_padding, bad_size, no_digest;
    enum sim_phase phase_before;
};

/* restore_read.c: steps 3 to 5 of protocol.md 3.7. */
bool restore_read(struct restore *restore);
bool restore_copy_folder(struct restore *restore);
/* restore_files.c: step 7. */
bool restore_wants(const struct restore *restore, const struct row *row);
bool restore_files(struct restore *restore);
#endif
