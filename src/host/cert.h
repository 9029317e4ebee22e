/* SPDX-License-Identifier: MIT */
/* cert - reads the content of a certificate (RFC 5280, 4.1 and 4.2) from memory, as far as it
 * matters for trust and BearSSL's own decoder does not report it. It judges nothing. For programs
 * on hosts; a session reads certificates as they stream, in src/tls. */
#ifndef POPCL_HOST_CERT_H
#define POPCL_HOST_CERT_H

#include <stddef.h>
#include <stdint.h>

typedef struct pop_span {
    const unsigned char *p;
    size_t n;
} pop_span;

/* The content of extensions, each a bit. */
enum pop_cert_flag {
    POP_CERT_CA = 1 << 0,           /* basicConstraints with cA TRUE */
    POP_CERT_NO_CERT_SIGN = 1 << 1, /* keyUsage is there and lacks keyCertSign */
    POP_CERT_NO_SERVER_AUTH =
        1 << 2, /* extKeyUsage is there and has neither serverAuth nor anyExtendedKeyUsage */
    POP_CERT_NAME_CONSTRAINTS = 1 << 3, /* nameConstraints with more than permitted dNSNames */
    POP_CERT_POLICY_CONSTRAINTS =
        1 << 4, /* policyConstraints, inhibitAnyPolicy, or a critical policyMappings */
    POP_CERT_UNKNOWN_CRITICAL = 1 << 5, /* a critical extension that is not read here */
    POP_CERT_REPEATED = 1 << 6,         /* an extension is there twice (4.2 forbids it) */
    POP_CERT_SAN = 1 << 7,              /* there is a subjectAltName */
    POP_CERT_PERMITTED = 1 << 8,        /* nameConstraints with permitted dNSNames, and nothing
                                           else: `permitted` */
    POP_CERT_ODD_CURVE = 1 << 9         /* an EC key whose curve is given by its parameters, or not
                                           at all */
};

#define POP_CERT_PATH_ANY 255u

/* All spans point into the octets that were read. */
typedef struct pop_cert {
    unsigned version;         /* 1, 2 or 3 */
    pop_span issuer, subject; /* Names, with their own tags and lengths */
    pop_span key;             /* SubjectPublicKeyInfo, likewise */
    pop_span key_oid,
        curve;          /* contents of the algorithm's OID, and of an EC key's curve (n 0 = none) */
    pop_span signed_by; /* contents of the OID of the signature's algorithm */
    pop_span permitted; /* for pop_cert_next_base */
    unsigned rsa_bits;  /* of an RSA key's modulus; 0 = no RSA key, or not readable */
    int64_t not_before, not_after; /* Unix seconds */
    unsigned flags;                /* pop_cert_flag */
    uint8_t path_len;              /* pathLenConstraint, 0 to 254, or POP_CERT_PATH_ANY */
} pop_cert;

/* Returns 0, or -1 if the octets are not exactly one certificate in DER. */
int pop_cert_read(pop_cert *c, const unsigned char *p, size_t n);

/* Reads a SubjectPublicKeyInfo alone: all about the key, and nothing else. Returns 0, or -1. */
int pop_cert_read_public(pop_cert *c, const unsigned char *p, size_t n);

/* Reads of which kind a private key is (RFC 5958; of EC also RFC 5915): key_oid and curve, as far
 * as they are there. Nothing is read of its secret. Returns 0, or -1: not one of these forms. */
int pop_cert_read_private(pop_cert *c, const unsigned char *p, size_t n);

/* Takes the next permitted dNSName from a copy of `permitted`, as it is in the certificate. Returns
 * -1 at the end. */
int pop_cert_next_base(pop_span *permitted, pop_span *base);

/* Writes the name as text, most specific part first ("CN=..., O=..., C=..."), in printable ASCII.
 * Other octets are \xNN, and \ is \\. The text is cut to fit, then with "..." at the end, and
 * always NUL-terminated. cap is at least 4 bytes. */
void pop_cert_name_text(pop_span name, char *text, size_t cap);

/* Finds the last value of an attribute, by the octet at the end of id-at: 3 commonName, 10
 * organizationName. It is UTF-8 as far as the encoding is known. Returns its length and copies it
 * NUL-terminated, cut to fit. Returns 0 if the name does not have it. */
size_t pop_cert_name_part(pop_span name, unsigned char attribute, char *text, size_t cap);

/* Writes the kind of key: "RSA 2048", "P-256", "Ed25519", "brainpoolP256r1", ... "of an unknown
 * kind". */
void pop_cert_key_text(const pop_cert *c, char *text, size_t cap);

#endif
