/* SPDX-License-Identifier: MIT */
/* popcl_lwip_raw.h - popcl over lwIP's raw API, for a main loop without threads (NO_SYS 1). One
 * connection object with two faces: a session that a main loop polls, and a popcl_net for popcl_run
 * where a program may block. lwIP's callbacks only fill and note; popcl is driven from the main
 * loop alone, so that neither the stack nor a sink of yours ever runs inside lwIP.
 *
 *     popcl_fetch_start(&job, &config, sys_now());
 *     popcl_lwip_raw_start(&net, &job.session);
 *     for (;;) {
 *         drive_netif();                    each frame that came goes to netif->input
 *         sys_check_timeouts();
 *         if (!popcl_lwip_raw_poll(&net)) break;
 *         sleep_at_most(popcl_lwip_raw_sleep_ms(&net));
 *     }
 *     popcl_result(&job.session) is what came of it
 *
 * What lwipopts.h needs, and what the port costs: README.md beside this file. */
#ifndef POPCL_LWIP_RAW_H
#define POPCL_LWIP_RAW_H

#include "popcl_lwip_query.h"
#include "popcl_net.h"

#include <lwip/opt.h>

#include <lwip/tcp.h>

#ifdef __cplusplus
extern "C" {
#endif

#if !LWIP_CALLBACK_API
#error "popcl_lwip_raw needs LWIP_CALLBACK_API: lwIP tells it by callbacks what came"
#endif
#if !LWIP_TIMERS
#error "popcl_lwip_raw needs LWIP_TIMERS: it asks lwIP's own timers how long the program may sleep"
#endif

/* A connection: TCP_WND octets and some 60 more (100 with IPv4 and IPv6). Zeroed is valid; the
 * caller's. lwIP cannot be told to forget a question to a name server: the object has to stay where
 * it is for ever, or until popcl_lwip_raw_busy says 0. Used again and again, for one job at a time.
 */
typedef struct popcl_lwip_raw {
    /* For popcl_lwip_raw_net alone, set by the caller: lets the rest of the program run, for
     * limit_ms at most, and shorter as soon as a frame came: hands frames to netif->input, calls
     * sys_check_timeouts, feeds the watchdog, sleeps. limit_ms is 0 where there is no time to
     * sleep. Returns 0, or not 0 from then on: the caller wants an end in order. It must not use
     * this object. */
    int (*step)(void *step_ctx, uint32_t limit_ms);
    void *step_ctx;
    /* From here on private. */
    popcl *session;      /* that poll drives; NULL: none */
    struct tcp_pcb *pcb; /* ours; NULL: none, or lwIP took it back */
    const char *host;
    uint32_t began_ms, limit_ms; /* of name resolution and connecting */
    uint32_t heard_ms;           /* when the server last said something */
    uint16_t port;
    err_t code;          /* of the last failure */
    uint8_t why;         /* popcl_err: the failure that says most, while connecting */
    uint8_t phase;       /* enum phase in raw.c */
    uint8_t connected;   /* noted by lwIP: the connection is up */
    uint8_t fin;         /* noted by lwIP: nothing follows what is in the ring */
    uint8_t starved;     /* lwIP had no memory: try again after a while */
    uint8_t send_broken; /* popcl was told that nothing leaves any more */
    popcl_lwip_query query[POPCL_LWIP_FAMILIES];
    tcpwnd_size_t head, used; /* of the ring: where the oldest octet is, and how many there are */
    unsigned char
        ring[TCP_WND]; /* what came and popcl has not yet: as much as the window lets come */
} popcl_lwip_raw;

/* Begins to connect a started session. Returns POPCL_OK, or the result of a session that is over:
 * then there is nothing to poll. Host, port and times are those of its settings. A connection that
 * the object still has is given up. Calls no function of lwIP's except to give that up. This and
 * the functions below are for the main loop: never from a callback of lwIP or of popcl, nor from an
 * interrupt. */
popcl_err popcl_lwip_raw_start(popcl_lwip_raw *n, popcl *c);

/* One turn: moves what can be moved, tells the time, resumes a paused session. Call
 * it after sys_check_timeouts. Does the work of one TLS record at most. Returns 1 while the session
 * runs, 0 once it is done and the connection was given back to lwIP. To end early: popcl_stop or
 * popcl_fail on the session, and go on polling until 0. */
int popcl_lwip_raw_poll(popcl_lwip_raw *n);

/* For how many milliseconds the main loop may sleep if no frame comes; call it right after poll. 0:
 * poll again at once. Covers lwIP's timers, and with a paused session POPCL_RUN_RESUME_MS. At most
 * UINT32_MAX, where neither has anything to wait for. */
uint32_t popcl_lwip_raw_sleep_ms(const popcl_lwip_raw *n);

/* 1 while lwIP may still write to the object: a session runs, or an answer of a name server is
 * still to come (some seconds at most). */
int popcl_lwip_raw_busy(const popcl_lwip_raw *n);

/* For popcl_run, with a popcl_lwip_raw that has a step as its context. Without one open returns
 * POPCL_ERR_PORT. Its code is lwIP's err_t. */
extern const popcl_net popcl_lwip_raw_net;

#ifdef __cplusplus
}
#endif
#endif
