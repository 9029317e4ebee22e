/* SPDX-License-Identifier: MIT */
/* connections - the sessions of one run with the server: usually one, three at most. It joins
 * options, login, TLS, store and report to the job, and sums up the sessions. It does not
 * report how the run ended; main does.
 *
 *     every message ----broke inside one, which comes last now----> every other message
 *          |                                                             |
 *          '-- some are to come last ---> one of them, alone <-----------'
 *
 * A session whose token was refused is tried once more, with a fresh token.
 * Deletions that the end of a connection voided are made up for in the same way. A further
 * connection logs in under the same trust, within the same --max-time. One that fails before its
 * listing changes nothing: the rest is left for the next run. */
#ifndef POPCL_CMD_CONNECTIONS_H
#define POPCL_CMD_CONNECTIONS_H

#include <signal.h>

#include "job.h"
#include "login.h"
#include "options.h"
#include "popcl_posix.h"
#include "popcl_posix_store.h"
#include "recordfile.h"
#include "report.h"
#include "tls.h"

#define CMD_CONNECTIONS 3u
#define CMD_PLAN_OCTETS (8u << 20) /* 100,000 messages have room, and more */
#define CMD_WINDOW      8192u      /* commands in flight */
#define CMD_AHEAD_LEN   16384u
/* each server's records fit, and some hundred commands */
#define CMD_IOBUF_TLS (POPCL_IOBUF_DUPLEX + 3072u)

typedef struct cmd_connections {
    /* borrowed */
    const cmd_options *options;
    const cmd_login *login;
    /* NULL, or puts a fresh token into *login, and returns 0. Without one it reports that, and
     * returns another value. Called once at most, after the server refused a token. */
    int (*renew)(void *ctx);
    void *renew_ctx;
    cmd_tls *tls;
    cmd_report *report;
    cmd_record_file *file;
    cmd_store *store; /* opened again for a further connection; not open = nothing is stored */
    const volatile sig_atomic_t *stop; /* the signal that asked for an orderly shutdown, or 0 */
    /* results */
    popcl_diag diag;      /* of the session that decides how the run ended */
    char special[600];    /* facts that only TLS knows of it */
    uint32_t stored;      /* messages */
    uint32_t deleted;     /* confirmed by QUIT's +OK */
    uint32_t unconfirmed; /* deletions that no later session of the run made up for */
    uint32_t left;        /* messages that broke a session, and are still to be fetched */
    int listing_reached;  /* 1 = a session reached it */
    /* private */
    cmd_job job;
    popcl_fetch fetch;
    /* of the first session that broke inside a message; err 0 = no session did */
    popcl_diag broken;
    uint32_t began_ms;
    int is_renewed; /* the second token was asked for */
    int no_uids;    /* the last listing had no UIDs */
    int had_window; /* the last session could send commands ahead */
    unsigned char iobuf[CMD_IOBUF_MAX];
    unsigned char ahead[CMD_AHEAD_LEN]; /* records of TLS that came with the one before */
} cmd_connections;

/* Returns whether the only failure of a session is the answer to QUIT, which was sent. */
int cmd_connections_is_quit(const popcl_diag *d);

/* Begins the run: its --max-time counts from now on. All of c is zero. */
void cmd_connections_begin(cmd_connections *c, const cmd_options *options);

/* Returns the milliseconds that are left of it. */
uint32_t cmd_connections_time_left(const cmd_connections *c);

/* Runs the sessions. The run has begun, and the borrowed members are set. */
void cmd_connections_run(cmd_connections *c);

#endif
