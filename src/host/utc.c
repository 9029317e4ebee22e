/* SPDX-License-Identifier: MIT */
/* utc - see utc.h. In this file years begin in March, so that the leap day is a year's last. An era
 * has 400 years, and 146097 days. */
#include "utc.h"

#include <stdio.h>
#include <string.h>

#define DAY          86400
#define EPOCH_DAYS   719468                /* days from 0000-03-01 to 1970-01-01 */
#define FIRST_SECOND INT64_C(-62167219200) /* 0000-01-01 */
#define LAST_SECOND  INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static unsigned is_leap(unsigned year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in(unsigned year, unsigned month) {
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 ? is_leap(year) : 0u);
}

int64_t pop_utc(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                unsigned second) {
    if (year > 9999 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) ||
        hour > 23 || minute > 59 || second > 60)
        return INT64_MIN;
    int64_t y = (int64_t)year - (month <= 2) + 400; /* one era more: no negative years */
    int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * ((month + 9) % 12) + 2) / 5 + day -
                   1 - 146097 - EPOCH_DAYS;
    return days * DAY + hour * 3600 + minute * 60 + second;
}

void pop_utc_text(int64_t utc_s, char text[POP_UTC_TEXT]) {
    if (utc_s < FIRST_SECOND) utc_s = FIRST_SECOND;
    if (utc_s > LAST_SECOND) utc_s = LAST_SECOND;
    unsigned long seconds = (unsigned long)((utc_s - FIRST_SECOND) % DAY);
    unsigned long left = (unsigned long)((utc_s - FIRST_SECOND) / DAY);
    unsigned year = 0, month = 1;
    for (; left >= 365ul + is_leap(year); year++)
        left -= 365ul + is_leap(year);
    for (; left >= days_in(year, month); month++)
        left -= days_in(year, month);
    (void)snprintf(text, POP_UTC_TEXT, "%04u-%02u-%02uT%02u:%02u:%02uZ", year % 10000, month,
                   (unsigned)left % 32 + 1, (unsigned)(seconds / 3600) % 24,
                   (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
}

/* Reads a number of exactly `count` digits, and the character after it (0 = none is read). */
static int utc_take(const char **at, unsigned count, char behind, unsigned *value) {
    unsigned v = 0;
    for (; count; count--, (*at)++) {
        if (**at < '0' || **at > '9') return -1;
        v = v * 10 + (unsigned)(**at - '0');
    }
    *value = v;
    if (!behind) return 0;
    return *(*at)++ == behind ? 0 : -1;
}

/* Reads "Z" or "+01:00", with nothing after it. */
static int take_offset(const char *at, int64_t *offset_s) {
    unsigned hours = 0, minutes = 0;
    char sign = *at++;
    *offset_s = 0;
    if (sign == 'Z' || sign == 'z') return *at ? -1 : 0;
    if ((sign != '+' && sign != '-') || utc_take(&at, 2, ':', &hours) ||
        utc_take(&at, 2, 0, &minutes) || *at || hours > 23 || minutes > 59)
        return -1;
    *offset_s = (int64_t)(hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return 0;
}

int pop_utc_read(const char *text, int64_t *utc_s) {
    unsigned part[6] = {0};
    int64_t offset_s = 0;
    const char *at = text;
    if (utc_take(&at, 4, '-', &part[0]) || utc_take(&at, 2, '-', &part[1]) ||
        utc_take(&at, 2, 0, &part[2]))
        return -1;
    if (*at) {
        if (!strchr("Tt ", *at++) || utc_take(&at, 2, ':', &part[3]) ||
            utc_take(&at, 2, ':', &part[4]) || utc_take(&at, 2, 0, &part[5]))
            return -1;
        if (*at == '.') {
            size_t digits = strspn(++at, "0123456789");
            if (!digits) return -1;
            at += digits;
        }
        if (take_offset(at, &offset_s)) return -1;
    }
    int64_t utc = pop_utc(part[0], part[1], part[2], part[3], part[4], part[5]);
    if (utc == INT64_MIN) return -1;
    *utc_s = utc - offset_s;
    return 0;
}
