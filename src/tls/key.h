/* SPDX-License-Identifier: MIT */
/* key - the public key of a certificate or of an anchor: one rule for its strength, and BearSSL's
 * view of it. It is also looked up among the caller's pins and denied keys. */
#ifndef POPCL_TLS_KEY_H
#define POPCL_TLS_KEY_H

#include "popcl_tls.h"

enum key_fault { KEY_SOUND, KEY_WEAK, KEY_ODD };

/* Returns whether popcl uses a key, wherever it is: the server's, an issuer's, an anchor's.
 *
 * RSA: an odd modulus of 2048 to 4096 bits in whole octets (CA/Browser Forum, Baseline
 * Requirements, 6.1.5). The exponent is odd, from 3 to 2^31 - 1. A larger one is of no use, and
 * makes work. EC: an uncompressed point (RFC 5480, 2.2) of the length that the curve has. BearSSL
 * relies on that length, and checks that the point is on the curve. */
enum key_fault popcl_key_fault(const br_x509_pkey *k);

/* Returns a view of k in *to. It borrows k. BearSSL's types have no const, but it only reads. */
const br_x509_pkey *popcl_key_view(popcl_key *k, br_x509_pkey *to);

/* Returns whether both are the same key. */
int popcl_key_equal(const br_x509_pkey *a, const br_x509_pkey *b);

/* Looks a key up in the pins of the trust and, if it has the function, with popcl_trust.key. pin:
 * SHA-256 of its SubjectPublicKeyInfo. Sets *is to POPCL_KEY_PINNED and POPCL_KEY_DENIED. Returns
 * the function's error; a result that popcl does not have becomes POPCL_ERR_CERT_UNCHECKED. */
popcl_err popcl_key_find(const popcl_trust *t, const unsigned char pin[POPCL_PIN_LEN],
                         int64_t utc_s, unsigned *is);

#endif
