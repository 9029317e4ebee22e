/* The firmware's SHA-256 against BearSSL's, of whose names it is: here it has others. As test_sha512.c. */
#include <bearssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const br_hash_class *const theirs[] = {&br_sha256_vtable};

#define br_sha256_vtable    own_256_vtable
#define br_sha256_init      own_256_init
#define br_sha224_update    own_224_update
#define br_sha256_out       own_256_out
#define br_sha224_state     own_224_state
#define br_sha224_set_state own_224_set_state
extern const br_hash_class own_256_vtable;
void own_256_init(br_sha256_context *c);
void own_224_update(br_sha224_context *c, const void *data, size_t n);
void own_256_out(const br_sha256_context *c, void *to);
uint64_t own_224_state(const br_sha224_context *c, void *to);
void own_224_set_state(br_sha224_context *c, const void *from, uint64_t count);
#include "sha256.c"

static const br_hash_class *const own[] = {&own_256_vtable};
static unsigned char text[1400];

static unsigned some(unsigned below) {
    static uint32_t seed = 1;
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* The same octets in the same pieces to both, and each one's state into the other where a block ends. */
static void assert_same(const br_hash_class *a, const br_hash_class *b, size_t n) {
    br_hash_compat_context x, y;
    unsigned char of_x[64], of_y[64];
    a->init(&x.vtable);
    b->init(&y.vtable);
    for (size_t at = 0, piece; at < n; at += piece) {
        piece = 1 + some(200);
        if (piece > n - at) piece = n - at;
        a->update(&x.vtable, text + at, piece);
        b->update(&y.vtable, text + at, piece);
        if ((at + piece) % 64) continue;
        assert_int_equal(a->state(&x.vtable, of_x), at + piece);
        assert_int_equal(b->state(&y.vtable, of_y), at + piece);
        assert_memory_equal(of_x, of_y, 32);
        b->set_state(&y.vtable, of_x, at + piece);
    }
    size_t octets = a->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
    for (int twice = 0; twice < 2; twice++) {
        a->out(&x.vtable, of_x);
        b->out(&y.vtable, of_y);
        assert_memory_equal(of_x, of_y, octets);
    }
}

static void same_digest_at_every_length(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (unsigned char)some(256);
    for (size_t n = 0; n <= sizeof text; n++)
        for (size_t which = 0; which < 1; which++)
            assert_same(theirs[which], own[which], n);
}

static void same_class(void **state) {
    (void)state;
    for (size_t which = 0; which < 1; which++) {
        assert_int_equal(own[which]->desc, theirs[which]->desc);
        assert_int_equal(own[which]->context_size, theirs[which]->context_size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_digest_at_every_length), cmocka_unit_test(same_class)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
