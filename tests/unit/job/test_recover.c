/* What a kill leaves behind, for every touch and state, in a real journal; and that a living worker's job is let alone.
 */
#include "../../../src/job/job.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UDID "00008110-000A1B2C3D4E5F60"

static char home[] = "/tmp/kb-recover-XXXXXX";
static struct kb_journal *journal;

static void setup(void) {
    strcpy(home, "/tmp/kb-recover-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    setenv("KITBENCH_HOME", home, 1);
    struct kb_result res = kb_journal_open(home, &journal);
    ck_assert_msg(!kb_failed(&res), "%s", res.text);
}

static void teardown(void) {
    struct kb_dir *dir = NULL;
    kb_journal_close(journal);
    struct kb_result res = kb_dir_open("/tmp", false, &dir);
    if (!kb_failed(&res)) res = kb_dir_remove(dir, home + 5);
    ck_assert(!kb_failed(&res));
    kb_dir_close(dir);
}

static const struct {
    const char *why;
    enum kb_job_kind kind;
    enum kb_touch touch;
    enum kb_state state, want;
    const char *says; /* part of the sentence; NULL: untouched */
} cases[] = {
    {"killed while checking", KB_JOB_RESTORE, KB_TOUCH_NOTHING, KB_STATE_CHECKING, KB_STATE_WAITING,
     "before anything was written"},
    {"killed while a hand was awaited", KB_JOB_RESTORE, KB_TOUCH_NOTHING, KB_STATE_OPERATOR, KB_STATE_WAITING,
     "before anything was written"},
    {"killed when ready", KB_JOB_RESTORE, KB_TOUCH_NOTHING, KB_STATE_READY, KB_STATE_WAITING,
     "before anything was written"},
    {"killed before the request went out", KB_JOB_RESTORE, KB_TOUCH_NOTHING, KB_STATE_RESTORING, KB_STATE_WAITING,
     "before anything was written"},
    {"killed in the middle", KB_JOB_RESTORE, KB_TOUCH_ASKED, KB_STATE_RESTORING, KB_STATE_SET_ASIDE, "half restored"},
    {"killed after 97 %", KB_JOB_RESTORE, KB_TOUCH_ASKED, KB_STATE_REBOOTING, KB_STATE_REBOOTING, "perhaps restored"},
    {"killed right after the Response", KB_JOB_RESTORE, KB_TOUCH_ANSWERED, KB_STATE_RESTORING, KB_STATE_REBOOTING,
     "not read since"},
    {"killed while it restarted", KB_JOB_RESTORE, KB_TOUCH_ANSWERED, KB_STATE_REBOOTING, KB_STATE_REBOOTING,
     "not read since"},
    {"killed between confirmed and steps", KB_JOB_RESTORE, KB_TOUCH_CONFIRMED, KB_STATE_REBOOTING, KB_STATE_STEPS,
     "its steps"},
    {"steps are open: nothing to settle", KB_JOB_RESTORE, KB_TOUCH_CONFIRMED, KB_STATE_STEPS, KB_STATE_STEPS, NULL},
    {"a backup in the middle", KB_JOB_BACKUP, KB_TOUCH_NOTHING, KB_STATE_BACKING_UP, KB_STATE_WAITING,
     "where it stopped"},
    {"a backup that waited for a hand", KB_JOB_BACKUP, KB_TOUCH_NOTHING, KB_STATE_OPERATOR, KB_STATE_WAITING,
     "before the backup began"},
    {"an iCloud guide", KB_JOB_GUIDE, KB_TOUCH_NOTHING, KB_STATE_CHECKING, KB_STATE_WAITING, "start it again"},
    {"done stays done", KB_JOB_RESTORE, KB_TOUCH_CONFIRMED, KB_STATE_DONE, KB_STATE_DONE, NULL},
    {"set aside stays set aside", KB_JOB_RESTORE, KB_TOUCH_ASKED, KB_STATE_SET_ASIDE, KB_STATE_SET_ASIDE, NULL},
    {"refused stays refused", KB_JOB_RESTORE, KB_TOUCH_NOTHING, KB_STATE_REFUSED, KB_STATE_REFUSED, NULL},
};

static void must(struct kb_result res) { ck_assert_msg(!kb_failed(&res), "%s", res.text); }

static void make_job(enum kb_job_kind kind, enum kb_touch touch, enum kb_state state, char id[KB_JOB_ID_ROOM]) {
    struct kb_job row;
    memset(&row, 0, sizeof row);
    kb_job_new_id(row.id);
    strcpy(id, row.id);
    row.kind = kind;
    strcpy(row.device, UDID);
    strcpy(row.owner, "1@elsewhere");
    row.same_device = KB_UNKNOWN;
    must(kb_journal_create_job(journal, &row));
    for (int t = KB_TOUCH_NOTHING + 1; t <= (int)touch; t++) must(kb_journal_set_touch(journal, id, (enum kb_touch)t));
    must(kb_journal_set_state(journal, id, state, "as it was"));
}

static bool take(void *arg, const struct kb_job *row) {
    *(struct kb_job *)arg = *row;
    return true;
}

static struct kb_job only_job(void) {
    struct kb_job row;
    memset(&row, 0, sizeof row);
    must(kb_journal_jobs(journal, NULL, take, &row));
    row.columns = NULL;
    return row;
}

START_TEST(test_settles) {
    char id[KB_JOB_ID_ROOM], text[480];
    make_job(cases[_i].kind, cases[_i].touch, cases[_i].state, id);
    must(kb_job_recover(journal));
    struct kb_job row = only_job();
    ck_assert_msg(row.state == cases[_i].want, "%s: %s", cases[_i].why, kb_state_name(row.state));
    ck_assert_int_eq(row.touch, cases[_i].touch);
    if (cases[_i].says)
        ck_assert_msg(strstr(row.text, cases[_i].says) != NULL, "%s: says %s", cases[_i].why, row.text);
    else
        ck_assert_str_eq(row.text, "as it was");
    kb_job_describe(KB_LANG_EN, &row, text, sizeof text);
    ck_assert_msg(text[0] != 0, "%s: no sentence", cases[_i].why);
}
END_TEST

/* A second start finds nothing to do: no rows for ever. */
START_TEST(test_settles_once) {
    char id[KB_JOB_ID_ROOM], last[65];
    int64_t rows = 0, again = 0, broken = 0;
    make_job(KB_JOB_RESTORE, KB_TOUCH_ANSWERED, KB_STATE_RESTORING, id);
    must(kb_job_recover(journal));
    must(kb_journal_prove(journal, &rows, &broken, last));
    must(kb_job_recover(journal));
    must(kb_journal_prove(journal, &again, &broken, last));
    ck_assert_int_eq(rows, again);
    ck_assert_int_eq(broken, 0);
}
END_TEST

START_TEST(test_living_worker_is_let_alone) {
    char id[KB_JOB_ID_ROOM], path[128];
    struct kb_dir *dir = NULL;
    struct kb_lock *lock = NULL;
    make_job(KB_JOB_RESTORE, KB_TOUCH_ASKED, KB_STATE_RESTORING, id);
    snprintf(path, sizeof path, "%s/locks", home);
    must(kb_dir_open(path, true, &dir));
    snprintf(path, sizeof path, "%s/locks/%s.lock", home, UDID);
    must(kb_lock_take(path, false, 0, &lock));
    must(kb_job_recover(journal));
    ck_assert_int_eq(only_job().state, KB_STATE_RESTORING);
    kb_lock_release(lock);
    must(kb_job_recover(journal));
    ck_assert_int_eq(only_job().state, KB_STATE_SET_ASIDE);
    kb_dir_close(dir);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("job recover");
    TCase *tcase = tcase_create("recover");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_settles, 0, (int)KB_ARRAY_SIZE(cases));
    tcase_add_test(tcase, test_settles_once);
    tcase_add_test(tcase, test_living_worker_is_let_alone);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
