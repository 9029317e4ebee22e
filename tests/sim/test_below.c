/* SPDX-License-Identifier: MIT */
/* test_below - sessions over a transport that does TLS itself (POPCL_TLS_BELOW): who vouches for
 * the server, what happens if nobody does, and which rules of clear text do not hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "hand.h"
#include "owner.h"
#include "popcl_net.h"
#include "tls_client.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static hand h;

static const popcl_end_point end_point = {.len = 32, .hash = "0123456789abcdef0123456789abcdef"};

static void result_is(popcl_err e) {
    assert_int_equal(popcl_state(h.s), POPCL_DONE);
    assert_string_equal(popcl_err_name(popcl_result(h.s)), popcl_err_name(e));
}

static void init_below(void) {
    hand_init(&h, 1);
    h.cfg.session.security = POPCL_TLS_BELOW;
}

/* ---- by hand ---- */

/* [T1] */
static void connected_vouches_for_nothing(void **state) {
    size_t n;
    (void)state;
    for (int job = 0; job < 2; job++) {
        init_below();
        hand_start(&h, job);
        assert_int_equal(popcl_wants_secured(h.s), 1);
        popcl_connected(h.s, 1);
        result_is(POPCL_ERR_NOT_SECURED);
        assert_null(popcl_send_buf(h.s, &n));
        assert_null(popcl_recv_buf(h.s, &n));
        popcl_connected_secured(h.s, 2, &end_point); /* too late */
        result_is(POPCL_ERR_NOT_SECURED);
        assert_int_equal(popcl_err_class(POPCL_ERR_NOT_SECURED), POPCL_CLASS_TLS);
        assert_string_equal(h.sent, "");
        assert_int_equal(h.count[IN_GET], 0);
        hand_end(&h);
    }
}

/* [T1] No seed and no popcl_tls is needed. */
static void a_secured_session_begins_with_the_greeting(void **state) {
    uint16_t port;
    uint32_t limit;
    (void)state;
    for (int given = 0; given < 2; given++) {
        init_below();
        h.cfg.session.port = given ? 1995 : 0;
        hand_start(&h, 1);
        assert_non_null(popcl_connect(h.s, 0, &port, &limit));
        assert_int_equal(port, given ? 1995 : 995);
        popcl_connected_secured(h.s, 1, NULL);
        assert_string_equal(popcl_state_name(h.s), "greeting");
        popcl_connected(h.s, 2); /* both do nothing now */
        popcl_connected_secured(h.s, 2, &end_point);
        assert_string_equal(h.sent, "");
        hand_login(&h);
        hand_say(&h, "+OK 0 0\r\n");
        assert_non_null(strstr(h.sent, "USER fred\r\nPASS correct-horse\r\nSTAT\r\nQUIT\r\n"));
        hand_say(&h, "+OK\r\n");
        result_is(POPCL_OK);
        assert_int_equal(popcl_wants_secured(h.s), 1);
        hand_end(&h);
        assert_int_equal(popcl_wants_secured(h.s), 0); /* it is wiped */
    }
}

/* [T4] The handshake is over, so there is nothing that STLS could begin. */
static void stls_is_refused(void **state) {
    (void)state;
    init_below();
    hand_start(&h, 0);
    popcl_connected_secured(h.s, 0, NULL);
    hand_say(&h, "+OK\r\n");
    assert_int_equal(hand_submit(&h, POPCL_START_TLS, 0, 9), POPCL_ERR_STATE);
    assert_string_equal(h.sent, "");
    hand_end(&h);
}

/* A driver with one way for all its sessions may always use connected_secured: only POPCL_TLS_BELOW
 * changes. */
static void other_sessions_take_it_as_connected(void **state) {
    static popcl_tls tls;
    static popcl_tls_pinned_storage storage;
    unsigned char hash[POPCL_END_POINT_MAX];
    size_t n;
    (void)state;
    hand_init(&h, 1);
    hand_start(&h, 0);
    assert_int_equal(popcl_wants_secured(h.s), 0);
    popcl_connected_secured(h.s, 0, &end_point);
    assert_string_equal(popcl_state_name(h.s), "greeting");
    assert_int_equal(popcl_machine_end_point(h.s, hash), 0);
    hand_end(&h);
    for (int stls = 0; stls < 2; stls++) {
        hand_init(&h, 1);
        tls_client_init(&tls, TLS_PINNED, &storage, sizeof storage);
        h.cfg.session.security = (uint8_t)(stls ? POPCL_STLS : POPCL_TLS);
        h.cfg.session.tls = &tls;
        h.cfg.session.seed = &tls_seed;
        hand_start(&h, 0);
        popcl_connected_secured(h.s, 0, &end_point);
        assert_string_equal(popcl_state_name(h.s), stls ? "greeting" : "securing");
        assert_int_equal(popcl_send_buf(h.s, &n) != NULL, !stls); /* ClientHello */
        assert_int_equal(popcl_machine_end_point(h.s, hash), 0);
        hand_end(&h);
    }
}

/* [T5] */
static void the_end_point_is_the_one_of_the_transport(void **state) {
    static const popcl_end_point largest = {.len = POPCL_END_POINT_MAX, .hash = "x"},
                                 longer = {.len = POPCL_END_POINT_MAX + 1}, none = {.len = 0};
    static const struct {
        const popcl_end_point *given;
        size_t len;
    } rows[] = {{&end_point, 32}, {&largest, 64}, {&longer, 0}, {&none, 0}, {NULL, 0}};
    unsigned char hash[POPCL_END_POINT_MAX];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        init_below();
        hand_start(&h, 0);
        assert_int_equal(popcl_machine_end_point(h.s, hash), 0);
        popcl_connected_secured(h.s, 0, rows[i].given);
        assert_int_equal(popcl_machine_end_point(h.s, hash), rows[i].len);
        if (rows[i].len) assert_memory_equal(hash, rows[i].given->hash, rows[i].len);
        hand_end(&h);
    }
}

/* ---- by popcl_run ---- */

/* A transport that notes the order of its calls, a letter each. */
static struct {
    char calls[40];
    popcl_err opens_as;
    int vouches;
    const char *greeting;
    size_t heard;
} net;

static void called(char c) {
    size_t n = strlen(net.calls);
    if (n && net.calls[n - 1] == c) return; /* once is enough */
    if (n + 1 < sizeof net.calls) net.calls[n] = c;
}

static popcl_err net_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    (void)ctx, (void)host, (void)limit_ms;
    called('o');
    if (net.opens_as == POPCL_OK) assert_int_equal(port, 995);
    return net.opens_as;
}

static int32_t net_recv(void *ctx, void *p, size_t n) {
    (void)ctx;
    called('r');
    size_t left = strlen(net.greeting + net.heard);
    if (left == 0) return POPCL_NET_EOF;
    if (left < n) n = left;
    memcpy(p, net.greeting + net.heard, n);
    net.heard += n;
    return (int32_t)n;
}

static int32_t net_send(void *ctx, const void *p, size_t n) {
    (void)ctx, (void)p;
    called('s');
    return (int32_t)n;
}

static int32_t net_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    (void)ctx, (void)limit_ms;
    return (int32_t)(want & (POPCL_RECV | POPCL_SEND));
}

static void net_close(void *ctx) {
    (void)ctx;
    called('c');
}

static uint32_t net_now_ms(void *ctx) {
    (void)ctx;
    return 7;
}

static int net_code(void *ctx) {
    (void)ctx;
    return -9984;
}

static int net_secured(void *ctx) {
    (void)ctx;
    called('v');
    return net.vouches;
}

static const popcl_end_point *net_end_point(void *ctx) {
    (void)ctx;
    called('e');
    return &end_point;
}

static popcl_net transport = {.open = net_open,
                              .recv = net_recv,
                              .send = net_send,
                              .wait = net_wait,
                              .close = net_close,
                              .now_ms = net_now_ms,
                              .code = net_code,
                              .secured = net_secured,
                              .end_point = net_end_point};

static void run(int job, const char *calls, popcl_err result) {
    hand_start(&h, job);
    assert_string_equal(popcl_err_name(popcl_run(h.s, &transport, NULL)), popcl_err_name(result));
    assert_string_equal(net.calls, calls);
    result_is(result);
}

static void init_net(uint8_t security) {
    hand_init(&h, 1);
    h.cfg.session.security = security;
    memset(&net, 0, sizeof net);
    net.vouches = 1;
    net.greeting = "-ERR not now\r\n";
    transport.secured = net_secured;
    transport.end_point = net_end_point;
}

/* [T1] A port without TLS is not even opened. */
static void a_port_that_cannot_vouch_is_not_opened(void **state) {
    (void)state;
    for (int job = 0; job < 2; job++) {
        init_net(POPCL_TLS_BELOW);
        transport.secured = NULL;
        run(job, "", POPCL_ERR_NOT_SECURED);
        assert_int_equal(popcl_net_code(h.s), 0);
        hand_end(&h);
    }
}

/* [T1] Only 1 is a yes: an error number of a TLS library is none. */
static void a_port_that_does_not_vouch_moves_no_octet(void **state) {
    static const int answers[] = {0, 2, -1, -9984, 256, INT32_MAX};
    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(answers); i++) {
        init_net(POPCL_TLS_BELOW);
        net.vouches = answers[i / 2];
        run(i % 2, "ovc", POPCL_ERR_NOT_SECURED);
        assert_int_equal(popcl_net_code(h.s), -9984);
        assert_int_equal(h.count[IN_GET], 0);
        hand_end(&h);
    }
}

static void a_port_that_vouches_is_asked_once(void **state) {
    unsigned char hash[POPCL_END_POINT_MAX];
    (void)state;
    init_net(POPCL_TLS_BELOW);
    run(1, "overc", POPCL_ERR_GREETING_REFUSED);
    assert_int_equal(popcl_machine_end_point(h.s, hash), 32);
    hand_end(&h);
    init_net(POPCL_TLS_BELOW);
    transport.end_point = NULL;
    run(1, "ovrc", POPCL_ERR_GREETING_REFUSED);
    assert_int_equal(popcl_machine_end_point(h.s, hash), 0);
    hand_end(&h);
    init_net(POPCL_CLEAR); /* a session that does not need it does not ask */
    h.cfg.session.port = 995;
    run(1, "orc", POPCL_ERR_GREETING_REFUSED);
    hand_end(&h);
}

/* [T3] The verdict of the transport's handshake is the session's result, with its number. */
static void results_of_the_transports_tls_pass_through(void **state) {
    unsigned of_tls = 0;
    (void)state;
    for (int e = 1; e < 256; e++) {
        popcl_class class_ = popcl_err_class((popcl_err)e);
        if (class_ != POPCL_CLASS_TLS && class_ != POPCL_CLASS_CERT) continue;
        init_net(POPCL_TLS_BELOW);
        net.opens_as = (popcl_err)e;
        run(1, "o", (popcl_err)e);
        assert_int_equal(popcl_net_code(h.s), -9984);
        hand_end(&h);
        of_tls++;
    }
    assert_true(of_tls > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connected_vouches_for_nothing),
        cmocka_unit_test(a_secured_session_begins_with_the_greeting),
        cmocka_unit_test(stls_is_refused),
        cmocka_unit_test(other_sessions_take_it_as_connected),
        cmocka_unit_test(the_end_point_is_the_one_of_the_transport),
        cmocka_unit_test(a_port_that_cannot_vouch_is_not_opened),
        cmocka_unit_test(a_port_that_does_not_vouch_moves_no_octet),
        cmocka_unit_test(a_port_that_vouches_is_asked_once),
        cmocka_unit_test(results_of_the_transports_tls_pass_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
