/* The parts of reading a device that meet in struct kb_device. Private to the device room. */
#ifndef KB_DEVICE_READ_H
#define KB_DEVICE_READ_H

#include "kitbench/device.h"
#include "lockdown.h"
#include <plist/plist.h>

/* values.c: the default domain's dictionary (with or without a session), then the other domains. */
void kb_values_default(struct kb_device *out, plist_t values);
void kb_values_domains(struct kb_device *out, struct kb_lockdown *lockdown);
/* Whether chaperone says supervised; KB_UNKNOWN when it cannot be read. */
enum kb_tri kb_values_chaperoned(struct kb_device *out, struct kb_lockdown *lockdown);

/* managed.c: cloud configuration and profiles, from MCInstall's two replies (either may be NULL). */
void kb_managed_cloud(struct kb_device *out, plist_t reply, enum kb_tri chaperoned);
void kb_managed_profiles(struct kb_device *out, plist_t reply, const char *mdm_profile_identifier);
void kb_managed_read(struct kb_device *out, struct kb_lockdown *lockdown, const struct kb_read_options *options,
                     enum kb_tri chaperoned);
/* The agent's app, by one Lookup of installation_proxy. */
void kb_managed_agent(struct kb_device *out, struct kb_lockdown *lockdown, const char *bundle_id);
#endif
