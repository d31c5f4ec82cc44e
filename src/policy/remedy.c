/* One table: (domain, code) -> exit code of the contract, and what kitbench does about it by itself. */
#include "kitbench/policy.h"

#include <string.h>

#define ANY INT32_MIN

enum {
    EXIT_UNEXPECTED = 1,
    EXIT_USAGE,
    EXIT_REFUSED,
    EXIT_PASSWORD,
    EXIT_DEVICE,
    EXIT_BACKUP,
    EXIT_OPERATOR,
    EXIT_HOST
};
enum { EXIT_DONE = 0, EXIT_CANCELLED = 130 };
enum { SQLITE_BUSY_LOW = 5, SQLITE_LOCKED_LOW = 6 };

/* The first row that fits counts. */
static const struct remedy {
    enum kb_domain domain;
    int code;
    int exit;
    enum kb_remedy remedy;
} remedies[] = {
    {KB_OK, ANY, EXIT_DONE, KB_REMEDY_NONE},
    {KB_USAGE, ANY, EXIT_USAGE, KB_REMEDY_GIVE_UP},

    {KB_POLICY, KB_RULE_BACKUP_PASSWORD, EXIT_PASSWORD, KB_REMEDY_ASK},
    {KB_POLICY, KB_RULE_BACKUP_UNFINISHED, EXIT_BACKUP, KB_REMEDY_GIVE_UP},
    {KB_POLICY, KB_RULE_BACKUP_DAMAGED, EXIT_BACKUP, KB_REMEDY_GIVE_UP},
    {KB_POLICY, KB_RULE_BACKUP_HOSTILE, EXIT_BACKUP, KB_REMEDY_GIVE_UP},
    {KB_POLICY, KB_RULE_OS_VERSION, EXIT_REFUSED, KB_REMEDY_ASK},
    {KB_POLICY, KB_RULE_FIND_MY, EXIT_REFUSED, KB_REMEDY_ASK},
    {KB_POLICY, ANY, EXIT_REFUSED, KB_REMEDY_GIVE_UP},

    {KB_OPERATOR, ANY, EXIT_OPERATOR, KB_REMEDY_ASK},
    {KB_PASSWORD, ANY, EXIT_PASSWORD, KB_REMEDY_ASK},

    {KB_USBMUX, KB_USBMUX_NO_DAEMON, EXIT_HOST, KB_REMEDY_ASK},
    {KB_USBMUX, KB_USBMUX_AMBIGUOUS, EXIT_USAGE, KB_REMEDY_GIVE_UP},
    {KB_USBMUX, KB_USBMUX_NO_DEVICE, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_USBMUX, ANY, EXIT_DEVICE, KB_REMEDY_RETRY},

    {KB_LOCKDOWN, -2, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_LOCKDOWN, -4, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_LOCKDOWN, -12, EXIT_DEVICE, KB_REMEDY_ASK}, /* MissingValue: not unlocked since boot */
    {KB_LOCKDOWN, -17, EXIT_DEVICE, KB_REMEDY_ASK}, /* PasswordProtected */
    {KB_LOCKDOWN, -18, EXIT_DEVICE, KB_REMEDY_ASK}, /* UserDeniedPairing */
    {KB_LOCKDOWN, -19, EXIT_DEVICE, KB_REMEDY_ASK}, /* PairingDialogResponsePending */
    {KB_LOCKDOWN, -20, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_LOCKDOWN, -21, EXIT_DEVICE, KB_REMEDY_ASK}, /* InvalidHostID: pair again */
    {KB_LOCKDOWN, -27, EXIT_DEVICE, KB_REMEDY_ASK}, /* InvalidService: not activated or not trusted */
    {KB_LOCKDOWN, -29, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_LOCKDOWN, -31, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_LOCKDOWN, -32, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_LOCKDOWN, -33, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_LOCKDOWN, -35, EXIT_DEVICE, KB_REMEDY_ASK},     /* EscrowLocked */
    {KB_LOCKDOWN, -36, EXIT_DEVICE, KB_REMEDY_GIVE_UP}, /* pairing prohibited over this connection */
    {KB_LOCKDOWN, -37, EXIT_DEVICE, KB_REMEDY_ASK},     /* FMiPProtected */
    {KB_LOCKDOWN, -38, EXIT_DEVICE, KB_REMEDY_GIVE_UP}, /* MCProtected */
    {KB_LOCKDOWN, -39, EXIT_DEVICE, KB_REMEDY_GIVE_UP}, /* MCChallengeRequired */
    {KB_LOCKDOWN, -1, EXIT_DEVICE, KB_REMEDY_GIVE_UP},
    {KB_LOCKDOWN, KB_DEVICE_OTHER, EXIT_DEVICE, KB_REMEDY_SET_ASIDE},
    {KB_LOCKDOWN, KB_DEVICE_RESTORE_MODE, EXIT_DEVICE, KB_REMEDY_SET_ASIDE},
    {KB_LOCKDOWN, ANY, EXIT_DEVICE, KB_REMEDY_RETRY},
    {KB_SERVICE, ANY, EXIT_DEVICE, KB_REMEDY_RETRY},

    {KB_BACKUP2, 207, EXIT_PASSWORD, KB_REMEDY_ASK},
    {KB_BACKUP2, 105, EXIT_HOST, KB_REMEDY_ASK}, /* see is_device_full */
    {KB_BACKUP2, 4, EXIT_BACKUP, KB_REMEDY_GIVE_UP},
    {KB_BACKUP2, 11, EXIT_BACKUP, KB_REMEDY_GIVE_UP},
    {KB_BACKUP2, 203, EXIT_BACKUP, KB_REMEDY_GIVE_UP},
    {KB_BACKUP2, 204, EXIT_BACKUP, KB_REMEDY_GIVE_UP},
    {KB_BACKUP2, 205, EXIT_BACKUP, KB_REMEDY_GIVE_UP},
    {KB_BACKUP2, 3, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_BACKUP2, 22, EXIT_DEVICE, KB_REMEDY_GIVE_UP},
    {KB_BACKUP2, 24, EXIT_DEVICE, KB_REMEDY_GIVE_UP},
    {KB_BACKUP2, 25, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_BACKUP2, 102, EXIT_DEVICE, KB_REMEDY_SET_ASIDE}, /* restarted first: a person must do it */
    {KB_BACKUP2, 106, EXIT_DEVICE, KB_REMEDY_GIVE_UP},
    {KB_BACKUP2, 202, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_BACKUP2, 208, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_BACKUP2, 210, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_BACKUP2, 211, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_BACKUP2, 212, EXIT_DEVICE, KB_REMEDY_ASK},
    {KB_BACKUP2, KB_LINK_PROTOCOL, EXIT_DEVICE, KB_REMEDY_SET_ASIDE},
    {KB_BACKUP2, KB_LINK_VERSION, EXIT_DEVICE, KB_REMEDY_GIVE_UP},
    {KB_BACKUP2, ANY, EXIT_DEVICE, KB_REMEDY_RETRY},

    {KB_STORE, KB_STORE_BUSY, EXIT_HOST, KB_REMEDY_RETRY},
    {KB_STORE, ANY, EXIT_BACKUP, KB_REMEDY_GIVE_UP},

    {KB_HOST, KB_HOST_NO_SPACE, EXIT_HOST, KB_REMEDY_ASK},
    {KB_HOST, KB_HOST_TIMEOUT, EXIT_HOST, KB_REMEDY_RETRY},
    {KB_HOST, KB_HOST_BUSY, EXIT_HOST, KB_REMEDY_RETRY},
    {KB_HOST, ANY, EXIT_HOST, KB_REMEDY_GIVE_UP},

    {KB_JOURNAL, SQLITE_BUSY_LOW, EXIT_HOST, KB_REMEDY_RETRY},
    {KB_JOURNAL, SQLITE_LOCKED_LOW, EXIT_HOST, KB_REMEDY_RETRY},
    {KB_JOURNAL, ANY, EXIT_HOST, KB_REMEDY_GIVE_UP},

    {KB_CANCELLED, ANY, EXIT_CANCELLED, KB_REMEDY_NONE},
    {KB_UNEXPECTED, ANY, EXIT_UNEXPECTED, KB_REMEDY_GIVE_UP},
};

/* 105 with the mark that kb_backup2_result() sets: the device's storage, not this computer's. */
static bool is_device_full(const struct kb_result *res) {
    return kb_is(res, KB_BACKUP2, 105) && strstr(res->text, "on device") != NULL;
}

static const struct remedy *find(const struct kb_result *res) {
    static const struct remedy none = {KB_UNEXPECTED, ANY, EXIT_UNEXPECTED, KB_REMEDY_GIVE_UP};
    struct kb_result wanted = *res;
    if (is_device_full(res)) wanted.code = 106;
    /* SQLite's extended codes carry the plain one in the low byte. */
    if (res->domain == KB_JOURNAL) wanted.code = res->code & 0xff;
    for (size_t i = 0; i < KB_ARRAY_SIZE(remedies); i++) {
        const struct remedy *row = &remedies[i];
        if (row->domain == wanted.domain && (row->code == ANY || row->code == wanted.code)) return row;
    }
    return &none;
}

int kb_exit_of(const struct kb_result *res) { return find(res)->exit; }

enum kb_remedy kb_remedy_of(const struct kb_result *res) { return find(res)->remedy; }
