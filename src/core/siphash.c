/* SPDX-License-Identifier: MIT */
/* siphash - see siphash.h. The names of the state and the order of steps are the paper's: two
 * rounds for each word of eight bytes, four at the end. */
#include "siphash.h"

static uint64_t rotated(uint64_t x, unsigned bits) { return x << bits | x >> (64 - bits); }

static inline void one_round(uint64_t v[4]) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotated(v[1], 13) ^ v[0];
    v[3] = rotated(v[3], 16) ^ v[2];
    v[0] = rotated(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotated(v[1], 17) ^ v[2];
    v[3] = rotated(v[3], 21) ^ v[0];
    v[2] = rotated(v[2], 32);
}

static uint32_t half(const unsigned char *p) {
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint64_t whole(const unsigned char *p) { return (uint64_t)half(p + 4) << 32 | half(p); }

static void take_word(popcl_siphash *h, uint64_t word) {
    h->v[3] ^= word;
    one_round(h->v);
    one_round(h->v);
    h->v[0] ^= word;
}

void popcl_siphash_begin(popcl_siphash *h, const unsigned char key[POPCL_SIPHASH_KEY]) {
    /* "somepseudorandomlygeneratedbytes" */
    static const uint64_t start[4] = {UINT64_C(0x736f6d6570736575), UINT64_C(0x646f72616e646f6d),
                                      UINT64_C(0x6c7967656e657261), UINT64_C(0x7465646279746573)};
    for (unsigned i = 0; i < 4; i++)
        h->v[i] = start[i] ^ whole(key + 8 * (i % 2));
    h->word = 0;
    h->len = 0;
}

void popcl_siphash_add(popcl_siphash *h, const void *p, size_t n) {
    const unsigned char *at = p;
    while (n) {
        size_t taken = h->len % 8 == 0 && n >= 8 ? 8 : 1;
        h->word = taken == 8 ? whole(at) : h->word >> 8 | (uint64_t)*at << 56;
        h->len += (uint32_t)taken;
        at += taken;
        n -= taken;
        if (h->len % 8 == 0) take_word(h, h->word);
    }
}

uint64_t popcl_siphash_end(popcl_siphash *h) {
    unsigned left = h->len % 8;
    /* the bytes that are left, at the bottom; the length, mod 256, at the top */
    uint64_t word = left ? h->word >> (64 - 8 * left) : 0;
    take_word(h, word | (uint64_t)h->len << 56);
    h->v[2] ^= 0xFF;
    for (unsigned i = 0; i < 4; i++)
        one_round(h->v);
    return h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];
}
