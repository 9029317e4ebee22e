/* SPDX-License-Identifier: MIT */
/* test_pin - certificates for the profile `pinned`: which key is read of them, whatever else they
 * hold, and however they come. Nothing but a whole P-256 key whose hash is a pin is accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/tls/profile.h"
#include "pki.h"
#include "tls_client.h"

typedef struct chain {
    popcl_pin state;
    popcl_tls tls;
    popcl_trust trust;
    unsigned char pins[3][POPCL_PIN_LEN];
    const br_x509_class **x;
    unsigned bearssl; /* what BearSSL is told */
    popcl_err verdict;
} chain;

static void chain_open(chain *c) {
    memset(c, 0, sizeof *c);
    memset(&c->state, 0xa5, sizeof c->state);
    memcpy(c->pins[2], pki_pin(), POPCL_PIN_LEN);
    c->trust.pins = (const unsigned char(*)[POPCL_PIN_LEN])c->pins;
    c->trust.pins_len = 3;
    c->tls.trust = &c->trust;
    c->tls.profile = &popcl_tls_pinned;
    c->x = popcl_x509_pin.open(&c->state, &c->tls, "pop.example");
    (*c->x)->start_chain(c->x, "pop.example");
}

static void chain_add(chain *c, const unsigned char *p, size_t n, size_t piece) {
    (*c->x)->start_cert(c->x, (uint32_t)n);
    for (size_t at = 0; at < n; at += piece)
        (*c->x)->append(c->x, p + at, n - at < piece ? n - at : piece);
    (*c->x)->end_cert(c->x);
}

static popcl_err chain_end(chain *c) {
    c->bearssl = (*c->x)->end_chain(c->x);
    c->verdict = popcl_x509_pin.verdict(&c->state);
    assert_int_equal(c->bearssl == 0, c->verdict == POPCL_OK);
    assert_int_equal((*c->x)->get_pkey(c->x, NULL) != NULL, c->verdict == POPCL_OK);
    return c->verdict;
}

/* The verdict over one certificate, from memory of just its size. */
static popcl_err judge(const unsigned char *p, size_t n, size_t piece) {
    static chain c;
    unsigned char *copy = malloc(n + 1);
    assert_non_null(copy);
    memcpy(copy, p, n);
    chain_open(&c);
    chain_add(&c, copy, n, piece);
    free(copy);
    return chain_end(&c);
}

static void right_key_in_pieces_of_any_size(void **state) {
    const br_x509_certificate *cert = pki_certificate(PKI_RIGHT);
    (void)state;
    for (size_t piece = 1; piece <= cert->data_len; piece++)
        assert_int_equal(judge(cert->data, cert->data_len, piece), POPCL_OK);
}

/* [J2 D3 D4 D5] the key alone counts */
static void names_and_dates_are_not_looked_at(void **state) {
    static const pki_kind kinds[] = {PKI_OTHER_NAME, PKI_NO_SAN, PKI_EXPIRED, PKI_NOT_YET,
                                     PKI_UNTRUSTED};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_int_equal(
            judge(pki_certificate(kinds[i])->data, pki_certificate(kinds[i])->data_len, 100),
            POPCL_OK);
}

static void key_that_is_no_pin(void **state) {
    static chain c;
    const br_x509_certificate *cert = pki_certificate(PKI_RIGHT);
    (void)state;
    for (int octet = 0; octet < (int)POPCL_PIN_LEN; octet++) {
        chain_open(&c);
        c.pins[2][octet] ^= 0x10;
        chain_add(&c, cert->data, cert->data_len, 1000);
        assert_int_equal(chain_end(&c), POPCL_ERR_CERT_PIN);
    }
    chain_open(&c);
    c.trust.pins_len = 2; /* the right one is the third */
    chain_add(&c, cert->data, cert->data_len, 1000);
    assert_int_equal(chain_end(&c), POPCL_ERR_CERT_PIN);
}

static void rsa_key(void **state) {
    (void)state;
    assert_int_equal(judge(pki_certificate(PKI_RSA)->data, pki_certificate(PKI_RSA)->data_len, 100),
                     POPCL_ERR_CERT_UNSUPPORTED);
}

/* [D34] */
static void empty_chain(void **state) {
    static chain c;
    (void)state;
    chain_open(&c);
    assert_int_equal(chain_end(&c), POPCL_ERR_CERT_MALFORMED);
    assert_int_equal(judge((const unsigned char *)"", 0, 1), POPCL_ERR_CERT_MALFORMED);
}

/* Only certificate 0 is the server's: the right key behind it helps nobody, a wrong one harms
 * nobody. */
static void only_the_first_certificate_counts(void **state) {
    static chain c;
    const br_x509_certificate *right = pki_certificate(PKI_RIGHT),
                              *other = pki_certificate(PKI_RSA);
    (void)state;
    chain_open(&c);
    chain_add(&c, other->data, other->data_len, 50);
    chain_add(&c, right->data, right->data_len, 50);
    assert_int_equal(chain_end(&c), POPCL_ERR_CERT_UNSUPPORTED);
    chain_open(&c);
    chain_add(&c, right->data, right->data_len, 50);
    chain_add(&c, other->data, other->data_len, 50);
    assert_int_equal(chain_end(&c), POPCL_OK);
}

static size_t place_of_key(const br_x509_certificate *cert) {
    static const unsigned char p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48,
                                         0xce, 0x3d, 0x03, 0x01, 0x07};
    for (size_t i = 0; i + sizeof p256 <= cert->data_len; i++) {
        /* of the SubjectPublicKeyInfo */
        if (memcmp(cert->data + i, p256, sizeof p256) == 0) return i - 13;
    }
    fail_msg("there is no P-256 key");
    return 0;
}

enum { SPKI_LEN = 91 };

/* Half a certificate does not go on in the next one. */
static void cut_in_two_certificates(void **state) {
    static chain c;
    const br_x509_certificate *cert = pki_certificate(PKI_RIGHT);
    size_t end_of_key = place_of_key(cert) + SPKI_LEN;
    (void)state;
    for (size_t n = 0; n < cert->data_len; n++) {
        chain_open(&c);
        chain_add(&c, cert->data, n, 50);
        chain_add(&c, cert->data + n, cert->data_len - n, 50);
        assert_int_equal(chain_end(&c), n < end_of_key ? POPCL_ERR_CERT_MALFORMED : POPCL_OK);
    }
}

/* [D11] */
static void cut_at_every_length(void **state) {
    const br_x509_certificate *cert = pki_certificate(PKI_RIGHT);
    size_t end_of_key = place_of_key(cert) + SPKI_LEN;
    (void)state;
    for (size_t n = 0; n < cert->data_len; n++) {
        popcl_err e = judge(cert->data, n, 1 + n % 3);
        if (n < end_of_key)
            assert_int_equal(e, POPCL_ERR_CERT_MALFORMED);
        else
            assert_int_equal(e, POPCL_OK);
    }
}

/* [D10 D12] whatever stands elsewhere, an accepted certificate has the pinned key at its place */
static void every_octet_changed(void **state) {
    const br_x509_certificate *cert = pki_certificate(PKI_RIGHT);
    size_t key = place_of_key(cert);
    unsigned char changed[800];
    (void)state;
    assert_true(cert->data_len < sizeof changed);
    for (size_t at = 0; at < cert->data_len; at++) {
        for (unsigned by = 1; by < 256; by++) {
            memcpy(changed, cert->data, cert->data_len);
            changed[at] = (unsigned char)(changed[at] ^ by);
            popcl_err e = judge(changed, cert->data_len, 64);
            if (at >= key && at < key + SPKI_LEN) assert_int_not_equal(e, POPCL_OK);
            assert_true(e == POPCL_OK || popcl_err_class(e) == POPCL_CLASS_CERT);
        }
    }
}

/* Lengths that lead out of the certificate, or round the end of a number. */
static void lengths_of_all_kinds(void **state) {
    static const unsigned char starts[][8] = {
        {0x30, 0x80, 0x30, 0x80},                         /* indefinite */
        {0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x30},       /* four octets */
        {0x30, 0x83, 0xff, 0xff, 0xff, 0x30, 0x03, 0xa0}, /* as long as can be */
        {0x30, 0xff, 0x30, 0x30},                         /* reserved */
        {0x31, 0x03, 0x30, 0x01, 0x00},                   /* no SEQUENCE */
        {0x30, 0x06, 0x30, 0x04, 0xa0, 0x82, 0xff, 0xff}, /* a version longer than all */
        {0x30, 0x06, 0x30, 0x04, 0x02, 0x00, 0x30, 0x00}, /* nothing inside */
    };
    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        for (size_t n = 0; n <= sizeof starts[0]; n++)
            assert_int_equal(judge(starts[i], n, 1), POPCL_ERR_CERT_MALFORMED);
    }
}

/* [D49] */
static void what_can_be_used(void **state) {
    static chain c;
    (void)state;
    chain_open(&c);
    assert_int_equal(popcl_x509_pin.check(&c.tls), POPCL_OK);
    c.tls.utc_s = -1;
    assert_int_equal(popcl_x509_pin.check(&c.tls), POPCL_OK);
    c.trust.anchors = pki_anchor();
    c.trust.anchors_len = 1;
    assert_int_equal(popcl_x509_pin.check(&c.tls), POPCL_ERR_ARGUMENT);
    c.trust.pins_len = 0;
    assert_int_equal(popcl_x509_pin.check(&c.tls), POPCL_ERR_NO_TRUST);
    c.tls.trust = NULL;
    assert_int_equal(popcl_x509_pin.check(&c.tls), POPCL_ERR_NO_TRUST);
}

/* Before the end of the chain there is no key, and no verdict but that nothing was checked. */
static void verdict_without_an_end(void **state) {
    static chain c;
    const br_x509_certificate *cert = pki_certificate(PKI_RIGHT);
    (void)state;
    chain_open(&c);
    assert_null((*c.x)->get_pkey(c.x, NULL));
    chain_add(&c, cert->data, cert->data_len, 1000);
    assert_null((*c.x)->get_pkey(c.x, NULL));
    assert_int_equal(popcl_x509_pin.verdict(&c.state), POPCL_ERR_CERT_UNCHECKED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_key_in_pieces_of_any_size),
        cmocka_unit_test(names_and_dates_are_not_looked_at),
        cmocka_unit_test(key_that_is_no_pin),
        cmocka_unit_test(rsa_key),
        cmocka_unit_test(empty_chain),
        cmocka_unit_test(only_the_first_certificate_counts),
        cmocka_unit_test(cut_in_two_certificates),
        cmocka_unit_test(cut_at_every_length),
        cmocka_unit_test(every_octet_changed),
        cmocka_unit_test(lengths_of_all_kinds),
        cmocka_unit_test(what_can_be_used),
        cmocka_unit_test(verdict_without_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
