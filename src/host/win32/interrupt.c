/* Ctrl-C, Ctrl-Break and a closed console become a cancel. */
#include "win.h"

static struct kb_cancel *interrupted; /* set once, before the handler */
static LONG times;

/* A closed window, a logoff and a shutdown end the process when this returns, or after seconds; Ctrl-C does not. */
static BOOL WINAPI on_console_event(DWORD event) {
    bool leaves_time = event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
    if (InterlockedIncrement(&times) > 1 && leaves_time) { /* the second time somebody means it */
        kb_win_console_back();
        ExitProcess(130);
    }
    kb_cancel_now(interrupted);
    if (!leaves_time) Sleep(INFINITE); /* the main thread ends what it does, and the process, meanwhile */
    return TRUE;
}

void kb_host_on_interrupt(struct kb_cancel *cancel) {
    if (interrupted) return;
    interrupted = cancel;
    SetConsoleCtrlHandler(on_console_event, TRUE);
}
