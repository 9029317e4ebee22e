/* SPDX-License-Identifier: MIT */
/* events - the lines of --json: the steps of a run, an object a line on standard output.
 * docs/JSON.md has the members. It decides nothing: each caller reports what has happened. Without
 * --json the functions do nothing. The report itself writes the errors. */
#ifndef POPCL_CMD_EVENTS_H
#define POPCL_CMD_EVENTS_H

#include "options.h"
#include "popcl_tls.h"
#include "report.h"

/* The session has begun: its TLS, its login, its server's abilities and its maildrop. In clear text
 * all of tls is zero. */
void cmd_events_session(cmd_report *r, const cmd_options *o, const popcl_diag *d,
                        const popcl_tls_diag *tls, const char *mechanism, const char *capabilities);

/* A message of --list or --dry-run. action and reason may be NULL. */
void cmd_events_message(cmd_report *r, const popcl_msg *m, const char *action, const char *reason);

/* The fate of a message. octets and file are those of a stored one; file may be NULL. */
void cmd_events_fate(cmd_report *r, const popcl_msg *m, popcl_fate what, popcl_err why,
                     uint64_t octets, const char *file);

/* The results of a run, in its last line. */
typedef struct cmd_summary {
    uint32_t stored, deleted, unconfirmed, oversize, left, listed;
    int listing_reached, more, fresh;
} cmd_summary;
void cmd_events_summary(cmd_report *r, const cmd_options *o, const cmd_summary *s, int exit_code);

#endif
