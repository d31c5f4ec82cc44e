/* What the files of mobilebackup2's device side share: the link, the raw sub-protocol, manifests, jobs. */
#ifndef SIM_BACKUP2_H
#define SIM_BACKUP2_H

#include "content.h"

#include <stdio.h>

#define BACKUP2_SERVICE "com.apple.mobilebackup2"

/* Codes a host may answer with (protocol.md 3.4). */
enum { DL_OK = 0, DL_NOT_FOUND = -6, DL_EXISTS = -7, DL_MULTI = -13, DL_NO_SPACE = -15 };
/* MBErrorDomain (protocol.md 4). */
enum {
    MB_GENERIC = 1,
    MB_MULTIPLE = 2,
    MB_NOT_FOUND = 4,
    MB_BAD_PLIST = 11,
    MB_POLICY = 22,
    MB_ICLOUD = 25,
    MB_IO = 100,
    MB_STAGING = 102,
    MB_READ_HOST = 103,
    MB_WRITE_HOST = 104,
    MB_HOST_FULL = 105,
    MB_DEVICE_FULL = 106,
    MB_CANCELLED = 202,
    MB_VERSION = 203,
    MB_EMPTY = 204,
    MB_CORRUPT = 205,
    MB_PASSWORD = 207,
    MB_LOCKED = 208,
    MB_FIND_MY = 211,
    MB_SETUP = 212
};

struct link {
    struct sim_stream *stream;
    struct sim_device *dev;
    bool down;               /* nothing more can be sent or read */
    bool over;               /* a Response was sent */
    struct sim_fault *fired; /* a fault that the sender of the present message has to do itself */
    int64_t large_blocks;    /* raw blocks above 32 KiB */
    double progress;
    int error; /* of the job, once failed */
    char error_text[256];
};

/* backup2_link.c: messages. Names of the host's paths are relative to its root, as on the wire. */
plist_t dl_message(const char *name); /* an array with its name */
void dl_string(plist_t message, const char *text);
void dl_real(plist_t message, double value);
void dl_uint(plist_t message, uint64_t value);
void dl_empty(plist_t message); /* the empty options dictionary */
/* Sends and frees the message, doing what a fault asks. False: the link is down. */
bool link_send(struct link *link, plist_t message);
/* Reads the host's status; payload may be NULL, else the caller frees. False: down (or no status: counted). */
bool link_status(struct link *link, int64_t *code, plist_t *payload);
bool link_call(struct link *link, plist_t message, int64_t *code, plist_t *payload);
/* Notes the job's error, the first wins; always false. text gets " (MBErrorDomain/n)" when it is sent. */
bool link_fail(struct link *link, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool link_wrong(struct link *link, const char *why); /* the host broke the protocol: counted, link down; false */
void link_respond(struct link *link);                /* the Response, by error */
int dl_to_mb(int64_t code);                          /* what a device makes of a host's code */

/* backup2_raw.c: files both ways. */
struct raw_sink {
    void *ctx;
    void (*begin)(void *ctx, size_t index);
    void (*data)(void *ctx, const uint8_t *bytes, size_t size);
    void (*end)(void *ctx, size_t index, bool ok);
};
/* Asks for files; *code is the host's status. False: link down. */
bool raw_ask(struct link *link, const char *const *paths, size_t count, uint64_t bytes, const struct raw_sink *sink,
             int64_t *code);
/* One small file: NULL and *missing when the host has none (or the link is down). */
struct sim_blob *raw_ask_blob(struct link *link, const char *path, bool *missing);
bool raw_ask_file(struct link *link, const char *path, FILE *into, bool *missing);

/* The stored form of a file: as it lies in the backup. */
struct stored {
    const struct sim_file *file;
    struct sim_reader reader;
    EVP_CIPHER_CTX *cbc;
    EVP_MD_CTX *sha;
    uint8_t *room;
    size_t cached_at;
    bool encrypted, ended;
};
void stored_open(struct stored *stored, const struct sim_file *file, const char *udid, bool encrypted);
size_t stored_next(struct stored *stored, const uint8_t **bytes); /* 0: end */
void stored_close(struct stored *stored, uint8_t digest[20]);     /* digest when the file's domain has them */
int64_t stored_size(int64_t size, bool encrypted);

bool raw_start(struct link *link, uint64_t bytes); /* UploadFiles */
bool raw_names(struct link *link, const char *device_path, const char *host_path);
bool raw_block(struct link *link, const uint8_t *bytes, size_t size); /* cuts into frames of 32 KiB */
bool raw_done(struct link *link, const char *error_text);             /* NULL: complete */
bool raw_finish(struct link *link, int64_t *code);                    /* zero, then the host's status */
bool raw_put_blob(struct link *link, const char *host_path, const void *bytes, size_t size);
bool raw_put_plist(struct link *link, const char *host_path, plist_t plist); /* takes plist */
bool raw_put_file(struct link *link, const char *host_path, FILE *from, uint64_t size);

/* backup2_manifest.c: what the device writes into a backup. */
struct status {
    char backup_state[16], snapshot_state[16], uuid[40];
    bool full;
    int major, minor; /* Version */
};
plist_t status_make(const struct status *status);
/* 0, or the error that a device reports for it. */
int status_read(const struct sim_blob *blob, struct status *out);
size_t mbfile_make(const struct sim_file *file, const uint8_t *sealed_key, const uint8_t *digest, uint8_t *out,
                   size_t size);
bool manifest_db_make(struct sim_device *dev, const struct sim_file *files, size_t count, bool encrypted,
                      const char *path);
plist_t manifest_plist_make(struct sim_device *dev, const struct sim_file *files, size_t count, bool encrypted,
                            const uint8_t *manifest_key);
void manifest_key(struct sim_device *dev, uint8_t key[MB_KEY]);
/* Makes the keybag for the device's present password when it has not been made. */
void keybag_ensure(struct sim_device *dev);

/* backup2_rows.c: reading a Manifest.db. */
struct row {
    char *domain, *path, *target;
    uint8_t id[20];
    int flags, class;
    int64_t size, mtime, mode;
    bool has_key, has_digest;
    uint8_t key[44], digest[20];
};
struct rows {
    struct row *row;
    size_t count, room;
};
/* 0, or the error with a text in why. key NULL: not encrypted. */
int rows_read(const char *path, struct rows *rows, char *why, size_t why_size);
void rows_free(struct rows *rows);
const struct row *rows_find(const struct rows *rows, const uint8_t id[20]); /* rows are sorted by id */
bool decrypt_file(const char *from, const char *to, const uint8_t key[MB_KEY]);
plist_t plist_of(const struct sim_blob *blob); /* a dictionary, NULL when it is none */
const char *dict_string(plist_t dict, const char *key);
int dict_bool(plist_t dict, const char *key); /* -1: absent, or no boolean */
const uint8_t *dict_data(plist_t dict, const char *key, size_t *size);
int version_compare(const char *a, const char *b); /* number by number */

/* Jobs: return with link->error set, or not. */
void job_backup(struct link *link, plist_t request);
void job_restore(struct link *link, plist_t request);
void job_password(struct link *link, plist_t request);
json_t *request_words(plist_t request); /* options as sent, without passwords */

#endif
