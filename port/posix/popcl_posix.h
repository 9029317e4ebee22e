/* SPDX-License-Identifier: MIT */
/* popcl_posix.h - popcl's transport on POSIX (sockets, resolver, clock), and the system's random
 * bytes. Nothing here uses the heap. A store for messages is in popcl_posix_store.h. */
#ifndef POPCL_POSIX_H
#define POPCL_POSIX_H

#include <signal.h>

#include "popcl_fetch.h"
#include "popcl_net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- transport ---- */

/* Zeroed is valid. The caller's, from before popcl_run until after it; one a connection.
 *
 * Hosts are names, addresses, and IPv6 addresses with a scope (fe80::1%eth0). A name is looked up
 * in a forked process, which is killed at the deadline: getaddrinfo has none of its own. Programs
 * with threads should know that getaddrinfo runs there after a fork; the worst that can come of it
 * is ERR_RESOLVE_TIMEOUT. SIGCHLD may have a handler or be ignored. For a system without fork,
 * no_fork/resolve_sync.c takes the place of resolve.c: it calls getaddrinfo directly, and may block
 * longer than the limit. "localhost" needs no look-up (RFC 6761, 6.3). Of several addresses the
 * next one is tried 250 ms after a silent one, the families by turns, and the first connection that
 * stands is used (RFC 8305). */
typedef struct popcl_posix_net {
    int family; /* AF_UNSPEC (0): any, AF_INET, AF_INET6 */
    const volatile sig_atomic_t
        *stop; /* NULL, or not 0: end in order. For a signal handler to set (without SA_RESTART). */
    int fd;    /* private; of the open connection */
    int error; /* errno of the last failure, or a getaddrinfo code (EAI_*) made negative; the port's
                  code */
    char peer[64]; /* after open: the address that answered, as text; "" before */
} popcl_posix_net;

extern const popcl_net popcl_posix; /* for popcl_run, with a popcl_posix_net as its context */

/* ---- seed ---- */

/* Fills p with n unpredictable octets from the system, for popcl_config.seed. Returns 0, or -1
 * (errno tells) with p zeroed: then there is none, and TLS must not be tried. May wait where a
 * machine that has just started has none yet. */
int popcl_posix_seed(void *p, size_t n);

#ifdef __cplusplus
}
#endif
#endif
