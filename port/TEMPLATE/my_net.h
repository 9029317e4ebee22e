/* SPDX-License-Identifier: MIT */
/* my_net.h - a port to begin with: copy this folder, give my_ a name of yours, and write the parts
 * that "here" describes in my_net.c. docs/PORTING.md has the exact meaning of each return value.
 *
 *     make check-port PORT=port/TEMPLATE          whether it keeps what popcl_net.h promises; this
 *                                                 one keeps nearly nothing
 *     cc -std=c99 -Iinclude -c my_net.c           all that it takes to compile it */
#ifndef MY_NET_H
#define MY_NET_H

#include "popcl_net.h"

/* One connection. The caller's, zeroed before the first use, from before popcl_run until after it.
 * The next popcl_run uses it again. */
typedef struct my_net {
    /* The caller sets this. */
    const volatile int
        *stop; /* NULL, or not 0 = the caller wants an orderly shutdown (POPCL_NET_STOP) */
    /* Private: all that the port knows of the connection is in here, and nothing in a variable
     * outside. Two connections share nothing. */
    int handle; /* here: the name of a connection in your system */
    int up; /* 1 from a successful open to close, also if the connection broke. close has to give it
               back, and a second close does nothing */
    int broken; /* 1 = it was reset or failed; octets that came before can still be received */
    int ended;  /* 1 = the peer closed the connection, and all that came before was taken */
    int code;   /* your system's number of the last failure; 0 = no number */
} my_net;

extern const popcl_net my_port; /* for popcl_run, with a my_net as its context */

#endif
