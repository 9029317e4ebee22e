/* SPDX-License-Identifier: MIT */
/* popcl_callbacks.h - a port for a TCP stack of your own that has callbacks and no sockets. You
 * write ten hooks, and call one of six functions from each callback. The port has the rest: a ring
 * for received octets, the lock around it, the numbers of connections, and the limits of time.
 *
 *     static popcl_callbacks net = {.stack = &my_stack, .ring = ring, .ring_len = sizeof ring};
 *     popcl_run(&job.session, &popcl_callbacks_net, &net);
 *
 * Callbacks may come from an interrupt or from another thread. popcl never runs inside them. */
#ifndef POPCL_CALLBACKS_H
#define POPCL_CALLBACKS_H

#include "popcl_net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The hooks of a stack. All ten are needed. Each gets stack_ctx of the connection. The
 * thread of popcl_run calls them, without the lock, except as lock and wake describe. They do not
 * wait, except sleep. A hook may call the functions below, except lock, unlock and wake. */
typedef struct popcl_callbacks_stack {
    /* Begins to look up host, a name or an address as text, and to connect to it. The functions
     * below report the rest, each with this number. limit_ms is for all addresses of the name, each
     * with its share of it. host stays in place until close. For an address call
     * popcl_callbacks_found before the return. Returns 0, or the stack's own number of the failure
     * if it lacks memory or handles: then open returns POPCL_ERR_NET. close follows in any case. */
    int (*connect)(void *stack_ctx, uint32_t number, const char *host, uint16_t port,
                   uint32_t limit_ms);
    /* Copies octets into the stack, 1 to n from the front, and sends them at once. Returns their
     * number, or POPCL_NET_AGAIN without room, or POPCL_NET_FAILED if the connection takes no more.
     * In the last case *code gets the number of the stack. n is 1 to 2^30. */
    int32_t (*send)(void *stack_ctx, const void *p, size_t n, int *code);
    /* Returns nonzero if send would not return POPCL_NET_AGAIN. Once it returned 0, the stack has
     * to wake the thread (as wake does) when that changes. */
    int (*has_room)(void *stack_ctx);
    /* n octets left the ring. Opens TCP's window by n. */
    void (*taken)(void *stack_ctx, size_t n);
    /* Ends the connection, or the attempt. Octets that send took are still sent. No callback with
     * the number of this connection has an effect any more. */
    void (*close)(void *stack_ctx);
    /* Keep the callbacks away for a few instructions: a mutex, or interrupts off. They do not nest.
     * The functions below call them too, so in an interrupt they have to do no harm. If callbacks
     * come only from inside of sleep, both may do nothing. */
    void (*lock)(void *stack_ctx);
    /* Lets the callbacks come again. */
    void (*unlock)(void *stack_ctx);
    /* Ends a sleep: gives a binary semaphore, or sets an event flag. If nobody sleeps, the next
     * sleep returns at once. Called from each of the functions below, without the lock. */
    void (*wake)(void *stack_ctx);
    /* Waits for wake, for limit_ms at most. A superloop runs its stack here. Feed the watchdog. */
    void (*sleep)(void *stack_ctx, uint32_t limit_ms);
    /* Returns milliseconds as popcl_net.now_ms wants them. */
    uint32_t (*now_ms)(void *stack_ctx);
} popcl_callbacks_stack;

/* A connection, in the caller's memory. Zero it, and set the first five. It may be used for one job
 * after the other. It and the ring stay in place while a callback may still come. */
typedef struct popcl_callbacks {
    const popcl_callbacks_stack *stack; /* the hooks; borrowed */
    void *stack_ctx;                    /* of the hooks */
    unsigned char *ring;                /* of the caller, for octets that popcl has not taken */
    size_t ring_len;          /* bytes of ring, 1 or more. As large as TCP's window is best: octets
                                 without room are not kept */
    const volatile int *stop; /* nonzero asks for an orderly shutdown; NULL = never. May be set at
                                 any time, from a thread or an interrupt; seen within 250 ms, or
                                 after wake */
    /* From here on private. */
    uint32_t number;             /* of the connection */
    size_t first, held;          /* of the ring: place of the oldest octet, and number of octets */
    int code, cause;             /* of the last failure; of the break, which recv reports later */
    uint8_t live, found;         /* from connect to close; the name has an address */
    uint8_t answered, refusal;   /* connected or refused; a popcl_err, POPCL_OK if connected */
    uint8_t ended, broken, deaf; /* the server's end; a break; send failed */
} popcl_callbacks;

/* For the stack's callbacks, in any thread, or in an interrupt. number is the one of connect; calls
 * with another number do nothing. At most one of these runs at a time for one connection. */

/* The host has an address: from now on a timeout is POPCL_ERR_TIMEOUT_CONNECT. */
void popcl_callbacks_found(popcl_callbacks *n, uint32_t number);
/* The server accepted. */
void popcl_callbacks_connected(popcl_callbacks *n, uint32_t number);
/* There is no connection. result is one of the errors that popcl_net.open may return, and code the
 * number of the stack, for popcl_diag.net_code. */
void popcl_callbacks_refused(popcl_callbacks *n, uint32_t number, popcl_err result, int code);
/* size octets came. Returns how many the ring took, from the front. The stack keeps the others, and
 * gives them again after taken. A ring of TCP's window takes all. */
size_t popcl_callbacks_received(popcl_callbacks *n, uint32_t number, const void *p, size_t size);
/* The server closed its side, after all octets that were received. */
void popcl_callbacks_ended(popcl_callbacks *n, uint32_t number);
/* The connection was reset or failed, after all octets that were received. code is as above. */
void popcl_callbacks_broken(popcl_callbacks *n, uint32_t number, int code);

/* For popcl_run, with a popcl_callbacks as its context. Without the hooks or the ring, open returns
 * POPCL_ERR_PORT. */
extern const popcl_net popcl_callbacks_net;

#ifdef __cplusplus
}
#endif
#endif
