/* SPDX-License-Identifier: MIT */
/* cases_send - send: short writes, a peer that does not read, a connection that broke; and two
 * connections that share nothing. */
#include "suite.h"

#include <string.h>
#include <unistd.h>

enum {
    LARGEST = 300,
    SIZES = LARGEST * (LARGEST + 1) / 2,
    MORE = 200000,
    WRITTEN =
        32000000, /* octets of the pattern in a send of 2^30: more than a port takes at once */
    TOO_MUCH = 200000000, /* octets: no buffers between client and peer hold so many */
    WAITS_MAX = 60        /* that say "possible" while nothing is taken: more is a busy loop */
};

/* ---- peers ---- */

static void reads_sizes(const peer *p) {
    int fd = peer_accept(p);
    peer_expect(p, fd, 0, SIZES + MORE);
    peer_tell(p);
    peer_expect_end(p, fd, 0);
}

/* Reads once it is told how much was sent. */
static void reads_later(const peer *p) {
    int fd = peer_accept(p);
    uint32_t sent = peer_await(p);
    peer_expect(p, fd, 0, sent);
    peer_tell(p);
    peer_expect_end(p, fd, sent);
    peer_tell(p);
}

static void resets_at_once(const peer *p) {
    int fd = peer_accept(p);
    (void)peer_await(p); /* a connection that is reset at once would not come about */
    peer_reset(fd);
    peer_tell(p);
}

/* Two clients, one after the other. Each hears octets of its own; then the first is reset. */
static void meets_two(const peer *p) {
    int first = peer_accept(p), second = peer_accept(p);
    peer_pattern(p, first, 0, 1000);
    peer_pattern(p, second, 5000, 6000);
    peer_expect(p, second, 100, 200);
    peer_expect(p, first, 0, 100);
    peer_tell(p);
    peer_reset(first);
    (void)peer_await(p);
    peer_pattern(p, second, 6000, 7000);
    peer_expect_end(p, second, 200);
    peer_tell(p);
}

/* ---- cases ---- */

static void every_size(const test *t) {
    uint32_t at = 0;
    connect_to_peer(t, t->c);
    for (uint32_t n = 1; n <= LARGEST; at += n++)
        send_all(t->c, at, at + n, n);
    send_all(t->c, at, SIZES + MORE, 20000);
    peer_is_done(t);
    guarded.close(t->c);
}

/* Sends until nothing is taken any more. Returns how many octets were. */
static uint32_t fill(const test *t, uint32_t at) {
    unsigned char *p = large_room();
    uint32_t idle_rounds = 0, lies = 0;
    int32_t can = 0;
    const uint32_t pieces[] = {1000, 65535, 65536, 70000};
    for (uint32_t i = 0; idle_rounds < 6 && at < TOO_MUCH; i++) {
        uint32_t n = pieces[i % 4];
        pattern(p, at, n);
        int32_t r = guarded.send(t->c, p, n);
        memset(p, 0, n);
        must(r != POPCL_NET_FAILED, IS_FAILED, "a full buffer is taken for a failure",
             "send to a peer that does not read returned FAILED, code %d", guarded.code(t->c));
        if (r > 0) {
            at += (uint32_t)r;
            idle_rounds = 0;
            can = 0;
            continue;
        }
        if (can > 0) lies++;
        can = guarded.wait(t->c, POPCL_SEND, 50);
        if (can == 0) idle_rounds++;
        must(lies < WAITS_MAX, WAITS, "room is told that send does not use: a caller would spin",
             "wait said SEND %u times, and send AGAIN after it", lies);
    }
    must(at < TOO_MUCH, IS_AGAIN, "octets are taken into a buffer without end, or thrown away",
         "a peer that does not read was sent %u octets, and there was no AGAIN", at);
    return at;
}

static void peer_does_not_read(const test *t) {
    connect_to_peer(t, t->c);
    uint32_t at = fill(t, 0);
    go(t, at + 300000);
    send_all(t->c, at, at + 300000, 1460);
    peer_is_done(t);
    guarded.close(t->c);
    peer_is_done(t);
}

static void largest(const test *t) {
    static const uint32_t sizes[] = {65536, 131072, 0x40000000u};
    unsigned char *p = large_room();
    uint32_t at = 0;
    connect_to_peer(t, t->c);
    pattern(p, 0, WRITTEN);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int32_t r = guarded.send(t->c, p + at, sizes[i] - (i == 2 ? at : 0));
        must(r != POPCL_NET_FAILED, MOVES, "n is cut to 16 bits, or becomes negative",
             "send of %u octets returned FAILED, code %d", sizes[i], guarded.code(t->c));
        must(i > 0 || r > 0, MOVES, "n is cut to 16 bits",
             "the first send, of 65536 octets, took nothing");
        if (r > 0) at += (uint32_t)r;
        must(at < WRITTEN, IS_AGAIN, "n is returned as what was taken",
             "a peer that does not read was sent %u octets, and there was no AGAIN", at);
    }
    memset(p, 0, WRITTEN);
    go(t, at);
    peer_is_done(t);
    guarded.close(t->c);
    peer_is_done(t);
}

static void after_reset(const test *t) {
    int32_t r = 1;
    connect_to_peer(t, t->c);
    go(t, 0);
    peer_is_done(t);
    for (int i = 0; i < 100 && r != POPCL_NET_FAILED; i++) {
        r = guarded.send(t->c, "NOOP\r\n", 6);
        if (r != POPCL_NET_FAILED) idle(20);
    }
    must(r == POPCL_NET_FAILED, IS_FAILED,
         "the reset is noted by recv alone, or a relay goes on taking octets",
         "100 sends after a reset returned no FAILED, the last %ld", (long)r);
    must(!port_tested.net->code || guarded.code(t->c) != 0, CODE, "send does not keep the number",
         "send returned FAILED, and code is 0");
    r = guarded.send(t->c, "NOOP\r\n", 6);
    must(r == POPCL_NET_FAILED, IS_FAILED, "the error is used up by the first call",
         "a further send on the broken connection returned %ld", (long)r);
    int32_t can = guarded.wait(t->c, POPCL_SEND, 300);
    must(can != 0, WAIT_RETURNS, "wait waits for what cannot come any more",
         "wait(SEND) on a broken connection returned 0");
    guarded.close(t->c);
}

static uint32_t receive_some(conn *c, uint32_t at, uint32_t to) {
    int32_t end = 1;
    while (at < to) {
        at = receive(c, at, to - at, &end);
        must(end == 1, CTX, "the state of one connection is kept where the other's is",
             "with two connections one of them ended at octet %u", at);
    }
    return at;
}

static void two_at_once(const test *t) {
    conn *second = new_conn();
    connect_to_peer(t, t->c);
    connect_to_peer(t, second);
    send_all(t->c, 0, 100, 100);
    send_all(second, 100, 200, 100);
    (void)receive_some(second, 5000, 6000);
    (void)receive_some(t->c, 0, 1000);
    peer_is_done(t);
    int32_t end = 1;
    while (end == 1)
        (void)receive(t->c, 1000, 100, &end);
    must(guarded.code(second) == 0, CODE, "it is kept in a variable that all connections share",
         "one connection failed, and code of the other is %d", guarded.code(second));
    guarded.close(t->c);
    go(t, 0);
    (void)receive_some(second, 6000, 7000);
    guarded.close(second);
    peer_is_done(t);
}

static const char *has_two(void) {
    return port_tested.one_at_a_time ? "one_at_a_time is set" : NULL;
}

const port_case send_cases[] = {
    {"send_every_size", every_size, reads_sizes, NULL},
    {"send_peer_does_not_read", peer_does_not_read, reads_later, NULL},
    {"send_largest", largest, reads_later, NULL},
    {"send_after_reset", after_reset, resets_at_once, NULL},
    {"two_at_once", two_at_once, meets_two, has_two},
    {NULL, NULL, NULL, NULL},
};
