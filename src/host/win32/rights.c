/* Who may open what kitbench makes: this user, and whoever rules this computer anyway. What umask 077 is on POSIX. */
#include "win.h"

#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>

static SECURITY_ATTRIBUTES private_attributes = {sizeof private_attributes, NULL, FALSE}; /* set once */

/* The user's number as text, to be freed with LocalFree(); NULL when Windows does not tell. */
static wchar_t *user_sid(void) {
    HANDLE token = NULL;
    DWORD size = 0;
    wchar_t *text = NULL;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) return NULL;
    GetTokenInformation(token, TokenUser, NULL, 0, &size);
    TOKEN_USER *user = size ? kb_xcalloc(1, size) : NULL;
    if (user &&
        (!GetTokenInformation(token, TokenUser, user, size, &size) || !ConvertSidToStringSidW(user->User.Sid, &text)))
        text = NULL;
    free(user);
    CloseHandle(token);
    return text;
}

static void find_attributes(void) {
    wchar_t *sid = user_sid(), list[512];
    PSECURITY_DESCRIPTOR descriptor = NULL;
    if (!sid) return;
    /* Protected: nothing comes down from the folder above. All three: full access, also for what is made inside. */
    _snwprintf(list, KB_ARRAY_SIZE(list) - 1, L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;%ls)", sid);
    list[KB_ARRAY_SIZE(list) - 1] = L'\0';
    if (ConvertStringSecurityDescriptorToSecurityDescriptorW(list, SDDL_REVISION_1, &descriptor, NULL))
        private_attributes.lpSecurityDescriptor = descriptor; /* lives as long as the process */
    LocalFree(sid);
}

SECURITY_ATTRIBUTES *kb_win_private(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_attributes);
    return private_attributes.lpSecurityDescriptor ? &private_attributes : NULL;
}
