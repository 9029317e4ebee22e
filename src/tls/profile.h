/* SPDX-License-Identifier: MIT */
/* profile - a TLS profile: a const table of BearSSL's algorithms, and of how certificates are
 * judged. Each profile_*.c file has one table, so that a build links only the profile that it
 * names. */
#ifndef POPCL_TLS_PROFILE_H
#define POPCL_TLS_PROFILE_H

#include <limits.h>

#include "../core/link.h"
#include "key.h"
#include "popcl_tls.h"

#if UINT_MAX < 0xffffffff
#error "TLS wants an int of 32 bits, as BearSSL does"
#endif

/* How a profile judges the server's certificates. `state` is the part of the storage after
 * popcl_tls_session. */
typedef struct popcl_x509 {
    /* Checks whether trust, clock and pins can be used at all, before anything is sent. */
    popcl_err (*check)(const popcl_tls *t);
    /* Begins with the handshake; returns BearSSL's view of it. name is as popcl_name_copy made it,
     * and stays until the verdict. */
    const br_x509_class **(*open)(void *state, const popcl_tls *t, const char *name);
    /* Returns why the certificates were refused; POPCL_OK if they were not. BearSSL reports only
     * that they were. */
    popcl_err (*verdict)(const void *state);
    /* After the handshake: writes the facts about the server's certificate to the diagnosis. If a
     * certificate was refused: which one. */
    void (*tell)(const void *state, popcl_tls_diag *d);
    /* After the handshake: returns bytes of state that are not needed any more, *n of them; NULL =
     * none. */
    void *(*spare)(void *state, size_t *n);
} popcl_x509;

extern const popcl_x509 popcl_x509_guard;   /* chain, name, dates, and pins if there are any */
extern const popcl_x509 popcl_x509_collect; /* the same, with issuers in any order */
extern const popcl_x509 popcl_x509_pin;     /* the key alone */

extern const popcl_tls_layer popcl_tls_link;

/* The parts that profiles share: see profile.c. */
extern const br_hash_class *const popcl_tls_hashes_all[], *const popcl_tls_hashes_sha256[];
#define POPCL_TLS_SUITES_ALL      6
#define POPCL_TLS_SUITES_CHACHA20 1
extern const uint16_t popcl_tls_suites_all[POPCL_TLS_SUITES_ALL],
    popcl_tls_suites_chacha20[POPCL_TLS_SUITES_CHACHA20];
int popcl_tls_hash_id(
    const br_hash_class *h); /* BearSSL's number of it: br_sha256_ID and the like */
void popcl_tls_ciphers_chacha20(br_ssl_engine_context *e);
void popcl_tls_ciphers_small(br_ssl_engine_context *e);

/* P-521 costs a device some 300 million instructions for one step, and hardly any server uses it.
 */
#define POPCL_TLS_CURVES_DEVICE (1u << BR_EC_secp256r1 | 1u << BR_EC_secp384r1)
#define POPCL_TLS_CURVES_HOST                                                                      \
    (POPCL_TLS_CURVES_DEVICE | 1u << BR_EC_secp521r1 | 1u << BR_EC_curve25519)

/* Returns whether the profile can check a signature that was made with the key. */
int popcl_tls_can_use(const popcl_tls_profile *p, const br_x509_pkey *key);

struct popcl_tls_profile {
    const popcl_tls_layer *layer; /* the first field: core/link.h knows no other */
    const popcl_x509 *x509;
    const br_hash_class *const
        *hashes; /* of certificates and of TLS, ending with NULL. SHA-256 is one of them */
    uint16_t storage_len;
    uint16_t state_at;      /* bytes: offset of the X.509 state in the storage */
    const uint16_t *suites; /* in order of preference. They are pairs of one cipher with both kinds
                               of keys, or one alone */
    uint8_t suites_len;
    uint8_t number;    /* 1 and up, never used for another profile: a kept session is bound to it */
    uint8_t certs_max; /* most certificates that are looked at: some servers send a few that do not
                          belong */
    uint8_t path_max;  /* most certificates of a path. Real ones have up to four. 0 = it judges no
                          chain, and anchors are of no use */
    uint8_t checks_max; /* most signatures that are checked in one chain */
    uint32_t curves;    /* a bit for each curve of ec that is used */
    const br_ec_impl *ec;
    br_ecdsa_vrfy ecdsa;
    br_rsa_pkcs1_vrfy rsa; /* NULL = no RSA */
    /* Sets the record ciphers and PRFs. */
    void (*ciphers)(br_ssl_engine_context *e);
};

#endif
