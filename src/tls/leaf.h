/* SPDX-License-Identifier: MIT */
/* leaf - a certificate (RFC 5280, 4.1) read as it streams, an octet a call. It buffers only the
 * first octets of short values. It checks the encoding (DER) and the grammar, and notes facts: the
 * content of extensions, whether the wanted name is there. It verifies no signature and knows no
 * chain: guard.c does both, and draws the conclusions. Its memory is popcl_leaf of popcl_tls.h. */
#ifndef POPCL_TLS_LEAF_H
#define POPCL_TLS_LEAF_H

#include "popcl_tls.h"

/* Facts about one certificate, each a bit in popcl_leaf.facts. */
enum leaf_fact {
    LEAF_NOTHING,
    /* defects, in a certificate for any purpose */
    LEAF_MALFORMED, /* not DER, not a certificate, or against a MUST of RFC 5280 that can be seen in
                       one place */
    LEAF_CRITICAL,  /* an unknown critical extension */
    LEAF_CONSTRAINED, /* its limits for names are not kept, or its limits for policies have to be */
    LEAF_WEAK_KEY,    /* an RSA key below 2048 bits, or with a bad modulus or exponent */
    LEAF_ODD_KEY, /* a key that is neither RSA nor EC, or an RSA key above 4096 bits or not of whole
                     octets */
    LEAF_WEAK_SIGNATURE, /* by SHA-1, MD5 or a similar hash */
    LEAF_ODD_SIGNATURE,  /* neither RSA PKCS#1 nor ECDSA */
    LEAF_NOT_YET,        /* the time is before notBefore */
    LEAF_EXPIRED,        /* the time is after notAfter */
    LEAF_MISUSED, /* a key usage without digitalSignature (the server's own), or without keyCertSign
                     (an issuer's) */
    /* facts that count in some places */
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
    LEAF_MATCH,      /* one of them is the wanted name or address */
    LEAF_CN, /* there is no subjectAltName at all, and the only common name is the host's, or the
                same text as the address */
    /* set by guard.c */
    LEAF_IS_FIRST,    /* the server's certificate */
    LEAF_SELF_ISSUED, /* subject and issuer are the same */
    LEAF_DENIED       /* the caller denies its key (popcl_trust.key) */
};

/* The parts of a certificate, in their order. All but HEAD, TAIL and SIGNATURE are the same in the
 * TBSCertificate, which is signed. SIGNATURE begins only in a certificate whose lengths are all
 * right: nothing in it can be malformed any more. After it comes TAIL again, of no octets. */
enum leaf_part {
    LEAF_PART_HEAD, /* the headers of certificate and TBSCertificate, version, serial number, and
                       the signature's algorithm */
    LEAF_PART_ISSUER,
    LEAF_PART_SUBJECT,
    LEAF_PART_KEY,      /* the subjectPublicKeyInfo */
    LEAF_PART_REST,     /* validity; and unique identifiers and extensions */
    LEAF_PART_TAIL,     /* not signed: the algorithm again, and the signature's header */
    LEAF_PART_SIGNATURE /* its octets */
};

/* Begins a certificate of `len` octets. Before the chain's first certificate the caller sets
 * r->tls, host, address and address_len, which stay. is_first: it is the server's own, whose names
 * are compared, and written to tls->names. r->key is the place for its key. r->signature is the
 * place for its signature, NULL = it is not kept; it may change until the part SIGNATURE begins. */
void popcl_leaf_begin(popcl_leaf *r, uint32_t len, int is_first);

/* Returns the part that the next octet belongs to. In a certificate that is malformed the part does
 * not change any more. */
enum leaf_part popcl_leaf_part(const popcl_leaf *r);

/* Takes octets of one part, n at most and one at least. Returns their number. */
size_t popcl_leaf_take(popcl_leaf *r, const unsigned char *p, size_t n);

/* Ends the certificate. Returns the facts. */
uint32_t popcl_leaf_end(popcl_leaf *r);

/* Returns BearSSL's number of the hash of tls-server-end-point (RFC 5929, 4.1): br_sha256_ID, _384
 * or _512. It is the hash of the certificate's signature, and SHA-256 in place of MD5 and SHA-1. 0
 * = another, or not known yet. */
unsigned popcl_leaf_hash(const popcl_leaf *r);

/* Returns whether the signature is one of RSA. */
int popcl_leaf_is_rsa(const popcl_leaf *r);

#endif
