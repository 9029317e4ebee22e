/* sha512 - SHA-384 and SHA-512 (FIPS 180-4, 6.4) in the place of BearSSL's, which the linker then leaves out: a round is written once and not eight
 * times. That is 1.9 KB less flash, and slower, where a handshake hashes a few KB. For images that are to be small (LTO=1). */
#include <bearssl.h>
#include <string.h>

#define WORDS   8
#define ROUNDS  80
#define LENGTHS 112 /* where the length begins in the last block: 16 octets */

/* The first 64 bits of the fractions of the cube roots of the first 80 primes. */
static const uint64_t k[ROUNDS] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538, 0x59f111f1b605d019,
    0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3,
    0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65, 0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b, 0xa2bfe8a14cf10364, 0xa81a664bbc423001,
    0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb,
    0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c, 0xd186b8c721c0c207,
    0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a,
    0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};
/* Of the square roots of the first 8 primes, and of the 9th to 16th. */
static const uint64_t start_512[WORDS] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};
static const uint64_t start_384[WORDS] = {
    0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
    0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
};

__attribute__((noinline)) static uint64_t rotated(uint64_t x, unsigned n) {
    return x >> n | x << (64 - n);
}

__attribute__((noinline)) static uint64_t get(const unsigned char *p) {
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static void put(unsigned char *p, const uint64_t *v) {
    for (unsigned i = 0; i < WORDS; i++, v++)
        for (unsigned j = 64; j;)
            *p++ = (unsigned char)(*v >> (j -= 8));
}

__attribute__((noinline)) static uint64_t mixed(uint64_t x, unsigned n, unsigned m, uint64_t last) {
    return rotated(x, n) ^ rotated(x, m) ^ last;
}

/* w holds the last 16 words of the schedule, v what the standard calls a, b, ... h. */
static void take_block(const unsigned char *block, uint64_t *state) {
    uint64_t w[16], v[WORDS];
    memcpy(v, state, sizeof v);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t *next = &w[i % 16];
        if (i < 16) {
            *next = get(block + 8 * i);
        } else {
            uint64_t x = w[(i + 1) % 16], y = w[(i + 14) % 16];
            *next += mixed(x, 1, 8, x >> 7) + w[(i + 9) % 16] + mixed(y, 19, 61, y >> 6);
        }
        uint64_t t = v[7] + mixed(v[4], 14, 18, rotated(v[4], 41)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + *next;
        uint64_t u = mixed(v[0], 28, 34, rotated(v[0], 39)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        for (unsigned j = WORDS - 1; j; j--)
            v[j] = v[j - 1];
        v[4] += t;
        v[0] = t + u;
    }
    for (unsigned j = 0; j < WORDS; j++)
        state[j] += v[j];
}

static void begin(br_sha384_context *c, const br_hash_class *vtable, const uint64_t *start) {
    c->vtable = vtable;
    memcpy(c->val, start, sizeof c->val);
    c->count = 0;
}

/* The digest's first n octets; the context stays as it was. */
static void end(const br_sha384_context *c, unsigned char *to, size_t n) {
    br_sha384_context last = *c;
    unsigned char digest[64];
    size_t used = c->count % sizeof last.buf;
    last.buf[used++] = 0x80;
    memset(last.buf + used, 0, sizeof last.buf - used);
    if (used > LENGTHS) {
        take_block(last.buf, last.val);
        memset(last.buf, 0, sizeof last.buf);
    }
    for (unsigned i = 0; i < 9; i++) /* in bits: 3 more than c->count has */
        last.buf[sizeof last.buf - 1 - i] = (unsigned char)(i ? c->count >> (8 * i - 3) : c->count << 3);
    take_block(last.buf, last.val);
    put(digest, last.val);
    memcpy(to, digest, n);
}

/* ---- BearSSL's interface ---- */

void br_sha384_init(br_sha384_context *c) {
    begin(c, &br_sha384_vtable, start_384);
}

void br_sha512_init(br_sha512_context *c) {
    begin(c, &br_sha512_vtable, start_512);
}

void br_sha384_update(br_sha384_context *c, const void *data, size_t n) {
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

void br_sha384_out(const br_sha384_context *c, void *to) {
    end(c, to, br_sha384_SIZE);
}

void br_sha512_out(const br_sha512_context *c, void *to) {
    end(c, to, br_sha512_SIZE);
}

uint64_t br_sha384_state(const br_sha384_context *c, void *to) {
    put(to, c->val);
    return c->count;
}

void br_sha384_set_state(br_sha384_context *c, const void *from, uint64_t count) {
    for (unsigned j = 0; j < WORDS; j++)
        c->val[j] = get((const unsigned char *)from + 8 * j);
    c->count = count;
}

/* BearSSL's classes take pointers to the vtable in front of each context. */
#define CLASS(bits)                                                                                                                        \
    {                                                                                                                                      \
        sizeof(br_sha##bits##_context),                                                                                                    \
            BR_HASHDESC_ID(br_sha##bits##_ID) | BR_HASHDESC_OUT(br_sha##bits##_SIZE) | BR_HASHDESC_STATE(64) | BR_HASHDESC_LBLEN(7) |      \
                BR_HASHDESC_MD_PADDING | BR_HASHDESC_MD_PADDING_BE | BR_HASHDESC_MD_PADDING_128,                                           \
            (void (*)(const br_hash_class **))br_sha##bits##_init,                                                                         \
            (void (*)(const br_hash_class **, const void *, size_t))br_sha384_update,                                                      \
            (void (*)(const br_hash_class *const *, void *))br_sha##bits##_out,                                                            \
            (uint64_t(*)(const br_hash_class *const *, void *))br_sha384_state,                                                            \
            (void (*)(const br_hash_class **, const void *, uint64_t))br_sha384_set_state                                                  \
    }

const br_hash_class br_sha384_vtable = CLASS(384);
const br_hash_class br_sha512_vtable = CLASS(512);
