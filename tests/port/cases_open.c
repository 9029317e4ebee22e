/* SPDX-License-Identifier: MIT */
/* cases_open - open, and what it promises for each way that a connection does not come about.
 * [A1-A4] */
#include "suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#define SHORT_MS 400u
#define ROUNDS   20

/* ---- peers ---- */

static void nobody(const peer *p) { (void)p; }

/* Echoes four octets and waits for the end, for so many connections. */
static void greet(const peer *p, int times) {
    for (int i = 0; i < times; i++) {
        int fd = peer_accept(p);
        peer_expect(p, fd, 0, 4);
        peer_pattern(p, fd, 0, 4);
        peer_expect_end(p, fd, 4);
        peer_tell(p);
    }
}
static void greets(const peer *p) { greet(p, 1); }
static void greets_often(const peer *p) { greet(p, ROUNDS + 1); }

#define LEFT 700u /* octets that nobody takes */

/* Three connections: the first two say something that the third does not, and it is left untaken.
 */
static void says_another_thing(const peer *p) {
    for (int i = 0; i < 3; i++) {
        int fd = peer_accept(p);
        uint32_t from = i < 2 ? LEFT : 0;
        peer_pattern(p, fd, from, from + LEFT);
        peer_tell(p);
        peer_expect_end(p, fd, 0);
        peer_tell(p);
    }
}

/* The client's side of it. */
static void meet(const test *t, conn *c) {
    int32_t end = 1;
    send_all(c, 0, 4, 4);
    for (uint32_t at = 0; at < 4;) {
        at = receive(c, at, 4 - at, &end);
        must(end == 1, RECV_ALL, "the connection is another one, or was ended by the port",
             "the connection ended before its first octets, code %d", guarded.code(c));
    }
    guarded.close(c);
    peer_is_done(t);
}

/* ---- cases ---- */

static void connects(const test *t) {
    connect_to_peer(t, t->c);
    must(guarded.code(t->c) == 0, CODE, "what an attempt before left is not set back",
         "after an open that succeeded, code is %d", guarded.code(t->c));
    meet(t, t->c);
}

static void by_name(const test *t) {
    popcl_err e = guarded.open(t->c, port_tested.name, t->port, LONG_MS);
    must(e == POPCL_OK, OPEN_CONNECTS, "a name is taken for an address",
         "open(\"%s\") returned %s, code %d", port_tested.name, popcl_err_name(e),
         guarded.code(t->c));
    meet(t, t->c);
}

static void refused(const test *t) {
    popcl_err e = guarded.open(t->c, host(), t->closed, LONG_MS);
    must(e == POPCL_ERR_CONNECT, OPEN_RETURNS,
         "the result of a connect that was begun is not asked for",
         "open to a port where nobody listens returned %s", popcl_err_name(e));
    must(!port_tested.net->code || guarded.code(t->c) != 0, CODE,
         "it is not kept by open; a port without numbers has code = NULL",
         "after a refused connection code is 0");
    connect_to_peer(t, t->c);
    must(guarded.code(t->c) == 0, CODE, "what an attempt before left is not set back",
         "after an open that succeeded, code is %d", guarded.code(t->c));
    meet(t, t->c);
}

static void unreachable(const test *t) {
    const char *name = port_tested.unreachable ? port_tested.unreachable : "224.0.0.1";
    popcl_err e = guarded.open(t->c, name, t->port, SHORT_MS);
    must(e == POPCL_ERR_CONNECT || e == POPCL_ERR_TIMEOUT_CONNECT || e == POPCL_ERR_NET,
         OPEN_RETURNS, "the error is told as one of another step",
         "open(\"%s\"), to which there is no way, returned %s", name, popcl_err_name(e));
}

static void silent_open(const test *t, uint32_t limit_ms) {
    const char *name = port_tested.silent ? port_tested.silent : "127.0.0.1";
    popcl_err e = guarded.open(t->c, name, t->closed, limit_ms);
    must(e == POPCL_ERR_TIMEOUT_CONNECT, OPEN_RETURNS, "the end of the time is told as a refusal",
         "open(\"%s\"), which does not answer, with a limit of %u ms returned %s", name, limit_ms,
         popcl_err_name(e));
}

static void silent(const test *t) {
    /* this system answers for a full queue */
    if (!port_tested.silent && !port_silence("127.0.0.1", t->closed)) return;
    silent_open(t, SHORT_MS);
    silent_open(t, 1);
}

static void next_address(const test *t) {
    popcl_err e = guarded.open(t->c, port_tested.dead_first, t->port, LONG_MS);
    must(e == POPCL_OK, OPEN_TRIES, "only the first address is tried",
         "open(\"%s\"), of whose addresses the second is good, returned %s", port_tested.dead_first,
         popcl_err_name(e));
    must(guarded.code(t->c) == 0, CODE, "what the dead address left is not set back",
         "after an open that succeeded, code is %d", guarded.code(t->c));
    meet(t, t->c);
}

static void share_of_time(const test *t) {
    popcl_err e = guarded.open(t->c, port_tested.silent_first, t->port, 4000);
    must(e == POPCL_OK, OPEN_TRIES, "the first address has all of the time",
         "open(\"%s\"), whose first address does not answer, with a limit of 4000 ms returned %s",
         port_tested.silent_first, popcl_err_name(e));
    meet(t, t->c);
}

static void unknown_name(const test *t) {
    char longest[256];
    popcl_err e = guarded.open(t->c, port_tested.unknown, t->port, LONG_MS);
    must(e == POPCL_ERR_RESOLVE, OPEN_RETURNS, "the resolver's failure is told as the connection's",
         "open(\"%s\"), which does not exist, returned %s", port_tested.unknown, popcl_err_name(e));
    for (size_t i = 0; i < sizeof longest - 1; i++)
        longest[i] = i % 60 == 59 ? '.' : 'x';
    longest[255] = '\0';
    e = guarded.open(t->c, longest, t->port, LONG_MS);
    must(e == POPCL_ERR_RESOLVE, OPEN_RETURNS,
         "a name that the resolver does not even take is told as another error",
         "open of a name of 255 octets, which does not exist, returned %s", popcl_err_name(e));
    connect_to_peer(t, t->c);
    meet(t, t->c);
}

static void slow_resolver(const test *t) {
    popcl_err e = guarded.open(t->c, port_tested.slow, t->port, SHORT_MS);
    must(e == POPCL_ERR_RESOLVE_TIMEOUT, OPEN_RETURNS,
         "the resolver's time is not limited, or its end is told as another error",
         "open(\"%s\"), whose resolver does not answer, with a limit of %u ms returned %s",
         port_tested.slow, SHORT_MS, popcl_err_name(e));
    idle(100); /* an answer that comes too late must hurt nobody */
    connect_to_peer(t, t->c);
    meet(t, t->c);
}

static conn *to_stop;
static void on_alarm(int number) {
    (void)number;
    port_tested.stop(to_stop->ctx, 1);
}

static void alarm_in(uint32_t ms, conn *c) {
    struct itimerval span = {{0, 0}, {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)}};
    to_stop = c;
    (void)signal(SIGALRM, on_alarm);
    (void)setitimer(ITIMER_REAL, &span, NULL);
}

static void stopped(const test *t) {
    const char *name = port_tested.silent ? port_tested.silent : "127.0.0.1";
    port_tested.stop(t->c->ctx, 1);
    popcl_err e = guarded.open(t->c, host(), t->port, LONG_MS);
    must(e == POPCL_ERR_STOPPED, OPEN_RETURNS, "open does not look at the wish for an end",
         "open, while the caller wants an end, returned %s", popcl_err_name(e));
    port_tested.stop(t->c->ctx, 0);
    if (!port_tested.silent && !port_silence("127.0.0.1", t->closed)) return;
    alarm_in(100, t->c);
    e = guarded.open(t->c, name, t->closed, LONG_MS);
    must(e == POPCL_ERR_STOPPED, OPEN_RETURNS,
         "open looks at the wish for an end only at its begin",
         "open, while it waited and the caller wanted an end, returned %s", popcl_err_name(e));
}

static void leaves_nothing(const test *t) {
    (void)guarded.open(t->c, host(), t->closed, LONG_MS);
    int before = settled(-1);
    for (int i = 0; i < ROUNDS; i++) {
        (void)guarded.open(t->c, host(), t->closed, LONG_MS);
        if (port_tested.unknown) (void)guarded.open(t->c, port_tested.unknown, t->closed, LONG_MS);
        /* its question may block the next one */
        if (port_tested.slow && i == ROUNDS - 1)
            (void)guarded.open(t->c, port_tested.slow, t->closed, 50);
        if (port_tested.silent && i < 2)
            (void)guarded.open(t->c, port_tested.silent, t->closed, 50);
    }
    int left = settled(before);
    must(left <= before, OPEN_LEAVES, "one of open's ways out does not close what it opened",
         "after %d failed opens %d things are open, and %d before", ROUNDS, left, before);
}

static void again(const test *t) {
    connect_to_peer(t, t->c);
    meet(t, t->c);
    int before = settled(-1);
    for (int i = 0; i < ROUNDS; i++) {
        popcl_err e = guarded.open(t->c, host(), t->port, LONG_MS);
        must(e == POPCL_OK, OPEN_AGAIN,
             "what the last connection left in the ctx is taken for this one's",
             "open number %d of one ctx returned %s", i + 2, popcl_err_name(e));
        meet(t, t->c);
    }
    int left = settled(before);
    must(left <= before, CLOSES, "close forgets a part of what open made",
         "after %d connections %d things are open, and %d before", ROUNDS, left, before);
}

/* What came of a connection is gone with it, whether it lies in a buffer of the port's (the first
 * time) or on its way to it (the second). */
static void anew(const test *t) {
    int32_t end = 1;
    for (int i = 0; i < 2; i++) {
        connect_to_peer(t, t->c);
        peer_is_done(t);
        idle(50);
        if (i == 0) wait_for(t->c, POPCL_RECV);
        guarded.close(t->c);
        peer_is_done(t);
    }
    connect_to_peer(t, t->c);
    for (uint32_t at = 0; at < LEFT;) {
        at = receive(t->c, at, LEFT - at, &end);
        must(end == 1, OPEN_AGAIN, "an end of the last connection is taken for this one's",
             "the connection ended before octet %u", (unsigned)at);
    }
    peer_is_done(t);
    guarded.close(t->c);
    peer_is_done(t);
}

/* ---- what a port has ---- */

static const char *has_name(void) { return port_tested.name ? NULL : "name is NULL"; }
static const char *has_dead_first(void) {
    return port_tested.dead_first ? NULL : "dead_first is NULL";
}
static const char *has_silent_first(void) {
    return port_tested.silent_first ? NULL : "silent_first is NULL";
}
static const char *has_unknown(void) { return port_tested.unknown ? NULL : "unknown is NULL"; }
static const char *has_slow(void) { return port_tested.slow ? NULL : "slow is NULL"; }
static const char *has_stop(void) { return port_tested.stop ? NULL : "stop is NULL"; }

const port_case open_cases[] = {
    {"open_connects", connects, greets, NULL},
    {"open_by_name", by_name, greets, has_name},
    {"open_refused", refused, greets, NULL},
    {"open_unreachable", unreachable, nobody, NULL},
    {"open_silent_peer", silent, nobody, NULL},
    {"open_next_address", next_address, greets, has_dead_first},
    {"open_share_of_time", share_of_time, greets, has_silent_first},
    {"open_unknown_name", unknown_name, greets, has_unknown},
    {"open_slow_resolver", slow_resolver, greets, has_slow},
    {"open_stopped", stopped, nobody, has_stop},
    {"open_failed_leaves_nothing", leaves_nothing, nobody, NULL},
    {"open_again", again, greets_often, NULL},
    {"open_begins_anew", anew, says_another_thing, NULL},
    {NULL, NULL, NULL, NULL},
};
