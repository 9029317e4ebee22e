/* SPDX-License-Identifier: MIT */
/* show - texts about sets of trust: the rows of list, the findings of check, the differences of
 * diff. It opens nothing. */
#ifndef POPCL_TA_SHOW_H
#define POPCL_TA_SHOW_H

#include "readback.h"

/* Writes all of a blob, or of C source. */
void ta_show_set(FILE *f, const ta_back *b);

/* Writes a line for each fault, and for each part that ends before `until` (Unix seconds). now: the
 * time. Each line begins with `path`. Returns how many there are. */
size_t ta_show_faults(FILE *f, const ta_back *b, const char *path, int64_t now, int64_t until);

/* Writes a line for each span of days on which a set with pins has none that is valid. It begins
 * with the day on which the set was made. After the last pin is such a span too: it counts if it
 * begins before `until` (Unix seconds). Each line begins with `before`. Sorts the pins by their
 * days. Returns how many there are. */
size_t ta_show_pin_gaps(FILE *f, const char *before, ta_back *b, int64_t until);

/* Writes the same for certificates: a line for each that cannot be an anchor, or ends. */
size_t ta_show_certificate_faults(FILE *f, const pop_anchors *a, int64_t until);

/* Writes a line for each anchor, pin and denied key that one of the two has, "-" or "+", and for
 * each anchor that changed, "~". Of blobs the headers are compared too. Takes n log n time. Returns
 * how many there are, or -1: out of memory. */
long ta_show_differences(FILE *f, const ta_back *old, const ta_back *new_);

#endif
