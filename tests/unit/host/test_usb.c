/* Ports of USB devices as Linux' sysfs tells them, in a folder in place of /sys. */
#include "folder.h"
#include "system.h"

#include <sys/stat.h>

/* Everything of a device's folder: dev/char/189:MINOR links to devices/NAME, which has the maker's number. */
static void plug(const char *name, int bus, int address, const char *vendor) {
    char path[300], target[300];
    const char *folders[] = {"dev", "dev/char", "devices"};
    for (size_t i = 0; i < KB_ARRAY_SIZE(folders); i++) mkdir(in_folder(folders[i]), 0700);
    snprintf(path, sizeof path, "devices/%s", name);
    mkdir(in_folder(path), 0700);
    snprintf(path, sizeof path, "devices/%s/idVendor", name);
    write_file(path, vendor);
    snprintf(path, sizeof path, "dev/char/189:%d", (bus - 1) * 128 + address - 1);
    snprintf(target, sizeof target, "../../devices/%s", name);
    unlink(in_folder(path));
    ck_assert_int_eq(symlink(target, in_folder(path)), 0);
}

static int64_t place(int bus, int address) { return kb_usb_place_below(folder, (int64_t)bus << 16 | address); }

/* The same port, another address after the plug; the first byte is the bus. */
START_TEST(test_port_stays) {
    plug("3-1.4.2", 3, 17, "05ac\n");
    ck_assert_int_eq(place(3, 17), 0x03142000);
    plug("3-1.4.2", 3, 18, "05ac\n");
    ck_assert_int_eq(place(3, 18), 0x03142000);
    plug("3-1.4.3", 3, 17, "05ac\n");
    ck_assert_int_eq(place(3, 17), 0x03143000);
    plug("20-15.1.2.3.4.5", 20, 127, "05ac\n");
    ck_assert_int_eq(place(20, 127), 0x14f12345);
    plug("1-7", 1, 1, "05ac\n");
    ck_assert_int_eq(place(1, 1), 0x01700000);
}
END_TEST

/* A root hub of more than 15 ports: still one number a port, still the bus in front. */
START_TEST(test_many_ports) {
    int64_t seen[3];
    const char *names[] = {"2-16", "2-17", "2-16.1"};
    for (int i = 0; i < 3; i++) {
        plug(names[i], 2, 5, "05ac\n");
        seen[i] = place(2, 5);
        ck_assert_int_eq(seen[i] >> 24, 2);
        plug(names[i], 2, 6, "05ac\n");
        ck_assert_int_eq(place(2, 6), seen[i]);
    }
    ck_assert(seen[0] != seen[1] && seen[0] != seen[2] && seen[1] != seen[2]);
}
END_TEST

/* What cannot be looked up, or is none of Linux' numbers, is taken as it is. */
START_TEST(test_as_it_is) {
    static const int64_t locations[] = {-1, 0, 5, 0x14100000, 0x14209000, 0x10000, 0x10080, 0x1007f, 0x20005, 0xffffff};
    static const char *const names[] = {"2-", "2-0", "2-1.", "2-1:1.0", "3-1", "usb2", "2-1.256", "2-1.-1", "2"};
    for (size_t i = 0; i < KB_ARRAY_SIZE(locations); i++)
        ck_assert_int_eq(kb_usb_place_below(folder, locations[i]), locations[i]);
    plug("2-1", 2, 5, "1d6b\n");
    ck_assert_int_eq(place(2, 5), 0x20005);
    for (size_t i = 0; i < KB_ARRAY_SIZE(names); i++) {
        plug(names[i], 2, 9, "05ac\n");
        ck_assert_msg(place(2, 9) == 0x20009, "%s became %llx", names[i], (long long)place(2, 9));
    }
    ck_assert_int_eq(kb_host_usb_place(0x14100000), 0x14100000);
}
END_TEST

/* Only Linux' numbers change at each plug: what every other system says is the port's own already. */
START_TEST(test_elsewhere) {
    static const int64_t locations[] = {-1, 0, 0x20005, 0x14100000};
    for (size_t i = 0; i < KB_ARRAY_SIZE(locations); i++)
        ck_assert_int_eq(kb_host_usb_place(locations[i]), locations[i]);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("usb");
    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    if (ON_POSIX) tcase_add_test(cases, test_port_stays);
    if (ON_POSIX) tcase_add_test(cases, test_many_ports);
    if (ON_POSIX) tcase_add_test(cases, test_as_it_is);
    if (!ON_POSIX) tcase_add_test(cases, test_elsewhere);
    return run_suite("host/usb", cases);
}
