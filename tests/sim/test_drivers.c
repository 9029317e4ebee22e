/* SPDX-License-Identifier: MIT */
/* test_drivers - popcl_run and a main loop that never blocks each drive both owners, in whatever an
 * owner can ask of its driver; tests/lwip/test_raw.c does the same over lwIP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drive.h"
#include "popcl_net.h"

static drive d;
static sim_server server;
static uint32_t now;
static unsigned calls, closed;

/* ---- a port, for popcl_run ---- */

/* Octets come a few at a time, and not at each call. */
static size_t some(void *p, size_t n) {
    return ++calls % 3 ? sim_server_give(&server, p, n < 40 ? n : 40) : 0;
}

static popcl_err net_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    (void)ctx;
    assert_string_equal(host, "pop.example");
    assert_int_equal(port, 110);
    assert_true(limit_ms > 0);
    return d.what == DRIVE_NO_CONNECTION ? POPCL_ERR_CONNECT : POPCL_OK;
}

static int32_t net_recv(void *ctx, void *p, size_t n) {
    (void)ctx;
    size_t got = some(p, n);
    if (got) return (int32_t)got;
    return sim_server_closed(&server) ? POPCL_NET_EOF : POPCL_NET_AGAIN;
}

static int32_t net_send(void *ctx, const void *p, size_t n) {
    (void)ctx;
    if (n > 7) n = 7;
    sim_server_take(&server, p, n);
    return (int32_t)n;
}

static int32_t net_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    (void)ctx;
    int can = (want & POPCL_SEND) ||
              ((want & POPCL_RECV) && (sim_server_ready(&server) || sim_server_closed(&server)));
    now += drive_skips_ms(&d);
    if (want & POPCL_NET_STOP && drive_wants_stop(&d)) return POPCL_NET_STOP;
    if (!can) now += limit_ms;
    return (int32_t)(want & (POPCL_SEND | POPCL_RECV));
}

static void net_close(void *ctx) {
    (void)ctx;
    closed++;
}

static uint32_t net_now_ms(void *ctx) {
    (void)ctx;
    return now;
}

static void by_run(void) {
    static const popcl_net net = {.open = net_open,
                                  .recv = net_recv,
                                  .send = net_send,
                                  .wait = net_wait,
                                  .close = net_close,
                                  .now_ms = net_now_ms};
    closed = 0;
    (void)popcl_run(d.h.s, &net, NULL);
    assert_int_equal(closed, d.what != DRIVE_NO_CONNECTION);
}

/* ---- a superloop ---- */

/* One turn: at most one send and one receive, the time, and the callbacks that asked for time. */
static void turn(popcl *session) {
    size_t n;
    const unsigned char *out = popcl_send_buf(session, &n);
    if (n) {
        sim_server_take(&server, out, n);
        popcl_send_ack(session, n);
    }
    unsigned char *in = popcl_recv_buf(session, &n);
    size_t got = n ? some(in, n) : 0;
    if (got)
        popcl_recv_ack(session, got);
    else if (n && sim_server_closed(&server))
        popcl_recv_eof(session);
    popcl_tick(session, now);
    if (popcl_state(session) & POPCL_PAUSED) popcl_resume(session);
}

static void by_superloop(void) {
    uint16_t port;
    uint32_t limit_ms;
    (void)popcl_connect(d.h.s, now, &port, &limit_ms);
    if (d.what == DRIVE_NO_CONNECTION)
        popcl_fail(d.h.s, POPCL_ERR_CONNECT, 5);
    else
        popcl_connected(d.h.s, now);
    for (unsigned turns = 0; !(popcl_state(d.h.s) & POPCL_DONE) && turns < 100000; turns++) {
        turn(d.h.s);
        now += 1 + drive_skips_ms(&d);
        if (drive_wants_stop(&d)) popcl_stop(d.h.s);
    }
}

static void everything(void (*drives)(void), const char *name) {
    static const unsigned windows[] = {1, 2, HAND_WINDOW, HAND_WINDOW_MAX};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        unsigned window = windows[i];
        for (int job = 0; job < 2; job++) {
            for (int what = 0; what < DRIVES; what++) {
                sim_server_init(&server);
                drive_init(&d, (enum drive_what)what, job, window, &server);
                sim_server_connect(&server);
                now = 4294960000u; /* wraps within the session */
                uint32_t began = now;
                drives();
                const char *odd = drive_end(&d, now - began);
                if (odd) fail_msg("%s, job %d, window %u, %d: %s", name, job, window, what, odd);
                sim_server_free(&server);
            }
        }
    }
}

static void popcl_run_drives_both_owners(void **state) { (void)state, everything(by_run, "run"); }
static void a_superloop_drives_both_owners(void **state) {
    (void)state, everything(by_superloop, "superloop");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(popcl_run_drives_both_owners),
        cmocka_unit_test(a_superloop_drives_both_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
