/* What a running transfer looks like: a live line on a terminal, plain lines elsewhere, and prompts that stand out. */
#ifndef KB_CLI_PROGRESS_H
#define KB_CLI_PROGRESS_H

#include "cli.h"

struct kb_show {
    const struct kb_cli *cli;
    char phase[32];
    int64_t phase_ms, phase_bytes; /* clock and bytes when this phase began */
    double phase_pct;
    int64_t sample_ms, sample_bytes; /* for the rate: the last sample */
    double rate;                     /* bytes a second, smoothed; -1 = not known yet */
    int64_t drawn_ms;                /* when something was last shown; 0 = never */
    bool live;                       /* a line without its end stands on the terminal */
    char said[96];                   /* the state that was said last, in words */
    char asked[32];                  /* the prompt that is shown now */
    char prompt[600];                /* its text, or that of the last one */
};
void kb_show_init(struct kb_show *show, const struct kb_cli *cli);
/* One line of a worker: passes it on as JSON, and shows it to people. */
void kb_show_event(struct kb_show *show, const json_t *object);
/* The same for people only. */
void kb_show_quietly(struct kb_show *show, const json_t *object);
/* A sentence of a worker's log. */
void kb_show_log(struct kb_show *show, const char *sentence);
/* Ends a live line. */
void kb_show_end(struct kb_show *show);

/* Pure, for tests: the progress line. left_s and rate negative = not known. */
void kb_show_render(struct kb_buf *out, const char *phase, double done_pct, int64_t bytes, double rate, int64_t left_s,
                    int columns, bool bar);
/* Seconds left, -1 when it cannot be told yet. */
int64_t kb_show_left(double begun_pct, double done_pct, int64_t elapsed_ms);
#endif
