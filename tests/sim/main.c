/* phonesim: options, the ready line, the end; and the two small clients `ctl` and `json`. */
#define _GNU_SOURCE
#include "parts.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: phonesim --scenario FILE.json --listen ADDRESS --control ADDRESS [--state DIR] [-v] [-- COMMAND [ARG...]]\n"
    "       phonesim ctl CONTROL_ADDRESS COMMAND [ARG...]\n"
    "       phonesim json PATH < JSON            (a path such as .devices[0].trust)\n"
    "ADDRESS: UNIX:/path or 127.0.0.1:PORT (port 0: any, told in the ready line)\n"
    "COMMAND runs on the bench, told by USBMUXD_SOCKET_ADDRESS and PHONESIM, and the bench ends with its status\n";

static bool state_dir_make(struct sim *sim, const char *wanted) {
    char lockdown[600];
    sim->keep_state = wanted != NULL;
    if (wanted) sim_copy(sim->state_dir, sizeof sim->state_dir, wanted);
    if (!(wanted ? sim_folder_make(wanted) : sim_folder_temporary(sim->state_dir, sizeof sim->state_dir))) return false;
    snprintf(lockdown, sizeof lockdown, "%s/lockdown", sim->state_dir);
    return sim_folder_make(lockdown);
}

const char *sim_state_dir(struct sim *sim) { return sim->state_dir; }

static void address_print(const struct sim_address *address, char *out, size_t room) {
    if (address->path[0])
        snprintf(out, room, "UNIX:%s", address->path);
    else
        snprintf(out, room, "127.0.0.1:%d", address->port);
}

static void say_ready(const struct sim *sim, const char *mux, const char *control) {
    json_t *ready =
        json_pack("{s:b s:s s:s s:s}", "ready", 1, "listen", mux, "control", control, "state", sim->state_dir);
    char *line = json_dumps(ready, JSON_COMPACT);
    puts(line);
    fflush(stdout);
    free(line);
    json_decref(ready);
}

static int fail(const char *what, const char *why) {
    fprintf(stderr, "phonesim: %s: %s\n", what, why);
    return 1;
}

static void end(struct sim *sim, int status) {
    atomic_store(&sim->ending, true);
    for (int i = 0; i < sim->device_count; i++) sim_detach(sim->devices[i]);
    sim_mux_stop(sim);
    if (sim->control_address.path[0]) unlink(sim->control_address.path);
    sim_nap(20); /* threads that were reading see the end of their links */
    if (!sim->keep_state) sim_folder_remove(sim->state_dir);
    fflush(NULL);
    _exit(status); /* connections' threads may still hold the devices */
}

/* The bench lives as long as the command that works on it; 127: there is no such command. */
static int run_command(char **command) {
    int status = sim_run(command);
    if (status >= 0) return status;
    fail(command[0], sim_why());
    return 127;
}

static int run(struct sim *sim, const char *scenario, const char *state, char **command) {
    char why[512] = "", mux[140], control[140];
    int status = 0;
    sim_end_prepare(sim->runs);
    if (!state_dir_make(sim, state)) return fail("cannot make the state folder", sim_why());
    if (!sim_scenario_load(sim, scenario, why, sizeof why)) return fail(scenario, why);
    for (int i = 0; i < sim->device_count; i++)
        if (sim->devices[i]->plugged) sim_attach(sim->devices[i]);
    if (!sim_mux_start(sim)) return fail("cannot listen for usbmuxd's clients", sim_why());
    if (!sim_control_start(sim)) return fail("cannot open the control socket", sim_why());
    address_print(&sim->mux_address, mux, sizeof mux);
    address_print(&sim->control_address, control, sizeof control);
    if (sim->runs) {
        sim_env_set("USBMUXD_SOCKET_ADDRESS", mux);
        sim_env_set("PHONESIM", control);
        status = run_command(command);
    } else {
        say_ready(sim, mux, control);
        sim_end_wait();
    }
    end(sim, status);
    return 0;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"scenario", required_argument, NULL, 's'},
                                            {"listen", required_argument, NULL, 'l'},
                                            {"control", required_argument, NULL, 'c'},
                                            {"state", required_argument, NULL, 'd'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    static struct sim sim = {.lock = PTHREAD_MUTEX_INITIALIZER, .listen_fd = -1, .next_mux_id = 1};
    const char *scenario = NULL, *state = NULL;
    bool listen = false, control = false;
    bool asks = argc > 2 && strcmp(argv[1], "ctl") == 0, picks = argc == 3 && strcmp(argv[1], "json") == 0;
    sim_system_start();
    if (asks) return sim_ctl(argc - 2, argv + 2);
    if (picks) return sim_json_pick(argv[2]);
    for (int opt; (opt = getopt_long(argc, argv, "s:l:c:d:vh", options, NULL)) != -1;) {
        switch (opt) {
        case 's':
            scenario = optarg;
            break;
        case 'l':
            listen = sim_address_parse(optarg, &sim.mux_address);
            break;
        case 'c':
            control = sim_address_parse(optarg, &sim.control_address);
            break;
        case 'd':
            state = optarg;
            break;
        case 'v':
            sim.verbose = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    sim.runs = optind < argc && strcmp(argv[optind - 1], "--") == 0;
    if (!scenario || !listen || !control || (optind != argc && !sim.runs)) {
        fputs(usage, stderr);
        return 2;
    }
    return run(&sim, scenario, state, argv + optind);
}
