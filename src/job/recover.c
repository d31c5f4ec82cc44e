/*
 * What a kill left behind, settled from what the journal holds: how far the device can have been changed, and where the
 * job stood. Talks to no device.
 */
#include "job.h"
#include <stdlib.h>
#include <string.h>

#define ANY_KIND (-1)
#define KIND(k)  (1 << (k))

/*
 * The first row that fits. A restore that has passed 97 % stands in the journal as rebooting (restore.c): from there
 * the device may finish by itself.
 */
static const struct {
    int kinds;
    enum kb_touch touch;
    int state; /* -1: any that has not ended */
    enum kb_state becomes;
    const char *text;
} rows[] = {
    {KIND(KB_JOB_RESTORE), KB_TOUCH_ASKED, KB_STATE_REBOOTING, KB_STATE_REBOOTING,
     N_("Interrupted at the very end: the device is perhaps restored; plug it in and run `kitbench steps`")},
    {KIND(KB_JOB_RESTORE), KB_TOUCH_ASKED, -1, KB_STATE_SET_ASIDE,
     N_("Interrupted while restoring: the device is half restored; plug it in and run `kitbench restore` again")},
    {KIND(KB_JOB_RESTORE), KB_TOUCH_ANSWERED, -1, KB_STATE_REBOOTING,
     N_("The device said that it is restored but was not read since; plug it in and run `kitbench steps`")},
    {KIND(KB_JOB_RESTORE), KB_TOUCH_CONFIRMED, -1, KB_STATE_STEPS, N_("The device is restored; go on with its steps")},
    {KIND(KB_JOB_RESTORE), KB_TOUCH_NOTHING, -1, KB_STATE_WAITING,
     N_("Interrupted before anything was written to the device; run `kitbench restore` again")},
    {KIND(KB_JOB_BACKUP), KB_TOUCH_NOTHING, KB_STATE_BACKING_UP, KB_STATE_WAITING,
     N_("The backup was interrupted; run `kitbench backup` again, it goes on where it stopped")},
    {KIND(KB_JOB_BACKUP), KB_TOUCH_NOTHING, -1, KB_STATE_WAITING,
     N_("Interrupted before the backup began; run `kitbench backup` again")},
    {ANY_KIND, KB_TOUCH_NOTHING, -1, KB_STATE_WAITING, N_("Interrupted before anything began; start it again")},
};

struct kb_result kb_job_settle(struct kb_journal *journal, const struct kb_job *row) {
    if (kb_state_ended(row->state) || row->state == KB_STATE_STEPS || row->state == KB_STATE_WAITING) return kb_ok();
    for (size_t i = 0; i < KB_ARRAY_SIZE(rows); i++) {
        if (!(rows[i].kinds & KIND(row->kind)) || rows[i].touch != row->touch) continue;
        if (rows[i].state >= 0 && rows[i].state != (int)row->state) continue;
        const char *text = _(rows[i].text);
        if (rows[i].becomes == row->state && kb_streq(text, row->text)) return kb_ok(); /* settled before */
        return kb_journal_set_state(journal, row->id, rows[i].becomes, text);
    }
    return kb_ok();
}

/* Whoever works on a device holds its lock; when we get it, nobody does. */
static struct kb_result settle_if_dead(struct kb_journal *journal, const char *home, const struct kb_job *row) {
    char *locks = kb_path_join(home, "locks"), *name = kb_xasprintf("%s.lock", row->device);
    char *path = kb_path_join(locks, name);
    struct kb_dir *dir = NULL;
    struct kb_lock *lock = NULL;
    struct kb_result res = kb_dir_open(locks, true, &dir);
    if (!kb_failed(&res)) res = kb_lock_take(path, false, 0, &lock);
    if (!kb_failed(&res)) res = kb_job_settle(journal, row);
    if (kb_is(&res, KB_HOST, KB_HOST_BUSY)) res = kb_ok();
    kb_lock_release(lock);
    kb_dir_close(dir);
    free(path);
    free(name);
    free(locks);
    return res;
}

struct unsettled {
    struct kb_job *jobs;
    size_t count, room;
};

static bool collect(void *arg, const struct kb_job *row) {
    struct unsettled *all = arg;
    if (kb_state_ended(row->state) || row->state == KB_STATE_STEPS || row->state == KB_STATE_WAITING) return true;
    if (all->count == all->room) {
        all->room = all->room ? all->room * 2 : 8;
        all->jobs = kb_xrealloc(all->jobs, all->room * sizeof *all->jobs);
    }
    all->jobs[all->count] = *row;
    all->jobs[all->count++].columns = NULL; /* the journal's */
    return true;
}

struct kb_result kb_job_recover(struct kb_journal *journal) {
    struct unsettled all = {0};
    char *home = NULL;
    struct kb_result res = kb_host_home(&home);
    if (!kb_failed(&res)) res = kb_journal_jobs(journal, NULL, collect, &all);
    for (size_t i = 0; i < all.count && !kb_failed(&res); i++) {
        if (!all.jobs[i].device[0] || strpbrk(all.jobs[i].device, "/\\")) continue;
        res = settle_if_dead(journal, home, &all.jobs[i]);
    }
    free(all.jobs);
    free(home);
    return res;
}
