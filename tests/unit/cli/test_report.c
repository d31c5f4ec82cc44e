/* What goes into files that other programs open: CSV cells and HTML text from hostile names, and the whole of each. */
#include "report.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *why, *text, *want;
} cells[] = {
    {"plain", "iPhone", "\"iPhone\""},
    {"empty", "", "\"\""},
    {"quotes are doubled", "a\"b", "\"a\"\"b\""},
    {"comma and line end stay inside", "a,b\nc", "\"a,b\nc\""},
    {"formula", "=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""},
    {"plus", "+81", "\"'+81\""},
    {"minus", "-1", "\"'-1\""},
    {"at", "@SUM(A1)", "\"'@SUM(A1)\""},
    {"tab", "\t=1", "\"'\t=1\""},
    {"carriage return", "\r=1", "\"'\r=1\""},
    {"formula sign in the middle is text", "a=b", "\"a=b\""},
    {"Japanese", "花子のiPhone", "\"花子のiPhone\""},
};

START_TEST(test_cell) {
    struct kb_buf out = {0};
    kb_csv_cell(&out, cells[_i].text);
    ck_assert_msg(!strcmp(out.data, cells[_i].want), "%s: %s", cells[_i].why, out.data);
    kb_buf_release(&out);
}
END_TEST

START_TEST(test_html) {
    struct kb_buf out = {0};
    kb_html_text(&out, "<script>\"&'</script>");
    ck_assert_str_eq(out.data, "&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;");
    kb_buf_release(&out);
}
END_TEST

static struct kb_job job = {
    .id = "20261124T063000-4f2a91",
    .kind = KB_JOB_RESTORE,
    .device = "00008030-001A2B3C4D5E6F70",
    .device_serial = "NEWSERIAL",
    .device_name = "<b>=evil</b>",
    .backup_serial = "OLDSERIAL",
    .same_device = KB_NO,
    .state = KB_STATE_STEPS,
    .touch = KB_TOUCH_CONFIRMED,
    .accepted = "ios27-supervised",
    .by = "Hanako",
    .created_at = 1764000000,
    .updated_at = 1764000100,
};
static struct kb_job_step steps[] = {
    {.step = KB_STEP_WIFI,
     .state = KB_STEP_DONE,
     .evidence = "operator",
     .by = "Taro",
     .open_since = 1,
     .closed_at = 2},
    {.step = KB_STEP_AGENT_REAUTH, .state = KB_STEP_OPEN, .open_since = 1, .closed_at = -1},
};

static void setup(struct kb_report *report, struct kb_report_job *entry) {
    memset(report, 0, sizeof *report);
    memset(entry, 0, sizeof *entry);
    entry->job = &job;
    entry->steps.list = steps;
    entry->steps.count = KB_ARRAY_SIZE(steps);
    entry->rows = json_array();
    report->list = entry;
    report->count = 1;
    report->rows = 12;
    report->host = "bench";
    strcpy(report->last, "abcdef");
}

START_TEST(test_csv_whole) {
    struct kb_report report;
    struct kb_report_job entry;
    struct kb_buf out = {0};
    setup(&report, &entry);
    job.columns = json_pack("{s:s}", "dept", "=sales");
    kb_report_csv(&report, &out);
    ck_assert(!strncmp(out.data, "\xef\xbb\xbf\"job\",", 9));
    int lines = 0, commas[8] = {0};
    for (const char *p = out.data; *p; p++) {
        if (*p == ',') commas[lines]++;
        if (*p == '\n') {
            ck_assert(p[-1] == '\r');
            lines++;
        }
    }
    ck_assert_int_eq(lines, 3); /* heads and two steps */
    ck_assert_int_eq(commas[0], commas[1]);
    ck_assert_int_eq(commas[0], commas[2]);
    ck_assert(strstr(out.data, ",\"dept\"\r\n") && strstr(out.data, ",\"'=sales\"\r\n"));
    ck_assert(strstr(out.data, "\"agent-reauth\",\"open\""));
    json_decref(job.columns);
    job.columns = NULL;
    json_decref(entry.rows);
    kb_buf_release(&out);
}
END_TEST

START_TEST(test_html_whole) {
    struct kb_report report;
    struct kb_report_job entry;
    struct kb_buf out = {0};
    setup(&report, &entry);
    kb_report_html(&report, &out);
    ck_assert(!strstr(out.data, "<b>") && strstr(out.data, "&lt;b&gt;=evil"));
    ck_assert(strstr(out.data, "<td>OLDSERIAL</td><td>NEWSERIAL</td>"));
    ck_assert(strstr(out.data, "still reports the old device"));
    ck_assert(strstr(out.data, "ios27-supervised") && strstr(out.data, "abcdef"));
    ck_assert(!strstr(out.data, "http://") && !strstr(out.data, "https://") && !strstr(out.data, "<script"));
    setenv("TZ", "JST-9", 1);
    tzset();
    out.size = 0;
    kb_report_html(&report, &out);
    ck_assert(strstr(out.data, "(+0900), "));
    setenv("TZ", "EST5", 1);
    tzset();
    report.broken_at = 7;
    out.size = 0;
    kb_report_html(&report, &out);
    ck_assert(strstr(out.data, "BROKEN: row 7"));
    ck_assert(strstr(out.data, "(-0500), "));
    json_decref(entry.rows);
    kb_buf_release(&out);
}
END_TEST

START_TEST(test_json_whole) {
    struct kb_report report;
    struct kb_report_job entry;
    struct kb_buf out = {0};
    setup(&report, &entry);
    kb_report_json(&report, &out);
    json_t *read = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(read);
    ck_assert(json_is_true(json_object_get(json_object_get(read, "journal"), "unbroken")));
    json_t *first = json_array_get(json_object_get(read, "jobs"), 0);
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(first, "accepted"), 0)), "ios27-supervised");
    ck_assert_uint_eq(json_array_size(json_object_get(first, "steps")), 2);
    ck_assert(json_is_null(json_object_get(first, "check")));
    json_decref(read);
    json_decref(entry.rows);
    kb_buf_release(&out);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli/report");
    TCase *tcase = tcase_create("report");
    tcase_add_loop_test(tcase, test_cell, 0, KB_ARRAY_SIZE(cells));
    tcase_add_test(tcase, test_html);
    tcase_add_test(tcase, test_csv_whole);
    tcase_add_test(tcase, test_html_whole);
    tcase_add_test(tcase, test_json_whole);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
