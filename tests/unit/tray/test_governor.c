/* How many transfers a bus takes: learned from measurements alone. */
#include "kitbench/tray.h"
#include <check.h>

static const struct {
    const char *why;
    int64_t location;
    int bus;
} places[] = {
    {"unknown", -1, 0},
    {"macOS and Windows: the first byte", 0x14200000, 0x14},
    {"the highest bit is no sign", 0xfd123400, 0xfd},
    {"usbmuxd on Linux: bus and address", 0x0003000b, 3},
    {"nothing in it", 0, 0},
};
START_TEST(test_bus) { ck_assert_msg(kb_bus_of(places[_i].location) == places[_i].bus, "%s", places[_i].why); }
END_TEST

/* Bytes in a second with 1, 2, 3 ... at once; 0 never measured. */
static const struct {
    const char *why;
    int fixed, rates[KB_PER_BUS_MOST], limit;
} cases[] = {
    {"nothing is known: one, to measure it", 0, {0}, 1},
    {"one was tried: two", 0, {30}, 2},
    {"two brought more: three", 0, {30, 58}, 3},
    {"three brought no more", 0, {30, 58, 58}, 2},
    {"three brought less", 0, {30, 58, 40}, 2},
    {"a little more is noise", 0, {100, 103}, 1},
    {"slow cable: two bring no more", 0, {30, 29}, 1},
    {"never more than ten", 0, {10, 20, 30, 40, 50, 60, 70, 80, 90, 100}, 10},
    {"numbers that were never tried are passed over", 0, {30, 0, 0, 100}, 5},
    {"and do not hide that more is too much", 0, {30, 60, 0, 0, 50}, 2},
    {"alone was never measured", 0, {0, 60, 90}, 4},
    {"the operator's number counts", 4, {30, 29}, 4},
    {"above what would be learned, too", 64, {0}, 64},
};
START_TEST(test_limit) {
    struct kb_governor governor = {.fixed = cases[_i].fixed};
    for (int n = 1; n <= KB_PER_BUS_MOST; n++)
        if (cases[_i].rates[n - 1]) governor.buses[0].bytes_a_second[n] = cases[_i].rates[n - 1];
    governor.buses[0].bus = 7;
    governor.count = 1;
    int limit = kb_governor_limit(&governor, 7);
    ck_assert_msg(limit == cases[_i].limit, "%s: %d", cases[_i].why, limit);
}
END_TEST

/* A bus that carries 40 bytes a millisecond each, and 100 in all. */
static int64_t carried(int running) { return running * 40 < 100 ? running * 40 : 100; }

START_TEST(test_learns) {
    struct kb_governor governor = {0};
    int most = 0;
    for (int i = 0; i < 20; i++) {
        int running = kb_governor_limit(&governor, 1);
        if (running > most) most = running;
        kb_governor_sample(&governor, 1, running, carried(running) * 1000, 1000);
    }
    ck_assert_int_eq(kb_governor_limit(&governor, 1), 3);
    ck_assert_int_eq(most, 4);
    ck_assert_int_eq(kb_governor_limit(&governor, 2), 1); /* another bus has nothing to do with it */
}
END_TEST

START_TEST(test_bad_moment) {
    struct kb_governor governor = {0};
    kb_governor_sample(&governor, 1, 1, 40000, 1000);
    kb_governor_sample(&governor, 1, 2, 30000, 1000); /* both devices were busy with themselves */
    ck_assert_int_eq(kb_governor_limit(&governor, 1), 1);
    int i = 0;
    while (i < 200 && kb_governor_limit(&governor, 1) < 3) {
        int running = kb_governor_limit(&governor, 1);
        kb_governor_sample(&governor, 1, running, carried(running) * 1000, 1000);
        i++;
    }
    ck_assert_msg(i < 100, "still held back after %d measurements", i);
}
END_TEST

START_TEST(test_nonsense) {
    struct kb_governor governor = {0};
    kb_governor_sample(&governor, 1, 0, 1000, 1000);
    kb_governor_sample(&governor, 1, KB_PER_BUS_MOST + 1, 1000, 1000);
    kb_governor_sample(&governor, 1, 1, -1, 1000);
    kb_governor_sample(&governor, 1, 1, 1000, 0);
    ck_assert_int_eq(governor.count, 0);
    for (int bus = 1; bus < 256; bus++) kb_governor_sample(&governor, bus, 1, 1000, 1000);
    ck_assert_int_eq(governor.count, KB_MAX_BUSES);
    ck_assert_int_eq(kb_governor_limit(&governor, 255), 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("governor");
    TCase *tcase = tcase_create("governor");
    tcase_add_loop_test(tcase, test_bus, 0, KB_ARRAY_SIZE(places));
    tcase_add_loop_test(tcase, test_limit, 0, KB_ARRAY_SIZE(cases));
    tcase_add_test(tcase, test_learns);
    tcase_add_test(tcase, test_bad_moment);
    tcase_add_test(tcase, test_nonsense);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
