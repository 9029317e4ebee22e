/* SPDX-License-Identifier: MIT */
/* cases_close - close: the peer learns of it, nothing stays open, and a second call hurts nobody.
 * [K4] */
#include "suite.h"

#include <unistd.h>

enum { ROUNDS = 20, SAID = 3000 };

static void meets_many(const peer *p, int times, void (*one)(const peer *p)) {
    for (int i = 0; i < times; i++)
        one(p);
}

static void says_and_waits(const peer *p) {
    int fd = peer_accept(p);
    peer_pattern(p, fd, 0, SAID);
    peer_expect_end(p, fd, 0);
    peer_tell(p);
}

static void says_and_resets(const peer *p) {
    int fd = peer_accept(p);
    (void)peer_await(p); /* a connection that is reset at once would not come about */
    peer_pattern(p, fd, 0, SAID);
    peer_reset(fd);
    peer_tell(p);
}

static void says_and_ends(const peer *p) {
    int fd = peer_accept(p);
    (void)peer_await(p);
    peer_pattern(p, fd, 0, SAID);
    close(fd);
    peer_tell(p);
}

static void ends_many(const peer *p) { meets_many(p, ROUNDS, says_and_waits); }
static void unread_many(const peer *p) { meets_many(p, ROUNDS, says_and_waits); }
static void resets_many(const peer *p) { meets_many(p, ROUNDS, says_and_resets); }
static void ended_many(const peer *p) { meets_many(p, ROUNDS, says_and_ends); }

static void waits_twice(const peer *p) {
    int first = peer_accept(p);
    peer_expect_end(p, first, 0);
    peer_tell(p);
    int second = peer_accept(p);
    (void)peer_await(p);
    peer_pattern(p, second, 0, SAID);
    peer_expect_end(p, second, 0);
    peer_tell(p);
}

/* Opens, does something, closes, many times: as many things are open after the last as after the
 * first. */
static void must_leave_nothing(const test *t, void (*between)(const test *t), int peer_first,
                               const char *what) {
    int before = 0;
    for (int i = 0; i < ROUNDS; i++) {
        connect_to_peer(t, t->c);
        if (peer_first) go(t, 0), peer_is_done(t);
        between(t);
        guarded.close(t->c);
        if (!peer_first) peer_is_done(t);
        if (i == 0) before = settled(-1);
    }
    int left = settled(before);
    must(left <= before, CLOSES,
         "close does less when the connection is broken, or has octets that nobody took",
         "after %d connections %s %d things are open, and %d before", ROUNDS, what, left, before);
}

static void read_all(const test *t) {
    int32_t end = 1;
    for (uint32_t at = 0; at < SAID && end == 1;)
        at = receive(t->c, at, 1000, &end);
}

static void read_to_the_end(const test *t) {
    int32_t end = 1;
    for (uint32_t at = 0; end == 1;)
        at = receive(t->c, at, 1000, &end);
}

static void read_nothing(const test *t) { wait_for(t->c, POPCL_RECV); }

static void ends_connection(const test *t) {
    must_leave_nothing(t, read_all, 0, "that were closed");
}
static void with_unread(const test *t) {
    must_leave_nothing(t, read_nothing, 0, "with octets that nobody took");
}
static void after_reset(const test *t) {
    must_leave_nothing(t, read_to_the_end, 1, "that were reset");
}
static void after_unread_reset(const test *t) {
    must_leave_nothing(t, read_nothing, 1, "that were reset and had octets that nobody took");
}
static void after_eof(const test *t) {
    must_leave_nothing(t, read_to_the_end, 1, "that the peer ended");
}

static void twice(const test *t) {
    conn *second = new_conn();
    connect_to_peer(t, t->c);
    guarded.close(t->c);
    peer_is_done(t);
    connect_to_peer(t, second); /* and gets, perhaps, the number that the first one had */
    guarded.close(t->c);
    go(t, 0);
    uint32_t at = 0;
    for (int32_t end = 1; at < SAID;) {
        at = receive(second, at, 1000, &end);
        must(end == 1, CLOSES_ONCE, "the number of what was closed is somebody else's by now",
             "the second close of one connection ended another one");
    }
    guarded.close(second);
    peer_is_done(t);
}

const port_case close_cases[] = {
    {"close_ends_the_connection", ends_connection, ends_many, NULL},
    {"close_with_octets_not_taken", with_unread, unread_many, NULL},
    {"close_after_eof", after_eof, ended_many, NULL},
    {"close_after_reset", after_reset, resets_many, NULL},
    {"close_after_reset_not_taken", after_unread_reset, resets_many, NULL},
    {"close_twice", twice, waits_twice, NULL},
    {NULL, NULL, NULL, NULL},
};
