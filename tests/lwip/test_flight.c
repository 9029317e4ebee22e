/* SPDX-License-Identifier: MIT */
/* test_flight - a server at the end of a long line is kept busy: the octets that it has in flight
 * while a message comes, against TCP_WND. In simulated time. A line of comment has the figures of
 * each session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"

enum { LINE_MS = 50, OCTETS = 100000, TIMESTAMPS = 12 };

static client c;

static uint32_t most_in_flight(void) {
    uint32_t n = FAR_UNACKED;
    while (n && !c.far.flight_ms[n])
        n--;
    return n;
}

/* For half of the time so many octets were in flight, or more. */
static uint32_t median_in_flight(void) {
    uint32_t all = 0, above = 0, n = FAR_UNACKED + 1;
    for (uint32_t i = 0; i <= FAR_UNACKED; i++)
        all += c.far.flight_ms[i];
    while (n && above * 2 < all)
        above += c.far.flight_ms[--n];
    return n;
}

static void fetch(enum face face, uint8_t security, size_t record, uint16_t segment,
                  uint32_t work_ms) {
    static char text[OCTETS + 1];
    for (size_t i = 0; i < OCTETS; i++)
        text[i] = i % 50 == 48 ? '\r' : i % 50 == 49 ? '\n' : (char)('a' + i % 23);
    client_init(&c);
    c.face = face;
    c.security = security;
    c.record = record;
    c.work_ms = work_ms;
    c.far.line_ms = LINE_MS;
    c.far.segment = segment;
    c.server.count = 0;
    sim_server_add(&c.server, "large", text);
    popcl_err e = client_session(&c);
    if (e) client_note(&c, "%s", popcl_err_name(e));
}

/* Fetches in clear and over TLS, with small and with large record buffers. Segments are as long as
 * they may be, or shorter, as with the option of timestamps. Each session is judged at its end. */
static void each(uint32_t work_ms, void (*judge)(uint16_t segment)) {
    for (unsigned i = 0; i < 24; i++) {
        enum face face = i % 2 ? POLLED : WAITED;
        uint8_t security = i / 2 % 2 ? POPCL_TLS : POPCL_CLEAR;
        size_t record = i / 4 % 2 ? 4096 : 512;
        uint16_t segment = (uint16_t)(TCP_MSS - i / 8 * TIMESTAMPS);
        fetch(face, security, record, segment, work_ms);
        printf("# %s, a buffer for %u, segments of %u, %u ms of work: at most %u, half of the time "
               "%u of %u, %u ms\n",
               security == POPCL_TLS ? "TLS" : "clear", (unsigned)record, segment,
               (unsigned)work_ms, (unsigned)most_in_flight(), (unsigned)median_in_flight(),
               (unsigned)TCP_WND, (unsigned)c.took_ms);
        if (most_in_flight() > TCP_WND) client_note(&c, "more than the window");
        if (c.far.cut_off) client_note(&c, "a silly window, %u times", c.far.cut_off);
        judge(segment);
        client_settle(&c);
        client_free(&c);
        if (c.fault[0])
            fail_msg("face %d, security %d, a buffer for %u, segments of %u: %s", (int)face,
                     (int)security, (unsigned)record, segment, c.fault);
    }
}

/* As many whole segments as the window has room for, for half of the time at least. */
static void judge_full(uint16_t segment) {
    uint32_t whole = (uint32_t)TCP_WND / segment * segment;
    if (median_in_flight() < whole)
        client_note(&c, "%u octets in flight for half of the time, and the window has room for %u",
                    (unsigned)median_in_flight(), (unsigned)whole);
}
static void window_is_full(void **state) { (void)state, each(0, judge_full); }

/* A store that takes its time does not narrow the window to less than a segment. */
static void judge_slow(uint16_t segment) {
    if (median_in_flight() < segment)
        client_note(&c, "%u octets in flight for half of the time", (unsigned)median_in_flight());
}
static void slow_store_leaves_a_segment(void **state) { (void)state, each(5, judge_slow); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_is_full),
        cmocka_unit_test(slow_store_leaves_a_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
