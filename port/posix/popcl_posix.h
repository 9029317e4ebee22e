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

/* The port's own codes, in addition to errno and getaddrinfo's. All come with POPCL_ERR_CONNECT,
 * except for reply 4 (host unreachable): that is POPCL_ERR_RESOLVE, since Tor gives it for a name
 * that it does not find. */
enum popcl_posix_code {
    POPCL_POSIX_SOCKS = 10000,      /* plus 1 to 255: the reply of the SOCKS server (RFC 1928, 6) */
    POPCL_POSIX_SOCKS_DOWN = 10256, /* no connection to the SOCKS server, or no such host */
    POPCL_POSIX_SOCKS_LOGIN = 10257,  /* it wants a login */
    POPCL_POSIX_SOCKS_BROKEN = 10258, /* it broke off, or it does not speak SOCKS 5 */
    POPCL_POSIX_BIND = 10259          /* local_address is no address of this machine */
};

/* A connection, in the caller's memory from before popcl_run until after it. Zeroed is valid. Its
 * strings and `ahead` are borrowed for the same time.
 *
 * Hosts are names, addresses, and IPv6 addresses with a scope (fe80::1%eth0). popcl_config.host
 * must not have one. To use one, write an `open` of your own, which calls that of this port.
 * "localhost" needs no look-up (RFC 6761, 6.3). A name may have several addresses. If one does not
 * answer within 250 ms, or sooner if limit_ms is short, the next one is tried in parallel. IPv6 and
 * IPv4 take turns. The first connection that is accepted is used (RFC 8305).
 *
 * A name is looked up in a forked process, which is killed at the deadline: getaddrinfo has no
 * deadline of its own. In a program with threads, getaddrinfo may hang in the forked process, if
 * another thread held a lock during the fork. The worst outcome is ERR_RESOLVE_TIMEOUT. SIGCHLD may
 * have a handler or be ignored. For a system without fork, no_fork/resolve_sync.c takes the place
 * of resolve.c. It calls getaddrinfo directly, and may block longer than the limit. */
typedef struct popcl_posix_net {
    int family;                        /* AF_INET, AF_INET6; AF_UNSPEC (0) = any */
    const volatile sig_atomic_t *stop; /* nonzero asks for an orderly shutdown; NULL = never. For a
                                          signal handler to set (without SA_RESTART) */
    int fd;                            /* private: the open connection */
    /* The code of the last failure. Below 0: EAI_* of getaddrinfo, negated on systems that have
     * positive ones. 1 to 9999: errno. 10000 and more: popcl_posix_code. 0 = no failure. */
    int error;
    char peer[64]; /* after open: the address that answered, as text; "" before */
    /* Memory of the caller for octets that came and were not asked for yet. TLS asks for the head
     * of a record and then for the rest; with this memory one system call brings several records.
     * 16 KB are enough. NULL = each recv is a system call. */
    void *ahead;      /* without TLS it may hold mail afterwards: the caller wipes it */
    size_t ahead_len; /* bytes of ahead */
    /* NULL, or the address to connect from, as text; IPv6 may have a scope. Only addresses of its
     * family are then used. */
    const char *local_address;
    /* NULL, or the host of a SOCKS server (RFC 1928), which then connects to the mail server.
     * family and local_address are then for the connection to the SOCKS server, and peer is its
     * address. The SOCKS server gets the mail server's name as it is, and no name server is asked
     * for this name. popcl sends no login to a SOCKS server. limit_ms of open is for both
     * connections together. */
    const char *socks_host;
    uint16_t socks_port; /* 1 to 65535; required with socks_host */
    /* private */
    size_t ahead_from, ahead_to; /* those octets */
    int by_heads, large;         /* of the requests to recv: see net.c */
} popcl_posix_net;

/* The port, for popcl_run, with a popcl_posix_net as its context. It raises no SIGPIPE: a send on a
 * broken connection returns POPCL_NET_FAILED. */
extern const popcl_net popcl_posix;

/* ---- seed ---- */

/* Fills p with n unpredictable bytes from the system, for popcl_config.seed. Returns 0, or -1 with
 * errno set and p zeroed: then there is no seed, and TLS must not be tried. May wait on a machine
 * that has just started, until the system has such bytes. */
int popcl_posix_seed(void *p, size_t n);

#ifdef __cplusplus
}
#endif
#endif
