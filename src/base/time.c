/* Time stamps: ISO 8601 in UTC, without the C library's time zones and their locks. */
#include "kitbench/base.h"

#include <stdio.h>
#include <string.h>

#define DAY           INT64_C(86400)
#define YEAR_9999_END INT64_C(253402300799)

static bool leap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static int64_t days_in_month(int64_t year, int64_t month) {
    static const signed char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year));
}

/* Days from 1970-01-01 to the first day of a year from 1970 on. */
static int64_t days_before_year(int64_t year) {
    int64_t y = year - 1;
    return 365 * (year - 1970) + (y / 4 - y / 100 + y / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

void kb_time_iso(char out[KB_TIME_ROOM], int64_t seconds) {
    out[0] = '\0';
    if (seconds < 0 || seconds > YEAR_9999_END) return;
    int64_t days = seconds / DAY, rest = seconds % DAY, year = 1970 + days / 366, month = 1;
    while (days_before_year(year + 1) <= days) year++;
    days -= days_before_year(year);
    while (days >= days_in_month(year, month)) days -= days_in_month(year, month++);
    char text[64];
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, (int)month, (int)days + 1,
             (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
    memcpy(out, text, KB_TIME_ROOM);
}

int64_t kb_time_parse(const char *iso) {
    static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
    int64_t part[6] = {0}; /* year month day hour minute second */
    if (!iso || strlen(iso) != sizeof shape - 1) return -1;
    for (size_t i = 0, k = 0; shape[i]; i++) {
        bool digit = iso[i] >= '0' && iso[i] <= '9';
        if (shape[i] == 'd' ? !digit : iso[i] != shape[i]) return -1;
        if (digit)
            part[k] = part[k] * 10 + (iso[i] - '0');
        else
            k++;
    }
    if (part[0] < 1970 || part[1] < 1 || part[1] > 12 || part[2] < 1) return -1;
    if (part[2] > days_in_month(part[0], part[1]) || part[3] > 23 || part[4] > 59 || part[5] > 59) return -1;
    int64_t days = days_before_year(part[0]) + part[2] - 1;
    for (int64_t month = 1; month < part[1]; month++) days += days_in_month(part[0], month);
    return days * DAY + part[3] * 3600 + part[4] * 60 + part[5];
}
