/* SPDX-License-Identifier: MIT */
/* port_under_test.h - what a port tells the conformance suite of itself: two fields are needed, the
 * rest says what else can be tried. docs/PORTING.md tells how to run the suite.
 *
 * The suite's peer is a TCP server on this machine's 127.0.0.1. A port over something else brings
 * what carries its octets there and back (a relay) and starts it in begin. Each case runs in a
 * process of its own, so that a crash or a hang costs one case; a relay may be a thread or a child
 * of it. */
#ifndef TESTS_PORT_UNDER_TEST_H
#define TESTS_PORT_UNDER_TEST_H

#include "popcl_net.h"

typedef struct port_under_test {
    /* ---- needed ---- */
    const popcl_net *net;
    size_t ctx_size; /* octets of the context; the suite gives them zeroed, aligned for any type */

    /* ---- each may be left out; what zero means stands behind ---- */
    /* Called once in each case's process, before anything else: starts what the port runs over, so
     * that its open of `host` and tcp_port reaches 127.0.0.1 and tcp_port of this machine. NULL:
     * nothing has to be started. */
    void (*begin)(uint16_t tcp_port);
    /* Makes a zeroed ctx ready for open. NULL: zeroed is ready. */
    void (*prepare)(void *ctx);
    /* Lets about so much time pass outside of any call, for a port whose stack runs only when it is
     * called. NULL: the process sleeps. */
    void (*idle)(uint32_t ms);
    /* How many things are open now (connections, handles), to see that none is left. NULL: file
     * descriptors are counted. */
    int (*left)(void);
    /* Sets or takes back the wish for an end that makes wait say POPCL_NET_STOP; called from a
     * signal handler too. NULL: this port never says STOP. */
    void (*stop)(void *ctx, int wanted);
    /* Sets the clock behind now_ms, and behind the port's own deadlines, to this time. NULL: it
     * cannot be set. */
    void (*clock_to)(uint32_t ms);

    /* Names and addresses, for open. */
    const char *host;        /* reaches the peer. NULL: "127.0.0.1" */
    const char *unreachable; /* an address to which there is no way. NULL: "224.0.0.1", which no TCP
                                connects to */
    const char *silent; /* an address from which no answer comes, at any port. NULL: 127.0.0.1 at a
                           port whose queue is full */
    const char *name; /* a name of the peer. This and those below NULL: there is none, and the case
                         is not tried */
    const char
        *dead_first; /* a name with two addresses: the first refuses, the second is the peer's */
    const char *silent_first; /* the same, and the first does not answer */
    const char *unknown;      /* a name that does not exist */
    const char *slow;         /* a name whose resolver never answers */
    int one_at_a_time;        /* 1: this port has one connection at a time */
    int tls;                  /* 1: this port does TLS, and vouches for `host`. 0: its secured never
                                 returns 1 */
} port_under_test;

/* Every port's folder defines this one object. */
extern const port_under_test port_tested;

/* For begin: makes an address of this machine one that answers no connection to this TCP port: a
 * queue that is full. Returns 0 where that cannot be had. */
int port_silence(const char *address, uint16_t tcp_port);

#endif
