/* SPDX-License-Identifier: MIT */
/* key - see key.h. */
#include "key.h"

#include <string.h>

enum { RSA_LEAST = 256, RSA_MOST = 512, EXPONENT_MOST = 4 };

/* Leading zeros are no part of a number. */
static size_t strip(const unsigned char **p, size_t n) {
    for (; n && **p == 0; n--)
        ++*p;
    return n;
}

static enum key_fault rsa_fault(const br_rsa_public_key *k) {
    const unsigned char *n = k->n, *e = k->e;
    size_t n_len = strip(&n, k->nlen), e_len = strip(&e, k->elen);
    int is_short = n_len == RSA_LEAST && n[0] < 0x80;
    if (n_len < RSA_LEAST || is_short || !(n[n_len - 1] & 1)) return KEY_WEAK;
    if (e_len == 0 || !(e[e_len - 1] & 1) || (e_len == 1 && e[0] == 1)) return KEY_WEAK;
    if (n_len > RSA_MOST || n[0] < 0x80) return KEY_ODD;
    return e_len > EXPONENT_MOST || (e_len == EXPONENT_MOST && e[0] >= 0x80) ? KEY_ODD : KEY_SOUND;
}

static enum key_fault ec_fault(const br_ec_public_key *k) {
    static const uint8_t lens[] = {65, 97, 133}; /* P-256, P-384, P-521 */
    int i = k->curve - BR_EC_secp256r1;
    return i < 0 || i > 2 || k->qlen != lens[i] || k->q[0] != 4 ? KEY_ODD : KEY_SOUND;
}

enum key_fault popcl_key_fault(const br_x509_pkey *k) {
    if (k->key_type == BR_KEYTYPE_RSA) return rsa_fault(&k->key.rsa);
    return k->key_type == BR_KEYTYPE_EC ? ec_fault(&k->key.ec) : KEY_ODD;
}

const br_x509_pkey *popcl_key_view(popcl_key *k, br_x509_pkey *to) {
    to->key_type = k->kind;
    if (k->kind == BR_KEYTYPE_RSA) {
        to->key.rsa.n = k->octets;
        to->key.rsa.nlen = k->len;
        to->key.rsa.e = k->e;
        to->key.rsa.elen = k->e_len;
    } else {
        to->key.ec.curve = k->curve;
        to->key.ec.q = k->octets;
        to->key.ec.qlen = k->len;
    }
    return to;
}

static int equal_octets(const unsigned char *a, size_t a_len, const unsigned char *b,
                        size_t b_len) {
    a_len = strip(&a, a_len);
    b_len = strip(&b, b_len);
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

int popcl_key_equal(const br_x509_pkey *a, const br_x509_pkey *b) {
    if (a->key_type != b->key_type) return 0;
    if (a->key_type == BR_KEYTYPE_RSA)
        return equal_octets(a->key.rsa.n, a->key.rsa.nlen, b->key.rsa.n, b->key.rsa.nlen) &&
               equal_octets(a->key.rsa.e, a->key.rsa.elen, b->key.rsa.e, b->key.rsa.elen);
    return a->key.ec.curve == b->key.ec.curve &&
           equal_octets(a->key.ec.q, a->key.ec.qlen, b->key.ec.q, b->key.ec.qlen);
}

popcl_err popcl_key_find(const popcl_trust *t, const unsigned char pin[POPCL_PIN_LEN],
                         int64_t utc_s, unsigned *is) {
    popcl_err e = POPCL_OK;
    *is = 0;
    if (t->key) e = t->key(t, pin, utc_s, is);
    for (size_t i = 0; i < t->pins_len; i++)
        if (memcmp(t->pins[i], pin, POPCL_PIN_LEN) == 0) *is |= POPCL_KEY_PINNED;
    return (unsigned)e < POPCL_ERR_COUNT_ ? e : POPCL_ERR_CERT_UNCHECKED;
}
