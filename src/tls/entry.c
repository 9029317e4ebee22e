/* SPDX-License-Identifier: MIT */
/* entry - see entry.h. */
#include "entry.h"

#include "constraints.h"

enum { KIND_AT, FLAGS_AT, PATH_LEN_AT, E_LEN_AT, KEY_LEN_AT, NAMES_LEN_AT = 10, HEAD = 12 };
enum { RSA = 1 };

static unsigned two_octets(const unsigned char *p) { return (unsigned)p[0] << 8 | p[1]; }

/* Returns whether the bases fill the octets, and only a limited anchor has bases. One
 * without bases would permit nothing. */
static int has_its_bases(const popcl_entry *e) {
    unsigned at = 0;
    while (at < e->names_len)
        at += 1u + e->names[at];
    return at == e->names_len && !at == !(e->flags & POPCL_ANCHOR_LIMITED);
}

int popcl_entry_read(popcl_entry *e, const unsigned char *p, size_t n) {
    /* BearSSL's types have no const, but it only reads keys */
    union {
        const unsigned char *given;
        unsigned char *octets;
    } key = {.given = p + HEAD};
    if (n < HEAD || n > POPCL_ANCHOR_ROOM) return 0;
    unsigned kind = p[KIND_AT], e_len = p[E_LEN_AT], key_len = two_octets(p + KEY_LEN_AT);
    e->flags = p[FLAGS_AT];
    e->path_len = p[PATH_LEN_AT];
    e->names_len = (uint16_t)two_octets(p + NAMES_LEN_AT);
    if (e->flags & ~(POPCL_ANCHOR_CA | POPCL_ANCHOR_LIMITED)) return 0;
    if (HEAD + key_len + e_len + e->names_len != n) return 0;
    e->names = key.given + key_len + e_len;
    if (kind == RSA) {
        e->key.key_type = BR_KEYTYPE_RSA;
        e->key.key.rsa.n = key.octets;
        e->key.key.rsa.nlen = key_len;
        e->key.key.rsa.e = key.octets + key_len;
        e->key.key.rsa.elen = e_len;
    } else if (kind >= BR_EC_secp256r1 && kind <= BR_EC_secp521r1 && !e_len) {
        e->key.key_type = BR_KEYTYPE_EC;
        e->key.key.ec.curve = (int)kind;
        e->key.key.ec.q = key.octets;
        e->key.key.ec.qlen = key_len;
    } else {
        return 0;
    }
    return has_its_bases(e);
}

int popcl_entry_permits(const popcl_entry *e, popcl_leaf *r) {
    if (!(e->flags & POPCL_ANCHOR_LIMITED)) return 1;
    if (r->address_len) return 0;
    popcl_subtrees_begin(r, 0);
    for (unsigned at = 0; at < e->names_len; at += r->len) {
        r->len = e->names[at++];
        popcl_base_begin(r, KIND_DNS);
        for (unsigned i = 0; i < r->len; i++)
            popcl_base_octet(r, KIND_DNS, i, r->last = e->names[at + i]);
        if (!popcl_base_end(r, KIND_DNS)) return 0;
    }
    return popcl_subtrees_end(r);
}
