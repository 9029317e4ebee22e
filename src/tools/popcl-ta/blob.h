/* SPDX-License-Identifier: MIT */
/* blob - writes a set as a blob: header, index, entries. It signs nothing. */
#ifndef POPCL_TA_BLOB_H
#define POPCL_TA_BLOB_H

#include "emit.h"

/* Makes the blob of a set, with a signature of zeros, in memory that the caller frees. `made` and
 * `stale` of the options are times here. Rows are sorted, so that one set has one form. Returns
 * NULL, or why there is no blob. */
const char *ta_blob_make(unsigned char **blob, size_t *len, const ta_set *s, const ta_options *o);

#endif
