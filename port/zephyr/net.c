/* SPDX-License-Identifier: MIT */
/* net - popcl's transport over Zephyr's sockets (popcl_zephyr.h): the code of port/bsd, with the
 * parts that are Zephyr's own. Names go to the resolver of Zephyr directly: zsock_getaddrinfo has
 * no deadline of the caller. An answer comes in the resolver's thread:
 *
 *     look_up_family -> ask: question to the resolver -> wait for `ended`, or cancel
 *
 * After a cancel no answer comes any more, so that all of a question can be on the stack. */
#include "popcl_zephyr.h"

#include "names.h"

#include <string.h>

#include <zephyr/sys/byteorder.h>

#ifdef CONFIG_DNS_RESOLVER
#include <zephyr/net/dns_resolve.h>
#endif

#define POP_CALL(name) zsock_##name
typedef popcl_zephyr_net pop_net;
typedef volatile int pop_flag;

/* the names that port/bsd has for them */
#define pop_address_len zephyr_address_len
#define pop_bind(n, fd) ((void)(n), (void)(fd), 0) /* Zephyr chooses the address */
#define pop_clock_ms    zephyr_clock_ms
#define pop_find        zephyr_find
#define pop_poll        zephyr_poll
#define pop_refusal     zephyr_refusal
#define pop_socket      zephyr_socket
#define pop_tell_peer   zephyr_tell_peer

static uint32_t zephyr_clock_ms(void) { return k_uptime_get_32(); }

static int zephyr_poll(struct pollfd *p, int limit_ms) {
    if (p->fd >= 0) return zsock_poll(p, 1, limit_ms);
    (void)k_msleep(limit_ms);
    return 0;
}

#include "../bsd/wait.inc"

#define A_FAMILY 3u /* addresses that are tried of each family */

typedef union pop_address {
    struct ZEPHYR_TYPE(sockaddr) any;
    struct ZEPHYR_TYPE(sockaddr_in) v4;
    struct ZEPHYR_TYPE(sockaddr_in6) v6;
} pop_address;

typedef struct pop_resolved {
    unsigned count;
    pop_address address[2 * A_FAMILY];
} pop_resolved;

static socklen_t zephyr_address_len(const pop_address *a) {
    return a->any.sa_family == ZEPHYR_CONSTANT(AF_INET6) ? sizeof a->v6 : sizeof a->v4;
}

static int zephyr_socket(int family) {
    int on = 1;
    int fd = zsock_socket(family, ZEPHYR_CONSTANT(SOCK_STREAM), ZEPHYR_CONSTANT(IPPROTO_TCP));
    if (fd < 0) return -1;
    if (zsock_fcntl(fd, ZEPHYR_SET_FLAGS, ZEPHYR_NONBLOCKING) != 0) {
        int error = errno;
        (void)zsock_close(fd);
        errno = error;
        return -1;
    }
    /* commands are short, and each waits for its answer */
    (void)zsock_setsockopt(fd, ZEPHYR_CONSTANT(IPPROTO_TCP), TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* Some versions report a refusal as a reset. A reset after octets is no refusal: the octets count.
 */
static int zephyr_refusal(int fd, int error) {
    char octet;
    if (error != ECONNRESET) return error;
    return zsock_recv(fd, &octet, 1, ZSOCK_MSG_PEEK | ZSOCK_MSG_DONTWAIT) > 0 ? 0 : ECONNREFUSED;
}

static void zephyr_tell_peer(pop_net *n, const pop_address *a, socklen_t len) {
    (void)n, (void)a, (void)len;
}

/* ---- names ---- */

/* Room for a name without its last dot, which is no part of a question or a certificate. */
typedef struct host_name {
    char octets[254];
} host_name;

/* Returns 0 if no name server can know the host: a name has 253 octets at most, in labels of 1 to
 * 63 octets (RFC 1035, 2.3.4). */
static int copy_name(host_name *name, const char *host) {
    size_t len = strlen(host), label = 0;
    if (len && host[len - 1] == '.') len--;
    if (len == 0 || len >= sizeof name->octets) return 0;
    for (size_t i = 0; i < len; i++) {
        if (host[i] == '.' ? label == 0 : label == 63) return 0;
        label = host[i] == '.' ? 0 : label + 1;
    }
    memcpy(name->octets, host, len);
    name->octets[len] = '\0';
    return 1;
}

static void zephyr_set_port(pop_address *a, uint16_t port) {
    uint16_t number = (uint16_t)sys_cpu_to_be16(port);
    if (a->any.sa_family == ZEPHYR_CONSTANT(AF_INET6))
        a->v6.sin6_port = number;
    else
        a->v4.sin_port = number;
}

/* Reads an address, which needs no name server. */
static int read_address(const char *host, uint16_t port, pop_resolved *found) {
    pop_address *a = &found->address[0];
    memset(a, 0, sizeof *a);
    if (zsock_inet_pton(ZEPHYR_CONSTANT(AF_INET), host, &a->v4.sin_addr) == 1)
        a->any.sa_family = ZEPHYR_CONSTANT(AF_INET);
    else if (zsock_inet_pton(ZEPHYR_CONSTANT(AF_INET6), host, &a->v6.sin6_addr) == 1)
        a->any.sa_family = ZEPHYR_CONSTANT(AF_INET6);
    else
        return 0;
    zephyr_set_port(a, port);
    found->count = 1;
    return 1;
}

#ifdef CONFIG_DNS_RESOLVER

#define ROUND_MS 2000u /* the resolver sends a question once: after this time it is asked again */

typedef struct question {
    const char *name;
    enum dns_query_type type;
    uint16_t port;
    pop_resolved *found;
    unsigned first; /* index of this question's first address in `found` */
    struct k_sem ended;
    enum dns_resolve_status status; /* of the end */
} question;

/* Called in the resolver's thread: for each address, then once more. */
static void zephyr_answered(enum dns_resolve_status status, struct dns_addrinfo *info, void *ctx) {
    question *q = ctx;
    pop_resolved *found = q->found;
    if (status != DNS_EAI_INPROGRESS) {
        q->status = status;
        k_sem_give(&q->ended);
    } else if (info && found->count < q->first + A_FAMILY) {
        pop_address *a = &found->address[found->count];
        memset(a, 0, sizeof *a);
        memcpy(a, &info->ai_addr,
               sizeof info->ai_addr < sizeof *a ? sizeof info->ai_addr : sizeof *a);
        a->any.sa_family = info->ai_family;
        zephyr_set_port(a, q->port);
        found->count++;
    }
}

/* Asks once. Returns 0 after an answer; DNS_EAI_CANCELED without one, or if the caller wants an
 * end; a negative errno if nothing was asked. */
static int zephyr_ask(const pop_net *n, question *q, uint32_t limit_ms) {
    pop_deadline round = pop_deadline_in(limit_ms);
    uint16_t id = 0;
    (void)k_sem_init(&q->ended, 0, 1);
    int e = dns_get_addr_info(q->name, q->type, &id, zephyr_answered, q, (int32_t)limit_ms);
    if (e) return e;
    for (;;) {
        uint32_t left = pop_deadline_left(&round);
        uint32_t nap = left < POP_POLL_SLICE_MS ? left : POP_POLL_SLICE_MS;
        if (k_sem_take(&q->ended, K_MSEC(nap)) == 0) return 0;
        if (left && !(n->stop && *n->stop)) continue;
        (void)dns_cancel_addr_info(id);
        return q->found->count > q->first ? 0 : (int)DNS_EAI_CANCELED;
    }
}

static int is_short_of(int error) { return error == -EAGAIN || pop_is_shortage(-error); }

/* Asks until there is an answer. */
static popcl_err look_up_family(pop_net *n, question *q, uint32_t limit_ms) {
    pop_deadline deadline = pop_deadline_in(limit_ms);
    q->first = q->found->count;
    for (uint32_t round_ms = ROUND_MS;; round_ms *= 2) {
        uint32_t left = pop_deadline_left(&deadline);
        q->status = DNS_EAI_CANCELED;
        int e = zephyr_ask(n, q, left < round_ms ? left + (left == 0) : round_ms);
        if (n->stop && *n->stop) return POPCL_ERR_STOPPED;
        if (q->found->count > q->first) return POPCL_OK;
        left = pop_deadline_left(&deadline);
        if (e == 0 && q->status != DNS_EAI_CANCELED && q->status != DNS_EAI_AGAIN)
            return POPCL_ERR_RESOLVE;
        if (e == -EINVAL) return POPCL_ERR_RESOLVE; /* no question can have this name */
        if (e && e != (int)DNS_EAI_CANCELED && (left == 0 || !is_short_of(e))) {
            n->error = -e; /* all places for questions are taken, or there is no name server */
            return is_short_of(e) ? POPCL_ERR_NET : POPCL_ERR_RESOLVE_TIMEOUT;
        }
        if (left == 0) break;
        if (e && e != (int)DNS_EAI_CANCELED) (void)k_msleep(POPCL_RUN_RESUME_MS);
    }
    n->error = ETIMEDOUT;
    return POPCL_ERR_RESOLVE_TIMEOUT;
}

/* One family after the other: few images have room for two questions at a time. */
static popcl_err zephyr_look_up(pop_net *n, const char *host, uint16_t port, uint32_t limit_ms,
                                pop_resolved *found) {
    static const enum dns_query_type types[] = {
#ifdef CONFIG_NET_IPV4
        DNS_QUERY_TYPE_A,
#endif
#ifdef CONFIG_NET_IPV6
        DNS_QUERY_TYPE_AAAA,
#endif
    };
    const unsigned count = sizeof types / sizeof types[0];
    pop_deadline deadline = pop_deadline_in(limit_ms);
    popcl_err result = POPCL_ERR_RESOLVE;
    host_name name;
    if (!copy_name(&name, host)) return POPCL_ERR_RESOLVE;
    for (unsigned i = 0; i < count; i++) {
        question q = {.name = name.octets, .type = types[i], .port = port, .found = found};
        popcl_err e =
            look_up_family(n, &q, pop_deadline_left(&deadline) / (found->count ? 2 : count - i));
        if (e == POPCL_ERR_STOPPED) return e;
        if (e != POPCL_OK && e != POPCL_ERR_RESOLVE) result = e;
    }
    return found->count ? POPCL_OK : result;
}

#else

static popcl_err zephyr_look_up(pop_net *n, const char *host, uint16_t port, uint32_t limit_ms,
                                pop_resolved *found) {
    (void)n, (void)host, (void)port, (void)limit_ms, (void)found;
    return POPCL_ERR_RESOLVE;
}

#endif

static popcl_err zephyr_find(pop_net *n, const char *host, uint16_t port, uint32_t limit_ms,
                             pop_resolved *found) {
    found->count = 0;
    n->is_tls = n->ended = n->starved = 0;
    n->held = n->ahead = 0;
    return read_address(host, port, found) ? POPCL_OK
                                           : zephyr_look_up(n, host, port, limit_ms, found);
}

/* ---- as a port ---- */

#include "../bsd/in_turn.inc"

#define POP_CONNECT connect_in_turn
#include "../bsd/connection.inc"

/* A lack of network buffers passes. Then the socket still counts as one that can send: so wait
 * lets some time pass. */
static int32_t send_or_starve(void *ctx, const void *p, size_t len) {
    pop_net *n = ctx;
    int before = n->error;
    int32_t sent = bsd_send(ctx, p, len);
    n->starved = sent == POPCL_NET_FAILED && (n->error == ENOBUFS || n->error == ENOMEM);
    if (!n->starved) return sent;
    n->error = before;
    return POPCL_NET_AGAIN;
}

static int32_t wait_if_starved(void *ctx, unsigned want, uint32_t limit_ms) {
    pop_net *n = ctx;
    if (!n->starved || !(want & POPCL_SEND)) return bsd_wait(ctx, want, limit_ms);
    uint32_t nap = limit_ms < POPCL_RUN_RESUME_MS ? limit_ms : POPCL_RUN_RESUME_MS;
    int32_t came = bsd_wait(ctx, want & ~(unsigned)POPCL_SEND, nap);
    n->starved = 0;
    return came ? came : bsd_wait(ctx, want, limit_ms - nap);
}

const popcl_net popcl_zephyr = {
    .open = bsd_open,
    .recv = bsd_recv,
    .send = send_or_starve,
    .wait = wait_if_starved,
    .close = bsd_close,
    .now_ms = bsd_now_ms,
    .code = bsd_code,
};

/* ---- TLS of the sockets ---- */

#define pop_send_once send_or_starve
#include "../bsd/repeat.inc"

static int secure_socket(const pop_net *n, int family, const char *name) {
    const int required = 2; /* TLS_PEER_VERIFY_REQUIRED */
    int fd = zsock_socket(family, ZEPHYR_CONSTANT(SOCK_STREAM), ZEPHYR_CONSTANT(IPPROTO_TLS_1_2));
    if (fd < 0) return -1;
    if (zsock_setsockopt(fd, SOL_TLS, TLS_SEC_TAG_LIST, n->tags,
                         (socklen_t)(n->tags_len * sizeof *n->tags)) == 0 &&
        zsock_setsockopt(fd, SOL_TLS, TLS_HOSTNAME, name, (socklen_t)(strlen(name) + 1)) == 0 &&
        zsock_setsockopt(fd, SOL_TLS, TLS_PEER_VERIFY, &required, sizeof required) == 0)
        return fd;
    int error = errno;
    (void)zsock_close(fd);
    errno = error;
    return -1;
}

/* Connects and shakes hands, in one call that waits. A broken handshake is ECONNABORTED. */
static popcl_err connect_securely(pop_net *n, const pop_address *address, const char *name) {
    int fd = secure_socket(n, address->any.sa_family, name);
    if (fd < 0) {
        n->error = errno;
        return POPCL_ERR_NET;
    }
    int error = zsock_connect(fd, &address->any, zephyr_address_len(address)) != 0 ? errno : 0;
    if (!error && zsock_fcntl(fd, ZEPHYR_SET_FLAGS, ZEPHYR_NONBLOCKING) != 0) error = errno;
    if (!error) {
        n->is_tls = 1;
        return connect_succeeded(n, fd, address);
    }
    (void)zsock_close(fd);
    if (error != ECONNABORTED) return connect_failed(n, error);
    n->error = error;
    return POPCL_ERR_TLS_PROTOCOL;
}

static popcl_err open_securely(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    pop_net *n = ctx;
    pop_deadline deadline = pop_deadline_in(limit_ms);
    pop_resolved found;
    host_name name;
    n->fd = -1;
    n->error = 0;
    if (n->stop && *n->stop) return POPCL_ERR_STOPPED;
    popcl_err r = zephyr_find(n, host, port, limit_ms, &found);
    if (r != POPCL_OK) return r;
    if (!copy_name(&name, host) || n->tags_len == 0) {
        n->error = EINVAL; /* without a certificate or a name nothing could be checked */
        return POPCL_ERR_NET;
    }
    for (unsigned i = 0; i < found.count; i++) {
        if (n->stop && *n->stop) return POPCL_ERR_STOPPED;
        if (pop_deadline_left(&deadline) == 0) return all_failed(n, POPCL_ERR_TIMEOUT_CONNECT);
        r = connect_securely(n, &found.address[i], name.octets);
        if (r != POPCL_OK && n->stop && *n->stop) return POPCL_ERR_STOPPED;
        if (r != POPCL_ERR_CONNECT && r != POPCL_ERR_TIMEOUT_CONNECT) return r;
    }
    return all_failed(n, r);
}

static int32_t recv_securely(void *ctx, void *p, size_t len) {
    pop_net *n = ctx;
    int32_t got = n->ended ? POPCL_NET_EOF : bsd_recv(ctx, p, len);
    if (got == POPCL_NET_EOF) n->ended = 1;
    return got;
}

static int32_t wait_securely(void *ctx, unsigned want, uint32_t limit_ms) {
    const pop_net *n = ctx;
    unsigned has = want & ((n->ahead ? POPCL_SEND : 0u) | (n->ended ? POPCL_RECV : 0u));
    if (!has) return wait_if_starved(ctx, want, limit_ms);
    int32_t came = bsd_wait(ctx, want, 0);
    return came < 0 || came == POPCL_NET_STOP ? came : (int32_t)((unsigned)came | has);
}

static int is_secured(void *ctx) {
#ifdef CONFIG_POPCL_TLS_BELOW_DATES
    const pop_net *n = ctx;
    return n->is_tls && n->fd >= 0;
#else
    (void)ctx;
    return 0;
#endif
}

const popcl_net popcl_zephyr_tls = {
    .open = open_securely,
    .recv = recv_securely,
    .send = send_repeated,
    .wait = wait_securely,
    .close = bsd_close,
    .now_ms = bsd_now_ms,
    .code = bsd_code,
    .secured = is_secured,
};
