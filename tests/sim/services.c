/* The services that lockdown starts, what each needs, and what stands in for parts that are not linked. */
#include "parts.h"

#include <string.h>

const struct sim_service sim_lockdown_service = {"lockdown", sim_serve_lockdown, 0};

static const struct sim_service services[] = {
    {"com.apple.mobile.notification_proxy", sim_serve_np, NEEDS_SESSION},
    {"com.apple.mobile.insecure_notification_proxy", sim_serve_np_insecure, WITHOUT_SESSION},
    {"com.apple.afc", sim_serve_afc, NEEDS_SESSION | NEEDS_UNLOCKED_ONCE},
    {"com.apple.mobilebackup2", sim_serve_backup2,
     NEEDS_SESSION | NEEDS_ACTIVATED | NEEDS_UNLOCKED_ONCE | ONE_AT_A_TIME},
    {"com.apple.mobile.installation_proxy", sim_serve_instproxy, NEEDS_SESSION},
    {"com.apple.springboardservices", sim_serve_springboard, NEEDS_SESSION},
    {"com.apple.mobile.MCInstall", sim_serve_mcinstall, NEEDS_SESSION},
    {"com.apple.mobile.diagnostics_relay", sim_serve_diagnostics, NEEDS_SESSION | NEEDS_UNLOCKED_ONCE},
    {"com.apple.mobileactivationd", sim_serve_activation, NEEDS_SESSION},
    {"com.apple.mobile.heartbeat", sim_serve_heartbeat, NEEDS_SESSION},
    {"com.apple.misagent", sim_serve_misagent, NEEDS_SESSION},
};

const struct sim_service *sim_service_find(const char *name) {
    for (size_t i = 0; i < sizeof services / sizeof *services; i++)
        if (strcmp(services[i].name, name) == 0) return &services[i];
    return NULL;
}

/* Stand-ins, so that the bench links without mobilebackup2 and the devices' contents. */
__attribute__((weak)) void sim_serve_backup2(struct sim_stream *stream) { (void)stream; }
__attribute__((weak)) void sim_content_make(struct sim_device *dev) { (void)dev; }
__attribute__((weak)) void sim_content_free(struct sim_device *dev) { (void)dev; }
__attribute__((weak)) json_t *sim_content_list(struct sim_device *dev) {
    (void)dev;
    return json_pack("{s:[]}", "files");
}
__attribute__((weak)) int sim_content_change(struct sim_device *dev, int n) { return (void)dev, (void)n, 0; }
__attribute__((weak)) json_t *sim_content_state(struct sim_device *dev) { return (void)dev, json_null(); }
