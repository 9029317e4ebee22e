/* SPDX-License-Identifier: MIT */
/* leaf - a certificate (RFC 5280, 4.1) read as it streams, an octet a call. Nothing is buffered but
 * the first octets of short values. It checks the encoding (DER) and the grammar, and notes facts:
 * what the extensions say, whether the name that is looked for is there. It verifies no signature,
 * and knows no chain: guard.c does both, and draws the conclusions. Its memory is popcl_leaf of
 * popcl_tls.h. */
#ifndef POPCL_TLS_LEAF_H
#define POPCL_TLS_LEAF_H

#include "popcl_tls.h"

/* Facts about one certificate, a bit each in popcl_leaf.facts. */
enum leaf_fact {
    LEAF_NOTHING,
    /* defects, whatever the certificate is for */
    LEAF_MALFORMED,   /* no DER, no certificate, or against a MUST of RFC 5280 that is seen in one
                         place */
    LEAF_CRITICAL,    /* an unknown extension that is critical */
    LEAF_CONSTRAINED, /* it limits names or policies */
    LEAF_WEAK_KEY,    /* an RSA key below 2048 bits, or with a bad modulus or exponent */
    LEAF_ODD_KEY,     /* another key than RSA and EC, or an RSA key above 4096 bits or of a broken
                         number of octets */
    LEAF_WEAK_SIGNATURE, /* by SHA-1 or MD5 or their like */
    LEAF_ODD_SIGNATURE,  /* another one than RSA PKCS#1 and ECDSA */
    LEAF_NOT_YET,        /* the time is before notBefore */
    LEAF_EXPIRED,        /* the time is behind notAfter */
    LEAF_MISUSED, /* a key usage without digitalSignature (the server's own), or without keyCertSign
                     (an issuer's) */
    /* what counts in some places */
    LEAF_READ,       /* read to its end */
    LEAF_V3,         /* version 3 */
    LEAF_EXTENSIONS, /* there are extensions */
    LEAF_ISSUER,     /* the issuer is not empty */
    LEAF_CA,         /* basicConstraints: CA */
    LEAF_PATH_LEN,   /* basicConstraints: has a pathLenConstraint */
    LEAF_SIGNS,      /* keyUsage: keyCertSign */
    LEAF_PURPOSE,    /* has an extended key usage */
    LEAF_SERVER,     /* serverAuth */
    LEAF_ANY,        /* anyExtendedKeyUsage */
    LEAF_SAN,        /* a subjectAltName with a dNSName or an iPAddress */
    LEAF_MATCH,      /* the name or address that is looked for is one of them */
    LEAF_CN,         /* no subjectAltName at all, and the only common name is the host's, or the
                        same text as the address */
    /* guard.c's own */
    LEAF_IS_FIRST,    /* the server's certificate */
    LEAF_SELF_ISSUED, /* subject and issuer are the same */
    LEAF_VOUCHED      /* an anchor, or a pin that stands for it, vouches for it */
};

/* Begins a certificate of `len` octets. r->tls, host, address and address_len are given before the
 * chain's first, and stay. is_first: it is the server's own, whose names are compared, and told in
 * tls->names. */
void popcl_leaf_begin(popcl_leaf *r, uint32_t len, int is_first);

/* Whether the next octet belongs to the subjectPublicKeyInfo. */
int popcl_leaf_at_key(const popcl_leaf *r);

void popcl_leaf_octet(popcl_leaf *r, unsigned char c);

/* The certificate's end. Returns the facts. */
uint32_t popcl_leaf_end(popcl_leaf *r);

/* BearSSL's number of the hash of tls-server-end-point (RFC 5929, 4.1): br_sha256_ID, _384 or _512.
 * That is the hash of the certificate's signature, and SHA-256 in place of MD5 and SHA-1. 0:
 * another, or not known yet. */
unsigned popcl_leaf_hash(const popcl_leaf *r);

#endif
