/* kitbench confirm: a person did a step, and says so with a name. Saying it twice changes nothing. */
#include "resolve.h"

#include <stdlib.h>
#include <string.h>

static struct kb_result known_step(const struct kb_cli *cli, const char *word, enum kb_step *step) {
    *step = kb_step_from_name(word);
    if (*step != KB_STEP_NONE) return kb_ok();
    return kb_usage(cli->command, _("\"%.60s\" is not a step; kitbench steps shows their names"), word);
}

/* What lies behind the restore cannot be done before it is proved. */
static struct kb_result after_restore(const struct kb_job *job, enum kb_step step) {
    if (job->kind != KB_JOB_RESTORE || job->touch == KB_TOUCH_CONFIRMED || step < KB_STEP_REMOTE_MANAGEMENT)
        return kb_ok();
    return kb_fail(KB_OPERATOR, KB_ASK_NONE,
                   _("The restore onto this device is not proved yet. Leave it attached until it is back, run kitbench "
                     "steps, then confirm \"%s\""),
                   kb_step_name(step));
}

/*
 * The agent is authenticated from the Home screen: whoever confirms that before the device is there confirms too early,
 * and the device would report the old one's location unseen.
 */
static bool is_too_early(const struct kb_step_list *steps, enum kb_step step) {
    const struct kb_job_step *home = kb_steps_find(steps, KB_STEP_HOME_SCREEN);
    return kb_step_needs_person(step) && step > KB_STEP_HOME_SCREEN && home && home->state == KB_STEP_OPEN;
}

/* Looks at the device when that decides. */
static struct kb_result after_home(const struct kb_cli *cli, struct kb_journal *journal, const struct kb_job *job,
                                   enum kb_step step) {
    struct kb_step_list steps;
    struct kb_result res = kb_steps_load(journal, job->id, &steps);
    const struct kb_job_step *now = kb_failed(&res) ? NULL : kb_steps_find(&steps, step);
    bool early = now && now->state == KB_STEP_OPEN && is_too_early(&steps, step);
    kb_steps_release(&steps);
    if (!early) return res;
    res = kb_look_at_device(cli, job->device);
    if (!kb_failed(&res)) res = kb_steps_load(journal, job->id, &steps);
    if (kb_failed(&res)) return res;
    if (is_too_early(&steps, step))
        res =
            kb_fail(KB_OPERATOR, KB_ASK_NONE,
                    _("The device has not reached its Home screen yet, so \"%s\" cannot be done. Finish the setup (or "
                      "confirm home-screen), then confirm this"),
                    kb_step_name(step));
    kb_steps_release(&steps);
    return res;
}

static struct kb_result find_job(const struct kb_cli *cli, const struct kb_jobs *jobs, const struct kb_step_list *all,
                                 const char *udid, enum kb_step step, const struct kb_job **job) {
    *job = kb_jobs_current(jobs, all, udid);
    if (!*job)
        return kb_usage(cli->command, _("The journal has no restore onto %s, so there is nothing to confirm"), udid);
    for (int i = 0; i < all->count; i++)
        if (!strcmp(all->list[i].job, (*job)->id) && all->list[i].step == step) return after_restore(*job, step);
    return kb_usage(cli->command, _("\"%s\" is not a step of this device; kitbench steps shows them"),
                    kb_step_name(step));
}

static struct kb_result show(const struct kb_cli *cli, struct kb_journal *journal, const char *job, enum kb_step step,
                             bool done) {
    struct kb_step_list steps;
    int open = 0;
    struct kb_result res = kb_steps_load(journal, job, &steps);
    const struct kb_job_step *now = kb_failed(&res) ? NULL : kb_steps_find(&steps, step);
    for (int i = 0; i < steps.count; i++) open += steps.list[i].state == KB_STEP_OPEN;
    if (now) {
        json_t *object = kb_step_to_json(now);
        kb_put_json(cli, object);
        json_decref(object);
        kb_tell_step(cli, now);
    }
    if (done)
        kb_tell(cli, "%s", _("Every step is closed: this device is done."));
    else if (open)
        kb_tell(cli, _("%d steps are still open: kitbench steps"), open);
    kb_steps_release(&steps);
    return res;
}

static struct kb_result confirm(const struct kb_cli *cli, struct kb_journal *journal, const char *by) {
    struct kb_jobs jobs = {0};
    struct kb_step_list all = {0};
    const struct kb_job *job = NULL;
    char udid[KB_UDID_ROOM] = "";
    enum kb_step step = KB_STEP_NONE;
    bool done = false;
    struct kb_result res = known_step(cli, cli->options.operands[1], &step);
    if (kb_failed(&res)) return res;
    res = kb_jobs_load(journal, &jobs);
    if (!kb_failed(&res)) res = kb_steps_load(journal, NULL, &all);
    if (!kb_failed(&res)) res = kb_resolve_known(cli, &jobs, cli->options.operands[0], udid);
    if (!kb_failed(&res)) res = find_job(cli, &jobs, &all, udid, step, &job);
    if (!kb_failed(&res)) res = after_home(cli, journal, job, step);
    if (!kb_failed(&res)) res = kb_journal_close_step(journal, job->id, step, KB_STEP_DONE, "operator", by, "");
    if (!kb_failed(&res)) res = kb_journal_finish_if_closed(journal, job->id, &done);
    if (!kb_failed(&res)) res = show(cli, journal, job->id, step, done);
    kb_jobs_release(&jobs);
    kb_steps_release(&all);
    return res;
}

int kb_cmd_confirm(struct kb_cli *cli) {
    struct kb_journal *journal = NULL;
    const char *by = kb_setting(&cli->settings, KB_SET_OPERATOR);
    struct kb_result res = kb_ok();
    if (!by)
        res = kb_usage(cli->command, _("Who did it? Give a name with --by NAME, or set operator in kitbench.conf"));
    if (!kb_failed(&res)) res = kb_cli_journal(cli, NULL, &journal);
    if (!kb_failed(&res)) res = confirm(cli, journal, by);
    kb_journal_close(journal);
    return kb_say_result(cli, &res);
}
