/*
 * phonesim, the simulated bench: usbmuxd and any number of devices on one socket (facts: protocol.md,
 * backup-format.md). One thread a connection; a device's state stands under its lock. This header is what the parts of
 * phonesim share.
 */
#ifndef PHONESIM_H
#define PHONESIM_H

#include <jansson.h>
#include <plist/plist.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;

/* Life cycle (protocol.md 10.1). */
enum sim_phase {
    SIM_NORMAL,      /* set up; locked or not is a flag */
    SIM_BFU,         /* rebooted, never unlocked */
    SIM_ASSISTANT,   /* Setup Assistant */
    SIM_RESTORING,   /* the screen shows "Restore in Progress" */
    SIM_REBOOTING,   /* detached */
    SIM_RESTORE_MODE /* QueryType com.apple.mobile.restored */
};

/* How much of the agent is there, and whom it reports for. */
struct sim_agent {
    char bundle_id[128];
    bool installed, authenticated;
    char reports_as[48]; /* UDID whose location it updates; another device's until re-authentication (the manual's
                            warning) */
};

/* One scripted fault: at the k-th DeviceLink message of kind `at`, or after `bytes` of a service's stream, do `action`.
 * Used up when it fired. */
enum sim_fault_action {
    SIM_FAULT_UNPLUG,
    SIM_FAULT_SILENCE,
    SIM_FAULT_DROP_TLS,
    SIM_FAULT_GARBAGE,
    SIM_FAULT_ERROR,
    SIM_FAULT_HOSTILE_NAME,
    SIM_FAULT_HOSTILE_SIZE,
    SIM_FAULT_PLIST_BOMB,
    SIM_FAULT_SLOW
};
struct sim_fault {
    enum sim_fault_action action;
    char service[64];    /* "com.apple.mobilebackup2", "lockdown", "" = any */
    char message[48];    /* "DLMessageUploadFiles", "GetValue", "" = any */
    int64_t at_message;  /* 1 = the first that fits; 0: by bytes */
    int64_t after_bytes; /* device to host, of that service */
    int64_t value;       /* ERROR: MBErrorDomain code; SILENCE: seconds (0 for ever); SLOW: bytes/s; HOSTILE_*: which */
    char text[256];      /* HOSTILE_NAME: the name; ERROR: description */
    int64_t replug_ms;   /* UNPLUG: plugged in again after so long; 0: stays out */
    int64_t seen_messages; /* how many that fit have passed */
    bool used;
};
#define SIM_MAX_FAULTS 16

struct sim_content; /* backup2's own: the files of a device */

struct sim_device {
    struct sim *sim;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* any change of state, for waits with a deadline */

    /* Who it is: set by the scenario, never changes. */
    char udid[48], serial[16], imei[20], product_type[32], model_number[16], hardware[16], device_class[16];
    int64_t ecid, location, product_id;
    char wifi_mac[20];
    json_t *scenario; /* the device's object of the scenario file, for further switches */

    /* What it is now. */
    enum sim_phase phase;
    bool plugged;
    uint32_t mux_id; /* new at each attach */
    char name[128], os[32], build[32];
    bool locked, passcode_set, activated, setup_done, at_restore_pane;
    char passcode[16];
    bool find_my, supervised;
    plist_t cloud_configuration; /* dictionary or NULL */
    plist_t profiles;            /* GetProfileList's ProfileMetadata: dictionary identifier -> metadata */
    plist_t ade_profile;         /* the enrolment profile that Remote Management would install; NULL: none assigned */
    bool mdm_enrolled;
    struct sim_agent agent;
    bool will_encrypt, requires_encryption;
    char backup_password[256]; /* "" = none; the device knows it as a real one does (it re-keys with it) */
    int64_t free_bytes, capacity_bytes;
    int battery_pct;
    bool icloud_restore_running;
    char restore_state[64]; /* com.apple.purplebuddy RestoreState */
    char restored_from[48]; /* UDID of the backup */
    struct sim_content *content;

    /* The operator's hand and what waits for it. */
    bool trust_asked, passcode_asked;
    int trust_answer;    /* 0 none yet, 1 trust, -1 don't */
    int passcode_answer; /* 0 none yet, 1 entered, -1 cancelled */

    struct sim_fault faults[SIM_MAX_FAULTS];
    int fault_count;
    json_t *seen;               /* array of requests seen, bounded; each {"service","request",...} */
    int64_t doubled;            /* a second transfer was wanted while the first one's program still held its own */
    int64_t refused, malformed; /* requests that a strict device refuses as wrong, not as "not now" */
    char last_bad[160];         /* the latest of them, for the state */
    struct sim_own *own;        /* parts.h: what only the bench's own files use */
};

/* A byte stream to the host after Connect: clear or TLS; counts bytes for faults; ends when the device is unplugged. */
struct sim_stream;
bool sim_read(struct sim_stream *stream, void *data, size_t size); /* all of it; false: closed */
bool sim_write(struct sim_stream *stream, const void *data, size_t size);
bool sim_flush(struct sim_stream *stream); /* writes are gathered (at most 256 KiB) until here or until a read */
/* 4-byte big-endian length + plist. NULL: closed or malformed (malformed is counted). binary: bplist00 instead of XML.
 */
plist_t sim_parse_plist(const char *data, uint32_t size); /* XML or binary; NULL for neither */
plist_t sim_read_plist(struct sim_stream *stream);
bool sim_write_plist(struct sim_stream *stream, plist_t plist, bool binary);
struct sim_device *sim_stream_device(struct sim_stream *stream);
/* Waits for a change of the device under its lock, at most ms; false: the stream's device is unplugged or phonesim
 * ends. */
bool sim_wait_changed(struct sim_stream *stream, int64_t ms);

/* To be called with each message that is about to be sent (or has come, outgoing false): does a fault that fits and
 * says what happened. */
enum sim_fault_effect {
    SIM_GO_ON,
    SIM_STOP /* link ended */,
    SIM_REPLACED /* the message was answered by the fault */
};
enum sim_fault_effect sim_fault_point(struct sim_stream *stream, const char *service, const char *message,
                                      bool outgoing, struct sim_fault **fired);

/* What every part may do. */
#define SIM_STAMP 20
void sim_stamp(char out[SIM_STAMP]);     /* the local time as a device puts it behind the name of a folder */
uint32_t sim_big_endian(uint32_t value); /* to the order of bytes on the wire, or back from it */
void sim_saw(struct sim_device *dev, const char *service, const char *format, ...); /* adds to seen */
/* The device's lock must NOT be held for the next three. */
void sim_bad(struct sim_device *dev, const char *service, const char *why);    /* counts as malformed and logs */
void sim_refuse(struct sim_device *dev, const char *service, const char *why); /* counts as refused and logs */
void sim_notify(struct sim_device *dev, const char *notification);             /* posts to all NP observers */
/* Asks the passcode on the screen when one is set (ui.presented / ui.dismissed by the scenario's switch); 0 entered or
 * none set, 208 not. */
int sim_ask_passcode(struct sim_stream *stream);
/* Detaches, waits the scenario's time, comes back in phase with a new DeviceID. */
void sim_reboot(struct sim_device *dev, enum sim_phase phase);
bool sim_switch(struct sim_device *dev, const char *name,
                bool otherwise); /* a boolean of the scenario's device object */
int64_t sim_number(struct sim_device *dev, const char *name, int64_t otherwise);
const char *sim_word(struct sim_device *dev, const char *name, const char *otherwise);
const char *sim_state_dir(struct sim *sim); /* a folder for what does not fit into memory */

/* Services: each serves one connection until it ends. */
void sim_serve_backup2(struct sim_stream *stream);
/* Content: made from the scenario's "content" object when the device is made; freed with it. Control socket: what
 * backup2 knows of a device. */
void sim_content_make(struct sim_device *dev);
void sim_content_free(struct sim_device *dev);
/* {"files":[{"domain","path","size","sha256"}...]} of the plain content, for comparing devices. */
json_t *sim_content_list(struct sim_device *dev);
/* A restore was taken: what the device becomes by the manual's table (supervision, MDM, agent), before it reboots.
 * source: the UDID in the backup. */
void sim_apply_restore(struct sim_device *dev, const char *source_udid, bool source_supervised, bool source_mdm,
                       const struct sim_agent *source_agent);
#endif
