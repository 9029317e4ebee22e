/* SPDX-License-Identifier: MIT */
/* profile - the parts that several profiles share: lists of hashes, and record ciphers. Each is in
 * a section of its own, so that a build links only the parts that its profile names. */
#include "profile.h"

/* Which BearSSL this is. 0.6 and git of June 2022 or later are right; BearSSL has no macro for its
 * version. Snapshots between the two lose carries in two implementations of P-256, which 0.6 does
 * not have. Here these two have another type, so that they do not compile: the compiler's message
 * has the name of the type. */
#ifndef BR_EC_KBUF_PRIV_MAX_SIZE
#error "popcl needs BearSSL 0.6, or its git of June 2022 or later; this one is older than 0.6"
#endif
#ifndef BR_FEATURE_X509_TIME_CALLBACK
extern const struct popcl_needs_BearSSL_0_6_or_git_of_June_2022_or_later br_ec_p256_m62,
    br_ec_p256_m64;
#endif

const br_hash_class *const popcl_tls_hashes_all[] = {&br_sha256_vtable, &br_sha384_vtable,
                                                     &br_sha512_vtable, NULL};
const br_hash_class *const popcl_tls_hashes_sha256[] = {&br_sha256_vtable, NULL};

int popcl_tls_hash_id(const br_hash_class *h) {
    return (int)(h->desc >> BR_HASHDESC_ID_OFF & BR_HASHDESC_ID_MASK);
}

int popcl_tls_can_use(const popcl_tls_profile *p, const br_x509_pkey *key) {
    if (popcl_key_fault(key) != KEY_SOUND) return 0;
    return key->key_type == BR_KEYTYPE_RSA ? p->rsa != NULL
                                           : (int)(p->curves >> key->key.ec.curve & 1);
}

void popcl_tls_ciphers_chacha20(br_ssl_engine_context *e) {
    br_ssl_engine_set_prf_sha256(e, br_tls12_sha256_prf);
    br_ssl_engine_set_chapol(e, &br_sslrec_in_chapol_vtable, &br_sslrec_out_chapol_vtable);
    br_ssl_engine_set_chacha20(e, br_chacha20_ct_run);
    br_ssl_engine_set_poly1305(e, br_poly1305_ctmul32_run);
}

/* AES with tables. No secret leaks if memory has no cache, as in the processors that these profiles
 * are for. */
void popcl_tls_ciphers_small(br_ssl_engine_context *e) {
    popcl_tls_ciphers_chacha20(e);
    br_ssl_engine_set_prf_sha384(e, br_tls12_sha384_prf);
    br_ssl_engine_set_gcm(e, &br_sslrec_in_gcm_vtable, &br_sslrec_out_gcm_vtable);
    br_ssl_engine_set_aes_ctr(e, &br_aes_small_ctr_vtable);
    br_ssl_engine_set_ghash(e, br_ghash_ctmul32);
}

const uint16_t popcl_tls_suites_all[] = {
    BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
};
const uint16_t popcl_tls_suites_chacha20[] = {BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256};
