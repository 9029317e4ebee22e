/* SPDX-License-Identifier: MIT */
/* run - drives a session through a port until it is done: the only loop that waits. A round first
 * sends, so that the server has work. Then it receives, gives the session the time, and waits only
 * if nothing moved. */
#include "popcl_net.h"

/* rounds after which also a transport that is always ready is asked whether the caller wants to
 * stop */
#define ROUNDS_PER_LOOK 16

typedef struct runner {
    popcl *session;
    const popcl_net *net;
    void *ctx;
    int moved;       /* something was sent or received in this round */
    int send_broken; /* the transport takes nothing any more; octets that it received before still
                        count */
    unsigned want_stop;
} runner;

static void fail(const runner *r, popcl_err why) {
    popcl_fail(r->session, why, r->net->code ? r->net->code(r->ctx) : 0);
}

/* Returns a result of popcl_net.open. Any other value is a fault of the port: POPCL_ERR_PORT. */
static popcl_err from_open(popcl_err e) {
    static const uint8_t results[] = {POPCL_ERR_RESOLVE, POPCL_ERR_RESOLVE_TIMEOUT,
                                      POPCL_ERR_CONNECT, POPCL_ERR_TIMEOUT_CONNECT,
                                      POPCL_ERR_NET,     POPCL_ERR_STOPPED};
    popcl_class class_ = popcl_err_class(e);
    for (size_t i = 0; i < sizeof results; i++) {
        if (e == (popcl_err)results[i]) return e;
    }
    return class_ == POPCL_CLASS_TLS || class_ == POPCL_CLASS_CERT ? e : POPCL_ERR_PORT;
}

static void send_some(runner *r) {
    size_t n;
    const unsigned char *p = popcl_send_buf(r->session, &n);
    if (n == 0) return;
    int32_t sent = r->net->send(r->ctx, p, n);
    if (sent == POPCL_NET_FAILED) {
        r->send_broken = 1;
        popcl_send_failed(r->session);
    } else if (sent > 0 && (size_t)sent <= n) {
        popcl_send_ack(r->session, (size_t)sent);
        r->moved = 1;
    } else if (sent != POPCL_NET_AGAIN &&
               sent != 0) { /* 0 = it took none; a deadline limits this */
        fail(r, POPCL_ERR_PORT);
    }
}

static void receive_some(runner *r) {
    size_t n;
    unsigned char *p = popcl_recv_buf(r->session, &n);
    /* nothing can be sent or received any more */
    if (n == 0 && r->send_broken && !(popcl_state(r->session) & POPCL_PAUSED))
        fail(r, POPCL_ERR_NET);
    if (n == 0) return;
    int32_t got = r->net->recv(r->ctx, p, n);
    if (got > 0 && (size_t)got <= n) {
        popcl_recv_ack(r->session, (size_t)got);
        r->moved = 1;
    } else if (got == POPCL_NET_EOF) {
        popcl_recv_eof(r->session);
        r->moved = 1;
    } else if (got == POPCL_NET_FAILED || (got == POPCL_NET_AGAIN && r->send_broken)) {
        fail(r, POPCL_ERR_NET);
    } else if (got != POPCL_NET_AGAIN) {
        fail(r, POPCL_ERR_PORT);
    }
}

static void wait_some(runner *r, uint32_t limit_ms) {
    unsigned state = popcl_state(r->session);
    unsigned want = (state & (POPCL_SEND | POPCL_RECV)) | r->want_stop;
    if (state & POPCL_PAUSED && limit_ms > POPCL_RUN_RESUME_MS) limit_ms = POPCL_RUN_RESUME_MS;
    int32_t can = r->net->wait(r->ctx, want, limit_ms);
    if (can == POPCL_NET_FAILED) {
        fail(r, POPCL_ERR_NET);
    } else if (can == POPCL_NET_STOP && r->want_stop) {
        r->want_stop = 0;
        popcl_stop(r->session);
    } else if (can < 0) {
        fail(r, POPCL_ERR_PORT);
    }
}

static void run(runner *r) {
    for (unsigned round = 1; !(popcl_state(r->session) & POPCL_DONE); round++) {
        r->moved = 0;
        send_some(r);
        receive_some(r);
        popcl_tick(r->session, r->net->now_ms(r->ctx));
        if (popcl_state(r->session) & POPCL_DONE) return;
        if (!r->moved)
            wait_some(r, popcl_next_deadline(r->session));
        else if (round % ROUNDS_PER_LOOK == 0)
            wait_some(r, 0);
        if (popcl_state(r->session) & POPCL_PAUSED) popcl_resume(r->session);
    }
}

/* The transport is up. If the session needs TLS of the transport, the transport has to vouch for it
 * before anything is sent or received. */
static void connected(const runner *r) {
    const popcl_net *net = r->net;
    uint32_t now_ms = net->now_ms(r->ctx);
    if (!popcl_wants_secured(r->session))
        popcl_connected(r->session, now_ms);
    else if (net->secured && net->secured(r->ctx) == 1)
        popcl_connected_secured(r->session, now_ms, net->end_point ? net->end_point(r->ctx) : NULL);
    else
        fail(r, POPCL_ERR_NOT_SECURED);
}

popcl_err popcl_run(popcl *c, const popcl_net *net, void *ctx) {
    runner r = {.session = c, .net = net, .ctx = ctx, .want_stop = POPCL_NET_STOP};
    uint16_t port;
    uint32_t limit_ms;
    if (popcl_wants_secured(c) && !net->secured) popcl_fail(c, POPCL_ERR_NOT_SECURED, 0);
    if (popcl_state(c) & POPCL_DONE) return popcl_result(c);
    const char *host = popcl_connect(c, net->now_ms(ctx), &port, &limit_ms);
    popcl_err e = host ? net->open(ctx, host, port, limit_ms) : POPCL_OK;
    if (!host) {
        fail(&r, POPCL_ERR_HOST);
    } else if (e) {
        fail(&r, from_open(e));
    } else {
        connected(&r);
        run(&r);
        net->close(ctx);
    }
    return popcl_result(c);
}
