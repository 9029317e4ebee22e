/* SPDX-License-Identifier: MIT */
/* raw - popcl over lwIP's raw API (popcl_lwip_raw.h): one TCP connection, the names of its host,
 * and a ring for octets that came. It knows nothing of the octets' meaning. lwIP's callbacks come
 * first in this file. They fill the ring and note events, and call nothing of popcl's. All other
 * code runs from the main loop:
 *
 *     IDLE -> OPENING: ask for an address -> connect to it -> (failed, or its time is over:
 *                      the next family)
 *          -> OPEN: octets move -> IDLE
 *
 * pcb is NULL as soon as lwIP has it: after its err callback, and after close or abort. No pbuf is
 * kept. The window is as wide as the ring, and opens as octets leave the ring for popcl's record
 * buffer, a whole segment at a time. */
#include "popcl_lwip_raw.h"

#include "names.h"

#include <lwip/def.h>
#include <lwip/dns.h>
#include <lwip/ip.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>

#include <string.h>

enum phase { IDLE, OPENING, OPEN };

#define GOING_ON  256   /* the result of opening() while there is no popcl_err yet */
#define SILENT_MS 1000u /* close does not wait for a peer that sent nothing for so long */

/* Of several failures the most exact one is reported: the last in the order of popcl_errors.h. */
typedef char errors_ascend[POPCL_ERR_RESOLVE < POPCL_ERR_RESOLVE_TIMEOUT &&
                                   POPCL_ERR_RESOLVE_TIMEOUT < POPCL_ERR_CONNECT
                               ? 1
                               : -1];
typedef char errors_ascend_on[POPCL_ERR_CONNECT < POPCL_ERR_TIMEOUT_CONNECT &&
                                      POPCL_ERR_TIMEOUT_CONNECT < POPCL_ERR_NET
                                  ? 1
                                  : -1];

/* An address that could not even be tried (no route) gives less information than one that answered.
 * So its number must not hide the number of the other. */
static void note(popcl_lwip_raw *n, popcl_err why, err_t code) {
    if (why < n->why || (why == n->why && code == ERR_RTE)) return;
    n->why = (uint8_t)why;
    n->code = code;
}

/* ---- lwIP's callbacks ---- */

/* Returns a place in the ring; `at` is below twice the ring's size. Some cores have no division. */
static size_t place(size_t at) { return at < TCP_WND ? at : at - TCP_WND; }

static void put(popcl_lwip_raw *n, const struct pbuf *p) {
    u16_t first = p->tot_len;
    size_t at = place((size_t)n->head + n->used);
    if (first > sizeof n->ring - at) first = (u16_t)(sizeof n->ring - at);
    pbuf_copy_partial(p, n->ring + at, first, 0);
    pbuf_copy_partial(p, n->ring, (u16_t)(p->tot_len - first), first);
    n->used = (tcpwnd_size_t)(n->used + p->tot_len);
}

/* More than the window never comes. If it did, lwIP would keep it and offer it again. */
static err_t came(void *ctx, struct tcp_pcb *pcb, struct pbuf *p, err_t err) {
    popcl_lwip_raw *n = ctx;
    (void)err;
    if (p && p->tot_len > sizeof n->ring - n->used) return ERR_MEM;
    n->heard_ms = sys_now();
    if (!p) {
        n->fin = 1;
        return ERR_OK;
    }
    if (p->tot_len > n->segment) n->segment = (uint16_t)LWIP_MIN(p->tot_len, tcp_mss(pcb));
    put(n, p);
    pbuf_free(p);
    return ERR_OK;
}

static err_t is_up(void *ctx, struct tcp_pcb *pcb, err_t err) {
    popcl_lwip_raw *n = ctx;
    (void)pcb, (void)err;
    n->connected = 1;
    n->heard_ms = sys_now();
    return ERR_OK;
}

/* lwIP has freed the pcb already. While connecting, a reset is a refusal; any other error means
 * that nobody answered. */
static void broke(void *ctx, err_t err) {
    popcl_lwip_raw *n = ctx;
    n->pcb = NULL;
    note(n,
         n->connected     ? POPCL_ERR_NET
         : err == ERR_RST ? POPCL_ERR_CONNECT
                          : POPCL_ERR_TIMEOUT_CONNECT,
         err);
}

#if LWIP_DNS
static void answered(const char *name, const ip_addr_t *address, void *ctx) {
    (void)name;
    take_answer(ctx, address);
}
#endif

/* ---- the connection, from the main loop ---- */

/* Opens the window by the octets that were taken out. lwIP counts in 16 bits, even if its windows
 * are wider (LWIP_WND_SCALE). */
static void open_window(struct tcp_pcb *pcb, size_t n) {
    for (; n > 0xFFFF; n -= 0xFFFF)
        tcp_recved(pcb, 0xFFFF);
    if (n) tcp_recved(pcb, (u16_t)n);
}

/* Opens the window by whole segments, and by all that is free as soon as the ring is empty. lwIP
 * announces a window only if it grew by a segment. A part of a segment would wait for the next one.
 * The sender, which sends no such part, would have a segment less in flight. */
static void open_by_segments(popcl_lwip_raw *n) {
    size_t len = 0;
    while (n->freed - len >= n->segment)
        len += n->segment;
    if (!n->used) len = n->freed;
    n->freed = (tcpwnd_size_t)(n->freed - len);
    if (n->pcb) open_window(n->pcb, len);
}

/* Gives the pcb back, in any state of the connection. lwIP ends a connection that is alive, and
 * takes such a pcb away as soon as it needs one. Unread octets are no reason for a reset. A
 * connection with a silent peer is reset, since it would keep its segments for minutes. */
static void release(popcl_lwip_raw *n) {
    struct tcp_pcb *pcb = n->pcb;
    n->pcb = NULL;
    if (!pcb) return;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_setprio(pcb, TCP_PRIO_MIN);
    open_window(pcb, (size_t)n->used + n->freed);
    if (sys_now() - n->heard_ms > SILENT_MS || tcp_close(pcb) != ERR_OK) tcp_abort(pcb);
}

/* Returns how many octets lwIP took; 0 = none now, -1 = the connection is gone. */
static int32_t push(popcl_lwip_raw *n, const void *p, size_t len) {
    err_t e = ERR_MEM;
    if (!n->pcb) return -1;
    if (len > tcp_sndbuf(n->pcb)) len = tcp_sndbuf(n->pcb);
    if (len > 0xFFFF) len = 0xFFFF;
    n->starved = len != 0;
    /* A pool without room for all octets may have room for a part. */
    while (len && (e = tcp_write(n->pcb, p, (u16_t)len, TCP_WRITE_FLAG_COPY)) == ERR_MEM)
        len /= 2;
    if (e == ERR_MEM) return 0;
    n->starved = 0;
    if (e != ERR_OK) {
        release(n);
        n->code = e;
        return -1;
    }
    tcp_output(n->pcb); /* lwIP's timers send the rest later */
    return (int32_t)len;
}

static int32_t pull(popcl_lwip_raw *n, void *p, size_t len) {
    if (len > n->used) len = n->used;
    if (len > sizeof n->ring - n->head) len = sizeof n->ring - n->head;
    memcpy(p, n->ring + n->head, len);
    n->head = (tcpwnd_size_t)place(n->head + len);
    n->used = (tcpwnd_size_t)(n->used - len);
    n->freed = (tcpwnd_size_t)(n->freed + len);
    open_by_segments(n);
    return (int32_t)len;
}

/* ---- names ---- */

/* If a name ends in a dot, the ring, which is still empty, holds the name without it. */
static void ask(popcl_lwip_raw *n, popcl_lwip_query *q) {
#if LWIP_DNS
    const char *name = n->host;
    size_t len = name_len(name);
    err_t e;
    if (q->out) return; /* an earlier job's question: lwIP ends it in some seconds */
    if (name[len]) {
        if (len >= sizeof n->ring) len = 0; /* longer than any name */
        memcpy(n->ring, name, len);
        n->ring[len] = 0;
        name = (const char *)n->ring;
    }
    e = ask_for(q, name, answered);
    n->starved = e == ERR_MEM;
    if (q->state == TRIED) note(n, POPCL_ERR_RESOLVE, e);
#else
    (void)n;
    q->state = NOT_FOUND;
#endif
}

/* ---- connecting ---- */

static void begin(popcl_lwip_raw *n, const char *host, uint16_t port, uint32_t limit_ms,
                  uint32_t now_ms) {
    release(n);
    n->host = host;
    n->port = port;
    n->limit_ms = limit_ms;
    n->began_ms = now_ms;
    n->phase = OPENING;
    n->why = n->connected = n->fin = n->starved = n->send_broken = 0;
    n->code = ERR_OK;
    n->head = n->used = n->freed = 0;
    n->segment = 1;
    read_host(n->host, n->query);
}

static void finish(popcl_lwip_raw *n) {
    release(n);
    n->phase = IDLE;
    /* a later answer changes nothing */
    for (unsigned i = 0; i < POPCL_LWIP_FAMILIES; i++)
        n->query[i].state = TRIED;
}

/* Begins to connect to the address in q. Leaves q FOUND if lwIP had no memory for it; then it is
 * tried again. */
static void reach(popcl_lwip_raw *n, popcl_lwip_query *q) {
    err_t e = ERR_MEM;
    if (n->pcb) note(n, POPCL_ERR_TIMEOUT_CONNECT, ERR_TIMEOUT); /* its share of the time is over */
    release(n);
    n->pcb = tcp_new_ip_type(IP_GET_TYPE(&q->address));
    if (n->pcb) {
        tcp_arg(n->pcb, n);
        tcp_recv(n->pcb, came);
        tcp_err(n->pcb, broke);
        tcp_nagle_disable(n->pcb); /* commands are short, and each waits for its answer */
        e = tcp_connect(n->pcb, &q->address, n->port, is_up);
    }
    n->starved = e == ERR_MEM;
    if (e != ERR_MEM) q->state = TRIED;
    if (e == ERR_OK) return;
    release(n);
    if (e != ERR_MEM) note(n, POPCL_ERR_CONNECT, e);
}

/* One turn of connecting. Returns POPCL_OK once it is up, GOING_ON, or the error. The first family
 * has half of the time, unless it fails earlier. It goes on after that while there is no other
 * address. */
static int opening(popcl_lwip_raw *n, uint32_t now_ms) {
    uint32_t passed = now_ms - n->began_ms;
    int waits = 0;
    if (n->connected) {
        n->why = 0;
        if (n->pcb) n->code = ERR_OK;
        n->phase = OPEN;
        return POPCL_OK;
    }
    if (passed >= n->limit_ms) {
        if (n->starved)
            note(n, POPCL_ERR_NET, ERR_MEM);
        else
            note(n, n->pcb ? POPCL_ERR_TIMEOUT_CONNECT : POPCL_ERR_RESOLVE_TIMEOUT, ERR_TIMEOUT);
        return n->why;
    }
    for (unsigned i = 0; i < POPCL_LWIP_FAMILIES; i++) {
        popcl_lwip_query *q = &n->query[i];
        int share_over = i + 1 < POPCL_LWIP_FAMILIES && passed >= n->limit_ms / 2;
        if (n->pcb && (i == 0 || passed < n->limit_ms / 2)) continue;
        if (q->state == TO_ASK) ask(n, q);
        if (q->state == FOUND) reach(n, q);
        if (q->state == NOT_FOUND) note(n, POPCL_ERR_RESOLVE, ERR_OK);
        if (q->state == NO_ANSWER) note(n, POPCL_ERR_RESOLVE_TIMEOUT, ERR_TIMEOUT);
        if (q->state >= NOT_FOUND) q->state = TRIED;
        if (q->state != TRIED) waits = 1;
        if (q->state != TRIED && !share_over) break;
    }
    return n->pcb || waits ? GOING_ON : n->why;
}

/* Returns which parts of `want` can move now. */
static unsigned ready(const popcl_lwip_raw *n, unsigned want) {
    unsigned can = n->used || n->fin || !n->pcb ? POPCL_RECV : 0u;
    if (!n->pcb || (tcp_sndbuf(n->pcb) && !n->starved)) can |= POPCL_SEND;
    return can & want;
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Returns limit_ms, or less if lwIP's timers or its lack of memory need it. */
static uint32_t nap(const popcl_lwip_raw *n, uint32_t limit_ms) {
    if (n->starved) limit_ms = least(limit_ms, POPCL_RUN_RESUME_MS);
    return least(limit_ms, sys_timeouts_sleeptime());
}

/* ---- as a port ---- */

static popcl_err net_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    popcl_lwip_raw *n = ctx;
    int e = GOING_ON;
    if (!n->step) return POPCL_ERR_PORT;
    n->session = NULL;
    begin(n, host, port, limit_ms, sys_now());
    while (e == GOING_ON) {
        uint32_t now = sys_now();
        e = opening(n, now);
        if (e == GOING_ON &&
            n->step(n->step_ctx, nap(n, limit_ms - least(limit_ms, now - n->began_ms))))
            e = POPCL_ERR_STOPPED;
    }
    if (e) finish(n);
    return (popcl_err)e;
}

static int32_t net_recv(void *ctx, void *p, size_t len) {
    popcl_lwip_raw *n = ctx;
    if (n->used) return pull(n, p, len);
    if (n->fin) return POPCL_NET_EOF;
    return n->pcb ? POPCL_NET_AGAIN : POPCL_NET_FAILED;
}

static int32_t net_send(void *ctx, const void *p, size_t len) {
    int32_t sent = push(ctx, p, len);
    return sent > 0 ? sent : sent == 0 ? POPCL_NET_AGAIN : POPCL_NET_FAILED;
}

/* The stack gets a turn each time, even if octets can move at once. */
static int32_t net_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    popcl_lwip_raw *n = ctx;
    uint32_t began = sys_now(), passed = 0;
    unsigned can = ready(n, want);
    for (;;) {
        int stop = n->step(n->step_ctx, can ? 0 : nap(n, limit_ms - passed));
        if (stop && want & POPCL_NET_STOP) return POPCL_NET_STOP;
        n->starved = 0;
        can = ready(n, want);
        passed = sys_now() - began;
        if (can || passed >= limit_ms) return (int32_t)can;
    }
}

static void net_close(void *ctx) { finish(ctx); }

static uint32_t net_now_ms(void *ctx) {
    (void)ctx;
    return sys_now();
}

static int net_code(void *ctx) {
    const popcl_lwip_raw *n = ctx;
    return n->code;
}

const popcl_net popcl_lwip_raw_net = {
    .open = net_open,
    .recv = net_recv,
    .send = net_send,
    .wait = net_wait,
    .close = net_close,
    .now_ms = net_now_ms,
    .code = net_code,
};

/* ---- driven by the main loop, by the rules of src/core/run.c ---- */

static void send_some(popcl_lwip_raw *n) {
    size_t len;
    const unsigned char *p = popcl_send_buf(n->session, &len);
    int32_t sent = len ? push(n, p, len) : 0;
    if (sent < 0) {
        n->send_broken = 1;
        popcl_send_failed(n->session);
    } else if (sent > 0) {
        popcl_send_ack(n->session, (size_t)sent);
    }
}

static void receive_some(popcl_lwip_raw *n) {
    size_t len;
    unsigned char *p = popcl_recv_buf(n->session, &len);
    if (len == 0) {
        if (n->send_broken && !(popcl_state(n->session) & POPCL_PAUSED))
            popcl_fail(n->session, POPCL_ERR_NET, n->code);
    } else if (n->used) {
        popcl_recv_ack(n->session, (size_t)pull(n, p, len));
    } else if (n->fin) {
        popcl_recv_eof(n->session);
    } else if (!n->pcb) {
        popcl_fail(n->session, POPCL_ERR_NET, n->code);
    }
}

popcl_err popcl_lwip_raw_start(popcl_lwip_raw *n, popcl *c) {
    uint16_t port;
    uint32_t limit_ms;
    if (popcl_wants_secured(c)) popcl_fail(c, POPCL_ERR_NOT_SECURED, 0); /* there is no TLS here */
    int done = (popcl_state(c) & POPCL_DONE) != 0;
    uint32_t now = sys_now();
    const char *host = popcl_connect(c, now, &port, &limit_ms);
    finish(n);
    n->session = NULL;
    if (!done && !host) popcl_fail(c, POPCL_ERR_HOST, 0);
    if (done || !host) return popcl_result(c);
    n->session = c;
    begin(n, host, port, limit_ms, now);
    return POPCL_OK;
}

int popcl_lwip_raw_poll(popcl_lwip_raw *n) {
    popcl *c = n->session;
    uint32_t now = sys_now();
    if (!c) return 0;
    if (popcl_state(c) & POPCL_PAUSED) popcl_resume(c);
    if (n->phase == OPENING) {
        int e = opening(n, now);
        if (e == POPCL_OK)
            popcl_connected(c, now);
        else if (e != GOING_ON)
            popcl_fail(c, (popcl_err)e, n->code);
    }
    if (n->phase == OPEN) {
        send_some(n);
        receive_some(n);
    }
    popcl_tick(c, now);
    if (!(popcl_state(c) & POPCL_DONE)) return 1;
    finish(n);
    n->session = NULL;
    return 0;
}

uint32_t popcl_lwip_raw_sleep_ms(const popcl_lwip_raw *n) {
    uint32_t limit = UINT32_MAX;
    if (n->session) {
        unsigned state = popcl_state(n->session);
        if (state & POPCL_DONE || (n->phase == OPEN ? ready(n, state) : n->connected)) return 0;
        limit = popcl_next_deadline(n->session);
        if (state & POPCL_PAUSED) limit = least(limit, POPCL_RUN_RESUME_MS);
    }
    return nap(n, limit);
}

int popcl_lwip_raw_busy(const popcl_lwip_raw *n) {
    unsigned out = 0;
    for (unsigned i = 0; i < POPCL_LWIP_FAMILIES; i++)
        out |= n->query[i].out;
    return n->session != NULL || n->pcb != NULL || out;
}
