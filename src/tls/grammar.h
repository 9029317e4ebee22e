/* SPDX-License-Identifier: MIT */
/* grammar - the grammar of a certificate (RFC 5280, 4.1 and 4.2), and the calls for its elements.
 * leaf.c reads octets by the grammar, and calls element.c for the meaning of each element. */
#ifndef POPCL_TLS_GRAMMAR_H
#define POPCL_TLS_GRAMMAR_H

#include "popcl_tls.h"

enum {
    OPT = 1,    /* may be missing */
    MANY = 2,   /* may come again */
    LAST = 4,   /* the last of its level */
    NATURAL = 8 /* an INTEGER that is not negative, in its shortest form */
};
enum { NO_TAG = 0x1f, ANY_TAG = 0x3f }; /* neither is a tag of one octet */
enum { NULL_TAG = 5, OID_TAG = 6 };

/* The act at an element's end: a fact of leaf.h to note, or one of these. */
enum act {
    VERSION = 32,
    SERIAL,
    OID,
    PARAM,
    SIGNED_BY,
    RELATIVE_NAME,
    ATTRIBUTE_END,
    TIME,
    KEY_ALG,
    KEY_BITS,
    RSA_N,
    RSA_E,
    SIGNED,
    EXT_OID,
    EXT_CRITICAL,
    CA,
    PATH_LEN,
    EXT_VALUE,
    KEY_USAGE,
    PURPOSE,
    NAME,
    SUBTREES,
    BASE,
    MINIMUM
};

/* clang-format off */
/* name, tag, how, the first row inside, the act at its end */
#define GRAMMAR(R) \
    R(NONE, NO_TAG, LAST, NONE, LEAF_NOTHING) \
    R(ANYTHING, ANY_TAG, OPT | MANY | LAST, ANYTHING, LEAF_NOTHING) \
    R(WELL_FORMED, ANY_TAG, LAST, ANYTHING, LEAF_NOTHING) \
    R(CERT, 0x30, LAST, TBS, LEAF_READ) \
    R(TBS, 0x30, 0, TBS_VERSION, LEAF_NOTHING) \
    R(CERT_ALG, 0x30, 0, ALG_OID, SIGNED_BY) \
    R(SIGNATURE, 0x03, LAST, NONE, SIGNED) \
        R(TBS_VERSION, 0xa0, OPT, VERSION_NUMBER, LEAF_NOTHING) \
        R(TBS_SERIAL, 0x02, NATURAL, NONE, SERIAL) \
        R(TBS_ALG, 0x30, 0, ALG_OID, SIGNED_BY) \
        R(ISSUER, 0x30, 0, RDN, LEAF_NOTHING) \
        R(VALIDITY, 0x30, 0, FROM, LEAF_NOTHING) \
        R(SUBJECT, 0x30, 0, RDN, LEAF_NOTHING) \
        R(KEY, 0x30, 0, KEY_ALGORITHM, LEAF_NOTHING) \
        R(ISSUER_ID, 0x81, OPT, NONE, LEAF_NOTHING) \
        R(SUBJECT_ID, 0x82, OPT, NONE, LEAF_NOTHING) \
        R(EXTENSIONS, 0xa3, OPT | LAST, EXTENSION_LIST, LEAF_EXTENSIONS) \
    R(VERSION_NUMBER, 0x02, LAST | NATURAL, NONE, VERSION) \
    R(ALG_OID, 0x06, 0, NONE, OID) \
    R(ALG_PARAM, ANY_TAG, OPT | LAST, NONE, PARAM) \
    R(RDN, 0x31, OPT | MANY | LAST, RDN_FIRST, RELATIVE_NAME) \
        R(RDN_FIRST, 0x30, 0, ATTRIBUTE, LEAF_NOTHING) \
        R(RDN_MORE, 0x30, OPT | MANY | LAST, ATTRIBUTE, LEAF_NOTHING) \
            R(ATTRIBUTE, 0x06, 0, NONE, OID) \
            R(ATTRIBUTE_VALUE, ANY_TAG, LAST, ANYTHING, ATTRIBUTE_END) \
    R(FROM, ANY_TAG, 0, NONE, TIME) \
    R(TO, ANY_TAG, LAST, NONE, TIME) \
    R(KEY_ALGORITHM, 0x30, 0, ALG_OID, KEY_ALG) \
    R(KEY_STRING, 0x03, LAST, NONE, KEY_BITS) \
        R(RSA_KEY, 0x30, LAST, MODULUS, LEAF_NOTHING) \
            R(MODULUS, 0x02, NATURAL, NONE, RSA_N) \
            R(EXPONENT, 0x02, LAST | NATURAL, NONE, RSA_E) \
    R(EXTENSION_LIST, 0x30, LAST, EXTENSION_FIRST, LEAF_NOTHING) \
        R(EXTENSION_FIRST, 0x30, 0, EXTENSION_ID, LEAF_NOTHING) \
        R(EXTENSION_MORE, 0x30, OPT | MANY | LAST, EXTENSION_ID, LEAF_NOTHING) \
            R(EXTENSION_ID, 0x06, 0, NONE, EXT_OID) \
            R(EXTENSION_CRITICAL, 0x01, OPT, NONE, EXT_CRITICAL) \
            R(EXTENSION_VALUE, 0x04, LAST, NONE, EXT_VALUE) \
    R(BASIC, 0x30, LAST, BASIC_CA, LEAF_NOTHING) \
        R(BASIC_CA, 0x01, OPT, NONE, CA) \
        R(BASIC_PATH_LEN, 0x02, OPT | LAST | NATURAL, NONE, PATH_LEN) \
    R(USAGE, 0x03, LAST, NONE, KEY_USAGE) \
    R(PURPOSES, 0x30, LAST, PURPOSE_FIRST, LEAF_PURPOSE) \
        R(PURPOSE_FIRST, 0x06, 0, NONE, PURPOSE) \
        R(PURPOSE_MORE, 0x06, OPT | MANY | LAST, NONE, PURPOSE) \
    R(NAMES, 0x30, LAST, NAME_FIRST, LEAF_NOTHING) \
        R(NAME_FIRST, ANY_TAG, 0, ANYTHING, NAME) \
        R(NAME_MORE, ANY_TAG, OPT | MANY | LAST, ANYTHING, NAME) \
    R(CONSTRAINTS, 0x30, LAST, SUBTREES_FIRST, LEAF_NOTHING) \
        R(SUBTREES_FIRST, ANY_TAG, 0, SUBTREE_FIRST, SUBTREES) \
        R(SUBTREES_MORE, 0xa1, OPT | LAST, SUBTREE_FIRST, SUBTREES) \
            R(SUBTREE_FIRST, 0x30, 0, SUBTREE_BASE, LEAF_NOTHING) \
            R(SUBTREE_MORE, 0x30, OPT | MANY | LAST, SUBTREE_BASE, LEAF_NOTHING) \
                R(SUBTREE_BASE, ANY_TAG, 0, NONE, BASE) \
                R(SUBTREE_MINIMUM, 0x80, OPT | LAST | NATURAL, NONE, MINIMUM) \
    R(AUTHORITY, 0x30, LAST, AUTHORITY_KEY, LEAF_NOTHING) \
        R(AUTHORITY_KEY, 0x80, OPT, NONE, LEAF_NOTHING) \
        R(AUTHORITY_ISSUER, 0xa1, OPT, ANYTHING, LEAF_NOTHING) \
        R(AUTHORITY_SERIAL, 0x82, OPT | LAST, NONE, LEAF_NOTHING) \
    R(SUBJECT_KEY, 0x04, LAST, NONE, LEAF_NOTHING)
/* clang-format on */

enum place {
#define R(name, tag, how, inside, act) name,
    GRAMMAR(R)
#undef R
};

/* Begins an element, whose row is in r->row and r->act, and whose tag and length are known. *inside
 * is the row of its first element, NONE = none is looked for; it may be changed. Returns 0 to
 * refuse the element. */
int popcl_element_begin(popcl_leaf *r, uint8_t *inside);

/* Takes octet c of an element without elements inside. `at`: its place, from 0. */
void popcl_element_octet(popcl_leaf *r, unsigned at, unsigned char c);

/* Ends an element: its first octets are in r->value. Returns 0 to refuse it. */
int popcl_element_end(popcl_leaf *r);

/* Returns the bit of LEAF_CN if that fact holds for the whole certificate, else 0. */
uint32_t popcl_element_cn(const popcl_leaf *r);

#endif
