/* The job sheet: what is taken, and every mistake with its line and column. */
#include "kitbench/tray.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOM  "\xef\xbb\xbf"
#define HEAD "target,source\n"
#define FULL "target,source,route,source_state,target_state,user,asset_tag\n"

/* ---- What is wrong ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *why, *sheet;
    size_t size;        /* 0: strlen */
    const char *places; /* of all errors, "line:column ..." */
    const char *says;   /* in the first one */
} bad[] = {
    {"empty file", "", 0, "1:1", "empty"},
    {"only empty lines", "\r\n \n,,\n", 0, "1:1", "empty"},
    {"header alone", HEAD, 0, "2:1", "no line below"},
    {"header alone without line end", "target,source", 0, "1:14", "no line below"},
    {"no header", "0123abcd,x\n4567abcd,y\n", 0, "1:1 1:1", "\"target\" is missing"},
    {"source is missing", "target,user\nabcd,x\n", 0, "1:1", "\"source\" is missing"},
    {"source has another name", "target,backup\nabcd,x\n", 0, "1:8", "is it \"backup\""},
    {"target has another name", "note,Device,source\nx,abcd,x\n", 0, "1:6", "is it \"Device\""},
    {"misspelt", "target,souce\nabcd,x\n", 0, "1:8", "did you mean \"source\""},
    {"space at the end", "target ,source\nabcd,x\n", 0, "1:1", "did you mean \"target\""},
    {"capital", "Target,source\nabcd,x\n", 0, "1:1", "did you mean \"target\""},
    {"two letters swapped", "tagret,source\nabcd,x\n", 0, "1:1", "did you mean \"target\""},
    {"misspelt column that may be left out", "target,source,source state\nabcd,x,\n", 0, "1:15", "source_state"},
    {"asset tag", "target,source,assettag\nabcd,x,\n", 0, "1:15", "\"asset_tag\""},
    {"column twice", "target,source,user,user\nabcd,x,a,b\n", 0, "1:20", "stands twice"},
    {"further column twice", "target,source,note,note\nabcd,x,a,b\n", 0, "1:20", "stands twice"},
    {"semicolons", "target;source;user\nabcd;x;y\n", 0, "1:7", "semicolons"},
    {"tabs", "target\tsource\nabcd\tx\n", 0, "1:7", "tabs"},
    {"missing cell", HEAD "abcd\n", 0, "2:1", "a comma is missing"},
    {"missing cell at the end", FULL "abcd,x,usb\n", 0, "2:8", "header has 7"},
    {"too many cells", HEAD "abcd,x,y\n", 0, "2:8", "quotes around it"},
    {"empty target", HEAD ",x\n", 0, "2:1", "\"target\" is empty"},
    {"empty source", HEAD "abcd,  \n", 0, "2:6", "\"source\" is empty"},
    {"both lines are told", HEAD ",x\nabcd,\n", 0, "2:1 3:6", "empty"},
    {"quote inside", HEAD "ab\"cd,x\n", 0, "2:3", "inside a cell"},
    {"space before a quote", HEAD "abcd, \"x\"\n", 0, "2:7", "inside a cell"},
    {"text behind a quote", HEAD "\"abcd\"e,x\n", 0, "2:7", "behind a closing quote"},
    {"quote never closed", HEAD "abcd,x\nabce,\"x\nabcf,y\n", 0, "3:6", "never closed"},
    {"quote never closed, at the end", HEAD "abcd,\"", 0, "2:6 2:6", "never closed"},
    {"a line break in a cell counts as a line", HEAD "\"ab\ncd\",x\nabce,y,z\n", 0, "4:8", "quotes around it"},
    {"columns are characters", HEAD "\"\xe7\xab\xaf\xe6\x9c\xab\xe7\xab\xaf\xe6\x9c\xab\",x\xe7\xab\xaf,z\n", 0, "2:11",
     "quotes"},
    {"BOM is no character", BOM "target,source\nabcd,x,z\n", 0, "2:8", "quotes"},
    {"CRLF is one line end", "target,source\r\nabcd,x\r\n,x\r\n", 0, "3:1", "empty"},
    {"CR alone ends a line", "target,source\rabcd,x\r,x\r", 0, "3:1", "empty"},
    {"empty lines count", "\n\ntarget,source\n\n\n,x\n", 0, "6:1", "empty"},
    {"route", FULL "abcd,x,wifi,,,,\n", 0, "2:8", "usb, icloud"},
    {"source state", FULL "abcd,x,usb,managed,,,\n", 0, "2:12", "no-mdm"},
    {"target state", FULL "abcd,x,usb,no-mdm,no-mdm,,\n", 0, "2:19", "unsupervised, supervised"},
    {"all of one line", FULL ",,x,y,z,,\n", 0, "2:1 2:2 2:3 2:5 2:7", "empty"},
    {"too short", HEAD "abc,x\n", 0, "2:1", "too short"},
    {"dashes are no letters", HEAD "a-b-,x\n", 0, "2:1", "too short"},
    {"rounded by Excel", HEAD "3.56789E+14,x\n", 0, "2:1", "rounded"},
    {"target twice", HEAD "abcd1234,x\nabcd5678,y\nabcd1234,z\n", 0, "4:1", "target of line 2 already"},
    {"target twice in another dress", HEAD "00008030-001A2B3C4D5E6F70,x\n00008030001a2b3c4d5e6f70,y\n", 0, "3:1",
     "line 2"},
    {"target three times", HEAD "abcd,x\nABCD,y\nab-cd,z\n", 0, "3:1 4:1", "line 2"},
    {"cell without a name above it", "target,source,\nabcd,x,y\n", 0, "2:8", "no column name"},
    {"user too long",
     "target,source,user\nabcd,x,"
     "12345678901234567890123456789012345678901234567890123456789012345678901234567890"
     "123456789012345678901234567890123456789012345678\n",
     0, "2:8", "too long"},
    {"UTF-16 of Windows", "\xff\xfet\0a\0r\0g\0", 10, "1:1", "UTF-16"},
    {"UTF-16, other order", "\xfe\xff\0t\0a\0r\0g", 10, "1:1", "UTF-16"},
    {"UTF-16 without a mark", "t\0a\0r\0g\0e\0t\0,\0s\0o\0u\0r\0c\0e\0\r\0\n\0", 30, "1:1", "UTF-16 without"},
    {"UTF-16 without a mark, other order", "\0t\0a\0r\0g\0e\0t\0,\0s\0o\0u\0r\0c\0e\0\n", 28, "1:1", "UTF-16 without"},
    {"UTF-32", "\xff\xfe\0\0t\0\0\0", 8, "1:1", "UTF-32"},
    {"a NUL in a text", HEAD "ab\0cd,x\n", 22, "1:1", "no text"},
    {"Shift_JIS", HEAD "abcd,x\nabce,\x8d\x82\x8b\xb4\n", 0, "3:6", "Shift_JIS"},
    {"Shift_JIS with half-width katakana", HEAD "abcd,\xca\xdf\xbf\xba\xdd\n", 0, "2:6", "Shift_JIS"},
    {"Shift_JIS whose second byte is a backslash", HEAD "abcd,\x95\x5c\n", 0, "2:6", "Shift_JIS"},
    {"EUC-JP that Shift_JIS cannot be", HEAD "abcd,\xb9\xfe\n", 0, "2:6", "EUC-JP"},
    {"ISO-2022-JP", HEAD "abcd,\033$B9b66\033(B\n", 0, "1:1", "ISO-2022-JP"},
    {"Latin-1", HEAD "abcd,M\xfcller\n", 0, "2:7", "not UTF-8"},
    {"a cut character at the end", HEAD "abcd,\xe7\xab", 0, "2:6", "UTF-8"},
    {"a workbook", "PK\x03\x04xxxxxx", 0, "1:1", "workbook"},
    {"an old workbook", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "1:1", "old Excel"},
};

static char *places_of(const struct kb_sheet *sheet) {
    struct kb_buf out = {0};
    for (int i = 0; i < sheet->error_count; i++)
        kb_buf_printf(&out, "%s%d:%d", i ? " " : "", sheet->errors[i].at.line, sheet->errors[i].at.column);
    return kb_buf_steal(&out);
}

START_TEST(test_bad) {
    struct kb_sheet sheet;
    kb_sheet_parse(bad[_i].sheet, bad[_i].size ? bad[_i].size : strlen(bad[_i].sheet), &sheet);
    char *places = places_of(&sheet);
    ck_assert_msg(!strcmp(places, bad[_i].places), "%s: %s instead of %s (%s)", bad[_i].why, places, bad[_i].places,
                  sheet.error_count ? sheet.errors[0].text : "");
    ck_assert_msg(strstr(sheet.errors[0].text, bad[_i].says) != NULL, "%s: %s", bad[_i].why, sheet.errors[0].text);
    free(places);
    kb_sheet_release(&sheet);
}
END_TEST

/* ---- What is taken ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *why, *sheet, *jobs; /* target|source|user|columns, a job each line */
} good[] = {
    {"the least", HEAD "abcd,x\n", "abcd|x||-\n"},
    {"BOM, CRLF, no last line end", BOM "target,source\r\nabcd,x", "abcd|x||-\n"},
    {"columns in any order", "user,source,target\nHanako,x,abcd\n", "abcd|x|Hanako|-\n"},
    {"quotes", HEAD "\"abcd\",\"a,\"\"b\"\"\"\n", "abcd|a,\"b\"||-\n"},
    {"quoted header", "\"target\",\"source\"\nabcd,x\n", "abcd|x||-\n"},
    {"space around cells goes", HEAD "  abcd\t,\xe3\x80\x80x \n", "abcd|x||-\n"},
    {"empty lines and Excel's empty rows", HEAD "\nabcd,x\n,\n\nabce,y\n\n", "abcd|x||-\nabce|y||-\n"},
    {"Excel's empty columns", "target,source,,\nabcd,x,,\n", "abcd|x||-\n"},
    {"empty cells behind the last column", HEAD "abcd,x,,,\n", "abcd|x||-\n"},
    {"further columns are kept", "target,source,note,\xe9\x83\xa8\xe7\xbd\xb2\nabcd,x,hi,\"a\nb\"\n",
     "abcd|x||{\"note\":\"hi\",\"\xe9\x83\xa8\xe7\xbd\xb2\":\"a\xef\xbf\xbd"
     "b\"}\n"},
    {"words near a known one, which is there too", "target,source,resource,route\nabcd,x,y,usb\n",
     "abcd|x||{\"resource\":\"y\"}\n"},
    {"note is no route", "target,source,note\nabcd,x,y\n", "abcd|x||{\"note\":\"y\"}\n"},
    {"a UDID's start with an e", HEAD "3e12,x\n", "3e12|x||-\n"},
    {"one backup for two devices", HEAD "abcd,x\nabce,x\n", "abcd|x||-\nabce|x||-\n"},
};

static char *jobs_of(const struct kb_sheet *sheet) {
    struct kb_buf out = {0};
    kb_buf_puts(&out, "");
    for (int i = 0; i < sheet->count; i++) {
        const struct kb_sheet_job *job = &sheet->jobs[i];
        char *columns = job->columns ? kb_json_line(job->columns) : kb_xstrdup("-");
        kb_buf_printf(&out, "%s|%s|%s|%s\n", job->target, job->source, job->user, columns);
        free(columns);
    }
    return kb_buf_steal(&out);
}

START_TEST(test_good) {
    struct kb_sheet sheet;
    kb_sheet_parse(good[_i].sheet, strlen(good[_i].sheet), &sheet);
    ck_assert_msg(sheet.error_total == 0, "%s: %s", good[_i].why, sheet.error_total ? sheet.errors[0].text : "");
    char *jobs = jobs_of(&sheet);
    ck_assert_msg(!strcmp(jobs, good[_i].jobs), "%s: %s", good[_i].why, jobs);
    free(jobs);
    kb_sheet_release(&sheet);
}
END_TEST

START_TEST(test_words) {
    struct kb_sheet sheet;
    const char *text = FULL "abcd,x,icloud,no-mdm,supervised,Hanako,A-1\nabce,y,,,,,\n";
    kb_sheet_parse(text, strlen(text), &sheet);
    ck_assert_int_eq(sheet.error_total, 0);
    ck_assert_int_eq(sheet.count, 2);
    ck_assert_int_eq(sheet.jobs[0].route, KB_ROUTE_ICLOUD);
    ck_assert_int_eq(sheet.jobs[0].source_state, KB_SOURCE_NO_MDM);
    ck_assert_int_eq(sheet.jobs[0].target_state, KB_TARGET_SUPERVISED);
    ck_assert_str_eq(sheet.jobs[0].asset_tag, "A-1");
    ck_assert_int_eq(sheet.jobs[0].target_at.line, 2);
    ck_assert_int_eq(sheet.jobs[0].source_at.column, 6);
    ck_assert(!sheet.jobs[1].has_route);
    ck_assert_int_eq(sheet.jobs[1].source_state, KB_SOURCE_UNKNOWN);
    kb_sheet_release(&sheet);
}
END_TEST

/* Told up to a bound, counted all; and the file's order holds. */
START_TEST(test_bounds) {
    struct kb_sheet sheet;
    struct kb_buf text = {0};
    kb_buf_puts(&text, HEAD);
    for (int i = 0; i < KB_SHEET_MAX_JOBS + 2; i++) kb_buf_printf(&text, "dev%05d,x\n", i);
    kb_sheet_parse(text.data, text.size, &sheet);
    ck_assert_int_eq(sheet.count, KB_SHEET_MAX_JOBS);
    ck_assert_int_eq(sheet.error_total, 1);
    ck_assert_int_eq(sheet.errors[0].at.line, KB_SHEET_MAX_JOBS + 2);
    kb_sheet_release(&sheet);
    text.size = 0;
    kb_buf_puts(&text, HEAD);
    for (int i = 0; i < 300; i++) kb_buf_puts(&text, "a,\n");
    kb_sheet_parse(text.data, text.size, &sheet);
    ck_assert_int_eq(sheet.error_total, 600 + 299);
    ck_assert_int_eq(sheet.error_count, KB_SHEET_MAX_ERRORS);
    ck_assert_int_eq(sheet.errors[0].at.line, 2);
    kb_sheet_release(&sheet);
    kb_buf_release(&text);
    char *large = kb_xcalloc(1, KB_SHEET_MAX_BYTES + 1);
    memset(large, 'a', KB_SHEET_MAX_BYTES + 1);
    kb_sheet_parse(large, KB_SHEET_MAX_BYTES + 1, &sheet);
    ck_assert_int_eq(sheet.error_total, 1);
    kb_sheet_release(&sheet);
    free(large);
}
END_TEST

START_TEST(test_load) {
    struct kb_sheet sheet;
    struct kb_result res = kb_sheet_load("there/is/no/such/file.csv", false, &sheet);
    ck_assert_int_eq(res.domain, KB_USAGE);
    kb_sheet_release(&sheet);
    res = kb_sheet_load("/", false, &sheet);
    ck_assert_int_eq(res.domain, KB_USAGE);
    kb_sheet_release(&sheet);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sheet");
    TCase *tcase = tcase_create("sheet");
    tcase_add_loop_test(tcase, test_bad, 0, KB_ARRAY_SIZE(bad));
    tcase_add_loop_test(tcase, test_good, 0, KB_ARRAY_SIZE(good));
    tcase_add_test(tcase, test_words);
    tcase_add_test(tcase, test_bounds);
    tcase_add_test(tcase, test_load);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
