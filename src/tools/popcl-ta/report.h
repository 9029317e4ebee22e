/* SPDX-License-Identifier: MIT */
/* report - popcl-ta's text on standard error, and its exit codes. Everything is escaped to
 * printable ASCII: names come from certificates and directories. */
#ifndef POPCL_TA_REPORT_H
#define POPCL_TA_REPORT_H

#include "anchor.h"

enum ta_exit {
    TA_DONE = 0,
    TA_DIFFERS = 1, /* or check found something */
    TA_USAGE = 64,
    TA_BAD_DATA = 65,
    TA_NO_INPUT = 66,
    TA_UNAVAILABLE = 69, /* a command that signs did not work */
    TA_NOT_CREATED = 73,
    TA_IO_ERROR = 74
};

/* Returns the system's sentence about an errno; it is valid until the next call. */
const char *ta_system_says(int error);

/* Reports it, and returns TA_IO_ERROR. */
int ta_out_of_memory(void);

/* Prints one line, "popcl-ta: ..."; cut at 2 KB. */
void ta_say(const char *format, ...);

/* Prints the line of a finding: its place, its name, and its reason. */
void ta_say_finding(const pop_anchor *a);

/* Prints how many certificates there were, and their findings. */
void ta_say_counts(const pop_anchors *a);

#endif
