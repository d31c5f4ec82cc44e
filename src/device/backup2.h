/* One run of mobilebackup2, from Hello to the device's Response. Private to the device room. */
#ifndef KB_DEVICE_BACKUP2_H
#define KB_DEVICE_BACKUP2_H

#include "devicelink.h"
#include "notify.h"

enum { KB_NAME_MAX = 4096 };

struct kb_backup2 {
    struct kb_stream *stream;
    const struct kb_transfer_options *options;
    struct kb_transfer_end *end;
    struct kb_notify *notify; /* NULL: no hints */
    uint32_t mux_id;          /* of this attachment; 0: not known, liveness is not looked at */

    bool first;    /* no message has come since the request */
    bool boundary; /* between two messages: a Disconnect can be sent */
    bool asked;    /* the device shows its passcode screen */
    int64_t ticked_ms, polled_ms, told_silence_s, alive_ms;
    bool untold;             /* progress came too soon after a tick to be told */
    struct kb_result broken; /* a device that named a hostile path: told when its request has been answered */
    char dname[KB_NAME_MAX + 1], name[KB_NAME_MAX + 1];
};

/* Version exchange and Hello. */
KB_MUST_CHECK struct kb_result kb_backup2_open(struct kb_backup2 *b2);
/* Sends the request (dict is freed) and serves the device until its Response. */
KB_MUST_CHECK struct kb_result kb_backup2_run(struct kb_backup2 *b2, plist_t request, bool secret);
/*
 * To be called often while data flows: tells progress some ten times a second, looks for a cancel and for
 * notifications. done_pct <= 0 when it is not news.
 */
KB_MUST_CHECK struct kb_result kb_backup2_tick(struct kb_backup2 *b2, double done_pct);
void kb_backup2_log(struct kb_backup2 *b2, const char *format, ...) KB_PRINTF(2, 3);
/* Remembers that the device named a path that leaves the backup's folder. */
void kb_backup2_hostile(struct kb_backup2 *b2, const char *path);

/* dl_files.c: answers one DLMessage. KB_LINK_PROTOCOL when its parts are of wrong types. */
KB_MUST_CHECK struct kb_result kb_dl_handle(struct kb_backup2 *b2, const char *name, plist_t message);
/* dl_download.c, dl_upload.c: the two raw sub-protocols (protocol.md 3.5), with their status at the end. */
KB_MUST_CHECK struct kb_result kb_dl_download(struct kb_backup2 *b2, plist_t message);
KB_MUST_CHECK struct kb_result kb_dl_upload(struct kb_backup2 *b2, plist_t message);
struct kb_result kb_dl_malformed(void);
#endif
