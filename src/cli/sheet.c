/* The job sheet: its mistakes for people, and the backups that it names. */
#include "sheet.h"

#include <stdlib.h>

int kb_sheet_tell(const struct kb_cli *cli, const char *path, struct kb_sheet *sheet, const struct kb_result *why) {
    kb_sheet_sort_errors(sheet);
    for (int i = 0; i < sheet->error_count; i++)
        kb_say(cli, "%s:%d:%d: %s", path, sheet->errors[i].at.line, sheet->errors[i].at.column, sheet->errors[i].text);
    if (sheet->error_total > sheet->error_count)
        kb_say(cli, _("%d more mistakes are not shown."), sheet->error_total - sheet->error_count);
    return kb_say_result(cli, why);
}

/* A whole UDID needs no look through the store: with a thousand lines that would be a million names. */
struct kb_result kb_sheet_backup(const struct kb_cli *cli, const char *word, char **path) {
    if (kb_udid_is_valid(word)) {
        char *here = kb_xasprintf("./%s", word), *there = kb_path_join(cli->store, word);
        struct kb_result res = kb_backup_resolve(NULL, here, path);
        if (kb_failed(&res)) res = kb_backup_resolve(NULL, there, path);
        free(here);
        free(there);
        if (!kb_failed(&res)) return res;
    }
    return kb_backup_resolve(cli->store, word, path);
}
