/* kitbench: the table of its sub-commands. */
#include "cli/cli.h"

#define ROW(id, name, operands, min, max, summary, help, run)                                                          \
    { id, name, operands, min, max, summary, help, run, false }

static const struct kb_command commands[] = {
    ROW(KB_CMD_DOCTOR, "doctor", "", 0, 0, N_("is this computer ready"),
        N_("Says whether this computer is ready: usbmuxd, pairing records, store and free disk, journal, settings with "
           "their origin, library versions. Exit code 8 when something fails."),
        kb_cmd_doctor),
    ROW(KB_CMD_DEVICES, "devices", "", 0, 0, N_("attached devices and all that can be read of them"),
        N_("Shows the attached devices and all that can be read of them, and what each needs. Nothing is changed, not "
           "even a pairing is made."),
        kb_cmd_devices),
    ROW(KB_CMD_PAIR, "pair", "DEVICE", 1, 1, N_("trust between this computer and a device"),
        N_("Makes the device trust this computer. Somebody taps Trust on the device; with a supervision identity a "
           "supervised device asks nobody. The identity's password comes from --password-file, or is asked for."),
        kb_cmd_pair),
    ROW(KB_CMD_BACKUP, "backup", "DEVICE", 1, 1, N_("encrypted backup into the store"),
        N_("Backs the device up into the store: encrypted (switched on first when it is off), proved with the "
           "password, and sealed with checksums at the end. A second backup takes only what changed, and one that was "
           "interrupted goes on."),
        kb_cmd_backup),
    ROW(KB_CMD_BACKUPS, "backups", "", 0, 0, N_("backups on this computer"),
        N_("Lists the backups in the store and in the places where iTunes, Apple Devices and Finder keep theirs."),
        kb_cmd_backups),
    ROW(KB_CMD_INSPECT, "inspect", "BACKUP", 1, 1, N_("what is in a backup, and whose it is"),
        N_("Says what a backup holds: device, OS, supervised, MDM, agent, apps, size. With the password also what lies "
           "inside. Exit code 6 when the folder is hostile or cannot be read."),
        kb_cmd_inspect),
    ROW(KB_CMD_VERIFY, "verify", "BACKUP", 1, 1, N_("is a backup whole and unchanged"),
        N_("Checks a backup against itself and against its seal. Exit code 0 when whole (warnings included), 4 when "
           "the "
           "password is missing or wrong, 6 when it is interrupted, damaged, hostile or unreadable."),
        kb_cmd_verify),
    ROW(KB_CMD_CHECK, "check", "BACKUP DEVICE", 0, 2, N_("may this backup go onto this device"),
        N_("The dry run of one pair, or with --jobs of a whole sheet: every rule of the manual, before anything is "
           "written. Exit code 0 ready, 7 something is to be done by hand first, 3 refused or not known; for a sheet "
           "the worst of its lines, and 2 when the sheet itself has mistakes."),
        kb_cmd_check),
    ROW(KB_CMD_RESTORE, "restore", "BACKUP DEVICE", 2, 2, N_("check, restore, open the operator's steps"),
        N_("Checks, restores the backup onto the device, waits until the device is back, and opens the steps that the "
           "operator has to do. Ends with 7 while steps are open. With --route icloud nothing is written: only the "
           "steps are opened."),
        kb_cmd_restore),
    ROW(KB_CMD_STEPS, "steps", "[DEVICE]", 0, 1, N_("what the operator still has to do"),
        N_("Shows the open steps. Attached devices are looked at first, so that what they show ticks itself."),
        kb_cmd_steps),
    ROW(KB_CMD_CONFIRM, "confirm", "DEVICE STEP", 2, 2, N_("the operator did a step"),
        N_("Records that a person did a step, with the name. Saying it twice changes nothing."), kb_cmd_confirm),
    ROW(KB_CMD_STATUS, "status", "", 0, 0, N_("every job, from the journal"),
        N_("Shows every job of the journal, and what each device that is not finished needs next."), kb_cmd_status),
    ROW(KB_CMD_REPORT, "report", "", 0, 0, N_("who did what, when, with which evidence"),
        N_("Writes a report of the journal: who did what, when, with which evidence, and the proof that no row was "
           "changed. The file is written whole or not at all."),
        kb_cmd_report),
    ROW(KB_CMD_TRAY, "tray", "JOBS.csv", 1, 1, N_("a whole tray by its job sheet"),
        N_("Works through a job sheet: waits for each device, checks it, gives it its turn, restores, reads it again "
           "and "
           "shows what it wants of a hand, until every line has ended. Ctrl-C once finishes the restores that run and "
           "begins nothing new, twice stops at once; started again with the same sheet it goes on where it was. With "
           "--backup it makes the devices' backups instead."),
        kb_cmd_tray),
    ROW(KB_CMD_SLOTS, "slots", "learn|list|set ...", 1, KB_MAX_OPERANDS,
        N_("which USB port is which place in the tray"),
        N_("learn [NAME...] asks to plug a device into one place after the other (1, 2, 3 ... without names) and "
           "keeps which port that is. list shows the slots, who is plugged in, and how often and how fast each has "
           "worked so far. set NAME LOCATION|DEVICE|none names one port by hand, or forgets the name."),
        kb_cmd_slots),
};

int main(int argc, char **argv) {
    kb_host_start();
    return kb_cli_main(argc, kb_host_args(argc, argv), commands, KB_ARRAY_SIZE(commands));
}
