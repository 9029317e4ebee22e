/* SPDX-License-Identifier: MIT */
/* profile_ecdsa - a private CA with P-256 keys and SHA-256 signatures alone: no RSA, no AES. */
#include "profile.h"

const popcl_tls_profile popcl_tls_ecdsa = {
    .layer = &popcl_tls_link,
    .x509 = &popcl_x509_guard,
    .hashes = popcl_tls_hashes_sha256,
    .storage_len = sizeof(popcl_tls_ecdsa_storage),
    .state_at = offsetof(popcl_tls_ecdsa_storage, guard),
    .suites = popcl_tls_suites_chacha20,
    .suites_len = POPCL_TLS_SUITES_CHACHA20,
    .number = 3,
    .certs_max = 16,
    .path_max = 6,
    .checks_max = 8,
    .curves = POPCL_TLS_CURVES_DEVICE,
    .ec = &br_ec_prime_i15,
    .ecdsa = br_ecdsa_i15_vrfy_asn1,
    .ciphers = popcl_tls_ciphers_chacha20,
};
