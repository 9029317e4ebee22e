/* SPDX-License-Identifier: MIT */
/* cases_run - whole sessions of popcl_run over the port, with a POP3 server (tests/sim/server.h)
 * that splits, stalls, resets and ends where it is told: each message reaches the sink whole and
 * once, or not at all. */
#define _DEFAULT_SOURCE
#include "popcl_fetch.h"
#include "suite.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../sim/server.h"

enum { LARGE = 1000000, IOBUF = 2048, PLAN = 512, SESSIONS = 50, STALL_MS = 300, NEVER = 0 };

/* ---- the server ---- */

typedef struct manner {
    size_t chunk;              /* octets in one write at most; 0: no limit */
    uint32_t split_at;         /* before this octet, from 1, it waits a moment */
    uint32_t stall_at;         /* before it nothing more comes */
    uint32_t end_at, reset_at; /* before it the connection ends */
    int reset_behind;          /* right behind its last octet */
    uint32_t stall_ms;         /* with split_at: a moment is so long */
} manner;

static char large_message[LARGE + 1];

static void fill_maildrop(sim_server *s, int large) {
    static const char *const small[] = {"Subject: one\r\n\r\nThe first.\r\n",
                                        "Subject: two\r\n\r\n.dots\r\n..\r\n.\r\n and no more\r\n",
                                        "Subject: three\r\n\r\n\r\n"};
    sim_server_init(s);
    for (size_t i = 0; i < 3; i++)
        sim_server_add(s, i == 0 ? "uid-a" : i == 1 ? "uid-b" : "uid-c", small[i]);
    if (!large) return;
    for (uint32_t i = 0; i < LARGE; i++)
        large_message[i] = i % 76 == 74   ? '\r'
                           : i % 76 == 75 ? '\n'
                                          : (char)('!' + octet_at(i) % 90);
    memcpy(large_message + LARGE - 2, "\r\n", 2);
    sim_server_add(s, "uid-large", large_message);
}

/* Writes what the server says, as its manner is. Returns 0 once the connection is over. */
static int say_all(const peer *p, int fd, sim_server *s, const manner *m, uint32_t *said) {
    unsigned char piece[8192];
    while (sim_server_ready(s)) {
        size_t n = m->chunk && m->chunk < sizeof piece ? m->chunk : sizeof piece;
        const uint32_t marks[] = {m->split_at, m->stall_at, m->end_at, m->reset_at};
        for (size_t i = 0; i < 4; i++) {
            if (marks[i] == 0 || *said + 1 > marks[i]) continue;
            if (*said + 1 < marks[i])
                n = marks[i] - 1 - *said < n ? marks[i] - 1 - *said : n;
            else if (i == 0)
                usleep(m->stall_ms ? m->stall_ms * 1000 : 1000);
            else if (i == 1)
                return peer_expect_end(p, fd, 0), 0;
            else
                return i == 2 ? close(fd) : (peer_reset(fd), 0), 0;
        }
        n = sim_server_give(s, piece, n);
        if (send(fd, piece, n, MSG_NOSIGNAL) != (ssize_t)n) return 0;
        *said += (uint32_t)n;
    }
    return 1;
}

static void drain_and_close(int fd) {
    char piece[512];
    while (recv(fd, piece, sizeof piece, 0) > 0) {}
    close(fd);
}

/* The client, which is held, finds the last octets and the reset behind them, however long the
 * system takes from one to the other. */
static void reset_late(int fd) {
    enum { MOMENT_US = 2000 };
    usleep(MOMENT_US);
    peer_reset(fd);
    usleep(MOMENT_US);
    peer_holds_client(0);
}

/* One session. */
static void serve(const peer *p, sim_server *s, const manner *m) {
    char command[512];
    uint32_t said = 0;
    int fd = peer_accept(p);
    if (m->end_at || m->reset_at) (void)peer_await(p); /* a reset may end even connecting */
    sim_server_connect(s);
    while (say_all(p, fd, s, m, &said)) {
        if (sim_server_closed(s)) {
            if (m->reset_behind)
                reset_late(fd);
            else
                drain_and_close(fd);
            return;
        }
        ssize_t n = recv(fd, command, sizeof command, 0);
        if (n <= 0) break;
        sim_server_take(s, command, (size_t)n);
        if (m->reset_behind && s->quit_seen) peer_holds_client(1);
    }
    close(fd);
}

/* ---- the client ---- */

typedef struct fetched {
    sim_server maildrop; /* what each message must be */
    uint32_t at;         /* octets of the open one */
    uint32_t number;     /* of it; 0: none is open */
    uint32_t whole, cut; /* messages */
    uint32_t pauses, pause_each;
    popcl_fetch job;
    popcl_fetch_config config;
    unsigned char iobuf[IOBUF + 8], plan[PLAN];
} fetched;

static int begin(void *ctx, const popcl_msg *m) {
    fetched *f = ctx;
    f->number = m->number;
    f->at = 0;
    return 0;
}

static int data(void *ctx, const void *p, size_t n) {
    fetched *f = ctx;
    const char *text = f->maildrop.messages[f->number - 1].text;
    if (f->pause_each && ++f->pauses % f->pause_each == 0) return 0;
    must(f->at + n <= strlen(text) && memcmp(text + f->at, p, n) == 0, IN_ORDER,
         "octets are lost, doubled or changed between recv and the transport",
         "message %u is another one somewhere in its octets %u to %u", f->number, f->at,
         f->at + (uint32_t)n);
    f->at += (uint32_t)n;
    return (int)n;
}

static int commit(void *ctx) {
    fetched *f = ctx;
    must(f->at == strlen(f->maildrop.messages[f->number - 1].text), IN_ORDER, "octets are lost",
         "message %u ended at octet %u", f->number, f->at);
    f->number = 0;
    f->whole++;
    return 0;
}

static void cut(void *ctx, popcl_err why) {
    fetched *f = ctx;
    (void)why;
    f->number = 0;
    f->cut++;
}

static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};

static fetched *client(int large) {
    fetched *f = calloc(1, sizeof *f);
    if (!f) abort();
    fill_maildrop(&f->maildrop, large);
    f->config = (popcl_fetch_config){.session.host = host(),
                                     .session.user = "fred",
                                     .secret = {.octets = "correct-horse"},
                                     .session.iobuf = f->iobuf,
                                     .session.iobuf_len = IOBUF,
                                     .plan = f->plan,
                                     .plan_len = sizeof f->plan,
                                     .auth = POPCL_AUTH_USER,
                                     .no_capa = 1,
                                     .session.connect_ms = LONG_MS,
                                     .session.idle_ms = 20000,
                                     .sink = &sink,
                                     .sink_ctx = f};
    return f;
}

static popcl_err fetch_over(const popcl_net *port, const test *t, fetched *f) {
    f->config.session.port = t->port;
    f->whole = f->cut = 0;
    memset(f->iobuf + IOBUF, 0xA5, 8);
    popcl_fetch_start(&f->job, &f->config, 0);
    popcl_err e = popcl_run(&f->job.session, port, t->c);
    for (size_t i = IOBUF; i < IOBUF + 8; i++)
        must(f->iobuf[i] == 0xA5, MOVES, "more is written than recv was given room for",
             "the port wrote behind the record buffer");
    popcl_fetch_wipe(&f->job);
    return e;
}

static popcl_err fetch(const test *t, fetched *f) { return fetch_over(&guarded, t, f); }

static void fetch_whole(const test *t, fetched *f, const char *how, uint32_t which) {
    popcl_err e = fetch(t, f);
    must(popcl_err_class(e) != POPCL_CLASS_UNAVAILABLE && popcl_err_class(e) != POPCL_CLASS_HOST,
         OPEN_CONNECTS, "see open_connects", "a session ended with %s", popcl_err_name(e));
    must(e == POPCL_OK && f->whole == f->maildrop.count,
         e == POPCL_ERR_NET || e == POPCL_ERR_CLOSED_MESSAGE ? RECV_ALL : IN_ORDER,
         "see the cases of recv and send",
         "a session %s %u ended with %s, and %u of %u messages were whole", how, which,
         popcl_err_name(e), f->whole, f->maildrop.count);
}

/* ---- cases: the server's side and the client's, in pairs ---- */

static const manner at_once;
static const size_t chunks[] = {1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 536, 1460};
#define CHUNKS (sizeof chunks / sizeof chunks[0])

static void chunks_server(const peer *p) {
    sim_server s;
    fill_maildrop(&s, 0);
    for (size_t i = 0; i < CHUNKS; i++) {
        const manner m = {.chunk = chunks[i]};
        serve(p, &s, &m);
    }
}

static void chunks_client(const test *t) {
    fetched *f = client(0);
    for (size_t i = 0; i < CHUNKS; i++)
        fetch_whole(t, f, "whose replies come in pieces of", (uint32_t)chunks[i]);
}

/* How many octets the server says in a session of which all is fetched. */
static uint32_t session_octets(void) {
    static const char *const commands[] = {"USER fred\r\n", "PASS correct-horse\r\n",
                                           "STAT\r\n",      "UIDL\r\n",
                                           "RETR 1\r\n",    "RETR 2\r\n",
                                           "RETR 3\r\n",    "QUIT\r\n"};
    char piece[512];
    uint32_t n = 0;
    sim_server s;
    fill_maildrop(&s, 0);
    sim_server_connect(&s);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        sim_server_take(&s, commands[i], strlen(commands[i]));
    for (size_t got; (got = sim_server_give(&s, piece, sizeof piece)) > 0;)
        n += (uint32_t)got;
    sim_server_free(&s);
    return n;
}

static void splits_server(const peer *p) {
    uint32_t octets = session_octets();
    sim_server s;
    fill_maildrop(&s, 0);
    for (uint32_t at = 2; at <= octets; at++) {
        const manner m = {.split_at = at};
        serve(p, &s, &m);
    }
}

static void splits_client(const test *t) {
    uint32_t octets = session_octets();
    fetched *f = client(0);
    for (uint32_t at = 2; at <= octets; at++)
        fetch_whole(t, f, "whose replies are split before octet", at);
}

static void large_server(const peer *p) {
    sim_server s;
    fill_maildrop(&s, 1);
    serve(p, &s, &at_once);
}

static void large_client(const test *t) {
    fetch_whole(t, client(1), "with a message of octets", LARGE);
}

static void paused_client(const test *t) {
    fetched *f = client(1);
    f->maildrop.count = 4;
    f->pause_each = 5; /* some hundred pauses, each until the runner asks again */
    fetch_whole(t, f, "whose sink pauses, one time of", 5);
    must(f->pauses > 400, RUNS, "popcl's own", "the sink was asked %u times", f->pauses);
}

/* Where the next session is cut, the last time before the last octet of all. */
static uint32_t next_cut(uint32_t at, uint32_t octets) {
    enum { STEP = 23 };
    return at < octets && at + STEP > octets ? octets : at + STEP;
}

static void cut_server(const peer *p, int by_reset) {
    uint32_t octets = session_octets();
    sim_server s;
    fill_maildrop(&s, 0);
    for (uint32_t at = 2; at <= octets; at = next_cut(at, octets)) {
        const manner m = {.end_at = by_reset ? NEVER : at, .reset_at = by_reset ? at : NEVER};
        serve(p, &s, &m);
    }
}
static void ended_server(const peer *p) { cut_server(p, 0); }
static void reset_server(const peer *p) { cut_server(p, 1); }

static const test *cut_test;
static popcl_err open_and_go(void *ctx, const char *name, uint16_t port, uint32_t limit_ms) {
    popcl_err e = guarded.open(ctx, name, port, limit_ms);
    if (e == POPCL_OK) go(cut_test, 0);
    return e;
}

/* Cut anywhere before the answer to QUIT, a session fails, no message is taken for whole that is
 * not, and none is left open. */
static void cut_client(const test *t) {
    uint32_t octets = session_octets(), messages = 0;
    fetched *f = client(0);
    popcl_net port = guarded;
    port.open = open_and_go;
    cut_test = t;
    for (uint32_t at = 2; at <= octets; at = next_cut(at, octets)) {
        popcl_err e = fetch_over(&port, t, f);
        must(e != POPCL_OK, RECV_ALL, "the end is not told, or octets are made up",
             "a session that was cut before octet %u of %u ended with OK", at, octets);
        must(e == POPCL_ERR_NET || e == POPCL_ERR_CLOSED || e == POPCL_ERR_CLOSED_MESSAGE ||
                 e == POPCL_ERR_CLOSED_GREETING || e == POPCL_ERR_QUIT_UNKNOWN,
             RECV_ALL, "the end of the connection is told late, or as something else",
             "a session that was cut before octet %u ended with %s", at, popcl_err_name(e));
        must(f->number == 0, RUNS, "popcl's own", "a message was left open");
        must(f->whole >= messages, RECV_ALL, "what came ahead of the end is lost with it",
             "cut before octet %u, %u messages were whole; cut earlier there were %u", at, f->whole,
             messages);
        messages = f->whole;
    }
    must(messages == 3, RECV_ALL, "what came ahead of the end is lost with it",
         "cut before the last octets, %u of 3 messages were whole", messages);
}

static void behind_quit_server(const peer *p) {
    const manner m = {.reset_behind = 1};
    sim_server s;
    fill_maildrop(&s, 0);
    for (int i = 0; i < 20; i++)
        serve(p, &s, &m);
}

static void behind_quit_client(const test *t) {
    fetched *f = client(0);
    for (uint32_t i = 0; i < 20; i++)
        fetch_whole(t, f, "that is reset right behind the answer to QUIT, number", i);
}

static void stall_server(const peer *p) {
    const manner m = {.stall_at = 150};
    sim_server s;
    fill_maildrop(&s, 0);
    serve(p, &s, &m);
}

static void stall_client(const test *t) {
    fetched *f = client(0);
    f->config.session.idle_ms = STALL_MS;
    uint32_t began = now(t);
    popcl_err e = fetch(t, f);
    uint32_t took = now(t) - began;
    must(popcl_err_class(e) == POPCL_CLASS_LATER && e != POPCL_ERR_NET, WAITS,
         "see the cases of wait", "a session whose server falls silent ended with %s",
         popcl_err_name(e));
    must(took <= LATE((uint32_t)STALL_MS), WAITS, "the limit is in another unit",
         "with an idle limit of %d ms it took %u ms", STALL_MS, took);
}

static void many_server(const peer *p) {
    sim_server s;
    fill_maildrop(&s, 0);
    for (int i = 0; i < SESSIONS; i++)
        serve(p, &s, &at_once);
}

static void many_client(const test *t) {
    fetched *f = client(0);
    int before = 0;
    for (uint32_t i = 0; i < SESSIONS; i++) {
        fetch_whole(t, f, "that is one of many, number", i);
        idle(2);
        if (i == SESSIONS / 2) before = left_open();
    }
    for (int i = 0; i < 100 && left_open() > before; i++)
        idle(20);
    must(left_open() <= before, CLOSES, "each session leaves something open",
         "after %d sessions %d things are open, and %d after half of them", SESSIONS, left_open(),
         before);
}

/* The clock wraps while a session runs, then while its server is silent. */
static void wrap_server(const peer *p) {
    const manner waits = {.split_at = 60, .stall_ms = STALL_MS}, stalls = {.stall_at = 60};
    sim_server s;
    fill_maildrop(&s, 0);
    serve(p, &s, &waits);
    serve(p, &s, &stalls);
}

static void wrap_client(const test *t) {
    fetched *f = client(0);
    shift_clock(UINT32_MAX - STALL_MS / 3);
    fetch_whole(t, f, "across the wrap of the clock, waits of ms", STALL_MS);
    must(now(t) < 0x80000000u, CLOCK, "it does not come back to 0 after 2^32 - 1",
         "now_ms is %u after a wrap", now(t));
    shift_clock(UINT32_MAX - STALL_MS / 3);
    f->config.session.idle_ms = STALL_MS;
    popcl_err e = fetch(t, f);
    must(popcl_err_class(e) == POPCL_CLASS_LATER && e != POPCL_ERR_NET, CLOCK,
         "begin + limit is compared with now: it wraps",
         "a session whose server falls silent, across the wrap, ended with %s", popcl_err_name(e));
}

static conn *to_stop;
static void on_alarm(int number) {
    (void)number;
    port_tested.stop(to_stop->ctx, 1);
}

/* The wish comes soon after the connection, however long that took. */
static popcl_err open_until_alarm(void *ctx, const char *name, uint16_t port, uint32_t limit_ms) {
    struct itimerval soon = {{0, 0}, {0, 100000}};
    popcl_err e = guarded.open(ctx, name, port, limit_ms);
    (void)setitimer(ITIMER_REAL, &soon, NULL);
    return e;
}

static void stop_server(const peer *p) {
    const manner m = {.split_at = 150, .stall_ms = 500};
    sim_server s;
    fill_maildrop(&s, 0);
    serve(p, &s, &m);
    if (s.quit_seen)
        peer_tell(p);
    else
        peer_broken(p, WAIT_STOPS, "no QUIT came before the end of the connection");
}

static void stop_client(const test *t) {
    fetched *f = client(0);
    popcl_net port = guarded;
    to_stop = t->c;
    port.open = open_until_alarm;
    (void)signal(SIGALRM, on_alarm);
    popcl_err e = fetch_over(&port, t, f);
    must(e == POPCL_ERR_STOPPED, WAIT_STOPS, "see wait_stops",
         "a session that was to be stopped ended with %s", popcl_err_name(e));
    peer_is_done(t);
}

static void refused_server(const peer *p) { (void)p; }

static void refused_client(const test *t) {
    test closed = *t;
    closed.port = t->closed;
    fetched *f = client(0);
    popcl_err e = fetch(&closed, f);
    must(e == POPCL_ERR_CONNECT, OPEN_RETURNS, "see open_refused",
         "a session with a port where nobody listens ended with %s", popcl_err_name(e));
}

/* A port that connects and does TLS itself, which fails with this. */
static popcl_err of_tls;
static popcl_err open_with_tls(void *ctx, const char *name, uint16_t port, uint32_t limit_ms) {
    popcl_err e = guarded.open(ctx, name, port, limit_ms);
    if (e) return e;
    guarded.close(ctx);
    return of_tls;
}

/* Every result but OK, and numbers that are no result. */
enum { NO_RESULTS = 4, OPEN_RESULTS = NO_RESULTS + POPCL_ERR_COUNT_ - 1 };
static popcl_err open_result(int i) {
    static const int no_results[NO_RESULTS] = {POPCL_ERR_COUNT_, 255, 256, -1};
    return (popcl_err)(i < NO_RESULTS ? no_results[i] : i - NO_RESULTS + 1);
}
static int is_passed_on(popcl_err e) {
    popcl_class c = popcl_err_class(e);
    return c == POPCL_CLASS_TLS || c == POPCL_CLASS_CERT || e == POPCL_ERR_RESOLVE ||
           e == POPCL_ERR_RESOLVE_TIMEOUT || e == POPCL_ERR_CONNECT ||
           e == POPCL_ERR_TIMEOUT_CONNECT || e == POPCL_ERR_NET || e == POPCL_ERR_STOPPED;
}

static void tls_server(const peer *p) {
    for (int i = 0; i < OPEN_RESULTS; i++)
        peer_expect_end(p, peer_accept(p), 0);
}

static void tls_client(const test *t) {
    popcl_net port = guarded;
    fetched *f = client(0);
    f->config.session.port = t->port;
    port.open = open_with_tls;
    for (int i = 0; i < OPEN_RESULTS; i++) {
        of_tls = open_result(i);
        popcl_fetch_start(&f->job, &f->config, 0);
        popcl_err e = popcl_run(&f->job.session, &port, t->c);
        must(e == (is_passed_on(of_tls) ? of_tls : POPCL_ERR_PORT), RUN_ENDS, "see open_again",
             "after an open that returned %d a session ended with %s", (int)of_tls,
             popcl_err_name(e));
        popcl_fetch_wipe(&f->job);
        idle(2); /* a stack without threads ends the connection in it */
    }
}

static const char *has_stop(void) { return port_tested.stop ? NULL : "stop is NULL"; }

/* A session that needs TLS of its transport. Over a port without it, no octet is sent. */
static void secured_server(const peer *p) {
    sim_server s;
    fill_maildrop(&s, 0);
    peer_expect_end(p, peer_accept(p), 0);
    if (port_tested.tls)
        serve(p, &s, &at_once);
    else
        peer_expect_end(p, peer_accept(p), 0);
}

static void secured_client(const test *t) {
    fetched *f = client(0);
    connect_to_peer(t, t->c);
    int answer = vouches(t->c);
    guarded.close(t->c);
    must(answer == port_tested.tls, VOUCHES,
         port_tested.tls ? "the verdict of the handshake is not 1 for yes"
                         : "secured is there without TLS, or port_tested has no .tls",
         "secured returned %d", answer);
    f->config.session.security = POPCL_TLS_BELOW;
    if (port_tested.tls) {
        fetch_whole(t, f, "over TLS of the port, number", 1);
        return;
    }
    popcl_err e = fetch(t, f);
    must(e == POPCL_ERR_NOT_SECURED && f->whole == 0, VOUCHES, "see above",
         "a session that needs TLS of the port ended with %s", popcl_err_name(e));
}

const port_case run_cases[] = {
    {"run_in_pieces", chunks_client, chunks_server, NULL},
    {"run_every_split", splits_client, splits_server, NULL},
    {"run_1_MB", large_client, large_server, NULL},
    {"run_sink_pauses", paused_client, large_server, NULL},
    {"run_ended_anywhere", cut_client, ended_server, NULL},
    {"run_reset_anywhere", cut_client, reset_server, NULL},
    {"run_reset_behind_quit", behind_quit_client, behind_quit_server, NULL},
    {"run_server_stalls", stall_client, stall_server, NULL},
    {"run_refused", refused_client, refused_server, NULL},
    {"run_open_returns", tls_client, tls_server, NULL},
    {"run_secured", secured_client, secured_server, NULL},
    {"run_many", many_client, many_server, NULL},
    {"run_across_the_wrap", wrap_client, wrap_server, NULL},
    {"run_stopped", stop_client, stop_server, has_stop},
    {NULL, NULL, NULL, NULL},
};
