/* SPDX-License-Identifier: MIT */
/* family - the families of authorities, for --siblings. */
#ifndef POPCL_TA_FAMILY_H
#define POPCL_TA_FAMILY_H

#include "select.h"

/* Gives each certificate that is not selected (rank -1) the least rank of a selected one of its
 * families. Certificates are of one family if one of these holds:
 *
 * - they have the same organization (O=); A-Z is the same as a-z
 * - they have the same subject and key
 * - a family line of --filter has the fingerprints of both
 *
 * A root also joins the family of another root that certifies it. This is so if the input has a
 * certificate of its subject and key, issued by that other root. The other root does not join the
 * family of the certified one: that would add trust. Names are compared, and signatures are not
 * checked.
 *
 * Takes n log n time. Returns 0, or -1: out of memory. */
int ta_family_spread(const ta_selection *s, pop_anchors *a);

#endif
