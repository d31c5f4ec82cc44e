/*
 * What the parts of the tray share: ports (attached devices), seats (lines of the sheet, and devices that no line
 * names), and the loop that moves them. Private to the tray room. One thread, but for the one that listens to usbmuxd.
 */
#ifndef KB_TRAY_ENGINE_H
#define KB_TRAY_ENGINE_H

#include "interrupt.h"
#include "worker.h"
#include <uv.h>

#define KB_TRAY_TRIES   3     /* transfers and other tries that failed, of one line in one run */
#define KB_BACKOFF_MS   5000  /* before the second; three times as long before the third */
#define KB_LOOK_MS      2000  /* a device with open steps is looked at again after so long, */
#define KB_LOOK_LATE_MS 60000 /* and when nothing happens ever later, up to so long */
#define KB_SILENT_MS    10000 /* a transfer that said nothing for so long leaves its turn to others */
#define KB_JUDGE_MS     5000  /* so long, at most, a check that runs keeps the next transfers from beginning */
#define KB_MAX_READERS  8     /* processes at once that only read devices */

/* An attached device, or one that was. */
struct kb_port {
    struct kb_tray *tray;
    struct kb_attached attached;
    bool present, probed;
    struct kb_device device; /* of the probe */
    struct kb_worker *probe;
    struct kb_request request;
};

/* One line of the sheet, or (line NULL) a device that no line names. */
struct kb_seat {
    struct kb_tray *tray;
    const struct kb_tray_line *line;
    struct kb_tile tile;
    bool ended, bound; /* bound: tile.udid is the device */
    char job[KB_JOB_ID_ROOM];
    char backup[4096]; /* of that job */
    enum kb_touch touch;

    struct kb_worker *worker;
    struct kb_request request; /* of the worker */
    int64_t started_ms;        /* the worker */
    bool holds;                /* it stands at ready and waits for its turn */
    bool moving;               /* it has had its turn */
    int64_t held_ms;           /* since when it waits */
    json_t *result;            /* its result line, kept back until the line of the sheet has ended */

    int fails;
    int64_t next_ms;       /* not before */
    int64_t look_every_ms; /* between two readings of a device whose steps are open */
    bool looked;           /* set aside by an earlier run: it was read once since */
    char waited_for[480];  /* what a hand was asked for when the tray gave up waiting; "" else */
    bool put_aside;        /* by hand, as soon as its worker has ended */
    char put_aside_by[128];

    double begun_pct; /* of the phase, for rates */
    int64_t begun_ms, sample_ms, sample_bytes;
};

/* One backup for many: its password is derived once. */
struct kb_share {
    const char *backup;
    struct kb_secret *key;
    struct kb_seat *first;  /* whose worker derives it now */
    struct kb_result wrong; /* the password did not open it */
};

struct kb_mux_watch;
struct kb_tray {
    const struct kb_tray_options *options;
    uv_loop_t loop;
    struct kb_worker_home home;
    struct kb_interrupt interrupt;
    uv_timer_t tick, draw;
    uv_idle_t kick;
    struct kb_mux_watch *mux;
    struct kb_journal *journal;
    int64_t journal_version;
    struct kb_governor governor;
    struct kb_port **ports;
    int port_count;
    struct kb_seat **seats;
    int seat_count;
    struct kb_share *shares;
    int share_count;
    int probing, looking;
    int stops;
    bool over, gave_up;
    int64_t drawn_ms, moved_ms, tick_wall_ms, tick_ms;
    int64_t bus_bytes[256]; /* moved since the last sample */
    char note[240];
    struct kb_result worst;
    uv_tty_t tty;
    bool has_tty;
    char typed[256];
};

/* ---- mux_watch.c: usbmuxd's events, from a thread of their own to the loop ---- */
struct kb_mux_watch *
kb_mux_watch_start(uv_loop_t *loop, void (*told)(void *arg, enum kb_mux_event event, const struct kb_attached *device),
                   void (*gone)(void *arg, const char *text), void *arg);
void kb_mux_watch_stop(struct kb_mux_watch *watch); /* joins the thread; before the loop is closed */

/* ---- ports.c ---- */
void kb_ports_event(void *arg, enum kb_mux_event event, const struct kb_attached *device);
void kb_ports_gone(void *arg, const char *text);
struct kb_port *kb_port_of(struct kb_tray *tray, const char *udid); /* present or not; NULL */
/* Reads who has to be known, gives devices to the lines that mean them, shows the others. */
void kb_ports_match(struct kb_tray *tray);

/* ---- seat.c: one line's life ---- */
struct kb_seat *kb_seat_new(struct kb_tray *tray, const struct kb_tray_line *line);
void kb_seat_free(struct kb_seat *seat);
void kb_seat_bind(struct kb_seat *seat, const char *udid);
/* From the journal: state, touch, sentence, first open step. */
void kb_seat_reload(struct kb_seat *seat);
void kb_seat_take_job(struct kb_seat *seat, const struct kb_job *job);
void kb_seat_start(struct kb_seat *seat, enum kb_task task);
void kb_seat_state(struct kb_seat *seat, enum kb_state state, const char *text); /* tells when it changed */
/* The line's last: tells the result. res: why, where no worker has said so. */
void kb_seat_end(struct kb_seat *seat, enum kb_state state, const struct kb_result *res);
void kb_seat_log(struct kb_seat *seat, const char *format, ...) KB_PRINTF(2, 3);

/* ---- settle.c: what a worker's end means ---- */
void kb_seat_done(struct kb_seat *seat); /* ends a line whose job the journal calls done */
void kb_seat_settle(struct kb_seat *seat, enum kb_task task, const struct kb_result *res);

/* ---- schedule.c ---- */
void kb_schedule(struct kb_tray *tray);
struct kb_share *kb_share_of(struct kb_tray *tray, const char *backup);

/* ---- tray.c ---- */
void kb_tray_dirty(struct kb_tray *tray);  /* somebody may begin: looked at in this turn of the loop, and drawn */
void kb_tray_redraw(struct kb_tray *tray); /* it only looks different: drawn soon */
void kb_tray_moved(struct kb_tray *tray);  /* something happened: whoever waits goes on waiting */
void kb_tray_say(struct kb_tray *tray, const char *format, ...) KB_PRINTF(2, 3);
#endif
