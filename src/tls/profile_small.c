/* SPDX-License-Identifier: MIT */
/* profile_small - accepts the same as `public`, in the least flash. It has one implementation for
 * all curves, which is some three times slower with P-256. */
#include "profile.h"

const popcl_tls_profile popcl_tls_small = {
    .layer = &popcl_tls_link,
    .x509 = &popcl_x509_guard,
    .hashes = popcl_tls_hashes_all,
    .storage_len = sizeof(popcl_tls_small_storage),
    .state_at = offsetof(popcl_tls_small_storage, guard),
    .suites = popcl_tls_suites_all,
    .suites_len = POPCL_TLS_SUITES_ALL,
    .number = 2,
    .certs_max = 16,
    .path_max = 6,
    .checks_max = 8,
    .curves = POPCL_TLS_CURVES_DEVICE,
    .ec = &br_ec_prime_i15,
    .ecdsa = br_ecdsa_i15_vrfy_asn1,
    .rsa = br_rsa_i15_pkcs1_vrfy,
    .ciphers = popcl_tls_ciphers_small,
};
