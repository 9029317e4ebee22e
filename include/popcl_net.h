/* SPDX-License-Identifier: MIT */
/* popcl_net.h - the port contract, and the blocking runner over it. A port is six functions over
 * some transport, and three that may be NULL. popcl_run drives a session through them until it is
 * done. A program with a main loop of its own needs no port: it calls the pumps of popcl.h.
 */
#ifndef POPCL_NET_H
#define POPCL_NET_H

#include "popcl.h"

#ifdef __cplusplus
extern "C" {
#endif

#define POPCL_NET_EOF    0    /* recv: the peer ended the connection */
#define POPCL_NET_AGAIN  (-1) /* recv, send: nothing now, wait first */
#define POPCL_NET_FAILED (-2) /* recv, send, wait: the connection is broken; see code */

#define POPCL_NET_STOP                                                                             \
    0x100 /* wait: the program that called popcl_run wants an orderly shutdown                     \
           */

/* All functions get the ctx given to popcl_run. Only open and wait may block, and not beyond
 * limit_ms. */
typedef struct popcl_net {
    /* Connects to host (a name or an address) and port, in at most limit_ms, name resolution
     * included. Tries every address of the name, side by side or each for a share of the time.
     *
     * Returns POPCL_OK, ERR_RESOLVE, ERR_RESOLVE_TIMEOUT, ERR_CONNECT, ERR_TIMEOUT_CONNECT,
     * ERR_NET, or ERR_STOPPED (the program that called popcl_run wants an end). A port that does
     * TLS itself may also return any result of class TLS or CERT. Its handshake is a part of open,
     * within limit_ms. The job ends with that result, unchanged, or with POPCL_ERR_PORT if open
     * returned anything else.
     *
     * If the server accepted a connection, the result is OK, even if the connection broke since:
     * recv reports that. If host is an address, no name is resolved: a timeout is then
     * ERR_TIMEOUT_CONNECT, never ERR_RESOLVE_TIMEOUT. After an
     * error nothing is left open. The ctx may be opened again after an error, and after close. */
    popcl_err (*open)(void *ctx, const char *host, uint16_t port, uint32_t limit_ms);
    /* Moves up to n octets (1 to 2^30). Returns the number of octets moved, 1 to n, or one of the
     * values above. Those of recv are EOF, AGAIN and FAILED; those of send are AGAIN and FAILED. 0
     * of send counts as AGAIN. Anything else is POPCL_ERR_PORT. No octet is lost, repeated, changed
     * or out of order. send keeps no pointer to p.
     *
     * recv gives all octets that came before the end of the connection, also before a reset, and
     * only then EOF or FAILED. Once a call reported the end, each later call reports it again. */
    int32_t (*recv)(void *ctx, void *p, size_t n);
    int32_t (*send)(void *ctx, const void *p, size_t n);
    /* Waits at most limit_ms until one of `want` (POPCL_SEND, POPCL_RECV; neither: just wait) is
     * possible. Returns the bits that are possible, 0 if none is yet or a signal came, or
     * POPCL_NET_FAILED. An end of the connection counts as POPCL_RECV, because recv reports it. If
     * limit_ms is 0, looks once and does not wait.
     *
     * If want has POPCL_NET_STOP too, and the program that called popcl_run wants an end, returns
     * POPCL_NET_STOP at once. After that popcl_run does not ask for POPCL_NET_STOP any more. Return
     * POPCL_NET_STOP alone, even if something is possible: with other bits it is not seen. */
    int32_t (*wait)(void *ctx, unsigned want, uint32_t limit_ms);
    /* Closes the connection: nothing is left open. popcl_run calls it once after an open that
     * returned POPCL_OK. If it is called again without an open, it does nothing. */
    void (*close)(void *ctx);
    /* Returns milliseconds of a clock that never jumps. It may wrap, after 2^32 - 1 only. */
    uint32_t (*now_ms)(void *ctx);
    /* Returns the system's number for the last failure (errno); 0 = no failure. May be NULL. */
    int (*code)(void *ctx);
    /* Returns 1 if TLS protects the connection, and open checked the server's certificate
     * (RFC 7817, 3). The certificate has to be valid now, and for the host that open got. It has to
     * lead to a trusted authority or to a known key. Returns 0 if any of that is missing; every
     * value except 1 counts as 0. popcl believes the answer: it cannot check it. Called once for a
     * session with POPCL_TLS_BELOW, after an open that returned POPCL_OK, and before anything is
     * sent or received. NULL = this transport has no TLS; then such a session ends before open is
     * called. In both cases its result is POPCL_ERR_NOT_SECURED. */
    int (*secured)(void *ctx);
    /* Returns the hash tls-server-end-point of the connection, which stays as it is until close;
     * NULL = not known. Called once, after secured returned 1. May be NULL. */
    const popcl_end_point *(*end_point)(void *ctx);
} popcl_net;

/* Connects a started session and runs it until POPCL_DONE. Returns the session's result. If start
 * failed, this call does nothing and returns the error of start. Do not give it a session that was
 * connected before. The caller calls wipe afterwards. net and ctx are borrowed during the call. The
 * session's time begins here, so start may get any time. A paused session is resumed every
 * POPCL_RUN_RESUME_MS. Whatever the server does, this call blocks for total_ms at most. It may be
 * POPCL_SETTLE_MS more if staged messages still wait for sync, or if the event `closed` of another
 * owner asks for time. A callback that blocks delays the end further. */
#define POPCL_RUN_RESUME_MS 10u
popcl_err popcl_run(popcl *c, const popcl_net *net, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
