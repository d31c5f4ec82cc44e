/* The picture of the tray on a terminal. */
#include "tray_screen.h"

struct kb_screen *kb_screen_open(const struct kb_cli *cli, const char *by) {
    (void)cli;
    (void)by;
    return NULL;
}
void kb_screen_close(struct kb_screen *screen) { (void)screen; }
void kb_screen_show(struct kb_screen *screen, struct kb_tray *tray, const struct kb_tray_view *view) {
    (void)screen;
    (void)tray;
    (void)view;
}
void kb_screen_key(struct kb_screen *screen, struct kb_tray *tray, const char *bytes, size_t size) {
    (void)screen;
    (void)tray;
    (void)bytes;
    (void)size;
}
void kb_screen_log(struct kb_screen *screen, const struct kb_tile *tile, const char *sentence) {
    (void)screen;
    (void)tile;
    (void)sentence;
}
