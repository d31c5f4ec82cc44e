/* A fresh folder for a test, gone with it. */
#include "folder.h"

char folder[64];

void folder_setup(void) {
    snprintf(folder, sizeof folder, "/tmp/kb-host.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

void folder_teardown(void) {
    struct kb_dir *dir = NULL;
    ck_ok(kb_dir_open("/tmp", false, &dir));
    ck_ok(kb_dir_remove(dir, kb_path_base(folder)));
    kb_dir_close(dir);
}

const char *in_folder(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void write_file(const char *name, const char *text) {
    FILE *file = fopen(in_folder(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert(fputs(text, file) >= 0 && fclose(file) == 0);
}

const char *read_file(const char *name) {
    static char text[4096];
    FILE *file = fopen(in_folder(name), "r");
    if (!file) return "(none)";
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    fclose(file);
    return text;
}

int run_suite(const char *name, TCase *cases) {
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
