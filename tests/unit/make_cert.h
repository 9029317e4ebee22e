/* SPDX-License-Identifier: MIT */
/* make_cert - certificates for tests, as odd as wanted, without openssl: names, keys and extensions
 * are as told, the signature is none. */
#ifndef MAKE_CERT_H
#define MAKE_CERT_H

#include <stddef.h>
#include <stdint.h>

enum cert_key {
    KEY_RSA,
    KEY_P256,
    KEY_P384,
    KEY_P521,
    KEY_BRAINPOOL,
    KEY_ED25519,
    KEY_PSS,
    KEY_PARAMETERS
};

/* One more extension, whole: below id-ce (2.5.29) if id is not 0, else 1.2.3.4. */
typedef struct cert_extension {
    unsigned char id, critical;
    const char *value; /* DER, value_len octets */
    size_t value_len;
} cert_extension;

/* Zeroed: a CA that can be used: RSA 2048, valid from 2020 to 2040. */
typedef struct cert_wish {
    const char *name;         /* CN; NULL: "Test Root" */
    const char *organization; /* NULL: none */
    int empty_name;
    enum cert_key key;
    unsigned key_number; /* another number, another key */
    unsigned rsa_bits;   /* 0: 2048 */
    unsigned exponent;   /* 0: 65537 */
    int even, off_curve;
    int version;  /* 0: 3 */
    int no_ca;    /* no basicConstraints */
    int ca_false; /* basicConstraints without cA */
    int path_len; /* n: pathLenConstraint n - 1; 0: none */
    int usage;    /* the octet of keyUsage (0x04: keyCertSign); 0: no keyUsage */
    const char *not_before,
        *not_after; /* UTCTime or, with 15 characters, GeneralizedTime; NULL: 2020, 2040 */
    unsigned serial;
    cert_extension more[4]; /* up to the first with value NULL */
} cert_wish;

#define CERT_MAX 16384

/* Writes a certificate to `to` (CERT_MAX octets of room) and returns its length. */
size_t make_cert(unsigned char *to, const cert_wish *w);

/* The same as PEM, NUL-terminated, with 64 characters a line: 2 * CERT_MAX octets of room. Returns
 * its length. */
size_t make_pem(char *to, const cert_wish *w);

/* Octets as PEM with a label. */
size_t make_block(char *to, const unsigned char *p, size_t n, const char *label);

#endif
