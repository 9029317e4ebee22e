/* SPDX-License-Identifier: MIT */
/* test_limits - the least memory works and one octet less is refused; a large maildrop, many
 * sessions and two jobs at once need no more; and nothing of one user is left for the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

/* A job over a server, driven by its pumps, in memory whose every octet is known. */
typedef struct rig {
    sim_server server;
    popcl_fetch job;
    popcl_fetch_config cfg;
    popcl_flight window[TEST_WINDOW_MAX];
    unsigned char iobuf[POPCL_IOBUF_MIN + 8], plan[512];
    unsigned long octets, messages;
    uint32_t sum;       /* of what the sink got */
    char commands[600]; /* what the job said */
    size_t commands_n;
    uint32_t wanted[3];
} rig;

static int take_begin(void *ctx, const popcl_msg *m) {
    (void)ctx;
    (void)m;
    return 0;
}

static int take_data(void *ctx, const void *p, size_t n) {
    rig *r = ctx;
    const unsigned char *octets = p;
    for (size_t i = 0; i < n; i++)
        r->sum = r->sum * 31 + octets[i];
    r->octets += n;
    return (int)n;
}

static int take_commit(void *ctx) {
    rig *r = ctx;
    r->messages++;
    return 0;
}

static void take_abort(void *ctx, popcl_err why) {
    (void)ctx;
    (void)why;
}

static const popcl_sink sink = {
    .begin = take_begin, .data = take_data, .commit = take_commit, .abort = take_abort};

static void rig_init(rig *r) {
    memset(r, 0, sizeof *r);
    sim_server_init(&r->server);
    sim_server_add(&r->server, "a", "Subject: one\r\n\r\nbody\r\n");
    sim_server_add(&r->server, "b", ".\r\n..\r\n");
    test_window_set(&r->cfg.session, r->window);
    r->cfg.session.host = "pop.example";
    r->cfg.session.user = "fred";
    r->cfg.secret.octets = "correct-horse";
    r->cfg.auth = POPCL_AUTH_USER;
    r->cfg.no_capa = 1;
    r->cfg.session.iobuf = r->iobuf;
    r->cfg.session.iobuf_len = POPCL_IOBUF_MIN;
    r->cfg.plan = r->plan;
    r->cfg.plan_len = sizeof r->plan;
    r->cfg.sink = &sink;
    r->cfg.sink_ctx = r;
}

/* Moves what can be moved, at most `most` octets each way. Returns whether anything was. */
static int rig_move(rig *r, size_t most) {
    size_t n;
    const unsigned char *out = popcl_send_buf(&r->job.session, &n);
    int moved = n > 0;
    if (n) {
        n = n < most ? n : most;
        for (size_t i = 0; i < n && r->commands_n < sizeof r->commands - 1; i++)
            r->commands[r->commands_n++] = (char)out[i];
        sim_server_take(&r->server, out, n);
        popcl_send_ack(&r->job.session, n);
    }
    unsigned char *in = popcl_recv_buf(&r->job.session, &n);
    n = n ? sim_server_give(&r->server, in, n < most ? n : most) : 0;
    if (n) popcl_recv_ack(&r->job.session, n);
    return moved || n;
}

static void rig_start(rig *r) {
    sim_server_connect(&r->server);
    r->commands_n = 0;
    assert_int_equal(popcl_fetch_start(&r->job, &r->cfg, 0), POPCL_OK);
    popcl_connected(&r->job.session, 0);
}

static popcl_err rig_run(rig *r) {
    rig_start(r);
    while (rig_move(r, 4096))
        continue;
    assert_int_equal(popcl_state(&r->job.session), POPCL_DONE);
    return popcl_result(&r->job.session);
}

/* [I-3 I-10] the buffers may lie at any address */
static void least_buffers_at_any_alignment(void **state) {
    static rig r;
    (void)state;
    for (size_t shift = 0; shift < 8; shift++) {
        for (int apop = 0; apop < 2; apop++) {
            rig_init(&r);
            if (apop) r.server.greeting = "+OK <1@a>";
            r.cfg.auth = (uint8_t)(apop ? POPCL_AUTH_AUTO : POPCL_AUTH_USER);
            r.cfg.session.iobuf = r.iobuf + shift;
            r.cfg.plan = r.plan + shift;
            r.cfg.plan_len = apop ? POPCL_PLAN_MIN_APOP : POPCL_PLAN_MIN;
            popcl_err result = rig_run(&r);
            /* this server has no APOP */
            assert_int_equal(result, apop ? POPCL_ERR_APOP_REFUSED : POPCL_OK);
            popcl_fetch_wipe(&r.job);
            sim_server_free(&r.server);
        }
    }
}

/* [I-3] */
static void one_octet_less_is_refused(void **state) {
    static rig r;
    (void)state;
    rig_init(&r);
    r.cfg.session.iobuf_len = POPCL_IOBUF_MIN - 1;
    assert_int_equal(popcl_fetch_start(&r.job, &r.cfg, 0), POPCL_ERR_IOBUF_SMALL);
    rig_init(&r);
    r.cfg.plan_len = POPCL_PLAN_MIN - 1;
    assert_int_equal(popcl_fetch_start(&r.job, &r.cfg, 0), POPCL_ERR_PLAN_SMALL);
    rig_init(&r);
    r.cfg.auth = POPCL_AUTH_APOP;
    r.cfg.plan_len = POPCL_PLAN_MIN_APOP - 1;
    assert_int_equal(popcl_fetch_start(&r.job, &r.cfg, 0), POPCL_ERR_PLAN_SMALL);
}

static unsigned wanted_only(void *ctx, const popcl_msg *m, popcl_stage stage) {
    rig *r = ctx;
    char uid[32];
    snprintf(uid, sizeof uid, "uid-%lu", (unsigned long)m->number);
    if (stage == POPCL_STAGE_UID && strcmp(uid, m->uid) != 0) return POPCL_SKIP;
    for (int i = 0; i < 3; i++) {
        if (m->number == r->wanted[i]) return POPCL_FETCH;
    }
    return POPCL_SKIP;
}

/* [I-4] with the least plan: the library's memory is the job, 328 octets and 82, however long the
 * listing */
static void a_million_messages_of_which_three_are_new(void **state) {
    static rig r;
    (void)state;
    rig_init(&r);
    r.server.generated = 1000000;
    r.cfg.session.iobuf_len = sizeof r.iobuf;
    r.cfg.plan_len = POPCL_PLAN_MIN;
    r.cfg.decide = wanted_only;
    r.cfg.ctx = &r;
    r.wanted[0] = 1;
    r.wanted[1] = 500000;
    r.wanted[2] = 1000000;
    assert_int_equal(rig_run(&r), POPCL_OK);
    popcl_diag d;
    popcl_fetch_get_diag(&r.job, &d);
    assert_int_equal(d.listed, 1000000);
    assert_int_equal(d.stored, 3);
    assert_int_equal(r.messages, 3);
    popcl_fetch_wipe(&r.job);
    sim_server_free(&r.server);
}

/* [I-6] */
static void ten_thousand_sessions_on_one_struct(void **state) {
    static rig r;
    (void)state;
    rig_init(&r);
    for (unsigned long i = 1; i <= 10000; i++) {
        assert_int_equal(rig_run(&r), POPCL_OK);
        assert_int_equal(r.messages, 2 * i);
        popcl_fetch_wipe(&r.job);
    }
    sim_server_free(&r.server);
}

/* [I-9] octet by octet in turn, each with its own maildrop */
static void two_jobs_at_once_are_independent(void **state) {
    static rig a, b, alone_a, alone_b;
    (void)state;
    rig_init(&alone_a);
    rig_init(&alone_b);
    rig_init(&a);
    rig_init(&b);
    sim_server_add(&alone_b.server, "c", "other\r\n");
    sim_server_add(&b.server, "c", "other\r\n");
    assert_int_equal(rig_run(&alone_a), POPCL_OK);
    assert_int_equal(rig_run(&alone_b), POPCL_OK);
    rig_start(&a);
    rig_start(&b);
    for (int moved = 1; moved;) {
        moved = rig_move(&a, 1);
        moved |= rig_move(&b, 1);
    }
    assert_int_equal(popcl_state(&a.job.session), POPCL_DONE);
    assert_int_equal(popcl_state(&b.job.session), POPCL_DONE);
    assert_int_equal(popcl_result(&a.job.session), POPCL_OK);
    assert_int_equal(popcl_result(&b.job.session), POPCL_OK);
    assert_true(a.sum == alone_a.sum && a.messages == 2);
    assert_true(b.sum == alone_b.sum && b.messages == 3);
    rig *all[] = {&a, &b, &alone_a, &alone_b};
    for (int i = 0; i < 4; i++) {
        popcl_fetch_wipe(&all[i]->job);
        sim_server_free(&all[i]->server);
    }
}

/* [E18] */
static void another_user_on_a_used_job(void **state) {
    static rig r;
    (void)state;
    rig_init(&r);
    assert_int_equal(rig_run(&r), POPCL_OK);
    r.cfg.session.user = "carol";
    r.cfg.secret.octets = "x";
    r.server.user = "carol";
    r.server.password = "x";
    assert_int_equal(rig_run(&r), POPCL_OK); /* the job is done: start needs no wipe */
    r.commands[r.commands_n] = 0;
    assert_non_null(strstr(r.commands, "USER carol\r\nPASS x\r\n"));
    assert_null(strstr(r.commands, "fred"));
    popcl_diag d;
    popcl_fetch_get_diag(&r.job, &d);
    assert_int_equal(d.stored, 2);
    popcl_fetch_wipe(&r.job);
    sim_server_free(&r.server);
}

static int holds(const void *p, size_t n, const char *what) {
    const unsigned char *octets = p;
    size_t len = strlen(what);
    for (size_t i = 0; i + len <= n; i++) {
        if (memcmp(octets + i, what, len) == 0) return 1;
    }
    return 0;
}

static void assert_holds_no_secret(const rig *r, const char *secret) {
    assert_false(holds(&r->job, sizeof r->job, secret));
    assert_false(holds(r->iobuf, sizeof r->iobuf, secret));
    assert_false(holds(r->plan, sizeof r->plan, secret));
}

/* [E17 I9] password and digest are in no memory of the library once they were sent; after the end
 * and after wipe neither */
static void secrets_are_gone(void **state) {
    static rig r;
    (void)state;
    for (int apop = 0; apop < 2; apop++) {
        const char *secret = apop ? "c4c9334bac560ecc979e58001b3e22fb" : "correct-horse";
        rig_init(&r);
        if (apop) {
            r.server.greeting = "+OK <1896.697170952@dbc.mtview.ca.us>";
            r.cfg.session.user = "mrose";
            r.cfg.secret.octets = "tanstaaf";
            r.cfg.auth = POPCL_AUTH_APOP;
        }
        rig_start(&r);
        int was_there = 0;
        while (popcl_state(&r.job.session) != POPCL_DONE) {
            was_there |= holds(r.iobuf, sizeof r.iobuf, secret);
            assert_true(rig_move(&r, apop ? 1000 : 1));
            r.commands[r.commands_n] = 0;
            if (strstr(r.commands, secret)) assert_false(holds(r.iobuf, sizeof r.iobuf, secret));
        }
        assert_true(was_there); /* else this test looks for the wrong octets */
        assert_holds_no_secret(&r, secret);
        assert_holds_no_secret(&r, "tanstaaf");
        popcl_fetch_wipe(&r.job);
        assert_holds_no_secret(&r, secret);
        sim_server_free(&r.server);
    }
}

/* [E17] a session that is cut while the password waits to be sent */
static void secrets_are_gone_after_a_cut(void **state) {
    static rig r;
    (void)state;
    for (int how = 0; how < 3; how++) {
        rig_init(&r);
        rig_start(&r);
        while (!holds(r.iobuf, sizeof r.iobuf, "correct-horse"))
            assert_true(rig_move(&r, 5));
        if (how == 0) popcl_fail(&r.job.session, POPCL_ERR_NET, 1);
        if (how == 1) popcl_recv_eof(&r.job.session);
        if (how == 2) popcl_stop(&r.job.session);
        assert_int_equal(popcl_state(&r.job.session), POPCL_DONE);
        assert_holds_no_secret(&r, "correct-horse");
        popcl_fetch_wipe(&r.job);
        sim_server_free(&r.server);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_buffers_at_any_alignment),
        cmocka_unit_test(one_octet_less_is_refused),
        cmocka_unit_test(a_million_messages_of_which_three_are_new),
        cmocka_unit_test(ten_thousand_sessions_on_one_struct),
        cmocka_unit_test(two_jobs_at_once_are_independent),
        cmocka_unit_test(another_user_on_a_used_job),
        cmocka_unit_test(secrets_are_gone),
        cmocka_unit_test(secrets_are_gone_after_a_cut),
    };
    printf(
        "# the library's memory for a listing of any length: job %lu, record buffer %lu, plan %lu "
        "octets\n",
        (unsigned long)sizeof(popcl_fetch), (unsigned long)sizeof((rig *)0)->iobuf,
        (unsigned long)POPCL_PLAN_MIN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
