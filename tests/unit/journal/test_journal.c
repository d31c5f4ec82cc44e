/* The journal: jobs and steps are what their rows say, whoever writes and whoever dies. */
#include "db.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static struct kb_journal *journal;

static void must(struct kb_result res) { ck_assert_msg(!kb_failed(&res), "%s", res.text); }

static struct kb_journal *open_again(void) {
    struct kb_journal *other = NULL;
    must(kb_journal_open(folder, &other));
    return other;
}

static void setup(void) {
    strcpy(folder, "/tmp/kb-journal-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    journal = open_again();
}

static void teardown(void) {
    struct kb_dir *dir = NULL;
    kb_journal_close(journal);
    must(kb_dir_open(folder, false, &dir));
    must(kb_dir_remove(dir, "journal.db"));
    must(kb_dir_remove(dir, "journal.db-journal"));
    kb_dir_close(dir);
    rmdir(folder);
}

/* A restore job of the manual's row: another device, supervised onto supervised, agent △. */
static struct kb_job a_job(const char *id, const char *device) {
    struct kb_job job = {.kind = KB_JOB_RESTORE, .same_device = KB_NO, .source = KB_SOURCE_SUPERVISED};
    job.target = KB_TARGET_SUPERVISED;
    kb_text_copy(job.id, sizeof job.id, id);
    kb_text_copy(job.device, sizeof job.device, device);
    kb_text_copy(job.by, sizeof job.by, "佐藤");
    return job;
}

static bool copy_job(void *arg, const struct kb_job *job) {
    struct kb_job *out = arg;
    *out = *job;
    out->columns = NULL;
    return true;
}

/* The job with that id, as another process would read it. */
static struct kb_job read_job(const char *id) {
    struct kb_fold *fold = kb_fold_new();
    struct kb_job job;
    must(kb_fold_need(journal, id, fold));
    copy_job(&job, &fold->job);
    kb_fold_free(fold);
    return job;
}

static int64_t broken(struct kb_journal *in, int64_t *rows) {
    int64_t count = 0, at = -1;
    char last[65];
    must(kb_journal_prove(in, &count, &at, last));
    if (rows) *rows = count;
    return at;
}

/* ---- Create and fold ----------------------------------------------------------------------------------------------
 */

START_TEST(test_create_and_fold) {
    struct kb_job job = a_job("20261124T063000-4f2a91", "00008030-001A2B3C4D5E802E"), back = {0};
    bool found = false;
    kb_text_copy(job.batch, sizeof job.batch, "B1");
    kb_text_copy(job.device_name, sizeof job.device_name, "佐藤の\"iPhone\"\n");
    kb_text_copy(job.backup, sizeof job.backup, "/store/00008030-0000000000000001");
    kb_text_copy(job.slot, sizeof job.slot, "A-3");
    kb_text_copy(job.user, sizeof job.user, "鈴木");
    job.route = KB_ROUTE_ICLOUD;
    job.columns = json_pack("{s:s}", "部署", "営業");
    must(kb_journal_create_job(journal, &job));
    kb_job_release(&job);
    must(kb_journal_last_job(journal, "00008030-001A2B3C4D5E802E", &back, &found));
    ck_assert(found);
    ck_assert_str_eq(back.id, "20261124T063000-4f2a91");
    ck_assert_str_eq(back.batch, "B1");
    ck_assert_str_eq(back.device_name, "佐藤の\"iPhone\"\n");
    ck_assert_str_eq(back.backup, "/store/00008030-0000000000000001");
    ck_assert_str_eq(back.slot, "A-3");
    ck_assert_str_eq(back.user, "鈴木");
    ck_assert_str_eq(back.by, "佐藤");
    ck_assert_int_eq(back.kind, KB_JOB_RESTORE);
    ck_assert_int_eq(back.route, KB_ROUTE_ICLOUD);
    ck_assert_int_eq(back.source, KB_SOURCE_SUPERVISED);
    ck_assert_int_eq(back.target, KB_TARGET_SUPERVISED);
    ck_assert_int_eq(back.same_device, KB_NO);
    ck_assert_int_eq(back.state, KB_STATE_WAITING);
    ck_assert_int_eq(back.touch, KB_TOUCH_NOTHING);
    ck_assert_int_eq(back.step, KB_STEP_NONE);
    ck_assert_int_gt(back.created_at, 1600000000);
    ck_assert_int_eq(back.updated_at, back.created_at);
    ck_assert_str_eq(json_string_value(json_object_get(back.columns, "部署")), "営業");
    kb_job_release(&back);
    ck_assert_ptr_null(back.columns);
}
END_TEST

START_TEST(test_file_is_private) {
    char path[96];
    struct stat info;
    snprintf(path, sizeof path, "%s/journal.db", folder);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0600);
}
END_TEST

START_TEST(test_state_touch_facts_accept) {
    struct kb_job job = a_job("J1", "D1");
    json_t *judgement = json_pack("{s:s}", "verdict", "ready");
    job.same_device = KB_UNKNOWN;
    job.source = KB_SOURCE_UNKNOWN;
    must(kb_journal_create_job(journal, &job));
    must(kb_journal_set_state(journal, "J1", KB_STATE_RESTORING, "12 % sent"));
    must(kb_journal_set_touch(journal, "J1", KB_TOUCH_ASKED));
    job.source = KB_SOURCE_NO_MDM;
    job.same_device = KB_YES;
    kb_text_copy(job.backup_serial, sizeof job.backup_serial, "C39");
    must(kb_journal_set_facts(journal, &job, judgement));
    json_decref(judgement);
    must(kb_journal_accept(journal, "J1", KB_RULE_BACKUP_UNENCRYPTED, "佐藤"));
    must(kb_journal_accept(journal, "J1", KB_RULE_IOS27_SUPERVISED, "佐藤"));
    must(kb_journal_accept(journal, "J1", KB_RULE_BACKUP_UNENCRYPTED, "鈴木"));
    struct kb_job back = read_job("J1");
    ck_assert_int_eq(back.state, KB_STATE_RESTORING);
    ck_assert_str_eq(back.text, "12 % sent");
    ck_assert_int_eq(back.touch, KB_TOUCH_ASKED);
    ck_assert_int_eq(back.source, KB_SOURCE_NO_MDM);
    ck_assert_int_eq(back.same_device, KB_YES);
    ck_assert_str_eq(back.backup_serial, "C39");
    ck_assert_str_eq(back.accepted, "backup-unencrypted,ios27-supervised");
    must(kb_journal_set_state(journal, "J1", KB_STATE_FAILED, ""));
    ck_assert_str_eq(read_job("J1").text, "");
}
END_TEST

START_TEST(test_unknown_job) {
    struct kb_job job = a_job("J1", "D1"), back;
    bool done = true, found = true;
    struct kb_result res[] = {kb_journal_set_state(journal, "J9", KB_STATE_READY, "x"),
                              kb_journal_set_touch(journal, "J9", KB_TOUCH_ASKED),
                              kb_journal_accept(journal, "J9", KB_RULE_BATTERY, "x"),
                              kb_journal_close_step(journal, "J9", KB_STEP_WIFI, KB_STEP_DONE, "device", "", ""),
                              kb_journal_finish_if_closed(journal, "J9", &done)};
    for (size_t i = 0; i < KB_ARRAY_SIZE(res); i++) ck_assert_int_eq(res[i].domain, KB_JOURNAL);
    ck_assert(!done);
    must(kb_journal_last_job(journal, "D1", &back, &found));
    ck_assert(!found);
    must(kb_journal_create_job(journal, &job));
    struct kb_result twice = kb_journal_create_job(journal, &job);
    ck_assert_int_eq(twice.domain, KB_JOURNAL);
    int64_t rows;
    ck_assert_int_eq(broken(journal, &rows), 0);
    ck_assert_int_eq(rows, 1); /* what was refused left nothing */
}
END_TEST

struct seen {
    char text[400];
};

static bool see_step(void *arg, const struct kb_job_step *step) {
    struct seen *seen = arg;
    size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof seen->text - used, "%s/%s=%s ", step->job, kb_step_name(step->step),
             kb_step_state_name(step->state));
    return true;
}

static bool see_job(void *arg, const struct kb_job *job) {
    struct seen *seen = arg;
    size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof seen->text - used, "%s ", job->id);
    must(kb_journal_set_state(journal, job->id, KB_STATE_CHECKING, "seen")); /* writing while reading */
    return strcmp(job->id, "J2") != 0;
}

START_TEST(test_order_and_stop) {
    struct seen seen = {""};
    static const char *const ids[] = {"J3", "J1", "J2", "J4"};
    struct kb_job back;
    bool found = false;
    for (size_t i = 0; i < KB_ARRAY_SIZE(ids); i++) {
        struct kb_job job = a_job(ids[i], i == 1 || i == 2 ? "D1" : "D2");
        must(kb_journal_create_job(journal, &job));
    }
    must(kb_journal_jobs(journal, NULL, see_job, &seen));
    ck_assert_str_eq(seen.text, "J3 J1 J2 "); /* as they began, until the callback had enough */
    must(kb_journal_last_job(journal, "D1", &back, &found));
    ck_assert(found);
    ck_assert_str_eq(back.id, "J2");
}
END_TEST

/* A row that only speaks of the device, or of one whose UDID begins like it, is another's. */
START_TEST(test_jobs_of_one_device) {
    struct seen seen = {""};
    static const struct {
        const char *id, *device, *user;
    } rows[] = {{"J4", "D1", ""}, {"J3", "D2", "D1"}, {"J5", "D11", ""}, {"J1", "D1", ""}};
    for (size_t i = 0; i < KB_ARRAY_SIZE(rows); i++) {
        struct kb_job job = a_job(rows[i].id, rows[i].device);
        kb_text_copy(job.user, sizeof job.user, rows[i].user);
        must(kb_journal_create_job(journal, &job));
    }
    must(kb_journal_jobs(journal, "D1", see_job, &seen));
    ck_assert_str_eq(seen.text, "J4 J1 ");
    seen.text[0] = 0;
    must(kb_journal_jobs(journal, "D3", see_job, &seen));
    ck_assert_str_eq(seen.text, "");
}
END_TEST

static struct kb_result create_and_check(void *arg) {
    struct kb_result res = kb_journal_create_job(journal, arg);
    return kb_failed(&res) ? res : kb_journal_set_state(journal, "J1", KB_STATE_CHECKING, "");
}

/* Its last write fails: the job is there already. */
static struct kb_result ready_and_create(void *arg) {
    struct kb_result res = kb_journal_set_state(journal, "J1", KB_STATE_READY, "");
    return kb_failed(&res) ? res : kb_journal_create_job(journal, arg);
}

START_TEST(test_together) {
    struct kb_job job = a_job("J1", "D1"), back;
    int64_t rows;
    bool found = false;
    must(kb_journal_together(journal, create_and_check, &job));
    struct kb_result res = kb_journal_together(journal, ready_and_create, &job);
    ck_assert_int_eq(res.domain, KB_JOURNAL);
    ck_assert_int_eq(broken(journal, &rows), 0);
    ck_assert_int_eq(rows, 2); /* all of the first, nothing of the second */
    must(kb_journal_find_job(journal, "J1", &back, &found));
    ck_assert(found);
    ck_assert_int_eq(back.state, KB_STATE_CHECKING);
    kb_job_release(&back);
    must(kb_journal_set_state(journal, "J1", KB_STATE_FAILED, "alone again"));
    ck_assert_int_eq(broken(journal, &rows), 0);
    ck_assert_int_eq(rows, 3);
}
END_TEST

/* ---- Steps --------------------------------------------------------------------------------------------------------
 */

static void open_plan(const char *id) {
    enum kb_step steps[KB_MAX_PLAN];
    int count =
        kb_plan_steps(KB_ROUTE_USB, kb_case_find(KB_SOURCE_SUPERVISED, false, KB_TARGET_SUPERVISED), KB_NO, steps);
    must(kb_journal_open_steps(journal, id, steps, count));
}

static void close_by_device(const char *id, enum kb_step step) {
    must(kb_journal_close_step(journal, id, step, KB_STEP_DONE, "device", "", "seen"));
}

START_TEST(test_reauth_keeps_it_open) {
    struct kb_job job = a_job("J1", "D1");
    struct seen seen = {""};
    bool done = true;
    must(kb_journal_create_job(journal, &job));
    must(kb_journal_set_state(journal, "J1", KB_STATE_STEPS, ""));
    open_plan("J1");
    open_plan("J1"); /* again: nothing is opened twice */
    must(kb_journal_steps(journal, "J1", see_step, &seen));
    ck_assert_str_eq(seen.text, "J1/start-setup=open J1/choose-restore=open J1/wifi=open J1/remote-management=open "
                                "J1/apple-id=open J1/finish-setup=open J1/home-screen=open J1/agent-reauth=open ");
    ck_assert_int_eq(read_job("J1").step, KB_STEP_START_SETUP);
    close_by_device("J1", KB_STEP_START_SETUP);
    close_by_device("J1", KB_STEP_CHOOSE_RESTORE);
    close_by_device("J1", KB_STEP_WIFI);
    ck_assert_int_eq(read_job("J1").step, KB_STEP_REMOTE_MANAGEMENT);
    must(kb_journal_close_step(journal, "J1", KB_STEP_REMOTE_MANAGEMENT, KB_STEP_SKIPPED, "device", "", ""));
    must(kb_journal_close_step(journal, "J1", KB_STEP_APPLE_ID, KB_STEP_DONE, "operator", "佐藤", ""));
    close_by_device("J1", KB_STEP_FINISH_SETUP);
    close_by_device("J1", KB_STEP_HOME_SCREEN);
    must(kb_journal_finish_if_closed(journal, "J1", &done));
    ck_assert_msg(!done, "a △ device reports the old one's location until it is authenticated again");
    struct kb_result res = kb_journal_set_state(journal, "J1", KB_STATE_DONE, "really");
    ck_assert_int_eq(res.domain, KB_OPERATOR);
    res = kb_journal_close_step(journal, "J1", KB_STEP_AGENT_REAUTH, KB_STEP_DONE, "device", "", "looks fine");
    ck_assert_int_eq(res.domain, KB_USAGE); /* no device proves this */
    res = kb_journal_close_step(journal, "J1", KB_STEP_AGENT_REAUTH, KB_STEP_DONE, "operator", "", "");
    ck_assert_int_eq(res.domain, KB_USAGE); /* nobody's name */
    ck_assert_int_eq(read_job("J1").step, KB_STEP_AGENT_REAUTH);
    must(kb_journal_close_step(journal, "J1", KB_STEP_AGENT_REAUTH, KB_STEP_DONE, "operator", "佐藤", ""));
    must(kb_journal_finish_if_closed(journal, "J1", &done));
    ck_assert(done);
    ck_assert_int_eq(read_job("J1").state, KB_STATE_DONE);
    ck_assert_int_eq(read_job("J1").step, KB_STEP_NONE);
    must(kb_journal_finish_if_closed(journal, "J1", &done));
    ck_assert(done); /* still, and without another row */
    ck_assert_int_eq(broken(journal, NULL), 0);
}
END_TEST

START_TEST(test_reauth_never_opened) {
    struct kb_job job = a_job("J1", "D1");
    static const enum kb_step only[] = {KB_STEP_WIFI};
    bool done = true;
    must(kb_journal_create_job(journal, &job));
    must(kb_journal_set_state(journal, "J1", KB_STATE_STEPS, ""));
    must(kb_journal_open_steps(journal, "J1", only, 1));
    close_by_device("J1", KB_STEP_WIFI);
    must(kb_journal_finish_if_closed(journal, "J1", &done));
    ck_assert_msg(!done, "the row of the case table asks for it, whoever forgot to open it");
}
END_TEST

START_TEST(test_life_before_proves_nothing) {
    struct kb_job job = a_job("J1", "D1");
    must(kb_journal_create_job(journal, &job));
    open_plan("J1");
    close_by_device("J1", KB_STEP_HOME_SCREEN); /* set up: yes, but that was before */
    close_by_device("J1", KB_STEP_REMOTE_MANAGEMENT);
    ck_assert_int_eq(read_job("J1").step, KB_STEP_START_SETUP);
    must(kb_journal_close_step(journal, "J1", KB_STEP_APPLE_ID, KB_STEP_DONE, "operator", "佐藤",
                               "")); /* a person may */
    close_by_device("J1", KB_STEP_START_SETUP);
    close_by_device("J1", KB_STEP_CHOOSE_RESTORE);
    close_by_device("J1", KB_STEP_WIFI);
    ck_assert_int_eq(read_job("J1").step, KB_STEP_REMOTE_MANAGEMENT); /* it was not closed by the early reading */
    close_by_device("J1", KB_STEP_REMOTE_MANAGEMENT);
    close_by_device("J1", KB_STEP_FINISH_SETUP);
    ck_assert_int_eq(read_job("J1").step, KB_STEP_HOME_SCREEN);
}
END_TEST

START_TEST(test_close_details) {
    struct kb_job job = a_job("J1", "D1");
    struct kb_fold *fold = kb_fold_new();
    int64_t before, after;
    must(kb_journal_create_job(journal, &job));
    open_plan("J1");
    must(kb_journal_close_step(journal, "J1", KB_STEP_WIFI, KB_STEP_DONE, "operator", "佐藤", "見た"));
    broken(journal, &before);
    must(kb_journal_close_step(journal, "J1", KB_STEP_WIFI, KB_STEP_SKIPPED, "device", "", "again"));
    broken(journal, &after);
    ck_assert_int_eq(before, after); /* closing a closed one changes nothing */
    must(kb_fold_need(journal, "J1", fold));
    const struct kb_job_step *step = kb_fold_step(fold, KB_STEP_WIFI);
    ck_assert_int_eq(step->state, KB_STEP_DONE);
    ck_assert_str_eq(step->evidence, "operator");
    ck_assert_str_eq(step->by, "佐藤");
    ck_assert_str_eq(step->detail, "見た");
    ck_assert_str_eq(step->device, "D1");
    ck_assert_int_ge(step->closed_at, step->open_since);
    ck_assert_int_eq(kb_fold_step(fold, KB_STEP_APPLE_ID)->closed_at, -1);
    kb_fold_free(fold);
    struct kb_result res = kb_journal_close_step(journal, "J1", KB_STEP_KITTING, KB_STEP_DONE, "operator", "x", "");
    ck_assert_int_eq(res.domain, KB_USAGE); /* this job has no such step */
}
END_TEST

START_TEST(test_steps_of_all_jobs) {
    struct seen seen = {""};
    static const enum kb_step one[] = {KB_STEP_WIFI}, two[] = {KB_STEP_APPLE_ID};
    struct kb_job a = a_job("J1", "D1"), b = a_job("J2", "D2");
    must(kb_journal_create_job(journal, &a));
    must(kb_journal_create_job(journal, &b));
    must(kb_journal_open_steps(journal, "J2", two, 1));
    must(kb_journal_open_steps(journal, "J1", one, 1));
    must(kb_journal_steps(journal, NULL, see_step, &seen));
    ck_assert_str_eq(seen.text, "J1/wifi=open J2/apple-id=open ");
}
END_TEST

/* ---- Owners -------------------------------------------------------------------------------------------------------
 */

START_TEST(test_owner) {
    struct kb_job job = a_job("J1", "D1");
    must(kb_journal_create_job(journal, &job));
    struct kb_job back = read_job("J1");
    ck_assert_ptr_nonnull(strchr(back.owner, '@'));
    ck_assert_int_eq(atoi(back.owner), getpid());
    ck_assert(kb_journal_owner_alive(&back));
    pid_t child = fork();
    if (child == 0) {
        struct kb_journal *mine = NULL;
        struct kb_result res = kb_journal_open(folder, &mine);
        if (!kb_failed(&res)) res = kb_journal_set_state(mine, "J1", KB_STATE_RESTORING, "by a child");
        _exit(kb_failed(&res));
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    back = read_job("J1");
    ck_assert_int_eq(atoi(back.owner), child);
    ck_assert_msg(!kb_journal_owner_alive(&back), "the child is gone");
    must(kb_journal_set_state(journal, "J1", KB_STATE_STEPS, ""));
    back = read_job("J1");
    ck_assert_str_eq(back.owner, "");
    ck_assert(!kb_journal_owner_alive(&back));
    snprintf(back.owner, sizeof back.owner, "%d@elsewhere.invalid", getpid());
    ck_assert(!kb_journal_owner_alive(&back));
}
END_TEST

/* ---- Several writers ------------------------------------------------------------------------------------------------
 */

START_TEST(test_two_connections) {
    struct kb_journal *other = open_again();
    struct kb_job job = a_job("J1", "D1");
    int64_t rows;
    must(kb_journal_create_job(journal, &job));
    for (int i = 0; i < 10; i++) {
        char text[20];
        snprintf(text, sizeof text, "%d", i);
        must(kb_journal_set_state(i % 2 ? journal : other, "J1", KB_STATE_RESTORING, text));
        ck_assert_str_eq(read_job("J1").text, text);
    }
    ck_assert_int_eq(broken(other, &rows), 0);
    ck_assert_int_eq(rows, 11);
    kb_journal_close(other);
}
END_TEST

static void write_many(int number, int count) {
    struct kb_journal *mine = NULL;
    char id[20];
    snprintf(id, sizeof id, "P%d", number);
    struct kb_job job = a_job(id, id);
    struct kb_result res = kb_journal_open(folder, &mine);
    if (!kb_failed(&res)) res = kb_journal_create_job(mine, &job);
    for (int i = 1; i < count && !kb_failed(&res); i++) res = kb_journal_set_state(mine, id, KB_STATE_RESTORING, "x");
    kb_journal_close(mine);
    _exit(kb_failed(&res) ? 1 : 0);
}

START_TEST(test_processes_at_once) {
    enum { WRITERS = 4, EACH = 25 };
    pid_t children[WRITERS];
    int64_t rows;
    for (int i = 0; i < WRITERS; i++) {
        if ((children[i] = fork()) == 0) write_many(i, EACH);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_int_eq(status, 0);
    }
    ck_assert_int_eq(broken(journal, &rows), 0);
    ck_assert_int_eq(rows, WRITERS * EACH);
}
END_TEST

START_TEST(test_first_open_at_once) {
    pid_t children[4];
    int64_t rows;
    teardown();
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    for (int i = 0; i < 4; i++) {
        if ((children[i] = fork()) == 0) write_many(i, 1); /* all of them make the schema */
    }
    for (int i = 0; i < 4; i++) {
        int status = -1;
        waitpid(children[i], &status, 0);
        ck_assert_int_eq(status, 0);
    }
    journal = open_again();
    ck_assert_int_eq(broken(journal, &rows), 0);
    ck_assert_int_eq(rows, 4);
}
END_TEST

/* Waits until another process has appended to the chain. */
static void wait_for_rows(int64_t more_than) {
    int64_t rows = 0;
    for (int i = 0; i < 2000 && rows <= more_than; i++) {
        usleep(5000);
        ck_assert_int_eq(broken(journal, &rows), 0); /* at no moment is it anything but whole */
    }
    ck_assert_int_gt(rows, more_than);
}

START_TEST(test_killed_writer) {
    int64_t before = 0;
    for (int round = 0; round < 5; round++) {
        pid_t child = fork();
        if (child == 0) write_many(100 + round, 1000000);
        wait_for_rows(before);
        usleep(1300 * (useconds_t)round); /* at another moment of its writing each time */
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        struct kb_journal *after = open_again();
        ck_assert_int_eq(broken(after, &before), 0);
        kb_journal_close(after);
    }
    struct kb_job job = a_job("J1", "D1");
    must(kb_journal_create_job(journal, &job)); /* an older connection goes on, too */
    ck_assert_int_eq(broken(journal, NULL), 0);
}
END_TEST

/* ---- Tampering ------------------------------------------------------------------------------------------------------
 */

#define LOOSE "DROP TRIGGER chain_is_not_changed; DROP TRIGGER chain_is_not_cut; "

/* Rows 1..6 are written before. */
static const struct {
    const char *why, *sql;
    int64_t broken_at;
} tampers[] = {
    {"nothing was changed", "SELECT 1", 0},
    {"another body", LOOSE "UPDATE chain SET body = replace(body, 'failed', 'done') WHERE seq = 6", 6},
    {"another time", LOOSE "UPDATE chain SET at = at + 1 WHERE seq = 2", 2},
    {"a time as text", LOOSE "UPDATE chain SET at = 'never' WHERE seq = 2", 2},
    {"another kind", LOOSE "UPDATE chain SET kind = 'note' WHERE seq = 3", 3},
    {"another job", LOOSE "UPDATE chain SET job = 'J2' WHERE seq = 3", 3},
    {"another hash", LOOSE "UPDATE chain SET hash = upper(hash) WHERE seq = 4", 4},
    {"another link", LOOSE "UPDATE chain SET previous = hash WHERE seq = 5", 5},
    {"a longer link", LOOSE "UPDATE chain SET previous = previous || '0' WHERE seq = 5", 5},
    {"a byte moved from one field to the next", LOOSE "UPDATE chain SET job = 'J', kind = '1' || kind WHERE seq = 2",
     2},
    {"the first row removed", LOOSE "DELETE FROM chain WHERE seq = 1", 1},
    {"a row removed", LOOSE "DELETE FROM chain WHERE seq = 3", 3},
    {"a row removed and the rest moved up",
     LOOSE "DELETE FROM chain WHERE seq = 3; UPDATE chain SET seq = seq - 1 WHERE seq > 3", 3},
    {"the last row removed", LOOSE "DELETE FROM chain WHERE seq = 6", 6},
    {"all rows removed", LOOSE "DELETE FROM chain", 1},
    {"two rows exchanged",
     LOOSE "UPDATE chain SET seq = 100 WHERE seq = 2; UPDATE chain SET seq = 2 WHERE seq = 3;"
           "UPDATE chain SET seq = 3 WHERE seq = 100",
     2},
    {"a row put in at the end", "INSERT INTO chain SELECT 7, at, job, kind, body, hash, hash FROM chain WHERE seq = 6",
     7},
    {"a row put in before the first",
     "INSERT INTO chain SELECT 0, at, job, kind, body, previous, hash FROM chain WHERE "
     "seq = 1",
     1},
    {"the end forgotten", "DELETE FROM head", 7},
    {"the end set back", LOOSE "DELETE FROM chain WHERE seq = 6; UPDATE head SET seq = 5", 6},
};

static void six_rows(void) {
    struct kb_job job = a_job("J1", "D1");
    must(kb_journal_create_job(journal, &job));
    must(kb_journal_set_state(journal, "J1", KB_STATE_CHECKING, ""));
    must(kb_journal_set_state(journal, "J1", KB_STATE_READY, ""));
    must(kb_journal_set_touch(journal, "J1", KB_TOUCH_ASKED));
    must(kb_journal_set_state(journal, "J1", KB_STATE_RESTORING, ""));
    must(kb_journal_set_state(journal, "J1", KB_STATE_FAILED, ""));
}

START_TEST(test_tampering) {
    six_rows();
    ck_assert_int_eq(broken(journal, NULL), 0);
    char *message = NULL;
    ck_assert_msg(sqlite3_exec(journal->db, tampers[_i].sql, NULL, NULL, &message) == SQLITE_OK, "%s: %s",
                  tampers[_i].why, message);
    int64_t at = broken(journal, NULL);
    ck_assert_msg(at == tampers[_i].broken_at, "%s: %lld", tampers[_i].why, (long long)at);
}
END_TEST

START_TEST(test_append_only) {
    six_rows();
    ck_assert_int_ne(sqlite3_exec(journal->db, "UPDATE chain SET body = '{}'", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_ne(sqlite3_exec(journal->db, "DELETE FROM chain", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(broken(journal, NULL), 0);
}
END_TEST

START_TEST(test_hash_is_this_one) {
    /* Worked out by hand once (printf and sha256sum): old journals must stay provable. */
    char hash[HASH_ROOM], again[HASH_ROOM], zeros[HASH_ROOM];
    memset(zeros, '0', 64), zeros[64] = '\0';
    kb_journal_hash(hash, zeros, 1, 1700000000, "J", 1, "job", 3, "{}", 2);
    ck_assert_str_eq(hash, "3eddfd1127c6262084b83abfc52803dd14e991017743d8f13e27b0afca52244d");
    kb_journal_hash(again, zeros, 1, 1700000000, "Jj", 2, "ob", 2, "{}", 2);
    ck_assert_str_ne(hash, again);
}
END_TEST

START_TEST(test_newer_rows) {
    struct kb_job job = a_job("J1", "D1");
    must(kb_journal_create_job(journal, &job));
    must(kb_journal_begin(journal));
    struct kb_result res = kb_journal_append(journal, "J1", "photo", json_pack("{s:s}", "state", "done"));
    must(kb_journal_end(journal, res));
    must(kb_journal_begin(journal)); /* a kind we know, with words we do not */
    res = kb_journal_append(journal, "J1", ROW_STATE, json_pack("{s:s,s:i}", "state", "levitating", "text", 5));
    must(kb_journal_end(journal, res));
    must(kb_journal_set_touch(journal, "J1", KB_TOUCH_ASKED));
    ck_assert_int_eq(read_job("J1").state, KB_STATE_WAITING);
    ck_assert_int_eq(read_job("J1").touch, KB_TOUCH_ASKED);
    int64_t rows;
    ck_assert_int_eq(broken(journal, &rows), 0);
    ck_assert_int_eq(rows, 4); /* skipped, never lost */
}
END_TEST

START_TEST(test_foreign_bodies) {
    struct kb_job job = a_job("J1", "D1");
    static const char *const bodies[] = {
        "", "null", "[]", "{", "{\"steps\":{\"a\":1}}", "{\"steps\":[1,null,\"wifi\"]}", "{\"state\":[\"done\"]}"};
    must(kb_journal_create_job(journal, &job));
    for (size_t i = 0; i < KB_ARRAY_SIZE(bodies); i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "INSERT INTO chain VALUES (%d, 1, 'J1', '%s', '%s', '', '')", 10 + (int)i,
                 i % 2 ? ROW_OPEN : ROW_STATE, bodies[i]);
        ck_assert_int_eq(sqlite3_exec(journal->db, sql, NULL, NULL, NULL), SQLITE_OK);
    }
    ck_assert_int_eq(read_job("J1").state, KB_STATE_WAITING);
    ck_assert_int_eq(read_job("J1").step, KB_STEP_WIFI);
}
END_TEST

/* ---- Bad files and disks
 * ----------------------------------------------------------------------------------------------- */

static void overwrite(const char *bytes, size_t size, long at) {
    char path[96];
    snprintf(path, sizeof path, "%s/journal.db", folder);
    FILE *file = fopen(path, at < 0 ? "wb" : "r+b");
    ck_assert_ptr_nonnull(file);
    if (at > 0) fseek(file, at, SEEK_SET);
    fwrite(bytes, 1, size, file);
    fclose(file);
}

static struct kb_result try_open(void) {
    struct kb_journal *other = NULL;
    struct kb_result res = kb_journal_open(folder, &other);
    if (kb_failed(&res)) ck_assert_ptr_null(other); /* untouched */
    kb_journal_close(other);
    return res;
}

START_TEST(test_no_database) {
    static const char text[] = "This is a letter to somebody. It is not a database, whatever its name may say, and it "
                               "is longer than the header that SQLite looks at before it decides.";
    kb_journal_close(journal);
    journal = NULL;
    overwrite(text, sizeof text, -1);
    struct kb_result res = try_open();
    ck_assert_int_eq(res.domain, KB_JOURNAL);
    ck_assert_int_eq(res.code & 0xff, SQLITE_NOTADB);
    ck_assert_ptr_nonnull(strstr(res.text, folder));
}
END_TEST

START_TEST(test_foreign_database) {
    char path[96];
    sqlite3 *db;
    teardown();
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/journal.db", folder);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE photos (a)", NULL, NULL, NULL);
    sqlite3_close(db);
    journal = NULL;
    struct kb_result res = try_open();
    ck_assert_int_eq(res.code & 0xff, SQLITE_NOTADB);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "INSERT INTO photos VALUES (1)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db); /* and nothing was written into it */
}
END_TEST

START_TEST(test_newer_schema) {
    ck_assert_int_eq(sqlite3_exec(journal->db, "PRAGMA user_version = 2", NULL, NULL, NULL), SQLITE_OK);
    struct kb_result res = try_open();
    ck_assert_int_eq(res.code & 0xff, SQLITE_SCHEMA);
}
END_TEST

START_TEST(test_damaged_pages) {
    char garbage[4096];
    int64_t rows, at;
    char last[65];
    for (int i = 0; i < 40; i++) {
        char id[20];
        snprintf(id, sizeof id, "J%d", i);
        struct kb_job job = a_job(id, id);
        must(kb_journal_create_job(journal, &job));
    }
    kb_journal_close(journal);
    journal = NULL;
    memset(garbage, 0x5a, sizeof garbage);
    for (long page = 1; page < 6; page++) overwrite(garbage, sizeof garbage, page * 4096);
    struct kb_journal *other = NULL;
    struct kb_result res = kb_journal_open(folder, &other);
    if (!kb_failed(&res)) res = kb_journal_prove(other, &rows, &at, last);
    ck_assert_int_eq(res.domain, KB_JOURNAL);
    ck_assert_int_eq(res.code & 0xff, SQLITE_CORRUPT);
    kb_journal_close(other);
}
END_TEST

START_TEST(test_disk_full) {
    struct kb_job job = a_job("J1", "D1");
    struct kb_result res = kb_ok();
    must(kb_journal_create_job(journal, &job));
    sqlite3_exec(journal->db, "PRAGMA max_page_count = 1", NULL, NULL, NULL); /* as many as there are now */
    for (int i = 0; i < 200 && !kb_failed(&res); i++) res = kb_journal_set_state(journal, "J1", KB_STATE_READY, "x");
    ck_assert_int_eq(res.domain, KB_JOURNAL);
    ck_assert_int_eq(res.code & 0xff, SQLITE_FULL);
    ck_assert_int_eq(kb_exit_of(&res), 8);
    ck_assert_int_eq(broken(journal, NULL), 0); /* nothing half written, and reading goes on */
}
END_TEST

START_TEST(test_read_only) {
    six_rows();
    sqlite3_exec(journal->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
    struct kb_result res = kb_journal_set_touch(journal, "J1", KB_TOUCH_ANSWERED);
    ck_assert_int_eq(res.code & 0xff, SQLITE_READONLY);
    ck_assert_int_eq(read_job("J1").touch, KB_TOUCH_ASKED);
    ck_assert_int_eq(broken(journal, NULL), 0);
}
END_TEST

START_TEST(test_busy) {
    struct kb_journal *other = open_again();
    struct kb_job job = a_job("J1", "D1");
    must(kb_journal_begin(other));
    sqlite3_busy_timeout(journal->db, 50);
    struct kb_result res = kb_journal_create_job(journal, &job);
    ck_assert_int_eq(res.code & 0xff, SQLITE_BUSY);
    must(kb_journal_end(other, kb_ok()));
    must(kb_journal_create_job(journal, &job));
    kb_journal_close(other);
}
END_TEST

START_TEST(test_durability_is_on) {
    static const struct {
        const char *pragma, *want;
    } wants[] = {{"PRAGMA synchronous", "3"}, {"PRAGMA journal_mode", "truncate"}, {"PRAGMA busy_timeout", "30000"}};
    for (size_t i = 0; i < KB_ARRAY_SIZE(wants); i++) {
        sqlite3_stmt *statement = NULL;
        must(kb_journal_prepare(journal, wants[i].pragma, &statement));
        ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
        ck_assert_str_eq((const char *)sqlite3_column_text(statement, 0), wants[i].want);
        sqlite3_finalize(statement);
    }
}
END_TEST

/* ---- Words
 * ------------------------------------------------------------------------------------------------------------- */

START_TEST(test_words) {
    enum kb_state state;
    for (int i = 0; i < KB_STATE_COUNT; i++) {
        ck_assert(kb_state_parse(kb_state_name((enum kb_state)i), &state));
        ck_assert_int_eq(state, i);
    }
    ck_assert(!kb_state_parse("", &state) && !kb_state_parse(NULL, &state) && !kb_state_parse("Done", &state));
    ck_assert(kb_state_ended(KB_STATE_SET_ASIDE) && kb_state_ended(KB_STATE_REFUSED));
    ck_assert(!kb_state_ended(KB_STATE_STEPS) && !kb_state_ended(KB_STATE_REBOOTING));
    ck_assert_str_eq(kb_job_kind_name(KB_JOB_GUIDE), "guide");
    ck_assert_str_eq(kb_touch_name(KB_TOUCH_CONFIRMED), "confirmed");
    char a[KB_JOB_ID_ROOM], b[KB_JOB_ID_ROOM];
    kb_job_new_id(a);
    kb_job_new_id(b);
    ck_assert_uint_eq(strlen(a), strlen("20261124T063000-4f2a91"));
    ck_assert(a[8] == 'T' && a[15] == '-');
    ck_assert_str_ne(a, b);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("journal");
    TCase *fold = tcase_create("fold"), *many = tcase_create("many"), *chain = tcase_create("chain"),
          *bad = tcase_create("bad");
    TCase *all[] = {fold, many, chain, bad};
    for (size_t i = 0; i < KB_ARRAY_SIZE(all); i++) {
        tcase_add_checked_fixture(all[i], setup, teardown);
        tcase_set_timeout(all[i], 60);
        suite_add_tcase(suite, all[i]);
    }
    tcase_add_test(fold, test_create_and_fold);
    if (ON_POSIX) tcase_add_test(fold, test_file_is_private);
    tcase_add_test(fold, test_state_touch_facts_accept);
    tcase_add_test(fold, test_unknown_job);
    tcase_add_test(fold, test_order_and_stop);
    tcase_add_test(fold, test_jobs_of_one_device);
    tcase_add_test(fold, test_together);
    tcase_add_test(fold, test_reauth_keeps_it_open);
    tcase_add_test(fold, test_reauth_never_opened);
    tcase_add_test(fold, test_life_before_proves_nothing);
    tcase_add_test(fold, test_close_details);
    tcase_add_test(fold, test_steps_of_all_jobs);
    tcase_add_test(fold, test_words);
    if (ON_POSIX) tcase_add_test(many, test_owner);
    tcase_add_test(many, test_two_connections);
    if (ON_POSIX) tcase_add_test(many, test_processes_at_once);
    if (ON_POSIX) tcase_add_test(many, test_first_open_at_once);
    if (ON_POSIX) tcase_add_test(many, test_killed_writer);
    tcase_add_test(many, test_busy);
    tcase_add_loop_test(chain, test_tampering, 0, KB_ARRAY_SIZE(tampers));
    tcase_add_test(chain, test_append_only);
    tcase_add_test(chain, test_hash_is_this_one);
    tcase_add_test(chain, test_newer_rows);
    tcase_add_test(chain, test_foreign_bodies);
    tcase_add_test(bad, test_no_database);
    tcase_add_test(bad, test_foreign_database);
    tcase_add_test(bad, test_newer_schema);
    tcase_add_test(bad, test_damaged_pages);
    tcase_add_test(bad, test_disk_full);
    tcase_add_test(bad, test_read_only);
    tcase_add_test(bad, test_durability_is_on);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
