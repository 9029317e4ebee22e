/* SPDX-License-Identifier: MIT */
/* constraints - see constraints.h. A kept name is two octets, marks and length, and its text. The
 * host comes before them, from its own place.
 *
 * A base of the subject's kind is a beginning of it. So a hash of its beginning is kept for each
 * end of a part. The parts that are not kept are below no base. The hash is a weak one: a
 * collision would let a constraint on the subject pass, and the subject decides nothing. */
#include "constraints.h"

#include <string.h>

#include "name.h"

/* Marks of a name. FITS: the base at hand may still be one that the name is below. BELOW: it is
 * below a base of the list. */
enum { IS_IP = 1, FITS = 2, BELOW = 4 };

typedef struct certified {
    unsigned char *marks;
    const unsigned char *text;
    unsigned len;
} certified;

/* Goes to the next name; *at is 0 for the first, which is the host. Returns 0 at the end. */
static int next_name(popcl_leaf *r, unsigned *at, certified *n) {
    if (*at == 0) {
        n->marks = &r->host_marks;
        n->text = r->address_len ? r->address : (const unsigned char *)r->host;
        n->len = r->address_len ? r->address_len : (unsigned)strlen(r->host);
        *at = 1;
        return 1;
    }
    if (*at - 1 >= r->certified_len) return 0;
    unsigned char *p = r->certified + (*at - 1);
    n->marks = p;
    n->len = p[1];
    n->text = p + 2;
    *at += 2 + n->len;
    return 1;
}

static int is_of(const certified *n, unsigned kind) {
    return (kind == KIND_IP) == (*n->marks & IS_IP) && (kind == KIND_IP || kind == KIND_DNS);
}

/* ---- the names of the server's certificate ---- */

void popcl_certified_begin(popcl_leaf *r, unsigned kind) {
    unsigned char *to = r->certified + r->certified_len;
    r->kinds = (uint16_t)(r->kinds | 1u << kind);
    r->adding = 0;
    if ((kind != KIND_DNS && kind != KIND_IP) ||
        r->certified_len + 2u + r->len > sizeof r->certified)
        return;
    to[0] = kind == KIND_IP ? IS_IP : 0;
    to[1] = (unsigned char)r->len;
    r->adding = 2;
}

void popcl_certified_octet(popcl_leaf *r, unsigned char c) {
    if (r->adding) r->certified[r->certified_len + r->adding++] = c;
}

void popcl_certified_end(popcl_leaf *r, unsigned kind) {
    if (!r->adding) r->lost = (uint16_t)(r->lost | 1u << kind);
    r->certified_len = (uint8_t)(r->certified_len + r->adding);
}

/* FNV-1a */
static void add_to_hash(uint32_t *h, unsigned c) { *h = (*h ^ c) * 16777619u; }

void popcl_subject_octet(popcl_leaf *r, unsigned char c) { add_to_hash(&r->subject_hash, c); }

void popcl_subject_part(popcl_leaf *r) {
    if (r->subject_parts < POPCL_SUBJECT_PARTS) r->subject[r->subject_parts++] = r->subject_hash;
}

/* ---- subtrees ---- */

void popcl_subtrees_begin(popcl_leaf *r, int are_excluded) {
    certified n;
    r->are_excluded = are_excluded != 0;
    r->limited = 0;
    r->subject_below = 0;
    for (unsigned at = 0; next_name(r, &at, &n);)
        *n.marks &= IS_IP;
}

/* Returns whether a name below a permitted base is demanded, and there is one that is not. */
static int is_outside(popcl_leaf *r) {
    certified n;
    if (r->limited >> KIND_DIRECTORY & 1 && r->subject_parts && !r->subject_below) return 1;
    for (unsigned at = 0; next_name(r, &at, &n);)
        if (r->limited >> (*n.marks & IS_IP ? KIND_IP : KIND_DNS) & 1 && !(*n.marks & BELOW))
            return 1;
    return 0;
}

/* Returns whether a name is below an excluded base. Any base of the subject's kind excludes it: the
 * same name can be written in other letters or in another string type (RFC 5280, 7.1). */
static int is_inside(popcl_leaf *r) {
    certified n;
    if (r->limited >> KIND_DIRECTORY & 1 && r->subject_parts) return 1;
    for (unsigned at = 0; next_name(r, &at, &n);)
        if (*n.marks & BELOW) return 1;
    return 0;
}

int popcl_subtrees_end(popcl_leaf *r) {
    unsigned unkept = r->kinds & ~(1u << KIND_DNS | 1u << KIND_IP);
    if (r->limited & (r->lost | unkept)) return 0;
    return r->are_excluded ? !is_inside(r) : !is_outside(r);
}

/* Every name that can be below the base, by its length, fits so far. */
static void fit(popcl_leaf *r, unsigned kind) {
    certified n;
    for (unsigned at = 0; next_name(r, &at, &n);) {
        *n.marks &= IS_IP | BELOW;
        if (is_of(&n, kind) && (kind == KIND_IP ? n.len == r->base_len : n.len >= r->base_len))
            *n.marks |= FITS;
    }
}

void popcl_base_begin(popcl_leaf *r, unsigned kind) {
    r->limited = (uint16_t)(r->limited | 1u << kind);
    r->is_bad = 0;
    r->subject_hash = POPCL_HASH_BEGIN;
    r->base_len = (uint8_t)(kind == KIND_IP ? r->len / 2 : r->len);
    if (kind == KIND_IP && r->len != 8 && r->len != 32) r->is_bad = 1;
    if (kind == KIND_DNS && r->len > UINT8_MAX) r->is_bad = 1;
    if (r->is_bad) r->base_len = UINT8_MAX;
    r->base_from = kind == KIND_DIRECTORY ? 2 : 0;
    r->mask = 0xff;
    fit(r, kind);
}

/* A dot at the beginning demands one label more. But a name that is excluded in any reading is
 * excluded. */
static void dns_base_octet(popcl_leaf *r, unsigned at, unsigned c) {
    certified n;
    if (at == 0 && c == '.' && r->are_excluded) {
        r->base_from = 1;
        r->base_len--;
        fit(r, KIND_DNS);
        return;
    }
    if (!popcl_name_has(c)) r->is_bad = 1;
    for (unsigned i = 0; next_name(r, &i, &n);)
        if (*n.marks & FITS && popcl_name_lower(n.text[n.len - r->base_len + at - r->base_from]) !=
                                   popcl_name_lower(c))
            *n.marks &= IS_IP | BELOW;
}

/* The address, which r->value keeps, and then its mask: ones, then zeros. */
static void ip_base_octet(popcl_leaf *r, unsigned at, unsigned c) {
    certified n;
    if (at < r->base_len) return;
    at -= r->base_len;
    if ((c && ((c | (c - 1)) & 0xff) != 0xff) || (c && r->mask != 0xff)) r->is_bad = 1;
    r->mask = (uint8_t)c;
    for (unsigned i = 0; next_name(r, &i, &n);)
        if (*n.marks & FITS && (n.text[at] ^ r->value[at]) & c) *n.marks &= IS_IP | BELOW;
}

/* A Name, whose header is no part of the hash. */
static void directory_base_octet(popcl_leaf *r, unsigned at, unsigned c) {
    if (at == 0 && c != 0x30) r->is_bad = 1;
    if (at == 1 && c >= 0x80) r->base_from = (uint8_t)(2 + (c & 0x7f));
    if (at >= r->base_from) popcl_subject_octet(r, (unsigned char)c);
}

void popcl_base_octet(popcl_leaf *r, unsigned kind, unsigned at, unsigned char c) {
    if (r->is_bad) return;
    if (kind == KIND_DNS) dns_base_octet(r, at, c);
    if (kind == KIND_IP) ip_base_octet(r, at, c);
    if (kind == KIND_DIRECTORY) directory_base_octet(r, at, c);
}

static int is_below(const popcl_leaf *r, const certified *n) {
    unsigned from = n->len - r->base_len;
    if (!(*n->marks & FITS)) return 0;
    return *n->marks & IS_IP || from == 0 || r->base_len == 0 || n->text[from - 1] == '.' ||
           n->text[from] == '.';
}

int popcl_base_end(popcl_leaf *r, unsigned kind) {
    certified n;
    if (r->is_bad || (kind == KIND_DNS && r->last == '.' && r->len > 1)) return 0;
    if (kind == KIND_DIRECTORY) {
        if (r->len < r->base_from) return 0;
        r->subject_below |= r->len == r->base_from;
        for (unsigned i = 0; i < r->subject_parts; i++)
            r->subject_below |= r->subject[i] == r->subject_hash;
    }
    for (unsigned at = 0; next_name(r, &at, &n);)
        if (is_of(&n, kind) && is_below(r, &n)) *n.marks |= BELOW;
    return 1;
}
