/* SPDX-License-Identifier: MIT */
/* siphash - SipHash-2-4 of bytes that come in pieces: a keyed hash of 64 bits for short inputs
 * (Aumasson and Bernstein, 2012). Without the key nobody can make two inputs with the same hash.
 * SipHash is not for signatures or passwords. */
#ifndef POPCL_CORE_SIPHASH_H
#define POPCL_CORE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define POPCL_SIPHASH_KEY 16u /* bytes */

typedef struct popcl_siphash {
    uint64_t v[4];
    uint64_t word; /* the bytes since the last whole word, the newest at the top */
    uint32_t len;
} popcl_siphash;

void popcl_siphash_begin(popcl_siphash *h, const unsigned char key[POPCL_SIPHASH_KEY]);

/* Adds the next n bytes; p may be NULL if n is 0. */
void popcl_siphash_add(popcl_siphash *h, const void *p, size_t n);

/* Returns the hash of all bytes since begin. The next use must start with begin. */
uint64_t popcl_siphash_end(popcl_siphash *h);

#endif
