/* errno as a code of the host room and as words for the operator. */
#define _GNU_SOURCE
#include "../system.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DENIED N_("the operating system does not allow it; check the permissions")
/* macOS' privacy settings say EPERM, where file permissions say EACCES. Other systems have no such settings. */
#ifdef __APPLE__
#define NOT_PERMITTED                                                                                                  \
    N_("the privacy settings of macOS do not allow it; in System Settings, Privacy & Security, give Full Disk Access " \
       "to the program that kitbench is started from, and start that program again")
#else
#define NOT_PERMITTED DENIED
#endif

static const struct {
    int error;
    enum kb_host_code code;
    const char *words;
} known[] = {
    {ENOENT, KB_HOST_NOT_FOUND, N_("it does not exist; check the name")},
    {EEXIST, KB_HOST_EXISTS, N_("it exists already; choose another name")},
    {ENOTEMPTY, KB_HOST_EXISTS, N_("the folder is not empty; choose another one")},
    {ENOTDIR, KB_HOST_NOT_DIR, N_("it is not a folder; check the name")},
    {EISDIR, KB_HOST_IS_DIR, N_("it is a folder, not a file; check the name")},
    {ELOOP, KB_HOST_LOOP, N_("links lead in a circle; remove them")},
    {EIO, KB_HOST_IO, N_("the disk cannot be read or written; check the disk and its cable")},
    {ENOSPC, KB_HOST_NO_SPACE, N_("the disk is full; free some space and try again")},
    {EDQUOT, KB_HOST_NO_SPACE, N_("the disk quota is used up; free some space and try again")},
    {EFBIG, KB_HOST_NO_SPACE, N_("the disk cannot hold a file of this size; use another disk")},
    {EACCES, KB_HOST_DENIED, DENIED},
    {EPERM, KB_HOST_DENIED, NOT_PERMITTED},
    {EROFS, KB_HOST_DENIED, N_("the disk is read-only; use another disk")},
    {ETIMEDOUT, KB_HOST_TIMEOUT, N_("it did not answer in time; try again")},
    {EAGAIN, KB_HOST_BUSY, N_("it is in use; wait and try again")},
    {EBUSY, KB_HOST_BUSY, N_("it is in use; wait and try again")},
    {ETXTBSY, KB_HOST_BUSY, N_("it is in use; wait and try again")},
};

enum kb_host_code kb_system_code(unsigned long error) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(known); i++)
        if (known[i].error == (int)error) return known[i].code;
    return KB_HOST_OTHER;
}

const char *kb_system_words(unsigned long error, char *room, size_t size) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(known); i++)
        if (known[i].error == (int)error) return kb_tr(kb_lang(), known[i].words);
#ifdef __GLIBC__
    return strerror_r((int)error, room, size);
#else
    if (strerror_r((int)error, room, size) != 0) snprintf(room, size, "errno %lu", error);
    return room;
#endif
}

struct kb_result kb_system_fail(unsigned long error, const char *format, const char *name) {
    char room[160];
    return kb_fail(KB_HOST, (int)kb_system_code(error), kb_tr(kb_lang(), format), name,
                   kb_system_words(error, room, sizeof room));
}
