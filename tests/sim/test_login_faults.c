/* SPDX-License-Identifier: MIT */
/* test_login_faults - logins with SASL in which the n-th call fails, or the server misbehaves. Each
 * call between TLS and the end of the login fails in turn. These calls are those of the transport
 * and the clock, and the callback that gives the secret. Each run is held to I3 to I9 (world.c). No
 * piece of the password or the token is left in memory [I9 E14 E17]. It is looked for as it is, in
 * base64, and as a key of HMAC. The clean session after each fault logs in by USER and PASS in
 * clear text: only the maildrop counts there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

static unsigned long runs;

#define OFFERED "PLAIN LOGIN CRAM-MD5 XOAUTH2 OAUTHBEARER"

/* With two mechanisms popcl asks CAPA, and takes the first one here. */
static const struct how {
    const char *name;
    uint16_t auth;
    uint16_t used; /* by a clean session */
    uint8_t security;
    size_t plan_len; /* 0: the free part of the TLS storage */
    int long_secret;
    int resumes; /* the handshake is short */
} hows[] = {
    {"PLAIN in clear text", POPCL_AUTH_PLAIN, POPCL_AUTH_PLAIN, POPCL_CLEAR, WORLD_PLAN, 0, 0},
    {"LOGIN in clear text", POPCL_AUTH_LOGIN, POPCL_AUTH_LOGIN, POPCL_CLEAR, WORLD_PLAN, 0, 0},
    {"CRAM-MD5 in clear text", POPCL_AUTH_CRAM_MD5 | POPCL_AUTH_USER, POPCL_AUTH_CRAM_MD5,
     POPCL_CLEAR, WORLD_PLAN_ROOM, 0, 0},
    {"PLAIN over STLS", POPCL_AUTH_PLAIN | POPCL_AUTH_CRAM_MD5, POPCL_AUTH_PLAIN, POPCL_STLS, 0, 0,
     0},
    {"LOGIN over TLS", POPCL_AUTH_LOGIN, POPCL_AUTH_LOGIN, POPCL_TLS, 0, 0, 1},
    {"CRAM-MD5 over TLS", POPCL_AUTH_CRAM_MD5, POPCL_AUTH_CRAM_MD5, POPCL_TLS, 0, 0, 1},
    {"XOAUTH2 over TLS", POPCL_AUTH_XOAUTH2 | POPCL_AUTH_USER, POPCL_AUTH_XOAUTH2, POPCL_TLS, 0, 0,
     0},
    {"XOAUTH2 over STLS", POPCL_AUTH_XOAUTH2, POPCL_AUTH_XOAUTH2, POPCL_STLS, WORLD_PLAN, 0, 1},
    {"OAUTHBEARER over TLS", POPCL_AUTH_OAUTHBEARER, POPCL_AUTH_OAUTHBEARER, POPCL_TLS, 0, 0, 1},
    {"a long token of XOAUTH2 over TLS", POPCL_AUTH_XOAUTH2, POPCL_AUTH_XOAUTH2, POPCL_TLS, 0, 1,
     1},
    {"a long token of OAUTHBEARER over STLS", POPCL_AUTH_OAUTHBEARER, POPCL_AUTH_OAUTHBEARER,
     POPCL_STLS, 0, 1, 1},
    {"a long password of CRAM-MD5 in clear text", POPCL_AUTH_CRAM_MD5, POPCL_AUTH_CRAM_MD5,
     POPCL_CLEAR, WORLD_PLAN_ROOM, 1, 0},
};
enum { HOWS = sizeof hows / sizeof hows[0] };

static void init(world *w, const struct how *h) {
    world_init(w, NEW_ONLY, 0);
    w->server.sasl = OFFERED;
    w->server.capa_user = 0; /* USER is not listed */
    w->auth = h->auth;
    w->security = h->security;
    w->plan_len = h->plan_len;
    w->long_secret = h->long_secret;
    if (h->resumes) world_resume(w);
}

static void finish(world *w, const struct how *h, const char *what, uint32_t at) {
    if (w->server.odd_answer) world_note(w, "the report of a failure has the wrong answer");
    world_recover(w);
    world_free(w);
    runs++;
    if (w->fault[0]) fail_msg("%s, %s at %lu: %s", h->name, what, (unsigned long)at, w->fault);
}

/* The calls of a clean login. */
static void measure(const struct how *h, size_t chunk, int refuse, uint32_t *from, uint32_t *to) {
    static world w;
    init(&w, h);
    w.chunk = chunk;
    w.refuse_login = refuse;
    popcl_err e = world_session(&w);
    if (w.fault[0]) fail_msg("%s, without a fault: %s", h->name, w.fault);
    assert_int_equal(popcl_err_class(e), refuse ? POPCL_CLASS_LOGIN : POPCL_CLASS_DONE);
    assert_int_equal(w.diag.mechanism, h->used);
    assert_int_equal(w.server.odd_answer, 0);
    *from = w.login_from;
    *to = refuse ? w.calls : w.login_to + 2;
    assert_true(*from > 0 && *to > *from);
    world_free(&w);
}

static void call_fails(const struct how *h, size_t chunk, int refuse, enum fault_kind fault,
                       uint32_t at, int for_ever) {
    static world w;
    char what[60];
    init(&w, h);
    w.chunk = chunk;
    w.refuse_login = refuse;
    world_fail(&w, fault, at, for_ever);
    popcl_err e = world_session(&w);
    if (refuse && popcl_err_class(e) == POPCL_CLASS_DONE)
        world_note(&w, "%s, and the login was refused", popcl_err_name(e));
    snprintf(what, sizeof what, "fault %d of calls%s", (int)fault,
             for_ever ? " and all after" : "");
    finish(&w, h, what, at);
}

static void every_call(size_t chunk, uint32_t step, int refuse) {
    for (int i = 0; i < HOWS; i++) {
        uint32_t from, to;
        measure(&hows[i], chunk, refuse, &from, &to);
        for (int fault = NET_AGAIN; fault <= CLOCK_SLOW; fault++) {
            for (uint32_t at = from; at <= to; at += step) {
                call_fails(&hows[i], chunk, refuse, (enum fault_kind)fault, at, 0);
                call_fails(&hows[i], chunk, refuse, (enum fault_kind)fault, at, 1);
            }
        }
        for (uint32_t at = from; at <= to; at += step)
            call_fails(&hows[i], chunk, refuse, POWER_OFF, at, 0);
    }
}

/* [A13 A16 A18 A28 I9 E14 E17 J5 K6] */
static void call_n_fails(void **state) {
    (void)state;
    every_call(4096, TLS_STEP, 0);
}

/* [A14 A16 A28 I9 E17] with a transport that moves eleven octets a call */
static void call_n_of_a_slow_transport_fails(void **state) {
    (void)state;
    every_call(11, 5 * TLS_STEP, 0);
}

/* [A28 E6 E17 R86 R87] in a login that the server refuses */
static void call_n_of_a_refused_login_fails(void **state) {
    (void)state;
    every_call(4096, 3 * TLS_STEP, 1);
}

static void server_misbehaves(size_t order, uint32_t last, uint32_t step) {
    static world w;
    for (int i = 0; i < HOWS; i++) {
        for (uint32_t at = 1; at <= last; at += step) {
            init(&w, &hows[i]);
            *(uint32_t *)(void *)((char *)&w.server + order) = at;
            world_session(&w);
            finish(&w, &hows[i], "an order to the server", at);
        }
    }
}

/* [E6 E17 R73] */
static void server_refuses_command_n(void **state) {
    (void)state;
    server_misbehaves(offsetof(sim_server, refuse_command), 9, 1);
}

/* [A8 A9 E17] */
static void server_ends_before_octet_n(void **state) {
    (void)state;
    server_misbehaves(offsetof(sim_server, cut_octet), 220, TLS_STEP);
}

/* [A22 E17 I5] */
static void server_stalls_before_octet_n(void **state) {
    (void)state;
    server_misbehaves(offsetof(sim_server, stall_octet), 220, TLS_STEP);
}

/* [E16 E17 R73 R74] a changed octet in a challenge, for example: a wrong digest, or a cancel */
static void octet_n_is_changed(void **state) {
    static world w;
    (void)state;
    for (int i = 0; i < HOWS; i++) {
        for (uint32_t at = 1; at <= 220; at += TLS_STEP) {
            init(&w, &hows[i]);
            w.server.garble_octet = at;
            w.server.garble = REPLACE;
            w.server.garble_by = '*';
            world_session(&w);
            w.server.garble_octet = 0;
            runs++;
            world_free(&w);
            if (w.fault[0])
                fail_msg("%s, a star at %lu: %s", hows[i].name, (unsigned long)at, w.fault);
        }
    }
}

/* [A25] however the octets come */
static void every_chunk_size(void **state) {
    uint32_t from, to;
    (void)state;
    for (size_t chunk = 1; chunk < 60; chunk += 2 * TLS_STEP - 1) {
        for (int i = 0; i < HOWS; i++) {
            measure(&hows[i], chunk, 0, &from, &to);
            measure(&hows[i], chunk, 1, &from, &to);
        }
    }
}

/* The scan itself: it finds a piece of the password in each form. */
static void scan_finds(void **state) {
    static const char *const pieces[] = {"x rect-h", "Y29ycmVj", "b3JyZWN0", "cnJlY3Q", "WhvcnNl"};
    static const char none[] = "corr, hors, Y29y, b3Jy";
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        assert_true(world_holds_secret(pieces[i], strlen(pieces[i])));
    assert_false(world_holds_secret(none, sizeof none));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scan_finds),
        cmocka_unit_test(every_chunk_size),
        cmocka_unit_test(call_n_fails),
        cmocka_unit_test(call_n_of_a_slow_transport_fails),
        cmocka_unit_test(call_n_of_a_refused_login_fails),
        cmocka_unit_test(server_refuses_command_n),
        cmocka_unit_test(server_ends_before_octet_n),
        cmocka_unit_test(server_stalls_before_octet_n),
        cmocka_unit_test(octet_n_is_changed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("# %lu faulty sessions\n", runs);
    return failed;
}
