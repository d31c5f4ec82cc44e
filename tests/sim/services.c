/* The services that lockdown starts, and what each needs. */
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
