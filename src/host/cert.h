/* SPDX-License-Identifier: MIT */
/* cert - reads what a certificate says (RFC 5280, 4.1 and 4.2) as far as it matters for trust, from
 * memory: what BearSSL's own decoder does not tell. It judges nothing. For programs on hosts; a
 * session reads certificates as they stream, in src/tls. */
#ifndef POPCL_HOST_CERT_H
#define POPCL_HOST_CERT_H

#include <stddef.h>
#include <stdint.h>

typedef struct pop_span {
    const unsigned char *p;
    size_t n;
} pop_span;

/* Extensions and what they say, a bit each. */
enum pop_cert_flag {
    POP_CERT_CA = 1 << 0,           /* basicConstraints with cA TRUE */
    POP_CERT_NO_CERT_SIGN = 1 << 1, /* keyUsage is there and lacks keyCertSign */
    POP_CERT_NO_SERVER_AUTH =
        1 << 2, /* extKeyUsage is there and has neither serverAuth nor anyExtendedKeyUsage */
    POP_CERT_NAME_CONSTRAINTS = 1 << 3,
    POP_CERT_POLICY_CONSTRAINTS =
        1 << 4, /* policyConstraints, inhibitAnyPolicy, or a critical policyMappings */
    POP_CERT_UNKNOWN_CRITICAL = 1 << 5, /* a critical extension that is none of those read here */
    POP_CERT_REPEATED = 1 << 6,         /* an extension stands there twice (4.2 forbids it) */
    POP_CERT_SAN = 1 << 7               /* there is a subjectAltName */
};

#define POP_CERT_PATH_ANY 255u

/* All spans point into the octets that were read. */
typedef struct pop_cert {
    unsigned version; /* 1, 2 or 3 */
    pop_span subject; /* Name, with its own tag and length */
    pop_span key;     /* SubjectPublicKeyInfo, likewise */
    pop_span key_oid,
        curve;          /* contents of the algorithm's OID; of a curve's, for EC keys (n 0: none) */
    pop_span signed_by; /* contents of the OID of the signature's algorithm */
    unsigned rsa_bits;  /* of an RSA key's modulus; 0: no RSA key, or not readable */
    int64_t not_before, not_after; /* Unix seconds */
    unsigned flags;                /* pop_cert_flag */
    uint8_t path_len;              /* pathLenConstraint, 0 to 254, or POP_CERT_PATH_ANY */
} pop_cert;

/* Returns 0, or -1 where the octets are not exactly one certificate in DER. */
int pop_cert_read(pop_cert *c, const unsigned char *p, size_t n);

/* The name as text, most specific part first ("CN=..., O=..., C=..."), in printable ASCII: other
 * octets as \xNN, and \ as \\. Cut to fit, with "..." at the end where it was; always
 * NUL-terminated. cap at least 4. */
void pop_cert_name_text(pop_span name, char *text, size_t cap);

/* The last value of an attribute (the octet at the end of id-at: 3 commonName, 10
 * organizationName), as UTF-8 as far as it can be told. Returns its length and copies it
 * NUL-terminated, cut to fit; 0: there is none. */
size_t pop_cert_name_part(pop_span name, unsigned char attribute, char *text, size_t cap);

/* What kind of key it is: "RSA 2048", "P-256", "Ed25519", "brainpoolP256r1", ... "of an unknown
 * kind". */
void pop_cert_key_text(const pop_cert *c, char *text, size_t cap);

#endif
