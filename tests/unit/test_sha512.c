/* The firmware's SHA-384 and SHA-512 against BearSSL's, of whose names they are: here they have others. */
#include <bearssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const br_hash_class *const theirs[] = {&br_sha384_vtable, &br_sha512_vtable};

#define br_sha384_vtable    own_384_vtable
#define br_sha512_vtable    own_512_vtable
#define br_sha384_init      own_384_init
#define br_sha512_init      own_512_init
#define br_sha384_update    own_384_update
#define br_sha384_out       own_384_out
#define br_sha512_out       own_512_out
#define br_sha384_state     own_384_state
#define br_sha384_set_state own_384_set_state
extern const br_hash_class own_384_vtable, own_512_vtable;
void own_384_init(br_sha384_context *c);
void own_512_init(br_sha512_context *c);
void own_384_update(br_sha384_context *c, const void *data, size_t n);
void own_384_out(const br_sha384_context *c, void *to);
void own_512_out(const br_sha512_context *c, void *to);
uint64_t own_384_state(const br_sha384_context *c, void *to);
void own_384_set_state(br_sha384_context *c, const void *from, uint64_t count);
#include "sha512.c"

static const br_hash_class *const own[] = {&own_384_vtable, &own_512_vtable};
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
        if ((at + piece) % 128) continue;
        assert_int_equal(a->state(&x.vtable, of_x), at + piece);
        assert_int_equal(b->state(&y.vtable, of_y), at + piece);
        assert_memory_equal(of_x, of_y, 64);
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
        for (size_t which = 0; which < 2; which++)
            assert_same(theirs[which], own[which], n);
}

static void same_class(void **state) {
    (void)state;
    for (size_t which = 0; which < 2; which++) {
        assert_int_equal(own[which]->desc, theirs[which]->desc);
        assert_int_equal(own[which]->context_size, theirs[which]->context_size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_digest_at_every_length), cmocka_unit_test(same_class)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
