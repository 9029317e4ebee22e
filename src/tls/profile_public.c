/* SPDX-License-Identifier: MIT */
/* profile_public - certificates of public CAs, on a microcontroller. P-256, which most handshakes
 * use, has the fast implementation. The curves of some roots have the one for all curves. One table
 * leads to both, since BearSSL takes one. Both use only 16-bit multiplications, which take the same
 * time for any operands on every Cortex-M. */
#include "profile.h"

static const br_ec_impl *of(int curve) {
    return curve == BR_EC_secp256r1 ? &br_ec_p256_m15 : &br_ec_prime_i15;
}

static const unsigned char *generator(int curve, size_t *len) {
    return of(curve)->generator(curve, len);
}

static const unsigned char *order(int curve, size_t *len) { return of(curve)->order(curve, len); }

static size_t xoff(int curve, size_t *len) { return of(curve)->xoff(curve, len); }

static uint32_t mul(unsigned char *g, size_t g_len, const unsigned char *x, size_t x_len,
                    int curve) {
    return of(curve)->mul(g, g_len, x, x_len, curve);
}

static size_t mulgen(unsigned char *r, const unsigned char *x, size_t x_len, int curve) {
    return of(curve)->mulgen(r, x, x_len, curve);
}

static uint32_t muladd(unsigned char *a, const unsigned char *b, size_t len, const unsigned char *x,
                       size_t x_len, const unsigned char *y, size_t y_len, int curve) {
    return of(curve)->muladd(a, b, len, x, x_len, y, y_len, curve);
}

static const br_ec_impl ec = {
    POPCL_TLS_CURVES_DEVICE, generator, order, xoff, mul, mulgen, muladd,
};

const popcl_tls_profile popcl_tls_public = {
    .layer = &popcl_tls_link,
    .x509 = &popcl_x509_guard,
    .hashes = popcl_tls_hashes_all,
    .storage_len = sizeof(popcl_tls_public_storage),
    .state_at = offsetof(popcl_tls_public_storage, guard),
    .suites = popcl_tls_suites_all,
    .suites_len = POPCL_TLS_SUITES_ALL,
    .number = 1,
    .certs_max = 16,
    .path_max = 6,
    .checks_max = 8,
    .curves = POPCL_TLS_CURVES_DEVICE,
    .ec = &ec,
    .ecdsa = br_ecdsa_i15_vrfy_asn1,
    .rsa = br_rsa_i15_pkcs1_vrfy,
    .ciphers = popcl_tls_ciphers_small,
};
