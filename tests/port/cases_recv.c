/* SPDX-License-Identifier: MIT */
/* cases_recv - recv: nothing is lost, doubled or given too early, whatever the sizes and however
 * the connection ends. */
#include "suite.h"

#include <unistd.h>

enum {
    BEHIND = 5000, /* octets in front of an end: they fit into any window */
    LARGEST = 300, /* every size of a recv up to this one */
    SIZES = LARGEST * (LARGEST + 1) / 2,
    WINDOWS = 1000000, /* octets that no window holds */
    MILLION = 1000000
};

/* ---- peers ---- */

static void says_nothing(const peer *p) {
    int fd = peer_accept(p);
    (void)peer_await(p);
    peer_pattern(p, fd, 0, 1);
    peer_expect_end(p, fd, 0);
}

static void says_sizes(const peer *p) {
    int fd = peer_accept(p);
    peer_pattern(p, fd, 0, SIZES + 400000u);
    peer_expect_end(p, fd, 0);
}

static void ends_behind(const peer *p, void (*end)(int fd)) {
    int fd = peer_accept(p);
    (void)peer_await(p); /* a connection that is reset at once would not come about */
    peer_pattern(p, fd, 0, BEHIND);
    end(fd);
    peer_tell(p);
}
static void end_in_order(int fd) { close(fd); }
static void ends(const peer *p) { ends_behind(p, end_in_order); }
static void resets(const peer *p) { ends_behind(p, peer_reset); }

static void says_a_million(const peer *p) {
    int fd = peer_accept(p);
    peer_pattern(p, fd, 0, MILLION);
    peer_expect_end(p, fd, 0);
}

/* The peer that reads no octet: its system ends the connection by a reset, as it has octets that
 * nobody took. */
static void says_and_drops(const peer *p) {
    int fd = peer_accept(p);
    (void)peer_await(p);
    peer_pattern(p, fd, 0, 100000);
    (void)peer_await(p);
    close(fd);
}

/* ---- cases ---- */

static uint32_t receive_up_to(conn *c, uint32_t at, uint32_t to, size_t n) {
    int32_t end = 1;
    while (at < to) {
        at = receive(c, at, n < to - at ? n : to - at, &end);
        must(end == 1, RECV_ALL,
             "the connection's end is told before what came ahead of it, or an error that passes "
             "is taken for an end",
             "recv returned %s behind %u of %u octets, code %d",
             end == POPCL_NET_EOF ? "EOF" : "FAILED", at, to, guarded.code(c));
    }
    return at;
}

static void again_when_nothing(const test *t) {
    unsigned char p[16];
    connect_to_peer(t, t->c);
    for (int i = 0; i < 100; i++) {
        int32_t r = guarded.recv(t->c, p, sizeof p);
        must(r == POPCL_NET_AGAIN, IS_AGAIN,
             r == POPCL_NET_EOF ? "no octets are taken for an end"
                                : "\"would block\" is taken for a failure",
             "recv, when nothing had come, returned %ld", (long)r);
    }
    go(t, 0);
    (void)receive_up_to(t->c, 0, 1, sizeof p);
    must(guarded.recv(t->c, p, sizeof p) == POPCL_NET_AGAIN, IS_AGAIN,
         "the last octet is given again, or its end is taken for the connection's",
         "recv, when all was taken, was not AGAIN");
    guarded.close(t->c);
}

static void every_size(const test *t) {
    static const size_t large[] = {65535, 65536, 65537, 131072, 0x40000000u};
    uint32_t at = 0;
    connect_to_peer(t, t->c);
    for (size_t n = 1; n <= LARGEST; n++)
        at = receive_up_to(t->c, at, at + (uint32_t)n, n);
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        int32_t end = 1;
        uint32_t to = at + 80000u; /* large buffers, but never more than what is said */
        while (at < to && at < SIZES + 400000u) {
            at = receive(t->c, at, large[i], &end);
            must(end == 1, MOVES, "n is cut to 16 bits, or becomes negative",
                 "recv of %zu octets returned %s", large[i],
                 end == POPCL_NET_EOF ? "EOF" : "FAILED");
        }
    }
    (void)receive_up_to(t->c, at, SIZES + 400000u, 50000);
    guarded.close(t->c);
}

/* Everything has arrived, the end too, before the first octet is taken. */
static void wait_for_all(const test *t) {
    go(t, 0);
    wait_for(t->c, POPCL_RECV);
    peer_is_done(t);
    idle(150);
}

static int32_t take_to_the_end(const test *t, size_t n) {
    int32_t end = 1;
    uint32_t at = 0;
    while (end == 1)
        at = receive(t->c, at, n, &end);
    must(at == BEHIND, RECV_ALL,
         "the connection's end is looked at before the octets that came ahead of it, or its buffer "
         "goes with it",
         "%u of %u octets, then %s", at, (unsigned)BEHIND, end == POPCL_NET_EOF ? "EOF" : "FAILED");
    return end;
}

static void eof_behind_data(const test *t) {
    connect_to_peer(t, t->c);
    wait_for_all(t);
    int32_t end = take_to_the_end(t, 700);
    must(end == POPCL_NET_EOF, RECV_ALL, "the peer's end is taken for a failure",
         "an end in order was told as FAILED, code %d", guarded.code(t->c));
    guarded.close(t->c);
}

static void eof_stays(const test *t) {
    unsigned char p[16];
    connect_to_peer(t, t->c);
    go(t, 0);
    (void)take_to_the_end(t, 16384);
    for (int i = 0; i < 5; i++) {
        int32_t r = guarded.recv(t->c, p, sizeof p);
        must(r == POPCL_NET_EOF, END_STAYS, "the event of the end is used up by the first call",
             "recv number %d behind EOF returned %ld", i + 1, (long)r);
        int32_t can = guarded.wait(t->c, POPCL_RECV, 200);
        must(can == (int32_t)POPCL_RECV || can == POPCL_NET_FAILED, WAIT_RETURNS,
             "an end that was told is not something to wait for",
             "wait(RECV) behind EOF returned %ld", (long)can);
    }
    guarded.close(t->c);
}

static void must_be_over(const test *t, int32_t end) {
    unsigned char p[16];
    must(end != POPCL_NET_FAILED || !port_tested.net->code || guarded.code(t->c) != 0, CODE,
         "recv does not keep the number", "recv returned FAILED, and code is 0");
    for (int i = 0; i < 5; i++) {
        int32_t r = guarded.recv(t->c, p, sizeof p);
        must(r == POPCL_NET_EOF || r == POPCL_NET_FAILED, END_STAYS,
             "the error is used up by the first call",
             "recv behind the end of a reset connection returned %ld", (long)r);
    }
}

static void reset_behind_data(const test *t) {
    connect_to_peer(t, t->c);
    wait_for_all(t);
    must_be_over(t, take_to_the_end(t, 700));
    guarded.close(t->c);
}

/* A command fails because the connection was reset; the reply that came ahead of the reset still
 * counts. */
static void behind_a_failed_send(const test *t) {
    connect_to_peer(t, t->c);
    wait_for_all(t);
    (void)guarded.send(t->c, "QUIT\r\n", 6);
    idle(50);
    (void)guarded.send(t->c, "QUIT\r\n", 6);
    must_be_over(t, take_to_the_end(t, 700));
    guarded.close(t->c);
}

static void full_window(const test *t) {
    connect_to_peer(t, t->c);
    wait_for(t->c, POPCL_RECV);
    idle(300); /* as much comes as there is room for, and then the peer has to wait */
    (void)receive_up_to(t->c, 0, WINDOWS, 4096);
    guarded.close(t->c);
}

static void million(const test *t) {
    connect_to_peer(t, t->c);
    (void)receive_up_to(t->c, 0, MILLION, 1);
    guarded.close(t->c);
}

static void while_send_is_full(const test *t) {
    static unsigned char zero[4096];
    int full = 0;
    connect_to_peer(t, t->c);
    pattern(zero, 0, sizeof zero);
    for (int i = 0; i < 1000000 && full < 5; i++) {
        int32_t r = guarded.send(t->c, zero, sizeof zero);
        must(r != POPCL_NET_FAILED, IS_FAILED, "a full buffer is taken for a failure",
             "send to a peer that does not read returned FAILED, code %d", guarded.code(t->c));
        full = r == POPCL_NET_AGAIN ? full + 1 : 0;
        if (full) (void)guarded.wait(t->c, POPCL_SEND, 20);
    }
    go(t, 0);
    (void)receive_up_to(t->c, 0, 100000, 4096);
    go(t, 0);
    guarded.close(t->c);
}

const port_case recv_cases[] = {
    {"recv_again_when_nothing", again_when_nothing, says_nothing, NULL},
    {"recv_every_size", every_size, says_sizes, NULL},
    {"recv_eof_behind_data", eof_behind_data, ends, NULL},
    {"recv_eof_stays", eof_stays, ends, NULL},
    {"recv_reset_behind_data", reset_behind_data, resets, NULL},
    {"recv_behind_a_failed_send", behind_a_failed_send, resets, NULL},
    {"recv_full_window", full_window, says_a_million, NULL},
    {"recv_a_million_times", million, says_a_million, NULL},
    {"recv_while_send_is_full", while_send_is_full, says_and_drops, NULL},
    {NULL, NULL, NULL, NULL},
};
