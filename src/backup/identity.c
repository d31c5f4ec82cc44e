/*
 * By what a folder is known again, so that it need not be proved twice: sizes, times and file numbers of its lists, its
 * database and its seal, and names, sizes and times of all its files as the last walk saw them. Says nothing of bits
 * that changed by themselves: whoever remembers a proof forgets it after some days.
 */
#include <stdlib.h>
#include <string.h>

#include "seal.h"

static void note(struct kb_buf *text, struct kb_dir *dir, const char *name, int64_t *newest) {
    struct kb_stat stat = {0};
    struct kb_result res = dir ? kb_dir_stat(dir, name, &stat) : kb_fail(KB_HOST, KB_HOST_NOT_FOUND, "-");

    if (kb_failed(&res)) {
        kb_buf_puts(text, "-;");
        return;
    }
    if (newest && stat.modified > *newest) *newest = stat.modified;
    kb_buf_printf(text, "%d,%lld,%lld.%09lld,%llx,%llx;", (int)stat.kind, (long long)stat.size,
                  (long long)stat.modified, (long long)stat.modified_ns, (unsigned long long)stat.id,
                  (unsigned long long)stat.volume);
}

static void note_seal(struct kb_buf *text, const struct kb_backup *backup) {
    static const char *const ends[] = {"sha256", "facts.json"};
    char *root = kb_seal_root(backup);
    struct kb_dir *dir = NULL;
    struct kb_result res = kb_dir_open(root, false, &dir);

    if (kb_failed(&res)) dir = NULL;
    for (size_t i = 0; i < KB_ARRAY_SIZE(ends); i++) {
        char *name = kb_xasprintf("%s.%s", kb_path_base(backup->path), ends[i]);

        note(text, dir, name, NULL);
        free(name);
    }
    kb_dir_close(dir);
    free(root);
}

char *kb_backup_identity(struct kb_backup *backup, int64_t *newest) {
    static const char *const names[] = {"Manifest.db", "Manifest.plist", "Status.plist", "Info.plist"};
    struct kb_buf text = {NULL, 0, 0};

    if (!backup->walked) return NULL;
    *newest = backup->newest;
    for (size_t i = 0; i < KB_ARRAY_SIZE(names); i++) note(&text, backup->dir, names[i], newest);
    note_seal(&text, backup);
    kb_buf_printf(&text, "%lld,%016llx", (long long)backup->walked_files, (unsigned long long)backup->print);
    return kb_buf_steal(&text);
}
