/* SPDX-License-Identifier: MIT */
/* blobfile - trust from a file with a signed set (popcl_blob.h). The file is read whole at the
 * start: a run that lasts uses the set that was there then. */
#ifndef POPCL_CMD_BLOBFILE_H
#define POPCL_CMD_BLOBFILE_H

#include "options.h"
#include "popcl_blob.h"
#include "report.h"
#include "signer.h"

/* Zeroed = no set. It must not move while it is in use. */
typedef struct cmd_blob {
    popcl_blob blob; /* blob.trust is the trust of the session */
    popcl_blob_policy policy;
    pop_signers signers;
    unsigned char *octets;
} cmd_blob;

/* Reads the set of --ta-blob, and judges it by --ta-key and --ta-scope. utc_s: the time, for a
 * warning if the set is stale. Returns 0; or prints the reason and returns an exit code. */
int cmd_blob_open(cmd_blob *b, const cmd_options *o, int64_t utc_s, cmd_report *r);

/* Frees and zeroes. */
void cmd_blob_close(cmd_blob *b);

#endif
