/* SPDX-License-Identifier: MIT */
/* test_key - the rule for the strength of a key, at each of its edges, and when two keys are the
 * same one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/tls/key.h"

static unsigned char modulus[520], exponent[8], point[140];

static br_x509_pkey rsa(unsigned char *n, size_t n_len, unsigned char *e, size_t e_len) {
    br_x509_pkey k = {.key_type = BR_KEYTYPE_RSA};
    k.key.rsa.n = n;
    k.key.rsa.nlen = n_len;
    k.key.rsa.e = e;
    k.key.rsa.elen = e_len;
    return k;
}

static br_x509_pkey ec(int curve, unsigned char *q, size_t q_len) {
    br_x509_pkey k = {.key_type = BR_KEYTYPE_EC};
    k.key.ec.curve = curve;
    k.key.ec.q = q;
    k.key.ec.qlen = q_len;
    return k;
}

static enum key_fault modulus_of(size_t len, unsigned first, unsigned last) {
    memset(modulus, 0xff, sizeof modulus);
    modulus[0] = (unsigned char)first;
    modulus[len - 1] = (unsigned char)last;
    memcpy(exponent, "\1\0\1", 3);
    br_x509_pkey k = rsa(modulus, len, exponent, 3);
    return popcl_key_fault(&k);
}

static void a_modulus_has_2048_to_4096_bits_and_is_odd(void **state) { /* [D15] */
    (void)state;
    assert_int_equal(modulus_of(256, 0x80, 1), KEY_SOUND);
    assert_int_equal(modulus_of(256, 0x7f, 1), KEY_WEAK);
    assert_int_equal(modulus_of(255, 0xff, 1), KEY_WEAK);
    assert_int_equal(modulus_of(256, 0x80, 2), KEY_WEAK);
    assert_int_equal(modulus_of(257, 0x80, 1), KEY_SOUND);
    assert_int_equal(modulus_of(257, 0x7f, 1), KEY_ODD);
    assert_int_equal(modulus_of(257, 0, 1), KEY_SOUND); /* a zero before it is no part of it */
    assert_int_equal(modulus_of(256, 0, 1), KEY_WEAK);
    assert_int_equal(modulus_of(512, 0x80, 1), KEY_SOUND);
    assert_int_equal(modulus_of(513, 0, 1), KEY_SOUND);
    assert_int_equal(modulus_of(513, 1, 1), KEY_ODD);
    assert_int_equal(modulus_of(513, 0x80, 1), KEY_ODD);
    memset(modulus, 0, sizeof modulus);
    br_x509_pkey zeros = rsa(modulus, 300, exponent, 3), none = rsa(modulus, 0, exponent, 3);
    assert_int_equal(popcl_key_fault(&zeros), KEY_WEAK);
    assert_int_equal(popcl_key_fault(&none), KEY_WEAK);
}

static void an_exponent_is_odd_and_has_31_bits_at_most(void **state) {
    static const struct {
        unsigned char octets[6];
        size_t len;
        enum key_fault fault;
    } rows[] = {
        {{3}, 1, KEY_SOUND},
        {{1}, 1, KEY_WEAK},
        {{0}, 1, KEY_WEAK},
        {{2}, 1, KEY_WEAK},
        {{0}, 0, KEY_WEAK},
        {{0, 0, 1}, 3, KEY_WEAK},
        {{0, 0, 3}, 3, KEY_SOUND},
        {{1, 1}, 2, KEY_SOUND},
        {{0x7f, 0xff, 0xff, 0xff}, 4, KEY_SOUND},
        {{0, 0x7f, 0xff, 0xff, 0xff}, 5, KEY_SOUND},
        {{0x80, 0, 0, 1}, 4, KEY_ODD},
        {{0, 0x80, 0, 0, 1}, 5, KEY_ODD},
        {{1, 0, 0, 0, 1}, 5, KEY_ODD},
        {{1, 0, 0, 0, 2}, 5, KEY_WEAK},
    };
    (void)state;
    memset(modulus, 0xff, sizeof modulus);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memcpy(exponent, rows[i].octets, rows[i].len);
        br_x509_pkey k = rsa(modulus, 256, exponent, rows[i].len);
        if (popcl_key_fault(&k) != rows[i].fault) fail_msg("row %zu", i);
    }
}

/* BearSSL reads as many octets as the curve has, whatever the length of the point is. */
static void a_point_has_the_form_and_the_length_of_its_curve(void **state) {
    static const size_t lens[] = {65, 97, 133};
    (void)state;
    for (int curve = -1; curve < 64; curve++)
        for (size_t len = 0; len <= sizeof point; len++)
            for (unsigned form = 0; form < 8; form++) {
                int i = curve - BR_EC_secp256r1;
                memset(point, 1, sizeof point);
                point[0] = (unsigned char)form;
                br_x509_pkey k = ec(curve, point, len);
                int is_sound = i >= 0 && i < 3 && len == lens[i] && form == 4;
                assert_int_equal(popcl_key_fault(&k), is_sound ? KEY_SOUND : KEY_ODD);
            }
}

static void a_key_of_another_kind_is_of_no_use(void **state) {
    br_x509_pkey k = ec(BR_EC_secp256r1, point, 65);
    popcl_key kept = {0};
    br_x509_pkey view;
    (void)state;
    point[0] = 4;
    for (unsigned kind = 0; kind < 256; kind++) {
        k.key_type = (unsigned char)kind;
        if (kind != BR_KEYTYPE_RSA && kind != BR_KEYTYPE_EC)
            assert_int_equal(popcl_key_fault(&k), KEY_ODD);
    }
    /* one that was not read has none */
    assert_int_equal(popcl_key_fault(popcl_key_view(&kept, &view)), KEY_ODD);
}

static void equal_keys_are_equal_in_each_part(void **state) {
    unsigned char other_n[257], other_e[4] = {0, 1, 0, 1}, q[65];
    (void)state;
    memset(modulus, 0xff, sizeof modulus);
    memcpy(exponent, "\1\0\1", 3);
    memset(other_n, 0xff, sizeof other_n);
    other_n[0] = 0;
    br_x509_pkey a = rsa(modulus, 256, exponent, 3), b = rsa(other_n, 257, other_e, 4);
    assert_true(popcl_key_equal(&a, &a));
    assert_true(popcl_key_equal(&a, &b)); /* zeros before a number are no part of it */
    other_e[3] = 3;
    assert_false(popcl_key_equal(&a, &b));
    other_e[3] = 1;
    other_n[256] = 0xfd;
    assert_false(popcl_key_equal(&a, &b));
    b.key.rsa.nlen = 256; /* it only begins like the other one */
    assert_false(popcl_key_equal(&a, &b));
    memset(point, 4, sizeof point);
    memset(q, 4, sizeof q);
    br_x509_pkey c = ec(BR_EC_secp256r1, point, 65), d = ec(BR_EC_secp256r1, q, 65);
    assert_true(popcl_key_equal(&c, &d));
    d.key.ec.curve = BR_EC_secp384r1;
    assert_false(popcl_key_equal(&c, &d));
    d.key.ec.curve = BR_EC_secp256r1;
    d.key.ec.qlen = 64;
    assert_false(popcl_key_equal(&c, &d));
    d.key.ec.qlen = 65;
    q[64] = 5;
    assert_false(popcl_key_equal(&c, &d));
    assert_false(popcl_key_equal(&a, &c));
    assert_false(popcl_key_equal(&c, &a));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_modulus_has_2048_to_4096_bits_and_is_odd),
        cmocka_unit_test(an_exponent_is_odd_and_has_31_bits_at_most),
        cmocka_unit_test(a_point_has_the_form_and_the_length_of_its_curve),
        cmocka_unit_test(a_key_of_another_kind_is_of_no_use),
        cmocka_unit_test(equal_keys_are_equal_in_each_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
