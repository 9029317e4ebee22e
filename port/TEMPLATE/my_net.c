/* SPDX-License-Identifier: MIT */
/* my_net - a skeleton of the port contract (popcl_net.h): six functions, and one that may be
 * missing. It has the code that is the same for every transport. A comment that begins with "here"
 * describes the part that you write. */
#include "my_net.h"

/* ---- time ---- */

/* Returns milliseconds of a clock that only goes forward, at the speed of a real one. It may wrap
 * from 2^32 - 1 to 0. The time of day is not such a clock: it can be set. */
static uint32_t net_now_ms(void *ctx) {
    (void)ctx;
    /* here: the tick counter, in milliseconds. If it has fewer than 32 bits, or another unit,
     * extend it before you scale it */
    return 0;
}

/* Returns the rest of a limit. Times are subtracted and never compared: began + limit wraps, now -
 * began does not. */
static uint32_t left_of(my_net *n, uint32_t began_ms, uint32_t limit_ms) {
    uint32_t passed = net_now_ms(n) - began_ms;
    return passed < limit_ms ? limit_ms - passed : 0;
}

static int is_stopped(const my_net *n) { return n->stop && *n->stop; }

/* ---- connecting ---- */

/* Connects to one address, in at most limit_ms. Returns:
 *
 *     POPCL_OK                  it is up, and n->handle is open; also if it was closed or reset
 *                               since then, which recv reports
 *     POPCL_ERR_CONNECT         it refused, or there is no route to it
 *     POPCL_ERR_TIMEOUT_CONNECT it did not answer within limit_ms
 *     POPCL_ERR_NET             this machine lacks something (memory, handles): no other address
 *                               would work either
 *     POPCL_ERR_STOPPED         the caller wants an orderly shutdown: look at is_stopped while you
 *                               wait, every 250 ms or more often
 *
 * After all except POPCL_OK nothing is open, and n->code has your system's number. */
static popcl_err connect_one(my_net *n, const void *address, uint16_t port, uint32_t limit_ms) {
    (void)address, (void)port, (void)limit_ms;
    if (is_stopped(n)) return POPCL_ERR_STOPPED;
    n->code = 1; /* here: begin to connect, wait at most limit_ms, look at the result; turn Nagle's
                    algorithm off if there is a way to */
    return POPCL_ERR_CONNECT;
}

/* host is a name or an address as text ("192.0.2.1", "2001:db8::1"). limit_ms is for everything:
 * looking up the name and all addresses. Returns what connect_one returns, or:
 *
 *     POPCL_ERR_RESOLVE         the name does not exist, or is no name
 *     POPCL_ERR_RESOLVE_TIMEOUT the resolver did not answer in time. If it cannot be cancelled, it
 *                               may answer later: that answer must then do no harm
 *
 * Of several addresses that failed, the most exact result is returned: a timeout before a
 * refusal. */
static popcl_err net_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    my_net *n = ctx;
    uint32_t began_ms = net_now_ms(n);
    unsigned addresses = 1; /* here: look up host, within limit_ms, and count its addresses */
    popcl_err result = POPCL_ERR_RESOLVE;
    n->up = n->broken = n->ended = n->code =
        0; /* nothing of the last connection stays, nor octets in a buffer of yours */
    for (unsigned i = 0; i < addresses; i++) {
        /* Each address gets its share of the rest of the time. So one that does not answer does not
         * use up the time of the others. */
        popcl_err e = connect_one(n, host, port, left_of(n, began_ms, limit_ms) / (addresses - i));
        if (e == POPCL_OK) {
            n->up = 1;
            n->code = 0;
        }
        if (e == POPCL_OK || e == POPCL_ERR_STOPPED || e == POPCL_ERR_NET) return e;
        if (result != POPCL_ERR_TIMEOUT_CONNECT) result = e;
    }
    return result;
}

/* ---- moving octets: neither of the two waits ---- */

/* n is 1 to 2^30: cut it to what your system takes in one call (16 bits, say) before you convert
 * it. Returns:
 *
 *     1 to n            so many octets are in p
 *     POPCL_NET_AGAIN   nothing is there now, and the connection is up. 0 would be its end
 *     POPCL_NET_EOF     the peer closed the connection, and everything that it sent was given.
 *                       Each further call returns it again
 *     POPCL_NET_FAILED  the connection broke, and everything that came before was given; n->code
 *                       has your system's number. Each further call returns it again */
static int32_t net_recv(void *ctx, void *p, size_t n) {
    my_net *net = ctx;
    (void)p, (void)n;
    /* here: octets that came, even if the end is known already, which comes after them. If a buffer
     * of yours holds them, open the window by as much as was taken from it */
    if (net->ended) return POPCL_NET_EOF;
    return net->up && !net->broken ? POPCL_NET_AGAIN : POPCL_NET_FAILED;
}

/* The octets are the caller's again when send returns: the layer below has to copy them. 0 is not
 * returned. Returns:
 *
 *     1 to n            so many were taken, from the front; fewer than n is fine
 *     POPCL_NET_AGAIN   there is no room now
 *     POPCL_NET_FAILED  the connection broke, and takes nothing any more; n->code has your system's
 *                       number. Never a signal, never a crash. Each further call returns it again;
 *                       octets that came before the break can still be received */
static int32_t net_send(void *ctx, const void *p, size_t n) {
    my_net *net = ctx;
    (void)p, (void)n;
    /* here: hand on as much as there is room for, and send it now: no later call would push it */
    return net->up && !net->broken ? POPCL_NET_AGAIN : POPCL_NET_FAILED;
}

/* want is a set of POPCL_RECV, POPCL_SEND and POPCL_NET_STOP. limit_ms is 0 to 2^30: 12 days, which
 * as microseconds do not fit into 32 bits. Returns a set of the first two, or one of the others:
 *
 *     POPCL_RECV        recv would return something else than AGAIN: octets, or an end
 *     POPCL_SEND        send would return something else than AGAIN: room, or a failure
 *     0                 limit_ms is over, or the wait ended early. 0 at once each time would be a
 *                       busy loop
 *     POPCL_NET_STOP    want has POPCL_NET_STOP, and the caller wants an orderly shutdown. It
 *                       comes before all others
 *     POPCL_NET_FAILED  waiting itself is not possible
 *
 * Without RECV and SEND in want it sleeps for limit_ms. A device feeds its watchdog in this
 * function, and sleeps in it. */
static int32_t net_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    my_net *n = ctx;
    uint32_t began_ms = net_now_ms(n);
    do {
        if ((want & (unsigned)POPCL_NET_STOP) && is_stopped(n)) return POPCL_NET_STOP;
        /* here: the parts that can move now. On a broken connection both can, so that recv and send
         * can report it */
        unsigned can = n->up && !n->broken ? 0u : POPCL_RECV | POPCL_SEND;
        if (can & want) return (int32_t)(can & want & (POPCL_RECV | POPCL_SEND));
        /* here: sleep until something happens, for left_of(...) at most. If a wish for a shutdown
         * does not wake you, sleep in slices of 250 ms. A superloop does its other work here
         * instead */
    } while (left_of(n, began_ms, limit_ms) > 0);
    return 0;
}

/* Gives everything back, in any state of the connection: also if it broke, or has octets that
 * nobody took. Octets that were sent before still go out. */
static void net_close(void *ctx) {
    my_net *n = ctx;
    if (!n->up) return;
    n->up = 0;
    /* here: close n->handle */
}

static int net_code(void *ctx) {
    const my_net *n = ctx;
    return n->code;
}

const popcl_net my_port = {
    .open = net_open,
    .recv = net_recv,
    .send = net_send,
    .wait = net_wait,
    .close = net_close,
    .now_ms = net_now_ms,
    .code = net_code,
};
