/* SPDX-License-Identifier: MIT */
/* popcl_freertos_tcp.h - popcl over the sockets of FreeRTOS+TCP (V3 and V4), for a task: a
 * popcl_net for popcl_run. IPv4 only.
 *
 *     static popcl_freertos_tcp_net net;
 *     popcl_fetch_start(&job, &config, 0);
 *     popcl_err e = popcl_run(&job.session, &popcl_freertos_tcp, &net);
 *
 * FreeRTOSIPConfig.h: ipconfigUSE_TCP 1, and ipconfigUSE_DNS 1 for host names.
 * ipconfigSUPPORT_SELECT_FUNCTION is not needed. configTICK_RATE_HZ divides 1000.
 *
 * The task's stack: 8 KB with TLS of popcl, 4 KB in clear text (docs/SIZING.md), and what
 * FreeRTOS+TCP takes in a call. The seed of TLS comes from a generator of the board;
 * xApplicationGetRandomNumber is for TCP, and often too weak. The time comes from SNTP or an RTC.
 */
#ifndef POPCL_FREERTOS_TCP_H
#define POPCL_FREERTOS_TCP_H

#include "popcl_net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A connection, in the caller's memory. Zeroed is valid. It may be used again and again, by one
 * task at a time. */
typedef struct popcl_freertos_tcp_net {
    const volatile int *stop; /* nonzero asks for an orderly shutdown; NULL = never. May be set at
                                 any time, from a task or an interrupt; seen within 250 ms */
    /* From here on private. */
    void *socket; /* Socket_t of the open connection; NULL = none */
    int error;    /* pdFREERTOS_ERRNO_* of the last failure: the port's code */
    uint8_t end;  /* how the connection ended: 0 not yet, 1 by the peer, 2 broken */
} popcl_freertos_tcp_net;

/* For popcl_run, with a popcl_freertos_tcp_net as its context.
 *
 * A question to a name server cannot be ended, also not by the limit of open. It lasts up to
 * ipconfigDNS_REQUEST_ATTEMPTS times the time of one question. Choose both so that this is below
 * popcl_config.connect_ms. FreeRTOS+TCP gives one address of a name. It does not report why a
 * name was not found: if the limit is over by then, the result is POPCL_ERR_RESOLVE_TIMEOUT,
 * otherwise POPCL_ERR_RESOLVE.
 *
 * A server that accepts a connection and resets it within a few milliseconds, without an octet,
 * looks like one that refuses: POPCL_ERR_CONNECT.
 *
 * close waits up to POPCL_FREERTOS_TCP_CLOSE_MS until the peer has the last octets and answers, as
 * FreeRTOS+TCP forgets a socket that is closed. */
extern const popcl_net popcl_freertos_tcp;
#define POPCL_FREERTOS_TCP_CLOSE_MS 300u

#ifdef __cplusplus
}
#endif
#endif
