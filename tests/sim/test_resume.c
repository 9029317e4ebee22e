/* test_resume - sessions that are kept and resumed: when they are offered, to whom, what a server makes of that, and when they are wiped. The
 * server has TLS from BearSSL (tls_peer.h) and a memory of sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server.h"
#include "tls_client.h"
#include "tls_peer.h"

#define PASSWORD "correct-horse"

/* A device with a kept session, and the server that it polls. */
typedef struct rig {
    sim_server server;
    tls_peer peer;
    tls_peer_setup setup;
    tls_sessions sessions;
    popcl job;
    popcl_config cfg;
    popcl_tls tls;
    popcl_trust trust;
    popcl_tls_host_storage storage;
    popcl_resumable kept;
    unsigned char iobuf[4421], plan[400], seed[POPCL_SEED_MIN];
    unsigned char hello[200]; /* what the client sent first in TLS */
    size_t hello_n;
    unsigned char master[48]; /* of the last session that came to be */
    unsigned stored, to_client, to_server, turns;
    int in_tls, was_up, is_client_last;
} rig;

static int take_begin(void *ctx, const popcl_msg *m) {
    (void)ctx;
    (void)m;
    return 0;
}

static int take_data(void *ctx, const void *p, size_t n) {
    (void)ctx;
    (void)p;
    return (int)n;
}

static int take_commit(void *ctx) {
    rig *r = ctx;
    r->stored++;
    return 0;
}

static void take_abort(void *ctx, popcl_err why) {
    (void)ctx;
    (void)why;
}

static const popcl_sink sink = {take_begin, take_data, take_commit, NULL, take_abort};

static void rig_free(rig *r) {
    tls_peer_free(&r->peer);
    sim_server_free(&r->server);
}

static void rig_init(rig *r, enum tls_profile profile, uint8_t security) {
    rig_free(r);
    memset(r, 0, sizeof *r);
    sim_server_init(&r->server);
    sim_server_add(&r->server, "a", "Subject: one\r\n\r\nbody\r\n");
    memcpy(r->seed, tls_seed, sizeof r->seed);
    tls_client_init(&r->tls, profile, &r->storage, tls_storage_len(profile));
    r->trust = *r->tls.trust;
    r->tls.trust = &r->trust;
    r->tls.utc_s = PKI_NOW;
    r->tls.resume = &r->kept;
    r->tls.resumption = &popcl_tls_resumption;
    r->setup.sessions = &r->sessions;
    r->cfg.host = PKI_HOST;
    r->cfg.user = "fred";
    r->cfg.secret.octets = PASSWORD;
    r->cfg.security = security;
    r->cfg.tls = &r->tls;
    r->cfg.seed = r->seed;
    r->cfg.seed_len = sizeof r->seed;
    r->cfg.iobuf = r->iobuf;
    r->cfg.iobuf_len = POPCL_IOBUF_SIZE(512);
    r->cfg.plan = r->plan;
    r->cfg.plan_len = sizeof r->plan;
    r->cfg.sink = &sink;
    r->cfg.sink_ctx = r;
}

static popcl_err rig_start(rig *r) {
    r->hello_n = r->to_client = r->to_server = r->turns = r->stored = 0;
    r->was_up = r->is_client_last = 0;
    r->in_tls = r->cfg.security == POPCL_TLS;
    r->seed[0]++; /* new for each session */
    sim_server_connect(&r->server);
    r->server.stls = r->cfg.security == POPCL_STLS;
    tls_peer_init(&r->peer, &r->setup);
    popcl_err e = popcl_start(&r->job, &r->cfg, 0);
    if (!e) popcl_connected(&r->job, 0);
    return e;
}

static void rig_hear(rig *r, const unsigned char *p, size_t n) {
    unsigned char text[200];
    if (r->server.in_tls && !sim_server_ready(&r->server)) r->in_tls = 1;
    if (!r->in_tls) {
        sim_server_take(&r->server, p, n);
        return;
    }
    if (!r->was_up && !r->is_client_last) r->turns++;
    r->is_client_last = 1;
    for (size_t i = 0; i < n && r->hello_n < sizeof r->hello; i++) r->hello[r->hello_n++] = p[i];
    tls_peer_take(&r->peer, p, n);
    while ((n = tls_peer_hear(&r->peer, text, sizeof text)) > 0) sim_server_take(&r->server, text, n);
    if (tls_peer_open(&r->peer) && !r->was_up) {
        memcpy(r->master, r->peer.ssl.eng.session.master_secret, sizeof r->master);
        r->was_up = 1;
    }
}

/* Moves what can be moved one way, most octets at a time. Returns whether anything was. */
static int rig_move(rig *r, size_t most) {
    unsigned char text[512];
    size_t n;
    const unsigned char *out = popcl_send_buf(&r->job, &n);
    if (n) {
        n = n < most ? n : most;
        rig_hear(r, out, n);
        popcl_send_ack(&r->job, n);
        r->to_server += (unsigned)n;
        return 1;
    }
    unsigned char *in = popcl_recv_buf(&r->job, &n);
    if (!n) return 0;
    n = n < most ? n : most;
    if (!r->in_tls) {
        n = sim_server_give(&r->server, in, n);
    } else {
        if (tls_peer_open(&r->peer) && tls_peer_waiting(&r->peer) == 0) {
            size_t said = sim_server_give(&r->server, text, sizeof text);
            if (said) tls_peer_say(&r->peer, text, said);
        }
        n = tls_peer_give(&r->peer, in, n);
        r->is_client_last = 0;
    }
    r->to_client += (unsigned)n;
    if (n) popcl_recv_ack(&r->job, n);
    return n != 0;
}

static int is_zero(const void *p, size_t n) {
    const unsigned char *octets = p;
    for (size_t i = 0; i < n; i++) {
        if (octets[i]) return 0;
    }
    return 1;
}

static int holds(const void *p, size_t n, const void *what, size_t what_n) {
    const unsigned char *octets = p;
    for (size_t i = 0; i + what_n <= n; i++) {
        if (memcmp(octets + i, what, what_n) == 0) return 1;
    }
    return 0;
}

/* [I9] the key is in what is kept, or nowhere */
static void check_no_secret(const rig *r) {
    if (is_zero(r->master, sizeof r->master)) return;
    assert_false(holds(&r->job, sizeof r->job, r->master, 16));
    assert_false(holds(r->iobuf, sizeof r->iobuf, r->master, 16));
    assert_false(holds(&r->storage, sizeof r->storage, r->master, 16));
    assert_false(holds(r->plan, sizeof r->plan, r->master, 16));
}

/* A whole session, with its memory wiped. d: as it was before the wipe; NULL: not wanted. */
static popcl_err rig_run(rig *r, size_t most, popcl_tls_diag *d) {
    popcl_err e = rig_start(r);
    if (e) return e;
    while (rig_move(r, most)) continue;
    popcl_recv_eof(&r->job);
    assert_int_equal(popcl_state(&r->job), POPCL_DONE);
    e = popcl_result(&r->job);
    if (d) popcl_tls_get_diag(&r->tls, d);
    check_no_secret(r);
    popcl_wipe(&r->job);
    assert_true(is_zero(&r->storage, r->tls.storage_len));
    return e;
}

/* Octets of the session's number in the ClientHello (RFC 5246, 7.4.1.2). */
static unsigned offered(const rig *r) {
    assert_true(r->hello_n > 43);
    return r->hello[43];
}

/* ---- it works ---- */

/* [D42] with every profile, both ways to TLS, whole and octet by octet: what is told is what the first handshake told */
static void second_session_is_resumed(void **state) {
    static rig r;
    (void)state;
    for (int profile = 0; profile < TLS_PROFILES; profile++) {
        for (uint8_t security = POPCL_TLS; security <= POPCL_STLS; security++) {
            for (size_t most = 1; most <= 100000; most *= 100000) {
                popcl_tls_diag first, second;
                popcl_resumable kept;
                rig_init(&r, (enum tls_profile)profile, security);
                assert_int_equal(rig_run(&r, most, &first), POPCL_OK);
                assert_int_equal(offered(&r), 0);
                assert_int_equal(first.resumed, 0);
                unsigned turns = r.turns;
                unsigned char master[48];
                memcpy(master, r.master, sizeof master);
                kept = r.kept;
                assert_int_equal(rig_run(&r, most, &second), POPCL_OK);
                assert_int_equal(offered(&r), 32);
                assert_int_equal(r.stored, 1);
                assert_int_equal(r.sessions.resumed, 1);
                assert_int_equal(second.resumed, 1);
                assert_memory_equal(master, r.master, sizeof master);
                assert_memory_equal(&kept, &r.kept, sizeof kept);
                assert_int_equal(second.suite, first.suite);
                assert_int_equal(second.version, first.version);
                assert_int_equal(second.fragment, first.fragment);
                assert_int_equal(second.fragment_asked, first.fragment_asked);
                assert_int_equal(second.not_after, first.not_after);
                assert_int_equal(second.end_point_len, first.end_point_len);
                assert_memory_equal(second.end_point, first.end_point, sizeof first.end_point);
                assert_int_equal(first.end_point_len, profile == TLS_PINNED ? 0 : 32);
                assert_true(profile == TLS_PINNED || first.not_after > PKI_NOW);
                if (most > 1) assert_int_equal(r.turns, turns); /* ours is the last word now, and the greeting or the first command comes with it */
            }
        }
    }
    rig_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_session_is_resumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
