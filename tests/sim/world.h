/* SPDX-License-Identifier: MIT */
/* world - everything round a job, simulated: a transport over the server, with TLS in between where
 * it is wanted, a clock, a store that loses what is not durable, and a device that remembers what
 * it fetched. Every call that popcl makes is counted, and one of them (or all from it on) can fail
 * in a chosen way, or be the last before the power goes. Each run is held to the invariants; the
 * first broken one stands in `fault`. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <setjmp.h>

#include "popcl_fetch.h"
#include "popcl_net.h"
#include "popcl_seen.h"
#include "server.h"
#include "tls_client.h"
#include "tls_peer.h"
#include "window.h"

enum {
    WORLD_IOBUF = POPCL_IOBUF_SIZE(512),
    WORLD_PLAN = 400,
    WORLD_PLAN_ROOM = POPCL_PLAN_MIN_SCRAM,
    WORLD_STORED = 256,
    WORLD_SEEN = 64
};

enum session_kind { KEEP, DELETE_FETCHED, NEW_ONLY, KINDS };

/* How a call fails. */
enum fault_kind {
    NO_FAULT,
    /* the transport's recv, send and wait */
    NET_AGAIN,
    NET_ONE, /* one octet at most */
    NET_EOF,
    NET_FAILED,
    NET_TOO_MUCH, /* claims one octet more than there was room for [A18] */
    NET_GARBAGE,  /* an undefined negative value [A18] */
    NET_HUGE,     /* INT32_MAX */
    NET_ZERO,     /* send takes nothing [K10]; for recv that is EOF */
    NET_STOP,     /* wait: the caller wants an end */
    /* the clock */
    CLOCK_FORWARD, /* an hour */
    CLOCK_BACK,
    CLOCK_SLOW, /* the call takes 20 s [K6] */
    /* the sink */
    SINK_SHORT, /* data takes 0; commit and sync: AGAIN */
    SINK_FAIL,
    SINK_STOPS,
    SINK_UNKNOWN,
    /* the device */
    POWER_OFF,
    FAULTS
};

typedef struct stored {
    char uid[72];
    char *text;
    size_t n;
    uint32_t number;    /* in the session that brought it */
    int durable, fresh; /* fresh: of this session */
} stored;

typedef struct world {
    sim_server server;
    enum session_kind kind;
    int staging;  /* the store answers STAGED, and sync makes durable */
    size_t chunk; /* octets that recv and send move at most */
    int drips;    /* recv moves one octet */
    uint32_t total_ms;
    uint16_t passes;
    size_t plan_len;     /* up to WORLD_PLAN_ROOM; 0: what is left of the TLS storage */
    uint16_t auth;       /* POPCL_AUTH_*, of all mechanisms; 0: USER, or what popcl chooses */
    int refuse_login;    /* the server has another password */
    int long_secret;     /* it takes several records; with `auth` only */
    uint8_t security;    /* popcl_security */
    popcl_flight *ahead; /* a window in place of that of the environment, */
    uint16_t ahead_len;  /* and its length */
    int need_size;
    int remembers; /* a device that deletes keeps UIDs too, and deletes unfetched what is due */
    int compares;  /* the store drops a message that it has under the same UID */
    int may_shift; /* replies may be those to other commands. The device learns it later, and the
                      test judges what was deleted. 2: a reply may be stored as a message, or begin
                      one */
    int resumes;   /* the device keeps its session of TLS, and the server remembers it */
    /* orders for the transport in a session with TLS: 0 is never, else the n-th octet to the client
     */
    uint32_t flip_octet; /* has a wrong bit */
    uint32_t end_octet;  /* before it the connection ends */
    uint32_t hold_octet; /* before it nothing more comes */
    uint32_t cut_octet;  /* comes at the head of a segment */
    /* the fault */
    enum fault_kind fault_kind;
    uint32_t fault_at; /* the n-th call, 0: none */
    int for_ever;
    uint32_t calls;
    uint32_t login_from, login_to; /* the calls of a session between TLS, or open, and the end of
                                      the login */
    int login_checked;             /* memory was searched after it */
    int faulted;                   /* the call came, and failed */
    /* the transport and the clock */
    uint32_t now, started;
    int open, broken, opened, closed, quit_delivered;
    tls_peer peer;
    tls_sessions sessions;
    popcl_resumable kept;
    int in_tls;                /* the server waits for a ClientHello, or more came of it */
    uint32_t octets;           /* to the client */
    unsigned char clear[2048]; /* what the client sent before the handshake was complete */
    size_t clear_n;
    /* the store */
    stored store[WORLD_STORED];
    size_t store_n;
    int with_sink; /* 1: the last entry is being received */
    uint32_t headers;
    /* the device's memory: `saved` outlives a power failure */
    popcl_seen seen;
    unsigned char seen_memory[POPCL_SEEN_SIZE(WORLD_SEEN)];
    unsigned char saved[64 + POPCL_SEEN_ENTRY * WORLD_SEEN + 64];
    size_t saved_n, saved_at;
    int one_at_a_time; /* a session was unsure, or its replies did not match: no window any more */
    popcl_diag diag;   /* of the last session */
    /* the job */
    popcl_fetch job;
    popcl_fetch_config cfg;
    popcl_flight window[TEST_WINDOW_MAX];
    unsigned char iobuf[WORLD_IOBUF], plan[WORLD_PLAN_ROOM];
    popcl_tls tls;
    popcl_tls_host_storage storage;
    int secret_open, secret_released;
    uint32_t fates, marked;
    int fate_all;
    jmp_buf power;
    char fault[200];
} world;

void world_init(world *w, enum session_kind kind,
                int staging); /* with five messages in the maildrop */
void world_free(world *w);

/* One session, from start to wipe; returns its result. After a power failure: POPCL_ERR_COUNT_. */
popcl_err world_session(world *w);

/* Gives the device a session of TLS that the server knows, from another life: one for each way to
 * TLS, with the world's `security`. So many sessions need no full handshake each. */
void world_resume(world *w);

/* Returns whether a piece of the password is there, as it is or in base64. The state of HMAC-MD5
 * that the password leaves counts too. */
int world_holds_secret(const void *p, size_t n);

/* Returns whether the store has a text for good, under this UID. NULL: under any. */
int world_is_durable(const world *w, const char *uid, const char *text);

/* Sets the next session's fault; 0: none. */
void world_fail(world *w, enum fault_kind kind, uint32_t at, int for_ever);

/* Clean sessions until all is done; notes a fault if a message was lost or the store holds anything
 * that never was in the maildrop. */
void world_recover(world *w);

void world_note(world *w, const char *format, ...);

#endif
