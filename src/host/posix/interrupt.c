/* Ctrl-C and its like become a cancel: the handler only writes a byte, a thread does the rest. */
#define _GNU_SOURCE
#include "../system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int interrupt_pipe[2] = {-1, -1}; /* set once, before the handlers */

static void on_signal(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t ignored = write(interrupt_pipe[1], &byte, 1);
    (void)ignored;
    errno = saved;
}

static void wait_for_signals(void *arg) {
    struct kb_cancel *cancel = arg;
    unsigned char byte;
    int times = 0;
    for (;;) {
        ssize_t got = read(interrupt_pipe[0], &byte, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got != 1) return;
        if (++times > 1) _exit(130); /* the second time somebody means it */
        kb_cancel_now(cancel);
    }
}

void kb_host_on_interrupt(struct kb_cancel *cancel) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {0}, old;
    if (interrupt_pipe[0] >= 0 || pipe(interrupt_pipe) != 0) return;
    for (int i = 0; i < 2; i++) fcntl(interrupt_pipe[i], F_SETFD, FD_CLOEXEC);
    fcntl(interrupt_pipe[1], F_SETFL, O_NONBLOCK);
    kb_thread_detached(wait_for_signals, cancel);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < KB_ARRAY_SIZE(numbers); i++) {
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN) continue; /* nohup wants it so */
        sigaction(numbers[i], &action, NULL);
    }
}
