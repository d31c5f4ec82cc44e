/* GetLastError() as a code of the host room and as words for the operator. */
#include "win.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    DWORD error;
    enum kb_host_code code;
    const char *words;
} known[] = {
    {ERROR_FILE_NOT_FOUND, KB_HOST_NOT_FOUND, N_("it does not exist; check the name")},
    {ERROR_PATH_NOT_FOUND, KB_HOST_NOT_FOUND, N_("it does not exist; check the name")},
    {ERROR_INVALID_NAME, KB_HOST_NOT_FOUND, N_("it does not exist; check the name")},
    {ERROR_FILE_EXISTS, KB_HOST_EXISTS, N_("it exists already; choose another name")},
    {ERROR_ALREADY_EXISTS, KB_HOST_EXISTS, N_("it exists already; choose another name")},
    {ERROR_DIR_NOT_EMPTY, KB_HOST_EXISTS, N_("the folder is not empty; choose another one")},
    {ERROR_DIRECTORY, KB_HOST_NOT_DIR, N_("it is not a folder; check the name")},
    {ERROR_DISK_FULL, KB_HOST_NO_SPACE, N_("the disk is full; free some space and try again")},
    {ERROR_HANDLE_DISK_FULL, KB_HOST_NO_SPACE, N_("the disk is full; free some space and try again")},
    {ERROR_DISK_QUOTA_EXCEEDED, KB_HOST_NO_SPACE, N_("the disk quota is used up; free some space and try again")},
    {ERROR_FILE_TOO_LARGE, KB_HOST_NO_SPACE, N_("the disk cannot hold a file of this size; use another disk")},
    {ERROR_ACCESS_DENIED, KB_HOST_DENIED, N_("the operating system does not allow it; check the permissions")},
    {ERROR_WRITE_PROTECT, KB_HOST_DENIED, N_("the disk is read-only; use another disk")},
    {ERROR_SHARING_VIOLATION, KB_HOST_BUSY, N_("it is in use; wait and try again")},
    {ERROR_LOCK_VIOLATION, KB_HOST_BUSY, N_("it is in use; wait and try again")},
    {ERROR_CRC, KB_HOST_IO, N_("the disk cannot be read or written; check the disk and its cable")},
    {ERROR_IO_DEVICE, KB_HOST_IO, N_("the disk cannot be read or written; check the disk and its cable")},
    {ERROR_NOT_READY, KB_HOST_IO, N_("the disk cannot be read or written; check the disk and its cable")},
    {WAIT_TIMEOUT, KB_HOST_TIMEOUT, N_("it did not answer in time; try again")},
    {WSAETIMEDOUT, KB_HOST_TIMEOUT, N_("it did not answer in time; try again")},
};

enum kb_host_code kb_system_code(unsigned long error) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(known); i++)
        if (known[i].error == error) return known[i].code;
    return KB_HOST_OTHER;
}

const char *kb_system_words(unsigned long error, char *room, size_t size) {
    wchar_t words[160] = L"";
    for (size_t i = 0; i < KB_ARRAY_SIZE(known); i++)
        if (known[i].error == error) return kb_tr(kb_lang(), known[i].words);
    DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0, words,
                                  KB_ARRAY_SIZE(words), NULL);
    while (length && (words[length - 1] < L' ' || words[length - 1] == L'.')) words[--length] = L'\0';
    char *text = kb_narrow(words);
    if (length)
        kb_text_clean(room, size, text);
    else
        snprintf(room, size, "error %lu", error);
    free(text);
    return room;
}

struct kb_result kb_system_fail(unsigned long error, const char *format, const char *name) {
    char room[480];
    return kb_fail(KB_HOST, (int)kb_system_code(error), kb_tr(kb_lang(), format), name,
                   kb_system_words(error, room, sizeof room));
}
