/* SPDX-License-Identifier: MIT */
/* guard - the X.509 validation (RFC 5280, 6) of all profiles except `pinned`. */
#ifndef POPCL_TLS_GUARD_H
#define POPCL_TLS_GUARD_H

#include "profile.h"

/* Sets up the validation of one chain, for the client (popcl_x509_guard) and for tests/x509check
 * alike. It takes hashes, algorithms and limits from the profile; anchors, pins and time from t.
 * name is as popcl_name_copy made it, borrowed until the verdict.
 *
 * BearSSL's calls follow, through the vtable that the returned pointer points to: start_chain; for
 * each certificate start_cert, append, end_cert; then end_chain. */
const br_x509_class **popcl_guard_open(popcl_guard *g, const popcl_tls *t, const char *name);

/* Returns POPCL_OK only if every check ran and none refused the chain. */
popcl_err popcl_guard_verdict(const popcl_guard *g);

/* Returns why a certificate with these facts of leaf.h is refused, whatever its place in a path.
 * Without LEAF_IS_FIRST it is judged as an issuer. */
popcl_err popcl_guard_judge(uint32_t facts);

#endif
