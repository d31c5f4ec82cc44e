/*
 * How many transfers one USB controller takes at once, learned from what they brought. Pure: no clock, no device.
 *
 * Numbers are tried one after the other as long as one more brings more. A bad moment must not hold a bus back for a
 * day, so what a larger number once brought is slowly thought better of, and then forgotten and tried again.
 */
#include "kitbench/tray.h"

#define WORTH_IT 1.05 /* less than this is noise of one cable */
#define NEWEST   0.3  /* weight of a new measurement */
#define DOUBT    1.01

int kb_bus_of(int64_t location) {
    int first = (int)(location >> 24 & 0xff), second = (int)(location >> 16 & 0xff);
    if (location < 0) return 0;
    return first ? first : second; /* usbmuxd on Linux: bus << 16 | address */
}

static const struct kb_bus *find(const struct kb_governor *governor, int bus) {
    for (int i = 0; i < governor->count; i++)
        if (governor->buses[i].bus == bus) return &governor->buses[i];
    return NULL;
}

static int clamp(int number) { return number < 1 ? 1 : number > KB_PER_BUS_MOST ? KB_PER_BUS_MOST : number; }

int kb_governor_limit(const struct kb_governor *governor, int bus) {
    const struct kb_bus *known = find(governor, bus);
    int best = 0;
    if (governor->fixed > 0) return governor->fixed;
    for (int n = 1; known && n <= KB_PER_BUS_MOST; n++) {
        if (known->bytes_a_second[n] <= 0) continue;
        if (best && known->bytes_a_second[n] < known->bytes_a_second[best] * WORTH_IT) return best;
        best = n;
    }
    return clamp(best + 1);
}

static struct kb_bus *place_for(struct kb_governor *governor, int bus) {
    for (int i = 0; i < governor->count; i++)
        if (governor->buses[i].bus == bus) return &governor->buses[i];
    if (governor->count == KB_MAX_BUSES) return NULL;
    struct kb_bus *place = &governor->buses[governor->count++];
    *place = (struct kb_bus){.bus = bus};
    return place;
}

static void doubt(double *rates, int running) {
    for (int n = running + 1; n <= KB_PER_BUS_MOST; n++) {
        if (rates[n] <= 0 || rates[n] >= rates[running] * WORTH_IT) continue;
        rates[n] *= DOUBT;
        if (rates[n] >= rates[running] * WORTH_IT) rates[n] = 0; /* never measured, so it is next */
    }
}

void kb_governor_sample(struct kb_governor *governor, int bus, int running, int64_t bytes, int64_t ms) {
    if (running < 1 || running > KB_PER_BUS_MOST || bytes <= 0 || ms <= 0) return;
    struct kb_bus *place = place_for(governor, bus);
    if (!place) return;
    double *rates = place->bytes_a_second, rate = (double)bytes * 1000 / (double)ms;
    rates[running] = rates[running] > 0 ? (1 - NEWEST) * rates[running] + NEWEST * rate : rate;
    doubt(rates, running);
}
