/*
 * Where on the computer a USB device is plugged in. usbmuxd on Linux makes its LocationID of the bus and the device's
 * address there, and the address is another one after each plug; sysfs knows the ports behind it.
 *
 * Source: usbmuxd/src/usb.c, usb_get_location(): bus << 16 | address. Linux' Documentation/ABI/stable/sysfs-bus-usb and
 * driver-api/usb/usb.rst: character devices 189, minor (bus - 1) * 128 + (address - 1); a device is named
 * BUS-PORT.PORT...
 */
#include "../system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADDRESSES 128 /* of a bus */
#define MOST_BUS  255

static bool is_apples(const char *folder) {
    char *path = kb_path_join(folder, "idVendor"), vendor[8] = "";
    FILE *file = fopen(path, "r");
    bool apple = file && fgets(vendor, sizeof vendor, file) && kb_text_starts(vendor, "05ac");
    if (file) fclose(file);
    free(path);
    return apple;
}

/* "3-1.4.2" as macOS writes LocationIDs: the bus, then a digit a port, from the left. -1: it is no such name. */
static int64_t place_of(const char *name, int bus) {
    char *at = NULL;
    uint32_t ports = 0, mixed = 2166136261u; /* FNV-1a */
    int shift = 20;
    bool fits = true;
    if (strtol(name, &at, 10) != bus || *at != '-') return -1;
    while (*at == '-' || *at == '.') {
        unsigned long port = strtoul(at + 1, &at, 10);
        if (!port || port > 255) return -1;
        fits = fits && port <= 15 && shift >= 0;
        if (fits) ports |= (uint32_t)port << shift;
        mixed = (mixed ^ (uint32_t)port) * 16777619u;
        shift -= 4;
    }
    if (*at) return -1;
    /* Hubs with more ports than a digit has are rare; what counts is that a port keeps its number. */
    return (int64_t)bus << 24 | (fits ? ports : (mixed >> 8 ^ mixed) & 0xffffff);
}

int64_t kb_usb_place_below(const char *sysfs, int64_t location) {
    int bus = (int)(location >> 16), address = (int)(location & 0xffff);
    char name[4096];
    int64_t place = -1;
    if (location < 0 || location >> 24 || bus < 1 || bus > MOST_BUS || address < 1 || address >= ADDRESSES)
        return location;
    char *link = kb_xasprintf("%s/dev/char/189:%d", sysfs, (bus - 1) * ADDRESSES + address - 1);
    ssize_t size = readlink(link, name, sizeof name - 1);
    if (size > 0 && is_apples(link)) {
        name[size] = 0;
        place = place_of(kb_path_base(name), bus);
    }
    free(link);
    return place < 0 ? location : place;
}

int64_t kb_host_usb_place(int64_t location) {
#ifdef __linux__
    return kb_usb_place_below("/sys", location);
#else
    return location; /* macOS: the port already */
#endif
}
