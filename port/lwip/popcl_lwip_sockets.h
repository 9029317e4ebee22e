/* SPDX-License-Identifier: MIT */
/* popcl_lwip_sockets.h - popcl over lwIP's sockets, for a task of an RTOS (NO_SYS 0): a popcl_net
 * for popcl_run. Every call returns by its deadline, name resolution too. So this port does not
 * use lwIP's getaddrinfo, which has no deadline.
 *
 *     static popcl_lwip_sockets_net net;
 *     popcl_fetch_start(&job, &config, 0);
 *     popcl_err e = popcl_run(&job.session, &popcl_lwip_sockets, &net);
 *
 * README.md beside this file has more. Settings of lwipopts.h:
 * - LWIP_SOCKET and LWIP_SOCKET_POLL are required.
 * - Received octets wait in lwIP until popcl takes them. PBUF_POOL and DEFAULT_TCP_RECVMBOX_SIZE
 *   must have room for TCP_WND octets and one frame more. The octets may come in small segments,
 *   each of which takes a buffer of its own. Octets that find no room are lost. The server sends
 *   them again, after a second or more. Small buffers are best, for example PBUF_POOL_BUFSIZE 256.
 * - If more than one task uses sockets, each task has to have an errno of its own.
 * - MEMP_NUM_TCP_PCB is 2 or more: one for the connection, and one for the connection before, which
 *   may still be closing. If lwIP has no free PCB, a new connection takes that of the closing
 *   connection. */
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

/* A connection, in the caller's memory. Zeroed is valid. It may be used again and again, by one
 * task at a time. lwIP cannot cancel a query to a name server. So the object has to stay in its
 * place for ever, or until popcl_lwip_sockets_free returned 0. The first open creates a semaphore,
 * which the object keeps. */
typedef struct popcl_lwip_sockets_net {
    const volatile int *stop; /* nonzero asks for an orderly shutdown; NULL = never. May be set
                                 at any time, from a task or an interrupt; seen within 250 ms */
    /* From here on private. */
    int fd;            /* of the open connection */
    int error;         /* errno, as lwIP has it, of the last failure: the port's code */
    uint8_t ended;     /* the peer ended the connection */
    uint8_t has_heard; /* heard exists */
    sys_sem_t heard;   /* a name server answered */
    popcl_lwip_query query[POPCL_LWIP_FAMILIES];
} popcl_lwip_sockets_net;

/* For popcl_run, with a popcl_lwip_sockets_net as its context. Hosts are names and addresses; for a
 * name lwIP reports one address of each family. Not for lwIP's own thread.
 *
 * Its code is an errno of lwIP's. A refused connection is ECONNREFUSED, one without an answer
 * ETIMEDOUT, no route EHOSTUNREACH, and a lack of memory ENOMEM or ENOBUFS. */
extern const popcl_net popcl_lwip_sockets;

/* Frees the semaphore of an object that is no longer needed; call it after popcl_run. Returns 0, or
 * 1 to be called again later. 1 means that an answer of a name server may still come (for some
 * seconds at most), or that lwIP had no memory. */
int popcl_lwip_sockets_free(popcl_lwip_sockets_net *n);

#ifdef __cplusplus
}
#endif
#endif
