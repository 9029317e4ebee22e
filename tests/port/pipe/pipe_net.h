/* SPDX-License-Identifier: MIT */
/* pipe_net.h - popcl_net over a line to a relay that has the network, as a modem or a second
 * processor has. One connection at a time on a line, and as many on it, one after the other, as
 * there is need of.
 *
 *     pipe_line line = {.to = fd, .from = fd};           both do not wait (O_NONBLOCK), and SIGPIPE
 *                                                        is ignored
 *     pipe_net net = {.line = &line};
 *     popcl_run(&job, &config, &popcl_pipe, &net); */
#ifndef TESTS_PORT_PIPE_NET_H
#define TESTS_PORT_PIPE_NET_H

#include "line.h"
#include "popcl_net.h"

/* The line, which outlives connections: what a driver of a serial port would keep. */
typedef struct pipe_line {
    int to, from;       /* set by the caller: descriptors, to the relay and from it */
    line_frame in;      /* private: what came of the next frame */
    unsigned char call; /* the connection that was begun last */
    int broken;         /* 1: the relay is gone */
} pipe_line;

/* One connection. The caller's, zeroed but for the first three; used again by the next popcl_run.
 */
typedef struct pipe_net {
    pipe_line *line;
    const volatile int *stop; /* NULL, or not 0: the caller wants an end in order */
    const uint32_t *skew_ms;  /* NULL, or what is added to the clock */
    /* Private. */
    int up;          /* from an open that succeeded to close */
    int found;       /* the host is an address, or has some */
    int code;        /* errno of the relay */
    unsigned answer; /* to OPEN: LINE_UP or why not; 0: none yet */
    unsigned end;    /* LINE_END or LINE_RESET, behind what is in the ring; 0: not yet */
    int deaf;        /* the server takes nothing more */
    uint32_t owed;   /* octets that were taken and are not yet given back as credit */
    uint32_t grant;  /* octets that may be sent */
    size_t first, held;
    unsigned char ring[LINE_WINDOW]; /* what came and was not taken */
} pipe_net;

extern const popcl_net popcl_pipe;

#endif
