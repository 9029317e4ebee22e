/* SPDX-License-Identifier: MIT */
/* profile_pinned - a server that is known by its key: no chain, no name, no dates. */
#include "profile.h"

const popcl_tls_profile popcl_tls_pinned = {
    .layer = &popcl_tls_link,
    .x509 = &popcl_x509_pin,
    .hashes = popcl_tls_hashes_sha256,
    .storage_len = sizeof(popcl_tls_pinned_storage),
    .state_at = offsetof(popcl_tls_pinned_storage, pin),
    .suites = popcl_tls_suites_chacha20,
    .suites_len = POPCL_TLS_SUITES_CHACHA20,
    .number = 4,
    .curves = POPCL_TLS_CURVES_DEVICE,
    .ec = &br_ec_prime_i15,
    .ecdsa = br_ecdsa_i15_vrfy_asn1,
    .ciphers = popcl_tls_ciphers_chacha20,
};
