/* SPDX-License-Identifier: MIT */
/* test_chain - the certificates of a server, kept and judged again: room, order, damage, circles of
 * issuers, names, and the anchor that vouches. The certificates are those of tests/sim/pki.h, and
 * odd ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chain.h"
#include "make_cert.h"
#include "pki.h"

static pop_chain chain;

static void add(const br_x509_certificate *cert) {
    pop_chain_add(&chain, cert->data, cert->data_len);
}

static int begin_anew(void **state) {
    (void)state;
    memset(&chain, 0, sizeof chain);
    return 0;
}

/* A list of usable anchors of these kinds of servers. The sizes of RSA and P-384 differ. */
static void list_anchors(pop_anchors *a, pop_anchor list[], const pki_kind kinds[], size_t n) {
    memset(a, 0, sizeof *a);
    memset(list, 0, n * sizeof *list);
    a->list = list;
    a->len = n;
    for (size_t i = 0; i < n; i++) {
        list[i].finding = POP_ANCHOR_USABLE;
        list[i].anchor = *pki_anchor_of(kinds[i]);
    }
}

static void an_empty_chain_has_nothing(void **state) {
    pop_anchors a;
    pop_anchor list[1];
    unsigned char pin[POPCL_PIN_LEN];
    static const pki_kind kinds[] = {PKI_RIGHT};
    (void)state;
    list_anchors(&a, list, kinds, 1);
    assert_int_equal(pop_chain_anchor(&chain, &a, PKI_NOW), 1);
    assert_int_equal(pop_chain_pin(&chain, 0, pin), -1);
    assert_string_equal(pop_chain_names(&chain), "");
}

static void the_anchor_that_vouches_is_found_at_any_time(void **state) {
    static const pki_kind kinds[] = {PKI_BY_RSA, PKI_BY_P384, PKI_RIGHT},
                          servers[] = {PKI_BY_RSA,  PKI_BY_P384, PKI_RIGHT,
                                       PKI_EXPIRED, PKI_NOT_YET, PKI_OTHER_NAME};
    static const size_t wanted[] = {0, 1, 2, 2, 2, 2};
    static const int64_t times[] = {0, PKI_NOW, PKI_NOW * 4, INT64_MAX};
    pop_anchors a;
    pop_anchor list[3];
    (void)state;
    list_anchors(&a, list, kinds, 3);
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        begin_anew(NULL);
        add(pki_certificate(servers[i]));
        for (size_t t = 0; t < sizeof times / sizeof *times; t++)
            assert_int_equal(pop_chain_anchor(&chain, &a, times[t]), wanted[i]);
    }
    list[2].finding = POP_ANCHOR_UNWANTED;
    assert_int_equal(pop_chain_anchor(&chain, &a, PKI_NOW), 3);
}

static void one_that_nobody_knows_has_none(void **state) {
    static const pki_kind kinds[] = {PKI_BY_RSA, PKI_BY_P384, PKI_RIGHT};
    pop_anchors a;
    pop_anchor list[3];
    (void)state;
    list_anchors(&a, list, kinds, 3);
    add(pki_certificate(PKI_UNTRUSTED));
    assert_int_equal(pop_chain_anchor(&chain, &a, PKI_NOW), 3);
}

static void verdict_is_that_of_a_session(void **state) {
    popcl_trust trust = {.anchors = pki_anchor(), .anchors_len = 1};
    (void)state;
    add(pki_certificate(PKI_RIGHT));
    assert_int_equal(pop_chain_judge(&chain, &trust, PKI_HOST, PKI_NOW), POPCL_OK);
    assert_int_equal(pop_chain_judge(&chain, &trust, PKI_HOST ".", PKI_NOW), POPCL_OK);
    assert_int_equal(pop_chain_judge(&chain, &trust, NULL, PKI_NOW), POPCL_OK);
    assert_int_equal(pop_chain_judge(&chain, &trust, "other.example", PKI_NOW),
                     POPCL_ERR_CERT_NAME);
    assert_non_null(strstr(chain.names, PKI_HOST));
    assert_int_equal(pop_chain_judge(&chain, &trust, "", PKI_NOW), POPCL_ERR_HOST);
    assert_int_equal(pop_chain_judge(&chain, &trust, PKI_HOST, PKI_NOW * 3),
                     POPCL_ERR_CERT_EXPIRED);
    assert_non_null(strstr(pop_chain_names(&chain), PKI_HOST));
}

static void the_pin_is_that_of_the_key(void **state) {
    unsigned char pin[POPCL_PIN_LEN];
    (void)state;
    add(pki_certificate(PKI_RIGHT));
    assert_int_equal(pop_chain_pin(&chain, 0, pin), 0);
    assert_memory_equal(pin, pki_pin(), sizeof pin);
    pop_chain_add(&chain, (const unsigned char *)"0\0", 2);
    assert_int_equal(pop_chain_pin(&chain, 1, pin), -1);
    assert_int_equal(pop_chain_pin(&chain, 2, pin), -1);
}

static void what_finds_no_room_is_counted(void **state) {
    const br_x509_certificate *cert = pki_certificate(PKI_RIGHT);
    static unsigned char large[POPCL_COLLECTED_OCTETS + 1];
    (void)state;
    pop_chain_add(&chain, large, sizeof large);
    assert_int_equal(chain.len, 0);
    for (unsigned i = 0; i < 300; i++)
        add(cert);
    assert_int_equal(chain.sent, 301);
    assert_int_equal(chain.len, POPCL_COLLECTED);
    assert_int_equal(chain.place[0], 2);
    assert_memory_equal(chain.certs[31].p, cert->data, cert->data_len);
}

/* Certificates whose issuers lead in a circle, or nowhere. */
static void the_end_of_the_path_is_found_or_a_circle_left(void **state) {
    static unsigned char octets[2][CERT_MAX];
    (void)state;
    add(pki_certificate(PKI_UNTRUSTED));
    assert_int_equal(pop_chain_end(&chain), 0);
    add(pki_certificate(PKI_RIGHT)); /* of the same issuer, and no issuer itself */
    assert_int_equal(pop_chain_end(&chain), 0);
    add(pki_issuer());
    assert_int_equal(pop_chain_end(&chain), 2);
    add(pki_issuer()); /* signed by one of its own name: the path goes on to it once */
    assert_in_range(pop_chain_end(&chain), 2, 3);
    begin_anew(NULL);
    for (unsigned i = 0; i < 2; i++) { /* each signs itself */
        cert_wish wish = {.name = "Circle", .key_number = i};
        pop_chain_add(&chain, octets[i], make_cert(octets[i], &wish));
    }
    assert_int_equal(pop_chain_end(&chain), 1);
    begin_anew(NULL);
    pop_chain_add(&chain, octets[0], 9);
    add(pki_issuer());
    assert_int_equal(pop_chain_end(&chain), 0);
}

/* Every octet of a certificate changed, and every cut of it: no anchor vouches. */
static void damage_finds_no_anchor(void **state) {
    static const pki_kind kinds[] = {PKI_BY_RSA, PKI_RIGHT};
    const br_x509_certificate *cert = pki_certificate(PKI_RIGHT);
    pop_anchors a;
    pop_anchor list[2];
    unsigned char pin[POPCL_PIN_LEN];
    (void)state;
    list_anchors(&a, list, kinds, 2);
    for (size_t at = 0; at < cert->data_len; at++) {
        unsigned char *copy = malloc(cert->data_len);
        assert_non_null(copy);
        memcpy(copy, cert->data, cert->data_len);
        copy[at] ^= 0x21;
        begin_anew(NULL);
        pop_chain_add(&chain, copy, cert->data_len);
        assert_int_equal(pop_chain_anchor(&chain, &a, PKI_NOW), 2);
        begin_anew(NULL);
        pop_chain_add(&chain, cert->data, at);
        assert_int_equal(pop_chain_anchor(&chain, &a, PKI_NOW), 2);
        assert_int_equal(pop_chain_pin(&chain, 0, pin), -1);
        free(copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_chain_has_nothing, begin_anew),
        cmocka_unit_test_setup(the_anchor_that_vouches_is_found_at_any_time, begin_anew),
        cmocka_unit_test_setup(one_that_nobody_knows_has_none, begin_anew),
        cmocka_unit_test_setup(verdict_is_that_of_a_session, begin_anew),
        cmocka_unit_test_setup(the_pin_is_that_of_the_key, begin_anew),
        cmocka_unit_test_setup(what_finds_no_room_is_counted, begin_anew),
        cmocka_unit_test_setup(the_end_of_the_path_is_found_or_a_circle_left, begin_anew),
        cmocka_unit_test_setup(damage_finds_no_anchor, begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
