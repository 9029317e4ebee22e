/* SPDX-License-Identifier: MIT */
/* log - what happened in a run, in order: commands and events as lines of text, message data merged
 * with what precedes it. Two runs of one case must give equal logs; a script's expectations are a
 * log too. Knows neither scripts nor popcl. */
#ifndef TESTS_LOG_H
#define TESTS_LOG_H

#include <stddef.h>

/* An entry of text may have a tab: what stands behind it is detail that an expectation may leave
 * out. */
typedef struct entry {
    int merges; /* 1: data; adjacent entries of that kind are one */
    int line;   /* of the script; 0: not from a script */
    size_t n, room;
    unsigned char *p; /* NUL-terminated */
} entry;

typedef struct event_log {
    entry *entries;
    size_t count;
} event_log;

void log_line(event_log *l, int line, const char *format, ...);
void log_data(event_log *l, int line, const void *p, size_t n);
void log_drop(event_log *l); /* the last entry */
void log_clear(event_log *l);

/* Whether `actual` is what `expected` says. With `exact`, details count too. Returns the index of
 * the first difference, or -1. */
long log_difference(const event_log *expected, const event_log *actual, int exact);

/* Prints both logs around their first difference. */
void log_show(const event_log *expected, const event_log *actual, long at);

#endif
