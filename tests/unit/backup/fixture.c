#define _GNU_SOURCE
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

const char *fixture_folder(void) { return folder; }

void fixture_setup(void) {
    strcpy(folder, "/tmp/kitbench-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* A folder that nobody may list could not be removed either. */
static void allow(const char *path, int depth) {
    DIR *here = opendir(path);
    struct dirent *entry;

    if (!here && errno == EACCES && chmod(path, 0700) == 0) here = opendir(path);
    while (here && (entry = readdir(here)) != NULL) {
        char *below = kb_xasprintf("%s/%s", path, entry->d_name);

        if (depth > 0 && entry->d_name[0] != '.') allow(below, depth - 1);
        free(below);
    }
    if (here) closedir(here);
}

void fixture_teardown(void) {
    struct kb_dir *dir = NULL;

    allow(folder, 2);
    ck_ok(kb_dir_open("/tmp", false, &dir));
    ck_ok(kb_dir_remove(dir, kb_path_base(folder)));
    kb_dir_close(dir);
}

char *fixture_path(const char *name) { return kb_xasprintf("%s/%s", folder, name); }

void fixture_write(const char *name, const char *text) {
    char *path = fixture_path(name);
    FILE *file = fopen(path, "wb");

    ck_assert_msg(file != NULL, "%s", path);
    fwrite(text, 1, strlen(text), file);
    fclose(file);
    free(path);
}

char *fixture_read(const char *name) {
    char *path = fixture_path(name);
    struct kb_buf text = {NULL, 0, 0};
    struct kb_result res = kb_file_load(path, 1 << 28, &text);

    free(path);
    return kb_failed(&res) ? NULL : kb_buf_steal(&text);
}

bool fixture_exists(const char *name) {
    char *path = fixture_path(name);
    struct stat st;
    bool found = lstat(path, &st) == 0;

    free(path);
    return found;
}

struct kb_backup *fixture_open(const char *path) {
    struct kb_backup *backup = NULL;

    ck_ok(kb_backup_open(path, &backup));
    return backup;
}

void fixture_unlock(struct kb_backup *backup, const char *password) {
    struct kb_secret *secret = kb_secret_new(password, strlen(password));

    ck_ok(kb_backup_unlock(backup, secret, NULL, NULL));
    kb_secret_free(secret);
}

struct kb_backup *fixture_backup(const struct gen_spec *spec, bool unlock) {
    char *path = fixture_path(spec->udid ? spec->udid : GEN_UDID);
    struct kb_backup *backup;

    ck_assert(gen_backup(folder, spec));
    backup = fixture_open(path);
    if (unlock && spec->password) fixture_unlock(backup, spec->password);
    free(path);
    return backup;
}

int fixture_run(const char *name, TCase **cases, size_t count) {
    Suite *suite = suite_create(name);
    SRunner *runner;
    int failed;

    for (size_t i = 0; i < count; i++) {
        tcase_add_checked_fixture(cases[i], fixture_setup, fixture_teardown);
        tcase_set_timeout(cases[i], 60);
        suite_add_tcase(suite, cases[i]);
    }
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
