/* SPDX-License-Identifier: MIT */
/* test_collect - what is kept of a chain for the profile `host`, if the octets are not those that
 * were announced. The chains of tests/x509check show which paths are tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/tls/guard.h"
#include "pki.h"

static popcl_tls_host_storage storage;
static popcl_trust trust;
static popcl_tls tls;
static const br_x509_certificate *leaf;

static int begin(void **state) {
    (void)state;
    memset(&storage, 0xa5, sizeof storage);
    trust = (popcl_trust){.anchors = pki_anchor(), .anchors_len = 1};
    tls = (popcl_tls){.profile = &popcl_tls_host,
                      .storage = &storage,
                      .storage_len = sizeof storage,
                      .trust = &trust,
                      .utc_s = PKI_NOW};
    leaf = pki_certificate(PKI_RIGHT);
    return 0;
}

static void *state_of(void) { return (unsigned char *)tls.storage + tls.profile->state_at; }

static const br_x509_class **opened(void) {
    const br_x509_class **x = tls.profile->x509->open(state_of(), &tls, PKI_HOST);
    (*x)->start_chain(x, PKI_HOST);
    return x;
}

/* Gives the server's certificate, with `n` octets announced and `more` octets after its own. */
static void give(const br_x509_class **x, size_t n, size_t more) {
    unsigned char zeros[8] = {0};
    (*x)->start_cert(x, (uint32_t)n);
    (*x)->append(x, leaf->data, leaf->data_len);
    if (more) (*x)->append(x, zeros, more);
    (*x)->end_cert(x);
}

static popcl_err end(const br_x509_class **x, unsigned *cert) {
    popcl_tls_diag d = {0};
    unsigned told = (*x)->end_chain(x), usages;
    popcl_err e = tls.profile->x509->verdict(state_of());
    assert_int_equal(told == 0, e == POPCL_OK);
    assert_int_equal((*x)->get_pkey(x, &usages) != NULL, e == POPCL_OK);
    tls.profile->x509->tell(state_of(), &d);
    *cert = d.cert;
    return e;
}

static void octets_that_were_not_announced_are_not_kept(void **state) { /* [D11 D12] */
    unsigned cert;
    size_t n = leaf->data_len;
    (void)state;
    const br_x509_class **x = opened();
    give(x, n, 0);
    assert_int_equal(end(x, &cert), POPCL_OK);
    for (size_t more = 1; more <= 8; more++) {
        x = opened();
        give(x, n, more);
        give(x, n, 0); /* no other one is the server's */
        assert_int_equal(end(x, &cert), POPCL_ERR_CERT_MALFORMED);
        assert_int_equal(cert, 1);
    }
    for (size_t announced = 0; announced < n; announced += 37) {
        x = opened();
        give(x, announced, 0);
        assert_int_equal(end(x, &cert), POPCL_ERR_CERT_MALFORMED);
    }
    for (size_t less = 1; less <= 8; less++) {
        x = opened();
        give(x, n + less, 0);
        assert_int_equal(end(x, &cert), POPCL_ERR_CERT_MALFORMED);
    }
}

/* It is not damaged: the operator learns what to change. */
static void the_servers_own_is_too_large(void **state) { /* [D11] */
    unsigned cert;
    (void)state;
    const br_x509_class **x = opened();
    give(x, POPCL_COLLECTED_OCTETS + 1, 0);
    give(x, leaf->data_len, 0); /* no other one is the server's */
    assert_int_equal(end(x, &cert), POPCL_ERR_CERT_TOO_LARGE);
    assert_int_equal(cert, 1);
    x = opened();
    give(x, POPCL_COLLECTED_OCTETS, 0); /* there is room, and octets lack */
    assert_int_equal(end(x, &cert), POPCL_ERR_CERT_MALFORMED);
    x = opened(); /* nothing of it stays */
    give(x, leaf->data_len, 0);
    assert_int_equal(end(x, &cert), POPCL_OK);
}

/* One that is left out takes nothing from the others. */
static void a_certificate_that_finds_no_room_is_left_out(void **state) {
    unsigned cert;
    (void)state;
    const br_x509_certificate *other = pki_certificate(PKI_UNTRUSTED);
    for (size_t announced = 0; announced < 3; announced++) {
        const br_x509_class **x = opened();
        (*x)->start_cert(x, (uint32_t)other->data_len);
        (*x)->append(x, other->data, other->data_len);
        (*x)->end_cert(x);
        give(x, announced ? leaf->data_len - announced : UINT32_MAX, 0);
        give(x, leaf->data_len, 0);
        assert_int_not_equal(end(x, &cert), POPCL_OK);
        x = opened();
        give(x, leaf->data_len, 0);
        give(x, announced ? leaf->data_len - announced : UINT32_MAX, 0);
        assert_int_equal(end(x, &cert), POPCL_OK);
    }
}

static void calls_out_of_order_take_nothing(void **state) {
    unsigned cert;
    (void)state;
    const br_x509_class **x = opened();
    (*x)->append(x, leaf->data, leaf->data_len); /* before any begins */
    (*x)->end_cert(x);
    give(x, leaf->data_len, 0);
    assert_int_equal(end(x, &cert), POPCL_ERR_CERT_MALFORMED);
    x = opened();
    assert_int_equal(tls.profile->x509->verdict(state_of()), POPCL_ERR_CERT_UNCHECKED);
    assert_null((*x)->get_pkey(x, NULL));
    assert_int_equal(end(x, &cert), POPCL_ERR_CERT_MALFORMED); /* no certificate at all */
    x = opened();
    (*x)->start_cert(x, (uint32_t)leaf->data_len);
    (*x)->append(x, leaf->data, leaf->data_len); /* without its end */
    assert_int_equal(end(x, &cert), POPCL_ERR_CERT_MALFORMED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(octets_that_were_not_announced_are_not_kept, begin),
        cmocka_unit_test_setup(the_servers_own_is_too_large, begin),
        cmocka_unit_test_setup(a_certificate_that_finds_no_room_is_left_out, begin),
        cmocka_unit_test_setup(calls_out_of_order_take_nothing, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
