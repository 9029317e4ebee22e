/* SPDX-License-Identifier: MIT */
/* count - runs on a core in QEMU without a network. One job fetches one message from a server in
 * the same program, and the instructions of the client's calls alone are counted.
 *
 *     count CHAIN tls|stls|resumed|clear chacha|gcm OCTETS [calls]
 *
 * With `resumed` the second job of two counts, whose POP3S session is that of the first. With
 * `calls` more jobs follow, each with one call that a good day does not need: they give the stack
 * of every call. Prints figures, a name and a number a line, and exits 0 if the mail came whole. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "peer.h"
#include "popcl_fetch.h"
#include "popcl_seen.h"
#include "popcl_tls.h"

#ifndef PROFILE
#define PROFILE public
#endif
#define JOINED(a, b) a##b
#define NAMED(a, b)  JOINED(a, b)
#define PROFILE_OF   NAMED(popcl_tls_, PROFILE)
#define STORAGE_OF   NAMED(PROFILE_OF, _storage)

/* ---- the instruments ---- */

#define STACK_WORDS 4096u /* how deep the stack is looked at */

enum phase { HANDSHAKE, SESSION, PHASES };

#define CALLS(x)                                                                                   \
    x(fetch_start) x(connected) x(state) x(send_buf) x(send_ack) x(recv_buf) x(recv_ack)           \
        x(send_failed) x(recv_eof) x(tick) x(resume) x(next_deadline) x(stop) x(fail) x(result)    \
            x(fetch_get_diag) x(fetch_wipe) x(tls_get_diag) x(seen_init) x(seen_get) x(seen_put)   \
                x(seen_listed) x(seen_each) x(seen_save) x(seen_load) x(seen_move) x(resume_save)  \
                    x(resume_restore)
#define NUMBERED(name) CALL_##name,
#define QUOTED(name)   "popcl_" #name,
enum call { CALLS(NUMBERED) CALLS_LEN };
static const char *const call_names[] = {CALLS(QUOTED)};

static struct {
    uint32_t began;           /* ticks at the start of the counted call */
    uint32_t breathed;        /* ticks at that, or at the last breathe */
    uint64_t ticks[PHASES];   /* of the client */
    uint32_t longest[PHASES]; /* ticks without breathe */
    uint32_t stack[PHASES];   /* octets */
    uint32_t call_stack[CALLS_LEN];
    volatile uint32_t *floor; /* the deepest word that is painted */
    uint32_t breaths;
    enum phase phase;
    uint64_t body_from, body_to; /* ticks of the session when the first and the last octets of the
                                    body reached the sink */
    uint32_t body;               /* octets between the two */
} meter;

static void breathe(void *ctx) {
    (void)ctx;
    uint32_t t = core_now();
    if (t - meter.breathed > meter.longest[meter.phase])
        meter.longest[meter.phase] = t - meter.breathed;
    meter.breathed = t;
    meter.breaths++;
}

static void count_from_here(uint32_t *sp) {
    meter.floor = core_paint(sp, STACK_WORDS);
    meter.began = meter.breathed = core_now();
}

static void count_to_here(enum call call) {
    uint32_t t = core_now(), octets = core_used(meter.floor, STACK_WORDS);
    meter.ticks[meter.phase] += t - meter.began;
    if (t - meter.breathed > meter.longest[meter.phase])
        meter.longest[meter.phase] = t - meter.breathed;
    if (octets > meter.stack[meter.phase]) meter.stack[meter.phase] = octets;
    if (octets > meter.call_stack[call]) meter.call_stack[call] = octets;
}

/* name: without popcl_. */
#define COUNTED(name, assigned, arguments)                                                         \
    (count_from_here(core_stack_pointer()), assigned popcl_##name arguments,                       \
     count_to_here(CALL_##name))

/* Starts the clock and looks whether it is right: 1,000,000 turns of three instructions. */
static int clock_is_right(void) {
    core_start_clock();
    uint32_t from = core_now();
    core_count_down(1000000);
    uint32_t n = core_instructions(core_now() - from);
    return n >= 3000000 && n < 3000020;
}

/* ---- the device ---- */

/* What happens in the middle of the message. */
enum twist { NONE, PAUSE, STOP, FAIL, RECV_EOF, SEND_FAILED, LATE, TWISTS };

static struct {
    uint32_t octets, middle;
    enum twist twist;
    int wrong, stored;
} mail;

static int begin(void *ctx, const popcl_msg *m) {
    (void)ctx, (void)m;
    return 0;
}

static uint64_t spent(void) { return meter.ticks[SESSION] + (core_now() - meter.began); }

/* A sink that only counts; what is checked of the octets is taken off the bill. */
static int data(void *ctx, const void *p, size_t n) {
    (void)ctx;
    uint32_t t = core_now();
    if (mail.twist == PAUSE && mail.octets >= mail.middle) return mail.twist = NONE, 0;
    meter.body_to = spent();
    if (!mail.octets) meter.body_from = meter.body_to;
    meter.body = mail.octets;
    for (size_t i = 0; i < n; i++)
        mail.wrong |= ((const unsigned char *)p)[i] != peer_octet(mail.octets + (uint32_t)i);
    mail.octets += (uint32_t)n;
    t = core_now() - t;
    meter.began += t;
    meter.breathed += t;
    return (int)n;
}

static int commit(void *ctx) {
    (void)ctx;
    mail.stored++;
    return 0;
}

static void cut(void *ctx, popcl_err why) { (void)ctx, (void)why; }

/* ---- trust ---- */

static struct {
    popcl_anchor anchor;
    br_x509_decoder_context decoder;
    br_sha256_context name;
    unsigned char entry[POPCL_ANCHOR_ROOM];
} root;

static void append_name(void *ctx, const void *p, size_t n) {
    (void)ctx;
    br_sha256_update(&root.name, p, n);
}

/* A modulus may come with leading zeros: popcl passes over them. */
static void load_root(const peer_chain *chain) {
    unsigned char hash[32], *to = root.entry;
    br_sha256_init(&root.name);
    br_x509_decoder_init(&root.decoder, append_name, NULL);
    br_x509_decoder_push(&root.decoder, chain->root.octets, chain->root.len);
    const br_x509_pkey *key = br_x509_decoder_get_pkey(&root.decoder);
    if (!key) exit(4);
    int is_rsa = key->key_type == BR_KEYTYPE_RSA;
    size_t e_len = is_rsa ? key->key.rsa.elen : 0,
           key_len = is_rsa ? key->key.rsa.nlen : key->key.ec.qlen;
    if (12 + key_len + e_len > sizeof root.entry) exit(3);
    to[0] = is_rsa ? 1 : (unsigned char)key->key.ec.curve;
    to[1] = POPCL_ANCHOR_CA;
    to[2] = POPCL_PATH_ANY;
    to[3] = (unsigned char)e_len;
    to[4] = (unsigned char)(key_len >> 8);
    to[5] = (unsigned char)key_len;
    memcpy(to + 12, is_rsa ? key->key.rsa.n : key->key.ec.q, key_len);
    if (is_rsa) memcpy(to + 12 + key_len, key->key.rsa.e, e_len);
    br_sha256_out(&root.name, hash);
    memcpy(root.anchor.name, hash, sizeof root.anchor.name);
    root.anchor.entry = root.entry;
    root.anchor.entry_len = (uint16_t)(12 + key_len + e_len);
}

/* ---- the run ---- */

static popcl_fetch job;
static STORAGE_OF storage;
static unsigned char iobuf[POPCL_IOBUF_SIZE(512)], plan[POPCL_PLAN_MIN];
static peer server;
static popcl_resumable kept;
static int keeps; /* the job may resume what is kept, and keeps its own */

/* Octets from the client to the server and back, and time. Returns 0 when nothing moved. */
static size_t turn(uint32_t ms) {
    size_t n = 0, room = 0, moved = 0;
    const unsigned char *from;
    unsigned char *to;
    COUNTED(send_buf, from =, (&job.session, &n));
    to = peer_recv_buf(&server, &room);
    if (from && to && n && room) {
        n = n < room ? n : room;
        memcpy(to, from, n);
        COUNTED(send_ack, , (&job.session, n));
        peer_recv_ack(&server, n);
        moved += n;
    }
    if (server.secure) meter.phase = SESSION;
    from = peer_send_buf(&server, &n);
    COUNTED(recv_buf, to =, (&job.session, &room));
    if (from && to && n && room) {
        n = n < room ? n : room;
        memcpy(to, from, n);
        peer_send_ack(&server, n);
        COUNTED(recv_ack, , (&job.session, n));
        moved += n;
    }
    COUNTED(tick, , (&job.session, ms));
    return moved;
}

/* What a caller asks between two turns, and the one thing that happens to this job. */
static void between(void) {
    unsigned now_possible;
    uint32_t ms;
    COUNTED(state, now_possible =, (&job.session));
    COUNTED(next_deadline, ms =, (&job.session));
    (void)ms;
    if (now_possible & POPCL_PAUSED) COUNTED(resume, , (&job.session));
    if (mail.octets < mail.middle || mail.twist == NONE || mail.twist == PAUSE) return;
    if (mail.twist == STOP) COUNTED(stop, , (&job.session));
    if (mail.twist == FAIL) COUNTED(fail, , (&job.session, POPCL_ERR_NET, 0));
    if (mail.twist == RECV_EOF) COUNTED(recv_eof, , (&job.session));
    if (mail.twist == SEND_FAILED) COUNTED(send_failed, , (&job.session));
    if (mail.twist == LATE) COUNTED(tick, , (&job.session, UINT32_MAX / 4));
    mail.twist = NONE;
}

static void say(const char *what, uint32_t n) { printf("%s %lu\n", what, (unsigned long)n); }

/* One job. What stops or fails it in the middle leaves nothing stored; a send that failed is none
 * of the message's business. */
static int fetch(const peer_chain *chain, popcl_security security, int gcm, uint32_t octets,
                 enum twist twist) {
    static const popcl_seed seed = {"32 octets, the same for each run"};
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    const int is_pinned = &PROFILE_OF == &popcl_tls_pinned,
              needs_plan = is_pinned || security == POPCL_CLEAR;
    popcl_trust trust = {0};
    if (is_pinned)
        trust.pins = &chain->pin, trust.pins_len = 1;
    else
        trust.anchors = &root.anchor, trust.anchors_len = 1;
    popcl_tls tls = {.profile = &PROFILE_OF,
                     .storage = &storage,
                     .storage_len = sizeof storage,
                     .trust = &trust,
                     .utc_s = peer_utc_s,
                     .breathe = breathe,
                     .resume = keeps ? &kept : NULL,
                     .resumption = &popcl_tls_resumption};
    popcl_fetch_config config = {.session.host = PEER_HOST,
                                 .session.security = (uint8_t)security,
                                 .auth = POPCL_AUTH_USER,
                                 .session.user = PEER_USER,
                                 .secret = {.octets = PEER_PASSWORD},
                                 .session.iobuf = iobuf,
                                 .session.iobuf_len = sizeof iobuf,
                                 .plan = needs_plan ? plan : NULL,
                                 .plan_len = needs_plan ? sizeof plan : 0,
                                 .sink = &sink,
                                 .session.tls = security == POPCL_CLEAR ? NULL : &tls,
                                 .session.seed = &seed};
    popcl_err e;
    popcl_diag diag;
    popcl_tls_diag tls_diag;
    uint32_t ms = 0, idle = 0;
    memset(&mail, 0, sizeof mail);
    mail.middle = octets / 2;
    mail.twist = twist;
    if (peer_open(&server, chain,
                  security == POPCL_TLS    ? PEER_TLS
                  : security == POPCL_STLS ? PEER_STLS
                                           : PEER_CLEAR,
                  gcm, octets))
        return 5;
    meter.phase = HANDSHAKE;
    COUNTED(fetch_start, e =, (&job, &config, ms));
    COUNTED(connected, , (&job.session, ms));
    while (e == POPCL_OK && !(popcl_state(&job.session) & POPCL_DONE) && idle < 10) {
        idle = turn(++ms) ? 0 : idle + 1;
        between();
    }
    COUNTED(result, e =, (&job.session));
    COUNTED(fetch_get_diag, , (&job, &diag));
    if (security != POPCL_CLEAR) COUNTED(tls_get_diag, , (&tls, &tls_diag));
    COUNTED(fetch_wipe, , (&job));
    say("result", e);
    say("octets", mail.octets);
    if (security != POPCL_CLEAR) say("resumed", tls_diag.resumed);
    say("server_error", (uint32_t)br_ssl_engine_last_error(&server.ssl.eng));
    say("server_wrong", (uint32_t)server.wrong);
    if (mail.twist != NONE || mail.wrong || server.wrong) return 1;
    return twist == NONE || twist == PAUSE || twist == SEND_FAILED
               ? e || mail.octets != octets || mail.stored != 1
               : mail.stored;
}

/* ---- the set of UIDs ---- */

static struct {
    unsigned char octets[512];
    size_t from, to;
} file;

static int put(void *ctx, const void *p, size_t n) {
    (void)ctx;
    if (n > sizeof file.octets - file.to) return -1;
    memcpy(file.octets + file.to, p, n);
    file.to += n;
    return 0;
}

static int get(void *ctx, void *p, size_t n) {
    (void)ctx;
    if (n > file.to - file.from) return -1;
    memcpy(p, file.octets + file.from, n);
    file.from += n;
    return 0;
}

static unsigned same(void *ctx, unsigned marks) {
    (void)ctx;
    return marks;
}

static int remember(void) {
    static const unsigned char key[16] = "sixteen octets.";
    static unsigned char memory[2][POPCL_SEEN_SIZE(8)];
    popcl_seen one, other;
    popcl_err e[6];
    unsigned marks;
    COUNTED(seen_init, e[0] =, (&one, memory[0], sizeof memory[0], key));
    COUNTED(seen_put, e[1] =, (&one, "a UID", 5, POPCL_SEEN_FETCHED));
    COUNTED(seen_put, e[2] =, (&one, "an older one", 12, POPCL_SEEN_FETCHED));
    COUNTED(seen_listed, , (&one, "a UID", 5));
    COUNTED(seen_listed, , (&one, NULL, 0));
    COUNTED(seen_each, , (&one, same, NULL));
    COUNTED(seen_save, e[3] =, (&one, put, NULL));
    popcl_seen_init(&other, memory[1], sizeof memory[1], key);
    COUNTED(seen_move, e[4] =, (&other, &one));
    COUNTED(seen_load, e[5] =, (&one, get, NULL));
    COUNTED(seen_get, marks =, (&other, "a UID", 5));
    return marks != POPCL_SEEN_FETCHED || popcl_seen_get(&one, "a UID", 5) != marks || e[0] ||
           e[1] || e[2] || e[3] || e[4] || e[5];
}

/* ---- what is kept of a session ---- */

static int keep(void) {
    static popcl_resumable back;
    unsigned char blob[POPCL_RESUME_LEN];
    popcl_err e;
    COUNTED(resume_save, , (&kept, blob));
    COUNTED(resume_restore, e =, (&back, blob, sizeof blob));
    return e != POPCL_OK;
}

static void say_figures(void) {
    say("handshake", core_instructions(meter.ticks[HANDSHAKE]));
    say("handshake_longest", core_instructions(meter.longest[HANDSHAKE]));
    say("handshake_stack", meter.stack[HANDSHAKE]);
    say("breaths", meter.breaths);
    say("session_longest", core_instructions(meter.longest[SESSION]));
    say("session_stack", meter.stack[SESSION]);
    if (meter.body)
        say("per_100_octets",
            (uint32_t)((uint64_t)core_instructions(meter.body_to - meter.body_from) * 100 /
                       meter.body));
}

int main(int argc, char **argv) {
    const peer_chain *chain = NULL;
    int wrong, calls = argc > 1 && !strcmp(argv[argc - 1], "calls");
    argc -= calls;
    if (argc < 5) return 2;
    argv += argc - 4; /* the program's name may be there or not */
    for (size_t i = 0; i < peer_chains_len; i++)
        if (!strcmp(peer_chains[i].name, argv[0])) chain = &peer_chains[i];
    if (!chain) return 2;
    core_be_strict();
    if (!clock_is_right()) return 6;
    keeps = !strcmp(argv[1], "resumed");
    const popcl_security security = !strcmp(argv[1], "stls")           ? POPCL_STLS
                                    : !strcmp(argv[1], "tls") || keeps ? POPCL_TLS
                                                                       : POPCL_CLEAR;
    const int gcm = !strcmp(argv[2], "gcm");
    const uint32_t octets = (uint32_t)strtoul(argv[3], NULL, 10);
    load_root(chain);
    if (keeps && fetch(chain, security, gcm, PEER_LINE, NONE)) return 7;
    memset(&meter, 0, sizeof meter);
    wrong = fetch(chain, security, gcm, octets, NONE);
    say_figures();
    if (!calls) return wrong;
    for (enum twist twist = PAUSE; twist < TWISTS; twist++)
        wrong |= fetch(chain, security, gcm, octets, twist);
    wrong |= remember() | keep();
    for (size_t i = 0; i < CALLS_LEN; i++)
        say(call_names[i], meter.call_stack[i]);
    return wrong;
}
