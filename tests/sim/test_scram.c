/* SPDX-License-Identifier: MIT */
/* test_scram - jobs that log in with SCRAM, against a server side that is made here of HMAC alone.
 * In clear text: sessions that end at each step of the login, after which no secret is left in any
 * memory. In TLS: channel binding, with each profile, and in a resumed session. */
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
#include "tls_client.h"
#include "tls_peer.h"

#define PASSWORD "correct horse battery staple"
#define SALT     "salt of sixteen."

/* ---- the server side: RFC 5802 ---- */

typedef struct scram_side {
    const br_hash_class *hash;
    size_t len; /* of a hash */
    uint32_t iterations;
    unsigned char salted[32], client_key[32], server_key[32];
    char bare[200], first[400]; /* the client's first message without its header, and ours */
    char header[64];
    char wants_binding[64]; /* the binding that the client has to give, */
    size_t wants_n;
} scram_side;

static void digest_of(const br_hash_class *hash, const void *p, size_t n, unsigned char *out) {
    br_hash_compat_context h;
    hash->init(&h.vtable);
    hash->update(&h.vtable, p, n);
    hash->out(&h.vtable, out);
}

static void mac(const br_hash_class *hash, const void *key, size_t key_len, const void *p, size_t n,
                unsigned char *out) {
    br_hmac_key_context k;
    br_hmac_context h;
    br_hmac_key_init(&k, hash, key, key_len);
    br_hmac_init(&h, &k, 0);
    br_hmac_update(&h, p, n);
    br_hmac_out(&h, out);
}

static void side_init(scram_side *s, const br_hash_class *hash, size_t len, uint32_t iterations) {
    unsigned char u[32], block[sizeof SALT + 3] = SALT;
    memset(s, 0, sizeof *s);
    s->hash = hash;
    s->len = len;
    s->iterations = iterations;
    memcpy(block + sizeof SALT - 1, "\0\0\0\1", 4);
    mac(hash, PASSWORD, sizeof PASSWORD - 1, block, sizeof block, u);
    memcpy(s->salted, u, len);
    for (uint32_t i = 1; i < iterations; i++) {
        mac(hash, PASSWORD, sizeof PASSWORD - 1, u, len, u);
        for (size_t k = 0; k < len; k++)
            s->salted[k] ^= u[k];
    }
    mac(hash, s->salted, len, "Client Key", 10, s->client_key);
    mac(hash, s->salted, len, "Server Key", 10, s->server_key);
}

static void to_base64(const void *p, size_t n, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *o = p;
    for (; n; n -= n < 3 ? n : 3, o += 3) {
        unsigned v = (unsigned)o[0] << 16 | (n > 1 ? (unsigned)o[1] << 8 : 0) | (n > 2 ? o[2] : 0);
        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        *out++ = n > 1 ? digits[v >> 6 & 63] : '=';
        *out++ = n > 2 ? digits[v & 63] : '=';
    }
    *out = 0;
}

/* Returns the number of bytes. */
static size_t from_base64(const char *text, unsigned char *out) {
    unsigned v = 0, bits = 0;
    size_t n = 0;
    for (; *text && *text != '=' && *text != '\r'; text++) {
        unsigned c = (unsigned char)*text;
        unsigned digit = c >= 'a'   ? c - 'a' + 26
                         : c >= 'A' ? c - 'A'
                         : c == '+' ? 62
                         : c == '/' ? 63
                                    : c - '0' + 52;
        v = v << 6 | digit;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        out[n++] = (unsigned char)(v >> bits);
    }
    out[n] = 0;
    return n;
}

static void challenge_of(const char *text, char *line) {
    strcpy(line, "+ ");
    to_base64(text, strlen(text), line + 2);
    strcat(line, "\r\n");
}

/* The client's AUTH -> the line with our first message. */
static void side_first(scram_side *s, const char *auth, char *line) {
    unsigned char text[400];
    char salt[40];
    from_base64(strrchr(auth, ' ') + 1, text);
    char *bare = strstr((char *)text, "n=user");
    assert_non_null(bare);
    snprintf(s->bare, sizeof s->bare, "%s", bare);
    snprintf(s->header, sizeof s->header, "%.*s", (int)(bare - (char *)text), (char *)text);
    to_base64(SALT, sizeof SALT - 1, salt);
    snprintf(s->first, sizeof s->first, "r=%sserver's,s=%s,i=%lu", strstr(bare, "r=") + 2, salt,
             (unsigned long)s->iterations);
    challenge_of(s->first, line);
}

/* The client's last message -> the line with our proof. Returns 0 if the client's is wrong. */
static int side_last(const scram_side *s, const char *response, char *line) {
    char text[500], all[1200], proof[60] = "v=";
    unsigned char stored[32], signature[32], given[64], binding[128], key[32];
    text[from_base64(response, (unsigned char *)text)] = 0;
    char *p = strstr(text, ",p=");
    assert_non_null(p);
    *p = 0;
    assert_int_equal(from_base64(p + 3, given), s->len);
    /* the binding: the header, and then the hash */
    size_t header = strlen(s->header), n = from_base64(text + 2, binding);
    *strchr(strcpy(all, text), ',') = 0;
    if (strchr(all, '=') != all + 1) return 0;
    n = from_base64(all + 2, binding);
    if (n != header + s->wants_n || memcmp(binding, s->header, header) != 0 ||
        memcmp(binding + header, s->wants_binding, s->wants_n) != 0)
        return 0;
    snprintf(all, sizeof all, "%s,%s,%s", s->bare, s->first, text);
    digest_of(s->hash, s->client_key, s->len, stored);
    mac(s->hash, stored, s->len, all, strlen(all), signature);
    for (size_t i = 0; i < s->len; i++)
        key[i] = signature[i] ^ s->client_key[i];
    if (memcmp(key, given, s->len) != 0) return 0;
    mac(s->hash, s->server_key, s->len, all, strlen(all), signature);
    to_base64(signature, s->len, proof + 2);
    challenge_of(proof, line);
    return 1;
}

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
    side_first(&side, last_line(), line);
    STEP;
    hand_say(&h, line);
    while (popcl_state(h.s) & POPCL_COMPUTING) {
        STEP;
        let_it_compute(1);
    }
    STEP;
    assert_true(side_last(&side, last_line(), line));
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
        side_init(&side, rows[i].hash, rows[i].len, 4096);
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
    digest_of(&br_sha256_vtable, cert->data, cert->data_len, (unsigned char *)side.wants_binding);
    side.wants_n = 32;
    if (flip) side.wants_binding[flip % 32] ^= (char)(1 << flip % 8);
    secure_start(profile, auth, kept);
    say("+OK\r\n");
    side_first(&side, heard(), line);
    assert_string_equal(side.header, "p=tls-server-end-point,,");
    say(line);
    if (side_last(&side, heard(), line)) {
        say(line);
        assert_string_equal(heard(), "");
        say("+OK\r\n");
        assert_string_equal(heard(), "STAT");
        say("+OK 0 0\r\n");
        assert_string_equal(heard(), "QUIT");
        say("+OK\r\n");
    } else {
        challenge_of("e=channel-bindings-dont-match", line);
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
            side_init(&side, &br_sha256_vtable, 32, 4096);
            assert_int_equal(bound_session((enum tls_profile)profile, POPCL_AUTH_SCRAM_SHA_256_PLUS,
                                           kinds[k], 0, NULL),
                             POPCL_OK);
        }
        side_init(&side, &br_sha1_vtable, 20, 4096);
        assert_int_equal(bound_session((enum tls_profile)profile, POPCL_AUTH_SCRAM_SHA_1_PLUS,
                                       PKI_RIGHT, 0, NULL),
                         POPCL_OK);
    }
}

static void another_certificate_is_noticed(void **state) {
    (void)state;
    side_init(&side, &br_sha256_vtable, 32, 4096);
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
    side_init(&side, &br_sha256_vtable, 32, 4096);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_end_leaves_a_secret),
        cmocka_unit_test(the_login_is_bound_to_the_certificate),
        cmocka_unit_test(another_certificate_is_noticed),
        cmocka_unit_test(a_resumed_session_is_bound_too),
    };
    return cmocka_run_group_tests_name("scram", tests, NULL, NULL);
}
