/* SPDX-License-Identifier: MIT */
/* report - what popcl-ta says on standard error. Everything is escaped to printable ASCII: names
 * come from certificates and directories. */
#ifndef POPCL_TA_REPORT_H
#define POPCL_TA_REPORT_H

#include "anchor.h"

/* One line, "popcl-ta: ..."; cut at 2 KB. */
void ta_say(const char *format, ...);

/* The line of a finding: where it is, what it is, and why it is so. */
void ta_say_finding(const pop_anchor *a);

/* How many certificates there were, and what became of them. */
void ta_say_counts(const pop_anchors *a);

#endif
