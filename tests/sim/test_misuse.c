/* test_misuse - the application's mistakes: callbacks that call back, calls out of order, acks of
 * more than was offered, a configuration that changes under the job. Each ends in an error of its
 * own or does nothing; none crashes, and none leaves a message half kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "popcl_net.h"
#include "server.h"

enum call {
    NOTHING,
    SEND_ACK,
    RECV_ACK,
    SEND_FAILED,
    RECV_EOF,
    TICK,
    RESUME,
    STOP,
    FAIL,
    WIPE,
    CONNECTED,
    CALLS
};
enum place {
    IN_BEGIN,
    IN_DATA,
    IN_COMMIT,
    IN_SYNC,
    IN_ABORT,
    IN_DECIDE,
    IN_LISTED,
    IN_FATE,
    IN_TRACE,
    PLACES
};

typedef struct rig {
    sim_server server;
    popcl job;
    popcl_config cfg;
    unsigned char iobuf[512], plan[256];
    enum call call;
    enum place place;
    int armed, staged, fail_data, busy;
    int begun, ended, after_end;
    char commands[600];
    size_t commands_n;
} rig;

/* The mistake: a call into the job from inside one of its callbacks. */
static void here(rig *r, enum place place) {
    if (!r->armed || place != r->place) return;
    size_t n;
    popcl_state(&r->job); /* the queries are allowed */
    popcl_result(&r->job);
    popcl_next_deadline(&r->job);
    popcl_diag d;
    popcl_get_diag(&r->job, &d);
    switch (r->call) {
    case SEND_ACK: popcl_send_ack(&r->job, 1); break;
    case RECV_ACK:
        popcl_recv_buf(&r->job, &n);
        popcl_recv_ack(&r->job, 1);
        break;
    case SEND_FAILED: popcl_send_failed(&r->job); break;
    case RECV_EOF: popcl_recv_eof(&r->job); break;
    case TICK: popcl_tick(&r->job, 5); break;
    case RESUME: popcl_resume(&r->job); break;
    case STOP: popcl_stop(&r->job); break;
    case FAIL: popcl_fail(&r->job, POPCL_ERR_NET, 1); break;
    case WIPE: popcl_wipe(&r->job); break;
    case CONNECTED: popcl_connected(&r->job, 5); break;
    default: return;
    }
    r->armed = 0;
}

static int on_begin(void *ctx, const popcl_msg *m) {
    rig *r = ctx;
    (void)m;
    r->begun++;
    here(r, IN_BEGIN);
    return 0;
}

static int on_data(void *ctx, const void *p, size_t n) {
    rig *r = ctx;
    (void)p;
    here(r, IN_DATA);
    return r->fail_data ? -1 : (int)n;
}

static int on_commit(void *ctx) {
    rig *r = ctx;
    r->ended++;
    here(r, IN_COMMIT);
    return r->staged ? POPCL_STAGED : 0;
}

static int on_sync(void *ctx) {
    here(ctx, IN_SYNC);
    return 0;
}

static void on_abort(void *ctx, popcl_err why) {
    rig *r = ctx;
    (void)why;
    r->ended++;
    here(r, IN_ABORT);
}

static unsigned on_decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    (void)m;
    (void)stage;
    here(ctx, IN_DECIDE);
    return POPCL_FETCH | POPCL_DELETE;
}

static void on_listed(void *ctx, const popcl_msg *m) {
    (void)m;
    here(ctx, IN_LISTED);
}

static void on_fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    (void)m;
    (void)what;
    (void)why;
    here(ctx, IN_FATE);
}

static void on_trace(void *ctx, popcl_trace kind, const char *p, size_t n) {
    rig *r = ctx;
    (void)p;
    (void)n;
    /* also from start and connected, before which there is nothing to break */
    if (kind != POPCL_TRACE_STATE || r->busy) here(r, IN_TRACE);
}

static const popcl_sink sink = {on_begin, on_data, on_commit, on_sync, on_abort};

static void rig_init(rig *r) {
    memset(r, 0, sizeof *r);
    sim_server_init(&r->server);
    sim_server_add(&r->server, "a", "one\r\n");
    sim_server_add(&r->server, "b", "two\r\n");
    r->cfg.host = "pop.example";
    r->cfg.user = "fred";
    r->cfg.secret.octets = "correct-horse";
    r->cfg.iobuf = r->iobuf;
    r->cfg.iobuf_len = sizeof r->iobuf;
    r->cfg.plan = r->plan;
    r->cfg.plan_len = sizeof r->plan;
    r->cfg.sink = &sink;
    r->cfg.sink_ctx = r->cfg.ctx = r->cfg.trace_ctx = r;
    r->cfg.decide = on_decide;
    r->cfg.listed = on_listed;
    r->cfg.fate = on_fate;
    r->cfg.trace = on_trace;
}

static int rig_move(rig *r) {
    size_t n;
    const unsigned char *out = popcl_send_buf(&r->job, &n);
    int moved = n > 0;
    if (n) {
        for (size_t i = 0; i < n && r->commands_n < sizeof r->commands - 1; i++)
            r->commands[r->commands_n++] = (char)out[i];
        sim_server_take(&r->server, out, n);
        popcl_send_ack(&r->job, n);
    }
    unsigned char *in = popcl_recv_buf(&r->job, &n);
    n = n ? sim_server_give(&r->server, in, n) : 0;
    if (n) popcl_recv_ack(&r->job, n);
    return moved || n;
}

static void rig_start(rig *r) {
    sim_server_connect(&r->server);
    memset(&r->job, 0xa5, sizeof r->job);
    assert_int_equal(popcl_start(&r->job, &r->cfg, 0), POPCL_OK);
    popcl_connected(&r->job, 0);
    r->busy = 1;
}

static popcl_err rig_finish(rig *r) {
    for (int i = 0; i < 1000 && popcl_state(&r->job) != POPCL_DONE && rig_move(r); i++)
        continue;
    if (popcl_state(&r->job) != POPCL_DONE) popcl_fail(&r->job, POPCL_ERR_NET, 0);
    return popcl_result(&r->job);
}

static void rig_end(rig *r) {
    popcl_wipe(&r->job);
    sim_server_free(&r->server);
}

/* [K2] */
static void a_callback_that_calls_back_ends_the_job(void **state) {
    static rig r;
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        for (int call = SEND_ACK; call < CALLS; call++) {
            rig_init(&r);
            r.place = (enum place)place;
            r.call = (enum call)call;
            r.staged = place == IN_SYNC;
            r.fail_data = place == IN_ABORT;
            rig_start(&r);
            r.armed = 1;
            popcl_err result = rig_finish(&r);
            if (r.armed) fail_msg("place %d was not reached", place);
            if (result != POPCL_ERR_REENTRANT && !(place == IN_ABORT && result == POPCL_ERR_SINK)) {
                fail_msg("call %d in place %d gave %s", call, place, popcl_err_name(result));
            }
            if (r.begun != r.ended)
                fail_msg("call %d in place %d: %d begun, %d ended", call, place, r.begun, r.ended);
            rig_end(&r);
        }
    }
}

/* [K2] inside the abort that wipe itself causes */
static void a_callback_of_wipe_that_calls_back(void **state) {
    static rig r;
    (void)state;
    for (int call = SEND_ACK; call < CALLS; call++) {
        rig_init(&r);
        rig_start(&r);
        while (r.begun == 0)
            assert_true(rig_move(&r));
        if (r.ended) { /* the whole message came at once */
            rig_end(&r);
            continue;
        }
        r.place = IN_ABORT;
        r.call = (enum call)call;
        r.armed = 1;
        rig_end(&r);
        assert_int_equal(r.ended, r.begun);
    }
}

/* [K3] on a zeroed struct, which never was started */
static void calls_before_start_do_nothing(void **state) {
    static popcl c;
    size_t n = 1;
    popcl_diag d;
    (void)state;
    memset(&c, 0, sizeof c);
    assert_int_equal(popcl_state(&c), POPCL_DONE);
    assert_int_equal(popcl_result(&c), POPCL_ERR_STATE);
    assert_null(popcl_send_buf(&c, &n));
    assert_int_equal(n, 0);
    n = 1;
    assert_null(popcl_recv_buf(&c, &n));
    assert_int_equal(n, 0);
    popcl_connected(&c, 1);
    popcl_send_ack(&c, 1);
    popcl_recv_ack(&c, 1);
    popcl_recv_eof(&c);
    popcl_tick(&c, 1);
    popcl_resume(&c);
    popcl_stop(&c);
    popcl_fail(&c, POPCL_ERR_NET, 1);
    popcl_get_diag(&c, &d);
    assert_int_equal(d.err, POPCL_ERR_STATE);
    assert_true(popcl_next_deadline(&c) <= POPCL_MS_MAX);
    popcl_wipe(&c);
    popcl_wipe(&c); /* [K4] */
    assert_int_equal(popcl_state(&c), POPCL_DONE);
}

/* [K3] */
static void octets_before_the_connection_is_up(void **state) {
    static rig r;
    size_t n;
    (void)state;
    rig_init(&r);
    assert_int_equal(popcl_start(&r.job, &r.cfg, 0), POPCL_OK);
    assert_int_equal(popcl_state(&r.job), 0);
    assert_null(popcl_recv_buf(&r.job, &n));
    assert_int_equal(n, 0);
    popcl_recv_ack(&r.job, 10); /* nothing was offered */
    assert_int_equal(popcl_state(&r.job), POPCL_DONE);
    assert_int_equal(popcl_result(&r.job), POPCL_ERR_PORT);
    rig_end(&r);
}

/* [K3 A18] */
static void acks_of_more_than_was_offered(void **state) {
    static rig r;
    size_t n;
    (void)state;
    rig_init(&r);
    rig_start(&r);
    popcl_recv_buf(&r.job, &n);
    popcl_recv_ack(&r.job, n + 1);
    assert_int_equal(popcl_result(&r.job), POPCL_ERR_PORT);
    rig_end(&r);
    rig_init(&r);
    rig_start(&r);
    while (popcl_send_buf(&r.job, &n), n == 0) {
        unsigned char *in = popcl_recv_buf(&r.job, &n);
        n = sim_server_give(&r.server, in, n);
        popcl_recv_ack(&r.job, n);
    }
    popcl_send_ack(&r.job, n + 1);
    assert_int_equal(popcl_result(&r.job), POPCL_ERR_PORT);
    rig_end(&r);
    rig_init(&r);
    rig_start(&r);
    popcl_send_ack(&r.job, 1); /* nothing to send was offered: ignored */
    popcl_recv_ack(&r.job, 0);
    popcl_send_ack(&r.job, 0);
    popcl_connected(&r.job, 7); /* a second time: ignored */
    assert_int_equal(rig_finish(&r), POPCL_OK);
    rig_end(&r);
}

/* [K5] what is over stays over, until it is started again */
static void a_failed_job_needs_a_start(void **state) {
    static rig r;
    (void)state;
    rig_init(&r);
    rig_start(&r);
    popcl_fail(&r.job, POPCL_ERR_NET, 5);
    popcl_connected(&r.job, 0);
    popcl_resume(&r.job);
    assert_int_equal(rig_move(&r), 0);
    assert_int_equal(popcl_state(&r.job), POPCL_DONE);
    assert_int_equal(popcl_result(&r.job), POPCL_ERR_NET);
    r.server.user = "fred";
    rig_start(&r);
    assert_int_equal(rig_finish(&r), POPCL_OK);
    rig_end(&r);
}

/* [K1] */
static void missing_settings(void **state) {
    static rig r;
    (void)state;
    assert_int_equal(popcl_start(&r.job, NULL, 0), POPCL_ERR_ARGUMENT);
    assert_int_equal(popcl_state(&r.job), POPCL_DONE);
    rig_init(&r);
    r.cfg.plan = NULL;
    assert_int_equal(popcl_start(&r.job, &r.cfg, 0), POPCL_ERR_ARGUMENT);
    rig_init(&r);
    r.cfg.secret.octets = NULL;
    assert_int_equal(popcl_start(&r.job, &r.cfg, 0), POPCL_ERR_ARGUMENT);
    rig_init(&r);
    r.cfg.auth = 0x80;
    assert_int_equal(popcl_start(&r.job, &r.cfg, 0), POPCL_ERR_ARGUMENT);
    for (int missing = 0; missing < 4; missing++) {
        popcl_sink half = sink;
        if (missing == 0) half.begin = NULL;
        if (missing == 1) half.data = NULL;
        if (missing == 2) half.commit = NULL;
        if (missing == 3) half.abort = NULL;
        rig_init(&r);
        r.cfg.sink = &half;
        assert_int_equal(popcl_start(&r.job, &r.cfg, 0), POPCL_ERR_ARGUMENT);
        assert_int_equal(popcl_state(&r.job), POPCL_DONE);
        popcl_wipe(&r.job);
    }
}

/* [K11] buffers, limits and timeouts are the ones that start saw */
static void a_configuration_that_changes_after_start(void **state) {
    static rig r;
    (void)state;
    rig_init(&r);
    rig_start(&r);
    r.cfg.iobuf_len = 1u << 20;
    r.cfg.plan_len = 1u << 20;
    r.cfg.iobuf = r.cfg.plan = NULL;
    r.cfg.idle_ms = r.cfg.pause_ms = r.cfg.connect_ms = 1;
    popcl_tick(&r.job, 50);
    assert_int_equal(rig_finish(&r), POPCL_OK);
    assert_int_equal(r.begun, 2);
    rig_end(&r);
}

/* [J5] ticks that go back or stand still are no time */
static void time_that_goes_back(void **state) {
    static rig r;
    (void)state;
    rig_init(&r);
    r.cfg.idle_ms = 1000;
    sim_server_connect(&r.server);
    assert_int_equal(popcl_start(&r.job, &r.cfg, 5000), POPCL_OK);
    popcl_connected(&r.job, 5000);
    popcl_tick(&r.job, 4000);
    popcl_tick(&r.job, 0);
    popcl_tick(&r.job, 5000);
    assert_true(popcl_state(&r.job) & POPCL_RECV);
    popcl_tick(&r.job, 6001);
    assert_int_equal(popcl_result(&r.job), POPCL_ERR_TIMEOUT_GREETING);
    rig_end(&r);
}

/* [K6] a sink that keeps the only thread longer than the limits allow */
static void a_callback_that_blocks_is_noticed_afterwards(void **state) {
    static rig r;
    (void)state;
    rig_init(&r);
    r.cfg.total_ms = 10000;
    rig_start(&r);
    while (r.begun == 0)
        assert_true(rig_move(&r)); /* and this took 20 s, as the next tick tells */
    popcl_tick(&r.job, 20000);
    assert_int_equal(popcl_state(&r.job), POPCL_DONE);
    assert_int_equal(popcl_result(&r.job), POPCL_ERR_TIMEOUT_TOTAL);
    assert_int_equal(r.begun, r.ended);
    rig_end(&r);
}

/* ---- sessions: the same for popcl_session.h ---- */

typedef struct owner {
    popcl_session s;
    unsigned char iobuf[POPCL_IOBUF_MIN];
    int closed, call;
    popcl_err result;
} owner;

static void s_line(void *ctx, uint32_t tag, const popcl_reply *line) {
    (void)ctx;
    (void)tag;
    (void)line;
}

static size_t s_body(void *ctx, uint32_t tag, const unsigned char *p, size_t n) {
    (void)ctx;
    (void)tag;
    (void)p;
    return n;
}

static unsigned s_done(void *ctx, uint32_t tag, const popcl_reply *reply) {
    owner *o = ctx;
    (void)tag;
    (void)reply;
    if (o->call == 1) popcl_session_recv_ack(&o->s, 1);
    if (o->call == 2) popcl_session_wipe(&o->s);
    if (o->call == 3) popcl_session_fail(&o->s, POPCL_ERR_STOPPED, 7); /* which is allowed */
    if (o->call == 4) popcl_session_recv_eof(&o->s);
    if (o->call == 5) popcl_session_tick(&o->s, 9);
    return 0;
}

static unsigned s_ready(void *ctx) {
    (void)ctx;
    return 0;
}

static void s_closed(void *ctx, popcl_err result) {
    owner *o = ctx;
    o->closed++;
    o->result = result;
}

/* [K2] */
static void an_event_that_calls_back_ends_the_session(void **state) {
    static owner o;
    static const popcl_session_events events = {NULL,   s_line,  s_line,  s_body,
                                                s_done, s_ready, s_closed};
    (void)state;
    for (int call = 0; call < 6; call++) {
        popcl_session_config cfg = {
            .iobuf = o.iobuf, .iobuf_len = sizeof o.iobuf, .events = &events, .ctx = &o};
        size_t n;
        memset(&o, 0xa5, sizeof o);
        o.closed = 0;
        o.call = call;
        assert_int_equal(popcl_session_start(&o.s, &cfg, 0), POPCL_OK);
        popcl_session_connected(&o.s, 0);
        unsigned char *p = popcl_session_recv_buf(&o.s, &n);
        memcpy(p, "+OK\r\n", 5);
        popcl_session_recv_ack(&o.s, 5);
        assert_int_equal(o.closed, call ? 1 : 0);
        if (call) assert_int_equal(o.result, call == 3 ? POPCL_ERR_STOPPED : POPCL_ERR_REENTRANT);
        assert_int_equal(popcl_session_state(&o.s) == POPCL_DONE, call != 0);
        if (call == 3) assert_int_equal(popcl_session_net_code(&o.s), 7);
        popcl_session_wipe(&o.s);
        popcl_session_wipe(&o.s); /* [K4] */
    }
}

/* [K1] a command without the argument that it needs */
static void a_command_without_its_argument(void **state) {
    static const popcl_session_events events = {NULL,   s_line,  s_line,  s_body,
                                                s_done, s_ready, s_closed};
    static const popcl_command commands[] = {{POPCL_USER, 0, 0, NULL, 0, NULL},
                                             {POPCL_PASS, 0, 0, NULL, 0, NULL},
                                             {POPCL_APOP, 0, 0, "fred", 4, NULL}};
    static owner o;
    size_t n;
    (void)state;
    memset(&o, 0, sizeof o);
    popcl_session_config cfg = {
        .iobuf = o.iobuf, .iobuf_len = sizeof o.iobuf, .events = &events, .ctx = &o};
    assert_int_equal(popcl_session_start(&o.s, &cfg, 0), POPCL_OK);
    popcl_session_connected(&o.s, 0);
    memcpy(popcl_session_recv_buf(&o.s, &n), "+OK\r\n", 5);
    popcl_session_recv_ack(&o.s, 5);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_int_equal(popcl_session_submit(&o.s, &commands[i], 0), POPCL_ERR_ARGUMENT_OCTET);
        assert_null(popcl_session_send_buf(&o.s, &n));
    }
    popcl_session_wipe(&o.s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_callback_that_calls_back_ends_the_job),
        cmocka_unit_test(a_callback_of_wipe_that_calls_back),
        cmocka_unit_test(calls_before_start_do_nothing),
        cmocka_unit_test(octets_before_the_connection_is_up),
        cmocka_unit_test(acks_of_more_than_was_offered),
        cmocka_unit_test(a_failed_job_needs_a_start),
        cmocka_unit_test(missing_settings),
        cmocka_unit_test(a_configuration_that_changes_after_start),
        cmocka_unit_test(time_that_goes_back),
        cmocka_unit_test(a_callback_that_blocks_is_noticed_afterwards),
        cmocka_unit_test(an_event_that_calls_back_ends_the_session),
        cmocka_unit_test(a_command_without_its_argument),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
