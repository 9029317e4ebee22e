/* SPDX-License-Identifier: MIT */
/* popcl_lwip_sockets.h - popcl over lwIP's sockets, for a task of an RTOS (NO_SYS 0): a popcl_net
 * for popcl_run. Every call returns by its deadline, name resolution included, for which lwIP's own
 * getaddrinfo has none.
 *
 *     static popcl_lwip_sockets_net net;
 *     popcl_fetch_start(&job, &config, 0);
 *     popcl_err e = popcl_run(&job.session, &popcl_lwip_sockets, &net);
 *
 * What else there is to know: README.md beside this file. lwipopts.h needs LWIP_SOCKET and
 * LWIP_SOCKET_POLL. Octets that came wait in lwIP until popcl takes them: PBUF_POOL and
 * DEFAULT_TCP_RECVMBOX_SIZE have to hold a TCP_WND in segments as small as peers send, and a frame
 * more; what does not fit comes again after a second or more. Small buffers are best
 * (PBUF_POOL_BUFSIZE 256, say). Where more than one task uses sockets, lwIP's errno has to be one
 * per task. MEMP_NUM_TCP_PCB is 2 or more: the connection, and the end of the one before, which
 * gives way to the next. */
#ifndef POPCL_LWIP_SOCKETS_H
#define POPCL_LWIP_SOCKETS_H

#include "popcl_lwip_query.h"
#include "popcl_net.h"

#include <lwip/sys.h>

#ifdef __cplusplus
extern "C" {
#endif

#if NO_SYS || !LWIP_SOCKET || !LWIP_SOCKET_POLL
#error "popcl_lwip_sockets needs NO_SYS 0, LWIP_SOCKET and LWIP_SOCKET_POLL"
#endif

/* Zeroed is valid; the caller's, one a connection, used again and again by one task at a time. lwIP
 * cannot be told to forget a question to a name server: the object has to stay where it is for
 * ever, or until popcl_lwip_sockets_free said 0. The first open creates a semaphore, which it
 * keeps. */
typedef struct popcl_lwip_sockets_net {
    const volatile int *stop; /* NULL, or not 0: end in order. May be set at any time, from a task
                                 or an interrupt; seen within 250 ms */
    /* From here on private. */
    int fd;            /* of the open connection */
    int error;         /* errno, as lwIP has it, of the last failure: the port's code */
    uint8_t ended;     /* the peer ended the connection */
    uint8_t has_heard; /* heard exists */
    sys_sem_t heard;   /* a name server answered */
    popcl_lwip_query query[POPCL_LWIP_FAMILIES];
} popcl_lwip_sockets_net;

/* For popcl_run, with a popcl_lwip_sockets_net as its context. Hosts are names and addresses; of a
 * name lwIP tells one address of each family. Its code is an errno of lwIP's; a refused connection
 * is ECONNREFUSED, one that nobody answered ETIMEDOUT, no route EHOSTUNREACH, a want of memory
 * ENOMEM or ENOBUFS. Not for lwIP's own thread. */
extern const popcl_net popcl_lwip_sockets;

/* For an object that is to go away, after popcl_run: frees the semaphore. Returns 0, or 1: an
 * answer of a name server may still come (for some seconds at most), or lwIP had no memory; call it
 * again later. */
int popcl_lwip_sockets_free(popcl_lwip_sockets_net *n);

#ifdef __cplusplus
}
#endif
#endif
