/* The picture of the tray on a terminal: what is drawn, what keys do. */
#ifndef KB_CLI_TRAY_SCREEN_H
#define KB_CLI_TRAY_SCREEN_H

#include "pairing.h"

struct kb_screen;
/* Takes the terminal over; by (may be NULL): the operator's name where it is known. */
struct kb_screen *kb_screen_open(const struct kb_cli *cli, const char *by);
void kb_screen_close(struct kb_screen *screen); /* gives it back; NULL is fine */
void kb_screen_show(struct kb_screen *screen, struct kb_tray *tray, const struct kb_tray_view *view);
void kb_screen_key(struct kb_screen *screen, struct kb_tray *tray, const char *bytes, size_t size);
/* Kept, and written when the terminal is given back. */
void kb_screen_log(struct kb_screen *screen, const struct kb_tile *tile, const char *sentence);
#endif
