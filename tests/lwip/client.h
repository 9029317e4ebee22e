/* SPDX-License-Identifier: MIT */
/* client - a whole session over popcl_lwip_raw in simulated time: job, store, lwIP and the far end
 * of its wire, with a POP3 server of tests/sim behind it. Any allocation of lwIP's and any of its
 * functions that the port calls can fail on order. Every session is held to what must always be
 * true; the first that is not stands in `fault`. */
#ifndef TESTS_LWIP_CLIENT_H
#define TESTS_LWIP_CLIENT_H

#include "drive.h"
#include "far.h"
#include "popcl_fetch.h"
#include "popcl_lwip_raw.h"
#include "popcl_tls.h"
#include "server.h"
#include "tls_client.h"
#include "tls_peer.h"

enum face { POLLED, WAITED, FACES };

enum { CLIENT_MESSAGES = 5 };

/* What happens at the n-th call, or turn of the main loop. */
typedef enum client_fault {
    NO_FAULT,
    /* at a call that allocates, or may */
    NO_MEMORY,
    NO_ROUTE, /* tcp_connect and the resolver fail for good, other calls for want of memory */
    /* at a turn */
    NETIF_REMOVED,
    LINK_DOWN,
    STOPPED,
    CLIENT_FAULTS
} client_fault;

typedef struct client {
    /* orders */
    enum face face;
    uint8_t security;
    const char *host;
    uint32_t connect_ms, idle_ms, total_ms;
    size_t take;      /* octets that the store takes in a turn of the main loop; 0: all */
    size_t record;    /* octets of text in a record of TLS, and in the record buffer; 0: 512 */
    uint32_t work_ms; /* the store works so long on what it is given, and no frame is looked at */
    int drives;       /* the store hands frames to lwIP while it works */
    unsigned burst;   /* packets that reach lwIP in a turn, 0: all that wait */
    client_fault fault_kind;
    uint32_t fault_at,
        fault_ms; /* the n-th call or turn, 0: none; and for so long from then on (0: once) */
    /* what came of it */
    uint32_t calls, turns, took_ms;
    unsigned stored, begun, aborted;
    uint32_t success_at;  /* octets that the server had said with its answer to QUIT */
    unsigned connections; /* that lwIP has at the end */
    uint32_t stored_at[CLIENT_MESSAGES]; /* octets of the server's that had reached lwIP */
    popcl_diag diag;
    char fault[200];
    drive *drive; /* NULL, or what is driven instead of a job of the client's */
    /* private */
    far_end far;
    sim_server server;
    tls_peer peer;
    int in_tls, open;
    popcl_lwip_raw net;
    popcl_fetch job;
    popcl_fetch_config cfg;
    popcl_tls tls;
    popcl_tls_public_storage storage;
    unsigned char iobuf[POPCL_IOBUF_SIZE(4096)], plan[400];
    size_t room, n;
    char message[200000];
    uint32_t fault_until;
    int faulting;
} client;

/* lwIP begins with the first. */
void client_init(client *c);
void client_free(client *c);

/* One session; returns its result. */
popcl_err client_session(client *c);

/* The same for an owner of drive.h, in clear. */
void client_drive(client *c, drive *d, enum drive_what what, int job);

/* Its parts, for other sequences: fills c->cfg; one turn of the main loop without popcl, of at most
 * so long. Returns 1 if the caller is to stop. */
void client_configure(client *c);
int client_turn(client *c, uint32_t limit_ms);

/* Lets lwIP run for some simulated time, without a job. */
void client_idle(client *c, uint32_t ms);

/* Lets lwIP forget what is closed, for a quarter of an hour at most. What it has then, beside what
 * it has at rest, is a fault. */
void client_settle(client *c);

void client_note(client *c, const char *format, ...);

#endif
