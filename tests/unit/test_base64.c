/* SPDX-License-Identifier: MIT */
/* test_base64 - base64 as it streams: the vectors of RFC 4648, 10, and texts of every length, asked
 * for in pieces of every size from every offset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base64.h"
#include "results.h"

typedef struct source {
    const unsigned char *p;
    size_t n;
    popcl_err err;
} source;

static popcl_err read_source(void *ctx, size_t off, unsigned char *buf, size_t cap, size_t *n) {
    const source *s = ctx;
    size_t left = off < s->n ? s->n - off : 0;
    *n = left < cap ? left : cap;
    memset(buf, 0xff, cap); /* more than it returns: that counts for nothing */
    if (*n) memcpy(buf, s->p + off, *n);
    return s->err;
}

/* The whole text, in pieces of so many characters. */
static void check(const void *p, size_t n, const char *want) {
    char got[600];
    source s = {p, n, POPCL_OK};
    size_t len = strlen(want);
    for (size_t piece = 1; piece <= len + 1; piece++) {
        size_t at = 0;
        int more = 1;
        while (more > 0) {
            memset(got + at, '#', piece);
            more = popcl_base64_get(read_source, &s, at, got + at, piece);
            assert_in_range(more, 0, piece);
            at += (size_t)more;
            assert_in_range(at, 0, len);
        }
        assert_int_equal(at, len);
        assert_memory_equal(got, want, len);
    }
}

static void the_vectors_of_the_rfc(void **state) {
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(rows[i][0], strlen(rows[i][0]), rows[i][1]);
}

/* 48 octets that are all characters in turn, twice; and every length up to them. */
static void every_character_and_length(void **state) {
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char octets[96];
    char want[129];
    (void)state;
    for (unsigned i = 0; i < 128; i += 4) {
        unsigned bits = 0;
        for (unsigned k = 0; k < 4; k++)
            bits = bits << 6 | (i + k) % 64;
        octets[i / 4 * 3] = (unsigned char)(bits >> 16);
        octets[i / 4 * 3 + 1] = (unsigned char)(bits >> 8);
        octets[i / 4 * 3 + 2] = (unsigned char)bits;
    }
    for (size_t groups = 0; groups <= 32; groups++) {
        for (size_t i = 0; i < groups * 4; i++)
            want[i] = all[i % 64];
        want[groups * 4] = 0;
        check(octets, groups * 3, want);
    }
}

static void failures_pass(void **state) {
    char got[8];
    source s = {(const unsigned char *)"foobar", 6, POPCL_ERR_SECRET_WAIT};
    (void)state;
    assert_int_equal(popcl_base64_get(read_source, &s, 0, got, sizeof got), POPCL_SECRET_AGAIN);
    s.err = POPCL_ERR_SECRET;
    assert_int_equal(popcl_base64_get(read_source, &s, 0, got, sizeof got), -1);
    s.err = POPCL_ERR_CREDENTIAL_OCTET;
    assert_in_range(-popcl_base64_get(read_source, &s, 0, got, sizeof got), 32768, 32800);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc),
        cmocka_unit_test(every_character_and_length),
        cmocka_unit_test(failures_pass),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
