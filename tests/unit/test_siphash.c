/* SPDX-License-Identifier: MIT */
/* Tests of SipHash-2-4: the paper's vector, those of its authors' reference, and input in pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "siphash.h"

/* 00 01 02 ...: of the key, and of every input */
static unsigned char counting[64];

static int fill_counting(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof counting; i++)
        counting[i] = (unsigned char)i;
    return 0;
}

static uint64_t hash_of(const void *p, size_t n, size_t piece) {
    popcl_siphash h;
    memset(&h, 0xA5, sizeof h);
    popcl_siphash_begin(&h, counting);
    for (size_t at = 0; at < n; at += piece)
        popcl_siphash_add(&h, (const unsigned char *)p + at, n - at < piece ? n - at : piece);
    return popcl_siphash_end(&h);
}

static void assert_hash(uint64_t is, uint64_t should) {
    char a[20], b[20];
    (void)snprintf(a, sizeof a, "%016llx", (unsigned long long)is);
    (void)snprintf(b, sizeof b, "%016llx", (unsigned long long)should);
    assert_string_equal(a, b);
}

static void the_papers_vector(void **state) { /* "SipHash: a fast short-input PRF", appendix A */
    (void)state;
    assert_hash(hash_of(counting, 15, 15), UINT64_C(0xa129ca6149be45e5));
}

static void vectors_of_each_length(void **state) {
    static const struct {
        size_t len;
        uint64_t hash;
    } rows[] = {
        {0, UINT64_C(0x726fdb47dd0e0e31)},  {1, UINT64_C(0x74f839c593dc67fd)},
        {2, UINT64_C(0x0d6c8009d9a94f5a)},  {3, UINT64_C(0x85676696d7fb7e2d)},
        {7, UINT64_C(0xab0200f58b01d137)},  {8, UINT64_C(0x93f5f5799a932462)},
        {63, UINT64_C(0x958a324ceb064572)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_hash(hash_of(counting, rows[i].len, 64), rows[i].hash);
}

static void pieces_change_nothing(void **state) {
    (void)state;
    for (size_t n = 0; n <= sizeof counting; n++) {
        for (size_t piece = 1; piece <= n; piece++)
            assert_hash(hash_of(counting, n, piece), hash_of(counting, n, n));
    }
}

static void long_input(void **state) { /* the length counts modulo 256 only */
    static unsigned char zeros[256];
    uint64_t before = 0;
    (void)state;
    for (size_t n = 250; n <= sizeof zeros; n++) {
        uint64_t now = hash_of(zeros, n, 100);
        assert_true(now != before && now != hash_of(zeros, n - 250, 100));
        before = now;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_papers_vector),
        cmocka_unit_test(vectors_of_each_length),
        cmocka_unit_test(pieces_change_nothing),
        cmocka_unit_test(long_input),
    };
    return cmocka_run_group_tests_name("siphash", tests, fill_counting, NULL);
}
