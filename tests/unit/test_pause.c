/* SPDX-License-Identifier: MIT */
/* test_pause - sessions whose owner asks for time, or sends commands ahead: what that may not
 * change. All cases were found by tests/model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "popcl_command.h"
#include "popcl_fetch.h"

typedef struct owner {
    popcl session;
    popcl_config cfg;
    unsigned char iobuf[512];
    popcl_flight window[2];
    uint32_t pauses_at; /* the command whose done event pauses */
    popcl_verb submits; /* what that event submits; POPCL_VERBS: nothing */
    size_t takes;       /* octets of a body */
    popcl_err result;
} owner;

static unsigned on_done(void *ctx, uint32_t tag, const popcl_reply *reply) {
    owner *o = ctx;
    (void)reply;
    if (tag != o->pauses_at) return 0;
    o->pauses_at = 0;
    popcl_command command = {.verb = o->submits};
    if (o->submits < POPCL_VERBS)
        assert_int_equal(popcl_submit(&o->session, &command, 99), POPCL_OK);
    return POPCL_PAUSED_SINK;
}

static unsigned on_ready(void *ctx) { return (void)ctx, 0; }

static size_t on_body(void *ctx, uint32_t tag, const unsigned char *p, size_t n) {
    owner *o = ctx;
    (void)tag, (void)p;
    return n < o->takes ? n : o->takes;
}

static unsigned on_closed(void *ctx, popcl_err *result, popcl_end end) {
    owner *o = ctx;
    o->result = *result;
    return (void)end, 0;
}

static void hear(owner *o, const char *text) {
    size_t n;
    unsigned char *p = popcl_recv_buf(&o->session, &n);
    assert_true(n >= strlen(text));
    memcpy(p, text, strlen(text));
    popcl_recv_ack(&o->session, strlen(text));
}

static void say(owner *o, popcl_command command, uint32_t tag) {
    size_t n;
    assert_int_equal(popcl_submit(&o->session, &command, tag), POPCL_OK);
    popcl_send_buf(&o->session, &n);
    popcl_send_ack(&o->session, n);
}

static void greet(owner *o, uint32_t pauses_at) {
    static const popcl_events events = {
        .done = on_done, .ready = on_ready, .body = on_body, .closed = on_closed};
    memset(o, 0, sizeof *o);
    o->cfg.iobuf = o->iobuf;
    o->cfg.iobuf_len = sizeof o->iobuf;
    o->cfg.window = o->window;
    o->cfg.window_len = 2;
    o->cfg.pause_ms = 1000;
    o->pauses_at = pauses_at;
    o->submits = POPCL_VERBS;
    assert_int_equal(popcl_start(&o->session, &o->cfg, &events, o, 0), POPCL_OK);
    popcl_connected(&o->session, 0);
    hear(o, "+OK\r\n");
    say(o, (popcl_command){.verb = POPCL_CAPA}, 4);
    hear(o, "+OK\r\nPIPELINING\r\n.\r\n");
}

static const popcl_secret secret = {.octets = "secret"};

static void begin(owner *o, uint32_t pauses_at) {
    greet(o, pauses_at);
    say(o, (popcl_command){.verb = POPCL_USER, .text = "fred", .text_len = 4}, 1);
    hear(o, "+OK\r\n");
    if (pauses_at) o->submits = POPCL_QUIT;
    say(o, (popcl_command){.verb = POPCL_PASS, .secret = &secret}, 2);
    hear(o, "+OK\r\n");
}

/* QUIT ends the commands, also when the event that submitted it comes again [R49]. */
static void test_quit_in_a_pause_of_the_login(void **state) {
    owner o;
    (void)state;
    begin(&o, 2);
    assert_int_equal(popcl_state(&o.session) & POPCL_PAUSED, POPCL_PAUSED_SINK);
    popcl_resume(&o.session);
    assert_int_equal(popcl_state(&o.session) & POPCL_PAUSED, 0);
    assert_int_equal(popcl_submit(&o.session, &(popcl_command){.verb = POPCL_NOOP}, 3),
                     POPCL_ERR_STATE);
    popcl_wipe(&o.session);
}

/* A pause has all of its time, however long nothing had come before it, and though a resume that
 * brings nothing comes before the next tick [R38]. */
static void test_a_resume_before_the_first_tick_of_a_pause(void **state) {
    owner o;
    (void)state;
    begin(&o, 0);
    say(&o, (popcl_command){.verb = POPCL_RETR, .number = 1}, 3);
    popcl_tick(&o.session, 10);
    popcl_tick(&o.session, 900);
    o.takes = 1;
    hear(&o, "+OK\r\nab\r\n");
    o.takes = 0;
    popcl_resume(&o.session);
    popcl_tick(&o.session, 901);
    popcl_tick(&o.session, 1800);
    assert_int_equal(popcl_state(&o.session), POPCL_PAUSED_SINK);
    popcl_tick(&o.session, 1901);
    assert_int_equal(popcl_state(&o.session), POPCL_DONE);
    assert_int_equal(o.result, POPCL_ERR_TIMEOUT_PAUSE);
    popcl_wipe(&o.session);
}

/* A line that is no reply ends the session once it is whole. Until then no command follows it,
 * least of all one with a password [B28]. */
static void test_nothing_behind_a_line_that_is_no_reply(void **state) {
    const popcl_command pass = {.verb = POPCL_PASS, .secret = &secret};
    owner o;
    (void)state;
    greet(&o, 0);
    say(&o, (popcl_command){.verb = POPCL_USER, .text = "fred", .text_len = 4}, 1);
    hear(&o, "+Okay");
    assert_int_equal(popcl_submit(&o.session, &pass, 2), POPCL_ERR_WOULD_BLOCK);
    hear(&o, "\r\n");
    assert_int_equal(o.result, POPCL_ERR_STATUS);
    popcl_wipe(&o.session);
}

/* ---- a job ---- */

static int sink_begin(void *ctx, const popcl_msg *m) { return (void)ctx, (void)m, 0; }
static int sink_data(void *ctx, const void *p, size_t n) { return (void)ctx, (void)p, (int)n; }
static int sink_commit(void *ctx) { return (void)ctx, 0; }
static void sink_abort(void *ctx, popcl_err why) { (void)ctx, (void)why; }

/* Sends all that waits to be sent, and says what it must be. */
static void sends(popcl *s, const char *text) {
    size_t n;
    const unsigned char *p = popcl_send_buf(s, &n);
    assert_int_equal(n, strlen(text));
    if (n) assert_memory_equal(p, text, n);
    popcl_send_ack(s, n);
}

static void answer(popcl *s, const char *text) {
    size_t n;
    unsigned char *p = popcl_recv_buf(s, &n);
    assert_true(n >= strlen(text));
    memcpy(p, text, strlen(text));
    popcl_recv_ack(s, strlen(text));
}

/* UIDL is refused, and LIST waits: inside the answer to CAPA no command may leave ahead. After the
 * stop LIST is not sent at all [K8]. */
static void test_a_stop_while_a_listing_waits(void **state) {
    static const popcl_sink sink = {
        .begin = sink_begin, .data = sink_data, .commit = sink_commit, .abort = sink_abort};
    static unsigned char iobuf[9000], plan[POPCL_PLAN_MIN_APOP];
    static popcl_flight window[8];
    popcl_fetch_config cfg = {.session = {.host = "pop.example",
                                          .user = "fred",
                                          .iobuf = iobuf,
                                          .iobuf_len = sizeof iobuf,
                                          .window = window,
                                          .window_len = 8},
                              .secret = {.octets = "secret"},
                              .plan = plan,
                              .plan_len = sizeof plan,
                              .sink = &sink};
    popcl_fetch job;
    popcl *s = &job.session;
    (void)state;
    assert_int_equal(popcl_fetch_start(&job, &cfg, 0), POPCL_OK);
    popcl_connected(s, 0);
    answer(s, "+OK\r\n");
    sends(s, "CAPA\r\n");
    answer(s, "+OK\r\nPIPELINING\r\nUSER\r\n.\r\n");
    sends(s, "USER fred\r\nPASS secret\r\n");
    answer(s, "+OK\r\n+OK\r\n");
    sends(s, "STAT\r\nUIDL\r\nCAPA\r\n");
    answer(s, "+OK 1 3\r\n-ERR what\r\n+OK\r\nUSER\r\n");
    sends(s, "");
    popcl_stop(s);
    answer(s, "PIPELINING\r\n.\r\n");
    sends(s, "QUIT\r\n");
    answer(s, "+OK\r\n");
    assert_int_equal(popcl_result(s), POPCL_ERR_STOPPED);
    popcl_fetch_wipe(&job);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quit_in_a_pause_of_the_login),
        cmocka_unit_test(test_a_resume_before_the_first_tick_of_a_pause),
        cmocka_unit_test(test_nothing_behind_a_line_that_is_no_reply),
        cmocka_unit_test(test_a_stop_while_a_listing_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
