/* The life of a job, arrow by arrow, and that nothing else moves. */
#include "kitbench/job.h"
#include <check.h>
#include <stdlib.h>

static const struct {
    const char *why;
    enum kb_state now;
    enum kb_job_event on;
    enum kb_state want;
} cases[] = {
    {"a job begins with looking", KB_STATE_WAITING, KB_EV_START, KB_STATE_CHECKING},
    {"a hand is wanted", KB_STATE_CHECKING, KB_EV_NEEDS_HAND, KB_STATE_OPERATOR},
    {"green at once", KB_STATE_CHECKING, KB_EV_ALL_GREEN, KB_STATE_READY},
    {"a rule says no", KB_STATE_CHECKING, KB_EV_REFUSED, KB_STATE_REFUSED},
    {"the hand did it: judged again", KB_STATE_OPERATOR, KB_EV_START, KB_STATE_CHECKING},
    {"the hand did it: green", KB_STATE_OPERATOR, KB_EV_ALL_GREEN, KB_STATE_READY},
    {"trusted now, and what is read then refuses", KB_STATE_OPERATOR, KB_EV_REFUSED, KB_STATE_REFUSED},
    {"nobody came: nothing was written, it waits", KB_STATE_OPERATOR, KB_EV_WAIT_OVER, KB_STATE_WAITING},
    {"backup begins", KB_STATE_READY, KB_EV_BACKUP_BEGINS, KB_STATE_BACKING_UP},
    {"restore begins", KB_STATE_READY, KB_EV_RESTORE_BEGINS, KB_STATE_RESTORING},
    {"the iCloud route is steps alone", KB_STATE_READY, KB_EV_STEPS_OPENED, KB_STATE_STEPS},
    {"a backup ends sealed", KB_STATE_BACKING_UP, KB_EV_SEALED, KB_STATE_DONE},
    {"a backup that breaks leaves the device whole", KB_STATE_BACKING_UP, KB_EV_LINK_LOST_EARLY, KB_STATE_FAILED},
    {"a backup without Response is none, late or not", KB_STATE_BACKING_UP, KB_EV_LINK_LOST_LATE, KB_STATE_FAILED},
    {"passcode not entered: the backup waits", KB_STATE_BACKING_UP, KB_EV_WAIT_OVER, KB_STATE_WAITING},
    {"Response 0", KB_STATE_RESTORING, KB_EV_DEVICE_SAID_DONE, KB_STATE_REBOOTING},
    {"lost late: neither, until it is read", KB_STATE_RESTORING, KB_EV_LINK_LOST_LATE, KB_STATE_REBOOTING},
    {"lost early: half restored", KB_STATE_RESTORING, KB_EV_LINK_LOST_EARLY, KB_STATE_SET_ASIDE},
    {"an error in the middle: half restored", KB_STATE_RESTORING, KB_EV_FAILED_TOUCHED, KB_STATE_SET_ASIDE},
    {"the device refused before writing", KB_STATE_RESTORING, KB_EV_FAILED_UNTOUCHED, KB_STATE_FAILED},
    {"cancelled in the middle: half restored", KB_STATE_RESTORING, KB_EV_CANCELLED, KB_STATE_SET_ASIDE},
    {"back and restored", KB_STATE_REBOOTING, KB_EV_BACK_RESTORED, KB_STATE_STEPS},
    {"back and not restored", KB_STATE_REBOOTING, KB_EV_BACK_NOT_RESTORED, KB_STATE_SET_ASIDE},
    {"not back", KB_STATE_REBOOTING, KB_EV_NOT_BACK, KB_STATE_SET_ASIDE},
    {"not read yet: the next reading settles it", KB_STATE_REBOOTING, KB_EV_WAIT_OVER, KB_STATE_REBOOTING},
    {"cancelled while it restarts: still to be read", KB_STATE_REBOOTING, KB_EV_CANCELLED, KB_STATE_REBOOTING},
    {"the last step", KB_STATE_STEPS, KB_EV_STEPS_CLOSED, KB_STATE_DONE},
    {"a later restore goes over it", KB_STATE_STEPS, KB_EV_REPLACED, KB_STATE_FAILED},
    {"a later restore mends a device that was set aside", KB_STATE_SET_ASIDE, KB_EV_REPLACED, KB_STATE_FAILED},
    {"came back after all", KB_STATE_SET_ASIDE, KB_EV_BACK_RESTORED, KB_STATE_STEPS},
    {"no way from failed", KB_STATE_FAILED, KB_EV_RESTORE_BEGINS, KB_STATE_FAILED},
    {"nothing is written before green: checking", KB_STATE_CHECKING, KB_EV_RESTORE_BEGINS, KB_STATE_CHECKING},
    {"nothing is written before green: operator", KB_STATE_OPERATOR, KB_EV_RESTORE_BEGINS, KB_STATE_OPERATOR},
    {"refused stays refused", KB_STATE_REFUSED, KB_EV_ALL_GREEN, KB_STATE_REFUSED},
    {"a △ device is not done by a reading", KB_STATE_STEPS, KB_EV_BACK_RESTORED, KB_STATE_STEPS},
};

START_TEST(test_next) {
    ck_assert_msg(kb_job_next(cases[_i].now, cases[_i].on) == cases[_i].want, "%s", cases[_i].why);
}
END_TEST

/* Only `ready` leads to where a device is written to, and done is never left. */
START_TEST(test_writing_only_from_ready) {
    for (int s = 0; s < KB_STATE_COUNT; s++)
        for (int e = 0; e < KB_EV_COUNT; e++) {
            enum kb_state to = kb_job_next((enum kb_state)s, (enum kb_job_event)e);
            bool writes = to == KB_STATE_RESTORING || to == KB_STATE_BACKING_UP;
            if (writes && s != (int)to) ck_assert_int_eq(s, KB_STATE_READY);
            if (s == KB_STATE_DONE || s == KB_STATE_REFUSED || s == KB_STATE_FAILED) ck_assert_int_eq((int)to, s);
            if (to == KB_STATE_DONE && s != (int)to)
                ck_assert_msg(s == KB_STATE_STEPS || s == KB_STATE_BACKING_UP, "done from state %d", s);
        }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("job machine");
    TCase *tcase = tcase_create("next");
    tcase_add_loop_test(tcase, test_next, 0, (int)KB_ARRAY_SIZE(cases));
    tcase_add_test(tcase, test_writing_only_from_ready);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
