/* SPDX-License-Identifier: MIT */
/* run - one run of one case: what the driver (run.c), the callbacks of a job (job.c) and those of a
 * session (session.c), and the other side of TLS (secure.c) share. */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include "popcl_command.h"
#include "popcl_fetch.h"
#include "script.h"
#include "tls_client.h"
#include "window.h"

#define MESSAGES 65536u /* message numbers that the invariants are kept for */

/* How a run cuts time and octets. All runs of a case must give the same log. */
typedef struct mode {
    int each;        /* the server's octets come one by one */
    size_t turn, at; /* the turn that comes in two pieces, and where it is cut; at 0: none */
    int send_one;    /* the transport takes one octet at a time [A14] */
    int least;       /* with the least record buffer */
    int exact; /* buffers are blocks of just their size, for ASan and valgrind; else with canaries
                  around [I-8] */
    unsigned window; /* commands in flight; 0: as the case or the environment has it */
    int ahead;       /* the server offers PIPELINING: see ahead.c */
    int small_ticks; /* time passes from deadline to deadline, else in one jump */
    uint32_t clock;  /* what the clock starts at: it may wrap */
    int below; /* POPCL_TLS_BELOW: the transport vouches for TLS, and the octets are the same */
    /* with TLS of popcl's */
    uint8_t security;                          /* popcl_security */
    uint8_t profile;                           /* enum tls_profile */
    size_t iobuf;                              /* octets of the record buffer */
    size_t fragment, empty, handshake_records; /* how the server makes records: see tls_peer.h */
    const char *name;
} mode;

/* A buffer of the caller's. */
typedef struct block {
    unsigned char *all, *p;
    size_t n;
    int exact;
} block;

typedef struct run {
    const script *s;
    const mode *m;
    event_log log;
    char fault[200]; /* the first broken invariant or contract, "" if none */
    block it, iobuf, plan, storage;
    popcl *session; /* in `it`: all of it, or the job's */
    popcl_fetch_config cfg;
    popcl_flight window[TEST_WINDOW_MAX];
    popcl_sink sink;
    popcl_secret secret;
    uint32_t now;
    char line[8192]; /* of the command that is being sent */
    size_t line_n;
    size_t turn, turn_octets; /* octets of the turn that is cut */
    octets backlog;           /* what the server said and nobody read yet: it is paused */
    int quit_sent, quit_ok, wiped;
    int refused;  /* by start: nothing of the caller's was touched */
    uint32_t tag; /* of the last submit */
    /* of the sink */
    uint32_t open; /* number of the message that is with the sink, 0: none */
    uint8_t part;
    size_t offset;
    int commit_asked, sync_asked, secret_asked, secret_waited, secret_open;
    uint32_t staged[MESSAGES / 64]; /* numbers; 0: headers */
    size_t staged_n;
    int trouble;                   /* something went wrong that the result must not hide */
    unsigned char known[MESSAGES]; /* a set of: */
    char trace[3][2048];
    size_t trace_n[3];
    int connected;
    /* TLS */
    popcl_tls tls;
    int in_tls, opened;        /* the handshake has begun, and was complete */
    unsigned char clear[4096]; /* what the client sent before it was complete */
    size_t clear_n;
    char names[200];
} run;
enum known {
    DURABLE = 1,
    UNFETCHED = 2,
    ASKED_DELE = 4,
    TOLD_STORED = 8,
    TOLD_NOT_STORED = 16,
    TOLD_MARK = 32
};

/* Whether the transport vouches for TLS in this run. */
static inline int run_is_below(const run *r) { return r->m->below || r->s->below; }

/* Notes the first fault. */
void run_fault(run *r, const char *format, ...);

/* job.c: prepares r->cfg and starts the job; the diagnosis as `key value` lines, through check. */
popcl_err job_start(run *r);
size_t job_size(void);
void job_diagnosis(run *r, void (*tell)(run *r, const char *line));
void job_wipe(run *r);

/* session.c */
popcl_err session_start(run *r);
size_t session_size(void);
void session_submit(run *r, const char *text);
void session_diagnosis(run *r, void (*tell)(run *r, const char *line));

/* secure.c */
void secure_begin(run *r);
void secure_end(void);
void secure_handshake(run *r);
int secure_listen(run *r); /* returns whether it said anything */
void secure_swallow(run *r);
octets secure_records(const octets *text); /* what the server says, as records; to be freed */
octets
secure_step(run *r,
            const octets *line); /* does a `T:` line; the octets that it sends, to be freed */
int secure_take_octet(run *r,
                      unsigned char *octet); /* of what the client says; 0: it says nothing */
void secure_note_clear(run *r, const unsigned char *p, size_t n);
void secure_check_clear(run *r);
void secure_diagnosis(run *r, void (*tell)(run *r, const char *line));
void secure_save(void);
void secure_restore(void);

/* run.c: octets for the client, which may be paused. */
void run_deliver(run *r, const unsigned char *p, size_t n);
void run_server_says(run *r, const octets *text);
void run_play_step(run *r, const step *t);
int run_take_command(run *r); /* logs it, and leaves it in r->line; 0: there is none */

/* ahead.c: the server's side of a run with mode.ahead. Returns how many commands were in flight. */
size_t ahead_play(run *r);
/* Whether this line of the diagnosis is compared; NULL: the events. */
int ahead_compares(const run *r, const char *check);
/* Fills both logs with what is compared. Returns the first difference, or -1. */
long ahead_judge(run *r, event_log *expected, event_log *actual);

/* What both tell of a reply and of capabilities. */
void tell_caps(run *r, const popcl_caps *caps, void (*tell)(run *r, const char *line));
/* The secret's callback and the trace: set up by both. */
void run_secret(run *r);
void run_config(run *r, popcl_config *cfg);
void run_trace(void *ctx, popcl_trace kind, const char *p, size_t n);

#endif
