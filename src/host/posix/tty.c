/* The terminal: is there one, how large, and a password without echo. */
#define _GNU_SOURCE
#include "../system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#define ANSWER_WITHIN_MS 300000

bool kb_tty_is(int fd) { return isatty(fd) == 1; }

void kb_tty_size(int fd, int *columns, int *rows) {
    struct winsize size;
    *columns = 80;
    *rows = 24;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || !size.ws_col || !size.ws_row) return;
    *columns = size.ws_col;
    *rows = size.ws_row;
}

static volatile sig_atomic_t stopped_by; /* the signal that came while the echo was off */

static void remember(int number) { stopped_by = number; }

static const int stoppers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

static void swap_handlers(const struct sigaction *now, struct sigaction *old) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(stoppers); i++)
        sigaction(stoppers[i], now ? now : &old[i], now ? &old[i] : NULL);
}

/* True when a byte (or the end) is there. select(): macOS' poll() knows no terminals. */
static bool comes_in_time(int fd, int64_t deadline_ms) {
    int left = kb_remaining_ms(deadline_ms);
    struct timeval wait = {left / 1000, left % 1000 * 1000};
    fd_set wanted;
    if (fd >= FD_SETSIZE) return false;
    FD_ZERO(&wanted);
    FD_SET(fd, &wanted);
    return select(fd + 1, &wanted, NULL, NULL, &wait) > 0;
}

/* One line, byte by byte, so that nothing typed behind it is taken away. Returns its length, -1 when none came. */
static int read_line(int fd, char *line, int room) {
    int size = 0;
    int64_t deadline = kb_clock_ms() + ANSWER_WITHIN_MS;
    for (;;) {
        char c;
        if (stopped_by || !comes_in_time(fd, deadline)) return -1;
        if (read(fd, &c, 1) != 1) return -1;
        if (c == '\n' || c == '\r') return size;
        if (size < room) line[size++] = c;
    }
}

static void say(int fd, const char *text) {
    ssize_t ignored = write(fd, text, strlen(text));
    (void)ignored;
}

struct kb_result kb_tty_password(const char *prompt, struct kb_secret **out) {
    struct termios shown, hidden;
    struct sigaction catch = {0}, old[KB_ARRAY_SIZE(stoppers)];
    char line[1024];
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || tcgetattr(fd, &shown) != 0) {
        if (fd >= 0) close(fd);
        return kb_fail(KB_PASSWORD, KB_PASSWORD_MISSING,
                       _("There is no terminal to ask for the password; use --password-file"));
    }
    hidden = shown;
    hidden.c_lflag &= (tcflag_t) ~(ECHO | ECHOE | ECHOK);
    hidden.c_lflag |= ICANON | ISIG | ECHONL;
    catch.sa_handler = remember;
    stopped_by = 0;
    swap_handlers(&catch, old); /* without SA_RESTART, so that the wait ends */
    tcsetattr(fd, TCSAFLUSH, &hidden);
    say(fd, prompt);
    int size = read_line(fd, line, (int)sizeof line);
    tcsetattr(fd, TCSAFLUSH, &shown);
    if (size < 0) say(fd, "\n");
    swap_handlers(NULL, old);
    close(fd);
    if (size > 0) *out = kb_secret_new(line, (size_t)size);
    kb_wipe(line, sizeof line);
    if (stopped_by) {
        raise(stopped_by);
        return kb_cancel_result();
    }
    return size > 0
               ? kb_ok()
               : kb_fail(KB_PASSWORD, KB_PASSWORD_MISSING, _("No password was typed; type it, or use --password-file"));
}
