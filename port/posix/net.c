/* net - popcl's transport on POSIX: one TCP connection over a non-blocking socket, and the monotonic clock (popcl_net.h is the contract).
 * It knows nothing of what crosses the connection. A socket is either up in popcl_posix_net.fd or closed: a failed open leaves none. */
#define _POSIX_C_SOURCE  200809L
#define _DARWIN_C_SOURCE   /* SO_NOSIGPIPE */
#define __BSD_VISIBLE    1 /* the same, on FreeBSD */

#include "posix_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* there SO_NOSIGPIPE does it */
#endif

/* A signal between the look at the stop flag and poll would go unseen: no single poll lasts longer than this. */
#define POLL_SLICE_MS 250u

#define MOVE_MAX 0x40000000u /* octets in one recv or send (popcl_net.h) */

/* ---- time ---- */

uint32_t pop_clock_ms(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) return 0; /* POSIX names no reason why it should fail */
    return (uint32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}

pop_deadline pop_deadline_in(uint32_t limit_ms) {
    pop_deadline d = {pop_clock_ms(), limit_ms};
    return d;
}

uint32_t pop_deadline_left(const pop_deadline *d) {
    uint32_t passed = pop_clock_ms() - d->began_ms;
    return passed < d->limit_ms ? d->limit_ms - passed : 0;
}

pop_waited pop_wait_fd(int fd, short events, short *came, uint32_t limit_ms, const volatile sig_atomic_t *stop) {
    pop_deadline deadline = pop_deadline_in(limit_ms);
    for (;;) {
        struct pollfd p = {fd, events, 0};
        uint32_t left = pop_deadline_left(&deadline);
        if (stop && *stop) return POP_WAITED_STOP;
        int n = poll(&p, 1, (int)(left < POLL_SLICE_MS ? left : POLL_SLICE_MS));
        if (n > 0) {
            *came = p.revents;
            return POP_WAITED_READY;
        }
        if (n < 0 && errno != EINTR && errno != EAGAIN) return POP_WAITED_FAILED;
        if (left == 0) return stop && *stop ? POP_WAITED_STOP : POP_WAITED_NOTHING;
    }
}

/* ---- connecting ---- */

int pop_is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM || error == EAGAIN;
}

#if !defined(SOCK_CLOEXEC) || !defined(SOCK_NONBLOCK)
static int set_flags(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : 0;
}
#endif

/* A non-blocking socket that no program started later inherits; -1 and errno. */
static int new_socket(int family) {
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
    /* Commands are short and each waits for its answer: Nagle's delay would be paid for every one. A refusal costs speed only. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#ifdef SO_NOSIGPIPE
    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return fd;
}

/* An address that the host cannot even try says less than one that answered: its error must not hide the other's. */
static int says_little(int error) {
    return error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT;
}

static void keep_error(popcl_posix_net *n, int error) {
    if (n->error == 0 || !says_little(error)) n->error = error;
}

/* Waits for a connect that was begun. Returns 0, ETIMEDOUT, another error number, or -1: the caller wants an end. */
static int await_connect(const popcl_posix_net *n, int fd, uint32_t limit_ms) {
    short came = 0;
    int error = 0;
    socklen_t len = sizeof error;
    switch (pop_wait_fd(fd, POLLOUT, &came, limit_ms, n->stop)) {
    case POP_WAITED_STOP: return -1;
    case POP_WAITED_NOTHING: return ETIMEDOUT;
    case POP_WAITED_FAILED: return errno;
    case POP_WAITED_READY: break;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

static socklen_t address_len(const pop_address *a) {
    return a->any.sa_family == AF_INET6 ? (socklen_t)sizeof a->v6 : (socklen_t)sizeof a->v4;
}

/* Tries one address. The socket is in n->fd after POPCL_OK, and closed after anything else. */
static popcl_err connect_one(popcl_posix_net *n, const pop_address *address, uint32_t limit_ms) {
    int fd = new_socket(address->any.sa_family);
    if (fd < 0) {
        int lack = errno;
        keep_error(n, lack);
        return pop_is_shortage(lack) ? POPCL_ERR_NET : POPCL_ERR_CONNECT;
    }
    int error = connect(fd, &address->any, address_len(address)) == 0 ? 0 : errno;
    /* A connect that a signal interrupted goes on like one that was begun (POSIX, connect): calling it again would be an error. */
    if (error == EINPROGRESS || error == EINTR) error = await_connect(n, fd, limit_ms);
    if (error == 0) {
        n->fd = fd;
        n->error = 0;
        return POPCL_OK;
    }
    close(fd);
    if (error < 0) return POPCL_ERR_STOPPED;
    keep_error(n, error);
    if (error == ECONNRESET) return POPCL_ERR_NET; /* it was accepted, and broke before it was looked at */
    return error == ETIMEDOUT ? POPCL_ERR_TIMEOUT_CONNECT : POPCL_ERR_CONNECT;
}

static void name_peer(popcl_posix_net *n, const pop_address *a) {
    if (getnameinfo(&a->any, address_len(a), n->peer, sizeof n->peer, NULL, 0, NI_NUMERICHOST) != 0) n->peer[0] = '\0';
}

/* Tries the addresses in turn, each for its share of what time is left: a dead one must not use up that of the living. */
static popcl_err connect_any(popcl_posix_net *n, const pop_resolved *found, const pop_deadline *deadline) {
    popcl_err result = POPCL_ERR_CONNECT;
    for (unsigned i = 0; i < found->count; i++) {
        popcl_err r = connect_one(n, &found->address[i], pop_deadline_left(deadline) / (found->count - i));
        if (r == POPCL_OK) name_peer(n, &found->address[i]);
        if (r == POPCL_OK || r == POPCL_ERR_STOPPED || pop_is_shortage(n->error)) return r;
        if (r != POPCL_ERR_CONNECT) result = r;
    }
    if (result == POPCL_ERR_TIMEOUT_CONNECT) n->error = ETIMEDOUT; /* not every address refused: more time might help */
    return result;
}

static popcl_err net_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    popcl_posix_net *n = ctx;
    pop_deadline deadline = pop_deadline_in(limit_ms);
    pop_resolved found;
    n->fd = -1;
    n->error = 0;
    n->peer[0] = '\0';
    if (n->stop && *n->stop) return POPCL_ERR_STOPPED;
    popcl_err r = pop_resolve(host, port, n->family, limit_ms, n->stop, &found);
    n->error = found.error;
    return r == POPCL_OK ? connect_any(n, &found, &deadline) : r;
}

/* ---- moving octets ---- */

/* What a recv or send that failed stands for; POPCL_NET_FAILED keeps its errno. */
static int32_t moved_nothing(popcl_posix_net *n) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return POPCL_NET_AGAIN;
    n->error = errno;
    return POPCL_NET_FAILED;
}

static int32_t net_recv(void *ctx, void *p, size_t n) {
    popcl_posix_net *net = ctx;
    ssize_t got;
    do
        got = recv(net->fd, p, n < MOVE_MAX ? n : MOVE_MAX, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0) return (int32_t)got;
    return got == 0 ? POPCL_NET_EOF : moved_nothing(net);
}

static int32_t net_send(void *ctx, const void *p, size_t n) {
    popcl_posix_net *net = ctx;
    ssize_t sent;
    do
        sent = send(net->fd, p, n < MOVE_MAX ? n : MOVE_MAX, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent > 0) return (int32_t)sent;
    return sent == 0 ? POPCL_NET_AGAIN : moved_nothing(net);
}

static int32_t net_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    popcl_posix_net *n = ctx;
    unsigned events = ((want & POPCL_RECV) ? POLLIN : 0u) | ((want & POPCL_SEND) ? POLLOUT : 0u);
    short came = 0;
    const volatile sig_atomic_t *stop = (want & (unsigned)POPCL_NET_STOP) ? n->stop : NULL;
    pop_waited w = pop_wait_fd(events ? n->fd : -1, (short)events, &came, limit_ms, stop);
    if (w == POP_WAITED_NOTHING) return 0;
    if (w == POP_WAITED_STOP) return POPCL_NET_STOP;
    if (w == POP_WAITED_FAILED || came & POLLNVAL) {
        n->error = w == POP_WAITED_FAILED ? errno : EBADF;
        return POPCL_NET_FAILED;
    }
    /* An error or a hang-up shows in the call that was wanted: recv first gives what came before it. */
    unsigned ready = ((came & POLLIN) ? POPCL_RECV : 0u) | ((came & POLLOUT) ? POPCL_SEND : 0u);
    if (came & (POLLERR | POLLHUP)) ready = want & (POPCL_RECV | POPCL_SEND);
    return (int32_t)(ready & want);
}

static void net_close(void *ctx) {
    popcl_posix_net *n = ctx;
    if (n->fd >= 0) close(n->fd);
    n->fd = -1;
}

static uint32_t net_now_ms(void *ctx) {
    (void)ctx;
    return pop_clock_ms();
}

static int net_code(void *ctx) {
    const popcl_posix_net *n = ctx;
    return n->error;
}

const popcl_net popcl_posix = {net_open, net_recv, net_send, net_wait, net_close, net_now_ms, net_code};
