/* SPDX-License-Identifier: MIT */
/* test_entry - entries of anchors as a session reads them: every head, every cut, limits to names;
 * and anchors that popcl_trust.find finds, with its failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/tls/entry.h"
#include "../../src/tls/guard.h"
#include "../../src/tls/key.h"
#include "make_cert.h"
#include "pki.h"
#include "stride.h"

static popcl_tls_host_storage storage;
static popcl_trust trust;
static popcl_tls tls;

/* The certificates that `judged` gives: the server's, and others of the authority's name. */
static pki_kind shown;
static unsigned issuers;

static int begin(void **state) {
    (void)state;
    memset(&storage, 0xa5, sizeof storage);
    trust = (popcl_trust){.anchors = pki_anchor(), .anchors_len = 1};
    tls = (popcl_tls){.profile = &popcl_tls_public,
                      .storage = &storage,
                      .storage_len = sizeof storage,
                      .trust = &trust,
                      .utc_s = PKI_NOW};
    shown = PKI_RIGHT;
    issuers = 0;
    return 0;
}

static void give(const br_x509_class **x, const unsigned char *p, size_t n) {
    (*x)->start_cert(x, (uint32_t)n);
    (*x)->append(x, p, n);
    (*x)->end_cert(x);
}

static popcl_err judged(popcl_tls_diag *d) {
    const popcl_x509 *way = tls.profile->x509;
    void *state = (unsigned char *)tls.storage + tls.profile->state_at;
    assert_int_equal(way->check(&tls), POPCL_OK);
    const br_x509_class **x = way->open(state, &tls, PKI_HOST);
    (*x)->start_chain(x, PKI_HOST);
    const br_x509_certificate *c = pki_certificate(shown);
    give(x, c->data, c->data_len);
    for (unsigned i = 0; i < issuers; i++) {
        unsigned char der[CERT_MAX];
        cert_wish wish = {.name = "popcl test authority", .usage = 0x06, .serial = i};
        give(x, der, make_cert(der, &wish));
    }
    unsigned said = (*x)->end_chain(x);
    popcl_err e = way->verdict(state);
    assert_int_equal(said == 0, e == POPCL_OK);
    memset(d, 0, sizeof *d);
    way->tell(state, d);
    return e;
}

/* Judges with an entry, in memory of its exact size. */
static popcl_err judged_by(const unsigned char *entry, size_t n) {
    unsigned char *exact = malloc(n ? n : 1);
    popcl_anchor anchor = *pki_anchor();
    popcl_tls_diag d;
    assert_non_null(exact);
    memcpy(exact, entry, n);
    anchor.entry = exact;
    anchor.entry_len = (uint16_t)n;
    trust.anchors = &anchor;
    popcl_err e = judged(&d);
    free(exact);
    trust.anchors = pki_anchor();
    return e;
}

enum { P256_ENTRY = 12 + 65 };

/* The authority's entry, limited to bases: each with its length before it. Returns its length. */
static size_t limited(unsigned char *to, const char *bases, size_t n) {
    memcpy(to, pki_anchor()->entry, P256_ENTRY);
    to[1] = POPCL_ANCHOR_CA | POPCL_ANCHOR_LIMITED;
    to[11] = (unsigned char)n;
    memcpy(to + P256_ENTRY, bases, n);
    return P256_ENTRY + n;
}

/* ---- reading ---- */

static void an_entry_of_any_other_form_is_absent(void **state) { /* [H22] */
    unsigned char entry[P256_ENTRY + 8];
    (void)state;
    memcpy(entry, pki_anchor()->entry, P256_ENTRY);
    memset(entry + P256_ENTRY, 0, 8);
    assert_int_equal(judged_by(entry, P256_ENTRY), POPCL_OK);
    for (size_t n = 0; n < sizeof entry; n++)
        if (n != P256_ENTRY) assert_int_equal(judged_by(entry, n), POPCL_ERR_CERT_UNTRUSTED);
    for (size_t at = 0; at < P256_ENTRY; at++)
        for (unsigned change = 1; change < 256; change += (unsigned)stride()) {
            /* free: a path length, of no issuer; the days */
            int is_free = at == 2 || (at >= 6 && at < 10);
            /* these and the key cost a signature each: one bit at a time */
            if ((is_free || at >= 12) && (change & (change - 1))) continue;
            entry[at] ^= (unsigned char)change;
            popcl_err e = judged_by(entry, P256_ENTRY);
            entry[at] ^= (unsigned char)change;
            if ((e == POPCL_OK) != is_free)
                fail_msg("octet %zu, changed by %u: %s", at, change, popcl_err_name(e));
        }
}

static void lengths_add_up_and_fit(void **state) {
    static unsigned char entry[POPCL_ANCHOR_ROOM + 1];
    popcl_entry e;
    (void)state;
    /* RSA of 512 octets, and names up to the last octet */
    memcpy(entry, "\1\3\377\3\2\0\0\0\0\0\0\0", 12);
    for (unsigned names = 0; names <= 75; names++) {
        unsigned n = 12 + 512 + 3 + names;
        entry[11] = (unsigned char)names;
        entry[12 + 512 + 3] = (unsigned char)(names - 1);
        assert_int_equal(popcl_entry_read(&e, entry, n), names > 0 && n <= POPCL_ANCHOR_ROOM);
    }
    /* a base that is cut, or ends early */
    entry[11] = 10;
    for (unsigned len = 0; len < 256; len++) {
        memset(entry + 12 + 512 + 3, 0xff, 10);
        entry[12 + 512 + 3] = (unsigned char)len;
        assert_int_equal(popcl_entry_read(&e, entry, 12 + 512 + 3 + 10), len == 9);
    }
    /* a key of a curve has no exponent, also where the lengths add up */
    memcpy(entry, "\27\1\377\1\0\101\0\0\0\0\0\0\4", 13);
    assert_false(popcl_entry_read(&e, entry, P256_ENTRY + 1));
    entry[3] = 0;
    assert_true(popcl_entry_read(&e, entry, P256_ENTRY));
    memcpy(entry, "\1\3\377\3\2\0\0\0\0\0\0\0", 12);
    /* lengths that overflow together */
    memset(entry + 3, 0xff, 3);
    memset(entry + 10, 0xff, 2);
    for (unsigned n = 0; n <= sizeof entry; n++)
        assert_false(popcl_entry_read(&e, entry, n));
}

/* Octets before the modulus are no part of it; a key that popcl does not take vouches for
 * nothing. */
static void a_key_is_judged_like_any_other(void **state) {
    static unsigned char entry[12 + 513 + 3] = "\1\1\377\3\2\1";
    static const struct {
        unsigned at, value;
        enum key_fault fault;
    } rows[] = {{12 + 1, 0x7f, KEY_ODD},
                {12 + 512, 2, KEY_WEAK},
                {12 + 0, 1, KEY_ODD},
                {12 + 513 + 2, 4, KEY_WEAK}};
    popcl_entry e;
    (void)state;
    memset(entry + 12 + 1, 0xff, 512);
    memcpy(entry + 12 + 513, "\1\0\1", 3);
    assert_true(popcl_entry_read(&e, entry, sizeof entry));
    assert_int_equal(popcl_key_fault(&e.key), KEY_SOUND);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned char was = entry[rows[i].at];
        entry[rows[i].at] = (unsigned char)rows[i].value;
        assert_true(popcl_entry_read(&e, entry, sizeof entry));
        assert_int_equal(popcl_key_fault(&e.key), rows[i].fault);
        entry[rows[i].at] = was;
    }
}

/* ---- limits ---- */

static void limits_are_those_of_a_certificate(void **state) { /* [D20] */
    static const struct {
        const char *bases;
        size_t n;
        popcl_err want;
    } rows[] = {
#define ROW(bases, want) {bases, sizeof(bases) - 1, want}
        ROW("\13pop.example", POPCL_OK),
        ROW("\7example", POPCL_OK),
        ROW("\7EXAMPLE", POPCL_OK),
        ROW("\10.example", POPCL_OK),
        ROW("\14.pop.example", POPCL_ERR_CERT_CONSTRAINTS),
        ROW("\11p.example", POPCL_ERR_CERT_CONSTRAINTS),
        ROW("\6xample", POPCL_ERR_CERT_CONSTRAINTS),
        ROW("\3org\7example", POPCL_OK),
        ROW("\7example\3org", POPCL_OK),
        ROW("\3org\3net", POPCL_ERR_CERT_CONSTRAINTS),
        ROW("\0", POPCL_OK),
        ROW("\7exam!le", POPCL_ERR_CERT_CONSTRAINTS), /* malformed: it permits nothing */
        ROW("\7example\7exam!le", POPCL_ERR_CERT_CONSTRAINTS),
        ROW("\10example.", POPCL_ERR_CERT_CONSTRAINTS),
#undef ROW
    };
    unsigned char entry[POPCL_ANCHOR_ROOM];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        popcl_err e = judged_by(entry, limited(entry, rows[i].bases, rows[i].n));
        if (e != rows[i].want) fail_msg("row %zu: %s", i, popcl_err_name(e));
    }
    /* the flag without names, and names without the flag */
    assert_int_equal(judged_by(entry, limited(entry, "", 0)), POPCL_ERR_CERT_UNTRUSTED);
    size_t n = limited(entry, "\7example", 8);
    entry[1] = POPCL_ANCHOR_CA;
    assert_int_equal(judged_by(entry, n), POPCL_ERR_CERT_UNTRUSTED);
}

/* ---- another place ---- */

/* The results of `find`, call by call: entries, then nothing; or an error. */
static struct {
    const unsigned char *entries[4];
    size_t lens[4];
    unsigned len, calls, fails_at; /* 0: never */
    popcl_err error;
    int in_room;
} place;

static popcl_err find(const popcl_trust *t, const unsigned char *name, unsigned nth,
                      unsigned char *room, const unsigned char **entry, size_t *len) {
    assert_ptr_equal(t, &trust);
    if (++place.calls == place.fails_at) {
        *entry = pki_anchor()->entry; /* does not count */
        *len = pki_anchor()->entry_len;
        return place.error;
    }
    memset(room, 0xff, POPCL_ANCHOR_ROOM); /* all of it may be used */
    if (memcmp(name, pki_anchor()->name, POPCL_ANCHOR_NAME) != 0 || nth >= place.len)
        return POPCL_OK;
    *len = place.lens[nth];
    *entry = place.in_room ? memcpy(room, place.entries[nth], *len) : place.entries[nth];
    return POPCL_OK;
}

static void give_anchors(unsigned n) {
    static const unsigned char other[] = "\27\1\377\0\0\101 a point of no use";
    memset(&place, 0, sizeof place);
    for (unsigned i = 0; i < n; i++) {
        place.entries[i] = other;
        place.lens[i] = sizeof other;
    }
    place.entries[n] = pki_anchor()->entry;
    place.lens[n] = pki_anchor()->entry_len;
    place.len = n + 1;
    trust = (popcl_trust){.find = find};
}

static void anchors_from_another_place(void **state) { /* [H22] */
    popcl_tls_diag d;
    (void)state;
    for (unsigned n = 0; n < 4; n++)
        for (int in_room = 0; in_room < 2; in_room++) {
            give_anchors(n);
            place.in_room = in_room;
            assert_int_equal(judged(&d), POPCL_OK);
            assert_int_equal(d.end_point_len, 32);
        }
    /* the last one is missing */
    place.len--;
    assert_int_equal(judged(&d), POPCL_ERR_CERT_UNTRUSTED);
    assert_int_equal(d.cert, 1);
    /* the table is not looked at */
    trust.anchors = pki_anchor();
    trust.anchors_len = 1;
    assert_int_equal(judged(&d), POPCL_ERR_CERT_UNTRUSTED);
    /* anchors are needed beside pins, wherever they are */
    trust.pins = (const unsigned char(*)[POPCL_PIN_LEN])(const void *)pki_pin();
    trust.pins_len = 1;
    assert_int_equal(judged(&d), POPCL_ERR_CERT_UNTRUSTED);
    place.len++;
    assert_int_equal(judged(&d), POPCL_OK);
    assert_int_equal(popcl_x509_pin.check(&tls), POPCL_ERR_ARGUMENT);
    trust.anchors_len = 0; /* the other place alone */
    assert_int_equal(popcl_x509_pin.check(&tls), POPCL_ERR_ARGUMENT);
    trust.find = NULL;
    assert_int_equal(popcl_x509_pin.check(&tls), POPCL_OK);
}

/* At whatever call it fails: the job ends with that error, and not by another anchor. */
static void a_place_that_fails(void **state) { /* [H22] */
    static const popcl_tls_profile *const profiles[] = {&popcl_tls_public, &popcl_tls_host};
    popcl_tls_diag d;
    (void)state;
    for (unsigned p = 0; p < 2; p++) {
        tls.profile = profiles[p];
        give_anchors(2);
        assert_int_equal(judged(&d), POPCL_OK);
        unsigned calls = place.calls;
        assert_true(calls >= 3);
        for (unsigned at = 1; at <= calls; at++) {
            give_anchors(2);
            place.fails_at = at;
            place.error = POPCL_ERR_NET;
            assert_int_equal(judged(&d), POPCL_ERR_NET);
            assert_int_equal(d.cert, 0); /* no certificate is at fault */
            assert_int_equal(place.calls, at);
        }
        /* numbers that are no result of popcl */
        static const int odd[] = {256, 512, -1, -256, 255, POPCL_ERR_COUNT_};
        for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
            give_anchors(0);
            place.fails_at = 1;
            place.error = (popcl_err)odd[i];
            assert_int_equal(judged(&d), POPCL_ERR_CERT_UNCHECKED);
        }
    }
}

/* The certificate has a fault that counts only if no anchor vouches for it. That is not known. */
static void a_place_that_fails_for_a_servers_own_certificate(void **state) { /* [H22] */
    unsigned char own[1][POPCL_OWN_CERT_LEN];
    br_sha256_context sha256;
    popcl_tls_diag d;
    (void)state;
    shown = PKI_NO_SAN;
    const br_x509_certificate *c = pki_certificate(shown);
    br_sha256_init(&sha256);
    br_sha256_update(&sha256, c->data, c->data_len);
    br_sha256_out(&sha256, own[0]);
    for (unsigned at = 0; at < 3; at++) {
        give_anchors(0);
        place.len = 0;
        place.fails_at = at;
        place.error = POPCL_ERR_NET;
        trust.own_certs = (const unsigned char(*)[POPCL_OWN_CERT_LEN])own;
        trust.own_certs_len = 1;
        assert_int_equal(judged(&d), at ? POPCL_ERR_NET : POPCL_ERR_CERT_NO_SAN);
        assert_int_equal(d.cert, at ? 0 : 1);
    }
}

/* The profile `host` tries several paths. If the place fails in one of them, none counts. */
static void a_place_that_fails_in_a_later_path(void **state) {
    popcl_tls_diag d;
    (void)state;
    tls.profile = &popcl_tls_host;
    shown = PKI_UNTRUSTED;
    issuers = 2;
    give_anchors(0);
    assert_int_not_equal(judged(&d), POPCL_OK);
    unsigned calls = place.calls;
    assert_int_equal(calls, 9); /* three in each of three paths */
    for (unsigned at = 1; at <= calls; at++) {
        give_anchors(0);
        place.fails_at = at;
        place.error = POPCL_ERR_NET;
        assert_int_equal(judged(&d), POPCL_ERR_NET);
        assert_int_equal(place.calls, at);
    }
    /* a chain after a failure, without a new start */
    popcl_guard *guard = &storage.collector.guard;
    const br_x509_certificate *c = pki_certificate(PKI_RIGHT);
    give_anchors(0);
    place.fails_at = 2;
    place.error = POPCL_ERR_NET;
    const br_x509_class **x = popcl_guard_open(guard, &tls, PKI_HOST);
    for (int again = 0; again < 2; again++) {
        (*x)->start_chain(x, PKI_HOST);
        give(x, c->data, c->data_len);
        assert_int_not_equal((*x)->end_chain(x), 0);
        assert_int_equal(popcl_guard_verdict(guard), POPCL_ERR_NET);
        assert_int_equal(place.calls, 2);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(an_entry_of_any_other_form_is_absent),
        TEST(lengths_add_up_and_fit),
        TEST(a_key_is_judged_like_any_other),
        TEST(limits_are_those_of_a_certificate),
        TEST(anchors_from_another_place),
        TEST(a_place_that_fails),
        TEST(a_place_that_fails_for_a_servers_own_certificate),
        TEST(a_place_that_fails_in_a_later_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
