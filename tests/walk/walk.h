/*
 * The random walk over a bench: what its parts share. See walk.c.
 */
#ifndef KB_WALK_H
#define KB_WALK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MAX_DEVICES 32
#define MAX_ROWS    20000
#define MAX_JOBS    2000

struct place { /* a simulated device, and what may become of it */
    char name[16], udid[48];
    int64_t location;
    bool never;   /* no check may ever call it ready */
    bool plugged; /* as far as we put it */
};

struct walk {
    const char *kb, *sim, *control, *home, *sheet, *source;
    uint64_t random;
    int round;
    struct place places[MAX_DEVICES];
    int count;
    pid_t tray;  /* 0: none runs */
    pid_t other; /* another terminal's kitbench; 0: none */
    bool daemon_up;
};

/* ---- walk.c ---- */
int pick(struct walk *walk, int below);
/* One command of the control socket; NULL when phonesim said no. The caller's. */
json_t *ctl(struct walk *walk, const char *command, const char *device, const char *a, const char *b);
void tap(struct walk *walk, const char *command, const char *device, const char *a,
         const char *b); /* whatever it says */
/* Runs kitbench to its end; its exit code. Output to a file of that name, or to nowhere. */
int run_kb(struct walk *walk, const char *output, const char *const *args);
void other_start(struct walk *walk, const char *const *args); /* unless one runs; reaped by other_ended() */
bool other_ended(struct walk *walk);
void tray_start(struct walk *walk, int wait_s);
bool tray_ended(struct walk *walk, int *code); /* false: it runs */
void nap_ms(int ms);
_Noreturn void broken(struct walk *walk, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- invariants.c ---- */
void check_all(struct walk *walk);
/* The newest state of a device in the journal ("" none), and its first open step ("" none). */
void newest(struct walk *walk, const char *udid, char state[32], char step[40]);
bool is_worker(pid_t pid, const char *kb);
pid_t some_worker(struct walk *walk); /* one of the tray's, by lot; 0 */

/* ---- hands.c ---- */
void act(struct walk *walk);       /* one random act */
void kind_hand(struct walk *walk); /* one round of a person who does what is wanted */
#endif
