/* A fresh folder for a test, gone with it. */
#ifndef KITBENCH_TESTS_HOST_FOLDER_H
#define KITBENCH_TESTS_HOST_FOLDER_H

#include "kitbench/host.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What went well, or the sentence that says why not. */
#define ck_ok(call)                                                                                                    \
    do {                                                                                                               \
        struct kb_result ck_res = (call);                                                                              \
        ck_assert_msg(!kb_failed(&ck_res), "%s: %s", #call, ck_res.text);                                              \
    } while (0)
#define ck_fails(call, want_domain, want_code)                                                                         \
    do {                                                                                                               \
        struct kb_result ck_res = (call);                                                                              \
        ck_assert_msg(kb_is(&ck_res, want_domain, want_code), "%s: domain %s code %d: %s", #call,                      \
                      kb_domain_name(ck_res.domain), ck_res.code, ck_res.text);                                        \
        ck_assert_str_ne(ck_res.text, "");                                                                             \
    } while (0)

extern char folder[64];
void folder_setup(void);
void folder_teardown(void);
/* "FOLDER/name", good until the next call but three. */
const char *in_folder(const char *name);
void write_file(const char *name, const char *text);
/* The text of a file in the folder; "(none)" when it is not there. */
const char *read_file(const char *name);
int run_suite(const char *name, TCase *cases);
#endif
