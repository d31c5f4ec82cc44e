/* What the tests of the backup room share: a place of their own, and shortcuts for what must not fail. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../backupgen/gen.h"
#include "kitbench/backup.h"

#define FOLDER fixture_folder()

void fixture_setup(void);    /* a new empty folder */
void fixture_teardown(void); /* and its end */
const char *fixture_folder(void);
char *fixture_path(const char *name); /* below it; the caller frees */
void fixture_write(const char *name, const char *text);
char *fixture_read(const char *name); /* the caller frees; NULL when it is not there */
bool fixture_exists(const char *name);
/* Makes a backup and opens it; unlocked when the spec has a password and unlock is true. */
struct kb_backup *fixture_backup(const struct gen_spec *spec, bool unlock);
struct kb_backup *fixture_open(const char *path);
void fixture_unlock(struct kb_backup *backup, const char *password);
int fixture_run(const char *name, TCase **cases, size_t count);

#define ck_ok(result)                                                                                                  \
    do {                                                                                                               \
        struct kb_result ck_result = (result);                                                                         \
        ck_assert_msg(!kb_failed(&ck_result), "%s", ck_result.text);                                                   \
    } while (0)
#define ck_fails(result, want_domain, want_code)                                                                       \
    do {                                                                                                               \
        struct kb_result ck_result = (result);                                                                         \
        ck_assert_msg(kb_is(&ck_result, want_domain, want_code), "%s/%d: %s", kb_domain_name(ck_result.domain),        \
                      ck_result.code, ck_result.text);                                                                 \
    } while (0)
#endif
