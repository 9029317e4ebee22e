/* SPDX-License-Identifier: MIT */
/* popcl_mbedtls.h - TLS of the system as a transport: Mbed TLS 2.28 over another port that
 * connects. This transport vouches for the server, so a session over it has the security
 * POPCL_TLS_BELOW, and needs neither a profile nor a seed. For Mbed TLS 3 three names in net.c have
 * to be changed: docs/PORTING.md lists them.
 *
 *     popcl_posix_net tcp = {0};
 *     popcl_mbedtls tls = {.below = &popcl_posix, .below_ctx = &tcp, .conf = &conf};
 *     popcl_run(&job.session, &popcl_mbedtls_net, &tls);
 *
 * This port itself uses no heap, but Mbed TLS does. One transport is for one connection at a time,
 * and belongs to one thread at a time. */
#ifndef POPCL_MBEDTLS_H
#define POPCL_MBEDTLS_H

#include <mbedtls/ssl.h>

#include "popcl_net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's, from before popcl_run until after it. Zeroed except for the first three fields. */
typedef struct popcl_mbedtls {
    /* The caller sets these. */
    const popcl_net *below; /* the port that connects: popcl_posix, popcl_lwip_sockets, ... */
    void *below_ctx;        /* its context, ready for open */
    /* A client's settings, borrowed until close: mbedtls_ssl_config_defaults, then
     * MBEDTLS_SSL_VERIFY_REQUIRED, a chain of authorities, random numbers, and TLS 1.2 as the least
     * version. With another way to verify, `secured` returns 0, and the session ends. Mbed TLS 2.28
     * compares the names of a certificate with host names only: an address as host is refused. */
    const mbedtls_ssl_config *conf;
    /* private */
    mbedtls_ssl_context ssl;
    size_t held;  /* octets that Mbed TLS took and has not sent yet */
    size_t ahead; /* octets that left, and will be offered again */
    int up;       /* 1 from a successful open to close */
    int end;      /* of recv: POPCL_NET_EOF or _FAILED plus 1000; 0 = there was none yet */
    int code;     /* of the last failure: of Mbed TLS, or of the port below */
    popcl_end_point end_point;
} popcl_mbedtls;

/* For popcl_run, with a popcl_mbedtls as its context. open connects and shakes hands within its
 * limit, and returns the result of the port below, or one of these:
 *
 *     POPCL_ERR_CERT_UNTRUSTED, _NAME, _EXPIRED, _NOT_YET, _USAGE, _WEAK
 *     POPCL_ERR_TLS_CLOSED, _ALERT, _VERSION, _PROTOCOL; POPCL_ERR_TIMEOUT_TLS
 *     POPCL_ERR_NET, if Mbed TLS has no memory; POPCL_ERR_STOPPED
 *
 * popcl_diag.net_code is then the number of Mbed TLS. An end of the connection without close_notify
 * is POPCL_NET_EOF: popcl itself knows where a message and a session end. */
extern const popcl_net popcl_mbedtls_net;

#ifdef __cplusplus
}
#endif
#endif
