/* SPDX-License-Identifier: MIT */
/* cases_wait - wait, the clock, and the wish for an end. Times are the port's own, and judged by
 * their relation to each other. */
#define _DEFAULT_SOURCE
#include "suite.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SPAN_MS 200u

/* ---- peers ---- */

static void says_one(const peer *p) {
    int fd = peer_accept(p);
    (void)peer_await(p);
    usleep(100000);
    peer_pattern(p, fd, 0, 1);
    peer_expect_end(p, fd, 0);
}

static void waits_for_the_end(const peer *p) {
    int fd = peer_accept(p);
    peer_expect_end(p, fd, 0);
}

static void ends_later(const peer *p) {
    int fd = peer_accept(p);
    (void)peer_await(p);
    usleep(100000);
    close(fd);
}

static void resets_later(const peer *p) {
    int fd = peer_accept(p);
    (void)peer_await(p);
    usleep(100000);
    peer_reset(fd);
}

static void reads_later(const peer *p) {
    int fd = peer_accept(p);
    (void)peer_await(p);
    peer_expect_end(p, fd, 0);
}

static void nobody(const peer *p) { (void)p; }

/* ---- what is possible ---- */

static int32_t wait_and_time(const test *t, unsigned want, uint32_t limit_ms, uint32_t *took) {
    uint32_t began = now(t);
    int32_t can = guarded.wait(t->c, want, limit_ms);
    *took = now(t) - began;
    return can;
}

static void what_is_possible(const test *t) {
    uint32_t took;
    connect_to_peer(t, t->c);
    int32_t can = wait_and_time(t, POPCL_SEND | POPCL_RECV, 5000, &took);
    must(can == (int32_t)POPCL_SEND, WAIT_RETURNS,
         "all that is wanted is returned, or one of the two is never looked at",
         "on a new connection wait(SEND | RECV) returned %ld", (long)can);
    can = wait_and_time(t, POPCL_SEND, 5000, &took);
    must(can == (int32_t)POPCL_SEND, WAIT_RETURNS, "room to send is not looked at",
         "on a new connection wait(SEND) returned %ld", (long)can);
    can = wait_and_time(t, POPCL_RECV, SPAN_MS, &took);
    must(can == 0, WAIT_RETURNS, "RECV is told where nothing came",
         "wait(RECV), when nothing had come, returned %ld", (long)can);
    must(took >= SPAN_MS / 2, WAITS, "the limit is in another unit, or wait does not wait",
         "wait(RECV, %u), when nothing came, took %u ms", SPAN_MS, took);
    go(t, 0);
    wait_for(t->c, POPCL_RECV);
    can = wait_and_time(t, POPCL_SEND | POPCL_RECV, 5000, &took);
    must(can & (int32_t)POPCL_RECV, WAIT_RETURNS, "what came is forgotten once it was told",
         "wait(SEND | RECV), with an octet there, returned %ld", (long)can);
    int32_t end = 1;
    must(receive(t->c, 0, 1, &end) == 1, IN_ORDER, "wait takes the octets that it finds",
         "the octet that wait told of is not there");
    guarded.close(t->c);
}

/* With the longest limit, which fits into no 32 bits of microseconds and into no 16 of
 * milliseconds. */
static void wakes(const test *t) {
    int32_t can = 0;
    unsigned rounds = 0;
    connect_to_peer(t, t->c);
    go(t, 0);
    for (; can == 0 && rounds < 200; rounds++)
        can = guarded.wait(t->c, POPCL_RECV, POPCL_MS_MAX);
    must(can == (int32_t)POPCL_RECV, WAITS,
         "the limit overflows where it is turned into another unit: 2^30 ms are 12 days",
         "%u times wait(RECV, 2^30) returned %ld, while an octet was on its way", rounds,
         (long)can);
    guarded.close(t->c);
}

static void limit_0(const test *t) {
    connect_to_peer(t, t->c);
    uint32_t began = now(t);
    for (int i = 0; i < 100; i++) {
        int32_t can = guarded.wait(t->c, POPCL_RECV, 0);
        must(can == 0, WAIT_RETURNS, "RECV is told where nothing came",
             "wait(RECV, 0), when nothing had come, returned %ld", (long)can);
    }
    uint32_t took = now(t) - began;
    must(took < 3000, WAITS, "a limit of 0 stands for a default, or is rounded up",
         "100 times wait(RECV, 0) took %u ms", took);
    guarded.close(t->c);
}

static void neither(const test *t) {
    uint32_t took;
    connect_to_peer(t, t->c);
    int32_t can = wait_and_time(t, 0, SPAN_MS, &took);
    must(can == 0, WAIT_RETURNS, "what is possible is returned without a look at want",
         "wait for neither returned %ld", (long)can);
    must(took >= SPAN_MS / 2, WAITS,
         "where nothing is wanted wait does not wait: while a sink pauses, a caller would spin",
         "wait(0, %u) took %u ms", SPAN_MS, took);
    guarded.close(t->c);
}

static uint64_t used_us(void) {
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000u +
           (uint64_t)u.ru_utime.tv_usec + (uint64_t)u.ru_stime.tv_usec;
}

static void costs_no_processor(const test *t) {
    connect_to_peer(t, t->c);
    uint64_t before = used_us();
    uint32_t began = now(t), took = 0;
    for (int rounds = 0; (took = now(t) - began) < 1000; rounds++) {
        (void)guarded.wait(t->c, POPCL_RECV, 1000);
        must(rounds < 100, WAITS, "wait returns at once where nothing happens: a caller would spin",
             "%d times wait(RECV, 1000) returned within %u ms, and nothing came", rounds, took);
    }
    uint64_t used_ms = (used_us() - before) / 1000u;
    must(used_ms < took / 20, WAITS,
         "wait asks again and again instead of sleeping until something happens",
         "in %u ms of waiting the processor worked %u ms", took, (unsigned)used_ms);
    guarded.close(t->c);
}

static void end_wakes(const test *t, const char *what) {
    int32_t can = 0;
    uint32_t took;
    connect_to_peer(t, t->c);
    go(t, 0);
    for (int i = 0; i < 40 && can == 0; i++)
        can = guarded.wait(t->c, POPCL_RECV, 250);
    must(can == (int32_t)POPCL_RECV || can == POPCL_NET_FAILED, WAIT_RETURNS,
         "the end is nothing that wait looks at: recv could tell it",
         "for 10 s wait(RECV) returned 0 after %s", what);
    can = wait_and_time(t, 0, SPAN_MS, &took);
    must(can == 0 && took >= SPAN_MS / 2, WAITS,
         "behind the end wait does not wait: while a sink pauses, a caller would spin",
         "after %s wait(0, %u) returned %ld, and took %u ms", what, SPAN_MS, (long)can, took);
    guarded.close(t->c);
}
static void eof_wakes(const test *t) { end_wakes(t, "the peer ended the connection"); }
static void reset_wakes(const test *t) { end_wakes(t, "the connection was reset"); }

/* Sends until nothing is taken and wait agrees, several times: buffers on the way may still give
 * way a little. A wait that says SEND must be right about it. Returns how many octets were taken.
 */
static uint32_t fill(const test *t) {
    static unsigned char p[4096];
    uint32_t at = 0, took = 0;
    int32_t can = 0;
    for (int full = 0; full < 5;) {
        pattern(p, at, sizeof p);
        int32_t r = guarded.send(t->c, p, sizeof p);
        must(r > 0 || can == 0, WAITS, "room to send is told where there is none",
             "wait(SEND, %u) returned SEND after %u ms, and send took nothing", SPAN_MS, took);
        full = r > 0 ? 0 : full + 1;
        if (r > 0) at += (uint32_t)r;
        can = r > 0 ? 0 : wait_and_time(t, POPCL_SEND, SPAN_MS, &took);
        must(r > 0 || can > 0 || took >= SPAN_MS / 2, WAITS, "wait does not wait for room",
             "wait(SEND, %u), with all buffers full, took %u ms", SPAN_MS, took);
    }
    return at;
}

static void room_wakes(const test *t) {
    connect_to_peer(t, t->c);
    uint32_t at = fill(t);
    go(t, 0);
    wait_for(t->c, POPCL_SEND);
    send_all(t->c, at, at + 100000, 4096);
    guarded.close(t->c);
}

/* ---- the wish for an end ---- */

static conn *to_stop;
static void on_alarm(int number) {
    (void)number;
    port_tested.stop(to_stop->ctx, 1);
}

static void stops(const test *t) {
    const unsigned with_stop = POPCL_RECV | (unsigned)POPCL_NET_STOP;
    struct itimerval soon = {{0, 0}, {0, 100000}};
    uint32_t took;
    connect_to_peer(t, t->c);
    int32_t can = wait_and_time(t, with_stop, SPAN_MS, &took);
    must(can == 0, WAIT_STOPS, "STOP is told though nobody wants an end",
         "wait(RECV | STOP) returned %ld", (long)can);
    to_stop = t->c;
    (void)signal(SIGALRM, on_alarm);
    (void)setitimer(ITIMER_REAL, &soon, NULL);
    for (int i = 0; i < 4 && can == 0; i++) /* a signal may end one wait without a word */
        can = guarded.wait(t->c, with_stop, 8000);
    must(can == POPCL_NET_STOP, WAIT_STOPS, "the wish is looked at once only, at the begin",
         "wait(RECV | STOP), while it waited and an end was wanted, returned %ld", (long)can);
    can = wait_and_time(t, with_stop | POPCL_SEND, 8000, &took);
    must(can == POPCL_NET_STOP, WAIT_STOPS,
         "what is possible goes before the wish: on a busy connection it would never be told",
         "wait(SEND | RECV | STOP) returned %ld", (long)can);
    can = wait_and_time(t, POPCL_RECV, SPAN_MS, &took);
    must(can == 0 && took >= SPAN_MS / 2, WAIT_STOPS,
         "the wish ends waits that do not ask for it: QUIT's answer is still awaited",
         "wait(RECV, %u) returned %ld after %u ms", SPAN_MS, (long)can, took);
    guarded.close(t->c);
}

static const char *has_stop(void) { return port_tested.stop ? NULL : "stop is NULL"; }

/* ---- the clock ---- */

static uint64_t host_ms(void) {
    struct timespec s;
    (void)clock_gettime(CLOCK_MONOTONIC, &s);
    return (uint64_t)s.tv_sec * 1000u + (uint64_t)s.tv_nsec / 1000000u;
}

static void clock_runs(const test *t) {
    uint64_t host_began = host_ms();
    uint32_t began = now(t), last = began;
    while (host_ms() - host_began < 600) {
        for (int i = 0; i < 100; i++) {
            uint32_t next = now(t);
            must(next - last < 0x80000000u, CLOCK,
                 "it is the time of day, or is put together from two halves",
                 "now_ms went back by %u", last - next);
            last = next;
        }
        idle(5);
    }
    uint32_t host_took = (uint32_t)(host_ms() - host_began), took = now(t) - began;
    must(took >= host_took / 4 && took <= host_took * 4, CLOCK,
         "it counts ticks, seconds or microseconds", "while %u ms passed, now_ms counted %u",
         host_took, took);
}

static void clock_wraps(const test *t) {
    uint32_t took;
    connect_to_peer(t, t->c);
    port_tested.clock_to(UINT32_MAX - SPAN_MS / 2);
    int32_t can = wait_and_time(t, POPCL_RECV, SPAN_MS, &took);
    must(can == 0 && took >= SPAN_MS / 2, CLOCK, "begin + limit is compared with now: it wraps",
         "wait(RECV, %u) across the wrap returned %ld after %u ms", SPAN_MS, (long)can, took);
    guarded.close(t->c);
    const char *name = port_tested.silent ? port_tested.silent : "127.0.0.1";
    if (!port_tested.silent && !port_silence("127.0.0.1", t->closed)) return;
    port_tested.clock_to(UINT32_MAX - SPAN_MS / 2);
    popcl_err e = guarded.open(t->c, name, t->closed, SPAN_MS);
    must(e == POPCL_ERR_TIMEOUT_CONNECT, CLOCK, "begin + limit is compared with now: it wraps",
         "open of a silent peer, across the wrap, returned %s", popcl_err_name(e));
    port_tested.clock_to(UINT32_MAX - SPAN_MS / 2);
    connect_to_peer(t, t->c);
    guarded.close(t->c);
}

static const char *has_clock(void) { return port_tested.clock_to ? NULL : "clock_to is NULL"; }

static void waits_for_two(const peer *p) {
    waits_for_the_end(p);
    waits_for_the_end(p);
}

const port_case wait_cases[] = {
    {"wait_tells_what_is_possible", what_is_possible, says_one, NULL},
    {"wait_wakes", wakes, says_one, NULL},
    {"wait_limit_0", limit_0, waits_for_the_end, NULL},
    {"wait_for_neither", neither, waits_for_the_end, NULL},
    {"wait_costs_no_processor", costs_no_processor, waits_for_the_end, NULL},
    {"wait_eof_wakes", eof_wakes, ends_later, NULL},
    {"wait_reset_wakes", reset_wakes, resets_later, NULL},
    {"wait_room_wakes", room_wakes, reads_later, NULL},
    {"wait_stops", stops, waits_for_the_end, has_stop},
    {"clock_runs", clock_runs, nobody, NULL},
    {"clock_wraps", clock_wraps, waits_for_two, has_clock},
    {NULL, NULL, NULL, NULL},
};
