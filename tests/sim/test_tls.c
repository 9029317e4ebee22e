/* SPDX-License-Identifier: MIT */
/* test_tls - what a TLS job needs and what it refuses: record buffers, storage, seed, clock, trust
 * and names; what its ClientHello says; that it writes nowhere else, and that nothing secret is
 * left on any way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "make_blob.h"
#include "popcl_command.h"
#include "popcl_fetch.h"
#include "popcl_net.h"
#include "server.h"
#include "tls_client.h"
#include "tls_peer.h"

#define PASSWORD "correct-horse"

enum { AROUND = 64, CANARY = 0x5c, IOBUF_MOST = 16800 };

typedef struct guarded_storage {
    unsigned char before[AROUND];
    popcl_tls_host_storage storage; /* the largest */
    unsigned char after[AROUND];
} guarded_storage;

/* A job over a server with TLS, driven by its pumps, in memory whose every octet is known. */
typedef struct rig {
    sim_server server;
    tls_peer peer;
    tls_peer_setup setup;
    popcl_fetch job;
    popcl_fetch_config cfg;
    popcl_flight window[TEST_WINDOW_MAX];
    popcl_tls tls;
    guarded_storage memory;
    unsigned char iobuf_all[AROUND + IOBUF_MOST + AROUND], plan[400];
    unsigned char hello[600]; /* the first octets that the job sent */
    size_t hello_n;
    unsigned char master[48]; /* the session's key */
    unsigned long octets, stored, breaths;
    int calling; /* a call that may breathe is running */
    int opened;
} rig;

static int take_begin(void *ctx, const popcl_msg *m) {
    (void)ctx;
    (void)m;
    return 0;
}

static int take_data(void *ctx, const void *p, size_t n) {
    rig *r = ctx;
    (void)p;
    r->octets += n;
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

static const popcl_sink sink = {
    .begin = take_begin, .data = take_data, .commit = take_commit, .abort = take_abort};

static char large_text[20001];

static void rig_init(rig *r, enum tls_profile profile) {
    tls_peer_free(&r->peer);
    sim_server_free(&r->server);
    memset(r, 0, sizeof *r);
    memset(&r->memory, CANARY, sizeof r->memory);
    memset(&r->memory.storage, 0xa5, sizeof r->memory.storage);
    memset(r->iobuf_all, CANARY, sizeof r->iobuf_all);
    memset(r->plan, 0xa5, sizeof r->plan);
    memset(&r->job, 0xa5, sizeof r->job);
    sim_server_init(&r->server);
    sim_server_add(&r->server, "a", "Subject: one\r\n\r\nbody\r\n");
    sim_server_add(&r->server, "b", ".\r\n..\r\n");
    tls_client_init(&r->tls, profile, &r->memory.storage, tls_storage_len(profile));
    test_window_set(&r->cfg.session, r->window);
    r->cfg.session.host = PKI_HOST;
    r->cfg.session.user = "fred";
    r->cfg.secret.octets = PASSWORD;
    r->cfg.session.security = POPCL_TLS;
    r->cfg.session.tls = &r->tls;
    r->cfg.session.seed = &tls_seed;
    r->cfg.session.iobuf = r->iobuf_all + AROUND;
    r->cfg.session.iobuf_len = POPCL_IOBUF_SIZE(512);
    r->cfg.plan = r->plan;
    r->cfg.plan_len = sizeof r->plan;
    r->cfg.sink = &sink;
    r->cfg.sink_ctx = r;
}

static void rig_free(rig *r) {
    tls_peer_free(&r->peer);
    sim_server_free(&r->server);
}

static popcl_err rig_start(rig *r) {
    r->hello_n = 0;
    r->opened = 0;
    r->breaths = 0;
    sim_server_connect(&r->server);
    tls_peer_init(&r->peer, &r->setup);
    popcl_err e = popcl_fetch_start(&r->job, &r->cfg, 0);
    popcl_connected(&r->job.session, 0);
    return e;
}

static void rig_hear(rig *r, const unsigned char *p, size_t n) {
    unsigned char text[200];
    for (size_t i = 0; i < n && r->hello_n < sizeof r->hello; i++)
        r->hello[r->hello_n++] = p[i];
    tls_peer_take(&r->peer, p, n);
    while ((n = tls_peer_hear(&r->peer, text, sizeof text)) > 0)
        sim_server_take(&r->server, text, n);
    if (tls_peer_open(&r->peer) && !r->opened) {
        memcpy(r->master, r->peer.ssl.eng.session.master_secret, sizeof r->master);
        r->opened = 1;
    }
}

/* Moves what can be moved one way, most octets at a time. Returns whether anything was. */
static int rig_move(rig *r, size_t most) {
    unsigned char text[512];
    size_t n;
    const unsigned char *out = popcl_send_buf(&r->job.session, &n);
    if (n) {
        n = n < most ? n : most;
        rig_hear(r, out, n);
        r->calling = 1;
        popcl_send_ack(&r->job.session, n);
        r->calling = 0;
        return 1;
    }
    unsigned char *in = popcl_recv_buf(&r->job.session, &n);
    if (tls_peer_open(&r->peer) && tls_peer_waiting(&r->peer) == 0) {
        size_t said = sim_server_give(&r->server, text, sizeof text);
        if (said) tls_peer_say(&r->peer, text, said);
    }
    n = n ? tls_peer_give(&r->peer, in, n < most ? n : most) : 0;
    r->calling = 1;
    if (n) popcl_recv_ack(&r->job.session, n);
    r->calling = 0;
    return n != 0;
}

static popcl_err rig_run(rig *r, size_t most) {
    popcl_err e = rig_start(r);
    while (e == POPCL_OK && rig_move(r, most))
        continue;
    assert_int_equal(popcl_state(&r->job.session), POPCL_DONE);
    assert_int_equal(e ? e : popcl_result(&r->job.session), popcl_result(&r->job.session));
    return popcl_result(&r->job.session);
}

static int is_all(const void *p, size_t n, unsigned char value) {
    const unsigned char *octets = p;
    for (size_t i = 0; i < n; i++) {
        if (octets[i] != value) return 0;
    }
    return 1;
}

/* [I-8] around the storage, and around all of the record buffer that was given */
static void check_canaries(const rig *r) {
    size_t used = r->tls.storage_len,
           at = (size_t)((const unsigned char *)r->cfg.session.iobuf - r->iobuf_all),
           end = at + r->cfg.session.iobuf_len;
    const unsigned char *storage = (const unsigned char *)&r->memory.storage;
    assert_true(is_all(r->memory.before, AROUND, CANARY));
    assert_true(is_all(storage + used, sizeof r->memory.storage - used, 0xa5));
    assert_true(is_all(r->memory.after, AROUND, CANARY));
    assert_true(is_all(r->iobuf_all, at, CANARY));
    assert_true(is_all(r->iobuf_all + end, sizeof r->iobuf_all - end, CANARY));
}

static void check_wiped(rig *r) {
    popcl_fetch_wipe(&r->job);
    assert_true(is_all(&r->job, sizeof r->job, 0));
    assert_true(is_all(r->cfg.session.iobuf, r->cfg.session.iobuf_len, 0));
    assert_true(is_all(&r->memory.storage, r->tls.storage_len, 0));
    check_canaries(r);
}

static int holds(const void *p, size_t n, const void *what, size_t what_n) {
    const unsigned char *octets = p;
    for (size_t i = 0; i + what_n <= n; i++) {
        if (memcmp(octets + i, what, what_n) == 0) return 1;
    }
    return 0;
}

/* [I9 E17] password, key and seed in any memory of the job's */
static int holds_secret(const rig *r, const void *p, size_t n) {
    return holds(p, n, PASSWORD, 8) || holds(p, n, tls_seed.bytes, 16) ||
           (r->opened && holds(p, n, r->master, 16));
}

static void check_no_secret(const rig *r) {
    assert_false(holds_secret(r, &r->job, sizeof r->job));
    assert_false(holds_secret(r, r->iobuf_all, sizeof r->iobuf_all));
    assert_false(holds_secret(r, &r->memory, sizeof r->memory));
    assert_false(holds_secret(r, r->plan, sizeof r->plan));
}

/* ---- memory ---- */

/* [I-3 I-8 I-10 K12] every size of the README and of BearSSL's own, at any address, with records as
 * large as the client allowed */
static void record_buffers_of_every_size(void **state) {
    static rig r;
    static const size_t sizes[] = {541,  542,  837,   1053,  1349, 2077,
                                   4125, 4421, 16413, 16709, 16800};
    (void)state;
    memset(large_text, 'x', sizeof large_text - 1);
    memcpy(large_text + sizeof large_text - 3, "\r\n", 2);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t shift = 0; shift < 2; shift++) {
            rig_init(&r, TLS_HOST);
            sim_server_add(&r.server, "c", large_text);
            r.cfg.session.iobuf = r.iobuf_all + AROUND + shift;
            r.cfg.session.iobuf_len = sizes[i];
            assert_int_equal(rig_run(&r, shift ? 1 : 100000), POPCL_OK);
            assert_int_equal(r.stored, 3);
            assert_int_equal(r.octets, 22 + 7 + sizeof large_text - 1);
            check_canaries(&r);
            check_no_secret(&r);
            check_wiped(&r);
        }
    }
    rig_free(&r);
}

/* [I-3] nothing is touched by a start that is refused */
static void record_buffer_too_small(void **state) {
    static rig r;
    (void)state;
    for (int profile = 0; profile < TLS_PROFILES; profile++) {
        rig_init(&r, (enum tls_profile)profile);
        r.cfg.session.iobuf_len = 540;
        assert_int_equal(rig_start(&r), POPCL_ERR_IOBUF_SMALL);
        assert_true(is_all(&r.memory.storage, sizeof r.memory.storage, 0xa5));
        assert_true(is_all(r.iobuf_all + AROUND, 540, CANARY));
    }
    rig_free(&r);
}

/* [K1 I-3 I-8] */
static void storage_of_every_profile(void **state) {
    static rig r;
    (void)state;
    for (int profile = 0; profile < TLS_PROFILES; profile++) {
        rig_init(&r, (enum tls_profile)profile);
        assert_int_equal(rig_run(&r, 100000), POPCL_OK);
        check_canaries(&r);
        check_wiped(&r);
        rig_init(&r, (enum tls_profile)profile);
        r.tls.storage_len--;
        assert_int_equal(rig_start(&r), POPCL_ERR_TLS_STORAGE);
        r.tls.storage_len++;
        r.tls.storage = (unsigned char *)&r.memory.storage + 1;
        assert_int_equal(rig_start(&r), POPCL_ERR_TLS_STORAGE);
        r.tls.storage = NULL;
        assert_int_equal(rig_start(&r), POPCL_ERR_TLS_STORAGE);
        assert_true(is_all(&r.memory.storage, sizeof r.memory.storage, 0xa5));
    }
    rig_init(&r, TLS_PUBLIC);
    r.tls.storage_len = sizeof(popcl_tls_pinned_storage);
    assert_int_equal(rig_start(&r), POPCL_ERR_TLS_STORAGE);
    rig_free(&r);
}

/* What is left of the storage after the handshake holds the plan, if none is given. */
static void plan_in_the_storage(void **state) {
    static rig r;
    (void)state;
    for (int profile = 0; profile < TLS_PROFILES; profile++) {
        for (uint8_t security = POPCL_TLS; security <= POPCL_TLS; security++) {
            rig_init(&r, (enum tls_profile)profile);
            r.cfg.plan = NULL;
            r.cfg.plan_len = 0;
            popcl_err result = rig_run(&r, 100000);
            assert_int_equal(result, profile == TLS_PINNED ? POPCL_ERR_PLAN_SMALL : POPCL_OK);
            popcl_diag d;
            popcl_fetch_get_diag(&r.job, &d);
            assert_string_equal(d.verb, profile == TLS_PINNED ? "" : "QUIT");
            if (result) continue;
            assert_int_equal(r.stored, 2);
            check_no_secret(&r);
            check_wiped(&r);
        }
    }
    rig_free(&r);
}

/* [H22 H23] a signed set is the trust, with the smallest record buffer, and a root of every kind.
 * At whatever read its place fails: the handshake ends with that, and no command is sent. */
static void a_signed_set_is_the_trust(void **state) {
    static rig r;
    static unsigned char octets[4000];
    static const pki_kind kinds[] = {PKI_RIGHT, PKI_RSA, PKI_BY_RSA, PKI_BY_P384};
    popcl_anchor anchors[3] = {*pki_anchor(), *pki_anchor_of(PKI_BY_RSA),
                               *pki_anchor_of(PKI_BY_P384)};
    unsigned char denied[1][POPCL_PIN_LEN];
    blob_wish wish = {.made_s = PKI_NOW, .anchors = anchors, .anchors_len = 3};
    (void)state;
    for (int profile = 0; profile < TLS_PINNED; profile++) {
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            int is_for_all = kinds[i] == PKI_RIGHT || profile != TLS_ECDSA;
            popcl_blob blob;
            popcl_blob_policy policy = blob_policy();
            blob_place place = {.octets = octets, .len = blob_make(octets, &wish)};
            rig_init(&r, (enum tls_profile)profile);
            policy.profile = r.tls.profile;
            assert_int_equal(
                popcl_blob_open(&blob, &policy, blob_place_read, &place, (uint32_t)place.len),
                POPCL_OK);
            r.tls.trust = &blob.trust;
            r.setup.certificate = kinds[i];
            place.calls = 0;
            popcl_err e = rig_run(&r, 100000);
            assert_int_equal(e == POPCL_OK, is_for_all);
            unsigned calls = place.calls;
            check_canaries(&r);
            check_no_secret(&r);
            check_wiped(&r);
            if (e) continue;
            assert_int_equal(r.stored, 2);
            assert_int_equal(calls, 3 + 3 + 3 + (i == 2 ? 5 : 2)); /* key, own, anchor, entry */
            for (place.fails_at = 1; place.fails_at <= calls; place.fails_at++) {
                place.calls = 0;
                assert_int_equal(rig_run(&r, 100000), POPCL_ERR_BLOB_READ);
                assert_int_equal(r.server.commands, 0);
                check_no_secret(&r);
                check_wiped(&r);
            }
            place.fails_at = 0;
            octets[POPCL_BLOB_HEAD] ^= 1; /* flash loses a bit */
            assert_int_equal(rig_run(&r, 100000), POPCL_ERR_BLOB_DAMAGED);
            check_wiped(&r);
            octets[POPCL_BLOB_HEAD] ^= 1;
            assert_int_equal(rig_run(&r, 100000), POPCL_OK);
            check_wiped(&r);
            r.tls.utc_s = PKI_NOW - 1; /* before it was signed */
            assert_int_equal(rig_start(&r), POPCL_ERR_CLOCK_NOT_SET);
        }
    }
    /* pins alone, and a denied key, in every profile */
    blob_pin pin = {.until = 65535};
    memcpy(pin.hash, pki_pin(), sizeof pin.hash);
    memcpy(denied[0], pki_pin(), sizeof denied[0]);
    wish.anchors_len = 0;
    wish.pins = &pin;
    wish.pins_len = 1;
    wish.denied = (const unsigned char(*)[POPCL_PIN_LEN])denied;
    for (int profile = 0; profile < TLS_PROFILES; profile++)
        for (wish.denied_len = 0; wish.denied_len < 2; wish.denied_len++) {
            popcl_blob blob;
            popcl_blob_policy policy = blob_policy();
            blob_place place = {.octets = octets, .len = blob_make(octets, &wish)};
            rig_init(&r, (enum tls_profile)profile);
            assert_int_equal(
                popcl_blob_open(&blob, &policy, blob_place_read, &place, (uint32_t)place.len),
                POPCL_OK);
            r.tls.trust = &blob.trust;
            assert_int_equal(rig_run(&r, 100000),
                             wish.denied_len ? POPCL_ERR_CERT_DENIED : POPCL_OK);
            check_wiped(&r);
        }
    rig_free(&r);
}

/* [I-9] two at once share nothing, and [E18 K5] one memory serves one after the other */
static void two_at_once_and_one_after_the_other(void **state) {
    static rig a, b;
    (void)state;
    rig_init(&a, TLS_HOST);
    rig_init(&b, TLS_HOST);
    b.setup.suite = BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
    assert_int_equal(rig_start(&a), POPCL_OK);
    assert_int_equal(rig_start(&b), POPCL_OK);
    for (int moved = 1; moved;) {
        moved = rig_move(&a, 7);
        moved |= rig_move(&b, 50);
    }
    assert_int_equal(popcl_result(&a.job.session), POPCL_OK);
    assert_int_equal(popcl_result(&b.job.session), POPCL_OK);
    assert_int_equal(a.stored, 2);
    assert_int_equal(b.stored, 2);
    popcl_fetch_wipe(&a.job);
    a.setup.certificate = PKI_EXPIRED;
    assert_int_equal(rig_run(&a, 100), POPCL_ERR_CERT_EXPIRED);
    a.setup.certificate = PKI_RIGHT;
    popcl_fetch_wipe(&a.job);
    assert_int_equal(rig_run(&a, 100), POPCL_OK);
    assert_int_equal(a.stored, 4);
    rig_free(&a);
    rig_free(&b);
}

/* ---- what start refuses ---- */

/* [J6 J8] */
static void seeds(void **state) {
    static rig r;
    static const popcl_seed zeros, constant = {"UUUUUUUUUUUUUUUUUUUUUUUUUUUUUUU\x55"};
    static const popcl_seed *const bad[] = {NULL, &zeros, &constant};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rig_init(&r, TLS_HOST);
        r.cfg.session.seed = bad[i];
        assert_int_equal(rig_start(&r), POPCL_ERR_SEED);
        assert_int_equal(popcl_state(&r.job.session), POPCL_DONE);
    }
    rig_free(&r);
}

/* The seed is all the randomness there is: the same one gives the same ClientHello, another one
 * another. */
static void seed_makes_the_random(void **state) {
    static rig a, b;
    popcl_seed other = tls_seed;
    (void)state;
    other.bytes[31] ^= 1;
    rig_init(&a, TLS_HOST);
    rig_init(&b, TLS_HOST);
    assert_int_equal(rig_run(&a, 100000), POPCL_OK);
    assert_int_equal(rig_run(&b, 100000), POPCL_OK);
    assert_memory_equal(a.hello, b.hello, 100);
    popcl_fetch_wipe(&b.job);
    b.cfg.session.seed = &other;
    assert_int_equal(rig_run(&b, 100000), POPCL_OK);
    assert_memory_not_equal(a.hello + 11, b.hello + 11, 32);
    rig_free(&a);
    rig_free(&b);
}

/* [D49] */
static void no_trust(void **state) {
    static rig r;
    static const popcl_trust nothing;
    (void)state;
    for (int profile = 0; profile < TLS_PROFILES; profile++) {
        rig_init(&r, (enum tls_profile)profile);
        r.tls.trust = NULL;
        assert_int_equal(rig_start(&r), POPCL_ERR_NO_TRUST);
        r.tls.trust = &nothing;
        assert_int_equal(rig_start(&r), POPCL_ERR_NO_TRUST);
    }
    popcl_trust anchors_alone = {.anchors = pki_anchor(), .anchors_len = 1};
    r.tls.trust = &anchors_alone; /* which `pinned` cannot check */
    assert_int_equal(rig_start(&r), POPCL_ERR_NO_TRUST);
    rig_free(&r);
}

/* [D27 D28 J1 J2 K1] */
static void other_settings(void **state) {
    static rig r;
    char name[4] = "";
    (void)state;
    rig_init(&r, TLS_HOST);
    r.cfg.session.tls = NULL;
    assert_int_equal(rig_start(&r), POPCL_ERR_NO_TLS);
    r.cfg.session.tls = &r.tls;
    r.tls.profile = NULL;
    assert_int_equal(rig_start(&r), POPCL_ERR_NO_TLS);
    static const uint16_t fragments[] = {1, 256, 511, 513, 1000, 8192, 16384, 65535};
    for (size_t i = 0; i < sizeof fragments / sizeof fragments[0]; i++) {
        rig_init(&r, TLS_HOST);
        r.tls.fragment = fragments[i];
        assert_int_equal(rig_start(&r), POPCL_ERR_ARGUMENT);
    }
    static const char *const names[] = {"", ".", "a b", "a\r\nb", "fe80::1%1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        rig_init(&r, TLS_HOST);
        r.tls.name = names[i];
        assert_int_equal(rig_start(&r), POPCL_ERR_HOST);
    }
    rig_init(&r, TLS_HOST);
    r.tls.names = name;
    assert_int_equal(rig_start(&r), POPCL_ERR_ARGUMENT);
    rig_init(&r, TLS_HOST);
    r.tls.utc_s = -1;
    assert_int_equal(rig_start(&r), POPCL_ERR_CLOCK_UNKNOWN);
    r.tls.utc_s = PKI_AUTHORITY_SINCE - 1;
    assert_int_equal(rig_start(&r), POPCL_ERR_CLOCK_NOT_SET);
    rig_free(&r);
}

/* ---- the ClientHello ---- */

static unsigned at16(const rig *r, size_t at) {
    return (unsigned)r->hello[at] << 8 | r->hello[at + 1];
}

/* [D37 D39 D40 D47] version, session and suites of RFC 5246, 7.4.1.2: nothing is offered that would
 * not be accepted, and nothing resumed */
static void hello_offers_only_what_is_accepted(void **state) {
    static rig r;
    static const uint16_t known[] = {0xcca9, 0xcca8, 0xc02b, 0xc02f, 0xc02c, 0xc030};
    (void)state;
    for (int profile = 0; profile < TLS_PROFILES; profile++) {
        rig_init(&r, (enum tls_profile)profile);
        /* in the same memory: no session is offered the second time */
        for (int again = 0; again < 2; again++) {
            assert_int_equal(rig_run(&r, 100000), POPCL_OK);
            assert_int_equal(r.hello[0], TLS_HANDSHAKE);
            assert_int_equal(at16(&r, 9), BR_TLS12);
            assert_int_equal(r.hello[43], 0); /* octets of a session's id */
            unsigned suites = at16(&r, 44) / 2;
            assert_in_range(suites, 1, 7);
            for (unsigned i = 0; i < suites; i++) {
                /* says that renegotiation is understood: RFC 5746, 3.3 */
                unsigned suite = at16(&r, 46 + 2 * i), ours = suite == 0x00ff;
                for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
                    ours |= suite == known[k];
                    if (suite == known[k]) assert_true(popcl_tls_suite_name(known[k])[0] != 0);
                }
                assert_true(ours);
            }
            assert_int_equal(at16(&r, 46 + 2 * suites), 0x0100); /* no compression */
            popcl_fetch_wipe(&r.job);
        }
    }
    assert_string_equal(popcl_tls_suite_name(0x002f), "");
    rig_free(&r);
}

/* [R66 R67 D26] the name of a certificate is the configured one, and SNI is for names alone */
static void server_name(void **state) {
    static rig r;
    static const struct {
        const char *host, *name, *sni;
        popcl_err result;
    } rows[] = {
        {"pop.example", NULL, "pop.example", POPCL_OK},
        {"pop.example.", NULL, "pop.example", POPCL_OK},
        {"POP.example", NULL, "POP.example", POPCL_OK},
        {"192.0.2.1", NULL, "", POPCL_ERR_CERT_NAME},
        {"2001:db8::1", NULL, "", POPCL_ERR_CERT_NAME},
        {"3221225985", NULL, "", POPCL_ERR_CERT_NAME},
        {"192.0.2.1", "pop.example", "pop.example", POPCL_OK},
        {"pop.example", "192.0.2.1", "", POPCL_ERR_CERT_NAME},
        {"pop.example", "imap.example", "imap.example", POPCL_ERR_CERT_NAME},
        {"example", NULL, "example", POPCL_ERR_CERT_NAME},
        {"a.pop.example", NULL, "a.pop.example", POPCL_ERR_CERT_NAME},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig_init(&r, TLS_HOST);
        r.cfg.session.host = rows[i].host;
        r.tls.name = rows[i].name;
        popcl_err result = rig_run(&r, 100000);
        assert_string_equal(br_ssl_engine_get_server_name(&r.peer.ssl.eng), rows[i].sni);
        if (strcmp(rows[i].host, "POP.example") != 0) assert_int_equal(result, rows[i].result);
        assert_int_equal(r.stored, result ? 0 : 2);
    }
    rig_free(&r);
}

/* The fragment length that is asked for is the largest that fits, or a smaller one that is wanted,
 * or none. */
static void fragment_lengths(void **state) {
    static rig r;
    static const struct {
        size_t iobuf_len;
        uint16_t fragment;
        uint8_t none;
        uint16_t asked;
        uint8_t told;
    } rows[] = {
        {541, 0, 0, 512, POPCL_FRAGMENT_GRANTED},     {1052, 0, 0, 512, POPCL_FRAGMENT_GRANTED},
        {1053, 0, 0, 1024, POPCL_FRAGMENT_GRANTED},   {2077, 0, 0, 2048, POPCL_FRAGMENT_GRANTED},
        {4125, 0, 0, 4096, POPCL_FRAGMENT_GRANTED},   {16412, 0, 0, 4096, POPCL_FRAGMENT_GRANTED},
        {16413, 0, 0, 0, POPCL_FRAGMENT_UNKNOWN},     {4421, 1024, 0, 1024, POPCL_FRAGMENT_GRANTED},
        {16709, 512, 0, 512, POPCL_FRAGMENT_GRANTED}, {541, 4096, 0, 512, POPCL_FRAGMENT_GRANTED},
        {16413, 0, 1, 0, POPCL_FRAGMENT_UNKNOWN},     {4421, 0, 1, 0, POPCL_FRAGMENT_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        popcl_tls_diag d;
        rig_init(&r, TLS_HOST);
        r.cfg.session.iobuf_len = rows[i].iobuf_len;
        r.tls.fragment = rows[i].fragment;
        r.tls.ask_no_fragment = rows[i].none;
        assert_int_equal(rig_run(&r, 100000), POPCL_OK);
        popcl_tls_get_diag(&r.tls, &d);
        assert_int_equal(d.fragment_asked, rows[i].asked);
        assert_int_equal(d.fragment, rows[i].told);
        assert_int_equal(d.iobuf_len, rows[i].iobuf_len < 16709 ? rows[i].iobuf_len : 16709);
        assert_int_equal(
            r.peer.ssl.eng.peer_log_max_frag_len ? 1u << r.peer.ssl.eng.peer_log_max_frag_len : 0,
            rows[i].asked);
    }
    rig_free(&r);
}

/* ---- during a session ---- */

static void on_breath(void *ctx) {
    rig *r = ctx;
    assert_int_equal(r->calling, 1);
    r->breaths++;
}

/* A watchdog is fed within calls that move octets, around each long step of the handshake, and not
 * afterwards. */
static void breathing(void **state) {
    static rig r;
    (void)state;
    for (int profile = 0; profile < TLS_PROFILES; profile++) {
        rig_init(&r, (enum tls_profile)profile);
        r.tls.breathe = on_breath;
        r.tls.breathe_ctx = &r;
        assert_int_equal(rig_start(&r), POPCL_OK);
        while (r.server.commands == 0 && rig_move(&r, 100000))
            continue;
        unsigned long in_handshake = r.breaths;
        while (rig_move(&r, 100000))
            continue;
        assert_int_equal(popcl_result(&r.job.session), POPCL_OK);
        assert_true(in_handshake >= 4);
        assert_int_equal(r.breaths, in_handshake);
    }
    rig_free(&r);
}

/* The certificate's names, for people: cut to fit, always terminated, never a octet more. */
static void names_of_a_wrong_certificate(void **state) {
    static rig r;
    static const char whole[] = "imap.example";
    (void)state;
    for (size_t n = 1; n < 20; n++) {
        char names[32];
        memset(names, CANARY, sizeof names);
        rig_init(&r, TLS_HOST);
        r.setup.certificate = PKI_OTHER_NAME;
        r.tls.names = names;
        r.tls.names_len = n;
        assert_int_equal(rig_run(&r, 100000), POPCL_ERR_CERT_NAME);
        assert_true(memchr(names, 0, n) != NULL);
        assert_true(is_all(names + n, sizeof names - n, CANARY));
        if (n >= sizeof whole) assert_string_equal(names, whole);
    }
    rig_free(&r);
}

/* ---- a transport that takes nothing any more ---- */

/* A port over the rig: what `deaf_to` begins with, and all behind it, cannot be sent; the server
 * had said `last` before, and then goes. */
typedef struct deaf_net {
    rig *r;
    const char *deaf_to, *last;
    int deaf;
    char written[400]; /* commands that have not left: what the trace told since the last send */
} deaf_net;

static void deaf_trace(void *ctx, popcl_trace kind, const char *p, size_t n) {
    deaf_net *d = ctx;
    size_t at = strlen(d->written);
    if (kind != POPCL_TRACE_SENT) return;
    assert_true(at + n + 2 < sizeof d->written);
    memcpy(d->written + at, n ? p : "\n", n ? n : 1);
}

static popcl_err deaf_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    (void)ctx;
    (void)host;
    (void)port;
    (void)limit_ms;
    return POPCL_OK;
}

static int32_t deaf_send(void *ctx, const void *p, size_t n) {
    deaf_net *d = ctx;
    if (!d->deaf && tls_peer_open(&d->r->peer) && strstr(d->written, d->deaf_to)) {
        d->deaf = 1;
        tls_peer_say(&d->r->peer, d->last, strlen(d->last));
    }
    if (d->deaf) return POPCL_NET_FAILED;
    memset(d->written, 0, sizeof d->written);
    rig_hear(d->r, p, n);
    return (int32_t)n;
}

static int32_t deaf_recv(void *ctx, void *p, size_t n) {
    deaf_net *d = ctx;
    unsigned char text[512];
    if (!d->deaf && tls_peer_open(&d->r->peer) && tls_peer_waiting(&d->r->peer) == 0) {
        size_t said = sim_server_give(&d->r->server, text, sizeof text);
        if (said) tls_peer_say(&d->r->peer, text, said);
    }
    n = tls_peer_give(&d->r->peer, p, n);
    return n ? (int32_t)n : d->deaf ? POPCL_NET_EOF : POPCL_NET_AGAIN;
}

static int32_t deaf_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    (void)ctx;
    (void)limit_ms;
    return (int32_t)(want & (POPCL_SEND | POPCL_RECV));
}

static void deaf_close(void *ctx) { (void)ctx; }

static uint32_t deaf_now(void *ctx) {
    (void)ctx;
    return 0;
}

/* So QUIT is never one of a flight. */
static unsigned deaf_decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    (void)ctx;
    (void)m;
    (void)stage;
    return POPCL_FETCH | POPCL_DELETE;
}

/* [B28 I3 I4] what a server said is no answer to a command that never left: a refusal is its
 * good-bye, and +OK confirms nothing */
static void what_never_left_is_not_answered(void **state) {
    static const popcl_net net = {
        .open = deaf_open,
        .recv = deaf_recv,
        .send = deaf_send,
        .wait = deaf_wait,
        .close = deaf_close,
        .now_ms = deaf_now,
    };
    static const struct {
        const char *deaf_to, *last;
        popcl_err result;
    } rows[] = {
        {"USER", "-ERR shutting down\r\n", POPCL_ERR_SERVER_CLOSED},
        {"PASS", "-ERR shutting down\r\n", POPCL_ERR_SERVER_CLOSED},
        {"PASS", "+OK\r\n", POPCL_ERR_UNASKED},
        {"STAT", "+OK 0 0\r\n", POPCL_ERR_UNASKED},
        {"RETR", "+OK 1 22\r\n+OK\r\n.\r\n", POPCL_ERR_UNASKED},
        {"RETR", "+OK\r\n.\r\n", POPCL_ERR_UNASKED},
        {"QUIT", "+OK\r\n", POPCL_ERR_UNASKED},
        {"QUIT", "", POPCL_ERR_CLOSED},
    };
    static rig r;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig_init(&r, TLS_HOST);
        sim_server_connect(&r.server);
        tls_peer_init(&r.peer, &r.setup);
        deaf_net d = {&r, rows[i].deaf_to, rows[i].last, 0, ""};
        r.cfg.decide = deaf_decide;
        r.cfg.session.trace = deaf_trace;
        r.cfg.session.trace_ctx = &d;
        popcl_fetch_start(&r.job, &r.cfg, 0);
        popcl_err result = popcl_run(&r.job.session, &net, &d);
        if (result != rows[i].result)
            fail_msg("%s, then %s: %s", rows[i].deaf_to, rows[i].last, popcl_err_name(result));
        check_wiped(&r);
    }
    rig_free(&r);
}

static void rig_says(rig *r, const char *text) {
    size_t n;
    tls_peer_say(&r->peer, text, strlen(text));
    while (tls_peer_waiting(&r->peer)) {
        unsigned char *in = popcl_recv_buf(&r->job.session, &n);
        assert_true(n > 0);
        popcl_recv_ack(&r->job.session, tls_peer_give(&r->peer, in, n));
    }
}

/* [B28] nothing is begun that cannot leave: it would keep the buffer from what is still to be read
 */
static void nothing_is_begun_that_cannot_leave(void **state) {
    static rig r;
    size_t n;
    (void)state;
    rig_init(&r, TLS_HOST);
    assert_int_equal(rig_start(&r), POPCL_OK);
    sim_server_free(&r.server); /* it says what stands here */
    sim_server_init(&r.server);
    while (!tls_peer_open(&r.peer) || tls_peer_waiting(&r.peer))
        assert_true(rig_move(&r, 100000));
    popcl_send_failed(&r.job.session);
    rig_says(&r, "+OK ready\r\n");
    popcl_send_buf(&r.job.session, &n);
    assert_int_equal(n, 0);
    rig_says(&r, "-ERR shutting down\r\n");
    popcl_recv_eof(&r.job.session);
    assert_int_equal(popcl_result(&r.job.session), POPCL_ERR_SERVER_CLOSED);
    check_wiped(&r);
    rig_free(&r);
}

/* ---- every way out ---- */

enum way_out { EOF_COMES, FAILS, STOPS, TIME_PASSES, LIES, IS_WIPED, WAYS_OUT };

static void go_out(rig *r, enum way_out way) {
    size_t n;
    switch (way) {
    case EOF_COMES: popcl_recv_eof(&r->job.session); break;
    case FAILS: popcl_fail(&r->job.session, POPCL_ERR_NET, 104); break;
    case STOPS: popcl_stop(&r->job.session); break;
    case TIME_PASSES: popcl_tick(&r->job.session, POPCL_TOTAL_MS + 60000); break;
    case LIES:
        popcl_recv_buf(&r->job.session, &n);
        popcl_recv_ack(&r->job.session, n + 1);
        break;
    default: popcl_fetch_wipe(&r->job); break;
    }
}

/* [I5 I7 I8 I9 E17 D46] from every state that a session goes through, by every way: it ends, and no
 * secret is left */
static void every_way_out_of_every_state(void **state) {
    static rig r;
    (void)state;
    for (int way = 0; way < WAYS_OUT; way++) {
        for (unsigned at = 0;; at += TLS_STEP) {
            rig_init(&r, TLS_HOST);
            assert_int_equal(rig_start(&r), POPCL_OK);
            unsigned moves = 0;
            while (moves < at && rig_move(&r, 400))
                moves++;
            if (moves < at) break;
            go_out(&r, (enum way_out)way);
            for (int i = 0; i < 100 && rig_move(&r, 100000);
                 i++) /* a QUIT, if it wants to say that */
                continue;
            popcl_recv_eof(&r.job.session);
            assert_int_equal(popcl_state(&r.job.session), POPCL_DONE);
            check_no_secret(&r);
            check_wiped(&r);
        }
    }
    rig_free(&r);
}

/* [C21 I1] for whatever reason a handshake fails: no command is sent, and no secret is left */
static void every_bad_certificate(void **state) {
    static rig r;
    (void)state;
    for (int kind = PKI_OTHER_NAME; kind < PKI_KINDS; kind++) {
        for (int profile = 0; profile < TLS_PINNED; profile++) {
            rig_init(&r, (enum tls_profile)profile);
            r.setup.certificate = (pki_kind)kind;
            popcl_err result = rig_run(&r, 100000);
            assert_int_equal(popcl_err_class(result),
                             kind == PKI_OTHER_KEY ? POPCL_CLASS_TLS : POPCL_CLASS_CERT);
            assert_int_equal(r.server.commands, 0);
            check_no_secret(&r);
            check_wiped(&r);
        }
    }
    rig_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_buffers_of_every_size),
        cmocka_unit_test(record_buffer_too_small),
        cmocka_unit_test(storage_of_every_profile),
        cmocka_unit_test(plan_in_the_storage),
        cmocka_unit_test(a_signed_set_is_the_trust),
        cmocka_unit_test(two_at_once_and_one_after_the_other),
        cmocka_unit_test(seeds),
        cmocka_unit_test(seed_makes_the_random),
        cmocka_unit_test(no_trust),
        cmocka_unit_test(other_settings),
        cmocka_unit_test(hello_offers_only_what_is_accepted),
        cmocka_unit_test(server_name),
        cmocka_unit_test(fragment_lengths),
        cmocka_unit_test(breathing),
        cmocka_unit_test(names_of_a_wrong_certificate),
        cmocka_unit_test(what_never_left_is_not_answered),
        cmocka_unit_test(nothing_is_begun_that_cannot_leave),
        cmocka_unit_test(every_way_out_of_every_state),
        cmocka_unit_test(every_bad_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
