/* SPDX-License-Identifier: MIT */
/* suite.h - what the cases of the conformance suite are written with: a guarded port, a peer in a
 * process of its own, and the words for a promise that was broken. A case is two functions: what
 * the client does through the port, and what the peer does meanwhile. */
#ifndef TESTS_PORT_SUITE_H
#define TESTS_PORT_SUITE_H

#include "port_under_test.h"

/* ---- the client's side ---- */

/* The context of the guarded port: the port's own, between canaries. */
typedef struct conn {
    void *ctx;
    unsigned char *room;
} conn;

/* The port, with every call watched: what it returns, what it writes beyond its buffers, and
 * whether it comes back. Its context is a conn. */
extern const popcl_net guarded;

typedef struct test {
    conn *c;         /* prepared, not open */
    uint16_t port;   /* where the peer listens */
    uint16_t closed; /* where nobody listens */
    int control;     /* to the peer */
} test;

const char *host(void); /* of the peer */
conn *new_conn(void);   /* one more connection */
void connect_to_peer(const test *t, conn *c);
void idle(uint32_t ms); /* lets time pass, and the port's stack run */
int vouches(conn *c);   /* whether the port vouches for TLS of this connection */
int left_open(void);    /* what is open now: descriptors, or what the port counts */
int settled(int most);  /* the same, once it is no more than that; -1: once it does not change. Some
                           transports end a connection a little later */
uint32_t now(const test *t);
void go(const test *t, uint32_t number); /* lets the peer's await return, with this */
void peer_is_done(const test *t); /* until the peer called tell, or ended; fails with what the peer
                                     found broken */
void shift_clock(
    uint32_t to_ms); /* from here on the guarded now_ms is shifted so that it shows this now */

/* A limit for calls that must end by themselves, and how much later than its limit a call may come
 * back: generously, as machines are loaded. */
#define LONG_MS  30000u
#define LATE(ms) ((ms)*10u + 2000u)

/* ---- octets that tell their place ---- */

unsigned char octet_at(uint32_t i);
void pattern(unsigned char *p, uint32_t from, size_t n);
/* Receives what is there, up to n octets in one call, and compares; waits if there is nothing.
 * Returns the place behind; *end gets EOF or FAILED when that came. */
uint32_t receive(conn *c, uint32_t at, size_t n, int32_t *end);
/* Sends octets from..to, n a call, waiting where need be; the buffer is overwritten after each
 * call. */
void send_all(conn *c, uint32_t from, uint32_t to, size_t n);
unsigned char *large_room(void); /* 2^30 octets, for both */
/* Waits until this is possible. */
void wait_for(conn *c, unsigned want);

/* ---- what was broken ---- */

typedef enum promise {
    /* open */
    OPEN_CONNECTS,
    OPEN_TRIES,
    OPEN_RETURNS,
    OPEN_LEAVES,
    OPEN_AGAIN,
    /* recv and send */
    NONE_BLOCKS,
    MOVES,
    RECV_ALL,
    IN_ORDER,
    SEND_IS_DONE,
    END_STAYS,
    IS_AGAIN,
    IS_FAILED,
    /* wait */
    WAITS,
    WAIT_RETURNS,
    WAIT_STOPS,
    /* the rest */
    CLOSES,
    CLOSES_ONCE,
    CLOCK,
    CODE,
    CTX,
    VOUCHES,
    RUN_ENDS,
    RUNS,
    PROMISES
} promise;

/* The sentence of popcl_net.h, and the function to look at. */
typedef struct promise_text {
    const char *sentence, *look_at;
} promise_text;
extern const promise_text promises[PROMISES];

/* Ends the case: which promise, the likely cause in a port, and what happened. */
void broken(promise p, const char *likely, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
#define must(what, ...)                                                                            \
    do {                                                                                           \
        if (!(what)) broken(__VA_ARGS__);                                                          \
    } while (0)

/* ---- the peer's side: blocking, in its own process ---- */

typedef struct peer {
    int listener, control;
} peer;

int peer_accept(const peer *p);
void peer_say(const peer *p, int fd, const void *octets, size_t n);
void peer_pattern(const peer *p, int fd, uint32_t from, uint32_t to);
void peer_expect(const peer *p, int fd, uint32_t from, uint32_t to); /* reads these and compares */
/* Reads until the client ends the connection: the pattern from `at`, as far as it comes. Closes. */
void peer_expect_end(const peer *p, int fd, uint32_t at);
void peer_reset(int fd);
/* With 1 the client's next recv waits until this is called with 0: the two processes run in any
 * order, and what is sent in between is then there at once. */
void peer_holds_client(int holds);
uint32_t peer_await(const peer *p); /* until the client's go; returns its number */
void peer_tell(const peer *p);
void peer_broken(const peer *p, promise which, const char *text) __attribute__((noreturn));

/* ---- cases ---- */

typedef struct port_case {
    const char *name;
    void (*client)(const test *t);
    void (*server)(const peer *p);
    const char *(*untried)(
        void); /* NULL: always tried; else why this port cannot be tried, or NULL */
} port_case;

extern const port_case open_cases[], recv_cases[], send_cases[], wait_cases[], close_cases[],
    run_cases[]; /* each ends with an empty one */

/* ---- faults: a port that is broken on purpose ---- */

typedef struct fault {
    const char *name;
    const char *red;   /* the cases that must fail then */
    popcl_net instead; /* the functions that replace the port's; of them NULL: as it is */
} fault;
extern const fault faults[]; /* ends with an empty one */
extern popcl_net real;       /* what a fault stands on: the port, its clock shifted */

/* What the process of a case tells the watchdog, which then knows where it hangs. */
typedef struct watched {
    volatile uint32_t calls;
    volatile uint32_t limit_ms;
    const char *volatile in;    /* the function that was called and did not return; NULL: none */
    const char *volatile doing; /* what the client waits for outside the port */
    volatile int held;          /* by peer_holds_client */
} watched;
extern watched *watch;

/* Puts f between the suite and the port; NULL: nothing. */
void break_port(const fault *f);

/* A socket on 127.0.0.1 at a port of its own, which is told; backlog -1: it does not listen. */
int peer_bind(uint16_t *is_at, int backlog);

#endif
