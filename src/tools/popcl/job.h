/* SPDX-License-Identifier: MIT */
/* job - the command's answers while a session runs: the messages to fetch, their places, their
 * fates. It joins options, record, store and report, and only the library calls it. It opens
 * nothing and ends nothing. A run may have more than one session (connections.h).
 *
 * If the server gives no UIDs, a message's name in the record is its identity (identity.h). It is
 * taken from TOP if it decides; otherwise from the message itself as it passes.
 *
 * A message that broke a session comes last: only if nothing else of the listing is wanted, or in a
 * session of its own. Then it is the only message that this session asks for. */
#ifndef POPCL_CMD_JOB_H
#define POPCL_CMD_JOB_H

#include "headers.h"
#include "identity.h"
#include "options.h"
#include "popcl_fetch.h"
#include "popcl_posix_store.h"
#include "recordfile.h"
#include "report.h"
#include "store.h"
#include "tls.h"

/* The identity of a message whose fate is still open. */
typedef struct cmd_named {
    uint32_t number;
    unsigned char identity[CMD_IDENTITY_OCTETS];
} cmd_named;

/* A message whose RETR was refused, as long as no other one came since. If the session ends now,
 * that message is the reason. */
typedef struct cmd_suspect {
    uint32_t number; /* 0 = no message */
    char name[POPCL_UID_MAX];
    size_t len;
} cmd_suspect;

#define CMD_AVOID_MAX 4u

/* A message in the store: its octets and its file. */
typedef struct cmd_placed {
    uint32_t number;
    uint64_t octets;
    char name[256];
} cmd_placed;

typedef struct cmd_job {
    const cmd_options *options;
    cmd_report *report;
    cmd_record_file *file;
    cmd_store *store;   /* used only if the action is to fetch */
    popcl_fetch *fetch; /* for queries to it */
    cmd_tls *tls;
    const volatile sig_atomic_t *stop; /* the signal that asked for an orderly shutdown, or 0 */
    uint32_t (*now_ms)(void *ctx);
    void *clock;
    /* results */
    int fresh;       /* --check: 1 once a new message is known */
    uint32_t listed; /* --list, --top and --dry-run: messages printed; --catch-up: noted */
    char disk[352];  /* the first failure of the store, in words; "" without */
    cmd_store_refusal refusal; /* the same of another program; its what "" = none */
    /* of the last session that asked for every message: */
    uint32_t oversize;      /* messages over --max-size */
    uint32_t untried;       /* messages that were not asked for because of an early end */
    popcl_err other;        /* the first failure of another kind; POPCL_OK = none came */
    uint32_t other_message; /* number of its message */
    uint32_t stored;        /* messages, each counted once */
    /* results of the session */
    popcl_err broken;  /* why the session broke inside a message; POPCL_OK = it did not */
    int alone;         /* 1 = it asked for only one message, which had broken a session before */
    int listing_ended; /* 1 = it saw a name, or the lack of one, for each message of the maildrop */
    uint32_t avoided;  /* messages without a name that broke a session of the run */
    /* private, of the run */
    unsigned sessions;
    uint32_t avoid[CMD_AVOID_MAX]; /* their numbers, which stay while nothing is deleted */
    int avoid_headers;             /* 1 = it broke when their header was asked for */
    int announced, told_no_uids, told_none_deleted;
    uint32_t whole; /* messages that came to their end, and octets of them */
    uint64_t whole_octets;
    /* private, of the session */
    uint64_t alone_hash; /* of the one message */
    cmd_suspect suspect;
    int deferred_headers; /* 1 = a message without UID is to come last */
    uint32_t complete;    /* messages that the store has, or will have at its next sync */
    uint32_t others;      /* messages of the listing that are wanted, and not to come last */
    uint32_t wanted;      /* messages of the run that came, or are to be fetched by the listing */
    cmd_identity reading;
    cmd_headers header; /* of --match and --since */
    int header_matches; /* the header that has just passed fulfils --match */
    uint64_t found;     /* bits of --uidl: messages that the listing has */
    const char *why;    /* of the last message that is not fetched, for --dry-run */
    cmd_placed
        placed[POPCL_STORE_GROUP]; /* --json: messages that the store has, whose fate comes */
    unsigned places;
    popcl_part part; /* the part that the sink gets, and its message */
    uint32_t number;
    char uid[POPCL_UID_MAX];
    size_t uid_len;
    const popcl_msg *message;
    uint64_t octets;
    int without_uid;
    cmd_named *named;
    size_t named_len, named_room;
    /* the message of the last STORED, if no DELE follows; its name is dropped next */
    uint32_t settled;
    uint32_t identified; /* messages of this session that have been identified by header */
    int candidate;       /* --check: new by its UID, while the listing is not complete */
} cmd_job;

/* Begins a session. alone: NULL, or the only message to ask for. */
void cmd_job_begin(cmd_job *j, const cmd_entry *alone);

/* For popcl_fetch_config: ctx and sink_ctx are the job. */
extern const popcl_sink cmd_job_sink;
unsigned cmd_job_decide(void *job, const popcl_msg *m, popcl_stage stage);
void cmd_job_listed(void *job, const popcl_msg *m);
void cmd_job_fate(void *job, const popcl_msg *m, popcl_fate what, popcl_err why);

/* Notes why a message is not fetched, a constant text, for --dry-run. Returns POPCL_SKIP. */
unsigned cmd_job_skip(cmd_job *j, const char *why);

/* Shows the progress if it is due. Returns the milliseconds until it is due again; UINT32_MAX = it
 * is never due. */
uint32_t cmd_job_show_progress(cmd_job *j);

/* Reports the server's abilities and its maildrop, once: called as soon as they are known, and at
 * the end. */
void cmd_job_announce(cmd_job *j, const popcl_diag *d);

/* The end of the session, before the record is saved. Gives the record the fates that concern the
 * whole session, and frees. */
void cmd_job_end(cmd_job *j, const popcl_diag *d);

#endif
