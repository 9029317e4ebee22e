/* SPDX-License-Identifier: MIT */
/* make_blob - signed sets of trust for tests, right ones and wrong ones: written from the table of
 * docs/TRUST.md, without src/tls/blob.c, and signed by BearSSL. And a place to read them from,
 * which fails and changes on demand. */
#ifndef MAKE_BLOB_H
#define MAKE_BLOB_H

#include "popcl_blob.h"

#define BLOB_SCOPE "popcl test device"
enum { BLOB_SIGNERS = 3, BLOB_ROW = 36 };

typedef struct blob_pin {
    unsigned char hash[POPCL_PIN_LEN];
    unsigned from, until; /* days */
} blob_pin;

/* Zeroed: an empty set that can be opened. */
typedef struct blob_wish {
    uint32_t sequence, floor, retired;
    uint64_t made_s, stale_s;
    const char *scope;           /* NULL: BLOB_SCOPE */
    unsigned row_len;            /* 0: BLOB_ROW; what is more is filled with 0xee */
    unsigned key;                /* the number in the header, and the signer */
    const popcl_anchor *anchors; /* in any order, at most 16 */
    size_t anchors_len;
    const blob_pin *pins;
    size_t pins_len;
    const unsigned char (*denied)[POPCL_PIN_LEN];
    size_t denied_len;
} blob_wish;

/* Writes a blob to `to`, which must have room for it. Returns its length. */
size_t blob_make(unsigned char *to, const blob_wish *w);

/* After a change: signs the header, with any signer. blob_seal hashes the index first. */
void blob_sign(unsigned char *blob, unsigned signer);
void blob_seal(unsigned char *blob, unsigned signer);

/* Writes a number of n octets. */
void blob_put(unsigned char *to, uint64_t v, unsigned n);

/* The policy that takes them: BLOB_SIGNERS keys, no floor, nothing retired, the profile `host`. */
popcl_blob_policy blob_policy(void);

/* A place for popcl_blob_open. It aborts if more is asked for than there is. */
typedef struct blob_place {
    const unsigned char *octets;
    size_t len;
    unsigned calls, fails_at; /* 0: never; else only the nth call fails */
    unsigned changes_at;      /* 0: never; from the nth call on */
    size_t change;            /* this octet is another one, */
    unsigned char change_by;  /* by these bits */
} blob_place;

int blob_place_read(void *ctx, uint32_t at, unsigned char *p, size_t n);

#endif
