/* SPDX-License-Identifier: MIT */
/* guard - the X.509 validation of all profiles but `pinned`: BearSSL's own, and our rules around
 * it. */
#ifndef POPCL_TLS_GUARD_H
#define POPCL_TLS_GUARD_H

#include "profile.h"

/* Sets up the validation of one chain, for the client (popcl_x509_guard) and for tests/x509check
 * alike: hashes, algorithms and limits of the profile, anchors, pins and time of t. name as
 * popcl_name_copy made it, borrowed until the verdict. Then BearSSL's calls: start_chain, for each
 * certificate start_cert, append, end_cert, and end_chain, through the vtable that *the returned
 * pointer* points to. */
const br_x509_class **popcl_guard_open(popcl_guard *g, const popcl_tls *t, const char *name);

/* POPCL_OK only if every check ran and none refused the chain. */
popcl_err popcl_guard_verdict(const popcl_guard *g);

#endif
