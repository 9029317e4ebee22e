/* SPDX-License-Identifier: MIT */
/* Tests of the cipher suites that a ClientHello offers, by profile. Whether the processor has
 * instructions for AES-GCM is played here: BearSSL's questions about it have their answers in this
 * file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "popcl_command.h"
#include "tls_client.h"

/* ---- the processor ---- */

static int has_aes, has_clmul;

const br_block_ctr_class *br_aes_x86ni_ctr_get_vtable(void) {
    return has_aes ? &br_aes_ct64_ctr_vtable : NULL;
}

br_ghash br_ghash_pclmul_get(void) { return has_clmul ? &br_ghash_ctmul64 : NULL; }

/* ---- the ClientHello ---- */

enum { AT_SESSION_ID = 5 + 4 + 2 + 32, SUITES_MAX = 16 };

typedef struct offer {
    unsigned count;
    unsigned suites[SUITES_MAX];
} offer;

static unsigned done(void *ctx, uint32_t tag, const popcl_reply *r) {
    (void)ctx, (void)tag, (void)r;
    return 0;
}

static unsigned ready(void *ctx) {
    (void)ctx;
    return 0;
}

static unsigned number(const unsigned char *p) { return (unsigned)(p[0] << 8 | p[1]); }

/* Reads the suites of a ClientHello (RFC 5246, 7.4.1.2). SCSVs are no suites. */
static void read_offer(offer *o, const unsigned char *hello, size_t len) {
    size_t at = AT_SESSION_ID;
    assert_true(len > AT_SESSION_ID && hello[0] == 22 && hello[5] == 1);
    at += 1u + hello[at];
    assert_true(at + 2 <= len);
    size_t end = at + 2 + number(hello + at);
    assert_true(end <= len);
    o->count = 0;
    for (at += 2; at < end; at += 2) {
        if (number(hello + at) == 0x00ff) continue;
        assert_true(o->count < SUITES_MAX);
        o->suites[o->count++] = number(hello + at);
    }
}

static offer offer_of(enum tls_profile profile) {
    static uint64_t storage[sizeof(popcl_tls_host_storage) / sizeof(uint64_t) + 1];
    static unsigned char iobuf[POPCL_IOBUF_SIZE(16384)];
    static const popcl_events events = {.done = done, .ready = ready};
    popcl_tls tls;
    popcl session;
    offer o;
    size_t n;
    uint16_t port;
    uint32_t limit_ms;
    tls_client_init(&tls, profile, storage, sizeof storage);
    popcl_config cfg = {.host = "pop.example.org",
                        .security = POPCL_TLS,
                        .iobuf = iobuf,
                        .iobuf_len = sizeof iobuf,
                        .tls = &tls,
                        .seed = &tls_seed};
    assert_int_equal(popcl_start(&session, &cfg, &events, NULL, 0), POPCL_OK);
    assert_non_null(popcl_connect(&session, 0, &port, &limit_ms));
    popcl_connected(&session, 0);
    const unsigned char *hello = popcl_send_buf(&session, &n);
    assert_non_null(hello);
    read_offer(&o, hello, n);
    popcl_wipe(&session);
    return o;
}

/* ---- tests ---- */

#define CHACHA20                                                                                   \
    BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
#define GCM                                                                                        \
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,          \
        BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384

static const unsigned gcm_first[] = {GCM, CHACHA20}, gcm_last[] = {CHACHA20, GCM};
#define SUITES (sizeof gcm_first / sizeof gcm_first[0])

static void assert_offer(enum tls_profile profile, const unsigned *suites) {
    offer o = offer_of(profile);
    assert_int_equal(o.count, SUITES);
    assert_memory_equal(o.suites, suites, sizeof gcm_first);
}

/* AES-GCM is slow without both kinds of instructions. */
static void host_offers_first_what_is_fast_here(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        has_aes = kind & 1;
        has_clmul = kind >> 1;
        assert_offer(TLS_HOST, kind == 3 ? gcm_first : gcm_last);
    }
}

static void other_profiles_do_not_ask_the_processor(void **state) {
    (void)state;
    has_aes = has_clmul = 1;
    assert_offer(TLS_PUBLIC, gcm_last);
    assert_offer(TLS_SMALL, gcm_last);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_offers_first_what_is_fast_here),
        cmocka_unit_test(other_profiles_do_not_ask_the_processor),
    };
    return cmocka_run_group_tests_name("suites", tests, NULL, NULL);
}
