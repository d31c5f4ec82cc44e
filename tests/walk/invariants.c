/*
 * What must hold at every moment, looked at from outside: the journal's file by SQLite alone, the processes by /proc,
 * the devices by what phonesim saw.
 */
#include "walk.h"

#include <dirent.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    char job[48], kind[12], hash[65];
    json_t *body;
};
static struct row rows[MAX_ROWS]; /* as they were when they were first seen */
static int row_count;

struct job {
    char id[48], device[48], state[32], owner[64];
    bool ready, restoring; /* since it was last looked at: the check said ready; it had its turn */
    bool judged_ready;     /* by its last judgement */
    bool ours;             /* of the tray */
    json_t *steps;         /* name to state */
};
static struct job jobs[MAX_JOBS];
static int job_count;

static const char *text(const json_t *object, const char *key) {
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static struct job *job_of(struct walk *walk, const char *id) {
    for (int i = job_count; i-- > 0;)
        if (!strcmp(jobs[i].id, id)) return &jobs[i];
    if (job_count == MAX_JOBS) broken(walk, "more jobs than this walk has room for");
    struct job *job = &jobs[job_count++];
    memset(job, 0, sizeof *job);
    snprintf(job->id, sizeof job->id, "%s", id);
    job->steps = json_object();
    return job;
}

/* ---- One row more ------------------------------------------------------------------------------------------------ */

static void take_state(struct walk *walk, struct job *job, const char *state) {
    const char *name;
    json_t *value;
    if (!strcmp(state, "checking") || !strcmp(state, "operator")) job->ready = job->restoring = false;
    if (!strcmp(state, "ready")) job->ready = true;
    if (!strcmp(state, "restoring")) {
        if (!job->ready) broken(walk, "job %s of %s restores without having been ready", job->id, job->device);
        job->restoring = true;
    }
    if (!strcmp(state, "done")) {
        json_object_foreach(job->steps, name, value) {
            if (!strcmp(json_string_value(value), "open"))
                broken(walk, "job %s of %s is done with the open step %s", job->id, job->device, name);
        }
        if (!json_object_size(job->steps))
            broken(walk, "job %s of %s is done and never had steps", job->id, job->device);
    }
    snprintf(job->state, sizeof job->state, "%s", state);
}

static void take_row(struct walk *walk, const struct row *row) {
    struct job *job = job_of(walk, row->job);
    size_t i;
    json_t *name;
    if (!strcmp(row->kind, "job")) snprintf(job->device, sizeof job->device, "%s", text(row->body, "device"));
    if (!strcmp(row->kind, "job")) job->ours = text(row->body, "batch")[0] != 0;
    if (!strcmp(row->kind, "job") || !strcmp(row->kind, "state")) {
        snprintf(job->owner, sizeof job->owner, "%s", text(row->body, "owner"));
        take_state(walk, job, text(row->body, "state"));
    }
    if (!strcmp(row->kind, "facts"))
        job->judged_ready = !strcmp(text(json_object_get(row->body, "judgement"), "verdict"), "ready");
    if (!strcmp(row->kind, "touch") && !strcmp(text(row->body, "touch"), "asked") &&
        (!job->restoring || !job->judged_ready))
        broken(walk, "job %s asks %s for a restore, and its check was not ready", job->id, job->device);
    json_array_foreach(json_object_get(row->body, "steps"), i, name) {
        if (!json_object_get(job->steps, json_string_value(name)))
            json_object_set_new(job->steps, json_string_value(name), json_string("open"));
    }
    if (!strcmp(row->kind, "close"))
        json_object_set_new(job->steps, text(row->body, "step"), json_string(text(row->body, "state")));
}

static void check_row(struct walk *walk, sqlite3_stmt *statement, int n) {
    const char *hash = (const char *)sqlite3_column_text(statement, 4),
               *previous = (const char *)sqlite3_column_text(statement, 3);
    if (sqlite3_column_int(statement, 5) != n + 1) broken(walk, "row %d of the journal is missing", n + 1);
    if (n && strcmp(previous, rows[n - 1].hash) != 0) broken(walk, "row %d does not follow the one before", n + 1);
    const char *words = (const char *)sqlite3_column_text(statement, 2);
    json_t *body = json_loads(words, 0, NULL);
    if (!body) broken(walk, "row %d is no JSON: %s", n + 1, words);
    if (n < row_count) {
        if (strcmp(rows[n].hash, hash) != 0 || !json_equal(rows[n].body, body))
            broken(walk, "row %d of the journal was changed", n + 1);
        json_decref(body);
        return;
    }
    if (n == MAX_ROWS) broken(walk, "more rows than this walk has room for");
    struct row *row = &rows[row_count++];
    snprintf(row->job, sizeof row->job, "%s", (const char *)sqlite3_column_text(statement, 0));
    snprintf(row->kind, sizeof row->kind, "%s", (const char *)sqlite3_column_text(statement, 1));
    snprintf(row->hash, sizeof row->hash, "%s", hash);
    row->body = body;
    take_row(walk, row);
}

static void read_journal(struct walk *walk) {
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    char path[4200];
    int n = 0, rc;
    snprintf(path, sizeof path, "%s/journal.db", walk->home);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) { /* it may have to roll back */
        sqlite3_close(db);
        if (row_count) broken(walk, "the journal is gone");
        return;
    }
    sqlite3_busy_timeout(db, 60000);
    if (sqlite3_prepare_v2(db, "SELECT job, kind, body, previous, hash, seq FROM chain ORDER BY seq", -1, &statement,
                           NULL) != SQLITE_OK) {
        if (row_count) broken(walk, "the journal cannot be read: %s", sqlite3_errmsg(db));
        sqlite3_close(db);
        return; /* it is just being made */
    }
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) check_row(walk, statement, n++);
    if (rc != SQLITE_DONE) broken(walk, "the journal cannot be read: %s", sqlite3_errmsg(db));
    if (n < row_count) broken(walk, "the journal had %d rows and has %d", row_count, n);
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

void newest(struct walk *walk, const char *udid, char state[32], char step[40]) {
    (void)walk;
    const char *name;
    json_t *value;
    state[0] = step[0] = 0;
    for (int i = job_count; i-- > 0 && !state[0];) {
        if (strcmp(jobs[i].device, udid) != 0 || !jobs[i].ours) continue;
        snprintf(state, 32, "%s", jobs[i].state);
        json_object_foreach(jobs[i].steps, name, value) {
            if (!step[0] && !strcmp(json_string_value(value), "open")) snprintf(step, 40, "%s", name);
        }
    }
}

/* ---- Processes --------------------------------------------------------------------------------------------------- */

static bool load(const char *format, pid_t pid, char *out, size_t room) {
    char path[64];
    snprintf(path, sizeof path, format, (int)pid);
    FILE *file = fopen(path, "r");
    if (!file) return false;
    size_t size = fread(out, 1, room - 1, file);
    out[size] = 0;
    fclose(file);
    return true;
}

bool is_worker(pid_t pid, const char *kb) {
    char line[4300];
    if (!load("/proc/%d/cmdline", pid, line, sizeof line)) return false;
    return !strcmp(line, kb) && !strcmp(line + strlen(line) + 1, "worker");
}

static pid_t parent_of(pid_t pid) {
    char line[1000];
    if (!load("/proc/%d/stat", pid, line, sizeof line)) return 0;
    const char *behind = strrchr(line, ')');
    int parent = 0;
    return behind && sscanf(behind + 2, "%*c %d", &parent) == 1 ? parent : 0;
}

pid_t some_worker(struct walk *walk) {
    pid_t found[256];
    int count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc)) && count < 256;) {
        pid_t pid = atoi(entry->d_name);
        if (pid > 0 && parent_of(pid) == walk->tray && is_worker(pid, walk->kb)) found[count++] = pid;
    }
    if (proc) closedir(proc);
    return walk->tray && count ? found[pick(walk, count)] : 0;
}

static bool has_ended(const char *state) {
    static const char *const ends[] = {"done", "refused", "failed", "set-aside", "steps"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (!strcmp(state, ends[i])) return true;
    return false;
}

/* Whose last row of a device is no end of it, and who lives. */
static int living_owners(struct walk *walk, const char *udid, pid_t *pids, int room) {
    pid_t seen[64];
    int seen_count = 0, count = 0;
    for (int i = row_count; i-- > 0 && seen_count < 64;) {
        pid_t pid = atoi(text(rows[i].body, "owner"));
        bool known = pid <= 0 || strcmp(job_of(walk, rows[i].job)->device, udid) != 0;
        for (int k = 0; k < seen_count && !known; k++) known = seen[k] == pid;
        if (known) continue;
        seen[seen_count++] = pid;
        if (!has_ended(text(rows[i].body, "state")) && is_worker(pid, walk->kb) && count < room) pids[count++] = pid;
    }
    return count;
}

/* A worker that has just given its device up may live for a moment more. */
static void check_owners(struct walk *walk) {
    for (int i = 0; i < walk->count; i++) {
        pid_t pids[8];
        int count = 0;
        for (int tries = 0; tries < 20 && (count = living_owners(walk, walk->places[i].udid, pids, 8)) > 1; tries++)
            nap_ms(100);
        if (count > 1) broken(walk, "%d and %d both work on %s", (int)pids[0], (int)pids[1], walk->places[i].name);
    }
}

/* ---- Devices ----------------------------------------------------------------------------------------------------- */

static int asked_by_journal(const char *udid) {
    int count = 0;
    for (int i = 0; i < row_count; i++) {
        if (strcmp(rows[i].kind, "touch") != 0 || strcmp(text(rows[i].body, "touch"), "asked") != 0) continue;
        for (int k = 0; k < job_count; k++) count += !strcmp(jobs[k].id, rows[i].job) && !strcmp(jobs[k].device, udid);
    }
    return count;
}

static void check_device(struct walk *walk, const struct place *place) {
    size_t i;
    json_t *one, *seen = ctl(walk, "seen", place->name, NULL, NULL);
    int asked = 0;
    json_array_foreach(json_object_get(seen, "seen"), i, one) {
        const char *line = text(one, "request");
        asked += strstr(line, "Restore {") != NULL;
    }
    json_decref(seen);
    if (place->never && asked) broken(walk, "%s was asked for a restore", place->name);
    if (!asked) return;
    read_journal(walk); /* the row was there before the request */
    int rows_asked = asked_by_journal(place->udid);
    if (asked > rows_asked)
        broken(walk, "%s was asked for %d restores, and the journal knows of %d", place->name, asked, rows_asked);
}

static void check_bench(struct walk *walk) {
    size_t i;
    json_t *one, *state = ctl(walk, "state", NULL, NULL, NULL);
    json_array_foreach(json_object_get(state, "devices"), i, one) {
        if (json_integer_value(json_object_get(one, "doubled")))
            broken(walk, "two workers had a transfer on %s at once", text(one, "name"));
        if (json_integer_value(json_object_get(one, "malformed")))
            broken(walk, "%s could not understand: %s", text(one, "name"), text(one, "last_bad"));
    }
    json_decref(state);
}

void check_all(struct walk *walk) {
    read_journal(walk);
    check_owners(walk);
    for (int i = 0; i < walk->count; i++) check_device(walk, &walk->places[i]);
    check_bench(walk);
}
