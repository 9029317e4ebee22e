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

static int pop_refusal(int fd, int error) {
    (void)fd;
    return error;
}

static int pop_poll_all(struct pollfd *p, unsigned n, int limit_ms) {
    return poll(p, (nfds_t)n, limit_ms);
}

static popcl_err pop_find(popcl_posix_net *n, const char *host, uint16_t port, uint32_t limit_ms,
                          pop_resolved *found) {
    popcl_err r = pop_resolve(host, port, n->family, limit_ms, n->stop, found);
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

const popcl_net popcl_posix = {
    .open = bsd_open,
    .recv = bsd_recv,
    .send = bsd_send,
    .wait = bsd_wait,
    .close = bsd_close,
    .now_ms = bsd_now_ms,
    .code = bsd_code,
};
