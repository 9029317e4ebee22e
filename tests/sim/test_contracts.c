/* SPDX-License-Identifier: MIT */
/* test_contracts - what the machine promises whatever an owner, a driver or a server does: no value
 * out of range becomes success, no callback makes it read or send what it must not, and no reply is
 * taken for that of another command. Each test is a kind of mistake, for one command at a time and
 * for several in flight. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hand.h"
#include "popcl_net.h"
#include "tls_client.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static hand h;
static const unsigned windows[] = {1, HAND_WINDOW};

static unsigned times(const char *text, const char *what) {
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void result_is(popcl_err wanted) {
    assert_int_equal(popcl_state(h.s), POPCL_DONE);
    assert_string_equal(popcl_err_name(popcl_result(h.s)), popcl_err_name(wanted));
}

static void goes_on(void) {
    assert_int_equal(popcl_state(h.s) & POPCL_DONE, 0);
    assert_int_equal(popcl_result(h.s), POPCL_OK);
}

/* ---- values of an enum ---- */

static const int no_errors[] = {256, -1, POPCL_OK, POPCL_MORE, POPCL_ERR_COUNT_, 0x7fffffff};

static popcl_err fails_with;
static void fail_inside_done(hand *of, enum place place) {
    if (place == IN_DONE) popcl_fail(of->s, fails_with, 0);
}

static void fail_twice_inside_done(hand *of, enum place place) {
    if (place != IN_DONE) return;
    popcl_fail(of->s, POPCL_ERR_STOPPED, 7);
    popcl_fail(of->s, POPCL_ERR_NET, 8);
}

/* An event that fails twice has one failure, the first: the number is that of the same one. */
static void the_first_failure_of_an_event_counts(void **state) {
    (void)state;
    hand_init(&h, 1);
    h.inside = fail_twice_inside_done;
    hand_sequence(&h);
    hand_say(&h, "+OK\r\n");
    result_is(POPCL_ERR_STOPPED);
    assert_int_equal(popcl_net_code(h.s), 7);
    hand_end(&h);
}

/* [K13] A failure that is no error never becomes success. */
static void a_failure_that_is_no_error_is_a_mistake(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(no_errors); i++) {
        fails_with = (popcl_err)no_errors[i];
        hand_init(&h, 1);
        hand_sequence(&h);
        popcl_fail(h.s, fails_with, 0);
        result_is(POPCL_ERR_ARGUMENT);
        hand_end(&h);
        hand_init(&h, 1);
        h.inside = fail_inside_done;
        hand_sequence(&h);
        hand_say(&h, "+OK\r\n");
        result_is(POPCL_ERR_ARGUMENT);
        hand_end(&h);
        hand_init(&h, 1); /* where a deletion waits for QUIT */
        h.actions = POPCL_FETCH | POPCL_DELETE;
        hand_job(&h);
        hand_list(&h, 2);
        hand_say(&h, "+OK\r\nx\r\n.\r\n");
        hand_say(&h, "+OK\r\n");
        popcl_fail(h.s, fails_with, 0);
        result_is(POPCL_ERR_ARGUMENT);
        assert_non_null(strstr(h.seen, "all VOID\n"));
        hand_end(&h);
    }
}

/* [K13] */
static void a_result_that_is_no_error_is_a_mistake(void **state) {
    static const int odd[] = {256, -1, POPCL_ERR_COUNT_, 0x7fffffff};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        hand_init(&h, 1);
        h.change = 1;
        h.closed_as = (popcl_err)odd[i];
        hand_sequence(&h);
        popcl_fail(h.s, POPCL_ERR_NET, 0);
        result_is(POPCL_ERR_ARGUMENT);
        hand_end(&h);
    }
}

static popcl_err net_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    (void)ctx, (void)host, (void)port, (void)limit_ms;
    return fails_with;
}

static uint32_t net_now_ms(void *ctx) {
    (void)ctx;
    return 0;
}

/* [K13] A port whose open returns what it may not. */
static void a_port_that_opens_with_no_error_is_a_mistake(void **state) {
    static const popcl_net net = {.open = net_open, .now_ms = net_now_ms};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(no_errors); i++) {
        if (no_errors[i] == POPCL_OK) continue; /* which is a connection */
        fails_with = (popcl_err)no_errors[i];
        hand_init(&h, 1);
        h.s = &h.sequence;
        assert_int_equal(popcl_start(h.s, &h.cfg.session, &h.events, &h, 0), POPCL_OK);
        assert_int_equal(popcl_run(h.s, &net, NULL), POPCL_ERR_PORT);
        hand_end(&h);
    }
}

/* A session that ended before popcl_run got it was never connected: its owner has no more time, so
 * it is over at once, and the port is not called. */
static void run_gets_no_session_that_still_settles(void **state) {
    static const popcl_net no_port = {.open = NULL};
    (void)state;
    for (int job = 0; job < 2; job++) {
        for (int how = 0; how < 3; how++) {
            hand_init(&h, 1);
            h.cfg.session.total_ms = 1000;
            h.events.stop = NULL; /* it would leave the end to its owner */
            h.answer[IN_CLOSED] = h.answer[IN_SYNC] = POPCL_PAUSED_SYNC;
            hand_start(&h, job);
            if (how == 0) popcl_stop(h.s);
            if (how == 1) popcl_fail(h.s, POPCL_ERR_NET, 5);
            if (how == 2) popcl_tick(h.s, 1000);
            result_is(how == 0   ? POPCL_ERR_STOPPED
                      : how == 1 ? POPCL_ERR_NET
                                 : POPCL_ERR_TIMEOUT_TOTAL);
            if (!job) assert_int_equal(h.last_end, POPCL_END_LAST);
            assert_int_equal(popcl_run(h.s, &no_port, NULL), popcl_result(h.s));
            hand_end(&h);
        }
    }
}

/* [K13] */
static void other_values_out_of_range(void **state) {
    static const int verbs[] = {POPCL_VERBS, POPCL_VERBS + 1, 256, -1};
    (void)state;
    hand_init(&h, 1);
    hand_sequence(&h);
    hand_login(&h);
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        assert_int_equal(hand_submit(&h, (popcl_verb)verbs[i], 1, 9), POPCL_ERR_STATE);
        assert_string_equal(popcl_verb_name((popcl_verb)verbs[i]), "");
    }
    hand_end(&h);
    hand_init(&h, 1);
    h.cfg.session.security = POPCL_TLS_BELOW + 1;
    assert_int_equal(popcl_start(h.s, &h.cfg.session, &h.events, &h, 0), POPCL_ERR_ARGUMENT);
    assert_string_equal(popcl_err_name((popcl_err)256), popcl_err_name(POPCL_ERR_COUNT_));
    assert_string_equal(popcl_err_name((popcl_err)-1), popcl_err_name(POPCL_ERR_COUNT_));
    assert_int_equal(popcl_err_class((popcl_err)256), POPCL_CLASS_USAGE);
    assert_null(popcl_capa_name(16));
    assert_null(popcl_sasl_name(16));
}

/* ---- what callbacks return ---- */

/* [K14] More than the span is the span: nothing behind it is read, and nothing of the next reply is
 * lost. The record buffer is one of its own, so that a sanitizer sees its end. */
static void a_body_that_returns_more_than_it_was_offered(void **state) {
    static const size_t extras[] = {1, 5000, (size_t)-1 / 2};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(extras); i++) {
        unsigned char *iobuf = malloc(POPCL_IOBUF_MIN);
        assert_non_null(iobuf);
        hand_init(&h, 1);
        h.cfg.session.iobuf = iobuf;
        h.cfg.session.iobuf_len = POPCL_IOBUF_MIN;
        h.extra = extras[i];
        hand_sequence(&h);
        hand_login(&h);
        assert_int_equal(hand_submit(&h, POPCL_RETR, 1, 7), POPCL_OK);
        hand_say(&h, "+OK\r\nabc\r\n.\r\n");
        assert_int_equal(hand_submit(&h, POPCL_NOOP, 0, 8), POPCL_OK);
        hand_say(&h, "+OK\r\n");
        assert_non_null(strstr(h.seen, "open 7\nbody 7: abc\ndone 7 OK\ndone 8 OK\n"));
        hand_end(&h);
        free(iobuf);
    }
}

static const int junk[] = {1,    2,          0x40,
                           0x43, POPCL_DONE, (int)(~(POPCL_PAUSED | POPCL_COMPUTING) & 0x7fffffff)};

/* [K14] Bits that are no pause count as none. */
static void an_event_that_returns_no_pause_goes_on(void **state) {
    static const enum place places[] = {IN_DONE, IN_READY};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(junk); i++) {
        for (size_t k = 0; k < COUNT_OF(places); k++) {
            hand_init(&h, 1);
            h.answer[places[k]] = junk[i];
            h.times[places[k]] = 1000;
            hand_sequence(&h);
            hand_login(&h);
            goes_on();
            assert_int_equal(popcl_state(h.s), POPCL_RECV);
            assert_string_equal(popcl_state_name(h.s), "idle");
            assert_string_equal(h.seen, "done greeting OK\ndone 1 OK\ndone 2 OK\n");
            hand_end(&h);
        }
        hand_init(&h, 1);
        h.answer[IN_CLOSED] = junk[i];
        h.times[IN_CLOSED] = 1000;
        hand_sequence(&h);
        popcl_fail(h.s, POPCL_ERR_NET, 0);
        result_is(POPCL_ERR_NET);
        assert_int_equal(h.count[IN_CLOSED], 1);
        hand_end(&h);
    }
}

/* [K14] An owner that computes is asked in each tick, and only the overall deadline counts. What
 * comes meanwhile is read afterwards. */
static void an_owner_that_computes_is_asked_in_each_tick(void **state) {
    uint32_t now = 0;
    (void)state;
    hand_init(&h, 1);
    h.answer[IN_READY] = POPCL_COMPUTING;
    h.times[IN_READY] = 40;
    h.cfg.session.idle_ms = h.cfg.session.pause_ms = 100;
    h.cfg.session.total_ms = 60000;
    hand_sequence(&h);
    hand_say(&h, "+OK\r\n");
    for (int asked = 1; asked < 40; asked++) {
        assert_int_equal(h.count[IN_READY], asked);
        assert_int_equal(popcl_state(h.s), POPCL_COMPUTING);
        assert_int_equal(popcl_next_deadline(h.s), 0);
        popcl_tick(h.s, now += 1000);
    }
    popcl_tick(h.s, now += 1000);
    assert_int_equal(popcl_state(h.s), POPCL_RECV);
    hand_end(&h);

    hand_init(&h, 1);
    h.answer[IN_READY] = POPCL_COMPUTING;
    h.times[IN_READY] = 1000;
    h.cfg.session.total_ms = 60000;
    now = 0;
    hand_sequence(&h);
    hand_say(&h, "+OK\r\n");
    popcl_tick(h.s, now += 59999);
    assert_int_equal(popcl_state(h.s), POPCL_COMPUTING);
    popcl_tick(h.s, now += 1);
    result_is(POPCL_ERR_TIMEOUT_TOTAL);
    hand_end(&h);
}

/* The end of the connection is seen although the owner computes. */
static void an_owner_that_computes_sees_the_end(void **state) {
    (void)state;
    hand_init(&h, 1);
    h.answer[IN_READY] = POPCL_COMPUTING;
    h.times[IN_READY] = 1000;
    hand_sequence(&h);
    hand_say(&h, "+OK\r\n");
    popcl_recv_eof(h.s);
    popcl_tick(h.s, 0);
    result_is(POPCL_ERR_CLOSED);
    hand_end(&h);
}

/* [K14] late and stop end a pause, or do not: any number will do, and where there is no pause
 * nothing is ended. */
static void late_and_stop_that_return_any_number(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(junk); i++) {
        for (int paused = 0; paused < 2; paused++) {
            hand_init(&h, 1);
            h.answer[IN_LATE] = h.answer[IN_STOP] = junk[i];
            h.times[IN_LATE] = h.times[IN_STOP] = 1000;
            h.cfg.session.total_ms = 40000;
            h.cfg.session.idle_ms = 40000;
            hand_sequence(&h);
            hand_login(&h);
            h.answer[IN_DONE] = POPCL_PAUSED_SINK;
            h.times[IN_DONE] = 2;
            if (paused) {
                assert_int_equal(hand_submit(&h, POPCL_NOOP, 0, 9), POPCL_OK);
                hand_say(&h, "+OK\r\n");
                assert_int_equal(popcl_state(h.s), POPCL_PAUSED_SINK);
            }
            popcl_stop(h.s);
            popcl_tick(h.s, 30000);
            assert_int_equal(h.count[IN_STOP], 1);
            assert_int_equal(h.count[IN_LATE], 1);
            goes_on();
            assert_int_equal(times(h.seen, "done 9 OK\n"), paused ? 3 : 0);
            assert_int_equal(popcl_state(h.s), POPCL_RECV);
            hand_end(&h);
        }
    }
}

/* The reserve for QUIT begins, or a stop is wanted, while the sink asks for time: the job goes on
 * without a resume, and what the sink has of the message is aborted. */
static void late_and_stop_end_the_pause_of_a_sink(void **state) {
    static const enum place places[] = {IN_DATA, IN_COMMIT};
    (void)state;
    for (int late = 0; late < 2; late++) {
        for (size_t i = 0; i < COUNT_OF(places); i++) {
            hand_init(&h, 1);
            h.cfg.session.total_ms = 40000;
            h.answer[IN_COMMIT] = POPCL_AGAIN; /* of data it is 0 */
            h.times[places[i]] = UINT32_MAX;
            hand_job(&h);
            hand_list(&h, 2);
            hand_say(&h, "+OK\r\nx\r\n.\r\n");
            assert_int_equal(popcl_state(h.s), POPCL_PAUSED_SINK);
            if (late)
                popcl_tick(h.s, 30000);
            else
                popcl_stop(h.s);
            hand_send_all(&h);
            assert_non_null(strstr(h.sent, "RETR 1\r\nQUIT\r\n"));
            hand_say(&h, "+OK\r\n");
            result_is(late ? POPCL_ERR_TIMEOUT_TOTAL : POPCL_ERR_STOPPED);
            assert_int_equal(h.count[IN_ABORT], 1);
            hand_end(&h);
        }
    }
}

/* ---- pauses ---- */

static popcl_verb inside_verb;
static unsigned steps_done;
static void submit_in_the_greeting(hand *of, enum place place) {
    if (place != IN_DONE || of->count[IN_DONE] != 1) return;
    of->hold = 1;
    assert_int_equal(hand_submit(of, inside_verb, 0, 7), POPCL_OK);
}

/* The greeting's done event submits a command, and pauses: it comes again, and answers nothing. */
static void a_pause_in_the_greeting_answers_no_command(void **state) {
    static const popcl_verb verbs[] = {POPCL_QUIT, POPCL_USER, POPCL_CAPA};
    (void)state;
    for (size_t w = 0; w < COUNT_OF(windows); w++) {
        for (size_t i = 0; i < COUNT_OF(verbs); i++) {
            hand_init(&h, windows[w]);
            inside_verb = verbs[i];
            h.inside = submit_in_the_greeting;
            h.answer[IN_DONE] = POPCL_PAUSED_SECRET;
            h.times[IN_DONE] = 1;
            hand_sequence(&h);
            hand_say(&h, "+OK ready\r\n");
            assert_int_equal(popcl_state(h.s) & POPCL_PAUSED, POPCL_PAUSED_SECRET);
            popcl_resume(h.s);
            goes_on();
            assert_string_equal(h.seen, "done greeting OK\ndone greeting OK\n");
            assert_int_equal(popcl_in_flight(h.s), 1);
            h.hold = 0;
            hand_send_all(&h);
            hand_say(&h, "-ERR\r\n");
            assert_non_null(strstr(h.seen, "done 7 ERR\n"));
            if (verbs[i] == POPCL_QUIT) result_is(POPCL_ERR_QUIT_REFUSED);
            hand_end(&h);
        }
    }
}

static void user_in_the_greeting_then_steps(hand *of, enum place place) {
    submit_in_the_greeting(of, place);
    if (place != IN_READY || of->count[IN_DONE] < 3 || popcl_in_flight(of->s)) return;
    popcl_verb verb = steps_done ? POPCL_STAT : POPCL_PASS;
    of->hold = 1;
    if (hand_submit(of, verb, 0, 8 + steps_done) == POPCL_OK) steps_done++;
    of->hold = 0;
}

/* The same with a login: the answer to USER opens no maildrop, and a refused PASS stays refused. */
static void a_pause_in_the_greeting_logs_nobody_in(void **state) {
    (void)state;
    hand_init(&h, 1);
    inside_verb = POPCL_USER;
    steps_done = 0;
    h.inside = user_in_the_greeting_then_steps;
    h.answer[IN_DONE] = POPCL_PAUSED_SECRET;
    h.times[IN_DONE] = 1;
    hand_sequence(&h);
    hand_say(&h, "+OK ready\r\n");
    popcl_resume(h.s);
    h.hold = 0;
    hand_send_all(&h);
    hand_say(&h, "+OK\r\n");
    assert_string_equal(h.sent, "USER fred\r\nPASS correct-horse\r\n");
    hand_say(&h, "-ERR bad password\r\n");
    assert_non_null(strstr(h.seen, "done 7 OK\ndone 8 ERR\n"));
    assert_null(strstr(h.sent, "STAT"));
    assert_int_equal(hand_submit(&h, POPCL_STAT, 0, 10), POPCL_ERR_STATE);
    hand_end(&h);
}

/* ---- calls on what is not open ---- */

static void every_call(popcl *c) {
    size_t n = 1;
    uint16_t port = 1;
    uint32_t limit = 1;
    popcl_command command = {.verb = POPCL_QUIT};
    popcl_connected(c, 1);
    popcl_connected_secured(c, 1, NULL);
    assert_int_equal(popcl_wants_secured(c), 0);
    assert_int_equal(popcl_state(c), POPCL_DONE);
    assert_null(popcl_connect(c, 1, &port, &limit));
    assert_int_equal(limit, 0);
    assert_null(popcl_send_buf(c, &n));
    assert_int_equal(n, 0);
    popcl_send_ack(c, 1);
    assert_null(popcl_recv_buf(c, &n));
    assert_int_equal(n, 0);
    popcl_recv_ack(c, 1);
    popcl_send_failed(c);
    popcl_recv_eof(c);
    popcl_tick(c, 1000000);
    popcl_resume(c);
    popcl_stop(c);
    popcl_fail(c, POPCL_ERR_NET, 1);
    assert_int_equal(popcl_submit(c, &command, 1), POPCL_ERR_STATE);
    assert_int_equal(popcl_can_submit(c), 0);
    assert_int_equal(popcl_in_flight(c), 0);
    assert_int_equal(popcl_net_code(c), 0);
    assert_non_null(popcl_last_reply(c));
    assert_non_null(popcl_capabilities(c));
    (void)popcl_last_verb(c);
    assert_string_equal(popcl_state_name(c), "closed");
    assert_true(popcl_next_deadline(c) <= POPCL_MS_MAX);
    assert_int_equal(popcl_state(c), POPCL_DONE);
}

/* [K3 K4] */
static void calls_on_what_is_not_open_do_nothing(void **state) {
    popcl_diag d;
    (void)state;
    hand_init(&h, 1); /* zeroed */
    every_call(&h.sequence);
    every_call(&h.job.session);
    assert_int_equal(popcl_result(&h.sequence), POPCL_ERR_STATE);
    popcl_fetch_get_diag(&h.job, &d);
    assert_int_equal(d.err, POPCL_ERR_STATE);
    popcl_wipe(&h.sequence);
    popcl_fetch_wipe(&h.job);
    for (int started = 0; started < 2; started++) { /* wiped, after DONE and before */
        hand_init(&h, 1);
        hand_sequence(&h);
        if (started) popcl_fail(h.s, POPCL_ERR_NET, 5);
        popcl_wipe(h.s);
        every_call(h.s);
        assert_int_equal(popcl_result(h.s), POPCL_ERR_STATE);
        popcl_wipe(h.s);
        hand_job(&h);
        if (started) popcl_fail(h.s, POPCL_ERR_NET, 5);
        popcl_fetch_wipe(&h.job);
        every_call(h.s);
        popcl_fetch_get_diag(&h.job, &d);
        assert_int_equal(d.err, POPCL_ERR_STATE);
        popcl_fetch_wipe(&h.job);
    }
    hand_init(&h, 1); /* refused */
    h.cfg.session.iobuf_len = 10;
    memset(&h.sequence, 0xa5, sizeof h.sequence);
    memset(&h.job, 0xa5, sizeof h.job);
    assert_int_equal(popcl_start(&h.sequence, &h.cfg.session, &h.events, &h, 0),
                     POPCL_ERR_IOBUF_SMALL);
    assert_int_equal(popcl_fetch_start(&h.job, &h.cfg, 0), POPCL_ERR_IOBUF_SMALL);
    every_call(&h.sequence);
    every_call(&h.job.session);
    assert_int_equal(popcl_result(&h.sequence), POPCL_ERR_IOBUF_SMALL);
    popcl_fetch_get_diag(&h.job, &d);
    assert_int_equal(d.err, POPCL_ERR_IOBUF_SMALL);
    popcl_wipe(&h.sequence);
    popcl_fetch_wipe(&h.job);
    assert_string_equal(h.seen, ""); /* and no owner heard of it */
}

/* ---- numbers and arguments ---- */

/* [R13] What is marked as deleted is counted no more, and keeps its number (RFC 1939, 5). */
static void a_count_that_sinks_hides_no_message(void **state) {
    (void)state;
    for (size_t w = 0; w < COUNT_OF(windows); w++) {
        hand_init(&h, windows[w]);
        hand_sequence(&h);
        hand_login(&h);
        assert_int_equal(hand_submit(&h, POPCL_STAT, 0, 4), POPCL_OK);
        hand_say(&h, "+OK 3 300\r\n");
        assert_int_equal(hand_submit(&h, POPCL_DELE, 1, 5), POPCL_OK);
        hand_say(&h, "+OK\r\n");
        assert_int_equal(hand_submit(&h, POPCL_STAT, 0, 6), POPCL_OK);
        hand_say(&h, "+OK 2 200\r\n");
        assert_int_equal(hand_submit(&h, POPCL_LIST, 0, 7), POPCL_OK);
        hand_say(&h, "+OK\r\n2 100\r\n3 100\r\n.\r\n");
        assert_int_equal(hand_submit(&h, POPCL_RETR, 3, 8), POPCL_OK);
        hand_say(&h, "+OK\r\nx\r\n.\r\n");
        assert_int_equal(hand_submit(&h, POPCL_RETR, 4, 9), POPCL_ERR_MESSAGE_NUMBER);
        assert_non_null(strstr(h.seen, "line 7: 2\nline 7: 3\ndone 7 OK\nopen 8\n"));
        goes_on();
        hand_end(&h);
    }
}

/* A field that a verb does not take is ignored, whatever is left in it from another command. */
static void stale_fields_change_no_command(void **state) {
    static const struct {
        popcl_verb verb;
        const char *line, *reply;
    } rows[] = {
        {POPCL_CAPA, "CAPA\r\n", "+OK list follows\r\nTOP\r\n.\r\n"},
        {POPCL_STAT, "STAT\r\n", "+OK 1 20\r\n"},
        {POPCL_NOOP, "NOOP\r\n", "+OK\r\n"},
        {POPCL_RSET, "RSET\r\n", "+OK\r\n"},
        {POPCL_RETR, "RETR 4294967295\r\n", "+OK\r\nx\r\n.\r\n"},
        {POPCL_DELE, "DELE 4294967295\r\n", "+OK\r\n"},
        {POPCL_LIST, "LIST 4294967295\r\n", "+OK 4294967295 20\r\n"},
        {POPCL_QUIT, "QUIT\r\n", "+OK\r\n"},
    };
    (void)state;
    for (size_t w = 0; w < COUNT_OF(windows); w++) {
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            hand_init(&h, windows[w]);
            hand_sequence(&h);
            hand_login(&h);
            unsigned asked = h.count[IN_GET];
            popcl_command command = {.verb = rows[i].verb,
                                     .number = UINT32_MAX,
                                     .lines = 7,
                                     .text = "x\r\nDELE 1",
                                     .text_len = 9,
                                     .secret = &h.cfg.secret};
            memset(h.sent, 0, sizeof h.sent);
            assert_int_equal(popcl_submit(h.s, &command, 9), POPCL_OK);
            hand_send_all(&h);
            assert_string_equal(h.sent, rows[i].line);
            assert_int_equal(h.count[IN_GET], asked);
            hand_say(&h, rows[i].reply);
            assert_non_null(strstr(h.seen, "done 9 OK\n"));
            assert_int_equal(popcl_result(h.s), POPCL_OK);
            assert_int_equal(popcl_in_flight(h.s), 0);
            hand_end(&h);
        }
    }
}

/* ---- the secret ---- */

static void released_once(const char *how, unsigned asked) {
    if ((h.count[IN_GET] != 0) != (asked != 0))
        fail_msg("%s: the secret was asked for %u times", how, h.count[IN_GET]);
    if (h.count[IN_RELEASE] != (asked ? 1u : 0u))
        fail_msg("%s: the secret was released %u times", how, h.count[IN_RELEASE]);
}

/* The password stands in no memory of the session. */
static void leaves_no_secret(const char *how) {
    for (size_t i = 0; i + 7 <= sizeof h.iobuf; i++) {
        if (memcmp(h.iobuf + i, "correct", 7) == 0) fail_msg("%s: the password is left", how);
    }
}

enum outcome {
    TAKEN,
    REFUSED,
    NOT_SENT, /* the transport took it not */
    WAITED_AND_TAKEN,
    WAITED_AND_CLOSED,
    WAITED_AND_WIPED,
    WAITED_AND_ANOTHER_COMMAND,
    WAITED_AND_NO_MORE_OCTETS,
    FAILED,        /* get did */
    TOO_LONG,      /* for a line */
    WRONG_OCTETS,  /* a CR in it */
    WIPED,         /* right after submit */
    ANOTHER_ERROR, /* the command is refused before the secret is wanted */
    OUTCOMES
};

static void sequence_comes_to(enum outcome outcome) {
    static char long_password[300];
    popcl_err wanted = POPCL_OK;
    memset(long_password, 'p', sizeof long_password - 1);
    hand_init(&h, 1);
    hand_sequence(&h);
    hand_say(&h, "+OK <1@x>\r\n");
    assert_int_equal(hand_submit(&h, POPCL_USER, 0, 1), POPCL_OK);
    if (outcome == ANOTHER_ERROR) {
        assert_int_equal(hand_submit(&h, POPCL_PASS, 0, 2), POPCL_ERR_WOULD_BLOCK);
        popcl_fail(h.s, POPCL_ERR_NET, 0);
        hand_end(&h);
        return;
    }
    hand_say(&h, "+OK\r\n");
    if (outcome >= WAITED_AND_TAKEN && outcome <= WAITED_AND_NO_MORE_OCTETS) {
        h.answer[IN_GET] = POPCL_SECRET_AGAIN;
        h.times[IN_GET] = 1;
        wanted = POPCL_ERR_SECRET_WAIT;
    } else if (outcome == FAILED) {
        h.answer[IN_GET] = -1;
        h.times[IN_GET] = 1;
        wanted = POPCL_ERR_SECRET;
    } else if (outcome == TOO_LONG) {
        h.password = long_password;
        wanted = POPCL_ERR_COMMAND_LENGTH;
    } else if (outcome == WRONG_OCTETS) {
        h.password = "correct\rhorse";
        wanted = POPCL_ERR_CREDENTIAL_OCTET;
    }
    h.hold = outcome == NOT_SENT;
    assert_string_equal(popcl_err_name(hand_submit(&h, POPCL_PASS, 0, 2)), popcl_err_name(wanted));
    /* at once, if the command is written or will not be */
    assert_int_equal(h.count[IN_RELEASE], wanted == POPCL_ERR_SECRET_WAIT ? 0 : 1);
    switch (outcome) {
    case TAKEN: hand_say(&h, "+OK\r\n"); break;
    case REFUSED: hand_say(&h, "-ERR\r\n"); break;
    case NOT_SENT:
        popcl_send_failed(h.s);
        popcl_fail(h.s, POPCL_ERR_NET, 0);
        break;
    case WAITED_AND_TAKEN:
        assert_int_equal(hand_submit(&h, POPCL_PASS, 0, 2), POPCL_OK);
        hand_say(&h, "+OK\r\n");
        break;
    case WAITED_AND_CLOSED: popcl_recv_eof(h.s); break;
    case WAITED_AND_ANOTHER_COMMAND:
        assert_int_equal(hand_submit(&h, POPCL_QUIT, 0, 3), POPCL_OK);
        hand_say(&h, "+OK\r\n");
        break;
    case WAITED_AND_NO_MORE_OCTETS:
        popcl_send_failed(h.s);
        assert_int_not_equal(hand_submit(&h, POPCL_PASS, 0, 2), POPCL_OK);
        popcl_recv_eof(h.s);
        break;
    default: break;
    }
    if (outcome == WAITED_AND_CLOSED || outcome == NOT_SENT) leaves_no_secret("closed");
    hand_end(&h);
    popcl_wipe(&h.sequence);
}

static void a_secret_of_a_sequence_is_released_once(void **state) {
    char how[40];
    (void)state;
    for (int outcome = 0; outcome < OUTCOMES; outcome++) {
        (void)snprintf(how, sizeof how, "outcome %d", outcome);
        sequence_comes_to((enum outcome)outcome);
        released_once(how, outcome != ANOTHER_ERROR);
        leaves_no_secret(how);
    }
}

static int other_released;
static int other_get(void *ctx, size_t off, char *buf, size_t cap) {
    (void)ctx;
    if (!buf) other_released++;
    if (!buf || off || !cap) return 0;
    *buf = 'x';
    return 1;
}

/* One that is not ready, and another in its place: each is released once. */
static void two_secrets_are_released_once_each(void **state) {
    popcl_secret other = {.get = other_get};
    popcl_command pass = {.verb = POPCL_PASS, .secret = &other};
    (void)state;
    hand_init(&h, 1);
    hand_sequence(&h);
    hand_say(&h, "+OK\r\n");
    assert_int_equal(hand_submit(&h, POPCL_USER, 0, 1), POPCL_OK);
    hand_say(&h, "+OK\r\n");
    h.answer[IN_GET] = POPCL_SECRET_AGAIN;
    h.times[IN_GET] = 1;
    assert_int_equal(hand_submit(&h, POPCL_PASS, 0, 2), POPCL_ERR_SECRET_WAIT);
    other_released = 0;
    assert_int_equal(popcl_submit(h.s, &pass, 3), POPCL_OK);
    hand_send_all(&h);
    hand_end(&h);
    assert_int_equal(other_released, 1);
    released_once("the first of two", 1);
    assert_string_equal(h.sent, "USER fred\r\nPASS x\r\n");
}

enum { TOKEN = 700 };
static unsigned token_waited;
static size_t token_asked_at;

/* A token that is not ready at its 253rd octet, and again at its 506th. */
static int token_get(void *ctx, size_t off, char *buf, size_t cap) {
    size_t n = off < TOKEN ? TOKEN - off : 0;
    (void)ctx;
    if (!buf) other_released++;
    if (!buf) return 0;
    token_asked_at = off;
    if (token_waited < 2 && off >= 253u * (token_waited + 1)) {
        token_waited++;
        return POPCL_SECRET_AGAIN;
    }
    if (n > cap) n = cap;
    if (n > 253 - off % 253) n = 253 - off % 253;
    memset(buf, 't', n);
    return (int)n;
}

/* [E14] A response is written in pieces. Each pause in it has its whole time, since octets left in
 * between, and goes on at the octet that was not written. What left is in no memory any more. */
static void a_response_pauses_and_goes_on(void **state) {
    popcl_secret token = {.get = token_get};
    popcl_command response = {.verb = POPCL_RESPONSE, .secret = &token};
    popcl_command auth = {.verb = POPCL_AUTH, .text = "X", .text_len = 1};
    (void)state;
    hand_init(&h, 1);
    hand_sequence(&h);
    hand_say(&h, "+OK\r\n");
    assert_int_equal(popcl_submit(h.s, &auth, 1), POPCL_OK);
    hand_send_all(&h);
    hand_say(&h, "+\r\n");
    other_released = 0;
    token_waited = 0;
    assert_int_equal(popcl_submit(h.s, &response, 2), POPCL_OK);
    for (uint32_t pause = 0; pause < 2; pause++) {
        hand_send_all(&h);
        assert_int_equal(popcl_state(h.s), POPCL_PAUSED_SECRET);
        assert_int_equal(token_asked_at, 253 * (pause + 1));
        popcl_tick(h.s, 200000 * pause + 1);
        popcl_tick(h.s, 200000 * (pause + 1));
        goes_on();
        popcl_resume(h.s);
    }
    hand_send_all(&h);
    assert_int_equal(popcl_state(h.s), POPCL_RECV);
    assert_null(memchr(h.iobuf, 't', sizeof h.iobuf));
    assert_int_equal(strlen(h.sent), sizeof "AUTH X\r\n" - 1 + TOKEN + 2);
    assert_int_equal(other_released, 1);
    hand_say(&h, "+OK\r\n");
    assert_int_equal(popcl_result(h.s), POPCL_OK);
    hand_end(&h);
}

/* A driver may learn in such a pause that nothing can be sent any more. The rest of the response
 * then never leaves, and no reply answers it: the secret is used until the end. */
static void a_response_that_never_ends_is_not_answered(void **state) {
    static const popcl_mech *const mechs[] = {&popcl_mech_plain, NULL};
    static const char *const replies[] = {"+OK\r\n", "+ eA==\r\n", "-ERR\r\n"};
    popcl_secret token = {.get = token_get};
    popcl_command response = {.verb = POPCL_RESPONSE, .secret = &token};
    popcl_command auth = {.verb = POPCL_AUTH, .text = "X", .text_len = 1};
    (void)state;
    for (int job = 0; job < 2; job++) {
        for (size_t i = 0; i < COUNT_OF(replies); i++) {
            hand_init(&h, 1);
            h.cfg.mechs = mechs;
            h.cfg.auth = POPCL_AUTH_PLAIN;
            h.cfg.secret = token;
            h.cfg.no_capa = 1;
            other_released = 0;
            token_waited = 0;
            hand_start(&h, job);
            popcl_connected(h.s, 0);
            hand_say(&h, "+OK\r\n");
            if (!job) assert_int_equal(popcl_submit(h.s, &auth, 1), POPCL_OK);
            hand_send_all(&h);
            hand_say(&h, "+\r\n");
            if (!job) assert_int_equal(popcl_submit(h.s, &response, 2), POPCL_OK);
            hand_send_all(&h);
            assert_int_equal(popcl_state(h.s), POPCL_PAUSED_SECRET);
            popcl_send_failed(h.s);
            popcl_resume(h.s);
            hand_say(&h, replies[i]);
            popcl_recv_eof(h.s);
            result_is(i < 2 ? POPCL_ERR_UNASKED : POPCL_ERR_SERVER_CLOSED);
            assert_null(strstr(h.seen, "done 2"));
            assert_int_equal(other_released, 1);
            hand_end(&h);
        }
    }
}

static void submit_inside_done(hand *of, enum place place) {
    popcl_command dele = {.verb = POPCL_DELE, .number = 1};
    if (place == IN_DONE) (void)popcl_submit(of->s, &dele, 9);
}

/* The bit of an owner counts for no reply but +OK to a bare AUTH, whatever it submits beside it. */
static void a_login_goes_on_only_after_a_bare_auth(void **state) {
    static const popcl_secret initial = {.octets = "eA=="};
    static const popcl_command stat = {.verb = POPCL_STAT};
    (void)state;
    for (int bare = 0; bare < 2; bare++) {
        for (int submits = 0; submits < 2; submits++) {
            popcl_command auth = {.verb = POPCL_AUTH, .text = "X", .text_len = 1};
            if (!bare) auth.secret = &initial;
            hand_init(&h, HAND_WINDOW);
            hand_sequence(&h);
            hand_say(&h, "+OK\r\n");
            assert_int_equal(hand_submit(&h, POPCL_CAPA, 0, 1), POPCL_OK);
            hand_say(&h, "+OK\r\nPIPELINING\r\n.\r\n");
            assert_int_equal(popcl_submit(h.s, &auth, 2), POPCL_OK);
            hand_send_all(&h);
            h.answer[IN_DONE] = POPCL_LOGIN_GOES_ON;
            h.times[IN_DONE] = 1;
            if (submits) h.inside = submit_inside_done;
            hand_say(&h, "+OK\r\n");
            h.inside = NULL;
            assert_int_equal(popcl_submit(h.s, &stat, 3),
                             bare && !submits ? POPCL_ERR_STATE : POPCL_OK);
            hand_end(&h);
        }
    }
}

/* One that no line was asked of is not released: it holds nothing. */
static void a_secret_that_is_not_asked_for_is_not_released(void **state) {
    (void)state;
    hand_init(&h, 1);
    hand_sequence(&h);
    hand_say(&h, "+OK <1@x>\r\n");
    popcl_command command = {
        .verb = POPCL_APOP, .text = "a\nb", .text_len = 3, .secret = &h.cfg.secret};
    assert_int_equal(popcl_submit(h.s, &command, 1), POPCL_ERR_ARGUMENT_OCTET);
    assert_int_equal(h.count[IN_GET], 0);
    assert_int_equal(h.count[IN_RELEASE], 0);
    hand_end(&h);
    released_once("a wrong name", 0);
}

/* SCRAM can use neither this user name nor this password. */
static void a_secret_of_scram_is_released_if_it_was_asked_for(void **state) {
    static const popcl_mech *const mechs[] = {&popcl_mech_scram_sha_256, NULL};
    static const popcl_seed seed = {{1}};
    (void)state;
    for (int wrong_user = 0; wrong_user < 2; wrong_user++) {
        hand_init(&h, 1);
        h.cfg.mechs = mechs;
        h.cfg.auth = POPCL_AUTH_SCRAM_SHA_256;
        h.cfg.session.seed = &seed;
        h.cfg.session.user = wrong_user ? "fred\x7f" : "fred";
        h.password = wrong_user ? "correct-horse" : "correct\x7fhorse";
        hand_job(&h);
        hand_say(&h, "+OK\r\n");
        hand_say(&h, "+OK\r\n");
        result_is(POPCL_ERR_PASSWORD_FORM);
        assert_string_equal(h.sent, "QUIT\r\n");
        assert_int_equal(h.count[IN_RELEASE], h.count[IN_GET] != 0);
        hand_end(&h);
    }
}

/* The same by a job, with USER and PASS and with APOP, and where the login is never reached. */
static void a_secret_of_a_job_is_released_once(void **state) {
    (void)state;
    for (int apop = 0; apop < 2; apop++) {
        for (int outcome = 0; outcome <= WIPED; outcome++) {
            char how[40];
            (void)snprintf(how, sizeof how, "apop %d, outcome %d", apop, outcome);
            hand_init(&h, 1);
            h.cfg.auth = apop ? POPCL_AUTH_APOP : POPCL_AUTH_USER;
            if (outcome >= WAITED_AND_TAKEN && outcome <= WAITED_AND_NO_MORE_OCTETS) {
                h.answer[IN_GET] = POPCL_SECRET_AGAIN;
                h.times[IN_GET] = 2;
            }
            if (outcome == FAILED) h.answer[IN_GET] = -1, h.times[IN_GET] = 1;
            if (outcome == WRONG_OCTETS) h.password = "correct\rhorse";
            hand_job(&h);
            h.hold = outcome == NOT_SENT && apop;
            hand_say(&h, "+OK <1896.697170952@pop.example>\r\n");
            h.hold = outcome == NOT_SENT;
            if (!apop) hand_say(&h, "+OK\r\n");
            for (int i = 0; i < 2; i++) {
                if (outcome == WAITED_AND_TAKEN) popcl_resume(h.s);
            }
            hand_send_all(&h);
            if (outcome == TAKEN || outcome == WAITED_AND_TAKEN) hand_say(&h, "+OK\r\n");
            if (outcome == REFUSED) hand_say(&h, "-ERR\r\n");
            if (outcome == WAITED_AND_CLOSED) popcl_stop(h.s);
            if (outcome == WAITED_AND_NO_MORE_OCTETS || outcome == NOT_SENT) popcl_send_failed(h.s);
            if (outcome != WIPED && outcome != WAITED_AND_WIPED) {
                popcl_recv_eof(h.s);
                popcl_fail(h.s, POPCL_ERR_NET, 0);
                assert_int_equal(popcl_state(h.s), POPCL_DONE);
                released_once(how, 1);
            }
            hand_end(&h);
            released_once(how, 1);
            leaves_no_secret(how);
        }
    }
    hand_init(&h, 1);
    hand_job(&h);
    hand_say(&h, "-ERR\r\n");
    hand_end(&h);
    released_once("no login", 0);
}

/* ---- time ---- */

/* [J5] The clock steps while the session waits: for the greeting, in a pause, for a command of its
 * owner. A step that is no time moves no deadline, and the time goes on after it. */
static void a_clock_that_steps_freezes_no_deadline(void **state) {
    static const uint32_t steps[] = {0u - 3600000u, 0u - 1001u, 13u * 86400000u, 0x80000000u};
    enum { GREETS, PAUSES, RESTS, WAITS };
    static const popcl_err errors[] = {POPCL_ERR_TIMEOUT_GREETING, POPCL_ERR_TIMEOUT_PAUSE,
                                       POPCL_ERR_TIMEOUT_TOTAL, POPCL_ERR_TIMEOUT_REPLY};
    static const uint32_t limits[] = {1000, 2000, 9000, 1000};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        for (int where = GREETS; where <= WAITS; where++) {
            hand_init(&h, 1);
            h.cfg.session.idle_ms = 1000;
            h.cfg.session.pause_ms = 2000;
            h.cfg.session.total_ms = 9000;
            hand_sequence(&h);
            h.answer[IN_DONE] = POPCL_PAUSED_SYNC;
            h.times[IN_DONE] = where == PAUSES;
            if (where != GREETS) hand_say(&h, "+OK\r\n");
            if (where == WAITS) assert_int_equal(hand_submit(&h, POPCL_USER, 0, 1), POPCL_OK);
            popcl_tick(h.s, 0);
            popcl_tick(h.s, 100);
            uint32_t now = 100 + steps[i], waited = 100;
            for (; popcl_state(h.s) != POPCL_DONE && waited < 20000; waited += 100, now += 100)
                popcl_tick(h.s, now);
            result_is(errors[where]);
            if (waited < limits[where] || waited > limits[where] + 200)
                fail_msg("step %lu, place %d: %lu ms", (unsigned long)steps[i], where,
                         (unsigned long)waited);
            hand_end(&h);
        }
    }
}

/* [I5] After send_failed no command can leave: an owner that has nothing in flight does not wait on
 * purpose. */
static void a_session_that_cannot_send_waits_for_no_command(void **state) {
    (void)state;
    for (int job = 0; job < 2; job++) {
        hand_init(&h, 1);
        h.cfg.session.idle_ms = 1000;
        h.cfg.session.total_ms = 90000;
        hand_start(&h, job);
        popcl_connected(h.s, 0);
        if (job) hand_list(&h, 1);
        popcl_send_failed(h.s);
        hand_say(&h, job ? "+OK\r\nmail\r\n.\r\n" : "+OK\r\n");
        assert_string_equal(popcl_state_name(h.s), "idle");
        popcl_tick(h.s, 1);
        assert_int_equal(popcl_next_deadline(h.s), 1000);
        popcl_tick(h.s, 1000);
        goes_on();
        popcl_tick(h.s, 1001);
        result_is(POPCL_ERR_TIMEOUT_SEND);
        hand_end(&h);
    }
}

/* The same for a session that was idle for a while before. */
static void an_idle_session_that_cannot_send_ends(void **state) {
    (void)state;
    hand_init(&h, 1);
    h.cfg.session.idle_ms = 1000;
    h.cfg.session.total_ms = 90000;
    hand_start(&h, 0);
    popcl_connected(h.s, 0);
    hand_say(&h, "+OK\r\n");
    popcl_tick(h.s, 5000);
    assert_string_equal(popcl_state_name(h.s), "idle");
    popcl_send_failed(h.s);
    popcl_tick(h.s, 5001);
    assert_int_equal(popcl_next_deadline(h.s), 1000);
    popcl_tick(h.s, 6001);
    result_is(POPCL_ERR_TIMEOUT_SEND);
    hand_end(&h);
}

/* A word of CAPA in which the connection ends is no text of the server. */
static void a_cut_word_of_capa_is_no_text(void **state) {
    (void)state;
    hand_init(&h, 1);
    hand_sequence(&h);
    hand_say(&h, "+OK\r\n");
    assert_int_equal(hand_submit(&h, POPCL_CAPA, 0, 1), POPCL_OK);
    hand_say(&h, "+OK\r\nIMPLEMENTATION Password-expired");
    popcl_recv_eof(h.s);
    assert_int_equal(popcl_state(h.s), POPCL_DONE);
    assert_string_equal(popcl_last_reply(h.s)->text, "");
    hand_end(&h);
}

/* [I5] Each pause has its own limit: that of `done`, too, after one of `ready` in which the command
 * was submitted. */
static void a_pause_after_a_reply_has_its_whole_time(void **state) {
    (void)state;
    hand_init(&h, 1);
    h.cfg.session.pause_ms = 1000;
    hand_sequence(&h);
    h.answer[IN_READY] = POPCL_PAUSED_SECRET;
    h.times[IN_READY] = 1;
    hand_say(&h, "+OK\r\n");
    assert_int_equal(popcl_state(h.s), POPCL_PAUSED_SECRET);
    assert_int_equal(hand_submit(&h, POPCL_USER, 0, 1), POPCL_OK);
    popcl_tick(h.s, 1);
    popcl_resume(h.s);
    popcl_tick(h.s, 500);
    h.answer[IN_DONE] = POPCL_PAUSED_SECRET;
    h.times[IN_DONE] = 3;
    hand_say(&h, "+OK\r\n");
    assert_string_equal(popcl_state_name(h.s), "held");
    for (uint32_t now = 900; now < 1900; now += 100) {
        popcl_tick(h.s, now);
        goes_on();
        if (now % 500 == 0) popcl_resume(h.s); /* the same pause goes on */
    }
    popcl_tick(h.s, 1900);
    result_is(POPCL_ERR_TIMEOUT_PAUSE);
    hand_end(&h);
}

/* connect names the time from which the clock counts, and does so once. */
static void connect_takes_the_time_before_the_connection_only(void **state) {
    uint16_t port;
    uint32_t limit;
    (void)state;
    hand_init(&h, 1);
    h.cfg.session.idle_ms = 1000;
    hand_sequence(&h);
    popcl_tick(h.s, 0);
    popcl_connect(h.s, 5000, &port, &limit);
    popcl_tick(h.s, 1000);
    result_is(POPCL_ERR_TIMEOUT_GREETING);
    hand_end(&h);
}

/* ---- listings ---- */

/* A listing that names a message twice is not the whole maildrop, whether its messages are
 * wanted or not, and whichever listing it is. */
static void a_listing_with_a_number_twice_is_not_complete(void **state) {
    static const struct {
        const char *uidl, *list; /* NULL: UIDL is refused, or there is no LIST */
    } rows[] = {
        {"1 a\r\n1 b\r\n", NULL},
        {"1 a\r\n1 a\r\n", NULL},
        {"2 a\r\n2 b\r\n", NULL},
        {"1\r\n1 a\r\n", NULL},
        {NULL, "1 20\r\n1 20\r\n"},
        {NULL, "2 20\r\n2 30\r\n"},
        {"1 1\r\n1 1\r\n", "1 9\r\n1 9\r\n"},
    };
    (void)state;
    for (size_t w = 0; w < COUNT_OF(windows); w++) {
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            for (int skips = 0; skips < 2; skips++) {
                hand_init(&h, windows[w]);
                h.asks = 0;
                h.actions = skips ? POPCL_SKIP : POPCL_FETCH;
                hand_job(&h);
                hand_login(&h);
                hand_say(&h, "+OK 2 40\r\n");
                if (rows[i].uidl) {
                    hand_say(&h, "+OK\r\n");
                    hand_say(&h, rows[i].uidl);
                    hand_say(&h, ".\r\n");
                } else {
                    hand_say(&h, "-ERR\r\n");
                }
                if (rows[i].list && strstr(h.sent, "LIST")) {
                    hand_say(&h, "+OK\r\n");
                    hand_say(&h, rows[i].list);
                    hand_say(&h, ".\r\n");
                }
                hand_say(&h, "+OK\r\n"); /* CAPA or QUIT */
                if (h.whole)
                    fail_msg("row %u, skips %d: it counts as complete", (unsigned)i, skips);
                assert_int_equal(times(h.sent, "RETR 1\r\n") <= 1, 1);
                hand_end(&h);
            }
        }
    }
}

/* The control: the same drive with a listing that is whole. */
static void a_listing_of_all_messages_is_complete(void **state) {
    (void)state;
    for (int refused = 0; refused < 2; refused++) {
        hand_init(&h, 1);
        hand_job(&h);
        hand_login(&h);
        hand_say(&h, "+OK 2 40\r\n");
        if (refused) hand_say(&h, "-ERR\r\n");
        hand_say(&h, refused ? "+OK\r\n1 20\r\n2 20\r\n.\r\n" : "+OK\r\n1 a\r\n2 b\r\n.\r\n");
        assert_int_equal(h.whole, 1);
        hand_end(&h);
    }
}

/* ---- several commands in flight ---- */

static void fail_data_after_the_first(hand *of, enum place place) {
    if (place == IN_COMMIT) of->answer[IN_DATA] = -1, of->times[IN_DATA] = 100;
}

/* A message fails, and the rest of it is longer than drain_max: a DELE that is in flight still
 * waits for QUIT. */
static void a_deletion_in_flight_keeps_the_session(void **state) {
    char line[1502];
    (void)state;
    memset(line, 'y', sizeof line - 2);
    line[sizeof line - 2] = '\0';
    for (size_t w = 0; w < COUNT_OF(windows); w++) {
        hand_init(&h, windows[w]);
        h.actions = POPCL_FETCH | POPCL_DELETE;
        h.cfg.drain_max = 1000;
        h.inside = fail_data_after_the_first;
        hand_job(&h);
        hand_list(&h, 3);
        hand_message(&h, 1, "x\r\n");
        hand_say(&h, h.cfg.session.window ? "+OK 2 1503\r\n" : "+OK\r\n"); /* to LIST or DELE */
        hand_say(&h, "+OK\r\n");
        hand_say(&h, line);
        goes_on();
        hand_say(&h, "\r\n.\r\n");
        hand_message(&h, 3, "z\r\n");
        if (h.cfg.session.window) {
            assert_non_null(strstr(h.sent, "RETR 3\r\nDELE 1\r\nSTAT\r\n"));
            hand_say(&h, "+OK\r\n");
            assert_null(strstr(h.sent, "QUIT"));
            hand_say(&h, "+OK 2 200\r\n");
        }
        hand_say(&h, "+OK\r\n");
        assert_non_null(strstr(h.seen, "1 MARKED\n"));
        assert_non_null(strstr(h.seen, "all DELETED\n"));
        result_is(POPCL_ERR_SINK);
        hand_end(&h);
    }
    for (size_t w = 0; w < COUNT_OF(windows); w++) {
        hand_init(&h, windows[w]); /* the control: without a deletion it is not drained */
        h.cfg.drain_max = 1000;
        h.answer[IN_DATA] = -1;
        h.times[IN_DATA] = 100;
        hand_job(&h);
        hand_list(&h, 3);
        if (h.cfg.session.window) hand_say(&h, "+OK 1 1503\r\n");
        hand_say(&h, "+OK\r\n");
        hand_say(&h, line);
        result_is(POPCL_ERR_SINK);
        assert_null(strstr(h.sent, "QUIT")); /* it waits for bodies */
        hand_end(&h);
    }
}

/* Octets that came before DELE left do not answer it, though they are looked at after a pause. */
static void a_surplus_reply_in_a_pause_answers_no_deletion(void **state) {
    (void)state;
    hand_init(&h, HAND_WINDOW);
    h.actions = POPCL_FETCH | POPCL_DELETE;
    hand_job(&h);
    hand_list(&h, 2);
    h.hold = 1;
    hand_message(&h, 1, "x\r\n"); /* DELE 1 waits to leave */
    assert_null(strstr(h.sent, "DELE"));
    h.answer[IN_DATA] = 0;
    h.times[IN_DATA] = 1;
    hand_say(&h, "+OK 2 3\r\n+OK\r\nx\r\n.\r\n+OK\r\n");
    assert_int_equal(popcl_state(h.s) & POPCL_PAUSED, POPCL_PAUSED_SINK);
    hand_send_all(&h);
    assert_non_null(strstr(h.sent, "DELE 1\r\n"));
    popcl_resume(h.s);
    result_is(POPCL_ERR_UNASKED);
    assert_null(strstr(h.seen, "1 MARKED\n"));
    assert_non_null(strstr(h.seen, "2 STORED\n"));
    hand_end(&h);
}

/* A header is no message that is fetched: thirty of them leave room for the one whole message. */
static void headers_do_not_count_as_messages(void **state) {
    (void)state;
    for (size_t w = 0; w < COUNT_OF(windows); w++) {
        for (int split = 0; split < 2; split++) {
            hand_init(&h, windows[w]);
            h.cfg.max_messages = 1;
            h.actions = POPCL_HEADERS_FIRST;
            hand_job(&h);
            hand_login(&h);
            hand_say(&h, "+OK 10 100\r\n");
            hand_say(&h, "+OK\r\n1 a\r\n2 b\r\n3 c\r\n4 d\r\n5 e\r\n6 f\r\n7 g\r\n8 h\r\n9 i\r\n");
            if (h.cfg.session.window) {
                hand_say(&h, "10 j\r\n.\r\n");
                hand_say(&h, "+OK\r\n1 14\r\n2 14\r\n3 14\r\n4 14\r\n5 14\r\n");
                h.hold = split;
                hand_say(&h, "6 14\r\n7 14\r\n8 14\r\n9 14\r\n10 14\r\n.\r\n");
            } else {
                h.hold = split;
                hand_say(&h, "10 j\r\n.\r\n");
            }
            if (split) hand_send(&h, 9); /* the rest waits while the first header comes */
            hand_say(&h, "+OK\r\nSubject: 1\r\n\r\n.\r\n");
            h.hold = 0;
            hand_send_all(&h);
            for (unsigned answered = 1; answered < 20 && popcl_state(h.s) != POPCL_DONE;
                 answered++) {
                popcl_verb verb = popcl_last_verb(h.s);
                hand_say(&h, verb == POPCL_QUIT   ? "+OK\r\n"
                             : verb == POPCL_STAT ? "+OK 10 100\r\n"
                                                  : "+OK\r\nSubject: x\r\n\r\n.\r\n");
            }
            result_is(POPCL_MORE);
            assert_int_equal(times(h.sent, "RETR"), 1);
            assert_int_equal(times(h.seen, "STORED\n"), 1);
            hand_end(&h);
        }
    }
}

/* DELETE_UNFETCHED in a set with HEADERS_FIRST deletes nothing, at the second stage neither. */
static void a_deletion_without_fetching_is_answered_alone(void **state) {
    (void)state;
    hand_init(&h, 0);
    h.actions = h.header_actions = POPCL_HEADERS_FIRST | POPCL_DELETE_UNFETCHED;
    hand_job(&h);
    hand_login(&h);
    hand_say(&h, "+OK 1 14\r\n");
    hand_say(&h, "+OK\r\n1 a\r\n.\r\n");
    hand_say(&h, "+OK\r\nSubject: 1\r\n\r\n.\r\n");
    hand_send_all(&h);
    assert_non_null(strstr(h.sent, "TOP 1 0\r\n"));
    assert_null(strstr(h.sent, "DELE"));
    hand_say(&h, "+OK\r\n");
    result_is(POPCL_OK);
    hand_end(&h);
}

/* ---- the field that is wrong ---- */

static popcl_tls tls;
static popcl_resumable resumable;
static popcl_tls_pinned_storage storage;

/* What TLS needs, but trust and a clock, which pins take the place of. */
static void want_tls(void) {
    popcl_config *s = &h.cfg.session;
    tls_client_init(&tls, TLS_PINNED, &storage, sizeof storage);
    s->security = POPCL_TLS;
    s->tls = &tls;
    s->seed = &tls_seed;
}

static const popcl_mech *const only_token[] = {&popcl_mech_xoauth2, NULL};
static const popcl_mech *const only_user[] = {&popcl_mech_user, NULL};
static void token_alone(void) {
    want_tls();
    h.cfg.auth = 0;
    h.cfg.token = h.cfg.secret;
    memset(&h.cfg.secret, 0, sizeof h.cfg.secret);
}

/* Each of these is one mistake of a session, or, from JOB_MISTAKES on, of a job alone. Returns the
 * name of its field; NULL: there are no more. */
#define JOB_MISTAKES 13u
static const char *mistake(unsigned n) {
    popcl_config *s = &h.cfg.session;
    switch (n) {
    case 0: return s->iobuf = NULL, "iobuf";
    case 1: return s->security = POPCL_TLS_BELOW + 1, "security";
    case 2: return s->security = UINT8_MAX, "security";
    case 3: return s->connect_ms = POPCL_MS_MAX + 1, "connect_ms";
    case 4: return s->idle_ms = POPCL_MS_MAX + 1, "idle_ms";
    case 5: return s->pause_ms = UINT32_MAX, "pause_ms";
    case 6: return s->total_ms = POPCL_MS_MAX + 1, "total_ms";
    case 7: return want_tls(), tls.fragment = 513, "tls";
    case 8: return want_tls(), tls.fragment = 8192, "tls";
    case 9: return want_tls(), tls.names = h.seen, tls.names_len = 0, "tls";
    case 10: return want_tls(), tls.resume = &resumable, tls.resumption = NULL, "tls";
    case 11: return s->iobuf = NULL, s->idle_ms = UINT32_MAX, "iobuf"; /* the first counts */
    case 12: return want_tls(), s->security = POPCL_TLS_BELOW, "tls";  /* [T2] */
    case JOB_MISTAKES: return s->host = NULL, "host";
    case 14: return s->user = NULL, "user";
    case 15: return h.cfg.secret.get = NULL, "secret";
    case 16: return h.cfg.sink = NULL, "sink";
    case 17: return h.sink.begin = NULL, "sink";
    case 18: return h.sink.data = NULL, "sink";
    case 19: return h.sink.commit = NULL, "sink";
    case 20: return h.sink.abort = NULL, "sink";
    case 21: return h.cfg.plan = NULL, "plan";
    case 22: return h.cfg.plan = NULL, s->security = POPCL_TLS_BELOW, "plan";
    case 23: return h.cfg.auth = 0x8000, "auth";
    case 24: return want_tls(), h.cfg.auth = 0, h.cfg.mechs = only_token, "token";
    case 25: return token_alone(), h.cfg.mechs = only_user, "secret";
    case 26: return token_alone(), h.cfg.mechs = NULL, "mechs"; /* these two take no token */
    default: return NULL;
    }
}

static void refused_for(const popcl *c, popcl_err e, const char *field, unsigned n) {
    if (e != POPCL_ERR_ARGUMENT || popcl_result(c) != e || popcl_state(c) != POPCL_DONE)
        fail_msg("mistake %u gives %s", n, popcl_err_name(e));
    if (strcmp(popcl_bad_field(c), field) != 0)
        fail_msg("mistake %u: %s instead of %s", n, popcl_bad_field(c), field);
}

/* [K1] */
static void a_wrong_setting_is_named(void **state) {
    unsigned n = 0;
    (void)state;
    for (const char *field; hand_init(&h, 1), (field = mistake(n)) != NULL; n++) {
        memset(&h.sequence, 0xa5, sizeof h.sequence);
        memset(&h.job, 0xa5, sizeof h.job);
        if (n < JOB_MISTAKES)
            refused_for(&h.sequence, popcl_start(&h.sequence, &h.cfg.session, &h.events, &h, 0),
                        field, n);
        refused_for(&h.job.session, popcl_fetch_start(&h.job, &h.cfg, 0), field, n);
        popcl_fetch_wipe(&h.job);
        assert_string_equal(popcl_bad_field(&h.job.session), "");
    }
    assert_true(n > JOB_MISTAKES);
    for (int half = 0; half < 3; half++) { /* events are a sequence's own */
        hand_init(&h, 1);
        if (half == 0) h.events.done = NULL;
        if (half == 1) h.events.ready = NULL;
        refused_for(&h.sequence,
                    popcl_start(&h.sequence, &h.cfg.session, half < 2 ? &h.events : NULL, &h, 0),
                    "events", (unsigned)half);
    }
    refused_for(&h.sequence, popcl_start(&h.sequence, NULL, &h.events, &h, 0), "config", 0);
    refused_for(&h.job.session, popcl_fetch_start(&h.job, NULL, 0), "config", 0);
}

/* Another error names no field, nor does a success. */
static void only_a_wrong_setting_is_named(void **state) {
    (void)state;
    hand_init(&h, 1);
    assert_string_equal(popcl_bad_field(&h.sequence), "");
    hand_sequence(&h);
    assert_string_equal(popcl_bad_field(h.s), "");
    popcl_fail(h.s, POPCL_ERR_ARGUMENT, 0);
    assert_string_equal(popcl_bad_field(h.s), "");
    hand_end(&h);
    h.cfg.session.iobuf_len = 10;
    assert_int_equal(popcl_fetch_start(&h.job, &h.cfg, 0), POPCL_ERR_IOBUF_SMALL);
    assert_string_equal(popcl_bad_field(&h.job.session), "");
    hand_init(&h, 1);
    h.cfg.plan_len = 10;
    assert_int_equal(popcl_fetch_start(&h.job, &h.cfg, 0), POPCL_ERR_PLAN_SMALL);
    assert_string_equal(popcl_bad_field(&h.job.session), "");
    hand_init(&h, 1);
    want_tls();
    h.cfg.session.seed = NULL;
    assert_int_equal(popcl_start(&h.sequence, &h.cfg.session, &h.events, &h, 0), POPCL_ERR_SEED);
    assert_string_equal(popcl_bad_field(&h.sequence), "");
}

/* A login counts the octets of a user name in 16 bits: a longer name is refused as a whole, and
 * never becomes its own beginning. */
static void a_user_name_is_never_cut(void **state) {
    static const popcl_mech *const mechs[] = {&popcl_mech_login, &popcl_mech_cram_md5, NULL};
    static char user[UINT16_MAX + 6];
    (void)state;
    memset(user, 'u', sizeof user - 1);
    hand_init(&h, 1);
    h.cfg.mechs = mechs;
    h.cfg.session.user = user;
    for (const popcl_mech *const *m = mechs; *m; m++) {
        h.cfg.auth = *m == &popcl_mech_login ? POPCL_AUTH_LOGIN : POPCL_AUTH_CRAM_MD5;
        assert_int_equal(popcl_fetch_start(&h.job, &h.cfg, 0), POPCL_ERR_COMMAND_LENGTH);
        user[UINT16_MAX] = '\0';
        assert_int_equal(popcl_fetch_start(&h.job, &h.cfg, 0), POPCL_OK);
        popcl_fetch_wipe(&h.job);
        user[UINT16_MAX] = 'u';
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_that_is_no_error_is_a_mistake),
        cmocka_unit_test(the_first_failure_of_an_event_counts),
        cmocka_unit_test(a_result_that_is_no_error_is_a_mistake),
        cmocka_unit_test(a_port_that_opens_with_no_error_is_a_mistake),
        cmocka_unit_test(run_gets_no_session_that_still_settles),
        cmocka_unit_test(other_values_out_of_range),
        cmocka_unit_test(a_body_that_returns_more_than_it_was_offered),
        cmocka_unit_test(an_event_that_returns_no_pause_goes_on),
        cmocka_unit_test(an_owner_that_computes_is_asked_in_each_tick),
        cmocka_unit_test(an_owner_that_computes_sees_the_end),
        cmocka_unit_test(late_and_stop_that_return_any_number),
        cmocka_unit_test(late_and_stop_end_the_pause_of_a_sink),
        cmocka_unit_test(a_pause_in_the_greeting_answers_no_command),
        cmocka_unit_test(a_pause_in_the_greeting_logs_nobody_in),
        cmocka_unit_test(calls_on_what_is_not_open_do_nothing),
        cmocka_unit_test(a_count_that_sinks_hides_no_message),
        cmocka_unit_test(stale_fields_change_no_command),
        cmocka_unit_test(a_secret_of_a_sequence_is_released_once),
        cmocka_unit_test(two_secrets_are_released_once_each),
        cmocka_unit_test(a_response_pauses_and_goes_on),
        cmocka_unit_test(a_response_that_never_ends_is_not_answered),
        cmocka_unit_test(a_login_goes_on_only_after_a_bare_auth),
        cmocka_unit_test(a_secret_that_is_not_asked_for_is_not_released),
        cmocka_unit_test(a_secret_of_scram_is_released_if_it_was_asked_for),
        cmocka_unit_test(a_secret_of_a_job_is_released_once),
        cmocka_unit_test(a_clock_that_steps_freezes_no_deadline),
        cmocka_unit_test(a_session_that_cannot_send_waits_for_no_command),
        cmocka_unit_test(an_idle_session_that_cannot_send_ends),
        cmocka_unit_test(a_cut_word_of_capa_is_no_text),
        cmocka_unit_test(a_pause_after_a_reply_has_its_whole_time),
        cmocka_unit_test(connect_takes_the_time_before_the_connection_only),
        cmocka_unit_test(a_listing_with_a_number_twice_is_not_complete),
        cmocka_unit_test(a_listing_of_all_messages_is_complete),
        cmocka_unit_test(a_deletion_in_flight_keeps_the_session),
        cmocka_unit_test(a_surplus_reply_in_a_pause_answers_no_deletion),
        cmocka_unit_test(headers_do_not_count_as_messages),
        cmocka_unit_test(a_deletion_without_fetching_is_answered_alone),
        cmocka_unit_test(a_user_name_is_never_cut),
        cmocka_unit_test(a_wrong_setting_is_named),
        cmocka_unit_test(only_a_wrong_setting_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
