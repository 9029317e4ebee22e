/* SPDX-License-Identifier: MIT */
/* tls - the command's part of TLS: from the options to popcl_tls, with trust, clock and seed, and
 * from the result to words. It knows no session. */
#ifndef POPCL_CMD_TLS_H
#define POPCL_CMD_TLS_H

#include "anchors.h"
#include "blobfile.h"
#include "options.h"
#include "popcl_posix_trust.h"
#include "report.h"
#include "resume.h"
#include "tofu.h"

typedef struct cmd_tls {
    popcl_tls tls;
    popcl_tls_host_storage storage;
    popcl_posix_trust store; /* anchors that were read from files */
    popcl_trust trust;       /* the trust of the session, except with a signed set */
    cmd_blob blob;           /* of --ta-blob */
    cmd_resume resume;
    cmd_tofu tofu;
    const cmd_options *options;
    cmd_anchors anchors; /* read only to name the one that vouches */
    pop_chain chain;     /* of the server, for that */
    popcl_seed seed;
    char names[512]; /* see popcl_tls.names */
    int named;       /* -c or -C was given */
    int announced;
} cmd_tls;

/* Makes the seed, for SCRAM too. Prepares TLS if the options ask for it. Returns 0; or prints the
 * reason and returns an exit code. */
int cmd_tls_open(cmd_tls *t, const cmd_options *o, cmd_report *r);

/* Before a further session of the run: makes a new seed. */
void cmd_tls_begin_again(cmd_tls *t);

/* Prints the agreed TLS once, as details. May be called while the session runs. */
void cmd_tls_announce(cmd_tls *t, cmd_report *r);

/* After the session and before popcl_wipe: writes the special facts of this result, for
 * cmd_report_result; "" = there are no such facts. Prints details too. */
void cmd_tls_explain(cmd_tls *t, popcl_err e, cmd_report *r, char *text, size_t cap);

/* After popcl_wipe: keeps the session for the next run. succeeded: the run did. */
void cmd_tls_end(cmd_tls *t, int succeeded, cmd_report *r);

/* Returns the name that the IANA registered for a TLS alert; "" if there is no such name. */
const char *cmd_tls_alert_name(unsigned alert);

/* Returns the name of a curve with the text that separates it from the suite, or "". */
const char *cmd_tls_curve_name(unsigned curve);

/* Returns how many anchors are compiled in. */
size_t cmd_tls_compiled_anchors(void);

/* Wipes and frees. */
void cmd_tls_close(cmd_tls *t);

#endif
