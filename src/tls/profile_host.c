/* SPDX-License-Identifier: MIT */
/* profile_host - large machines. It accepts the same as `public`, in BearSSL's fastest
 * implementations that take the same time for any secret. They are chosen at run time. With the
 * processor's instructions for it, AES-GCM is fast and comes first; without them it comes last. */
#include "profile.h"

static void ciphers(br_ssl_engine_context *e) {
    static const uint16_t gcm_first[POPCL_TLS_SUITES_ALL] = {
        BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    };
    const br_block_ctr_class *aes = br_aes_x86ni_ctr_get_vtable();
    br_ghash ghash = br_ghash_pclmul_get();
    br_chacha20_run chacha20 = br_chacha20_sse2_get();
    br_poly1305_run poly1305 = br_poly1305_ctmulq_get();
    if (aes && ghash) br_ssl_engine_set_suites(e, gcm_first, POPCL_TLS_SUITES_ALL);
    br_ssl_engine_set_prf_sha256(e, br_tls12_sha256_prf);
    br_ssl_engine_set_prf_sha384(e, br_tls12_sha384_prf);
    br_ssl_engine_set_gcm(e, &br_sslrec_in_gcm_vtable, &br_sslrec_out_gcm_vtable);
    br_ssl_engine_set_aes_ctr(e, aes ? aes : &br_aes_ct64_ctr_vtable);
    br_ssl_engine_set_ghash(e, ghash ? ghash : br_ghash_ctmul64);
    br_ssl_engine_set_chapol(e, &br_sslrec_in_chapol_vtable, &br_sslrec_out_chapol_vtable);
    br_ssl_engine_set_chacha20(e, chacha20 ? chacha20 : br_chacha20_ct_run);
    br_ssl_engine_set_poly1305(e, poly1305 ? poly1305 : br_poly1305_ctmul_run);
}

const popcl_tls_profile popcl_tls_host = {
    .layer = &popcl_tls_link,
    .x509 = &popcl_x509_collect,
    .hashes = popcl_tls_hashes_all,
    .storage_len = sizeof(popcl_tls_host_storage),
    .state_at = offsetof(popcl_tls_host_storage, collector),
    .suites = popcl_tls_suites_all,
    .suites_len = POPCL_TLS_SUITES_ALL,
    .number = 5,
    .certs_max = POPCL_COLLECTED,
    .path_max = 10,
    .checks_max = 64,
    .curves = POPCL_TLS_CURVES_HOST,
    .ec = &br_ec_all_m31,
    .ecdsa = br_ecdsa_i31_vrfy_asn1,
    .rsa = br_rsa_i31_pkcs1_vrfy,
    .ciphers = ciphers,
};
