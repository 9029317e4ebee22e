/* SPDX-License-Identifier: MIT */
/* tls_client - what the client's side of a TLS test gives to popcl: a profile by name, its storage,
 * whom to trust (pki.h), and a seed. */
#ifndef TESTS_SIM_TLS_CLIENT_H
#define TESTS_SIM_TLS_CLIENT_H

#include "popcl_tls.h"
#include "window.h"

/* Of the places where a session with TLS can fail, each so many-th one is tried: all of them, but
 * for builds that are slow or run beside others. Prime, so that it is not the same octet of each
 * record. */
#if defined __SANITIZE_ADDRESS__
#define TLS_STEP 7u
#else
#define TLS_STEP (test_window() > 1 ? 7u : 1u)
#endif

enum tls_profile { TLS_HOST, TLS_PUBLIC, TLS_SMALL, TLS_ECDSA, TLS_PINNED, TLS_PROFILES };

extern const popcl_seed tls_seed; /* random enough for a test */

const char *tls_profile_name(enum tls_profile profile);
size_t tls_storage_len(enum tls_profile profile);

/* Fills *t: the right trust and time, and the storage. */
void tls_client_init(popcl_tls *t, enum tls_profile profile, void *storage, size_t storage_len);

#endif
