/* connection.h - popcl's transport over BSD sockets: one TCP connection over a non-blocking socket
 * (popcl_net.h is the contract). It knows nothing of what crosses the connection, and not which
 * system it is on. A socket is either up in pop_net.fd or closed: a failed open leaves none.
 * Functions, not declarations, as in wait.h: port/posix/net.c and port/lwip/sockets.c are compiled
 * from it. They say before it (beside what wait.h wants):
 *
 *     pop_net               the context: fd (of the open connection), error (errno of the last
 *                           failure), stop (NULL, or a flag)
 *     pop_resolved          addresses: count, address[] of pop_address, a union of which any is a
 *                           sockaddr
 *     pop_address_len(a)    of one of them
 *     POP_CALL(name)        the system's function of that name
 *     pop_socket(family)    a non-blocking TCP socket; -1 and errno
 *     pop_refusal(fd, error)   what an error of connect means here, as POSIX numbers it
 *     pop_find(n, host, port, limit_ms, found)   resolves; POPCL_OK with one address or more, or
 *                                                the error of open
 *     pop_tell_peer(n, address, len)             notes, for people, whom open reached (NULL:
 *                                                nobody) */
#ifndef POPCL_BSD_CONNECTION_H
#define POPCL_BSD_CONNECTION_H

#include "popcl_net.h"

#include "wait.h"

#define POP_MOVE_MAX 0x40000000u /* octets in one recv or send (popcl_net.h) */

/* ---- connecting ---- */

static void keep_error(pop_net *n, int error) {
    if (n->error == 0 || !pop_says_little(error)) n->error = error;
}

/* Waits for a connect that was begun. 0: it is up; else *stopped, or an error number. */
static int await_connect(const pop_net *n, int fd, uint32_t limit_ms, int *stopped) {
    short came = 0;
    int error = 0;
    socklen_t len = sizeof error;
    switch (pop_wait_fd(fd, POLLOUT, &came, limit_ms, n->stop)) {
    case POP_WAITED_STOP: return *stopped = 1;
    case POP_WAITED_NOTHING: return ETIMEDOUT;
    case POP_WAITED_FAILED: return errno;
    case POP_WAITED_READY: break;
    }
    return pop_refusal(
        fd, POP_CALL(getsockopt)(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno);
}

/* Tries one address. The socket is in n->fd after POPCL_OK, and closed after anything else. */
static popcl_err connect_one(pop_net *n, const pop_address *address, uint32_t limit_ms) {
    int fd = pop_socket(address->any.sa_family), stopped = 0;
    if (fd < 0) {
        int lack = errno;
        keep_error(n, lack);
        return pop_is_shortage(lack) ? POPCL_ERR_NET : POPCL_ERR_CONNECT;
    }
    int error = POP_CALL(connect)(fd, &address->any, pop_address_len(address)) == 0 ? 0 : errno;
    /* A connect that a signal interrupted goes on like one that was begun (POSIX, connect): calling
     * it again would be an error. */
    if (error == EINPROGRESS || error == EINTR) error = await_connect(n, fd, limit_ms, &stopped);
    if (error == 0) {
        n->fd = fd;
        n->error = 0;
        return POPCL_OK;
    }
    POP_CALL(close)(fd);
    if (stopped) return POPCL_ERR_STOPPED;
    keep_error(n, error);
    /* It was accepted, and broke before it was looked at; or this machine is short of something. */
    if (error == ECONNRESET || pop_is_shortage(error)) return POPCL_ERR_NET;
    return error == ETIMEDOUT ? POPCL_ERR_TIMEOUT_CONNECT : POPCL_ERR_CONNECT;
}

/* Tries the addresses in turn, each for its share of what time is left: a dead one must not use up
 * that of the living. */
static popcl_err connect_any(pop_net *n, const pop_resolved *found, const pop_deadline *deadline) {
    popcl_err result = POPCL_ERR_CONNECT;
    for (unsigned i = 0; i < found->count; i++) {
        popcl_err r =
            connect_one(n, &found->address[i], pop_deadline_left(deadline) / (found->count - i));
        if (r == POPCL_OK)
            pop_tell_peer(n, &found->address[i], pop_address_len(&found->address[i]));
        if (r == POPCL_OK || r == POPCL_ERR_STOPPED || pop_is_shortage(n->error)) return r;
        if (r != POPCL_ERR_CONNECT) result = r;
    }
    if (result == POPCL_ERR_TIMEOUT_CONNECT)
        n->error = ETIMEDOUT; /* not every address refused: more time might help */
    return result;
}

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
