/* The list of apps that makes a device fetch them again after a restore (/iTunesRestore/RestoreApplications.plist). */
#include <stdlib.h>

#include "room.h"

struct kb_result kb_backup_applications(struct kb_backup *backup, struct kb_buf *out) {
    plist_t root = NULL, apps;
    char *xml = NULL;
    uint32_t size = 0;
    enum kb_plist_state state = kb_plist_load(backup->dir, "Info.plist", &root);

    *out = (struct kb_buf){NULL, 0, 0};
    apps = state == KB_PLIST_OK ? kb_plist_get(root, "Applications", PLIST_DICT) : NULL;
    if (apps && plist_dict_get_size(apps) > 0) {
        plist_to_xml(apps, &xml, &size);
        if (xml) kb_buf_add(out, xml, size);
        free(xml);
    }
    plist_free(root);
    return kb_ok();
}
