/* SPDX-License-Identifier: MIT */
/* test_tofu - trust on first use without a network: which mechanisms a first session may use, which
 * keys are taken, and when a key is stored. tests/interop/test_first_use.py has whole sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "popcl_tofu.h"

static popcl_tofu t;
static popcl_tls tls;
static popcl_fetch_config cfg;
static unsigned stores;
static int store_result;
static unsigned char stored[POPCL_PIN_LEN];

static int store(void *ctx, const unsigned char pin[POPCL_PIN_LEN]) {
    assert_ptr_equal(ctx, &stores);
    stores++;
    memcpy(stored, pin, POPCL_PIN_LEN);
    return store_result;
}

static int begin_anew(void **state) {
    (void)state;
    memset(&t, 0, sizeof t);
    memset(&tls, 0, sizeof tls);
    memset(&cfg, 0, sizeof cfg);
    stores = 0;
    store_result = 0;
    t.store = store;
    t.ctx = &stores;
    tls.trust = &t.trust;
    cfg.session.tls = &tls;
    cfg.session.security = POPCL_TLS;
    cfg.mechs = popcl_mechs_all;
    return 0;
}

/* Shows a key to the trust, as a handshake does. Returns whether it is taken. */
static int takes(unsigned char octet) {
    unsigned char pin[POPCL_PIN_LEN];
    unsigned is = 0;
    memset(pin, octet, sizeof pin);
    assert_int_equal(t.trust.key(&t.trust, pin, 0, &is), POPCL_OK);
    assert_true(is == 0 || is == POPCL_KEY_PINNED);
    return is == POPCL_KEY_PINNED;
}

static int end_with(int listing_reached) {
    popcl_diag d = {.listing_reached = (uint8_t)listing_reached};
    return popcl_tofu_end(&t, &d);
}

static void the_first_key_is_stored_after_a_login_and_alone_from_then_on(void **state) {
    (void)state;
    assert_int_equal(popcl_tofu_begin(&t, &cfg), POPCL_OK);
    assert_int_equal(cfg.auth, POPCL_TOFU_AUTH);
    assert_true(t.trust.key_pins && t.trust.set == t.pin && !t.trust.anchors_len);
    assert_int_equal(end_with(1), 0); /* no key came: TLS was not reached */
    assert_true(takes(7));
    assert_int_equal(end_with(0), 0);
    assert_int_equal(stores, 0);
    assert_int_equal(end_with(1), 1);
    assert_int_equal(stores, 1);
    assert_true(t.known && t.pin[0] == 7 && stored[31] == 7);
    assert_int_equal(end_with(1), 0);
    assert_false(takes(8));
    assert_true(takes(7));
    cfg.auth = POPCL_AUTH_USER;
    assert_int_equal(popcl_tofu_begin(&t, &cfg), POPCL_OK);
    assert_int_equal(cfg.auth, POPCL_AUTH_USER); /* a known server may get a password */
    assert_false(takes(8));
    assert_int_equal(end_with(1), 0);
    assert_int_equal(stores, 1);
}

static void a_failed_store_is_a_first_use_again(void **state) {
    (void)state;
    store_result = -5;
    assert_int_equal(popcl_tofu_begin(&t, &cfg), POPCL_OK);
    assert_true(takes(7));
    assert_int_equal(end_with(1), -1);
    assert_false(t.known);
    store_result = 0;
    assert_int_equal(popcl_tofu_begin(&t, &cfg), POPCL_OK);
    assert_int_equal(end_with(1), 0); /* the key of the last session does not count */
    assert_true(takes(8));
    assert_int_equal(end_with(1), 1);
    assert_int_equal(t.pin[0], 8);
}

static void a_first_session_has_scram_alone(void **state) {
    static const popcl_mech *const password[] = {&popcl_mech_user, &popcl_mech_plain,
                                                 &popcl_mech_cram_md5, &popcl_mech_xoauth2, NULL};
    static const popcl_mech *const mixed[] = {&popcl_mech_user, &popcl_mech_scram_sha_256, NULL};
    static const struct {
        const popcl_mech *const *mechs;
        unsigned auth, left;
    } rows[] = {
        {popcl_mechs_all, 0, POPCL_TOFU_AUTH},
        {popcl_mechs_all, POPCL_AUTH_USER | POPCL_AUTH_SCRAM_SHA_1, POPCL_AUTH_SCRAM_SHA_1},
        {popcl_mechs_all, POPCL_AUTH_USER | POPCL_AUTH_APOP, 0},
        {mixed, 0, POPCL_AUTH_SCRAM_SHA_256},
        {mixed, POPCL_AUTH_SCRAM_SHA_1, 0},
        {password, 0, 0},
        {NULL, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cfg.mechs = rows[i].mechs;
        cfg.auth = (uint16_t)rows[i].auth;
        assert_int_equal(popcl_tofu_begin(&t, &cfg),
                         rows[i].left ? POPCL_OK : POPCL_ERR_NO_MECHANISM);
        /* after an error nothing is left that a job could start with */
        assert_int_equal(cfg.auth, rows[i].left ? rows[i].left : rows[i].auth);
        assert_int_equal(t.trust.key_pins, rows[i].left != 0);
        cfg.auth = (uint16_t)rows[i].auth;
        t.password_to_unknown_server = 1;
        assert_int_equal(popcl_tofu_begin(&t, &cfg), POPCL_OK);
        assert_int_equal(cfg.auth, rows[i].auth);
        t.password_to_unknown_server = 0;
    }
}

static void a_job_without_this_trust_is_refused(void **state) {
    static const popcl_trust other;
    (void)state;
    for (unsigned security = POPCL_CLEAR; security <= POPCL_TLS_BELOW; security++) {
        cfg.session.security = (uint8_t)security;
        assert_int_equal(popcl_tofu_begin(&t, &cfg), security == POPCL_TLS || security == POPCL_STLS
                                                         ? POPCL_OK
                                                         : POPCL_ERR_ARGUMENT);
    }
    cfg.session.security = POPCL_STLS;
    tls.trust = &other;
    assert_int_equal(popcl_tofu_begin(&t, &cfg), POPCL_ERR_ARGUMENT);
    tls.trust = &t.trust;
    cfg.session.tls = NULL;
    assert_int_equal(popcl_tofu_begin(&t, &cfg), POPCL_ERR_ARGUMENT);
    cfg.session.tls = &tls;
    t.store = NULL;
    assert_int_equal(popcl_tofu_begin(&t, &cfg), POPCL_ERR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_key_is_stored_after_a_login_and_alone_from_then_on,
                               begin_anew),
        cmocka_unit_test_setup(a_failed_store_is_a_first_use_again, begin_anew),
        cmocka_unit_test_setup(a_first_session_has_scram_alone, begin_anew),
        cmocka_unit_test_setup(a_job_without_this_trust_is_refused, begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
