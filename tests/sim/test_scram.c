/* SPDX-License-Identifier: MIT */
/* test_scram - jobs that log in with SCRAM, against the server side of scram_side.c. In clear text:
 * sessions that end at each step of the login, after which no secret is left in any memory. In TLS:
 * channel binding, with each profile, and in a resumed session. */
#include <bearssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hand.h"
#include "results.h"
#include "scram_side.h"
#include "tls_client.h"
#include "tls_peer.h"

#define PASSWORD "correct horse battery staple"

/* ---- clear text: an end at each step ---- */

static hand h;
static scram_side side;

static const char *last_line(void) {
    static char copy[sizeof h.sent];
    size_t n = strlen(h.sent);
    assert_true(n >= 2);
    memcpy(copy, h.sent, n);
    copy[n - 2] = 0;
    const char *line = strrchr(copy, '\n');
    return line ? line + 1 : copy;
}

/* AUTH -> the line with the server's first message. */
static void first_line(const char *auth, char *line) {
    const char *response = strrchr(auth, ' ');
    assert_non_null(response);
    assert_true(scram_side_first(&side, response + 1, line));
    strcat(line, "\r\n");
}

/* The client's proof -> the line with the server's, if the client's is right. */
static int last_proof(const char *response, char *line) {
    if (!scram_side_last(&side, response, line)) return 0;
    strcat(line, "\r\n");
    return 1;
}

/* Returns whether the octets are anywhere in this memory. */
static int holds(const void *memory, size_t n, const void *octets, size_t len) {
    const unsigned char *p = memory;
    for (size_t i = 0; i + len <= n; i++)
        if (memcmp(p + i, octets, len) == 0) return 1;
    return 0;
}

static void holds_no_secret(const void *memory, size_t n, const char *what, unsigned at) {
    if (holds(memory, n, PASSWORD, sizeof PASSWORD - 1)) fail_msg("%s: the password, %u", what, at);
    if (holds(memory, n, side.salted, side.len)) fail_msg("%s: the salted password, %u", what, at);
    if (holds(memory, n, side.client_key, side.len)) fail_msg("%s: the client's key, %u", what, at);
    if (holds(memory, n, side.server_key, side.len)) fail_msg("%s: the server's key, %u", what, at);
}

static void no_secret_is_left(unsigned at) {
    holds_no_secret(&h.job, sizeof h.job, "the job", at);
    holds_no_secret(h.iobuf, sizeof h.iobuf, "the record buffer", at);
    holds_no_secret(h.plan, sizeof h.plan, "the plan", at);
    for (size_t i = 0; i < sizeof h.plan; i++) /* nor any hash between */
        if (h.plan[i]) fail_msg("the plan is not empty, %u", at);
}

static void begin_job(uint16_t auth) {
    hand_init(&h, 1);
    h.password = PASSWORD;
    h.cfg.session.user = "user";
    h.cfg.session.seed = &tls_seed;
    h.cfg.mechs = popcl_mechs_all;
    h.cfg.auth = auth;
    hand_job(&h);
}

/* How many ticks the session needs to send its next line. At most `most` are given. */
static unsigned let_it_compute(unsigned most) {
    unsigned ticks = 0;
    for (; popcl_state(h.s) & POPCL_COMPUTING && ticks < most; ticks++)
        popcl_tick(h.s, 0);
    hand_send_all(&h);
    return ticks;
}

/* Goes through a login, and stops after so many steps. Returns how many there are, if it comes to
 * the end. */
static unsigned log_in(uint16_t auth, unsigned steps) {
    char line[700];
    unsigned at = 0;
#define STEP                                                                                       \
    if (at++ == steps) return 0
    begin_job(auth);
    STEP;
    hand_say(&h, "+OK\r\n");
    first_line(last_line(), line);
    STEP;
    hand_say(&h, line);
    while (popcl_state(h.s) & POPCL_COMPUTING) {
        STEP;
        let_it_compute(1);
    }
    STEP;
    assert_true(last_proof(last_line(), line));
    hand_say(&h, line);
    STEP;
    assert_string_equal(last_line(), "");
    hand_say(&h, "+OK\r\n");
    STEP;
    return at;
}

static void ends_at(uint16_t auth, unsigned steps, int how) {
    log_in(auth, steps);
    if (how == 0) popcl_stop(h.s);
    if (how == 1) popcl_fail(h.s, POPCL_ERR_NET, 5);
    if (how == 2) popcl_recv_eof(h.s);
    if (how == 2) let_it_compute(UINT32_MAX);
    if (how == 3) popcl_fetch_wipe(&h.job);
    if (how == 4) popcl_tick(h.s, 7200000);
    if (how == 5 && popcl_state(h.s) & POPCL_RECV) hand_say(&h, "nonsense\r\n");
    if (how == 5 && popcl_state(h.s) != POPCL_DONE) popcl_fail(h.s, POPCL_ERR_NET, 5);
    assert_int_equal(popcl_state(h.s), POPCL_DONE);
    no_secret_is_left(steps);
    assert_int_equal(h.count[IN_RELEASE], h.count[IN_GET] ? 1 : 0);
    hand_end(&h);
    no_secret_is_left(steps);
}

static void no_end_leaves_a_secret(void **state) {
    static const struct {
        uint16_t auth;
        const br_hash_class *hash;
        size_t len;
    } rows[] = {{POPCL_AUTH_SCRAM_SHA_1, &br_sha1_vtable, 20},
                {POPCL_AUTH_SCRAM_SHA_256, &br_sha256_vtable, 32}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        scram_side_init(&side, rows[i].hash, rows[i].len, 4096, PASSWORD);
        unsigned steps = log_in(rows[i].auth, UINT32_MAX);
        assert_true(steps > 60);  /* a tick has a bounded number of iterations */
        no_secret_is_left(steps); /* after the login, while the session goes on */
        hand_say(&h, "+OK 0 0\r\n");
        hand_say(&h, "+OK\r\n");
        assert_int_equal(popcl_result(h.s), POPCL_OK);
        hand_end(&h);
        for (unsigned at = 0; at < steps; at++)
            for (int how = 0; how < 6; how++)
                ends_at(rows[i].auth, at, how);
    }
}

/* ---- TLS ---- */

static struct secure {
    popcl_fetch job;
    popcl_fetch_config cfg;
    popcl_tls tls;
    tls_peer peer;
    tls_peer_setup setup;
    unsigned char iobuf[8192], plan[1024];
    uint64_t storage[8192];
    char line[2000];
    size_t line_n;
} w;

static int sink_begin(void *ctx, const popcl_msg *m) { return (void)ctx, (void)m, 0; }
static int sink_data(void *ctx, const void *p, size_t n) { return (void)ctx, (void)p, (int)n; }
static int sink_commit(void *ctx) { return (void)ctx, 0; }
static void sink_abort(void *ctx, popcl_err why) { (void)ctx, (void)why; }

/* Moves octets both ways until nothing moves. */
static void exchange(void) {
    size_t n, moved;
    popcl *s = &w.job.session;
    do {
        const unsigned char *out = popcl_send_buf(s, &n);
        moved = n;
        if (n) {
            tls_peer_take(&w.peer, out, n);
            popcl_send_ack(s, n);
        }
        unsigned char *in = popcl_recv_buf(s, &n);
        n = n ? tls_peer_give(&w.peer, in, n) : 0;
        if (n) popcl_recv_ack(s, n);
        moved += n;
        if (popcl_state(s) & POPCL_COMPUTING) {
            popcl_tick(s, 0);
            moved++;
        }
    } while (moved && popcl_state(s) != POPCL_DONE);
}

static void secure_start(enum tls_profile profile, uint16_t auth, popcl_resumable *kept) {
    static const popcl_sink sink = {
        .begin = sink_begin, .data = sink_data, .commit = sink_commit, .abort = sink_abort};
    memset(&w.cfg, 0, sizeof w.cfg);
    w.cfg.session.host = PKI_HOST;
    w.cfg.session.security = POPCL_TLS;
    w.cfg.session.user = "user";
    w.cfg.session.iobuf = w.iobuf;
    w.cfg.session.iobuf_len = sizeof w.iobuf;
    w.cfg.session.seed = &tls_seed;
    w.cfg.session.tls = &w.tls;
    w.cfg.secret.octets = PASSWORD;
    w.cfg.mechs = popcl_mechs_all;
    w.cfg.auth = auth;
    w.cfg.no_capa = 1;
    w.cfg.plan = w.plan;
    w.cfg.plan_len = sizeof w.plan;
    w.cfg.sink = &sink;
    tls_client_init(&w.tls, profile, w.storage, sizeof w.storage);
    w.tls.resume = kept;
    w.tls.resumption = kept ? &popcl_tls_resumption : NULL;
    tls_peer_init(&w.peer, &w.setup);
    assert_int_equal(popcl_fetch_start(&w.job, &w.cfg, 0), POPCL_OK);
    popcl_connected(&w.job.session, 0);
    exchange();
    assert_true(tls_peer_open(&w.peer));
}

static void say(const char *text) {
    tls_peer_say(&w.peer, text, strlen(text));
    exchange();
}

/* The next line of the client, without its end. */
static const char *heard(void) {
    size_t n = tls_peer_hear(&w.peer, w.line, sizeof w.line - 1);
    assert_true(n >= 2);
    w.line[n - 2] = 0;
    return w.line;
}

/* One session, whose server compares the binding with a hash that has `flip` in one bit. Returns
 * its result. */
static popcl_err bound_session(enum tls_profile profile, uint16_t auth, pki_kind kind, int flip,
                               popcl_resumable *kept) {
    char line[700];
    const br_x509_certificate *cert = pki_certificate(kind);
    w.setup.certificate = kind;
    scram_side_digest(&br_sha256_vtable, cert->data, cert->data_len,
                      (unsigned char *)side.wants_binding);
    side.wants_n = 32;
    if (flip) side.wants_binding[flip % 32] ^= (char)(1 << flip % 8);
    secure_start(profile, auth, kept);
    say("+OK\r\n");
    first_line(heard(), line);
    assert_string_equal(side.header, "p=tls-server-end-point,,");
    say(line);
    if (last_proof(heard(), line)) {
        say(line);
        assert_string_equal(heard(), "");
        say("+OK\r\n");
        assert_string_equal(heard(), "STAT");
        say("+OK 0 0\r\n");
        assert_string_equal(heard(), "QUIT");
        say("+OK\r\n");
    } else {
        scram_side_challenge("e=channel-bindings-dont-match", line);
        strcat(line, "\r\n");
        say(line);
        assert_string_equal(heard(), "*");
        say("-ERR\r\n");
        assert_string_equal(heard(), "QUIT");
        say("+OK\r\n");
    }
    popcl_err e = popcl_result(&w.job.session);
    holds_no_secret(&w.job, sizeof w.job, "the job", 0);
    holds_no_secret(w.iobuf, sizeof w.iobuf, "the record buffer", 0);
    holds_no_secret(w.plan, sizeof w.plan, "the plan", 0);
    holds_no_secret(w.storage, sizeof w.storage, "the TLS storage", 0);
    popcl_fetch_wipe(&w.job);
    tls_peer_free(&w.peer);
    return e;
}

/* [R85] */
static void the_login_is_bound_to_the_certificate(void **state) {
    static const pki_kind kinds[] = {PKI_RIGHT, PKI_RSA};
    (void)state;
    for (int profile = TLS_HOST; profile <= TLS_ECDSA; profile++) {
        for (size_t k = 0; k < (profile == TLS_ECDSA ? 1u : 2u); k++) {
            scram_side_init(&side, &br_sha256_vtable, 32, 4096, PASSWORD);
            assert_int_equal(bound_session((enum tls_profile)profile, POPCL_AUTH_SCRAM_SHA_256_PLUS,
                                           kinds[k], 0, NULL),
                             POPCL_OK);
        }
        scram_side_init(&side, &br_sha1_vtable, 20, 4096, PASSWORD);
        assert_int_equal(bound_session((enum tls_profile)profile, POPCL_AUTH_SCRAM_SHA_1_PLUS,
                                       PKI_RIGHT, 0, NULL),
                         POPCL_OK);
    }
}

static void another_certificate_is_noticed(void **state) {
    (void)state;
    scram_side_init(&side, &br_sha256_vtable, 32, 4096, PASSWORD);
    for (int flip = 1; flip < 256; flip += 51)
        assert_int_equal(
            bound_session(TLS_PUBLIC, POPCL_AUTH_SCRAM_SHA_256_PLUS, PKI_RIGHT, flip, NULL),
            POPCL_ERR_BINDING);
}

/* A resumed session has the hash of its first handshake. A kept session without one has none. */
static void a_resumed_session_is_bound_too(void **state) {
    static tls_sessions sessions;
    static popcl_resumable kept;
    (void)state;
    w.setup.sessions = &sessions;
    scram_side_init(&side, &br_sha256_vtable, 32, 4096, PASSWORD);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(
            bound_session(TLS_PUBLIC, POPCL_AUTH_SCRAM_SHA_256_PLUS, PKI_RIGHT, 0, &kept),
            POPCL_OK);
        assert_int_equal(sessions.resumed, i);
    }
    kept.end_point_len = 0;
    secure_start(TLS_PUBLIC, POPCL_AUTH_SCRAM_SHA_256_PLUS, &kept);
    say("+OK\r\n");
    assert_string_equal(heard(), "QUIT");
    say("+OK\r\n");
    assert_int_equal(popcl_result(&w.job.session), POPCL_ERR_BINDING);
    popcl_fetch_wipe(&w.job);
    tls_peer_free(&w.peer);
    memset(&w.setup, 0, sizeof w.setup);
}

/* With TLS of the transport, the login is bound to the hash that the transport gave. */
static void tls_of_the_transport_is_bound_too(void **state) {
    popcl_end_point end_point = {.len = 48};
    char line[700];
    (void)state;
    for (size_t i = 0; i < sizeof end_point.hash; i++)
        end_point.hash[i] = (unsigned char)(200 - 3 * i);
    for (int how = 0; how < 3; how++) { /* the right hash, another one, none */
        scram_side_init(&side, &br_sha256_vtable, 32, 4096, PASSWORD);
        memcpy(side.wants_binding, end_point.hash, 48);
        side.wants_n = 48;
        if (how == 1) side.wants_binding[47] ^= 1;
        hand_init(&h, 1);
        h.password = PASSWORD;
        h.cfg.session.user = "user";
        h.cfg.session.seed = &tls_seed;
        h.cfg.session.security = POPCL_TLS_BELOW;
        h.cfg.mechs = popcl_mechs_all;
        h.cfg.auth = POPCL_AUTH_SCRAM_SHA_256_PLUS;
        hand_start(&h, 1);
        popcl_connected_secured(h.s, 0, how < 2 ? &end_point : NULL);
        hand_say(&h, "+OK\r\n");
        if (how < 2) {
            first_line(last_line(), line);
            hand_say(&h, line);
            let_it_compute(UINT32_MAX);
            assert_int_equal(last_proof(last_line(), line), how == 0);
            hand_say(&h, how ? "-ERR [AUTH] no\r\n" : line);
        }
        if (how == 0) {
            hand_say(&h, "+OK\r\n");
            hand_say(&h, "+OK 0 0\r\n");
        }
        assert_string_equal(last_line(), "QUIT");
        hand_say(&h, "+OK\r\n");
        assert_int_equal(popcl_result(h.s), how == 0   ? POPCL_OK
                                            : how == 1 ? POPCL_ERR_DIGEST_REFUSED
                                                       : POPCL_ERR_BINDING);
        hand_end(&h);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_end_leaves_a_secret),
        cmocka_unit_test(the_login_is_bound_to_the_certificate),
        cmocka_unit_test(another_certificate_is_noticed),
        cmocka_unit_test(a_resumed_session_is_bound_too),
        cmocka_unit_test(tls_of_the_transport_is_bound_too),
    };
    return cmocka_run_group_tests_name("scram", tests, NULL, NULL);
}
