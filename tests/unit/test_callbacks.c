/* SPDX-License-Identifier: MIT */
/* test_callbacks - port/callbacks beyond the suite for ports: late callbacks, a small ring, the
 * lock, and a stack that lacks memory. The stack is a table of answers. Its callbacks come from
 * inside of sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "../../port/callbacks/net.c"

static popcl_callbacks net;
static unsigned char ring[8];
static uint32_t now, number;
static int is_locked, connect_code, connected_in_sleep, is_found, opened, closed, woken;
static size_t window;

static int stack_connect(void *ctx, uint32_t n, const char *host, uint16_t port, uint32_t limit) {
    (void)ctx, (void)host, (void)port, (void)limit;
    assert_false(is_locked);
    number = n;
    opened++;
    return connect_code;
}

static int32_t stack_send(void *ctx, const void *p, size_t n, int *code) {
    (void)ctx, (void)p, (void)n;
    *code = 32;
    return POPCL_NET_FAILED;
}

static int stack_room(void *ctx) { return (void)ctx, 0; }
static void stack_taken(void *ctx, size_t n) { (void)ctx, window += n; }
static void stack_close(void *ctx) { (void)ctx, closed++; }
static void stack_wake(void *ctx) { (void)ctx, assert_false(is_locked), woken++; }
static uint32_t stack_now(void *ctx) { return (void)ctx, now; }

static void stack_lock(void *ctx) {
    (void)ctx;
    assert_false(is_locked); /* it does not nest */
    is_locked = 1;
}

static void stack_unlock(void *ctx) {
    (void)ctx;
    assert_true(is_locked);
    is_locked = 0;
}

static void stack_sleep(void *ctx, uint32_t limit_ms) {
    (void)ctx;
    assert_false(is_locked);
    assert_true(limit_ms > 0);
    now += limit_ms;
    if (is_found) popcl_callbacks_found(&net, number);
    if (connected_in_sleep) popcl_callbacks_connected(&net, number);
}

static const popcl_callbacks_stack hooks = {
    .connect = stack_connect,
    .send = stack_send,
    .has_room = stack_room,
    .taken = stack_taken,
    .close = stack_close,
    .lock = stack_lock,
    .unlock = stack_unlock,
    .wake = stack_wake,
    .sleep = stack_sleep,
    .now_ms = stack_now,
};

static int set_up(void **state) {
    (void)state;
    net = (popcl_callbacks){.stack = &hooks, .ring = ring, .ring_len = sizeof ring};
    now = UINT32_MAX - 100; /* it wraps in an open */
    is_locked = connect_code = is_found = opened = closed = woken = 0;
    connected_in_sleep = 1;
    window = 0;
    return 0;
}

static popcl_err open_net(void) {
    return popcl_callbacks_net.open(&net, "pop.example.org", 110, 1000);
}

static int32_t receive(void *p, size_t n) { return popcl_callbacks_net.recv(&net, p, n); }

static void test_no_hook_may_be_missing(void **state) {
    (void)state;
    popcl_callbacks_stack less = hooks;
    net.stack = &less;
    less.wake = NULL;
    assert_int_equal(open_net(), POPCL_ERR_PORT);
    less.wake = stack_wake;
    net.ring_len = 0;
    assert_int_equal(open_net(), POPCL_ERR_PORT);
    net.ring_len = sizeof ring;
    less.now_ms = NULL;
    assert_int_equal(popcl_callbacks_net.now_ms(&net), 0); /* popcl_run calls it before open */
    assert_int_equal(open_net(), POPCL_ERR_PORT);
    net.stack = NULL;
    assert_int_equal(popcl_callbacks_net.now_ms(&net), 0);
    assert_int_equal(open_net(), POPCL_ERR_PORT);
    assert_int_equal(opened, 0);
    net.stack = &hooks;
    assert_int_equal(open_net(), POPCL_OK);
}

static void test_a_stack_without_memory(void **state) {
    (void)state;
    connect_code = 12;
    assert_int_equal(open_net(), POPCL_ERR_NET);
    assert_int_equal(popcl_callbacks_net.code(&net), 12);
    assert_int_equal(closed, 1);
    popcl_callbacks_net.close(&net);
    assert_int_equal(closed, 1);
}

static void test_no_answer(void **state) {
    (void)state;
    connected_in_sleep = 0;
    assert_int_equal(open_net(), POPCL_ERR_RESOLVE_TIMEOUT);
    is_found = 1;
    assert_int_equal(open_net(), POPCL_ERR_TIMEOUT_CONNECT);
    assert_int_equal(closed, 2);
}

static void test_late_callbacks_do_nothing(void **state) {
    (void)state;
    char octets[8];
    assert_int_equal(open_net(), POPCL_OK);
    uint32_t old = number;
    popcl_callbacks_net.close(&net);
    woken = 0;
    assert_int_equal(popcl_callbacks_received(&net, old, "late", 4), 0); /* after close */
    assert_int_equal(woken, 0);
    assert_int_equal(open_net(), POPCL_OK);
    assert_int_not_equal(number, old);
    woken = 0;
    assert_int_equal(popcl_callbacks_received(&net, old, "late", 4), 0);
    popcl_callbacks_ended(&net, old);
    popcl_callbacks_broken(&net, old, 104);
    popcl_callbacks_refused(&net, old, POPCL_ERR_CONNECT, 111);
    assert_int_equal(woken, 0);
    assert_int_equal(receive(octets, sizeof octets), POPCL_NET_AGAIN);
}

static void test_a_ring_that_is_too_small_loses_nothing(void **state) {
    (void)state;
    const char sent[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    char octets[64];
    size_t at = 0, came = 0;
    assert_int_equal(open_net(), POPCL_OK);
    while (came < sizeof sent) {
        at += popcl_callbacks_received(&net, number, sent + at, sizeof sent - at);
        int32_t got = receive(octets + came, 3);
        assert_in_range(got, 1, 3);
        came += (size_t)got;
    }
    assert_memory_equal(octets, sent, sizeof sent);
    assert_int_equal(window, sizeof sent);
}

static void test_octets_come_before_a_break(void **state) {
    (void)state;
    char octets[8];
    assert_int_equal(open_net(), POPCL_OK);
    popcl_callbacks_received(&net, number, "bye", 3);
    popcl_callbacks_broken(&net, number, 104);
    assert_int_equal(popcl_callbacks_net.code(&net), 0);
    assert_int_equal(receive(octets, sizeof octets), 3);
    assert_int_equal(receive(octets, sizeof octets), POPCL_NET_FAILED);
    assert_int_equal(popcl_callbacks_net.code(&net), 104);
    assert_int_equal(popcl_callbacks_net.send(&net, "x", 1), POPCL_NET_FAILED);
}

/* The stack may know in send what no callback has reported yet. */
static void test_a_send_that_fails_has_its_code(void **state) {
    (void)state;
    assert_int_equal(open_net(), POPCL_OK);
    assert_int_equal(popcl_callbacks_net.wait(&net, POPCL_SEND, 300), 0);
    assert_int_equal(popcl_callbacks_net.send(&net, "x", 1), POPCL_NET_FAILED);
    assert_int_equal(popcl_callbacks_net.code(&net), 32);
    assert_int_equal(popcl_callbacks_net.wait(&net, POPCL_SEND, 300), POPCL_SEND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_no_hook_may_be_missing, set_up),
        cmocka_unit_test_setup(test_a_stack_without_memory, set_up),
        cmocka_unit_test_setup(test_no_answer, set_up),
        cmocka_unit_test_setup(test_late_callbacks_do_nothing, set_up),
        cmocka_unit_test_setup(test_a_ring_that_is_too_small_loses_nothing, set_up),
        cmocka_unit_test_setup(test_octets_come_before_a_break, set_up),
        cmocka_unit_test_setup(test_a_send_that_fails_has_its_code, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
