/* SPDX-License-Identifier: MIT */
/* sockets - popcl's transport over lwIP's sockets (popcl_lwip_sockets.h): the code of port/bsd,
 * with the parts that are lwIP's own. Names are asked for in lwIP's thread; only there is query
 * touched. A semaphore reports an answer:
 *
 *     look_up -> turn, in lwIP's thread: ask the open questions -> wait for heard
 *         -> turn again: FOUND, or until the deadline */
#include "popcl_lwip_sockets.h"

#include "names.h"

#include <lwip/errno.h>
#include <lwip/inet.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/priv/tcpip_priv.h>
#include <lwip/sockets.h>

#include <string.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

#define POP_CALL(name) lwip_##name
typedef popcl_lwip_sockets_net pop_net;
typedef volatile int pop_flag;

static uint32_t pop_clock_ms(void) { return sys_now(); }

/* In lwIP EAGAIN is a lack of a semaphore, so the call is not repeated at once. */
static int pop_poll(struct pollfd *p, int limit_ms) {
    errno = EBADF; /* lwIP has no error number for a socket that is gone */
    int n = lwip_poll(p, 1, limit_ms);
    if (n < 0 && errno == EAGAIN) errno = ENOMEM;
    return n;
}

#include "../bsd/wait.inc"

typedef union pop_address {
    struct sockaddr any;
#if LWIP_IPV4
    struct sockaddr_in v4;
#endif
#if LWIP_IPV6
    struct sockaddr_in6 v6;
#endif
} pop_address;

/* The port is at the same place in both families. */
#if LWIP_IPV4
#define PORT_OF(address) ((address).v4.sin_port)
#else
#define PORT_OF(address) ((address).v6.sin6_port)
#endif

typedef struct pop_resolved {
    unsigned count;
    pop_address address[POPCL_LWIP_FAMILIES];
} pop_resolved;

static socklen_t pop_address_len(const pop_address *a) { return a->any.sa_len; }

static int pop_socket(int family) {
    int on = 1, fd = lwip_socket(family, SOCK_STREAM, 0);
    if (fd < 0) return fd;
    (void)lwip_ioctl(fd, FIONBIO, &on);
    /* commands are short, and each waits for its answer */
    (void)lwip_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

#define pop_bind(n, fd) ((void)(n), (void)(fd), 0) /* lwIP chooses the address */

/* lwIP reports a refusal as a reset, and the end of its attempts as an abort. A reset after octets
 * is no refusal: the octets count. */
static int pop_refusal(int fd, int error) {
    char octet;
    if (error == ECONNRESET)
        return lwip_recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0 ? 0 : ECONNREFUSED;
    return error == ECONNABORTED ? ETIMEDOUT : error;
}

static void pop_tell_peer(pop_net *n, const pop_address *a, socklen_t len) {
    (void)n, (void)a, (void)len;
}

/* ---- names ---- */

typedef struct turn {
    struct tcpip_api_call_data call; /* the first field: lwIP gives back a pointer to it */
    pop_net *net;
    const char *host, *name; /* host as given; name without a dot at its end */
    uint16_t port;
    int begins;
    /* the results of a turn */
    unsigned waits, starved;
    popcl_err why;
    int error;
    pop_resolved *found;
} turn;

#if LWIP_DNS
static void sockets_answered(const char *name, const ip_addr_t *address, void *ctx) {
    popcl_lwip_query *q = ctx;
    pop_net *n = (pop_net *)(void *)((char *)(q - q->number) - offsetof(pop_net, query));
    (void)name;
    take_answer(q, address);
    sys_sem_signal(&n->heard);
}
#endif

static void sockets_add(pop_resolved *found, const ip_addr_t *address, uint16_t port) {
    pop_address *a = &found->address[found->count++];
    memset(a, 0, sizeof *a);
#if LWIP_IPV6
    if (IP_IS_V6(address)) {
        a->v6.sin6_len = sizeof a->v6;
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = lwip_htons(port);
        a->v6.sin6_scope_id = ip6_addr_zone(ip_2_ip6(address));
        inet6_addr_from_ip6addr(&a->v6.sin6_addr, ip_2_ip6(address));
        return;
    }
#endif
#if LWIP_IPV4
    a->v4.sin_len = sizeof a->v4;
    a->v4.sin_family = AF_INET;
    a->v4.sin_port = lwip_htons(port);
    inet_addr_from_ip4addr(&a->v4.sin_addr, ip_2_ip4(address));
#endif
}

static void sockets_ask(turn *t, popcl_lwip_query *q) {
#if LWIP_DNS
    err_t e;
    if (q->out) return; /* an earlier job's question: lwIP ends it in some seconds */
    e = ask_for(q, t->name, sockets_answered);
    if (e == ERR_MEM) t->starved = 1;
    if (q->state == TRIED) t->error = err_to_errno(e);
#else
    (void)t;
    q->state = NOT_FOUND;
#endif
}

/* Runs in lwIP's thread. */
static err_t take_turn(struct tcpip_api_call_data *call) {
    turn *t = (turn *)(void *)call;
    popcl_lwip_query *query = t->net->query;
    int asked = 0;
    if (t->begins) read_host(t->host, query);
    t->begins = 0;
    t->waits = t->starved = t->found->count = 0;
    t->why = POPCL_ERR_RESOLVE;
    for (unsigned i = 0; i < POPCL_LWIP_FAMILIES; i++) {
        popcl_lwip_query *q = &query[i];
        if (q->state == TO_ASK) sockets_ask(t, q);
        if (q->state == FOUND) sockets_add(t->found, &q->address, t->port);
        if (q->state == NO_ANSWER) t->why = POPCL_ERR_RESOLVE_TIMEOUT;
        if (q->state == TO_ASK || q->state == ASKED) t->waits = 1;
        asked |= q->state == ASKED;
    }
    if (asked) t->starved = 0; /* an answer is on its way, and frees a place in lwIP's table */
    return ERR_OK;
}

/* Waits for every answer. Once there is an address, it waits for half of the time at most. */
static popcl_err sockets_look_up(turn *t, uint32_t limit_ms) {
    pop_deadline deadline = pop_deadline_in(limit_ms);
    for (;;) {
        /* it fails if lwIP has no memory for the message */
        int failed = tcpip_api_call(take_turn, &t->call) != ERR_OK;
        uint32_t left = pop_deadline_left(&deadline);
        uint32_t nap = failed || t->starved ? POPCL_RUN_RESUME_MS : POP_POLL_SLICE_MS;
        if (!failed && !t->waits) return t->found->count ? POPCL_OK : t->why;
        if (t->net->stop && *t->net->stop) return POPCL_ERR_STOPPED;
        if (t->found->count && left <= limit_ms / 2) return POPCL_OK;
        if (left == 0) {
            t->error = failed || t->starved ? ENOMEM : ETIMEDOUT;
            return failed || t->starved ? POPCL_ERR_NET : POPCL_ERR_RESOLVE_TIMEOUT;
        }
        (void)sys_arch_sem_wait(&t->net->heard, left < nap ? left : nap);
    }
}

static popcl_err pop_find(pop_net *n, const char *host, uint16_t port, uint32_t limit_ms,
                          pop_resolved *found) {
    turn t = {.net = n, .host = host, .name = host, .port = port, .begins = 1, .found = found};
    size_t len = name_len(host);
    char name[256];
    if (len && host[len] && len < sizeof name) {
        memcpy(name, host, len);
        name[len] = '\0';
        t.name = name;
    }
    n->ended = 0;
    found->count = 0;
    if (!n->has_heard && sys_sem_new(&n->heard, 0) != ERR_OK) {
        n->error = ENOMEM;
        return POPCL_ERR_NET;
    }
    n->has_heard = 1;
    popcl_err e = sockets_look_up(&t, limit_ms);
    if (e == POPCL_ERR_RESOLVE_TIMEOUT) t.error = ETIMEDOUT;
    n->error = e == POPCL_OK ? 0 : t.error;
    return e;
}

static err_t count_out(struct tcpip_api_call_data *call) {
    turn *t = (turn *)(void *)call;
    for (unsigned i = 0; i < POPCL_LWIP_FAMILIES; i++)
        t->waits |= t->net->query[i].out;
    return ERR_OK;
}

int popcl_lwip_sockets_free(popcl_lwip_sockets_net *n) {
    turn t = {.net = n};
    if (!n->has_heard) return 0;
    if (tcpip_api_call(count_out, &t.call) != ERR_OK || t.waits) return 1;
    sys_sem_free(&n->heard);
    n->has_heard = 0;
    return 0;
}

/* ---- as a port ---- */

#include "../bsd/in_turn.inc"

#define POP_CONNECT connect_in_turn
#include "../bsd/connection.inc"

/* lwIP reports the end once, and would then wait for ever. It may have reported a reset when the
 * socket was asked or an octet was read. After that it only reports that there is no connection. */
static int32_t recv_until_end(void *ctx, void *p, size_t len) {
    pop_net *n = ctx;
    int32_t got = n->ended ? POPCL_NET_EOF : bsd_recv(ctx, p, len);
    if (got == POPCL_NET_EOF) n->ended = 1;
    if (got == POPCL_NET_FAILED && n->error == ENOTCONN) n->error = ECONNRESET;
    return got;
}

static int32_t wait_until_end(void *ctx, unsigned want, uint32_t limit_ms) {
    const pop_net *n = ctx;
    int over = n->ended && want & POPCL_RECV;
    int32_t came = bsd_wait(ctx, over ? want & ~(unsigned)POPCL_RECV : want, over ? 0 : limit_ms);
    return over && came >= 0 && came != POPCL_NET_STOP ? (int32_t)((unsigned)came | POPCL_RECV)
                                                       : came;
}

/* Runs in lwIP's thread. */
static err_t give_way(struct tcpip_api_call_data *call) {
    const turn *t = (const turn *)(void *)call;
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (pcb->local_port == t->port) tcp_setprio(pcb, TCP_PRIO_MIN);
    return ERR_OK;
}

/* lwIP ends a connection whose peer is silent, which takes minutes: that must not block the next
 * connection. Sockets have no option for it. The connection is found by its local port, which no
 * other one has. */
static void close_and_give_way(void *ctx) {
    pop_net *n = ctx;
    turn t = {.net = n};
    pop_address own;
    socklen_t len = sizeof own;
    if (n->fd >= 0 && lwip_getsockname(n->fd, &own.any, &len) == 0) {
        t.port = lwip_ntohs(PORT_OF(own));
        (void)tcpip_api_call(give_way, &t.call);
    }
    bsd_close(ctx);
}

const popcl_net popcl_lwip_sockets = {
    .open = bsd_open,
    .recv = recv_until_end,
    .send = bsd_send,
    .wait = wait_until_end,
    .close = close_and_give_way,
    .now_ms = bsd_now_ms,
    .code = bsd_code,
};
