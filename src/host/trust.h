/* SPDX-License-Identifier: MIT */
/* trust - the certificates of a trust store (popcl_posix_trust.h) with their names, for programs
 * that report about them. */
#ifndef POPCL_HOST_TRUST_H
#define POPCL_HOST_TRUST_H

#include "anchor.h"

/* Reads what popcl_posix_trust_load_lists reads, or with empty lists what popcl_posix_trust_system
 * reads, with details. The usable rows are the anchors that these have at utc_s. *where becomes the
 * place: a constant string, an entry of a list, or the value of an environment variable. Returns as
 * these do. After an error there is nothing to free; otherwise the caller frees *a. */
popcl_posix_trust_error pop_trust_read(pop_anchors *a, const char *const *files,
                                       const char *const *dirs, int64_t utc_s, const char **where,
                                       char *why, size_t why_len);

#endif
