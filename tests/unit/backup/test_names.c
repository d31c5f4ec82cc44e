/* The checker of names: each row is one way out of the folder, or one name that must stay possible. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "kitbench/backup.h"

#define HEX40 "0123456789abcdef0123456789abcdef01234567"

static const struct {
    const char *name;
    size_t size; /* 0: strlen */
    bool safe;
    const char *why;
} names[] = {
    {HEX40 "/Snapshot/ab/abcdef0123", 0, true, "what a device names"},
    {"00008110-001A2B3C4D5E6F7A/Manifest.db", 0, true, "a newer UDID"},
    {"a", 0, true, "one letter"},
    {".hidden", 0, true, "a dot in front is no escape"},
    {"a/.b/c..d/e...f", 0, true, "dots inside"},
    {"a~b/x~/12~3x/file~1.html", 0, true, "tildes that make no short name"},
    {"LONGNAM~1/backup~12345", 0, true, "too long for a short name"},
    {"a~1.b.c", 0, true, "a short name has one dot at most"},
    {"PROGRA~1/x", 0, false, "a short name of Windows"},
    {"x/abcdef~1.PLI", 0, false, "a short name with an extension"},
    {"AB12~123456", 0, true, "eleven letters"},
    {"A1B2~999", 0, false, "a short name with a hash in it"},
    {"~1", 0, false, "the shortest"},
    {"console/nulls/com/lpt/auxiliary/com10/lpt1x", 0, true, "only near the reserved names"},
    {"xcon/prn_/nul-1.txt", 0, true, "also near"},
    {"\xE5\x86\x99\xE7\x9C\x9F/\xE3\x81\x82", 0, true, "Japanese"},
    {"with space/and more", 0, true, "spaces inside"},
    {"", 0, false, "empty"},
    {".", 0, false, "the folder itself"},
    {"..", 0, false, "its parent"},
    {"../x", 0, false, "parent in front"},
    {"x/..", 0, false, "parent behind"},
    {"x/../y", 0, false, "parent between"},
    {"x/./y", 0, false, "self between"},
    {"x/.../y", 0, false, "Windows drops the dots"},
    {"/etc/passwd", 0, false, "absolute"},
    {"//server/share", 0, false, "UNC with slashes"},
    {"\\\\server\\share", 0, false, "UNC"},
    {"x\\..\\..\\y", 0, false, "backslashes"},
    {"x//y", 0, false, "empty component"},
    {"x/", 0, false, "empty last component"},
    {"C:/x", 0, false, "a drive"},
    {"C:x", 0, false, "a drive's current folder"},
    {"x/file:stream", 0, false, "an alternate stream"},
    {"CON", 0, false, "reserved"},
    {"x/nul", 0, false, "reserved in lower case"},
    {"x/NUL.txt", 0, false, "reserved with an extension"},
    {"x/nul.tar.gz", 0, false, "reserved with two"},
    {"x/Nul .txt", 0, false, "reserved with a space before the dot"},
    {"aux/x", 0, false, "reserved as a folder"},
    {"PrN", 0, false, "any case"},
    {"com1", 0, false, "a port"},
    {"COM0.log", 0, false, "port zero"},
    {"lpt9", 0, false, "the last printer"},
    {"com\xC2\xB9", 0, false, "superscript digits are digits to Windows"},
    {"conin$", 0, false, "console input"},
    {"CONOUT$.x", 0, false, "console output"},
    {"clock$", 0, false, "the clock of long ago"},
    {"x./y", 0, false, "a trailing dot"},
    {"x/y.", 0, false, "a trailing dot at the end"},
    {"x /y", 0, false, "a trailing space"},
    {"x/y ", 0, false, "a trailing space at the end"},
    {"x\ny", 0, false, "line end"},
    {"x\x1b[2Jy", 0, false, "an escape sequence"},
    {"x\x7Fy", 0, false, "delete"},
    {"x\xC2\x9By", 0, false, "CSI as one character"},
    {"x\xC2\xA0y", 0, true, "a hard space is not a control"},
    {"x\0y", 3, false, "NUL inside"},
    {"x\xFFy", 0, false, "not UTF-8"},
    {"x\xC0\xAFy", 0, false, "an overlong slash"},
    {"x\xED\xA0\x80y", 0, false, "a lone surrogate"},
    {"x\xC3", 0, false, "cut in a character"},
};

START_TEST(test_names) {
    size_t size = names[_i].size ? names[_i].size : strlen(names[_i].name);

    ck_assert_msg(kb_name_is_safe(names[_i].name, size) == names[_i].safe, "%s", names[_i].why);
}
END_TEST

static const struct {
    size_t part, parts;
    bool safe;
} lengths[] = {{255, 1, true}, {256, 1, false}, {255, 4, true}, {200, 6, false}, {1, 512, true}, {1, 513, false}};

/* parts components of part bytes each, with a slash between. */
START_TEST(test_lengths) {
    size_t size = lengths[_i].parts * (lengths[_i].part + 1) - 1;
    char *name = malloc(size);

    memset(name, 'a', size);
    for (size_t at = lengths[_i].part; at < size; at += lengths[_i].part + 1) name[at] = '/';
    ck_assert_msg(kb_name_is_safe(name, size) == lengths[_i].safe, "%zu bytes", size);
    free(name);
}
END_TEST

START_TEST(test_null) { ck_assert(!kb_name_is_safe(NULL, 3)); }
END_TEST

static const struct {
    const char *udid;
    bool valid;
} udids[] = {
    {HEX40, true},
    {"00008110-001A2B3C4D5E6F7A", true},
    {"00008110-001a2b3c4d5e6f7a", true},
    {"0123456789ABCDEF0123456789ABCDEF01234567", false},
    {"0123456789abcdef0123456789abcdef0123456", false},
    {HEX40 "0", false},
    {"00008110x001A2B3C4D5E6F7A", false},
    {"00008110-001A2B3C4D5E6F7G", false},
    {"../../../../../../../../../../../../../x", false},
    {"", false},
    {NULL, false},
};

START_TEST(test_udid) { ck_assert_msg(kb_udid_is_valid(udids[_i].udid) == udids[_i].valid, "row %d", _i); }
END_TEST

int main(void) {
    Suite *suite = suite_create("backup/names");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tcase, test_names, 0, (int)KB_ARRAY_SIZE(names));
    tcase_add_loop_test(tcase, test_lengths, 0, (int)KB_ARRAY_SIZE(lengths));
    tcase_add_test(tcase, test_null);
    tcase_add_loop_test(tcase, test_udid, 0, (int)KB_ARRAY_SIZE(udids));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
