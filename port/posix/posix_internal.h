/* posix_internal.h - what net.c and resolve.c share: the clock, waiting with a deadline, and the resolver. Knows no POP3 and no store. */
#ifndef POPCL_POSIX_INTERNAL_H
#define POPCL_POSIX_INTERNAL_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "popcl_posix.h"

/* Milliseconds of the monotonic clock; wraps. */
uint32_t pop_clock_ms(void);

/* A span of time that began at `began_ms`; what is left of it, 0 when it is over. */
typedef struct pop_deadline {
    uint32_t began_ms, limit_ms;
} pop_deadline;
pop_deadline pop_deadline_in(uint32_t limit_ms);
uint32_t pop_deadline_left(const pop_deadline *d);

/* Waits until one of `events` (of poll) comes on fd (-1: just waits), the stop flag is set (NULL: there is none), or limit_ms is over. */
typedef enum pop_waited { POP_WAITED_NOTHING, POP_WAITED_READY, POP_WAITED_STOP, POP_WAITED_FAILED /* errno tells */ } pop_waited;
pop_waited pop_wait_fd(int fd, short events, short *came, uint32_t limit_ms, const volatile sig_atomic_t *stop);

typedef union pop_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} pop_address;

/* What a name stands for. It crosses a pipe in one write: at most 512 octets, the least PIPE_BUF that POSIX allows. */
#define POP_ADDRESSES_MAX 16
typedef struct pop_resolved {
    int code;  /* 0, or getaddrinfo's */
    int error; /* as popcl_posix_net.error */
    unsigned count;
    pop_address address[POP_ADDRESSES_MAX];
} pop_resolved;

/* Resolves a name or an address, within limit_ms. Returns POPCL_OK with one address or more, ERR_RESOLVE, ERR_RESOLVE_TIMEOUT, ERR_STOPPED,
 * or ERR_NET where this machine is short of something (error is errno then). No process, descriptor or memory of it is left afterwards. */
popcl_err pop_resolve(const char *host, uint16_t port, int family, uint32_t limit_ms, const volatile sig_atomic_t *stop,
                      pop_resolved *found);

/* Whether this error number says that the machine, not the peer, is short of something: files, processes, memory. */
int pop_is_shortage(int error);

#endif
