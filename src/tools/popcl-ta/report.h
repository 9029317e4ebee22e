/* SPDX-License-Identifier: MIT */
/* report - popcl-ta's text on standard error. Everything is escaped to printable ASCII: names come
 * from certificates and directories. */
#ifndef POPCL_TA_REPORT_H
#define POPCL_TA_REPORT_H

#include "anchor.h"

/* Prints one line, "popcl-ta: ..."; cut at 2 KB. */
void ta_say(const char *format, ...);

/* Prints the line of a finding: its place, its name, and its reason. */
void ta_say_finding(const pop_anchor *a);

/* Prints how many certificates there were, and their findings. */
void ta_say_counts(const pop_anchors *a);

#endif
