/* SPDX-License-Identifier: MIT */
/* test_misuse - the application's mistakes: callbacks that call back, calls out of order, acks of
 * more than was offered, a configuration that changes under the job. Each ends in an error of its
 * own or does nothing; none crashes, and none leaves a message half kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "popcl_command.h"
#include "popcl_fetch.h"
#include "popcl_net.h"
#include "server.h"
#include "window.h"

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
    popcl_fetch job;
    popcl_fetch_config cfg;
    popcl_flight window[TEST_WINDOW_MAX];
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
    popcl_state(&r->job.session); /* the queries are allowed */
    popcl_result(&r->job.session);
    popcl_next_deadline(&r->job.session);
    popcl_diag d;
    popcl_fetch_get_diag(&r->job, &d);
    switch (r->call) {
    case SEND_ACK: popcl_send_ack(&r->job.session, 1); break;
    case RECV_ACK:
        popcl_recv_buf(&r->job.session, &n);
        popcl_recv_ack(&r->job.session, 1);
        break;
    case SEND_FAILED: popcl_send_failed(&r->job.session); break;
    case RECV_EOF: popcl_recv_eof(&r->job.session); break;
    case TICK: popcl_tick(&r->job.session, 5); break;
    case RESUME: popcl_resume(&r->job.session); break;
    case STOP: popcl_stop(&r->job.session); break;
    case FAIL: popcl_fail(&r->job.session, POPCL_ERR_NET, 1); break;
    case WIPE: popcl_fetch_wipe(&r->job); break;
    case CONNECTED: popcl_connected(&r->job.session, 5); break;
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

static const popcl_sink sink = {
    .begin = on_begin,
    .data = on_data,
    .commit = on_commit,
    .sync = on_sync,
    .abort = on_abort,
};

static void rig_init(rig *r) {
    memset(r, 0, sizeof *r);
    sim_server_init(&r->server);
    sim_server_add(&r->server, "a", "one\r\n");
    sim_server_add(&r->server, "b", "two\r\n");
    test_window_set(&r->cfg.session, r->window);
    r->cfg.session.host = "pop.example";
    r->cfg.session.user = "fred";
    r->cfg.secret.octets = "correct-horse";
    r->cfg.session.iobuf = r->iobuf;
    r->cfg.session.iobuf_len = sizeof r->iobuf;
    r->cfg.plan = r->plan;
    r->cfg.plan_len = sizeof r->plan;
    r->cfg.sink = &sink;
    r->cfg.sink_ctx = r->cfg.ctx = r->cfg.session.trace_ctx = r;
    r->cfg.decide = on_decide;
    r->cfg.listed = on_listed;
    r->cfg.fate = on_fate;
    r->cfg.session.trace = on_trace;
}

static int rig_move(rig *r) {
    size_t n;
    const unsigned char *out = popcl_send_buf(&r->job.session, &n);
    int moved = n > 0;
    if (n) {
        for (size_t i = 0; i < n && r->commands_n < sizeof r->commands - 1; i++)
            r->commands[r->commands_n++] = (char)out[i];
        sim_server_take(&r->server, out, n);
        popcl_send_ack(&r->job.session, n);
    }
    unsigned char *in = popcl_recv_buf(&r->job.session, &n);
    n = n ? sim_server_give(&r->server, in, n) : 0;
    if (n) popcl_recv_ack(&r->job.session, n);
    return moved || n;
}

static void rig_start(rig *r) {
    sim_server_connect(&r->server);
    memset(&r->job, 0xa5, sizeof r->job);
    assert_int_equal(popcl_fetch_start(&r->job, &r->cfg, 0), POPCL_OK);
    popcl_connected(&r->job.session, 0);
    r->busy = 1;
}

static popcl_err rig_finish(rig *r) {
    for (int i = 0; i < 1000 && popcl_state(&r->job.session) != POPCL_DONE && rig_move(r); i++)
        continue;
    if (popcl_state(&r->job.session) != POPCL_DONE) popcl_fail(&r->job.session, POPCL_ERR_NET, 0);
    return popcl_result(&r->job.session);
}

static void rig_end(rig *r) {
    popcl_fetch_wipe(&r->job);
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
    static popcl_fetch c;
    size_t n = 1;
    popcl_diag d;
    (void)state;
    memset(&c, 0, sizeof c);
    assert_int_equal(popcl_state(&c.session), POPCL_DONE);
    assert_int_equal(popcl_result(&c.session), POPCL_ERR_STATE);
    assert_null(popcl_send_buf(&c.session, &n));
    assert_int_equal(n, 0);
    n = 1;
    assert_null(popcl_recv_buf(&c.session, &n));
    assert_int_equal(n, 0);
    popcl_connected(&c.session, 1);
    popcl_send_ack(&c.session, 1);
    popcl_recv_ack(&c.session, 1);
    popcl_send_failed(&c.session); /* [K8] */
    popcl_recv_eof(&c.session);
    popcl_tick(&c.session, 1);
    popcl_resume(&c.session);
    popcl_stop(&c.session);
    popcl_fail(&c.session, POPCL_ERR_NET, 1);
    popcl_fetch_get_diag(&c, &d);
    assert_int_equal(d.err, POPCL_ERR_STATE);
    assert_true(popcl_next_deadline(&c.session) <= POPCL_MS_MAX);
    popcl_fetch_wipe(&c);
    popcl_fetch_wipe(&c); /* [K4] */
    assert_int_equal(popcl_state(&c.session), POPCL_DONE);
}

/* [K3] */
static void octets_before_the_connection_is_up(void **state) {
    static rig r;
    size_t n;
    (void)state;
    rig_init(&r);
    assert_int_equal(popcl_fetch_start(&r.job, &r.cfg, 0), POPCL_OK);
    assert_int_equal(popcl_state(&r.job.session), 0);
    assert_null(popcl_recv_buf(&r.job.session, &n));
    assert_int_equal(n, 0);
    popcl_recv_ack(&r.job.session, 10); /* nothing was offered */
    assert_int_equal(popcl_state(&r.job.session), POPCL_DONE);
    assert_int_equal(popcl_result(&r.job.session), POPCL_ERR_PORT);
    rig_end(&r);
}

/* [K3 A18] */
static void acks_of_more_than_was_offered(void **state) {
    static rig r;
    size_t n;
    (void)state;
    rig_init(&r);
    rig_start(&r);
    popcl_recv_buf(&r.job.session, &n);
    popcl_recv_ack(&r.job.session, n + 1);
    assert_int_equal(popcl_result(&r.job.session), POPCL_ERR_PORT);
    rig_end(&r);
    rig_init(&r);
    rig_start(&r);
    while (popcl_send_buf(&r.job.session, &n), n == 0) {
        unsigned char *in = popcl_recv_buf(&r.job.session, &n);
        n = sim_server_give(&r.server, in, n);
        popcl_recv_ack(&r.job.session, n);
    }
    popcl_send_ack(&r.job.session, n + 1);
    assert_int_equal(popcl_result(&r.job.session), POPCL_ERR_PORT);
    rig_end(&r);
    rig_init(&r);
    rig_start(&r);
    popcl_send_ack(&r.job.session, 1); /* nothing to send was offered: ignored */
    popcl_recv_ack(&r.job.session, 0);
    popcl_send_ack(&r.job.session, 0);
    popcl_connected(&r.job.session, 7); /* a second time: ignored */
    assert_int_equal(rig_finish(&r), POPCL_OK);
    rig_end(&r);
}

/* [K5] what is over stays over, until it is started again */
static void a_failed_job_needs_a_start(void **state) {
    static rig r;
    (void)state;
    rig_init(&r);
    rig_start(&r);
    popcl_fail(&r.job.session, POPCL_ERR_NET, 5);
    popcl_connected(&r.job.session, 0);
    popcl_resume(&r.job.session);
    assert_int_equal(rig_move(&r), 0);
    assert_int_equal(popcl_state(&r.job.session), POPCL_DONE);
    assert_int_equal(popcl_result(&r.job.session), POPCL_ERR_NET);
    r.server.user = "fred";
    rig_start(&r);
    assert_int_equal(rig_finish(&r), POPCL_OK);
    rig_end(&r);
}

/* [K1] */
static void missing_settings(void **state) {
    static rig r;
    (void)state;
    assert_int_equal(popcl_fetch_start(&r.job, NULL, 0), POPCL_ERR_ARGUMENT);
    assert_int_equal(popcl_state(&r.job.session), POPCL_DONE);
    rig_init(&r);
    r.cfg.plan = NULL;
    assert_int_equal(popcl_fetch_start(&r.job, &r.cfg, 0), POPCL_ERR_ARGUMENT);
    rig_init(&r);
    r.cfg.secret.octets = NULL;
    assert_int_equal(popcl_fetch_start(&r.job, &r.cfg, 0), POPCL_ERR_ARGUMENT);
    rig_init(&r);
    r.cfg.auth = 0x80;
    assert_int_equal(popcl_fetch_start(&r.job, &r.cfg, 0), POPCL_ERR_ARGUMENT);
    for (int missing = 0; missing < 4; missing++) {
        popcl_sink half = sink;
        if (missing == 0) half.begin = NULL;
        if (missing == 1) half.data = NULL;
        if (missing == 2) half.commit = NULL;
        if (missing == 3) half.abort = NULL;
        rig_init(&r);
        r.cfg.sink = &half;
        assert_int_equal(popcl_fetch_start(&r.job, &r.cfg, 0), POPCL_ERR_ARGUMENT);
        assert_int_equal(popcl_state(&r.job.session), POPCL_DONE);
        popcl_fetch_wipe(&r.job);
    }
}

/* [K11] buffers are the ones that start saw; a deadline that changes does not count for a wait that
 * has begun */
static void a_configuration_that_changes_after_start(void **state) {
    static rig r;
    (void)state;
    for (int late = 0; late < 2; late++) {
        rig_init(&r);
        rig_start(&r);
        r.cfg.session.iobuf_len = 1u << 20;
        r.cfg.plan_len = 1u << 20;
        r.cfg.session.iobuf = r.cfg.plan = NULL;
        if (late) r.cfg.session.idle_ms = 1;
        popcl_tick(&r.job.session, 50);
        popcl_tick(&r.job.session, 100);
        assert_int_equal(rig_finish(&r), POPCL_OK);
        assert_int_equal(r.begun, 2);
        rig_end(&r);
    }
}

/* [J5] Steps of the clock. Jitter is no time, and a larger step back or one of days is none either:
 * after it the deadlines go on. */
static void time_that_steps(void **state) {
    static const struct {
        uint32_t from, to; /* the step */
        uint32_t passed;   /* how much of it counts */
    } steps[] = {
        {5000, 5000, 0},
        {5000, 4000, 0},                         /* jitter: waited out */
        {7200000, 7200000 - 3600000, 0},         /* an hour back */
        {7200000, 7200000 + 13u * 86400000u, 0}, /* 13 days on: more than can be told apart */
        {UINT32_MAX - 100, 200, 301},            /* it wraps */
        {5000, 5600, 600},
    };
    static rig r;
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        uint32_t from = steps[i].from, to = steps[i].to, jitter = from - to <= 1000 ? from - to : 0;
        rig_init(&r);
        r.cfg.session.idle_ms = 1000;
        sim_server_connect(&r.server);
        assert_int_equal(popcl_fetch_start(&r.job, &r.cfg, from), POPCL_OK);
        popcl_connected(&r.job.session, from);
        popcl_tick(&r.job.session, to);
        uint32_t left = 1000 - steps[i].passed;
        assert_int_equal(popcl_next_deadline(&r.job.session), left);
        popcl_tick(&r.job.session, to + jitter + left - 1);
        assert_int_equal(popcl_result(&r.job.session), POPCL_OK);
        popcl_tick(&r.job.session, to + jitter + left);
        assert_int_equal(popcl_result(&r.job.session), POPCL_ERR_TIMEOUT_GREETING);
        rig_end(&r);
    }
}

/* [K6] a sink that keeps the only thread longer than the limits allow */
static void a_callback_that_blocks_is_noticed_afterwards(void **state) {
    static rig r;
    (void)state;
    rig_init(&r);
    r.cfg.session.total_ms = 10000;
    rig_start(&r);
    while (r.begun == 0)
        assert_true(rig_move(&r)); /* and this took 20 s, as the next tick tells */
    popcl_tick(&r.job.session, 20000);
    assert_int_equal(popcl_state(&r.job.session), POPCL_DONE);
    assert_int_equal(popcl_result(&r.job.session), POPCL_ERR_TIMEOUT_TOTAL);
    assert_int_equal(r.begun, r.ended);
    rig_end(&r);
}

/* ---- an owner of its own: the same for popcl_command.h ---- */

typedef struct owner {
    popcl s;
    unsigned char iobuf[POPCL_IOBUF_MIN];
    int closed, call;
    popcl_err result;
} owner;

static unsigned s_done(void *ctx, uint32_t tag, const popcl_reply *reply) {
    owner *o = ctx;
    (void)tag;
    (void)reply;
    if (o->call == 1) popcl_recv_ack(&o->s, 1);
    if (o->call == 2) popcl_wipe(&o->s);
    if (o->call == 3) popcl_fail(&o->s, POPCL_ERR_STOPPED, 7); /* which is allowed */
    if (o->call == 4) popcl_recv_eof(&o->s);
    if (o->call == 5) popcl_tick(&o->s, 9);
    if (o->call == 3) assert_int_equal(o->closed, 0); /* it ends the session after the event */
    return 0;
}

static unsigned s_ready(void *ctx) {
    (void)ctx;
    return 0;
}

static unsigned s_closed(void *ctx, popcl_err *result, popcl_end end) {
    owner *o = ctx;
    assert_int_equal(end, POPCL_END_ASKS);
    o->closed++;
    o->result = *result;
    return 0;
}

static const popcl_events s_events = {.done = s_done, .ready = s_ready, .closed = s_closed};

static void s_start(owner *o, popcl_config *cfg) {
    size_t n;
    *cfg = (popcl_config){.iobuf = o->iobuf, .iobuf_len = sizeof o->iobuf};
    assert_int_equal(popcl_start(&o->s, cfg, &s_events, o, 0), POPCL_OK);
    popcl_connected(&o->s, 0);
    memcpy(popcl_recv_buf(&o->s, &n), "+OK\r\n", 5);
    popcl_recv_ack(&o->s, 5);
}

/* [K2] */
static void an_event_that_calls_back_ends_the_session(void **state) {
    static owner o;
    popcl_config cfg;
    (void)state;
    for (int call = 0; call < 6; call++) {
        memset(&o, 0xa5, sizeof o);
        o.closed = 0;
        o.call = call;
        s_start(&o, &cfg);
        assert_int_equal(o.closed, call ? 1 : 0);
        if (call) assert_int_equal(o.result, call == 3 ? POPCL_ERR_STOPPED : POPCL_ERR_REENTRANT);
        assert_int_equal(popcl_state(&o.s) == POPCL_DONE, call != 0);
        if (call == 3) assert_int_equal(popcl_net_code(&o.s), 7);
        o.call = 0;
        if (!call) popcl_fail(&o.s, POPCL_ERR_NET, 0);
        popcl_wipe(&o.s);
        popcl_wipe(&o.s); /* [K4] */
    }
}

/* [K1] a command without the argument that it needs */
static void a_command_without_its_argument(void **state) {
    static const popcl_command commands[] = {{.verb = POPCL_USER},
                                             {.verb = POPCL_PASS},
                                             {.verb = POPCL_AUTH},
                                             {.verb = POPCL_APOP, .text = "fred", .text_len = 4}};
    static owner o;
    popcl_config cfg;
    size_t n;
    (void)state;
    memset(&o, 0, sizeof o);
    s_start(&o, &cfg);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_int_equal(popcl_submit(&o.s, &commands[i], 0), POPCL_ERR_ARGUMENT_OCTET);
        assert_null(popcl_send_buf(&o.s, &n));
    }
    popcl_fail(&o.s, POPCL_ERR_NET, 0);
    popcl_wipe(&o.s);
}

/* ---- the owner's time, and its word ---- */

static unsigned asks_closed(void *ctx, popcl_err *result, popcl_end end) {
    owner *o = ctx;
    (void)result;
    if (end == POPCL_END_LAST) o->closed++;
    return POPCL_PAUSED_SYNC;
}

/* The silence before the end is no part of the time that `closed` may ask for. */
static void time_for_closed_begins_at_the_end(void **state) {
    static const popcl_events events = {.done = s_done, .ready = s_ready, .closed = asks_closed};
    static owner o;
    (void)state;
    memset(&o, 0, sizeof o);
    popcl_config cfg = {.iobuf = o.iobuf, .iobuf_len = sizeof o.iobuf};
    assert_int_equal(popcl_start(&o.s, &cfg, &events, &o, 0), POPCL_OK);
    popcl_connected(&o.s, 0);
    popcl_tick(&o.s, 10);
    popcl_fail(&o.s, POPCL_ERR_NET, 0);
    assert_int_equal(popcl_next_deadline(&o.s), POPCL_SETTLE_MS);
    popcl_tick(&o.s, 30000);
    assert_int_equal(o.closed, 0);
    assert_int_equal(popcl_next_deadline(&o.s), POPCL_SETTLE_MS);
    popcl_tick(&o.s, 30000 + POPCL_SETTLE_MS - 1);
    assert_int_equal(o.closed, 0);
    popcl_tick(&o.s, 30000 + POPCL_SETTLE_MS);
    assert_int_equal(o.closed, 1);
    assert_int_equal(popcl_state(&o.s), POPCL_DONE);
    popcl_wipe(&o.s);
}

/* Ticks before a driver connects are no time of the session's. */
static void the_session_begins_with_connect(void **state) {
    static const popcl_events events = {.done = s_done, .ready = s_ready};
    static owner o;
    uint16_t port;
    uint32_t limit_ms;
    (void)state;
    memset(&o, 0, sizeof o);
    popcl_config cfg = {.iobuf = o.iobuf, .iobuf_len = sizeof o.iobuf};
    assert_int_equal(popcl_start(&o.s, &cfg, &events, &o, 0), POPCL_OK);
    popcl_tick(&o.s, 20000);
    popcl_connect(&o.s, 20000, &port, &limit_ms);
    assert_int_equal(limit_ms, POPCL_CONNECT_MS);
    assert_int_equal(popcl_next_deadline(&o.s), limit_ms);
    popcl_tick(&o.s, 20000 + limit_ms);
    assert_int_equal(popcl_result(&o.s), POPCL_ERR_TIMEOUT_CONNECT);
    popcl_wipe(&o.s);
}

/* A caller that ends the session gives its reason; what the server began to say is none. */
static void the_reason_of_fail_stays(void **state) {
    static const popcl_command user = {.verb = POPCL_USER, .text = "fred", .text_len = 4};
    static const struct {
        popcl_err why, result;
    } rows[] = {{POPCL_ERR_PORT, POPCL_ERR_PORT},
                {POPCL_ERR_ARGUMENT, POPCL_ERR_ARGUMENT},
                {POPCL_ERR_NET, POPCL_ERR_STATUS}}; /* the server broke off what is no reply */
    static owner o;
    popcl_config cfg;
    size_t n;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(&o, 0, sizeof o);
        s_start(&o, &cfg);
        assert_int_equal(popcl_submit(&o.s, &user, 1), POPCL_OK);
        popcl_send_buf(&o.s, &n);
        popcl_send_ack(&o.s, n);
        memcpy(popcl_recv_buf(&o.s, &n), "* gar", 5);
        popcl_recv_ack(&o.s, 5);
        popcl_fail(&o.s, rows[i].why, 0);
        assert_int_equal(popcl_result(&o.s), rows[i].result);
        popcl_wipe(&o.s);
    }
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
        cmocka_unit_test(time_that_steps),
        cmocka_unit_test(a_callback_that_blocks_is_noticed_afterwards),
        cmocka_unit_test(an_event_that_calls_back_ends_the_session),
        cmocka_unit_test(a_command_without_its_argument),
        cmocka_unit_test(time_for_closed_begins_at_the_end),
        cmocka_unit_test(the_session_begins_with_connect),
        cmocka_unit_test(the_reason_of_fail_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
