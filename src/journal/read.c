/*
 * Reading: jobs and steps, folded when they are asked for. A job is folded whole before the caller sees it, so the
 * caller may write to the journal from inside its callback.
 */
#include "db.h"

#include <stdlib.h>
#include <string.h>

/* Ids in the order in which the jobs began. */
struct ids {
    char (*list)[KB_JOB_ID_ROOM];
    size_t count, room;
};

static void add_id(struct ids *ids, const char *id) {
    if (ids->count == ids->room) {
        ids->room = ids->room ? ids->room * 2 : 32;
        ids->list = kb_xrealloc(ids->list, ids->room * sizeof *ids->list);
    }
    kb_text_copy(ids->list[ids->count++], KB_JOB_ID_ROOM, id);
}

/*
 * A job's first row names its device. The index finds these rows, so that a journal of years costs a worker little;
 * whose UDID stands anywhere in the text is looked at more closely by the caller. udid NULL: the jobs of all devices.
 */
static const char select_ids[] = "SELECT chain.job FROM (SELECT min(seq) AS first FROM chain GROUP BY job)"
                                 " JOIN chain ON chain.seq = first WHERE chain.kind = '" ROW_JOB "'"
                                 " AND (?1 IS NULL OR instr(chain.body, ?1)) ORDER BY chain.seq";

static struct kb_result list_ids(struct kb_journal *journal, const char *udid, struct ids *ids) {
    sqlite3_stmt *statement = NULL;
    struct kb_result res = kb_journal_prepare(journal, select_ids, &statement);
    if (kb_failed(&res)) return res;
    if (udid) sqlite3_bind_text(statement, 1, udid, -1, SQLITE_STATIC);
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(statement, 0);
        if (id) add_id(ids, id);
    }
    return kb_journal_finish(journal, statement, rc);
}

struct kb_result kb_journal_jobs(struct kb_journal *journal, const char *udid,
                                 bool (*each)(void *arg, const struct kb_job *job), void *arg) {
    struct ids ids = {0};
    struct kb_fold *fold = kb_fold_new();
    struct kb_result res = list_ids(journal, udid, &ids);
    for (size_t i = 0; i < ids.count && !kb_failed(&res); i++) {
        res = kb_fold_read(journal, ids.list[i], fold);
        if (kb_failed(&res) || !fold->found || (udid && !kb_streq(fold->job.device, udid))) continue;
        if (!each(arg, &fold->job)) break;
    }
    kb_fold_free(fold);
    free(ids.list);
    return res;
}

struct kb_result kb_journal_find_job(struct kb_journal *journal, const char *id, struct kb_job *job, bool *found) {
    struct kb_fold *fold = kb_fold_new();
    struct kb_result res = kb_fold_read(journal, id, fold);
    *found = !kb_failed(&res) && fold->found;
    if (*found) {
        *job = fold->job;
        fold->job.columns = NULL; /* the caller's now */
    }
    kb_fold_free(fold);
    return res;
}

int64_t kb_journal_version(struct kb_journal *journal) {
    sqlite3_stmt *statement = NULL;
    int64_t version = -1;
    struct kb_result res = kb_journal_prepare(journal, "PRAGMA data_version", &statement);
    if (kb_failed(&res)) return -1;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) version = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return version;
}

struct kb_result kb_journal_steps(struct kb_journal *journal, const char *job,
                                  bool (*each)(void *arg, const struct kb_job_step *step), void *arg) {
    struct ids ids = {0};
    struct kb_fold *fold = kb_fold_new();
    struct kb_result res = kb_ok();
    bool more = true;
    if (job)
        add_id(&ids, job);
    else
        res = list_ids(journal, NULL, &ids);
    for (size_t i = 0; i < ids.count && more && !kb_failed(&res); i++) {
        res = kb_fold_read(journal, ids.list[i], fold);
        for (int k = 0; k < fold->step_count && more && !kb_failed(&res); k++) more = each(arg, &fold->steps[k]);
    }
    kb_fold_free(fold);
    free(ids.list);
    return res;
}

struct kb_result kb_journal_last_job(struct kb_journal *journal, const char *udid, struct kb_job *job, bool *found) {
    struct ids ids = {0};
    struct kb_fold *fold = kb_fold_new();
    struct kb_result res = list_ids(journal, udid, &ids);
    *found = false;
    for (size_t i = ids.count; i > 0 && !*found && !kb_failed(&res); i--) {
        res = kb_fold_read(journal, ids.list[i - 1], fold);
        *found = !kb_failed(&res) && fold->found && kb_streq(fold->job.device, udid);
    }
    if (*found) {
        *job = fold->job;
        fold->job.columns = NULL; /* now the caller's */
    }
    kb_fold_free(fold);
    free(ids.list);
    return res;
}
