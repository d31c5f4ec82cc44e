/*
 * What the tests take for granted and Windows has under another name or not at all; every test is compiled with it
 * there (-include). Tests of what Windows does not have are registered with ON_POSIX only, so what just fails here is
 * never called.
 */
#ifndef KITBENCH_TESTS_WIN32_POSIX_H
#define KITBENCH_TESTS_WIN32_POSIX_H

#include <direct.h>
#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

char *mkdtemp(char *pattern);
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
char *strndup(const char *text, size_t size);
char *stpcpy(char *to, const char *from);
int link(const char *from, const char *to);
int socketpair(int domain, int type, int protocol, int pair[2]); /* over the loopback network */
/* Sockets are not file descriptors: these find out which of both it is. */
int kb_test_close(int fd);
int kb_test_write(int fd, const void *data, unsigned size);
int kb_test_read(int fd, void *data, unsigned size);
#define close kb_test_close
#define write kb_test_write
#define read  kb_test_read

#define mkdir(path, mode)         ((void)(mode), _mkdir(path))
#define pipe(pair)                _pipe(pair, 4096, _O_BINARY)
#define lstat                     stat
#define tzset()                   _tzset()
#define geteuid()                 1
#define seteuid(user)             ((void)(user), kb_test_lacks())
#define gmtime_r(time, parts)     (gmtime_s(parts, time) == 0 ? (parts) : NULL)
#define kb_test_lacks()           (-1)
#define fork()                    kb_test_lacks()
#define waitpid(pid, status, op)  ((void)(pid), (void)(status), kb_test_lacks())
#define kill(pid, number)         ((void)(pid), (void)(number), kb_test_lacks())
#define getppid()                 kb_test_lacks()
#define pause()                   _exit(1)
#define symlink(to, path)         ((void)(to), (void)(path), kb_test_lacks())
#define mkfifo(path, mode)        ((void)(path), (void)(mode), kb_test_lacks())
#define mknod(path, mode, device) ((void)(path), (void)(mode), (void)(device), kb_test_lacks())
#define chown(path, user, group)  ((void)(path), (void)(user), (void)(group), kb_test_lacks())
#define pread(fd, to, size, at)   ((void)(fd), (void)(to), (void)(size), (void)(at), kb_test_lacks())
#define fcntl(fd, command)        ((void)(fd), kb_test_lacks())
#define F_GETFD                   1
#define SIGKILL                   9
#define SIGXFSZ                   25
#define S_ISLNK(mode)             ((void)(mode), 0)
#undef S_IRWXG /* newer mingw-w64 has them; Windows itself keeps no such rights */
#undef S_IRWXO
#define S_IRWXG             0
#define S_IRWXO             0
#define WIFEXITED(status)   ((status) == 0)
#define WEXITSTATUS(status) (status)
#define WIFSIGNALED(status) ((status) != 0)
#define WTERMSIG(status)    (status)

typedef int uid_t;
typedef unsigned long rlim_t;
struct rlimit {
    rlim_t rlim_cur, rlim_max;
};
#define RLIMIT_NOFILE           7
#define RLIMIT_FSIZE            1
#define RLIMIT_CORE             4
#define RLIMIT_AS               9
#define setrlimit(what, limits) ((void)(limits), 0)
#define getrlimit(what, limits) ((limits)->rlim_cur = 0, 0)
#endif
