/* leaf - a certificate (RFC 5280, 4.1) read as it streams: one octet a call, nothing buffered but the first octets of short values. It checks the
 * encoding (DER) and the grammar, and notes facts: what the extensions say, whether the name that is looked for is there. It judges
 * nothing, verifies no signature, and knows no chain: guard.c does. Its memory is popcl_leaf of popcl_tls.h. */
#ifndef POPCL_TLS_LEAF_H
#define POPCL_TLS_LEAF_H

#include "popcl_tls.h"

/* What was found in one certificate: bits of popcl_leaf.facts. */
enum {
    LEAF_MALFORMED = 1 << 0,   /* no DER, no certificate, or against a MUST of RFC 5280 that needs no context */
    LEAF_V3 = 1 << 1,          /* version 3 */
    LEAF_EXTENSIONS = 1 << 2,  /* there are extensions */
    LEAF_ISSUER = 1 << 3,      /* the issuer is not empty */
    LEAF_SUBJECT = 1 << 4,     /* the subject is not empty */
    LEAF_NOT_YET = 1 << 5,     /* the time is before notBefore */
    LEAF_EXPIRED = 1 << 6,     /* the time is behind notAfter */
    LEAF_WEAK = 1 << 7,        /* a signature by SHA-1, MD5 or SHA-224, or an RSA key below 2048 bits or with a bad exponent */
    LEAF_UNSUPPORTED = 1 << 8, /* another key or signature than RSA PKCS#1 and ECDSA, an RSA key above 4096 bits, no named curve */
    LEAF_CONSTRAINED = 1 << 9, /* constraints on names or policies */
    LEAF_CRITICAL = 1 << 10,   /* an unknown extension that is critical */
    LEAF_CA = 1 << 11,         /* basicConstraints: CA */
    LEAF_PATH_LEN = 1 << 12,   /* basicConstraints: has a pathLenConstraint */
    LEAF_USAGE = 1 << 13,      /* has a key usage */
    LEAF_USAGE_SIGN = 1 << 14, /* digitalSignature */
    LEAF_USAGE_CERT = 1 << 15, /* keyCertSign */
    LEAF_PURPOSE = 1 << 16,    /* has an extended key usage */
    LEAF_SERVER = 1 << 17,     /* serverAuth */
    LEAF_ANY = 1 << 18,        /* anyExtendedKeyUsage */
    LEAF_SAN = 1 << 19,        /* a subjectAltName with a dNSName or an iPAddress */
    LEAF_SAN_CRITICAL = 1 << 20,
    LEAF_MATCH = 1 << 21,      /* the name or address that is looked for is one of them */
    LEAF_AKI = 1 << 22,        /* an authorityKeyIdentifier with a keyIdentifier */
    LEAF_SKI = 1 << 23,        /* a subjectKeyIdentifier */
    /* guard.c's own: */
    LEAF_IS_LEAF = 1 << 24,    /* the server's certificate, the first of the chain */
    LEAF_SELF_ISSUED = 1 << 25,
    LEAF_VOUCHED = 1 << 26,    /* an anchor vouches for it */
    LEAF_READ = 1 << 27        /* read to its end */
};

/* Begins a certificate of `len` octets. r->tls, host and address are given before the chain's first, and stay. is_leaf: its
 * subjectAltName is compared, and told in tls->names. */
void popcl_leaf_begin(popcl_leaf *r, uint32_t len, int is_leaf);

/* Whether the next octet belongs to the subjectPublicKeyInfo. */
int popcl_leaf_at_key(const popcl_leaf *r);

void popcl_leaf_octet(popcl_leaf *r, unsigned char c);

/* The certificate's end: adds LEAF_READ, or LEAF_MALFORMED if it is not complete, and returns the facts. */
uint32_t popcl_leaf_end(popcl_leaf *r);

/* BearSSL's number of the hash in the certificate's signature: br_sha256_ID, _384, _512; 0: another, or not known yet. */
unsigned popcl_leaf_hash(const popcl_leaf *r);

#endif
