/* SPDX-License-Identifier: MIT */
/* popcl_net.h - the port contract, and the blocking runner over it. A port is six functions over
 * some transport, and one that may be missing; popcl_run drives a session through them until it is
 * done. A program with a main loop of its own needs none of this: it calls the pumps of popcl.h. */
#ifndef POPCL_NET_H
#define POPCL_NET_H

#include "popcl.h"

#ifdef __cplusplus
extern "C" {
#endif

#define POPCL_NET_EOF    0    /* recv: the peer ended the connection */
#define POPCL_NET_AGAIN  (-1) /* recv, send: nothing now, wait first */
#define POPCL_NET_FAILED (-2) /* recv, send, wait: the connection is broken; code tells more */

#define POPCL_NET_STOP 0x100 /* wait: the caller wants an end in order (popcl_stop) */

/* All functions get the ctx given to popcl_run. None may block but open and wait, and those not
 * beyond limit_ms. */
typedef struct popcl_net {
    /* Connects to host (a name or an address) and port, in at most limit_ms, name resolution
     * included; tries every address of the name, side by side or each for a share of the time.
     * Returns POPCL_OK, ERR_RESOLVE, ERR_RESOLVE_TIMEOUT, ERR_CONNECT, ERR_TIMEOUT_CONNECT,
     * ERR_NET, or ERR_STOPPED (the caller wants an end); a port that does TLS itself also any
     * result of class TLS or CERT. The job ends with that result, unchanged, or with POPCL_ERR_PORT
     * if open returned anything else. After an error nothing is left open. The ctx may be opened
     * again after that, and after close. A connection that the server took is OK,
     * whatever became of it since: recv tells. Of an address as text, late is ERR_TIMEOUT_CONNECT.
     */
    popcl_err (*open)(void *ctx, const char *host, uint16_t port, uint32_t limit_ms);
    /* Moves up to n octets (1 to 2^30). Returns how many, 1 to n, or one of the values above;
     * anything else is POPCL_ERR_PORT. Octets cross once, whole and in order. send is done with p
     * when it returns. recv gives all that came before the end of the connection, also when it ends
     * with a reset, and only then EOF or FAILED. An end that was told is told again by the next
     * call. */
    int32_t (*recv)(void *ctx, void *p, size_t n);
    int32_t (*send)(void *ctx, const void *p, size_t n);
    /* Waits at most limit_ms until one of `want` (POPCL_SEND, POPCL_RECV; neither: just wait) is
     * possible. Returns what is, 0 if nothing is yet or a signal came, or POPCL_NET_FAILED. An end
     * of the connection is something that recv can tell: POPCL_RECV. While want has POPCL_NET_STOP
     * too, and the caller wants an end: POPCL_NET_STOP, at once; it is not asked for again after
     * that. */
    int32_t (*wait)(void *ctx, unsigned want, uint32_t limit_ms);
    /* Called once after an open that returned POPCL_OK; nothing is left open. A second call does
     * nothing. */
    void (*close)(void *ctx);
    /* Milliseconds of a clock that never jumps; may wrap. */
    uint32_t (*now_ms)(void *ctx);
    /* May be NULL: the system's number for the last failure (errno), 0: none. */
    int (*code)(void *ctx);
} popcl_net;

/* Connects a started session and runs it until POPCL_DONE; returns its result, that of start if it
 * did not start. wipe is the caller's. The time that start was given does not count: it begins
 * here. A paused session is resumed every POPCL_RUN_RESUME_MS. Blocks for total_ms at most, and for
 * POPCL_SETTLE_MS more if a sink has staged messages to settle, whatever the server does. */
#define POPCL_RUN_RESUME_MS 10u
popcl_err popcl_run(popcl *c, const popcl_net *net, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
