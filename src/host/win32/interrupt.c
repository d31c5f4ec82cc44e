/* Ctrl-C, Ctrl-Break and a closed console become a cancel. */
#include "win.h"

static struct kb_cancel *interrupted; /* set once, before the handler */
static LONG times;

static BOOL WINAPI on_console_event(DWORD event) {
    (void)event;
    if (InterlockedIncrement(&times) > 1) ExitProcess(130); /* the second time somebody means it */
    kb_cancel_now(interrupted);
    return TRUE;
}

void kb_host_on_interrupt(struct kb_cancel *cancel) {
    if (interrupted) return;
    interrupted = cancel;
    SetConsoleCtrlHandler(on_console_event, TRUE);
}
