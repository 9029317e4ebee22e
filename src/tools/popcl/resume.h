/* SPDX-License-Identifier: MIT */
/* resume - the file of --resume: a session of TLS between two runs. It is as secret as the
 * password, and worth less: in doubt it is removed, and a run that cannot read or write it fetches
 * mail all the same. Knows no session and no TLS. */
#ifndef POPCL_CMD_RESUME_H
#define POPCL_CMD_RESUME_H

#include "options.h"
#include "popcl_tls.h"
#include "report.h"

typedef struct cmd_resume {
    popcl_resumable kept; /* for popcl_tls.resume */
    /* private */
    const char *path,
        *name; /* as given; NULL: without --resume. name: what stands behind its last slash */
    int dir;
    int is_there;                         /* there is a file, with */
    unsigned char blob[POPCL_RESUME_LEN]; /* this in it */
} cmd_resume;

/* Reads the file. Returns 0, also where there is none or it is damaged, which is said and put aside
 * as FILE.damaged; or an exit code after it said why: 66 or 78 where the file cannot or must not be
 * used (its kind, owner or mode), 73 where none can be created. */
int cmd_resume_open(cmd_resume *s, const cmd_options *o, cmd_report *r);

/* After the session. succeeded: what is kept may be written. A file that says something else, or
 * that no session stands behind any more, is replaced or removed. Failures are warnings. */
void cmd_resume_end(cmd_resume *s, int succeeded, cmd_report *r);

/* Wipes. A zeroed one is fine. */
void cmd_resume_close(cmd_resume *s);

#endif
