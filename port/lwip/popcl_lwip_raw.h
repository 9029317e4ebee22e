/* SPDX-License-Identifier: MIT */
/* popcl_lwip_raw.h - popcl over lwIP's raw API, for a main loop without threads (NO_SYS 1). One
 * connection object has two uses: a main loop polls it, or popcl_run blocks on it through a
 * popcl_net. lwIP's callbacks only store data and set flags. The main loop alone drives popcl, so
 * neither popcl nor a sink of yours ever runs inside lwIP.
 *
 *     popcl_fetch_start(&job, &config, sys_now());
 *     popcl_lwip_raw_start(&net, &job.session);
 *     for (;;) {
 *         drive_netif();                    each frame that came goes to netif->input
 *         sys_check_timeouts();
 *         if (!popcl_lwip_raw_poll(&net)) break;
 *         sleep_at_most(popcl_lwip_raw_sleep_ms(&net));
 *     }
 *     popcl_result(&job.session) is the result
 *
 * README.md beside this file has the settings of lwipopts.h and the cost of the port. */
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
#error "popcl_lwip_raw needs LWIP_CALLBACK_API: lwIP passes received data by callbacks"
#endif
#if !LWIP_TIMERS
#error "popcl_lwip_raw needs LWIP_TIMERS: it asks lwIP's own timers how long the program may sleep"
#endif

/* A connection, in the caller's memory: TCP_WND bytes and some 60 more (100 with IPv4 and IPv6).
 * Zeroed is valid. It may be used again and again, for one job at a time. lwIP cannot cancel a
 * query to a name server. So the object has to stay in its place for ever, or until
 * popcl_lwip_raw_busy returns 0. */
typedef struct popcl_lwip_raw {
    /* A function of the caller, for popcl_lwip_raw_net alone. It has to let the rest of the program
     * run for at most limit_ms, and to return earlier if a frame comes. It has to pass frames to
     * netif->input, call sys_check_timeouts, feed the watchdog, and sleep. limit_ms is 0 if there
     * is no time to sleep. It must not use this object. It returns 0, or nonzero to ask for an
     * orderly shutdown. After the first nonzero value it must always return nonzero. */
    int (*step)(void *step_ctx, uint32_t limit_ms);
    void *step_ctx;
    /* From here on private. */
    popcl *session;      /* that poll drives; NULL = none */
    struct tcp_pcb *pcb; /* ours; NULL = none, or lwIP took it back */
    const char *host;
    uint32_t began_ms, limit_ms; /* of name resolution and connecting */
    uint32_t heard_ms;           /* time of the newest data from the server */
    uint16_t port;
    uint16_t segment;    /* octets of the largest segment that came */
    err_t code;          /* of the last failure */
    uint8_t why;         /* popcl_err: the most specific failure, while connecting */
    uint8_t phase;       /* enum phase in raw.c */
    uint8_t connected;   /* noted by lwIP: the connection is up */
    uint8_t fin;         /* noted by lwIP: nothing follows what is in the ring */
    uint8_t starved;     /* lwIP had no memory: try again after a while */
    uint8_t send_broken; /* popcl_send_failed was called */
    popcl_lwip_query query[POPCL_LWIP_FAMILIES];
    tcpwnd_size_t head, used; /* of the ring: place of the oldest byte, and number of bytes */
    tcpwnd_size_t freed;      /* bytes by which the window is still to be opened */
    unsigned char
        ring[TCP_WND]; /* received bytes that popcl has not taken: the window allows no more */
} popcl_lwip_raw;

/* Begins to connect a started session, with host, port and times of its settings. If the object
 * still has a connection, this call closes or aborts it. Name resolution and connecting begin in
 * poll. Returns POPCL_OK, or the result of a session that is over. A session that is over needs no
 * poll.
 *
 * This and the functions below are for the main loop. Never call them from a callback of lwIP or of
 * popcl, nor from an interrupt. */
popcl_err popcl_lwip_raw_start(popcl_lwip_raw *n, popcl *c);

/* Runs one turn: moves all bytes that can be moved, passes the time, resumes a paused session. Call
 * it after sys_check_timeouts. Does the work of one TLS record at most. Returns 1 while the session
 * runs, 0 once it is done and the connection was given back to lwIP. To end early, call popcl_stop
 * or popcl_fail on the session, and go on polling until 0. */
int popcl_lwip_raw_poll(popcl_lwip_raw *n);

/* Returns the milliseconds for which the main loop may sleep if no frame comes; 0 = poll again at
 * once. Call it right after poll. Covers lwIP's timers and the session's deadlines, and with a
 * paused session POPCL_RUN_RESUME_MS. UINT32_MAX = no session runs, and lwIP has no timer. */
uint32_t popcl_lwip_raw_sleep_ms(const popcl_lwip_raw *n);

/* Returns 1 while lwIP may still write to the object. This is so while a session runs, or while an
 * answer of a name server may still come (some seconds at most). */
int popcl_lwip_raw_busy(const popcl_lwip_raw *n);

/* For popcl_run, with a popcl_lwip_raw as its context. Without a step in that object, open returns
 * POPCL_ERR_PORT. The code of this port is lwIP's err_t. */
extern const popcl_net popcl_lwip_raw_net;

#ifdef __cplusplus
}
#endif
#endif
