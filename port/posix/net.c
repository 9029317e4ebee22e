/* SPDX-License-Identifier: MIT */
/* net - popcl's transport on POSIX (popcl_net.h is the contract): the code of port/bsd, with the
 * parts that are POSIX's own. */
#define _POSIX_C_SOURCE  200809L
#define _DARWIN_C_SOURCE   /* for SO_NOSIGPIPE */
#define __BSD_VISIBLE    1 /* for the same, on FreeBSD */

#include "posix_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* systems without it have SO_NOSIGPIPE */
#endif

#define POP_CALL(name) name
typedef popcl_posix_net pop_net;

#if !defined(SOCK_CLOEXEC) || !defined(SOCK_NONBLOCK)
static int set_flags(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
                   fcntl(fd, F_SETFD, FD_CLOEXEC) < 0
               ? -1
               : 0;
}
#endif

/* Returns a non-blocking socket that no program started later inherits; -1 and errno. */
static int pop_socket(int family) {
    const int on = 1;
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
#else
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    if (set_flags(fd) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
#endif
    /* Commands are short and each waits for its answer, so each would pay for Nagle's delay. If
     * this fails, it costs only speed. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#ifdef SO_NOSIGPIPE
    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return fd;
}

static socklen_t pop_address_len(const pop_address *a) {
    return a->any.sa_family == AF_INET6 ? (socklen_t)sizeof a->v6 : (socklen_t)sizeof a->v4;
}

static int pop_bind(popcl_posix_net *n, int fd) {
    pop_resolved local;
    if (!n->local_address) return 0;
    pop_look_up(n->local_address, 0, AF_UNSPEC, AI_NUMERICHOST, &local);
    if (local.code == 0 && bind(fd, &local.address[0].any, pop_address_len(&local.address[0])) == 0)
        return 0;
    return local.code == 0 && pop_is_shortage(errno) ? errno : POPCL_POSIX_BIND;
}

static int pop_refusal(int fd, int error) {
    (void)fd;
    return error;
}

static int pop_poll_all(struct pollfd *p, unsigned n, int limit_ms) {
    return poll(p, (nfds_t)n, limit_ms);
}

static popcl_err pop_find(popcl_posix_net *n, const char *host, uint16_t port, uint32_t limit_ms,
                          pop_resolved *found) {
    int family = n->family;
    if (n->local_address && family == AF_UNSPEC)
        family = strchr(n->local_address, ':') ? AF_INET6 : AF_INET;
    popcl_err r = pop_resolve(host, port, family, limit_ms, n->stop, found);
    n->error = found->error;
    return r;
}

static void pop_tell_peer(popcl_posix_net *n, const pop_address *a, socklen_t len) {
    if (!a || getnameinfo(&a->any, len, n->peer, sizeof n->peer, NULL, 0, NI_NUMERICHOST) != 0)
        n->peer[0] = '\0';
}

#include "../bsd/race.inc"

#define POP_CONNECT connect_race
#include "../bsd/connection.inc"

/* ---- reading ahead ----
 *
 * It begins when somebody asks for so few octets that it must be the head of something: a record of
 * TLS. Before that nothing is read ahead, so no octet that came in clear text before the handshake
 * of STLS is kept here. The next request shows how large that something is. Small records are read
 * by many at a time, and copied. Of a large one only the next head is read ahead, and the rest goes
 * to its place directly. */

enum {
    HEAD_MAX = 64, /* octets; a head of TLS has 5 */
    LARGE = 4096   /* from here on a copy costs more than a system call */
};

static popcl_err open_by_socks(popcl_posix_net *n, const char *host, uint16_t port,
                               uint32_t limit_ms) {
    pop_deadline deadline = pop_deadline_in(limit_ms);
    popcl_err e = bsd_open(n, n->socks_host, n->socks_port, limit_ms);
    if ((e == POPCL_ERR_CONNECT && n->error != POPCL_POSIX_BIND) || e == POPCL_ERR_RESOLVE) {
        n->error = POPCL_POSIX_SOCKS_DOWN;
        return POPCL_ERR_CONNECT;
    }
    if (e == POPCL_OK) e = pop_socks_connect(n, host, port, &deadline);
    if (e != POPCL_OK) bsd_close(n);
    return e;
}

static popcl_err posix_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    popcl_posix_net *n = ctx;
    n->ahead_from = n->ahead_to = 0;
    n->by_heads = n->large = 0;
    return n->socks_host ? open_by_socks(n, host, port, limit_ms)
                         : bsd_open(n, host, port, limit_ms);
}

static int32_t take_ahead(popcl_posix_net *n, void *p, size_t len) {
    size_t have = n->ahead_to - n->ahead_from;
    if (len > have) len = have;
    memcpy(p, (unsigned char *)n->ahead + n->ahead_from, len);
    n->ahead_from += len;
    return (int32_t)len; /* up to POP_MOVE_MAX */
}

static int32_t read_ahead(popcl_posix_net *n, void *p, size_t len, size_t room) {
    struct iovec parts[2] = {{p, len}, {n->ahead, room}};
    ssize_t got;
    do
        got = readv(n->fd, parts, 2);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return got == 0 ? POPCL_NET_EOF : moved_nothing(n);
    if ((size_t)got <= len) return (int32_t)got;
    n->ahead_from = 0;
    n->ahead_to = (size_t)got - len;
    return (int32_t)len;
}

static int32_t posix_recv(void *ctx, void *p, size_t len) {
    popcl_posix_net *n = ctx;
    if (len > POP_MOVE_MAX) len = POP_MOVE_MAX;
    if (len <= HEAD_MAX)
        n->by_heads = 1;
    else
        n->large = len > LARGE;
    if (n->ahead_from < n->ahead_to) return take_ahead(n, p, len);
    size_t room = n->large && n->ahead_len > HEAD_MAX ? HEAD_MAX : n->ahead_len;
    return n->by_heads && n->ahead && room ? read_ahead(n, p, len, room) : bsd_recv(n, p, len);
}

/* Octets that were read ahead can be received at once. */
static int32_t posix_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    popcl_posix_net *n = ctx;
    if (!(want & POPCL_RECV) || n->ahead_from == n->ahead_to) return bsd_wait(n, want, limit_ms);
    int32_t can = bsd_wait(n, want, 0);
    return can < 0 || can == POPCL_NET_STOP ? can : (int32_t)((unsigned)can | POPCL_RECV);
}

const popcl_net popcl_posix = {
    .open = posix_open,
    .recv = posix_recv,
    .send = bsd_send,
    .wait = posix_wait,
    .close = bsd_close,
    .now_ms = bsd_now_ms,
    .code = bsd_code,
};
