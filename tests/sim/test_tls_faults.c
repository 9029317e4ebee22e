/* SPDX-License-Identifier: MIT */
/* test_tls_faults - sessions with TLS in which the n-th call fails, and in which the n-th octet to
 * the client is changed, or is the last one. Beside I3 to I9 (world.c), no octet of a name or a
 * password leaves before the handshake [I1], and what somebody changes on the way never reaches a
 * store. The clean session after each fault goes without TLS: only the maildrop counts there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

static unsigned long runs;

/* Sessions that differ in all that they can. */
static const struct how {
    const char *name;
    enum session_kind kind;
    int staging;
    uint8_t security;
    size_t plan_len; /* 0: the free part of the TLS storage */
    int resumes;
} hows[] = {
    {"POP3S session that deletes", DELETE_FETCHED, 1, POPCL_TLS, WORLD_PLAN, 0},
    {"STLS session that fetches what is new", NEW_ONLY, 0, POPCL_STLS, 0, 0},
    {"resumed POP3S session", NEW_ONLY, 1, POPCL_TLS, 0, 1},
    {"resumed STLS session", KEEP, 0, POPCL_STLS, WORLD_PLAN, 1},
};
enum { HOWS = sizeof hows / sizeof hows[0] };

static void init(world *w, const struct how *h) {
    world_init(w, h->kind, h->staging);
    w->security = h->security;
    w->plan_len = h->plan_len;
    if (h->resumes) world_resume(w);
}

/* What was kept through the fault is good. */
static void resume_again(world *w) {
    unsigned resumed = w->sessions.resumed;
    w->server.refuse_command = 0;
    w->flip_octet = w->end_octet = w->hold_octet = w->cut_octet = 0;
    world_fail(w, NO_FAULT, 0, 0);
    if (popcl_err_class(world_session(w)) != POPCL_CLASS_DONE)
        world_note(w, "the session after it failed");
    if (w->sessions.resumed != resumed + 1) world_note(w, "the session after it was not resumed");
}

static void finish(world *w, const struct how *h, const char *what, uint32_t at) {
    if (h->resumes && w->kept.state) resume_again(w);
    world_recover(w);
    world_free(w);
    runs++;
    if (w->fault[0]) fail_msg("%s, %s at %lu: %s", h->name, what, (unsigned long)at, w->fault);
}

/* What a clean session does: its calls and the octets that reach the client. */
static void measure(const struct how *h, size_t chunk, uint32_t *calls, uint32_t *octets) {
    static world w;
    init(&w, h);
    w.chunk = chunk;
    assert_int_equal(world_session(&w), POPCL_OK);
    assert_int_equal(w.sessions.resumed, h->resumes);
    *calls = w.calls;
    *octets = w.octets;
    world_free(&w);
    assert_string_equal(w.fault, "");
}

static void call_fails(const struct how *h, size_t chunk, enum fault_kind fault, uint32_t at,
                       int for_ever) {
    static world w;
    init(&w, h);
    w.chunk = chunk;
    world_fail(&w, fault, at, for_ever);
    world_session(&w);
    char what[60];
    snprintf(what, sizeof what, "fault %d of calls%s", (int)fault,
             for_ever ? " and all after" : "");
    finish(&w, h, what, at);
}

static void every_call(enum fault_kind first, enum fault_kind last, size_t chunk, uint32_t step) {
    for (int i = 0; i < HOWS; i++) {
        uint32_t calls, octets;
        measure(&hows[i], chunk, &calls, &octets);
        for (int fault = (int)first; fault <= (int)last; fault++) {
            for (uint32_t at = 1; at <= calls; at += step) {
                call_fails(&hows[i], chunk, (enum fault_kind)fault, at, 0);
                if (fault != POWER_OFF) call_fails(&hows[i], chunk, (enum fault_kind)fault, at, 1);
            }
        }
    }
}

/* [A13 A16 A18 A28 D46 I1 I3 I4 I5 I7 I8 I9 K10] */
static void transport_fails_at_call_n(void **state) {
    (void)state;
    every_call(NET_AGAIN, NET_STOP, 4096, TLS_STEP);
}

/* [A14 A15 A16 A28] with a transport that moves thirteen octets a call */
static void slow_transport_fails_at_call_n(void **state) {
    (void)state;
    every_call(NET_AGAIN, NET_FAILED, 13, 11 * TLS_STEP);
}

/* [J5 K6] */
static void clock_jumps_at_call_n(void **state) {
    (void)state;
    every_call(CLOCK_FORWARD, CLOCK_SLOW, 4096, TLS_STEP);
}

/* [G5 G6 I3 I7 I8] the sink pauses with a span in the record buffer, or fails there */
static void sink_fails_at_call_n(void **state) {
    (void)state;
    every_call(SINK_SHORT, SINK_FAIL, 4096, TLS_STEP);
}

/* [G1 G2 G3 I3] */
static void power_goes_at_call_n(void **state) {
    (void)state;
    every_call(POWER_OFF, POWER_OFF, 4096, TLS_STEP);
}

static void every_octet(size_t order, const char *what, uint32_t step,
                        void (*look)(world *w, popcl_err result)) {
    static world w;
    for (int i = 0; i < HOWS; i++) {
        uint32_t calls, octets;
        measure(&hows[i], 4096, &calls, &octets);
        for (uint32_t at = 1; at <= octets; at += step) {
            init(&w, &hows[i]);
            *(uint32_t *)(void *)((char *)&w + order) = at;
            popcl_err result = world_session(&w);
            if (look) look(&w, result);
            finish(&w, &hows[i], what, at);
        }
    }
}

/* [A7 A8 A10 A12 A13 C13 D45] */
static void server_ends_before_octet_n(void **state) {
    (void)state;
    every_octet(offsetof(world, end_octet), "an end", 3 * TLS_STEP, NULL);
}

/* [A5 A19 A20 A21 A22 I5] */
static void server_stalls_before_octet_n(void **state) {
    (void)state;
    every_octet(offsetof(world, hold_octet), "a stall", 3 * TLS_STEP, NULL);
}

/* Only in words that stand in clear, those before STLS, may a changed octet be overlooked. */
static void look_for_success(world *w, popcl_err result) {
    int in_clear =
        w->security == POPCL_STLS && w->flip_octet <= sizeof "+OK ready\r\n+OK begin\r\n" - 1;
    if (popcl_err_class(result) == POPCL_CLASS_DONE && !in_clear)
        world_note(w, "a changed octet went by");
}

/* [B69 C18 I1 I3 I4 D10] */
static void octet_n_is_changed(void **state) {
    (void)state;
    every_octet(offsetof(world, flip_octet), "a wrong bit", TLS_STEP, look_for_success);
}

static void look_for_failure(world *w, popcl_err result) {
    if (result != POPCL_OK) world_note(w, "it ended with %s", popcl_err_name(result));
}

/* [A25] the handshake, and what follows, in two pieces */
static void cut_before_octet_n(void **state) {
    (void)state;
    every_octet(offsetof(world, cut_octet), "a cut", 2 * TLS_STEP, look_for_failure);
}

/* [A25] however the octets come, and whatever piece of memory is the plan */
static void every_chunk_size(void **state) {
    uint32_t calls, octets;
    (void)state;
    for (size_t chunk = 1; chunk < 80; chunk += TLS_STEP) {
        for (int i = 0; i < HOWS; i++)
            measure(&hows[i], chunk, &calls, &octets);
    }
}

/* [B54 B57 C5 C6 G5 R14 R63] */
static void server_refuses_command_n(void **state) {
    static world w;
    (void)state;
    for (int i = 0; i < HOWS; i++) {
        for (uint32_t at = 1; at <= 30; at++) {
            init(&w, &hows[i]);
            w.server.refuse_command = at;
            world_session(&w);
            finish(&w, &hows[i], "a refusal", at);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunk_size),
        cmocka_unit_test(cut_before_octet_n),
        cmocka_unit_test(transport_fails_at_call_n),
        cmocka_unit_test(slow_transport_fails_at_call_n),
        cmocka_unit_test(clock_jumps_at_call_n),
        cmocka_unit_test(sink_fails_at_call_n),
        cmocka_unit_test(power_goes_at_call_n),
        cmocka_unit_test(server_refuses_command_n),
        cmocka_unit_test(server_ends_before_octet_n),
        cmocka_unit_test(server_stalls_before_octet_n),
        cmocka_unit_test(octet_n_is_changed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("# %lu faulty sessions\n", runs);
    return failed;
}
