/*
 * What phonesim wants of the operating system beyond the C library and threads: posix/ and win32/ have this one face.
 * Sockets are plain numbers; they block, and no other program inherits them.
 */
#ifndef PHONESIM_SYSTEM_H
#define PHONESIM_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>

/* ---- The process ---- */

void sim_system_start(void); /* first of all */
/* Before there are threads; runs: for sim_run(), else for sim_end_wait(). */
void sim_end_prepare(bool runs);
void sim_end_wait(void); /* until somebody ends the program: Ctrl-C, SIGTERM, or the next */
void sim_end_ask(void);  /* any thread */
/*
 * Runs a program of PATH and waits for it: its exit status (128 and more: a signal's), or -1 with errno when it does
 * not start. Ctrl-C is that program's business meanwhile.
 */
int sim_run(char *const *words);
void sim_env_set(const char *name, const char *value); /* for sim_run() */
const char *sim_why(void);                             /* errno in words */

/* ---- Files; false: errno says why ---- */

bool sim_folder_temporary(char *out, size_t room); /* makes a new one that nobody else may enter */
bool sim_folder_make(const char *path);            /* one that is there already is fine */
void sim_folder_remove(const char *path);          /* with all that is in it, as far as it can be */
bool sim_file_replace(const char *from, const char *to);

/* ---- Sockets ---- */

/* An endpoint: a UNIX socket when path is set (on POSIX only), else a TCP port of the loopback address. */
struct sim_address {
    char path[108];
    int port; /* 0: any; the real one once it listens */
};
int sim_address_listen(struct sim_address *address); /* -1: errno says why; fills port */
int sim_address_connect(const struct sim_address *address);
int sim_accept(int listener);       /* -1: errno says why */
void sim_listen_end(int listener);  /* any thread: sim_accept() fails from now on */
void sim_listen_free(int listener); /* after sim_accept() has failed for good */

void sim_socket_close(int fd);
void sim_socket_end(int fd);   /* both directions; any thread: a call that waits for it ends */
void sim_socket_large(int fd); /* much can be on its way to a slow reader */
bool sim_socket_send(int fd, const void *data, size_t size);     /* all of it */
bool sim_socket_send_now(int fd, const void *data, size_t size); /* all of it without waiting, else false */
size_t sim_socket_recv(int fd, void *data, size_t room);         /* at least one byte; 0: the link has ended */
bool sim_socket_left(int fd);                                    /* the other side has closed it, or died */
/* 1: fd has something to read; 2: other_fd (-1: none) has; 0: time is up (ms; -1: never); -1: fails. */
int sim_socket_wait(int fd, int other_fd, int ms);

/* For waking whoever sits in sim_socket_wait(): sim_wake(wake[1]) until sim_wake_heard(wake[0]). */
bool sim_wake_make(int wake[2]); /* both are closed as sockets are */
void sim_wake(int fd);
void sim_wake_heard(int fd);
#endif
