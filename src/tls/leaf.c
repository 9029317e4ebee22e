/* SPDX-License-Identifier: MIT */
/* leaf - see leaf.h. It walks the rows of grammar.h with a small stack of its own:
 *
 *    TAG -> LENGTH [-> LENGTH_MORE] -> a row fits -+-> it has elements inside: down a level, TAG
 *     ^                                            +-> BODY, the first octets kept in `value`
 *     `---- ended: the row's act
 *
 * A level ends when its octets are used up. Its rows that did not come by then must be optional. An
 * element that fits no row ends in FAILED for good, and so does an act that refuses. Lengths are
 * the shortest possible (DER), tags have one octet, and a certificate has up to 65535 octets. */
#include "leaf.h"

#include <string.h>

#include "constraints.h"
#include "grammar.h"

enum state { TAG, LENGTH, LENGTH_MORE, BODY, UNUSED_BITS, FAILED };

static const struct {
    uint8_t tag, how, inside, act;
} rows[] = {
#define R(name, tag, how, inside, act) {tag, how, inside, act},
    GRAMMAR(R)
#undef R
};

static uint8_t row_behind(uint8_t row) { return rows[row].how & LAST ? NONE : (uint8_t)(row + 1); }

static void leaf_fail(popcl_leaf *r) {
    r->facts |= 1u << LEAF_MALFORMED;
    r->state = FAILED;
}

static int is_sound(const popcl_leaf *r, uint8_t how) {
    const unsigned char *v = r->value;
    return !(how & NATURAL) || (r->len && v[0] < 0x80 && (r->len == 1 || v[0] || v[1] >= 0x80));
}

/* An element, or a level without one, has ended. With it perhaps those around it have ended too. */
static void leaf_end(popcl_leaf *r, int is_level) {
    for (;; is_level = 0) {
        uint8_t *at = &r->row[r->depth];
        if (!is_level) {
            r->act = rows[*at].act;
            if (!is_sound(r, rows[*at].how) || !popcl_element_end(r)) break;
            if (!(rows[*at].how & MANY)) *at = row_behind(*at);
        }
        r->state = TAG;
        if (r->depth == 0 || r->left[r->depth]) return;
        uint8_t missing = *at;
        while (missing != NONE && rows[missing].how & OPT)
            missing = row_behind(missing);
        if (missing != NONE) break;
        r->depth--;
        r->tag = 0; /* the next act is that of the element around it, whose tag is not kept */
    }
    leaf_fail(r);
}

/* Tag and length of an element are known. Finds its row, and begins the level inside it, or its
 * body. One that nothing may follow has to fill its level: so the octets of a signature are not
 * even kept if others follow them. */
static void leaf_begin(popcl_leaf *r) {
    uint8_t at = r->row[r->depth], inside;
    while (rows[at].tag != r->tag && rows[at].tag != ANY_TAG && rows[at].how & OPT)
        at = row_behind(at);
    if ((rows[at].tag != r->tag && rows[at].tag != ANY_TAG) || r->len > r->left[r->depth] ||
        ((rows[at].how & (LAST | MANY)) == LAST && r->len != r->left[r->depth])) {
        leaf_fail(r);
        return;
    }
    r->row[r->depth] = at;
    r->left[r->depth] = (uint16_t)(r->left[r->depth] - r->len);
    r->body = r->len;
    r->state = BODY;
    inside = r->tag & 0x20 ? rows[at].inside : NONE;
    r->act = rows[at].act;
    if (!popcl_element_begin(r, &inside)) {
        leaf_fail(r);
        return;
    }
    if (inside == NONE || r->depth + 1 == POPCL_LEAF_DEPTH) {
        if (r->len == 0) leaf_end(r, 0);
        return;
    }
    r->state = inside == RSA_KEY ? UNUSED_BITS : TAG;
    r->depth++;
    r->row[r->depth] = inside;
    r->left[r->depth] = r->len;
    if (r->len == 0) leaf_end(r, 1);
}

static void length(popcl_leaf *r, unsigned char c) {
    if (r->state == LENGTH) {
        r->more = c & 0x7f;
        r->state = LENGTH_MORE;
        r->len = c < 0x80 ? c : 0;
        if (c < 0x80)
            leaf_begin(r);
        else if (c != 0x81 && c != 0x82)
            leaf_fail(r);
        return;
    }
    r->len = (uint16_t)(r->len << 8 | c);
    if (r->len < (r->more == 1 ? 0x80 : 1))
        leaf_fail(r);
    else if (--r->more == 0)
        leaf_begin(r);
}

static void leaf_body(popcl_leaf *r, unsigned char c) {
    unsigned at = (unsigned)r->len - r->body;
    if (at < sizeof r->value) r->value[at] = c;
    r->last = c;
    popcl_element_octet(r, at, c);
    if (--r->body == 0) leaf_end(r, 0);
}

static void leaf_octet(popcl_leaf *r, unsigned char c) {
    if (r->state == FAILED) return;
    if (r->is_first && r->depth > 2 && r->row[2] == SUBJECT) popcl_subject_octet(r, c);
    if (r->state == BODY) {
        leaf_body(r, c);
        return;
    }
    if (r->left[r->depth]-- == 0) {
        leaf_fail(r);
        return;
    }
    switch (r->state) {
    case TAG:
        r->tag = c;
        r->state = LENGTH;
        if ((c & 0x1f) == 0x1f) leaf_fail(r);
        break;
    case UNUSED_BITS:
        r->state = TAG;
        if (c) leaf_fail(r);
        break;
    default: length(r, c);
    }
}

enum leaf_part popcl_leaf_part(const popcl_leaf *r) {
    if (r->depth == 0) return r->row[0] == CERT ? LEAF_PART_HEAD : LEAF_PART_TAIL;
    if (r->row[1] == SIGNATURE && r->state == BODY && r->body < r->len && r->value[0] == 0)
        return LEAF_PART_SIGNATURE;
    if (r->row[1] != TBS) return LEAF_PART_TAIL;
    if (r->depth == 1 || r->row[2] < ISSUER) return LEAF_PART_HEAD;
    switch (r->row[2]) {
    case ISSUER: return LEAF_PART_ISSUER;
    case SUBJECT: return LEAF_PART_SUBJECT;
    case KEY: return LEAF_PART_KEY;
    default: return LEAF_PART_REST;
    }
}

size_t popcl_leaf_take(popcl_leaf *r, const unsigned char *p, size_t n) {
    enum leaf_part part = popcl_leaf_part(r);
    size_t taken = 0;
    do
        leaf_octet(r, p[taken++]);
    while (taken < n && popcl_leaf_part(r) == part);
    return taken;
}

void popcl_leaf_begin(popcl_leaf *r, uint32_t len, int is_first) {
    memset(&r->state, 0, offsetof(popcl_leaf, host) - offsetof(popcl_leaf, state));
    r->is_first = is_first != 0;
    r->path_len = POPCL_PATH_ANY;
    r->key->kind = 0;
    if (is_first) {
        r->certified_len = 0;
        r->kinds = r->lost = 0;
        r->subject_parts = 0;
        r->subject_hash = POPCL_HASH_BEGIN;
        r->host_marks = r->address_len != 0;
    }
    r->row[0] = CERT;
    r->left[0] = (uint16_t)len;
    if (len > UINT16_MAX) leaf_fail(r);
}

uint32_t popcl_leaf_end(popcl_leaf *r) {
    if (r->row[0] != NONE) leaf_fail(r);
    return r->facts | popcl_element_cn(r);
}
