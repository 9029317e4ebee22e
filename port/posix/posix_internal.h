/* SPDX-License-Identifier: MIT */
/* posix_internal.h - what the files of the transport share: the clock, waiting with a deadline
 * (port/bsd), and the resolver. Knows no POP3 and no store. */
#ifndef POPCL_POSIX_INTERNAL_H
#define POPCL_POSIX_INTERNAL_H

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "popcl_posix.h"

/* Milliseconds of the monotonic clock; wraps. */
uint32_t pop_clock_ms(void);

typedef volatile sig_atomic_t pop_flag; /* a stop flag */

static inline int pop_poll(struct pollfd *p, int limit_ms) { return poll(p, 1, limit_ms); }

#include "../bsd/wait.inc"

typedef union pop_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} pop_address;

/* What a name stands for. It crosses a pipe in one write: at most 512 octets, the least PIPE_BUF
 * that POSIX allows. */
#define POP_ADDRESSES_MAX 16
typedef struct pop_resolved {
    int code;  /* 0, or getaddrinfo's */
    int error; /* as popcl_posix_net.error */
    unsigned count;
    pop_address address[POP_ADDRESSES_MAX];
} pop_resolved;

/* getaddrinfo with these flags, its answer in `found`. */
void pop_look_up(const char *host, uint16_t port, int family, int flags, pop_resolved *found);

/* What an answer means. Only name servers can say that there is no such name: that they do not
 * answer, or that what asks them failed, is of today. */
popcl_err pop_look_up_result(const pop_resolved *found);

/* Resolves what needs no name server. Returns 1 with *result and `found`, 0 if it is a name. */
int pop_look_up_here(const char *host, uint16_t port, int family, pop_resolved *found,
                     popcl_err *result);

/* Resolves a name or an address, within limit_ms (resolve.c; no_fork/resolve_sync.c may take
 * longer). Returns POPCL_OK with one address or more,
 * ERR_RESOLVE, ERR_RESOLVE_TIMEOUT, ERR_STOPPED, or ERR_NET where this machine is short of
 * something (error is errno then). No process, descriptor or memory of it is left afterwards. */
popcl_err pop_resolve(const char *host, uint16_t port, int family, uint32_t limit_ms,
                      const volatile sig_atomic_t *stop, pop_resolved *found);

#endif
