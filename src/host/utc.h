/* SPDX-License-Identifier: MIT */
/* utc - points in time, from human-readable text (RFC 3339) and certificates to Unix seconds and
 * back. It knows no clock and no locale. It works for the years 0 to 9999 with any size of
 * time_t. */
#ifndef POPCL_HOST_UTC_H
#define POPCL_HOST_UTC_H

#include <stdint.h>

/* Returns Unix seconds of a time in UTC, or INT64_MIN if there is no such time. Leap seconds (60)
 * count as the second after 59. */
int64_t pop_utc(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                unsigned second);

/* Reads "2026-11-25T12:00:00Z", also with a fraction, which is dropped, or with an offset such as
 * +01:00. A date alone is midnight, UTC. Returns 0, or -1. */
int pop_utc_read(const char *text, int64_t *utc_s);

/* Writes "2026-11-25T12:00:00Z". A time outside the years 0 to 9999 becomes the nearest one inside.
 * The first 10 bytes are the date. */
#define POP_UTC_TEXT 21
void pop_utc_text(int64_t utc_s, char text[POP_UTC_TEXT]);

#endif
