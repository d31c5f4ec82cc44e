/*
 * What is on a simulated device: files with domains and paths as of a real one, made from a seed and never stored, or
 * kept from a restore. Shared by backup2, restore and the control socket.
 *
 * Scenario, per device: "content": {"seed", "files", "profile": "small|mix|large", "bytes", "dpic", "iter"}, and
 * switches beside it: "cache" (stored form of all files is prepared at start and kept in memory), "restore_check"
 * ("full|digests|none"), "manifest_first", "policy_forbids_backup", "policy_forbids_restore", "upload_errors" (so many
 * files end with code 0x0B in the first round), "late_loss" ("restored|half": what a link lost in the last 3 % means),
 * "ui_ready_ms", "reboot_after_ms", "devicelink_major", "backup_needs_extra" (bytes of host space wanted beyond the
 * truth).
 */
#ifndef SIM_CONTENT_H
#define SIM_CONTENT_H

#include "mbcrypt.h"
#include "sim.h"

#include <stdatomic.h>
#include <stdio.h>

#define SIM_PROFILES_DOMAIN "SysSharedContainerDomain-systemgroup.com.apple.configurationprofiles"
#define SIM_CLOUD_PATH      "Library/ConfigurationProfiles/CloudConfigurationDetails.plist"
#define SIM_MDM_PATH        "Library/ConfigurationProfiles/MDM.plist"

/* Bytes shared by several copies of a file's record. */
struct sim_blob {
    atomic_int refs;
    size_t size;
    uint8_t data[];
};
struct sim_blob *sim_blob_new(const void *data, size_t size); /* data NULL: to be filled */
struct sim_blob *sim_blob_ref(struct sim_blob *blob);
void sim_blob_put(struct sim_blob *blob);

enum sim_source {
    SIM_GENERATED, /* from seed; the first 16 bytes name the seed, so that a restored file finds itself again */
    SIM_IN_MEMORY,
    SIM_ON_DISK /* DIR/<id> of struct sim_content */
};
enum { SIM_REGULAR = 1, SIM_DIRECTORY = 2, SIM_SYMLINK = 4 }; /* the manifest's flags */

/* One row of the device's file system. Strings live as long as the content. */
struct sim_file {
    const char *domain, *path, *target;
    uint8_t id[20];
    uint8_t flags, class;
    enum sim_source source;
    bool managed; /* follows the device's state: configuration profiles, the agent's own record */
    bool plain_known, cipher_known;
    uint8_t plain_digest[20], cipher_digest[20]; /* SHA-1 as stored */
    uint32_t version;                            /* counts changes */
    uint32_t mtime;
    uint64_t seed, inode;
    int64_t size;
    struct sim_blob *bytes;  /* SIM_IN_MEMORY */
    struct sim_blob *cipher; /* cached stored form of an encrypted backup, or NULL */
    char *disk;              /* SIM_ON_DISK: owned by the content */
};

struct sim_upload { /* a file that an interrupted run has put into Snapshot/ */
    uint8_t id[20];
    uint32_t version;
};

struct sim_content {
    pthread_mutex_t lock; /* guards all but what never changes; taken after the device's own is released */
    struct sim_file *files;
    size_t count, room;
    char **strings; /* all that the files point to */
    size_t string_count, string_room;
    unsigned generation;   /* of sim_content_change */
    unsigned epoch;        /* of the class keys; a new one when encryption is switched on */
    bool password_changed; /* since the last finished backup: the next is full */
    uint32_t dpic, iter;
    struct mb_keybag keybag;
    char keybag_password[256];
    bool keybag_made;
    struct sim_upload *uploads;
    size_t upload_count, upload_room;
    bool half_restored;
    bool staged;       /* a restore without reboot: its files wait in /var/.backup.i */
    unsigned restores; /* numbers the folders of kept files */
    json_t *last;      /* what the last job was told and did, for the control socket */
    bool busy;         /* one job at a time */
};

/* Changes n files that can change (their next generation); returns how many did. */
int sim_content_change(struct sim_device *dev, int n);
/* Nothing of a person is left: EraseDevice, a wipe by hand. */
void sim_content_erase(struct sim_device *dev);
/* {"generation","files","bytes","half_restored","last_job":{...}} for `state`. */
json_t *sim_content_state(struct sim_device *dev);

/* content_data.c: bytes of one file. */
void sim_generate(uint64_t seed, int64_t offset, uint8_t *out, size_t size); /* offset a multiple of 8 */
/* The seed named by the first 16 bytes, false when they are not of a generated file. */
bool sim_generated_by(const uint8_t first[16], uint64_t *seed);
struct sim_reader {
    const struct sim_file *file;
    int64_t at;
    FILE *disk;
};
void sim_reader_open(struct sim_reader *reader, const struct sim_file *file);
size_t sim_reader_next(struct sim_reader *reader, uint8_t *out, size_t size); /* 0: end */
void sim_reader_close(struct sim_reader *reader);
bool sim_file_sha256(const struct sim_file *file, char hex[65]);
/* All bytes of a file of at most 1 MiB, NULL when larger or unreadable. */
struct sim_blob *sim_file_bytes(const struct sim_file *file);

/* content.c: the records, sorted by id. The caller holds content->lock. */
struct sim_file *sim_content_find(struct sim_content *content, const uint8_t id[20]);
struct sim_file *sim_content_at(struct sim_content *content, const char *domain, const char *path);
/* Adds a record (its id is computed, strings are copied); replaces the one of the same id. */
struct sim_file *sim_content_put(struct sim_content *content, const struct sim_file *file);
void sim_content_sort(struct sim_content *content);
void sim_content_add(struct sim_content *content, const struct sim_file *file); /* append; sort before any find */
void sim_content_clear(struct sim_content *content);
void sim_file_id(const char *domain, const char *path, uint8_t id[20]);
void sim_id_hex(const uint8_t id[20], char hex[41]);
bool sim_has_digest(const char *domain); /* the rule of backup-format.md 3.4 */
uint64_t sim_mix(uint64_t value);
/* A private copy of all records, in the order in which a device uploads: by domain and path. Free with the next. */
struct sim_file *sim_content_copy(struct sim_content *content, size_t *count);
void sim_content_copy_free(struct sim_file *files, size_t count);

/* content_make.c: what a new device holds. content_managed.c: what follows its state. */
void sim_content_fill(struct sim_content *content, json_t *spec, const char *udid);
void sim_content_refresh(struct sim_device *dev); /* takes both locks, one after the other */
struct sim_truth {                                /* what a backup says of its device */
    bool supervised, mdm;
    struct sim_agent agent;
};
void sim_content_truth(struct sim_content *content, const char *agent_bundle, struct sim_truth *truth);
/* The key of a file in this device's encrypted backups. */
void sim_file_key(const char *udid, const struct sim_file *file, uint8_t key[MB_KEY]);
#endif
