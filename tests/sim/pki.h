/* SPDX-License-Identifier: MIT */
/* pki - what the server side of a TLS test shows: an authority and certificates of it, right ones
 * and wrong ones, made in memory at first use, the same octets every time. P-256 keys, ECDSA with
 * SHA-256; one certificate has an RSA key of 2048 bits. Two authorities more have other keys. */
#ifndef TESTS_SIM_PKI_H
#define TESTS_SIM_PKI_H

#include <stdint.h>

#include "popcl_tls.h"

#define PKI_HOST "pop.example"
/* 2026-11-25, within the right certificate's validity */
#define PKI_NOW             INT64_C(1795608000)
#define PKI_AUTHORITY_SINCE INT64_C(1577836800) /* 2020-01-01 */

typedef enum pki_kind {
    PKI_RIGHT,
    PKI_RSA,
    PKI_BY_RSA,  /* of an authority with RSA */
    PKI_BY_P384, /* of an authority with P-384 */
    PKI_OTHER_NAME,
    PKI_NO_SAN,
    PKI_EXPIRED,
    PKI_NOT_YET,
    PKI_UNTRUSTED, /* of an authority of the same name that nobody knows */
    PKI_OTHER_KEY, /* the right certificate, whose key the server does not hold */
    PKI_KINDS
} pki_kind;

const br_x509_certificate *pki_certificate(pki_kind kind);
const br_x509_certificate *pki_issuer(void);      /* of PKI_UNTRUSTED's issuer, by the authority */
const br_ec_private_key *pki_key(pki_kind kind);  /* that the server signs with */
const br_rsa_private_key *pki_rsa_key(void);      /* of PKI_RSA */
const popcl_anchor *pki_anchor(void);             /* of the authority, with an entry of its own */
const popcl_anchor *pki_anchor_of(pki_kind kind); /* the same, of this certificate's authority */
const unsigned char *
pki_pin(void); /* 32 octets: SHA-256 of the SubjectPublicKeyInfo of PKI_RIGHT */

#endif
