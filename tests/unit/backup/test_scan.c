/* The rows and the files side by side: whatever is held in memory at a time, each row comes once, with its file. */
#include "../../../src/backup/scan.h"
#include "fixture.h"

struct seen {
    uint64_t rows, stored, extra; /* hashes that are added up: the order does not count */
    int row_count, stored_count, extra_count, stop_after, last, passes;
};

static uint64_t hash(const char *text, size_t size) {
    uint64_t value = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++) value = (value ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return value;
}

static bool on_row(void *arg, const struct kb_row *row, const struct kb_stored *stored) {
    struct seen *seen = arg;

    seen->row_count++;
    seen->rows += hash(row->domain, row->domain_size) ^ hash(row->path, row->path_size);
    if (stored) {
        char hex[41];

        kb_hex(hex, stored->id, 20);
        ck_assert_str_eq(hex, row->file_id);
        seen->stored_count++;
        seen->stored += hash(hex, 40) + (uint64_t)stored->size;
    }
    return seen->stop_after == 0 || seen->row_count < seen->stop_after;
}

static bool on_folder(void *arg, int folder) {
    struct seen *seen = arg;

    ck_assert_int_ge(folder, seen->last);
    seen->last = folder;
    return true;
}

static void on_extra(void *arg, const char *file_id, const struct kb_stored *stored) {
    struct seen *seen = arg;

    seen->extra_count++;
    seen->extra += hash(file_id, 40) + (uint64_t)stored->size;
}

static struct kb_result run(struct kb_backup *backup, size_t span, struct seen *seen, struct kb_findings *findings) {
    const struct kb_scan_ops ops = {.row = on_row, .folder = on_folder, .extra = on_extra, .span = span, .arg = seen};
    struct kb_scan_totals totals;
    struct kb_db *db = NULL;
    struct kb_result res;

    ck_ok(kb_db_open(backup, NULL, NULL, &db));
    res = kb_scan(backup, span % 2 ? kb_scan_ahead(backup) : NULL, db, &ops, findings, &totals);
    kb_db_close(db);
    return res;
}

static const char *const damages[] = {NULL, "payload-missing", "extra-file", "file-id-other", "type-id"};
static const size_t spans[] = {0, 1, 7, 100};

START_TEST(test_spans) {
    struct gen_spec spec = {.password = _i & 1 ? "kit" : NULL, .files = 400, .damage = damages[_i / 2]};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct seen first = {0};

    for (size_t i = 0; i < KB_ARRAY_SIZE(spans); i++) {
        struct seen seen = {0};
        struct kb_findings findings = {0};

        ck_ok(run(backup, spans[i], &seen, &findings));
        ck_assert_int_ge(seen.row_count, 400);
        ck_assert_int_eq(seen.last, 256);
        seen.last = 0;
        if (i == 0) first = seen;
        ck_assert_msg(memcmp(&first, &seen, sizeof seen) == 0, "%d files at a time: %d rows, %d stored, %d extra",
                      (int)spans[i], seen.row_count, seen.stored_count, seen.extra_count);
    }
    ck_assert_int_ge(first.stored_count, 399);
    kb_backup_free(backup);
}
END_TEST

/* Who stops is not asked again, in whichever pass. */
START_TEST(test_stop) {
    struct gen_spec spec = {.files = 50};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct seen seen = {.stop_after = _i ? 30 : 1};
    struct kb_findings findings = {0};
    struct kb_result res = run(backup, _i ? 1 : 0, &seen, &findings);

    ck_assert_int_eq(res.domain, KB_CANCELLED);
    ck_assert_int_eq(seen.row_count, seen.stop_after);
    kb_backup_free(backup);
}
END_TEST

START_TEST(test_file_id) {
    unsigned char id[20];
    const char *const wrong[] = {
        "",
        "3d0d7e5fb2ce288813306e4d4636395e047a3d2",
        "3D0d7e5fb2ce288813306e4d4636395e047a3d28",
        "3d0d7e5fb2ce288813306e4d4636395e047a3d2g",
        "/d0d7e5fb2ce288813306e4d4636395e047a3d28",
        "3d0d7e5fb2ce288813306e4d4636395e047a3d\xff\xff",
    };

    ck_assert(kb_file_id_bytes("3d0d7e5fb2ce288813306e4d4636395e047a3d28", 40, id));
    ck_assert_int_eq(id[0], 0x3d);
    ck_assert_int_eq(id[19], 0x28);
    for (size_t i = 0; i < KB_ARRAY_SIZE(wrong); i++) ck_assert(!kb_file_id_bytes(wrong[i], strlen(wrong[i]), id));
    ck_assert(!kb_file_id_bytes(NULL, 40, id));
}
END_TEST

int main(void) {
    TCase *cases[] = {tcase_create("scan")};

    tcase_add_loop_test(cases[0], test_spans, 0, 2 * (int)KB_ARRAY_SIZE(damages));
    tcase_add_loop_test(cases[0], test_stop, 0, 2);
    tcase_add_test(cases[0], test_file_id);
    return fixture_run("backup/scan", cases, KB_ARRAY_SIZE(cases));
}
