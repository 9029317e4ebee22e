/* job - what the command answers while a session runs: which messages, where they go, what became
 * of them. It joins options, state, store and report, and is called by the library only; it opens
 * nothing and ends nothing.
 *
 * Where the server gives no UIDs, a message's name in the state is its identity (identity.h), taken
 * from TOP where that decides, else from the message itself as it passes. */
#ifndef POPCL_CMD_JOB_H
#define POPCL_CMD_JOB_H

#include "identity.h"
#include "options.h"
#include "popcl.h"
#include "popcl_posix.h"
#include "report.h"
#include "state.h"
#include "tls.h"

/* The identity of a message whose fate is still open. */
typedef struct cmd_named {
    uint32_t number;
    unsigned char identity[CMD_IDENTITY_OCTETS];
} cmd_named;

typedef struct cmd_job {
    const cmd_options *options;
    cmd_report *report;
    cmd_state *state;
    popcl_store_dir *store; /* NULL unless the action is to fetch */
    popcl *popcl;           /* for its queries */
    cmd_tls *tls;
    uint32_t (*now_ms)(void *ctx);
    void *clock;
    /* results */
    int fresh;       /* --check: 1 once a new message is known */
    uint32_t listed; /* --list: messages printed */
    char disk[352];  /* the first failure of the store, in words; "" without */
    /* private */
    cmd_identity reading;
    popcl_part part; /* what the sink is getting, of which message */
    uint32_t number;
    const popcl_msg *message;
    uint64_t octets;
    int without_uid;
    cmd_named *named;
    size_t named_len, named_room;
    uint32_t identified; /* messages of this session whose identity was taken */
    int candidate;       /* --check: new by its UID, and the listing is not complete */
    int announced, told_no_uids;
    uint32_t stored, drawn_ms;
    uint64_t stored_octets;
} cmd_job;

/* For popcl_config: ctx and sink_ctx are the job. */
extern const popcl_sink cmd_job_sink;
unsigned cmd_job_decide(void *job, const popcl_msg *m, popcl_stage stage);
void cmd_job_listed(void *job, const popcl_msg *m);
void cmd_job_fate(void *job, const popcl_msg *m, popcl_fate what, popcl_err why);

/* Says what the server offers and holds, once: called as soon as that is known, and at the end. */
void cmd_job_announce(cmd_job *j, const popcl_diag *d);

/* The end of the session, before the state is saved: tells the state whether its listing was whole,
 * and frees. */
void cmd_job_end(cmd_job *j, const popcl_diag *d);

#endif
