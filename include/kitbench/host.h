/*
 * The host room: the operating system. src/host/posix and src/host/win32 have the same faces; nobody else names a
 * system. Paths are UTF-8 with '/' inside kitbench. Failures are KB_HOST with an enum kb_host_code, with the system's
 * own words.
 */
#ifndef KITBENCH_HOST_H
#define KITBENCH_HOST_H

#include "kitbench/base.h"

struct kb_cancel; /* below */

/* ---- The process ------------------------------------------------------------------------------------------------- */

/* First call of main: no core files, SIGPIPE ignored, UTF-8 console and VT sequences on Windows, umask 077. */
void kb_host_start(void);
/* UTF-8 arguments of this process (Windows gives UTF-16); on POSIX argv itself. */
char **kb_host_args(int argc, char **argv);
/* Path of the running program, for starting it again. Caller frees; NULL when the system does not tell. */
char *kb_host_self(void);
/* From now on this process gets at most bytes of address space (macOS: of memory): a hostile plist ends it, not the
 * computer. */
void kb_host_limit_memory(int64_t bytes);
/* The computer does not fall asleep by itself until kb_awake_end() or the death of this process. why: for the system's
   own list of what keeps it awake. NULL where the system offers nothing; kb_awake_end(NULL) is fine. */
struct kb_awake;
struct kb_awake *kb_awake_begin(const char *why);
void kb_awake_end(struct kb_awake *awake);
/* Ctrl-C, SIGTERM and a closed terminal cancel from now on; a second time ends the process at once with 130. Once. */
void kb_host_on_interrupt(struct kb_cancel *cancel);
const char *kb_host_env(const char *name); /* NULL or "" both mean unset; value is UTF-8 */
enum kb_lang kb_host_lang(void);           /* from the system's locale */
char *kb_host_user(void);                  /* login name of whoever started us, caller frees; "" when unknown */
char *kb_host_name(void);                  /* this computer's name, caller frees */
int64_t kb_host_pid(void);                 /* of this process */
bool kb_host_pid_alive(int64_t pid);       /* some process has that number now */

/* Apple Mobile Device Service, which is usbmuxd on Windows: whose it is, and whether it runs. False: no such thing
 * here. */
enum kb_apple_from { KB_APPLE_NOTHING, KB_APPLE_ITUNES, KB_APPLE_ITUNES_STORE, KB_APPLE_DEVICES };
bool kb_host_apple_service(enum kb_apple_from *from, bool *runs);

int64_t kb_clock_wall(void);           /* seconds since 1970 UTC */
int64_t kb_clock_wall_ms(void);        /* milliseconds since 1970 UTC */
int64_t kb_clock_ms(void);             /* monotonic, for waiting */
int64_t kb_clock_timer_ms(int64_t ms); /* what to tell a timer that does not go by kb_clock_ms */
void kb_sleep_ms(int64_t ms);
struct kb_result kb_random(void *out, size_t size); /* from the system's generator */

/* ---- Secrets: in locked memory, out of core files, wiped on free
 * ----------------------------------------------------- */

struct kb_secret {
    unsigned char *data; /* size bytes and a NUL behind them */
    size_t size;
};
/* Locked where the system allows; aborts when there is no memory. */
struct kb_secret *kb_secret_new(const void *data, size_t size);
void kb_secret_free(struct kb_secret *secret); /* wipes; NULL is fine */
/* A variable's value, taken away: wiped where it stood, unset for us and for whom we start. NULL when it is not set or
 * empty. Before there are threads. */
struct kb_secret *kb_host_env_take(const char *name);
/* First line of a file without its line end (at most 1024 bytes). KB_PASSWORD/MISSING when it cannot be read or is
 * empty. */
KB_MUST_CHECK struct kb_result kb_secret_from_file(const char *path, struct kb_secret **out);

/* ---- The terminal
 * ---------------------------------------------------------------------------------------------------- */

/* All of data to an inherited stream (1 or 2): a worker's line to whoever started it. False when nobody reads any more.
 */
bool kb_fd_put(int fd, const void *data, size_t size);
bool kb_tty_is(int fd);                            /* 0, 1 or 2 */
void kb_tty_size(int fd, int *columns, int *rows); /* 80x24 when unknown */
/* Asks on the terminal without echo; KB_PASSWORD/MISSING when there is no terminal or nothing is typed. */
KB_MUST_CHECK struct kb_result kb_tty_password(const char *prompt, struct kb_secret **out);

/* usbmuxd's LocationID (-1: none) as a number that stays the port's own, whatever is plugged in there how often: what
 * Linux' usbmuxd says is new at each plug, and is looked up in sysfs; the bus is its first byte, as on macOS. What
 * cannot be looked up stays as it is. */
int64_t kb_host_usb_place(int64_t location);

/* ---- Places
 * ----------------------------------------------------------------------------------------------------------- */

/* KITBENCH_HOME, else the platform's usual place (XDG_STATE_HOME/kitbench, ~/Library/Application Support/kitbench,
   %LOCALAPPDATA%\kitbench). Made (mode 0700) when missing. Caller frees. */
KB_MUST_CHECK struct kb_result kb_host_home(char **out);
/* Where iTunes, Apple Devices and Finder keep backups on this system (backup-format.md 1); NULL-terminated array of
   paths that may or may not exist. Caller frees each and the array. Set HOME (or its like) decides. */
char **kb_host_backup_places(void);
char *kb_path_join(const char *folder, const char *name);                  /* caller frees */
const char *kb_path_base(const char *path);                                /* last component */
KB_MUST_CHECK struct kb_result kb_path_real(const char *path, char **out); /* absolute, links resolved */

/* ---- Folders: held open, links below the top never followed --------------------------------------------------------
 */

/*
 * A folder held open. rel is a relative path inside it with '/' between components; every component is opened without
 * following links, so the folder cannot be left even when somebody changes it meanwhile. "", absolute paths, "." and
 * ".." components are KB_HOST_REFUSED. (Names that only Windows forbids are the backup room's business.)
 */
struct kb_dir;
enum kb_open { KB_OPEN_READ, KB_OPEN_NEW /* must not exist, 0600 */, KB_OPEN_REPLACE /* truncates */ };
struct kb_stat {
    enum kb_entry_kind kind; /* FIFOs, sockets, devices and links are KB_ENTRY_OTHER */
    int64_t size, modified;  /* modified: seconds */
    int64_t modified_ns;     /* nanosecond part */
    uint64_t id, volume; /* inode and device, or Windows' file index and volume: tells whether two names are one file */
};
KB_MUST_CHECK struct kb_result kb_dir_open(const char *path, bool make, struct kb_dir **out);
/* The same folder once more, for another thread: two threads on one kb_dir wait for each other. */
KB_MUST_CHECK struct kb_result kb_dir_open_twin(const struct kb_dir *dir, struct kb_dir **out);
void kb_dir_close(struct kb_dir *dir);
const char *kb_dir_path(const struct kb_dir *dir);
KB_MUST_CHECK struct kb_result kb_dir_stat(struct kb_dir *dir, const char *rel, struct kb_stat *out);
KB_MUST_CHECK struct kb_result kb_dir_list(struct kb_dir *dir, const char *rel /* "" = itself */,
                                           bool (*each)(void *arg, const struct kb_entry *entry), void *arg);
/* The same without asking for size and time, which may be 0: names and kinds alone cost a system call for a hundred. */
KB_MUST_CHECK struct kb_result kb_dir_names(struct kb_dir *dir, const char *rel,
                                            bool (*each)(void *arg, const struct kb_entry *entry), void *arg);
KB_MUST_CHECK struct kb_result kb_dir_make(struct kb_dir *dir, const char *rel);                  /* with parents */
KB_MUST_CHECK struct kb_result kb_dir_move(struct kb_dir *dir, const char *from, const char *to); /* replaces a file */
KB_MUST_CHECK struct kb_result kb_dir_remove(struct kb_dir *dir, const char *rel); /* file or tree; missing is fine */
KB_MUST_CHECK struct kb_result kb_dir_space(struct kb_dir *dir, int64_t *free_bytes);
/* Everything written below is on the disk when this returns (syncfs, F_FULLFSYNC, FlushFileBuffers). */
KB_MUST_CHECK struct kb_result kb_dir_sync(struct kb_dir *dir);

/* An open regular file; opening anything else (FIFO, device, link, folder) is KB_HOST_REFUSED and never blocks. */
struct kb_handle;
KB_MUST_CHECK struct kb_result kb_handle_open(struct kb_dir *dir, const char *rel, enum kb_open how,
                                              struct kb_handle **out);
KB_MUST_CHECK struct kb_result kb_handle_read(struct kb_handle *handle, void *data, size_t room, size_t *got);
KB_MUST_CHECK struct kb_result kb_handle_read_at(struct kb_handle *handle, int64_t offset, void *data, size_t room,
                                                 size_t *got);
KB_MUST_CHECK struct kb_result kb_handle_write(struct kb_handle *handle, const void *data, size_t size);
KB_MUST_CHECK struct kb_result kb_handle_stat(struct kb_handle *handle, struct kb_stat *out);
/* Its length when it was opened for reading, without asking the system again; -1 unknown. */
int64_t kb_handle_size(const struct kb_handle *handle);
KB_MUST_CHECK struct kb_result kb_handle_sync(struct kb_handle *handle);
KB_MUST_CHECK struct kb_result kb_handle_close(struct kb_handle *handle); /* reports a late write error; NULL is fine */
/* A private file that is gone whatever happens (O_TMPFILE or unlinked, 0600; FILE_FLAG_DELETE_ON_CLOSE), in folder or
   the system's temporary place when NULL. path (caller frees, may be NULL): a name by which it can be opened again, for
   SQLite (which follows no /proc/self/fd/N): open it while it is still empty, then kb_handle_unname(), then write. */
KB_MUST_CHECK struct kb_result kb_handle_private(const char *folder, struct kb_handle **out, char **path);

/* Takes a private file's name away now, where the system can; who has it open keeps it. */
void kb_handle_unname(struct kb_handle *handle);

/* Whole small files by path. max bounds what is read (KB_HOST_IO when larger). */
KB_MUST_CHECK struct kb_result kb_file_load(const char *path, size_t max, struct kb_buf *out);
/* Temporary name, sync, rename: after a crash there is the old content or the new, never a half. */
KB_MUST_CHECK struct kb_result kb_file_save(const char *path, const void *data, size_t size);

/* ---- Locks across processes
 * ------------------------------------------------------------------------------------------ */

/* Held until released or the process dies, however it dies. KB_HOST_BUSY when another has it after wait_ms. */
struct kb_lock;
KB_MUST_CHECK struct kb_result kb_lock_take(const char *path, bool shared, int64_t wait_ms, struct kb_lock **out);
void kb_lock_release(struct kb_lock *lock);

/* ---- Sockets (usbmuxd)
 * -------------------------------------------------------------------------------------------------- */

/* A stream to usbmuxd: USBMUXD_SOCKET_ADDRESS as "UNIX:/path", "/path", "unix:///path", "host:port" or "[ipv6]:port",
   else the platform's place. KB_USBMUX/NO_DAEMON when nobody listens. All calls end at deadline_ms (kb_clock_ms). */
struct kb_sock;
KB_MUST_CHECK struct kb_result kb_sock_usbmuxd(int64_t deadline_ms, struct kb_sock **out);
KB_MUST_CHECK struct kb_result kb_sock_send(struct kb_sock *sock, const void *data, size_t size, int64_t deadline_ms);
KB_MUST_CHECK struct kb_result kb_sock_recv(struct kb_sock *sock, void *data, size_t size,
                                            int64_t deadline_ms); /* all of size */
void kb_sock_shutdown(struct kb_sock *sock);                      /* from another thread: ends a blocked call */
void kb_sock_close(struct kb_sock *sock);
int kb_sock_fd(const struct kb_sock *sock); /* for kb_fd_wait and kb_cancel_watch; stays the sock's */
/* The same for a descriptor that a library owns (idevice_connection_get_fd): waits until readable (or writable). */
enum kb_ready { KB_READY_YES, KB_READY_TIMEOUT, KB_READY_CLOSED };
enum kb_ready kb_fd_wait(int fd, bool writable, int64_t deadline_ms);
void kb_fd_shutdown(int fd);
void kb_fd_large_buffers(int fd, int bytes);
/* recv/send that do not block; -1 with KB_READY-like meaning in *again: for a TLS BIO over such a descriptor. */
int64_t kb_fd_recv(int fd, void *data, size_t room, bool *again);
int64_t kb_fd_send(int fd, const void *data, size_t size, bool *again);

/* ---- Cancelling
 * ---------------------------------------------------------------------------------------------------------- */

/* Marks, wakes whoever sleeps in kb_cancel_wait, and shuts down the connection that is being waited for. Thread-safe.
 */
struct kb_cancel;
struct kb_cancel *kb_cancel_new(void);
void kb_cancel_free(struct kb_cancel *cancel);
void kb_cancel_now(struct kb_cancel *cancel);
bool kb_cancelled(struct kb_cancel *cancel);               /* NULL is never cancelled */
bool kb_cancel_wait(struct kb_cancel *cancel, int64_t ms); /* sleeps; true when cancelled meanwhile */
void kb_cancel_watch(struct kb_cancel *cancel, int fd);    /* the descriptor to shut down; -1 ends the watch */
/* KB_CANCELLED with its sentence. */
struct kb_result kb_cancel_result(void);

/* Runs body on a thread that is detached, for reading standard input in a worker. */
void kb_thread_detached(void (*body)(void *arg), void *arg);
#endif
