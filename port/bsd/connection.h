/* connection.h - popcl's transport over BSD sockets: one TCP connection over a non-blocking socket
 * (popcl_net.h is the contract). It knows nothing of what crosses the connection, and not which
 * system it is on. A socket is either up in pop_net.fd or closed: a failed open leaves none.
 * Functions, not declarations, as in wait.h: port/posix/net.c and port/lwip/sockets.c are compiled
 * from it. They say before it (beside what connect.h wants):
 *
 *     connect_any(n, found, deadline)   connects to one of the addresses: in_turn.h or race.h
 *     pop_find(n, host, port, limit_ms, found)   resolves; POPCL_OK with one address or more, or
 *                                                the error of open */
#ifndef POPCL_BSD_CONNECTION_H
#define POPCL_BSD_CONNECTION_H

#include "popcl_net.h"

#include "connect.h"

#define POP_MOVE_MAX 0x40000000u /* octets in one recv or send (popcl_net.h) */

/* ---- opening ---- */

static popcl_err net_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    pop_net *n = ctx;
    pop_deadline deadline = pop_deadline_in(limit_ms);
    pop_resolved found;
    n->fd = -1;
    n->error = 0;
    pop_tell_peer(n, NULL, 0);
    if (n->stop && *n->stop) return POPCL_ERR_STOPPED;
    popcl_err r = pop_find(n, host, port, limit_ms, &found);
    return r == POPCL_OK ? connect_any(n, &found, &deadline) : r;
}

/* ---- moving octets ---- */

/* What a recv or send that failed stands for; POPCL_NET_FAILED keeps its errno. */
static int32_t moved_nothing(pop_net *n) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return POPCL_NET_AGAIN;
    n->error = errno;
    return POPCL_NET_FAILED;
}

static int32_t net_recv(void *ctx, void *p, size_t n) {
    pop_net *net = ctx;
    ssize_t got;
    do
        got = POP_CALL(recv)(net->fd, p, n < POP_MOVE_MAX ? n : POP_MOVE_MAX, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0) return (int32_t)got;
    return got == 0 ? POPCL_NET_EOF : moved_nothing(net);
}

static int32_t net_send(void *ctx, const void *p, size_t n) {
    pop_net *net = ctx;
    ssize_t sent;
    do
        sent = POP_CALL(send)(net->fd, p, n < POP_MOVE_MAX ? n : POP_MOVE_MAX, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent > 0) return (int32_t)sent;
    return sent == 0 ? POPCL_NET_AGAIN : moved_nothing(net);
}

static int32_t net_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    pop_net *n = ctx;
    unsigned events = ((want & POPCL_RECV) ? POLLIN : 0u) | ((want & POPCL_SEND) ? POLLOUT : 0u);
    short came = 0;
    const pop_flag *stop = (want & (unsigned)POPCL_NET_STOP) ? n->stop : NULL;
    pop_waited w = pop_wait_fd(events ? n->fd : -1, (short)events, &came, limit_ms, stop);
    if (w == POP_WAITED_NOTHING) return 0;
    if (w == POP_WAITED_STOP) return POPCL_NET_STOP;
    if (w == POP_WAITED_FAILED || came & POLLNVAL) {
        n->error = w == POP_WAITED_FAILED ? errno : EBADF;
        return POPCL_NET_FAILED;
    }
    /* An error or a hang-up shows in the call that was wanted: recv first gives what came before
     * it. */
    unsigned ready = ((came & POLLIN) ? POPCL_RECV : 0u) | ((came & POLLOUT) ? POPCL_SEND : 0u);
    if (came & (POLLERR | POLLHUP)) ready = want & (POPCL_RECV | POPCL_SEND);
    return (int32_t)(ready & want);
}

static void net_close(void *ctx) {
    pop_net *n = ctx;
    if (n->fd >= 0) POP_CALL(close)(n->fd);
    n->fd = -1;
}

static uint32_t net_now_ms(void *ctx) {
    (void)ctx;
    return pop_clock_ms();
}

static int net_code(void *ctx) {
    const pop_net *n = ctx;
    return n->error;
}

#endif
