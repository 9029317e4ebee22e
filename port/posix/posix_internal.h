/* SPDX-License-Identifier: MIT */
/* posix_internal.h - the parts that files of the transport share: the clock, waiting with a
 * deadline (port/bsd), and the resolver. It knows no POP3 and no store. */
#ifndef POPCL_POSIX_INTERNAL_H
#define POPCL_POSIX_INTERNAL_H

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "popcl_posix.h"

/* Returns milliseconds of the monotonic clock; wraps. */
uint32_t pop_clock_ms(void);

typedef volatile sig_atomic_t pop_flag; /* a stop flag */

static inline int pop_poll(struct pollfd *p, int limit_ms) { return poll(p, 1, limit_ms); }

#include "../bsd/wait.inc"

typedef union pop_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} pop_address;

/* The addresses of a name. It goes through a pipe in one write: at most 512 bytes, the least
 * PIPE_BUF that POSIX allows. */
#define POP_ADDRESSES_MAX 16
typedef struct pop_resolved {
    int code;  /* 0, or getaddrinfo's error */
    int error; /* as popcl_posix_net.error */
    unsigned count;
    pop_address address[POP_ADDRESSES_MAX];
} pop_resolved;

/* Calls getaddrinfo with these flags; its answer is in `found`. */
void pop_look_up(const char *host, uint16_t port, int family, int flags, pop_resolved *found);

/* Returns the meaning of an answer. Only name servers can report that there is no such name. If
 * they do not answer, or the query failed here, a later try may succeed. */
popcl_err pop_look_up_result(const pop_resolved *found);

/* Resolves a host that needs no name server. Returns 1 with *result and `found`, 0 if it is a
 * name. */
int pop_look_up_here(const char *host, uint16_t port, int family, pop_resolved *found,
                     popcl_err *result);

/* Asks the SOCKS server at the other end of n->fd to connect to host and port (socks.c). Returns
 * POPCL_OK, and the next octet is the server's; or ERR_CONNECT, ERR_RESOLVE, ERR_TIMEOUT_CONNECT,
 * ERR_NET or ERR_STOPPED, with n->error. The socket stays open. */
popcl_err pop_socks_connect(popcl_posix_net *n, const char *host, uint16_t port,
                            const pop_deadline *deadline);

/* Resolves a name or an address, within limit_ms (resolve.c; no_fork/resolve_sync.c may take
 * longer). Returns POPCL_OK with one address or more, ERR_RESOLVE, ERR_RESOLVE_TIMEOUT,
 * ERR_STOPPED, or ERR_NET if this machine lacks something (error is then errno). No process,
 * descriptor or memory of it is left afterwards. */
popcl_err pop_resolve(const char *host, uint16_t port, int family, uint32_t limit_ms,
                      const volatile sig_atomic_t *stop, pop_resolved *found);

#endif
