/* SPDX-License-Identifier: MIT */
/* test_guard - what the chains of tests/x509check cannot show: calls left out, certificates cut and
 * changed at every octet, memory's edges, and what is kept of a certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/tls/guard.h"
#include "pki.h"

static popcl_tls_public_storage storage;
static popcl_guard *const guard = &storage.guard;
static popcl_trust trust;
static popcl_tls tls;
static const unsigned char *leaf;
static size_t leaf_len;

static int begin(void **state) {
    const br_x509_certificate *c = pki_certificate(PKI_RIGHT);
    (void)state;
    leaf = c->data;
    leaf_len = c->data_len;
    memset(&storage, 0xa5, sizeof storage);
    trust = (popcl_trust){
        .anchors = pki_anchor(), .anchors_len = 1, .clock_floor_s = PKI_AUTHORITY_SINCE};
    tls = (popcl_tls){.profile = &popcl_tls_host,
                      .storage = &storage,
                      .storage_len = sizeof storage,
                      .trust = &trust,
                      .utc_s = PKI_NOW};
    return 0;
}

static const br_x509_class **opened(void) {
    const br_x509_class **x = popcl_guard_open(guard, &tls, PKI_HOST);
    (*x)->start_chain(x, PKI_HOST);
    return x;
}

/* One certificate, in two pieces. What it is announced to have may differ from what comes. */
static void give(const br_x509_class **x, const unsigned char *p, size_t n, size_t cut,
                 size_t announced) {
    (*x)->start_cert(x, (uint32_t)announced);
    if (cut) (*x)->append(x, p, cut);
    if (cut < n) (*x)->append(x, p + cut, n - cut);
    (*x)->end_cert(x);
}

static popcl_err end(const br_x509_class **x) {
    unsigned said = (*x)->end_chain(x), usages;
    popcl_err e = popcl_guard_verdict(guard);
    assert_int_equal(said == 0, e == POPCL_OK);
    assert_int_equal((*x)->get_pkey(x, &usages) != NULL, e == POPCL_OK);
    assert_int_equal((*x)->get_pkey(x, NULL) != NULL, e == POPCL_OK);
    return e;
}

static popcl_err judged(const unsigned char *p, size_t n, size_t cut) {
    const br_x509_class **x = opened();
    give(x, p, n, cut, n);
    return end(x);
}

static void the_right_chain_is_taken_however_it_comes(void **state) {
    (void)state;
    for (size_t cut = 0; cut <= leaf_len; cut++)
        assert_int_equal(judged(leaf, leaf_len, cut), POPCL_OK);
}

static void what_did_not_run_refuses(void **state) {
    const br_x509_class **x;
    (void)state;
    memset(guard, 0, sizeof *guard);
    assert_int_equal(popcl_guard_verdict(guard), POPCL_ERR_CERT_UNCHECKED);

    x = popcl_guard_open(guard, &tls, PKI_HOST);
    assert_int_equal(popcl_guard_verdict(guard), POPCL_ERR_CERT_UNCHECKED);
    assert_null((*x)->get_pkey(x, NULL));

    x = opened();
    assert_int_equal(popcl_guard_verdict(guard), POPCL_ERR_CERT_UNCHECKED);
    (*x)->start_cert(x, (uint32_t)leaf_len);
    (*x)->append(x, leaf, leaf_len);
    assert_int_equal(popcl_guard_verdict(guard), POPCL_ERR_CERT_UNCHECKED);
    /* without end_cert, though all octets came */
    assert_int_equal(end(x), POPCL_ERR_CERT_UNCHECKED);

    x = opened();
    (*x)->append(x, leaf, leaf_len); /* without start_cert */
    (*x)->end_cert(x);
    assert_int_not_equal(end(x), POPCL_OK);

    x = opened();
    give(x, leaf, leaf_len, 0, leaf_len);
    assert_int_equal(popcl_guard_verdict(guard), POPCL_ERR_CERT_UNCHECKED); /* without end_chain */
    assert_null((*x)->get_pkey(x, NULL));
    assert_int_equal(end(x), POPCL_OK);

    x = opened(); /* a second chain knows nothing of the first */
    assert_int_equal(popcl_guard_verdict(guard), POPCL_ERR_CERT_UNCHECKED);
    assert_int_equal(end(x), POPCL_ERR_CERT_MALFORMED);

    x = opened();
    (*x)->start_cert(x, (uint32_t)leaf_len);
    (*x)->start_cert(x, (uint32_t)leaf_len); /* begun twice */
    (*x)->append(x, leaf, leaf_len / 2);
    (*x)->end_cert(x);
    assert_int_not_equal(end(x), POPCL_OK);
}

static void a_cut_certificate_is_refused(void **state) { /* [D11 D12] */
    (void)state;
    for (size_t n = 0; n < leaf_len; n++) {
        const br_x509_class **x = opened();
        give(x, leaf, n, n / 2, n); /* announced as it comes */
        assert_int_equal(end(x), POPCL_ERR_CERT_MALFORMED);
        x = opened();
        give(x, leaf, n, n / 2, leaf_len); /* announced whole */
        assert_int_equal(end(x), POPCL_ERR_CERT_MALFORMED);
        x = opened();
        give(x, leaf, leaf_len, n, n); /* more than was announced */
        assert_int_equal(end(x), POPCL_ERR_CERT_MALFORMED);
    }
    const br_x509_class **x = opened();
    give(x, leaf, leaf_len, 0, leaf_len + 65536);
    assert_int_equal(end(x), POPCL_ERR_CERT_MALFORMED);
}

static void a_changed_octet_is_refused(void **state) { /* [D10 D12] */
    unsigned char *copy = malloc(leaf_len);
    (void)state;
    assert_non_null(copy);
    for (size_t at = 0; at < leaf_len; at++) {
        static const unsigned char changes[] = {1, 2, 4, 8, 16, 32, 64, 128, 0xff, 0x7f};
        for (size_t i = 0; i < sizeof changes; i++) {
            memcpy(copy, leaf, leaf_len);
            copy[at] ^= changes[i];
            popcl_err e = judged(copy, leaf_len, at);
            if (e == POPCL_OK) fail_msg("octet %zu xor %02x is taken", at, changes[i]);
            assert_int_equal(judged(copy, leaf_len, leaf_len), e);
        }
    }
    free(copy);
}

static void an_octet_more_or_less_is_refused(void **state) { /* [D12] */
    unsigned char *copy = malloc(leaf_len + 1);
    (void)state;
    assert_non_null(copy);
    for (size_t at = 0; at < leaf_len; at++) {
        memcpy(copy, leaf, at);
        memcpy(copy + at, leaf + at + 1, leaf_len - at - 1);
        assert_int_not_equal(judged(copy, leaf_len - 1, at), POPCL_OK);
        copy[at] = leaf[at];
        memcpy(copy + at + 1, leaf + at, leaf_len - at);
        assert_int_not_equal(judged(copy, leaf_len + 1, at), POPCL_OK);
    }
    free(copy);
}

/* With the pin alone no signature is behind the leaf: what may be taken is only what still has the
 * pinned key, and can be read. [D22] */
static void a_changed_octet_does_not_get_past_the_pin_with_another_key(void **state) { /* [D10] */
    static const unsigned char spki[] = {0x30, 0x59, 0x30, 0x13}; /* of a key of P-256 */
    unsigned char *copy = malloc(leaf_len), key[65];
    size_t at_key = 0, taken = 0;
    (void)state;
    assert_non_null(copy);
    trust = (popcl_trust){.pins = (const unsigned char(*)[POPCL_PIN_LEN])(const void *)pki_pin(),
                          .pins_len = 1};
    while (memcmp(leaf + at_key, spki, sizeof spki) != 0)
        at_key++;
    memcpy(key, leaf + at_key + 26, sizeof key);
    for (size_t at = 0; at < leaf_len; at++)
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            memcpy(copy, leaf, leaf_len);
            copy[at] ^= (unsigned char)bit;
            const br_x509_class **x = opened();
            give(x, copy, leaf_len, at, leaf_len);
            if (end(x) != POPCL_OK) continue;
            taken++;
            if (at >= at_key && at < at_key + 91) fail_msg("octet %zu of the key is changed", at);
            unsigned usages = 0;
            const br_x509_pkey *k = (*x)->get_pkey(x, &usages);
            assert_int_equal(k->key_type, BR_KEYTYPE_EC);
            assert_int_equal(k->key.ec.qlen, sizeof key);
            assert_memory_equal(k->key.ec.q, key, sizeof key);
            assert_int_equal(usages, BR_KEYTYPE_SIGN | BR_KEYTYPE_KEYX);
        }
    assert_true(taken > 0); /* in the signature, for one */
    free(copy);
}

/* What comes behind the certificate of a pinned key is not even read: a server must not make a
 * device check signatures. */
static void behind_a_pinned_key_nothing_counts(void **state) {
    (void)state;
    trust = (popcl_trust){.pins = (const unsigned char(*)[POPCL_PIN_LEN])(const void *)pki_pin(),
                          .pins_len = 1};
    const br_x509_class **x = opened();
    give(x, leaf, leaf_len, 0, leaf_len);
    for (int i = 0; i < 1000; i++)
        give(x, leaf, leaf_len - 1, 0, leaf_len);
    assert_int_equal(end(x), POPCL_OK);
    x = opened();
    (*x)->start_cert(x, (uint32_t)leaf_len);
    (*x)->append(x, leaf, leaf_len); /* without end_cert */
    assert_int_equal(end(x), POPCL_ERR_CERT_UNCHECKED);
    trust.pins = (const unsigned char(*)[POPCL_PIN_LEN])(const void *)leaf;
    x = opened();
    give(x, leaf, leaf_len, 0, leaf_len);
    assert_int_equal(end(x), POPCL_ERR_CERT_PIN);
}

/* A common name counts in one certificate, octet for octet, and nowhere else. [D22] */
static void a_changed_octet_of_a_servers_own_certificate_is_refused(void **state) {
    const br_x509_certificate *c = pki_certificate(PKI_NO_SAN);
    unsigned char own[2][POPCL_OWN_CERT_LEN] = {{0}}, *copy = malloc(c->data_len);
    br_sha256_context sha256;
    (void)state;
    assert_non_null(copy);
    br_sha256_init(&sha256);
    br_sha256_update(&sha256, c->data, c->data_len);
    br_sha256_out(&sha256, own[1]);
    assert_int_equal(judged(c->data, c->data_len, 0), POPCL_ERR_CERT_NO_SAN);
    trust.own_certs = (const unsigned char(*)[POPCL_OWN_CERT_LEN])own;
    trust.own_certs_len = 1;
    assert_int_equal(judged(c->data, c->data_len, 0), POPCL_ERR_CERT_NO_SAN);
    trust.own_certs_len = 2;
    assert_int_equal(judged(c->data, c->data_len, 0), POPCL_OK);
    assert_int_equal(judged(leaf, leaf_len, 0), POPCL_OK); /* that one has names */
    for (size_t at = 0; at < c->data_len; at++)
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            memcpy(copy, c->data, c->data_len);
            copy[at] ^= (unsigned char)bit;
            if (judged(copy, c->data_len, at) == POPCL_OK) fail_msg("octet %zu is changed", at);
        }
    trust.anchors_len = 0; /* it says which name counts, and not whom to trust */
    assert_int_equal(popcl_x509_guard.check(&tls), POPCL_ERR_NO_TRUST);
    assert_int_equal(judged(c->data, c->data_len, 0), POPCL_ERR_CERT_NO_SAN);
    free(copy);
}

static void facts_of_a_certificate_outlive_the_memory_of_the_judge(void **state) {
    unsigned char hash[32];
    br_sha256_context sha256;
    size_t n;
    popcl_tls_diag d = {0};
    (void)state;
    br_sha256_init(&sha256);
    br_sha256_update(&sha256, leaf, leaf_len);
    br_sha256_out(&sha256, hash);
    for (size_t cut = 0; cut <= leaf_len; cut += 7) {
        assert_int_equal(judged(leaf, leaf_len, cut), POPCL_OK);
        void *spare = popcl_x509_guard.spare(guard, &n);
        assert_true((unsigned char *)spare + n <= (unsigned char *)(guard + 1) && n > 2000);
        memset(spare, 0xee, n);
        popcl_x509_guard.tell(guard, &d);
        assert_int_equal(d.end_point_len, 32);
        assert_memory_equal(d.end_point, hash, 32);
        assert_true(d.not_after > PKI_NOW);
    }
}

/* Names are cut to the room there is, whole or not; nothing is written behind it, and nothing is
 * left where they are not at fault. */
static void names_fit_their_room(void **state) {
    char whole[300], room[300];
    (void)state;
    const br_x509_certificate *other = pki_certificate(PKI_OTHER_NAME);
    tls.names = whole;
    tls.names_len = sizeof whole;
    assert_int_equal(judged(other->data, other->data_len, 0), POPCL_ERR_CERT_NAME);
    assert_true(strlen(whole) > 3);
    tls.names = room;
    for (size_t n = 0; n <= strlen(whole) + 2; n++) {
        memset(room, 42, sizeof room);
        tls.names_len = n;
        assert_int_equal(judged(other->data, other->data_len, n), POPCL_ERR_CERT_NAME);
        if (n) {
            size_t kept = n - 1 < strlen(whole) ? n - 1 : strlen(whole);
            assert_int_equal(strlen(room), kept);
            assert_memory_equal(room, whole, kept);
        }
        for (size_t i = n; i < sizeof room; i++)
            assert_int_equal(room[i], 42);
    }
    tls.names_len = sizeof room;
    assert_int_equal(judged(leaf, leaf_len, 0), POPCL_OK);
    assert_string_equal(room, "");
    tls.names = NULL;
    assert_int_equal(judged(other->data, other->data_len, 0), POPCL_ERR_CERT_NAME);
}

static void trust_and_clock_are_looked_at_before_anything_is_sent(void **state) { /* [D49 J1 J2] */
    popcl_err (*check)(const popcl_tls *) = popcl_x509_guard.check;
    (void)state;
    assert_int_equal(check(&tls), POPCL_OK);
    tls.utc_s = -1;
    assert_int_equal(check(&tls), POPCL_ERR_CLOCK_UNKNOWN);
    tls.utc_s = INT64_MIN;
    assert_int_equal(check(&tls), POPCL_ERR_CLOCK_UNKNOWN);
    tls.utc_s = INT64_C(1000) * PKI_AUTHORITY_SINCE; /* milliseconds, by mistake */
    assert_int_equal(check(&tls), POPCL_ERR_CLOCK_UNKNOWN);
    tls.utc_s = 0;
    assert_int_equal(check(&tls), POPCL_ERR_CLOCK_NOT_SET);
    tls.utc_s = POPCL_CLOCK_FLOOR_S - 1;
    assert_int_equal(check(&tls), POPCL_ERR_CLOCK_NOT_SET);
    tls.utc_s = POPCL_CLOCK_FLOOR_S;
    assert_int_equal(check(&tls), POPCL_OK);
    trust.clock_floor_s = PKI_NOW + 1;
    tls.utc_s = PKI_NOW;
    assert_int_equal(check(&tls), POPCL_ERR_CLOCK_NOT_SET);
    trust.clock_floor_s = PKI_NOW;
    assert_int_equal(check(&tls), POPCL_OK);
    trust.anchors_len = 0;
    assert_int_equal(check(&tls), POPCL_ERR_NO_TRUST);
    trust.pins = (const unsigned char(*)[POPCL_PIN_LEN])(const void *)pki_pin();
    trust.pins_len = 1;
    assert_int_equal(check(&tls), POPCL_OK);
    trust.clock_floor_s = 0;
    tls.utc_s = POPCL_CLOCK_FLOOR_S - 1; /* a pin's certificate has dates too */
    assert_int_equal(check(&tls), POPCL_ERR_CLOCK_NOT_SET);
    tls.trust = NULL;
    assert_int_equal(check(&tls), POPCL_ERR_NO_TRUST);
}

/* Chains of thousands of certificates end as they should, whatever the count of them is kept in. */
static void a_chain_of_many_certificates_is_refused(void **state) { /* [I6] */
    (void)state;
    const br_x509_class **x = opened();
    for (int i = 0; i < 70000; i++)
        give(x, leaf, 1, 0, 1);
    assert_int_equal(end(x), POPCL_ERR_CERT_MALFORMED);
}

/* ---- an issuer, and the same one again after it ---- */

static popcl_err judged_below(const unsigned char *issuer, size_t n, size_t announced, int again) {
    const br_x509_certificate *c = pki_certificate(PKI_UNTRUSTED), *right = pki_issuer();
    const br_x509_class **x = opened();
    give(x, c->data, c->data_len, 0, c->data_len);
    give(x, issuer, n, n / 2, announced);
    if (again) give(x, right->data, right->data_len, 0, right->data_len);
    return end(x);
}

/* Returns where the octets of the issuer's signature begin. */
static size_t signature_at(void) {
    const br_x509_certificate *c = pki_issuer();
    size_t at = c->data_len;
    /* a BIT STRING of fewer than 128 octets, up to the end */
    while (c->data[--at] != 0x03 || c->data[at + 1] != c->data_len - at - 2)
        continue;
    return at + 3;
}

/* One that is damaged before its signature is passed over. In the signature it has the tip's place:
 * then the next certificate would have to be its own issuer's. */
static void a_changed_issuer_is_refused_and_the_right_one_still_taken(void **state) { /* [D10] */
    const br_x509_certificate *c = pki_issuer();
    unsigned char *copy = malloc(c->data_len);
    (void)state;
    assert_non_null(copy);
    assert_int_equal(judged_below(c->data, c->data_len, c->data_len, 0), POPCL_OK);
    for (size_t at = 0; at < c->data_len; at++) {
        memcpy(copy, c->data, c->data_len);
        copy[at] ^= (unsigned char)(1u << at % 8);
        popcl_err alone = judged_below(copy, c->data_len, c->data_len, 0);
        if (alone == POPCL_OK) fail_msg("octet %zu is changed", at);
        popcl_err e = judged_below(copy, c->data_len, c->data_len, 1);
        /* untrusted: it was taken, and no anchor vouches for it */
        if (e && at < signature_at() && alone != POPCL_ERR_CERT_UNTRUSTED)
            fail_msg("octet %zu is changed: %s", at, popcl_err_name(e));
    }
    free(copy);
}

static void an_issuer_that_is_cut_is_refused(void **state) { /* [D11] */
    const br_x509_certificate *c = pki_issuer();
    size_t taken = 0, refused = 0;
    (void)state;
    for (size_t n = 0; n < c->data_len; n++) {
        assert_int_equal(judged_below(c->data, n, n, 0), POPCL_ERR_CERT_MALFORMED);
        assert_int_equal(judged_below(c->data, n, n, 1), POPCL_OK);
        /* not all octets come that were announced: a fault of BearSSL's */
        assert_int_equal(judged_below(c->data, n, c->data_len, 0), POPCL_ERR_CERT_MALFORMED);
        popcl_err e = judged_below(c->data, n, c->data_len, 1);
        assert_int_equal(e, n < signature_at() ? POPCL_OK : POPCL_ERR_CERT_MALFORMED);
        taken += e == POPCL_OK;
        refused += e != POPCL_OK;
    }
    assert_true(taken > 100 && refused > 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_right_chain_is_taken_however_it_comes, begin),
        cmocka_unit_test_setup(what_did_not_run_refuses, begin),
        cmocka_unit_test_setup(a_cut_certificate_is_refused, begin),
        cmocka_unit_test_setup(a_changed_octet_is_refused, begin),
        cmocka_unit_test_setup(an_octet_more_or_less_is_refused, begin),
        cmocka_unit_test_setup(a_changed_octet_does_not_get_past_the_pin_with_another_key, begin),
        cmocka_unit_test_setup(behind_a_pinned_key_nothing_counts, begin),
        cmocka_unit_test_setup(a_changed_octet_of_a_servers_own_certificate_is_refused, begin),
        cmocka_unit_test_setup(facts_of_a_certificate_outlive_the_memory_of_the_judge, begin),
        cmocka_unit_test_setup(names_fit_their_room, begin),
        cmocka_unit_test_setup(trust_and_clock_are_looked_at_before_anything_is_sent, begin),
        cmocka_unit_test_setup(a_chain_of_many_certificates_is_refused, begin),
        cmocka_unit_test_setup(a_changed_issuer_is_refused_and_the_right_one_still_taken, begin),
        cmocka_unit_test_setup(an_issuer_that_is_cut_is_refused, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
