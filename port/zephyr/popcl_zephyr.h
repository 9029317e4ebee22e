/* SPDX-License-Identifier: MIT */
/* popcl_zephyr.h - popcl over Zephyr's sockets, for a thread: a popcl_net for popcl_run. It calls
 * zsock_* functions and the resolver of Zephyr, so the POSIX API is not needed. It works with both
 * generations of Zephyr's names: those of POSIX, and since 4.4 those with the prefix net_.
 *
 *     static popcl_zephyr_net net;
 *     popcl_fetch_start(&job, &config, 0);
 *     popcl_err e = popcl_run(&job.session, &popcl_zephyr, &net);
 *
 * zephyr/samples/pop3 is a program. The port needs:
 * - CONFIG_NETWORKING, CONFIG_NET_TCP, CONFIG_NET_SOCKETS, and CONFIG_DNS_RESOLVER for host names.
 * - The thread's stack: 8 KB with TLS of popcl, 4 KB in clear text. docs/SIZING.md has the figures
 *   of popcl. The stack that Zephyr's own network functions take comes on top.
 * - With TLS of popcl: 32 unpredictable bytes for popcl_config.seed, from sys_csrand_get. If it
 *   returns an error, give no seed.
 * - With TLS of popcl: the time in popcl_tls.utc_s, from SNTP or an RTC. */
#ifndef POPCL_ZEPHYR_H
#define POPCL_ZEPHYR_H

#include "popcl_net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A connection, in the caller's memory. Zeroed is valid. It may be used again and again, by one
 * thread at a time, and moved while no connection is open. */
typedef struct popcl_zephyr_net {
    const volatile int *stop; /* nonzero asks for an orderly shutdown; NULL = never. May be set at
                                 any time, from a thread or an interrupt; seen within 250 ms */
    /* For popcl_zephyr_tls: the credentials of tls_credential_add that the socket may use, among
     * them a certificate of an authority. Borrowed until close. */
    const int *tags; /* sec_tag_t */
    size_t tags_len; /* number of tags; with 0 open returns POPCL_ERR_NET, and its code is EINVAL */
    /* From here on private. */
    int fd;          /* of the open connection */
    int error;       /* errno of the last failure: the port's code */
    uint8_t is_tls;  /* the open connection is one of popcl_zephyr_tls */
    uint8_t ended;   /* TLS reported the peer's end, which it reports once */
    uint8_t starved; /* the last send found no network buffer */
    size_t held;     /* octets of a send that TLS took and has not sent yet */
    size_t ahead;    /* octets that left, and will be offered again */
} popcl_zephyr_net;

/* For popcl_run, with a popcl_zephyr_net as its context. Hosts are names and addresses; of a name
 * up to three addresses of each family are tried. An IPv6 address has no zone. Its code is an
 * errno. */
extern const popcl_net popcl_zephyr;

/* The same with TLS of Zephyr's secure sockets, which may be a modem's: for a session with the
 * security POPCL_TLS_BELOW. Such a session needs no popcl_tls and no seed.
 *
 * The socket checks the server's chain against `tags`, and its name. Whether it checks the dates of
 * certificates is a setting of the image: CONFIG_POPCL_TLS_BELOW_DATES is y only if it does.
 * Without this setting no connection is vouched for, and the session ends with
 * POPCL_ERR_NOT_SECURED.
 *
 * open does not end at its limit exactly: Zephyr connects and shakes hands in one call that cannot
 * be ended. Its options are CONFIG_NET_SOCKETS_CONNECT_TIMEOUT and
 * CONFIG_NET_SOCKETS_TLS_CONNECT_TIMEOUT: choose them so that their sum is below
 * popcl_config.connect_ms. A handshake that failed is POPCL_ERR_TLS_PROTOCOL, as Zephyr does not
 * report more; its log does. */
extern const popcl_net popcl_zephyr_tls;

#ifdef __cplusplus
}
#endif
#endif
