/* SPDX-License-Identifier: MIT */
/* tls - what the command does about TLS: from the options to popcl_tls, with whom to trust, the
 * clock and the seed; and from what became of it to words. Knows no session. */
#ifndef POPCL_CMD_TLS_H
#define POPCL_CMD_TLS_H

#include "options.h"
#include "popcl_posix_trust.h"
#include "report.h"
#include "resume.h"

typedef struct cmd_tls {
    popcl_tls tls;
    popcl_tls_host_storage storage;
    popcl_posix_trust store; /* what was read from files */
    popcl_trust trust;       /* what counts */
    cmd_resume resume;
    unsigned char seed[POPCL_SEED_MIN];
    char names[512]; /* see popcl_tls.names */
    int named;       /* -c or -C was given */
    int announced;
} cmd_tls;

/* Does nothing where the options ask for no TLS. Returns 0, or an exit code after it said why. */
int cmd_tls_open(cmd_tls *t, const cmd_options *o, cmd_report *r);

/* Before a further session of the run: a new seed. */
void cmd_tls_begin_again(cmd_tls *t);

/* TLS as it was agreed upon, once, to whom wants details. Callable while the session runs. */
void cmd_tls_announce(cmd_tls *t, cmd_report *r);

/* After the session and before popcl_wipe: what is special in this result, for cmd_report_result;
 * "" if nothing is. Tells details too. */
void cmd_tls_explain(cmd_tls *t, popcl_err e, cmd_report *r, char *text, size_t cap);

/* After popcl_wipe: what is to be kept for the next run. succeeded: the run did. */
void cmd_tls_end(cmd_tls *t, int succeeded, cmd_report *r);

/* Of a TLS alert the name that the IANA registered; "" for one that it did not. */
const char *cmd_tls_alert_name(unsigned alert);

/* How many anchors are compiled in. */
size_t cmd_tls_compiled_anchors(void);

/* Wipes and frees. */
void cmd_tls_close(cmd_tls *t);

#endif
