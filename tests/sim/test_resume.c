/* SPDX-License-Identifier: MIT */
/* test_resume - sessions that are kept and resumed: when they are offered, to whom, what a server
 * makes of that, and when they are wiped. The server has TLS from BearSSL (tls_peer.h) and a memory
 * of sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "command.h"
#include "link.h"
#include "make_blob.h"
#include "owner.h"
#include "popcl_command.h"
#include "popcl_fetch.h"
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
    popcl_fetch job;
    popcl_fetch_config cfg;
    popcl_tls tls;
    popcl_trust trust;
    popcl_tls_host_storage storage;
    popcl_resumable kept;
    unsigned char iobuf[4421], plan[400];
    popcl_seed seed;
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

static const popcl_sink sink = {
    .begin = take_begin, .data = take_data, .commit = take_commit, .abort = take_abort};

static void rig_free(rig *r) {
    tls_peer_free(&r->peer);
    sim_server_free(&r->server);
}

static void rig_init(rig *r, enum tls_profile profile, uint8_t security) {
    rig_free(r);
    memset(r, 0, sizeof *r);
    sim_server_init(&r->server);
    sim_server_add(&r->server, "a", "Subject: one\r\n\r\nbody\r\n");
    r->seed = tls_seed;
    tls_client_init(&r->tls, profile, &r->storage, tls_storage_len(profile));
    r->trust = *r->tls.trust;
    r->tls.trust = &r->trust;
    r->tls.utc_s = PKI_NOW;
    r->tls.resume = &r->kept;
    r->tls.resumption = &popcl_tls_resumption;
    r->setup.sessions = &r->sessions;
    r->cfg.session.host = PKI_HOST;
    r->cfg.session.user = "fred";
    r->cfg.secret.octets = PASSWORD;
    r->cfg.session.security = security;
    r->cfg.session.tls = &r->tls;
    r->cfg.session.seed = &r->seed;
    r->cfg.session.iobuf = r->iobuf;
    r->cfg.session.iobuf_len = POPCL_IOBUF_SIZE(512);
    r->cfg.plan = r->plan;
    r->cfg.plan_len = sizeof r->plan;
    r->cfg.sink = &sink;
    r->cfg.sink_ctx = r;
}

static popcl_err rig_start(rig *r) {
    r->hello_n = r->to_client = r->to_server = r->turns = r->stored = 0;
    r->was_up = r->is_client_last = 0;
    r->in_tls = r->cfg.session.security == POPCL_TLS;
    r->seed.bytes[0]++; /* new for each session */
    sim_server_connect(&r->server);
    r->server.stls = r->cfg.session.security == POPCL_STLS;
    tls_peer_init(&r->peer, &r->setup);
    popcl_err e = popcl_fetch_start(&r->job, &r->cfg, 0);
    if (!e) popcl_connected(&r->job.session, 0);
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
    for (size_t i = 0; i < n && r->hello_n < sizeof r->hello; i++)
        r->hello[r->hello_n++] = p[i];
    tls_peer_take(&r->peer, p, n);
    while ((n = tls_peer_hear(&r->peer, text, sizeof text)) > 0)
        sim_server_take(&r->server, text, n);
    if (tls_peer_open(&r->peer) && !r->was_up) {
        memcpy(r->master, r->peer.ssl.eng.session.master_secret, sizeof r->master);
        r->was_up = 1;
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
        popcl_send_ack(&r->job.session, n);
        r->to_server += (unsigned)n;
        return 1;
    }
    unsigned char *in = popcl_recv_buf(&r->job.session, &n);
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
    if (n) popcl_recv_ack(&r->job.session, n);
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

/* [T5] Login mechanisms read the hash that the diagnosis shows, after a short handshake too. */
static void check_end_point(const rig *r, const popcl_tls_diag *d) {
    unsigned char hash[POPCL_END_POINT_MAX];
    assert_int_equal(popcl_machine_end_point(&r->job.session, hash), d->end_point_len);
    assert_memory_equal(hash, d->end_point, d->end_point_len);
}

/* A whole session, with its memory wiped. d: as it was before the wipe; NULL: not wanted. */
static popcl_err rig_run(rig *r, size_t most, popcl_tls_diag *d) {
    popcl_err e = rig_start(r);
    if (e) return e;
    while (rig_move(r, most))
        continue;
    popcl_recv_eof(&r->job.session);
    assert_int_equal(popcl_state(&r->job.session), POPCL_DONE);
    e = popcl_result(&r->job.session);
    if (d) popcl_tls_get_diag(&r->tls, d);
    if (d && e == POPCL_OK) check_end_point(r, d);
    check_no_secret(r);
    popcl_fetch_wipe(&r->job);
    assert_true(is_zero(&r->storage, r->tls.storage_len));
    return e;
}

/* Octets of the session's number in the ClientHello (RFC 5246, 7.4.1.2). */
static unsigned offered(const rig *r) {
    assert_true(r->hello_n > 43);
    return r->hello[43];
}

/* How many suites there are in the ClientHello; `wanted`, if it is not 0, is one of them. */
static unsigned suites_offered(const rig *r, unsigned wanted) {
    const unsigned char *p = r->hello + 44 + offered(r);
    unsigned n = ((unsigned)p[0] << 8 | p[1]) / 2, found = !wanted;
    assert_true(r->hello_n >= 46 + offered(r) + 2 * n);
    for (unsigned i = 1; i <= n; i++)
        found |= wanted == ((unsigned)p[2 * i] << 8 | p[2 * i + 1]);
    assert_true(found);
    return n;
}

static int is_kept(const rig *r) { return !is_zero(&r->kept, sizeof r->kept); }

static void keep_one(rig *r) {
    assert_int_equal(rig_run(r, 100000, NULL), POPCL_OK);
    assert_true(is_kept(r));
}

/* ---- it works ---- */

/* With every profile, both ways to TLS, whole and octet by octet: what is told is what the first
 * handshake told */
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
                unsigned suites = suites_offered(&r, first.suite);
                assert_int_equal(offered(&r), 0);
                assert_int_equal(suites, profile == TLS_ECDSA || profile == TLS_PINNED ? 1 : 6);
                assert_int_equal(first.resumed, 0);
                unsigned turns = r.turns;
                unsigned char master[48];
                memcpy(master, r.master, sizeof master);
                kept = r.kept;
                assert_int_equal(rig_run(&r, most, &second), POPCL_OK);
                assert_int_equal(offered(&r), 32);
                assert_int_equal(suites_offered(&r, first.suite), suites == 1 ? 1 : 2);
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
                /* ours is the last word now, and the greeting or the first command comes with it */
                if (most > 1) assert_int_equal(r.turns, turns);
            }
        }
    }
    rig_free(&r);
}

/* ---- what it is bound to ---- */

static popcl_anchor anchors[3];
static unsigned char entries[2][POPCL_ANCHOR_ROOM];
static unsigned char two_pins[2][POPCL_PIN_LEN];

static void other_host(rig *r) { r->cfg.session.host = "mail.example"; }
static void other_name(rig *r) { r->tls.name = "POP.example"; }
static void other_port(rig *r) { r->cfg.session.port = 994; }
static void other_user(rig *r) { r->cfg.session.user = r->server.user = "wilma"; }
static void shorter_user(rig *r) { r->cfg.session.user = r->server.user = "fre"; }
static void other_security(rig *r) {
    r->cfg.session.security = POPCL_STLS, r->cfg.session.port = 995;
}
static void one_more_anchor(rig *r) { r->trust.anchors_len = 3; }
static void one_anchor_less(rig *r) { r->trust.anchors_len = 1; }
static void change_entry(unsigned which, unsigned at) { entries[which][at]++; }
static void anchor_of_other_modulus(rig *r) { (void)r, change_entry(1, 12 + 255); }
static void anchor_of_other_exponent(rig *r) { (void)r, change_entry(1, 12 + 256 + 2); }
static void direct_trust(rig *r) { (void)r, entries[0][1] = 0; }
static void anchor_of_other_name(rig *r) { (void)r, anchors[0].name[POPCL_ANCHOR_NAME - 1]++; }
static void anchor_of_other_key(rig *r) { (void)r, change_entry(0, 12 + 64); }
static void anchor_of_other_curve(rig *r) { (void)r, change_entry(0, 0); }
static void limited_path(rig *r) { (void)r, entries[1][2] = 0; }
static void shorter_entry(rig *r) { (void)r, anchors[1].entry_len--; }
static void later_set(rig *r) { r->trust.sequence++; }
static popcl_err no_key(const popcl_trust *t, const unsigned char *pin, int64_t utc_s,
                        unsigned *is) {
    (void)t, (void)pin, (void)utc_s, (void)is;
    return POPCL_OK;
}
static unsigned char set_name[POPCL_SET_LEN];
static void no_name(rig *r) { r->trust.set = NULL; }
static void other_set(rig *r) { (void)r, set_name[POPCL_SET_LEN - 1]++; }
static void looks_up_keys(rig *r) { r->trust.key = no_key; }
static popcl_err find_first(const popcl_trust *t, const unsigned char *name, unsigned nth,
                            unsigned char *room, const unsigned char **entry, size_t *len) {
    (void)room;
    *entry =
        nth || memcmp(name, t->anchors->name, POPCL_ANCHOR_NAME) != 0 ? NULL : t->anchors->entry;
    *len = t->anchors->entry_len;
    return POPCL_OK;
}
static void another_place(rig *r) { r->trust.find = find_first; }
static void other_pins(rig *r) { r->trust.pins_len = 1; }
static void more_pins(rig *r) { r->trust.pins_len = 2; }
static void other_profile(rig *r) { r->tls.profile = &popcl_tls_public; }
static void smaller_buffer(rig *r) { r->cfg.session.iobuf_len = POPCL_IOBUF_SIZE(512); }
static void larger_buffer(rig *r) { r->cfg.session.iobuf_len = POPCL_IOBUF_SIZE(2048); }
static void other_fragment(rig *r) { r->tls.fragment = 512; }
static void no_fragment(rig *r) { r->tls.ask_no_fragment = 1; }
static void clock_went_back(rig *r) { r->tls.utc_s = PKI_NOW - 1; }
static void a_day_later(rig *r) { r->tls.utc_s = PKI_NOW + 86400; }
static const unsigned char own_cert[1][POPCL_OWN_CERT_LEN] = {{7}};
static void own_certificate(rig *r) { r->trust.own_certs = own_cert, r->trust.own_certs_len = 1; }

static const struct change {
    const char *name;
    void (*make)(rig *r);
} changes[] = {
    {"host", other_host},
    {"name", other_name},
    {"port", other_port},
    {"user", other_user},
    {"length of the user's name", shorter_user},
    {"security", other_security},
    {"an anchor more", one_more_anchor},
    {"an anchor less", one_anchor_less},
    {"an anchor's modulus", anchor_of_other_modulus},
    {"an anchor's exponent", anchor_of_other_exponent},
    {"an anchor's flags", direct_trust},
    {"an anchor's name", anchor_of_other_name},
    {"an anchor's key", anchor_of_other_key},
    {"an anchor's curve", anchor_of_other_curve},
    {"path length", limited_path},
    {"an anchor's length", shorter_entry},
    {"number of the set", later_set},
    {"a set without its name", no_name},
    {"name of the set", other_set},
    {"lookup of keys", looks_up_keys},
    {"place of the anchors", another_place},
    {"a pin", other_pins},
    {"two pins", more_pins},
    {"profile", other_profile},
    {"smaller buffer", smaller_buffer},
    {"larger buffer", larger_buffer},
    {"fragment", other_fragment},
    {"no fragment", no_fragment},
    {"clock went back", clock_went_back},
    {"a day later", a_day_later},
    {"a server's own certificate", own_certificate},
};

static void init_for_change(rig *r) {
    rig_init(r, TLS_HOST, POPCL_TLS);
    anchors[0] = anchors[1] = anchors[2] = *pki_anchor();
    for (unsigned i = 0; i < 2; i++)
        anchors[i].entry = entries[i];
    memcpy(entries[0], pki_anchor()->entry, pki_anchor()->entry_len);
    memset(entries[1], 0, sizeof entries[1]);
    memcpy(entries[1], "\1\1\377\3\1\0", 6);
    anchors[1].entry_len = 12 + 256 + 3;
    memcpy(two_pins[0], pki_pin(), POPCL_PIN_LEN);
    memset(two_pins[1], 7, POPCL_PIN_LEN);
    r->trust.pins = (const unsigned char(*)[POPCL_PIN_LEN])two_pins;
    r->trust.anchors = anchors;
    r->trust.anchors_len = 2;
    r->trust.set = set_name;
    r->tls.name = PKI_HOST;
    r->cfg.session.iobuf_len = POPCL_IOBUF_SIZE(1024);
    keep_one(r);
}

/* [D47] to anything else it is not offered, and it is gone: what comes back finds nothing either */
static void offered_where_it_was_made_and_nowhere_else(void **state) {
    static rig r;
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        init_for_change(&r);
        popcl_resumable kept = r.kept;
        changes[i].make(&r);
        popcl_err e = rig_run(&r, 100000, NULL);
        if (e && popcl_err_class(e) != POPCL_CLASS_CERT)
            fail_msg("%s: %s", changes[i].name, popcl_err_name(e));
        if (r.sessions.asked || offered(&r)) fail_msg("offered to another: %s", changes[i].name);
        if (holds(&r.kept, sizeof r.kept, kept.secret, sizeof kept.secret))
            fail_msg("still there: %s", changes[i].name);
        if (is_kept(&r) && memcmp(kept.binding, r.kept.binding, sizeof kept.binding) == 0 &&
            r.tls.utc_s == PKI_NOW)
            fail_msg("not part of the binding: %s", changes[i].name);
    }
    init_for_change(&r); /* and this is no change */
    r.tls.name = NULL;
    r.cfg.session.port = 995;
    r.tls.utc_s = PKI_NOW + 86399;
    assert_int_equal(rig_run(&r, 100000, NULL), POPCL_OK);
    assert_int_equal(offered(&r), 32);
    assert_int_equal(r.sessions.resumed, 1);
    rig_free(&r);
}

/* [D47 H23] a signed set is part of it by its whole index, and by its number. The same set in
 * another place is the same. */
static void bound_to_a_signed_set(void **state) {
    static rig r;
    static unsigned char octets[2][2000];
    blob_pin pins[2] = {{{0}, 0, 65535}, {"another", 0, 65535}};
    memcpy(pins[0].hash, pki_pin(), POPCL_PIN_LEN);
    (void)state;
    for (unsigned change = 0; change < 5; change++) {
        popcl_blob blob[2];
        blob_place places[2];
        popcl_blob_policy policy = blob_policy();
        blob_wish wish = {.made_s = PKI_NOW - 1000,
                          .anchors = pki_anchor(),
                          .anchors_len = 1,
                          .pins = pins,
                          .pins_len = 1};
        for (unsigned i = 0; i < 2; i++) {
            if (i && change == 1) pins[0].until--;
            if (i && change == 2) wish.pins_len++;
            if (i && change == 3) wish.sequence++;
            if (i && change == 4) wish.pins_len = 0;
            places[i] = (blob_place){.octets = octets[i], .len = blob_make(octets[i], &wish)};
            assert_int_equal(popcl_blob_open(&blob[i], &policy, blob_place_read, &places[i],
                                             (uint32_t)places[i].len),
                             POPCL_OK);
        }
        pins[0].until = 65535;
        rig_init(&r, TLS_HOST, POPCL_TLS);
        r.tls.trust = &blob[0].trust;
        keep_one(&r);
        r.tls.trust = &blob[1].trust;
        assert_int_equal(rig_run(&r, 100000, NULL), POPCL_OK);
        assert_int_equal(offered(&r), change ? 0 : 32);
        assert_int_equal(r.sessions.resumed, !change);
    }
    rig_free(&r);
}

/* Being resumed makes a session no younger, and the certificate's end is one, too. */
static void age(void **state) {
    static rig r;
    popcl_tls_diag d;
    (void)state;
    rig_init(&r, TLS_HOST, POPCL_TLS);
    keep_one(&r);
    for (int hour = 1; hour < 24; hour++) {
        r.tls.utc_s = PKI_NOW + hour * 3600;
        keep_one(&r);
        assert_int_equal(r.sessions.resumed, hour);
    }
    r.tls.utc_s = PKI_NOW + 86400;
    keep_one(&r);
    assert_int_equal(offered(&r), 0);
    rig_init(&r, TLS_HOST, POPCL_TLS);
    assert_int_equal(rig_run(&r, 100000, &d), POPCL_OK);
    r.tls.utc_s = d.not_after - 100;
    keep_one(&r);
    r.tls.utc_s = d.not_after;
    keep_one(&r);
    assert_int_equal(offered(&r), 32);
    r.tls.utc_s = d.not_after + 1;
    assert_int_equal(rig_run(&r, 100000, NULL), POPCL_ERR_CERT_EXPIRED);
    assert_int_equal(offered(&r), 0);
    assert_false(is_kept(&r));
    rig_free(&r);
}

/* `pinned` needs no clock, and keeps no session without one */
static void pinned_without_a_clock(void **state) {
    static rig r;
    static const int64_t unknown[] = {INT64_MIN,    -1,       0, 1, 86400, POPCL_CLOCK_FLOOR_S - 1,
                                      253402300800, INT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        rig_init(&r, TLS_PINNED, POPCL_TLS);
        r.tls.utc_s = unknown[i];
        for (int again = 0; again < 2; again++) {
            assert_int_equal(rig_run(&r, 100000, NULL), POPCL_OK);
            assert_int_equal(offered(&r), 0);
            assert_false(is_kept(&r));
        }
        r.tls.utc_s = PKI_NOW;
        keep_one(&r);
        r.tls.utc_s = unknown[i];
        assert_int_equal(rig_run(&r, 100000, NULL), POPCL_OK);
        assert_int_equal(offered(&r), 0);
        assert_false(is_kept(&r));
    }
    rig_free(&r);
}

/* Whom an anchors' list of thousands concerns is one of them: every one counts. */
static void every_anchor_counts(void **state) {
    static rig r;
    static popcl_anchor many[100];
    (void)state;
    for (size_t i = 0; i < 100; i += 33) {
        for (size_t k = 0; k < 100; k++)
            many[k] = *pki_anchor();
        rig_init(&r, TLS_HOST, POPCL_TLS);
        r.trust.anchors = many;
        r.trust.anchors_len = 100;
        keep_one(&r);
        many[i].name[0]++;
        (void)rig_run(&r, 100000, NULL);
        assert_int_equal(offered(&r), 0);
    }
    rig_free(&r);
}

static void needs_its_code(void **state) {
    static rig r;
    static const popcl_resumable zero;
    (void)state;
    rig_init(&r, TLS_HOST, POPCL_TLS);
    r.tls.resumption = NULL;
    assert_int_equal(rig_start(&r), POPCL_ERR_ARGUMENT);
    assert_memory_equal(&r.kept, &zero, sizeof zero);
    r.tls.resumption = &popcl_tls_resumption;
    r.tls.resume = NULL;
    for (int again = 0; again < 2; again++) {
        assert_int_equal(rig_run(&r, 100000, NULL), POPCL_OK);
        assert_int_equal(offered(&r), 0);
    }
    rig_free(&r);
}

static unsigned done(void *ctx, uint32_t tag, const popcl_reply *reply) {
    (void)ctx, (void)tag, (void)reply;
    return 0;
}

static unsigned ready(void *ctx) {
    (void)ctx;
    return 0;
}

/* A session without a job needs no host where the certificate's name is given. */
static void a_session_with_a_name_alone(void **state) {
    static rig r;
    static const popcl_events events = {.done = done, .ready = ready};
    popcl session;
    (void)state;
    rig_init(&r, TLS_HOST, POPCL_TLS);
    r.tls.name = PKI_HOST;
    popcl_config cfg = {.iobuf = r.iobuf,
                        .iobuf_len = sizeof r.iobuf,
                        .security = POPCL_TLS,
                        .tls = &r.tls,
                        .seed = &r.seed};
    assert_int_equal(popcl_start(&session, &cfg, &events, NULL, 0), POPCL_OK);
    popcl_wipe(&session);
    rig_free(&r);
}

/* ---- what a server makes of it ---- */

/* A server that has forgotten shakes hands in full: its certificate is judged as ever, and the new
 * session takes the place. */
static void server_has_forgotten(void **state) {
    static rig r;
    popcl_tls_diag d;
    (void)state;
    for (int profile = 0; profile < TLS_PROFILES; profile++) {
        for (uint8_t security = POPCL_TLS; security <= POPCL_STLS; security++) {
            rig_init(&r, (enum tls_profile)profile, security);
            keep_one(&r);
            popcl_resumable kept = r.kept;
            memset(&r.sessions, 0, sizeof r.sessions);
            r.sessions.connections = 7;
            r.tls.utc_s += 60;
            assert_int_equal(rig_run(&r, 1000, &d), POPCL_OK);
            assert_int_equal(offered(&r), 32);
            assert_int_equal(r.sessions.asked, 1);
            assert_int_equal(d.resumed, 0);
            assert_true(d.curve != 0);
            assert_int_equal(r.kept.made_s, PKI_NOW + 60);
            assert_memory_not_equal(r.kept.id, kept.id, 32);
            assert_memory_equal(r.kept.secret, r.master, 48);
            assert_int_equal(rig_run(&r, 1000, &d), POPCL_OK);
            assert_int_equal(d.resumed, 1);
        }
    }
    rig_free(&r);
}

/* [D47 C21 I1] being offered a session makes no bad certificate good */
static void server_has_forgotten_and_shows_a_bad_certificate(void **state) {
    static rig r;
    popcl_tls_diag d;
    (void)state;
    for (int kind = PKI_OTHER_NAME; kind < PKI_KINDS; kind++) {
        rig_init(&r, TLS_HOST, POPCL_TLS);
        keep_one(&r);
        memset(&r.sessions, 0, sizeof r.sessions);
        r.sessions.connections = 7;
        r.setup.certificate = (pki_kind)kind;
        popcl_err e = rig_run(&r, 100000, &d);
        assert_int_equal(offered(&r), 32);
        assert_int_equal(popcl_err_class(e),
                         kind == PKI_OTHER_KEY ? POPCL_CLASS_TLS : POPCL_CLASS_CERT);
        assert_int_equal(d.resumed, 0);
        assert_int_equal(r.server.commands, 0);
        assert_false(is_kept(&r));
    }
    rig_free(&r);
}

/* The one other suite that is offered. */
static void with_other_suite(rig *r) {
    int is_chacha = r->kept.suite == BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
    r->sessions.other_suite = is_chacha ? BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
                                        : BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
    assert_true(is_chacha || r->kept.suite == BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256);
}
static void without_the_key(rig *r) { r->sessions.other_secret = 1; }
static void in_full_under_the_old_number(rig *r) { r->sessions.same_number = 1; }

/* A server that does not hold the session's key, or changes what belongs to it, gets no login, and
 * the next handshake is a full one */
static void server_cheats(void **state) {
    static rig r;
    static void (*const cheats[])(rig * r) = {with_other_suite, without_the_key,
                                              in_full_under_the_old_number};
    (void)state;
    for (size_t i = 0; i < sizeof cheats / sizeof cheats[0]; i++) {
        for (uint8_t security = POPCL_TLS; security <= POPCL_STLS; security++) {
            rig_init(&r, TLS_HOST, security);
            keep_one(&r);
            cheats[i](&r);
            assert_int_equal(popcl_err_class(rig_run(&r, 100, NULL)), POPCL_CLASS_TLS);
            assert_int_equal(r.sessions.asked, 1);
            assert_int_equal(r.server.user_named, 0);
            assert_false(is_kept(&r));
            r.sessions.other_suite = 0;
            r.sessions.other_secret = r.sessions.same_number = 0;
            keep_one(&r);
            assert_int_equal(offered(&r), 0);
        }
    }
    rig_free(&r);
}

/* Nothing is agreed upon before the server spoke: what it refuses then is told as in any handshake,
 * and not as part of the session offered; but that there is no cipher in common is only half the
 * truth where one was offered, and the next handshake offers all. */
static void server_refuses_the_hello(void **state) {
    static const struct {
        unsigned char alert;
        popcl_err results[2]; /* without a kept session, and with one */
    } rows[] = {
        {40, {POPCL_ERR_TLS_ALGORITHMS, POPCL_ERR_RESUME_REFUSED}}, /* handshake_failure */
        {71, {POPCL_ERR_TLS_ALGORITHMS, POPCL_ERR_RESUME_REFUSED}},
        {70, {POPCL_ERR_TLS_VERSION, POPCL_ERR_TLS_VERSION}},
        {80, {POPCL_ERR_TLS_ALERT, POPCL_ERR_TLS_ALERT}},
    };
    static rig r;
    popcl_tls_diag d;
    (void)state;
    for (unsigned i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        unsigned had_one = i & 1;
        char record[] = "\x15\x03\x03\x00\x02\x02?";
        record[6] = (char)rows[i / 2].alert;
        rig_init(&r, TLS_HOST, POPCL_TLS);
        if (had_one) keep_one(&r);
        memset(&r.sessions, 0, sizeof r.sessions);
        r.setup.suite = BR_TLS_RSA_WITH_AES_128_GCM_SHA256; /* which is not offered */
        assert_int_equal(rig_start(&r), POPCL_OK);
        popcl_tls_get_diag(&r.tls, &d);
        assert_int_equal(d.version | d.suite, 0);
        tls_peer_clear(&r.peer, record, 7); /* before the server finds no suite itself */
        while (rig_move(&r, 100000))
            continue;
        assert_int_equal(popcl_result(&r.job.session), rows[i / 2].results[had_one]);
        popcl_tls_get_diag(&r.tls, &d);
        assert_int_equal(offered(&r), had_one ? 32 : 0);
        assert_int_equal(d.version | d.suite | d.resumed, 0);
        assert_int_equal(d.alert, rows[i / 2].alert);
        popcl_fetch_wipe(&r.job);
        assert_false(is_kept(&r));
        r.setup.suite = 0;
        keep_one(&r);
        assert_int_equal(suites_offered(&r, 0), 6);
    }
    rig_free(&r);
}

/* A session without a number is one that the server does not remember. */
static void session_without_a_number(void **state) {
    static rig r;
    (void)state;
    rig_init(&r, TLS_HOST, POPCL_TLS);
    assert_int_equal(rig_start(&r), POPCL_OK);
    while (!r.was_up)
        assert_true(rig_move(&r, 100000));
    r.storage.session.ssl.eng.session.session_id_len =
        0; /* as the ServerHello would have said it */
    while (rig_move(&r, 100000))
        continue;
    assert_int_equal(popcl_result(&r.job.session), POPCL_OK);
    popcl_fetch_wipe(&r.job);
    assert_false(is_kept(&r));
    rig_free(&r);
}

/* A saved form can be of a library whose profile had another suite. Every suite is then offered,
 * and no session. */
static void session_of_a_suite_that_the_profile_does_not_have(void **state) {
    static const uint16_t suites[] = {0, 0xffff, BR_TLS_RSA_WITH_AES_128_GCM_SHA256};
    unsigned char saved[POPCL_RESUME_LEN];
    static rig r;
    (void)state;
    rig_init(&r, TLS_HOST, POPCL_TLS);
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        keep_one(&r);
        r.kept.suite = suites[i];
        popcl_resume_save(&r.kept, saved);
        assert_int_equal(popcl_resume_restore(&r.kept, saved, sizeof saved), POPCL_OK);
        keep_one(&r);
        assert_int_equal(offered(&r), 0);
        assert_int_equal(suites_offered(&r, 0), 6);
        keep_one(&r);
        assert_int_equal(offered(&r), 32); /* the new one */
    }
    rig_free(&r);
}

/* A server that does not say the fragment length again still keeps to it: it belongs to the session
 * (RFC 6066, 4). What was ignored stays so. */
static void fragment_length_stays(void **state) {
    static rig r;
    popcl_tls_diag d;
    (void)state;
    for (int ignored = 0; ignored < 2; ignored++) {
        rig_init(&r, TLS_HOST, POPCL_TLS);
        r.cfg.session.iobuf_len = POPCL_IOBUF_SIZE(4096);
        r.setup.ignores_fragment = ignored;
        keep_one(&r);
        assert_int_equal(rig_run(&r, 100000, &d), POPCL_OK);
        assert_int_equal(d.resumed, 1);
        assert_int_equal(d.fragment_asked, 4096);
        assert_int_equal(r.kept.fragment,
                         ignored ? POPCL_FRAGMENT_IGNORED : POPCL_FRAGMENT_GRANTED);
        assert_int_equal(rig_start(&r), POPCL_OK);
        while (rig_move(&r, 100000))
            continue;
        r.storage.session.fragment =
            POPCL_FRAGMENT_IGNORED; /* a server that is silent about it the second time */
        popcl_tls_get_diag(&r.tls, &d);
        assert_int_equal(d.resumed, 1);
        assert_int_equal(d.fragment, r.kept.fragment);
        popcl_fetch_wipe(&r.job);
    }
    rig_free(&r);
}

/* ---- what ends it ---- */

/* [E6] the server refuses the login: nothing is kept, and what was is gone */
static void login_refused(void **state) {
    static rig r;
    (void)state;
    for (int had_one = 0; had_one < 2; had_one++) {
        rig_init(&r, TLS_HOST, POPCL_TLS);
        if (had_one) keep_one(&r);
        r.server.password = "another";
        assert_int_equal(rig_run(&r, 100000, NULL), POPCL_ERR_AUTH);
        assert_int_equal(r.sessions.resumed, had_one);
        assert_false(is_kept(&r));
    }
    rig_free(&r);
}

/* What is kept when the session is cut off by a wipe, or by the end of the connection, after so
 * many moves. Nothing was said to a server before the ClientHello left: until then it stays, and
 * once the login has succeeded. */
static void cut_off_anywhere(void **state) {
    static rig r;
    (void)state;
    for (uint8_t security = POPCL_TLS; security <= POPCL_STLS; security++) {
        for (int wiped = 0; wiped < 2; wiped++) {
            int was_kept = 0, was_gone = 0;
            for (unsigned at = 0;; at++) {
                unsigned moves = 0;
                rig_init(&r, TLS_HOST, security);
                keep_one(&r);
                popcl_resumable kept = r.kept;
                assert_int_equal(rig_start(&r), POPCL_OK);
                while (moves < at && rig_move(&r, 100))
                    moves++;
                if (moves < at) break;
                int is_said = r.job.session.link.ops != &popcl_link_clear,
                    stays = r.kept.state == kept.state;
                if (is_said && stays) assert_true(r.server.logged_in);
                if (!is_said) assert_true(stays);
                if (!wiped) popcl_recv_eof(&r.job.session);
                popcl_fetch_wipe(&r.job);
                if (stays)
                    assert_memory_equal(&r.kept, &kept, sizeof kept);
                else
                    assert_false(is_kept(&r));
                was_kept |= stays && is_said;
                was_gone |= !stays;
                check_no_secret(&r);
            }
            popcl_fetch_wipe(&r.job);
            assert_true(was_kept && was_gone);
        }
    }
    rig_free(&r);
}

/* RFC 5246, 7.2.2: after a fatal alert a session is not resumed, whoever sent it and whenever */
static void error_of_tls_after_login(void **state) {
    static rig r;
    (void)state;
    for (int how = 0; how < 4; how++) {
        rig_init(&r, TLS_HOST, POPCL_TLS);
        keep_one(&r);
        assert_int_equal(rig_start(&r), POPCL_OK);
        while (!r.server.logged_in || !(r.job.session.phase & POPCL_IN_TRANSACTION))
            assert_true(rig_move(&r, 100000));
        assert_true(is_kept(&r));
        if (how == 0) r.peer.corrupt = 1;
        if (how == 1) tls_peer_alert(&r.peer, TLS_FATAL, 40);
        if (how == 2) tls_peer_record(&r.peer, 99, "x", 1);
        /* asks for a handshake, which must be answered, and begins more */
        if (how == 3) tls_peer_record(&r.peer, TLS_HANDSHAKE, "\0\0\0\0\0", 5);
        while (rig_move(&r, 100000))
            continue;
        assert_int_equal(popcl_err_class(popcl_result(&r.job.session)), POPCL_CLASS_TLS);
        assert_false(is_kept(&r));
        popcl_fetch_wipe(&r.job);
    }
    rig_free(&r);
}

/* [J8] a job that is refused at its start has touched nothing, and a session that could be resumed
 * stands for no seed. */
static void refused_start(void **state) {
    static rig r;
    popcl_tls_diag d;
    (void)state;
    rig_init(&r, TLS_HOST, POPCL_TLS);
    keep_one(&r);
    popcl_resumable kept = r.kept;
    r.cfg.session.seed = NULL;
    assert_int_equal(rig_start(&r), POPCL_ERR_SEED);
    popcl_tls_get_diag(&r.tls, &d);
    assert_int_equal(d.version | d.suite | d.resumed, 0);
    r.cfg.session.seed = &r.seed;
    r.tls.utc_s = -1;
    assert_int_equal(rig_start(&r), POPCL_ERR_CLOCK_UNKNOWN);
    r.tls.utc_s = POPCL_CLOCK_FLOOR_S - 1;
    assert_int_equal(rig_start(&r), POPCL_ERR_CLOCK_NOT_SET);
    popcl_fetch_wipe(&r.job);
    assert_memory_equal(&r.kept, &kept, sizeof kept);
    r.tls.utc_s = PKI_NOW;
    keep_one(&r);
    assert_int_equal(offered(&r), 32);
    rig_free(&r);
}

/* The session before is wiped late, when the next one runs and has offered what it found: it is
 * kept all the same. */
static void late_wipe(void **state) {
    static rig r;
    static popcl_fetch first;
    static popcl_tls_host_storage storage;
    static unsigned char iobuf[541], plan[400];
    popcl_fetch_config cfg;
    popcl_tls tls;
    (void)state;
    rig_init(&r, TLS_HOST, POPCL_TLS);
    keep_one(&r);
    cfg = r.cfg;
    tls = r.tls;
    cfg.session.tls = &tls;
    cfg.session.iobuf = iobuf;
    cfg.plan = plan;
    tls.storage = &storage;
    assert_int_equal(popcl_fetch_start(&first, &cfg, 0), POPCL_OK);
    popcl_connected(&first.session, 0);
    popcl_fail(&first.session, POPCL_ERR_NET, 0);
    assert_false(is_kept(&r));
    keep_one(&r);
    assert_int_equal(rig_start(&r), POPCL_OK);
    popcl_fetch_wipe(&first);
    while (rig_move(&r, 100000))
        continue;
    assert_int_equal(popcl_result(&r.job.session), POPCL_OK);
    popcl_fetch_wipe(&r.job);
    assert_true(is_kept(&r));
    rig_free(&r);
}

/* ---- again and again ---- */

/* [I-6] 300 polls with one handshake: through the form for flash each time, which does not change
 */
static void three_hundred_in_a_row(void **state) {
    static rig r;
    unsigned char blob[POPCL_RESUME_LEN], before[POPCL_RESUME_LEN];
    popcl_tls_diag d;
    (void)state;
    rig_init(&r, TLS_PUBLIC, POPCL_TLS);
    keep_one(&r);
    popcl_resume_save(&r.kept, before);
    unsigned to_client = 0, to_server = 0;
    for (int i = 0; i < 300; i++) {
        assert_int_equal(popcl_resume_restore(&r.kept, before, sizeof before), POPCL_OK);
        r.tls.utc_s++;
        assert_int_equal(rig_run(&r, 100000, &d), POPCL_OK);
        assert_int_equal(d.resumed, 1);
        assert_int_equal(r.stored, 1);
        popcl_resume_save(&r.kept, blob);
        assert_memory_equal(blob, before, sizeof blob);
        if (i == 0) to_client = r.to_client, to_server = r.to_server;
        assert_int_equal(r.to_client, to_client);
        assert_int_equal(r.to_server, to_server);
    }
    assert_int_equal(r.sessions.resumed, 300);
    assert_int_equal(r.sessions.n, 1);
    rig_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_session_is_resumed),
        cmocka_unit_test(offered_where_it_was_made_and_nowhere_else),
        cmocka_unit_test(bound_to_a_signed_set),
        cmocka_unit_test(age),
        cmocka_unit_test(pinned_without_a_clock),
        cmocka_unit_test(every_anchor_counts),
        cmocka_unit_test(needs_its_code),
        cmocka_unit_test(a_session_with_a_name_alone),
        cmocka_unit_test(server_has_forgotten),
        cmocka_unit_test(server_has_forgotten_and_shows_a_bad_certificate),
        cmocka_unit_test(server_cheats),
        cmocka_unit_test(server_refuses_the_hello),
        cmocka_unit_test(session_without_a_number),
        cmocka_unit_test(session_of_a_suite_that_the_profile_does_not_have),
        cmocka_unit_test(fragment_length_stays),
        cmocka_unit_test(login_refused),
        cmocka_unit_test(cut_off_anywhere),
        cmocka_unit_test(error_of_tls_after_login),
        cmocka_unit_test(refused_start),
        cmocka_unit_test(late_wipe),
        cmocka_unit_test(three_hundred_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
