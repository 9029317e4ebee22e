/* sha256 - SHA-256 (FIPS 180-4, 6.2) in the place of BearSSL's, as sha512.c: 0.6 KB less flash. For images that are to be small (LTO=1). SHA-224 is not
 * there: no profile has it. */
#include <bearssl.h>
#include <string.h>

#define WORDS  8
#define ROUNDS 64
#define LENGTH 56 /* where the length begins in the last block: 8 octets */

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t k[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
/* Of the square roots of the first 8. */
static const uint32_t start[WORDS] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint32_t rotated(uint32_t x, unsigned n) {
    return x >> n | x << (32 - n);
}

static void get(uint32_t *v, const unsigned char *p, size_t words) {
    for (size_t i = 0; i < words; i++, p += 4)
        v[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put(unsigned char *p, const uint32_t *v) {
    for (unsigned i = 0; i < WORDS; i++, v++)
        for (unsigned j = 32; j;)
            *p++ = (unsigned char)(*v >> (j -= 8));
}

/* w holds the last 16 words of the schedule, v what the standard calls a, b, ... h. */
static void take_block(const unsigned char *block, uint32_t *state) {
    uint32_t w[16], v[WORDS];
    memcpy(v, state, sizeof v);
    get(w, block, 16);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t *next = &w[i % 16];
        if (i >= 16) {
            uint32_t x = w[(i + 1) % 16], y = w[(i + 14) % 16];
            *next += (rotated(x, 7) ^ rotated(x, 18) ^ x >> 3) + w[(i + 9) % 16] + (rotated(y, 17) ^ rotated(y, 19) ^ y >> 10);
        }
        uint32_t t = v[7] + (rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + *next;
        uint32_t u = (rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        for (unsigned j = WORDS - 1; j; j--)
            v[j] = v[j - 1];
        v[4] += t;
        v[0] = t + u;
    }
    for (unsigned j = 0; j < WORDS; j++)
        state[j] += v[j];
}

/* ---- BearSSL's interface ---- */

void br_sha256_init(br_sha256_context *c) {
    c->vtable = &br_sha256_vtable;
    memcpy(c->val, start, sizeof c->val);
    c->count = 0;
}

void br_sha224_update(br_sha224_context *c, const void *data, size_t n) {
    const unsigned char *p = data;
    while (n) {
        size_t used = c->count % sizeof c->buf, some = sizeof c->buf - used < n ? sizeof c->buf - used : n;
        memcpy(c->buf + used, p, some);
        c->count += some;
        p += some;
        n -= some;
        if (used + some == sizeof c->buf) take_block(c->buf, c->val);
    }
}

/* The context stays as it was. */
void br_sha256_out(const br_sha256_context *c, void *to) {
    br_sha256_context last = *c;
    size_t used = c->count % sizeof last.buf;
    last.buf[used++] = 0x80;
    memset(last.buf + used, 0, sizeof last.buf - used);
    if (used > LENGTH) {
        take_block(last.buf, last.val);
        memset(last.buf, 0, sizeof last.buf);
    }
    for (unsigned i = 0; i < 8; i++) /* in bits */
        last.buf[sizeof last.buf - 1 - i] = (unsigned char)(c->count << 3 >> 8 * i);
    take_block(last.buf, last.val);
    put(to, last.val);
}

uint64_t br_sha224_state(const br_sha224_context *c, void *to) {
    put(to, c->val);
    return c->count;
}

void br_sha224_set_state(br_sha224_context *c, const void *from, uint64_t count) {
    get(c->val, from, WORDS);
    c->count = count;
}

/* BearSSL's classes take pointers to the vtable in front of each context. */
const br_hash_class br_sha256_vtable = {
    sizeof(br_sha256_context),
    BR_HASHDESC_ID(br_sha256_ID) | BR_HASHDESC_OUT(br_sha256_SIZE) | BR_HASHDESC_STATE(32) | BR_HASHDESC_LBLEN(6) | BR_HASHDESC_MD_PADDING |
        BR_HASHDESC_MD_PADDING_BE,
    (void (*)(const br_hash_class **))br_sha256_init,
    (void (*)(const br_hash_class **, const void *, size_t))br_sha224_update,
    (void (*)(const br_hash_class *const *, void *))br_sha256_out,
    (uint64_t(*)(const br_hash_class *const *, void *))br_sha224_state,
    (void (*)(const br_hash_class **, const void *, uint64_t))br_sha224_set_state,
};
